"""Folders of studies with results that are written by hand: nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from yamlinject import load
from yamlinject.study import study_file
from yamlinject.study.folder import PLAN_FILE, Study
from yamlinject.study.plan import Job, Plan

#: A base, a placebo and a module behind SPPF.
PLAN = Plan("yolov5n", "yolov5", ("SimAM",), ("SPPF",), seeds=tuple(range(6)))
BASE, PLACEBO, MODULE = "yolov5n", "yolov5n_placebo_SPPF", "yolov5n_SimAM_SPPF"

VERSIONS = {"yamlinject": "0.1", "torch": "2.10.0", "yolov5": "7.0.14", "python": "3.11.2"}


def make_study(folder: Path, plan: Plan = PLAN) -> Study:
    """A study that was planned, and in which nothing is done."""
    (folder / "configs").mkdir(parents=True)
    (folder / PLAN_FILE).write_text(study_file.text(plan))
    study = Study.open(folder)
    for variant in study.variants:
        config = load(plan.base)
        if variant.module is not None and variant.position is not None:
            if variant.replaces:
                config = config.replace(variant.module, at=variant.position)
            else:
                args = "[]" if variant.kind == "placebo" else None
                config = config.add(variant.module, after=variant.position, args=args)
        variant.config.write_bytes(config.to_bytes())
    return study


def finish(job: Job, value: float | None, **more: Any) -> None:
    """Write what a training that is done leaves: its ``done.json``, with mAP50-95, and its epochs."""
    metrics = {"precision": 0.5, "recall": 0.25, "mAP50": 0.75, "mAP50-95": value}
    said = {
        "job": job.digest,
        "variant": job.variant.name,
        "seed": job.seed,
        "metrics": metrics,
        "epochs": 2,
        "parameters": 1_765_000,
        "gflops": 4.15,
        "versions": VERSIONS,
        "device": "cpu",
        "commit": None,
        "weights": None,
    }
    (job.folder / "run").mkdir(parents=True, exist_ok=True)
    (job.folder / "done.json").write_text(json.dumps({**said, **more}))
    header = ["epoch", "metrics/precision", "metrics/recall", "metrics/mAP_0.5", "metrics/mAP_0.5:0.95"]
    rows: list[list[object]] = [[0, 0.5, 0.25, 0.5, (value or 0) / 2], [1, 0.5, 0.25, 0.75, value or 0]]
    lines = [", ".join(header), *(", ".join(map(str, row)) for row in rows)]
    (job.folder / "run" / "results.csv").write_text("\n".join(lines) + "\n")


def fill(study: Study, values: Mapping[str, Sequence[float | None]], **more: Any) -> None:
    """Finish the runs of each variant that has a value for its seed."""
    for job in study.jobs:
        given = values.get(job.variant.name, ())
        index = study.plan.seeds.index(job.seed)
        if index < len(given):
            finish(job, given[index], **more)
