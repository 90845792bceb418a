"""Scales: Ultralytics keeps several sizes of a model in one file, and the file's name says which is built.

The rules are those of ``ultralytics/nn/tasks.py``: ``guess_model_scale`` and ``yaml_model_load``.
"""

from __future__ import annotations

import re
from typing import Any

_FAMILY = re.compile(r"yolo(?:e-)?v?\d+")

_ASKED = re.compile(rf"{_FAMILY.pattern}([nslmx])")

_SCALED_PATH = re.compile(r"(\d+)[nslmx](.+)?$")


def asked(stem: str) -> str:
    """The scale that a name without its ending asks for, or nothing: ``yolo11s_SimAM`` asks for s."""
    found = _ASKED.search(stem)
    return found[1] if found else ""


def asking(stem: str, scale: str) -> str:
    """The name ``stem``, which asks for no scale, so that it asks for ``scale``."""
    named = _FAMILY.sub(rf"\g<0>{scale}", stem, count=1)
    return named if named != stem else f"yolov8{scale}_{stem}"


def unscaled(path: str) -> str:
    """The path that is opened where there is no ``path``: ``yolov8_x.yaml`` for ``yolov8s_x.yaml``."""
    return _SCALED_PATH.sub(r"\1\2", path)


def built(data: dict[str, Any], stem: str) -> str | None:
    """The scale that a file with the values ``data`` is built in, or None where it has no ``scales``.

    It may be none of those: then it cannot be built.
    """
    scales = data.get("scales")
    if not isinstance(scales, dict) or not scales:
        return None
    return asked(stem) or str(next(iter(scales)))
