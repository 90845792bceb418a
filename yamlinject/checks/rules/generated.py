"""Generated configs that are not what their provenance line says (YI6xx)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finding
from yamlinject.config import Config, Restored
from yamlinject.core import edits, provenance
from yamlinject.core.document import Span
from yamlinject.core.provenance import Found, Provenance
from yamlinject.core.request import command_line
from yamlinject.core.source import Source
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases
from yamlinject.lineage.recorded import Absence, recorded_base

_EDITED = "it is not what its command gives: it was edited since"


#: So many characters are gone through while commands are undone one after the other; any real stack of them
#: takes a hundredth of that.
_MOST_TEXT = 2 * 2**20


class Generated(NamedTuple):
    """What the newest provenance line of a config leads to.

    ``restored``: the config without the layers of that line, or None with ``problem`` saying why not.
    ``base``: the file that the line names; None if that is no file of its own (standard input, or the
    config itself, ``--in-place``), is not there, or is outside of the repository (``absence``).
    ``intact``: undoing the command and running it again gives the config, byte for byte.
    """

    found: Found
    restored: Restored | None
    problem: str
    base: Config | None
    absence: Absence | None
    intact: bool

    @property
    def places(self) -> list[int]:
        """Where the layers of the base stand."""
        moved = self.restored.rewrite.index_map.moved if self.restored else ()
        return [index for index, new in enumerate(moved) if new >= 0]

    @property
    def recorded(self) -> Config | None:
        """The base, as far as it is known."""
        return self.base or (self.restored if self.intact else None)


def read(config: Config, given: Config | None = None) -> Generated | None:
    """What the newest provenance line says, None where there is none.

    ``given``: a base that the user names, which may be read wherever it is.
    """
    lines = provenance.read(config.text)
    if not lines:
        return None
    line = lines[0].provenance
    base, absence = recorded_base(line, config, given)
    restored, problem, intact = None, "", False
    try:
        restored = config.remove(line.request.module, proven=False)
        if restored.exact:
            is_base = base is not None and provenance.digest(base.to_bytes()) == line.digest
            source = base if base and is_base else Config(line.request.base, restored.to_bytes())
            again = _again(source, line)
            intact = again == config.to_bytes()
    except YamlInjectError as error:
        problem = error.message
    return Generated(lines[0], restored, problem, base, absence, intact)


def check(subject: Subject, made: Generated | None) -> Iterator[Finding]:
    """Whether the config still is what its command gives."""
    if made is None:
        start = provenance.damaged(subject.document.text)
        if start is not None:
            yield subject.finding(
                "YI603",
                Span(start, subject.document.lines.at(start).end),
                "the line that says how it was generated was edited: it cannot be read",
                "undo the edit, or delete the line",
            )
        return
    line = made.found.provenance
    span = Span(made.found.start, subject.document.lines.at(made.found.start).end)
    if made.base is None:
        yield from _without_file(subject, made, span)
        return
    changed = provenance.digest(made.base.to_bytes()) != line.digest
    if made.intact and not changed:
        return
    file = str(subject.config.path or bases.STDIN)
    again_from_here = line.request._replace(base=str(made.base.path or line.request.base))
    mend = f"run: {command_line(*again_from_here.to_words(), '-o', file, '--force')}"
    try:
        again = Source.from_bytes(_again(made.base, line)).text
    except YamlInjectError as error:
        problem = f"its command does not work any more: {error.message}"
        hint = "generate it anew with a command that does"
        yield subject.finding("YI602" if changed else "YI603", span, problem, hint)
        return
    diff = tuple(edits.unified_diff(subject.config.text, again, file, file))
    if changed:
        problem = f"its base {line.request.base} was changed since"
        yield subject.finding("YI602", span, problem, mend, diff=diff)
    if not made.intact:
        yield subject.finding("YI603", span, _EDITED, mend, diff=() if changed else diff)


def _without_file(subject: Subject, made: Generated, span: Span) -> Iterator[Finding]:
    """A config whose base is no file of its own: undoing its commands is what there is to go by."""
    base = made.found.provenance.request.base
    if made.absence == "outside":
        problem = f"its base {base} is outside of this repository, and is not read"
        yield subject.finding("YI601", span, problem, "name it with --base, or generate from a base inside")
    elif made.absence and bases.is_path(base):
        problem = f"its base {base} is not there"
        yield subject.finding("YI601", span, problem, "put it back, or generate from another base")
    step: Generated | None = made
    room = _MOST_TEXT
    while step and step.intact and step.restored and room > 0:
        room -= len(step.restored.text)
        step = read(Config(subject.config.name, step.restored.to_bytes(), path=subject.config.path))
    if step and room > 0:
        problem = f"{_EDITED} ({step.problem})" if step.problem else _EDITED
        yield subject.finding("YI603", span, problem, _undo_hint(subject, made))


def _undo_hint(subject: Subject, made: Generated) -> str:
    request = made.found.provenance.request
    if made.absence and bases.is_path(request.base):
        return "undo the edit, or generate it anew when the base is there"
    if made.absence or request.base == bases.STDIN:
        return f"undo the edit, or generate it anew: {command_line(*request.to_words())}"
    file = subject.config.name
    remove = command_line("remove", request.module, file, "--in-place")
    return f"undo the edit, or run: {remove}, and add the layers again"


def _again(base: Config, line: Provenance) -> bytes:
    """What the command of a provenance line gives, as the version of that line writes it."""
    result = base.apply(line.request, proven=False)
    written = result.rewrite.provenance
    same_version = str(written and written._replace(version=line.version))
    return result.to_bytes().replace(str(written).encode(), same_version.encode(), 1)
