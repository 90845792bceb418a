"""What ``check`` finds: a rule that is broken at a place in a file, and the result for a file."""

from __future__ import annotations

from typing import NamedTuple

from yamlinject.checks.registry import Problem, Rule
from yamlinject.core.edits import Edit
from yamlinject.core.lines import Lines
from yamlinject.core.references import Change
from yamlinject.core.rows import Span
from yamlinject.errors import Place


class Finding(NamedTuple):
    """A rule that a file breaks, and where.

    ``hint`` says what to write instead, ``cause`` why, if one mistake causes several findings.
    ``start`` and ``end`` bound the offending text, ``end`` after its last character; without ``end`` it
    runs to the end of the line, and both are None for the whole file. ``line`` is the text of ``start``'s
    line. ``base``: the base that the file was compared with, if that led to the finding.
    ``diff``: the lines of a unified diff that fixes the file. ``fix``: the edits that ``--fix`` makes.
    """

    rule: Rule
    message: str
    hint: str
    start: Place | None = None
    end: Place | None = None
    line: str = ""
    base: str | None = None
    diff: tuple[str, ...] = ()
    fix: tuple[Edit, ...] = ()
    cause: str = ""

    @property
    def advice(self) -> str:
        """Hint and cause in one."""
        return f"{self.hint}: {self.cause}" if self.cause else self.hint


class Finder:
    """Makes findings of the problems in one text."""

    def __init__(self, text: str, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._shown: dict[int, str] = {}  # one line may have thousands of findings

    def finding(self, rule: Rule, problem: Problem) -> Finding:
        """The finding of ``rule`` for a problem that it yielded."""
        at, message, hint, base, diff, fix, cause = problem
        found = Finding(rule, message, hint, base=base, diff=diff, fix=fix, cause=cause)
        if at is None:
            return found
        if isinstance(at, Span):
            line = self._lines.at(at.start)
            found = found._replace(start=self._lines.place(at.start), end=self._lines.place(at.end))
        else:
            line = self._lines.numbered(at.line)
            found = found._replace(start=at)
        if line.start not in self._shown:
            self._shown[line.start] = self._text[line.start : line.end]
        return found._replace(line=self._shown[line.start])


class Checked(NamedTuple):
    """The result for one file: its findings, or why it could not be checked (``error``, one line).

    ``skipped``: it holds no model config. ``fixed``: how many findings were fixed in it, ``rewired`` of
    them references, which ``changes`` have by layers with their places; ``characters``: how many that only
    look like YAML's were replaced. ``left``: why no reference was changed though some are wrong. ``diff``:
    the lines of a unified diff of what would be fixed. ``baseless``: whether it has errors about
    references or sizes, and a base that was looked for was not found.
    """

    file: str
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    skipped: bool = False
    fixed: int = 0
    rewired: int = 0
    changes: tuple[tuple[Place, Change], ...] = ()
    characters: int = 0
    left: str = ""
    diff: tuple[str, ...] = ()
    baseless: bool = False
