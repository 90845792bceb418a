"""A config compared with its base: which layers were inserted, and which references went wrong.

Pure functions over the layers of both; ``aligned`` gives the index in the config of each layer of the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from yamlinject.core import graph
from yamlinject.core.layer import Layer

#: What no layer reads in a base, neither another layer nor the image.
_NOTHING = -2

#: The most layers looked at to tell twins apart, where each twin takes all of them: enough for every twin
#: of a usual config.
_MOST_WORK = 10_000


class WrongReader(NamedTuple):
    """A layer that does not read what it reads in the base.

    ``expected``: what it should read, in the config's numbering; ``positions``: which of its references are
    wrong; ``swapped``: whether they are the right ones in another order.
    """

    layer: Layer
    expected: list[int]
    positions: list[int]
    swapped: bool


def align(layers: Sequence[Layer], base: Sequence[Layer]) -> list[int] | None:
    """Where each layer of ``base`` is in ``layers``, if all others are injected.

    Layers are matched by their modules and by how many layers each reads. None if one has no match, or if
    a layer in between cannot be attention because it reads several layers or changes the stride.
    Where a twin of a layer was inserted next to it, the one that leaves fewer references wrong is matched.
    """
    return next(iter(alignments(layers, base)), None)


def alignments(layers: Sequence[Layer], base: Sequence[Layer]) -> list[list[int]]:
    """All that :func:`align` could give: several where twins were inserted and no reference tells."""
    first = _places(layers, base)
    if len(first) < len(base) or not first:
        return []
    last = [len(layers) - 1 - position for position in reversed(_places(layers[::-1], base[::-1]))]
    if first == last:
        return [first] if _fits(layers, base, first) else []
    mixed = [first, last]
    most = _MOST_WORK // len(layers)
    for index in [index for index, place in enumerate(first) if place != last[index]][:most]:
        mixed += [*first[:index], *last[index:]], [*last[:index], *first[index:]]
    fitting = [aligned for aligned in mixed if _fits(layers, base, aligned)]
    wrong = [len(list(wrong_readers(layers, base, aligned))) for aligned in fitting]
    return [aligned for aligned, count in zip(fitting, wrong, strict=True) if count == min(wrong)]


def _fits(layers: Sequence[Layer], base: Sequence[Layer], aligned: Sequence[int]) -> bool:
    if aligned[0] or any(later <= earlier for earlier, later in pairwise(aligned)):
        return False
    return all(could_be_injected(layers[index]) for index in injected(layers, aligned))


def _places(layers: Sequence[Layer], base: Sequence[Layer]) -> list[int]:
    """The first position in ``layers`` for each of ``base``, in their order, as far as there is one."""
    aligned: list[int] = []
    for position, layer in enumerate(layers):
        if len(aligned) < len(base) and _alike(layer, base[len(aligned)]):
            aligned.append(position)
    return aligned


def _alike(layer: Layer, other: Layer) -> bool:
    return layer.module == other.module and len(layer.references) == len(other.references)


def could_be_injected(layer: Layer) -> bool:
    """Whether ``layer`` may be attention that was inserted below another layer: one input, no stride."""
    return len(layer.references) == 1 and graph.stride_factor(layer) == 1


def injected(layers: Sequence[Layer], aligned: Sequence[int]) -> list[int]:
    """The indices of the layers that are not the base's."""
    return sorted({layer.index for layer in layers} - set(aligned))


def wrong_readers(
    layers: Sequence[Layer], base: Sequence[Layer], aligned: Sequence[int]
) -> Iterator[WrongReader]:
    """The layers whose references do not mean what they mean in ``base``.

    An injected layer counts as the one that it reads, directly or through others. All others read as many
    layers as in ``base``.
    """
    of_base = {place: index for index, place in enumerate(aligned)}
    means = {graph.IMAGE: graph.IMAGE}
    output = {graph.IMAGE: graph.IMAGE}  # what counts as each layer of the base, so far
    for layer in layers:
        # a reference to no earlier layer means nothing, which no layer of the base reads
        read = [means.get(source, _NOTHING) for source in graph.sources(layer)]
        original = of_base.get(layer.index)
        means[layer.index] = original if original is not None else next(iter(read), _NOTHING)
        if original is not None:
            wanted = graph.sources(base[original])
            pairs = enumerate(zip(read, wanted, strict=True))
            wrong = [position for position, (found, right) in pairs if found != right]
            if wrong:
                right = [output[source] for source in wanted]
                yield WrongReader(layer, right, wrong, sorted(read) == sorted(wanted))
        output[means[layer.index]] = layer.index


def unread(layers: Sequence[Layer], attention: Sequence[int]) -> list[Layer]:
    """The layers of ``attention`` that no layer reads, so that they have no effect."""
    readers = graph.readers(layers)
    return [layers[index] for index in attention if not readers[index]]


def reached(layers: Sequence[Layer]) -> set[int]:
    """The layers from which a path leads to the last one, itself included.

    All of them where that one has an empty ``from``: it finds its inputs by their channels (YOLOv5 1.0).
    """
    if not layers[-1].references:
        return {layer.index for layer in layers}
    found: set[int] = set()
    for layer in reversed(layers):
        if layer is layers[-1] or layer.index in found:
            found |= {layer.index, *graph.sources(layer)}
    return found - {graph.IMAGE}


def bypassing(layers: Sequence[Layer], attention: Sequence[int]) -> Iterator[tuple[Layer, Layer]]:
    """Pairs of a layer of ``attention`` and a layer that bypasses it by reading the same layer."""
    readers, known = graph.readers(layers), set(attention)
    for index in attention:
        source = graph.sources(layers[index])[0]
        for reader in readers[source] if source != graph.IMAGE else []:
            if reader.index not in known:
                yield layers[index], reader
