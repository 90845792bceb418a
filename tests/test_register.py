"""Checkouts that are patched and restored; once patched, their own scripts work without yamlinject."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import yamlinject
from tests.checkouts import checkout as head_like
from tests.checkouts import package
from tests.support import Cli
from yamlinject import files
from yamlinject.checkout.codemod import MODULES
from yamlinject.checkout.patch import Checkout
from yamlinject.errors import SourceError, YamlInjectError

COMMON = """\
import torch
from torch import nn

class Conv(nn.Module):
    pass

class Concat(nn.Module):
    pass
"""
MODEL = """\
from models.common import Conv, Concat
from models.experimental import *

def parse_model(d, ch):
    for m in d:
        if m in [Conv]:
            pass
        elif m is Concat:
            pass
"""
PATCHED_MODEL = """\
from models.common import Conv, Concat, SimAM
from models.experimental import *

def parse_model(d, ch):
    for m in d:
        if m in [Conv, SimAM]:
            pass
        elif m is Concat:
            pass
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "yolo"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "common.py").write_bytes(COMMON.encode())
    (folder / "models" / "yolo.py").write_bytes(MODEL.encode())
    return folder


def content(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (root / "models").iterdir() if file.is_file()}


def test_register_and_undo(root: Path) -> None:
    before = content(root)
    patch = Checkout.open(root).register(["SimAM"])
    assert content(root) == before
    assert [file.path for file in patch.files] == [
        root / "models" / "common.py",
        root / "models" / "yolo.py",
    ]
    assert patch.changed
    patch.save()
    assert (root / "models" / "yolo.py").read_text() == PATCHED_MODEL
    lines = (root / "models" / "common.py").read_text().splitlines()
    first = lines.index("class SimAM(nn.Module):") - 1
    last = lines.index("# SimAM from yamlinject ends here")
    assert lines[first].startswith(f"# SimAM from yamlinject {yamlinject.__version__} (sha256:")
    assert lines[:first] + lines[last + 1 :] == COMMON.splitlines()
    assert Checkout.open(root).registered == ["SimAM"]

    patched = content(root)
    again = Checkout.open(str(root)).register(["SimAM", "SimAM"])
    assert (again.files, again.changed, list(again.diff())) == ((), False, [])
    again.save()
    assert content(root) == patched

    undo = Checkout.open(root).undo()
    assert [file.path.name for file in undo.files] == ["yolo.py", "common.py"]
    undo.save()
    assert content(root) == before
    assert not Checkout.open(root).undo().changed


def test_diff(root: Path) -> None:
    lines = list(Checkout.open(root).register(["SimAM"]).diff())
    common, model = str(root / "models" / "common.py"), str(root / "models" / "yolo.py")
    assert lines[:2] == [f"--- {common}", f"+++ {common}"]
    assert lines[lines.index(f"--- {model}") :] == [
        f"--- {model}",
        f"+++ {model}",
        "@@ -1,9 +1,9 @@",
        "-from models.common import Conv, Concat",
        "+from models.common import Conv, Concat, SimAM",
        " from models.experimental import *",
        " ",
        " def parse_model(d, ch):",
        "     for m in d:",
        "-        if m in [Conv]:",
        "+        if m in [Conv, SimAM]:",
        "             pass",
        "         elif m is Concat:",
        "             pass",
    ]


def test_several_modules_are_undone_one_by_one(root: Path) -> None:
    before = content(root)
    Checkout.open(root).register(["SimAM", "CBAM"]).save()
    two = content(root)
    Checkout.open(root).register(MODULES).save()
    assert Checkout.open(root).registered == sorted(MODULES)
    Checkout.open(root).undo(["ECA"]).save()
    Checkout.open(root).undo(set(MODULES) - {"SimAM", "CBAM", "ECA"}).save()
    assert content(root) == two
    Checkout.open(root).undo().save()
    assert content(root) == before


@pytest.mark.parametrize(
    "convert", [lambda data: data.replace(b"\n", b"\r\n"), lambda data: b"\xef\xbb\xbf" + data]
)
def test_line_ends_and_marks_are_kept(root: Path, convert: Callable[[bytes], bytes]) -> None:
    for file in (root / "models").iterdir():
        file.write_bytes(
            convert(b"# -*- coding: latin-1 -*- \xe9\x0c\n" + file.read_bytes()).removesuffix(b"\n")
        )
    before = content(root)
    Checkout.open(root).register(["SimAM", "SE"]).save()
    for name, data in content(root).items():
        assert data.startswith(b"\xef\xbb\xbf") == before[name].startswith(b"\xef\xbb\xbf")
        assert data.count(b"\r\n") in (0, data.count(b"\n"))
        assert data.count(b"SimAM") > 1
    Checkout.open(root).undo().save()
    assert content(root) == before


