"""A picture as a LaTeX document that draws it with TikZ, which compiles alone and can be put into a paper.

Latin letters are written as they are; for others a document would need fonts of its own, so there is a
question mark in their place.
"""

from __future__ import annotations

from collections.abc import Iterator

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
from yamlinject.drawing.svg import rounded
from yamlinject.drawing.themes import DASHES, MEANINGS, THEMES, Colours, Mark, Theme

#: What means something to TeX, and how it is written.
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "…": r"\dots{}",  # what a name that is cut ends with
    **{char: f"\\{char}" for char in "#$%&_{}"},
    **{char: f"{{{char}}}" for char in "-<>'`,\"!?"},  # no ligature with the next one
}

#: The last letter that the fonts of every LaTeX have.
_LAST = "\N{LATIN SMALL LETTER Y WITH DIAERESIS}"


def tikz(picture: Picture, theme: Theme = "light", title: str = "") -> str:
    """The picture as the text of a ``.tex`` file; ``title``: instead of the config's name."""
    return "\n".join(_lines(picture, THEMES[theme], title)) + "\n"


def _lines(picture: Picture, colours: Colours, title: str) -> Iterator[str]:
    page = sheet(picture, title)
    yield r"\documentclass[border=0pt]{standalone}"
    yield r"\usepackage[T1]{fontenc}"
    yield r"\usepackage[utf8]{inputenc}"
    yield r"\usepackage{textcomp}"
    yield r"\usepackage{helvet}"
    yield r"\renewcommand{\familydefault}{\sfdefault}"
    yield r"\usepackage{tikz}"
    yield r"\usetikzlibrary{arrows.meta,patterns}"
    yield from _definitions(picture, colours)
    yield r"\begin{document}"
    yield r"\begin{tikzpicture}[x=1bp,y=-1bp,inner sep=0pt,outer sep=0pt]"
    yield rf"\fill[back] (0,0) rectangle ({rounded(page.width)},{rounded(page.height)});"
    for x, name in page.titles:
        yield _text((x, BASELINE - HEAD), "base west", TITLE, "ink", rf"\bfseries {_escaped(name)}")
    yield from _bands(picture, page, colours)
    for line, edge in zip(page.layout.lines, picture.edges, strict=True):
        steps = " -- ".join(_place(x, y) for x, y in line.points)
        yield rf"\draw[to {edge.mark or 'layer'}] {steps};"
    for box, node in zip(page.layout.boxes, picture.nodes, strict=True):
        yield from _box((box.x, box.y, box.width, box.height), node)
    for mark, x, y, is_box in page.legend:
        if is_box:
            ends = _place(x, y - THICK / 2), _place(x + SAMPLE, y + THICK / 2)
            yield rf"\path[box {mark}] {ends[0]} rectangle {ends[1]};"
        else:
            yield rf"\draw[to {mark}] {_place(x, y)} -- {_place(x + SAMPLE, y)};"
        yield _text((x + SAMPLE + SPACE, y + 4), "base west", REST, "ink", _escaped(MEANINGS[mark]))
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _definitions(picture: Picture, colours: Colours) -> Iterator[str]:
    """The colours, and the styles of boxes and lines by their marks."""
    named = {
        "back": colours.back,
        "ink": colours.text,
        "faint": colours.faint,
        "line": colours.line,
        "box": colours.box,
        "band": colours.band,
        **{f"mark {mark}": colours.marks[mark] for mark in picture.marks},
    }
    for name, colour in named.items():
        yield rf"\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"
    marks: list[Mark] = ["", *picture.marks]
    styles = [style for mark in marks for style in (_line_style(mark), _box_style(mark, colours))]
    yield rf"\tikzset{{{','.join(styles)}}}"


def _line_style(mark: Mark) -> str:
    on_off = "dash pattern=on {}bp off {}bp,".format(*DASHES[mark]) if mark in DASHES else ""
    tip = "-{Triangle[length=6bp,width=5bp]}"
    return (
        f"to {mark or 'layer'}/.style={{{_colour(mark)},line width={2 if mark else 1.2}bp,{on_off}{tip}}}"
    )


def _box_style(mark: Mark, colours: Colours) -> str:
    pattern = ""
    if mark == "dead":
        pattern = "postaction={pattern=north east lines,pattern color=mark dead}"
    elif mark == "new" and colours.dots:
        pattern = "postaction={pattern=dots,pattern color=mark new}"
    elif mark == "replaced" and colours.dots:
        pattern = "dash pattern=on 5bp off 2bp"
    width = 2 if mark else 1
    return (
        f"box {mark or 'layer'}/.style={{draw={_colour(mark)},fill=box,line width={width}bp,"
        f"rounded corners=4bp{',' * bool(pattern)}{pattern}}}"
    )


def _colour(mark: Mark) -> str:
    return f"mark {mark}" if mark else "line"


def _bands(picture: Picture, page: Sheet, colours: Colours) -> Iterator[str]:
    """The grounds of every second row, and the names and sizes of all."""
    for number, band in enumerate(page.layout.bands):
        if number % 2 == 0 and colours.band != colours.back:
            yield rf"\fill[band] {_place(0, band.top)} rectangle {_place(page.width, band.bottom)};"
        level, size = picture.labels(band.stride)
        if level:
            middle = (band.top + band.bottom) / 2
            yield _text((MARGIN, middle - 2), "base west", REST, "ink", _escaped(level))
            yield _text((MARGIN, middle + 11), "base west", SECOND, "faint", _escaped(size))


def _box(shape: tuple[float, float, float, float], node: Node) -> Iterator[str]:
    x, y, width, height = shape
    yield rf"\path[box {node.mark or 'layer'}] {_place(x, y)} rectangle {_place(x + width, y + height)};"
    middle = (x + width / 2, y + height / 2)
    if node.mark in ("dead", "new"):  # so that the text can be read on a pattern
        plate = max(text.width(node.title, FIRST), text.width(node.detail, SECOND)) / 2
        corners = _place(middle[0] - plate, middle[1] - 13), _place(middle[0] + plate, middle[1] + 13)
        yield rf"\fill[box] {corners[0]} rectangle {corners[1]};"
    first = (middle[0], middle[1] + (-2 if node.detail else 4))
    yield _text(first, "base", FIRST, "ink", _escaped(node.title))
    if node.detail:
        yield _text((middle[0], middle[1] + 11), "base", SECOND, "faint", _escaped(node.detail))


def _text(place: tuple[float, float], anchor: str, size: int, colour: str, content: str) -> str:
    font = rf"\fontsize{{{size}bp}}{{{size}bp}}\selectfont"
    return rf"\node[anchor={anchor},text={colour},font={font}] at {_place(*place)} {{{content}}};"


def _place(x: float, y: float) -> str:
    """A point, counted from the top of the document."""
    return f"({rounded(x)},{rounded(y + HEAD)})"


def _escaped(content: str) -> str:
    written = (
        char if char in _SPECIAL or (char.isprintable() and char <= _LAST) else "?" for char in content
    )
    return "".join(_SPECIAL.get(char, char) for char in written)
