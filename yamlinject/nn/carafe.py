"""CARAFE, the content-aware reassembly of features of Wang, Chen, Xu, Liu, Loy and Lin.

"CARAFE: Content-Aware ReAssembly of FEatures", ICCV 2019, https://arxiv.org/abs/1905.02188. Written
from the paper.
"""

import torch
from torch import nn


class CARAFE(nn.Module):
    """CARAFE (Wang et al., ICCV 2019, arXiv 1905.02188): upsamples with kernels that the content tells.

    (B, C, H, W) -> (B, C, scale * H, scale * W). With a kernel for each of the new positions::

        kernels = softmax(encoder(compressor(x))), over the positions of a kernel
        out = the sum of the neighbours of its position in x, as much of each as its kernel says

    The compressor is a convolution of 1x1 to 64 channels, the encoder one of ``kernel_size`` - 2, and
    outside of the map are zeros, all as in the paper.
    """

    def __init__(self, c1: int, c2: "int | None" = None, scale: int = 2, kernel_size: int = 5) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("scale", scale), ("kernel_size", kernel_size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"CARAFE: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"CARAFE: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if kernel_size % 2 == 0:
            raise ValueError(f"CARAFE: kernel_size has to be odd to have a middle, not {kernel_size}")
        self.scale = scale
        self.kernel_size = kernel_size
        side = max(kernel_size - 2, 1)
        self.channel_compressor = nn.Conv2d(c1, 64, 1)
        self.content_encoder = nn.Conv2d(64, (kernel_size * scale) ** 2, side, padding=side // 2)
        nn.init.normal_(self.content_encoder.weight, std=0.001)  # about a mean of the neighbours at first
        self.content_encoder.bias = nn.Parameter(torch.zeros(self.content_encoder.out_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, enlarged."""
        batch, channels, height, width = x.shape
        side, scale = self.kernel_size, self.scale
        half = side // 2
        kernels = self.content_encoder(self.channel_compressor(x))
        kernels = kernels.reshape(batch, side * side, scale * scale, height, width)
        kernels = torch.softmax(kernels, dim=1).permute(0, 3, 4, 1, 2)
        padded = nn.functional.pad(x, [half, half, half, half]).permute(0, 2, 3, 1)
        neighbours = []
        for row in range(side):
            for column in range(side):
                neighbours.append(padded[:, row : row + height, column : column + width])
        out = torch.matmul(torch.stack(neighbours, dim=4), kernels)  # (B, H, W, C, scale * scale)
        out = out.permute(0, 3, 4, 1, 2).reshape(batch, channels * scale * scale, height, width)
        return nn.functional.pixel_shuffle(out, scale)
