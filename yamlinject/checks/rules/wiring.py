"""References that do not mean what they mean in the base, or look wrong without one (YI3xx)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.checks.stages import Stages
from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer, flow
from yamlinject.core.rows import Row, Span
from yamlinject.library import architectures
from yamlinject.lineage import alignment
from yamlinject.lineage.alignment import WrongReader
from yamlinject.lineage.matching import Match


@rule("YI301", "error", "a layer does not read what it reads in the base")
def wrong_reference(subject: Subject) -> Iterator[Problem]:
    """An injected layer counts as the one that it reads."""
    if subject.match is None:
        return
    of_base = {place: index for index, place in enumerate(subject.match.aligned)}
    for wrong in subject.match.wrong_readers:
        if _is_swapped(subject, wrong):
            continue
        for position in wrong.positions:
            if not graph.reference_problem(wrong.layer.index, wrong.layer.references[position]):
                yield _wrong_reference(subject, subject.match, wrong, position, of_base)


def _wrong_reference(
    subject: Subject, match: Match, wrong: WrongReader, position: int, of_base: Mapping[int, int]
) -> Problem:
    """``of_base`` maps the layers that come from the base to their indices there."""
    layers, reference = subject.layers, wrong.layer.references[position]
    row, number = (
        subject.rows[wrong.layer.index],
        match.base.layers[of_base[wrong.layer.index]].references[position],
    )
    fitting = subject.expected[wrong.layer.index][position]
    expected = wrong.expected[position] if fitting is None else fitting
    source = graph.resolve(wrong.layer.index, reference)
    hint, cause = f"write {row.written(position, expected)}", ""
    injected = layers[source] if source not in of_base else None
    if fitting is None:
        hint = f"see which layer it should read: {layers[expected]} has another size than its other inputs"
    elif injected and source > expected and graph.sources(injected) != [source - 1]:
        hint += f", or let {injected} read -1 if it belongs there"
    elif reference == number:
        cause = "still the base's number, though layers were inserted above"
    elif reference >= 0:
        way = "low" if source < expected else "high"
        hint += f": {reference} is {abs(source - expected)} too {way} (it is {number} in the base)"
    return Problem(
        row.references[position],
        f"{wrong.layer} reads {_named(layers, source)}, expected {_named(layers, expected)}",
        hint,
        match.base.name,
        cause=cause,
    )


@rule("YI302", "error", "a reference looks like one that was not renumbered", needs="graph")
def stale_reference(subject: Subject) -> Iterator[Problem]:
    """Without a base: a reference to a layer in the middle of a stage, which no upstream model has.

    A reference that was not renumbered is one layer too early: at a Concat, an Upsample or the convolution
    that begins a stage, not at the block after it. A design may read a convolution; a number that none of
    the layers above can have moved was meant.
    """
    if subject.match is not None:
        return
    layers, stages = subject.layers, Stages(subject)
    inserted = _first_inserted(subject)
    for row in subject.rows:
        reader = row.layer
        if len(reader.references) < 2 or not (
            modules.known(reader.module).concatenates or reader is layers[-1]
        ):
            continue
        sources = graph.sources(reader)
        read = set(sources)
        in_order = sorted({*read, len(layers)})
        for position, source in enumerate(sources):
            if not graph.IMAGE < source < reader.index - 1:
                continue
            end = stages.end(source)
            here, there = subject.sizes[source], subject.sizes[end]
            if here.origin == there.origin and here != there:
                continue  # something in between changes the size, for all that its row tells
            if end < inserted and not modules.known(layers[source].module).concatenates:
                continue
            # a join may want both ends of a stage, a head one layer of each size
            next_read = in_order[bisect_right(in_order, source)]
            both = modules.known(reader.module).concatenates and next_read <= stages.through[source]
            if end not in read and not both:
                yield Problem(
                    row.references[position],
                    f"{reader} reads {layers[source]}, in the middle of a stage that goes on with "
                    f"{layers[source + 1]}",
                    f"write {row.written(position, end)}, the {layers[end].module} that ends the stage",
                    cause="it looks like a number from before layers were inserted above",
                )


def _first_inserted(subject: Subject) -> int:
    """The first layer that may have been inserted: attention, or of a module that no upstream model has."""
    attention = {layer.index for layer in subject.attention}
    return next(
        (
            layer.index
            for layer in subject.layers[1:]
            if layer.index in attention
            or (layer.module not in architectures.modules() and alignment.could_be_injected(layer))
        ),
        len(subject.layers),
    )


@rule("YI306", "warning", "a layer reads its inputs in a different order than in the base")
def swapped_inputs(subject: Subject) -> Iterator[Problem]:
    """The channels of a Concat come in the order of its inputs, and so do the weights after it."""
    for wrong in subject.match.wrong_readers if subject.match else ():
        if _is_swapped(subject, wrong):
            row, sources = subject.rows[wrong.layer.index], graph.sources(wrong.layer)
            yield Problem(
                Span(row.references[0].start, row.references[-1].end),
                f"{wrong.layer} reads {flow(sources)}, in a different order than the base",
                f"write {_reordered(row, wrong.expected)}: weights trained on the base fit no other order",
                subject.base_name,
            )


@rule("YI307", "error", "the config is not the given base with attention inserted")
def not_the_base(subject: Subject) -> Iterator[Problem]:
    """Only with ``--base``: without it, another one is looked for."""
    if subject.given and subject.lineage is None:
        hint = "give the base that it was made from, or none"
        yield Problem(None, f"it is not {subject.given.label} with layers inserted", hint)


def _is_swapped(subject: Subject, wrong: WrongReader) -> bool:
    """Whether only the order is wrong, and the layer is not the head, whose inputs have an order."""
    return wrong.swapped and wrong.layer is not subject.layers[-1]


def _reordered(row: Row, expected: Sequence[int]) -> str:
    """The references of a row as they are written, in the order of ``expected``."""
    written = dict(zip(graph.sources(row.layer), row.layer.references, strict=True))
    return ", ".join(str(written.get(source, source)) for source in expected)


def _named(layers: Sequence[Layer], index: int) -> str:
    return "the image" if index == graph.IMAGE else str(layers[index])
