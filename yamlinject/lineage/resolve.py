"""What a config was made from: the base that it is compared with, and which of its layers are attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from yamlinject.config import Config, Restored
from yamlinject.core import provenance
from yamlinject.core.layer import Layer, flow
from yamlinject.core.provenance import Provenance
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import RefusalError, YamlInjectError, named
from yamlinject.library import architectures, bases, recipes
from yamlinject.lineage import alignment, matching
from yamlinject.lineage.alignment import Misread
from yamlinject.lineage.recorded import recorded_base

#: How it is known what a config was made from: the user says it, or a checkpoint that was trained with it;
#: the config's provenance lines do; its layers are those of a known base with others among them; or not.
Evidence = Literal["given", "recorded", "matched", "none"]


#: What to call a base that is no config of anyone.
_NAMELESS = "without attention"


class Lineage(NamedTuple):
    """What a config was made from.

    ``base``: what to build next to the config; ``name``: what to call it; ``places``: where its layers
    stand in the config.
    ``reference``: the base that references were compared with, by its name, and None where there is nothing
    but the config itself to go by; ``misread``: the layers that read otherwise than in it.
    ``edited``: the config is not what its provenance line generates.
    """

    evidence: Evidence
    base: Config
    name: str
    places: list[int]
    reference: str | None
    misread: list[Misread]
    edited: bool = False


def resolve(config: Config, given: Config | None = None, architecture: Sequence[Layer] = ()) -> Lineage:
    """Find what ``config`` was made from.

    That is ``given``; else what the provenance lines say; else the model with the layers ``architecture``;
    else the base, of those that are known, that explains its layers best. Without any, what remains without
    all modules that there is a recipe for.
    Raises :class:`YamlInjectError` when the base is not in it, or its provenance does not fit it.
    """
    if given is not None:
        places = alignment.align(config.layers, given.layers)
        if places is None:
            with named(config.label):
                raise RefusalError(
                    f"it is not {given.label} with attention layers put in: give another --base"
                )
        return _compared("given", config, given, given.label, places, given)
    if provenance.read(config.text):
        return _recorded(config)
    if architecture:
        places = _only_alignment(config, architecture)
        base = config.without(alignment.put_in(config.layers, places))
        misread = list(alignment.misread(config.layers, architecture, places))
        name = "the checkpoint's model"
        return Lineage("given", base, name, places, name, misread)
    found = matching.match(config.layers, architectures.wirings())
    if found:
        base = config.without(alignment.put_in(config.layers, found.places))
        known = _known(base)
        name = known.stem if known else _NAMELESS
        return Lineage("matched", base, name, found.places, found.base.name, found.misread)
    return _by_recipes(config)


def _compared(
    evidence: Evidence,
    config: Config,
    base: Config,
    name: str,
    places: list[int],
    reference: Config | None,
    edited: bool = False,
) -> Lineage:
    """The lineage of a config whose references are compared with ``reference``, if there is one."""
    if reference is None:
        return Lineage(evidence, base, name, places, None, [], edited)
    misread = list(alignment.misread(config.layers, reference.layers, places))
    return Lineage(evidence, base, name, places, reference.label, misread, edited)


def _by_recipes(config: Config) -> Lineage:
    """A base that nobody knows: the config without the modules that there are recipes for."""
    current: Config = config
    places = list(range(len(config.layers)))
    for module in sorted({layer.module for layer in config.layers} & set(recipes.names())):
        restored = current.remove(module, proven=False)
        places = _moved(places, restored)
        current = restored
    known = _known(current)
    evidence: Evidence = "matched" if known else "none"
    return _compared(evidence, config, current, known.stem if known else _NAMELESS, places, known)


def _only_alignment(config: Config, base: Sequence[Layer]) -> list[int]:
    """Where the layers of ``base`` stand; raises :class:`RefusalError` if that is not sure."""
    found = alignment.alignments(config.layers, base)
    if not found:
        raise another_model(config, base)
    if len(found) > 1:
        with named(config.label):
            raise RefusalError(
                "two layers alike: which one is new cannot be told: give --base",
                config.document.place(min(set(found[0]) ^ set(found[1]))),
            )
    return found[0]


def another_model(config: Config, base: Sequence[Layer]) -> RefusalError:
    """The error for a config that is not the model with the layers ``base`` and others among them."""
    rest = iter(config.layers)
    missing = next((one for one in base if all(other.module != one.module for other in rest)), None)
    where = f": it has no {flow(missing.module)} for the layer {missing.index} of that" if missing else ""
    problem = f"it is not the checkpoint's model with layers put in{where}"
    return RefusalError(problem, file=config.label)


def _recorded(config: Config) -> Lineage:
    """Undo all provenance lines."""
    current, places = config, list(range(len(config.layers)))
    exact = True
    while lines := provenance.read(current.text):
        line, start, _ = lines[0]
        try:
            restored = current.remove(line.request.module, proven=False)
        except YamlInjectError as error:
            place = config.document.lines.place(start)
            raise RefusalError(
                f"its provenance line does not fit its layers ({error.message}): delete it, or give --base",
                place,
                file=config.label,
            ) from None
        exact = restored.exact
        places = _moved(places, restored)
        current = restored
    reference = current if exact else _named(line, config, current) or _known(current)
    return _compared("recorded", config, current, line.request.base, places, reference, edited=not exact)


def _moved(places: list[int], restored: Restored) -> list[int]:
    return [places[index] for index, new in enumerate(restored.rewrite.index_map.moved) if new >= 0]


def _named(line: Provenance, config: Config, like: Config) -> Config | None:
    """The base that a line of ``config`` names, if it is there and has the modules of ``like``."""
    found, _ = recorded_base(line, config)
    return found if found and _modules(found) == _modules(like) else None


def _known(like: Config) -> Config | None:
    """The known base config with the modules of ``like``, and of those the one most like it."""
    best, fewest = None, 0
    for base in bases.known():
        found = Config(base.name, base.data)
        if _rows(found) != _modules(like):
            continue
        places = alignment.align(like.layers, found.layers)
        if places is None:
            continue
        wrong = sum(1 for _ in alignment.misread(like.layers, found.layers, places))
        differences = 2 * wrong + (_scaling(found) != _scaling(like))
        if best is None or differences < fewest:
            best, fewest = found, differences
    return best


def _rows(config: Config) -> list[Any]:
    """The modules of the rows, without taking more of the text apart than that needs."""
    data = load_values(config.text)
    rows = [*data.get("backbone", []), *data.get("head", [])] if isinstance(data, dict) else []
    return [row[2] for row in rows]


def _modules(config: Config) -> list[str]:
    return [layer.module for layer in config.layers]


def _scaling(config: Config) -> list[object]:
    return [config.document.data.get(key) for key in ("depth_multiple", "width_multiple")]
