"""The base of a config: the wiring, of those that are known, that it was made from.

A config made from it has the layers of the base in their order. Attention was injected between them, and
some of the modules may have been replaced by others, such as every ``C2f`` by a ``C2f_DCN``.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from yamlinject.core import graph
from yamlinject.core.layer import Layer
from yamlinject.core.modules import known
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import alignment
from yamlinject.lineage.alignment import WrongReader

#: With modules replaced, only this many of the most similar wirings are looked at more closely.
_CLOSEST = 12

#: Models with more layers are compared as they are; the largest upstream one has 266.
_LARGEST = 500

#: The share of a base's modules that must remain when modules were replaced.
_LEAST_SHARE = 0.5

#: More blocks than any model has.
_NEVER = sys.maxsize


class Match(NamedTuple):
    """A base, where its layers are in the config, and which layers read something else there."""

    base: Wiring
    aligned: list[int]
    wrong_readers: list[WrongReader]


def match(layers: Sequence[Layer], wirings: Sequence[Wiring]) -> Match | None:
    """The wiring of ``wirings`` that explains ``layers`` with the fewest wrong references, or None.

    One with replaced modules is taken only if no other explains them.
    """
    return without_replacement(layers, wirings) or _with_replaced(layers, wirings)


def without_replacement(layers: Sequence[Layer], wirings: Iterable[Wiring]) -> Match | None:
    """The wiring of ``wirings`` that explains ``layers`` with injected layers and nothing else."""
    modules = {layer.module for layer in layers}
    exact = [
        Match(base, aligned, list(alignment.wrong_readers(layers, base.layers, aligned)))
        for base in wirings
        if base.modules.keys() <= modules  # few are, and no alignment helps the others
        and (aligned := alignment.align(layers, base.layers)) is not None
    ]
    return min(exact, key=lambda found: (len(found.wrong_readers), -len(found.aligned)), default=None)


def _with_replaced(layers: Sequence[Layer], wirings: Sequence[Wiring]) -> Match | None:
    if len(layers) > _LARGEST:
        return None
    loose = [found for base in _closest(layers, wirings) for found in _explanations(layers, base)]
    if not loose:
        return None
    _, best = min(loose, key=lambda found: found[0])
    return best if _is_meant(layers, best) else None


def _closest(layers: Sequence[Layer], wirings: Sequence[Wiring]) -> list[Wiring]:
    """The wirings that share the most modules with ``layers``."""
    ours = Counter(layer.module for layer in layers)
    shares = []
    for base in wirings:
        if len(base.layers) <= len(layers):
            common = ours & base.modules
            shares.append((common.total() / len(base.layers), base))
    shares.sort(key=lambda pair: -pair[0])
    return [base for share, base in shares[:_CLOSEST] if share >= _LEAST_SHARE]


def _explanations(layers: Sequence[Layer], base: Wiring) -> Iterator[tuple[tuple[int, int], Match]]:
    """The ways to get ``layers`` from ``base``, each with its cost; the cheapest one is meant.

    The cost is the number of kinds of modules replaced or injected, then that of wrong references.
    """
    for aligned in _alignments(layers, base):
        replaced = {
            (original.module, factor, layers[place].module)
            for original, factor, place in zip(base.layers[:-1], base.factors, aligned, strict=False)
            if original.module != layers[place].module
        }
        new = {module for _, _, module in replaced}
        injected = {layers[index].module for index in alignment.injected(layers, aligned)}
        has_two_roles = any(known(module).declares_channels for module in injected & new)
        if len(new) < len(replaced) or has_two_roles:
            continue  # one block for several things: another design
        same = {
            place
            for original, place in zip(base.layers, aligned, strict=True)
            if original.module == layers[place].module
            or (known(original.module).concatenates and known(layers[place].module).concatenates)
        }
        wrong = [
            reader
            for reader in alignment.wrong_readers(layers, base.layers, aligned)
            if reader.layer.index in same or reader.layer is layers[-1]  # another block joins what fits it
        ]
        yield (len(replaced) + len(injected), len(wrong)), Match(base, aligned, wrong)


def _alignments(layers: Sequence[Layer], base: Wiring) -> list[list[int]]:
    """Where the layers of ``base`` may be, with the fewest blocks replaced or injected.

    Two answers where an injected layer cannot be told from a neighbour that replaced another: the base's
    layers as high up as possible, and as far down.
    """
    if _joins(layers) != _joins(base.layers):  # these are not injected, nor replaced by anything else
        return []
    size = len(base.layers)
    counts = [0] + [_NEVER] * size
    saved: list[list[int]] = []  # by taking the layer for an injected one, not for the base's
    for layer in layers:
        # what declares its channels is a block, and seldom attention
        block = int(known(layer.module).declares_channels)
        factor = graph.stride_factor(layer)
        injected = block if layer.index and alignment.could_be_injected(layer) else _NEVER
        new, gain = [counts[0] + injected, *[_NEVER] * size], [_NEVER] * (size + 1)
        least = size - (len(layers) - layer.index) + 1  # for the layers below to be enough for the rest
        for count in range(max(1, least), min(size, layer.index + 1) + 1):
            in_place = counts[count - 1] + _replaced(layer, factor, base, count - 1, layer is layers[-1])
            new[count] = min(in_place, counts[count] + injected)
            gain[count] = in_place - counts[count] - injected
        counts = new
        saved.append(gain)
    if counts[size] >= _NEVER:
        return []
    high, low = (_traced(layers, saved, size, least) for least in (0, 1))
    return [high] if high == low else [high, low]


def _joins(layers: Sequence[Layer]) -> list[int]:
    """How many layers each one reads, of those that do not read exactly one."""
    return [count for layer in layers if (count := len(layer.references)) != 1]


def _traced(layers: Sequence[Layer], saved: Sequence[Sequence[int]], count: int, least: int) -> list[int]:
    aligned = []
    for layer in reversed(layers):
        if saved[layer.index][count] < least:
            aligned.append(layer.index)
            count -= 1
    return aligned[::-1]


def _replaced(layer: Layer, factor: float | None, base: Wiring, index: int, is_last: bool) -> int:
    """1 if ``layer`` may have replaced a layer of ``base``, 0 if it is the same, else :data:`_NEVER`.

    A head may always have replaced another, and is last in both. ``factor``: the stride of ``layer``.
    """
    original = base.layers[index]
    if len(layer.references) != len(original.references) or is_last != (original is base.layers[-1]):
        return _NEVER
    if layer.module == original.module or is_last:
        return 0
    wanted = base.factors[index]
    another_upsample = wanted is not None and wanted < 1 and not known(layer.module).knows_stride
    return 1 if another_upsample or factor == wanted else _NEVER


def _is_meant(layers: Sequence[Layer], found: Match) -> bool:
    """Whether the wrong references are miscounted numbers, and not another design."""
    most = len(layers) - len(found.aligned) + 1
    return len(found.wrong_readers) <= 1 or all(
        abs(source - wanted) <= most
        for wrong in found.wrong_readers
        for source, wanted in zip(graph.sources(wrong.layer), wrong.expected, strict=True)
    )
