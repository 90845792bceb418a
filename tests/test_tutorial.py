"""The two configs that the tutorial asks to write by hand, row for row."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from yamlinject import Config, load

Row = list[Any]


def simam(channels: int, number: int) -> Row:
    return [-1, number, "SimAM", [channels]]


def after_sppf(number: int) -> dict[str, list[Row]]:
    return {
        "backbone": [
            [-1, 1, "Conv", [64, 6, 2, 2]],  # 0
            [-1, 1, "Conv", [128, 3, 2]],
            [-1, 3, "C3", [128]],
            [-1, 1, "Conv", [256, 3, 2]],
            [-1, 6, "C3", [256]],
            [-1, 1, "Conv", [512, 3, 2]],  # 5
            [-1, 9, "C3", [512]],
            [-1, 1, "Conv", [1024, 3, 2]],
            [-1, 3, "C3", [1024]],
            [-1, 1, "SPPF", [1024, 5]],
            simam(1024, number),  # 10
        ],
        "head": [
            [-1, 1, "Conv", [512, 1, 1]],
            [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
            [[-1, 6], 1, "Concat", [1]],
            [-1, 3, "C3", [512, False]],
            [-1, 1, "Conv", [256, 1, 1]],  # 15
            [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
            [[-1, 4], 1, "Concat", [1]],
            [-1, 3, "C3", [256, False]],
            [-1, 1, "Conv", [256, 3, 2]],
            [[-1, 15], 1, "Concat", [1]],  # 20
            [-1, 3, "C3", [512, False]],
            [-1, 1, "Conv", [512, 3, 2]],
            [[-1, 11], 1, "Concat", [1]],
            [-1, 3, "C3", [1024, False]],
            [[18, 21, 24], 1, "Detect", ["nc", "anchors"]],  # 25
        ],
    }


def after_c3(number: int) -> dict[str, list[Row]]:
    return {
        "backbone": [
            [-1, 1, "Conv", [64, 6, 2, 2]],  # 0
            [-1, 1, "Conv", [128, 3, 2]],
            [-1, 3, "C3", [128]],
            simam(128, number),  # 3
            [-1, 1, "Conv", [256, 3, 2]],
            [-1, 6, "C3", [256]],  # 5
            simam(256, number),
            [-1, 1, "Conv", [512, 3, 2]],
            [-1, 9, "C3", [512]],
            simam(512, number),
            [-1, 1, "Conv", [1024, 3, 2]],  # 10
            [-1, 3, "C3", [1024]],
            simam(1024, number),
            [-1, 1, "SPPF", [1024, 5]],
        ],
        "head": [
            [-1, 1, "Conv", [512, 1, 1]],
            [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],  # 15
            [[-1, 9], 1, "Concat", [1]],
            [-1, 3, "C3", [512, False]],
            [-1, 1, "Conv", [256, 1, 1]],
            [-1, 1, "nn.Upsample", ["None", 2, "nearest"]],
            [[-1, 6], 1, "Concat", [1]],  # 20
            [-1, 3, "C3", [256, False]],
            [-1, 1, "Conv", [256, 3, 2]],
            [[-1, 18], 1, "Concat", [1]],
            [-1, 3, "C3", [512, False]],
            [-1, 1, "Conv", [512, 3, 2]],  # 25
            [[-1, 14], 1, "Concat", [1]],
            [-1, 3, "C3", [1024, False]],
            [[21, 24, 27], 1, "Detect", ["nc", "anchors"]],  # 28
        ],
    }


def rows(config: Config) -> dict[str, list[Row]]:
    data = yaml.safe_load(config.to_bytes())
    return {section: data[section] for section in ("backbone", "head")}


@pytest.mark.parametrize("number", [1, 3])
def test_after_sppf(number: int) -> None:
    config = load("yolov5s").add("SimAM", after="SPPF", number=number)
    assert rows(config) == after_sppf(number)
    assert config.injected == {10}


@pytest.mark.parametrize("number", [1, 3])
def test_after_every_c3_of_the_backbone(number: int) -> None:
    config = load("yolov5s").add("SimAM", after="C3", number=number)
    assert rows(config) == after_c3(number)
    assert config.injected == {3, 6, 9, 12}


def test_number_is_1_unless_asked_otherwise() -> None:
    assert rows(load("yolov5s").add("SimAM", after="SPPF")) == after_sppf(1)
    assert rows(load("yolov5s").add("SimAM", after="C3")) == after_c3(1)


@pytest.mark.parametrize("name", ["yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x"])
def test_every_size_has_the_same_rows(name: str) -> None:
    assert rows(load(name).add("SimAM", after="SPPF", number=3)) == after_sppf(3)


def test_the_rest_of_the_file_stays() -> None:
    base = load("yolov5s")
    before = base.text.split("\n")
    after = base.add("SimAM", after="SPPF").text.split("\n")
    assert after[0].startswith("# yamlinject ")
    assert "add SimAM yolov5s --after SPPF (at 10; base " in after[0]
    taken = [line for line in before if line not in after]
    new = [line for line in after[1:] if line not in before]
    # the three references of section 3 and the comments of layers 13, 17, 20 and 23
    assert len(taken) == 3 + 4
    assert len(new) == 1 + 3 + 4
    assert "   [-1, 1, SimAM, [1024]],  # 10" in new
