"""What a picture of a config shows: its boxes with their texts, its lines, and what each means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import log2
from pathlib import PurePath
from typing import NamedTuple

from yamlinject.checks import strides
from yamlinject.config import Config
from yamlinject.core import graph, provenance
from yamlinject.core.layer import Layer, flow
from yamlinject.core.scaling import AUTO, multiples, scaled
from yamlinject.drawing import grid as grids
from yamlinject.drawing import text
from yamlinject.drawing.folding import folded
from yamlinject.drawing.grid import Grid
from yamlinject.drawing.layout import PIXELS, Layout, Metrics, lay_out
from yamlinject.drawing.themes import MEANINGS, Mark
from yamlinject.errors import RefusalError, named
from yamlinject.lineage import alignment
from yamlinject.lineage.resolve import Lineage

#: Far more layers, and references, than any model has; a picture of them would show nothing.
MOST_LAYERS, MOST_REFERENCES = 1000, 5000

TIMES = "\N{MULTIPLICATION SIGN}"


class Node(NamedTuple):
    """A box: a layer, or a stretch of layers ``first`` to ``last``, with two lines of text and its mark.

    ``full``: all that the rows say.
    """

    first: int
    last: int
    title: str
    detail: str
    full: str
    mark: Mark

    @property
    def name(self) -> str:
        """``9``, or ``4-10`` for a stretch."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"


class Edge(NamedTuple):
    """A line from a node to one that reads it, by their positions, and its mark."""

    source: int
    target: int
    mark: Mark


class Picture(NamedTuple):
    """One or several configs as they are drawn; ``grid`` holds the places of ``nodes``.

    ``names``: what stands above, and over which column it begins.
    """

    names: list[tuple[str, int]]
    nodes: list[Node]
    edges: list[Edge]
    grid: Grid
    image_size: int

    @property
    def name(self) -> str:
        """What to call it."""
        return " | ".join(name for name, _ in self.names)

    def labels(self, stride: float | None) -> tuple[str, str]:
        """What to call a row, such as P3/8, and the size of its feature maps, such as 80 by 80."""
        if not stride:
            return "", ""
        size = f"{self.image_size / stride:g}"
        return f"P{log2(stride):.0f}/{stride:g}", f"{size}{TIMES}{size}"

    @property
    def marks(self) -> list[Mark]:
        """The marks that are in the picture, in the order of the legend."""
        used = {node.mark for node in self.nodes} | {edge.mark for edge in self.edges}
        return [mark for mark in MEANINGS if mark in used]

    def lay_out(self, widths: Sequence[float], metrics: Metrics = PIXELS) -> Layout:
        """The coordinates, for boxes of those widths; its lines are in the order of ``edges``."""
        layout = lay_out(self.grid, [edge[:2] for edge in self.edges], widths, metrics)
        order = {edge[:2]: number for number, edge in enumerate(self.edges)}
        return layout._replace(lines=sorted(layout.lines, key=lambda line: order[line[:2]]))


def picture(
    config: Config,
    found: Lineage | None = None,
    *,
    scale: str = "",
    image_size: int = 640,
    unfold: bool = False,
) -> Picture:
    """The picture of a config; ``found``: what it was made from, to mark what is new and what is wrong.

    ``scale``: with the channels and repeats that are built in it, instead of the nominal ones.
    ``image_size``: of the square image that it gets. ``unfold``: repeated stretches are drawn layer by
    layer too.
    Raises :class:`YamlInjectError` for a scale that there is not, and what :func:`check_size` raises.
    """
    check_size(config)
    layers = config.layers
    counts = [*config.document.channels]
    # what is not known of the first layer counts as one that keeps the size
    known = [
        size.stride if size.origin in (graph.IMAGE, 0) else None for size in strides.likely(layers, counts)
    ]
    if all(stride is None or stride <= 1 for stride in known):  # a guess: no model keeps the image's size
        known = [None] * len(layers)
    marks = _marked(config, found)
    references = _references(layers, found)
    special = {layer for layer, mark in marks.items() if mark}
    special |= {layer for pair, mark in references.items() if mark for layer in pair}
    if scale:
        with named(config.label):
            by = multiples(config.document.data, scale, config.stem)
        layers, counts = scaled(layers, by, config.document.image_channels)
    counts[-1] = None  # the last layer gives predictions
    parts = [[layer] for layer in layers] if unfold else folded(layers, known, special)
    nodes = [_node(part, counts[part[-1].index], marks) for part in parts]
    where = {layer.index: number for number, part in enumerate(parts) for layer in part}
    edges = {
        (where[source], where[target]): mark
        for (source, target), mark in references.items()
        if where[source] != where[target]
    }
    reads: list[list[int]] = [[] for _ in nodes]
    for source, target in edges:
        reads[target].append(source)
    last = len(nodes) - 1
    head = last if last and len(reads[last]) != 1 else None  # YOLOv5 1.0's reads what it finds by channels
    grid = grids.arrange(reads, [known[part[-1].index] for part in parts], head)
    lines = [Edge(*pair, edges[pair]) for pair in sorted(edges)]
    name = PurePath(config.label).name.removesuffix(".yaml")
    if scale:
        name += ", as built" if scale == AUTO else f", scale {scale}"
    return Picture([(name, 0)], nodes, lines, grid, image_size)


