"""Checkpoints of real trainings, transferred and taken by each framework's own loading.

Every test is one training with all assertions about its checkpoint, as in :mod:`tests.test_training`.
"""

from __future__ import annotations

import io
import logging
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.conftest import EXHAUSTIVE
from tests.dataset import offline
from tests.test_training import RUN, call, train_ultralytics, train_yolov5
from tests.test_weights import assert_same_outputs, convert, framework
from yamlinject import load

pytestmark = pytest.mark.framework

#: Where the new layers are: after SPPF, the backbone's blocks, all blocks, and what the head reads.
YOLOV5 = {
    "SPPF": [10],
    "C3": [3, 6, 9, 12],
    "all/C3": [3, 6, 9, 12, 18, 23, 27, 31],
    "detect-inputs": [18, 22, 26],
}
ULTRALYTICS = {
    "yolov8n": {
        "SPPF": [10],
        "C2f": [3, 6, 9, 12],
        "all/C2f": [3, 6, 9, 12, 17, 21, 25, 29],
        "detect-inputs": [16, 20, 24],
    },
    "yolo11n": {
        "SPPF": [10],
        "C3k2": [3, 6, 9, 12],
        "all/C3k2": [3, 6, 9, 12, 18, 22, 26, 30],
        "detect-inputs": [17, 21, 25],
    },
}


def for_two_classes(folder: Path, base: str) -> Path:
    """The base with as many classes as there are in the data."""
    file = folder / f"{base}.yaml"
    text = load(base).to_bytes()
    assert text.count(b"nc: 80") == 1
    file.write_bytes(text.replace(b"nc: 80", b"nc: 2"))
    return file


def transferred(said: str) -> str:
    """What a framework logs of its loading, without colours."""
    (found,) = re.findall(r"Transferred (\d+/\d+) items", re.sub(r"\x1b\[[0-9;]*m", "", said))
    return str(found)


def model_in(checkpoint: Path) -> nn.Module:
    framework("yolov5")  # imported in silence
    content = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model = content.get("ema") or content["model"]
    assert isinstance(model, nn.Module)
    return model


def taken_by_yolov5(checkpoint: Path, config: Path) -> str:
    """YOLOv5's ``train.py`` from ``Model(cfg)`` to ``Transferred …``, in its own words."""
    intersect_dicts = import_module("yolov5.utils.general").intersect_dicts
    framework("yolov5")
    ckpt = torch.load(checkpoint, map_location="cpu", weights_only=False)
    model = import_module("yolov5.models.yolo").Model(str(config), ch=3, nc=2)
    csd = ckpt["model"].float().state_dict()
    csd = intersect_dicts(csd, model.state_dict(), exclude=["anchor"])
    model.load_state_dict(csd, strict=False)
    return f"{len(csd)}/{len(model.state_dict())}"


@pytest.mark.filterwarnings("ignore:.*TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
def test_yolov5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With configs as they are, for 80 classes: training takes as many as the data has."""
    base = tmp_path / "yolov5n.yaml"
    base.write_bytes(load("yolov5n").to_bytes())
    variables = offline(tmp_path)
    train = [*RUN, "yolov5", "train", "--noplots"]
    run = train_yolov5(train, tmp_path, base, variables, plots=[])
    best = run / "weights" / "best.pt"
    original = model_in(best)
    assert taken_by_yolov5(best, base) == "348/349"  # all but the anchor boxes, which are the config's
    for number, (after, injected) in enumerate(YOLOV5.items()):
        config, output = tmp_path / f"yolov5n_{number}.yaml", tmp_path / f"{number}.pt"
        load(base).add("SimAM", after=after).save(config)
        model = convert(best, config, output)
        assert taken_by_yolov5(output, config) == "348/349"
        assert_same_outputs(original, model, injected)
        assert model.names == {0: "red", 1: "blue"}

    # the same by the program itself, for the third of them: eight layers in the whole model
    options = ["--cfg", "yolov5n_2.yaml", "--data", "data/data.yaml", "--project", "again", "--epochs", "1"]
    options += ["--imgsz", "64", "--batch-size", "4", "--device", "cpu", "--workers", "0", "--noval"]
    said = call([*train, *options, "--weights", "2.pt"], tmp_path, variables)
    assert transferred(said) == "348/349"
    assert taken_by_yolov5(best, tmp_path / "yolov5n_2.yaml") == "57/349"  # without the conversion

    # detect.py and val.py load it like this under run, and add up normalizations and convolutions
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    attempt_load = import_module("yolov5.models.experimental").attempt_load
    loaded = attempt_load(str(tmp_path / "2.pt"))
    assert loaded.names == {0: "red", 1: "blue"}
    assert_same_outputs(attempt_load(str(best)), loaded, YOLOV5["all/C3"])


@pytest.mark.parametrize("name", ULTRALYTICS if EXHAUSTIVE else ["yolo11n"])
def test_ultralytics(tmp_path: Path, name: str) -> None:
    base = for_two_classes(tmp_path, name)
    run = train_ultralytics(tmp_path, base, offline(tmp_path), plots=[])
    best = run / "weights" / "best.pt"
    original = model_in(best)
    items = len(original.state_dict())
    assert loaded_by_ultralytics(base, best) == f"{items}/{items}"
    for number, (after, injected) in enumerate(ULTRALYTICS[name].items()):
        config, output = tmp_path / f"{name}_{number}.yaml", tmp_path / f"{number}.pt"
        load(base).add("SimAM", after=after).save(config)
        model = convert(best, config, output)
        assert loaded_by_ultralytics(config, output) == f"{items}/{items}"
        assert_same_outputs(original, model, injected)
        assert model.names == {0: "red", 1: "blue"}
        as_it_is, _, of = loaded_by_ultralytics(config, best).partition("/")
        assert int(as_it_is) < int(of) == items

    results = (
        import_module("ultralytics")
        .YOLO(output)
        .predict(tmp_path / "data/images/val", imgsz=64, device="cpu", verbose=False)
    )
    assert [result.names for result in results] == [{0: "red", 1: "blue"}] * 8


def loaded_by_ultralytics(config: Path, checkpoint: Path) -> str:
    """What ``YOLO(config).load(checkpoint)`` logs."""
    logger = import_module("ultralytics.utils").LOGGER
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    logger.addHandler(handler)
    try:
        import_module("ultralytics").YOLO(config).load(checkpoint)
    finally:
        logger.removeHandler(handler)
    return transferred(said.getvalue())
