"""Index comments: trailing comments that repeat a row's own index, such as ``# 9`` or ``# 4-P3/8``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_map import IndexMap
from yamlinject.core.rows import Row, Span

#: A comment after a row; in a bracketed list, a comma and the closing bracket may come before it.
_TRAILING = re.compile(r"(?:[ \t]*[,\]])*(?P<lead>[ \t]*)(?P<comment>#[^\r\n\x85\u2028\u2029]*)")

#: A number that may be an index, unlike those in ``3x3``, ``20*20*512``, ``1/8`` and ``2.5``.
_NUMBER = re.compile(r"#[ \t\xa0]*(?P<number>0|[1-9][0-9]{0,6})(?![\w*/.%\xd7])")

#: What follows a number that can only be an index: nothing, ``-P3/8`` or ``(P3/8-small)``.
_CLEARLY_INDEX = re.compile(r"[ \t]*(?:$|-[ \t]*[Pp][0-9]|\()")


#: How far an index in a comment may be too low (after insertions) or too high (after removals). Sizes of
#: feature maps are further off, or the same in three rows or more.
_BEHIND, _AHEAD, _ALIKE = 30, 8, 3


class IndexComment(NamedTuple):
    """The number at the start of a row's trailing comment.

    ``lead``: the text between the row and the number, without comma and bracket.
    ``clear``: whether the number has the form of an index, right or wrong. ``alone``: whether nothing
    follows it.
    """

    number: int
    span: Span
    lead: str
    clear: bool
    alone: bool


def index_comment(document: Document, row: Row) -> IndexComment | None:
    """The number that ``row``'s trailing comment starts with, or None."""
    trailing = _TRAILING.match(document.text, row.span.end)
    found = trailing and _NUMBER.match(trailing["comment"])
    if not trailing or not found:
        return None
    offset, end = trailing.start("comment"), found.end("number")
    return IndexComment(
        number=int(found["number"]),
        span=Span(offset + found.start("number"), offset + end),
        lead=trailing["lead"] + found[0][: found.start("number")],
        clear=bool(_CLEARLY_INDEX.match(trailing["comment"], end)),
        alone=not trailing["comment"][end:].strip(" \t"),
    )


def index_comments(document: Document) -> Iterator[tuple[Row, IndexComment]]:
    """The rows with such a comment. A number alone is clear only if it is, or could be, the row's index.

    ``# 40`` after layer 11, and ``# 20`` after three layers, are something else, such as sizes.
    """
    found = [(row, comment) for row in document.written if (comment := index_comment(document, row))]
    times = Counter(comment.number for _, comment in found if comment.alone)
    for row, comment in found:
        ahead = comment.number - row.layer.index
        is_size = not -_BEHIND <= ahead <= _AHEAD or times[comment.number] >= _ALIKE
        yield row, comment._replace(clear=comment.clear and not (comment.alone and ahead and is_size))


class CommentEdits(NamedTuple):
    """Edits of index comments.

    ``stale``: layers whose comment was wrong and was left alone. ``restore``: base index -> number, where
    renumbering on removal would not restore the comment.
    """

    edits: list[Edit]
    stale: tuple[int, ...]
    restore: dict[int, int]


def renumbered(document: Document, index_map: IndexMap, fix: bool) -> CommentEdits:
    """Renumber the index comments that are right and, with ``fix``, those that are clearly wrong."""
    changed: list[Edit] = []
    stale: list[int] = []
    restore: dict[int, int] = {}
    for row, comment in index_comments(document):
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
