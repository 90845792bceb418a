"""Which files ``check`` looks at: those that are named, and the YAML files of named folders."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from yamlinject.core import edits, lookalikes
from yamlinject.files import is_yaml, repository, resolved
from yamlinject.library import bases

#: A list of layers: ``backbone`` or ``head`` in front of a dash or a bracket. Configs of other tools have
#: such keys too, but with other values. An anchor and a tag may come between, of limited length, as the
#: next key may begin in them.
_LAYERS = re.compile(
    r"""(?:^|[\r{,?])[ \t]*["']?(?P<section>backbone|head)["']?\s*:\s*(?:[&!]\S{1,99}\s+){0,2}(?:\[|-\s)""",
    re.MULTILINE,
)

#: A row somewhere in it: a number or a list of them, a number, a name. Lists of other tools have none.
_ROW = re.compile(r"""[0-9\]]\s*,\s*[0-9]+\s*,\s*["']?[A-Za-z_]|-\s+-?[0-9]+\s+-\s+["']?[A-Za-z_]""")

_COMMENT = re.compile(r"(?:^|(?<=[ \t\r]))#[^\r\n]*", re.MULTILINE)

#: The largest file that is looked at, in bytes; the largest public model config has 25 kB.
MOST_BYTES = 2**20


class File(NamedTuple):
    """A file to check: ``name`` is what to call it, ``problem`` why it cannot be read.

    ``named``: whether the user named the file itself, not a folder that it is in.
    """

    name: str
    named: bool = True
    problem: str | None = None


def holds_layers(text: str) -> bool:
    """Whether ``text`` looks like a model config, correct or not, or would in other characters."""
    if _holds_layers(text):
        return True
    meant = [lookalikes.replacement(text, found) for found in lookalikes.find(text)]
    return _holds_layers(edits.apply(text, meant))


def _holds_layers(text: str) -> bool:
    text = _COMMENT.sub("", text)
    sections = {match["section"] for match in _LAYERS.finditer(text)}
    return len(sections) == 2 or (len(sections) == 1 and _ROW.search(text) is not None)


def find(paths: Iterable[str]) -> list[File]:
    """The files of ``paths``, each once; folders are searched for ``*.yaml`` and ``*.yml``.

    Hidden folders and virtual environments are left out; links to folders are not followed, nor are links
    to files outside the :func:`repository`, whose content would show in the log of a pull request.
    """
    found: dict[str, File] = {}
    for path in paths:
        files = _search(path) if path != bases.STDIN and os.path.isdir(path) else [File(path)]
        for file in files:
            found.setdefault(os.path.normpath(file.name), file)
    return list(found.values())


def _search(folder: str) -> Iterator[File]:
    problems: list[OSError] = []
    root = repository(Path(folder))
    for parent, folders, names in os.walk(folder, onerror=problems.append):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".") and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if is_yaml(name):
                path = Path(parent, name)
                if _is_file(path) and (not path.is_symlink() or resolved(path).is_relative_to(root)):
                    yield File(str(path), named=False)
    for problem in problems:
        yield File(str(problem.filename), named=False, problem=f"cannot read it: {problem.strerror}")


def _is_file(path: Path) -> bool:
    """Whether ``path`` is a regular file: not a pipe, and not a broken or circular link."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
