"""SimAM in the size of a tutorial, for ``yamlinject register --plain``: the formula and nothing else."""

import torch
from torch import nn


class SimAM(nn.Module):
    """SimAM (Yang et al., ICML 2021, PMLR v139, yang21o) re-weights values by how far they stand out.

    c1 and c2 are channels, which stay the same; a c2 that is no integer is e_lambda, as in a row [C, 0.1].
    """

    def __init__(self, c1: "int | None" = None, c2: "float | None" = None, e_lambda: float = 1e-4) -> None:
        super().__init__()
        self.e_lambda = float(e_lambda if c2 is None or isinstance(c2, int) else c2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, re-weighted."""
        size = x.shape[2] * x.shape[3]
        n = size - 1 + 2 // (size + 1)  # size - 1, but 1 for a single value
        values = x.to(torch.promote_types(x.dtype, torch.float32))  # squares overflow half precision
        d = (values - values.mean(dim=[2, 3], keepdim=True)).pow(2)
        y = d / (4 * (d.sum(dim=[2, 3], keepdim=True) / n + self.e_lambda)) + 0.5
        return (values * torch.sigmoid(y)).to(x.dtype)
