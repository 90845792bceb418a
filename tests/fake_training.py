"""A study whose training is a small program of ours in the place of a framework: it takes milliseconds."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.support import BASE
from yamlinject.study import preparation
from yamlinject.study.plan import Plan

VARIANTS = ("base", "base_placebo_SPPF", "base_SimAM_SPPF")

#: A checkout's ``train.py``: writes epochs, leaves a process behind, and does as it is told.
TRAIN = r"""
import argparse, fcntl, hashlib, json, os, subprocess, sys, time
from pathlib import Path

parser = argparse.ArgumentParser()
for name in "cfg weights project name".split():
    parser.add_argument("--" + name)
parser.add_argument("--seed", type=int)
parser.add_argument("--exist-ok", action="store_true")
parser.add_argument("--epochs", type=int, default=3)
parser.add_argument("--pause", type=float, default=0)
parser.add_argument("--fail-at", type=int)
parser.add_argument("--fail-if-there")
parser.add_argument("--until-there", default=__file__)
parser.add_argument("--megabytes", type=int, default=0)
parser.add_argument("--without")
parser.add_argument("--helper", action="store_true")
parser.add_argument("--device")
options = parser.parse_args()
variant, seed = Path(options.cfg).stem, options.seed
folder = Path(options.project, options.name)
folder.mkdir(parents=True, exist_ok=options.exist_ok)
line = json.dumps([variant, seed, os.environ.get("CUDA_VISIBLE_DEVICES"), time.time()])


def tell(what):
    with open(Path(__file__).with_name(what), "a") as file:
        file.write(line + "\n")


tell("begun")
alone = open(Path(options.project, "alone"), "w")
try:
    fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    tell("twice")
if options.helper:
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
for number in range(options.megabytes):
    sys.stdout.write(("%07d\n" % number) * 2**17)
if options.fail_at == seed or (options.fail_if_there and os.path.exists(options.fail_if_there)):
    sys.exit("out of memory")
columns = ["metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95"]
columns = ["epoch", *(name for name in columns if name != options.without)]
value = int(hashlib.sha256(f"{variant} {seed}".encode()).hexdigest(), 16) % 1000 / 2000
with open(folder / "results.csv", "a") as file:
    file.write(",".join(columns) + "\n")
    for epoch in range(options.epochs):
        time.sleep(options.pause)
        while epoch == options.epochs - 1 and not os.path.exists(options.until_there):
            time.sleep(0.01)
        file.write(",".join([f"{epoch:20}", *(f"{value + epoch / 10:20.5g}" for _ in columns[1:])]) + "\n")
        file.flush()
        print("epoch", epoch, flush=True)
line = json.dumps([variant, seed, os.environ.get("CUDA_VISIBLE_DEVICES"), time.time()])
tell("ended")
"""


def make_study(
    folder: Path,
    *args: str,
    seeds: Sequence[int] = (0, 1),
    variants: Sequence[str] = VARIANTS,
    gpu: bool = False,
) -> Path:
    """A folder as ``study new`` leaves it; ``gpu``: its jobs want one, if there are any."""
    checkout = folder.parent / f"{folder.name}-checkout"
    checkout.mkdir()
    (checkout / "train.py").write_text(TRAIN)
    (folder.parent / "base.yaml").write_text(BASE)
    modules = tuple(name.split("_")[1] for name in variants[1:] if "placebo" not in name)
    placebo = any("placebo" in name for name in variants)
    after = ("SPPF",) if placebo or modules else ()
    told = (*args, *(() if gpu else ("--device", "cpu")))
    plan = Plan(
        str(folder.parent / "base.yaml"),
        "yolov5",
        modules,
        after,
        seeds=tuple(seeds),
        args=told,
        placebo=placebo,
        checkout=str(checkout),
    )
    preparation.create(folder, plan)
    return folder


def expected(variant: str, seed: int, epochs: int = 3) -> float:
    """The mAP of the last epoch, which is the best."""
    value = int(hashlib.sha256(f"{variant} {seed}".encode()).hexdigest(), 16) % 1000 / 2000
    return float(f"{value + (epochs - 1) / 10:.5g}")


def told(folder: Path, what: str) -> list[Any]:
    """What the programs of a study have told of their begin, or of their end."""
    file = folder.parent / f"{folder.name}-checkout" / what
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def results(folder: Path) -> dict[tuple[str, int], float]:
    """The mAP in each ``done.json``."""
    found = [json.loads(file.read_text()) for file in folder.glob("jobs/*/*/done.json")]
    return {(one["variant"], one["seed"]): one["metrics"]["mAP50-95"] for one in found}


def all_expected(
    seeds: Sequence[int] = (0, 1), variants: Sequence[str] = VARIANTS
) -> dict[tuple[str, int], float]:
    return {(variant, seed): expected(variant, seed) for variant in variants for seed in seeds}


def start(folder: Path, *words: str, **settings: Any) -> subprocess.Popen[bytes]:
    """``yamlinject study …`` in a process of its own."""
    command = [sys.executable, "-m", "yamlinject", "study", *words]
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": folder, **settings}
    return subprocess.Popen(command, **settings)


def processes_of(folder: Path) -> list[int]:
    """Processes that have the study's folder, or that of its checkout, in their environment or command."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"STUDY={folder}\0".encode() in file.read_bytes():
                state = (file.parent / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX":
                    found.append(int(file.parent.name))
    return sorted(found)


def none_left(folder: Path, seconds: float = 20) -> bool:
    """Whether all its processes end by themselves before long; kills those that do not."""
    deadline = time.monotonic() + seconds
    while processes_of(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    left = processes_of(folder)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return not left
