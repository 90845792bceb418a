"""Where the stages of a model end, from its layers alone."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.checks.context import Subject
from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer
from yamlinject.library import architectures
from yamlinject.lineage import alignment


class Stages:
    """What is above and below each layer in its stage, computed once for all layers.

    ``through[i]``: the last layer that the output of ``i`` passes through without changing its size.
    ``plain[i]``: of those, the last one before the next block. ``start[i]``: the layer above the attention
    that ``i`` is part of; ``i`` itself if it is not attention.
    """

    def __init__(self, subject: Subject) -> None:
        self._layers = layers = subject.layers
        self._known = architectures.modules() | {layer.module for layer in subject.attention}
        indices = range(1, len(layers))
        follows = [False, *(_follows(layers, index) for index in indices)]
        is_plain = [False, *(follows[index] and not _is_block(subject, index) for index in indices)]
        self.through = list(range(len(layers)))
        self.plain = list(range(len(layers)))
        self.start = list(range(len(layers)))
        for index in indices:
            if is_plain[index]:
                self.start[index] = self.start[index - 1]
        for index in reversed(indices):
            if follows[index]:
                self.through[index - 1] = self.through[index]
            if is_plain[index]:
                self.plain[index - 1] = self.plain[index]

    def end(self, source: int) -> int:
        """The layer that a reader of ``source`` most likely means, or ``source`` itself."""
        layers, known = self._layers, self._known
        block = self.plain[source] + 1
        if block > self.through[source]:
            return source
        is_no_block = layers[source].module in known or modules.known(layers[source].module).concatenates
        if not is_no_block and layers[block].module not in architectures.endings():
            return source  # it may be a separate block
        start = layers[self.start[source]]
        begins = modules.known(start.module).concatenates or graph.stride_factor(start) not in (1, None)
        told = start.index < source and start.module in known
        ends_early = told and layers[block].module in architectures.endings()
        return self.plain[block] if begins or ends_early else source


def _follows(layers: Sequence[Layer], index: int) -> bool:
    """Whether a layer reads just the one above it and keeps its size."""
    return alignment.could_be_injected(layers[index]) and graph.sources(layers[index]) == [index - 1]


def _is_block(subject: Subject, index: int) -> bool:
    """Whether a layer is more than attention: upstream models have it, or it changes the channels."""
    layer = subject.layers[index]
    if layer.module in architectures.modules():
        return not graph.gives_no_map(layer)
    return subject.channels[index] != subject.channels[index - 1]
