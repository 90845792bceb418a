"""YOLOv5: the ``yolov5`` package of PyPI, and checkouts of ultralytics/yolov5 and its forks."""

from __future__ import annotations

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


class YOLOv5(Framework):
    """YOLOv5, which builds models with ``models/yolo.py``."""

    name = "yolov5"

    def _import_model_module(self) -> ModuleType:
        return import_module("models.yolo" if self.checkout else "yolov5.models.yolo")

    def _build(self, data: dict[str, Any], config: Config) -> nn.Module:
        models = vars(self._module)
        segments = config.layers[-1].module == "Segment"
        model = models["SegmentationModel" if segments else "Model"](data)
        assert callable(model)
        return model  # type: ignore[no-any-return]  # a framework without types
