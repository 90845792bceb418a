"""Which model a checkpoint is of: a state on the way of several insertions, or one for another task."""

from __future__ import annotations

import functools
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.test_weights import (
    assert_same_outputs,
    convert,
    facts,
    family,
    framework,
    learned,
    pretrained,
    refused,
    save_checkpoint,
    save_config,
)
from yamlinject import load
from yamlinject.cli.app import run
from yamlinject.frameworks import launch

pytestmark = pytest.mark.framework


# Several insertions


#: The commands, and where each inserts, in the numbering of its time: by hand, from the layer tables.
STEPS = (("SimAM", "SPPF"), ("CBAM", "C3@0"), ("ECA", "SimAM"))
#: The number of insertions before the training -> the new layers of the rest, in the last config.
REST = {0: [3, 11, 12], 1: [3, 12], 2: [12]}


@functools.cache
def _trained(count: int) -> nn.Module:
    config = load("yolov5n")
    for module, after in STEPS[:count]:
        config = config.add(module, after=after)
    return learned(framework("yolov5").build(config))


@pytest.fixture
def stacked(tmp_path: Path) -> Path:
    config = load("yolov5n")
    file = tmp_path / "yolov5n_stack.yaml"
    for module, after in STEPS:
        config.add(module, after=after).save(file, force=True)
        config = load(file)
    return file


@pytest.mark.parametrize("plain", [False, True], ids=["model", "state dict"])
@pytest.mark.parametrize("count", REST)
def test_a_checkpoint_of_any_state_on_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stacked: Path, count: int, plain: bool
) -> None:
    source = _trained(count)
    checkpoint = tmp_path / "trained.pt"
    torch.save(source.state_dict() if plain else {"model": source}, checkpoint)
    model = convert(checkpoint, stacked, tmp_path / "out.pt")
    assert_same_outputs(source, model, REST[count])
    found = facts(capsys, checkpoint, stacked)
    assert (found["unfit"], found["after"]["items"]) == ([], len(source.state_dict()))
    names = ["yolov5n", "yolov5n with SimAM", "yolov5n with SimAM, CBAM"]
    assert found["base"] == names[count]
    # 10 layers in the base's backbone, 11 and 12 in those of the states
    assert found["freeze"][0] == 10 + count


def test_a_checkpoint_of_the_last_state_is_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stacked: Path
) -> None:
    torch.save({"model": _trained(3)}, tmp_path / "trained.pt")
    assert "converted already" in refused(capsys, tmp_path / "trained.pt", stacked)


def test_a_checkpoint_of_no_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stacked: Path
) -> None:
    """Trained with CBAM only, which was added second: it is clear where its layers are all the same."""
    source = learned(framework("yolov5").build(load("yolov5n").add("CBAM", after="C3@0")))
    torch.save({"model": source}, tmp_path / "trained.pt")
    model = convert(tmp_path / "trained.pt", stacked, tmp_path / "out.pt")
    assert_same_outputs(source, model, [11, 12])
    torch.save(
        {"model": framework("yolov5").build(load("yolov5n").add("SE", after="2"))}, tmp_path / "x.pt"
    )
    assert "no SE for the layer 3" in refused(capsys, tmp_path / "x.pt", stacked)


def test_a_base_that_is_given_is_the_only_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], stacked: Path
) -> None:
    torch.save({"model": _trained(1)}, tmp_path / "trained.pt")
    line = refused(capsys, tmp_path / "trained.pt", stacked, "--base", "yolov5n")
    assert "not the checkpoint's model" in line


# Other tasks


def taken_by_ultralytics(config: str | Path, checkpoint: Path) -> int:
    """How many items Ultralytics itself takes of a checkpoint for a config, as it logs them."""
    framework("ultralytics")
    torch_utils = import_module("ultralytics.utils.torch_utils")
    model = import_module("ultralytics").YOLO(str(config)).model
    source = torch.load(checkpoint, map_location="cpu", weights_only=False)["model"]
    found = torch_utils.intersect_dicts(source.float().state_dict(), model.state_dict())
    return len(found)


