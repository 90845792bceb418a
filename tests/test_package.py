"""The wheel, and what importing and running the package loads."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.conftest import EXHAUSTIVE, REPOSITORY
from tests.support import process_here
from yamlinject import __version__

#: Takes seconds to load, and no job of the core needs it.
HEAVY = {"torch", "yolov5", "ultralytics", "numpy"}

JOBS = [
    pytest.param(["add", "SimAM", "--after", "SPPF"], id="add"),
    pytest.param(
        ["add", "SimAM", "yolo11n", "--after", "C2PSA"],
        id="add-to-a-shipped-base",
        marks=pytest.mark.framework,
    ),
    pytest.param(["add", "SimAM", "--after", "SPPF", "--diff"], id="diff"),
    pytest.param(["remove", "SimAM", "made.yaml", "-o", "out.yaml"], id="remove"),
    pytest.param(["undo", "made.yaml", "-o", "out.yaml"], id="undo"),
    pytest.param(["replace", "C2f", "--at", "C3"], id="replace"),
    pytest.param(["explain", "made.yaml"], id="explain"),
    pytest.param(["show", "yolov5s"], id="show"),
    pytest.param(["draw", "made.yaml", "-o", "-"], id="draw"),
    pytest.param(["draw", "made.yaml", "-o", "made.html"], id="draw-a-report"),
    pytest.param(["check", "made.yaml"], id="check"),
    pytest.param(["check", ".", "--base", "yolov5s", "--output-format", "sarif"], id="check-with-a-base"),
    pytest.param(["check", ".", "--jobs", "2", "--fix"], id="check-in-two-processes"),
    pytest.param(["rule"], id="rules"),
    pytest.param(["rule", "YI301"], id="rule"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = ["add", "SimAM", "--after", "SPPF", "-o", "made.yaml"]
    assert process_here(tmp_path, *made).returncode == 0
    return tmp_path


@pytest.mark.parametrize("arguments", JOBS if EXHAUSTIVE else JOBS[::2])
def test_what_a_run_imports(folder: Path, arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "yamlinject", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    imported = re.findall(r"^import time: .*\| +([\w.]+)$", done.stderr, re.M)
    assert "yamlinject.cli.app" in imported
    assert "yaml" in imported
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()


def test_the_newest_version_of_the_changelog() -> None:
    headings = re.findall(r"^## \[(.*?)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.M)
    assert next(heading for heading in headings if heading != "Unreleased") == __version__


def test_what_importing_the_package_imports() -> None:
    code = "import sys, yamlinject; yamlinject.load; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "yamlinject.config" in modules
    assert modules & HEAVY == set()


def test_public_names() -> None:
    code = (
        "import yamlinject\n"
        "assert set(yamlinject.__all__) <= set(dir(yamlinject))\n"
        "assert all(getattr(yamlinject, name) is not None for name in yamlinject.__all__)\n"
        "from yamlinject import *\n"
        "print(load.__name__, Config.__name__, YamlInjectError.__name__, hasattr(yamlinject, 'nothing'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "load Config YamlInjectError False\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(REPOSITORY)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_contents_of_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        required = re.findall(r"^Requires-Dist: ([\w.-]+)[^;\n]*$", archive.read(metadata).decode(), re.M)
        (entry_points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "yamlinject = yamlinject.__main__:command" in archive.read(entry_points).decode()
    assert {name.lower().replace("-", ".") for name in required} == {
        "pyyaml",
        "ruamel.yaml",
        "typer",
        "rich",
        "filelock",
    }
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert "yamlinject/py.typed" in names
    sources = (REPOSITORY / "yamlinject").rglob("*.py")
    assert {path.relative_to(REPOSITORY).as_posix() for path in sources} <= names
    assert {"yamlinject/output/report.css", "yamlinject/output/report.js"} <= names
    templates = {path for path in (REPOSITORY / "templates").rglob("*") if path.is_file()}
    assert len(templates) >= 6
    assert {f"yamlinject/{path.relative_to(REPOSITORY).as_posix()}" for path in templates} <= names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"yamlinject"}


def test_unsafe_releases_are_not_installed(wheel: Path) -> None:
    """A torch that a checkpoint can attack, and a hijacked ultralytics."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        required = re.findall(r"^Requires-Dist: (.+)$", archive.read(metadata).decode(), re.M)
    found = {one.name: one.specifier for one in map(Requirement, required)}
    assert list(found["torch"].filter(["2.6.0", "2.9.1", "2.10.0"])) == ["2.10.0"]
    releases = ["8.3.40", "8.3.41", "8.3.42", "8.3.45", "8.3.46", "8.3.68", "8.3.69"]
    assert list(found["ultralytics"].filter(releases)) == ["8.3.69"]
    weekly = (REPOSITORY / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "ultralytics==8.3.69" in weekly  # the oldest that is allowed is tried


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, that finds the dependencies in this one's (without network)."""
    root = tmp_path_factory.mktemp("fresh") / "environment"
    venv.create(root, with_pip=False)
    python = root / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index"]
    done = subprocess.run(
        [*install, "--no-cache-dir", str(wheel)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True).stdout
    # a plain line of a .pth file adds a folder after the environment's own, and reads no .pth file there,
    # so that an editable yamlinject of this environment stays out of sight
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    Path(packages.strip(), "dependencies.pth").write_text("\n".join(sorted(here)) + "\n")
    return root


def run(environment: Path, program: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [str(environment / "bin" / program), *arguments]
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", [["yamlinject"], ["python", "-m", "yamlinject"]], ids=" ".join)
def test_the_main_job_from_the_wheel(environment: Path, tmp_path: Path, program: list[str]) -> None:
    arguments = ["add", "SimAM", "--after", "SPPF"]
    done = run(environment, *program, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert os.listdir(tmp_path) == ["yolov5s_SimAM.yaml"]
    written = (tmp_path / "yolov5s_SimAM.yaml").read_text()
    assert "[-1, 1, SimAM, [1024]]" in written
    assert "[[18, 21, 24], 1, Detect, [nc, anchors]]" in written
    again = run(environment, *program, *arguments, cwd=tmp_path)
    assert again.returncode == 0
    assert "unchanged" in again.stderr
    assert (tmp_path / "yolov5s_SimAM.yaml").read_text() == written


def test_the_wheel_is_self_contained(environment: Path, tmp_path: Path) -> None:
    code = (
        "import sys, yamlinject\n"
        "from yamlinject.library.data import template\n"
        "print(yamlinject.__file__)\n"
        "print(template('bases', 'yolov5s.yaml'))\n"
        "print(template('modules', 'SimAM.yaml'))\n"
    )
    done = run(environment, "python", "-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    paths = [Path(line) for line in done.stdout.splitlines()]
    assert len(paths) == 3
    for path in paths:
        assert path.is_file()
        assert path.is_relative_to(environment)
