"""Modules of the user's own: the module files that count, and which of them a name comes from.

Module files are named on the command line, in the nearest ``pyproject.toml``::

    [tool.yamlinject]
    modules = ["blocks.py"]

and by installed packages, as entry points of the group ``yamlinject.modules``: ``mine = "pkg.blocks"``.
The command line comes before the project, and both come before what is built in. Packages come after that:
to install one never changes what ``SimAM`` means.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from yamlinject.core.layer import as_flow
from yamlinject.core.request import Request
from yamlinject.errors import RefusalError, SourceError, YamlInjectError, named
from yamlinject.files import read_bytes, resolved
from yamlinject.library import module_files, recipes
from yamlinject.library.module_files import ModuleClass

#: Where processes that a program starts find the module files of the command line.
VARIABLE = "YAMLINJECT_MODULES"

_GROUP = "yamlinject.modules"

_PROJECT = "pyproject.toml"


def use(files: Iterable[str | Path]) -> None:
    """Let module files count for this process, and for those that it starts.

    Raises :class:`YamlInjectError` for one that cannot be read.
    """
    given = [str(_resolved(Path(file))) for file in files]
    find(given)
    before = os.environ.get(VARIABLE, "").split(os.pathsep)
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*given, *filter(None, before)]))


def completed(request: Request, given: Iterable[str | Path] = (), *, here: Collection[str] = ()) -> Request:
    """``request`` with the module's name as its file or its recipe has it, and with the args of its class.

    Where a class takes more than channels, and has a value for all of it, a row that it replaces keeps its
    args. ``here``: the modules of the config, which are known too.
    Raises :class:`YamlInjectError` as :func:`find` does, for a class that does not tell its args, and for a
    slip of a known name where all else would be taken from the row that is replaced.
    """
    own = find(given, packages=recipes.canonical(request.module) not in recipes.names())
    request = request._replace(module=recipes.canonical(request.module, own))
    found = own.get(request.module)
    if found is None and request.args is None and own and not request.replaces:
        recipes.recipe(request.module, others=own)
    if found is None and request.args is None and request.replaces and request.module not in here:
        _check_spelling(request.module, own)
    if found is None or request.args is not None or (request.replaces and recipes.keeps_args(found)):
        return request
    row = recipes.derived(found)
    if row.why_not_inserted and not request.replaces:
        raise RefusalError(row.why_not_inserted)
    return request._replace(args=as_flow(row.args))


def _check_spelling(module: str, own: Iterable[str]) -> None:
    meant = recipes.slip(module, tuple(own))
    if meant:
        raise RefusalError(
            f"{module} is not known (did you mean {meant}?): if it is meant, give the `args` of its row"
        )


def find(given: Iterable[str | Path] = (), *, packages: bool = True) -> dict[str, ModuleClass]:
    """The modules of the user's own, by their names; ``given``: the module files of the command line.

    Without ``packages`` those of installed packages are left out: to look for them takes milliseconds.
    Raises :class:`YamlInjectError` for a file that cannot be read, and for a name that two files of one
    rank have.
    """
    inherited = [file for file in os.environ.get(VARIABLE, "").split(os.pathsep) if file]
    commanded = dict.fromkeys(map(Path, [*given, *inherited]), "")
    found = {**_classes(dict.fromkeys(_of_project(Path.cwd()), "")), **_classes(commanded)}
    if not packages:
        return found
    others = _classes(dict(_of_packages()))
    return {**{name: one for name, one in others.items() if name not in recipes.names()}, **found}


def _classes(files: Mapping[Path, str]) -> dict[str, ModuleClass]:
    """The modules of files of one rank; with each file goes the name that it is imported by, or nothing."""
    found: dict[str, ModuleClass] = {}
    for file, imported_as in {_resolved(file): name for file, name in files.items()}.items():
        for name, each in module_files.read(file, imported_as).items():
            if name in found:
                raise YamlInjectError(f"two module files have a {name}: {found[name].file} and {file}")
            found[name] = each
    return found


def _resolved(file: Path) -> Path:
    try:
        return resolved(file)
    except ValueError:
        raise SourceError("no file has a null character in its name", file=str(file)) from None


def _of_project(folder: Path) -> list[Path]:
    """The module files that the nearest ``pyproject.toml`` names, from ``folder`` upwards."""
    projects = (parent / _PROJECT for parent in (folder, *folder.parents))
    file = next((file for file in projects if file.is_file()), None)
    text = read_bytes(file) if file else b""
    if file is None or b"yamlinject" not in text:
        return []
    with named(str(file)):
        return [file.parent / module for module in _listed(text)]


def _listed(text: bytes) -> list[str]:
    """What ``[tool.yamlinject]`` has under ``modules``."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        data = tomllib.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"not valid TOML: {error}") from None
    tool = data.get("tool")
    table = tool.get("yamlinject") if isinstance(tool, Mapping) else None
    modules = table.get("modules", []) if isinstance(table, Mapping) else []
    if not isinstance(modules, list) or not all(isinstance(module, str) for module in modules):
        raise SourceError("modules in [tool.yamlinject] has to be a list of files, such as ['blocks.py']")
    return modules


def _of_packages() -> Iterator[tuple[Path, str]]:
    """The module files of installed packages with their names; nothing of them is imported."""
    if not any(map(_declares_modules, sys.path)):  # importlib.metadata takes as long as half a rewrite
        return
    from importlib.metadata import entry_points

    for point in entry_points(group=_GROUP):
        inside = Path(*point.module.split("."))
        places = [Path(folder) / f"{inside}.py" for folder in sys.path]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            owner = point.dist.name if point.dist else point.value
            raise YamlInjectError(
                f"the package {owner} names a module file {point.module}, which is not there"
            )
        yield file, point.module


def _declares_modules(folder: str) -> bool:
    try:
        entries = os.listdir(folder or ".")
    except OSError:
        return False
    return any(
        _GROUP.encode() in read_bytes(file)
        for entry in entries
        if entry.endswith((".dist-info", ".egg-info"))
        for file in [Path(folder, entry, "entry_points.txt")]
        if file.is_file()
    )
