"""DySample, the dynamic upsampling of Liu, Lu, Fu and Cao.

"Learning to Upsample by Learning to Sample", ICCV 2023, https://arxiv.org/abs/2308.15085. Written from the
paper.
"""

import torch
from torch import nn


class DySample(nn.Module):
    """DySample (Liu et al., ICCV 2023, arXiv 2308.15085): upsamples by points that the content tells.

    (B, C, H, W) -> (B, C, scale * H, scale * W). With a point in x for each of the new positions::

        point = (position + 0.5) / scale - 0.5 + 0.25 (W x + b), for each group of channels
        out = x at that point, bilinear between the four positions around it

    A point outside of the map is moved to its border. There are ``groups`` groups, or the next smaller
    number of them that divides ``c1``. It begins as a bilinear upsampling.
    """

    def __init__(self, c1: int, c2: "int | None" = None, scale: int = 2, groups: int = 4) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("scale", scale), ("groups", groups)):
            if type(value) is not int or value < 1:
                raise ValueError(f"DySample: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"DySample: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        self.scale = scale
        self.groups = max(n for n in range(1, groups + 1) if c1 % n == 0)
        self.offset = nn.Conv2d(c1, 2 * self.groups * scale * scale, 1)
        nn.init.normal_(self.offset.weight, std=0.001)
        self.offset.bias = nn.Parameter(torch.zeros(self.offset.out_channels))
        steps = (torch.arange(scale) + 0.5) / scale - 0.5
        places = torch.stack([steps.repeat(scale), steps.repeat_interleave(scale)])  # columns, rows
        self.register_buffer("init_pos", places.repeat(1, self.groups).reshape(1, -1, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, enlarged."""
        batch, channels, height, width = x.shape
        wide = torch.promote_types(x.dtype, torch.float32)  # half precision has not all positions
        offset = self.offset(x) * 0.25 + self.init_pos.to(wide)
        columns, rows = offset.chunk(2, dim=1)
        columns = columns + torch.arange(width, device=x.device).to(wide)
        rows = rows + torch.arange(height, device=x.device).to(wide).unsqueeze(1)
        columns = nn.functional.pixel_shuffle(columns, self.scale).clamp(0, width - 1)  # (B, groups, ...)
        rows = nn.functional.pixel_shuffle(rows, self.scale).clamp(0, height - 1)
        left, top = columns.detach().long().clamp(0, width - 1), rows.detach().long().clamp(0, height - 1)
        right, low = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
        # a position per line: picked lines can be trained in deterministic mode, which grid_sample cannot
        lines = x.reshape(batch * self.groups, channels // self.groups, height * width)
        lines = lines.transpose(1, 2).reshape(batch * self.groups * height * width, -1)
        first = torch.arange(batch * self.groups, device=x.device).reshape(batch, self.groups, 1, 1)
        out = torch.zeros(1, device=x.device, dtype=wide)
        for row, share in ((top, 1 - (rows - top)), (low, rows - top)):
            for column, part in ((left, 1 - (columns - left)), (right, columns - left)):
                picked = ((first * height + row) * width + column).flatten()
                out = out + lines.index_select(0, picked) * (share * part).reshape(-1, 1)
        out = out.reshape(batch * self.groups, -1, channels // self.groups).transpose(1, 2)
        out = out.reshape(batch, channels, height * self.scale, width * self.scale)
        return out.to(x.dtype)
