"""The strides that ``check`` assumes for unknown modules, on layers written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from yamlinject.checks import strides
from yamlinject.checks.strides import Size
from yamlinject.core import graph
from yamlinject.core.layer import Layer

#: ``from``, module and args.
Row = tuple[int | list[int], str, list[Any]]


def likely(*rows: Row) -> list[float | None]:
    """The likely strides of layers; None where they are not known."""
    found = sizes(*rows)
    return [size.stride if size.origin == graph.IMAGE else None for size in found]


def layers_of(*rows: Row) -> list[Layer]:
    return [Layer(at, "backbone", from_, 1, module, args) for at, (from_, module, args) in enumerate(rows)]


def sizes(*rows: Row) -> list[Size]:
    layers = layers_of(*rows)
    return strides.likely(layers, graph.channels(layers))


def of_image(*found: float) -> list[Size]:
    return [Size(graph.IMAGE, stride) for stride in found]


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
    """Its args may hold a stride, as a convolution's do; so may those of the first layer."""
    conv, head = (-1, "Conv", [64, 3, 2]), (-1, "Detect", ["nc"])
    assert likely(conv, (-1, "Stage", [128]), (-1, "C3", [64]), head)[:3] == [2, None, None]
    assert likely(conv, (-1, "C3", [64]), (-1, "Stage", [128]), head)[:3] == [2, 2, None]
    assert likely(conv, (-1, "Stage", [64]), head)[:2] == [2, 2]
    assert likely(conv, (-1, "C3", [64]), ([0, 1], "Stage", [128]), head)[:3] == [2, 2, 2]
    assert likely((-1, "Stage", [64]), conv, head)[:2] == [None, None]
    assert likely(conv, (-1, "C3", [64]), (-1, "Outputs", [255])) == [2, 2, 2]


def test_behind_such_a_module_strides_are_known_but_for_one_factor() -> None:
    conv, head = (-1, "Conv", [64, 3, 2]), (-1, "Detect", ["nc"])
    found = sizes(conv, (-1, "Stage", [128]), conv, (-1, "C3", [64]), head)
    assert found[:4] == [Size(graph.IMAGE, 2), Size(1, 1), Size(1, 2), Size(1, 2)]
    assert [str(size) for size in found[:3]] == ["2", "x", "2x"]
    assert sizes((-1, "Stage", [64]), conv, head)[:2] == [Size(0, 1), Size(0, 2)]
    up = (-1, "nn.Upsample", [None, 2, "nearest"])
    assert sizes((-1, "Stage", [64]), up, head)[1] == Size(0, 0.5)


def test_a_join_tells_the_factor() -> None:
    conv, stage = (-1, "Conv", [64, 3, 2]), (-1, "Stage", [128])
    for sources in ([-1, 1], [1, -1]):
        join: Row = (sources, "Concat", [1])
        assert likely(conv, conv, stage, conv, join, (-1, "Detect", ["nc"]))[:5] == [2, 4, 2, 4, 4]
    # of two such modules, before any stride is known
    rows: list[Row] = [
        conv,
        stage,
        (0, "Other", [96]),
        conv,
        ([-1, 1], "Concat", [1]),
        ([4, 0], "Concat", [1]),
    ]
    assert likely(*rows, (-1, "Detect", ["nc"]))[:5] == [2, 2, 1, 2, 2]


@pytest.mark.parametrize("first", ["Stage", "MyStem", "SwinBackbone"])
@pytest.mark.parametrize("join", ["Concat", "BiFPN_Concat2", "BiFPN_Add2", "FeatureAdd", "WeightedSum"])
def test_joins_behind_such_a_module(first: str, join: str) -> None:
    conv, up = (-1, "Conv", [64, 3, 2]), (-1, "nn.Upsample", [None, 2, "nearest"])
    rows: list[Row] = [(-1, first, [64]), conv, conv, up, ([-1, 1], join, [64]), (-1, "Detect", ["nc"])]
    layers = layers_of(*rows)
    assert not list(strides.unequal_joins(layers, sizes(*rows)))
    rows[4] = ([-1, 0], join, [64])
    layers = layers_of(*rows)
    assert list(strides.unequal_joins(layers, sizes(*rows))) == [(layers[4], [Size(0, 2), Size(0, 1)])]


@pytest.mark.parametrize("join", ["Zoom_cat", "ScalSeq_fusion", "PaddingCat", "SummaryCat"])
def test_joins_that_may_resize_what_they_read(join: str) -> None:
    conv: Row = (-1, "Conv", [64, 3, 2])
    rows: list[Row] = [conv, conv, ([-1, 0], join, [64]), (-1, "Detect", ["nc"])]
    assert not list(strides.unequal_joins(layers_of(*rows), sizes(*rows)))


def test_a_model_of_very_many_layers_is_followed_once() -> None:
    rows = [(-1, "Conv", [64, 3, 2]), *[(-1, "Block", list[Any]())] * 10_001, (-1, "Detect", ["nc"])]
    assert likely(*rows)[1:-1] == [2] * 10_001


def test_the_image_has_stride_one() -> None:
    conv = Layer(0, "backbone", -1, 1, "Conv", [64, 3, 1])
    joins = [conv, Layer(1, "head", [-1, -2], 1, "Concat", [1])]
    assert list(strides.unequal_joins(joins, of_image(1, 1))) == []
    assert list(strides.unequal_joins(joins, of_image(2, 2))) == [(joins[1], of_image(2, 1))]


def test_joins_of_three_sizes() -> None:
    """Two are enough: what is known of the third may be nothing."""
    join = Layer(3, "head", [0, 1, 2], 1, "Concat", [1])
    rows = [*layers_of((-1, "Conv", [64, 3, 2]), (-1, "C3", [64]), (-1, "C3", [64])), join]
    for last in (Size(graph.IMAGE, 2), Size(2, 1)):
        inputs = [*of_image(2, 4), last]
        assert list(strides.unequal_joins(rows, [*inputs, Size(3, 1)])) == [(join, inputs)]
    assert not list(strides.unequal_joins(rows, [*of_image(2, 2), Size(2, 1), Size(3, 1)]))


def test_inputs_of_a_head() -> None:
    assert strides.pyramids(of_image(16)) == 1  # a head for masks, without the finer maps
    assert strides.pyramids([Size(graph.IMAGE, 8), Size(1, 8), Size(graph.IMAGE, 8)]) == 1
    for origin in (graph.IMAGE, 3):
        found = [
            strides.pyramids([Size(origin, stride) for stride in inputs])
            for inputs in ([8, 16, 8, 16], [8, 8, 16, 16], [8, 8], [16, 16, 8], [8, 4, 8, 16], [0.5, 1, 2])
        ]
        assert found == [2, 2, 0, 0, 0, 1]
