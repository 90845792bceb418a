"""The bridges between frameworks that are no longer maintained and the libraries of today."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.dataset import arial

SWITCHES = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")


def python(script: str, *before: str, cwd: Path, **variables: str) -> list[str]:
    """The lines that ``script`` prints, run by Python with ``before`` in front of it."""
    (cwd / "script.py").write_text(script)
    inherited = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    done = subprocess.run(
        [sys.executable, *before, "script.py"],
        cwd=cwd,
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


RUN = ("-m", "yamlinject", "run")


# --- Pillow


GETSIZE = """
import sys
from PIL import Image, ImageDraw, ImageFont

font = ImageFont.truetype(sys.argv[0].replace("script.py", "Arial.ttf"), 40)
if hasattr(font, "getsize"):
    image = Image.new("L", (400, 200))
    ImageDraw.Draw(image).text((0, 0), "person 0.9", fill=255, font=font)
    left, _, right, bottom = image.getbbox()
    print(*font.getsize("person 0.9"), right, bottom)
"""


@pytest.mark.framework
def test_the_size_of_a_label(tmp_path: Path) -> None:
    """YOLOv5 fills a box of that size and writes the label from its upper left corner."""
    (tmp_path / "Arial.ttf").write_bytes(arial().read_bytes())
    assert python(GETSIZE, cwd=tmp_path) == []  # so it is needed
    (line,) = python(GETSIZE, *RUN, cwd=tmp_path)
    width, height, right, bottom = map(int, line.split())
    # all of the ink is inside, and no more than the side bearings of two letters is too much
    assert right - 8 <= width <= right + 8
    assert height == bottom


def stand_in(folder: Path, files: Mapping[str, str]) -> None:
    """Modules in the folder of a script, which it imports before any that are installed."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_pillow_that_has_getsize_keeps_its_own(tmp_path: Path) -> None:
    font = "class FreeTypeFont:\n    def getsize(self, text):\n        return len(text), 1\n"
    stand_in(tmp_path, {"PIL/__init__.py": "", "PIL/ImageFont.py": font})
    script = "from PIL import ImageFont\nprint(ImageFont.FreeTypeFont().getsize('abc'))\n"
    assert python(script, *RUN, cwd=tmp_path) == ["(3, 1)"]


# --- numpy


@pytest.mark.parametrize("own", [False, True])
def test_trapz_of_its_own_or_under_its_new_name(tmp_path: Path, own: bool) -> None:
    names = ["trapezoid", *(["trapz"] if own else [])]
    defined = (f"def {name}(y, x):\n    return '{name}', y, x\n" for name in names)
    stand_in(tmp_path, {"numpy.py": "".join(defined)})
    printed = python("import numpy\nprint(numpy.trapz(1, 2))\n", *RUN, cwd=tmp_path)
    assert printed == [f"('{names[-1]}', 1, 2)"]


@pytest.mark.framework
def test_numpy_knows_trapz_under_run(tmp_path: Path) -> None:
    script = "import numpy\nprint(float(numpy.trapz([0.0, 1.0, 1.0], [0.0, 1.0, 3.0])))\n"
    assert python(script, *RUN, cwd=tmp_path, PYTHONWARNINGS="ignore::DeprecationWarning") == ["2.5"]


# --- the font


#: A stand-in for YOLOv5's ``utils.general``, whose download ends with the statement in it.
GENERAL = """
from pathlib import Path
from urllib.error import URLError
CONFIG_DIR = Path("settings")
def check_font(font="Arial.ttf", progress=False):
    {end}
    (CONFIG_DIR / Path(font).name).write_text(f"downloaded, progress={progress}")
"""

#: One for matplotlib, which has a font.
MATPLOTLIB = "def get_data_path():\n    return 'data'\n"


def ask_for_font(folder: Path, end: str, call: str) -> list[str]:
    """What is printed, standard error too, by a script that asks for a font in a YOLOv5 under ``run``."""
    (folder / "settings").mkdir()
    (folder / "data/fonts/ttf").mkdir(parents=True)
    (folder / "data/fonts/ttf/DejaVuSans.ttf").write_text("a font")
    stand_in(folder, {"utils/general.py": GENERAL.replace("{end}", end), "matplotlib.py": MATPLOTLIB})
    script = f"import sys\nsys.stderr = sys.stdout\nfrom utils import general\n{call}\n"
    return python(script, *RUN, cwd=folder)


@pytest.mark.parametrize("end", ["raise URLError('no network')", "raise TimeoutError('timed out')"])
@pytest.mark.parametrize("font", ["'Arial.Unicode.ttf'", "general.Path('/nowhere/Arial.Unicode.ttf')"])
def test_another_font_where_none_can_be_downloaded(tmp_path: Path, end: str, font: str) -> None:
    (told,) = ask_for_font(tmp_path, end, f"general.check_font({font})")
    assert [path.name for path in (tmp_path / "settings").iterdir()] == ["Arial.Unicode.ttf"]
    assert (tmp_path / "settings/Arial.Unicode.ttf").read_text() == "a font"
    assert told.startswith("yamlinject: Arial.Unicode.ttf: ")
    assert "DejaVu Sans" in told


