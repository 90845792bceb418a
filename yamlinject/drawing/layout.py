"""The picture of a graph in coordinates: boxes, and lines of level and upright pieces between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from yamlinject.drawing.grid import Grid
from yamlinject.drawing.routes import Lane, Level, Route, routes
from yamlinject.drawing.tracks import Piece, tracks


class Metrics(NamedTuple):
    """The distances of a picture, in pixels or in characters.

    ``step``: between lines side by side. ``above``, ``beside``: between a box and a line or another row,
    above and beside it. ``gap``: between two boxes of a column. ``box``: the least height of a box.
    ``legend``: the width of the margin at the left, where rows are named.
    """

    step: int
    above: int
    beside: int
    gap: int
    box: int
    legend: int


#: In pixels, for text of 12.
PIXELS = Metrics(step=5, above=8, beside=8, gap=12, box=34, legend=58)


class Box(NamedTuple):
    """The box of a layer, given by its number; ``x`` and ``y`` are its upper left corner."""

    layer: int
    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A line from a layer to one that reads it, through its ``points``."""

    source: int
    target: int
    points: tuple[tuple[float, float], ...]


class Band(NamedTuple):
    """The part of the picture in which the layers of one stride are."""

    stride: float | None
    top: float
    bottom: float


class Layout(NamedTuple):
    """Boxes, lines and bands with the size of the picture."""

    width: float
    height: float
    boxes: list[Box]
    lines: list[Line]
    bands: list[Band]


def lay_out(
    grid: Grid, edges: Sequence[tuple[int, int]], widths: Sequence[float], metrics: Metrics = PIXELS
) -> Layout:
    """Coordinates for a grid; ``edges``: pairs of a layer and a reader; ``widths``: of the boxes."""
    paths = routes(grid, edges)
    heights = _heights(grid, paths, metrics)
    tops, bands, bottom = _rows(grid, paths, heights, metrics)

    def y(level: Level) -> float:
        if isinstance(level, Lane):
            return _lane(bands, level, metrics)
        middle = tops[level.row][level.slot] + heights[level.row][level.slot] / 2
        return middle + level.side * (level.rank + 1) * metrics.step

    in_gutters = {gutter: _tracks(gutter, grid, paths, y, metrics) for gutter in range(-1, grid.columns)}
    column_widths = [max(widths[layer] for layer in order) for order in grid.order]
    lefts, gutters, x = [], {-1: 0.0}, float(metrics.legend)
    for column, width in enumerate(column_widths):
        lefts.append(x)
        x += width
        gutters[column] = x + metrics.beside
        if count := 1 + max(in_gutters[column].values(), default=-1):
            x += max(metrics.gap + metrics.beside, 2 * metrics.beside + metrics.step * (count - 1))
        elif column < grid.columns - 1:
            x += metrics.gap + metrics.beside
    boxes = []
    for layer, place in enumerate(grid.places):
        left, width = lefts[place.column], column_widths[place.column]
        if layer in grid.heads:  # beside all rows and lanes
            top = metrics.above / 2 if bands[0].top else float(metrics.above)
            room = bottom - metrics.above - bands[-1].bottom
            end = bands[-1].bottom + (room if room else -metrics.above)
            boxes.append(Box(layer, left, top, width, end - top))
        else:
            top, height = tops[place.row][place.slot], heights[place.row][place.slot]
            boxes.append(Box(layer, left, top, width, height))

    def track(number: int, position: int) -> float:
        gutter = paths[number].gutters[position]
        return gutters[gutter] + metrics.step * in_gutters[gutter][number, position]

    lines = [_line(boxes, number, path, y, track) for number, path in enumerate(paths)]
    return Layout(x + metrics.beside, bottom, boxes, lines, bands)


def _line(
    boxes: Sequence[Box],
    number: int,
    path: Route,
    y: Callable[[Level], float],
    track: Callable[[int, int], float],
) -> Line:
    """The points of a path; ``track``: where it is upright in its gutter of that position."""
    source, target = boxes[path.source], boxes[path.target]
    if path.upright:
        down = source.y < target.y
        middle = source.x + source.width // 2
        ends = (source.y + source.height, target.y) if down else (source.y, target.y + target.height)
        return Line(path.source, path.target, ((middle, ends[0]), (middle, ends[1])))
    points = [(source.x + source.width, y(path.levels[0]))]
    for position in range(len(path.gutters)):
        x = track(number, position)
        points += [(x, y(path.levels[position])), (x, y(path.levels[position + 1]))]
    end = target.x if target.x > source.x else target.x + target.width
    return Line(path.source, path.target, (*points, (end, y(path.levels[-1]))))


def _heights(grid: Grid, paths: Sequence[Route], metrics: Metrics) -> list[list[float]]:
    """The height of the boxes in each slot of each row: enough for all lines that leave and enter one."""
    ranks = [[0] * slots for slots in grid.slots]
    for path in paths:
        for level in path.levels:
            if not isinstance(level, Lane) and level.side:
                ranks[level.row][level.slot] = max(ranks[level.row][level.slot], level.rank + 1)
    return [[max(metrics.box, 2 * metrics.step * (rank + 1)) for rank in row] for row in ranks]


def _rows(
    grid: Grid, paths: Sequence[Route], heights: Sequence[Sequence[float]], metrics: Metrics
) -> tuple[list[list[float]], list[Band], float]:
    """Where the slots of each row begin, the bands with room for lanes above each, and the whole height."""
    lanes = [0] * (len(grid.slots) + 1)
    for path in paths:
        for level in path.levels:
            if isinstance(level, Lane):
                lanes[level.row] = max(lanes[level.row], level.rank + 1)
    room = [metrics.step * count + metrics.above * bool(count) for count in lanes]
    tops, bands, y = [], [], 0.0
    for row, slots in enumerate(heights):
        start = y + room[row]
        y = start + metrics.above
        starts = []
        for height in slots:
            starts.append(y)
            y += height + metrics.gap
        tops.append(starts)
        y += metrics.above - metrics.gap
        bands.append(Band(grid.strides[row], start, y))
    return tops, bands, y + room[-1] + metrics.above


def _lane(bands: Sequence[Band], lane: Lane, metrics: Metrics) -> float:
    """The height of a lane: above its row, the nearest first, or below the last one."""
    if lane.row == len(bands):
        return bands[-1].bottom + metrics.above + metrics.step * lane.rank
    return bands[lane.row].top - metrics.above // 2 - metrics.step * lane.rank


def _tracks(
    gutter: int, grid: Grid, paths: Sequence[Route], y: Callable[[Level], float], metrics: Metrics
) -> dict[tuple[int, int], int]:
    """The track of each upright piece in a gutter, by the numbers of its path and of its place there."""
    return tracks(
        [
            Piece(
                (number, position),
                y(path.levels[position]),
                y(path.levels[position + 1]),
                grid.places[path.target].column > gutter,
            )
            for number, path in enumerate(paths)
            for position, where in enumerate(path.gutters)
            if where == gutter
        ],
        metrics.step,
    )
