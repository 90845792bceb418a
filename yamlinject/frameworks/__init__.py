"""The YOLO frameworks: running them with the attention modules known, building their models.

Nothing here imports torch or a framework before it is used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from yamlinject.errors import YamlInjectError
from yamlinject.frameworks.installation import install
from yamlinject.library import upstream

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.frameworks.base import Framework


__all__ = ["find", "install", "kind"]


def find(which: str | None, config: Config) -> Framework:
    """The framework ``which``: ``yolov5``, ``ultralytics`` or a checkout's folder.

    Without a choice it is the one that the config is written for: YOLOv5's has ``anchors``.
    Raises :class:`YamlInjectError` when there is none, or when it cannot be imported.
    """
    from yamlinject.frameworks import ultralytics, yolov5

    if which is None:
        which = upstream.written_for(config.document)
    kinds = {"yolov5": yolov5.YOLOv5, "ultralytics": ultralytics.Ultralytics}
    if which in kinds:
        return kinds[which]()
    folder = Path(which)
    return kinds[kind(folder)](folder)


def kind(folder: Path) -> upstream.Framework:
    """Which framework ``folder`` is a checkout of; nothing of it is imported.

    Raises :class:`YamlInjectError` for any other folder.
    """
    from yamlinject.frameworks import ultralytics, yolov5

    if (folder / yolov5.MARK).is_file():
        return "yolov5"
    if (folder / ultralytics.MARK).is_file():
        return "ultralytics"
    if not folder.exists():
        raise YamlInjectError("neither yolov5 nor ultralytics, and no folder there", file=str(folder))
    raise YamlInjectError(
        f"neither yolov5, ultralytics nor a checkout of one: there is no {yolov5.MARK} and no "
        f"{ultralytics.MARK} in such a folder",
        file=str(folder),
    )
