"""ECA, the efficient channel attention of Wang, Wu, Zhu, Li, Zuo and Hu.

"ECA-Net: Efficient Channel Attention for Deep Convolutional Neural Networks", CVPR 2020,
https://arxiv.org/abs/1910.03151. Written from the paper.
"""

import torch
from torch import nn


class ECA(nn.Module):
    """ECA (Wang et al., CVPR 2020, arXiv 1910.03151): re-weights channels by the means of their neighbours.

    (B, C, H, W) -> (B, C, H, W). With s the mean of each channel over H and W::

        out = x * sigmoid(conv(s)), one convolution along the channels, without bias

    Its kernel grows with the channels: (log2(C) + b) / gamma, cut to an integer, and the next odd number.
    """

    def __init__(self, c1: int, c2: "int | None" = None, gamma: int = 2, b: int = 1) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("gamma", gamma), ("b", b)):
            if type(value) is not int or value < 1:
                raise ValueError(f"ECA: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"ECA: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        log2 = c1.bit_length() - 1  # rounded down, which the division of integers does anyway
        kernel = (log2 + b) // gamma | 1
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each channel re-weighted."""
        means = x.mean(dim=[2, 3]).unsqueeze(1)
        return x * torch.sigmoid(self.conv(means)).squeeze(1).unsqueeze(-1).unsqueeze(-1)
