"""The table of a study for papers and programs: Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from yamlinject.output.study_table import headings, legend
from yamlinject.output.terminal import as_json, visible
from yamlinject.study.metrics import METRICS
from yamlinject.study.reservations import reservations
from yamlinject.study.results import Results, Row
from yamlinject.study.statistics import Comparison

#: What LaTeX reads as something else.
_LATEX = {
    **{char: rf"\{char}" for char in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "±": r"$\pm$",
}

#: The sign of a number, which is no hyphen.
_SIGN = re.compile(r"(?:(?<=^)|(?<=[\s\[]))[+-](?=\d)")


def markdown(results: Results) -> str:
    """One table with all columns, and what has to be said of it below."""
    found = list(headings(results))
    names = [f"{one.name}, {one.group}" if one.group and one.name == "pairs" else one.name for one in found]
    lines = [_row(map(_in_markdown, names)), _row("--:" if one.right else "---" for one in found)]
    lines += [_row(_in_markdown(one.cell(row)) for one in found) for row in results.rows]
    said = [legend(results), *reservations(results)]
    return "\n".join([*lines, "", *(f"- {_in_markdown(text)}" for text in said)]) + "\n"


def _row(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _in_markdown(text: str) -> str:
    return re.sub(r"([\\`*_|<\[\]])", r"\\\1", visible(text))


def latex(results: Results) -> str:
    """One table for the package booktabs; what has to be said of it is in comments above."""
    found = list(headings(results))
    groups = [(group, len(list(members))) for group, members in groupby(found, lambda one: one.group)]
    said = [r"needs \usepackage{booktabs}", legend(results), *reservations(results)]
    lines = [f"% {visible(text)}" for text in said]
    lines += [rf"\begin{{tabular}}{{{''.join('r' if one.right else 'l' for one in found)}}}", r"\toprule"]
    if len(groups) > 1:
        above = (rf"\multicolumn{{{count}}}{{c}}{{{_in_latex(group)}}}" for group, count in groups)
        lines += [_latex_row(above), "".join(_rules(groups))]
    lines += [_latex_row(_in_latex(one.name) for one in found), r"\midrule"]
    lines += [_latex_row(_in_latex(one.cell(row)) for one in found) for row in results.rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _latex_row(cells: Iterator[str]) -> str:
    return rf"{' & '.join(cells)} \\"


def _rules(groups: list[tuple[str, int]]) -> Iterator[str]:
    """A line below the name of each group."""
    first = 1
    for group, count in groups:
        if group:
            yield rf"\cmidrule(lr){{{first}-{first + count - 1}}}"
        first += count


def _in_latex(text: str) -> str:
    parts = _SIGN.split(visible(text))
    signs = [f"${sign}$" for sign in _SIGN.findall(visible(text))]
    escaped = ["".join(_LATEX.get(char, char) for char in part) for part in parts]
    return "".join(part + sign for part, sign in zip(escaped, [*signs, ""], strict=True))


def comma_separated(results: Results) -> str:
    """A line for each variant, with all numbers unrounded; the notes are not in it."""
    records = [dict(_flat(_record(row))) for row in results.rows]
    file = io.StringIO()
    writer = csv.DictWriter(file, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def json(results: Results) -> str:
    """All that the table says, and each run's metrics."""
    return as_json(
        {
            "metric": results.metric,
            "delta": results.delta,
            "rows": [
                {
                    **_record(row),
                    "values": {
                        metric: {str(seed): value for seed, value in row.runs.values(metric).items()}
                        for metric in METRICS
                    },
                }
                for row in results.rows
            ],
            "notes": reservations(results),
        }
    )


def _record(row: Row) -> dict[str, Any]:
    variant = row.variant
    return {
        "variant": variant.name,
        "kind": variant.kind,
        "module": variant.module,
        "position": variant.position,
        "scale": variant.scale,
        "base": variant.base,
        "seeds": len(row.runs.done),
        "parameters": row.runs.first("parameters"),
        "gflops": row.runs.first("gflops"),
        "metrics": {metric: _summary(row.metrics.get(metric)) for metric in METRICS},
        "against_base": _comparison(row.base),
        "against_placebo": _comparison(row.placebo),
    }


def _summary(summary: tuple[float, float | None] | None) -> dict[str, Any]:
    middle, spread = summary or (None, None)
    return {"mean": middle, "sd": spread}


def _comparison(comparison: Comparison | None) -> dict[str, Any]:
    if comparison is None:
        return dict.fromkeys(("pairs", "difference", "low", "high", "p", "p_holm", "verdict", "needed"))
    low, high = comparison.interval or (None, None)
    return {
        "pairs": comparison.pairs,
        "difference": comparison.difference,
        "low": low,
        "high": high,
        "p": comparison.p,
        "p_holm": comparison.corrected,
        "verdict": comparison.verdict,
        "needed": comparison.needed,
    }


def _flat(record: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a record and of those within, by their names joined."""
    for key, value in record.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}_")
        else:
            yield before + key, value


FORMATS: dict[str, Callable[[Results], str]] = {
    "md": markdown,
    "csv": comma_separated,
    "latex": latex,
    "json": json,
}
