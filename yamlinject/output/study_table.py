"""The table of a study: its columns, and what stands in each cell, for every format that is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import NamedTuple

from yamlinject.output.tables import Column, table
from yamlinject.output.tables import Row as TextRow
from yamlinject.output.terminal import Line, note
from yamlinject.study.metrics import METRICS
from yamlinject.study.reservations import reservations
from yamlinject.study.results import Results, Row
from yamlinject.study.statistics import Comparison

#: Digits after the point of metrics and of their differences.
_DIGITS = 4


class Heading(NamedTuple):
    """A column: the group that it belongs to, its name, what stands in it, and whether to the right."""

    group: str
    name: str
    cell: Callable[[Row], str]
    right: bool = True


def headings(results: Results) -> Iterator[Heading]:
    """The columns, group by group: the variants, and their differences from the base and the placebo."""
    yield Heading("", "variant", lambda row: row.variant.name, right=False)
    yield Heading("", "seeds", lambda row: str(len(row.runs.done)))
    yield Heading("", "parameters", lambda row: _whole(row.runs.first("parameters")))
    yield Heading("", "GFLOPs", lambda row: _rounded(row.runs.first("gflops")))
    for metric in METRICS:
        yield Heading("", metric, _summary(metric))
    compared: list[tuple[str, Callable[[Row], Comparison | None]]] = [
        ("base", lambda row: row.base),
        ("placebo", lambda row: row.placebo),
    ]
    for control, of in compared:
        if any(map(of, results.rows)):
            yield from _against(f"{results.metric} against the {control}", of, results.delta)


def _against(group: str, of: Callable[[Row], Comparison | None], delta: float | None) -> Iterator[Heading]:
    """The columns of one kind of differences; those that a row does not have stay empty."""

    def cell(text: Callable[[Comparison], str]) -> Callable[[Row], str]:
        return lambda row: "" if (found := of(row)) is None else text(found)

    yield Heading(group, "pairs", cell(lambda one: str(one.pairs)))
    yield Heading(group, "difference [95 %]", cell(difference))
    yield Heading(group, "p (Holm)", cell(lambda one: probability(one.corrected) if one.pairs else "-"))
    yield Heading(group, "verdict", cell(lambda one: verdict(one, delta)), right=False)


def _whole(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "-"


def _rounded(value: object) -> str:
    return f"{value:,.1f}" if isinstance(value, int | float) else "-"


def _summary(metric: str) -> Callable[[Row], str]:
    def text(row: Row) -> str:
        if metric not in row.metrics:
            return "-"
        middle, spread = row.metrics[metric]
        return f"{middle:.{_DIGITS}f}" + (f" ± {spread:.{_DIGITS}f}" if spread is not None else "")

    return text


def difference(comparison: Comparison) -> str:
    """The mean difference, and between which it is with 95 % confidence."""
    if comparison.difference is None:
        return "-"
    text = _signed(comparison.difference)
    if comparison.interval is not None:
        low, high = map(_signed, comparison.interval)
        text += f" [{low}, {high}]"
    return text


def _signed(value: float) -> str:
    return f"{round(value, _DIGITS) + 0.0:+.{_DIGITS}f}"  # + 0.0: there is no -0


def probability(value: float) -> str:
    """A p with as many digits as mean something."""
    return "< 0.001" if value < 0.001 else f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def verdict(comparison: Comparison, delta: float | None) -> str:
    """The verdict in words."""
    if comparison.verdict == "no difference":
        return "the same in every seed" if comparison.identical else f"no difference beyond {delta:g}"
    if comparison.verdict == "cannot tell":
        needed = comparison.needed
        return comparison.verdict + ("" if needed is None else f": it takes about {needed} seeds")
    return comparison.verdict + (f", by less than {delta:g}" if comparison.small else "")


def legend(results: Results) -> str:
    """What the numbers are, for below a table."""
    framework = results.study.plan.framework
    version = next(filter(None, (_version(row, framework) for row in results.rows)), None)
    parts = ["mean ± standard deviation over seeds", "differences are of runs with the same seed"]
    parts.append("p by sign flips, corrected by Holm for the number of variants")
    if version is not None:
        parts.append(f"GFLOPs by {framework} {version}")
    return "; ".join(parts)


def _version(row: Row, framework: str) -> str | None:
    versions = row.runs.first("versions")
    return str(versions[framework]) if isinstance(versions, dict) and framework in versions else None


def parts(results: Results) -> Iterator[tuple[str, list[Heading], list[Row]]]:
    """The table in parts that are narrow enough to be read: the name, the columns and the rows of each."""
    found = list(headings(results))
    for group, members in groupby(found, lambda heading: heading.group):
        shown = list(members)
        if group:
            yield group, [found[0], *shown], [row for row in results.rows if shown[0].cell(row)]
        else:
            yield group, shown, results.rows


def lines(results: Results, width: int | None = None) -> Iterator[Line]:
    """The table for a terminal of ``width`` columns or for none, and what has to be said of it."""
    for title, shown, rows in parts(results):
        if title:
            yield Line("")
            yield Line(title, "bold")
        heads = [Column(heading.name, heading.right, folds=True) for heading in shown]
        yield from table(heads, [TextRow(*(one.cell(row) for one in shown)) for row in rows], width)
    yield Line("")
    yield note(legend(results))
    yield from map(note, reservations(results))
