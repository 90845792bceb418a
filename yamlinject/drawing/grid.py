"""Where each layer stands in the picture: its row, its column, and its place in that cell.

A row holds the layers of one stride. A column holds one pass: the backbone goes down from large feature
maps to small ones, the next pass up again, and so on; heads stand at the right.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: Passes over the cells of a picture that bring what is joined to one height.
_SWEEPS = 4

#: The most slots that a row gets beyond those that it needs, to make lines level.
_MOST_SLOTS_MORE = 1


class Place(NamedTuple):
    """A layer's row and column, and its slot in the row, counted from the top."""

    row: int
    column: int
    slot: int


class Grid(NamedTuple):
    """The places of all layers, the stride of each row, and how many slots it has.

    ``order``: the layers of each column along its pass. ``heads``: layers that span all rows.
    """

    places: list[Place]
    strides: list[float | None]
    slots: list[int]
    order: list[list[int]]
    heads: list[int]

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return len(self.order)


#: A row and a column.
_Cell = tuple[int, int]


def arrange(reads: Sequence[Sequence[int]], strides: Sequence[float | None], head: int | None) -> Grid:
    """Place layers that read the earlier ones ``reads``, and have the ``strides`` where they are known.

    ``head``: the last layer, if it is to span all rows. Without any stride a row holds a stage.
    """
    known = _filled(reads, strides) if any(strides) else _stages(reads, head)
    others = [index for index in range(len(reads)) if index != head]
    distinct = sorted({known[index] for index in others})
    rows = [distinct.index(known[index]) if index != head else 0 for index in range(len(reads))]
    columns, downwards = _columns(reads, rows, head)
    order: list[list[int]] = [[] for _ in downwards]
    for index, column in enumerate(columns):
        order[column].append(index)
    cells: dict[_Cell, list[int]] = {}
    for column, indices in enumerate(order):
        indices.sort(key=lambda index: (rows[index] if downwards[column] else -rows[index], index))
        for index in indices:
            if index != head:
                cells.setdefault((rows[index], column), []).append(index)
    for (_, column), cell in cells.items():
        if not downwards[column]:
            cell.reverse()
    offsets, slots = _levelled(reads, cells, len(distinct))
    places = [Place(0, column, 0) for column in columns]
    for (row, column), cell in cells.items():
        for position, index in enumerate(cell):
            places[index] = Place(row, column, offsets[row, column] + position)
    named = [stride or None if any(strides) else None for stride in distinct]
    return Grid(places, named, slots, order, [] if head is None else [head])


def beside(left: Grid, right: Grid) -> Grid:
    """Both in one grid with the same rows; layers and columns of ``right`` are counted on from ``left``."""
    places: list[Place] = []
    order: list[list[int]] = []
    heads: list[int] = []
    left, right = levelled(left, right)
    for grid in (left, right):
        first = len(order)
        order += [[len(places) + layer for layer in column] for column in grid.order]
        heads += [len(places) + layer for layer in grid.heads]
        places += [place._replace(column=first + place.column) for place in grid.places]
    return Grid(places, left.strides, left.slots, order, heads)


def levelled(left: Grid, right: Grid) -> tuple[Grid, Grid]:
    """Both with the same rows, which are those of either."""
    keys = sorted({*_keys(left), *_keys(right)})
    slots = [0] * len(keys)
    found = []
    for grid in (left, right):
        rows = [keys.index(key) for key in _keys(grid)]
        for row, count in zip(rows, grid.slots, strict=True):
            slots[row] = max(slots[row], count)
        places = [place._replace(row=rows[place.row]) for place in grid.places]
        strides = [stride or None for stride, _ in keys]
        found.append(grid._replace(places=places, strides=strides, slots=slots))
    return found[0], found[1]


def _keys(grid: Grid) -> list[tuple[float, int]]:
    """What the rows of two grids are the same by: the stride, or else which row it is."""
    return [(stride or 0.0, 0 if stride else row) for row, stride in enumerate(grid.strides)]


