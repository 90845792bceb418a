"""Scaled channels and repeats are those of the models that the frameworks build of what they ship."""

from __future__ import annotations

from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import shipped
from yamlinject.config import Config
from yamlinject.core import scaling
from yamlinject.core.graph import sources
from yamlinject.core.scaling import multiples, scaled

pytestmark = pytest.mark.framework

SAMPLE = set(
    """
    yolov5s yolov5m6 yolov8 yolo11 yolo12 yolov9s yolov9c yolov10m yolov6 yolov8-ghost rtdetr-l
    yolo26 yolov3-tiny
    """.split()
)
FILES = [
    pytest.param(framework, path, id=path.stem)
    for framework, folder in (("yolov5", "models"), ("ultralytics", "cfg/models"))
    for path in shipped(framework, folder)
    if path.stem in SAMPLE
]


@pytest.mark.filterwarnings("ignore")  # the frameworks' own, on import
@pytest.mark.parametrize(("framework", "file"), FILES)
def test_the_framework_builds_the_same(framework: str, file: Path) -> None:
    """The channels of each output, and how many copies there are of a module that does no repeats."""
    import torch

    config = Config(file.name, file.read_bytes())
    scale = "m" if "m" in config.document.data.get("scales", {}) else scaling.AUTO
    layers, channels = scaled(config.layers, multiples(config.document.data, scale, file.stem))
    data = {**deepcopy(config.document.data), "nc": 80, **({"scale": "m"} if scale == "m" else {})}
    if framework == "yolov5":
        model = import_module("yolov5.models.yolo").parse_model(data, [3])[0]
    else:
        model = import_module("ultralytics.nn.tasks").parse_model(data, 3, verbose=False)[0]
    outputs: list[Any] = []
    with torch.no_grad():
        for layer, module in zip(layers[:-1], model.eval(), strict=False):
            inputs = [
                outputs[source] if source >= 0 else torch.zeros(1, 3, 64, 64) for source in sources(layer)
            ]
            outputs.append(module(inputs if isinstance(layer.from_, list) else inputs[0]))
            if torch.is_tensor(outputs[-1]) and outputs[-1].ndim == 4:
                assert channels[layer.index] == outputs[-1].shape[1], layer
            if isinstance(module, torch.nn.Sequential) and layer.number > 1:
                assert layer.number == len(module), layer
    assert len(outputs) > 10
