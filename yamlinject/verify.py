"""Proof that a config builds and means what it should: its model next to that of its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from yamlinject import graph, provenance, recipes
from yamlinject.layer import Layer

if TYPE_CHECKING:
    from torch import Tensor, nn

    from yamlinject.config import Config
    from yamlinject.frameworks.framework import Framework


@dataclass(frozen=True)
class Measured:
    """What one model has, and what it gives for one image.

    ``gflops``: 1e9 operations of a forward pass, with the attention's own, which profilers count as zero.
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

    ``e_lambda``: the value that a SimAM really works with, found from what it gives for a random input;
    None for other modules, and where the output follows no such value.
    """

    layer: int
    module: str
    channels: int
    parameters: int
    gflops: float
    e_lambda: float | None


@dataclass
class Verification:
    """Two models side by side; ``problems`` says what is wrong with the config's, a line each.

    ``equal``: whether the outputs are the base's once the attention is replaced by identities and the
    base's weights are carried over. ``latency``: time of a forward pass over that of the base.
    """

    framework: str
    image_size: int
    base: Measured
    config: Measured
    attention: list[Attention]
    latency: float | None
    equal: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class _Without(NamedTuple):
    """A config without its attention; ``moved`` is where each of its layers stands in the full one."""

    config: Config
    moved: list[int]

    @property
    def attention(self) -> list[int]:
        """The indices of the attention layers in the full config."""
        return sorted(set(range(self.moved[-1])) - set(self.moved))


def verify(
    config: Config,
    framework: Framework,
    base: Config | None = None,
    *,
    image_size: int = 640,
    latency: bool = False,
) -> Verification:
    """Build ``config`` and its base with ``framework``, run both, and compare.

    Without ``base`` it is what remains of the config without its attention layers: those that its
    provenance lines name, or else all of the modules that there is a recipe for.
    Raises :class:`YamlInjectError` when one of them cannot be built or run.
    """
    import torch

    from yamlinject.frameworks import measure

    without = _without_attention(config, base)
    base = base or without.config
    problems = _differences(without, base)
    model: Any = framework.build(config)
    base_model: Any = framework.build(base)
    size = (1, config.document.image_channels, image_size, image_size)
    image = torch.rand(size, generator=torch.Generator().manual_seed(0))
    modules = [(index, one) for index in without.attention for one in _stacked(model.model[index])]

    with framework.explaining(config), measure.recorded_inputs([one for _, one in modules]) as inputs:
        outputs = measure.outputs(model, image)
        train_outputs = measure.outputs(model, image, train=True)
    with framework.explaining(base):
        base_outputs = measure.outputs(base_model, image)
        base_train_outputs = measure.outputs(base_model, image, train=True)
    attention = [_attention(index, one, inputs[one]) for index, one in modules]
    uncounted = sum(one.gflops for one in attention)
    result = Verification(
        framework=str(framework),
        image_size=image_size,
        base=_measured(base, base_model, image, base_outputs, base_train_outputs),
        config=_measured(config, model, image, outputs, train_outputs, uncounted),
        attention=attention,
        latency=measure.time_ratio(model, base_model, image) if latency else None,
        notes=_notes(config, model, attention),
    )
    measure.become_identities(model.model, without.attention)
    if not problems and measure.carry_weights(base_model, model, without.moved):
        now = measure.outputs(model, image)
        result.equal = all(map(torch.equal, now, base_outputs))
    result.problems = problems + _problems(result)
    return result


def _without_attention(config: Config, base: Config | None) -> _Without:
    """Take the attention layers out of ``config``: see :func:`verify` for which these are."""
    current, moved = config, list(range(len(config.layers)))
    injected = bool(provenance.read(config.text))
    known = {layer.module for layer in base.layers} if base else set[str]()
    while True:
        lines = provenance.read(current.text)
        modules = {layer.module for layer in current.layers} - known
        left = [lines[0].provenance.module] if lines else sorted(modules & set(recipes.names()))
        if not left or (injected and not lines):
            return _Without(current, moved)
        restored = current.remove(left[0])
        index_map = restored.rewrite.index_map.moved
        moved = [moved[index] for index, new in enumerate(index_map) if new >= 0]
        current = restored


def _differences(without: _Without, base: Config) -> list[str]:
    """Where the config without its attention has other layers than its base."""
    layers = without.config.layers
    if len(layers) != len(base.layers):
        return [
            f"without its attention it has {len(layers)} layers, and {base.label} has {len(base.layers)}"
        ]

    def meaning(layer: Layer) -> tuple[Any, ...]:
        return graph.sources(layer), layer.number, layer.module, layer.args

    return [
        f"layer {without.moved[mine.index]} {mine.module} does not mean the same as {its} of "
        f"{base.label}: without the attention it is {mine.row}, there it is {its.row}"
        for mine, its in zip(layers, base.layers, strict=True)
        if meaning(mine) != meaning(its)
    ]


def _measured(
    config: Config,
    model: Any,
    image: Tensor,
    outputs: Sequence[Tensor],
    train_outputs: Sequence[Tensor],
    uncounted: float = 0.0,
) -> Measured:
    from yamlinject.frameworks import measure

    return Measured(
        name=config.label,
        layers=len(model.model),
        parameters=measure.parameters(model),
        gflops=measure.operations(model, image) / 1e9 + uncounted,
        strides=[int(stride) for stride in model.stride],
        eval_shapes=[list(tensor.shape) for tensor in outputs],
        train_shapes=[list(tensor.shape) for tensor in train_outputs],
    )


def _attention(index: int, module: nn.Module, x: Tensor) -> Attention:
    from yamlinject.frameworks import measure

    name = type(module).__name__
    known = name in recipes.names()
    return Attention(
        layer=index,
        module=name,
        channels=x.shape[1],
        parameters=measure.parameters(module),
        gflops=recipes.recipe(name).operations * x.numel() / 1e9 if known else 0.0,
        e_lambda=measure.effective_lambda(module, x.shape[1]) if name == "SimAM" else None,
    )


def _stacked(layer: nn.Module) -> list[nn.Module]:
    """The modules that one layer is built of: several where its number is above 1."""
    from torch import nn

    return list(layer) if isinstance(layer, nn.Sequential) else [layer]


def _notes(config: Config, model: Any, attention: Sequence[Attention]) -> list[str]:
    notes = []
    if config.document.data.get("scales") and not getattr(model, "yaml", {}).get("scale"):
        notes.append("its file's name asks for no scale, so the first was built; yolov8s_… asks for s")
    for one in attention:
        if one.module == "SimAM" and one.e_lambda is None:
            notes.append(f"layer {one.layer} SimAM follows another formula: its lambda cannot be told")
    return notes


def _problems(result: Verification) -> list[str]:
    base, config = result.base, result.config
    problems = []
    if not result.attention:
        problems.append("there is no attention layer in it")
    own = sum(one.parameters for one in result.attention)
    if config.parameters - own != base.parameters:
        problems.append(
            f"{config.parameters - own:,} parameters besides the attention's, not {base.parameters:,}"
        )
    for what in ("strides", "eval_shapes", "train_shapes"):
        if getattr(config, what) != getattr(base, what):
            problems.append(f"{what.replace('_', ' ')} are not those of the base")
    for one in result.attention:
        if one.e_lambda is not None and not 0 < one.e_lambda < 1:
            problems.append(
                f"layer {one.layer} {one.module} works with lambda {one.e_lambda:g}, which turns the "
                "attention off: its class takes the channels for lambda"
            )
    if not result.equal:
        problems.append(
            "with identities for the attention and the weights carried over, the outputs are not the base's"
        )
    return problems
