"""What ``check`` prints: its results as text, for GitHub's annotations, as JSON and as SARIF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from yamlinject._version import __version__
from yamlinject.checks.findings import Checked, Finding
from yamlinject.checks.registry import Rule, Severity
from yamlinject.checks.rules import RULES
from yamlinject.core.layer import flow
from yamlinject.output import terminal
from yamlinject.output.tally import STYLES, Tally
from yamlinject.output.terminal import Line, visible
from yamlinject.output.widths import columns as columns_of
from yamlinject.output.widths import fitting

_GUTTER = 5
#: How many columns of a line are shown, how many are beside it, and which part of a longer line's columns
#: is before the place.
_WIDTH, _MARGIN, _LEAD = 120, 10, 3
#: A hint that says which number to write, and no more.
_NUMBER = re.compile(r"write -?[0-9]+")
#: The rules of which a file has one line, unless all are asked for: nothing depends on comments.
_FOLDED = {"YI501"}
#: Of how many layers in a file it is said what they read before and after a fix.
_MOST_CHANGES = 10
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others represent one in a file name


def text(results: Iterable[Checked], width: int | None = None, *, verbose: bool = True) -> Iterator[Line]:
    """The findings of each file: where and what, the line with the places marked, hints, base and diff.

    Errors come first, of them last that a generated file was edited, for the others say how. Findings of
    one cause stand together, those in one line share its excerpt, and the base is named once for a file.
    ``width``: the columns of the terminal, if it is for one. Unless it is ``verbose``, a file's stale
    comments are one line, its last.
    """
    columns = _WIDTH if width is None else min(_WIDTH, width - _MARGIN)
    for checked in results:
        in_order = sorted(checked.findings, key=_rank)
        folded = [] if verbose else [one for one in in_order if _is_folded(one)]
        groups = _groups((one for one in in_order if verbose or not _is_folded(one)), columns)
        last = {finding.base: number for number, group in enumerate(groups) for finding in group}
        for number, group in enumerate(groups):
            for _, together in groupby(group, lambda finding: finding.start and finding.start.line):
                yield from _block(checked.file, list(together), columns)
            margin = " " * (_gutter(group[-1]) + 1)
            if group[0].cause:
                yield Line(f"{margin}= cause: {group[0].cause}")
            for base in dict.fromkeys(finding.base for finding in group if last[finding.base] == number):
                if base is not None:
                    yield Line(f"{margin}= base: {base}")
            for each in terminal.diff(line for finding in group for line in finding.diff):
                shown = f"{margin}{_excerpt(each.text, 0, 0, columns)[0]}".rstrip()
                yield each._replace(text=shown, whole=True)
        for first in folded[:1]:
            more = f", and {len(folded) - 1} more (--verbose)" * (len(folded) > 1)
            yield _header(checked.file, first, f"{first.message}{more}: {first.hint}")


def _rank(finding: Finding) -> tuple[bool, bool]:
    return finding.rule.severity != "error", finding.rule.code == "YI603"


def fixed(checked: Checked) -> Iterator[Line]:
    """What ``--fix`` changed in a file besides comments: each layer's references, and characters."""
    if checked.characters:
        what = f"{checked.characters} full-width character{'s' * (checked.characters > 1)}"
        yield Line(f"{checked.file}: {what}", label="fixed")
    for (line, column), (layer, from_) in checked.changes[:_MOST_CHANGES]:
        change = f"{layer}: {flow(layer.from_)} -> {flow(from_)}"
        yield Line(f"{checked.file}:{line}:{column}: {change}", label="fixed")
    more = len(checked.changes) - _MOST_CHANGES
    if more > 0:
        yield Line(f"{checked.file}: {more} more layer{'s' * (more > 1)}", label="fixed")


def _groups(findings: Iterable[Finding], columns: int) -> list[list[Finding]]:
    """Findings of one cause together, and those of one rule in a line that is shown whole."""
    groups: dict[object, list[Finding]] = {}
    for number, finding in enumerate(findings):
        short = finding.start and len(finding.line) <= columns >= columns_of(visible(finding.line))
        alone = finding.start.line if finding.start and short else -number
        groups.setdefault((finding.rule.code, finding.cause or alone), []).append(finding)
    return list(groups.values())


