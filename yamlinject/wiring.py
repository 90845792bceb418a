"""A config held against its base: which layers were put in, and which references went wrong.

Pure functions over the layers of both; ``places`` gives the index in the config of each layer of the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from yamlinject import graph
from yamlinject.layer import Layer


class Misread(NamedTuple):
    """A layer that does not read what it reads in the base; ``wanted`` in the config's numbering."""

    layer: Layer
    wanted: list[int]


def align(layers: Sequence[Layer], base: Sequence[Layer]) -> list[int] | None:
    """Where each layer of ``base`` stands in ``layers``, all others being put in between.

    Goes by the modules alone. None when there is no such place for one of them, or when what is between
    them reads several layers, which no attention does.
    """
    places: list[int] = []
    for layer in layers:
        if len(places) < len(base) and layer.module == base[len(places)].module:
            places.append(layer.index)
        elif len(layer.references) != 1 or not places:
            return None
    return places if len(places) == len(base) else None


def put_in(layers: Sequence[Layer], places: Sequence[int]) -> list[int]:
    """The indices of the layers that are not the base's."""
    return sorted({layer.index for layer in layers} - set(places))


def misread(layers: Sequence[Layer], base: Sequence[Layer], places: Sequence[int]) -> Iterator[Misread]:
    """The layers whose references do not mean what they mean in ``base``.

    A layer that was put in stands for the one that it reads, directly or through others.
    """
    of_base = {place: index for index, place in enumerate(places)}
    means = {graph.IMAGE: graph.IMAGE}
    output = {graph.IMAGE: graph.IMAGE}
    for layer in layers:
        means[layer.index] = of_base.get(
            layer.index, means[graph.sources(layer)[0]] if layer.references else 0
        )
        output[means[layer.index]] = layer.index
    for original, place in zip(base, places, strict=True):
        wanted = graph.sources(original)
        if [means[source] for source in graph.sources(layers[place])] != wanted:
            yield Misread(layers[place], [output[source] for source in wanted])


def unread(layers: Sequence[Layer], attention: Sequence[int]) -> list[Layer]:
    """The layers of ``attention`` that no layer reads, so that they change nothing."""
    readers = graph.readers(layers)
    return [layers[index] for index in attention if not readers[index]]


def bypassing(layers: Sequence[Layer], attention: Sequence[int]) -> Iterator[tuple[Layer, Layer]]:
    """Pairs of a layer of ``attention`` and one that reads the same layer as it, past it."""
    readers = graph.readers(layers)
    for index in attention:
        source = graph.sources(layers[index])[0]
        for reader in readers[source] if source != graph.IMAGE else []:
            if reader.index not in attention:
                yield layers[index], reader
