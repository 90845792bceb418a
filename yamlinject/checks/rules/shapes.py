"""Strides and channels that do not fit together, found by following the graph (YI2xx)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from yamlinject.checks import strides
from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.checks.strides import Size
from yamlinject.core import graph, module_rules, modules
from yamlinject.core.layer import flow
from yamlinject.core.rows import Row, Span


@rule("YI201", "error", "a joining module gets feature maps of different sizes", needs="wiring")
def strides_differ(subject: Subject) -> Iterator[Problem]:
    """Torch only joins tensors of the same height and width (``torch.cat``, ``+``)."""
    for layer, inputs in strides.unequal_joins(subject.layers, subject.sizes):
        # of two, the first: it is nearly always the layer above
        ((common, _),) = Counter(inputs).most_common(1)
        position, size = next(pair for pair in enumerate(inputs) if pair[1] != common)
        source = subject.layers[graph.sources(layer)[position]]
        yield Problem(
            subject.rows[layer.index].references[position],
            f"{layer} joins strides {_list(subject, inputs)}: {source} has {size}",
            f"read a layer of stride {common} there",
        )


@rule("YI202", "error", "the detection head's inputs are not one of each stride, in order", needs="wiring")
def head_strides(subject: Subject) -> Iterator[Problem]:
    """Heads take their strides, and YOLOv5 its anchors, in the order of their inputs."""
    row, inputs = subject.rows[-1], _head_inputs(subject)
    if len(inputs) > 1 and not strides.pyramids(inputs):
        yield Problem(
            _from_span(row),
            f"{row.layer} reads strides {_list(subject, inputs)}: they have to grow from one to the next",
            "read the last layer of each size, the finest first",
        )


@rule(
    "YI203", "error", "the anchors lack a line, or have one too many, for the head's inputs", needs="wiring"
)
def anchor_rows(subject: Subject) -> Iterator[Problem]:
    """YOLOv5's Detect builds one output convolution for each line of anchors."""
    row, inputs = subject.rows[-1], _head_inputs(subject)
    groups = strides.pyramids(inputs) if len(inputs) > 1 else 0
    anchors = _anchor_rows(subject, row.layer.args)
    if groups and anchors is not None and anchors not in (len(inputs), len(inputs) // groups):
        yield Problem(
            _from_span(row),
            f"{row.layer} reads {_count(len(inputs), 'layer')}, and the anchors have "
            f"{_count(anchors, 'row')}",
            f"give anchors {_count(len(inputs) // groups, 'row')}, or read {_count(anchors, 'layer')}",
        )


def _head_inputs(subject: Subject) -> list[Size]:
    """The sizes of the feature maps that the last layer detects in; none if it is not a head."""
    layer = subject.layers[-1]
    if modules.known(layer.module).role != "head":
        return []
    inputs = [subject.sizes[source] for source in graph.sources(layer) if source != graph.IMAGE]
    if "Segment" in layer.module and len(inputs) > 1:
        while inputs[-1].origin == inputs[0].origin and inputs[-1] < inputs[0]:
            inputs.pop()  # YOLOv9's DualDSegment: finer maps for the masks
    return inputs


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


def _list(subject: Subject, inputs: Sequence[Size]) -> str:
    """The strides, which are multiples of ``x`` behind a layer that may do anything to them."""
    found = flow([str(size) for size in inputs])
    origins = [size.origin for size in inputs if size.origin != graph.IMAGE]
    return f"{found} (x: what {subject.layers[origins[0]]} gives)" if origins else found


@rule("YI204", "warning", "attention declares other channels than those that reach it", needs="wiring")
def declared_channels(subject: Subject) -> Iterator[Problem]:
    """A registered checkout builds the module for what its args say.

    The first argument may be anything, unless the class is known, or another row shows that it is that.
    """
    for layer in subject.attention:
        count, reaching = layer.args[0] if layer.args else None, subject.reaching(layer)
        if reaching in (None, count) or not module_rules.could_be_channels(count):
            continue
        if modules.known(layer.module).declares_channels:
            continue
        taken = subject.taken(layer)
        if taken.is_channels if taken else layer.module in subject.begins_with_channels:
            yield Problem(
                subject.rows[layer.index].span,
                f"{layer} declares {count} channels, and {reaching} reach it",
                f"write {flow([reaching, *layer.args[1:]])}"
                + (": --args takes the word channels" if layer.index in subject.ours else ""),
            )