@pytest.mark.parametrize("undo", [False, True])
def test_a_run_that_was_cut_short_is_finished_or_undone(
    root: Path, monkeypatch: pytest.MonkeyPatch, undo: bool
) -> None:
    before = content(root)
    if undo:
        Checkout.open(root).register(["SimAM"]).save()
    written: list[Path] = []

    def once(path: Path, data: bytes) -> None:
        if written:
            raise SourceError("cannot write it: no space left on device", file=str(path))
        written.append(path)
        path.write_bytes(data)

    monkeypatch.setattr(files, "write_atomic", once)
    with pytest.raises(SourceError, match="no space left"):
        (Checkout.open(root).undo() if undo else Checkout.open(root).register(["SimAM"])).save()
    monkeypatch.undo()
    between = content(root)
    assert between["yolo.py"] == MODEL.encode()
    assert b"class SimAM" in between["common.py"]

    Checkout.open(root).undo().save()
    assert content(root) == before
    (root / "models" / "common.py").write_bytes(between["common.py"])
    Checkout.open(root).register(["SimAM"]).save()
    assert (root / "models" / "yolo.py").read_text() == PATCHED_MODEL


def test_links_and_modes_are_kept(root: Path) -> None:
    target = root / "shared.py"
    link = root / "models" / "yolo.py"
    link.rename(target)
    link.symlink_to("../shared.py")
    target.chmod(0o444)
    Checkout.open(root).register(["SimAM"]).save()
    assert link.is_symlink()
    assert target.read_text() == PATCHED_MODEL
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    assert sorted(file.name for file in (root / "models").iterdir()) == ["common.py", "yolo.py"]


def refused(root: Path, edit: Callable[[Checkout], object]) -> str:
    before = content(root)
    with pytest.raises(YamlInjectError) as error:
        edit(Checkout.open(root))
    assert content(root) == before
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{root}/")


# the file, what is replaced in it, its replacement, and the error
REFUSED = [
    ("common.py", "class Conv(", "class SimAM(", "models/common.py:4:1: there is a SimAM that is not"),
    ("common.py", "class Concat", "class Join", "models/common.py: there is no class Concat"),
    ("common.py", "import torch\n", "print 1\n", "models/common.py:1:1: not valid Python: Missing paren"),
    (
        "yolo.py",
        "[Conv]",
        "[Conv, SimAM]",
        "models/yolo.py:6:24: there is a SimAM that is not yamlinject's",
    ),
    ("yolo.py", "Conv, Concat", "Conv, SimAM", "models/yolo.py:1:33: there is a SimAM that is not"),
    ("yolo.py", "def parse", "class SimAM: pass\ndef parse", "models/yolo.py:4:1: there is a SimAM that"),
    ("yolo.py", "[Conv]", "known", "models/yolo.py:4:1: parse_model has no 'if m in [Conv, …]'"),
    ("yolo.py", "pass", "pass)", "models/yolo.py:7:17: not valid Python: unmatched ')'"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), REFUSED)
def test_what_is_not_understood_is_refused(root: Path, file: str, old: str, new: str, message: str) -> None:
    path = root / "models" / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    assert refused(root, lambda checkout: checkout.register(["SE", "SimAM"])).startswith(message)


def test_a_class_that_a_later_import_would_bring_is_refused(root: Path) -> None:
    (root / "models" / "experimental.py").write_text("import torch\n\nclass SimAM:\n    pass\n")
    error = refused(root, lambda checkout: checkout.register(["SimAM"]))
    assert error == "models/experimental.py:3:1: yolo.py would take this SimAM for yamlinject's: rename it"
    model = root / "models" / "yolo.py"
    model.write_text(model.read_text().replace("experimental import *", "experimental import Sum"))
    assert Checkout.open(root).register(["SimAM"]).changed


def test_what_was_edited_since_is_not_undone(root: Path) -> None:
    Checkout.open(root).register(["SimAM", "SE"]).save()
    path = root / "models" / "yolo.py"
    path.write_text(path.read_text().replace("[Conv, SE, SimAM]", "[SimAM, Conv, SE]"))
    error = refused(root, lambda checkout: checkout.undo())
    assert error == "models/yolo.py:6:18: SimAM is not written as yamlinject writes it: remove it by hand"
    path.write_text(PATCHED_MODEL.replace("Conv, Concat, SimAM", "Conv, Concat, SE, SimAM"))
    Checkout.open(root).undo(["SE"]).save()
    assert path.read_text() == PATCHED_MODEL
    path = root / "models" / "common.py"
    path.write_text(
        path.read_text().replace("class SimAM(nn.Module):\n", "class SimAM(nn.Module):\n    #\n")
    )
    for edit in (lambda checkout: checkout.register(["SimAM"]), lambda checkout: checkout.undo()):
        assert refused(root, edit).startswith(
            "models/common.py:7:1: this class SimAM of yamlinject was edited"
        )


