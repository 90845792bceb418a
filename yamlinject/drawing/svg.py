"""A picture as SVG: text as text, no script, and nothing that is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from yamlinject.drawing import text
from yamlinject.drawing.picture import Node, Picture
from yamlinject.drawing.sheet import (
    BASELINE,
    FIRST,
    HEAD,
    MARGIN,
    REST,
    SAMPLE,
    SECOND,
    SPACE,
    THICK,
    TITLE,
    Sheet,
    sheet,
)
from yamlinject.drawing.themes import DASHES, MEANINGS, THEMES, Colours, Mark, Theme

#: Those that have the widths which boxes are made for.
FONTS = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', 'Noto Sans CJK SC', sans-serif"

#: Where an id begins, or a reference to one: text has no such quotes.
_ID = re.compile(r'(?<= id=")|(?<="url\(#)')


def svg(picture: Picture, theme: Theme = "light", title: str = "") -> str:
    """The picture as a whole SVG file; ``title``: instead of the config's name."""
    return "\n".join(_lines(picture, THEMES[theme], title)) + "\n"


def inlined(picture: Picture, colours: Colours, title: str, prefix: str) -> str:
    """The same for a web page, where the ids of arrowheads and patterns begin with ``prefix``."""
    return _ID.sub(prefix, "\n".join(_lines(picture, colours, title)))


def _lines(picture: Picture, colours: Colours, title: str) -> Iterator[str]:
    page = sheet(picture, title)
    width, height = rounded(page.width), rounded(page.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="{FONTS}" role="img">'
    )
    yield f"<title>{escaped(title or picture.name)}</title>"
    yield from _definitions(picture, colours)
    yield f'<rect width="100%" height="100%" fill="{colours.back}"/>'
    for x, name in page.titles:
        yield _text((x, BASELINE), TITLE, name, f'font-weight="bold" fill="{colours.text}"')
    yield f'<g transform="translate(0 {HEAD})">'
    yield from _bands(picture, page, colours)
    for line, edge in zip(page.layout.lines, picture.edges, strict=True):
        ends = f' data-from="{picture.nodes[edge.source].name}" data-to="{picture.nodes[edge.target].name}"'
        yield _path(line.points, edge.mark, colours, ends)
    for box, node in zip(page.layout.boxes, picture.nodes, strict=True):
        yield from _box((box.x, box.y, box.width, box.height), node, colours)
    for mark, x, y, is_box in page.legend:
        if is_box:
            yield _outline((x, y - THICK / 2, SAMPLE, THICK), mark, colours)
        else:
            yield _path(((x, y), (x + SAMPLE, y)), mark, colours)
        yield _text((x + SAMPLE + SPACE, y + 4), REST, MEANINGS[mark], f'fill="{colours.text}"')
    yield "</g>"
    yield "</svg>"


def _definitions(picture: Picture, colours: Colours) -> Iterator[str]:
    """The arrowheads, and the patterns of boxes."""
    yield "<defs>"
    for mark in ("", *picture.marks):
        yield (
            f'<marker id="to-{mark or "layer"}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" '
            f'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path d="M0 1L8 4L0 7z" fill="{colours.marks.get(mark, colours.line)}"/></marker>'
        )
    if "dead" in picture.marks:
        yield (
            '<pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" '
            f'patternTransform="rotate(45)"><rect width="6" height="6" fill="{colours.box}"/>'
            f'<path d="M0 0V6" stroke="{colours.marks["dead"]}" stroke-opacity="0.6"/></pattern>'
        )
    if colours.dots:
        yield (
            '<pattern id="dotted" width="5" height="5" patternUnits="userSpaceOnUse">'
            f'<rect width="5" height="5" fill="{colours.box}"/>'
            f'<circle cx="2.5" cy="2.5" r="0.6" fill="{colours.marks["new"]}"/></pattern>'
        )
    yield "</defs>"


def _bands(picture: Picture, page: Sheet, colours: Colours) -> Iterator[str]:
    """The rows: every second one on a ground of its own, with its name and size at the left."""
    for number, band in enumerate(page.layout.bands):
        if number % 2 == 0 and colours.band != colours.back:
            top, height = rounded(band.top), rounded(band.bottom - band.top)
            yield f'<rect y="{top}" width="{rounded(page.width)}" height="{height}" fill="{colours.band}"/>'
        level, size = picture.labels(band.stride)
        if level:
            middle = (band.top + band.bottom) / 2
            yield _text((MARGIN, middle - 2), REST, level, f'fill="{colours.text}"')
            yield _text((MARGIN, middle + 11), SECOND, size, f'fill="{colours.faint}"')


def _outline(shape: tuple[float, float, float, float], mark: Mark, colours: Colours) -> str:
    """An empty box."""
    x, y, width, height = map(rounded, shape)
    style = f'fill="{_fill(mark, colours)}" stroke="{colours.marks.get(mark, colours.line)}"'
    dash = ' stroke-dasharray="5 2"' if mark == "replaced" and colours.dots else ""
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" {style} '
        f'stroke-width="{2 if mark else 1}"{dash}/>'
    )


def _fill(mark: Mark, colours: Colours) -> str:
    if mark == "dead":
        return "url(#hatched)"
    return "url(#dotted)" if mark == "new" and colours.dots else colours.box


def _box(shape: tuple[float, float, float, float], node: Node, colours: Colours) -> Iterator[str]:
    x, y, width, height = shape
    yield f'<g data-layer="{node.name}"><title>{escaped(node.full)}</title>'
    yield _outline(shape, node.mark, colours)
    middle = (x + width / 2, y + height / 2)
    if _fill(node.mark, colours) != colours.box:  # so that the text can be read
        plate = max(text.width(node.title, FIRST), text.width(node.detail, SECOND)) + 2
        left, top = rounded(middle[0] - plate / 2), rounded(middle[1] - 14)
        yield f'<rect x="{left}" y="{top}" width="{rounded(plate)}" height="28" fill="{colours.box}"/>'
    centred = f'text-anchor="middle" fill="{colours.text}"'
    yield _text((middle[0], middle[1] + (-2 if node.detail else 4)), FIRST, node.title, centred)
    if node.detail:
        faint = f'text-anchor="middle" fill="{colours.faint}"'
        yield _text((middle[0], middle[1] + 11), SECOND, node.detail, faint)
    yield "</g>"


def _path(points: tuple[tuple[float, float], ...], mark: Mark, colours: Colours, ends: str = "") -> str:
    steps = "L".join(f"{rounded(x)} {rounded(y)}" for x, y in points)
    dash = f' stroke-dasharray="{" ".join(map(str, DASHES[mark]))}"' if mark in DASHES else ""
    return (
        f'<path{ends} d="M{steps}" fill="none" stroke="{colours.marks.get(mark, colours.line)}" '
        f'stroke-width="{2 if mark else 1.2}"{dash} marker-end="url(#to-{mark or "layer"})"/>'
    )


def _text(place: tuple[float, float], size: int, content: str, style: str) -> str:
    x, y = map(rounded, place)
    return f'<text x="{x}" y="{y}" font-size="{size}" {style}>{escaped(content)}</text>'


def escaped(content: str) -> str:
    """Text for XML, which cannot hold control characters."""
    return escape("\n".join(map(text.printable, content.split("\n"))), {'"': "&quot;"})


def rounded(value: float) -> str:
    """A number of pixels, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
