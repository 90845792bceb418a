"""How the metric of each variant grew, epoch by epoch: a small picture for each, all of the same scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import mean

from yamlinject.drawing.svg import FONTS, escaped, rounded
from yamlinject.drawing.themes import THEMES

#: The epochs of a run, each with its metric.
Curve = Mapping[float, float]

#: The size of a picture, and what of it is left of the axes, below and above them.
_WIDTH, _HEIGHT, _LEFT, _BELOW, _ABOVE = 250, 160, 40, 22, 24


def pictures(curves: Mapping[str, Sequence[Curve]], bases: Mapping[str, str | None]) -> Iterator[str]:
    """An SVG for each variant that has curves: its seeds, their mean, and the mean of the base.

    ``curves``: those of each variant's seeds; ``bases``: the name of the variant that it is compared with.
    """
    epochs = [epoch for runs in curves.values() for run in runs for epoch in run]
    values = [value for runs in curves.values() for run in runs for value in run.values()]
    if epochs:
        first, last, highest = min(epochs), max(epochs), max(values) or 1.0
        for name, runs in curves.items():
            if any(runs):
                base = curves.get(bases[name] or "", ())
                yield "\n".join(_picture(name, runs, base, (first, last, highest)))


def _picture(
    name: str, runs: Sequence[Curve], base: Sequence[Curve], ends: tuple[float, float, float]
) -> Iterator[str]:
    light = THEMES["light"]
    first, last, highest = ends
    bottom, right = _HEIGHT - _BELOW, _WIDTH - 8
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="curve" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" height="{_HEIGHT}" font-family="{FONTS}" font-size="10" role="img">'
    )
    yield f"<title>{escaped(name)}</title>"
    yield _text(_LEFT, 14, name, ' font-weight="bold"')
    yield (
        f'<path class="stroke-faint" d="M{_LEFT} {_ABOVE}V{bottom}H{right}" fill="none" '
        f'stroke="{light.faint}"/>'
    )
    yield _text(_LEFT - 4, _ABOVE + 6, f"{highest:.3g}", ' text-anchor="end"')
    yield _text(_LEFT - 4, bottom, "0", ' text-anchor="end"')
    yield _text(_LEFT, _HEIGHT - 8, f"{first:g}")
    yield _text(right, _HEIGHT - 8, f"epoch {last:g}", ' text-anchor="end"')

    def line(curve: Curve, which: str, colour: str, width: float) -> str:
        across, up = (right - _LEFT) / ((last - first) or 1), (bottom - _ABOVE) / highest
        points = (
            f"{rounded(_LEFT + (epoch - first) * across)} {rounded(bottom - value * up)}"
            for epoch, value in sorted(curve.items())
        )
        return (
            f'<path class="stroke-{which}" d="M{"L".join(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="{width:g}" stroke-linecap="round"/>'
        )

    for run in filter(None, runs):
        yield line(run, "no-difference", light.marks["replaced"], 0.5)
    if any(base):
        yield line(_mean(base), "cannot-tell", light.line, 1.5)
    yield line(_mean(runs), "no-difference", light.marks["replaced"], 2)
    yield "</svg>"


def _mean(runs: Sequence[Curve]) -> Curve:
    """The mean of the runs that have an epoch."""
    epochs = {epoch for run in runs for epoch in run}
    return {epoch: mean(run[epoch] for run in runs if epoch in run) for epoch in epochs}


def _text(x: float, y: float, content: str, more: str = "") -> str:
    colour = THEMES["light"].text
    return f'<text class="fill-text" x="{x}" y="{y}" fill="{colour}"{more}>{escaped(content)}</text>'
