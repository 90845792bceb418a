"""Ultralytics: the ``ultralytics`` package, installed or as a checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import yaml

from yamlinject.core import scales
from yamlinject.errors import YamlInjectError
from yamlinject.frameworks.base import Framework

if TYPE_CHECKING:
    from torch import nn

    from yamlinject.config import Config

#: The file that makes a folder a checkout.
MARK = Path("ultralytics", "nn", "tasks.py")

_RTDETR = "rtdetr"

#: Parts of a file's name for which it builds another class of model, and how the heads begin that need it.
_CLASSES = {_RTDETR: "RTDETRDecoder", "-world": "WorldDetect", "yoloe": "YOLOE"}


class Ultralytics(Framework):
    """Ultralytics, which builds models with ``ultralytics/nn/tasks.py``."""

    name = "ultralytics"

    def image_channels(self, model: Any) -> int:
        """What it was built for; since 8.4 that is no longer what the config says, but for ``Classify``."""
        return int(model.yaml.get("channels") or model.yaml.get("ch", 3))  # the latter up to 8.3

    def ignored(self, config: Config, model: Any) -> Iterator[str]:
        """The keys that others take precedence over: the file's name, the data set, ``scales``."""
        data, scale = config.document.data, scales.asked(config.stem)
        built = scales.built(data, config.stem)
        selects = f"selects {scale}" if scale else "selects no scale"
        if "scale" in data and data["scale"] != (scale or built):
            yield f"scale: {data['scale']} has no effect: the file's name decides, and it {selects}"
        channels = self.image_channels(model)
        for key in ("ch", "channels"):
            if data.get(key, channels) != channels:
                yield (
                    f"{key}: {data[key]} has no effect: Ultralytics takes the channels of the images from "
                    f"the data set (data.yaml); without one it builds for {channels}"
                )
        multiples = [key for key in ("depth_multiple", "width_multiple") if built and key in data]
        if multiples:
            yield f"{' and '.join(multiples)} has no effect: Ultralytics goes by scales"

    def scale_by_default(self, config: Config) -> Iterator[str]:
        """The first of ``scales``, where the file's name selects none."""
        data = config.document.data
        built = scales.built(data, config.stem)
        named = scales.asking(config.stem, "s")
        example = "" if named.endswith(f"_{config.stem}") else f"; {named}.yaml selects s"  # of its family
        if built and not scales.asked(config.stem) and len(data["scales"]) > 1:
            yield f"its file's name selects no scale, so {built} was built{example}"

    def _import_model_module(self) -> ModuleType:
        _ = import_module("ultralytics").YOLO  # imports all that building needs
        return import_module("ultralytics.nn.tasks")

    def _build(self, data: dict[str, Any], config: Config) -> nn.Module:
        """Let the framework open a file of that name, as its command ``yolo`` does (``cfg/__init__.py``).

        The scale and the class of the model follow from the name.
        """
        package: Any = import_module("ultralytics")
        open_ = package.RTDETR if _RTDETR in config.stem.lower() else package.YOLO
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"{config.stem}.yaml")
            file.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
            try:
                model: Any = open_(str(file)).model
            except FileNotFoundError as error:
                if file.suffix not in str(error):
                    raise
                raise YamlInjectError(
                    f"{self} opens another file instead of one with this name: give it another name"
                ) from None
        model.yaml["yaml_file"] = model.args["model"] = file.name  # the folder is gone
        return model  # type: ignore[no-any-return]  # a framework without types

    def _obstacle(self, config: Config) -> str | None:
        data, scale, head = config.document.data, scales.asked(config.stem), config.layers[-1]
        known = data.get("scales")
        if scale and isinstance(known, dict) and known and scale not in known:
            return (
                f"its file's name selects scale {scale}, and scales has {', '.join(map(str, known))} only"
            )
        for part, start in _CLASSES.items():
            if head.module.startswith(start) and part not in config.stem.lower():
                name = f"{config.stem}{part}" if part.startswith("-") else f"{part}-{config.stem}"
                return f"it needs {part} in the file's name for {head.module}: call it {name}.yaml"
        if _RTDETR in config.stem.lower() and not head.module.startswith(_CLASSES[_RTDETR]):
            return (
                f"it takes it for an RT-DETR because of {_RTDETR} in the file's name: give it another name"
            )
        if "anchors" in head.args:
            return f"{head} names anchors, as YOLOv5's configs do: Ultralytics has none, so write [nc]"
        return None
