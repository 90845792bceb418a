"""Attention that is wired otherwise than an insertion wires it (YI3xx)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finding
from yamlinject.core import graph
from yamlinject.core.document import Row, Span
from yamlinject.core.layer import Layer, flow
from yamlinject.library import architectures
from yamlinject.lineage import alignment
from yamlinject.lineage.alignment import Misread


def against_base(subject: Subject) -> Iterator[Finding]:
    """The references that do not mean what they mean in the base."""
    if subject.match is None:
        return
    of_base = {place: index for index, place in enumerate(subject.match.places)}
    for wrong in subject.match.misread:
        row = subject.rows[wrong.layer.index]
        if wrong.swapped and wrong.layer is not subject.layers[-1]:
            yield subject.finding(
                "YI306",
                Span(row.references[0].start, row.references[-1].end),
                f"{wrong.layer} reads {flow(graph.sources(wrong.layer))}, in another order than the base",
                f"write {_exchanged(row, wrong.wanted)}: weights trained on the base fit no other order",
                base=subject.match.base.name,
            )
            continue
        for position in wrong.positions:
            if not graph.reference_problem(wrong.layer.index, wrong.layer.references[position]):
                number = subject.match.base.layers[of_base[wrong.layer.index]].references[position]
                yield _wrong_reference(subject, row, wrong, position, number, of_base)


def _wrong_reference(
    subject: Subject, row: Row, wrong: Misread, position: int, number: int, of_base: Collection[int]
) -> Finding:
    """``number`` is the reference in the base, ``of_base`` are the layers that come from there."""
    assert subject.match is not None
    layers, reference = subject.layers, wrong.layer.references[position]
    wanted = wrong.wanted[position]
    source = graph.resolve(wrong.layer.index, reference)
    hint = f"write {_number(row, position, wanted)}"
    put_in = layers[source] if source not in of_base else None
    if put_in and source > wanted and graph.sources(put_in) != [source - 1]:
        hint += f", or let {put_in} read -1 if it belongs there"
    elif reference == number:
        above = wanted - number
        hint += f": {reference} is still the base's number, and {_layers(above)} put in above it"
    elif reference >= 0:
        way = "low" if source < wanted else "high"
        hint += f": {reference} is {abs(source - wanted)} too {way} (it is {number} in the base)"
    return subject.finding(
        "YI301",
        row.references[position],
        f"{wrong.layer} reads {_named(layers, source)}, and has to read {_named(layers, wanted)}",
        hint,
        base=subject.match.base.name,
    )


def without_base(subject: Subject) -> Iterator[Finding]:
    """References that look stale: to a layer in the middle of a stage, which no upstream model has.

    Whoever forgets to renumber ends up one layer too early: at a Concat, an Upsample or the convolution
    that begins a stage, and not at the block behind it.
    """
    if subject.match is not None:
        return
    layers, stages = subject.layers, _Stages(subject)
    for row in subject.rows:
        reader = row.layer
        if len(reader.references) < 2 or not (graph.is_concat(reader.module) or reader is layers[-1]):
            continue
        sources = graph.sources(reader)
        read = set(sources)
        in_order = sorted({*read, len(layers)})
        for position, source in enumerate(sources):
            if not graph.IMAGE < source < reader.index - 1:
                continue
            end = stages.end(source)
            # a join may want both ends of a stage, a head one layer of each size
            next_read = in_order[bisect_right(in_order, source)]
            both = graph.is_concat(reader.module) and next_read <= stages.through[source]
            if end not in read and not both:
                yield subject.finding(
                    "YI302",
                    row.references[position],
                    f"{reader} reads {layers[source]}, in the middle of a stage that goes on with "
                    f"{layers[source + 1]}",
                    f"count the layers that were put in above: {_number(row, position, end)} is "
                    f"the {layers[end].module} that the stage ends with",
                )


class _Stages:
    """What stands above and below each layer in its stage, told once for all of them.

    ``through[i]``: the last layer that the output of ``i`` goes through without changing its size.
    ``plain[i]``: the last one below ``i`` before the next block, of those. ``start[i]``: the layer that the
    attention which ``i`` is part of stands below; ``i`` itself where it is none.
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
        is_no_block = layers[source].module in known or graph.is_concat(layers[source].module)
        if not is_no_block and layers[block].module not in architectures.endings():
            return source  # it may be a block of its own
        start = layers[self.start[source]]
        begins = graph.is_concat(start.module) or graph.stride_factor(start) not in (1, None)
        told = start.index < source and start.module in known
        ends_early = told and layers[block].module in architectures.endings()
        return self.plain[block] if begins or ends_early else source


