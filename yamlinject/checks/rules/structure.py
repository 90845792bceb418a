"""Texts without readable layers, and rows that cannot be renumbered (YI0xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import lookalikes
from yamlinject.core.lines import Lines
from yamlinject.core.rows import Span
from yamlinject.errors import ConfigError, DuplicateKeyError, InvalidYamlError, MalformedRowError, Place

#: What PyYAML says where a bracket is not closed, or a comma is missing.
_UNCLOSED = "expected ',' or ']'"

#: Parts of what PyYAML says, and what it most likely comes from.
_HINTS = {
    _UNCLOSED: "close the bracket of this row or of the one above, or put a comma between them",
    "'\\t'": "indent with spaces: YAML takes no tabs there",
    "could not find expected ':'": "look a few lines up too: a dash needs a space after it",
}


@rule("YI001", "error", "PyYAML, which frameworks read configs with, cannot read the file", needs="text")
def invalid_yaml(subject: Subject) -> Iterator[Problem]:
    """The frameworks call ``yaml.safe_load``, so its YAML 1.1 is what counts."""
    return _raised(subject, InvalidYamlError, "fix the YAML: PyYAML cannot read the file")


@rule("YI002", "error", "a duplicate key, of which PyYAML silently keeps the last", needs="text")
def duplicate_key(subject: Subject) -> Iterator[Problem]:
    """YAML forbids it, but PyYAML does not complain."""
    return _raised(subject, DuplicateKeyError, "keep the one that is meant")


@rule("YI003", "error", "backbone and head are not two lists of rows", needs="text")
def no_layer_lists(subject: Subject) -> Iterator[Problem]:
    """``parse_model`` of every framework takes the rows from these two keys."""
    hint = "a model config has the lists backbone and head, which hold all of its layers"
    return _raised(subject, ConfigError, hint)


@rule("YI004", "error", "a row is not [from, number, module, args]", needs="text")
def malformed_row(subject: Subject) -> Iterator[Problem]:
    """``parse_model`` unpacks each row into these four."""
    return _raised(subject, MalformedRowError, "write it as [from, number, module, args]")


@rule("YI005", "warning", "a row shares its text with another place through a YAML alias")
def shared_row(subject: Subject) -> Iterator[Problem]:
    """A framework reads it; a rewrite would change both places at once."""
    for row in subject.rows:
        if row.shared:
            yield Problem(
                row.span,
                f"{row.layer} shares its text with another place through a YAML alias",
                "write both out: yamlinject add cannot renumber one of them alone",
            )


def _raised(subject: Subject, kind: type[ConfigError], hint: str) -> Iterator[Problem]:
    """The error that the text was refused with, if it is exactly of that ``kind``."""
    error = subject.unreadable
    if type(error) is not kind:
        return
    if "is no YAML" in error.message:
        how = " (check --fix does it)" if subject.retyped else ""
        at = _characters(subject.config.text, error.place) if error.place else None
        yield Problem(at, error.message, f"{lookalikes.HINT}{how}", fix=tuple(subject.retyped))
    else:
        hint = next((better for part, better in _HINTS.items() if part in error.message), hint)
        opened = _opened(subject.config.text, error.place) if _UNCLOSED in error.message else None
        if opened:
            hint = f"close the bracket that is open at the end of line {opened}"
        yield Problem(error.place, error.message, hint)


def _opened(text: str, place: Place | None) -> int | None:
    """The last line of a list above ``place`` that opens a bracket of a row and does not close it."""
    lines = Lines(text)
    found: list[tuple[int, int, str]] = []
    key = ""
    for number in range(place.line - 1 if place else 0, 0, -1):
        line = lines.numbered(number)
        bare = re.sub(r"""'[^']*'|"[^"]*"|#.*""", "", text[line.start : line.end]).strip()
        if re.match(r"[A-Za-z_]", bare):
            key = bare
            break
        if bare:
            found.append((number, bare.count("[") - bare.count("]"), bare))
    if found and found[-1][2].startswith("[") and key.endswith(":"):  # it opens the list too
        number, surplus, bare = found.pop()
        found.append((number, surplus - 1, bare))
    return next((number for number, surplus, _ in found if surplus > 0), None)


def _characters(text: str, place: Place) -> Span:
    """The characters that an error at ``place`` is about."""
    start = Lines(text).numbered(place.line).start + place.column - 1
    return Span(start, lookalikes.run_end(text, start))
