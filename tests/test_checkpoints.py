"""Checkpoints of the frameworks' own shape, loaded and saved."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from yamlinject import frameworks, load
from yamlinject.errors import SourceError
from yamlinject.frameworks.framework import Framework

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
    framework(name).save_checkpoint({"model": model, "epoch": -1, "train_args": {}}, file)
    assert list(tmp_path.iterdir()) == [file]
    again = framework(name).load_checkpoint(file)
    assert again["epoch"] == -1
    assert all(map(torch.equal, model.state_dict().values(), again["model"].state_dict().values()))
    script = tmp_path / "script.py"
    found = "[m.e_lambda for m in model.modules() if type(m).__name__ == 'SimAM']"
    script.write_text(f"import sys; {LOADERS[name]}\nprint({found})")
    command = [sys.executable, "-m", "yamlinject", "run", str(script), str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[0.0001]"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.pt: cannot read it: No such file"):
        framework("yolov5").load_checkpoint(tmp_path / "none.pt")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "odd.pt"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=r"odd\.pt: not a checkpoint"):
        framework("yolov5").load_checkpoint(file)


def test_a_checkpoint_without_a_model(tmp_path: Path) -> None:
    file = tmp_path / "state.pt"
    torch.save({"model.0.weight": torch.zeros(1)}, file)
    with pytest.raises(SourceError, match="holds no model"):
        framework("yolov5").load_checkpoint(file)


def test_a_checkpoint_that_needs_a_class_from_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "foreign.pt"
    file.write_bytes(
        pickle.dumps({"model": 1}, protocol=2).replace(b"X\x05\x00\x00\x00model", b"cnowhere\nFoo\n")
    )
    with pytest.raises(SourceError, match="foreign"):
        framework("yolov5").load_checkpoint(file)
