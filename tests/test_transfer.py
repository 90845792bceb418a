"""Keys of state dicts under the index map: without torch, plain values represent tensors."""

from __future__ import annotations

from functools import cache
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamlinject import load
from yamlinject.core.index_map import IndexMap
from yamlinject.errors import YamlInjectError
from yamlinject.weights.state_dict import layer_of, transfer_state_dict


@cache
def inserted(after: str, base: str = "yolov5s", module: str = "SimAM") -> IndexMap:
    return load(base).add(module, after=after).rewrite.index_map


def renamed(key: str, index_map: IndexMap, *, reverse: bool = False) -> str:
    (found,) = transfer_state_dict({key: 0}, index_map, reverse=reverse)
    return found


#: yolov5s has the layers 0 to 24; each is followed by its place with SimAM after SPPF (layer 9), and
#: with SimAM after every C3 of the backbone (layers 2, 4, 6 and 8).
AFTER_SPPF = [*range(10), *range(11, 26)]
AFTER_C3 = [0, 1, 2, 4, 5, 7, 8, 10, 11, 13, *range(14, 29)]


@pytest.mark.parametrize(("after", "aligned"), [("SPPF", AFTER_SPPF), ("C3", AFTER_C3)])
def test_the_tutorials_configs(after: str, aligned: list[int]) -> None:
    assert len(aligned) == 25
    state = {f"model.{index}.conv.weight": index for index in range(25)}
    expected = {f"model.{place}.conv.weight": index for index, place in enumerate(aligned)}
    found = transfer_state_dict(state, inserted(after))
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize(
    ("key", "after_sppf", "after_c3"),
    [
        ("model.9.cv1.conv.weight", "model.9.cv1.conv.weight", "model.13.cv1.conv.weight"),
        ("model.10.conv.weight", "model.11.conv.weight", "model.14.conv.weight"),
        ("model.24.m.0.weight", "model.25.m.0.weight", "model.28.m.0.weight"),
        ("model.24.anchors", "model.25.anchors", "model.28.anchors"),
        (
            "model.10.bn.num_batches_tracked",
            "model.11.bn.num_batches_tracked",
            "model.14.bn.num_batches_tracked",
        ),
        # of several GPUs, and of Ultralytics' YOLO(…)
        ("module.model.10.conv.weight", "module.model.11.conv.weight", "module.model.14.conv.weight"),
        ("model.model.10.conv.weight", "model.model.11.conv.weight", "model.model.14.conv.weight"),
        (
            "module.model.model.10.conv.weight",
            "module.model.model.11.conv.weight",
            "module.model.model.14.conv.weight",
        ),
        # only the outermost number is that of a layer
        ("model.10.model.3.weight", "model.11.model.3.weight", "model.14.model.3.weight"),
        ("model.8.m.10.weight", "model.8.m.10.weight", "model.11.m.10.weight"),
        ("model.10.10.model.10.weight", "model.11.10.model.10.weight", "model.14.10.model.10.weight"),
    ],
)
def test_a_key(key: str, after_sppf: str, after_c3: str) -> None:
    assert renamed(key, inserted("SPPF")) == after_sppf
    assert renamed(key, inserted("C3")) == after_c3
    assert renamed(after_sppf, inserted("SPPF"), reverse=True) == key
    assert renamed(after_c3, inserted("C3"), reverse=True) == key


FOREIGN = [
    "",
    "epoch",
    "model",
    "model.",
    "model.10",
    "model.10.",
    "model.x.10.weight",
    "model.-1.weight",
    "model.1e1.weight",
    "mymodel.10.weight",
    "models.10.weight",
    "backbone.10.weight",
    "10.weight",
    "model.names",
    "model.\u0661.weight",  # a digit, but none of a name that a framework makes
]


@pytest.mark.parametrize("key", FOREIGN)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_key_that_names_no_layer_stays(key: str, reverse: bool) -> None:
    assert layer_of(key) is None
    assert renamed(key, inserted("C3"), reverse=reverse) == key


@pytest.mark.parametrize(
    ("key", "index"),
    [("model.0.weight", 0), ("model.24.m.0.bias", 24), ("module.model.7.a", 7), ("model.3.model.5.a", 3)],
)
def test_the_layer_of_a_key(key: str, index: int) -> None:
    assert layer_of(key) == index


