"""A module of the user's own whose name is nearly that of another."""

from torch import Tensor, nn


class SimAN(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x
