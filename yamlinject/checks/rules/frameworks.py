"""What frameworks need from a config besides its rows, and what they take from its name (YI7xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import scales

_NC = re.compile(r"\bnc\b")


@rule("YI701", "error", "nc is missing, the number of classes")
def missing_nc(subject: Subject) -> Iterator[Problem]:
    """``parse_model`` of both frameworks puts it where a row names it."""
    if subject.document.data.get("nc") is not None:
        return
    for row in subject.rows:
        if any(isinstance(arg, str) and _NC.search(arg) for arg in row.layer.args):
            problem = f"{row.layer} names nc, the number of classes, and the file has none"
            yield Problem(row.span, problem, "write a line such as nc: 80 above the rows")
            return


@rule("YI702", "error", "the file's name selects a scale that is not in scales")
def unknown_scale(subject: Subject) -> Iterator[Problem]:
    """Ultralytics takes the scale from the name (``guess_model_scale`` in ``ultralytics/nn/tasks.py``)."""
    known, config = subject.document.data.get("scales"), subject.config
    if not isinstance(known, dict) or not known or not config.path:
        return
    scale = scales.asked(config.stem)
    if scale and scale not in known:
        names = ", ".join(map(str, known))
        yield Problem(
            subject.document.values.get("scales"),
            f"its name selects scale {scale}, and scales has {names} only",
            f"add {scale} to scales, or give the file another name",
        )


@rule("YI703", "warning", "the file's name does not keep the scale of the base")
def lost_scale(subject: Subject) -> Iterator[Problem]:
    """Ultralytics takes the scale from the name, and without one there the first of ``scales``."""
    config, lines, data = subject.config, subject.document.provenance, subject.document.data
    asked, built = scales.asked(config.stem), scales.built(data, config.stem)
    if not lines or not config.path or not built or (asked and asked not in data["scales"]):  # YI702
        return
    base = Path(lines[-1].provenance.request.base)
    wanted = scales.asked(base.stem)
    if wanted and built != wanted:
        selects = f"scale {asked}" if asked else f"no scale, so Ultralytics builds {built}"
        name = f"{scales.asking(config.stem, wanted, base.stem)}{config.path.suffix}"
        opens_it = scales.unscaled(name) == config.path.name
        yield Problem(
            None,
            f"its name selects {selects}, and its base is {base.stem}",
            f"call it {name}" + (", or have it opened by that name" if opens_it else ""),
        )


@rule("YI704", "error", "the head names anchors, and the rest of the file is not for YOLOv5")
def two_families(subject: Subject) -> Iterator[Problem]:
    """YOLOv5's ``parse_model`` reads anchors and depth_multiple; Ultralytics' heads take no anchors."""
    data, row = subject.document.data, subject.rows[-1]
    if "anchors" not in row.layer.args:
        return
    hint = "write [nc] for Ultralytics; YOLOv5 needs anchors, depth_multiple and width_multiple"
    if "anchors" not in data:
        yield Problem(row.span, f"{row.layer} names anchors, and the file has none", hint)
    elif "scales" in data and "depth_multiple" not in data:
        problem = f"{row.layer} names anchors, as for YOLOv5, and the file has scales, as for Ultralytics"
        yield Problem(row.span, problem, hint)
