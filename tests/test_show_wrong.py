"""``show`` of configs whose references are wrong: shown all the same, with what ``check`` says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support import BASE, GOOD, Cli


def marked(output: str) -> list[int]:
    """The indices of the rows with a mark of wrong references."""
    return [int(index) for index in re.findall(r"^ *! (\d+) ", output, re.MULTILINE)]


# what is wrong, in which layer, the rule, and what check says
WRONG = [
    ("[[4], 1, Detect", "[[5], 1, Detect", 5, "YI102", "'from' 5 is the layer itself"),
    ("[[4], 1, Detect", "[[9], 1, Detect", 5, "YI103", "'from' 9 is not an earlier layer"),
    ("[[-1, 1], 1, Concat", "[[-1, 7], 1, Concat", 3, "YI103", "'from' 7 is not an earlier layer"),
    ("[[-1, 1], 1, Concat", "[[-1, -9], 1, Concat", 3, "YI101", "reaches back beyond layer 0"),
    ("[-1, 1, Conv, [16", "[2, 1, Conv, [16", 0, "YI104", "the first layer can read only the image"),
]


@pytest.mark.parametrize(("old", "new", "layer", "code", "said"), WRONG)
def test_a_reference_to_no_earlier_layer(
    tmp_path: Path, cli: Cli, old: str, new: str, layer: int, code: str, said: str
) -> None:
    (tmp_path / "a.yaml").write_text(BASE.replace(old, new))
    result = cli("show", "a.yaml")
    assert (result.code, result.err) == (0, "")
    assert marked(result.out) == [layer]
    table, _, below = result.out.partition("! reads wrong layers\n")
    assert all(f" {index} " in table for index in range(6))
    assert re.match(rf"a\.yaml:\d+:\d+: {code} error: ", below)
    assert said in below
    assert "= hint: write" in below
    shown = json.loads(cli("show", "a.yaml", "--output-format", "json").out)
    assert [each["index"] for each in shown["layers"] if each["wrong"]] == [layer]
    assert [(each["code"], each["fixable"]) for each in shown["findings"]] == [(code, False)]


def test_what_depends_on_it_is_left_open(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.yaml").write_text(BASE.replace("[[-1, 1], 1, Concat", "[[-1, 7], 1, Concat"))
    layers = json.loads(cli("show", "a.yaml", "--output-format", "json").out)["layers"]
    # a convolution halves the size, a C3 declares its channels, and the head has none
    assert [each["nominal_channels"] for each in layers] == [16, 16, 16, None, 32, None]
    assert [each["stride"] for each in layers] == [2, 2, 2, None, None, None]
    assert layers[3]["reads"] == [2, 7]


def test_references_that_are_not_those_of_the_base(tmp_path: Path, cli: Cli) -> None:
    assert cli("add", "SimAM", "yolov5s", "--after", "SPPF", "--no-provenance", "-o", "a.yaml").code == 0
    text = (tmp_path / "a.yaml").read_text()
    (tmp_path / "a.yaml").write_text(text.replace("[[18, 21, 24], 1, Detect", "[[17, 20, 24], 1, Detect"))
    result = cli("show", "a.yaml")
    assert marked(result.out) == [25]
    assert result.out.count("YI301 error: layer 25 (Detect)") == 2
    assert result.out.endswith(
        "      = hint: write 18, 21\n      = cause: still the base's number, though "
        "layers were inserted above\n      = base: yolov5s\n"
    )


def test_a_right_config_has_no_finding(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("# 4", "# 9"))  # whose comment is not about what it reads
    assert "!" not in cli("show", "a.yaml").out
    shown = json.loads(cli("show", "a.yaml", "--output-format", "json").out)
    assert shown["findings"] == []
    assert not any(each["wrong"] for each in shown["layers"])


def test_a_generated_config_keeps_its_other_marks(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    assert cli("add", "SimAM", "base.yaml", "--after", "SPPF", "--in-place").code == 0
    text = (tmp_path / "base.yaml").read_text()
    (tmp_path / "base.yaml").write_text(text.replace("[[5], 1, Detect", "[[6], 1, Detect"))
    output = cli("show", "base.yaml").out
    assert marked(output) == [6]
    assert re.search(r"^ *\+ 3 ", output, re.MULTILINE)


def test_what_is_no_config_is_still_an_error(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.yaml").write_text(BASE.replace("head:", "hat:"))
    assert cli("show", "a.yaml").code == 2
