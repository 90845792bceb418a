"""Proof that a config builds and means what it should: its model compared with that of its base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from yamlinject.core import graph
from yamlinject.core.layer import flow
from yamlinject.errors import YamlInjectError
from yamlinject.library import recipes
from yamlinject.lineage import alignment
from yamlinject.lineage.resolve import Lineage, resolve

if TYPE_CHECKING:
    from torch import Tensor, nn

    from yamlinject.config import Config
    from yamlinject.verification.measure import Latency

#: The largest stride of the smallest models, in pixels: smaller images suit none of them.
_SMALLEST_STEP = 32


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


@dataclass
class Verification:
    """Two models side by side; ``problems`` says what is wrong with the config's, a line each.

    ``equal``: whether the outputs are the base's once the attention is replaced by identities and the
    base's weights are transferred; ``proven``: whether that base is also known to be right.
    ``latency``: the time of a forward pass of both, if it was measured.
    """

    framework: str
    image_size: int
    base: Measured
    config: Measured
    attention: list[Attention]
    latency: Latency | None
    equal: bool = False
    proven: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    config: Config,
    base: Config | None = None,
    *,
    framework: str | None = None,
    image_size: int = 640,
    latency: bool = False,
    trust: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Build ``config`` and its base in the real framework, run both, and compare.

    ``base``: without one it is searched for (:func:`yamlinject.lineage.resolve.resolve`).
    ``framework``: ``yolov5``, ``ultralytics`` or the folder of a checkout; without it, the one that the
    config is written for. ``image_size``: in pixels. ``latency``: time both too. ``progress`` is called
    with what is done next.
    Raises :class:`YamlInjectError` when one of them cannot be built or run, or, unless with ``trust``, when
    building it could run code. Example::

        result = yamlinject.verify(yamlinject.load("yolov5s_SimAM.yaml"))
        print(result.config.parameters, result.problems)
    """
    from yamlinject import frameworks

    say = progress or (lambda _: None)
    if image_size < _SMALLEST_STEP or image_size % _SMALLEST_STEP:
        raise YamlInjectError(f"`image_size` {image_size}: has to be a multiple of {_SMALLEST_STEP}")
    found = resolve(config, base)
    say("importing the framework")
    builder = frameworks.find(framework, config)

    import torch  # only now, as it takes seconds and nothing above needs it

    from yamlinject.verification import measure

    indices = found.injected
    say(f"building {config.label}")
    model: Any = builder.build(config, trust=trust)
    say(f"building {found.name}")
    base_model: Any = builder.build(found.base, trust=trust)
    _check_image(config, found.base, model, image_size)
    size = (1, config.document.image_channels, image_size, image_size)
    image = torch.rand(size, generator=torch.Generator().manual_seed(0))
    modules = [(index, one) for index in indices for one in _stacked(model.model[index])]

    say(f"running {config.label}")
    with (
        builder.explaining(config, "run"),
        measure.recorded_inputs([one for _, one in modules]) as inputs,
    ):
        outputs = measure.outputs(model, image)
        train_outputs = measure.outputs(model, image, train=True)
        attention = [_attention(index, one, inputs[one]) for index, one in modules]
    say(f"running {found.name}")
    with builder.explaining(found.base, "run"):
        base_outputs = measure.outputs(base_model, image)
        base_train_outputs = measure.outputs(base_model, image, train=True)
    say("counting operations" + ", and timing both" * latency)
    uncounted = sum(one.gflops for one in attention)
    result = Verification(
        framework=str(builder),
        image_size=image_size,
        base=_measured(found.name, base_model, image, base_outputs, base_train_outputs),
        config=_measured(config.label, model, image, outputs, train_outputs, uncounted),
        attention=attention,
        latency=measure.latency(model, base_model, image) if latency else None,
        notes=_notes(config, found, model, attention),
    )
    say("comparing both without the attention")
    measure.become_identities(model.model, indices)
    if measure.carry_weights(base_model, model, found.aligned):
        same = map(torch.equal, measure.outputs(model, image), base_outputs)
        result.equal = len(outputs) == len(base_outputs) and all(same)
    result.problems = _wiring_problems(config, found) or _differences(result)
    result.proven = result.equal and found.reference is not None and not result.problems
    result.problems += _attention_problems(config, result)
    return result


def _check_image(config: Config, base: Config, model: Any, size: int) -> None:
    """Refuse an image that cannot go through both models."""
    stride = int(max(model.stride))
    if size % stride or size < 2 * stride:
        raise YamlInjectError(
            f"`image_size` {size}: has to be a multiple of {stride}, the largest stride, from "
            f"{2 * stride} on"
        )
    channels, others = config.document.image_channels, base.document.image_channels
    if channels != others:
        raise YamlInjectError(
            f"its images have {channels} channels, and those of {base.label} have {others}",
            file=config.label,
        )


