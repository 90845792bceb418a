"""Which framework a config is written for, and which modules that has; nothing of it is imported."""

from __future__ import annotations

from typing import Literal

from yamlinject.core import modules
from yamlinject.core.document import Document
from yamlinject.library import recipes

Framework = Literal["yolov5", "ultralytics"]

#: Of which owners a framework has the modules, except for those below: there it is the other way round.
_OWNERS_IN: dict[Framework, tuple[str, ...]] = {
    "yolov5": ("torch", "yolov5"),
    "ultralytics": ("torch", "yolov5", "ultralytics"),
}
_EXCEPT: dict[Framework, frozenset[str]] = {
    "yolov5": frozenset({"Classify"}),
    "ultralytics": frozenset({"C3SPP", "Contract", "CrossConv", "Expand", "MixConv2d", "RepConv"}),
}

#: Whose a module is, by how the file that it follows begins.
_OWNERS = {
    "ultralytics": "Ultralytics'",
    "yolov5": "YOLOv5's",
    "yolov7": "YOLOv7's",
    "yolov9": "YOLOv9's",
}


def written_for(document: Document) -> Framework:
    """The framework: in YOLOv5 the head names anchors; or the file has some, and no ``scales``."""
    names_anchors = "anchors" in document.layers[-1].args
    if names_anchors or ("anchors" in document.data and "scales" not in document.data):
        return "yolov5"
    return "ultralytics"


def has(framework: Framework, module: str) -> bool | None:
    """Whether a framework has a module; None for one that no table has, and for those with a recipe."""
    origin = modules.known(module).follows.split("/")[0]
    if not origin or module in recipes.names():
        return None
    return (origin in _OWNERS_IN[framework]) != (module in _EXCEPT[framework])


def owner(module: str) -> str:
    """Whose a module of the table is, as in ``it is YOLOv7's``."""
    follows = modules.known(module).follows.split("/")
    return _OWNERS.get(follows[0]) or f"{'/'.join(follows[:2])}'s"
