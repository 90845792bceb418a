"""GAM, the global attention mechanism of Liu, Shao and Hoffmann.

"Global Attention Mechanism: Retain Information to Enhance Channel-Spatial Interactions", 2021,
https://arxiv.org/abs/2112.05561. Written from the paper.
"""

import torch
from torch import nn


class GAM(nn.Module):
    """GAM (Liu et al., 2021, arXiv 2112.05561): re-weights channels, then positions, without pooling.

    (B, C, H, W) -> (B, C, H, W). With the channels of each position for themselves, and then with the
    neighbourhood of each position::

        x = x * sigmoid(W2 relu(W1 x + b1) + b2)
        out = x * sigmoid(norm(conv(relu(norm(conv(x)))))), two convolutions with square kernels

    W1 and the first convolution leave ``c1 / reduction`` channels, but at least 4, so that narrow models
    keep some. It is large: with the defaults about 25 parameters for each pair of channels.
    """

    def __init__(self, c1: int, c2: "int | None" = None, reduction: int = 4, kernel_size: int = 7) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("reduction", reduction), ("kernel_size", kernel_size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"GAM: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"GAM: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if kernel_size % 2 == 0:
            raise ValueError(f"GAM: kernel_size has to be odd to have a middle, not {kernel_size}")
        hidden, padding = max(c1 // reduction, 4), kernel_size // 2
        self.channel_attention = nn.Sequential(nn.Linear(c1, hidden), nn.ReLU(), nn.Linear(hidden, c1))
        self.spatial_attention = _GAMSteps(
            nn.Conv2d(c1, hidden, kernel_size, padding=padding, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, c1, kernel_size, padding=padding, bias=False),
            nn.BatchNorm2d(c1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each channel and then each position re-weighted."""
        gate = self.channel_attention(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        x = x * torch.sigmoid(gate)
        return x * torch.sigmoid(self.spatial_attention(x))


class _GAMSteps(nn.Sequential):
    """Layers one after the other, of which a norm also trains on one value: by its running statistics."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the last layer gives."""
        alone = self.training and x.shape[0] * x.shape[2] * x.shape[3] == 1
        for step in self:
            if isinstance(step, nn.BatchNorm2d):
                if alone:
                    mean, var = step.running_mean, step.running_var
                    x = nn.functional.batch_norm(x, mean, var, step.weight, step.bias, eps=step.eps)
                else:
                    x = step(x)
            else:
                x = step(x)
        return x
