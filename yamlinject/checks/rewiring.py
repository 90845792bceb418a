"""Mending wrong references: only where every one has one right answer."""

from __future__ import annotations

from typing import Any, NamedTuple

from yamlinject.checks.context import Subject
from yamlinject.config import Config
from yamlinject.core import edits, graph, provenance
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.layer import SECTIONS
from yamlinject.core.proof import prove
from yamlinject.core.references import is_plain
from yamlinject.errors import YamlInjectError
from yamlinject.lineage.alignment import could_be_injected


class Rewired(NamedTuple):
    """A config with the references that it should have, and how many of them were others before."""

    config: Config
    changed: int


def rewired(subject: Subject, *, bypassed: bool = False) -> Rewired | None:
    """The config with its references as in its base; None where they are, or where it is not sure.

    With ``bypassed`` the layers that read past an attention read it too, as all readers of its target do
    after an insertion. It is not sure where no base is known, where a reference has two right answers, and
    where it cannot be proven that nothing else changes.
    """
    if subject.unreadable or subject.match is None:
        return None
    wanted = _as_in_the_base(subject)
    if wanted is None:
        return None
    if bypassed:
        _read_attention(subject, wanted)
    document, changed = subject.document, []
    for index, sources in wanted.items():
        row = document.rows[index]
        pairs = zip(graph.sources(row.layer), sources, row.references, strict=True)
        for position, (before, after, span) in enumerate(pairs):
            if before != after:
                if row.shared or not is_plain(document.text[slice(*span)]):
                    return None
                changed.append(Edit(*span, row.written(position, after)))
    if not changed:
        return None
    try:
        text = edits.apply(document.text, changed)
        prove(text, _planned(document, wanted))
    except (YamlInjectError, ValueError):
        return None
    config = subject.config
    result = Config(config.name, config.source._replace(text=text).to_bytes(), path=config.path)
    return Rewired(result, len(changed))


def _as_in_the_base(subject: Subject) -> dict[int, list[int]] | None:
    """What the layers with wrong references should read; None where one has two right answers, or none."""
    assert subject.match
    of_base = set(subject.match.aligned)
    wanted: dict[int, list[int]] = {}
    for wrong in subject.match.wrong_readers:
        if wrong.swapped and wrong.layer is not subject.layers[-1]:
            continue  # an order that nothing but weights depends on
        sources = graph.sources(wrong.layer)
        for position in wrong.positions:
            source, right = sources[position], subject.expected[wrong.layer.index][position]
            if right is None:
                return None
            is_injected = right < source < wrong.layer.index and source not in of_base
            if is_injected and graph.sources(subject.layers[source]) != [source - 1]:
                return None  # it may be the injected layer that reads a wrong one
            sources[position] = right
        wanted[wrong.layer.index] = sources
    return wanted


def _read_attention(subject: Subject, wanted: dict[int, list[int]]) -> None:
    """Send all readers of what attention reads through it, where it stands above all of them."""
    attention = {layer.index for layer in subject.attention if could_be_injected(layer)}
    asked_for = provenance.injected(subject.document.provenance, on_branches=True)
    reads = {layer.index: wanted.get(layer.index, graph.sources(layer)) for layer in subject.layers}
    for first in sorted(attention - asked_for):
        (target,) = reads[first]
        if target in attention or target == graph.IMAGE:
            continue  # not the first of a stack
        last = first
        while last + 1 in attention and reads[last + 1] == [last]:
            last += 1
        readers = [
            index for index, sources in reads.items() if target in sources and index not in attention
        ]
        if all(index > last for index in readers):
            for index in readers:
                reads[index] = [last if source == target else source for source in reads[index]]
                wanted[index] = reads[index]


def _planned(document: Document, wanted: dict[int, list[int]]) -> dict[str, Any]:
    """The data of the document with those references."""
    data = dict(document.data)
    for section in SECTIONS:
        data[section] = rows = []
        for row in (row for row in document.rows if row.layer.section == section):
            layer = row.layer
            sources = wanted.get(layer.index, graph.sources(layer))
            pairs = zip(layer.references, graph.sources(layer), sources, strict=True)
            new = [
                number if before == after else int(row.written(position, after))
                for position, (number, before, after) in enumerate(pairs)
            ]
            rows.append([new if isinstance(layer.from_, list) else new[0], *layer.row[1:]])
    return data
