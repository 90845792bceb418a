"""The weights of every config that the frameworks ship find their place in one with SimAM in it.

With random weights; a third of the configs, and all of them with ``YAMLINJECT_EXHAUSTIVE=1``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.test_shipped import BLOCKS, EXHAUSTIVE, FILES, HEADS, image_size
from tests.test_weights import assert_same_outputs, convert, framework, learned
from yamlinject import load
from yamlinject.config import Config

pytestmark = [pytest.mark.framework, pytest.mark.corpus]

#: One of each generation and kind, all of them small.
SAMPLE = {
    "yolov5n",
    "yolov5n6",
    "yolov5s-ghost",
    "yolov3-tiny",
    "yolov6",
    "yolov8-ghost-p2",
    "yolov8-p6",
    "yolov8",
    "yolov9t",
    "yolov10n",
    "yolo11",
    "yolo12",
    "yolo26",
}


def configs() -> list[object]:
    found: list[object] = []
    for name, file in FILES:
        if file.name == "anchors.yaml" or not (EXHAUSTIVE or file.stem in SAMPLE):
            continue
        if Config(str(file), file.read_bytes()).layers[-1].module in HEADS:
            found.append(pytest.param(name, file, id=f"{name}-{file.stem}"))
    return found


@pytest.mark.parametrize(("name", "file"), configs())
def test_weights_of_a_shipped_config(tmp_path: Path, name: str, file: Path) -> None:
    base = load(file)
    backbone = [layer for layer in base.layers if layer.section == "backbone"]
    blocks = [layer.index for layer in backbone if layer.module in BLOCKS]
    blocks = blocks or [layer.index for layer in backbone[:-1]]
    config = tmp_path / f"{base.stem}_SimAM.yaml"
    edited = base.add("SimAM", after=[str(index) for index in blocks])
    edited.save(config)
    original = learned(framework(name).build(base))
    checkpoint, output = tmp_path / "base.pt", tmp_path / "out.pt"
    torch.save({"epoch": -1, "model": original}, checkpoint)
    model = convert(checkpoint, config, output, "--framework", name)
    injected = [index + above for above, index in enumerate(blocks, start=1)]
    assert_same_outputs(original, model, injected, image_size(file))
    assert len(model.state_dict()) == len(original.state_dict())
