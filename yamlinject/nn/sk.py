"""SK, the selective kernel unit of Li, Wang, Hu and Yang.

"Selective Kernel Networks", CVPR 2019, https://arxiv.org/abs/1903.06586. Written from the paper.
"""

import torch
from torch import nn


class SK(nn.Module):
    """Selective kernel (Li et al., CVPR 2019, arXiv 1903.06586): weighs two convolutions by channel.

    (B, C, H, W) -> (B, C, H, W). With s the mean of each channel over H and W::

        small, large = relu(norm(conv3x3(x))), relu(norm(conv3x3 with dilation 2 (x)))
        z = relu(norm(W s)), where s is that of small + large
        out = a * small + b * large, where (a, b) = softmax((A z, B z))

    The convolutions are in ``groups`` groups, or the next smaller number of them that divides ``c1``. W
    leaves ``c1 / reduction`` channels, but at least 32, as in the paper.
    """

    def __init__(self, c1: int, c2: "int | None" = None, reduction: int = 16, groups: int = 32) -> None:
        super().__init__()
        c2 = c1 if c2 is None else c2
        for name, value in (("c1", c1), ("c2", c2), ("reduction", reduction), ("groups", groups)):
            if type(value) is not int or value < 1:
                raise ValueError(f"SK: {name} has to be a positive integer, not {value!r}")
        if c1 != c2:
            raise ValueError(f"SK: the channels stay the same, but c1 is {c1} and c2 is {c2}")
        groups = max(n for n in range(1, groups + 1) if c1 % n == 0)
        self.paths = nn.ModuleList()
        for dilation in (1, 2):
            path = _SKSteps()
            conv = nn.Conv2d(c1, c1, 3, padding=dilation, dilation=dilation, groups=groups, bias=False)
            path.add_module("conv", conv)
            path.add_module("bn", nn.BatchNorm2d(c1))
            path.add_module("act", nn.ReLU())
            self.paths.append(path)
        hidden = max(c1 // reduction, 32)
        self.attn = _SKSteps()
        self.attn.add_module("fc_reduce", nn.Conv2d(c1, hidden, 1, bias=False))
        self.attn.add_module("bn", nn.BatchNorm2d(hidden))
        self.attn.add_module("act", nn.ReLU())
        self.attn.add_module("fc_select", nn.Conv2d(hidden, 2 * c1, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The weighted sum of the two convolutions of ``x``."""
        small, large = self.paths[0](x), self.paths[1](x)
        squeezed = (small + large).mean(dim=[2, 3], keepdim=True)
        a, b = self.attn(squeezed).chunk(2, dim=1)
        share: torch.Tensor = torch.sigmoid(a - b)  # the softmax of two
        out: torch.Tensor = share * small + (1 - share) * large
        return out


class _SKSteps(nn.Sequential):
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
