"""Real studies, from the question to the table: both frameworks, and three engines that agree."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXHAUSTIVE
from tests.dataset import make_dataset, offline
from tests.test_study_clusters import BY_SUBMITIT

pytestmark = pytest.mark.framework

YOLOV5 = "--data data/data.yaml --epochs 1 --imgsz 64 --batch-size 4 --workers 0 --device cpu --noplots"
ULTRALYTICS = "data=data/data.yaml epochs=1 imgsz=64 batch=4 workers=0 device=cpu plots=False"

#: Of each variant one training, and two once a week: statistics need no framework.
SEEDS = range(2 if EXHAUSTIVE else 1)


def yamlinject(folder: Path, variables: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "yamlinject", *words]
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory(prefix="ray") as short:  # for the names of Ray's sockets
        own = {"RAY_TMPDIR": short, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        yield {**offline(tmp_path), **own}


def planned(folder: Path, variables: dict[str, str], base: str, args: str) -> list[dict[str, Any]]:
    """A study of SimAM that is run by the default engine; what each training left."""
    make_dataset(folder / "data", images=4)
    new = ["study", "new", "study", "--base", base, "--modules", "SimAM", "--after", "SPPF"]
    yamlinject(folder, variables, *new, "--seeds", str(len(SEEDS)), "--", *args.split())
    yamlinject(folder, variables, "study", "run", "study")
    found = []
    for variant in (base, f"{base}_placebo_SPPF", f"{base}_SimAM_SPPF"):
        for seed in SEEDS:
            job = folder / "study/jobs" / variant / f"seed-{seed}"
            done = json.loads((job / "done.json").read_text())
            assert (done["variant"], done["seed"], done["epochs"], done["device"]) == (
                variant,
                seed,
                1,
                "cpu",
            )
            # what the framework itself says of the model before it trains
            assert re.search(rf"summary: .* {done['parameters']:,} param", with_commas(job / "log.txt"))
            assert done["metrics"] == done["last"] == of_epoch(job / "run/results.csv")
            assert set(done["versions"]) == {"yamlinject", "python", "torch", framework(base)}
            found.append(done)
    return found


def framework(base: str) -> str:
    return "yolov5" if base.startswith("yolov5") else "ultralytics"


def with_commas(log: Path) -> str:
    """YOLOv5 writes none into the number of parameters."""
    text = log.read_text(encoding="utf-8")
    return re.sub(r" (\d{4,}) param", lambda found: f" {int(found[1]):,} param", text)


def of_epoch(file: Path) -> dict[str, float]:
    """The columns of the only epoch, by hand: YOLOv5's are 4 to 7, those of Ultralytics 5 to 8."""
    header, line = file.read_text().splitlines()
    columns = [name.strip() for name in header.split(",")]
    first = next(number for number, name in enumerate(columns) if "precision" in name)
    values = [float(value) for value in line.split(",")][first : first + 4]
    return dict(zip(["precision", "recall", "mAP50", "mAP50-95"], values, strict=True))


def table(folder: Path, variables: dict[str, str], name: str = "study") -> Any:
    return json.loads(yamlinject(folder, variables, "study", "table", name, "--format", "json"))["rows"]


def test_ultralytics(tmp_path: Path, variables: dict[str, str]) -> None:
    trained = planned(tmp_path, variables, "yolo11n", ULTRALYTICS)
    rows = table(tmp_path, variables)
    assert [row["variant"] for row in rows] == ["yolo11n", "yolo11n_placebo_SPPF", "yolo11n_SimAM_SPPF"]
    assert [row["parameters"] for row in rows] == [one["parameters"] for one in trained[:: len(SEEDS)]]


def test_yolov5_on_three_engines(tmp_path: Path, variables: dict[str, str]) -> None:
    """Trainings of one seed are the same, so the others go on with what the first has done."""
    planned(tmp_path, variables, "yolov5n", YOLOV5)
    expected = table(tmp_path, variables)
    for engine, again in [
        ("ray", ["yolov5n_SimAM_SPPF/seed-0", "yolov5n/seed-1"][: len(SEEDS)]),
        ("submitit", ["yolov5n_placebo_SPPF/seed-0"]),
    ]:
        shutil.copytree(tmp_path / "study", tmp_path / engine)
        for job in again:
            shutil.rmtree(tmp_path / engine / "jobs" / job)
        if engine == "ray":
            yamlinject(tmp_path, variables, "study", "run", "ray", "--on", "ray")
        else:
            command = [sys.executable, "-c", BY_SUBMITIT, str(tmp_path / engine), "LocalExecutor"]
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
            assert done.stdout == f"{3 * len(SEEDS)} 0\n"
        assert table(tmp_path, variables, engine) == expected
