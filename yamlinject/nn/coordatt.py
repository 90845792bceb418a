"""CoordAtt, the coordinate attention of Hou, Zhou and Feng.

"Coordinate Attention for Efficient Mobile Network Design", CVPR 2021, https://arxiv.org/abs/2103.02907.
Written from the paper.
"""

import torch
from torch import nn


class CoordAtt(nn.Module):
    """Coordinate attention (Hou et al., CVPR 2021, arXiv 2103.02907): re-weights rows and columns.

    (B, C, H, W) -> (B, C, H, W). With the means of each row and of each column, side by side::

        rows, columns = split(hardswish(norm(W1 [row means; column means])))
        out = x * sigmoid(Wh rows) * sigmoid(Ww columns)

    W1 leaves ``c1 / reduction`` channels, but at least 8, as in the paper's own models.
    """

    def __init__(self, c1: int, c2: "int | None" = None, reduction: int = 32) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("reduction", reduction)):
            if type(value) is not int or value < 1:
                raise ValueError(f"CoordAtt: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"CoordAtt: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        hidden = max(c1 // reduction, 8)
        self.conv1 = nn.Conv2d(c1, hidden, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(hidden)
        self.act = nn.Hardswish()
        self.conv_h = nn.Conv2d(hidden, c1, 1)
        self.conv_w = nn.Conv2d(hidden, c1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, each row and each column of each channel re-weighted."""
        height = x.shape[2]
        row_means = x.mean(dim=3, keepdim=True)
        column_means = x.mean(dim=2, keepdim=True).transpose(2, 3)
        both = self.act(self.bn1(self.conv1(torch.cat([row_means, column_means], dim=2))))
        rows, columns = both[:, :, :height], both[:, :, height:].transpose(2, 3)
        return x * torch.sigmoid(self.conv_h(rows)) * torch.sigmoid(self.conv_w(columns))
