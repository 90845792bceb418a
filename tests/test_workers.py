"""Processes that are killed, alone and all together: nothing is lost, and none stays behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from yamlinject.checks.workers import map_in_order

METHODS = ["fork", "forkserver", "spawn"]
SECONDS = 60

#: A config that takes some tenths of a second, with a layer that reads itself at its end (YI102).
ROWS = 400
SLOW = (
    "backbone:\n  - [-1, 1, Conv, [64, 3, 1]]\n  - [-1, 1, C3, [64]]\n"
    + "  - [-1, 1, Conv, [64, 3, 1]]\n" * ROWS
    + f"head:\n  - [[{ROWS + 2}], 1, Detect, [nc]]\n"
)


# --- the pool alone


def tenfold(item: int) -> int:
    return item * 10


def uneven(item: int) -> int:
    """The first ones take longest."""
    time.sleep(0.2 if item < 2 else 0)
    return item


def doomed(item: int) -> str:
    if item % 4 == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 5:
        os._exit(7)
    return f"{item} done"


def unlucky(path: str) -> str:
    """Killed at the first try only."""
    if path.endswith("x") and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Path(path).name


def large(item: int) -> str:
    return "x" * item


def stray(item: int) -> str:
    raise ValueError("that it does not tell")


def lost(item: object, how: str) -> str:
    return f"{item} {how}"


def killed_at(item: int, how: str) -> int:
    return -1


def scenes(folder: str) -> dict[str, Iterator[object]]:
    names = [f"{folder}/{name}" for name in ("a", "bx", "c", "dx")]
    return {
        "tenfold": map_in_order(tenfold, range(100), 3, killed_at),
        "more-jobs-than-items": map_in_order(tenfold, [1, 2], 8, killed_at),
        "none": map_in_order(tenfold, [], 2, killed_at),
        "uneven": map_in_order(uneven, range(20), 3, killed_at),
        "doomed": map_in_order(doomed, range(9), 3, lost),
        "all-doomed": map_in_order(doomed, [3, 7, 11], 2, lost),
        "unlucky": map_in_order(unlucky, names, 2, lost),
        "large": map(len, map_in_order(large, [2**22, 1, 2**22], 2, lost)),
        "stray": map_in_order(stray, [1], 1, lost),
        "closed-early": first(map_in_order(uneven, range(1000), 3, killed_at)),
    }


EXPECTED: dict[str, list[object]] = {
    "tenfold": [item * 10 for item in range(100)],
    "more-jobs-than-items": [10, 20],
    "none": [],
    "uneven": [*range(20)],
    "doomed": [
        *("0 done", "1 done", "2 done", "3 was killed (signal 9)", "4 done", "5 ended with exit code 7"),
        *("6 done", "7 was killed (signal 9)", "8 done"),
    ],
    "all-doomed": [f"{item} was killed (signal 9)" for item in (3, 7, 11)],
    "unlucky": ["a", "bx", "c", "dx"],
    "large": [2**22, 1, 2**22],
    "stray": ["1 ended with exit code 1"],
    "closed-early": [0],
}


def first(results: Iterator[object]) -> Iterator[object]:
    yield next(results)
    results.close()  # type: ignore[attr-defined]  # a generator


def play(method: str, scene: str, folder: str) -> None:
    """What a process of its own does, for a fork with the threads of pytest in it would be a warning."""
    multiprocessing.set_start_method(method)
    print(json.dumps([*scenes(folder)[scene]]))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scene", EXPECTED)
def test_the_pool(tmp_path: Path, method: str, scene: str) -> None:
    code = f"from tests.test_workers import play; play({method!r}, {scene!r}, {str(tmp_path)!r})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert json.loads(done.stdout) == EXPECTED[scene]


# --- check with them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        (tmp_path / f"{number:02}.yaml").write_text(SLOW)
    return tmp_path


def start(folder: Path, *options: str, method: str = "fork") -> subprocess.Popen[bytes]:
    """``check`` of the folder in a process group of its own.

    It listens to interrupts even if the tests run in the background of a shell, which lets them be ignored.
    """
    code = (
        f"import multiprocessing, runpy, signal; multiprocessing.set_start_method({method!r});"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "runpy.run_module('yamlinject', run_name='__main__', alter_sys=True)"
    )
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code, "check", ".", "--jobs", "3", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def in_group(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, its_group, *_ = status.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                found.append(int(status.parent.name))
    return sorted(found)


def workers(check: subprocess.Popen[bytes], count: int = 3) -> list[int]:
    """Its processes besides itself, as soon as there are so many."""
    deadline = time.monotonic() + SECONDS
    while len(found := [pid for pid in in_group(check.pid) if pid != check.pid]) < count:
        assert check.poll() is None, check.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def ends(group: int) -> bool:
    """Whether all processes of a group end by themselves before long."""
    deadline = time.monotonic() + SECONDS
    while in_group(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        return not in_group(group)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


def expected(folder: Path) -> bytes:
    line = ROWS + 5
    found = [f"{path.name}:{line}:7: YI102 error" for path in sorted(folder.iterdir())]
    return "\n".join(found).encode()


def heads(out: bytes) -> bytes:
    return b"\n".join(re.findall(rb"^(\S.*?: YI\d{3} \w+): ", out, re.M))


@pytest.mark.parametrize("method", METHODS)
def test_it_checks(folder: Path, method: str) -> None:
    check = start(folder, method=method)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, heads(out)) == (1, expected(folder))
    assert err == b"Checked 12 files: 12 errors in 12 files\n"
    assert ends(check.pid)


@pytest.mark.parametrize("seed", range(4))
def test_workers_that_are_killed(folder: Path, seed: int) -> None:
    """All of the first ones, but none of those that try their files again: nothing is lost."""
    moments = random.Random(seed)
    check = start(folder)
    for worker in workers(check):
        time.sleep(moments.uniform(0, 0.4))
        with suppress(ProcessLookupError):  # there was nothing left for it to do
            os.kill(worker, signal.SIGKILL)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, heads(out)) == (1, expected(folder))
    assert err == b"Checked 12 files: 12 errors in 12 files\n"
    assert ends(check.pid)


DEADLY = """
import multiprocessing, os, sys
from yamlinject.checks import files as checking
from yamlinject.cli.app import run

