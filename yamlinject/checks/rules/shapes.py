"""Strides and channels that do not go together (YI2xx), told by following the graph."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from yamlinject.checks import strides
from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finding
from yamlinject.core import graph
from yamlinject.core.document import Row, Span
from yamlinject.core.layer import flow
from yamlinject.library import recipes

#: Numbers that many attention modules have for a reduction.
_LIKELY_REDUCTIONS = (16, 32)


def check(subject: Subject) -> Iterator[Finding]:
    """What does not fit together, as far as the rows tell strides and channels."""
    yield from _joins(subject)
    yield from _head(subject)
    yield from _declared_channels(subject)


def _joins(subject: Subject) -> Iterator[Finding]:
    for layer, inputs in strides.unequal_joins(subject.layers, subject.strides):
        # of two, the first: it is nearly always the layer above
        ((common, _),) = Counter(inputs).most_common(1)
        position, stride = next(pair for pair in enumerate(inputs) if pair[1] != common)
        source = subject.layers[graph.sources(layer)[position]]
        yield subject.finding(
            "YI201",
            subject.rows[layer.index].references[position],
            f"{layer} joins strides {_list(inputs)}: {source} has {stride:g}",
            f"read a layer of stride {common:g} there",
        )


def _head(subject: Subject) -> Iterator[Finding]:
    row = subject.rows[-1]
    layer = row.layer
    inputs = [subject.strides[source] for source in graph.sources(layer) if source != graph.IMAGE]
    if len(inputs) < 2 or not graph.is_head(layer.module):
        return
    if "Segment" in layer.module:
        while inputs[-1] and inputs[0] and inputs[-1] < inputs[0]:
            inputs.pop()  # YOLOv9's DualDSegment: finer maps for the masks
    groups = strides.pyramids(inputs)
    if groups == 0:
        yield subject.finding(
            "YI202",
            _from_span(row),
            f"{layer} reads strides {_list(inputs)}: they have to grow from one to the next",
            "read the last layer of each size, the finest first",
        )
        return
    anchors = _anchor_rows(subject, layer.args)
    if anchors is not None and anchors not in (len(inputs), len(inputs) // groups):
        yield subject.finding(
            "YI203",
            _from_span(row),
            f"{layer} reads {_count(len(inputs), 'layer')}, and the anchors have {_count(anchors, 'row')}",
            f"give anchors {_count(len(inputs) // groups, 'row')}, or read {_count(anchors, 'layer')}",
        )


def _anchor_rows(subject: Subject, args: list[Any]) -> int | None:
    """The number of lines of anchors that the head's args give, or None."""
    anchors: Any = None
    if "anchors" in args:
        anchors = subject.document.data.get("anchors")
    return len(anchors) if isinstance(anchors, list) and anchors else None


def _from_span(row: Row) -> Span:
    return Span(row.references[0].start, row.references[-1].end)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"


def _list(inputs: Sequence[float | None]) -> str:
    return flow(["?" if stride is None else f"{stride:g}" for stride in inputs])


def _declared_channels(subject: Subject) -> Iterator[Finding]:
    declared = {
        layer.index: (layer.args[0], subject.reaching(layer))
        for layer in subject.attention
        if layer.args and graph.could_be_channels(layer.args[0])
        if not graph.declares_channels(layer.module)
    }
    # of modules without a recipe the first argument may be anything, unless a row shows that it is this
    known = set(recipes.names())
    known |= {
        subject.layers[index].module
        for index, (count, reaching) in declared.items()
        if count == reaching and count not in _LIKELY_REDUCTIONS
    }
    for index, (count, reaching) in declared.items():
        layer = subject.layers[index]
        if layer.module in known and reaching is not None and count != reaching:
            yield subject.finding(
                "YI204",
                subject.rows[index].span,
                f"{layer} declares {count} channels, and {reaching} reach it",
                f"write {flow([reaching, *layer.args[1:]])}",
            )
