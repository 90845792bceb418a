"""A picture for the editor draw.io (diagrams.net), in which boxes can be moved and their lines follow.

The format is that of its documentation: an ``mxfile`` with a graph of cells, vertices and edges, the first
two of which are the root and the layer that all others are in.
"""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.drawing.layout import Box, Line
from yamlinject.drawing.picture import Edge, Node, Picture
from yamlinject.drawing.sheet import (
    BASELINE,
    FIRST,
    HEAD,
    MARGIN,
    REST,
    SAMPLE,
    SPACE,
    THICK,
    TITLE,
    Sheet,
    sheet,
)
from yamlinject.drawing.svg import escaped, rounded
from yamlinject.drawing.themes import DASHES, MEANINGS, THEMES, Colours, Mark, Theme

#: Text is plain, and stays as it is.
_LABEL = "html=0;whiteSpace=nowrap;overflow=visible;fontFamily=Helvetica"
_TEXT = "text;fillColor=none;strokeColor=none"
_BESIDE = f"align=left;verticalAlign=middle;{_LABEL}"

#: The height of a line of text with nothing round it.
_HIGH = 16


def drawio(picture: Picture, theme: Theme = "light", title: str = "") -> str:
    """The picture as the XML of a ``.drawio`` file; ``title``: instead of the config's name."""
    return "\n".join(_lines(picture, THEMES[theme], title)) + "\n"


def _lines(picture: Picture, colours: Colours, title: str) -> Iterator[str]:
    page = sheet(picture, title)
    yield '<mxfile host="yamlinject">'
    yield f'<diagram id="picture" name="{escaped(title or picture.name)}">'
    yield (
        f'<mxGraphModel grid="0" page="0" background="{colours.back}" '
        f'pageWidth="{rounded(page.width)}" pageHeight="{rounded(page.height)}">'
    )
    yield "<root>"
    yield '<mxCell id="0"/>'
    yield '<mxCell id="1" parent="0"/>'
    yield from _bands(picture, page, colours)
    for number, (x, name) in enumerate(page.titles):
        style = f"{_TEXT};fontStyle=1;fontSize={TITLE};fontColor={colours.text};align=left;{_LABEL}"
        yield _vertex(f"title{number}", name, style, (x, BASELINE - _HIGH + 3, 200, _HIGH))
    for number, (box, node) in enumerate(zip(page.layout.boxes, picture.nodes, strict=True)):
        shape = box.x, box.y + HEAD, box.width, box.height
        yield _vertex(f"n{number}", _label(node), _box_style(node.mark, colours), shape)
    for number, (line, edge) in enumerate(zip(page.layout.lines, picture.edges, strict=True)):
        yield from _edge(number, edge, line, page.layout.boxes, colours)
    yield from _legend(page, colours)
    yield "</root>"
    yield "</mxGraphModel>"
    yield "</diagram>"
    yield "</mxfile>"


def _bands(picture: Picture, page: Sheet, colours: Colours) -> Iterator[str]:
    """The grounds of every second row, and the names and sizes of all."""
    for number, band in enumerate(page.layout.bands):
        top, height = band.top + HEAD, band.bottom - band.top
        if number % 2 == 0 and colours.band != colours.back:
            style = f"fillColor={colours.band};strokeColor=none"
            yield _vertex(f"band{number}", "", style, (0, top, page.width, height))
        name = "\n".join(filter(None, picture.labels(band.stride)))
        if name:
            style = f"{_TEXT};fontSize={REST};fontColor={colours.text};{_BESIDE}"
            yield _vertex(f"row{number}", name, style, (MARGIN, top, 0, height))


def _legend(page: Sheet, colours: Colours) -> Iterator[str]:
    for number, (mark, x, y, is_box) in enumerate(page.legend):
        middle = y + HEAD
        if is_box:
            shape = x, middle - THICK / 2, SAMPLE, THICK
            yield _vertex(f"sample{number}", "", _box_style(mark, colours), shape)
        else:
            yield (
                f'<mxCell id="sample{number}" style="{_line_style(mark, colours)}" edge="1" parent="1">'
                '<mxGeometry relative="1" as="geometry">'
                f'<mxPoint x="{rounded(x)}" y="{rounded(middle)}" as="sourcePoint"/>'
                f'<mxPoint x="{rounded(x + SAMPLE)}" y="{rounded(middle)}" as="targetPoint"/>'
                "</mxGeometry></mxCell>"
            )
        style = f"{_TEXT};fontSize={REST};fontColor={colours.text};{_BESIDE}"
        place = x + SAMPLE + SPACE, middle - _HIGH / 2, 0, _HIGH
        yield _vertex(f"meaning{number}", MEANINGS[mark], style, place)


def _label(node: Node) -> str:
    return "\n".join(filter(None, (node.title, node.detail)))


def _box_style(mark: Mark, colours: Colours) -> str:
    pattern = "fillStyle=hatch;" if mark == "dead" else ""
    fill = colours.marks["dead"] if mark == "dead" else colours.box
    if mark == "new" and colours.dots:
        pattern, fill = "fillStyle=dots;", colours.marks["new"]
    dashed = "dashed=1;dashPattern=5 2;" if mark == "replaced" and colours.dots else ""
    return (
        f"rounded=1;arcSize=4;absoluteArcSize=1;{pattern}{dashed}fillColor={fill};"
        f"strokeColor={colours.marks.get(mark, colours.line)};strokeWidth={2 if mark else 1};"
        f"fontSize={FIRST};fontColor={colours.text};{_LABEL}"
        + (f";labelBackgroundColor={colours.box}" if pattern else "")
    )


def _line_style(mark: Mark, colours: Colours) -> str:
    dashes = f"dashed=1;dashPattern={' '.join(map(str, DASHES[mark]))};" if mark in DASHES else ""
    return (
        f"rounded=0;endArrow=block;endSize=4;endFill=1;{dashes}"
        f"strokeColor={colours.marks.get(mark, colours.line)};strokeWidth={2 if mark else 1}"
    )


def _edge(number: int, edge: Edge, line: Line, boxes: list[Box], colours: Colours) -> Iterator[str]:
    """A line that holds on to both boxes where it leaves and enters them now."""
    first, *inner, last = line.points
    ends = "".join(
        f";{name}X={_share(x - box.x, box.width)};{name}Y={_share(y - box.y, box.height)};{name}Perimeter=0"
        for name, (x, y), box in (
            ("exit", first, boxes[edge.source]),
            ("entry", last, boxes[edge.target]),
        )
    )
    yield (
        f'<mxCell id="e{number}" style="{_line_style(edge.mark, colours)}{ends}" edge="1" parent="1" '
        f'source="n{edge.source}" target="n{edge.target}"><mxGeometry relative="1" as="geometry">'
    )
    if inner:
        points = (f'<mxPoint x="{rounded(x)}" y="{rounded(y + HEAD)}"/>' for x, y in inner)
        yield f'<Array as="points">{"".join(points)}</Array>'
    yield "</mxGeometry></mxCell>"


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.4f}".rstrip("0").rstrip(".")


def _vertex(name: str, label: str, style: str, shape: tuple[float, float, float, float]) -> str:
    x, y, width, height = map(rounded, shape)
    value = escaped(label).replace("\n", "&#10;")
    return (
        f'<mxCell id="{name}" value="{value}" style="{style}" vertex="1" parent="1">'
        f'<mxGeometry x="{x}" y="{y}" width="{width}" height="{height}" as="geometry"/></mxCell>'
    )
