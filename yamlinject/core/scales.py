"""Scales: Ultralytics keeps several sizes of a model in one file, and the file's name selects one.

The rules are those of ``ultralytics/nn/tasks.py``: ``guess_model_scale`` and ``yaml_model_load``.
"""

from __future__ import annotations

import re
from typing import Any

_FAMILY = re.compile(r"yolo(?:e-)?v?\d+")

#: What to begin with where nothing names a family.
_USUAL = "yolov8"

_ASKED = re.compile(rf"{_FAMILY.pattern}([nslmx])")

_SCALED_PATH = re.compile(r"(\d+)[nslmx](.+)?$")


def asked(stem: str) -> str:
    """The scale that a name without its ending selects, or nothing: ``yolo11s_SimAM`` selects s."""
    found = _ASKED.search(stem)
    return found[1] if found else ""


def asking(stem: str, scale: str, base: str = "") -> str:
    """The name ``stem`` with ``scale`` in it: yolo11_x becomes yolo11s_x, and mine yolov8s_mine.

    ``base``: what to begin with where ``stem`` names no family of models, if it names one itself.
    """
    if not _FAMILY.search(stem):
        stem = f"{base if _FAMILY.search(base) else _USUAL}_{stem}"
    bare = _ASKED.sub(lambda found: found[0][:-1], stem, count=1)
    return _FAMILY.sub(lambda found: found[0] + scale, bare, count=1)


def unscaled(path: str) -> str:
    """The path that is opened if ``path`` does not exist: ``yolov8_x.yaml`` for ``yolov8s_x.yaml``."""
    return _SCALED_PATH.sub(r"\1\2", path)


def built(data: dict[str, Any], stem: str) -> str | None:
    """The scale in which a file with the values ``data`` is built, or None if it has no ``scales``.

    If it is not one of those, the file cannot be built.
    """
    scales = data.get("scales")
    if not isinstance(scales, dict) or not scales:
        return None
    return asked(stem) or str(next(iter(scales)))
