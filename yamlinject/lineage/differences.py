"""Two configs compared as graphs: what a comparison of their texts cannot show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from yamlinject.config import Config
from yamlinject.core import graph
from yamlinject.core.layer import Layer, flow
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import matching
from yamlinject.lineage.commands import sources
from yamlinject.lineage.matching import Match

#: What became of a layer: it is only in the second config, only in the first, has another module, reads
#: something else, or has another number or other args.
Kind = Literal["injected", "removed", "replaced", "rewired", "row"]


class Difference(NamedTuple):
    """What is different in a layer: its index in the first config and in the second, where it is there."""

    kind: Kind
    before: int | None
    after: int | None
    text: str


def differences(before: Config, after: Config) -> list[Difference]:
    """What became of the layers of ``before`` in ``after``, in the order of the second.

    Injected and removed layers count as what they read, so that renumbering is no difference.
    """
    pairs = _pairs(before.layers, after.layers)
    there: dict[int, int] = dict(pairs)
    here = {place: index for index, place in pairs}
    found = [
        Difference("removed", layer.index, None, f"{layer} {flow(layer.row)}")
        for layer in before.layers
        if layer.index not in there
    ]
    readers = graph.readers(after.layers)
    for layer in after.layers:
        if layer.index in here:
            found += _changed(before, after, before.layers[here[layer.index]], layer, there)
            continue
        read = ", ".join(map(str, readers[layer.index])) or "nothing"
        text = f"{layer} {flow(layer.row)}, read by {read}"
        found.append(Difference("injected", None, layer.index, text))
    return found


def _changed(
    before: Config, after: Config, old: Layer, new: Layer, there: Mapping[int, int]
) -> Iterator[Difference]:
    def difference(kind: Kind, text: str) -> Difference:
        return Difference(kind, old.index, new.index, text)

    if old.module != new.module:
        yield difference("replaced", f"{new} {flow(new.row)}, before {flow(old.row)}")
    elif old.row[1:] != new.row[1:]:
        yield difference("row", f"{new} {flow(new.row)}, before {flow(old.row)}")
    was = [there.get(source, source) for source in sources(before, old.index, there)]
    read = sources(after, new.index, set(there.values()))
    if was != read:
        yield difference("rewired", f"{new} reads {_named(after, read)}, before {_named(after, was)}")


def _named(config: Config, indices: Sequence[int]) -> str:
    names = ("the image" if index == graph.IMAGE else str(config.layers[index]) for index in indices)
    return " and ".join(names) or "nothing"


def _match(layers: Sequence[Layer], base: Wiring) -> Match | None:
    return matching.without_replacement(layers, base) or matching.match(layers, [base])


def _pairs(before: Sequence[Layer], after: Sequence[Layer]) -> list[tuple[int, int]]:
    """The layers that are the same in both, by their indices."""
    found = _match(after, Wiring.of("before", before))
    if found:
        return list(enumerate(found.aligned))
    found = _match(before, Wiring.of("after", after))
    if found:
        return [(place, index) for index, place in enumerate(found.aligned)]
    ours, theirs = ([layer.module for layer in layers] for layers in (before, after))
    pairs: list[tuple[int, int]] = []
    for _, start, end, other, other_end in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        if end - start == other_end - other:  # the same modules, or as many others
            pairs += zip(range(start, end), range(other, other_end), strict=True)
    return pairs