def test_a_font_that_can_be_downloaded_is(tmp_path: Path) -> None:
    assert ask_for_font(tmp_path, "pass", "general.check_font(progress=True)") == []
    assert (tmp_path / "settings/Arial.ttf").read_text() == "downloaded, progress=True"


def test_other_problems_of_the_font_are_reported(tmp_path: Path) -> None:
    call = "try:\n    general.check_font()\nexcept TypeError as error:\n    print('told:', error)"
    assert ask_for_font(tmp_path, "raise TypeError('a mistake')", call) == ["told: a mistake"]


def test_a_module_of_the_same_name_without_fonts_is_left_alone(tmp_path: Path) -> None:
    stand_in(tmp_path, {"utils/general.py": "mine = 1\n"})
    script = "from utils import general\nprint([name for name in vars(general) if name[0] != '_'])\n"
    assert python(script, *RUN, cwd=tmp_path) == ["['mine']"]


# --- torch.load


LOAD = """
import pickle
import sys

import torch
import utils

torch.save(torch.nn.Sequential(torch.nn.Linear(2, 3)), "whole.pt")
for options in ({}, {"weights_only": False}, {"weights_only": True}):
    try:
        print(type(torch.load("whole.pt", **options)).__name__)
    except pickle.UnpicklingError:
        print("refused")
"""


@pytest.mark.framework
@pytest.mark.parametrize(
    ("before", "variables", "expected"),
    [
        pytest.param([], {}, ["refused", "Sequential", "refused"], id="plain-python"),
        pytest.param(RUN, {}, ["Sequential", "Sequential", "refused"], id="run"),
        pytest.param(
            RUN, {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}, ["refused"] * 3, id="run-with-the-users-own-switch"
        ),
        pytest.param(
            RUN,
            {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "0"},
            ["refused", "Sequential", "refused"],
            id="run-with-the-switch-off",
        ),
    ],
)
def test_loading_a_whole_model(
    tmp_path: Path, before: list[str], variables: dict[str, str], expected: list[str]
) -> None:
    """In a process that imports a YOLOv5, of which these two files are what makes it one."""
    for file in ("utils/__init__.py", "models/yolo.py"):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).touch()
    assert python(LOAD, *before, cwd=tmp_path, **variables) == expected


WITHOUT_RUN = """
import contextlib
import io
import os
import sys
import warnings

import torch
from yamlinject import frameworks, load
from yamlinject.cli.app import run
from yamlinject.verification.comparison import verify

warnings.simplefilter("ignore")  # about pkg_resources
torch.save({"model": torch.nn.Sequential(torch.nn.Linear(2, 3))}, "whole.pt")


def tell():
    assert "yolov5.utils" in sys.modules
    print(os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"))
    try:
        torch.load("whole.pt")
    except Exception as error:
        print(type(error).__name__)


"""

INSTALL = """
frameworks.install()
import yolov5.utils

tell()
"""

COMMANDS = """
verify(load("yolov5n"), framework="yolov5", image_size=64)
tell()
config = load("yolov5n").add("SimAM", after="SPPF")
config.save("new.yaml")
torch.save(frameworks.find("yolov5", config).build(load("yolov5n")).state_dict(), "x.pt")
for trust in ([], ["--trust"]):
    with contextlib.redirect_stdout(io.StringIO()):
        assert run(["weights", "x.pt", "new.yaml", "--dry-run", *trust]) == 0
    tell()
"""


@pytest.mark.framework
@pytest.mark.parametrize(("calls", "times"), [(INSTALL, 1), (COMMANDS, 3)], ids=["install", "commands"])
def test_only_run_lets_whole_models_be_loaded(tmp_path: Path, calls: str, times: int) -> None:
    """Neither ``verify`` nor ``weights`` does, with or without ``--trust``: not even after them."""
    assert python(WITHOUT_RUN + calls, cwd=tmp_path) == ["None", "UnpicklingError"] * times


@pytest.mark.framework
def test_loading_stays_safe_where_there_is_no_yolov5(tmp_path: Path) -> None:
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils/__init__.py").touch()
    assert python(LOAD, *RUN, cwd=tmp_path) == ["refused", "Sequential", "refused"]


# --- the Hugging Face hub


def test_existing_weights_are_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    downloads = "def attempt_download_from_hub(name, hf_token=None):\n    return f'from the hub: {name}'\n"
    names = ("yolov5/__init__.py", "yolov5/utils/__init__.py")
    stand_in(tmp_path, {**dict.fromkeys(names, ""), "yolov5/utils/downloads.py": downloads})
    (tmp_path / "here.pt").touch()
    script = (
        "from yolov5.utils.downloads import attempt_download_from_hub as ask\n"
        "print(ask('here.pt', hf_token=None), ask('someone/model'))\n"
    )
    assert python(script, *RUN, cwd=tmp_path) == ["None from the hub: someone/model"]


# --- setuptools


