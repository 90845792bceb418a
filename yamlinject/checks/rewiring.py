"""Mending wrong references: only where every one has one right answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from yamlinject.checks.context import Subject
from yamlinject.config import Config
from yamlinject.core import edits, graph, provenance
from yamlinject.core.document import Document
from yamlinject.core.layer import SECTIONS, Layer
from yamlinject.core.proof import prove
from yamlinject.core.references import Change, reference_edit
from yamlinject.errors import Place, RefusalError, YamlInjectError
from yamlinject.library import architectures
from yamlinject.lineage import matching
from yamlinject.lineage.alignment import could_be_injected
from yamlinject.lineage.matching import Match

#: The rules that find what is mended, and those that find what is mended besides with ``--bypassed``.
WRONG = frozenset({"YI101", "YI102", "YI103", "YI104", "YI301", "YI302", "YI603"})
BYPASSED = frozenset({"YI303", "YI305"})

#: The numbers of the ``from`` of some layers, by their indices.
_Froms = Mapping[int, list[int]]


class Rewired(NamedTuple):
    """A config with the references that it should have.

    ``changed``: how many of them were others before; ``changes``: each layer of these, and where it was.
    """

    config: Config
    changed: int
    changes: tuple[tuple[Place, Change], ...]


def rewired(subject: Subject, *, bypassed: bool = False) -> Rewired | None:
    """The config with its references as in its base; None where they are.

    With ``bypassed`` the layers that read past an attention read it too, as all readers of its target do
    after an insertion. A generated config gets what its commands give.
    Raises :class:`YamlInjectError` where it is not sure: no base is known, a reference has two right
    answers, or it cannot be proven that nothing else changes.
    """
    if subject.unreadable:
        raise RefusalError("its rows cannot be read")
    froms = _as_generated(subject)
    if froms is None:
        wanted = _as_in_the_base(subject)
        if bypassed:
            _read_attention(subject, wanted)
        froms = {index: _written(subject, index, sources) for index, sources in wanted.items()}
    document, changed = subject.document, []
    changes: dict[int, tuple[Place, Change]] = {}
    for index, numbers in froms.items():
        row = document.rows[index]
        for position, (before, after) in enumerate(zip(row.layer.references, numbers, strict=True)):
            if before != after:
                if row.shared:
                    problem = "shares its text with another place through a YAML alias: write both out"
                    raise RefusalError(f"{row.layer} {problem}")
                changed.append(reference_edit(document, index, position, after))
                place = document.lines.place(row.references[position].start)
                changes.setdefault(index, (place, Change(row.layer, _from(row.layer, numbers))))
    if not changed:
        return None
    text = edits.apply(document.text, changed)
    prove(text, _planned(document, froms))
    config = subject.config
    result = Config(config.name, config.source._replace(text=text).to_bytes(), path=config.path)
    return Rewired(result, len(changed), tuple(changes[index] for index in sorted(changes)))


def _from(layer: Layer, numbers: list[int]) -> int | list[int]:
    """The ``from`` of a layer with those numbers, a list where it was one."""
    return numbers if isinstance(layer.from_, list) else numbers[0]


def _written(subject: Subject, index: int, sources: list[int]) -> list[int]:
    """The numbers by which a layer reads ``sources``, as they are where it already does."""
    row = subject.rows[index]
    pairs = zip(row.layer.references, graph.sources(row.layer), sources, strict=True)
    return [
        number if before == after else int(row.written(position, after))
        for position, (number, before, after) in enumerate(pairs)
    ]


def _as_generated(subject: Subject) -> _Froms | None:
    """What the commands of the provenance lines give; None where more than references was edited."""
    lines, lineage = subject.document.provenance, subject.lineage
    made = lineage.original if lines and lineage else None
    if made is None:
        return None
    oldest = lines[-1].provenance
    if not (oldest.is_of(made.to_bytes()) or oldest.has_rows(made.parsed.layers)):
        return None
    try:
        for line in reversed(lines):
            made = made.apply(line.provenance.request, proven=False)
        now = made.layers
    except YamlInjectError:
        return None
    if [*map(_besides_references, now)] != [*map(_besides_references, subject.layers)]:
        return None
    return {layer.index: layer.references for layer in now}


def _besides_references(layer: Layer) -> list[object]:
    return [layer.section, len(layer.references), isinstance(layer.from_, list), *layer.row[1:]]


def _as_in_the_base(subject: Subject) -> dict[int, list[int]]:
    """What the layers with wrong references should read."""
    match = subject.match
    if match is None:
        raise RefusalError("no base is known, which would say what is right: give it with --base")
    _check_sure(subject, match)
    of_base = set(match.aligned)
    wanted: dict[int, list[int]] = {}
    for wrong in match.wrong_readers:
        if wrong.swapped and wrong.layer is not subject.layers[-1]:
            continue  # an order that nothing but weights depends on
        sources = graph.sources(wrong.layer)
        for position in wrong.positions:
            source, right = sources[position], subject.expected[wrong.layer.index][position]
            if right is None:
                raise RefusalError(f"no layer that is known fits as an input of {wrong.layer}")
            is_injected = right < source < wrong.layer.index and source not in of_base
            if is_injected and graph.sources(subject.layers[source]) != [source - 1]:
                raise RefusalError(
                    f"two answers are possible: {wrong.layer} reads {right}, or {subject.layers[source]} "
                    "reads -1"
                )
            sources[position] = right
        wanted[wrong.layer.index] = sources
    return wanted


def _check_sure(subject: Subject, match: Match) -> None:
    """Raise :class:`RefusalError` where something as likely as ``match`` lets the layers read others."""
    searched = subject.lineage is not None and subject.lineage.evidence == "matched"
    bases = architectures.wirings() if match.wrong_readers and searched else [match.base]
    rival = matching.rival(subject.layers, bases, match)
    if rival is None:
        return
    ours, theirs = (
        {wrong.layer.index: wrong.expected for wrong in found.wrong_readers} for found in (match, rival)
    )
    index = min(each for each in ours.keys() | theirs.keys() if ours.get(each) != theirs.get(each))
    layer = subject.layers[index]
    one, other = (found.get(index, graph.sources(layer)) for found in (ours, theirs))
    made = " or ".join(dict.fromkeys([match.base.name, rival.base.name]))
    raise RefusalError(f"two answers are possible: {layer} reads {one}, or {other} (made from {made})")


def _read_attention(subject: Subject, wanted: dict[int, list[int]]) -> None:
    """Send all readers of what attention reads through it, where it stands above all of them."""
    attention = {layer.index for layer in subject.attention if could_be_injected(layer)}
    asked_for = provenance.injected(subject.document.provenance, on_branches=True)
    reads = {layer.index: wanted.get(layer.index, graph.sources(layer)) for layer in subject.layers}
    stacks: dict[int, tuple[int, int]] = {}  # the first and the last attention below each target
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
        if target in stacks and readers:
            one, another = (subject.layers[index] for index in (stacks[target][0], first))
            raise RefusalError(f"two answers are possible: {one} and {another} both read layer {target}")
        if all(index > last for index in readers):
            stacks[target] = first, last
    for target, (_, last) in stacks.items():
        for index, sources in reads.items():
            if target in sources and index not in attention:
                wanted[index] = reads[index] = [last if source == target else source for source in sources]


def _planned(document: Document, froms: _Froms) -> dict[str, Any]:
    """The data of the document with those numbers."""
    data = dict(document.data)
    for section in SECTIONS:
        data[section] = rows = []
        for layer in (layer for layer in document.layers if layer.section == section):
            new = list(froms.get(layer.index, layer.references))
            rows.append([_from(layer, new), *layer.row[1:]])
    return data