def beside(before: Picture, after: Picture) -> Picture:
    """Both in one picture, with the same rows."""
    count, columns = len(before.nodes), before.grid.columns
    return Picture(
        [*before.names, *((name, columns + column) for name, column in after.names)],
        [*before.nodes, *after.nodes],
        [*before.edges, *(Edge(count + one.source, count + one.target, one.mark) for one in after.edges)],
        grids.beside(before.grid, after.grid),
        after.image_size,
    )


def levelled(before: Picture, after: Picture) -> tuple[Picture, Picture]:
    """Both with the same rows, to be shown in turns or side by side."""
    left, right = grids.levelled(before.grid, after.grid)
    return before._replace(grid=left), after._replace(grid=right)


def check_size(config: Config) -> None:
    """Raise :class:`RefusalError` for more than :data:`MOST_LAYERS` or :data:`MOST_REFERENCES`."""
    counts = {
        "layers": (len(config.layers), MOST_LAYERS),
        "references": (sum(len(layer.references) for layer in config.layers), MOST_REFERENCES),
    }
    for what, (count, most) in counts.items():
        if count > most:
            raise RefusalError(
                f"it has {count} {what}: pictures are drawn of {most} at most", file=config.label
            )


def _marked(config: Config, found: Lineage | None) -> Mapping[int, Mark]:
    """The mark of each layer."""
    injected = set(found.injected) if found and found.match else set()
    replaced = provenance.replaced(config.parsed.provenance) if found else set()
    reached = alignment.reached(config.layers)

    def mark(index: int) -> Mark:
        if index not in reached:
            return "dead"
        return "new" if index in injected else "replaced" if index in replaced else ""

    return {layer.index: mark(layer.index) for layer in config.layers}


def _references(layers: Sequence[Layer], found: Lineage | None) -> dict[tuple[int, int], Mark]:
    """Each pair of a layer and one that reads it, or should, with the mark of the line between them."""
    wrong = {reader.layer.index: reader for reader in found.wrong_readers} if found else {}
    marks: dict[tuple[int, int], Mark] = {}
    for reader in wrong.values():
        for position in reader.positions:
            marks[reader.expected[position], reader.layer.index] = "expected"
    injected = set(found.injected) if found and found.match else set()
    renumbered = set(_renumbered(found)) if found else set()
    for layer in layers:
        for position, source in enumerate(graph.sources(layer)):
            pair = source, layer.index
            if layer.index in wrong and position in wrong[layer.index].positions:
                marks[pair] = "wrong"
            elif marks.get(pair) != "wrong":
                is_changed = (layer.index, position) in renumbered
                marks[pair] = "new" if injected & {*pair} else "changed" if is_changed else ""
    return {pair: mark for pair, mark in marks.items() if pair[0] != graph.IMAGE}


def _renumbered(found: Lineage) -> Iterator[tuple[int, int]]:
    """The layers, with the position in their ``from``, that have another number there than in the base."""
    if found.match is None:
        return
    layers, base = found.config.layers, found.match.base.layers
    for place, before in zip(found.match.aligned, base, strict=True):
        layer = layers[place]
        for position, (now, then) in enumerate(zip(layer.references, before.references, strict=False)):
            if now != (then if now >= 0 else then - before.index):
                yield place, position


def _node(part: Sequence[Layer], channels: int | None, marks: Mapping[int, Mark]) -> Node:
    first, last = part[0].index, part[-1].index
    times = f" {TIMES}{part[0].number}" if len(part) == 1 and part[0].number > 1 else ""
    modules = Counter(layer.module.removeprefix("torch.").removeprefix("nn.") for layer in part)
    what = ", ".join(f"{count} {name}" if count > 1 else name for name, count in modules.items())
    return Node(
        first,
        last,
        text.shortened(f"{first}-{last} {what}" if len(part) > 1 else f"{first} {what}"),
        f"{channels} ch{times}" if channels else times.strip(),
        "\n".join(f"{layer.index}: {flow(layer.row)}" for layer in part),
        marks[first],
    )
