"""What ``verify`` builds is what the framework itself builds from a file; what has no effect is noted."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import shipped
from yamlinject import frameworks, load
from yamlinject.cli.app import run
from yamlinject.config import Config
from yamlinject.errors import YamlInjectError
from yamlinject.verification.comparison import verify

pytestmark = pytest.mark.framework


def parameters(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def opened(file: Path, opener: str = "YOLO") -> int:
    """The parameters of the model that Ultralytics itself builds from a file."""
    return parameters(getattr(import_module("ultralytics"), opener)(str(file)).model)


#: Tasks other than detection, by parts of the names of their configs.
OTHER_TASKS = ("-cls", "-obb", "-pose", "-seg", "-sem", "-depth", "world", "yoloe")

#: How many configs of other tasks Ultralytics 8.4 ships.
SHIPPED = 33

#: One of each task, and those without ``scales``; all of them are built with ``YAMLINJECT_EXHAUSTIVE=1``.
SAMPLE = set(
    """
    yolo11-cls-resnet18 yolov8-cls yolo12-obb yolov8-pose-p6 yolo11-seg yolov9c-seg yolo26-sem yolo26-depth
    yolov8-worldv2 yoloe-11-seg yoloe-26
    """.split()
)


def of_other_tasks() -> list[Path]:
    files = shipped("ultralytics", "cfg/models")
    return [file for file in files if any(part in file.stem for part in OTHER_TASKS)]


def built() -> list[Path]:
    exhaustive = "YAMLINJECT_EXHAUSTIVE" in os.environ
    return [file for file in of_other_tasks() if exhaustive or file.stem in SAMPLE]


def test_all_other_tasks_are_compared() -> None:
    assert len(of_other_tasks()) >= SHIPPED
    assert {part for part in OTHER_TASKS for file in built() if part in file.stem} == set(OTHER_TASKS)
    assert {file.stem for file in built()} >= SAMPLE


@pytest.mark.parametrize("file", built(), ids=lambda file: file.stem)
def test_configs_of_other_tasks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = import_module("torchvision.models")
    random = weights.resnet18().state_dict()  # one of the configs would have it downloaded
    monkeypatch.setattr(weights.WeightsEnum, "get_state_dict", lambda *_, **__: random)
    config = load(file.stem).add("SimAM", after="0")
    result = verify(config, framework="ultralytics", image_size=128)
    assert result.base.parameters == result.config.parameters == opened(file)
    assert (result.problems, result.base.name) == ([], file.stem)
    one_size = "scales" not in config.document.data or "yolov9" in file.stem
    assert ["selects no scale, so n was built" in note for note in result.notes] == [True] * (not one_size)


CONFIG = """\
{top}backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, Conv, [256, 3, 2]]
  - [-1, 3, C2f, [256, True]]
  - [-1, 1, SimAM, [256]]
head:
  - [[4], 1, Detect, [nc]]