def _measured(
    name: str,
    model: Any,
    image: Tensor,
    outputs: Sequence[Tensor],
    train_outputs: Sequence[Tensor],
    uncounted: float = 0.0,
) -> Measured:
    from yamlinject.verification import measure

    return Measured(
        name=name,
        layers=len(model.model),
        parameters=measure.parameters(model),
        gflops=measure.operations(model, image) / 1e9 + uncounted,
        strides=[int(stride) for stride in model.stride],
        eval_shapes=[list(tensor.shape) for tensor in outputs],
        train_shapes=[list(tensor.shape) for tensor in train_outputs],
    )


def _attention(index: int, module: nn.Module, x: Tensor) -> Attention:
    from yamlinject.verification import measure

    name = type(module).__name__
    known = name in recipes.names()
    return Attention(
        layer=index,
        module=name,
        channels=x.shape[1],
        parameters=measure.parameters(module),
        gflops=recipes.recipe(name).operations * x.numel() / 1e9 if known else 0.0,
        e_lambda=measure.effective_lambda(module, x.shape[1]) if name == "SimAM" else None,
        effective=measure.is_effective(module, x.shape[1]),
    )


def _stacked(layer: nn.Module) -> list[nn.Module]:
    """The modules that one layer consists of: several if its number is above 1."""
    from torch import nn

    return list(layer) if isinstance(layer, nn.Sequential) else [layer]


def _notes(config: Config, found: Lineage, model: Any, attention: Sequence[Attention]) -> list[str]:
    notes = []
    if found.edited:
        notes.append("it was edited after it was generated")
    if found.reference is None:
        notes.append("wrong references in it cannot be seen, for its base is not known: name it")
    if len(config.document.data.get("scales") or ()) > 1 and not getattr(model, "yaml", {}).get("scale"):
        notes.append("its file's name asks for no scale, so the first was built; yolov8s_… asks for s")
    indices = found.injected
    counts = graph.channels(config.layers, config.document.image_channels)
    for layer in (config.layers[index] for index in indices):
        (source,) = graph.sources(layer)
        ours = layer.module in recipes.names() and layer.args and source != graph.IMAGE
        if ours and counts[source] not in (None, layer.args[0]):
            notes.append(
                f"{layer} has args {flow(layer.args)}, and its input {counts[source]} nominal channels: a "
                "registered checkout goes by the args"
            )
    for layer, reader in alignment.bypassing(config.layers, indices):
        notes.append(f"{reader} bypasses {layer} and reads the layer above it")
    for one in attention:
        if one.module == "SimAM" and one.e_lambda is None and one.effective:
            notes.append(f"layer {one.layer} (SimAM) follows another formula: its lambda cannot be told")
        if not one.effective and one.parameters:
            notes.append(f"layer {one.layer} ({one.module}) has no effect before it is trained")
    return notes


def _wiring_problems(config: Config, found: Lineage) -> list[str]:
    """What the config reads wrongly, as far as there is a base to compare it with."""
    return [
        f"{wrong.layer} reads {flow(graph.sources(wrong.layer))}, expected {flow(wrong.expected)} as in "
        f"{found.reference}"
        for wrong in found.wrong_readers
    ]


def _differences(result: Verification) -> list[str]:
    """How the model differs from that of its base, apart from the attention."""
    base, config = result.base, result.config
    problems = []
    own = sum(one.parameters for one in result.attention)
    if config.parameters - own != base.parameters:
        problems.append(
            f"{config.parameters - own:,} parameters besides the attention's, not {base.parameters:,}"
        )
    for what in ("strides", "eval_shapes", "train_shapes"):
        if getattr(config, what) != getattr(base, what):
            problems.append(f"{what.replace('_', ' ')} are not those of the base")
    if not problems and not result.equal:
        problems.append("with identities for the attention, the outputs are not those of the base")
    return problems


def _attention_problems(config: Config, result: Verification) -> list[str]:
    """What keeps the attention from having an effect."""
    if not result.attention:
        return ["there is no attention layer in it"]
    indices = sorted({one.layer for one in result.attention})
    problems = [f"no layer reads {layer}" for layer in alignment.unread(config.layers, indices)]
    for one in result.attention:
        where = f"layer {one.layer} ({one.module})"
        if one.e_lambda is not None and not 0 < one.e_lambda < 1:
            problems.append(
                f"{where} works with lambda {one.e_lambda:g}, which turns the attention off: its class "
                "takes the channels for lambda"
            )
        elif not one.effective and not one.parameters:
            problems.append(f"{where} has no effect: it scales all values alike")
    return problems
