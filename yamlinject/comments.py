"""Index comments: trailing comments that repeat a row's own index, such as ``# 9`` or ``# 4-P3/8``."""

from __future__ import annotations

import re
from typing import NamedTuple

from yamlinject.document import Document, Row, Span
from yamlinject.edits import Edit
from yamlinject.index_map import IndexMap

#: A comment behind a row; in brackets, the row's comma and the closing bracket may precede it.
_TRAILING = re.compile(r"(?P<gap>[ \t,\]]*)(?P<comment>#[^\r\n\x85\u2028\u2029]*)")

#: A number that may be an index: not that of ``3x3``, ``20*20*512``, ``1/8`` or ``2.5``.
_NUMBER = re.compile(r"#[ \t\xa0]*(?P<number>0|[1-9][0-9]{0,6})(?![\w*/.%\xd7])")

#: What follows a number that can only be an index: nothing, ``-P3/8`` or ``(P3/8-small)``.
_CLEARLY_INDEX = re.compile(r"[ \t]*(?:$|-[ \t]*[Pp][0-9]|\()")


class IndexComment(NamedTuple):
    """The number at the start of a row's trailing comment.

    ``lead``: what stands between the row and the number, without comma and bracket.
    ``clear``: whether the number has the form of an index, be it the row's own or not.
    """

    number: int
    span: Span
    lead: str
    clear: bool


def index_comment(document: Document, row: Row) -> IndexComment | None:
    """The number that ``row``'s trailing comment starts with, or None."""
    trailing = _TRAILING.match(document.text, row.span.end)
    found = trailing and _NUMBER.match(trailing["comment"])
    if not trailing or not found:
        return None
    offset = trailing.start("comment")
    return IndexComment(
        number=int(found["number"]),
        span=Span(offset + found.start("number"), offset + found.end("number")),
        lead=re.sub(r".*[,\]]", "", trailing["gap"]) + found[0][: found.start("number")],
        clear=bool(_CLEARLY_INDEX.match(trailing["comment"], found.end("number"))),
    )


class CommentEdits(NamedTuple):
    """Edits of index comments.

    ``stale``: layers whose comment was wrong and is left alone. ``restore``: base index -> number, where
    a removal would not restore the comment by renumbering it back.
    """

    edits: list[Edit]
    stale: tuple[int, ...]
    restore: dict[int, int]


def renumbered(document: Document, index_map: IndexMap, fix: bool) -> CommentEdits:
    """Renumber the index comments that are right; with ``fix`` also those that are clearly wrong."""
    changed: list[Edit] = []
    stale: list[int] = []
    restore: dict[int, int] = {}
    for row in document.rows:
        comment = index_comment(document, row)
        if comment is None:
            continue
        old, new = row.layer.index, index_map.moved[row.layer.index]
        right = comment.number == old
        number = new if right or (fix and comment.clear) else comment.number
        if number != comment.number:
            changed.append(Edit(*comment.span, str(number)))
        if comment.clear and not right and not fix:
            stale.append(old)
        if comment.number != (old if number == new else number):  # a removal would renumber it wrongly
            restore[old] = comment.number
    return CommentEdits(changed, tuple(stale), restore)
