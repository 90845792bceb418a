"""The commands that a user most likely wants next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from yamlinject.config import Config
from yamlinject.core.request import command_line
from yamlinject.library import upstream
from yamlinject.output.terminal import Line

#: What Ultralytics calls the task of a head, by parts of the names of heads; else it detects.
_TASKS = {"Segment": "segment", "Pose": "pose", "OBB": "obb", "Classify": "classify"}


def draw(file: str) -> Line:
    """How to draw the config in ``file``."""
    return Line(command_line("draw", file), label="draw", whole=True)


def verify(config: Config, file: str, modules: Sequence[str] = ()) -> Line:
    """How to verify ``config``, which is in ``file``; without its framework, how to install that."""
    framework = upstream.written_for(config.document)
    if not is_installed(framework):
        return Line(f"pip install 'yamlinject[{framework}]'", label="next", whole=True)
    return Line(command_line("verify", *_naming(modules), file), label="next", whole=True)


def is_installed(package: str) -> bool:
    """Whether ``package`` can be imported; nothing is, not even what ``importlib.util`` needs."""
    found = (finder.find_spec(package, None) for finder in sys.meta_path)
    return any(spec.has_location for spec in found if spec)  # a folder without a module has none


def weights(checkpoint: Path, file: str, modules: Sequence[str] = (), options: Sequence[str] = ()) -> Line:
    """How to transfer ``checkpoint`` to the config in ``file``."""
    words = ["weights", *_naming(modules), *options, str(checkpoint), file]
    return Line(command_line(*words), label="next", whole=True)


def fix(paths: Sequence[str], options: Sequence[str]) -> Line:
    """How to fix what ``check`` finds in ``paths``, or to see that first."""
    return Line(command_line("check", *options, *paths), label="next", whole=True)


def _naming(modules: Sequence[str]) -> list[str]:
    return [word for name in modules for word in ("--modules", name)]


def train(
    config: Config,
    file: str,
    modules: Sequence[str] = (),
    *,
    checkpoint: str = "",
    framework: str = "",
    checkout: Path | None = None,
) -> Line:
    """How to train ``config``, which is in ``file``, in one line.

    ``modules``: the module files that it takes; ``checkpoint``: what to start from; ``framework`` and its
    ``checkout``, if it is one: without it the one that the config is written for.
    """
    words = ["run", *_naming(modules)]
    head = config.layers[-1].module
    framework = framework or upstream.written_for(config.document)
    if framework == "yolov5":
        kind = ["segment"] if head == "Segment" else []
        words += [str(checkout.joinpath(*kind, "train.py"))] if checkout else ["yolov5", *kind, "train"]
        # without --weights YOLOv5 loads its yolov5s.pt, layer by layer, wherever shapes fit
        words += ["--weights", checkpoint, "--cfg", file, "--data", "data.yaml"]
    else:
        task = next((task for part, task in _TASKS.items() if part in head), "detect")
        start = [f"pretrained={checkpoint}"] if checkpoint else []
        words += ["yolo", task, "train", f"model={file}", *start, "data=data.yaml"]
    return Line(command_line(*words), label="next", whole=True)
