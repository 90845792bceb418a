"""Strides of unknown modules, and where the strides of a graph do not fit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice, pairwise, product
from typing import NamedTuple

from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer
from yamlinject.core.module_rules import MOST
from yamlinject.library import recipes

#: What an unknown module may do to the stride, whatever its rows say.
_FACTORS = (1.0, 0.5, 2.0)

#: The most references followed in search of it: some hundred attempts for a usual model.
_MOST_WORK = 10_000


class Size(NamedTuple):
    """How many times smaller a feature map is than what ``origin`` gives: the image, or a layer.

    Layers that may do anything to the size are origins: all behind them is known but for one factor.
    """

    origin: int
    stride: float

    def __str__(self) -> str:
        if self.origin == graph.IMAGE:
            return f"{self.stride:g}"
        return "x" if self.stride == 1 else f"{self.stride:g}x"


def likely(layers: Sequence[Layer], channels: Sequence[int | None]) -> list[Size]:
    """The size of every layer's output, with as few resampling unknown modules as make all sizes fit.

    Modules whose args may hold a stride begin anew, and so do strides that are not a power of two, which no
    model has, until a join says what they must be.
    """
    best, fewest = [], (len(layers) + 1, 0)
    work = sum(max(1, len(layer.references)) for layer in layers)
    for assumed in islice(_assumptions(layers, channels), max(1, _MOST_WORK // work)):
        found = _sizes(layers, assumed)
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


def _sizes(layers: Sequence[Layer], assumed: Mapping[str, float | None]) -> list[Size]:
    found: list[Size] = []
    same: dict[int, Size] = {}  # what a join says of an origin

    def settled(size: Size) -> Size:
        while size.origin in same:
            other = same[size.origin]
            size = Size(other.origin, size.stride * other.stride)
        return size

    def behind(layer: Layer) -> Size | None:
        row = modules.known(layer.module)
        inputs = [Size(graph.IMAGE, 1) if at == graph.IMAGE else found[at] for at in graph.sources(layer)]
        if row.reads == "last size":
            inputs = inputs[-1:]
        if not inputs or row.gives:
            return None
        common = settled(inputs[0])
        for size in map(settled, inputs[1:]):
            if row.reads == "one size" and size.origin != common.origin:
                known, new = sorted((common, size))  # the image first, then what is further up
                same[new.origin] = Size(known.origin, known.stride / new.stride)
                common = known
            elif size != common:
                return None
        factor = assumed[layer.module] if layer.module in assumed else graph.stride_factor(layer)
        return common._replace(stride=common.stride * factor) if factor else None

    for layer in layers:
        size = behind(layer)
        fits = size is not None and 1 / MOST < size.stride < MOST and math.log2(size.stride).is_integer()
        found.append(size if size and fits else Size(layer.index, 1))
    return [settled(size) for size in found]


def _untold(layers: Sequence[Layer], channels: Sequence[int | None]) -> set[str]:
    """The modules that may do anything to the size: unknown ones that come first or change the channels."""
    found = set()
    for layer in layers[:-1]:
        told = modules.known(layer.module).tells_stride(layer.args)
        if not told and len(layer.references) == 1:
            (source,) = graph.sources(layer)
            before = None if source == graph.IMAGE else channels[source]
            if before is None or channels[layer.index] != before:
                found.add(layer.module)
    return found


def _misfits(layers: Sequence[Layer], sizes: Sequence[Size]) -> tuple[int, int]:
    """How many layers get sizes that do not fit, and how many have unknown strides."""
    last = layers[-1]
    inputs = [sizes[source] for source in graph.sources(last) if source != graph.IMAGE]
    unfit = modules.known(last.module).role == "head" and len(inputs) > 1 and not pyramids(inputs)
    unknown = sum(size.origin != graph.IMAGE for size in sizes)
    return len(list(unequal_joins(layers, sizes))) + unfit, unknown


def unequal_joins(layers: Sequence[Layer], sizes: Sequence[Size]) -> Iterator[tuple[Layer, list[Size]]]:
    """The layers that join feature maps of different sizes but cannot, with the sizes of their inputs."""
    for layer in layers:
        if modules.known(layer.module).reads == "one size":
            inputs = [
                Size(graph.IMAGE, 1) if source == graph.IMAGE else sizes[source]
                for source in graph.sources(layer)
            ]
            if len({size.origin for size in inputs}) < len(set(inputs)):
                yield layer, inputs


def pyramids(inputs: Sequence[Size]) -> int:
    """How many times the inputs of a head run through the sizes in order; 0 if they do not.

    Heads with auxiliary inputs read two or three layers of each size (YOLOv7's IAuxDetect, YOLOv9's
    DualDDetect); others read one of each size for boxes and one for classes, alternately. From the coarsest
    to the finest is fine too: YOLOv5 reverses the anchors.
    """
    if len({size.origin for size in inputs}) > 1:
        return 1
    known = [size.stride for size in inputs]
    sizes = list(dict.fromkeys(known))
    count = len(known) // len(sizes)
    in_turns = [size for size in sizes for _ in range(count)]
    fits = _is_pyramid(sizes) and known in (sizes * count, in_turns)
    return count if fits and (count == 1 or len(sizes) > 1) else 0


def _is_pyramid(strides: Sequence[float]) -> bool:
    ratios = [later / earlier for earlier, later in pairwise(strides)]
    powers = all(math.log2(stride).is_integer() for stride in strides)
    return powers and (all(ratio > 1 for ratio in ratios) or all(ratio < 1 for ratio in ratios))
