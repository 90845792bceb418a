"""How many columns of a terminal a text takes, and how to wrap it into lines that fit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate


def columns(text: str) -> int:
    """The columns of a terminal that visible text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    spacing = (char for char in text if category(char) not in ("Mn", "Me"))
    return sum(2 if east_asian_width(char) in ("W", "F") else 1 for char in spacing)


def fitting(text: str, width: int) -> int:
    """How many characters of ``text`` fit into ``width`` columns."""
    return sum(taken <= width for taken in accumulate(map(columns, text)))


def wrapped(text: str, width: int, hang: int) -> Iterator[str]:
    """``text`` broken at spaces into lines of ``width`` columns, all but the first indented by ``hang``.

    A word that is longer than a line is left whole, for it is a path or a command.
    """
    while columns(text) > width:
        begin = len(text) - len(text.lstrip())
        at = text.rfind(" ", begin, fitting(text, width) + 1)
        if at < 0:
            at = text.find(" ", max(begin, hang))
        if at < 0:
            break
        yield text[:at].rstrip()
        text = " " * hang + text[at:].lstrip()
    yield text


def folded(text: str, width: int) -> Iterator[str]:
    """``text`` broken into lines of at most ``width`` columns: at spaces, and within longer words."""
    for line in wrapped(text, width, 0):
        while len(line) > 1 and columns(line) > width:
            cut = max(1, fitting(line, width))
            yield line[:cut]
            line = line[cut:]
        yield line
