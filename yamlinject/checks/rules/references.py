"""References that no framework can follow (YI1xx)."""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.checks.context import BACKBONE_MAPS, Subject
from yamlinject.checks.findings import Finding
from yamlinject.core import graph
from yamlinject.core.layer import Layer

#: Parts of the names of modules that join what they read, and may therefore get a list of one.
_JOINING = ("add", "cat", "detect", "fus", "fpn", "head", "join", "sum", "shortcut")


def check(subject: Subject) -> Iterator[Finding]:
    """Every reference that names no earlier layer, and lists where a number has to stand."""
    if subject.first_row_is_backbone:
        first = subject.rows[0]
        yield subject.finding(
            "YI106",
            first.span,
            f"{first.layer} looks like a whole backbone, whose {BACKBONE_MAPS} feature maps its framework "
            f"counts as layers 0 to {BACKBONE_MAPS - 1}",
            "leave it to that fork, or write the backbone's layers as rows of their own",
        )
    wanted = {wrong.layer.index: wrong.wanted for wrong in (subject.match.misread if subject.match else [])}
    joining = {layer.module for layer in subject.layers if len(layer.references) > 1}
    for row in subject.rows:
        layer = row.layer
        for position, (number, span) in enumerate(zip(layer.references, row.references, strict=True)):
            problem = graph.reference_problem(layer.index, number)
            is_map = subject.first_row_is_backbone and graph.resolve(layer.index, number) >= layer.index
            if problem and not is_map:
                right = wanted.get(layer.index)
                hint = _hint(layer, None if right is None else right[position])
                base = subject.match.base.name if subject.match and right else None
                yield subject.finding(_code(layer, number), span, f"{layer}: {problem}", hint, base=base)
        is_list = isinstance(layer.from_, list) and len(layer.references) == 1
        if is_list and layer is not subject.layers[-1] and not _joins(layer.module, joining):
            yield subject.finding(
                "YI105",
                row.references[0],
                f"{layer}: 'from' is a list of one, so the module gets a list and no feature map",
                f"write {layer.references[0]} without brackets",
            )


def _code(layer: Layer, number: int) -> str:
    source = graph.resolve(layer.index, number)
    if layer.index == 0:
        return "YI104"
    if source < 0:
        return "YI101"
    return "YI102" if source == layer.index else "YI103"


def _hint(layer: Layer, wanted: int | None) -> str:
    if layer.index == 0:
        return "write -1: the first layer reads the image"
    if wanted is not None:
        return f"write {wanted}"
    return f"write the index of an earlier layer, 0 to {layer.index - 1}, or count back from -1"


def _joins(module: str, joining: set[str]) -> bool:
    return module in joining or any(part in module.lower() for part in _JOINING)
