"""The command that a user most likely wants next."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.config import Config
from yamlinject.core.request import command_line

#: What Ultralytics calls the task of a head, by parts of the names of heads; else it detects.
_TASKS = {"Segment": "segment", "Pose": "pose", "OBB": "obb", "Classify": "classify"}


def train(config: Config, file: str, modules: Sequence[str] = ()) -> str:
    """How to train ``config``, which is in ``file``, with the framework that it is written for.

    ``modules``: the module files that it takes.
    """
    run = ["run", *(word for name in modules for word in ("--modules", name))]
    head = config.layers[-1].module
    if "anchors" in config.document.data:  # YOLOv5's, whose script for segmentation is another
        command = ("segment/train.py",) if head == "Segment" else ("yolov5", "train")
        return command_line(*run, *command, "--cfg", file, "--data", "data.yaml")
    task = next((task for part, task in _TASKS.items() if part in head), "detect")
    return command_line(*run, "yolo", task, "train", f"model={file}", "data=data.yaml")
