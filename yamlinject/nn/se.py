"""Squeeze-and-Excitation of Hu, Shen and Sun.

"Squeeze-and-Excitation Networks", CVPR 2018, https://arxiv.org/abs/1709.01507. Written from the paper.
"""

import torch
from torch import nn


class SE(nn.Module):
    """Squeeze-and-Excitation (Hu et al., CVPR 2018, arXiv 1709.01507): re-weights channels by their means.

    (B, C, H, W) -> (B, C, H, W). With s the mean of each channel over H and W::

        out = x * sigmoid(W2 relu(W1 s + b1) + b2)

    W1 (``fc1``) leaves ``c1 / reduction`` channels, but at least 4, so that narrow models keep some.
    """

    def __init__(self, c1: int, c2: "int | None" = None, reduction: int = 16) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("reduction", reduction)):
            if type(value) is not int or value < 1:
                raise ValueError(f"SE: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"SE: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        hidden = max(c1 // reduction, 4)
        self.fc1 = nn.Conv2d(c1, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, c1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each channel re-weighted."""
        squeezed = x.mean(dim=[2, 3], keepdim=True)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(squeezed))))
