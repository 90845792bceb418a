from __future__ import annotations

from typing import Any

import pytest

from yamlinject import Layer, SelectorError
from yamlinject.core.layer import SectionName
from yamlinject.core.selectors import Picked, Scope, parse, pick

ROWS: list[tuple[SectionName, Any, str]] = [
    ("backbone", -1, "Conv"),  # 0
    ("backbone", -1, "C3"),
    ("backbone", -1, "C3"),
    ("backbone", -1, "C3"),
    ("backbone", -1, "SPPF"),  # 4
    ("head", -1, "nn.Upsample"),
    ("head", [-1, 2], "Concat"),
    ("head", -1, "C3"),
    ("head", -1, "Conv"),
    ("head", -1, "C3"),  # 9
    ("head", -1, "RepC3"),
    ("head", [-2, 7, 4, 7], "Detect"),  # 11
]
LAYERS = [
    Layer(index, section, from_, 1, module, []) for index, (section, from_, module) in enumerate(ROWS)
]


def picked(text: str, scope: Scope = "backbone") -> list[int]:
    found = [pick(selector, LAYERS, scope) for selector in parse(text)]
    return [layer.index for one in found for layer in one.layers]


@pytest.mark.parametrize(
    ("text", "indices"),
    [
        ("SPPF", [4]),
        ("C3", [1, 2, 3]),
        ("9", [9]),
        ("0", [0]),
        ("C3@-1", [3]),
        ("C3@0", [1]),
        ("C3@2", [3]),
        ("C3@-3", [1]),
        ("C3@1:3", [2, 3]),
        ("C3@1:", [2, 3]),
        ("C3@:1", [1]),
        ("C3@:", [1, 2, 3]),
        ("C3@-2:", [2, 3]),
        ("C3@:-1", [1, 2]),
        ("C3@0:99", [1, 2, 3]),
        ("head/C3", [7, 9]),
        ("head/C3@-1", [9]),
        ("backbone/C3@-1", [3]),
        ("all/C3", [1, 2, 3, 7, 9]),
        ("all/C3@-2:", [7, 9]),
        ("head/nn.Upsample", [5]),
        ("detect-inputs", [4, 7, 9]),
        ("detect-inputs@-1", [9]),
        ("detect-inputs@:2", [4, 7]),
        ("SPPF,9", [4, 9]),
        ("9, SPPF", [9, 4]),
        ("1,1,C3@0", [1, 1, 1]),
    ],
)
def test_picks(text: str, indices: list[int]) -> None:
    assert picked(text) == indices


@pytest.mark.parametrize(
    ("scope", "text", "indices"),
    [
        ("backbone", "Conv", [0]),
        ("head", "Conv", [8]),
        ("all", "Conv", [0, 8]),
        ("all", "C3@-1", [9]),
        ("head", "backbone/C3@0", [1]),
        ("all", "head/C3", [7, 9]),
        ("head", "1", [1]),
        ("head", "detect-inputs", [4, 7, 9]),
    ],
)
def test_scope_is_for_selectors_that_name_none(scope: Scope, text: str, indices: list[int]) -> None:
    assert picked(text, scope) == indices


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "SPPF,",
        ",SPPF",
        "C3@",
        "C3@x",
        "C3@1.5",
        "C3@0:1:2",
        "C3@-",
        "C3@ 1",
        "-1",
        "+1",
        "1.5",
        "neck/C3",
        "head/",
        "/C3",
        "head/head/C3",
        "C 3",
        "C3*",
        "C3@1@2",
        "detect_inputs/C3",
        "head/9",
        "9@0",
        "head/detect-inputs",
    ],
)
def test_bad_syntax(text: str) -> None:
    with pytest.raises(SelectorError, match="selector"):
        parse(text)


def message(text: str, scope: Scope = "backbone") -> str:
    with pytest.raises(SelectorError) as caught:
        picked(text, scope)
    return str(caught.value)


def test_bad_syntax_names_the_forms_that_there_are() -> None:
    found = message("SPPF,C3@")
    assert "'C3@'" in found
    assert all(form in found for form in ("MODULE", "INDEX", "detect-inputs", "backbone/", "@N:M"))


def test_no_match_lists_the_modules_once_and_guesses() -> None:
    found = message("spff")
    assert "no module spff (did you mean SPPF?)" in found
    assert found.endswith("Conv, C3, SPPF, nn.Upsample, Concat, RepC3, Detect")
    assert "did you mean Concat" in message("concat")
    assert "did you mean" not in message("Zzzzzzz")


def test_no_match_in_scope_says_where_the_module_is() -> None:
    assert "1 in the head: write head/RepC3" in message("RepC3")
    assert "write backbone/SPPF" in message("head/SPPF")


def test_index_outside() -> None:
    assert message("12") == "there is no layer 12: the last one is 11"


@pytest.mark.parametrize("text", ["C3@3", "C3@-4", "head/C3@2", "detect-inputs@3"])
def test_counted_outside(text: str) -> None:
    assert f"{text!r}: there are only {2 if 'head' in text else 3}" in message(text)


@pytest.mark.parametrize("text", ["C3@2:1", "C3@9:", "C3@1:1"])
def test_empty_slice(text: str) -> None:
    assert f"{text!r} picks none of the 3 C3 in the backbone" in message(text)


def outside(text: str, scope: Scope = "backbone") -> int:
    (selector,) = parse(text)
    found: Picked = pick(selector, LAYERS, scope)
    return found.outside


def test_counts_how_many_of_the_module_are_outside_the_scope() -> None:
    assert outside("C3") == 2
    assert outside("C3@-1") == 2
    assert outside("head/C3") == 3
    assert outside("C3", "all") == 0
    assert outside("SPPF") == 0
    assert outside("1") == 0
    assert outside("detect-inputs") == 0


def test_detect_inputs_when_the_last_layer_reads_only_the_image() -> None:
    (selector,) = parse("detect-inputs")
    with pytest.raises(SelectorError, match="picks none"):
        pick(selector, [Layer(0, "head", -1, 1, "Detect", [])])
