"""BiFPN_Concat: the fast normalized fusion of Tan, Pang and Le, of layers that are concatenated.

"EfficientDet: Scalable and Efficient Object Detection", CVPR 2020, https://arxiv.org/abs/1911.09070.
Written from the paper.
"""

import torch
from torch import nn


class BiFPN_Concat(nn.Module):
    """Fast normalized fusion (Tan et al., CVPR 2020, arXiv 1911.09070): a Concat of weighted layers.

    ``inputs`` times (B, C_i, H, W) -> (B, sum of C_i, H, W). With one weight w_i for each layer x_i::

        out = [relu(w_1) x_1; relu(w_2) x_2; ...] / (0.0001 + sum of relu(w_j))

    The paper adds the layers, which needs the same channels in all of them; so it can stand for any Concat.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        if type(inputs) is not int or inputs < 1:
            raise ValueError(f"BiFPN_Concat: inputs has to be a positive integer, not {inputs!r}")
        self.inputs = inputs
        self.weight = nn.Parameter(torch.ones(inputs))  # a name that YOLOv5's optimizers all look for

    def forward(self, x: "list[torch.Tensor]") -> torch.Tensor:
        """The layers ``x``, weighted, along the channels."""
        if len(x) != self.inputs:
            raise ValueError(
                f"BiFPN_Concat: made for {self.inputs} inputs, and the row reads {len(x)}: write [{len(x)}]"
            )
        weights = torch.relu(self.weight)
        weights = weights / (0.0001 + weights.sum())
        parts = []
        for position, layer in enumerate(x):
            parts.append(layer * weights[position])
        return torch.cat(parts, dim=1)
