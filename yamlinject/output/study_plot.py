"""The differences of a study as a picture: a forest plot, in SVG for papers and for the report."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from yamlinject.drawing import text
from yamlinject.drawing.svg import FONTS, escaped, rounded
from yamlinject.drawing.themes import THEMES, Mark
from yamlinject.output.study_table import difference, verdict
from yamlinject.study.results import Results
from yamlinject.study.statistics import Comparison, Verdict

#: The heights of a row, of the axis and of the title, the width of the axis, and distances.
_ROW, _AXIS, _HEAD, _WIDTH, _GAP = 22, 40, 28, 360, 14

_SIZE = 11

#: The colours of verdicts, which are those of marks in pictures of configs.
_MARKS: dict[Verdict, Mark] = {"better": "new", "worse": "wrong", "no difference": "replaced"}

_NO_DIFFERENCES = "no differences yet: no two runs have the same seed"


class _Row(NamedTuple):
    name: str
    control: str
    comparison: Comparison


def forest(results: Results) -> str:
    """The picture as a whole SVG file: light, and dark where the one who looks at it prefers that."""
    return "\n".join(_lines(results)) + "\n"


def style(name: str) -> Iterator[str]:
    """The colours in the dark of the classes that elements of a picture have."""
    dark = THEMES["dark"]
    colours = {"text": dark.text, "faint": dark.faint, "back": dark.back, "band": dark.band}
    colours |= {verdict.replace(" ", "-"): dark.marks[mark] for verdict, mark in _MARKS.items()}
    colours["cannot-tell"] = dark.line
    yield "<style>@media (prefers-color-scheme: dark) {"
    for which, colour in colours.items():
        yield f".{name} .fill-{which} {{ fill: {colour} }} .{name} .stroke-{which} {{ stroke: {colour} }}"
    yield "}</style>"


def _rows(results: Results) -> list[_Row]:
    """The differences that there are, those from the placebo below those from the base."""
    found = []
    for row in results.rows:
        for control, comparison in (("base", row.base), ("placebo", row.placebo)):
            if comparison is not None and comparison.pairs:
                found.append(_Row(row.variant.name, control, comparison))
    return found


def _lines(results: Results) -> Iterator[str]:
    rows = _rows(results)
    title = f"Difference of {results.metric}, paired by seed, with 95 % intervals"
    names = [f"{row.name} - {row.control}" for row in rows] or [_NO_DIFFERENCES]
    said = [f"{difference(row.comparison)}  {verdict(row.comparison, results.delta)}" for row in rows]
    left = 2 * _GAP + max(text.width(name, _SIZE) for name in names)
    right = left + _WIDTH + _GAP
    width = right + _GAP + max((text.width(one, _SIZE) for one in said), default=0)
    bottom = _HEAD + _ROW * max(1, len(rows))
    size = f"{rounded(width)} {rounded(bottom + _AXIS)}"
    light = THEMES["light"]
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="forest" viewBox="0 0 {size}" '
        f'width="{size.split()[0]}" height="{size.split()[1]}" font-family="{FONTS}" '
        f'font-size="{_SIZE}" role="img">'
    )
    yield f"<title>{escaped(title)}</title>"
    yield from style("forest")
    yield f'<rect class="fill-back" width="100%" height="100%" fill="{light.back}"/>'
    yield _text(_GAP, 18, title, "text", light.text, ' font-weight="bold"')
    if not rows:
        yield _text(_GAP, _HEAD + 15, _NO_DIFFERENCES, "text", light.text)
    else:
        yield from _axis(rows, results.delta, left, bottom)
        scale = _Scale.of(rows, results.delta, left)
        for index, (row, name, one) in enumerate(zip(rows, names, said, strict=True)):
            middle = _HEAD + _ROW * (index + 0.5)
            yield _text(_GAP, middle + 4, name, "text", light.text)
            yield from _mark(row, scale, middle)
            yield _text(right, middle + 4, one, "text", light.text)
    yield "</svg>"


class _Scale(NamedTuple):
    """From differences to pixels."""

    least: float
    most: float
    left: float

    @classmethod
    def of(cls, rows: list[_Row], delta: float | None, left: float) -> _Scale:
        ends = [0.0, delta or 0.0, -(delta or 0.0)]
        for row in rows:
            ends += row.comparison.interval or (row.comparison.difference or 0.0,)
        least, most = min(ends), max(ends)
        more = (most - least) * 0.05 or 0.001
        return cls(least - more, most + more, left)

    def x(self, value: float) -> float:
        return self.left + _WIDTH * (value - self.least) / (self.most - self.least)

    def ticks(self) -> Iterator[float]:
        """Round values along the axis, three to eight of them."""
        rough = (self.most - self.least) / 6
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        for index in count(math.ceil(self.least / step)):
            if index * step > self.most:
                return
            yield index * step


def _axis(rows: list[_Row], delta: float | None, left: float, bottom: float) -> Iterator[str]:
    """The range of delta, the line of no difference, and the ticks."""
    light, scale = THEMES["light"], _Scale.of(rows, delta, left)
    height = bottom - _HEAD
    if delta is not None:
        start, end = scale.x(-delta), scale.x(delta)
        yield (
            f'<rect class="fill-band" x="{rounded(start)}" y="{_HEAD}" width="{rounded(end - start)}" '
            f'height="{rounded(height)}" fill="{light.band}"><title>within delta: {delta:g}</title></rect>'
        )
    zero = rounded(scale.x(0))
    yield (
        f'<path class="stroke-text" d="M{zero} {_HEAD}V{rounded(bottom)}" stroke="{light.text}" '
        f'stroke-dasharray="3 3"/>'
    )
    line = f"M{rounded(left)} {rounded(bottom)}h{_WIDTH}"
    ticks = [(scale.x(value), value) for value in scale.ticks()]
    marks = "".join(f"M{rounded(x)} {rounded(bottom)}v4" for x, _ in ticks)
    yield f'<path class="stroke-faint" d="{line}{marks}" stroke="{light.faint}" fill="none"/>'
    for x, value in ticks:
        shown = f"{value + 0.0:+.4g}" if abs(value) > 1e-12 else "0"
        yield _text(x, bottom + 17, shown, "faint", light.faint, ' text-anchor="middle"')
    below = _text(left, bottom + 33, "worse", "faint", light.faint)
    yield below + _text(left + _WIDTH, bottom + 33, "better", "faint", light.faint, ' text-anchor="end"')


def _mark(row: _Row, scale: _Scale, middle: float) -> Iterator[str]:
    """A dot, filled against the base and hollow against the placebo, on its interval."""
    light, comparison = THEMES["light"], row.comparison
    mark = _MARKS.get(comparison.verdict)
    colour = light.line if mark is None else light.marks[mark]
    name = comparison.verdict.replace(" ", "-")
    if comparison.interval is not None:
        low, high = map(scale.x, comparison.interval)
        ends = "".join(f"M{rounded(x)} {rounded(middle - 4)}v8" for x in (low, high))
        yield (
            f'<path class="stroke-{name}" d="M{rounded(low)} {rounded(middle)}H{rounded(high)}{ends}" '
            f'stroke="{colour}" stroke-width="1.5" fill="none"/>'
        )
    inside, fill = ("back", light.back) if row.control == "placebo" else (name, colour)
    x, y = rounded(scale.x(comparison.difference or 0)), rounded(middle)
    yield (
        f'<circle class="fill-{inside} stroke-{name}" cx="{x}" cy="{y}" r="4" fill="{fill}" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )


def _text(x: float, y: float, content: str, which: str, colour: str, more: str = "") -> str:
    return (
        f'<text class="fill-{which}" x="{rounded(x)}" y="{rounded(y)}" fill="{colour}"{more}>'
        f"{escaped(content)}</text>"
    )
