"""How a framework is told to do one training of a study."""

from __future__ import annotations

from pathlib import Path

from yamlinject.study.plan import Job


def words(job: Job, folder: Path) -> list[str]:
    """What ``yamlinject run`` is given for ``job``; ``folder``: where the training runs."""
    plan, variant = job.plan, job.variant
    if plan.framework == "yolov5":
        target = [str(folder / plan.checkout / "train.py")] if plan.checkout else ["-m", "yolov5.train"]
        start = ["--cfg", str(variant.config), "--weights", str(variant.weights or "")]
        where = ["--project", str(job.folder), "--name", "run", "--exist-ok"]
        return [*target, *plan.args, *start, "--seed", str(job.seed), *where]
    start = [f"model={variant.config}", f"pretrained={variant.weights or False}"]
    where = [f"project={job.folder}", "name=run", "exist_ok=True"]
    return ["yolo", "train", *plan.args, *start, f"seed={job.seed}", *where]