def check(config, *others, **options):
    if config.name == "03.yaml":
        os.kill(os.getpid(), 9)
    return right(config, *others, **options)

multiprocessing.set_start_method("fork")
right, checking.check = checking.check, check
sys.exit(run(["check", ".", "--jobs", "3"]))
"""


def test_a_file_that_kills_each_process(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DEADLY], cwd=folder, capture_output=True, timeout=SECONDS, check=False
    )
    (folder / "03.yaml").unlink()
    assert (done.returncode, heads(done.stdout)) == (2, expected(folder))
    assert done.stderr.decode().splitlines() == [
        "yamlinject: error: 03.yaml: the process that checked it was killed (signal 9), twice",
        "Checked 11 files, failed on 1: 11 errors in 11 files",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_parent_is_killed(folder: Path, method: str) -> None:
    check = start(folder, method=method)
    workers(check)
    time.sleep(0.3)
    os.kill(check.pid, signal.SIGKILL)
    check.communicate(timeout=SECONDS)
    assert ends(check.pid)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seconds", [0.0, 0.4])
def test_an_interrupt_from_the_keyboard(folder: Path, method: str, seconds: float) -> None:
    check = start(folder, method=method)
    workers(check)
    time.sleep(seconds)
    os.killpg(check.pid, signal.SIGINT)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, out, err) == (2, b"", b"yamlinject: error: interrupted\n")
    assert ends(check.pid)


def test_an_interrupted_fix_leaves_whole_files(tmp_path: Path) -> None:
    stale = SLOW.replace("[64]]\n", "[64]]  # 7-P3\n")
    mended = stale.replace("# 7-P3", "# 1-P3")
    assert stale != mended
    for number in range(12):
        (tmp_path / f"{number:02}.yaml").write_text(stale)
    check = start(tmp_path, "--fix")
    workers(check)
    while not any(path.read_text() == mended for path in tmp_path.glob("*.yaml")):
        time.sleep(0.01)
    os.killpg(check.pid, signal.SIGINT)
    check.communicate(timeout=SECONDS)
    assert ends(check.pid)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number:02}.yaml" for number in range(12)]
    assert {path.read_text() for path in tmp_path.iterdir()} <= {stale, mended}
