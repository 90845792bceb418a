"""Real trainings with attention layers, without a network: each framework's own programs, start to end.

Every test is one training with all assertions about it: a training takes as long as a hundred other tests.
"""

from __future__ import annotations

import csv
import json
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

import yamlinject
from tests.checkouts import checkout, package
from tests.conftest import EXHAUSTIVE
from tests.dataset import COLOURS, make_dataset, offline

pytestmark = pytest.mark.framework

RUN = (sys.executable, "-m", "yamlinject", "run")

#: What a framework draws while it trains, some of it in threads whose exceptions would go unnoticed.
PLOTS = ["labels.jpg", "results.png", "train_batch0.jpg", "val_batch0_labels.jpg", "val_batch0_pred.jpg"]

IMAGES = 8


def call(command: Sequence[str], folder: Path, variables: dict[str, str]) -> str:
    """Run a program that must succeed, and return all its output."""
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    trouble_of_all = ("Traceback (most recent call last)", "Exception in thread", "Error: ")
    noise = ("pkg_resources is deprecated", "`torch.cuda.amp.", "requirements.txt not found")
    bridged = tuple(command[: len(RUN)]) == RUN
    for trouble in (*trouble_of_all, *(noise if bridged else ())):
        assert trouble not in said, said
    return said


def train_yolov5(
    program: Sequence[str],
    folder: Path,
    config: Path,
    variables: dict[str, str],
    plots: Sequence[str] = PLOTS,
) -> Path:
    """Train for one epoch with YOLOv5's ``train``, started in ``folder``; return the folder of the run."""
    data = make_dataset(folder / "data", IMAGES)
    options = [
        "--cfg",
        str(config),
        "--weights",
        "",
        "--data",
        str(data),
        "--project",
        str(folder / "runs"),
    ]
    options += ["--epochs", "1", "--imgsz", "64", "--batch-size", "4", "--device", "cpu", "--workers", "0"]
    call([*program, *options, "--name", "train"], folder, variables)
    run = folder / "runs/train"
    one_epoch(run, plots)
    return run


def train_ultralytics(
    folder: Path, config: Path, variables: dict[str, str], plots: Sequence[str] = PLOTS
) -> Path:
    """Train for one epoch with ``yolo detect train`` in ``folder``; return the folder of the run."""
    data = make_dataset(folder / "data", IMAGES)
    options = [f"model={config}", f"data={data}", f"project={folder / 'runs'}", "name=train"]
    options += ["epochs=1", "imgsz=64", "batch=4", "device=cpu", "workers=0", f"plots={bool(plots)}"]
    call([*RUN, "yolo", "detect", "train", *options], folder, variables)
    run = folder / "runs/train"
    one_epoch(run, plots)
    return run


