"""A config as a page of HTML: its picture, its layers, what ``check`` finds and what ``verify`` measures.

One file that loads nothing: ``report.css`` and ``report.js``, which stand beside this module, are written
into it, and its policy lets a browser run and load nothing else.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yamlinject.checks.findings import Checked, Finding
from yamlinject.core import graph
from yamlinject.drawing import picture as pictures
from yamlinject.drawing.picture import Picture
from yamlinject.drawing.svg import inlined
from yamlinject.drawing.themes import MEANINGS, THEMES, Theme, by_variable, in_css
from yamlinject.output import findings, layers, verification
from yamlinject.output.terminal import Line, visible

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.verification.result import Verification


class Side(NamedTuple):
    """A model as it is shown: the config, its picture, and in milliseconds the time of each layer."""

    config: Config
    picture: Picture
    times: Sequence[float] = ()


class Report(NamedTuple):
    """What the page shows: the config, its base if there is one, and what was found and measured.

    ``scale``: the tables also show what is built in it. ``both``: config and base are shown side by side at
    first, not only the config.
    """

    after: Side
    before: Side | None
    found: Sequence[Finding]
    verified: Verification | None = None
    scale: str = ""
    both: bool = False


def page(report: Report, theme: Theme | None = None, title: str = "") -> str:
    """The whole file; without a ``theme`` it is light or dark as the browser is."""
    name = _x(title or report.after.picture.name)
    style = _colours(theme) + _beside("report.css")
    script = _beside("report.js")
    body = "\n".join(_body(report, theme or "light", name))
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    return f"""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width">
<title>{name}</title>
<style>{style}</style>
</head>
<body>
{body}
<script>{script}</script>
</body>
</html>
"""


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _digest(content: str) -> str:
    """What names a script or a style in a policy."""
    return f"sha256-{b64encode(sha256(content.encode()).digest()).decode()}"


def _colours(theme: Theme | None) -> str:
    """The colours of a theme, or those of two; on paper they are never dark."""
    shown = f":root{{color-scheme:{'light dark' if theme is None else theme.replace('paper', 'light')};"
    shown += f"{in_css(THEMES[theme or 'light'])}}}\n"
    if theme is None:
        shown += f"@media (prefers-color-scheme:dark){{:root{{{in_css(THEMES['dark'])}}}}}\n"
    if theme != "paper":
        shown += f"@media print{{:root{{color-scheme:light;{in_css(THEMES['light'])}}}}}\n"
    return shown


def _body(report: Report, theme: Theme, name: str) -> Iterator[str]:
    after, before = report.after, report.before
    sides = {"after": after}
    yield f"<h1>{name}</h1>"
    if before is not None:
        left, right = pictures.levelled(before.picture, after.picture)
        sides = {"before": before._replace(picture=left), "after": after._replace(picture=right)}
        yield from _switch(sides, "both" if report.both else "after")
    yield "<main>"
    yield '<div class="sides pictures">'
    for key, side in sides.items():
        shown = inlined(side.picture, by_variable(THEMES[theme]), "", f"{key}-")
        yield f'<figure data-side="{key}">{shown}</figure>'
    yield "</div>"
    yield "<div>"
    yield f"<h2>Findings of check in {_x(after.config.label)}</h2>"
    yield from _text(findings.text([Checked(after.config.label, tuple(report.found))])) or ["<p>None.</p>"]
    if report.verified is not None:
        yield "<h2>Measured by verify</h2>"
        yield from _measured(report.verified)
    yield "<h2>Layers</h2>"
    yield '<div class="sides">'
    for key, side in sides.items():
        yield f'<div data-side="{key}">'
        yield from _table(side, report.scale)
        yield "</div>"
    yield "</div></div></main>"


def _switch(sides: dict[str, Side], chosen: str) -> Iterator[str]:
    """Which of both models is shown."""
    said = {key: f"{key.capitalize()}: {_x(side.picture.name)}" for key, side in sides.items()}
    yield '<fieldset aria-label="Which model is shown">'
    for key, label in {**said, "both": "Both"}.items():
        checked = " checked" if key == chosen else ""
        yield f'<label><input type="radio" name="shown" id="show-{key}"{checked}> {label}</label>'
    yield "</fieldset>"


def _measured(verified: Verification) -> Iterator[str]:
    heads = "".join(
        f'<th scope="col">{_x(name)}</th>' for name in (verified.base.name, verified.config.name)
    )
    yield f"<table><thead><tr><td></td>{heads}</tr></thead><tbody>"
    for what, before, after in verification.numbers(verified):
        yield f'<tr><th scope="row">{what}</th><td>{_x(before)}</td><td>{_x(after)}</td></tr>'
    yield "</tbody></table>"
    yield from _text(verification.said(verified))


def _table(side: Side, scale: str) -> Iterator[str]:
    """The layer table, with the readers of each layer, its time if that is known, and its marks."""
    columns = layers.columns(scale)
    heads = [(head.heading.replace("\n", " "), head.right) for head in columns]
    heads.insert(2, ("read by", True))
    heads += [("ms", True)] * bool(side.times) + [("mark", False)]
    of_the_config = side.config.layers
    reads = {layer.index: graph.sources(layer) for layer in of_the_config}
    marks = _marks(side.picture)
    yield f'<table class="layers"><caption>{_x(side.picture.name)}</caption>'
    cells = "".join(f'<th scope="col"{_kind(right)}>{name}</th>' for name, right in heads)
    yield f"<thead><tr>{cells}</tr></thead><tbody>"
    for index, row in enumerate(layers.cells(side.config, scale)):
        readers = ", ".join(str(other) for other, sources in reads.items() if index in sources)
        time = [f"{side.times[index]:.2f}"] if side.times else []
        texts = [*row[:2], readers, *row[2:], *time, marks[index]]
        cells = "".join(
            f"<td{_kind(right)}>{_x(content)}</td>"
            for content, (_, right) in zip(texts, heads, strict=True)
        )
        sources = " ".join(str(source) for source in reads[index] if source != graph.IMAGE)
        yield f'<tr data-layer="{index}" data-reads="{sources}">{cells}</tr>'
    yield "</tbody></table>"


def _marks(picture: Picture) -> list[str]:
    """What the legend says of each layer and of what it reads, in the order of the legend."""
    found: list[set[str]] = [{node.mark} for node in picture.nodes]
    for edge in picture.edges:
        if edge.mark in ("changed", "wrong"):
            found[edge.target].add(edge.mark)
    return [
        ", ".join(meaning for mark, meaning in MEANINGS.items() if mark in marks)
        for node, marks in zip(picture.nodes, found, strict=True)
        for _ in range(node.first, node.last + 1)
    ]


def _kind(right: bool) -> str:
    return ' class="number"' if right else ""


def _text(lines: Iterable[Line]) -> list[str]:
    """What the terminal would show, as preformatted text; nothing if that is nothing."""
    shown = [
        f'<span class="{line.style}">{_x(f"{line.label:<10}" * bool(line.label) + line.text)}</span>'
        for line in lines
    ]
    return ["<pre>" + "\n".join(shown) + "</pre>"] if shown else []


def _x(content: str) -> str:
    """Text for HTML: one line, in which nothing controls anything."""
    return escape(visible(content))
