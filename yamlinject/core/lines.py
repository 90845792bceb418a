"""Where the lines of a text begin and end, counted as YAML counts them."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import NamedTuple

from yamlinject.errors import Place

#: YAML 1.1 line breaks. ``str.splitlines`` would also split on form feeds and other controls.
_BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")


class Line(NamedTuple):
    """Offsets of one line: its first character, the end of its content, the start of the next."""

    start: int
    end: int
    next: int


class Lines:
    """Offsets to lines, and back to the line and column numbers of an error message.

    Most texts have no error: their lines are looked for when one is asked for.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._length = len(text)

    @cached_property
    def _breaks(self) -> list[tuple[int, int]]:
        return [match.span() for match in _BREAK.finditer(self._text)]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(end for _, end in self._breaks)]

    @cached_property
    def _ends(self) -> list[int]:
        return [*(start for start, _ in self._breaks), self._length]

    @property
    def newline(self) -> str:
        """The text's own line break, taken from its first line."""
        return self._text[slice(*self._breaks[0])] if self._breaks else "\n"

    def at(self, offset: int) -> Line:
        """The line that ``offset`` lies in; a line break belongs to the line that it ends."""
        number = bisect_right(self._starts, offset) - 1
        following = number + 1
        next_ = self._starts[following] if following < len(self._starts) else self._length
        return Line(self._starts[number], self._ends[number], next_)

    def numbered(self, number: int) -> Line:
        """The line of that number, counted from 1; the last one for a number beyond it."""
        return self.at(self._starts[min(number, len(self._starts)) - 1])

    def place(self, offset: int) -> Place:
        """Line and column of ``offset``, for an error message."""
        number = bisect_right(self._starts, offset)
        return Place(number, offset - self._starts[number - 1] + 1)
