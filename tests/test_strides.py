"""The strides that ``check`` assumes for unknown modules, on layers written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from yamlinject.checks import strides
from yamlinject.core import graph
from yamlinject.core.layer import Layer


def likely(*rows: tuple[int | list[int], str, list[Any]]) -> list[float | None]:
    """The likely strides of layers from rows ``(from, module, args)``."""
    layers = [
        Layer(at, "backbone", from_, 1, module, args) for at, (from_, module, args) in enumerate(rows)
    ]
    return strides.likely(layers, graph.channels(layers))


def test_an_unknown_module_that_makes_all_fit_is_found() -> None:
    """DySample is where upstream models have an nn.Upsample, and gives its factor in its own way."""
    found = likely(
        (-1, "Conv", [64, 3, 2]),
        (-1, "Conv", [64, 3, 2]),
        (-1, "DySample", [64, 2, "lp"]),
        ([-1, 0], "Concat", [1]),
        (-1, "MHSA", []),
        (-1, "Detect", ["nc"]),
    )
    assert found[:5] == [2, 4, 2, 2, 2]


@pytest.mark.parametrize(("count", "is_found"), [(1, True), (67, True), (68, False), (90, False)])
def test_the_search_stops_before_it_takes_long(count: int, is_found: bool) -> None:
    """The last of several modules resamples; two factors are tried for each, on all layers each time."""
    idle: list[tuple[int, str, list[Any]]] = [(0, f"Block{number:02}", []) for number in range(count - 1)]
    at = len(idle) + 2
    found = likely(
        (-1, "Conv", [64, 3, 2]),
        *idle,
        (0, "Conv", [64, 3, 2]),
        (-1, "Zoom", []),
        ([-1, 0], "Concat", [1]),
        (-1, "Conv", [64, 1, 1]),
        (-1, "Detect", ["nc"]),
    )
    assert found[at - 1 : at + 1] == [4, 2 if is_found else 4]


def test_a_stride_that_is_not_a_power_of_two_is_unknown() -> None:
    assert likely((-1, "Conv", [64, 3, 3]), (-1, "C3", [64]), (-1, "Detect", ["nc"])) == [None, None, None]


def test_a_join_with_the_image() -> None:
    """The image has stride 1, to which an unknown module may bring the join."""
    found = likely(
        (-1, "Conv", [64, 3, 2]), (-1, "Zoom", []), ([-1, -3], "Concat", [1]), (-1, "Detect", ["nc"])
    )
    assert found[:3] == [2, 1, 1]


def test_after_an_unknown_module_that_changes_the_channels_strides_are_unknown() -> None:
    """Its args may hold a stride, as a convolution's do; the first and the last layer keep the size."""
    conv, head = (-1, "Conv", [64, 3, 2]), (-1, "Detect", ["nc"])
    assert likely(conv, (-1, "Stage", [128]), (-1, "C3", [64]), head)[:3] == [2, None, None]
    assert likely(conv, (-1, "C3", [64]), (-1, "Stage", [128]), head)[:3] == [2, 2, None]
    assert likely(conv, (-1, "Stage", [64]), head)[:2] == [2, 2]
    assert likely(conv, (-1, "C3", [64]), ([0, 1], "Stage", [128]), head)[:3] == [2, 2, 2]
    assert likely((-1, "Stage", [64]), conv, head)[:2] == [1, 2]
    assert likely(conv, (-1, "C3", [64]), (-1, "Outputs", [255])) == [2, 2, 2]


def test_a_model_of_very_many_layers_is_followed_once() -> None:
    rows = [(-1, "Conv", [64, 3, 2]), *[(-1, "Block", list[Any]())] * 10_001, (-1, "Detect", ["nc"])]
    assert likely(*rows)[1:-1] == [2] * 10_001


def test_the_image_has_stride_one() -> None:
    conv = Layer(0, "backbone", -1, 1, "Conv", [64, 3, 1])
    joins = [conv, Layer(1, "head", [-1, -2], 1, "Concat", [1])]
    assert list(strides.unequal_joins(joins, [1, 1])) == []
    assert list(strides.unequal_joins(joins, [2, None])) == [(joins[1], [2, 1])]


def test_inputs_of_a_head() -> None:
    assert strides.pyramids([16]) == 1  # a head for masks, without the finer maps
    assert strides.pyramids([8, None, 8]) == 1
    assert strides.pyramids([8, 16, 8, 16]) == 2
    assert strides.pyramids([8, 8, 16, 16]) == 2
    assert strides.pyramids([8, 8]) == 0
    assert strides.pyramids([16, 16, 8]) == 0
