"""Edits of a text by offset, and the unified diff that shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple


class Edit(NamedTuple):
    """Replace the text between the offsets ``start`` and ``end`` by ``text``."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """Apply ``edits``, whose offsets all refer to ``text``; insertions at one offset keep their order.

    Raises :class:`ValueError` where two edits overlap, which is a bug in the caller.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=attrgetter("start", "end")):
        if edit.start < done:
            raise ValueError(f"overlapping edits at offset {edit.start}")
        parts += text[done : edit.start], edit.text
        done = edit.end
    return "".join([*parts, text[done:]])


def unified_diff(before: str, after: str, before_name: str, after_name: str) -> Iterator[str]:
    """The lines of a unified diff, without line breaks; nothing when the texts are equal."""
    from difflib import unified_diff  # takes milliseconds, and most runs print no diff

    old, new = _lines(before), _lines(after)
    for number, line in enumerate(unified_diff(old, new, before_name, after_name, lineterm="")):
        yield line.removesuffix("\n") if line.endswith("\n") else line.removesuffix("\r")
        if number > 1 and line[0] in "+- " and line[-1] not in "\r\n":
            yield "\\ No newline at end of file"


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text)
