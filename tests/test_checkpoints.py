"""Checkpoints of the frameworks' own shape: what is saved is what their own programs load."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from yamlinject import frameworks, load
from yamlinject.frameworks.base import Framework

pytestmark = pytest.mark.framework

#: How each framework's own programs load a checkpoint, and print the modules and lambdas that they got.
LOADERS = {
    "yolov5": "from yolov5.models.experimental import attempt_load; model = attempt_load(sys.argv[1])",
    "ultralytics": "from ultralytics import YOLO; model = YOLO(sys.argv[1]).model",
}


@functools.cache
def framework(name: str) -> Framework:
    return frameworks.find(name, load("yolov5n"))


@pytest.mark.parametrize(("name", "base"), [("yolov5", "yolov5n"), ("ultralytics", "yolov8n")])
def test_what_is_saved_is_loaded_by_the_framework(tmp_path: Path, name: str, base: str) -> None:
    file = tmp_path / "mine.pt"
    model = framework(name).build(load(base).add("SimAM", after="SPPF"))
    torch.save({"model": model, "epoch": -1, "train_args": {}}, file)
    assert list(tmp_path.iterdir()) == [file]
    again = torch.load(file, weights_only=False)
    assert again["epoch"] == -1
    assert all(map(torch.equal, model.state_dict().values(), again["model"].state_dict().values()))
    script = tmp_path / "script.py"
    found = "[m.e_lambda for m in model.modules() if type(m).__name__ == 'SimAM']"
    script.write_text(f"import sys; {LOADERS[name]}\nprint({found})")
    command = [sys.executable, "-m", "yamlinject", "run", str(script), str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0.0001]"