def test_undo_of_what_is_not_registered(root: Path) -> None:
    path = root / "models" / "common.py"
    path.write_text(COMMON.replace("class Conv", "class SimAM"))
    patch = Checkout.open(root).undo(["SimAM", "Other"])
    assert not patch.changed
    assert patch.notes == ("SimAM is not registered here", "Other is not registered here")
    assert Checkout.open(root).undo() == ((), ())


def test_a_note_says_that_tensorflow_lacks_the_class(root: Path) -> None:
    path = root / "models" / "tf.py"
    path.write_text("class TFConv(A):\n    pass\n\nclass TFSE(A):\n    pass\n")
    assert Checkout.open(root).register(["SimAM", "SE"]).notes == (
        f"{path} has no TFSimAM: a model with SimAM cannot be exported to TensorFlow",
    )


def test_a_folder_that_is_no_checkout(tmp_path: Path, root: Path) -> None:
    def error(path: Path) -> str:
        with pytest.raises(YamlInjectError) as caught:
            Checkout.open(path)
        return str(caught.value).replace(str(tmp_path), "TMP")

    no_yolo = "not a checkout of YOLOv5: there is no models/yolo.py"
    neither = "not a checkout of YOLOv5: there is no models/common.py and no models/yolo.py"
    assert error(tmp_path) == f"TMP: {neither}"
    for name in ("missing", "missing\0"):
        assert error(tmp_path / name) == f"TMP/{name}: there is no such folder"
    root.rename(tmp_path / "yolov5")
    assert error(tmp_path) == f"TMP: {neither}; did you mean TMP/yolov5?"
    assert error(tmp_path / "yolov5" / "models" / "yolo.py") == f"TMP/yolov5/models/yolo.py: {neither}"
    (tmp_path / "yolov5" / "models" / "yolo.py").unlink()
    assert error(tmp_path / "yolov5") == f"TMP/yolov5: {no_yolo}"
    for folder in ("package", "repository/ultralytics"):
        (tmp_path / folder / "nn").mkdir(parents=True)
        (tmp_path / folder / "nn" / "tasks.py").touch()
    for folder in ("package", "repository"):
        assert error(tmp_path / folder) == (
            f"TMP/{folder}: this is ultralytics, which needs no patch: "
            "yamlinject run makes it know the modules"
        )


def test_files_that_are_no_text(root: Path) -> None:
    (root / "models" / "yolo.py").write_bytes(b"\0" * 10)
    with pytest.raises(SourceError, match=r"models/yolo\.py: a binary file"):
        Checkout.open(root)


