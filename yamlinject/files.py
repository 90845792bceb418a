"""Which files ``check`` looks at: those that are named, and the YAML files of folders that are."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from yamlinject import bases, source

#: A list of layers: ``backbone`` or ``head`` in front of a dash or a bracket. Configs of other tools have
#: such keys too, but with other values.
_LAYERS = re.compile(
    r"""(?:^["']?(?:backbone|head)["']?|"(?:backbone|head)")[ \t]*:"""
    r"""[ \t]*(?:\#[^\r\n]*)?(?:(?:\r\n|\r|\n)(?:[ \t]*(?:\#[^\r\n]*)?(?:\r\n|\r|\n))*[ \t]*)?[-\[]""",
    re.MULTILINE,
)


class File(NamedTuple):
    """A file to check: ``name`` is what to call it, ``problem`` why it cannot be read.

    ``named``: the user named the file itself, and not a folder that it is in.
    """

    name: str
    named: bool = True
    problem: str | None = None


def holds_layers(text: str) -> bool:
    """Whether ``text`` looks like a model config, be it a right one or not."""
    return _LAYERS.search(text) is not None


def find(paths: Iterable[str]) -> list[File]:
    """The files of ``paths``, each once; folders are searched for ``*.yaml`` and ``*.yml``.

    Hidden folders and virtual environments are left out, and links to folders are not followed.
    """
    found: dict[str, File] = {}
    for path in paths:
        files = _search(path) if path != bases.STDIN and os.path.isdir(path) else [File(path)]
        for file in files:
            found.setdefault(os.path.normpath(file.name), file)
    return list(found.values())


def _search(folder: str) -> Iterator[File]:
    problems: list[OSError] = []
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if name.lower().endswith((".yaml", ".yml")):
                path = Path(parent, name)
                if _is_readable(path):
                    yield File(str(path), named=False)
    for problem in problems:
        yield File(str(problem.filename), named=False, problem=f"cannot read it: {problem.strerror}")


def _is_readable(path: Path) -> bool:
    """Whether it is a file, and not too large to be a config."""
    try:
        status = path.stat()
    except OSError:  # a link that leads nowhere, or round in a circle
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= source.MAX_BYTES
