"""Commands that write at the same time, and those that are killed between two files."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

import yamlinject
from tests.conftest import EXHAUSTIVE
from tests.support import ADD, BASE, Cli, process_here
from tests.test_register import COMMON, MODEL, PATCHED_MODEL, content
from yamlinject import SourceError
from yamlinject.checkout.patch import Checkout

#: Runs the command line, and signals by a file that it reached a call, the first or the second of its kind;
#: it goes on when another file is there, or never.
STOPPING = """
import fcntl, os, signal, sys, time
from pathlib import Path
module, name, count, here, go = sys.argv.pop(1).split(":")
where, left = {"os": os, "fcntl": fcntl}[module], int(count)
real = getattr(where, name)
def stopping(*arguments, **options):
    global left
    left -= 1
    if not left:
        Path(here).touch()
        while not Path(go).exists():
            time.sleep(0.01)
    return real(*arguments, **options)
setattr(where, name, stopping)
from yamlinject.__main__ import main
main()
"""

CHANGED = "has changed since it was read: nothing was written, run the command again"


class Two:
    """Two commands of which the second has read its files before the first has written them all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def run(self, first: list[str], second: list[str], *, at_write: int = 1) -> tuple[int, int, str]:
        """The exit codes of both, and what the second said; the first stops before it writes."""
        signals = self._folder.parent / "signals"
        signals.mkdir(exist_ok=True)
        writes, waits = signals / "writes", signals / "waits"
        one = self._start(f"os:replace:{at_write}:{writes}:{waits}", first)
        _wait_for(writes)
        two = self._start(f"fcntl:flock:1:{waits}:{waits}", second)
        for each in (one, two):
            each.wait(timeout=60)
        _, said = two.communicate()
        return one.returncode, two.returncode, said

    def _start(self, stop: str, arguments: list[str]) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STOPPING, stop, *arguments]
        pipe = subprocess.PIPE
        started = subprocess.Popen(command, cwd=self._folder, stdout=pipe, stderr=pipe, text=True)
        self.started.append(started)
        return started


def _wait_for(file: Path) -> None:
    for _ in range(3000):
        if file.exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"nobody came to {file.name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a small config and a small checkout."""
    folder = tmp_path / "here"
    (folder / "yolo" / "models").mkdir(parents=True)
    (folder / "base.yaml").write_text(BASE)
    (folder / "yolo" / "models" / "common.py").write_text(COMMON)
    (folder / "yolo" / "models" / "yolo.py").write_text(MODEL)
    return folder


@pytest.fixture
def two(folder: Path) -> Iterator[Two]:
    pair = Two(folder)
    yield pair
    for each in pair.started:
        each.kill()
        each.communicate()


IN_PLACE = [
    (["add", "SimAM", "base.yaml", "--after", "SPPF"], ["add", "CBAM", "base.yaml", "--after", "C3"]),
    (["add", "SimAM", "base.yaml", "--after", "SPPF"], ["add", "SimAM", "base.yaml", "--after", "C3"]),
    (["add", "SE", "base.yaml", "--after", "SPPF"], ["remove", "SPPF", "base.yaml"]),
    (["remove", "SPPF", "base.yaml"], ["add", "SE", "base.yaml", "--after", "C3", "--no-provenance"]),
]


@pytest.mark.parametrize(("first", "second"), IN_PLACE if EXHAUSTIVE else IN_PLACE[::2])
def test_two_in_place(folder: Path, two: Two, first: list[str], second: list[str]) -> None:
    alone = folder.parent / "alone"
    alone.mkdir()
    (alone / "base.yaml").write_text(BASE)
    assert process_here(alone, *first, "--in-place").returncode == 0
    codes = two.run([*first, "--in-place"], [*second, "--in-place"])
    assert codes == (0, 2, f"yamlinject: error: base.yaml: {CHANGED}\n")
    assert (folder / "base.yaml").read_bytes() == (alone / "base.yaml").read_bytes()
    assert sorted(os.listdir(folder)) == ["base.yaml", "yolo"]


