"""A document after edits, without parsing its text again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import SECTIONS
from yamlinject.core.references import Change
from yamlinject.core.rows import Row, Span


def without_removed(
    document: Document, edits: Iterable[Edit], text: str, index_map: IndexMap, changes: Sequence[Change]
) -> Document:
    """What :meth:`Document.parse` would make of ``text``, the result of ``edits`` that remove layers.

    ``changes``: the new ``from`` of each layer that has one. No row of ``document`` may be shared.
    """
    edits = sorted(edits)
    ends = [edit.end for edit in edits]
    growth = [0, *accumulate(len(edit.text) - (edit.end - edit.start) for edit in edits)]
    from_ = {change.layer.index: change.from_ for change in changes}

    def moved(span: Span) -> Span:
        start, end = span
        return Span(start + growth[bisect_right(ends, start)], end + growth[bisect_right(ends, end)])

    rows = [
        Row(
            row.layer._replace(index=new, from_=from_.get(row.layer.index, row.layer.from_)),
            moved(row.span),
            tuple(map(moved, row.references)),
            moved(row.number),
            moved(row.module),
            moved(row.args),
            shared=False,
        )
        for row, new in zip(document.rows, index_map.moved, strict=True)
        if new >= 0
    ]
    data = dict(document.data)
    for section in SECTIONS:
        data[section] = [row.layer.row for row in rows if row.layer.section == section]
    values = {name: moved(span) for name, span in document.values.items()}
    return Document(text, data, rows, document.flow, values)
