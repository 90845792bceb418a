"""Names of base configs: the embedded ones, those of installed frameworks, and paths."""

from __future__ import annotations

import ntpath
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import shipped
from yamlinject import SourceError, load
from yamlinject.library import bases

SIZES = ("n", "s", "m", "l", "x")
TINY = "nc: 2\nbackbone: [[-1, 1, Conv, [16]]]\nhead: [[[0], 1, Detect, [nc]]]\n"


@pytest.mark.framework
@pytest.mark.parametrize("size", SIZES)
def test_embedded_templates_equal_those_of_yolov5(size: str) -> None:
    (theirs,) = (path for path in shipped("yolov5", "models") if path.name == f"yolov5{size}.yaml")
    ours = yaml.safe_load(load(f"yolov5{size}").text)
    assert ours == yaml.safe_load(theirs.read_text(encoding="utf-8"))
    assert len(ours["backbone"]) + len(ours["head"]) == 25


def test_embedded_names() -> None:
    assert bases.embedded() == sorted(f"yolov5{size}" for size in SIZES)


@pytest.mark.framework
@pytest.mark.parametrize(
    ("name", "file"),
    [
        pytest.param("yolov5s6", "yolov5:models/hub/yolov5s6.yaml", id="yolov5-hub"),
        pytest.param("yolov5s-seg", "yolov5:models/segment/yolov5s-seg.yaml", id="yolov5-segment"),
        pytest.param("yolo11", "ultralytics:cfg/models/11/yolo11.yaml", id="ultralytics"),
        pytest.param("yolo11n", "ultralytics:cfg/models/11/yolo11.yaml", id="scale"),
        pytest.param("yolo11n-seg", "ultralytics:cfg/models/11/yolo11-seg.yaml", id="scale-and-task"),
        pytest.param("yolov8s", "ultralytics:cfg/models/v8/yolov8.yaml", id="scale-v8"),
        pytest.param("yolov8x-p6", "ultralytics:cfg/models/v8/yolov8-p6.yaml", id="scale-p6"),
        pytest.param("yolov9c", "ultralytics:cfg/models/v9/yolov9c.yaml", id="scale-in-the-file-name"),
    ],
)
def test_names_of_installed_frameworks(name: str, file: str) -> None:
    framework, path = file.split(":")
    (theirs,) = (found for found in shipped(framework, ".") if found.as_posix().endswith(path))
    config = load(name)
    assert config.to_bytes() == theirs.read_bytes()
    assert (config.name, config.stem) == (name, name)


@pytest.mark.framework
def test_every_shipped_config_has_a_name() -> None:
    files = shipped("yolov5", "models") + shipped("ultralytics", "cfg/models")
    assert len(files) > 50
    assert {file.stem for file in files} - set(bases.names()) == {"anchors"}  # no model


