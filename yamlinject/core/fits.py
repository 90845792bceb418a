"""Whether new rows can read what they read, and their readers what they give.

Only what is known of a module counts: one that no table has is trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

from yamlinject.core import graph, modules
from yamlinject.core.document import Document
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer, flow
from yamlinject.errors import RefusalError


def check_fits(document: Document, index_map: IndexMap, below: Mapping[int, Sequence[Layer]]) -> None:
    """Raise :class:`RefusalError` for the first row in ``below`` that is seen to break the model.

    ``below``: the new layers under each old one.
    """
    for target, stack in below.items():
        for layer in stack:
            problem = _problem(layer)
            if problem:
                raise RefusalError(problem, document.place(target))
    new = [layer for stack in below.values() for layer in stack]
    if any(_declares_channels(layer) for layer in new):
        _check_channels(document, index_map, new)


def check_replacements(document: Document, new: Mapping[int, Layer]) -> None:
    """Raise :class:`RefusalError` for the first row in ``new`` that is seen to break the model.

    ``new``: the rows that stand in the place of those of ``document``.
    """
    layers = [new.get(layer.index, layer) for layer in document.layers]
    after = graph.channels(layers, document.image_channels)
    for index, layer in new.items():
        problem = _replacement_problem(document.layers[index], layer, after)
        if problem:
            raise RefusalError(problem, document.place(index))
    for old, layer in zip(document.layers, layers, strict=True):
        counts = _summed(layer, after)
        if len(set(counts)) > 1 and (layer.index in new or len(set(_summed(old, document.channels))) == 1):
            raise _unequal(document, layer, counts)


def _replacement_problem(old: Layer, layer: Layer, counts: Sequence[int | None]) -> str:
    """What is wrong with a row in the place of ``old``, or empty."""
    was, row = modules.known(old.module), modules.known(layer.module)
    if layer.row == old.row:
        return f"{old} is {flow(layer.row)} already"
    factors = graph.stride_factor(old), graph.stride_factor(layer)
    tell = was.tells_stride(old.args) and row.tells_stride(layer.args)
    if tell and factors[0] != factors[1] and None not in factors:
        strides = f"stride {factors[1]:g}, and {old} {factors[0]:g}"
        return f"{flow(layer.row)} has {strides}: the layers that read it would not fit"
    sources = graph.sources(layer)
    if row.follows and row.reads == "one" and len(sources) > 1:
        return f"{old} reads {len(sources)} layers, and {layer.module} one"
    if row.follows and row.gives and row.gives != was.gives:
        return f"{layer.module} gives {row.gives}, not one feature map"
    return ""


def _summed(layer: Layer, counts: Sequence[int | None]) -> list[int]:
    """The channels of what a layer adds up; none where it does not, or where one is not known."""
    row = modules.known(layer.module)
    if not row.follows or row.reads != "one size" or row.concatenates:
        return []
    found = [counts[source] for source in graph.sources(layer) if source != graph.IMAGE]
    return [] if None in found else [count for count in found if count is not None]


def _unequal(document: Document, layer: Layer, counts: Sequence[int]) -> RefusalError:
    return RefusalError(
        f"{layer} would read {' and '.join(map(str, counts))} channels, and needs the same of all",
        document.place(layer.index),
    )


def _problem(layer: Layer) -> str:
    """What is wrong with a new row by itself, or empty."""
    row = modules.known(layer.module)
    factor = graph.stride_factor(layer)
    if row.gives:
        return f"{layer.module} gives {row.gives}, not one feature map"
    if row.follows and row.reads == "list":
        return f"{layer.module} picks from a list, and a new row reads one feature map"
    if row.follows and row.reads != "one":
        return f"{layer.module} joins several layers, and a new row reads one"
    if factor not in (1, None) and row.tells_stride(layer.args):
        return f"{flow(layer.row)} has stride {factor:g}: the layers that read it would not fit"
    return ""


def _declares_channels(layer: Layer) -> bool:
    row = modules.known(layer.module)
    return bool(row.follows) and row.declares_channels


def _check_channels(document: Document, index_map: IndexMap, new: Sequence[Layer]) -> None:
    """Refuse a sum of different channel counts where it was one of equal counts."""
    moved = [index_map.layer(layer) for layer in document.layers]
    after = graph.channels(sorted([*moved, *new], key=attrgetter("index")), document.image_channels)
    for old, layer in zip(document.layers, moved, strict=True):
        counts = _summed(layer, after)
        if len(set(_summed(old, document.channels))) == 1 and len(set(counts)) > 1:
            raise _unequal(document, old, counts)
