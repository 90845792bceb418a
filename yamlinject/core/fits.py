"""Whether the readers of new rows can read what those give.

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
    before = graph.channels(document.layers, document.image_channels)
    after = graph.channels(sorted([*moved, *new], key=attrgetter("index")), document.image_channels)
    for old, layer in zip(document.layers, moved, strict=True):
        row = modules.known(layer.module)
        if not row.follows or row.reads != "one size" or row.concatenates:
            continue
        were = [before[source] for source in graph.sources(old) if source != graph.IMAGE]
        counts = [after[source] for source in graph.sources(layer) if source != graph.IMAGE]
        if len(set(were)) == 1 and len(set(counts)) > 1 and None not in counts:
            raise RefusalError(
                f"{old} would read {' and '.join(map(str, counts))} channels, and needs the same of all",
                document.place(old.index),
            )
