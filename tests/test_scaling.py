"""The channels and repeats that are built from nominal rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import GOOD, PREFIX, Cli
from yamlinject import load
from yamlinject.config import Config
from yamlinject.core.scaling import Multiples, multiples, scaled
from yamlinject.errors import YamlInjectError

SCALES = {"scales": {"n": [0.33, 0.25, 1024], "m": [0.67, 0.75, 768]}}
YOLOV5 = {"depth_multiple": 0.33, "width_multiple": 0.5}


@pytest.mark.parametrize(
    ("data", "scale", "stem", "expected"),
    [
        (SCALES, "m", "yolov8", (0.67, 0.75, 768)),
        (SCALES, "auto", "yolov8m_SimAM", (0.67, 0.75, 768)),
        (SCALES, "auto", "mine", (0.33, 0.25, 1024)),  # Ultralytics takes the first
        (YOLOV5, "auto", "x", (0.33, 0.5, float("inf"))),
        (YOLOV5, "x", "yolov5s", (1.33, 1.25, float("inf"))),
        ({}, "auto", "x", (1.0, 1.0, float("inf"))),
        ({"width_multiple": 0.75}, "auto", "x", (1.0, 0.75, float("inf"))),
    ],
)
def test_multiples(data: dict[str, Any], scale: str, stem: str, expected: tuple[float, ...]) -> None:
    assert multiples(data, scale, stem) == expected


@pytest.mark.parametrize(
    ("data", "scale", "message"),
    [
        (SCALES, "x", "there is no scale 'x': it has n, m"),
        (SCALES, "auto", "there is no scale 's': it has n, m"),
        (YOLOV5, "t", "there is no scale 't': YOLOv5 has n, s, m, l, x"),
        ({}, "s", "there is no scale 's': it has neither scales nor width_multiple"),
        ({"scales": {"s": [0.5]}}, "s", "scales: s: has to be numbers"),
        ({"scales": {"s": "big"}}, "s", "scales: s: has to be numbers"),
        ({"scales": ["s"]}, "s", "there is no scale 's'"),
        ({"width_multiple": "wide"}, "auto", "has to be numbers"),
        ({"width_multiple": 0}, "auto", "has to be numbers"),
    ],
)
def test_what_is_no_scale(data: dict[str, Any], scale: str, message: str) -> None:
    with pytest.raises(YamlInjectError, match=message):
        multiples(data, scale, "yolov8s")


def test_yolov5s_by_hand() -> None:
    """Widths halved; of 3, 6 and 9 repeats a third is built."""
    layers, channels = scaled(load("yolov5s").add("SimAM", after="SPPF").layers, Multiples(0.33, 0.5))
    assert channels[:13] == [32, 64, 64, 128, 128, 256, 256, 512, 512, 512, 512, 256, 256]
    assert channels[13] == 512  # the Concat of 256 and 256
    assert [layer.number for layer in layers if layer.number > 1] == [2, 3]
    assert layers[10].row == [-1, 1, "SimAM", [512]]
    assert layers[8].row == [-1, 1, "C3", [512]]


def test_channels_are_multiples_of_eight_and_at_most_so_many() -> None:
    config = Config.from_text(
        "backbone:\n  - [-1, 1, Conv, [70, 3, 2]]\n  - [-1, 1, Conv, [1024]]\n"
        "  - [-1, 1, HGBlock, [48, 256, 3]]\nhead:\n  - [-1, 1, Detect, [nc]]\n"
    )
    assert scaled(config.layers, Multiples(1, 0.25, 512))[1][:3] == [24, 128, 256]  # HGBlock is as written


def test_an_unknown_module_that_keeps_its_channels() -> None:
    """Its row names those of its input, which are built with the cap of 512: so does it."""
    config = Config.from_text(
        "backbone:\n  - [-1, 1, HGBlock, [48, 256, 3]]\n  - [-1, 1, MyGate, [256]]\n"
        "  - [-1, 1, MyBlock, [512]]\nhead:\n  - [-1, 1, Detect, [nc]]\n"
    )
    assert scaled(config.layers, Multiples(1, 0.5))[1][:3] == [256, 256, 256]


def test_show_says_what_is_built(cli: Cli) -> None:
    """Next to what is written: layer 4, the head, and SimAM's row, which is as wide as its input."""
    cli("add", "SimAM", "--after", "SPPF")
    shown = cli("show", "yolov5s_SimAM.yaml", "--scale", "auto")
    assert shown.code == 0
    rows = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "4 -1 6 C3 [256] 8 256 2 [128] 128" in rows
    assert "+ 10 -1 1 SimAM [1024] 32 1024 1 [512] 512" in rows
    assert "25 [18, 21, 24] 1 Detect [nc, anchors] 1 [nc, anchors]" in " ".join(rows).replace("~ ", "")
    layers = json.loads(cli("show", "yolov5s", "--scale", "m", "--output-format", "json").out)["layers"]
    assert layers[4]["built"] == {"number": 4, "args": [192], "channels": 192}
    assert layers[24]["built"]["channels"] is None
    assert "built" not in cli("show", "yolov5s").out


def test_show_of_a_scale_that_there_is_not(cli: Cli) -> None:
    refused = cli("show", "yolov5s", "--scale", "t")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"{PREFIX}yolov5s: there is no scale 't': YOLOv5 has n, s, m, l, x\n"


def test_show_of_a_config_with_a_forward_reference(cli: Cli) -> None:
    Path("bad.yaml").write_text(
        "width_multiple: 0.5\n" + GOOD.replace("[[5], 1, Detect", "[[6], 1, Detect")
    )
    assert cli("show", "bad.yaml", "--scale", "auto").code == 0
