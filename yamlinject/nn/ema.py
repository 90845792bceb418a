"""EMA, the efficient multi-scale attention of Ouyang, He, Zhang, Luo, Guo, Zhan and Huang.

"Efficient Multi-Scale Attention Module with Cross-Spatial Learning", ICASSP 2023,
https://arxiv.org/abs/2305.13563. Written from the paper.
"""

import torch
from torch import nn


class EMA(nn.Module):
    """EMA (Ouyang et al., ICASSP 2023, arXiv 2305.13563): re-weights positions, in each group of channels.

    (B, C, H, W) -> (B, C, H, W). For each group of channels x, with the same weights for all groups::

        rows, columns = sigmoid(split(W1 [row means; column means] + b1))
        fine, coarse = norm(x * rows * columns), conv3x3(x)
        out = x * sigmoid(softmax(mean(fine)) coarse + softmax(mean(coarse)) fine)

    The norm is that of each channel's map, the means there are over H and W, and the softmax and the two
    products run over the channels. There are ``factor`` groups, or the next smaller number of them that
    divides ``c1``.
    """

    def __init__(self, c1: int, c2: "int | None" = None, factor: int = 8) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("factor", factor)):
            if type(value) is not int or value < 1:
                raise ValueError(f"EMA: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"EMA: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        self.groups = max(n for n in range(1, factor + 1) if c1 % n == 0)
        width = c1 // self.groups
        self.gn = nn.GroupNorm(width, width)
        self.conv1x1 = nn.Conv2d(width, width, 1)
        self.conv3x3 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each position of each group of channels re-weighted."""
        batch, channels, height, width = x.shape
        groups = x.reshape(batch * self.groups, channels // self.groups, height, width)
        row_means = groups.mean(dim=3, keepdim=True)
        column_means = groups.mean(dim=2, keepdim=True).transpose(2, 3)
        both = torch.sigmoid(self.conv1x1(torch.cat([row_means, column_means], dim=2)))
        rows, columns = both[:, :, :height], both[:, :, height:].transpose(2, 3)
        norm = self.gn  # called as a function, which takes maps of one value in training too
        fine = torch.group_norm(groups * rows * columns, norm.num_groups, norm.weight, norm.bias, norm.eps)
        coarse = self.conv3x3(groups)
        gate = self._weighted(fine, coarse) + self._weighted(coarse, fine)
        gate = torch.sigmoid(gate).reshape(batch, self.groups, 1, height, width)
        gate = gate.expand(-1, -1, channels // self.groups, -1, -1).reshape(batch, channels, height, width)
        return x * gate

    def _weighted(self, weights: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """The sum of the channels of ``values``, each as much as the mean of ``weights`` tells."""
        means = torch.softmax(weights.mean(dim=[2, 3]), dim=1)
        return torch.matmul(means.unsqueeze(1), values.flatten(2))
