"""The graph of the layers: references, readers, nominal channels and strides.

Pure functions of :class:`~yamlinject.core.layer.Layer`; :mod:`yamlinject.core.modules` knows what each
module does. The index :data:`IMAGE` means the input image.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from yamlinject.core import modules
from yamlinject.core.layer import Layer
from yamlinject.core.module_rules import MOST, UNTOLD

IMAGE = -1


def resolve(index: int, reference: int) -> int:
    """The layer that ``reference`` names when layer ``index`` reads it, or :data:`IMAGE`."""
    return reference if reference >= 0 else index + reference


def reference_problem(index: int, reference: int) -> str | None:
    """What is wrong with a reference of layer ``index``, or None.

    A framework runs the layers in order, so a layer can read an earlier one; only the first layer
    reads the image, as -1.
    """
    source = resolve(index, reference)
    if source == index:
        return f"'from' {reference} is the layer itself"
    if source > index:
        can = f"it can read layers 0 to {index - 1}" if index > 1 else "it can read only layer 0"
        if not index:
            can = "the first layer can read only the image"
        return f"'from' {reference} is not an earlier layer: {can}"
    if source < 0 and (index, reference) != (0, -1):
        return f"'from' {reference} reaches back beyond layer 0"
    return None


def sources(layer: Layer) -> list[int]:
    """The layers that ``layer`` reads, in the order of its ``from``."""
    return [resolve(layer.index, reference) for reference in layer.references]


def readers(layers: Sequence[Layer]) -> list[list[Layer]]:
    """For every layer, the layers that read it."""
    found: list[list[Layer]] = [[] for _ in layers]
    for layer in layers:
        for source in dict.fromkeys(sources(layer)):
            if source != IMAGE:
                found[source].append(layer)
    return found


def joins(layers: Sequence[Layer]) -> tuple[int, ...]:
    """How many layers each layer reads, of those that do not read just one."""
    return tuple(count for layer in layers if (count := len(layer.references)) != 1)


def insertion_problems(layers: Sequence[Layer]) -> list[str | None]:
    """For every layer, why nothing may be inserted after it, or None."""
    last = layers[-1] if layers else None
    picked_from = {source: layer for layer in layers if picks(layer) for source in sources(layer)}
    found: list[str | None] = []
    for layer in layers:
        row = modules.known(layer.module)
        problem = None
        if layer is last:
            problem = "it is the last layer, and frameworks take the last layer for the detection head"
        elif row.gives == modules.DETECTIONS:
            problem = f"{layer.module} is a detection head, whose output is not one feature map"
        elif row.gives:
            problem = f"{layer.module} gives {row.gives}, not one feature map"
        elif layer.index in picked_from:
            problem = f"it gives a list, from which {picked_from[layer.index]} picks, not one feature map"
        elif last and last.from_ == [] and layer.module.startswith("nn.Conv"):
            problem = f"{last} has an empty 'from' and finds its inputs by their channel count"
        found.append(problem)
    return found


def channels(layers: Sequence[Layer], image: int = 3) -> list[int | None]:
    """Nominal output channels of every layer, None where the rows do not tell."""
    found: list[int | None] = []
    for layer in layers:
        inputs = of_sources(layer, found, image)
        found.append(output_channels(layer, inputs))
    return found


def output_channels(layer: Layer, inputs: list[Any]) -> int | None:
    """Output channels of a layer whose inputs have the channels ``inputs``, None where it does not tell."""
    count = _computed(modules.known(layer.module).channels, layer.args, inputs)
    return int(count) or None if count is not None else None


def guesses(layers: Sequence[Layer], keeping: Collection[str]) -> list[Layer | None]:
    """For every layer, one that its channels rest on and of which only the name is known, or None.

    ``keeping``: further modules that are known, to keep the channels of their input.
    """
    found: list[Layer | None] = []
    for layer in layers:
        row = modules.known(layer.module)
        if not row.follows and layer.module not in keeping:
            found.append(layer)
        elif row.declares_channels and layer.args:
            found.append(None)
        else:
            above = (guess for guess in of_sources(layer, found, IMAGE) if isinstance(guess, Layer))
            found.append(next(above, None))
    return found


def strides(layers: Sequence[Layer]) -> list[float | None]:
    """How many times smaller than the image every layer's output is, None where its inputs disagree."""
    found: list[float | None] = []
    for layer in layers:
        inputs = of_sources(layer, found, 1)
        row = modules.known(layer.module)
        if row.reads == "last size":
            inputs = inputs[-1:]
        common = inputs[0] if len(set(inputs)) == 1 and not row.gives else None
        factor = stride_factor(layer)
        stride = common * factor if common is not None and factor is not None else 0
        found.append(stride if 1 / MOST < stride < MOST else None)
    return found


def of_sources(layer: Layer, found: Sequence[Any], image: int) -> list[Any]:
    """What was found for the layers that ``layer`` reads; None where a reference names no earlier one."""
    return [
        image if source == IMAGE else found[source] if 0 <= source < len(found) else None
        for source in sources(layer)
    ]


def stride_factor(layer: Layer) -> float | None:
    """How many times smaller ``layer`` makes its input, None where the row does not tell."""
    return _computed(modules.known(layer.module).stride, layer.args)


def role(layer: Layer) -> modules.Role:
    """What a layer is for; a block or convolution with a stride other than 1 is there to downsample."""
    told = modules.known(layer.module).role
    return "downsample" if told == "block" and stride_factor(layer) not in (1, None) else told


def picks(layer: Layer) -> bool:
    """Whether the layer picks one feature map from a list that it reads."""
    return modules.known(layer.module).reads == "list"


def gives_no_map(layer: Layer) -> bool:
    """Whether the layer gives anything other than one feature map."""
    return bool(modules.known(layer.module).gives)


def _computed(rule: Callable[..., Any], *values: list[Any]) -> float | None:
    """What a rule computes from a row's args, or None if they are not what it expects."""
    try:
        value = rule(*values)
        return value if 0 < value < MOST and not isinstance(value, bool) else None
    except UNTOLD:
        return None


def is_index(value: Any) -> bool:
    """Whether a value can be the index of a layer."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
