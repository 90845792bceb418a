"""Triplet attention of Misra, Nalamada, Arasanipalai and Hou.

"Rotate to Attend: Convolutional Triplet Attention Module", WACV 2021, https://arxiv.org/abs/2010.03045.
Written from the paper.
"""

import torch
from torch import nn


class TripletAttention(nn.Module):
    """Triplet attention (Misra et al., WACV 2021, arXiv 2010.03045): re-weights pairs of dimensions.

    (B, C, H, W) -> (B, C, H, W). For each two of the dimensions C, H and W, with the maxima and the means
    over the third::

        gate = sigmoid(norm(conv([maxima; means]))), one convolution with a square kernel
        out = x * (gate of C and W + gate of H and C + gate of H and W) / 3

    The convolutions see C as a length, so that ``c1`` and ``c2``, which have to be equal, change nothing.
    """

    def __init__(self, c1: int, c2: "int | None" = None, kernel_size: int = 7) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("kernel_size", kernel_size)):
            if type(value) is not int or value < 1:
                raise ValueError(f"TripletAttention: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"TripletAttention: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        if kernel_size % 2 == 0:
            raise ValueError(f"TripletAttention: kernel_size has to be odd, not {kernel_size}")
        self.cw = _TripletAttentionGate(kernel_size)
        self.hc = _TripletAttentionGate(kernel_size)
        self.hw = _TripletAttentionGate(kernel_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, re-weighted by the mean of three gates."""
        cw = self.cw(x.transpose(1, 2)).transpose(1, 2)
        hc = self.hc(x.transpose(1, 3)).transpose(1, 3)
        gate: torch.Tensor = (cw + hc + self.hw(x)) / 3
        return x * gate


class _TripletAttentionGate(nn.Module):
    """(B, D, M, N) -> (B, 1, M, N): the weights by the values along D."""

    def __init__(self, kernel_size: int) -> None:
        super().__init__()
        self.conv = _TripletAttentionSteps()
        self.conv.add_module("conv", nn.Conv2d(2, 1, kernel_size, padding=kernel_size // 2, bias=False))
        self.conv.add_module("bn", nn.BatchNorm2d(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The weights."""
        pooled = torch.cat([x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(self.conv(pooled))


class _TripletAttentionSteps(nn.Sequential):
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
