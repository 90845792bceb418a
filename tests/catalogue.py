"""Writes ``templates/wirings.txt``, from the installed packages and ``../shared/corpus/base``::

    python -m tests.catalogue

It writes facts only: the modules in their order, what each reads, and its stride.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import CORPUS, REPOSITORY, shipped
from yamlinject.config import Config
from yamlinject.core.layer import Layer
from yamlinject.errors import YamlInjectError
from yamlinject.library.architectures import Wiring
from yamlinject.library.bases import DEFAULT

FILE = REPOSITORY / "templates" / "wirings.txt"

HEADER = """\
# What the layers of upstream models are and read, one model per line, written by tests/catalogue.py.
# A row: its module, /stride where it is not 1, @layers that it reads unless it is the one above it.
# | parts the backbone from the head.
"""


def sources() -> Iterator[tuple[str, Path]]:
    """Every upstream config with a name; where several have the same wiring, the first one gives it."""
    bases = REPOSITORY / "templates" / "bases"
    yield DEFAULT, bases / f"{DEFAULT}.yaml"
    for package, folder in (("yolov5", "models"), ("ultralytics", "cfg/models")):
        for path in shipped(package, folder):
            yield f"{path.stem} of {package}", path
    files = sorted((CORPUS / "base").rglob("*.yaml"), key=lambda path: (len(path.parts), path.name))
    for path in files:
        owner, repository, *_, last = path.stem.split("__")
        is_old = re.fullmatch("[0-9a-f]{8}", last) is not None
        stem = path.stem.split("__")[-2] if is_old else last
        yield f"{stem} of {'an older ' * is_old}{owner}/{repository}", path


def layers(path: Path) -> list[Layer] | None:
    """The layers of a config, None for one that no framework could build."""
    try:
        return Config(path.name, path.read_bytes()).layers
    except YamlInjectError:
        return None


def build() -> str:
    """The text of the catalogue."""
    lines: dict[str, str] = {}
    for name, path in sources():
        found = layers(path)
        if found is not None:
            line = str(Wiring.of(name, found))
            lines.setdefault(line.partition(":")[2], f"{line}\n")
    return HEADER + "".join(lines.values())


if __name__ == "__main__":
    FILE.write_text(build(), encoding="utf-8")
