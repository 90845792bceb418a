"""What a config was made from: the one answer that check, verify and weights use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from yamlinject.config import Config, Rewritten
from yamlinject.core import modules, scales
from yamlinject.core.layer import Layer, flow
from yamlinject.errors import RefusalError, YamlInjectError, named
from yamlinject.library import architectures, bases, recipes
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import alignment, matching
from yamlinject.lineage.alignment import WrongReader
from yamlinject.lineage.known import architecture, known_like
from yamlinject.lineage.matching import Match
from yamlinject.lineage.recorded import recorded_base, states

#: How it is known what a config was made from: from the user, or a checkpoint trained with the base; from
#: the provenance lines; from its layers, those of a known base with others inserted; or not at all.
Evidence = Literal["given", "recorded", "matched", "none"]

#: Where to look for the base of a config that does not name it: nowhere, among the upstream models that are
#: always known, or also among those that the installed frameworks ship.
Search = Literal["nowhere", "upstream", "installed"]

#: What to call a base that is no known config.
NAMELESS = "without attention"


@dataclass(frozen=True)
class Lineage:
    """What ``config`` was made from.

    ``match``: the base that its references are compared with, None if only the config itself is known;
    ``aligned``: where the layers of the base are in the config.
    ``original``: the base as a config, where there is one.
    ``edited``: whether the config is no longer what its provenance lines generate.
    """

    evidence: Evidence
    config: Config
    aligned: list[int]
    match: Match | None = None
    original: Config | None = None
    edited: bool = False

    @cached_property
    def injected(self) -> list[int]:
        """The indices of the layers that are not the base's."""
        return alignment.injected(self.config.parsed.layers, self.aligned)

    @cached_property
    def replaced(self) -> list[tuple[int, int]]:
        """The layers whose module or args are others than in the original, with their index there.

        Only what a provenance line records counts: without one, a base with such modules is looked for.
        """
        if self.evidence != "recorded" or self.original is None or self.edited:
            return []
        return [
            (place, layer.index)
            for place, layer in zip(self.aligned, self.original.layers, strict=True)
            if layer.row[1:] != self.config.layers[place].row[1:]
        ]

    @cached_property
    def base(self) -> Config:
        """What to build next to the config: the original or, where it was edited, what it would be now.

        Raises :class:`YamlInjectError` where the injected layers cannot be removed.
        """
        original = None if self.edited else self.original
        return original or self.config.without(self.injected)

    @cached_property
    def named(self) -> Config | None:
        """The base under the name that it is built by, whatever the config is now; None if none is known.

        A base of all scales has the scale that the config's name selects.
        """
        if self.original:
            found, name = self.original, self.original.name
            if self.evidence == "recorded" and not self.edited:
                line = self.config.parsed.provenance[-1].provenance
                name = line.request.base if line.request.base != bases.STDIN else self._like_the_original
                there = None if line.is_of(found.to_bytes()) else recorded_base(line, self.config.path)[0]
                if there and line.has_rows(there.layers):  # whose other values may have been edited here
                    found = there
        else:
            known = known_like(self.base)
            if known is None or architecture(known) != architecture(self.base):
                return None
            found, name = known, known.name
        stem = Path(name).stem if bases.is_path(name) else name
        if name == bases.STDIN:
            stem = self.config.stem
        scale = scales.asked(self.config.stem)
        if scale and not scales.asked(stem) and scales.built(found.document.data, stem):
            stem = scales.asking(stem, scale)
            name = name if bases.is_path(name) else stem
        return Config(name, found.to_bytes(), stem=stem, path=found.path)

    @cached_property
    def _like_the_original(self) -> str:
        """What to call a base that has no name in the line: the one that was given, or the known one."""
        if self.original is None or not isinstance(self.original, Rewritten):
            return self.original.name if self.original else bases.STDIN
        known = known_like(self.original)
        is_it = known and architecture(known) == architecture(self.original)
        return known.name if known and is_it else bases.STDIN

    @cached_property
    def name(self) -> str:
        """What to call the base."""
        if self.evidence == "given" and self.match:
            return self.match.base.name
        if self.evidence == "recorded":
            name = self.config.parsed.provenance[-1].provenance.request.base
            return name if name != bases.STDIN else self._like_the_original
        return self.named.label if self.named else NAMELESS

    @property
    def reference(self) -> str | None:
        """The name of the base that the references are compared with."""
        return self.match.base.name if self.match else None

    @property
    def wrong_readers(self) -> list[WrongReader]:
        """The layers that do not read what they read in the base."""
        return self.match.wrong_readers if self.match else []


