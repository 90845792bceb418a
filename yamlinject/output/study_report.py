"""The report of a study: one HTML file that needs no other, and no network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from html import escape
from typing import NamedTuple

from yamlinject.drawing.text import printable
from yamlinject.drawing.themes import THEMES, in_css
from yamlinject.output import study_curves, study_plot
from yamlinject.output.study_table import Heading, legend, parts
from yamlinject.study.reservations import reservations
from yamlinject.study.results import Results, Row

_STYLE = """\
:root { color-scheme: light dark; %s }
@media (prefers-color-scheme: dark) { :root { %s } }
body { margin: 2rem auto; max-width: 90rem; padding: 0 1rem; font: 15px/1.5 Arial, Helvetica, sans-serif;
  color: var(--text); background: var(--back) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--band) }
th { border-bottom: 1px solid var(--line) }
.right { text-align: right }
pre { padding: .7rem; overflow-x: auto; background: var(--box) }
.curves { display: flex; flex-wrap: wrap; gap: .5rem }
img, svg { max-width: 100%% }
"""


class Drawn(NamedTuple):
    """The picture of a variant's config in both themes, as SVG."""

    light: bytes
    dark: bytes


def html(
    results: Results,
    curves: Mapping[str, list[study_curves.Curve]],
    drawn: Mapping[str, Drawn | str],
    commands: str,
) -> str:
    """The report. ``drawn``: the picture of each variant, or why there is none."""
    return "\n".join(_lines(results, curves, drawn, commands)) + "\n"


def _lines(
    results: Results,
    curves: Mapping[str, list[study_curves.Curve]],
    drawn: Mapping[str, Drawn | str],
    commands: str,
) -> Iterator[str]:
    name = f"Study of {_safe(results.study.plan.base)}"
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield '<meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width">'
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield f"<title>{name}</title>"
    yield f"<style>\n{_STYLE % (in_css(THEMES['light']), in_css(THEMES['dark']))}</style>"
    yield "\n".join(study_plot.style("curve"))
    yield f"<h1>{name}</h1>"
    for title, shown, rows in parts(results):
        yield from _table(title, shown, rows)
    yield f"<p>{_safe(legend(results))}.</p>"
    said = reservations(results)
    if said:
        yield "<h2>To keep in mind</h2>"
        yield f"<ul>{''.join(f'<li>{_safe(text)}</li>' for text in said)}</ul>"
    yield "<h2>Differences</h2>"
    yield f'<div class="wide">{study_plot.forest(results)}</div>'
    bases = {variant.name: variant.base for variant in results.study.variants}
    grown = list(study_curves.pictures(curves, bases))
    if grown:
        yield f"<h2>{_safe(results.metric)} by epoch</h2>"
        yield "<p>Thin lines: each seed; thick: their mean; grey: the mean of the base.</p>"
        yield f'<div class="curves">{"".join(grown)}</div>'
    yield "<h2>Configs</h2>"
    for variant, picture in drawn.items():
        yield f"<details><summary>{_safe(variant)}</summary>{_picture(variant, picture)}</details>"
    yield "<h2>The same again</h2>"
    yield f"<pre>{_lines_of(commands)}</pre>"
    yield "</html>"


def _table(title: str, shown: list[Heading], rows: list[Row]) -> Iterator[str]:
    sides = [' class="right"' if one.right else "" for one in shown]
    if title:
        yield f"<h2>{_safe(title)}</h2>"
    yield '<div class="wide"><table>'
    names = (f"<th{side}>{_safe(one.name)}</th>" for one, side in zip(shown, sides, strict=True))
    yield f"<tr>{''.join(names)}</tr>"
    for row in rows:
        cells = (f"<td{side}>{_safe(one.cell(row))}</td>" for one, side in zip(shown, sides, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</table></div>"


def _picture(name: str, picture: Drawn | str) -> str:
    if isinstance(picture, str):
        return f"<p>{_safe(picture)}</p>"
    light, dark = (f"data:image/svg+xml;base64,{base64.b64encode(data).decode()}" for data in picture)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img src="{light}" alt="{_safe(name)}"></picture>'
    )


def _safe(text: str) -> str:
    return escape(printable(text))


def _lines_of(text: str) -> str:
    return "\n".join(map(_safe, text.split("\n")))
