"""What comes of a verification: two models, measured, and what is wrong with the one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yamlinject.verification.measure import Latency


@dataclass(frozen=True)
class Measured:
    """What one model has, and what it gives for one image.

    ``gflops``: 1e9 operations of a forward pass, including the attention's, which profilers count as zero.
    ``eval_shapes``, ``train_shapes``: the shapes of all tensors of the output in that mode.
    """

    name: str
    layers: int
    parameters: int
    gflops: float
    strides: list[int]
    eval_shapes: list[list[int]]
    train_shapes: list[list[int]]


@dataclass(frozen=True)
class Attention:
    """One attention module as built; ``gflops`` are the operations that profilers count as zero.

    ``e_lambda``: the value that a SimAM really works with, found from its output for a random input; None
    for other modules, and if no such value explains the output. ``effective``: whether it re-weights some
    values differently from others.
    """

    layer: int
    module: str
    channels: int
    parameters: int
    gflops: float
    e_lambda: float | None
    effective: bool


@dataclass(frozen=True)
class Replaced:
    """A layer with another module than the base: ``before`` is that one, ``index_before`` its index."""

    layer: int
    module: str
    parameters: int
    index_before: int
    before: str
    parameters_before: int


@dataclass
class Verification:
    """Two models side by side; ``problems`` says what is wrong with the config's, a line each.

    ``equal``: whether the outputs are the base's once the attention is replaced by identities, the base's
    modules are back in the place of those that replaced them, and its weights are transferred; ``proven``:
    whether that base is also known to be right. ``latency``: the time of a forward pass of both.
    """

    framework: str
    image_size: int
    base: Measured
    config: Measured
    attention: list[Attention]
    latency: Latency | None
    replaced: list[Replaced] = field(default_factory=list)
    equal: bool = False
    proven: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
