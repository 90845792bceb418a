"""What a config was made from: found without building anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamlinject import load
from yamlinject.checks.context import Subject
from yamlinject.config import Config
from yamlinject.errors import RefusalError
from yamlinject.lineage.resolve import resolve


def edited(tmp_path: Path, text: str, old: str, new: str) -> Config:
    assert text.count(old) == 1
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new))
    return load(file)


def test_a_generated_config() -> None:
    found = resolve(load("yolov5s").add("SimAM", after="C3"))
    assert (found.name, found.edited) == ("yolov5s", False)
    assert found.base.to_bytes() == load("yolov5s").to_bytes()
    assert (found.evidence, found.reference, found.wrong_readers) == ("recorded", "yolov5s", [])
    # the four SimAM stand at 3, 6, 9 and 12
    assert found.aligned == [index for index in range(29) if index not in (3, 6, 9, 12)]


def test_several_lines_are_undone() -> None:
    config = load("yolov5s").add("SimAM", after="C3").add("CBAM", after="SPPF").add("SE", after="0")
    found = resolve(config)
    assert found.base.to_bytes() == load("yolov5s").to_bytes()
    assert [config.layers[index].module for index in range(31) if index not in found.aligned] == [
        *["SE", "SimAM", "SimAM", "SimAM", "SimAM", "CBAM"]
    ]


def test_an_edited_one_is_held_against_the_base_that_it_names(tmp_path: Path) -> None:
    text = load("yolov5m").add("SimAM", after="SPPF").text
    found = resolve(edited(tmp_path, text, "nc: 80", "nc: 3"))
    assert found.edited
    assert found.reference == "yolov5m"
    assert found.base.document.data["nc"] == 3


def test_an_edited_one_whose_base_was_a_stream(tmp_path: Path) -> None:
    """Nothing may wait for standard input then."""
    text = load("yolov5m").add("SimAM", after="SPPF").text.replace("SimAM yolov5m --", "SimAM - --")
    found = resolve(edited(tmp_path, text, "nc: 80", "nc: 3"))
    assert found.reference == "yolov5m"  # known by its layers and multiples


@pytest.mark.parametrize(
    "base", ["yolov5n", "yolov5x", pytest.param("yolo11n", marks=pytest.mark.framework)]
)
def test_one_made_by_hand_is_known_by_its_layers(base: str) -> None:
    found = resolve(load(base).add("SimAM", after="SPPF", provenance=False))
    assert found.evidence == "matched"
    assert found.name == {"yolo11n": "yolo11"}.get(base, base)


def test_one_with_a_module_that_nobody_knows() -> None:
    """``check`` and ``verify`` give one answer: yolov5s, and an EMA after its SPPF."""
    base = load("yolov5s")
    config = base.add("EMA", after="SPPF", args="[1024]", provenance=False)
    found = resolve(config)
    assert (found.evidence, found.name, found.reference) == ("matched", "yolov5s", "yolov5s")
    assert found.aligned == [index for index in range(26) if index != 10]
    assert found.base.to_bytes() == base.to_bytes()


def test_one_with_a_second_module_of_the_bases_own() -> None:
    """No recipe tells that this SPP is new; the layers of yolov5n do."""
    config = load("yolov5n").add("SPP", after="SPPF", args="[channels, [5, 9]]", provenance=False)
    found = resolve(config)
    assert (found.evidence, found.name) == ("matched", "yolov5n")
    assert found.aligned == [index for index in range(26) if index != 10]


def test_exchanged_modules(tmp_path: Path) -> None:
    """The base to build has them too; the references are compared with upstream's."""
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=False).text
    found = resolve(edited(tmp_path, text, "[-1, 6, C3, [256]]", "[-1, 6, C2f, [256]]"))
    assert (found.evidence, found.reference, found.wrong_readers) == ("matched", "yolov5s", [])
    assert [layer.module for layer in found.base.layers].count("C2f") == 1
    assert len(found.base.layers) == 25


OWN = """\
backbone:
  - [-1, 1, Stem, [16]]
  - [-1, 1, SimAM, [16]]
  - [-1, 1, Down, [32]]
head:
  - [-1, 1, Detect, [nc]]
"""


def test_one_that_nobody_knows() -> None:
    found = resolve(Config("own.yaml", OWN.encode()))
    assert (found.evidence, found.name, found.reference) == ("none", "without attention", None)
    assert found.aligned == [0, 2, 3]


def test_the_model_of_a_checkpoint() -> None:
    own = Config("own.yaml", OWN.encode())
    found = resolve(own, None, own.without([1]).layers)
    assert (found.evidence, found.name, found.aligned) == ("given", "the checkpoint's model", [0, 2, 3])
    with pytest.raises(RefusalError, match="it has no Conv for the layer 0 of that"):
        resolve(own, None, load("yolov5s").layers)


def test_a_given_base_decides_what_the_attention_is() -> None:
    base = load("yolov5s").add("SimAM", after="C3").add("CBAM", after="SPPF")
    config = base.add("EMA", after="head/C3@0", args="[channels, 8]")
    found = resolve(config, base)
    (added,) = set(range(len(config.layers))) - set(found.aligned)
    assert config.layers[added].module == "EMA"
    assert (found.evidence, found.reference) == ("given", base.label)


def test_a_provenance_line_that_does_not_fit(tmp_path: Path) -> None:
    """What it names as the base explains the layers all the same."""
    text = load("yolov5s").add("SimAM", after="SPPF").text
    found = resolve(edited(tmp_path, text, "(layers 10;", "(layers 11;"))
    assert (found.evidence, found.name, found.edited) == ("recorded", "yolov5s", True)
    assert found.injected == [10]
    assert [layer.row for layer in found.base.layers] == [layer.row for layer in load("yolov5s").layers]


def test_another_layer_beside_those_of_the_line(tmp_path: Path) -> None:
    """The line tells of the SimAM, the base that it names of both."""
    text = load("yolov5s").add("SimAM", after="SPPF").add("EMA", after="0", args="[64]").text
    found = resolve(edited(tmp_path, text, "(layers 1;", "(layers 2;"))
    assert (found.evidence, found.edited, found.injected) == ("recorded", True, [1, 11])


def test_check_goes_by_the_same_answer() -> None:
    """Also for a stack of commands: all that they injected is attention, not only the last of it."""
    config = load("yolov5s").add("SimAM", after="SPPF").add("CBAM", after="C3@0")
    subject = Subject(config)
    assert [layer.module for layer in subject.attention] == ["CBAM", "SimAM"]
    assert resolve(config).injected == [layer.index for layer in subject.attention]
