"""CBAM, the convolutional block attention module of Woo, Park, Lee and Kweon.

"CBAM: Convolutional Block Attention Module", ECCV 2018, https://arxiv.org/abs/1807.06521. Written from the
paper.
"""

import torch
from torch import nn


class CBAM(nn.Module):
    """CBAM (Woo et al., ECCV 2018, arXiv 1807.06521): re-weights channels, then positions.

    (B, C, H, W) -> (B, C, H, W). First with the means and maxima of each channel over H and W, then with
    those of each position over the channels::

        x = x * sigmoid(mlp(mean(x)) + mlp(max(x))), where mlp(v) = W2 relu(W1 v)
        out = x * sigmoid(conv([mean(x); max(x)])), one convolution with a square kernel

    W1 leaves ``c1 / reduction`` channels, but at least 4, so that narrow models keep some.
    """

    def __init__(self, c1: int, c2: "int | None" = None, reduction: int = 16, kernel_size: int = 7) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("reduction", reduction), ("kernel_size", kernel_size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"CBAM: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"CBAM: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if kernel_size % 2 == 0:
            raise ValueError(f"CBAM: kernel_size has to be odd to have a middle, not {kernel_size}")
        hidden = max(c1 // reduction, 4)
        self.fc1 = nn.Conv2d(c1, hidden, 1, bias=False)
        self.fc2 = nn.Conv2d(hidden, c1, 1, bias=False)
        self.conv = nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each channel and then each position re-weighted."""
        means, maxima = x.mean(dim=[2, 3], keepdim=True), x.amax(dim=[2, 3], keepdim=True)
        hidden = torch.relu(self.fc1(means)) + torch.relu(self.fc1(maxima))
        x = x * torch.sigmoid(self.fc2(hidden))  # W2 is linear: W2 a + W2 b = W2 (a + b)
        means, maxima = x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
        return x * torch.sigmoid(self.conv(torch.cat([means, maxima], dim=1)))
