"""BRA, the bi-level routing attention of Zhu, Wang, Ke, Zhang and Lau.

"BiFormer: Vision Transformer with Bi-Level Routing Attention", CVPR 2023, https://arxiv.org/abs/2303.08810.
Written from the paper.
"""

import torch
from torch import nn


class BRA(nn.Module):
    """Bi-level routing attention (Zhu et al., CVPR 2023, arXiv 2303.08810): between regions that fit.

    (B, C, H, W) -> (B, C, H, W). With q, k, v = Wqkv x, for ``n_win`` times ``n_win`` regions of the map::

        routed = the topk regions whose mean of k has the largest product with the region's mean of q
        out = Wo (softmax(q' k / sqrt(C)) v + conv(v)), over the positions of the routed regions

    The softmax is one for each of ``num_heads`` groups of channels, or of the next smaller number that
    divides ``c1``; conv is one of 5x5 for each channel. A region has ceil(H / n_win) rows and
    ceil(W / n_win) columns. Where these do not fill the map, the last regions are smaller or empty, and
    what is not there takes part in no mean and no softmax. It is costly on large maps: each position sees
    topk / n_win**2 of all others. The authors' own models have n_win 16 for detection, 7 for small images.
    """

    def __init__(
        self, c1: int, c2: "int | None" = None, num_heads: int = 8, n_win: int = 16, topk: int = 4
    ) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        given = (("c1", c1), ("c2", c2), ("num_heads", num_heads), ("n_win", n_win), ("topk", topk))
        for name, value in given:
            if type(value) is not int or value < 1:
                raise ValueError(f"BRA: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"BRA: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if topk > n_win**2:
            raise ValueError(f"BRA: n_win {n_win} makes {n_win**2} regions, fewer than topk, {topk}")
        self.num_heads = max(n for n in range(1, num_heads + 1) if c1 % n == 0)
        self.n_win = n_win
        self.topk = topk
        self.lepe = nn.Conv2d(c1, c1, 5, padding=2, groups=c1)
        self.qkv_linear = nn.Conv2d(c1, 3 * c1, 1)
        self.output_linear = nn.Conv2d(c1, c1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """For each position, what those of the routed regions tell."""
        batch, channels, height, width = x.shape
        side, heads, topk = self.n_win, self.num_heads, self.topk
        count, size = side * side, channels // heads
        tall, wide = (height + side - 1) // side, (width + side - 1) // side
        slots = tall * wide
        # the position that each slot of each region has, and whether there is one
        edges = torch.arange(side, device=x.device).reshape(-1, 1)
        rows = (edges * tall + torch.arange(tall, device=x.device)).reshape(side, 1, -1, 1)
        columns = (edges * wide + torch.arange(wide, device=x.device)).reshape(1, side, 1, -1)
        there = ((rows < height) & (columns < width)).reshape(count, -1)
        position = (rows.clamp(max=height - 1) * width + columns.clamp(max=width - 1)).flatten()
        q, k, v = self.qkv_linear(x).chunk(3, dim=1)
        parts = []
        for each in (q, k, v):  # (B, regions, slots, C)
            each = each.flatten(2).transpose(1, 2).index_select(1, position)
            parts.append(each.reshape(batch, count, -1, channels))
        queries, keys, values = parts

        widest = torch.promote_types(x.dtype, torch.float32)  # sums of many values
        numbers = there.sum(dim=1)
        means = []
        for each in (queries, keys):
            each = each.detach().to(widest).masked_fill(~there.unsqueeze(2), 0)
            means.append(each.sum(dim=2) / numbers.clamp(min=1).unsqueeze(1))
        fit = torch.matmul(means[0], means[1].transpose(1, 2)).masked_fill(numbers == 0, float("-inf"))
        routed = fit.topk(topk, dim=2).indices
        known = there.index_select(0, routed.flatten()).reshape(batch, count, 1, 1, -1)
        routed = routed + count * torch.arange(batch, device=x.device).reshape(-1, 1, 1)
        keys = keys.flatten(0, 1).index_select(0, routed.flatten())
        values = values.flatten(0, 1).index_select(0, routed.flatten())
        queries = queries.reshape(batch, count, -1, heads, size).transpose(2, 3)
        keys = keys.reshape(batch, count, -1, heads, size).permute(0, 1, 3, 4, 2)
        values = values.reshape(batch, count, -1, heads, size).transpose(2, 3)
        scores = torch.matmul(queries * channels**-0.5, keys).masked_fill(~known, float("-inf"))
        out = torch.matmul(torch.softmax(scores, dim=4), values)  # (B, regions, heads, slots, C / heads)

        out = out.transpose(2, 3).reshape(batch, -1, channels)
        row = torch.arange(height, device=x.device).unsqueeze(1)
        column = torch.arange(width, device=x.device)
        above = torch.div(row, tall, rounding_mode="floor")
        left = torch.div(column, wide, rounding_mode="floor")
        slot = (above * side + left) * slots + (row - above * tall) * wide + column - left * wide
        out = out.index_select(1, slot.flatten()).transpose(1, 2).reshape(batch, channels, height, width)
        result: torch.Tensor = self.output_linear(self.lepe(v) + out)
        return result
