"""Files per second of ``yamlinject check`` next to yamllint on the same files. Run it by hand::

    pip install yamllint
    python -m tests.benchmarks.check [FOLDER]

FOLDER is ``../shared/corpus``, or else the configs that the installed frameworks ship. Whole processes, in
turns, so that a machine whose speed drifts slows both: with one process, with two, and yamllint, which
has one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.conftest import CORPUS, shipped

RUNS = 3


def seconds(command: list[str], paths: list[str]) -> float:
    """How long the command takes on ``paths``; what it finds does not matter."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", *command, *paths], stdout=subprocess.DEVNULL, env=variables, check=False
    )
    assert done.returncode in (0, 1), done
    return time.perf_counter() - start


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
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            taken[name].append(seconds(command, files))
    table = Table("command", "seconds", "files / s", "x yamllint", title=f"{len(files)} files")
    for name, runs in taken.items():
        ratio = median(peer / own for own, peer in zip(runs, taken["yamllint"], strict=True))
        table.add_row(name, f"{median(runs):.1f}", f"{len(files) / median(runs):.0f}", f"{ratio:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