@pytest.mark.framework
def test_names_are_found_without_importing_a_framework() -> None:
    code = (
        "import sys\n"
        "from yamlinject import load\nfrom yamlinject.library import bases\n"
        "assert 'yolov5s6' in bases.names() and 'yolo11' in bases.names()\n"
        "load('yolov5s6'), load('yolo11n')\n"
        "print(sorted({'torch', 'yolov5', 'ultralytics', 'numpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of the frameworks' names that cannot be imported, found before any that are installed."""
    root = tmp_path / "packages"
    scales = ", ".join(f"{scale}: [0.5, 0.25, 1024]" for scale in "nsmlx")
    scaled = TINY.replace("nc: 2", f"nc: 2\nscales: {{{scales}}}")
    files = {
        "yolov5/models/hub/yolov5s6.yaml": TINY,
        "yolov5/models/yolov5s.yaml": "",  # the embedded one comes first
        "ultralytics/cfg/models/11/yolo11-seg.yaml": scaled,
        "ultralytics/cfg/models/v9/yolov9c.yaml": TINY,
        "ultralytics/cfg/datasets/coco.yaml": TINY,
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"# {name}\n{text}")
    for package in ("yolov5", "ultralytics"):
        (root / package / "__init__.py").write_text("raise RuntimeError")
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(root)
    return root


@pytest.mark.usefixtures("packages")
def test_names_of_packages_on_the_path() -> None:
    found = {
        "yolov5s6": "yolov5/models/hub/yolov5s6.yaml",
        "yolo11-seg": "ultralytics/cfg/models/11/yolo11-seg.yaml",
        "yolo11s-seg": "ultralytics/cfg/models/11/yolo11-seg.yaml",
        "yolov9c": "ultralytics/cfg/models/v9/yolov9c.yaml",
    }
    assert {name: load(name).text.split()[1] for name in found} == found
    assert len(load("yolov5s").layers) == 25
    for name in ("yolo11q-seg", "yolo11s", "coco"):  # no such scale, no such task, no model
        with pytest.raises(SourceError):
            load(name)


@pytest.mark.usefixtures("packages")
def test_all_names_of_packages_on_the_path() -> None:
    scaled = {f"yolo11{scale}-seg" for scale in "nsmlx"}
    assert set(bases.names()) == {*bases.embedded(), "yolov5s6", "yolo11-seg", *scaled, "yolov9c"}


def test_embedded_names_come_first_and_need_no_framework() -> None:
    code = (
        "import importlib.util\n"
        "importlib.util.find_spec = lambda *arguments: None\n"
        "from yamlinject import load\nfrom yamlinject.library import bases\n"
        "print(len(load('yolov5s').layers), len(bases.names()))\n"
        "load('yolo11n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "25 5\n"
    assert done.stderr.rstrip().endswith(
        "those of ultralytics come with: pip install 'yamlinject[ultralytics]'"
    )


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        pytest.param("yolov5ss", "did you mean yolov5s", id="typo"),
        pytest.param("yolo11q", "did you mean yolo11", id="no-such-scale", marks=pytest.mark.framework),
        pytest.param(
            "qqqqqq", "there are yolov5l, yolov5m, yolov5n, yolov5s, yolov5x", id="nothing-like-it"
        ),
    ],
)
def test_unknown_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fragment: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as raised:
        load(name)
    assert name in str(raised.value)
    assert fragment in str(raised.value)


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        pytest.param("yolov5s", 25, id="a-name-wins-over-a-file-without-ending"),
        pytest.param("yolov5s.yaml", 2, id="an-ending-makes-a-path"),
        pytest.param(os.path.join(".", "yolov5s"), 2, id="a-folder-makes-a-path"),
        pytest.param(os.path.join("folder", "yolov5s"), 2, id="another-folder"),
        pytest.param("UPPER.YAML", 2, id="an-ending-in-capitals"),
        pytest.param("my.yml", 2, id="yml"),
        pytest.param("mine", 2, id="a-file-without-ending-that-is-no-name"),
    ],
)
def test_path_or_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, layers: int) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    for file in ("yolov5s", "yolov5s.yaml", "folder/yolov5s", "UPPER.YAML", "my.yml", "mine"):
        Path(file).write_text(TINY)
    assert len(load(name).layers) == layers


@pytest.mark.parametrize("name", ["models\\yolov5s", "C:\\models\\yolov5s", ".\\yolov5s", "models/yolov5s"])
def test_a_folder_of_windows_makes_a_path(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(os, "sep", "\\")
    assert bases.is_path(name)
    assert not bases.is_path("yolov5s")


def test_load_takes_a_path_object(tmp_path: Path) -> None:
    path = tmp_path / "deep.v2.yaml"
    path.write_text(TINY)
    config = load(path)
    assert (config.name, config.stem) == (str(path), "deep.v2")


def test_a_name_on_another_drive_is_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows ``D:base`` is a file in the current folder of that drive, whatever it is joined to."""
    assert not bases.is_path("D:base")
    monkeypatch.setattr(os.path, "splitdrive", ntpath.splitdrive)
    assert bases.is_path("D:base")
    assert not bases.is_path("yolov5s")
