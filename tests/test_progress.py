"""The line that says what a long command does: only in a terminal, and gone when the command is done."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from yamlinject.output import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    stream = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_one_line_takes_the_place_of_the_other(terminal: Terminal) -> None:
    with progress.cleared():
        progress.say("building a")
        progress.say("building b")
    assert terminal.getvalue() == "\r\x1b[2Kbuilding a\r\x1b[2Kbuilding b\r\x1b[2K"


def test_it_is_cleared_when_the_work_fails(terminal: Terminal) -> None:
    def work() -> None:
        with progress.cleared():
            progress.say("building a")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()
    assert terminal.getvalue().endswith("\r\x1b[2K")


def test_nothing_is_cleared_where_nothing_was_said(terminal: Terminal) -> None:
    with progress.cleared():
        pass
    assert terminal.getvalue() == ""


def test_it_stays_one_line_and_steers_no_terminal(terminal: Terminal) -> None:
    progress.say(f"building \x1b]0;t\x07\n{'a' * 90}")
    progress.clear()
    assert terminal.getvalue() == f"\r\x1b[2Kbuilding \ufffd]0;t\ufffd {'a' * 23}\r\x1b[2K"


@pytest.mark.parametrize("kind", ["pipe", "dumb"])
def test_elsewhere_nothing_is_said(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    if kind == "dumb":
        monkeypatch.setenv("TERM", "dumb")
    else:
        monkeypatch.setattr(terminal, "isatty", lambda: False)
    with progress.cleared():
        progress.say("building a")
    assert terminal.getvalue() == ""


#: Something is missing for each, whatever is installed.
COMMANDS = [
    "verify gone.yaml",
    "verify yolov5s --base gone.yaml",
    "verify yolov5s --framework gone",
    "verify yolov5s --imgsz 13",
    "weights gone.pt yolov5s -o x.pt",
    "weights gone.safetensors yolov5s -o x.pt",
    "weights x.pt gone.yaml -o y.pt",
]


def test_what_is_missing_is_noticed_before_torch_is_imported(tmp_path: Path) -> None:
    code = (
        "import sys; from yamlinject.cli.app import run\n"
        "for command in sys.argv[1:]: print(run(command.split()), 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", code, *COMMANDS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "2 False\n" * len(COMMANDS), done
    assert [line.startswith("yamlinject: error: ") for line in done.stderr.splitlines()] == [True] * len(
        COMMANDS
    )
