"""The picture of a config in a terminal: boxes and lines of characters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from yamlinject.drawing.layout import Box, Layout, Line, Metrics
from yamlinject.drawing.picture import Node, Picture
from yamlinject.drawing.themes import MEANINGS, Mark
from yamlinject.output.terminal import visible
from yamlinject.output.widths import columns

_CHARACTERS = Metrics(step=1, above=1, beside=2, gap=2, box=2, legend=9)

#: The directions in which a character's lines go, and the characters.
_UP, _DOWN, _LEFT, _RIGHT = 1, 2, 4, 8
_LINES = " ││││┘┐┤─└┌├─┴┬┼"

#: What stands before the text of a box with a mark.
_SIGNS: dict[Mark, str] = {"new": "+", "replaced": "*", "dead": "x"}


def lines(picture: Picture) -> Iterator[str]:
    """The name, the lines of the picture without spaces at their ends, and the legend."""
    shown = picture._replace(edges=[edge for edge in picture.edges if edge.mark != "expected"])
    texts = [_text(node) for node in shown.nodes]
    layout = shown.lay_out([3 + columns(text) for text in texts], _CHARACTERS)
    canvas = _Canvas()
    for line in layout.lines:
        canvas.draw(line, layout.boxes[line.target])
    for box, text in zip(layout.boxes, texts, strict=True):
        canvas.enclose(box, text)
    for band in layout.bands:
        canvas.write(0, int(band.top + band.bottom) // 2, picture.labels(band.stride)[0])
    yield picture.name
    yield ""
    yield from "\n".join(canvas.lines(layout)).strip("\n").split("\n")
    if legend := list(_legend(picture)):
        yield from ("", *legend)


def _text(node: Node) -> str:
    sign = f"{_SIGNS[node.mark]} " if node.mark in _SIGNS else ""
    return visible(f"{sign}{node.title}{' ' * bool(node.detail)}{node.detail}")


def _legend(picture: Picture) -> Iterator[str]:
    for mark in picture.marks:
        if mark in _SIGNS:
            yield f"{_SIGNS[mark]} {MEANINGS[mark]}"
    for edge in picture.edges:
        if edge.mark in ("wrong", "expected"):
            source, target = picture.nodes[edge.source], picture.nodes[edge.target]
            yield f"{MEANINGS[edge.mark]}: {source.title} -> {target.title}"


class _Canvas:
    """Characters by their column and row: directions of lines, and texts over them."""

    def __init__(self) -> None:
        self._directions: dict[tuple[int, int], int] = {}
        self._texts: dict[tuple[int, int], str] = {}

    def draw(self, line: Line, target: Box) -> None:
        """A line, with its arrowhead beside the box that it leads to."""
        points = [(int(x), int(y)) for x, y in line.points]
        for (x, y), (to_x, to_y) in pairwise(points):
            self._add(x, y, to_x, to_y)
        (x, y), (from_x, from_y) = points[-1], points[-2]
        if x == from_x:
            self._texts[x, y + (1 if from_y > y else -1)] = "▲" if from_y > y else "▼"
        else:
            self._texts[x + (1 if from_x > x else -1), y] = "◀" if from_x > x else "▶"

    def enclose(self, box: Box, text: str) -> None:
        """A box round its text."""
        left, top = int(box.x), int(box.y)
        right, bottom = int(box.x + box.width), int(box.y + box.height)
        for corner in ((right, top), (left, bottom)):
            self._add(left, top, *corner)
            self._add(*corner, right, bottom)
        taken = columns(text)
        self.write(left + (right - left + 1 - taken) // 2, (top + bottom) // 2, text)

    def write(self, x: int, y: int, text: str) -> None:
        """A text from that place on; a wide letter takes the place of the next one too."""
        for char in text:
            if not columns(char):
                self._texts[x - 1, y] = self._texts.get((x - 1, y), "") + char
                continue
            self._texts[x, y] = char
            for covered in range(1, columns(char)):
                self._texts[x + covered, y] = ""
            x += columns(char)

    def lines(self, layout: Layout) -> Iterator[str]:
        """All rows as text."""
        for y in range(int(layout.height) + 1):
            row = (
                self._texts.get((x, y), _LINES[self._directions.get((x, y), 0)])
                for x in range(int(layout.width) + 1)
            )
            yield "".join(row).rstrip()

    def _add(self, x: int, y: int, to_x: int, to_y: int) -> None:
        """A straight piece of a line."""
        if (x, y) == (to_x, to_y):
            return
        (x, y), (to_x, to_y) = sorted(((x, y), (to_x, to_y)))
        for place in range(x, to_x):
            self._join(place, y, _RIGHT)
            self._join(place + 1, y, _LEFT)
        for place in range(y, to_y):
            self._join(x, place, _DOWN)
            self._join(x, place + 1, _UP)

    def _join(self, x: int, y: int, direction: int) -> None:
        self._directions[x, y] = self._directions.get((x, y), 0) | direction
