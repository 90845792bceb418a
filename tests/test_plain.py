"""``register --plain``: SimAM in a tutorial's size, with the values of the formula."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import yamlinject
from tests.checkouts import checkout
from tests.support import Cli
from tests.test_register import BUILD, COMMON, MODEL, PATCHED_MODEL, content
from yamlinject.checkout import codemod
from yamlinject.checkout.patch import Checkout

LONG = codemod.common_with(COMMON, "SimAM")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "yolo"
    (root / "models").mkdir(parents=True)
    (root / "models" / "common.py").write_text(COMMON)
    (root / "models" / "yolo.py").write_text(MODEL)
    return root


def test_it_is_short_and_is_undone(root: Path, cli: Cli) -> None:
    before = content(root)
    assert cli("register", "yolo", "--plain", folder=root.parent).code == 0
    after = content(root)
    assert after["yolo.py"] == PATCHED_MODEL.encode()
    text = after["common.py"].decode()
    assert len(text.splitlines()) - len(COMMON.splitlines()) <= 30
    assert [node.name for node in ast.parse(text).body if isinstance(node, ast.ClassDef)] == [
        "Conv",
        "SimAM",
        "Concat",
    ]
    assert "autograd" not in text
    assert cli("register", "yolo", "--plain", "--check", folder=root.parent).code == 0
    assert cli("register", "yolo", "--undo", folder=root.parent).code == 0
    assert content(root) == before


def test_one_form_replaces_the_other(root: Path, cli: Cli) -> None:
    cli("register", "yolo", folder=root.parent)
    long = content(root)
    assert long["common.py"].decode() == LONG
    assert cli("register", "yolo", "--plain", "--check", folder=root.parent).code == 1
    assert cli("register", "yolo", "--plain", folder=root.parent).code == 0
    assert len(content(root)["common.py"]) < len(LONG) / 2
    assert cli("register", "yolo", folder=root.parent).code == 0
    assert content(root) == long


def test_another_module_leaves_it_alone(root: Path, cli: Cli) -> None:
    cli("register", "yolo", "--plain", folder=root.parent)
    plain = content(root)["common.py"]
    cli("register", "yolo", "--module", "CBAM", folder=root.parent)
    cli("register", "yolo", "--module", "CBAM", "--undo", folder=root.parent)
    assert content(root)["common.py"] == plain


@pytest.mark.parametrize("module", sorted({*codemod.MODULES} - {"SimAM"}))
def test_the_others_have_one_form(module: str) -> None:
    assert codemod.common_with(COMMON, module, plain=True) == codemod.common_with(COMMON, module)


def test_it_can_be_pasted() -> None:
    """It may use only what common.py imports, in any encoding, on the Python of an old checkout."""
    text = (codemod.CLASSES / "simam_plain.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert imports == ["import torch", "from torch import nn"]
    assert text.isascii()


@pytest.mark.framework
def test_the_patched_scripts_build_with_it(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "yolov5")
    Checkout.open(folder).register(["SimAM"], plain=True).save()
    yamlinject.load("yolov5s").add("SimAM", after="C3").save(tmp_path / "a.yaml")
    yamlinject.load("yolov5s").add("SimAM", after="SPPF", args="[channels, 0.1]").save(tmp_path / "b.yaml")
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(package=""), "a.yaml", "b.yaml"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(folder), "YOLOv5_VERBOSE": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == [
        [7_235_389, [8, 16, 32], [["models.common", 1e-4, 0]] * 4],
        [7_235_389, [8, 16, 32], [["models.common", 0.1, 0]]],
    ]