def resolve(
    config: Config,
    given: Config | None = None,
    architecture: Sequence[Layer] = (),
    *,
    search: Search = "installed",
) -> Lineage:
    """Find what ``config`` was made from.

    That is ``given``; else what the provenance lines say; else the model with the layers ``architecture``;
    else the base, of those in ``search``, that explains its layers best; else what remains without the
    layers that are attention by their names.
    Raises :class:`RefusalError` when it was not made from ``given`` or the model with ``architecture``.
    """
    if given is not None:
        return _given(config, given)
    recorded = _recorded(config) if config.parsed.provenance else None
    if recorded:
        return recorded
    if architecture:
        return trained(config, architecture)
    match = _searched(config, search)
    edited = bool(config.parsed.provenance)
    if match:
        return Lineage("matched", config, match.aligned, match, edited=edited)
    layers = config.parsed.layers
    attention = {layer.index for layer in layers[1:-1] if _is_attention(layer)}
    return Lineage("none", config, [index for index in range(len(layers)) if index not in attention])


def _given(config: Config, base: Config) -> Lineage:
    match = matching.without_replacement(config.parsed.layers, Wiring.of(base.label, base.layers))
    recorded = _recorded(config) if match is None and config.parsed.provenance else None
    if recorded and recorded.original and _rows(recorded.original) == _rows(base):
        return replace(recorded, original=base)
    if match is None:
        with named(config.label):
            raise RefusalError(
                f"it is not {base.label} with attention layers inserted: give another `base`"
            )
    return Lineage("given", config, match.aligned, match, base)


def _rows(config: Config) -> list[Any]:
    return [layer.row for layer in config.parsed.layers]


def trained(config: Config, architecture: Sequence[Layer]) -> Lineage:
    """The base is what a checkpoint was trained with, if it is clear where its layers are."""
    found = alignment.alignments(config.layers, architecture)
    if not found:
        raise another_model(config, architecture)
    if len(found) > 1:
        with named(config.label):
            raise RefusalError(
                "two equal layers, and it is not known which one is new: give `base`",
                config.document.place(min(set(found[0]) ^ set(found[1]))),
            )
    (aligned,) = found
    base = Wiring.of("the checkpoint's model", architecture)
    wrong = list(alignment.wrong_readers(config.layers, base.layers, aligned))
    return Lineage("given", config, aligned, Match(base, aligned, wrong))


def another_model(config: Config, base: Sequence[Layer]) -> RefusalError:
    """The error for a config that is not the model with the layers ``base`` and others inserted."""
    rest = iter(config.layers)
    missing = next((one for one in base if all(other.module != one.module for other in rest)), None)
    where = f": it has no {flow(missing.module)} for the layer {missing.index} of that" if missing else ""
    problem = f"it is not the checkpoint's model with layers inserted{where}"
    return RefusalError(problem, file=config.label)


def _recorded(config: Config) -> Lineage | None:
    """What the provenance lines say: undone, they give the base, or the config was edited since."""
    lines = config.parsed.provenance
    found = list(states(config))
    oldest, complete = lines[-1].provenance, len(found) == len(lines)
    if complete and found[-1][0].same_rows:
        current, aligned = found[-1]
        base = Wiring.of(oldest.request.base, current.layers)
        return Lineage("recorded", config, aligned, Match(base, aligned, []), current)
    for known in (recorded_base(oldest, config.path)[0], known_like(found[-1][0]) if complete else None):
        wiring = next(_wirings([known] if known else []), None)
        match = wiring and (_injected_into(config, wiring) or _changed_by_lines(config, found, wiring))
        if match:
            return Lineage("recorded", config, match.aligned, match, known, edited=True)
    return None


def _injected_into(config: Config, wiring: Wiring) -> Match | None:
    return matching.without_replacement(config.parsed.layers, wiring)


def _changed_by_lines(
    config: Config, found: Sequence[tuple[Rewritten, list[int]]], wiring: Wiring
) -> Match | None:
    """The base as what is left when all lines are undone, though they replaced modules of it."""
    if len(found) < len(config.parsed.provenance):
        return None
    restored, places = found[-1]
    match = _injected_into(restored, wiring)
    if match is None:
        return None
    aligned = [places[index] for index in match.aligned]
    wrong = list(alignment.wrong_readers(config.parsed.layers, wiring.layers, aligned))
    return Match(wiring, aligned, wrong)


def _searched(config: Config, search: Search) -> Match | None:
    """The base that explains the layers best; of those installed, only one without replaced modules."""
    if search == "nowhere":
        return None
    layers = config.parsed.layers
    found = matching.match(layers, architectures.wirings())
    if found or search == "upstream":
        return found
    installed = _wirings(Config(base.name, base.data) for base in bases.known())
    return matching.match(layers, installed, replacement=False)


def _wirings(configs: Iterable[Config]) -> Iterator[Wiring]:
    """The wirings of those that are configs."""
    for config in configs:
        with suppress(YamlInjectError):
            yield Wiring.of(config.label, config.layers)


def _is_attention(layer: Layer) -> bool:
    """Whether a layer is attention by the name of its module."""
    by_name = layer.module in recipes.names() or modules.known(layer.module).role == "attention"
    return by_name and alignment.could_be_injected(layer)
