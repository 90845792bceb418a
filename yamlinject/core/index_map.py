"""The index map of a rewrite: it drives references, comments and checkpoint keys alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from yamlinject.core import graph
from yamlinject.core.layer import Layer


class IndexMap(NamedTuple):
    """Old index -> new index, of one rewrite.

    ``moved``: where each old layer is now; -1 when it was removed.
    ``output``: the layer that the readers of each old layer read now: the last one injected below it
    or, for a removed layer, the one that it read itself.
    ``injected``: the indices of the new layers.
    ``kept``: pairs of an old reader and an old layer that it still reads itself, and not its ``output``.
    """

    moved: tuple[int, ...]
    output: tuple[int, ...]
    injected: tuple[int, ...] = ()
    kept: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def inserting(
        cls, size: int, targets: Sequence[int], kept: frozenset[tuple[int, int]] = frozenset()
    ) -> IndexMap:
        """The map of a config of ``size`` layers with one layer injected below each target."""
        below = [0] * size
        for target in targets:
            below[target] += 1
        output = [index + count for index, count in enumerate(accumulate(below))]
        moved = [last - count for last, count in zip(output, below, strict=True)]
        injected = (
            index for start, last in zip(moved, output, strict=True) for index in range(start + 1, last + 1)
        )
        return cls(tuple(moved), tuple(output), tuple(injected), kept)

    @classmethod
    def removing(cls, layers: Sequence[Layer], removed: Sequence[int]) -> IndexMap:
        """The map without the layers ``removed``, each of which reads one other layer."""
        gone = set(removed)
        moved: list[int] = []
        output: list[int] = []
        kept = 0
        for layer in layers:
            if layer.index in gone:
                moved.append(-1)
                output.append(output[graph.sources(layer)[0]])
            else:
                moved.append(kept)
                output.append(kept)
                kept += 1
        return cls(tuple(moved), tuple(output))

    def from_(self, layer: Layer) -> int | list[int]:
        """The ``from`` of an old layer in new numbering, one reference or a list as it was."""
        new = [self.reference(layer.index, reference) for reference in layer.references]
        return new if isinstance(layer.from_, list) else new[0]

    def layer(self, layer: Layer) -> Layer:
        """An old layer, which is not removed, in new numbering."""
        return layer._replace(index=self.moved[layer.index], from_=self.from_(layer))

    def reference(self, reader: int, reference: int) -> int:
        """A reference of the old layer ``reader`` in new numbering, relative or absolute as it was."""
        source = graph.resolve(reader, reference)
        if source == graph.IMAGE:
            return reference
        new = (self.moved if (reader, source) in self.kept else self.output)[source]
        return new if reference >= 0 else new - self.moved[reader]
