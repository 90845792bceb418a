"""Peak memory of ``yamlinject check`` on many files that each have a finding. Run it by hand::

    python -m tests.benchmarks.check_memory [FILES]

Each format is a process of its own, with one worker beside it, on as many files as are asked for (20000)
and on a fifth of them: what is printed as it comes takes no more for more files. ``children`` is the
largest of the workers.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.conftest import REPOSITORY
from tests.support import BAD

#: Runs the command line on the rest of the arguments, and prints both peaks in bytes.
MEASURED = """
import resource
import sys

from yamlinject.__main__ import main

try:
    main()
finally:
    unit = 1 if sys.platform == "darwin" else 1024
    peaks = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(*(peak * unit for peak in peaks), file=sys.stderr)
"""


def peaks(folder: Path, output_format: str) -> list[float]:
    """The most memory that the process and its workers had, in MB."""
    options = ("check", str(folder), "--jobs", "2", "--output-format", output_format)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *options],
        cwd=REPOSITORY,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    return [int(peak) / 1e6 for peak in done.stderr.splitlines()[-1].split()]


def main() -> None:
    """Measure every format and print one table."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    table = Table("format", "files", "MB", "children", "seconds")
    with tempfile.TemporaryDirectory() as name:
        for count in (most // 5, most):
            folder = Path(name, str(count))
            folder.mkdir()
            for number in range(count):
                (folder / f"{number:06}.yaml").write_text(BAD)
            for output_format in ("text", "github", "json", "sarif"):
                start = time.perf_counter()
                own, children = peaks(folder, output_format)
                taken = time.perf_counter() - start
                table.add_row(output_format, str(count), f"{own:.0f}", f"{children:.0f}", f"{taken:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