#: Asks for what is not to be found, as where setuptools is 82 or later, and as YOLOv5 does.
REQUIREMENTS = """
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name == "pkg_resources" else find(name, *rest)
import utils
import pkg_resources as pkg

print(pkg.parse_version("1.10.0") > pkg.parse_version("1.9.2"))
found, missing = pkg.parse_requirements(["# base", "pytest>=1  # ours", "", "no-such-package==1.0"])
print(found, missing)
pkg.require(found)
pkg.require("pytest")
for wanted in (missing, "pytest<1"):
    try:
        pkg.require(wanted)
    except (pkg.DistributionNotFound, pkg.VersionConflict) as error:
        print(type(error).__name__)
"""


def test_a_stand_in_where_pkg_resources_is_gone(tmp_path: Path) -> None:
    stand_in(tmp_path, {"utils/__init__.py": "", "models/yolo.py": ""})
    assert python(REQUIREMENTS, *RUN, cwd=tmp_path) == [
        "True",
        "pytest>=1 no-such-package==1.0",
        "DistributionNotFound",
        "VersionConflict",
    ]


# --- exporting


EXPORT = """
def run(weights="yolov5s.pt", imgsz=None, img=None, include=("torchscript", "onnx"), device="cpu"):
    print(weights, imgsz, img, include)
"""
ASK = """
from inspect import signature
from yolov5.export import run

run("best.pt", 64, None, "onnx")
run("best.pt", img=32, include="torchscript,onnx")
run(imgsz=[64, 32], include=["onnx"])
run()
print(*signature(run).parameters)
"""


def test_one_format_and_one_size_are_lists(tmp_path: Path) -> None:
    """The package's command line hands over what was typed, by position."""
    stand_in(tmp_path, {"yolov5/__init__.py": "", "yolov5/export.py": EXPORT})
    assert python(ASK, *RUN, cwd=tmp_path) == [
        "best.pt [64] None ['onnx']",
        "best.pt None [32] ['torchscript', 'onnx']",
        "yolov5s.pt [64, 32] None ['onnx']",
        "yolov5s.pt None None ('torchscript', 'onnx')",
        "weights imgsz img include device",
    ]


ONNX = """
def export(model, file=None, {parameter}=True, opset_version=None):
    print(model, file, {parameter}, opset_version)
"""
CALLS = """
import {first}
import torch.onnx

torch.onnx.export("model", "file.onnx", opset_version=12)
torch.onnx.export("model", {parameter}=True)
"""


@pytest.mark.parametrize(
    ("first", "parameter", "exporter"),
    [
        ("utils", "dynamo", "False"),
        ("json", "dynamo", "True"),  # no YOLOv5
        ("utils", "verbose", "True"),  # a torch that has one exporter
    ],
)
def test_the_exporter_that_yolov5_was_written_for(
    tmp_path: Path, first: str, parameter: str, exporter: str
) -> None:
    onnx = ONNX.format(parameter=parameter)
    files = {"utils/__init__.py": "", "models/yolo.py": "", "torch/__init__.py": "", "torch/onnx.py": onnx}
    stand_in(tmp_path, files)
    script = CALLS.format(first=first, parameter=parameter)
    assert python(script, *RUN, cwd=tmp_path) == [
        f"model file.onnx {exporter} 12",
        "model None True None",
    ]


# --- noise


CHECKS = """
def check_requirements(requirements="requirements.txt", exclude=()):
    print("looks at", requirements, exclude)
    return False
"""


def test_a_list_that_the_package_lacks_is_not_missed(tmp_path: Path) -> None:
    stand_in(
        tmp_path,
        {"yolov5/__init__.py": "", "yolov5/utils/__init__.py": "", "yolov5/utils/general.py": CHECKS},
    )
    script = (
        "from yolov5.utils.general import check_requirements\n"
        "print(check_requirements(), check_requirements(exclude=('thop',)))\n"
        "check_requirements('onnx>=1.12', exclude=['x'])\n"
    )
    assert python(script, *RUN, cwd=tmp_path) == ["True True", "looks at onnx>=1.12 ['x']"]


WARNINGS = """
import warnings
{}
warnings.warn("pkg_resources is deprecated as an API. See …", UserWarning)
warnings.warn("`torch.cuda.amp.autocast(args...)` is deprecated.", FutureWarning)
with warnings.catch_warnings(record=True) as told:
    warnings.warn("pkg_resources is deprecated as an API.", UserWarning)
    warnings.warn("`torch.cuda.amp.GradScaler(args...)` is deprecated.", FutureWarning)
    warnings.warn("something else", UserWarning)
    warnings.warn("torch.cuda.amp is fine", UserWarning)
print([str(each.message) for each in told])
"""


def test_two_warnings_are_not_shown_and_others_are(tmp_path: Path) -> None:
    stand_in(tmp_path, {"utils/__init__.py": "", "models/yolo.py": ""})
    (told,) = python(WARNINGS.format("import utils"), *RUN, cwd=tmp_path)
    assert told == "['something else', 'torch.cuda.amp is fine']"
