"""Processes that are killed, alone and all together: nothing is lost, and none is left over."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing import get_all_start_methods
from pathlib import Path

import pytest

from tests.conftest import EXHAUSTIVE, REPOSITORY
from tests.pool import EXPECTED, SHORT

#: How processes are started here, and as on macOS and Windows; all ways weekly.
METHODS = sorted({get_all_start_methods()[0], "spawn"} | ({"fork", "forkserver"} if EXHAUSTIVE else set()))
SECONDS = 60


def config(rows: int) -> str:
    """With a layer that reads itself at its end (YI102); 3000 rows take a tenth of a second or two."""
    return (
        "backbone:\n  - [-1, 1, Conv, [64, 3, 1]]\n  - [-1, 1, C3, [64]]\n"
        + "  - [-1, 1, Conv, [64, 3, 1]]\n" * rows
        + f"head:\n  - [[{rows + 2}], 1, Detect, [2]]\n"
    )


# --- the pool alone


@pytest.mark.parametrize("method", METHODS)
def test_the_pool(tmp_path: Path, method: str) -> None:
    names = [*EXPECTED] if EXHAUSTIVE or method == "fork" else [*SHORT]
    code = f"from tests.pool import play; play({method!r}, {str(tmp_path)!r}, {names})"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert json.loads(done.stdout) == {name: EXPECTED[name] for name in names}


# --- check with them


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Enough for something to happen before the end."""
    return fill(tmp_path, config(3000))


def fill(folder: Path, text: str) -> Path:
    for number in range(12):
        (folder / f"{number:02}.yaml").write_text(text)
    return folder


def start(folder: Path, *options: str, method: str = "fork", **variables: str) -> subprocess.Popen[bytes]:
    """``check`` of the folder in its own process group.

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
        env={**os.environ, **variables},
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
    """Its other processes, as soon as there are that many."""
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


def expected(folder: Path, rows: int) -> bytes:
    line = rows + 5
    found = [f"{path.name}:{line}:7: YI102 error" for path in sorted(folder.iterdir())]
    return "\n".join(found).encode()


def heads(out: bytes) -> bytes:
    return b"\n".join(re.findall(rb"^(\S.*?: YI\d{3} \w+): ", out, re.M))


@pytest.mark.parametrize("method", METHODS)
def test_it_checks(tmp_path: Path, method: str) -> None:
    check = start(fill(tmp_path, config(1)), method=method)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, heads(out)) == (1, expected(tmp_path, 1))
    assert err == b"Checked 12 files: 12 errors in 12 files\n"
    assert ends(check.pid)


@pytest.mark.parametrize("seed", range(9 if EXHAUSTIVE else 1))
def test_workers_that_are_killed(tmp_path: Path, seed: int) -> None:
    """All of the first ones, but none of those that try their files again: nothing is lost."""
    check = start(fill(tmp_path, config(2000)))
    found = workers(check)
    time.sleep(random.Random(seed).uniform(0, 0.2))
    os.kill(check.pid, signal.SIGSTOP)  # or it may give one the file of another that was killed before
    for worker in found:
        with suppress(ProcessLookupError):  # there was nothing left for it to do
            os.kill(worker, signal.SIGKILL)
    os.kill(check.pid, signal.SIGCONT)
    out, err = check.communicate(timeout=SECONDS)
    assert err.splitlines()[-1] == b"Checked 12 files: 12 errors in 12 files"  # no base was recognised
    assert (check.returncode, heads(out)) == (1, expected(tmp_path, 2000))
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


def test_a_file_that_kills_each_process(tmp_path: Path) -> None:
    fill(tmp_path, config(1))
    done = subprocess.run(
        [sys.executable, "-c", DEADLY], cwd=tmp_path, capture_output=True, timeout=SECONDS, check=False
    )
    (tmp_path / "03.yaml").unlink()
    assert (done.returncode, heads(done.stdout)) == (2, expected(tmp_path, 1))
    assert done.stderr.decode().splitlines() == [
        "yamlinject: error: 03.yaml: the process that checked it was killed (signal 9), twice",
        "Checked 11 files, failed on 1: 11 errors in 11 files",
    ]


@pytest.mark.parametrize("method", METHODS)
def test_the_parent_is_killed(folder: Path, method: str) -> None:
    check = start(folder, method=method)
    workers(check)
    time.sleep(0.1)
    os.kill(check.pid, signal.SIGKILL)
    check.communicate(timeout=SECONDS)
    assert ends(check.pid)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seconds", [0.0, 0.4] if EXHAUSTIVE else [0.2])
def test_an_interrupt_from_the_keyboard(folder: Path, method: str, seconds: float) -> None:
    """The first files take more than a second each, and nothing is said of others before them."""
    for number in range(3):
        (folder / f"{number:02}.yaml").write_text(config(30_000))
    check = start(folder, method=method)
    workers(check)
    time.sleep(seconds)
    os.killpg(check.pid, signal.SIGINT)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, out, err) == (2, b"", b"yamlinject: error: interrupted\n")
    assert ends(check.pid)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "fork"])
def test_an_interrupt_while_an_interpreter_starts(tmp_path: Path, method: str) -> None:
    """As on a busy machine: only the parent answers to it, whose children are not disturbed."""
    slow = tmp_path / "slow"
    slow.mkdir()
    (slow / "sitecustomize.py").write_text("import time\ntime.sleep(0.6)\n")
    folder = tmp_path / "configs"
    folder.mkdir()
    places = f"{slow}{os.pathsep}{REPOSITORY}"
    check = start(fill(folder, config(1)), method=method, PYTHONPATH=places)
    found = workers(check, 2)  # one of them is multiprocessing's own, which keeps account of what is shared
    time.sleep(0.3)
    for child in found:
        os.kill(child, signal.SIGINT)
    out, err = check.communicate(timeout=SECONDS)
    assert (check.returncode, heads(out)) == (1, expected(folder, 1))
    assert err == b"Checked 12 files: 12 errors in 12 files\n"
    assert ends(check.pid)


def test_an_interrupted_fix_leaves_whole_files(tmp_path: Path) -> None:
    stale = config(100).replace("[64]]\n", "[64]]  # 7-P3\n")
    fixed = stale.replace("# 7-P3", "# 1-P3")
    assert stale != fixed
    for number in range(12):
        (tmp_path / f"{number:02}.yaml").write_text(stale)
    check = start(tmp_path, "--fix")
    workers(check)
    while not any(path.read_text() == fixed for path in tmp_path.glob("*.yaml")):
        time.sleep(0.01)
    os.killpg(check.pid, signal.SIGINT)
    check.communicate(timeout=SECONDS)
    assert ends(check.pid)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{number:02}.yaml" for number in range(12)]
    assert {path.read_text() for path in tmp_path.iterdir()} <= {stale, fixed}
