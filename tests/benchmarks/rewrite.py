"""How long a rewrite takes, next to what a user would compare it with. Run it by hand::

    python tests/benchmarks/rewrite.py

Whole process: ``yamlinject add`` against importing typer, ruamel.yaml and PyYAML, which no such tool can
avoid. In process: ``Config.add`` from bytes to bytes against ruamel.yaml's round trip (load and dump) of
the same text, on yolov5s and on synthetic configs. Runs alternate, so that a machine whose speed drifts
slows both; ratios are medians of paired runs, the spread is that of the middle half.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles

from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from yamlinject.config import Config, load

FLOOR = "import typer, ruamel.yaml, yaml"
Job = Callable[[], object]


def paired(ours: Job, peer: Job, runs: int) -> tuple[list[float], list[float]]:
    """Seconds of each of ``runs`` alternating runs, after one run of each that is not counted."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for job, kept in zip((ours, peer), seconds, strict=True):
            start = time.perf_counter()
            job()
            if run:
                kept.append(time.perf_counter() - start)
    return seconds


def synthetic(rows: int) -> bytes:
    """A config of that many rows: mostly convolutions, with a Concat of two earlier layers now and then."""
    lines = ["nc: 80", "backbone:"]
    for index in range(rows - 2):
        if index % 5 == 4:
            lines.append(f"  - [[-1, {index - 3}], 1, Concat, [1]]  # {index}")
        else:
            lines.append(f"  - [-1, 1, {'C3' if index % 5 == 3 else 'Conv'}, [64, 3, 1]]  # {index}")
    lines += ["head:", "  - [-1, 1, Conv, [64, 3, 1]]", f"  - [[{rows - 2}], 1, Detect, [nc]]", ""]
    return "\n".join(lines).encode()


def add(data: bytes) -> bytes:
    """Inserting SimAM after every C3 of the backbone, from bytes to bytes."""
    return Config("synthetic.yaml", data).add("SimAM", after="C3").to_bytes()


def round_trip(data: bytes) -> str:
    """What keeping comments costs with ruamel.yaml alone, before anything is changed."""
    yaml = YAML()
    stream = io.StringIO()
    yaml.dump(yaml.load(data.decode()), stream)
    return stream.getvalue()


def main() -> None:
    """Measure everything and print one table."""
    table = Table("what", "ours", "spread", "peer", "spread", "ours / peer", title="median of paired runs")

    def report(name: str, ours: list[float], peer: list[float]) -> float:
        cells = [name]
        for seconds in (ours, peer):
            low, _, high = quantiles(seconds, n=4)
            cells += f"{median(seconds) * 1e3:.1f} ms", f"{low * 1e3:.1f}-{high * 1e3:.1f}"
        ratio = median(a / b for a, b in zip(ours, peer, strict=True))
        table.add_row(*cells, f"{ratio:.2f}")
        return median(ours)

    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:

        def process(*arguments: str) -> Job:
            return lambda: subprocess.run(
                [sys.executable, *arguments], cwd=folder, env=environment, check=True, capture_output=True
            )

        command = process("-m", "yamlinject", "add", "SimAM", "--after", "SPPF")
        report("process: yamlinject add / the imports", *paired(command, process("-c", FLOOR), 40))
        assert Path(folder, "yolov5s_SimAM.yaml").is_file()

    base = load("yolov5s").to_bytes()
    report("yolov5s: add / round trip", *paired(partial(add, base), partial(round_trip, base), 40))
    took: dict[int, float] = {}
    for rows, runs in ((100, 20), (1_000, 5), (10_000, 3)):
        data = synthetic(rows)
        name = f"{rows:,} rows: add / round trip"
        took[rows] = report(name, *paired(partial(add, data), partial(round_trip, data), runs))
    console = Console()
    console.print(table)
    console.print(f"10,000 rows take {took[10_000] / took[1_000]:.1f} times as long as 1,000")


if __name__ == "__main__":
    main()
