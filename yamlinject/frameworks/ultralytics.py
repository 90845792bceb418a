"""Ultralytics: the ``ultralytics`` package, installed or as a checkout."""

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
MARK = Path("ultralytics", "nn", "tasks.py")

#: Beginning of the last layer's name -> the class of the model.
_MODELS = {
    "Segment": "SegmentationModel",
    "Pose": "PoseModel",
    "OBB": "OBBModel",
    "Classify": "ClassificationModel",
    "SemanticSegment": "SemanticSegmentationModel",
    "Depth": "DepthModel",
    "RTDETRDecoder": "RTDETRDetectionModel",
    "WorldDetect": "WorldModel",
    "YOLOEDetect": "YOLOEModel",
    "YOLOESegment": "YOLOESegModel",
}


class Ultralytics(Framework):
    """Ultralytics, which builds models with ``ultralytics/nn/tasks.py``."""

    name = "ultralytics"

    def _import_model_module(self) -> ModuleType:
        return import_module("ultralytics.nn.tasks")

    def _build(self, data: dict[str, Any], config: Config) -> nn.Module:
        tasks = vars(self._module)
        head = config.layers[-1].module
        kinds = (kind for start, kind in _MODELS.items() if head.startswith(start))
        data.setdefault("scale", tasks["guess_model_scale"](config.stem))
        return tasks[next(kinds, "DetectionModel")](data, ch=config.document.image_channels, verbose=False)  # type: ignore[no-any-return]  # a framework without types