def _follows(layers: Sequence[Layer], index: int) -> bool:
    """Whether a layer reads just the one above it and keeps its size."""
    return alignment.could_be_put_in(layers[index]) and graph.sources(layers[index]) == [index - 1]


def _is_block(subject: Subject, index: int) -> bool:
    """Whether a layer is more than attention: upstream models have it, or it changes the channels."""
    layer = subject.layers[index]
    if layer.module in architectures.modules():
        return not graph.gives_no_map(layer)
    return subject.channels[index] != subject.channels[index - 1]


def without_effect(subject: Subject) -> Iterator[Finding]:
    """Layers that no path leads to the head from."""
    reached = alignment.reached(subject.layers)
    unreached = set(range(len(subject.layers))) - reached
    if subject.match:
        base, places = subject.match.base.layers, subject.match.places
        alive = alignment.reached(base)
        unreached -= {place for index, place in enumerate(places) if index not in alive}
    attention = {layer.index for layer in subject.attention}
    readers = graph.readers(subject.layers)
    for index in sorted(unreached):
        layer = subject.layers[index]
        if graph.gives_no_map(layer):
            continue
        read_by = (
            f"only {readers[index][0]} reads it, which has none either"
            if readers[index]
            else "no layer reads it"
        )
        if index in attention:
            code, hint = "YI303", f"let the layers that read {graph.sources(layer)[0]} read {index}"
        else:
            code, hint = "YI304", f"see which layer is to read {index}"
        yield subject.finding(
            code, subject.rows[index].span, f"{layer} has no effect: {read_by}", f"{hint}, or take it out"
        )


def bypassed(subject: Subject) -> Iterator[Finding]:
    """Layers that read past attention that has an effect and is not read by mistake."""
    misread = subject.match.misread if subject.match else []
    mistaken = {graph.sources(wrong.layer)[position] for wrong in misread for position in wrong.positions}
    reached = alignment.reached(subject.layers) - mistaken
    attention = {layer.index for layer in subject.attention}
    indices: dict[int, int] = {}  # one for each layer that attention reads
    for layer in subject.attention:
        if layer.index in reached:
            indices.setdefault(graph.sources(layer)[0], layer.index)
    wrong_rows = {wrong.layer.index for wrong in misread}
    read_at = {
        reader.index: {source: at for at, source in reversed([*enumerate(graph.sources(reader))])}
        for reader in subject.layers
    }
    for layer, reader in alignment.bypassing(subject.layers, list(indices.values())):
        if reader.index in attention or reader.index in wrong_rows:
            continue
        (source,) = graph.sources(layer)
        row = subject.rows[reader.index]
        position = read_at[reader.index][source]
        if reader.index > layer.index:
            hint = f"write {_number(row, position, layer.index)} if it is to read the attention"
        else:
            hint = f"put {layer} right below {subject.layers[source]} if {reader} is to read it too"
        yield subject.finding(
            "YI305",
            row.references[position],
            f"{reader} reads past {layer}, from {subject.layers[source]} above it",
            hint,
            base=subject.match.base.name if subject.match else None,
        )


def _number(row: Row, position: int, index: int) -> str:
    """``index`` as row writes that reference: relative or absolute."""
    return str(index if row.layer.references[position] >= 0 else index - row.layer.index)


def _exchanged(row: Row, wanted: Sequence[int]) -> str:
    """The references of a row as they are written, in the order of ``wanted``."""
    written = dict(zip(graph.sources(row.layer), row.layer.references, strict=True))
    return ", ".join(str(written.get(source, source)) for source in wanted)


def _named(layers: Sequence[Layer], index: int) -> str:
    return "the image" if index == graph.IMAGE else f"{index} {layers[index].module}"


def _layers(count: int) -> str:
    return "one layer was" if count == 1 else f"{count} layers were"
