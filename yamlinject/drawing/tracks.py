"""The upright pieces of lines in the gutter between two columns, side by side with few crossings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Where more pieces than this are in a gutter, no swaps are tried.
_MOST_SORTED = 200


class Piece(NamedTuple):
    """An upright piece of a line, from one height to another; it comes from the left.

    ``key``: what it is called; ``goes_right``: whether the line goes on to the right from its end.
    """

    key: tuple[int, int]
    start: float
    end: float
    goes_right: bool

    def spans(self, y: float, step: float) -> bool:
        """Whether it reaches a height, or comes nearer to it than lines may."""
        return min(self.start, self.end) - step < y < max(self.start, self.end) + step


def tracks(pieces: Sequence[Piece], step: float) -> dict[tuple[int, int], int]:
    """The track of each piece, from the left, in the order with the fewest crossings that swaps find."""
    order = sorted(pieces, key=lambda piece: (piece.start, piece.end))
    better = len(order) <= _MOST_SORTED
    while better:
        better = False
        for position in range(len(order) - 1):
            one, other = order[position : position + 2]
            if _crossings(other, one, step) < _crossings(one, other, step):
                order[position : position + 2] = other, one
                better = True
    found: dict[tuple[int, int], int] = {}
    placed: list[tuple[float, float, int]] = []
    for piece in order:
        low, high = sorted((piece.start, piece.end))
        low, high = low - step, high + step
        track = 1 + max((track for start, end, track in placed if start < high and low < end), default=-1)
        placed.append((low + step, high - step, track))
        found[piece.key] = track
    return found


def _crossings(left: Piece, right: Piece, step: float) -> int:
    """How often two pieces' lines cross if one is to the left of the other."""
    return sum(
        (
            left.goes_right and right.spans(left.end, step),
            left.spans(right.start, step),
            not right.goes_right and left.spans(right.end, step),
        )
    )