@pytest.mark.parametrize("given", [False, True], ids=["recorded", "--base"])
@pytest.mark.parametrize("provenance", [True, False])
@pytest.mark.parametrize(
    ("source", "base", "task"),
    [
        ("yolov8n", "yolov8n-seg", "segment"),
        ("yolov8n", "yolov8n-pose", "pose"),
        ("yolov8n", "yolov8n-obb", "obb"),
        ("yolo11n", "yolo11n-seg", "segment"),
        ("yolov8n-seg", "yolov8n", "detect"),
    ],
)
def test_a_checkpoint_for_another_task(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    source: str,
    base: str,
    task: str,
    provenance: bool,
    given: bool,
) -> None:
    """As many items as Ultralytics takes for the base without attention, built for the same classes."""
    config = tmp_path / f"{base}_new.yaml"
    load(base).add("SimAM", after="SPPF", provenance=provenance).save(config)
    settings = {"task": load(source).layers[-1].module.lower(), "imgsz": 64}
    checkpoint = save_checkpoint(tmp_path / "source.pt", source, train_args=settings)
    torch.save({"model": pretrained(source), "train_args": settings}, checkpoint)
    options = ["--base", source] if given else []
    model = convert(checkpoint, config, tmp_path / "out.pt", *options)
    classes = re.sub(r"(?m)^nc: .*$", "nc: 80", load(base).to_bytes().decode())
    (tmp_path / f"{base}.yaml").write_text(classes)
    taken = taken_by_ultralytics(tmp_path / f"{base}.yaml", checkpoint)
    found = facts(capsys, checkpoint, config, *options)
    assert found["after"]["items"] == taken > 300
    assert len(found["fresh"]) == found["items"] - taken
    heads = (load(source).layers[-1].module, load(base).layers[-1].module)
    (note,) = [note for note in found["notes"] if "head" in note]
    assert note.startswith("the checkpoint's head is {} and the config's {}: ".format(*heads))
    # what is in place is the source's: the backbone's values, and the model is one for the task
    key = "model.9.cv1.conv.weight"
    assert torch.equal(model.state_dict()[key], pretrained(source).state_dict()[key])
    opened = import_module("ultralytics").YOLO(tmp_path / "out.pt")
    assert opened.task == task


def test_another_head_is_no_other_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = save_checkpoint(tmp_path / "x.pt", "yolo11n")
    for base in ("yolov8n-seg", "yolov8n-cls"):
        line = refused(capsys, checkpoint, save_config(tmp_path, base, after="0"))
        assert "not the checkpoint's model" in line
    assert family("yolo11n") is framework("ultralytics")


# Scales that the framework decides


def test_the_scale_is_the_one_that_ultralytics_builds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``scale: s`` in a file whose name selects none: Ultralytics trains n, so weights of s do not fit."""
    config = tmp_path / "mine.yaml"
    load("yolo11n").add("SimAM", after="SPPF").save(config)
    config.write_text(config.read_text() + "\nscale: s\n")
    assert "another model" in refused(capsys, save_checkpoint(tmp_path / "s.pt", "yolo11s"), config)
    assert run(["weights", str(save_checkpoint(tmp_path / "n.pt", "yolo11n")), str(config), "--check"]) == 1
    said = capsys.readouterr().out
    assert "note      scale: s has no effect: the file's name decides, and it selects no scale" in said
    assert "note      its file's name selects no scale, so n was built" in said
    assert taken_by_ultralytics(config, tmp_path / "n.pt") < 499
    assert run(["weights", str(tmp_path / "n.pt"), str(config), "-o", str(tmp_path / "out.pt")]) == 0
    assert taken_by_ultralytics(config, tmp_path / "out.pt") == 499


# A training with a checkpoint that was not converted


@pytest.mark.parametrize(
    "words",
    ["--weights {} --cfg {} --epochs 1", "--cfg={1} --weights={0}", "model={1} pretrained={0}"],
)
def test_run_warns_of_a_checkpoint_that_is_not_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "base.pt")
    save_config(tmp_path, "yolov5n")
    load("yolov5n").save("plain.yaml")
    convert(Path("base.pt"), Path("yolov5n_new.yaml"), Path("start.pt"))
    capsys.readouterr()
    monkeypatch.setattr(launch, "run", lambda *_, **__: None)
    for checkpoint, config, warned in (
        ("base.pt", "yolov5n_new.yaml", True),
        ("start.pt", "yolov5n_new.yaml", False),
        ("base.pt", "plain.yaml", False),
        ("none.pt", "yolov5n_new.yaml", False),
    ):
        assert run(["run", "yolov5", "train", *words.format(checkpoint, config).split()]) == 0
        said = " ".join(capsys.readouterr().err.split())
        expected = (
            "warning base.pt is not converted for yolov5n_new.yaml, so most of it will be lost: yamlinject "
            "weights base.pt yolov5n_new.yaml -o start.pt, and train with start.pt"
        )
        assert said == (expected if warned else "")
