"""YOLOv5: the ``yolov5`` package of PyPI, and checkouts of ultralytics/yolov5 and its forks."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from yamlinject.frameworks.base import Framework

if TYPE_CHECKING:
    from torch import nn

    from yamlinject.config import Config

#: The file that makes a folder a checkout.
MARK = Path("models", "yolo.py")


#: The keys that its ``parse_model`` reads.
_NEEDED = ("anchors", "depth_multiple", "width_multiple")

#: Keys that only Ultralytics reads.
_FOREIGN = ("scale", "scales", "channels")


class YOLOv5(Framework):
    """YOLOv5, which builds models with ``models/yolo.py``."""

    name = "yolov5"

    def image_channels(self, model: Any) -> int:
        """The ``ch`` of the config, or 3; before v3.1 it was always 3."""
        return int(getattr(model, "yaml", {}).get("ch", 3))

    def ignored(self, config: Config, model: Any) -> Iterator[str]:
        """The keys that only Ultralytics reads."""
        for key in _FOREIGN:
            if key in config.document.data:
                yield f"{key} has no effect: YOLOv5 does not read it"

    def _import_model_module(self) -> ModuleType:
        return import_module("models.yolo" if self.checkout else "yolov5.models.yolo")

    def _build(self, data: dict[str, Any], config: Config) -> nn.Module:
        models = vars(self._module)
        segments = config.layers[-1].module == "Segment"
        model = models["SegmentationModel" if segments else "Model"](data)
        assert callable(model)
        return model  # type: ignore[no-any-return]  # a framework without types

    def _obstacle(self, config: Config) -> str | None:
        missing = [key for key in _NEEDED if key not in config.document.data]
        if not missing:
            return None
        return f"it has no {', no '.join(missing)}, which YOLOv5 needs: is it a config for Ultralytics?"