def test_two_that_create_the_same_file(folder: Path, two: Two) -> None:
    other = ["add", "SimAM", "base.yaml", "--after", "C3", "-o", "base_SimAM.yaml"]
    one, code, said = two.run(list(ADD), other)
    assert (one, code) == (0, 2)
    assert said == (
        "yamlinject: error: base_SimAM.yaml: is there already and is different: name another file, or "
        "replace it with --force\n"
    )
    made = yamlinject.load(folder / "base_SimAM.yaml")
    assert [layer.module for layer in made.layers[:4]] == ["Conv", "C3", "SPPF", "SimAM"]


def test_two_that_create_the_same_file_alike(folder: Path, two: Two) -> None:
    one, code, said = two.run(list(ADD), list(ADD))
    assert (one, code) == (0, 0)
    assert "unchanged base_SimAM.yaml\n" in said


def test_a_fix_of_a_file_that_has_changed_since(folder: Path, two: Two) -> None:
    wrong = BASE.replace("# 4\n", "# 5\n")
    (folder / "base.yaml").write_text(wrong)
    fix = ["check", "base.yaml", "--fix", "--no-base"]
    one, code, said = two.run(["add", "SimAM", "base.yaml", "--after", "C3", "--in-place"], fix)
    assert (one, code) == (0, 2)
    assert f"base.yaml: {CHANGED}\n" in said
    assert yamlinject.load(folder / "base.yaml").layers[2].module == "SimAM"


@pytest.mark.parametrize(
    ("second", "file", "at_write"),
    [
        (["--module", "CBAM"], "common.py", 1),
        (["--undo", "--module", "SE"], "yolo.py", 2),
        *(
            [(["--module", "CBAM"], "yolo.py", 2), (["--undo", "--module", "SE"], "yolo.py", 1)]
            if EXHAUSTIVE
            else []
        ),
    ],
)
def test_two_register(folder: Path, two: Two, second: list[str], file: str, at_write: int) -> None:
    """The second one has read both files as they were, or one before and one after the first had it."""
    root = folder / "yolo"
    Checkout.open(root).register(["SE"]).save()
    one, code, said = two.run(
        ["register", "yolo", "--module", "SimAM"], ["register", "yolo", *second], at_write=at_write
    )
    assert (one, code) == (0, 2)
    assert said == f"yamlinject: error: yolo/models/{file}: {CHANGED}\n"
    assert Checkout.open(root).registered == ["SE", "SimAM"]
    assert not Checkout.open(root).register(["SE", "SimAM"]).changed
    assert process_here(folder, "register", "yolo", *second).returncode == 0
    Checkout.open(root).undo().save()
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()}


@pytest.mark.parametrize("file", ["common.py", "yolo.py"])
@pytest.mark.parametrize("undo", [False, True])
def test_a_checkout_that_an_editor_changed_since(folder: Path, file: str, undo: bool) -> None:
    root = folder / "yolo"
    if undo:
        Checkout.open(root).register(["SimAM"]).save()
    opened = Checkout.open(root)
    patch = opened.undo() if undo else opened.register(["SimAM"])
    with (root / "models" / file).open("a") as edited:
        edited.write("# mine\n")
    before = content(root)
    with pytest.raises(SourceError) as error:
        patch.save()
    assert str(error.value) == f"{root / 'models' / file}: {CHANGED}"
    assert content(root) == before


@pytest.mark.parametrize("now", [BASE + "# mine\n", "", None])
def test_a_config_that_an_editor_changed_since(folder: Path, now: str | None) -> None:
    path = folder / "base.yaml"
    result = yamlinject.load(path).add("SimAM", after="SPPF").add("SE", after="C3")
    path.unlink()
    if now is not None:
        path.write_text(now)
    with pytest.raises(SourceError, match=CHANGED):
        result.save_in_place()
    assert (path.read_text() if path.exists() else None) == now


def test_in_place_in_python(folder: Path) -> None:
    config = yamlinject.load(folder / "base.yaml")
    result = config.add("SimAM", after="SPPF").add("SE", after="C3")
    assert result.save_in_place()
    assert yamlinject.load(folder / "base.yaml") == result
    assert not yamlinject.load(folder / "base.yaml").add("SE", after="C3").remove("SE").save_in_place()
    with pytest.raises(yamlinject.YamlInjectError, match="yolov5s: there is no file of yours to replace"):
        yamlinject.load("yolov5s").add("SimAM", after="SPPF").save_in_place()


