"""What a run of ``check`` came to: how many files, and how often each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from yamlinject.checks.findings import Checked
from yamlinject.checks.registry import Rule, Severity
from yamlinject.checks.rules import RULES
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line, note

#: How each severity is shown, the worst first.
STYLES: dict[Severity, str] = {"error": "red", "warning": "yellow"}


class Tally:
    """What a run came to, counted as its results come, for they are not kept."""

    def __init__(self) -> None:
        self.checked = self.skipped = self.failed = self.fixed = self._files = 0
        self.severities: Counter[Severity] = Counter()
        self._codes: Counter[str] = Counter()
        self._files_with: Counter[str] = Counter()
        self._rewired = 0
        self._baseless: list[str] = []

    def count(self, checked: Checked) -> None:
        """Count one result."""
        self.failed += checked.error is not None
        self.skipped += checked.skipped
        self.checked += checked.error is None and not checked.skipped
        self.fixed += checked.fixed
        self._files += bool(checked.findings)
        self._rewired += bool(checked.changes)
        self._baseless += [checked.file] * checked.baseless
        self.severities.update(finding.rule.severity for finding in checked.findings)
        codes = [finding.rule.code for finding in checked.findings]
        self._codes.update(codes)
        self._files_with.update(set(codes))

    @classmethod
    def of(cls, results: Iterable[Checked]) -> Tally:
        """The tally of all ``results``."""
        tally = cls()
        for checked in results:
            tally.count(checked)
        return tally

    def summary(self) -> Line:
        """What was found in how many files."""
        found = " and ".join(
            _count(self.severities[severity], severity) for severity in STYLES if self.severities[severity]
        )
        if found:
            found = f": {found} in {_count(self._files, 'file')}"
        elif not self.failed:  # which is no success
            found = ": nothing found"
        return Line(
            f"Checked {_count(self.checked, 'file')}"
            + f", skipped {self.skipped}" * bool(self.skipped)
            + f", failed on {self.failed}" * bool(self.failed)
            + found
            + f", fixed {self.fixed}" * bool(self.fixed)
        )

    def notes(self, *, with_bases: bool) -> Iterator[Line]:
        """What changed references mean and, ``with_bases``, what to do where none was recognised."""
        if self._rewired:
            models = "this model" if self._rewired == 1 else "these models"
            yield note(f"a checkpoint trained with the old wiring does not fit {models}")
        if self._baseless and with_bases:
            first, more = self._baseless[0], len(self._baseless) - 1
            where = f"{first} and {more} more" if more else first
            yield note(f"no base was recognised for {where}: name it with --base, such as --base yolov5s")

    def by_rule(self, width: int | None = None) -> Iterator[Line]:
        """How often each rule was found, errors first; nothing for one rule, or one file, which shows it.

        ``width``: the columns of the terminal, if it is for one.
        """
        if len(self._codes) < 2 or self._files < 2:
            return
        rules = sorted(map(RULES.__getitem__, self._codes), key=lambda rule: (rule.severity, rule.code))
        heads = Column(), Column(), Column(right=True), Column(), Column(folds=True)
        yield from table(heads, [self._row(rule) for rule in rules], width)

    def _row(self, rule: Rule) -> Row:
        times, files = self._codes[rule.code], self._files_with[rule.code]
        found = f"in {_count(files, 'file')}"
        return Row(rule.code, rule.severity, str(times), found, rule.summary, style=STYLES[rule.severity])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
