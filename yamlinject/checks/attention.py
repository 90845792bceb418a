"""Attention that is wired otherwise than an insertion wires it (YI3xx)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finding
from yamlinject.core import graph
from yamlinject.core.document import Row, Span
from yamlinject.core.layer import Layer, flow
from yamlinject.library import architectures as catalogue
from yamlinject.lineage import alignment as wiring
from yamlinject.lineage.alignment import Misread


def against_base(subject: Subject) -> Iterator[Finding]:
    """The references that do not mean what they mean in the base."""
    if subject.match is None:
        return
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
                yield _wrong_reference(subject, row, wrong, position)


def _wrong_reference(subject: Subject, row: Row, wrong: Misread, position: int) -> Finding:
    assert subject.match is not None
    layers, reference = subject.layers, wrong.layer.references[position]
    wanted = wrong.wanted[position]
    source = graph.resolve(wrong.layer.index, reference)
    original = subject.match.base.layers[subject.match.places.index(wrong.layer.index)]
    number = original.references[position]
    hint = f"write {_number(row, position, wanted)}"
    put_in = layers[source] if source not in subject.match.places else None
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
    layers = subject.layers
    known = catalogue.modules() | {layer.module for layer in subject.attention}
    for row in subject.rows:
        reader = row.layer
        if len(reader.references) < 2 or not (graph.is_concat(reader.module) or reader is layers[-1]):
            continue
        sources = graph.sources(reader)
        read = set(sources)
        for position, source in enumerate(sources):
            if not graph.IMAGE < source < reader.index - 1:
                continue
            end = _end_of_stage(subject, known, source)
            # a join may want both ends of a stage, a head one layer of each size
            both = graph.is_concat(reader.module) and not read.isdisjoint(_goes_on(layers, source))
            if end not in read and not both:
                yield subject.finding(
                    "YI302",
                    row.references[position],
                    f"{reader} reads {layers[source]}, in the middle of a stage that goes on with "
                    f"{layers[source + 1]}",
                    f"count the layers that were put in above: {_number(row, position, end)} is "
                    f"the {layers[end].module} that the stage ends with",
                )


def _goes_on(layers: Sequence[Layer], source: int) -> Iterator[int]:
    """The layers below ``source`` that its output goes through without changing its size."""
    index = source + 1
    while _follows(layers, index):
        yield index
        index += 1


def _end_of_stage(subject: Subject, known: Set[str], source: int) -> int:
    """The layer that a reader of ``source`` most likely means, or ``source`` itself."""
    layers = subject.layers
    block = source + 1
    while _follows(layers, block) and not _is_block(subject, block):
        block += 1
    if not _follows(layers, block) or not _is_block(subject, block):
        return source
    is_no_block = layers[source].module in known or graph.is_concat(layers[source].module)
    if not is_no_block and layers[block].module not in catalogue.endings():
        return source  # it may be a block of its own
    start = source
    while start > 0 and _follows(layers, start) and not _is_block(subject, start):
        start -= 1
    begins = graph.is_concat(layers[start].module) or graph.stride_factor(layers[start]) not in (1, None)
    told = start < source and layers[start].module in known
    ends_early = told and layers[block].module in catalogue.endings()
    end = block if begins or ends_early else source
    while end > source and _follows(layers, end + 1) and not _is_block(subject, end + 1):
        end += 1
    return end


def _follows(layers: Sequence[Layer], index: int) -> bool:
    """Whether a layer reads just the one above it and keeps its size."""
    if index >= len(layers) or not wiring.could_be_put_in(layers[index]):
        return False
    return graph.sources(layers[index]) == [index - 1]


def _is_block(subject: Subject, index: int) -> bool:
    """Whether a layer is more than attention: upstream models have it, or it changes the channels."""
    layer = subject.layers[index]
    if layer.module in catalogue.modules():
        return not graph.gives_no_map(layer)
    return subject.channels[index] != subject.channels[index - 1]


def without_effect(subject: Subject) -> Iterator[Finding]:
    """Layers that no path leads to the head from."""
    reached = wiring.reached(subject.layers)
    unreached = set(range(len(subject.layers))) - reached
    if subject.match:
        base, places = subject.match.base.layers, subject.match.places
        alive = wiring.reached(base)
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
    reached = wiring.reached(subject.layers) - mistaken
    attention = {layer.index for layer in subject.attention}
    indices: dict[int, int] = {}  # one for each layer that attention reads
    for layer in subject.attention:
        if layer.index in reached:
            indices.setdefault(graph.sources(layer)[0], layer.index)
    wrong_rows = {wrong.layer.index for wrong in misread}
    for layer, reader in wiring.bypassing(subject.layers, list(indices.values())):
        if reader.index in attention or reader.index in wrong_rows:
            continue
        (source,) = graph.sources(layer)
        row = subject.rows[reader.index]
        position = graph.sources(reader).index(source)
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
