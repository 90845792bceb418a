"""What provenance lines lead to: the configs before them, and the file that one names as its base."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from yamlinject import files
from yamlinject.config import Config, Rewritten
from yamlinject.core import scales
from yamlinject.core.provenance import Provenance
from yamlinject.core.request import Request, command_line
from yamlinject.errors import RefusalError, SourceError, YamlInjectError
from yamlinject.library import bases

#: Why a base that a provenance line names is not read: it is not there, or not in the same repository.
Absence = Literal["missing", "outside"]

#: The most characters read while commands are undone one after the other; any real stack of them takes a
#: hundredth of that.
_MOST_TEXT = 2 * 2**20


def undone(config: Config) -> Iterator[Rewritten]:
    """The configs before each provenance line, as far as the lines fit, the newest first."""
    room = _MOST_TEXT
    while config.parsed.provenance and room > 0:
        try:
            config = config.undone
        except YamlInjectError:
            return
        room -= len(config.text)
        yield config


def states(config: Config) -> Iterator[tuple[Rewritten, list[int]]]:
    """:func:`undone`, each with where its layers are in ``config``."""
    aligned = list(range(len(config.parsed.layers)))
    for restored in undone(config):
        aligned = [aligned[old] for old, new in enumerate(restored.rewrite.index_map.moved) if new >= 0]
        yield restored, aligned


def before(config: Config, request: Request) -> Config | None:
    """What the command ``request`` made ``config`` of, whatever was done afterwards; None if it did not.

    Raises :class:`RefusalError` when that command made it but it has been edited since.
    """
    current = config
    for made, start, _ in config.parsed.provenance:
        restored = current.undone
        if made.request == request._replace(base=made.request.base):
            if restored.same_rows:
                return restored
            raise RefusalError(
                "this command was run on it before, and it was edited since: take that back first "
                f"with {command_line('undo', config.name, '--in-place')}",
                config.document.lines.place(start),
                file=config.label,
            )
        current = restored
    return None


def recorded_base(
    line: Provenance, path: Path | None, given: Config | None = None
) -> tuple[Config | None, Absence | None]:
    """The base that a line of the config at ``path`` names, from the current folder or from the config's.

    With a file of that name in both, the one that the line was made from, or else the one beside the
    config. None if that is not a separate file (standard input, or the config itself, ``--in-place``), or
    if it is absent. The line may come from anyone: nothing outside the repository is read except
    ``given``, the base that the user names.
    """
    try:
        return _recorded_base(line, path, given)
    except (OSError, SourceError, ValueError, RuntimeError):  # the name may be anything
        return None, "missing"


def _recorded_base(
    line: Provenance, config: Path | None, given: Config | None
) -> tuple[Config | None, Absence | None]:
    name = line.request.base
    if name in (bases.STDIN, ""):
        return None, None
    folders = dict.fromkeys([Path(), *([config.parent] if config else [])])
    allowed = given and given.path and given.path.resolve()
    names = dict.fromkeys([scales.unscaled(name), name])  # the file of all scales, where there is no other
    paths = [(folder, folder / each) for folder in folders for each in names]

    def is_ours(folder: Path, path: Path) -> bool:
        return path.resolve() == allowed or _is_inside(path, files.repository(folder))

    found = []
    for folder, path in paths:
        if not (os.path.isfile(path) and is_ours(folder, path)):  # few are there to follow
            continue
        if config and path.samefile(config):
            return None, None
        data = bases.read(str(path)).data
        found.append(Config(name, data, stem=Path(name).stem, path=path))
    exact = (one for one in found if line.is_of(one.to_bytes()))
    if found:
        return next(exact, found[-1]), None
    # a plain name stays in its folder, unless it is that of a link
    may_leave = bases.is_path(name) or any(os.path.islink(path) for _, path in paths)
    if may_leave and not any(is_ours(folder, path) for folder, path in paths):
        return None, "outside"
    named = None if bases.is_path(name) else bases.by_name(name)
    if named is None:
        return None, "missing"
    return Config(name, named.data, stem=named.stem), None


def _is_inside(path: Path, root: Path) -> bool:
    """Whether ``path``, its links followed, is in the repository at ``root`` and not git's own."""
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        return False
    # by any name that a disk which does not tell upper from lower case has for it
    return ".git" not in map(str.casefold, resolved.relative_to(root).parts)
