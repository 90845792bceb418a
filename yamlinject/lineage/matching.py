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


class _Unlikely(NamedTuple):
    """What speaks against an explanation, the weightiest first: the least is meant.

    ``design``: whether no renumbering by hand gives its wrong references, nor a slip in one join of a model
    that is otherwise as it was. ``kinds``: how many kinds of
    modules were replaced or injected, the head's aside. ``twins``: the injected layers of modules that the
    base has already, which is less likely than one wrong number: two convolutions would make a yolov5 of a
    yolov8. ``wrong``: the layers that read something else. ``replaced``: the kinds that were replaced and
    not injected. ``head``: whether the head was replaced. ``sections``: whether a layer is in the other
    section, as the SPPELAN of gelan-c-seg is in that of yolov9c-seg.
    """

    design: bool
    kinds: int
    twins: int
    wrong: int
    replaced: int
    head: bool
    sections: bool


def match(layers: Sequence[Layer], wirings: Iterable[Wiring], *, replacement: bool = True) -> Match | None:
    """The wiring of ``wirings`` that ``layers`` were most likely made from, or None.

    None too if the references were meant to be other ones. ``replacement``: whether modules of it may have
    been replaced.
    """
    joins = graph.joins(layers)  # which no injected or replaced layer changes
    alike = [base for base in wirings if base.joins == joins and len(base.layers) <= len(layers)]
    found = [(_unlikely(layers, exact, alike), exact) for exact in _exact(layers, alike)]
    # the layers of a known model and no others are that model, whatever they read
    found = [(cost, exact) for cost, exact in found if not cost.kinds] or found
    certain = any(not cost.kinds or not (cost.twins or cost.wrong) for cost, _ in found)
    if replacement and not certain and len(layers) <= _LARGEST:
        for base in _similar(layers, alike):
            least = _least_unlikely(layers, base)
            if all(least < cost for cost, _ in found):
                found += [(_unlikely(layers, way, alike), way) for way in _explanations(layers, base)]
    cost, best = min(found, key=lambda pair: pair[0], default=(None, None))
    return None if cost is None or cost.design else best


def without_replacement(layers: Sequence[Layer], base: Wiring) -> Match | None:
    """How ``base`` explains ``layers`` with injected layers and nothing else, whatever they read."""
    return next(_exact(layers, [base]), None)


def rival(layers: Sequence[Layer], wirings: Iterable[Wiring], found: Match) -> Match | None:
    """Another explanation that is as likely as ``found``, by which other references are wrong."""
    joins = graph.joins(layers)
    alike = [base for base in wirings if base.joins == joins and len(base.layers) <= len(layers)]
    ways = [
        Match(base, aligned, list(alignment.wrong_readers(layers, base.layers, aligned)))
        for base in alike
        for aligned in alignment.alignments(layers, base.layers)
    ]
    if len(layers) <= _LARGEST:
        ways += (way for base in _similar(layers, alike) for way in _explanations(layers, base))
    cost = _unlikely(layers, found, alike)
    return next(
        (
            way
            for way in ways
            if way.wrong_readers != found.wrong_readers and _unlikely(layers, way, alike) <= cost
        ),
        None,
    )


def _exact(layers: Sequence[Layer], wirings: Iterable[Wiring]) -> Iterator[Match]:
    modules = {layer.module for layer in layers}
    for base in wirings:
        # few have no other modules, and no alignment helps the others
        aligned = alignment.align(layers, base.layers) if base.modules.keys() <= modules else None
        if aligned is not None:
            yield Match(base, aligned, list(alignment.wrong_readers(layers, base.layers, aligned)))


def _unlikely(layers: Sequence[Layer], found: Match, alike: Sequence[Wiring]) -> _Unlikely:
    base = found.base.layers
    injected = [layers[index].module for index in alignment.injected(layers, found.aligned)]
    replaced = _replacements(layers, found.base, found.aligned)
    own = {layer.module for layer in base}
    kinds = len(replaced) + len(set(injected))
    slip = not kinds and [len(wrong.layer.references) > 1 for wrong in found.wrong_readers] == [True]
    return _Unlikely(
        not slip and not _is_meant(layers, found, alike),
        kinds,
        sum(module in own for module in injected),
        len(found.wrong_readers),
        len(replaced),
        base[-1].module != layers[-1].module,
        [layer.section for layer in base] != [layers[place].section for place in found.aligned],
    )


