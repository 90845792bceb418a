"""How rows are written into a section in the style of the row above them, and removed again.

A section is either a block of ``- `` items or a list in brackets. In brackets a row has its own
line, or shares it with other rows or with the brackets; it may lack a comma, or begin with one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_comments import index_comment
from yamlinject.core.rows import Row, Span
from yamlinject.errors import RefusalError

_COMMA = re.compile(r"[ \t]*,")
_REST_OF_LINE = re.compile(r"[ \t]*(?:,[ \t]*)?(?:#[^\r\n\x85\u2028\u2029]*)?(?=[\r\n\x85\u2028\u2029]|\Z)")
_DASH = re.compile(r"[ ]*-[ ]+")
_BLANK = re.compile(r"[ \t]*")
_LEADING_COMMA = re.compile(r"[ \t]*,[ \t]*")


def insertion(document: Document, target: int, rows: Sequence[str], first: int) -> list[Edit]:
    """Edits that put ``rows`` directly below layer ``target``; ``first``: the first one's index."""
    row = document.rows[target]
    comments = _comments(document, row, range(first, first + len(rows)))
    if not document.flow[row.layer.section]:
        dash = _lead(document, row)
        if not _DASH.fullmatch(dash):
            raise RefusalError(
                f"{row.layer} does not begin on the line of its dash: move it there",
                document.place(target),
            )
        return [
            _new_lines(document, row, [dash + "".join(new) for new in zip(rows, comments, strict=True)])
        ]

    prefix = _own_line_prefix(document, row)
    comma = _COMMA.match(document.text, row.span.end)
    leading = prefix is not None and _LEADING_COMMA.fullmatch(prefix)
    if prefix is None or not (comma or leading or _next(document, row) is None):
        separator = ", " if spaced(document, row) else ","
        return [Edit(row.span.end, row.span.end, "".join(separator + text for text in rows))]
    commas = ["" if leading else ","] * len(rows)
    edits = []
    if not (comma or leading):
        edits.append(Edit(row.span.end, row.span.end, ","))
        commas[-1] = ""
    lines = [prefix + "".join(new) for new in zip(rows, commas, comments, strict=True)]
    return [*edits, _new_lines(document, row, lines)]


def removal(document: Document, removed: Sequence[int]) -> list[Edit]:
    """Edits that take the layers ``removed`` out: the inverse of :func:`insertion`."""
    edits: list[Edit] = []
    whole_lines: list[Span] = []
    for run in _runs(document, removed):
        before, after = _previous(document, run[0]), _next(document, run[-1])
        if all(_on_own_line(document, row) for row in run):
            whole_lines += (_line_span(document, row) for row in run)
            comma = before and _COMMA.match(document.text, before.span.end)
            ends_bare = after is None and not _COMMA.match(document.text, run[-1].span.end)
            leading = "," in _lead(document, run[-1])
            if comma and ends_bare and not leading and document.flow[run[0].layer.section]:
                edits.append(Edit(comma.end() - 1, comma.end(), ""))
        elif before and not (after and _BLANK.fullmatch(_lead(document, run[0]))):
            edits.append(Edit(before.span.end, run[-1].span.end, ""))
        elif after:  # there always is: the first and the last layer cannot be removed
            edits.append(Edit(run[0].span.start, after.span.start, ""))
    return edits + [Edit(*span, "") for span in _joined(document, whole_lines)]


def comment_carrier(document: Document, row: Row, removed: Collection[int]) -> Row:
    """The row that ``row``'s comment follows while the layers ``removed`` are still there."""
    following = _next(document, row)
    while following and following.layer.index in removed and _shares_line(document, following):
        row, following = following, _next(document, following)
    return row


def spaced(document: Document, row: Row) -> bool:
    """Whether a row as written has a space after its commas, or no comma to tell by."""
    text = document.text[slice(*row.span)]
    return ", " in text or "," not in text


def _lead(document: Document, row: Row) -> str:
    """The text before a row on its first line."""
    return document.text[document.lines.at(row.span.start).start : row.span.start]


def _previous(document: Document, row: Row) -> Row | None:
    return _neighbour(document, row, -1)


def _next(document: Document, row: Row) -> Row | None:
    return _neighbour(document, row, +1)


def _neighbour(document: Document, row: Row, step: int) -> Row | None:
    index = row.layer.index + step
    if 0 <= index < len(document.rows):
        other = document.rows[index]
        return other if other.layer.section == row.layer.section else None
    return None


def _own_line_prefix(document: Document, row: Row) -> str | None:
    """What a new line below a bracketed row begins with, or None if the row shares its line."""
    if not _REST_OF_LINE.match(document.text, row.span.end):
        return None
    lead, following = _lead(document, row), _next(document, row)
    next_lead = _lead(document, following) if following else ""
    if _LEADING_COMMA.fullmatch(next_lead) and not _COMMA.match(document.text, row.span.end):
        return next_lead
    if _BLANK.fullmatch(lead) or _LEADING_COMMA.fullmatch(lead):
        return lead
    if _previous(document, row) is None:  # only the opening bracket comes before it
        return next_lead if following and _BLANK.fullmatch(next_lead) else " " * len(lead)
    return None


def _on_own_line(document: Document, row: Row) -> bool:
    if not _REST_OF_LINE.match(document.text, row.span.end):
        return False
    lead = _lead(document, row)
    styles = (_BLANK, _LEADING_COMMA) if document.flow[row.layer.section] else (_DASH,)
    return any(style.fullmatch(lead) for style in styles)


def _shares_line(document: Document, row: Row) -> bool:
    """Whether another row precedes ``row`` on its line."""
    return document.flow[row.layer.section] and "]" in _lead(document, row)


def _comments(document: Document, row: Row, indices: Iterable[int]) -> list[str]:
    """Index comments for new rows below ``row``: empty where ``row`` itself has no correct one."""
    found = index_comment(document, row)
    if found is None or found.number != row.layer.index:
        return ["" for _ in indices]
    return [f"{found.lead}{index}" for index in indices]


def _new_lines(document: Document, row: Row, lines: Sequence[str]) -> Edit:
    """Insert whole lines below the line that ``row`` ends on, even if that line has no line break."""
    line = document.lines.at(row.span.end)
    if line.end == line.next:
        newline = document.lines.newline
        return Edit(line.end, line.end, "".join(newline + new for new in lines))
    newline = document.text[line.end : line.next]
    return Edit(line.next, line.next, "".join(new + newline for new in lines))


def _line_span(document: Document, row: Row) -> Span:
    lines = document.lines
    return Span(lines.at(row.span.start).start, lines.at(row.span.end).next)


def _joined(document: Document, spans: Sequence[Span]) -> Iterator[Span]:
    """Join adjacent spans; one that ends the file without a line break takes the break before it."""
    spans = sorted(spans)
    for number, (start, end) in enumerate(spans):
        if number and start == spans[number - 1].end:
            continue
        while number + 1 < len(spans) and spans[number + 1].start == end:
            number += 1
            end = spans[number].end
        last = document.lines.at(end)
        if start and end == len(document.text) and last.start < end:
            start = document.lines.at(start - 1).end
        yield Span(start, end)


def _runs(document: Document, removed: Sequence[int]) -> Iterator[list[Row]]:
    """Removed rows that follow each other in one section."""
    run: list[Row] = []
    for index in sorted(removed):
        row = document.rows[index]
        if run and _next(document, run[-1]) is not row:
            yield run
            run = []
        run.append(row)
    if run:
        yield run
