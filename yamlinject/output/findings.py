"""What ``check`` prints: its results as text, for GitHub's annotations, as JSON and as SARIF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from yamlinject._version import __version__
from yamlinject.checks.findings import Checked, Finding
from yamlinject.checks.registry import Rule, Severity
from yamlinject.checks.rules import RULES
from yamlinject.output import terminal
from yamlinject.output.terminal import Line, visible

_STYLES: dict[Severity, str] = {"error": "red", "warning": "yellow"}
_GUTTER = 5
#: How many columns of a line are shown, and in a longer line, how many of them before the place.
_WIDTH, _LEAD = 120, 40
_SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_NO_BYTE = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others represent one in a file name


def text(results: Sequence[Checked]) -> Iterator[Line]:
    """A block for each finding: where and what, the line with the place marked, hint, base and diff."""
    for file, finding in _found(results):
        yield from _block(file, finding)


def _block(file: str, finding: Finding) -> Iterator[Line]:
    rule, start, end = finding.rule, finding.start, finding.end
    style = _STYLES[rule.severity]
    where = "".join(f":{number}" for number in start or ())
    yield Line(f"{file}{where}: {rule.code} {rule.severity}: {finding.message}", style)
    gutter = _GUTTER
    if start is not None:
        gutter = max(gutter, len(str(start.line)))
        stop = end.column - 1 if end and end.line == start.line else len(finding.line.rstrip())
        shown, before, marked = _excerpt(finding.line, start.column - 1, stop)
        yield Line(f"{start.line:>{gutter}} | {shown}".rstrip())
        yield Line(f"{'':{gutter}} | {' ' * before}{'^' * marked}", style)
    margin = " " * (gutter + 1)
    if finding.hint:
        yield Line(f"{margin}= hint: {finding.hint}")
    if finding.base is not None:
        yield Line(f"{margin}= base: {finding.base}")
    for each in terminal.diff(finding.diff):
        yield each._replace(text=f"{margin}{_excerpt(each.text, 0, 0)[0]}".rstrip())


def _excerpt(line: str, start: int, stop: int) -> tuple[str, int, int]:
    """What is shown of ``line``, and its columns before ``start`` and from there to ``stop``."""
    start = min(start, len(line))
    lead = visible(line[max(0, start - _WIDTH) : start])
    tail = visible(line[start : start + _WIDTH])
    if len(line) > _WIDTH or _columns(lead + tail) > _WIDTH:
        lead = lead[len(lead) - _fitting(lead[::-1], _LEAD) :]
        tail = tail[: _fitting(tail, _WIDTH - _columns(lead))]
    before = "…" * (len(lead) < start) + lead
    after = "…" * (start + len(tail) < len(line))
    return before + tail + after, _columns(before), max(1, _columns(tail[: max(0, stop - start)]))


def _columns(text: str) -> int:
    """The columns of a terminal that visible text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    spacing = (char for char in text if category(char) not in ("Mn", "Me"))
    return sum(2 if east_asian_width(char) in ("W", "F") else 1 for char in spacing)


def _fitting(text: str, columns: int) -> int:
    """How many characters of ``text`` fit into ``columns``."""
    return sum(taken <= columns for taken in accumulate(map(_columns, text)))


def summary(results: Sequence[Checked]) -> Iterator[Line]:
    """The messages about a run: why files could not be checked, and what was found in how many."""
    failed = [error for _, error in _failed(results)]
    for error in failed:
        yield Line(f"yamlinject: error: {error}", "red")
    counts = Counter(finding.rule.severity for _, finding in _found(results))
    found = " and ".join(_count(counts[severity], severity) for severity in _STYLES if counts[severity])
    if found:
        found += f" in {_count(sum(bool(checked.findings) for checked in results), 'file')}"
    checked, skipped, fixed = _tally(results)
    yield Line(
        f"Checked {_count(checked, 'file')}"
        + f", skipped {skipped}" * bool(skipped)
        + f", failed on {len(failed)}" * bool(failed)
        + f": {found or 'nothing found'}"
        + f", fixed {fixed}" * bool(fixed)
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _tally(results: Sequence[Checked]) -> tuple[int, int, int]:
    """How many files were checked and skipped, and how many findings were fixed."""
    done = [checked for checked in results if checked.error is None]
    skipped = sum(checked.skipped for checked in done)
    return len(done) - skipped, skipped, sum(checked.fixed for checked in results)


def _found(results: Sequence[Checked]) -> Iterator[tuple[str, Finding]]:
    return ((checked.file, finding) for checked in results for finding in checked.findings)


def _failed(results: Sequence[Checked]) -> Iterator[tuple[str, str]]:
    return ((checked.file, checked.error) for checked in results if checked.error is not None)


def github(results: Sequence[Checked]) -> Iterator[str]:
    """The workflow commands that make GitHub Actions annotate files, errors first."""
    for file, error in _failed(results):
        yield _command("error", {"file": file}, error)
    for file, finding in _found(results):
        places = _region(finding, ("line", "endLine", "col", "endColumn"))
        if places["endLine"] not in (None, places["line"]):  # columns are for places on one line
            places |= {"col": None, "endColumn": None}
        properties = {"file": file, **places, "title": f"{finding.rule.code} {finding.rule.name}"}
        yield _command(finding.rule.severity, properties, *_said(finding))


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
    return [finding.message, *[f"hint: {finding.hint}"] * bool(finding.hint)]


def as_json(results: Sequence[Checked]) -> str:
    """One object with the keys version (1, of this shape), tool, files, skipped, errors, findings, fixed.

    ``files`` and ``skipped`` are numbers; lines and columns count from 1, and an end is after the last
    character. What does not exist is null. Lone surrogates become U+FFFD.
    """
    checked, skipped, fixed = _tally(results)
    shape = {
        "version": 1,
        "tool": {"name": "yamlinject", "version": __version__},
        "files": checked,
        "skipped": skipped,
        "errors": [{"file": file, "message": error} for file, error in _failed(results)],
        "findings": [_plain(file, finding) for file, finding in _found(results)],
        "fixed": fixed,
    }
    return terminal.as_json(shape)


def _plain(file: str, finding: Finding) -> dict[str, Any]:
    return {
        "file": file,
        "code": finding.rule.code,
        "name": finding.rule.name,
        "severity": finding.rule.severity,
        "message": finding.message,
        "hint": finding.hint,
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
