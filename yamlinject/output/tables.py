"""Tables as lines of text: as wide as they need to be, and folded to fit a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from yamlinject.output.terminal import Line, visible
from yamlinject.output.widths import columns, folded

_GAP = 2
#: No column is folded to less than this.
_LEAST = 8


class Column(NamedTuple):
    """``heading`` may have several lines. ``folds``: whether cells may be folded if space is short."""

    heading: str = ""
    right: bool = False
    folds: bool = False


class Row:
    """The cells of a row, and its style as rich names it."""

    def __init__(self, *cells: str, style: str = "") -> None:
        self.cells = [*map(visible, cells)]
        self.style = style


def table(heads: Sequence[Column], rows: Sequence[Row | str], width: int | None = None) -> Iterator[Line]:
    """The lines of a table, of at most ``width`` columns if possible; a text becomes a separate line."""
    headings = [[*map(visible, head.heading.split("\n"))] for head in heads]
    cells = [row.cells for row in rows if isinstance(row, Row)]
    widths = [
        max(map(columns, [*heading, *(row[index] for row in cells)]))
        for index, heading in enumerate(headings)
    ]
    _fold(heads, widths, width)
    if any(head.heading for head in heads):
        parts = [
            [part for line in heading for part in folded(line, size)]
            for heading, size in zip(headings, widths, strict=True)
        ]
        deepest = max(map(len, parts))
        for each in zip(*([""] * (deepest - len(lines)) + lines for lines in parts), strict=True):
            yield Line(_joined(heads, widths, each))
        yield Line("-" * (sum(widths) + _GAP * (len(widths) - 1)))
    for row in rows:
        if isinstance(row, str):
            yield Line(row, "bold")
            continue
        folds = (folded(cell, size) for cell, size in zip(row.cells, widths, strict=True))
        for each in zip_longest(*folds, fillvalue=""):
            yield Line(_joined(heads, widths, each), row.style)


def _fold(heads: Sequence[Column], widths: list[int], width: int | None) -> None:
    """Narrow the columns that fold, the widest first."""
    foldable = [index for index, head in enumerate(heads) if head.folds]
    while width is not None and sum(widths) + _GAP * (len(widths) - 1) > width:
        index = max(foldable, key=widths.__getitem__, default=0)
        if not foldable or widths[index] <= _LEAST:
            return
        widths[index] -= 1


def _joined(heads: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    padded = (
        " " * (width - columns(cell)) + cell if head.right else cell + " " * (width - columns(cell))
        for head, width, cell in zip(heads, widths, cells, strict=True)
    )
    return (" " * _GAP).join(padded).rstrip()
