"""What a config was made from: the base that it is compared with, and which of its layers are attention."""

from __future__ import annotations

from typing import Any, NamedTuple

from yamlinject import bases, provenance, recipes, wiring
from yamlinject.config import Config, Restored, load
from yamlinject.errors import RefusalError, YamlInjectError, named
from yamlinject.parsers import FAST_LOADER, load_values


class Origin(NamedTuple):
    """``base`` is what to build next to the config; ``places`` is where its layers stand in the config.

    ``reference``: a config whose references are known to be right, with as many layers as ``base``; None
    where there is nothing but the config itself to go by. ``name``: what to call the base.
    """

    base: Config
    name: str
    places: list[int]
    reference: Config | None
    edited: bool = False


def origin(config: Config, base: Config | None = None) -> Origin:
    """Find what ``config`` was made from.

    That is ``base`` if it is given; else what the provenance lines say; else what remains without all
    modules that there is a recipe for, held against the base configs that are known.
    Raises :class:`YamlInjectError` when ``base`` is not in it, or its provenance does not fit it.
    """
    if base is not None:
        places = wiring.align(config.layers, base.layers)
        if places is None:
            with named(config.label):
                raise RefusalError(
                    f"it is not {base.label} with attention layers put in: give another --base"
                )
        return Origin(base, base.label, places, base)
    lines = provenance.read(config.text)
    if lines:
        return _recorded(config)
    current, places = config, list(range(len(config.layers)))
    for module in sorted({layer.module for layer in config.layers} & set(recipes.names())):
        restored = current.remove(module)
        places = _moved(places, restored)
        current = restored
    reference = _known(current)
    return Origin(current, reference.stem if reference else "without attention", places, reference)


def _recorded(config: Config) -> Origin:
    """Undo all provenance lines."""
    current, places = config, list(range(len(config.layers)))
    exact, name = True, ""
    while lines := provenance.read(current.text):
        line, start, _ = lines[0]
        try:
            restored = current.remove(line.module)
        except YamlInjectError as error:
            place = config.document.lines.place(start)
            raise RefusalError(
                f"its provenance line does not fit its layers ({error.message}): delete it, or give --base",
                place,
                file=config.label,
            ) from None
        exact, name = restored.exact, line.base
        places = _moved(places, restored)
        current = restored
    if exact:
        return Origin(current, name, places, current)
    return Origin(current, name, places, _named(name, current) or _known(current), edited=True)


def _moved(places: list[int], restored: Restored) -> list[int]:
    return [places[index] for index, new in enumerate(restored.rewrite.index_map.moved) if new >= 0]


def _named(name: str, like: Config) -> Config | None:
    """The base that a provenance line names, if it is there and has the modules of ``like``."""
    if name == bases.STDIN:
        return None
    try:
        found = load(name)
    except YamlInjectError:
        return None
    return found if _modules(found) == _modules(like) else None


def _known(like: Config) -> Config | None:
    """The known base config with the modules of ``like``, and of those the one most like it."""
    best, fewest = None, 0
    for base in bases.known():
        found = Config(base.name, base.data)
        if _rows(found) != _modules(like):
            continue
        places = wiring.align(like.layers, found.layers)
        if places is None:
            continue
        wrong = sum(1 for _ in wiring.misread(like.layers, found.layers, places))
        differences = 2 * wrong + (_scaling(found) != _scaling(like))
        if best is None or differences < fewest:
            best, fewest = found, differences
    return best


def _rows(config: Config) -> list[Any]:
    """The modules of the rows, without taking more of the text apart than that needs."""
    data = load_values(config.text, loader=FAST_LOADER)
    rows = [*data.get("backbone", []), *data.get("head", [])] if isinstance(data, dict) else []
    return [row[2] for row in rows]


def _modules(config: Config) -> list[str]:
    return [layer.module for layer in config.layers]


def _scaling(config: Config) -> list[object]:
    return [config.document.data.get(key) for key in ("depth_multiple", "width_multiple")]
