"""Strides of unknown modules, and where the strides of a graph do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, pairwise, product

from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer
from yamlinject.library import recipes

#: What an unknown module may do to the stride, whatever its rows say.
_FACTORS = (1.0, 0.5, 2.0)

#: The most references followed in search of it: some hundred attempts for a usual model.
_MOST_WORK = 10_000


def likely(layers: Sequence[Layer], channels: Sequence[int | None]) -> list[float | None]:
    """The stride of every layer, with as few resampling unknown modules as make all strides fit.

    None where that cannot be told: after modules whose args may hold a stride, and for strides that are
    not a power of two, which no model has.
    """
    best, fewest = [], (len(layers) + 1, 0)
    work = sum(max(1, len(layer.references)) for layer in layers)
    for assumed in islice(_assumptions(layers, channels), max(1, _MOST_WORK // work)):
        found = _strides(layers, assumed)
        misfits = _misfits(layers, found)
        if misfits < fewest:
            best, fewest = found, misfits
        if not misfits[0]:
            break
    return best


def _assumptions(
    layers: Sequence[Layer], channels: Sequence[int | None]
) -> Iterator[dict[str, float | None]]:
    """What unknown modules may do to the stride, first what their rows say."""
    untold: dict[str, float | None] = dict.fromkeys(_untold(layers, channels))
    settled = set(recipes.names()) | untold.keys()
    said: dict[str, set[float | None]] = {}
    for layer in layers[1:-1]:
        if not modules.known(layer.module).follows and layer.module not in settled:
            said.setdefault(layer.module, set()).add(graph.stride_factor(layer))
    others = {
        module: [factor for factor in _FACTORS if said[module] != {factor}] for module in sorted(said)
    }
    for count in range(len(others) + 1):
        for chosen in combinations(others, count):
            for factors in product(*(others[module] for module in chosen)):
                yield {**untold, **dict(zip(chosen, factors, strict=True))}


def _strides(layers: Sequence[Layer], assumed: Mapping[str, float | None]) -> list[float | None]:
    found = graph.strides(layers, assumed)
    return [stride if stride and math.log2(stride).is_integer() else None for stride in found]


def _untold(layers: Sequence[Layer], channels: Sequence[int | None]) -> set[str]:
    """The modules that may do anything to the stride: unknown ones that change the channels."""
    found = set()
    for layer in layers[1:-1]:
        told = modules.known(layer.module).tells_stride(layer.args)
        if not told and len(layer.references) == 1:
            before = channels[graph.sources(layer)[0]]
            if before is None or channels[layer.index] != before:
                found.add(layer.module)
    return found


def _misfits(layers: Sequence[Layer], strides: Sequence[float | None]) -> tuple[int, int]:
    """How many layers get strides that do not fit, and how many have unknown strides."""
    last = layers[-1]
    inputs = [strides[source] for source in graph.sources(last) if source != graph.IMAGE]
    unfit = modules.known(last.module).role == "head" and len(inputs) > 1 and not pyramids(inputs)
    return len(list(unequal_joins(layers, strides))) + unfit, strides.count(None)


def unequal_joins(
    layers: Sequence[Layer], strides: Sequence[float | None]
) -> Iterator[tuple[Layer, list[float]]]:
    """The layers that join feature maps of different sizes but cannot, with the strides of their inputs."""
    for layer in layers:
        if modules.known(layer.module).reads == "one size":
            inputs = [1.0 if source == graph.IMAGE else strides[source] for source in graph.sources(layer)]
            known = [stride for stride in inputs if stride is not None]
            if len(known) == len(inputs) and len(set(known)) > 1:
                yield layer, known


def pyramids(strides: Sequence[float | None]) -> int:
    """How many times the inputs of a head run through the sizes in order; 0 if they do not.

    Heads with auxiliary inputs read two or three layers of each size (YOLOv7's IAuxDetect, YOLOv9's
    DualDDetect); others read one of each size for boxes and one for classes, alternately. From the coarsest
    to the finest is fine too: YOLOv5 reverses the anchors.
    """
    known = [stride for stride in strides if stride is not None]
    if len(known) < len(strides):
        return 1
    sizes = list(dict.fromkeys(known))
    count = len(known) // len(sizes)
    in_turns = [size for size in sizes for _ in range(count)]
    fits = _is_pyramid(sizes) and known in (sizes * count, in_turns)
    return count if fits and (count == 1 or len(sizes) > 1) else 0


def _is_pyramid(strides: Sequence[float]) -> bool:
    ratios = [later / earlier for earlier, later in pairwise(strides)]
    powers = all(math.log2(stride).is_integer() for stride in strides)
    return powers and (all(ratio > 1 for ratio in ratios) or all(ratio < 1 for ratio in ratios))
