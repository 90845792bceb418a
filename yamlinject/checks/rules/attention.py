"""Layers that have no effect, and attention that is bypassed (YI3xx)."""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import graph, provenance
from yamlinject.core.layer import Layer
from yamlinject.lineage import alignment


@rule("YI303", "warning", "no path leads from an attention layer to the head", needs="wiring")
def dead_attention(subject: Subject) -> Iterator[Problem]:
    """Such a layer is built and trained, but has no effect."""
    attention = {layer.index for layer in subject.attention}
    for layer, why in _without_effect(subject):
        if layer.index in attention:
            hint = f"let the layers that read {graph.sources(layer)[0]} read {layer.index}, or remove it"
            yield Problem(subject.rows[layer.index].span, why, hint)


@rule("YI304", "warning", "no path leads from a layer to the head", needs="wiring")
def dead_layer(subject: Subject) -> Iterator[Problem]:
    """Unless it has no effect in the base either."""
    attention = {layer.index for layer in subject.attention}
    for layer, why in _without_effect(subject):
        if layer.index not in attention:
            hint = f"see which layer should read {layer.index}, or remove it"
            yield Problem(subject.rows[layer.index].span, why, hint)


def _without_effect(subject: Subject) -> Iterator[tuple[Layer, str]]:
    """The layers from which no path leads to the head, and why there is none."""
    unreached = set(range(len(subject.layers))) - subject.reached
    if subject.match and unreached:
        base, aligned = subject.match.base.layers, subject.match.aligned
        alive = alignment.reached(base)
        unreached -= {place for index, place in enumerate(aligned) if index not in alive}
    readers = graph.readers(subject.layers) if unreached else []
    for index in sorted(unreached):
        layer = subject.layers[index]
        if graph.gives_no_map(layer):
            continue
        read_by = (
            f"only {readers[index][0]} reads it, which has none either"
            if readers[index]
            else "no layer reads it"
        )
        yield layer, f"{layer} has no effect: {read_by}"


@rule("YI305", "warning", "a layer bypasses the attention and reads the layer above it", needs="graph")
def bypassed_attention(subject: Subject) -> Iterator[Problem]:
    """Only where the attention has an effect, is not read by mistake, and was not asked for so."""
    wrong = subject.match.wrong_readers if subject.match else []
    mistaken = {graph.sources(each.layer)[position] for each in wrong for position in each.positions}
    reached = subject.reached - mistaken
    attention = {layer.index for layer in subject.attention}
    asked_for = provenance.injected(subject.document.provenance, on_branches=True)
    indices: dict[int, int] = {}  # one for each layer that attention reads
    for layer in subject.attention:
        if layer.index in reached and layer.index not in asked_for:
            indices.setdefault(graph.sources(layer)[0], layer.index)
    if not indices:
        return
    wrong_rows = {each.layer.index for each in wrong}
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
            hint = f"write {row.written(position, layer.index)} if it should read the attention"
        else:
            hint = f"put {layer} right below {subject.layers[source]} if {reader} should read it too"
        yield Problem(
            row.references[position],
            f"{reader} bypasses {layer} and reads {subject.layers[source]} above it",
            hint,
            subject.base_name,
        )
