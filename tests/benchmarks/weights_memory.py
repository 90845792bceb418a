"""Peak memory of ``yamlinject weights`` next to YOLOv5's own loading for training. Run it by hand::

    python -m tests.benchmarks.weights_memory

Each is a process of its own, on a checkpoint that is built here, in half precision as YOLOv5 saves it and
in float32. Ours may take two sizes of the checkpoint more than the framework's loading.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.conftest import REPOSITORY

#: Runs the rest of the arguments as Python would, and prints the peak in MB.
MEASURED = """
import resource
import runpy
import sys

sys.argv = sys.argv[1:]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    unit = 1 if sys.platform == "darwin" else 1024
    print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""

BUILD = """
import sys
from pathlib import Path

from yamlinject import frameworks, load

base, dtype, folder = sys.argv[1:]
config = load(base)
framework = frameworks.find("yolov5", config)
model = framework.build(config)
framework.save_checkpoint(
    {"epoch": -1, "model": model.half() if dtype == "half" else model}, Path(folder, "base.pt")
)
config.add("SimAM", after="C3").save(Path(folder, "config.yaml"), force=True)
"""

OURS = """
from yamlinject.__main__ import main

main()
"""

#: As in YOLOv5's ``train.py``.
THEIRS = """
import sys

import yamlinject.frameworks

yamlinject.frameworks.install()
import torch
from yolov5.models.yolo import Model
from yolov5.utils.general import intersect_dicts

weights, cfg = sys.argv[1:]
ckpt = torch.load(weights, map_location="cpu", weights_only=False)
model = Model(cfg, ch=3, nc=80)
csd = ckpt["model"].float().state_dict()
csd = intersect_dicts(csd, model.state_dict(), exclude=["anchor"])
model.load_state_dict(csd, strict=False)
"""

NOTHING = """
import yamlinject.frameworks

yamlinject.frameworks.install()
import torch
import yolov5.models.yolo
"""


def peak(folder: Path, program: str, *arguments: str) -> float:
    """The most memory that ``program`` had, in MB."""
    script = folder / "program.py"
    script.write_text(program)
    command = [sys.executable, "-c", MEASURED, str(script), *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1].split()[1]) / 1e6


def main() -> None:
    """Measure both and print one table."""
    table = Table("checkpoint", "size", "imports only", "framework", "yamlinject weights", "allowed", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoint, config, output = (str(folder / name) for name in ("base.pt", "config.yaml", "out.pt"))
        for base in ("yolov5s", "yolov5x"):
            for dtype in ("half", "single"):
                peak(folder, BUILD, base, dtype, name)
                size = Path(checkpoint).stat().st_size / 1e6
                least = peak(folder, NOTHING)
                theirs = peak(folder, THEIRS, checkpoint, config)
                ours = peak(folder, OURS, "weights", checkpoint, config, "-o", output, "--force")
                allowed = theirs + 2 * size
                figures = (size, least, theirs, ours, allowed)
                fits = "fits" if ours <= allowed else "too much"
                table.add_row(f"{base} {dtype}", *(f"{figure:.0f}" for figure in figures), fits)
    Console().print(table, "MB")


if __name__ == "__main__":
    main()
