"""What a reader of the documentation has already: images, checkpoints of the base models, a checkout,
a study."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.checkouts import checkout
from tests.dataset import make_dataset
from tests.study import finish, make_study

#: A folder that other programs import from first.
SITE = "site"


def give(folder: Path, name: str, made_by: str) -> None:
    """Make the file ``name`` of ``folder``: see ``tests/consoles.py``."""
    if made_by:
        _config(folder / name, *made_by.splitlines())
    else:
        _FILES[name](folder)


def _config(file: Path, command: str, *replacements: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "yamlinject", *shlex.split(command), "-o", "-"]
    text = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout.decode()
    for line in replacements:
        old, arrow, new = line.partition(" -> ")
        assert arrow, line
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")


def _images(folder: Path) -> None:
    make_dataset(folder / "data", images=4)
    shutil.copy(folder / "data" / "data.yaml", folder)


def _checkpoint(folder: Path, base: str, framework: str) -> None:
    import torch

    from yamlinject import frameworks, load

    config = load(base)
    torch.manual_seed(0)
    model = frameworks.find(framework, config).build(config)
    torch.save({"epoch": -1, "model": model.half(), "optimizer": None}, folder / f"{base}.pt")


def _checkout(folder: Path) -> None:
    """The package asks the Hugging Face hub for all weights; the repository does not."""
    downloads = checkout(folder / "yolov5") / "utils" / "downloads.py"
    text = downloads.read_text(encoding="utf-8")
    text += "\n\ndef attempt_download_from_hub(*_, **__):\n    return None\n"
    downloads.write_text(text, encoding="utf-8")


def _study(folder: Path) -> None:
    """The study of ``docs/study.md``: the file holds what ``done.json`` said of each of its runs."""
    made = make_study(folder / "ablation")
    said = json.loads(Path(__file__).with_name("study_of_shapes.json").read_text(encoding="utf-8"))
    for job in made.jobs:
        finish(job, None, **said[job.variant.name][job.seed])


def _sitecustomize(folder: Path, code: str) -> None:
    (folder / SITE).mkdir()
    (folder / SITE / "sitecustomize.py").write_text(code, encoding="utf-8")


#: What a later version of a library no longer has.
_NO_PKG_RESOURCES = """\
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "pkg_resources" else find(name, *rest)
"""
_NO_TRAPZ = """\
import numpy

vars(numpy).pop("trapz", None)
"""

_FILES: dict[str, Callable[[Path], object]] = {
    "ablation": _study,
    "data.yaml": _images,
    "yolov5": _checkout,
    "setuptools 82": lambda folder: _sitecustomize(folder, _NO_PKG_RESOURCES),
    "numpy 2.4": lambda folder: _sitecustomize(folder, _NO_TRAPZ),
    "yolov5n.pt": lambda folder: _checkpoint(folder, "yolov5n", "yolov5"),
    "yolov5s.pt": lambda folder: _checkpoint(folder, "yolov5s", "yolov5"),
    "yolov8n.pt": lambda folder: _checkpoint(folder, "yolov8n", "ultralytics"),
}