def test_a_disk_without_locks(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> NoReturn:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", fail)
    assert cli(*ADD, "--in-place", folder=folder).code == 0
    assert cli("register", "yolo", folder=folder).code == 0
    assert content(folder / "yolo")["yolo.py"] == PATCHED_MODEL.encode()


def test_files_that_are_links_to_other_folders(folder: Path) -> None:
    """Each folder is locked once, however many files are in it."""
    root = folder / "yolo"
    (folder / "shared").mkdir()
    for name in ("common.py", "yolo.py"):
        file = root / "models" / name
        file.rename(folder / "shared" / name)
        file.symlink_to(f"../../shared/{name}")
    Checkout.open(root).register(["SimAM"]).save()
    assert (folder / "shared" / "yolo.py").read_text() == PATCHED_MODEL


HALF = "half registered, as if a run was cut short: this"


def killed(folder: Path, *arguments: str, at_write: int) -> None:
    """Run the command, and kill it without warning before one of its writes."""
    program = STOPPING.replace("Path(here).touch()", "os.kill(os.getpid(), signal.SIGKILL)")
    command = [sys.executable, "-c", program, f"os:replace:{at_write}::", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    for file in (folder / "yolo" / "models").glob(".*.tmp"):
        file.unlink()


@pytest.mark.parametrize("command", ["register", "undo"])
def test_killed_between_two_files(folder: Path, cli: Cli, command: str) -> None:
    root = folder / "yolo"
    if command == "undo":
        Checkout.open(root).register(["SimAM"]).save()
    undo = ["--undo"] * (command == "undo")
    killed(folder, "register", "yolo", *undo, at_write=2)
    half = content(root)
    assert half["yolo.py"] == MODEL.encode()
    assert b"class SimAM" in half["common.py"]

    looked = cli("register", "yolo", "--check", folder=folder)
    assert looked.code == 1
    assert f"SimAM is {HALF} finishes it\n" in looked.err

    done = cli("register", "yolo", folder=folder)
    assert done.code == 0
    assert f"SimAM is {HALF} finishes it\n" in done.err
    assert content(root) == {"common.py": half["common.py"], "yolo.py": PATCHED_MODEL.encode()}
    assert HALF not in cli("register", "yolo", folder=folder).err

    (root / "models" / "yolo.py").write_text(MODEL)
    done = cli("register", "yolo", "--undo", folder=folder)
    assert done.code == 0
    assert f"SimAM is {HALF} removes the rest\n" in done.err
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()}
    assert HALF not in cli("register", "yolo", "--undo", folder=folder).err


def test_another_module_finishes_it_too(folder: Path, cli: Cli) -> None:
    root = folder / "yolo"
    killed(folder, "register", "yolo", "--module", "SE", at_write=2)
    done = cli("register", "yolo", "--module", "SimAM", folder=folder)
    assert (done.code, f"SE is {HALF} finishes it\n" in done.err) == (0, True)
    expected = PATCHED_MODEL.replace(", SimAM", ", SE, SimAM")
    assert (root / "models" / "yolo.py").read_text() == expected
    Checkout.open(root).undo().save()
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()}


def test_killed_before_the_first_file(folder: Path, cli: Cli) -> None:
    before = content(folder / "yolo")
    killed(folder, "register", "yolo", at_write=1)
    assert content(folder / "yolo") == before
    assert HALF not in cli("register", "yolo", folder=folder).err


def test_a_name_without_its_class(folder: Path, cli: Cli) -> None:
    """Which breaks the checkout: its import fails."""
    root = folder / "yolo"
    Checkout.open(root).register(["SE"]).save()
    (root / "models" / "common.py").write_text(COMMON)
    done = cli("register", "yolo", "--module", "SimAM", folder=folder)
    assert done.code == 0
    assert "names SE, whose class is gone: --undo --module SE removes the name" in done.err
    done = cli("register", "yolo", "--undo", "--module", "SE", folder=folder)
    assert (done.code, f"SE is {HALF} removes the rest\n" in done.err) == (0, True)
    assert content(root)["yolo.py"] == PATCHED_MODEL.encode()
