"""References in new numbering: the edits of every ``from`` that has to change."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from yamlinject.core import graph
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer
from yamlinject.errors import RefusalError

#: Integers that are rewritten; YAML has more spellings (``+6``, ``0x6``), which could not be restored.
_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]*")


class Change(NamedTuple):
    """A layer as it was, and its new ``from``."""

    layer: Layer
    from_: int | list[int]


def kept_references(
    layers: Sequence[Layer], targets: Collection[int], readers: Collection[int] | None
) -> frozenset[tuple[int, int]]:
    """The pairs of a layer and a target that it keeps reading, as it is not one of ``readers``."""
    if readers is None:
        return frozenset()
    return frozenset(
        (layer.index, source)
        for layer in layers
        if layer.index not in readers
        for source in graph.sources(layer)
        if source in targets
    )


def renumbered_references(document: Document, index_map: IndexMap) -> tuple[list[Edit], list[Change]]:
    """Edits of the references that have to change, and the layers that they belong to."""
    changed: list[Edit] = []
    changes: list[Change] = []
    for row in document.rows:
        layer = row.layer
        if index_map.moved[layer.index] < 0:
            continue
        from_ = index_map.from_(layer)
        if from_ == layer.from_:
            continue
        changes.append(Change(layer, from_))
        new = layer._replace(from_=from_).references
        for position, (before, after) in enumerate(zip(layer.references, new, strict=True)):
            if before != after:
                changed.append(reference_edit(document, layer.index, position, after))
    return changed, changes


def reference_edit(document: Document, reader: int, position: int, number: int) -> Edit:
    """The edit that makes a reference of the layer ``reader`` another ``number``.

    Raises :class:`RefusalError` where it is not written as a plain number.
    """
    row = document.rows[reader]
    span = row.references[position]
    if not _PLAIN_INTEGER.fullmatch(document.text, *span):
        written, before = document.text[slice(*span)], row.layer.references[position]
        raise RefusalError(
            f"{row.layer}: write the layer number {written!r} as {before}", document.lines.place(span.start)
        )
    return Edit(*span, str(number))