def _block(file: str, findings: Sequence[Finding], columns: int) -> Iterator[Line]:
    """The findings in one line of a file, or about the whole file."""
    style = STYLES[findings[0].rule.severity]
    gutter = _gutter(findings[0])
    excerpt = underline = ""
    for finding in findings:
        start, end, line = finding.start, finding.end, finding.line
        yield _header(file, finding)
        if start is not None:
            stop = end.column - 1 if end and end.line == start.line else len(line.rstrip())
            excerpt, before, marked = _excerpt(line, start.column - 1, stop, columns)
            underline = underline.ljust(before)
            underline += "^" * (before + marked - len(underline))
    if start is not None:
        yield Line(f"{start.line:>{gutter}} | {excerpt}".rstrip(), whole=True)
        yield Line(f"{'':{gutter}} | {underline}", style, whole=True)
    hints = list(dict.fromkeys(finding.hint for finding in findings if finding.hint))
    if hints:
        just_numbers = all(map(_NUMBER.fullmatch, hints))
        hint = (
            ", ".join([hints[0], *(each[6:] for each in hints[1:])]) if just_numbers else "; ".join(hints)
        )
        yield Line(f"{'':{gutter}} = hint: {hint}", whole=hint.startswith("run: "))


def _is_folded(finding: Finding) -> bool:
    return finding.rule.code in _FOLDED and finding.start is not None


def _header(file: str, finding: Finding, message: str = "") -> Line:
    """Where a finding is, and what it is."""
    where = "".join(f":{number}" for number in finding.start or ())
    rule = finding.rule
    said = f"{file}{where}: {rule.code} {rule.severity}: {message or finding.message}"
    return Line(said, STYLES[rule.severity])


def _gutter(finding: Finding) -> int:
    """How wide the numbers of lines are."""
    return max(_GUTTER, len(str(finding.start.line))) if finding.start else _GUTTER


