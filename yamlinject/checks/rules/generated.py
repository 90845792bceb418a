"""Generated configs that are not what their provenance line says (YI6xx)."""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import edits, provenance
from yamlinject.core.request import command_line
from yamlinject.core.rows import Span
from yamlinject.core.source import Source
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases
from yamlinject.lineage.generated import Generated, all_intact, regenerated

_EDITED = "it is not what its command gives: it was edited since"


@rule("YI601", "error", "the base of a generated config is missing")
def base_missing(subject: Subject) -> Iterator[Problem]:
    """A base outside the repository is not read, because the line may come from anyone."""
    made = subject.generated
    base = made.line.provenance.request.base if made else ""
    if made and made.absence == "outside":
        problem = f"its base {base} is outside this repository and is not read"
        hint = "name it with --base, or generate from a base inside"
        yield Problem(_line(subject, made.line.start), problem, hint)
    elif made and made.absence and bases.is_path(base):
        hint = "put it back, or generate from another base"
        yield Problem(_line(subject, made.line.start), f"its base {base} is missing", hint)


@rule("YI602", "error", "the base of a generated config has changed since")
def base_changed(subject: Subject) -> Iterator[Problem]:
    """The line records a digest of the base's bytes."""
    made = subject.generated
    if made and made.base_changed:
        problem = f"its base {made.line.provenance.request.base} has changed since"
        yield _compared(subject, made, problem)


@rule("YI603", "error", "a generated config is not what its command gives")
def drifted(subject: Subject) -> Iterator[Problem]:
    """Undoing the command and running it again must give the same bytes."""
    made = subject.generated
    if made is None:
        start = provenance.damaged(subject.config.text)
        if start is not None:
            problem = "the line that says how it was generated was edited: it cannot be read"
            yield Problem(_line(subject, start), problem, "undo the edit, or delete the line")
    elif made.base is None:
        intact, why = all_intact(subject.config)
        if not intact:
            problem = f"{_EDITED} ({why})" if why else _EDITED
            yield Problem(_line(subject, made.line.start), problem, _undo_hint(subject, made))
    elif not made.intact:
        found = _compared(subject, made, _EDITED)
        if not made.base_changed:
            yield found
        elif found.diff:  # a changed base already shows it
            yield found._replace(diff=())


def _compared(subject: Subject, made: Generated, problem: str) -> Problem:
    """``problem`` with what the command gives today, from a base that is there."""
    assert made.base
    line, span = made.line.provenance, _line(subject, made.line.start)
    written = subject.config.text[span.start : span.end]
    file = str(subject.config.path or bases.STDIN)
    try:
        again = Source.from_bytes(regenerated(made.base, line, written)).text
    except YamlInjectError as error:
        problem = f"its command no longer works: {error.message}"
        return Problem(span, problem, "generate it again with a command that does")
    from_here = line.request._replace(base=str(made.base.path or line.request.base))
    fix = f"undo the edit, or lose it: {command_line(*from_here.to_words(), '-o', file, '--force')}"
    if made.base_changed:
        edited = made.problem or not subject.config.undone.exact
        kept = "keep a copy of what was edited in it, then " if edited else ""
        fix = f"{kept}run: {command_line(*from_here.to_words(), '-o', file, '--force')}"
    return Problem(
        span, problem, fix, diff=tuple(edits.unified_diff(subject.config.text, again, file, file))
    )


def _undo_hint(subject: Subject, made: Generated) -> str:
    request = made.line.provenance.request
    if made.absence and bases.is_path(request.base):
        return "undo the edit, or generate it again when the base is there"
    if made.absence or request.base == bases.STDIN:
        return f"undo the edit, or generate it again: {command_line(*request.to_words())}"
    undo = command_line("undo", subject.config.name, "--in-place")
    return f"undo the edit, or run: {undo}, and then: {command_line(*request.to_words())}"


def _line(subject: Subject, start: int) -> Span:
    return Span(start, subject.document.lines.at(start).end)
