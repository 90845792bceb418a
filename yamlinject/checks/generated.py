"""Generated configs that are not what their provenance line says (YI6xx)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from yamlinject import bases, edits, provenance, report
from yamlinject.checks.subject import Subject
from yamlinject.config import Config, Restored
from yamlinject.document import Span
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.findings import Finding
from yamlinject.provenance import Found, Provenance
from yamlinject.selectors import SCOPES
from yamlinject.source import Source

_EDITED = "it is not what its command gives: it was edited since"

_OPTIONS = {"--after", "--scope", "--number", "--args"}


class Generated(NamedTuple):
    """What the newest provenance line of a config leads to.

    ``restored``: the config without the layers of that line, or None with ``problem`` saying why not.
    ``base``: the file that the line names; None if that is no file of its own (standard input, or the
    config itself, ``--in-place``), or is not there (``missing``).
    ``intact``: undoing the command and running it again gives the config, byte for byte.
    """

    found: Found
    restored: Restored | None
    problem: str
    base: Config | None
    missing: bool
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


def read(config: Config) -> Generated | None:
    """What the newest provenance line says, None where there is none."""
    lines = provenance.read(config.text)
    if not lines:
        return None
    line = lines[0].provenance
    restored, problem, base, missing, intact = None, "", None, False, False
    try:
        restored = config.remove(line.module)
        if restored.exact:
            again = _again(Config(line.base, restored.to_bytes()), line)
            intact = again == config.to_bytes()
    except YamlInjectError as error:
        problem = error.message
    try:
        base = _base(line, config)
    except (OSError, SourceError, ValueError):  # the name may be anything
        missing = True
    return Generated(lines[0], restored, problem, base, missing, intact)


def _base(line: Provenance, config: Config) -> Config | None:
    """The base that a provenance line names, from the current folder or from that of the config.

    With a file of that name in both, the one that the line was made of, or else the one beside the config.
    """
    name = line.base
    if name in (bases.STDIN, ""):
        return None
    paths = [path for path in (Path(name), config.path and config.path.parent / name) if path]
    found = []
    for path in (path for path in paths if path.is_file()):
        if config.path and path.samefile(config.path):
            return None
        data = bases.read(str(path)).data
        found.append(Config(name, data, stem=path.stem, path=path))
    exact = (one for one in found if provenance.digest(one.to_bytes()) == line.digest)
    if found:
        return next(exact, found[-1])
    named = bases.read(name)
    return Config(name, named.data, stem=named.stem, path=named.path)


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
    changed = provenance.digest(made.base.to_bytes()) != line.digest
    if made.intact and not changed:
        return
    file = str(subject.config.path or bases.STDIN)
    where = str(made.base.path or line.base)  # as seen from here
    command = [*line.command[:2], where, *line.command[3:]]
    mend = f"run: {report.command(*command, '-o', file, '--force')}"
    try:
        again = Source.from_bytes(_again(made.base, line)).text
    except YamlInjectError as error:
        problem = f"its command does not work any more: {error.message}"
        hint = "generate it anew with a command that does"
        yield subject.finding("YI602" if changed else "YI603", span, problem, hint)
        return
    diff = tuple(edits.unified_diff(subject.config.text, again, file, file))
    if changed:
        problem = f"its base {line.base} was changed since"
        yield subject.finding("YI602", span, problem, mend, diff=diff)
    if not made.intact:
        yield subject.finding("YI603", span, _EDITED, mend, diff=() if changed else diff)


def _without_file(subject: Subject, made: Generated, span: Span) -> Iterator[Finding]:
    """A config whose base is no file of its own: undoing its commands is what there is to go by."""
    line = made.found.provenance
    gone = made.missing and _is_path(line.base)
    if gone:
        problem = f"its base {line.base} is not there"
        yield subject.finding("YI601", span, problem, "put it back, or generate from another base")
    step: Generated | None = made
    while step and step.intact and step.restored:
        step = read(Config(subject.config.name, step.restored.to_bytes(), path=subject.config.path))
    if step:
        problem = f"{_EDITED} ({step.problem})" if step.problem else _EDITED
        yield subject.finding("YI603", span, problem, _undo_hint(subject, made, gone))


def _undo_hint(subject: Subject, made: Generated, gone: bool) -> str:
    line = made.found.provenance
    if gone:
        return "undo the edit, or generate it anew when the base is there"
    if made.missing or line.base == bases.STDIN:
        return f"undo the edit, or generate it anew: {report.command(*line.command)}"
    file = subject.config.name
    return (
        f"undo the edit, or run: {report.command('remove', line.module, file, '--in-place')}, and add the "
        "layers again"
    )


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith((".yaml", ".yml"))


def _again(base: Config, line: Provenance) -> bytes:
    """What the command of a provenance line gives, as the version of that line writes it."""
    options: dict[str, Any] = {"after": []}
    words = iter(line.command[3:])
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
    result = base.add(line.module, **options)
    written = result.rewrite.provenance
    same_version = str(written and written._replace(version=line.version))
    return result.to_bytes().replace(str(written).encode(), same_version.encode(), 1)