"""
SCALES = "scales: {n: [0.33, 0.25, 1024], s: [0.33, 0.50, 1024]}\n"

#: The name of a file, what stands above its rows, the parameters that Ultralytics gives it, and the notes.
IGNORED = [
    pytest.param(
        "mine",
        f"nc: 2\nscale: s\n{SCALES}",
        205_026,
        [
            "scale: s has no effect: the file's name decides, and it selects no scale",
            "its file's name selects no scale, so n was built",
        ],
        id="scale",
    ),
    pytest.param(
        "yolo11n_x",
        f"nc: 2\nscale: s\n{SCALES}",
        205_026,
        ["scale: s has no effect: the file's name decides, and it selects n"],
        id="scale-and-name",
    ),
    pytest.param("yolo11s_x", f"nc: 2\nscale: s\n{SCALES}", 619_634, [], id="the-same-scale"),
    pytest.param(
        "yolo11n_x",
        f"nc: 2\nch: 4\n{SCALES}",
        205_026,
        [
            "ch: 4 has no effect: Ultralytics takes the channels of the images from the data set "
            "(data.yaml); without one it builds for 3"
        ],
        id="ch",
    ),
    pytest.param(
        "yolo11n_x",
        f"nc: 2\nchannels: 1\n{SCALES}",
        205_026,
        [
            "channels: 1 has no effect: Ultralytics takes the channels of the images from the data set "
            "(data.yaml); without one it builds for 3"
        ],
        id="channels",
    ),
    pytest.param("yolo11n_x", f"nc: 2\nch: 3\n{SCALES}", 205_026, [], id="3-channels"),
    pytest.param(
        "yolo11n_x",
        f"nc: 2\nwidth_multiple: 0.5\n{SCALES}",
        205_026,
        ["width_multiple has no effect: Ultralytics goes by scales"],
        id="width",
    ),
    pytest.param(
        "yolo11n_x", "nc: 2\ndepth_multiple: 0.33\nwidth_multiple: 0.5\n", 619_634, [], id="no-scales"
    ),
]


@pytest.mark.parametrize(("stem", "top", "expected", "notes"), IGNORED)
def test_what_ultralytics_ignores(
    tmp_path: Path, stem: str, top: str, expected: int, notes: list[str]
) -> None:
    frameworks.find("ultralytics", load())  # makes SimAM known
    file = tmp_path / f"{stem}.yaml"
    file.write_text(CONFIG.format(top=top))
    result = verify(load(file), image_size=64)
    assert result.config.parameters == opened(file) == expected
    assert result.base.parameters == expected
    assert [note for note in result.notes if "base is not known" not in note] == notes


@pytest.mark.parametrize("key", ["scale", "scales", "channels"])
def test_what_yolov5_ignores(key: str) -> None:
    config = load("yolov5n").add("SimAM", after="SPPF")
    value = "{s: [0.33, 0.50, 1024]}" if key == "scales" else "4"
    other = Config.from_text(f"{key}: {value}\n{config.text}", "yolov5n_SimAM.yaml")
    result = verify(other, load("yolov5n"), framework="yolov5", image_size=64)
    assert (result.problems, result.config.parameters) == ([], 1_872_157)
    assert f"{key} has no effect: YOLOv5 does not read it" in result.notes


@pytest.mark.parametrize(("values", "channels"), [({"ch": 4}, 4), ({}, 3), (None, 3)])
def test_the_channels_of_yolov5_models(values: dict[str, int] | None, channels: int) -> None:
    """Models of v3.0 do not note them, and those of v1.0 do not keep their config under that name."""
    model = SimpleNamespace() if values is None else SimpleNamespace(yaml=values)
    assert frameworks.find("yolov5", load()).image_channels(model) == channels


@pytest.mark.parametrize(
    ("values", "channels"), [({"ch": 4, "channels": 3}, 3), ({"channels": 1}, 1), ({"ch": 4}, 4), ({}, 3)]
)
def test_the_channels_of_ultralytics_models(values: dict[str, int], channels: int) -> None:
    """8.4 notes them as ``channels``, whatever ``ch`` says; those before as ``ch``."""
    model = SimpleNamespace(yaml=values)
    assert frameworks.find("ultralytics", load()).image_channels(model) == channels


#: Configs whose class of model Ultralytics tells by the file's name, and what that has to have in it.
CLASSES = [
    ("yolov8-world", "-world", "WorldDetect", "mine-world"),
    ("yolov8-worldv2", "-world", "WorldDetect", "mine-world"),
    ("yoloe-11", "yoloe", "YOLOEDetect", "yoloe-mine"),
    ("yoloe-v8-seg", "yoloe", "YOLOESegment", "yoloe-mine"),
    ("rtdetr-l", "rtdetr", "RTDETRDecoder", "rtdetr-mine"),
    ("yolov8-rtdetr", "rtdetr", "RTDETRDecoder", "rtdetr-mine"),
]


@pytest.mark.parametrize(("base", "part", "head", "name"), CLASSES)
def test_the_class_goes_by_the_name(tmp_path: Path, base: str, part: str, head: str, name: str) -> None:
    mine, other = tmp_path / "mine.yaml", tmp_path / f"{name}.yaml"
    load(base).add("SimAM", after="0", provenance=False).save(mine)
    frameworks.find("ultralytics", load())  # makes SimAM known
    with pytest.raises((AssertionError, NotImplementedError, TypeError)):
        opened(mine)
    with pytest.raises(YamlInjectError) as caught:
        verify(load(mine), framework="ultralytics")
    assert caught.value.message.endswith(
        f"cannot build it: it needs {part} in the file's name for {head}: call it {name}.yaml"
    )
    mine.rename(other)
    size = 160 if part == "rtdetr" else 64  # its decoder picks 300 of the cells
    result = verify(load(other), framework="ultralytics", image_size=size)
    assert result.config.parameters == opened(other, "RTDETR" if part == "rtdetr" else "YOLO")


REFUSED = [
    pytest.param(
        "mine",
        SCALES,
        "nc is missing, the number of classes: write a line such as nc: 80",
        id="no-nc",
    ),
    pytest.param(
        "yolo11n",
        f"nc:\n{SCALES}",
        "nc is missing, the number of classes: write a line such as nc: 80",
        id="nc",
    ),
    pytest.param(
        "yolo8s-x",
        "nc: 2\nscales: {m: [0.33, 0.25, 1024]}\n",
        "cannot build it: its file's name selects scale s, and scales has m only",
        id="scale",
    ),
    pytest.param(
        "yoloe-11x",
        f"nc: 2\n{SCALES}",
        "cannot build it: its file's name selects scale x, and scales has n, s only",
        id="yoloe-scale",
    ),
    pytest.param(
        "rtdetr-mine",
        f"nc: 2\n{SCALES}",
        "it takes it for an RT-DETR because of rtdetr in the file's name: give it another name",
        id="rtdetr",
    ),
    pytest.param(
        "yolov8s6", f"nc: 2\n{SCALES}", "opens another file instead of one with this name", id="p6"
    ),
    pytest.param(
        "yolov5nu", f"nc: 2\n{SCALES}", "opens another file instead of one with this name", id="u"
    ),
]


@pytest.mark.parametrize(("stem", "top", "message"), REFUSED)
def test_what_cannot_be_built_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str, top: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(f"{stem}.yaml").write_text(CONFIG.format(top=top))
    with pytest.raises(YamlInjectError) as caught:
        verify(load(f"{stem}.yaml"), framework="ultralytics", image_size=64)
    assert message in caught.value.message
    assert str(caught.value).startswith(f"{stem}.yaml: ")
    assert "tmp" not in caught.value.message


@pytest.mark.parametrize(
    ("base", "framework", "message"),
    [
        ("yolov5n", "ultralytics", "layer 24 (Detect) names anchors, as YOLOv5's configs do"),
        ("yolov5s-seg", "ultralytics", "layer 24 (Segment) names anchors, as YOLOv5's configs do"),
        (
            "yolo11n",
            "yolov5",
            "it has no anchors, no depth_multiple, no width_multiple, which YOLOv5 needs",
        ),
        (
            "yolov8n-seg",
            "yolov5",
            "it has no anchors, no depth_multiple, no width_multiple, which YOLOv5 needs",
        ),
        ("rtdetr-l", "yolov5", "is it a config for Ultralytics?"),
    ],
)
def test_a_config_of_the_other_family(base: str, framework: str, message: str) -> None:
    with pytest.raises(YamlInjectError, match=f"^{base}: {framework} .* cannot build it: ") as caught:
        verify(load(base), framework=framework, image_size=64)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("top", "head", "name"),
    [
        (SCALES, "[nc]", "ultralytics"),
        (f"{SCALES}anchors: [[10, 13]]\n", "[nc]", "ultralytics"),
        ("anchors: [[10, 13]]\n", "[nc, anchors]", "yolov5"),
        (f"{SCALES}anchors: [[10, 13]]\n", "[nc, anchors]", "yolov5"),
        ("", "[nc, anchors]", "yolov5"),
        ("anchors: [[10, 13]]\n", "[nc, [[10, 13]]]", "yolov5"),
    ],
)
def test_the_framework_that_a_config_is_written_for(top: str, head: str, name: str) -> None:
    text = CONFIG.format(top=f"nc: 2\n{top}").replace("Detect, [nc]", f"Detect, {head}")
    assert frameworks.find(None, Config.from_text(text)).name == name


def test_one_file_for_all_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``YOLO("yolov8s_SimAM.yaml")`` works where there is ``yolov8_SimAM.yaml``, and so does ``verify``."""
    monkeypatch.chdir(tmp_path)
    load("yolov8").add("SimAM", after="SPPF").save("yolov8_SimAM.yaml")
    assert run(["verify", "yolov8s_SimAM.yaml", "--imgsz", "64"]) == 0
    assert opened(Path("yolov8s_SimAM.yaml")) == 11_166_560
    assert "11,166,560" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "wanted"), [("requirements.txt", "-r {}/requirements.txt"), ("", "-e {}")]
)
def test_what_a_checkout_needs_is_its_own_affair(tmp_path: Path, file: str, wanted: str) -> None:
    """A package that is missing comes from the checkout's list, not from our extra."""
    root = tmp_path / "fork"
    (root / "models").mkdir(parents=True)
    (root / "models" / "yolo.py").write_text("import no_such_package\n")
    if file:
        (root / file).write_text("no_such_package\n")
    (tmp_path / "x.yaml").write_bytes(load("yolov5n").to_bytes())
    command = [sys.executable, "-m", "yamlinject", "verify", "x.yaml", "--framework", str(root)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line == (
        f"yamlinject: error: {root}: yolov5 cannot be imported: No module named 'no_such_package'; "
        f"pip install {wanted.format(root)} gets what it needs"
    )