def one_epoch(run: Path, plots: Sequence[str] = PLOTS) -> None:
    """The run has trained and validated one epoch, and its ``plots`` are drawn."""
    with (run / "results.csv").open(newline="") as file:
        rows = [{name.strip(): float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    assert len(rows) == 1
    losses = [value for name, value in rows[0].items() if name.endswith("_loss")]
    assert len(losses) == 6  # three of the training, three of the validation
    assert all(loss > 0 for loss in losses)
    assert all(math.isfinite(value) for value in rows[0].values())
    assert [plot for plot in plots if not (run / plot).is_file()] == []


def detected(run: Path) -> None:
    """Every image was written with its detections, which are boxes inside of it."""
    names = {f"{number}" for number in range(IMAGES)}
    assert {path.stem for path in run.iterdir() if path.is_file()} == names
    labels = {path.stem: path.read_text().splitlines() for path in (run / "labels").iterdir()}
    assert set(labels) == names
    for line in (line for lines in labels.values() for line in lines):
        name, *box = map(float, line.split())
        assert name in range(len(COLOURS))
        assert len(box) == 4
        assert all(0 <= value <= 1 for value in box)


#: Prints the layers of a checkpoint of the classes given, and how far an exported model is from it.
INSPECT = """
import json
import sys

import torch

names, checkpoint, *exported = sys.argv[1:]
model = torch.load(checkpoint, map_location="cpu", weights_only=False)["model"].float().eval()
found = {
    i: [f"{type(layer).__module__}.{type(layer).__name__}", getattr(layer, "e_lambda", None)]
    for i, layer in enumerate(model.model)
    if type(layer).__name__ in names.split(",")
}
differences = []
for file in exported:
    images = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        ours, theirs = model(images), torch.jit.load(file)(images)
    ours, theirs = (out if isinstance(out, torch.Tensor) else out[0] for out in (ours, theirs))
    assert ours.shape == theirs.shape
    differences.append(float((ours - theirs).abs().max() / ours.abs().max()))
finite = all(bool(value.isfinite().all()) for value in model.state_dict().values())
print(json.dumps([len(model.model), found, finite, differences]))
"""


def inspect(folder: Path, variables: dict[str, str], *arguments: str | Path) -> Any:
    """The answer of ``INSPECT``, run in ``folder`` by plain Python, without any registration."""
    said = call([sys.executable, "-c", INSPECT, *map(str, arguments)], folder, variables)
    return json.loads(next(line for line in said.splitlines() if line.startswith("[")))


def simam(*indices: int) -> dict[str, Any]:
    """What ``INSPECT`` has to find in a checkpoint with SimAM at these layers."""
    return {str(index): ["yamlinject.nn.simam.SimAM", 1e-4] for index in indices}


def test_yolov5_from_training_to_export(tmp_path: Path) -> None:
    """Even without the font that YOLOv5 downloads: another one replaces it."""
    config = tmp_path / "yolov5n_SimAM.yaml"
    yamlinject.load("yolov5n").add("SimAM", after="C3,SPPF").save(config)
    variables = offline(tmp_path, font=False)
    best = train_yolov5([*RUN, "-m", "yolov5.train"], tmp_path, config, variables) / "weights/best.pt"
    assert (tmp_path / "settings/Arial.ttf").is_file()

    on_images = ["--weights", str(best), "--imgsz", "64", "--device", "cpu", "--project", "runs"]
    source = ["--source", str(tmp_path / "data/images/val"), "--conf_thres", "0.0005", "--save_txt"]
    call([*RUN, "yolov5", "detect", *on_images, *source, "--name", "detect"], tmp_path, variables)
    detected(tmp_path / "runs/detect")

    validate = ["--data", "data/data.yaml", "--batch_size", "4", "--workers", "0", "--name", "val"]
    said = call([*RUN, "yolov5", "val", *on_images, *validate], tmp_path, variables)
    assert [name for name in ("all", *COLOURS) if f" {name} " not in said] == []
    assert (tmp_path / "runs/val/val_batch0_pred.jpg").is_file()

    export = ["--weights", str(best), "--imgsz", "64", "--device", "cpu"]
    call([*RUN, "-m", "yolov5.export", *export, "--include", "torchscript", "onnx"], tmp_path, variables)
    assert best.with_suffix(".onnx").is_file()  # which the program has had checked
    exported = best.with_suffix(".torchscript")
    layers, found, finite, (difference,) = inspect(tmp_path, variables, "SimAM", best, exported)
    assert (layers, found, finite) == (30, simam(3, 6, 9, 12, 14), True)
    assert difference < 1e-3


@pytest.mark.parametrize(
    ("base", "after", "layers", "indices"),
    [
        pytest.param("yolov8n", "SPPF", 24, [10], id="yolov8n"),
        pytest.param("yolo11n", "C3k2", 28, [3, 6, 9, 12], id="yolo11n"),
    ][: None if EXHAUSTIVE else 1],
)
def test_ultralytics_from_training_to_export(
    tmp_path: Path, base: str, after: str, layers: int, indices: list[int]
) -> None:
    config = tmp_path / f"{base}_SimAM.yaml"
    yamlinject.load(base).add("SimAM", after=after).save(config)
    variables = offline(tmp_path)
    best = train_ultralytics(tmp_path, config, variables) / "weights/best.pt"

    common = [f"model={best}", "imgsz=64", "device=cpu"]
    images = [f"source={tmp_path / 'data/images/val'}", "conf=0.0005", "save_txt=True"]
    where = [f"project={tmp_path / 'runs'}", "name=predict"]
    call([*RUN, "yolo", "detect", "predict", *common, *images, *where], tmp_path, variables)
    detected(tmp_path / "runs/predict")
    exported = []
    if base == "yolov8n":  # once is enough: what these do with a model does not depend on the layers in it
        data = ["data=data/data.yaml", "batch=4", "workers=0", f"project={tmp_path / 'runs'}", "name=val"]
        said = call([*RUN, "yolo", "detect", "val", *common, *data], tmp_path, variables)
        assert [name for name in ("all", *COLOURS) if f" {name} " not in said] == []
        call([*RUN, "yolo", "export", *common, "format=torchscript"], tmp_path, variables)
        exported.append(best.with_suffix(".torchscript"))
    count, found, finite, differences = inspect(tmp_path, variables, "SimAM", best, *exported)
    assert (count, found, finite) == (layers, simam(*indices), True)
    assert len(differences) == len(exported)
    assert all(difference < 1e-3 for difference in differences)


#: A user's own script: trains from weights that it knows, and compares.
FROM_KNOWN_WEIGHTS = """
import json
import sys

import torch
from yolov5 import train
from yolov5.models.yolo import Model

config, data, hyp = sys.argv[1:]
torch.manual_seed(0)
model = Model(config, nc=2)
torch.save({"model": model}, "initial.pt")
options = dict(weights="initial.pt", cfg=config, data=data, hyp=hyp, epochs=1, imgsz=64, batch_size=4)
train.run(**options, device="cpu", workers=0, optimizer="AdamW", noplots=True, project="runs", name="train")
trained = torch.load("runs/train/weights/best.pt", weights_only=False)["model"].float()
initial = torch.load("initial.pt", weights_only=False)["model"].half().float()  # stored as trained ones are
for index, layer in enumerate(trained.model):
    if type(layer).__name__ == "CBAM":
        before = dict(initial.model[index].named_parameters())
        changed = {name: not torch.equal(value, before[name]) for name, value in layer.named_parameters()}
        print(json.dumps([index, f"{type(layer).__module__}.{type(layer).__name__}", changed]))
"""


def test_attention_with_parameters_learns(tmp_path: Path) -> None:
    config = tmp_path / "yolov5n_CBAM.yaml"
    yamlinject.load("yolov5n").add("CBAM", after="C3@0,SPPF").save(config)
    data = make_dataset(tmp_path / "data", IMAGES)
    # in the first steps a tenth of this is used, and a change has to show in half precision
    settings = yaml.safe_load((package() / "data/hyps/hyp.scratch-low.yaml").read_text())
    (tmp_path / "hyp.yaml").write_text(yaml.safe_dump({**settings, "lr0": 0.2, "warmup_bias_lr": 0.01}))
    (tmp_path / "learn.py").write_text(FROM_KNOWN_WEIGHTS)
    command = [*RUN, "learn.py", str(config), str(data), str(tmp_path / "hyp.yaml")]
    said = call(command, tmp_path, offline(tmp_path))
    transferred = re.search(r"Transferred (\d+)/(\d+) items", said)
    assert transferred
    # all but the anchor boxes: those are the config's
    assert int(transferred[1]) == int(transferred[2]) - 1
    found = [json.loads(line) for line in said.splitlines() if line.startswith("[")]
    assert [line[:2] for line in found] == [[3, "yamlinject.nn.cbam.CBAM"], [11, "yamlinject.nn.cbam.CBAM"]]
    for _, _, changed in found:
        assert changed
        assert all(changed.values()), changed


@pytest.mark.parametrize("base", ["yolov5n", "yolo11n"])
def test_what_takes_the_place_of_others_is_trained_and_exported(tmp_path: Path, base: str) -> None:
    """All of it in one model, with BRA on its largest and its smallest map."""
    config = tmp_path / f"{base}_all.yaml"
    first = "head/nn.Upsample@0"
    both = yamlinject.load(base).replace("CARAFE", at=first).replace("DySample", at=first)
    both.replace("BiFPN_Concat", at="head/Concat").add("BRA", after="2,SPPF").save(config)
    variables = offline(tmp_path)
    if base == "yolov5n":
        program = [*RUN, "yolov5", "train", "--noplots"]
        best = train_yolov5(program, tmp_path, config, variables, plots=[]) / "weights/best.pt"
        export = [*RUN, "yolov5", "export", "--weights", str(best), "--imgsz", "64", "--include", "onnx"]
    else:
        best = train_ultralytics(tmp_path, config, variables, plots=[]) / "weights/best.pt"
        export = [*RUN, "yolo", "export", f"model={best}", "format=onnx", "imgsz=64", "simplify=False"]
    call(export, tmp_path, variables)
    assert best.with_suffix(".onnx").is_file()


#: Runs a script in a Python in which yamlinject cannot be imported.
WITHOUT_US = """
import runpy
import sys

sys.modules["yamlinject"] = None
sys.argv = sys.argv[1:]
sys.path[0] = "."
runpy.run_path(sys.argv[0], run_name="__main__")
"""


OWN = """\
import torch
from torch import nn


class MyGate(nn.Module):
    \"\"\"A gate of an invention of one's own, with parameters.\"\"\"

    def __init__(self, channels, reduction=8):
        super().__init__()
        self.fc = nn.Conv2d(channels, channels // reduction, 1)
        self.out = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.out(torch.relu(self.fc(x.mean((2, 3), keepdim=True)))))
"""


def test_a_registered_checkout_trains_by_itself(tmp_path: Path) -> None:
    """With a module of ours and one of the user's own, whose file is gone by then."""
    root = checkout(tmp_path / "yolov5")
    blocks = tmp_path / "blocks.py"
    blocks.write_text(OWN)
    register = [sys.executable, "-m", "yamlinject", "register", "SimAM,MyGate", str(root)]
    call([*register, "--modules", "blocks.py"], tmp_path, offline(tmp_path))
    config = root / "yolov5n_SimAM.yaml"
    simam = yamlinject.load("yolov5n").add("SimAM", after="SPPF")
    simam.add("MyGate", after="C3@0", modules=[blocks]).save(config)
    blocks.unlink()
    # what `yamlinject run` bridges; here it is for the user to do
    variables = {**offline(root), "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
    program = [sys.executable, "-c", WITHOUT_US]
    run = train_yolov5([*program, "train.py", "--noplots"], root, config, variables, plots=[])
    best = run / "weights/best.pt"
    options = ["--weights", str(best), "--source", "data/images/val", "--imgsz", "64", "--device", "cpu"]
    options += ["--conf-thres", "0.0005", "--save-txt", "--project", "runs", "--name", "detect"]
    call([*program, "detect.py", *options], root, variables)
    detected(root / "runs/detect")
    layers, found, finite, _ = inspect(root, variables, "SimAM,MyGate", best)
    assert (layers, finite) == (27, True)
    assert found == {"3": ["models.common.MyGate", None], "11": ["models.common.SimAM", 1e-4]}


@pytest.mark.parametrize("base", ["yolo11n", *(["yolov5n"] if EXHAUSTIVE else [])])
def test_a_module_of_the_users_own(tmp_path: Path, base: str) -> None:
    """Added, verified, trained and used by way of its file; and used without yamlinject after that."""
    (tmp_path / "blocks.py").write_text(OWN)
    variables = offline(tmp_path)
    own = ["--modules", "blocks.py"]
    program = [sys.executable, "-m", "yamlinject"]
    after = {"yolov5n": "SPPF", "yolo11n": "C2PSA"}[base]
    config = f"{base}_MyGate.yaml"
    said = call([*program, "add", "MyGate", base, "--after", after, *own], tmp_path, variables)
    assert "args      MyGate of blocks.py (channels: the channels, by its name; reduction: 8" in said
    assert f"next      yamlinject verify --modules blocks.py {config}" in said
    verified = call([*program, "verify", config, "--imgsz", "64", *own], tmp_path, variables)
    index, channels = {"yolov5n": (10, 256), "yolo11n": (11, 256)}[base]
    # two convolutions of 1x1 with biases: 256 -> 32 -> 256
    assert f"layer {index} (MyGate): {channels} channels, 16,672 parameters" in verified
    run = (*program, "run", *own)
    if base == "yolov5n":
        train = [*run, "yolov5", "train", "--noplots"]
        trained = train_yolov5(train, tmp_path, tmp_path / config, variables, plots=[])
        detect = [*run, "yolov5", "detect", "--source", "data/images/val", "--imgsz", "64"]
        options = [
            "--weights",
            str(trained / "weights/best.pt"),
            "--save-txt",
            "--project",
            "runs",
            "--name",
            "d",
        ]
    else:
        data = make_dataset(tmp_path / "data", IMAGES)
        options = [f"model={config}", f"data={data}", f"project={tmp_path / 'runs'}", "name=train"]
        options += ["epochs=1", "imgsz=64", "batch=4", "device=cpu", "workers=0", "plots=False"]
        call([*run, "yolo", "detect", "train", *options], tmp_path, variables)
        trained = tmp_path / "runs/train"
        one_epoch(trained, plots=[])
        detect = [*run, "yolo", "predict", f"model={trained / 'weights/best.pt'}", "source=data/images/val"]
        options = ["imgsz=64", "save_txt=True", f"project={tmp_path / 'runs'}", "name=d"]
    call([*detect, *options], tmp_path, variables)
    assert len(list((tmp_path / "runs/d").glob("*.*"))) == IMAGES
    layers, found, finite, _ = inspect(tmp_path, variables, "MyGate", trained / "weights/best.pt")
    assert found == {str(index): ["blocks.MyGate", None]}
    assert finite
    assert layers == {"yolov5n": 26, "yolo11n": 25}[base]
