"""Checkouts of YOLOv5, made from the installed package: upstream's files are not ours to ship."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path


def package() -> Path:
    """The folder of the installed ``yolov5``, which is not imported."""
    spec = importlib.util.find_spec("yolov5")
    assert spec is not None, "yolov5 is not installed: pip install -e '.[test]'"
    assert spec.submodule_search_locations is not None
    return Path(next(iter(spec.submodule_search_locations)))


def checkout(folder: Path) -> Path:
    """A copy in ``folder`` with ``models`` and ``utils`` at the top, as in a checkout of the repository."""
    shutil.copytree(package(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in folder.rglob("*.py"):
        text = file.read_bytes().decode()
        changed = text.replace("from yolov5.", "from ").replace("import yolov5.", "import ")
        if changed != text:
            file.write_bytes(changed.encode())
    return folder


def edit(file: Path, old: str, new: str) -> None:
    """Replace the only ``old`` in ``file``."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    file.write_text(text.replace(old, new), encoding="utf-8")