def test_reverse_with_a_tensor_of_a_new_layer() -> None:
    state = {"model.0.conv.weight": 0, "model.10.reduce.weight": 1}
    with pytest.raises(YamlInjectError) as caught:
        transfer_state_dict(state, inserted("SPPF", module="CBAM"), reverse=True)
    assert str(caught.value) == (
        "model.10.reduce.weight: layer 10 was inserted, and the base has no place for it"
    )


@pytest.mark.parametrize(
    ("key", "reverse"),
    [
        ("model.25.conv.weight", False),
        ("module.model.25.conv.weight", False),
        ("model.9999999.weight", False),
        ("model.26.conv.weight", True),
    ],
)
def test_a_layer_that_is_not_there(key: str, reverse: bool) -> None:
    with pytest.raises(YamlInjectError) as caught:
        transfer_state_dict({key: 0}, inserted("SPPF"), reverse=reverse)
    message = str(caught.value)
    assert message.startswith(f"{key}: ")
    assert "only 25 layers" in message or (reverse and "26 layers" in message)
    assert "\n" not in message


def test_what_is_given_stays_as_it_is() -> None:
    state = {"model.10.conv.weight": 0}
    transfer_state_dict(state, inserted("SPPF"))
    assert state == {"model.10.conv.weight": 0}


def test_nothing_is_lost_where_two_keys_mean_one_layer() -> None:
    """No framework writes such a number."""
    state = {"model.1.conv.weight": "a", "model.01.conv.weight": "b"}
    assert sorted(transfer_state_dict(state, inserted("C3")).values()) == ["a", "b"]


class Value:
    """Stands for a tensor: equal to itself only."""


@st.composite
def maps(draw: st.DrawFn) -> tuple[int, list[int]]:
    """The number of layers, and after which of them one is inserted, some of them twice."""
    size = draw(st.integers(1, 12))
    return size, draw(st.lists(st.integers(0, size - 1), max_size=6))


WORDS = st.sampled_from(
    ["conv.weight", "bn.running_mean", "m.0.cv1.conv.weight", "model.3.weight", "0", "é"]
)


@st.composite
def keys(draw: st.DrawFn, size: int) -> str:
    if draw(st.integers(0, 5)) == 0:
        return draw(st.sampled_from(FOREIGN) | st.text(alphabet="model.019x", max_size=14))
    before = draw(st.sampled_from(["", "", "module.", "model.", "module.model.", "ema.module."]))
    return f"{before}model.{draw(st.integers(0, size - 1))}.{draw(WORDS)}"


@given(st.data())
def test_there_and_back(data: st.DataObject) -> None:
    size, targets = data.draw(maps())
    index_map = IndexMap.inserting(size, targets)
    texts = data.draw(st.lists(keys(size), unique=True))
    own = [text for text in texts if layer_of(text) is None or str(layer_of(text)) in text.split(".")]
    state = {text: Value() for text in own if (layer_of(text) or 0) < size}
    moved = transfer_state_dict(state, index_map)
    # all of the very same values, in their order
    assert [id(value) for value in moved.values()] == [id(value) for value in state.values()]
    assert not {layer_of(key) for key in moved} & set(index_map.injected)
    back = transfer_state_dict(moved, index_map, reverse=True)
    assert list(back.items()) == list(state.items())


@given(maps(), st.integers(0, 11), WORDS)
def test_each_layer_moves_by_as_many_as_were_put_in_above_it(
    given_map: tuple[int, list[int]], index: int, word: str
) -> None:
    size, targets = given_map
    index %= size
    above = sum(target < index for target in targets)
    assert renamed(f"model.{index}.{word}", IndexMap.inserting(size, targets)) == (
        f"model.{index + above}.{word}"
    )


@given(maps())
def test_an_injected_layer_has_no_place_in_the_base(given_map: tuple[int, list[int]]) -> None:
    size, targets = given_map
    counts = [1 + targets.count(index) for index in range(size)]
    old = {end - count for end, count in zip(accumulate(counts), counts, strict=True)}
    index_map = IndexMap.inserting(size, targets)
    for index in range(sum(counts)):
        if index in old:
            renamed(f"model.{index}.weight", index_map, reverse=True)
        else:
            with pytest.raises(YamlInjectError, match=f"layer {index} was inserted"):
                renamed(f"model.{index}.weight", index_map, reverse=True)
