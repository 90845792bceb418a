"""Files per second of ``yamlinject check`` next to yamllint on the same files. Run it by hand::

    pip install yamllint
    python -m tests.benchmarks.check [FOLDER]

FOLDER is ``../shared/corpus``, or else the configs that the installed frameworks ship. Whole processes, in
turns, so that a machine whose speed drifts slows both: with one process, with two, and yamllint, which
has one. The first columns are what a clock shows, and on a busy machine depend on what else runs; the last
two are the processor time of all processes.

On two cores shared with other work (Python 3.11 with libyaml, 2026-11-26), the 990 files of the corpus took
2.3 s of processor time with one process and 2.7 s with two; yamllint 1.38 11.9 s, 5.2 and 4.5 times that.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.conftest import CORPUS, shipped

RUNS = 3


class Taken(NamedTuple):
    """Seconds by the clock, and of processor time."""

    clock: float
    processor: float


def _processor() -> float:
    """The processor time of all processes that this one has waited for."""
    times = os.times()
    return times.children_user + times.children_system


def seconds(command: list[str], paths: list[str]) -> Taken:
    """How long the command takes on ``paths``; what it finds does not matter."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start, before = time.perf_counter(), _processor()
    done = subprocess.run(
        [sys.executable, "-m", *command, *paths], stdout=subprocess.DEVNULL, env=variables, check=False
    )
    assert done.returncode in (0, 1), done
    return Taken(time.perf_counter() - start, _processor() - before)


def main() -> None:
    """Measure all three in turns and print one table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS
    files = sorted(map(str, folder.rglob("*.yaml"))) if folder.exists() else []
    files = files or [str(path) for path in (*shipped("yolov5", "models"), *shipped("ultralytics", "cfg"))]
    commands = {
        "yamlinject check --jobs 1": ["yamlinject", "check", "--jobs", "1"],
        "yamlinject check --jobs 2": ["yamlinject", "check", "--jobs", "2"],
        "yamllint": ["yamllint", "--no-warnings"],
    }
    taken: dict[str, list[Taken]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(seconds(command, files))
    columns = ("command", "seconds", "files / s", "x yamllint", "processor", "x yamllint")
    table = Table(*columns, title=f"{len(files)} files")
    for name, runs in taken.items():
        clock, processor = (median(column) for column in zip(*runs, strict=True))
        pairs = list(zip(runs, taken["yamllint"], strict=True))
        faster = median(peer.clock / own.clock for own, peer in pairs)
        cheaper = median(peer.processor / own.processor for own, peer in pairs)
        table.add_row(
            name,
            *(f"{clock:.1f}", f"{len(files) / clock:.0f}", f"{faster:.2f}"),
            *(f"{processor:.1f}", f"{cheaper:.2f}"),
        )
    Console().print(table)


if __name__ == "__main__":
    main()
