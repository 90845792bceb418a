"""Shuffle attention of Zhang and Yang.

"SA-Net: Shuffle Attention for Deep Convolutional Neural Networks", ICASSP 2021,
https://arxiv.org/abs/2102.00240. Written from the paper.
"""

import torch
from torch import nn


class ShuffleAttention(nn.Module):
    """Shuffle attention (Zhang and Yang, ICASSP 2021, arXiv 2102.00240): re-weights channels and positions.

    (B, C, H, W) -> (B, C, H, W). For the two halves of each group of channels, with the same weights for
    all groups::

        first = first * sigmoid(W1 mean(first) + b1)
        second = second * sigmoid(W2 norm(second) + b2)
        out = shuffle([first; second])

    W and b have a value per channel, the norm is that of each channel's map, and the shuffle interleaves
    the two halves of all channels: pretrained layers below have to learn their order anew. There
    are ``groups`` groups, or the next smaller number of them whose halves divide ``c1``.
    """

    def __init__(self, c1: int, c2: "int | None" = None, groups: int = 64) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("groups", groups)):
            if type(value) is not int or value < 1:
                raise ValueError(f"ShuffleAttention: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"ShuffleAttention: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if c1 % 2:
            raise ValueError(f"ShuffleAttention: c1 has to be even to have two halves, not {c1}")
        self.groups = max(n for n in range(1, groups + 1) if c1 % (2 * n) == 0)
        half = c1 // (2 * self.groups)
        self.cweight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.cbias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.sweight = nn.Parameter(torch.zeros(1, half, 1, 1))
        self.sbias = nn.Parameter(torch.ones(1, half, 1, 1))
        self.gn = nn.GroupNorm(half, half)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, re-weighted, in another order of channels."""
        batch, channels, height, width = x.shape
        groups = x.reshape(batch * self.groups, channels // self.groups, height, width)
        first, second = groups.chunk(2, dim=1)
        gate = torch.sigmoid(self.cweight * first.mean(dim=[2, 3], keepdim=True) + self.cbias)
        first = first * gate.to(x.dtype)  # autocast leaves parameters in float32
        norm = self.gn  # called as a function, which takes maps of one value in training too
        normed = torch.group_norm(second, norm.num_groups, norm.weight, norm.bias, norm.eps)
        second = second * torch.sigmoid(self.sweight * normed + self.sbias).to(x.dtype)
        out = torch.cat([first, second], dim=1).reshape(batch, 2, channels // 2, height, width)
        out = out.transpose(1, 2).reshape(batch, channels, height, width)
        if x.is_contiguous(memory_format=torch.channels_last):
            out = out.contiguous(memory_format=torch.channels_last)
        return out
