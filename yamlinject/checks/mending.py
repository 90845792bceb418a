"""What a layer with a wrong reference should read, so that sizes and channels fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yamlinject.checks import strides
from yamlinject.checks.strides import Size
from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer
from yamlinject.core.module_rules import THIRD
from yamlinject.lineage.matching import Match


def expected(layers: Sequence[Layer], found: Match, image: int) -> dict[int, list[int | None]]:
    """What the layers with wrong references should read; None for a reference that nothing would fit.

    That is the layer of the base, or the last one injected below it that leaves its size and its channels
    and is no convolution: an SPD, which halves the size, and a convolution before it count as injected too.
    ``image``: the channels of the image.
    """
    wanted: dict[int, list[int | None]] = {
        wrong.layer.index: [*wrong.expected] for wrong in found.wrong_readers
    }
    right = list(layers)
    for wrong in found.wrong_readers:
        read = graph.sources(wrong.layer)
        for position in wrong.positions:
            read[position] = wrong.expected[position]
        right[wrong.layer.index] = wrong.layer._replace(from_=read)
    if any(graph.reference_problem(one.index, number) for one in right for number in one.references):
        return wanted
    counts = graph.channels(right, image)
    channels = {graph.IMAGE: image, **dict(enumerate(counts))}
    sizes = {graph.IMAGE: Size(graph.IMAGE, 1), **dict(enumerate(strides.likely(right, counts)))}
    of_base = set(found.aligned)
    for wrong in found.wrong_readers:
        layer = right[wrong.layer.index]
        inputs = [sizes[source] for source in graph.sources(layer)]
        for position in wrong.positions:
            *below, original = _upwards(layers, wrong.expected[position], of_base)
            below = [
                at
                for at in below
                if channels[original] in (channels[at], None)
                and modules.known(layers[at].module).stride is not THIRD
            ]
            wanted[layer.index][position] = next(
                (
                    index
                    for index in (*below, original)
                    if _fits(layers, layer, [*inputs[:position], sizes[index], *inputs[position + 1 :]])
                ),
                None,
            )
    return wanted


def _upwards(layers: Sequence[Layer], index: int, of_base: set[int]) -> Iterator[int]:
    """The layer with that index and, while they are injected, those that it reads."""
    while index != graph.IMAGE and index not in of_base:
        yield index
        (index,) = graph.sources(layers[index])
    yield index


def _fits(layers: Sequence[Layer], layer: Layer, inputs: Sequence[Size]) -> bool:
    row = modules.known(layer.module)
    if layer.index == len(layers) - 1 and row.role == "head":
        return len(inputs) < 2 or bool(strides.pyramids(inputs))
    return row.reads != "one size" or len({size.origin for size in inputs}) == len(set(inputs))
