"""References that no framework can follow (YI1xx)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from yamlinject.checks import one_row
from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import graph, modules
from yamlinject.core.layer import Layer


@rule("YI101", "error", "a reference reaches back beyond layer 0")
def reads_beyond_start(subject: Subject) -> Iterator[Problem]:
    """A negative reference that counts back further than there are layers."""
    return _impossible(subject, lambda layer, source: layer.index > 0 and source < 0)


@rule("YI102", "error", "a layer reads itself")
def reads_itself(subject: Subject) -> Iterator[Problem]:
    """By its own index, or as 0 back."""
    return _impossible(subject, lambda layer, source: layer.index > 0 and source == layer.index)


@rule("YI103", "error", "a layer reads one that comes after it")
def reads_later_layer(subject: Subject) -> Iterator[Problem]:
    """The frameworks run the layers in their order (``_forward_once``, ``_predict_once``)."""
    return _impossible(subject, lambda layer, source: layer.index > 0 and source > layer.index)


@rule("YI104", "error", "layer 0 reads something other than the image")
def first_layer(subject: Subject) -> Iterator[Problem]:
    """The frameworks give it the image, which is -1."""
    return _impossible(subject, lambda layer, _: layer.index == 0)


@rule("YI105", "warning", "a module with one input gets a list")
def list_of_one(subject: Subject) -> Iterator[Problem]:
    """The frameworks pass a list on as a list, however short it is."""
    joining = {layer.module for layer in subject.layers if len(layer.references) > 1}
    for row in subject.rows:
        layer = row.layer
        is_list = isinstance(layer.from_, list) and len(layer.references) == 1
        if is_list and layer is not subject.layers[-1] and not _joins(layer.module, joining):
            yield Problem(
                row.references[0],
                f"{layer}: 'from' is a list of one, so the module gets a list instead of a feature map",
                f"write {layer.references[0]} without brackets",
            )


@rule("YI106", "warning", "the first row is a whole backbone with several feature maps")
def whole_backbone(subject: Subject) -> Iterator[Problem]:
    """Forks count its feature maps as layers; neither YOLOv5 nor Ultralytics does."""
    if subject.first_row_is_backbone:
        first = subject.rows[0]
        yield Problem(
            first.span,
            f"{first.layer} looks like a whole backbone, whose {one_row.MAPS} feature maps its framework "
            f"counts as layers 0 to {one_row.MAPS - 1}",
            "leave it to that fork, or write the backbone's layers as separate rows",
        )


def _impossible(subject: Subject, is_meant: Callable[[Layer, int], bool]) -> Iterator[Problem]:
    """The references to no earlier layer that ``is_meant`` picks by their reader and what they name."""
    if subject.is_graph:  # there are none
        return
    for row in subject.rows:
        layer = row.layer
        for position, (number, span) in enumerate(zip(layer.references, row.references, strict=True)):
            problem = graph.reference_problem(layer.index, number)
            source = graph.resolve(layer.index, number)
            is_map = subject.first_row_is_backbone and source >= layer.index
            if problem and not is_map and is_meant(layer, source):
                expected = subject.expected.get(layer.index)
                hint = _hint(layer, None if expected is None else expected[position])
                base = subject.base_name if expected is not None else None
                yield Problem(span, f"{layer}: {problem}", hint, base)


def _hint(layer: Layer, expected: int | None) -> str:
    if layer.index == 0:
        return "write -1: the first layer reads the image"
    if expected is not None:
        return f"write {expected}"
    return f"write the index of an earlier layer, 0 to {layer.index - 1}, or count back from -1"


def _joins(module: str, joining: set[str]) -> bool:
    return module in joining or modules.known(module).reads != "one"
