"""Index comments: trailing comments that repeat a row's own index, such as ``# 9`` or ``# 4-P3/8``."""

from __future__ import annotations

import re
from typing import NamedTuple

from yamlinject.document import Document, Row, Span

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
