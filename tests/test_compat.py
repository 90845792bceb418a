"""The bridges between frameworks that are no longer kept up and the libraries of today."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from urllib.error import URLError

import pytest

from tests.dataset import arial
from yamlinject.frameworks import compat

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


def test_a_pillow_that_has_getsize_keeps_its_own() -> None:
    class FreeTypeFont:
        def getsize(self, text: str) -> tuple[int, int]:
            return len(text), 1

    module = ModuleType("PIL.ImageFont")
    vars(module)["FreeTypeFont"] = FreeTypeFont
    compat._give_getsize(module)
    assert FreeTypeFont().getsize("abc") == (3, 1)


# --- numpy


def test_trapz_under_its_new_name() -> None:
    numpy = ModuleType("numpy")
    vars(numpy)["trapezoid"] = lambda y, x: ("trapezoid", y, x)
    compat._give_trapz(numpy)
    assert vars(numpy)["trapz"]([1], [2]) == ("trapezoid", [1], [2])


def test_a_numpy_that_has_trapz_keeps_its_own() -> None:
    numpy = ModuleType("numpy")
    vars(numpy).update(trapz="its own", trapezoid="another")
    compat._give_trapz(numpy)
    assert vars(numpy)["trapz"] == "its own"


@pytest.mark.framework
def test_numpy_knows_trapz_under_run(tmp_path: Path) -> None:
    script = "import numpy\nprint(float(numpy.trapz([0.0, 1.0, 1.0], [0.0, 1.0, 3.0])))\n"
    assert python(script, *RUN, cwd=tmp_path, PYTHONWARNINGS="ignore::DeprecationWarning") == ["2.5"]


# --- the font


def general(folder: Path, problem: Exception | None) -> ModuleType:
    """A stand-in for YOLOv5's ``utils.general``, whose download fails with ``problem``."""
    module = ModuleType("utils.general")

    def check_font(font: str | Path = "Arial.ttf", progress: bool = False) -> None:
        if problem:
            raise problem
        (folder / Path(font).name).write_text(f"downloaded, progress={progress}")

    vars(module).update(check_font=check_font, CONFIG_DIR=folder)
    return module


@pytest.mark.framework
@pytest.mark.parametrize("error", [URLError("no network"), TimeoutError("timed out")], ids=repr)
@pytest.mark.parametrize("font", ["Arial.Unicode.ttf", Path("/nowhere/Arial.Unicode.ttf")], ids=str)
def test_another_font_where_none_can_be_downloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, font: str | Path
) -> None:
    module = general(tmp_path, error)
    compat._give_font(module)
    module.check_font(font)
    assert [path.name for path in tmp_path.iterdir()] == ["Arial.Unicode.ttf"]
    assert (tmp_path / "Arial.Unicode.ttf").read_bytes() == arial().read_bytes()
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("yamlinject: Arial.Unicode.ttf: ")
    assert "DejaVu Sans" in told.err
    assert told.err.count("\n") == 1


def test_a_font_that_can_be_downloaded_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module = general(tmp_path, None)
    compat._give_font(module)
    compat._give_font(module)  # a second time does no harm
    module.check_font(progress=True)
    assert (tmp_path / "Arial.ttf").read_text() == "downloaded, progress=True"
    assert capsys.readouterr().err == ""


def test_other_problems_of_the_font_are_told(tmp_path: Path) -> None:
    module = general(tmp_path, TypeError("a mistake"))
    compat._give_font(module)
    with pytest.raises(TypeError, match="a mistake"):
        module.check_font()


def test_a_module_of_the_same_name_without_fonts_is_left_alone() -> None:
    module = ModuleType("utils.general")
    names = set(vars(module))
    compat._give_font(module)
    assert set(vars(module)) == names


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
import os
import sys
import warnings

import torch
from yamlinject import frameworks, load
from yamlinject.cli.app import run
from yamlinject.verification.comparison import verify

warnings.simplefilter("ignore")  # about pkg_resources
torch.save({"model": torch.nn.Sequential(torch.nn.Linear(2, 3))}, "whole.pt")
{call}
assert "yolov5.utils" in sys.modules
print(os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"))
try:
    torch.load("whole.pt")
except Exception as error:
    print(type(error).__name__)
"""

CONVERT = """
config = load("yolov5n").add("SimAM", after="SPPF")
config.save("new.yaml")
torch.save(frameworks.find("yolov5", config).build(load("yolov5n")).state_dict(), "x.pt")
assert run(["weights", "x.pt", "new.yaml", "--dry-run", "--output-format", "json"{trust}]) == 0
"""


@pytest.mark.framework
@pytest.mark.parametrize(
    "call",
    [
        pytest.param('verify(load("yolov5n"), framework="yolov5", image_size=64)', id="verify"),
        pytest.param(CONVERT.format(trust=""), id="weights"),
        pytest.param(CONVERT.format(trust=', "--trust"'), id="weights-trust"),
        pytest.param(
            "import warnings; warnings.simplefilter('ignore'); frameworks.install(); import yolov5.utils",
            id="install",
        ),
    ],
)
def test_only_run_lets_whole_models_be_loaded(tmp_path: Path, call: str) -> None:
    *_, switch, problem = python(WITHOUT_RUN.replace("{call}", call), cwd=tmp_path)
    assert (switch, problem) == ("None", "UnpicklingError")


@pytest.mark.framework
def test_loading_stays_safe_where_there_is_no_yolov5(tmp_path: Path) -> None:
    (tmp_path / "utils").mkdir()
    (tmp_path / "utils/__init__.py").touch()
    assert python(LOAD, *RUN, cwd=tmp_path) == ["refused", "Sequential", "refused"]


# --- the Hugging Face hub


def test_weights_that_are_there_are_not_looked_for_on_the_hub(tmp_path: Path) -> None:
    asked: list[str] = []
    downloads = ModuleType("downloads")
    vars(downloads)["attempt_download_from_hub"] = asked.append
    compat._look_on_the_disk_first(downloads)
    (tmp_path / "here.pt").touch()
    assert downloads.attempt_download_from_hub(str(tmp_path / "here.pt")) is None
    assert asked == []
    downloads.attempt_download_from_hub("someone/model")
    assert asked == ["someone/model"]


# --- setuptools


def test_a_stand_in_where_pkg_resources_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models/yolo.py").touch()
    utils = ModuleType("utils")
    utils.__path__ = [str(tmp_path / "utils")]
    monkeypatch.delitem(sys.modules, "pkg_resources", raising=False)
    monkeypatch.setattr(compat, "find_spec", lambda name: None)
    compat._prepare(utils)
    stand_in = sys.modules["pkg_resources"]
    compat._prepare(utils)  # a second time does no harm
    assert sys.modules["pkg_resources"] is stand_in


def test_what_yolov5_asks_pkg_resources_for() -> None:
    pkg = compat._pkg_resources()
    assert pkg.parse_version("1.10.0") > pkg.parse_version("1.9.2")
    lines = ["# base", "pytest>=1  # the tests' own", "", "no-such-package==1.0"]
    found, missing = pkg.parse_requirements(lines)
    assert (str(found), str(missing)) == ("pytest>=1", "no-such-package==1.0")
    pkg.require(found)
    pkg.require("pytest")
    with pytest.raises(pkg.DistributionNotFound):
        pkg.require(missing)
    with pytest.raises(pkg.VersionConflict):
        pkg.require("pytest<1")