def test_torch_is_not_imported(root: Path) -> None:
    code = (
        "import sys; from yamlinject.checkout.patch import Checkout; "
        f"patch = Checkout.open({str(root)!r}).register(['SimAM']); patch.save(); "
        "assert not {'torch', 'yamlinject.nn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert Checkout.open(root).registered == ["SimAM"]


@pytest.fixture(params=["package", "checkout"])
def yolov5(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The installed yolov5 as it is, and as a checkout, whose imports name no package."""
    if request.param == "checkout":
        return head_like(tmp_path / "yolov5")
    return shutil.copytree(package(), tmp_path / "yolov5", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.framework
def test_the_real_files_are_restored(yolov5: Path) -> None:
    before = content(yolov5)
    registry = b"nn.ConvTranspose2d, DWConvTranspose2d, C3x"
    Checkout.open(yolov5).register(["SimAM", "CBAM"]).save()
    after = content(yolov5)
    assert after["yolo.py"] == before["yolo.py"].replace(registry + b"}:", registry + b", CBAM, SimAM}:")
    assert after["common.py"].count(b"ends here\nclass Concat(nn.Module):\n") == 1
    assert {name for name in before if before[name] != after[name]} == {"common.py", "yolo.py"}
    Checkout.open(yolov5).register(["BiFPN_Concat"]).save()
    joins = content(yolov5)["yolo.py"]
    assert joins == after["yolo.py"].replace(b"m is Concat:", b"m in (Concat, BiFPN_Concat):")
    Checkout.open(yolov5).undo(["BiFPN_Concat"]).save()
    assert content(yolov5) == after
    assert not Checkout.open(yolov5).register(["CBAM", "SimAM"]).changed
    Checkout.open(yolov5).undo().save()
    assert content(yolov5) == before


BUILD = """
import json, sys
sys.modules["yamlinject"] = None
from {package}models import yolo
models = [yolo.Model(path) for path in sys.argv[1:]]
print(json.dumps([
    [
        sum(p.numel() for p in model.parameters()),
        model.stride.tolist(),
        [[type(m).__module__, getattr(m, "e_lambda", None), sum(p.numel() for p in m.parameters())]
         for m in model.modules() if type(m).__name__ in ("SimAM", "CBAM")],
    ]
    for model in models
]))
"""


@pytest.mark.framework
def test_the_patched_scripts_build_the_models_without_yamlinject(yolov5: Path) -> None:
    checkout = "from yolov5." not in (yolov5 / "models" / "yolo.py").read_text()
    Checkout.open(yolov5).register(["SimAM", "CBAM"]).save()
    folder = yolov5.parent
    for name, module, after in (("a", "SimAM", "SPPF"), ("b", "SimAM", "C3"), ("c", "CBAM", "C3")):
        yamlinject.load("yolov5s").add(module, after=after, args="[channels]").save(folder / f"{name}.yaml")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            BUILD.format(package="" if checkout else "yolov5."),
            "a.yaml",
            "b.yaml",
            "c.yaml",
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(yolov5 if checkout else folder), "YOLOv5_VERBOSE": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    after_sppf, after_c3, cbam = json.loads(done.stdout.splitlines()[-1])
    home = "models.common" if checkout else "yolov5.models.common"
    assert after_sppf == [7_235_389, [8, 16, 32], [[home, 1e-4, 0]]]
    assert after_c3 == [7_235_389, [8, 16, 32], [[home, 1e-4, 0]] * 4]
    parameters, strides, modules = cbam
    assert strides == [8, 16, 32]
    assert [module[:2] for module in modules] == [[home, None]] * 4
    # two layers of c * c / 16 weights and a 7x7 kernel over two maps, for the scaled 64 to 512 channels
    assert [size for _, _, size in modules] == [610, 2146, 8290, 32_866]
    assert parameters == 7_235_389 + 610 + 2146 + 8290 + 32_866


@pytest.mark.framework
def test_the_patched_scripts_build_what_takes_the_place_of_others(yolov5: Path) -> None:
    checkout = "from yolov5." not in (yolov5 / "models" / "yolo.py").read_text()
    Checkout.open(yolov5).register(["DySample", "BiFPN_Concat", "CARAFE"]).save()
    text = yamlinject.load("yolov5s").text
    rows = {
        "Concat, [1]": "BiFPN_Concat, [2]",
        "nn.Upsample, [None, 2, 'nearest']": "CARAFE, [512]",
    }
    for old, new in rows.items():
        assert old in text
        text = text.replace(old, new, 1)
    text = text.replace("nn.Upsample, [None, 2, 'nearest']", "DySample, [256]")
    (yolov5.parent / "mine.yaml").write_text(text)
    package = "" if checkout else "yolov5."
    script = BUILD.format(package=package).replace(
        '"SimAM", "CBAM"', '"BiFPN_Concat", "CARAFE", "DySample"'
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "mine.yaml"],
        cwd=yolov5.parent,
        env=os.environ
        | {"PYTHONPATH": str(yolov5 if checkout else yolov5.parent), "YOLOv5_VERBOSE": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    ((parameters, strides, modules),) = json.loads(done.stdout.splitlines()[-1])
    # the scaled 256 and 128 channels
    added = [256 * 64 + 64 + 57_700, 2, 128 * 32 + 32]
    assert [size for _, _, size in modules] == added
    assert {home for home, _, _ in modules} == {f"{package}models.common"}
    assert (parameters, strides) == (7_235_389 + sum(added), [8, 16, 32])


def test_names_whose_class_was_removed_by_other_means(root: Path) -> None:
    """As after ``git checkout models/common.py``: registering refuses, and undoing cleans up."""
    before = content(root)
    common = (root / "models/common.py").read_bytes()
    Checkout.open(root).register(["CBAM", "SimAM"]).save()
    (root / "models/common.py").write_bytes(common)
    assert "--undo" in refused(root, lambda checkout: checkout.register(["SimAM"]))
    Checkout.open(root).undo().save()
    assert content(root) == before


@pytest.mark.parametrize("words", [["cbam"], ["--module", "cbam"], ["CBAM"], ["--module", "Simam,cbam"]])
def test_a_module_in_any_case(cli: Cli, root: Path, words: list[str]) -> None:
    before = content(root)
    assert cli("register", *words, str(root)).code == 0
    assert "class CBAM(" in (root / "models" / "common.py").read_text()
    assert cli("register", *words, str(root), "--undo").code == 0
    assert content(root) == before
