"""What a config was made from: the base that it is compared with, and which of its layers are attention."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

from yamlinject import files
from yamlinject.config import Config, Restored
from yamlinject.core import provenance
from yamlinject.core.provenance import Provenance
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import RefusalError, SourceError, YamlInjectError, named
from yamlinject.library import bases, recipes
from yamlinject.lineage import alignment as wiring

#: Why a base that a provenance line names is not read: it is not there, or not in the same repository.
Absence = Literal["missing", "outside"]


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
    exact = True
    while lines := provenance.read(current.text):
        line, start, _ = lines[0]
        try:
            restored = current.remove(line.request.module)
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
    name = line.request.base
    if exact:
        return Origin(current, name, places, current)
    return Origin(current, name, places, _named(line, config, current) or _known(current), edited=True)


def _moved(places: list[int], restored: Restored) -> list[int]:
    return [places[index] for index, new in enumerate(restored.rewrite.index_map.moved) if new >= 0]


def recorded_base(
    line: Provenance, config: Config, given: Config | None = None
) -> tuple[Config | None, Absence | None]:
    """The base that a provenance line names, from the current folder or from that of the config.

    With a file of that name in both, the one that the line was made of, or else the one beside the config.
    None where that is no file of its own (standard input, or the config itself, ``--in-place``), and where
    it is absent. The line may be anybody's: nothing outside of the repository is looked at but ``given``,
    the base that the user names.
    """
    try:
        return _recorded_base(line, config, given)
    except (OSError, SourceError, ValueError, RuntimeError):  # the name may be anything
        return None, "missing"


def _recorded_base(
    line: Provenance, config: Config, given: Config | None
) -> tuple[Config | None, Absence | None]:
    name = line.request.base
    if name in (bases.STDIN, ""):
        return None, None
    folders = [Path(), *([config.path.parent] if config.path else [])]
    allowed = given and given.path and given.path.resolve()
    inside = [
        folder / name
        for folder in folders
        if (folder / name).resolve() == allowed or _is_inside(folder / name, folder)
    ]
    found = []
    for path in (path for path in inside if path.is_file()):
        if config.path and path.samefile(config.path):
            return None, None
        data = bases.read(str(path)).data
        found.append(Config(name, data, stem=path.stem, path=path))
    exact = (one for one in found if provenance.digest(one.to_bytes()) == line.digest)
    if found:
        return next(exact, found[-1]), None
    if not inside:
        return None, "outside"
    named = None if bases.is_path(name) else bases.by_name(name)
    if named is None:
        return None, "missing"
    return Config(name, named.data, stem=named.stem), None


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether ``path``, its links followed, is in the repository of ``folder``."""
    return path.resolve().is_relative_to(files.repository(folder))


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
    data = load_values(config.text)
    rows = [*data.get("backbone", []), *data.get("head", [])] if isinstance(data, dict) else []
    return [row[2] for row in rows]


def _modules(config: Config) -> list[str]:
    return [layer.module for layer in config.layers]


def _scaling(config: Config) -> list[object]:
    return [config.document.data.get(key) for key in ("depth_multiple", "width_multiple")]
