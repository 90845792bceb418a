"""A picture with all that stands round it, its title, the names of its rows and its legend, in pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from yamlinject.drawing import text
from yamlinject.drawing.layout import PIXELS, Layout
from yamlinject.drawing.picture import Picture
from yamlinject.drawing.themes import MEANINGS, Mark

#: The sizes of text: the title, the first line of a box, its second line, and the rest.
TITLE, FIRST, SECOND, REST = 14, 12, 10, 11

#: The height of the title, below which the layout begins, and where its text stands in it.
HEAD, BASELINE = 32, 21

#: The margin at the left, of the title and of the names of rows.
MARGIN = 8

#: The length and the height of a sample in the legend, and its distance from its text.
SAMPLE, THICK, SPACE = 24, 10, 8

#: The height of a line of the legend, the least width of a picture with one, and that of the last name.
_FOOT, _NARROWEST, _NAME = 18, 240, 120


class Sample(NamedTuple):
    """A mark that the legend explains: as a box or as a line from ``x`` on, at the height ``y``."""

    mark: Mark
    x: float
    y: float
    is_box: bool


class Sheet(NamedTuple):
    """The picture with its size; ``layout`` and ``legend`` count from :data:`HEAD` below the top.

    ``titles``: where each begins, and its text.
    """

    width: float
    height: float
    layout: Layout
    titles: list[tuple[float, str]]
    legend: list[Sample]


def sheet(picture: Picture, title: str = "") -> Sheet:
    """The picture laid out; ``title``: instead of the config's name."""
    layout = picture.lay_out(widths(picture))
    lefts = [float(MARGIN)] if title else list(_beginnings(picture, layout))
    width = max(layout.width, _NARROWEST, lefts[-1] + _NAME, 2 * MARGIN + text.width(title, TITLE))
    titles = [(lefts[0], text.printable(title))] if title else list(_titles(picture, lefts, width))
    legend = list(_legend(picture, width, layout.height))
    bottom = legend[-1].y + _FOOT / 2 if legend else layout.height
    return Sheet(width, HEAD + bottom, layout, titles, legend)


def widths(picture: Picture) -> list[float]:
    """How wide each box has to be for its text."""
    return [
        10 + max(text.width(node.title, FIRST), text.width(node.detail, SECOND)) for node in picture.nodes
    ]


def _beginnings(picture: Picture, layout: Layout) -> Iterator[float]:
    """Where each name begins, the first at the margin."""
    for _, column in picture.names:
        boxes = zip(layout.boxes, picture.grid.places, strict=True)
        left = min(box.x for box, place in boxes if place.column == column)
        yield left if column else float(MARGIN)


def _titles(picture: Picture, lefts: list[float], width: float) -> Iterator[tuple[float, str]]:
    """The names above, with where each begins, as far as there is room."""
    for (name, _), left, end in zip(picture.names, lefts, [*lefts[1:], width], strict=True):
        shown = text.printable(name)
        while left + text.width(shown, TITLE) > end - MARGIN:
            shown = f"{shown[:-2]}…"
        yield left, shown


def _legend(picture: Picture, width: float, top: float) -> Iterator[Sample]:
    """Each mark that is in the picture, in as many lines below it as they need."""
    boxes = {node.mark for node in picture.nodes}
    x, y = float(PIXELS.legend), top + _FOOT / 2
    for mark in picture.marks:
        length = SAMPLE + SPACE + text.width(MEANINGS[mark], REST)
        if x + length > width and x > PIXELS.legend:
            x, y = float(PIXELS.legend), y + _FOOT
        yield Sample(mark, x, y, mark in boxes)
        x += length + 2 * SPACE
