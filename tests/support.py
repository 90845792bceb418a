"""What tests of the command line share: a small config, its expected results, and what a run prints."""

from __future__ import annotations

import gc
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from yamlinject.__main__ import main
from yamlinject.config import Config
from yamlinject.core.document import Document

BASE = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]  # 0
  - [-1, 1, C3, [16]]  # 1
  - [-1, 1, SPPF, [16, 5]]  # 2
head:
  - [[-1, 1], 1, Concat, [1]]  # 3
  - [-1, 1, C3, [32]]  # 4
  - [[4], 1, Detect, [nc]]  # 5
"""
# what an insertion after SPPF makes of it, by hand
GOOD = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]  # 0
  - [-1, 1, C3, [16]]  # 1
  - [-1, 1, SPPF, [16, 5]]  # 2
  - [-1, 1, SimAM, [16]]  # 3
head:
  - [[-1, 1], 1, Concat, [1]]  # 4
  - [-1, 1, C3, [32]]  # 5
  - [[5], 1, Detect, [nc]]  # 6
"""
# an error: the head reads itself (YI102), at line 10, columns 7 to 8
BAD = GOOD.replace("[[5], 1, Detect", "[[6], 1, Detect")
# a warning: a number that a framework scales (YI402)
DOUBTFUL = GOOD.replace("[-1, 1, SimAM, [16]]", "[-1, 3, SimAM, [16]]")

#: The base with a head that reads two layers and names anchors.
TWO_INPUTS = BASE.replace("[[4], 1, Detect, [nc]]", "[[1, 4], 1, Detect, [nc, anchors]]")

ADD = ("add", "SimAM", "base.yaml", "--after", "SPPF")
PREFIX = "yamlinject: error: "

#: What decides about colours and widths, or makes typer take a CI job for a terminal.
CONTROLS = {"NO_COLOR", "FORCE_COLOR", "PY_COLORS", "COLUMNS", "TERMINAL_WIDTH", "GITHUB_ACTIONS"}


def check_undone(config: Config) -> None:
    """What is known of ``config.undone`` without reading it is what reading its text gives."""
    known, read = config.undone.parsed, Document.parse(config.undone.text)
    for name in ("rows", "flow", "values", "data"):
        assert repr(getattr(known, name)) == repr(getattr(read, name)), name  # .nan is not equal to itself


class Result(NamedTuple):
    """The result of a run of the command line."""

    code: int
    out: str
    err: str

    @property
    def heads(self) -> list[str]:
        """The first line of every finding: ``FILE:LINE:COL: CODE severity``."""
        return re.findall(r"^(\S.*?: YI\d{3} \w+): ", self.out, re.M)

    @property
    def codes(self) -> list[str]:
        return re.findall(r"^\S.*?: (YI\d{3}) ", self.out, re.M)

    @property
    def summary(self) -> str:
        return self.err.splitlines()[-1]


class Cli(Protocol):
    """Runs the command line in this process, in the folder of the test unless another is given."""

    def __call__(self, *arguments: str, folder: Path | None = None) -> Result: ...


def process(folder: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """Run the command line in a separate process."""
    command = [sys.executable, "-m", "yamlinject", *arguments]
    settings: dict[str, Any] = {"cwd": folder, "capture_output": True, "timeout": 60, "check": False}
    return subprocess.run(command, **{**settings, **more})


class _Screen(io.BytesIO):
    """All that is shown in a terminal."""

    def isatty(self) -> bool:
        return True


def process_here(
    folder: Path, *arguments: str, stdin: bytes = b"", terminal: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """What :func:`process` gives, without the start of an interpreter.

    ``terminal``: the names of the streams that are one; each of them gives all that it shows.
    """
    screen = _Screen()
    given = {"stdin": io.BytesIO(stdin), "stdout": io.BytesIO(), "stderr": io.BytesIO()}
    given |= dict.fromkeys(terminal.split(), screen)
    streams = {name: io.TextIOWrapper(data, "utf-8", write_through=True) for name, data in given.items()}
    if terminal:
        environment = {"TERM": "xterm-256color", **environment}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["yamlinject", *arguments])
        for name in CONTROLS:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        with pytest.raises(SystemExit) as ended:
            main()
    gc.unfreeze()
    gc.enable()  # main saves itself the collections
    code = ended.value.code
    assert isinstance(code, int), code
    out, err = (given[name].getvalue() for name in ("stdout", "stderr"))
    return subprocess.CompletedProcess(arguments, code, out, err)
