"""Every detection config that the frameworks ship builds with SimAM, and means what its base means."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import shipped
from yamlinject import load
from yamlinject.config import Config
from yamlinject.verification.comparison import verify

pytestmark = [pytest.mark.framework, pytest.mark.corpus]

HEADS = {"Detect", "v10Detect", "RTDETRDecoder", "WorldDetect", "YOLOEDetect"}

#: What the backbones are made of, between the convolutions that halve the image.
BLOCKS = set(
    """
    A2C2f Bottleneck BottleneckCSP C2f C2fCIB C3 C3Ghost C3TR C3k2 ELAN1 GhostBottleneck HGBlock
    RepNCSPELAN4 ResNetLayer
    """.split()
)

FILES = [
    *(("yolov5", file) for file in shipped("yolov5", "models")),
    *(("ultralytics", file) for file in shipped("ultralytics", "cfg/models")),
]

#: Without this variable in the environment, large ones and single layers are left out.
EXHAUSTIVE = "YAMLINJECT_EXHAUSTIVE" in os.environ

#: They have the modules of smaller ones; of YOLOv5 the wide ones do.
LARGE = set("rtdetr-resnet101 rtdetr-x yolov10b yolov10l yolov10m yolov10x yolov9c yolov9m".split())


def detection_configs() -> list[object]:
    found: list[object] = []
    for framework, file in FILES:
        if file.name == "anchors.yaml":  # anchor boxes only
            continue
        config = Config(str(file), file.read_bytes())
        large = float(config.document.data.get("width_multiple", 0)) > 0.5 or file.stem in LARGE
        if config.layers[-1].module in HEADS and (EXHAUSTIVE or not large):
            found.append(pytest.param(framework, file, id=f"{framework}-{file.stem}"))
    return found


def image_size(file: Path) -> int:
    """At least two cells in the coarsest feature map, and 300 cells for RT-DETR's queries."""
    if "p7" in file.stem:
        return 256
    if "p6" in file.stem or file.stem.endswith("6"):
        return 128
    return 160 if "rtdetr" in file.stem else 64


@pytest.mark.parametrize(("framework", "file"), detection_configs())
def test_simam_in_a_shipped_config(framework: str, file: Path) -> None:
    config = load(file)
    backbone = [layer for layer in config.layers if layer.section == "backbone"]
    last = [layer for layer in backbone if layer.module == "SPPF"] or backbone
    blocks = [layer for layer in backbone if layer.module in BLOCKS] or backbone[:-1]
    for targets in (last[-1:], blocks) if EXHAUSTIVE else (blocks,):
        edited = config.add("SimAM", after=[str(layer.index) for layer in targets])
        result = verify(edited, framework=framework, image_size=image_size(file))
        assert result.problems == []
        assert result.equal
        assert result.config.parameters == result.base.parameters
        assert [one.e_lambda for one in result.attention] == [1e-4] * len(targets)