def _least_unlikely(layers: Sequence[Layer], base: Wiring) -> _Unlikely:
    """What speaks against every explanation by ``base``, before any is looked for.

    Modules that only one of both has, the head aside, were all replaced or injected.
    """
    here, there = ({layer.module for layer in each[:-1]} for each in (layers, base.layers))
    return _Unlikely(False, max(len(here - there), len(there - here)), 0, 0, 0, False, False)


def _similar(layers: Sequence[Layer], wirings: Iterable[Wiring]) -> Iterator[Wiring]:
    """The wirings that share enough modules with ``layers``."""
    ours = Counter(layer.module for layer in layers)
    for base in wirings:
        common = ours & base.modules
        if common.total() >= _LEAST_SHARE * len(base.layers):
            yield base


def _replacements(layers: Sequence[Layer], base: Wiring, aligned: Sequence[int]) -> set[tuple[str, str]]:
    """The modules replaced, the head's aside, each with the one in its place."""
    return {
        (original.module, layers[place].module)
        for original, place in zip(base.layers[:-1], aligned, strict=False)
        if original.module != layers[place].module
    }


def _explanations(layers: Sequence[Layer], base: Wiring) -> Iterator[Match]:
    """The ways to get ``layers`` from ``base`` with modules replaced."""
    for aligned in _alignments(layers, base):
        replaced = _replacements(layers, base, aligned)
        new = {module for _, module in replaced}
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
            # another join reads what fits it
            if len(reader.expected) == 1 or reader.layer.index in same or reader.layer is layers[-1]
        ]
        yield Match(base, aligned, wrong)


def _alignments(layers: Sequence[Layer], base: Wiring) -> list[list[int]]:
    """Where the layers of ``base`` may be, with the fewest blocks replaced or injected.

    Two answers where an injected layer cannot be told from a neighbour that replaced another: the base's
    layers as high up as possible, and as far down.
    """
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


def _is_meant(layers: Sequence[Layer], found: Match, alike: Iterable[Wiring]) -> bool:
    """Whether the wrong references are miscounted numbers, and not another design.

    A number that was not raised, or by too much, lies between the base's and the same for all that was
    injected, miscounted by one. Above all injected layers, nobody has a reason to lower it; but it may come
    from a model of ``alike`` whose modules are all here: that file was rebuilt after ``found``'s.
    """
    most = len(layers) - len(found.aligned) + 1
    of_base = {place: index for index, place in enumerate(found.aligned)}
    for wrong in found.wrong_readers:
        numbers = found.base.layers[of_base[wrong.layer.index]].references
        sources = graph.sources(wrong.layer)
        for position in [] if wrong.swapped else wrong.positions:
            source, number = sources[position], numbers[position]
            if not graph.IMAGE <= source < wrong.layer.index:
                continue  # no design reads that
            lowest = number - (wrong.expected[position] > number)
            if lowest <= source <= wrong.expected[position] + most:
                continue
            if source not in _numbers(layers, wrong.layer, position, alike):
                return False
    return True


def _numbers(layers: Sequence[Layer], join: Layer, position: int, wirings: Iterable[Wiring]) -> set[int]:
    """What ``join`` reads at ``position`` in those of ``wirings`` whose modules are all in ``layers``.

    Nothing for a layer that reads just one: only joins are the same in all of them.
    """
    if len(join.references) == 1:
        return set()
    nth = sum(len(layer.references) != 1 for layer in layers[: join.index])
    modules = {layer.module for layer in layers}
    joining = (
        [layer for layer in base.layers if len(layer.references) != 1]
        for base in wirings
        if base.modules.keys() <= modules
    )
    return {joins[nth].references[position] for joins in joining}
