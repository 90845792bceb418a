"""Characters typed instead of YAML's own, as input methods for Chinese do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from yamlinject.core.edits import Edit
from yamlinject.core.lines import Lines

_ASIAN = "（）；、。【】〔〕‘’“”「」『』‐‑‒–—―−"  # noqa: RUF001 (they are the subject here)

#: What to type instead of full-width forms of ASCII, and of other characters that look like ASCII.
_MEANT = str.maketrans(
    {chr(ord(char) + 0xFEE0): char for char in map(chr, range(0x21, 0x7F))}
    | dict(zip(_ASIAN, "[],,.[][]''" + '"' * 6 + "-" * 7, strict=True))
    | dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\u3000", " ")
    | dict.fromkeys("\u200b\u200c\u200d\u2060", "")
)

HINT = "it comes from an input method or a web page: type it yourself, in English mode"

#: Quoted text and comments may hold any character.
_TOKEN = r"""(?xs) '(?:[^']|'')*' | "(?:[^"\\]|\\.)*" | \#[^\r\n]* | (?P<word>[^ \t\r\n,\[\]{}]+)"""
_RUN = f"[{''.join(map(chr, _MEANT))}]+"

#: How many lines above the one where an error is noticed its cause may be, not counting empty ones; a wrong
#: colon may be at the key of a whole list.
_LINES_ABOVE = 3
_EMPTY = re.compile(r"[ \t]*(?:#.*)?")


#: Those that YAML wants a space after, which the wide ones have in them.
_SPACED = "，；、："  # noqa: RUF001


class Lookalike(NamedTuple):
    """A run of such characters between two offsets of a text, the first in the ``word`` that it is in."""

    start: int
    end: int
    text: str
    word: tuple[int, int]

    def __str__(self) -> str:
        """What is wrong with it and what to do, in one line."""
        import unicodedata

        meant, first = self.text.translate(_MEANT), self.text[0]
        code, name = f"U+{ord(first):04X}", unicodedata.name(first).lower()
        shown = f"{self.text!r} ({code}, {name})" if self.text.isprintable() else f"{code} ({name})"
        if not meant.strip():
            return f"{shown} is no YAML: {'type a space' if meant else 'delete it'}"
        return f"{shown} is no YAML: type {meant!r}"


def find(text: str, start: int = 0, end: int | None = None) -> Iterator[Lookalike]:
    """The first of them in each word of a part of ``text``.

    Words of a language that uses them, which have other letters too, are skipped.
    """
    end = len(text) if end is None else end
    if text.isascii():
        return
    runs = re.compile(_RUN)
    if not runs.search(text, start, end):
        return
    for token in re.compile(_TOKEN).finditer(text, start, end):
        word = token["word"]
        if word and not word.isascii() and word.translate(_MEANT).isascii():
            found = runs.search(text, *token.span())
            assert found
            yield Lookalike(*found.span(), found[0], token.span())


def run_end(text: str, start: int) -> int:
    """Where the run of them that begins at ``start`` ends."""
    run = re.compile(_RUN).match(text, start)
    return run.end() if run else start


def count(text: str) -> int:
    """How many of them are in ``text``."""
    return sum(ord(char) in _MEANT for char in text)


def replacement(text: str, found: Lookalike) -> Edit:
    """The edit that writes what was meant for the whole word, with the spaces that YAML needs."""
    start, end = found.word
    parts = []
    for offset in range(start, end):
        char, before, after = text[offset], text[offset - 1 : offset], text[offset + 1 : offset + 2]
        part = char.translate(_MEANT)
        if char in _SPACED or (part == "-" != char and after.translate(_MEANT) == "["):
            part += " " * bool(after.strip())
        parts.append(" " * bool(part == "#" != char and before.strip()) + part)
    return Edit(start, end, "".join(parts))


def cause(text: str, line: int) -> Lookalike | None:
    """The most likely cause of an error that PyYAML notices in ``line``, counted from 1."""
    if text.isascii():
        return None
    lines, above = Lines(text), 0
    while line > 0:
        start, end, _ = lines.numbered(line)
        found = next(find(text, start, end), None)
        if found and (above <= _LINES_ABOVE or "\uff1a" in found.text):
            return found
        above += not _EMPTY.fullmatch(text, start, end)
        line -= 1
    return None