def _stages(reads: Sequence[Sequence[int]], head: int | None) -> list[float]:
    """The stage of each layer, from 0 on, where no stride is known.

    Up to the first layer that joins several, a stage ends with each layer that is read further down. From
    there on, what joins an earlier layer is in the stage of that one, with what leads to it.
    """
    skipped = {source for index, sources in enumerate(reads) for source in sources if source < index - 1}
    joined = False
    stages: list[float] = []
    for index, sources in enumerate(reads):
        stage = stages[-1] if stages else 0.0
        earlier = [source for source in sources if source < index - 1]
        if earlier and index != head:
            joined = True
            stage = stages[max(earlier)]
            if sources != earlier and len(reads[index - 1]) == 1:
                stages[-1] = stage
        elif not joined and index - 1 in skipped:
            stage += 1
        stages.append(stage)
    return stages


def _filled(reads: Sequence[Sequence[int]], strides: Sequence[float | None]) -> list[float]:
    """The strides, an unknown one taken for that of the layer that is read; 0 where none is known."""
    found: list[float] = []
    for sources, stride in zip(reads, strides, strict=True):
        found.append(stride or (found[max(sources)] if sources else 0.0))
    return found


def _columns(
    reads: Sequence[Sequence[int]], rows: Sequence[int], head: int | None
) -> tuple[list[int], list[bool]]:
    """The column of each layer, and whether each column is passed downwards.

    A layer stands no further to the left than those that it reads. It begins a column where the way turns,
    and where it leads to another row from a layer that is not the one above it.
    """
    columns: list[int] = []
    downwards = [True]
    for index, sources in enumerate(reads):
        if index == head or not sources:
            columns.append(0)
            continue
        latest = max(sources)
        least = max(columns[source] for source in sources)
        column, change = columns[latest], rows[index] - rows[latest]
        turns = change != 0 and (change > 0) != downwards[column]
        starts_anew = change != 0 and latest != index - 1
        column = max(least, len(downwards) if starts_anew else column + turns)
        if column < len(downwards) and change and (change > 0) != downwards[column]:
            column = len(downwards)
        if column == len(downwards):
            downwards.append(change > 0 if change else downwards[columns[latest]])
        columns.append(column)
    if head is not None:
        columns[head] = len(downwards)
        downwards.append(True)
    return columns, downwards


#: For a cell its position, the other cell, and the position there, of each pair that should be level.
_Links = dict[_Cell, list[tuple[int, _Cell, int]]]


def _levelled(
    reads: Sequence[Sequence[int]], cells: dict[_Cell, list[int]], rows: int
) -> tuple[dict[_Cell, int], list[int]]:
    """How far down each cell stands in its row, so that layers are level with those that they read.

    And the slots of each row: as many as its fullest cell has layers, and more where that makes more level.
    """
    where = {index: (cell, place) for cell, indices in cells.items() for place, index in enumerate(indices)}
    links: _Links = {cell: [] for cell in cells}
    for index, sources in enumerate(reads):
        for source in sources:
            if source in where and index in where:
                (cell, position), (other, there) = where[index], where[source]
                if cell != other and cell[0] == other[0]:
                    links[cell].append((position, other, there))
                    links[other].append((there, cell, position))
    offsets: dict[_Cell, int] = {}
    slots = []
    for row in range(rows):
        sizes = {cell: len(indices) for cell, indices in cells.items() if cell[0] == row}
        fewest = max(sizes.values())
        found = [_offsets(sizes, fewest + more, links) for more in range(_MOST_SLOTS_MORE + 1)]
        more = max(range(len(found)), key=lambda more: (_level(found[more], links), -more))
        offsets.update(found[more])
        slots.append(fewest + more)
    return offsets, slots


def _offsets(sizes: dict[_Cell, int], slots: int, links: _Links) -> dict[_Cell, int]:
    offsets = dict.fromkeys(sizes, 0)
    for sweep in range(_SWEEPS):
        for cell in sorted(sizes, reverse=sweep % 2 == 0):
            offsets[cell] = min(
                range(slots - sizes[cell] + 1),
                key=lambda offset: sum(
                    abs(offset + position - offsets[other] - there)
                    for position, other, there in links[cell]
                ),
            )
    return offsets


def _level(offsets: dict[_Cell, int], links: _Links) -> int:
    """How many lines are level, each counted twice."""
    return sum(
        offsets[cell] + position == offsets[other] + there
        for cell in offsets
        for position, other, there in links[cell]
    )
