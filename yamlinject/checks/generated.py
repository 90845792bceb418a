"""Generated configs that are not what their provenance line says (YI6xx)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from yamlinject import bases, edits, provenance, report
from yamlinject.checks.subject import Subject
from yamlinject.config import Config, Injected, Restored
from yamlinject.document import Span
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.findings import Finding
from yamlinject.provenance import Found
from yamlinject.selectors import SCOPES

_EDITED = "it is not what its command gives: it was edited since"

_OPTIONS = {"--after", "--scope", "--number", "--args"}


class Generated(NamedTuple):
    """What the newest provenance line of a config leads to.

    ``restored``: the config without the layers of that line, or None with ``problem`` saying why not.
    ``base``: the file that the line names; None if that is no file of its own (standard input, or the
    config itself, ``--in-place``), or is not there (``missing``).
    """

    found: Found
    restored: Restored | None
    problem: str
    base: Config | None
    missing: bool

    @property
    def is_intact(self) -> bool:
        """Whether taking the layers out gives the recorded base, byte for byte."""
        return self.restored is not None and self.restored.exact

    @property
    def recorded(self) -> Config | None:
        """The base, as far as it is known."""
        return self.base or (self.restored if self.is_intact else None)


def read(config: Config) -> Generated | None:
    """What the newest provenance line says, None where there is none."""
    lines = provenance.read(config.text)
    if not lines:
        return None
    restored, problem, base, missing = None, "", None, False
    try:
        restored = config.remove(lines[0].provenance.module)
    except YamlInjectError as error:
        problem = error.message
    try:
        base = _base(lines[0].provenance.base, config)
    except SourceError:
        missing = True
    return Generated(lines[0], restored, problem, base, missing)


def _base(name: str, config: Config) -> Config | None:
    """The base of that name: beside the config, if it is not in the current folder."""
    if name in (bases.STDIN, ""):
        return None
    paths = [Path(name)]
    if config.path:
        paths.append(config.path.parent / name)
    for path in paths:
        if path.is_file():
            if config.path and path.samefile(config.path):
                return None
            found = bases.read(str(path))
            break
    else:
        found = bases.read(name)
    return Config(name, found.data, stem=found.stem, path=found.path)


def check(subject: Subject, made: Generated | None) -> Iterator[Finding]:
    """Whether the config still is what its command gives."""
    if made is None:
        start = provenance.damaged(subject.document.text)
        if start is not None:
            yield subject.finding(
                "YI603",
                Span(start, subject.document.lines.at(start).end),
                "the line that says how it was generated was edited: it cannot be read",
                "run that command again, or delete the line",
            )
        return
    line = made.found.provenance
    span = Span(made.found.start, subject.document.lines.at(made.found.start).end)
    if made.base is None:
        yield from _without_file(subject, made, span)
        return
    file = str(subject.config.path or bases.STDIN)
    mend = f"run: {report.command(*line.command, '-o', file, '--force')}"
    changed = provenance.digest(made.base.to_bytes()) != line.digest
    try:
        again = _again(made.base, line.command)
    except YamlInjectError as error:
        problem = f"its command does not work any more: {error.message}"
        hint = "generate it anew with a command that does"
        yield subject.finding("YI602" if changed else "YI603", span, problem, hint)
        return
    if again.to_bytes() == subject.config.to_bytes():
        return
    diff = tuple(edits.unified_diff(subject.config.text, again.text, file, file))
    if changed:
        yield subject.finding("YI602", span, f"its base {line.base} was changed since", mend, diff=diff)
    if not changed or not made.is_intact:
        yield subject.finding("YI603", span, _EDITED, mend, diff=() if changed else diff)


def _without_file(subject: Subject, made: Generated, span: Span) -> Iterator[Finding]:
    """A config whose base is no file of its own: undoing its commands is what there is to go by."""
    line = made.found.provenance
    if made.missing and _is_path(line.base):
        problem = f"its base {line.base} is not there"
        yield subject.finding("YI601", span, problem, "put it back, or generate from another base")
    step: Generated | None = made
    while step and step.is_intact and step.restored:
        step = read(Config(subject.config.name, step.restored.to_bytes(), path=subject.config.path))
    if step:
        problem = f"{_EDITED} ({step.problem})" if step.problem else _EDITED
        hint = f"generate it anew: {report.command(*line.command)}"
        yield subject.finding("YI603", span, problem, hint)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _again(base: Config, command: tuple[str, ...]) -> Injected:
    """Run the command of a provenance line once more."""
    options: dict[str, Any] = {"after": []}
    words = iter(command[3:])
    for word in words:
        if word == "--fix-comments":
            options["fix_comments"] = True
            continue
        value = next(words, None)
        if word not in _OPTIONS or value is None:
            raise YamlInjectError(f"{word} is no option that it could have had")
        if word == "--after":
            options["after"].append(value)
        elif word == "--number":
            options["number"] = int(value) if value.isdecimal() else 0
        elif word == "--scope" and value not in SCOPES:
            raise YamlInjectError(f"--scope {value} is none of {', '.join(SCOPES)}")
        else:
            options[word.removeprefix("--")] = value
    return base.add(command[1], **options)
