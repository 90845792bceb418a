"""Base configs by name: the embedded ones, then those that installed frameworks ship."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from yamlinject.core import scales, spelling
from yamlinject.core.source import Source
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.files import is_yaml, read_bytes, read_stdin
from yamlinject.library.data import stems, template

STDIN = "-"

#: The package whose configs are there with no framework installed.
EMBEDDED = "yamlinject"

#: The base config where none is named.
DEFAULT = "yolov5s"

#: Where a framework's package keeps its model configs.
_FRAMEWORKS = {"yolov5": "models", "ultralytics": "cfg/models"}

#: What their names are like; those of YOLOv5's sizes are embedded.
_NAMES = {"yolov5": r"yolov3.*|yolov5.*[-0-9].*", "ultralytics": r"rtdetr.*|yolo[a-z-]*([689]|\d\d).*"}

#: ``yolo11n-seg`` names the file ``yolo11-seg.yaml`` with scale n.
_SCALED = re.compile(r"(?P<family>yolo[a-z-]*\d+)(?P<scale>[a-z])(?P<task>.*)")


_UNSCALED = re.compile(r"(?P<family>yolo[a-z-]*\d+)(?P<task>(?:-.*)?)")
_SCALES = "nsmlx"


class Base(NamedTuple):
    """A base config as found: ``name`` is what the user called it, ``stem`` the start of file names."""

    name: str
    stem: str
    data: bytes
    path: Path | None = None


def read(name: str) -> Base:
    """Read the base config that ``name`` stands for: ``-``, a path, or a name.

    Anything with a folder or the ending ``.yaml`` or ``.yml`` is a path; where there is no file ``x.yaml``,
    that is the name ``x``. Raises :class:`SourceError`.
    """
    if name == STDIN:
        return Base(STDIN, "stdin", read_stdin())
    path = Path(name)
    if is_path(name):
        of_all_scales = file_of_all_scales(name)
        if of_all_scales:
            return Base(name, path.stem, read_bytes(of_all_scales), of_all_scales)
        named = None if path.exists() or path.name != name else by_name(path.stem)
        return named or Base(name, path.stem, read_bytes(path), path)
    found = by_name(name)
    if found:
        return found
    if path.is_file():
        return Base(name, path.stem, read_bytes(path), path)
    raise SourceError(_unknown(name))


def file_of_all_scales(name: str) -> Path | None:
    """The file that Ultralytics opens if that one does not exist: the file of all scales."""
    other = scales.unscaled(name)
    if os.path.exists(name) or not os.path.isfile(other):  # neither raises for an impossible name
        return None
    return Path(other) if _scales(Path(other)) else None


def is_path(name: str) -> bool:
    """Whether ``name`` can only be a path, whether or not the file exists."""
    return is_yaml(name) or "/" in name or os.sep in name or bool(os.path.splitdrive(name)[0])


def by_name(name: str) -> Base | None:
    """The embedded base config of that name, or the one that an installed framework ships."""
    data = _embedded(name)
    if data is None:
        found = _find(name)
        data = read_bytes(found) if found else None
    return None if data is None else Base(name, name, data)


@cache
def _embedded(name: str) -> bytes | None:
    file = template("bases", f"{name}.yaml")
    return read_bytes(file) if file.is_file() else None


def embedded() -> list[str]:
    """The names of the base configs that yamlinject itself holds."""
    return stems("bases")


def names() -> list[str]:
    """Every name that :func:`read` knows: embedded, and of the installed frameworks."""
    return sorted(origins())


def origins() -> dict[str, str]:
    """Every name that :func:`read` knows, and the package whose config it means."""
    found = dict.fromkeys(embedded(), EMBEDDED)
    for framework in _FRAMEWORKS:
        for name, file in _shipped(framework).items():
            text = file.read_bytes()
            if b"\nbackbone:" not in text:  # anchors.yaml
                continue
            found.setdefault(name, framework)
            unscaled = _UNSCALED.fullmatch(name)
            if unscaled and b"\nscales:" in text:
                for scale in _SCALES:
                    found.setdefault(f"{unscaled['family']}{scale}{unscaled['task']}", framework)
    return found


def known() -> Iterator[Base]:
    """Every base config once: embedded, and of the installed frameworks."""
    files = {name: template("bases", f"{name}.yaml") for name in embedded()}
    for framework in _FRAMEWORKS:
        for name, file in _shipped(framework).items():
            files.setdefault(name, file)
    for name, file in files.items():
        yield Base(name, name, read_bytes(file))


def _find(name: str) -> Path | None:
    for framework in _FRAMEWORKS:
        files = _shipped(framework)
        if name in files:
            return files[name]
        scaled = _SCALED.fullmatch(name)
        file = files.get(scaled["family"] + scaled["task"]) if scaled else None
        if file and scaled and scaled["scale"] in _scales(file):
            return file
    return None


def _shipped(framework: str) -> dict[str, Path]:
    """The model configs that an installed framework ships, by name; the package is not imported."""
    from importlib.util import find_spec  # most runs need only an embedded base

    try:
        spec = find_spec(framework)
    except (ImportError, ValueError):
        return {}
    folders = spec.submodule_search_locations if spec else None
    files = (
        file
        for folder in folders or ()
        for file in sorted(Path(folder, _FRAMEWORKS[framework]).rglob("*.yaml"))
    )
    return {file.stem: file for file in files}


def _scales(file: Path) -> list[str]:
    try:
        data = load_values(Source.from_bytes(read_bytes(file)).text)
    except YamlInjectError:
        return []
    scales = data.get("scales") if isinstance(data, dict) else None
    return list(scales) if isinstance(scales, dict) else []


def _unknown(name: str) -> str:
    if name.lower() in map(str.lower, stems("modules")):
        return f"{name} is a module, which stands before the base: no base config is called that"
    meant = spelling.hint(name, names())
    missing = [framework for framework in _FRAMEWORKS if not _shipped(framework)]
    owner = next((framework for framework in missing if re.fullmatch(_NAMES[framework], name)), None)
    if owner:
        return (
            f"no base config is called {name!r} here; those of {owner} come with: "
            f"pip install 'yamlinject[{owner}]'"
        )
    more = f"; more with: pip install 'yamlinject[{','.join(missing)}]'" if missing else ""
    return (
        f"no base config is called {name!r}{meant}; there are {', '.join(embedded())}, those of the "
        f"installed frameworks, and paths that end in .yaml{more}"
    )
