"""Long stretches of layers that a config repeats, such as YOLOv7's ELAN blocks, as one box each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer

#: The fewest and the most layers of a stretch: those of ELAN blocks and of what leads from one to the next.
_FEWEST, _MOST = 5, 16


def folded(
    layers: list[Layer], strides: Sequence[float | None], seen: AbstractSet[int]
) -> list[list[Layer]]:
    """The layers in order, those of each repeated stretch together; layers of ``seen`` are in none.

    A stretch reads one layer, ends with a Concat of several of its layers, and is read there only.
    """
    readers = graph.readers(layers)
    found = {
        stretch[0].index: stretch
        for layer in layers
        if modules.known(layer.module).concatenates and (stretch := _stretch(layers, layer, readers))
        if seen.isdisjoint(range(stretch[0].index, layer.index + 1))
        if _is_level_or_down([strides[one.index] for one in stretch])
    }
    times = Counter(_shape(stretch) for stretch in found.values())
    found = {start: stretch for start, stretch in found.items() if times[_shape(stretch)] > 1}
    return list(_together(layers, found))


def _stretch(layers: list[Layer], last: Layer, readers: Sequence[Sequence[Layer]]) -> list[Layer] | None:
    """The shortest stretch that ends with ``last``, if there is one that is long enough."""
    outside: set[int] = set()
    for start in range(last.index, max(-1, last.index - _MOST), -1):
        outside = {source for source in (outside | {*graph.sources(layers[start])}) if source < start}
        inner = readers[start] if start < last.index else ()
        if any(reader.index > last.index for reader in inner):
            return None
        if len(outside) == 1:
            return layers[start : last.index + 1] if last.index + 1 - start >= _FEWEST else None
    return None


def _is_level_or_down(strides: Sequence[float | None]) -> bool:
    known = [stride for stride in strides if stride is not None]
    return len(known) == len(strides) and known[-1] == max(known)


def _shape(stretch: Sequence[Layer]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """The modules of a stretch, and how far back each of its layers reads in it."""
    first = stretch[0].index
    return tuple(
        (
            layer.module,
            tuple(max(source, first - 1) - layer.index for source in graph.sources(layer)),
        )
        for layer in stretch
    )


def _together(layers: list[Layer], found: dict[int, list[Layer]]) -> Iterator[list[Layer]]:
    index = 0
    while index < len(layers):
        stretch = found.get(index, layers[index : index + 1])
        yield stretch
        index = stretch[-1].index + 1
