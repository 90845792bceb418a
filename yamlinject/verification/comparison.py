"""Proof that a config builds and means what it should: its model compared with that of its base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from yamlinject.core import scales
from yamlinject.errors import YamlInjectError
from yamlinject.library import recipes
from yamlinject.lineage.resolve import NAMELESS, Lineage, resolve
from yamlinject.verification import judgement
from yamlinject.verification.result import Attention, Measured, Replaced, Verification

if TYPE_CHECKING:
    from torch import Tensor, nn

    from yamlinject.config import Config

#: The largest stride of the smallest models, in pixels: smaller images suit none of them.
_SMALLEST_STEP = 32


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
    other = found.named or found.base
    base_name = found.named.label if found.named else NAMELESS
    say(f"building {base_name}")
    base_model: Any = builder.build(other, like=config, trust=trust)
    replaced = _replaced(config, found, model, base_model) if found.replaced else []
    _check_image(model, image_size)
    size = (1, builder.image_channels(model), image_size, image_size)
    image = torch.rand(size, generator=torch.Generator().manual_seed(0))
    modules = [(index, one) for index in indices for one in measure.stacked(model.model[index])]

    say(f"running {config.label}")
    with (
        builder.explaining(config, "run"),
        measure.recorded_inputs([one for _, one in modules]) as inputs,
    ):
        outputs = measure.outputs(model, image)
        train_outputs = measure.outputs(model, image, train=True)
        attention = [_attention(index, one, inputs[one]) for index, one in modules]
    say(f"running {base_name}")
    with builder.explaining(other, "run"):
        base_outputs = measure.outputs(base_model, image)
        base_train_outputs = measure.outputs(base_model, image, train=True)
    say("counting operations" + ", and timing both" * latency)
    uncounted = sum(one.gflops for one in attention)
    wrong, lost = judgement.wiring_problems(config, found), judgement.scale_problems(config, other)
    meant = scales.asked(other.stem) and not lost  # the scale of its base, which is what is built
    by_default = () if meant or (lost and not wrong) else builder.scale_by_default(config)  # said once
    result = Verification(
        framework=str(builder),
        image_size=image_size,
        base=_measured(base_name, base_model, image, base_outputs, base_train_outputs),
        config=_measured(config.label, model, image, outputs, train_outputs, uncounted),
        attention=attention,
        replaced=replaced,
        latency=(
            measure.latency(model, base_model, image, (model.model, base_model.model)) if latency else None
        ),
        notes=[
            *builder.ignored(config, model),
            *by_default,
            *judgement.notes(config, found, attention, replaced),
        ],
    )
    say("comparing both without what is new")
    measure.become_identities(model.model, indices)
    measure.put_back(model.model, base_model.model, [(one.layer, one.index_before) for one in replaced])
    if measure.carry_weights(base_model, model, found.aligned):
        same = map(torch.equal, measure.outputs(model, image), base_outputs)
        result.equal = len(outputs) == len(base_outputs) and all(same)
    result.problems = wrong or lost or judgement.differences(result)
    result.proven = result.equal and found.reference is not None and not result.problems
    ours = [index for index, one in modules if type(one).__module__.startswith("yamlinject.nn.")]
    result.problems += judgement.attention_problems(config, result, ours)
    return result


def _check_image(model: Any, size: int) -> None:
    """Refuse an image that cannot go through the model."""
    stride = int(max(model.stride))
    if size % stride or size < 2 * stride:
        raise YamlInjectError(
            f"`image_size` {size}: has to be a multiple of {stride}, the largest stride, from "
            f"{2 * stride} on"
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


def _replaced(config: Config, found: Lineage, model: Any, base_model: Any) -> list[Replaced]:
    """The layers that were replaced, and those that a framework builds differently because of them."""
    from yamlinject.verification import measure

    rows = set(found.replaced)
    return [
        Replaced(
            layer=place,
            module=config.layers[place].module,
            parameters=measure.parameters(layer),
            index_before=index,
            before=found.base.layers[index].module,
            parameters_before=measure.parameters(before),
        )
        for index, place in enumerate(found.aligned)
        for layer, before in ((model.model[place], base_model.model[index]),)
        if (place, index) in rows or measure.shapes(layer) != measure.shapes(before)
    ]


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
