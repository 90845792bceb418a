"""What a training says of its epochs: the ``results.csv`` of YOLOv5 and of Ultralytics."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from yamlinject import files
from yamlinject.errors import Place, SourceError, named

#: The metrics of a detector, in the order of both frameworks.
METRICS = ("precision", "recall", "mAP50", "mAP50-95")

#: What they call them in ``results.csv``; for boxes Ultralytics adds ``(B)`` (``utils/metrics.py``).
_COLUMNS = {
    "metrics/precision": "precision",
    "metrics/recall": "recall",
    "metrics/mAP_0.5": "mAP50",
    "metrics/mAP50": "mAP50",
    "metrics/mAP_0.5:0.95": "mAP50-95",
    "metrics/mAP50-95": "mAP50-95",
}

#: How much each metric counts for the epoch that YOLOv5 calls the best (``utils/metrics.py``, ``fitness``).
FITNESS = (0.0, 0.0, 0.1, 0.9)


def results_file(folder: Path) -> Path:
    """Where a training in the job folder ``folder`` writes its epochs."""
    return folder / "run" / "results.csv"


def curves(folder: Path) -> list[dict[str, float]]:
    """The metrics of each epoch of the job in ``folder``, with its ``epoch``, from 1; one may go on.

    Raises :class:`SourceError` for a file that cannot be read, and for a metric that is not there.
    """
    file = results_file(folder)
    text = files.read_bytes(file).decode("utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]  # the last line may just be being written
    with named(str(file)):
        return _read(whole.splitlines())


def best(epochs: Sequence[dict[str, float]], fitness: Sequence[float] = FITNESS) -> dict[str, float]:
    """The epoch that the framework keeps as ``best.pt``: of several that are as good, the last."""

    def of(epoch: dict[str, float]) -> float:
        return sum(weight * epoch[name] for weight, name in zip(fitness, METRICS, strict=True))

    return max(reversed(epochs), key=of)


def _read(lines: Sequence[str]) -> list[dict[str, float]]:
    header, *rows = csv.reader(lines) if lines else [[]]
    names = [_COLUMNS.get(column.strip().removesuffix("(B)")) for column in header]
    missing = [name for name in METRICS if name not in names]
    if missing:
        there = ", ".join(column.strip() for column in header) or "nothing"
        raise SourceError(f"it has no {missing[0]}: there is {there}", Place(1, 1))
    found = []
    for number, row in enumerate(rows, 1):
        epoch = {"epoch": float(number)}
        for name in METRICS:
            text = row[names.index(name)].strip() if len(row) > names.index(name) else ""
            epoch[name] = _number(text, name, Place(number + 1, 1))
        found.append(epoch)
    return found


def _number(text: str, name: str, place: Place) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(f"{name} is {text or 'missing'}, which is no number", place)
    return value
