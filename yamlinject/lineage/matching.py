"""The base of a config: the wiring, of those that are known, that it was made from.

A config made from it has the layers of the base in their order. Attention was put in between, and some
of the modules may have been exchanged for others, such as every ``C2f`` for a ``C2f_DCN``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import alignment
from yamlinject.lineage.alignment import Misread

#: With modules exchanged, only this many of the most similar wirings are looked at more closely.
_CLOSEST = 12

#: Models with more layers are compared as they are; the largest upstream one has 266.
_LARGEST = 500

#: The share of a base's modules that has to be left when modules were exchanged.
_LEAST_SHARE = 0.5

#: What it costs to explain a config by an exchanged module, a layer put in, a wrong reference.
_EXCHANGED, _EXCHANGED_HEAD, _PUT_IN, _MISREAD = 3, 1, 2, 4
_CONVOLUTION_PUT_IN = 4  # or a block: what declares its channels is seldom attention
_NEVER = 10**9


class Match(NamedTuple):
    """A base, where its layers stand in the config, and what the config reads otherwise."""

    base: Wiring
    places: list[int]
    misread: list[Misread]


def match(layers: Sequence[Layer], known: Sequence[Wiring]) -> Match | None:
    """The wiring of ``known`` that explains ``layers`` with the fewest wrong references, or None.

    One that has to exchange modules for that is taken only where no other explains them.
    """
    return without_exchange(layers, known) or _with_exchange(layers, known)


def without_exchange(layers: Sequence[Layer], known: Iterable[Wiring]) -> Match | None:
    """The wiring of ``known`` that explains ``layers`` with layers put in and nothing else."""
    exact = [
        Match(base, places, list(alignment.misread(layers, base.layers, places)))
        for base in known
        if (places := alignment.align(layers, base.layers)) is not None
    ]
    return min(exact, key=lambda found: (len(found.misread), -len(found.places)), default=None)


def _with_exchange(layers: Sequence[Layer], known: Sequence[Wiring]) -> Match | None:
    if len(layers) > _LARGEST:
        return None
    loose = [found for base in _closest(layers, known) for found in _exchanged(layers, base)]
    _, best = min(loose, key=lambda found: found[0], default=(_NEVER, None))
    return best if best and _is_meant(layers, best) else None


def _closest(layers: Sequence[Layer], known: Sequence[Wiring]) -> list[Wiring]:
    """The wirings that share the most modules with ``layers``."""
    ours = Counter(layer.module for layer in layers)
    shares = []
    for base in known:
        if len(base.layers) <= len(layers):
            common = ours & Counter(layer.module for layer in base.layers)
            shares.append((common.total() / len(base.layers), base))
    shares.sort(key=lambda pair: -pair[0])
    return [base for share, base in shares[:_CLOSEST] if share >= _LEAST_SHARE]


def _exchanged(layers: Sequence[Layer], base: Wiring) -> Iterator[tuple[int, Match]]:
    """The cheapest way to get ``layers`` from ``base`` by putting layers in and exchanging modules."""
    cost, found = _cheapest(layers, base)
    for places in found:
        pairs = {
            (original.module, factor, layers[place].module)
            for original, factor, place in zip(base.layers[:-1], base.factors, places, strict=False)
            if original.module != layers[place].module
        }
        exchanged = [new for _, _, new in pairs]
        put_in = {layers[index].module for index in alignment.put_in(layers, places)}
        has_two_roles = any(
            modules.known(name).declares_channels for name in put_in.intersection(exchanged)
        )
        if len({*exchanged}) < len(exchanged) or has_two_roles:
            continue  # one block for several things: another design
        same = {
            place
            for original, place in zip(base.layers, places, strict=True)
            if original.module == layers[place].module
            or (
                modules.known(original.module).concatenates
                and modules.known(layers[place].module).concatenates
            )
        }
        misread = [
            wrong
            for wrong in alignment.misread(layers, base.layers, places)
            if wrong.layer.index in same or wrong.layer is layers[-1]  # another block joins what fits it
        ]
        yield cost + 2 * len(pairs) + _MISREAD * len(misread), Match(base, places, misread)


def _cheapest(layers: Sequence[Layer], base: Wiring) -> tuple[int, list[list[int]]]:
    """What it costs to get ``layers`` from ``base``, and where its layers may stand then.

    Two ways where the costs do not tell a layer that was put in from an exchanged one next to it: with the
    base's layers as high as can be, and as low.
    """
    size = len(base.layers)
    costs = [0] + [_NEVER] * size
    saved: list[list[int]] = []  # by putting the layer in rather than having it in the place of the base's
    for layer in layers:
        cost = _CONVOLUTION_PUT_IN if modules.known(layer.module).declares_channels else _PUT_IN
        put_in = cost if layer.index and alignment.could_be_put_in(layer) else _NEVER
        new, gain = [costs[0] + put_in], [_NEVER]
        first = size - (len(layers) - layer.index) + 1
        for count in range(1, size + 1):
            if count < first or count > layer.index + 1:
                new.append(_NEVER)
                gain.append(_NEVER)
                continue
            exchanged = costs[count - 1] + _exchange(layer, base, count - 1, layer is layers[-1])
            new.append(min(exchanged, costs[count] + put_in))
            gain.append(exchanged - costs[count] - put_in)
        costs = new
        saved.append(gain)
    if costs[size] >= _NEVER:
        return _NEVER, []
    high, low = (_traced(layers, saved, size, least) for least in (0, 1))
    return costs[size], [high] if high == low else [high, low]


def _traced(layers: Sequence[Layer], saved: Sequence[Sequence[int]], count: int, least: int) -> list[int]:
    places = []
    for layer in reversed(layers):
        if saved[layer.index][count] < least:
            places.append(layer.index)
            count -= 1
    return places[::-1]


def _exchange(layer: Layer, base: Wiring, index: int, is_last: bool) -> int:
    """What it costs that ``layer`` stands in the place of a layer of ``base``."""
    original = base.layers[index]
    if len(layer.references) != len(original.references):
        return _NEVER
    if layer.module == original.module:
        return 0
    if is_last or index == len(base.layers) - 1:
        both = is_last and index == len(base.layers) - 1
        return _EXCHANGED_HEAD + (not layer.module.startswith(original.module)) if both else _NEVER
    factor = base.factors[index]
    another_upsample = factor is not None and factor < 1 and not modules.known(layer.module).knows_stride
    return _EXCHANGED if another_upsample or graph.stride_factor(layer) == factor else _NEVER


def _is_meant(layers: Sequence[Layer], found: Match) -> bool:
    """Whether all that differs are numbers that were not counted right, and not another design."""
    most = len(layers) - len(found.places) + 1
    return len(found.misread) <= 1 or all(
        abs(source - wanted) <= most
        for wrong in found.misread
        for source, wanted in zip(graph.sources(wrong.layer), wrong.wanted, strict=True)
    )
