"""What can be wrong with the lines and boxes of a picture, found by comparing all with all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

from yamlinject.drawing.layout import Box, Layout, Line

Piece = tuple[tuple[float, float], tuple[float, float]]


class Faults(NamedTuple):
    """How many pairs of boxes overlap, lines go through boxes, lines lie on lines, and lines cross."""

    boxes: int
    hits: int
    overlaps: int
    crossings: int


def faults(layout: Layout) -> Faults:
    boxes = sum(overlap(one, other) for one, other in combinations(layout.boxes, 2))
    hits = sum(hit(piece, box) for line in layout.lines for piece in pieces(line) for box in layout.boxes)
    overlaps = crossings = 0
    for one, other in combinations(layout.lines, 2):
        for piece in pieces(one):
            for another in pieces(other):
                overlaps += lie_on_each_other(piece, another)
                crossings += cross(piece, another) or cross(another, piece)
    return Faults(boxes, hits, overlaps, crossings)


def pieces(line: Line) -> Iterator[Piece]:
    for start, end in pairwise(line.points):
        assert start[0] == end[0] or start[1] == end[1], "a slanting line"
        yield start, end


def overlap(one: Box, other: Box) -> bool:
    beside = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not beside and one.y < other.y + other.height and other.y < one.y + one.height


def hit(piece: Piece, box: Box) -> bool:
    (left, right), (top, bottom) = span(piece, 0), span(piece, 1)
    if left == right:
        return box.x < left < box.x + box.width and top < box.y + box.height and box.y < bottom
    return box.y < top < box.y + box.height and left < box.x + box.width and box.x < right


def span(piece: Piece, axis: int) -> tuple[float, float]:
    low, high = sorted(point[axis] for point in piece)
    return low, high


def lie_on_each_other(one: Piece, other: Piece) -> bool:
    for along, across in ((0, 1), (1, 0)):
        if span(one, across) == span(other, across) and span(one, across)[0] == span(one, across)[1]:
            (low, high), (start, end) = span(one, along), span(other, along)
            return min(high, end) - max(low, start) > 0
    return False


def cross(level: Piece, upright: Piece) -> bool:
    if span(level, 1)[0] != span(level, 1)[1] or span(upright, 0)[0] != span(upright, 0)[1]:
        return False
    (left, right), (top, bottom) = span(level, 0), span(upright, 1)
    return left < upright[0][0] < right and top < level[0][1] < bottom