def _excerpt(line: str, start: int, stop: int, columns: int) -> tuple[str, int, int]:
    """What is shown of ``line``, and its columns before ``start`` and from there to ``stop``."""
    start = min(start, len(line))
    lead = visible(line[max(0, start - columns) : start])
    tail = visible(line[start : start + columns])
    if len(line) > columns or columns_of(lead + tail) > columns:
        lead = lead[len(lead) - fitting(lead[::-1], columns // _LEAD) :]
        tail = tail[: fitting(tail, columns - columns_of(lead))]
    before = "…" * (len(lead) < start) + lead
    after = "…" * (start + len(tail) < len(line))
    marked = max(1, columns_of(tail[: max(0, stop - start)]))
    return before + tail + after, columns_of(before), marked


def _found(results: Sequence[Checked]) -> Iterator[tuple[str, Finding]]:
    return ((checked.file, finding) for checked in results for finding in checked.findings)


def _failed(results: Sequence[Checked]) -> Iterator[tuple[str, str]]:
    return ((checked.file, checked.error) for checked in results if checked.error is not None)


def github(results: Iterable[Checked]) -> Iterator[str]:
    """The workflow commands by which GitHub Actions annotates files."""
    for checked in results:
        if checked.error is not None:
            yield _command("error", {"file": checked.file}, checked.error)
        yield from (_annotation(checked.file, finding) for finding in checked.findings)


def _annotation(file: str, finding: Finding) -> str:
    places = _region(finding, ("line", "endLine", "col", "endColumn"))
    if places["endLine"] not in (None, places["line"]):  # columns are for places on one line
        places |= {"col": None, "endColumn": None}
    properties = {"file": file, **places, "title": f"{finding.rule.code} {finding.rule.name}"}
    return _command(finding.rule.severity, properties, *_said(finding))


def _command(name: str, properties: Mapping[str, str | int | None], *message: str) -> str:
    """A command with the lines of its message; nothing else in it breaks a line or ends it."""
    listed = ",".join(
        f"{key}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for key, value in properties.items()
        if value is not None
    )
    return f"::{name} {listed}::{'%0A'.join(map(_escaped, message))}"


def _escaped(text: str) -> str:
    return visible(text).replace("%", "%25")


def _region(finding: Finding, names: Sequence[str]) -> dict[str, int | None]:
    """The lines of start and end and their columns, by ``names``."""
    line, column = finding.start or (None, None)
    end_line, end_column = finding.end or (None, None)
    return dict(zip(names, (line, end_line, column, end_column), strict=True))


def _said(finding: Finding) -> list[str]:
    """The lines of a finding's message."""
    return [finding.message, *[f"hint: {finding.advice}"] * bool(finding.advice)]


def as_json(results: Sequence[Checked]) -> str:
    """One object with the keys version (1, of this shape), tool, files, skipped, errors, findings and more.

    ``files``, ``skipped`` and ``fixed`` are numbers; ``rewired`` has the files in which references were
    mended, and how many; ``left`` those in which none was, though some are wrong, and why.
    Lines and columns count from 1, and an end is after the last character. What does not exist is null.
    Lone surrogates become U+FFFD.
    """
    tally = Tally.of(results)
    shape = {
        "version": 1,
        "tool": {"name": "yamlinject", "version": __version__},
        "files": tally.checked,
        "skipped": tally.skipped,
        "errors": [{"file": file, "message": error} for file, error in _failed(results)],
        "findings": [plain(file, finding) for file, finding in _found(results)],
        "fixed": tally.fixed,
        "rewired": [{"file": one.file, "references": one.rewired} for one in results if one.rewired],
        "left": [{"file": one.file, "message": one.left} for one in results if one.left],
    }
    return terminal.as_json(shape)


def plain(file: str, finding: Finding) -> dict[str, Any]:
    """A finding as JSON can hold it."""
    return {
        "file": file,
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.rule.severity,
        "message": finding.message,
        "hint": finding.advice,
        **_region(finding, ("line", "end_line", "column", "end_column")),
        "base": finding.base,
        "diff": "".join(f"{line}\n" for line in finding.diff) or None,
        "fixable": bool(finding.fix),
    }


def sarif(results: Sequence[Checked]) -> str:
    """A log of the Static Analysis Results Interchange Format, version 2.1.0."""
    codes = list(RULES)
    failures = [_result(file, "error", error) for file, error in _failed(results)]
    found = [
        {
            "ruleId": finding.rule.code,
            "ruleIndex": codes.index(finding.rule.code),
            **_result(file, finding.rule.severity, "\n".join(_said(finding)), finding),
        }
        for file, finding in _found(results)
    ]
    driver = {"name": "yamlinject", "version": __version__, "rules": [*map(_descriptor, RULES.values())]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": not failures, "toolExecutionNotifications": failures}],
        "columnKind": "unicodeCodePoints",
        "results": found,
    }
    return terminal.as_json({"$schema": _SARIF, "version": "2.1.0", "runs": [run]})


def _descriptor(rule: Rule) -> dict[str, Any]:
    descriptor = {"id": rule.code, "name": rule.name, "defaultConfiguration": {"level": rule.severity}}
    texts = ("shortDescription", "fullDescription", "help")  # GitHub asks for all three
    return descriptor | {name: {"text": rule.summary} for name in texts}


def _result(file: str, level: Severity, text: str, finding: Finding | None = None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(file)}}
    if finding is not None and finding.start is not None:
        region = _region(finding, ("startLine", "endLine", "startColumn", "endColumn"))
        place["region"] = {name: value for name, value in region.items() if value is not None}
    # {0} would be a placeholder, and [text](uri) a link
    message = {"text": text.replace("{", "{{").replace("}", "}}").replace("](", "] (")}
    return {"level": level, "message": message, "locations": [{"physicalLocation": place}]}


def _uri(file: str) -> str:
    from urllib.parse import quote

    path = Path(_NO_BYTE.sub("\N{REPLACEMENT CHARACTER}", file))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="surrogateescape")
