"""How lines go between the layers of a grid, through gutters between columns and lanes between rows.

No line crosses a box: across a column it takes a slot that is empty there, or a lane above or below the
row. No two lines lie on each other: each has a height of its own where it leaves or enters a box, a track
of its own in a gutter and a lane of its own, as far as they would touch.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from yamlinject.drawing.grid import Grid

#: The side of a slot's middle that a line keeps to: above it enters a box, below it leaves one; a line that
#: meets no other is in the middle.
Side = Literal[-1, 0, 1]


class Wire(NamedTuple):
    """A level piece of a line in a slot of a row: ``rank`` of those on its side, from the middle on."""

    row: int
    slot: int
    side: Side
    rank: int


class Lane(NamedTuple):
    """A level piece of a line between two rows: above the row of that number, by its ``rank``."""

    row: int
    rank: int


Level = Wire | Lane


class Route(NamedTuple):
    """A line from ``source`` to ``target``.

    ``upright``: straight from one box to the next in its column; else it passes ``levels`` from left to
    right, and changes from one to the next in the gutters of these numbers.
    """

    source: int
    target: int
    levels: tuple[Level, ...] = ()
    gutters: tuple[int, ...] = ()
    upright: bool = False


class _Piece(NamedTuple):
    """A level piece of a line, from a gutter to one no further to the left; ``side``: None in a lane."""

    row: int
    slot: int
    side: Side | None
    start: int
    end: int

    @property
    def height(self) -> tuple[int, int]:
        """What sorts pieces from the top."""
        return (self.row, -1) if self.side is None else (self.row, self.slot)


class _Plan(NamedTuple):
    """A route whose ranks are not known yet."""

    source: int
    target: int
    pieces: tuple[_Piece, ...]


def routes(grid: Grid, edges: Sequence[tuple[int, int]]) -> list[Route]:
    """The lines of ``edges``: pairs of a layer and a reader, which stands no further to the left."""
    taken = {
        (place.row, place.slot, place.column)
        for layer, place in enumerate(grid.places)
        if layer not in grid.heads
    }
    next_in_column = {pair for order in grid.order for pair in pairwise(order)}
    found: list[Route] = []
    plans: list[_Plan] = []
    for source, target in edges:
        if (source, target) in next_in_column:
            found.append(Route(source, target, upright=True))
        else:
            plans.append(_Plan(source, target, _pieces(grid, source, target, taken)))
    return [*found, *_ranked(plans)]


def _pieces(grid: Grid, source: int, target: int, taken: set[tuple[int, int, int]]) -> tuple[_Piece, ...]:
    """The level pieces of a line, which goes straight where the columns between have room."""
    here, there = grid.places[source], grid.places[target]
    out, into = here.column, there.column - 1  # the gutters: each is named by the column at its left

    def free(row: int, slot: int) -> bool:
        return not any((row, slot, column) in taken for column in range(here.column + 1, there.column))

    def leaves(end: int, side: Side = 1) -> _Piece:
        return _Piece(here.row, here.slot, side, out, end)

    def enters(start: int) -> _Piece:
        return _Piece(there.row, there.slot, -1, start, into)

    is_free = free(here.row, here.slot)
    if target in grid.heads:
        if is_free:
            return (leaves(into, 0 if out == into else 1),)
        return leaves(out), _Piece(here.row + (here.slot * 2 >= grid.slots[here.row]), 0, None, out, into)
    if out > into:  # within a column, round the boxes between
        return leaves(out), enters(out)._replace(end=out)
    if is_free and here[::2] == there[::2]:
        return (leaves(into, 0 if out == into else 1),)
    if is_free:
        return leaves(into), enters(into)
    if free(there.row, there.slot):
        return leaves(out), enters(out)
    if here.row == there.row:
        lane = here.row + (here.slot + there.slot >= grid.slots[here.row])
    else:
        lane = there.row + (there.row < here.row)
    return leaves(out), _Piece(lane, 0, None, out, into), enters(into)


def _ranked(plans: Sequence[_Plan]) -> list[Route]:
    """The routes with a rank for each level piece, so that no two touch."""
    plans = _straightened(plans)
    groups: defaultdict[tuple[int, int, Side | None], list[tuple[int, int]]] = defaultdict(list)
    for number, plan in enumerate(plans):
        for position, piece in enumerate(plan.pieces):
            groups[piece[:3]].append((number, position))
    ranks: dict[tuple[int, int], int] = {}
    for keys in groups.values():
        keys.sort(key=lambda key: _turn(plans[key[0]].pieces, key[1]))
        spans = (plans[number].pieces[position][3:] for number, position in keys)
        ranks.update(zip(keys, _colours(spans), strict=True))
    found = []
    for number, plan in enumerate(plans):
        levels: list[Level] = []
        for position, (row, slot, side, _, _) in enumerate(plan.pieces):
            rank = ranks[number, position]
            levels.append(Lane(row, rank) if side is None else Wire(row, slot, side, rank))
        gutters = tuple(piece.end for piece in plan.pieces[:-1])
        found.append(Route(plan.source, plan.target, tuple(levels), gutters))
    return found


def _straightened(plans: Sequence[_Plan]) -> list[_Plan]:
    """The plans with the pieces in the middle of their slot that touch no other one there."""
    slots: defaultdict[tuple[int, int], list[_Piece]] = defaultdict(list)
    for plan in plans:
        for piece in plan.pieces:
            if piece.side is not None:
                slots[piece[:2]].append(piece)

    def moved(piece: _Piece) -> _Piece:
        others = slots[piece[:2]] if piece.side else ()
        alone = sum(other.start <= piece.end and piece.start <= other.end for other in others) == 1
        return piece._replace(side=0) if alone else piece

    return [plan._replace(pieces=tuple(map(moved, plan.pieces))) for plan in plans]


def _turn(pieces: Sequence[_Piece], position: int) -> int:
    """Where a line goes on from a level piece, or comes from: up, -1, or down, 1.

    The pieces that leave a box are sorted by that from the top, and those that enter one from the bottom,
    so that none of them crosses another where it turns.
    """
    enters = pieces[position].side == -1
    other = position - 1 if enters else position + 1
    if not 0 <= other < len(pieces):
        return 0
    here, there = pieces[position].height, pieces[other].height
    turn = (there > here) - (there < here)
    return -turn if enters else turn


def _colours(intervals: Iterable[tuple[int, int]]) -> list[int]:
    """For each interval the least number that no earlier one that touches it has."""
    done: list[tuple[int, int]] = []
    colours: list[int] = []
    for start, end in intervals:
        used = {colours[index] for index, (low, high) in enumerate(done) if low <= end and start <= high}
        colours.append(next(number for number in range(len(done) + 1) if number not in used))
        done.append((start, end))
    return colours
