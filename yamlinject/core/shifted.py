"""A document after edits, without parsing its text again."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

from yamlinject.core.document import Document, Row, Span
from yamlinject.core.edits import Edit
from yamlinject.core.index_map import IndexMap


def without_removed(
    document: Document, edits: Iterable[Edit], text: str, index_map: IndexMap, data: dict[str, Any]
) -> Document:
    """What :meth:`Document.parse` would make of ``text``, the result of ``edits`` that remove layers.

    ``data``: the data of ``text``. No row of ``document`` may be shared.
    """
    edits = sorted(edits)
    ends = [edit.end for edit in edits]
    growth = [0, *accumulate(len(edit.text) - (edit.end - edit.start) for edit in edits)]

    def moved(span: Span) -> Span:
        start, end = span
        return Span(start + growth[bisect_right(ends, start)], end + growth[bisect_right(ends, end)])

    rows = [
        Row(
            index_map.layer(row.layer),
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
    values = {name: moved(span) for name, span in document.values.items()}
    return Document(text, data, rows, document.flow, values)
