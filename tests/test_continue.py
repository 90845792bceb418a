"""Checkpoints with our classes are loaded, resumed and trained on from, whoever wrote them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.checkouts import checkout
from tests.conftest import EXHAUSTIVE
from tests.dataset import make_dataset, offline
from tests.test_training import RUN, call, one_epoch
from yamlinject import frameworks, load

pytestmark = pytest.mark.framework

MODULES = ("SimAM", "CBAM") if EXHAUSTIVE else ("CBAM",)


def save(folder: Path, base: str, module: str) -> Path:
    """A checkpoint with ``module`` after SPPF."""
    name = "yolov5" if base.startswith("yolov5") else "ultralytics"
    config = load(base).add(module, after="SPPF")
    file = folder / f"{base}.pt"
    torch.save({"epoch": -1, "model": frameworks.find(name, config).build(config)}, file)
    return file


#: Saves a model of a checkout whose ``models/common.py`` holds the classes.
SAVE = """
import sys
import torch
from models.yolo import Model

torch.save({"model": Model(sys.argv[1])}, sys.argv[2])
"""

#: Prints the classes of the attention that ``attempt_load`` finds in a checkpoint.
LOAD = """
import sys
from {package}models.experimental import attempt_load

print([type(m).__module__ for m in attempt_load(sys.argv[1]).modules() if type(m).__name__ == "MODULE"])
"""


@pytest.mark.parametrize("module", MODULES)
def test_a_checkpoint_of_a_registered_checkout(tmp_path: Path, module: str) -> None:
    """Under ``run`` it is loaded by the package, and by a checkout in which nothing is registered."""
    registered, other = checkout(tmp_path / "registered"), checkout(tmp_path / "other")
    config = tmp_path / "config.yaml"
    load("yolov5n").add(module, after="SPPF").save(config)
    variables = offline(tmp_path)
    call([sys.executable, "-m", "yamlinject", "register", module, str(registered)], tmp_path, variables)
    (registered / "save.py").write_text(SAVE)
    call([sys.executable, "save.py", str(config), str(tmp_path / "x.pt")], registered, variables)
    assert b"models.common\n" + module.encode() in (tmp_path / "x.pt").read_bytes()
    for folder, package in ((other, ""), (tmp_path, "yolov5.")):
        (folder / "load.py").write_text(LOAD.format(package=package).replace("MODULE", module))
        said = call([*RUN, "load.py", str(tmp_path / "x.pt")], folder, variables)
        assert f"['yamlinject.nn.{module.lower()}']" in said.splitlines()


@pytest.mark.parametrize("base", ["yolov8n"])
def test_ultralytics_without_run_trains_on(tmp_path: Path, base: str) -> None:
    """Its own program builds the model anew, from the config in the checkpoint."""
    checkpoint = save(tmp_path, base, "CBAM")
    data = make_dataset(tmp_path / "data")
    yolo = [sys.executable, "-c", "from ultralytics.cfg import entrypoint; entrypoint()", "detect", "train"]
    options = [f"model={checkpoint}", f"data={data}", f"project={tmp_path / 'runs'}", "name=train"]
    options += ["epochs=1", "imgsz=64", "batch=4", "device=cpu", "workers=0", "plots=False"]
    call([*yolo, *options], tmp_path, offline(tmp_path))
    one_epoch(tmp_path / "runs/train", plots=[])


#: Loads a checkpoint with Ultralytics.
OPEN = "import sys; from ultralytics import YOLO; print(type(YOLO(sys.argv[1]).model.model[10]).__name__)"


@pytest.mark.parametrize("module", MODULES)
def test_safe_loading_of_ultralytics(tmp_path: Path, module: str) -> None:
    checkpoint = save(tmp_path, "yolov8n", module)
    (tmp_path / "open.py").write_text(OPEN)
    variables = {**offline(tmp_path), "ULTRALYTICS_SAFE_LOAD": "1"}
    said = call([*RUN, "open.py", str(checkpoint)], tmp_path, variables)
    assert module in said.splitlines()
    # what it does not know is still refused
    torch.save({"model": subprocess.Popen}, checkpoint)
    command = [*RUN, "open.py", str(checkpoint)]
    done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "outside the supported Ultralytics checkpoint format" in done.stderr
