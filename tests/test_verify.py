"""``yamlinject verify``: the model of a config next to its base's, in the real frameworks.

Parameter counts are those that YOLOv5's and Ultralytics' own documentation states for 80 classes.
"""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from itertools import cycle, product
from pathlib import Path

import pytest

from tests.checkouts import checkout, edit
from tests.conftest import EXHAUSTIVE
from yamlinject import frameworks, load
from yamlinject.cli.app import run
from yamlinject.config import Config
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.frameworks.base import Framework
from yamlinject.verification.comparison import verify
from yamlinject.verification.result import Verification

pytestmark = pytest.mark.framework

PARAMETERS = {
    "yolov5n": 1_872_157,
    "yolov5s": 7_235_389,
    "yolov5m": 21_190_557,
    "yolov5l": 46_563_709,
    "yolov5x": 86_749_405,
}
#: Where the tutorial's two layouts have their SimAM.
LAYOUTS = {"SPPF": [10], "C3": [3, 6, 9, 12]}


@functools.cache
def framework(name: str) -> Framework:
    return frameworks.find(name, load("yolov5s"))


def verified(
    config: Config, name: str = "yolov5", base: Config | None = None, size: int = 64
) -> Verification:
    return verify(config, base, framework=name, image_size=size)


@pytest.mark.parametrize("after", LAYOUTS)
@pytest.mark.parametrize("base", PARAMETERS if EXHAUSTIVE else ["yolov5n", "yolov5s"])
def test_the_tutorials_layouts(base: str, after: str) -> None:
    result = verified(load(base).add("SimAM", after=after))
    assert result.problems == []
    assert result.equal
    assert result.base.parameters == result.config.parameters == PARAMETERS[base]
    assert result.base.strides == result.config.strides == [8, 16, 32]
    assert [one.layer for one in result.attention] == LAYOUTS[after]
    assert [one.e_lambda for one in result.attention] == [1e-4] * len(LAYOUTS[after])
    assert (result.base.layers, result.config.layers) == (25, 25 + len(LAYOUTS[after]))
    # 64 px: 8², 4² and 2² cells with 3 anchors each, and 80 classes with box and objectness
    maps = [[1, 3, 8, 8, 85], [1, 3, 4, 4, 85], [1, 3, 2, 2, 85]]
    assert result.config.eval_shapes == [[1, 252, 85], *maps]
    assert result.config.train_shapes == result.base.train_shapes == maps


@pytest.mark.parametrize(("after", "own"), [("SPPF", 0.0016), ("C3", 0.025)])
def test_the_attentions_own_operations_are_added(after: str, own: float) -> None:
    result = verified(load("yolov5s").add("SimAM", after=after), size=640)
    assert round(result.base.gflops, 1) == 16.6
    assert result.config.gflops - result.base.gflops == pytest.approx(own, rel=0.05)


def test_real_channels_and_several_modules_in_a_layer() -> None:
    """On yolov5m a number of 3 becomes 2, and 64 to 512 nominal channels become three quarters."""
    config = load("yolov5m").add("SimAM", after="C3", number=3)
    result = verified(config)
    assert result.problems == []
    assert [(one.layer, one.channels) for one in result.attention] == [
        *[(3, 96)] * 2,
        *[(6, 192)] * 2,
        *[(9, 384)] * 2,
        *[(12, 768)] * 2,
    ]


#: Base, and the parameters of the base for 80 classes.
OTHERS = {"yolov5s": 7_235_389, "yolo11n": 2_624_080}

LEARNED = "SE ECA EMA CBAM CoordAtt TripletAttention ShuffleAttention SK GAM BRA".split()


@pytest.mark.parametrize(
    ("base", "module"),
    list(product(OTHERS, LEARNED) if EXHAUSTIVE else zip(cycle(OTHERS), LEARNED, strict=False)),
)
def test_modules_with_parameters_get_the_real_channels(base: str, module: str) -> None:
    config = load(base).add(module, after="SPPF")
    result = verified(config, "yolov5" if base == "yolov5s" else "ultralytics")
    assert result.problems == []
    (one,) = result.attention
    assert (one.module, one.channels) == (module, {"yolov5s": 512, "yolo11n": 256}[base])
    assert result.base.parameters == OTHERS[base]
    assert result.config.parameters == OTHERS[base] + one.parameters
    assert one.parameters > 0


@pytest.mark.parametrize("base", ["yolov8n", "yolov8s", "yolo11n", "rtdetr-l"])
def test_ultralytics_scale_comes_with_the_name(base: str) -> None:
    size = 160 if base.startswith("rtdetr") else 64  # its decoder picks 300 of the cells
    after = "9" if base.startswith("rtdetr") else "SPPF"
    result = verified(load(base).add("SimAM", after=after), "ultralytics", size=size)
    assert result.problems == []
    expected = {"yolov8n": 3_157_200, "yolov8s": 11_166_560, "yolo11n": 2_624_080, "rtdetr-l": 32_970_476}
    assert result.config.parameters == expected[base]


#: Parameters of the documentation, for 80 classes.
OF_A_SCALE = {"yolov8n": 3_157_200, "yolov8s": 11_166_560, "yolo11n": 2_624_080, "yolo11s": 9_458_752}


@pytest.mark.parametrize(
    ("name", "family", "example"),
    [
        ("mine.yaml", "yolov8", ""),
        ("yolo11_SimAM.yaml", "yolo11", "; yolo11s_SimAM.yaml selects s"),
        ("my-yolov8.yaml", "yolov8", "; my-yolov8s.yaml selects s"),
    ],
)
def test_a_name_without_a_scale_is_noted(tmp_path: Path, name: str, family: str, example: str) -> None:
    load(family).add("SimAM", after="SPPF").save(tmp_path / name)
    result = verified(load(tmp_path / name), "ultralytics")
    assert result.problems == []
    assert (result.base.name, result.base.parameters) == (family, OF_A_SCALE[f"{family}n"])
    assert result.config.parameters == OF_A_SCALE[f"{family}n"]
    assert result.notes == [f"its file's name selects no scale, so n was built{example}"]


@pytest.mark.parametrize("base", ["yolov8n", "yolo11n"])
def test_a_name_without_a_scale_is_not_noted_where_the_bases_is_built(tmp_path: Path, base: str) -> None:
    load(base).add("SimAM", after="SPPF").save(tmp_path / "mine.yaml")
    result = verified(load(tmp_path / "mine.yaml"), "ultralytics")
    assert (result.problems, result.notes) == ([], [])
    assert (result.base.name, result.config.parameters) == (base, OF_A_SCALE[base])


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("name", ["yolo11s_mine.yaml", "my-yolo11s.yaml"])
def test_a_base_of_all_scales_has_the_configs(tmp_path: Path, name: str, recorded: bool) -> None:
    load("yolo11").add("SimAM", after="SPPF", provenance=recorded).save(tmp_path / name)
    result = verified(load(tmp_path / name), "ultralytics")
    assert (result.problems, result.notes) == ([], [])
    assert (result.base.name, result.base.parameters) == ("yolo11s", OF_A_SCALE["yolo11s"])
    assert result.config.parameters == OF_A_SCALE["yolo11s"]
    assert result.proven


@pytest.mark.parametrize(
    ("base", "name", "asks", "new"),
    [
        ("yolo11s", "my.yaml", "selects no scale, which means n", "yolo11s_my.yaml"),
        ("yolov8s", "yolov8_SimAM.yaml", "selects no scale, which means n", "yolov8s_SimAM.yaml"),
        ("yolov8s", "yolov8n_SimAM.yaml", "selects n", "yolov8s_SimAM.yaml"),
    ],
)
def test_a_lost_scale_is_a_problem(tmp_path: Path, base: str, name: str, asks: str, new: str) -> None:
    """The base is built as it is called, and Ultralytics builds another scale from that file."""
    load(base).add("SimAM", after="SPPF").save(tmp_path / name)
    result = verified(load(tmp_path / name), "ultralytics")
    assert result.problems == [f"its file's name {asks}, and its base is {base}: call it {new}"]
    assert result.notes == []  # the name is said once
    assert (result.base.name, result.base.parameters) == (base, OF_A_SCALE[base])
    assert result.config.parameters == OF_A_SCALE[f"{base[:-1]}n"]
    assert not result.proven
    (tmp_path / name).rename(tmp_path / new)
    assert verified(load(tmp_path / new), "ultralytics").problems == []


def test_a_lost_scale_is_noted_where_something_else_is_the_problem(tmp_path: Path) -> None:
    text = load("yolo11s").add("SimAM", after="SPPF").text
    assert text.count("[-1, 14]") == 1
    file = tmp_path / "my.yaml"
    file.write_text(text.replace("[-1, 14]", "[-1, 13]"))
    result = verified(load(file), "ultralytics")
    assert [problem.split(" reads ")[0] for problem in result.problems] == ["layer 19 (Concat)"]
    assert "its file's name selects no scale, so n was built" in result.notes


@pytest.mark.parametrize("recorded", [True, False])
def test_the_bases_column_is_the_base(tmp_path: Path, recorded: bool) -> None:
    """With three forgotten numbers the rest, without the attention, has 7,529,789 parameters too."""
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=recorded).text
    for right, wrong in (
        ("[-1, 15]", "[-1, 14]"),
        ("[-1, 11]", "[-1, 10]"),
        ("[18, 21, 24]", "[17, 20, 23]"),
    ):
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    result = verified(load(file))
    assert (result.base.name, result.base.parameters) == ("yolov5s", 7_235_389)
    assert result.config.parameters == 7_529_789
    assert [problem.split(" reads ")[0] for problem in result.problems] == [
        "layer 20 (Concat)",
        "layer 23 (Concat)",
        "layer 25 (Detect)",
    ]
    assert not result.proven


@pytest.mark.parametrize(
    ("base", "old", "new", "parameters"),
    [
        pytest.param("yolov5s", "width_multiple: 0.50", "width_multiple: 0.25", 1_872_157, id="width"),
        pytest.param("yolov5m", "depth_multiple: 0.67", "depth_multiple: 0.33", None, id="depth"),
        pytest.param("yolov5s", "[1024, 5]", "[512, 5]", None, id="args"),
    ],
)
def test_other_numbers_than_the_recorded_bases_are_a_problem(
    tmp_path: Path, base: str, old: str, new: str, parameters: int | None
) -> None:
    text = load(base).add("SimAM", after="C3@0").text
    assert text.count(old) == 1
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(old, new))
    result = verified(load(file))
    assert result.base.parameters == PARAMETERS[base]
    assert parameters in (None, result.config.parameters)
    assert f"besides the attention's, and {base} has {PARAMETERS[base]:,}" in result.problems[0]
    assert not result.proven


def test_a_config_with_a_scaling_of_its_own_has_no_known_base(tmp_path: Path) -> None:
    """By its layers it could be any YOLOv5, by its numbers it is none."""
    text = load("yolov5s").add("SimAM", after="C3@0", provenance=False).text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("width_multiple: 0.50", "width_multiple: 0.75"))
    result = verified(load(file))
    assert (result.problems, result.base.name) == ([], "without attention")
    assert result.base.parameters == result.config.parameters


@pytest.mark.parametrize("given", [True, False])
def test_what_the_data_set_decides_is_the_configs(tmp_path: Path, given: bool) -> None:
    """YOLOv5's own formula: 3 anchors with 5 + nc values for each of 128, 256 and 512 channels."""
    text = load("yolov5s").add("SimAM", after="SPPF").text
    text = text.replace("nc: 80", "nc: 2\nch: 4").replace("[10,13, 16,30, 33,23]", "[9,9, 16,30, 33,23]")
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    result = verified(load(file), base=load("yolov5s") if given else None)
    fewer = 3 * 78 * (128 + 256 + 512 + 3)
    assert result.base.parameters == 7_235_389 - fewer + 32 * 6 * 6  # one more channel of the first row
    assert (result.problems, result.proven) == ([], True)
    assert "yolov5s was built with its anchors, ch, nc" in result.notes


def test_a_given_base_must_agree() -> None:
    config = load("yolov5s").add("SimAM", after="SPPF")
    assert verified(config, base=load("yolov5s")).problems == []
    (first, *_) = verified(config, base=load("yolov5m")).problems
    assert "parameters" in first


def test_without_a_provenance_line_all_known_modules_are_the_attention() -> None:
    config = load("yolov5s").add("SimAM", after="C3", provenance=False)
    result = verified(config)
    assert result.problems == []
    assert [one.layer for one in result.attention] == LAYOUTS["C3"]


def test_two_modules_one_after_the_other() -> None:
    config = load("yolov5s").add("SimAM", after="C3").add("CBAM", after="SPPF")
    result = verified(config)
    assert result.problems == []
    modules = [(one.layer, one.module) for one in result.attention]
    assert modules == [*((index, "SimAM") for index in LAYOUTS["C3"]), (14, "CBAM")]


def test_no_attention_is_a_problem() -> None:
    assert verified(load("yolov5s")).problems == ["there is no attention layer in it"]


#: What people forget by hand: strides and output shapes stay as they should be.
FORGOTTEN = [
    pytest.param("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat", "layer 20 (Concat)", "[19, 15]", id="one"),
    pytest.param("[18, 21, 24], 1", "[17, 20, 23], 1", "layer 25 (Detect)", "[18, 21, 24]", id="detect"),
]


@pytest.mark.parametrize("knowledge", ["base", "provenance", "catalogue"])
@pytest.mark.parametrize(("right", "wrong", "layer", "wanted"), FORGOTTEN)
def test_wrong_wiring_that_still_builds_is_found(
    tmp_path: Path, right: str, wrong: str, layer: str, wanted: str, knowledge: str
) -> None:
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=knowledge == "provenance").text
    assert text.count(right) == 1
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(right, wrong))
    result = verified(load(file), base=load("yolov5s") if knowledge == "base" else None)
    assert result.config.strides == [8, 16, 32]
    assert result.config.eval_shapes == result.base.eval_shapes
    (problem,) = result.problems
    assert problem.startswith(f"{layer} reads ")
    assert f", expected {wanted} as in yolov5s" in problem
    assert not result.proven


def test_an_unknown_base_proves_nothing(tmp_path: Path) -> None:
    """With most of its modules exchanged, this is no known base config."""
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=False).text
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(" C3,", " BottleneckCSP,").replace(" Conv,", " DWConv,"))
    result = verified(load(file))
    assert result.problems == []
    assert result.equal
    assert not result.proven
    assert any("its base is not known, so wrong references are not found" in note for note in result.notes)


def test_a_changed_class_count_is_no_problem(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(load("yolov5s").add("SimAM", after="SPPF").text.replace("nc: 80", "nc: 2"))
    result = verified(load(file))
    assert result.problems == []
    assert result.proven
    assert result.notes == ["yolov5s was built with its nc"]


def test_attention_that_nothing_reads(tmp_path: Path) -> None:
    text = load("yolov5s").add("SimAM", after="SPPF").text
    below = "[[-1, 1, Conv, [512, 1, 1]],"
    assert text.count(below) == 1
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace(below, below.replace("-1", "9", 1)))
    result = verified(load(file), base=load("yolov5s"))
    assert result.problems == ["no layer reads layer 10 (SimAM)"]


def test_a_reader_that_goes_past_the_attention_is_noted(tmp_path: Path) -> None:
    text = load("yolov5s").add("SimAM", after="C3@-2").text
    assert text.count("[[-1, 7], 1, Concat") == 1
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("[[-1, 7], 1, Concat", "[[-1, 6], 1, Concat"))
    result = verified(load(file), base=load("yolov5s"))
    assert result.problems == []
    assert any(note.startswith("layer 13 (Concat) bypasses layer 7 (SimAM)") for note in result.notes)


def test_a_bypass_that_was_asked_for_is_not_noted(tmp_path: Path) -> None:
    asked_for = load("yolov5s").add("SimAM", after="4", readers="Concat")
    assert [note for note in verified(asked_for).notes if "bypasses" in note] == []
    by_hand = tmp_path / "mine.yaml"
    by_hand.write_text(asked_for.text.split("\n", 1)[1])
    notes = verified(load(by_hand), base=load("yolov5s")).notes
    assert "layer 6 (Conv) bypasses layer 5 (SimAM) and reads the layer above it" in notes


def with_activation(base: str) -> Config:
    """A config whose convolutions all have another activation, as in YOLOv5's ``yolov5s-LeakyReLU``."""
    data = load(base).to_bytes().replace(b"backbone:", b"activation: nn.LeakyReLU(0.1)\n\nbackbone:", 1)
    return Config(f"{base}-LeakyReLU", data)


@pytest.mark.parametrize("name", ["yolov5", "ultralytics"])
def test_the_activation_of_one_config_is_not_left_to_the_next(name: str) -> None:
    """Frameworks keep it with the class ``Conv``, for all models of the process."""

    def activations(config: Config) -> set[str]:
        kinds = {type(module).__name__ for module in framework(name).build(config).modules()}
        return kinds & {"SiLU", "LeakyReLU"}

    base = {"yolov5": "yolov5n", "ultralytics": "yolov8n"}[name]
    assert activations(with_activation(base)) == {"LeakyReLU"}
    assert activations(load(base)) == {"SiLU"}


def test_a_config_with_another_activation_than_its_base_is_not_proven() -> None:
    config = with_activation("yolov5n").add("SimAM", after="SPPF")
    assert verified(config, base=with_activation("yolov5n")).proven
    result = verified(config, base=load("yolov5n"))
    assert not result.proven
    assert result.problems == ["without what is new, the outputs are not those of the base"]


def test_args_with_other_channels_are_noted() -> None:
    """They make no difference here, but in a checkout whose registry reads them."""
    result = verified(load("yolov5s").add("SimAM", after="SPPF", args="[512]"))
    assert result.problems == []
    assert any(
        note.startswith("layer 10 (SimAM) has args [512], and its input 1024") for note in result.notes
    )


#: Rows that are right for other people's classes, and what the second value is for ours.
DOUBTFUL = [
    (
        "CBAM",
        "[channels, channels]",
        "[1024, 1024]: the second value is its reduction, not the channels again",
    ),
    ("CBAM", "[channels, channels, 3]", "[1024, 1024, 3]: the second value is its reduction, not the"),
    (
        "CBAM",
        "[channels, 7]",
        "[1024, 7]: the second value is its reduction, and 7 looks like a kernel size",
    ),
    ("SE", "[channels, channels]", "[1024, 1024]: the second value is its reduction"),
    ("ECA", "[channels, 3]", "[1024, 3]: the second value is its gamma, and 3 looks like a kernel size"),
    ("CoordAtt", "[channels, channels]", "[1024, 1024]: the second value is its reduction"),
]


@pytest.mark.parametrize(("module", "args", "problem"), DOUBTFUL)
def test_a_second_value_that_is_not_what_it_looks_like(module: str, args: str, problem: str) -> None:
    config = load("yolov5n").add(module, after="SPPF", args=args, provenance=False)
    (found,) = verified(config).problems
    assert found.startswith(f"layer 10 ({module}) has args {problem}")
    assert found.endswith("; write [1024] instead")


@pytest.mark.parametrize("args", ["[channels, 16]", "[channels, 8]", "[channels, 16, 3]", "[channels, 32]"])
def test_a_second_value_that_is_a_reduction(args: str) -> None:
    assert verified(load("yolov5n").add("CBAM", after="SPPF", args=args)).problems == []


def test_another_base_is_refused() -> None:
    with pytest.raises(RefusalError, match="it is not yolo11n with attention layers inserted"):
        verified(load("yolov5s").add("SimAM", after="SPPF"), base=load("yolo11n"))


def test_the_base_may_have_attention_of_its_own() -> None:
    base = load("yolov5s").add("CBAM", after="C3@-1", provenance=False)
    result = verified(base.add("CBAM", after="SPPF", provenance=False), base=base)
    assert result.problems == []
    assert [(one.layer, one.module) for one in result.attention] == [(11, "CBAM")]


def cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = run(["verify", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    load("yolov5s").add("SimAM", after="SPPF").save("yolov5s_SimAM.yaml")
    code, out, err = cli(capsys, "yolov5s_SimAM.yaml", "--imgsz", "64", "--latency")
    assert code == 0
    assert (
        err
        == "next      yamlinject run yolov5 train --weights '' --cfg yolov5s_SimAM.yaml --data data.yaml\n"
    )
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "yolov5s yolov5s_SimAM.yaml"
    assert "parameters 7,235,389 7,235,389" in lines
    assert "strides 8, 16, 32 8, 16, 32" in lines
    assert "attention layer 10 (SimAM): 512 channels, 0 parameters, lambda 0.0001" in lines
    assert any(re.fullmatch(r"latency \d+\.\d ms \d+\.\d ms", line) for line in lines)
    told = re.compile(
        r"latency (\S+) times that of the base on cpu "
        r"\(median of 20 pairs; half of them between (\S+) and (\S+)\)"
    )
    (times,) = (match.groups() for match in map(told.fullmatch, lines) if match)
    ratio, low, high = map(float, times)
    assert 0 < low <= ratio <= high
    assert any("profilers count them as zero" in line for line in lines)
    assert "measured by yolov5 7.0.14 with an image of 64 px" in lines
    assert "outputs the same shapes: 1x252x85, 1x3x8x8x85, 1x3x4x4x85, 1x3x2x2x85" in lines
    assert "compared without the attention, the outputs equal those of the base" in lines
    assert lines[-1] == "verified yolov5s_SimAM.yaml builds, and is yolov5s with attention inserted"
    assert not any(line.endswith(" ") for line in out.splitlines())


def test_next_is_weights_where_the_bases_checkpoint_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    load("yolov5n").save("own.yaml")
    load("own.yaml").add("SimAM", after="SPPF").save("mine.yaml")
    Path("own.pt").touch()
    Path("yolov5s.pt").touch()  # of another model
    for options in ((), ("--base", "own.yaml", "--framework", "yolov5")):
        code, _, err = cli(capsys, "mine.yaml", "--imgsz", "64", *options)
        given = "".join(f"{word} " for word in options)
        assert (code, err) == (0, f"next      yamlinject weights {given}own.pt mine.yaml\n")


def test_what_is_being_done_is_told_as_it_begins() -> None:
    said: list[str] = []
    config = load("yolov5n").add("SimAM", after="SPPF")
    verify(config, framework="yolov5", image_size=64, latency=True, progress=said.append)
    assert said == [
        "importing the framework",
        "building yolov5n_SimAM.yaml",
        "building yolov5n",
        "running yolov5n_SimAM.yaml",
        "running yolov5n",
        "counting operations, and timing both",
        "comparing both without what is new",
    ]


def test_the_report_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    load("yolov5s").add("SimAM", after="SPPF").save("yolov5s_SimAM.yaml")
    code, out, _ = cli(capsys, "yolov5s_SimAM.yaml", "--imgsz", "64", "--output-format", "json")
    result = json.loads(out)
    assert code == 0
    assert result["problems"] == []
    assert result["equal"] is True
    assert result["config"]["parameters"] == 7_235_389
    assert [(one["layer"], one["e_lambda"]) for one in result["attention"]] == [(10, 1e-4)]


def test_a_problem_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = cli(capsys, "yolov5n", "--imgsz", "64")
    assert code == 1
    assert "problem   there is no attention layer in it" in out
    assert out.splitlines()[-1] == "wrong     yolov5n has 1 problem, see above"
    assert "compared" not in out
    assert err == ""


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code, out, err = cli(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("yamlinject: error: ")
    assert err.count("\n") == 1, err
    return err


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``yamlinject verify`` in a separate process."""
    command = [sys.executable, "-m", "yamlinject", "verify", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


#: The class of bug 1 of public implementations: from the registry its second argument is the channels.
BROKEN = """class SimAM(nn.Module):
    def __init__(self, channels, e_lambda=1e-4):
        super().__init__()
        self.e_lambda = e_lambda

    def forward(self, x):
        n = x.shape[2] * x.shape[3] - 1
        d = (x - x.mean(dim=(2, 3), keepdim=True)) ** 2
        return x * torch.sigmoid(d / (4 * (d.sum(dim=(2, 3), keepdim=True) / n + self.e_lambda)) + 0.5)


"""


def test_a_checkout_whose_own_simam_is_ineffective(tmp_path: Path) -> None:
    root = checkout(tmp_path / "yolov5")
    edit(root / "models/common.py", "class Concat(nn.Module):", f"{BROKEN}class Concat(nn.Module):")
    edit(
        root / "models/yolo.py",
        "                Conv, GhostConv,",
        "                SimAM, Conv, GhostConv,",
    )
    load("yolov5s").add("SimAM", after="SPPF").save(tmp_path / "yolov5s_SimAM.yaml")
    done = program(tmp_path, "yolov5s_SimAM.yaml", "--framework", str(root), "--imgsz", "64")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "layer 10 (SimAM): 512 channels, 0 parameters, lambda 512" in done.stdout
    assert "problem   layer 10 (SimAM) works with lambda 512, which turns the attention off" in done.stdout


def test_a_sound_checkout(tmp_path: Path) -> None:
    root = checkout(tmp_path / "yolov5")
    load("yolov5s").add("CBAM", after="SPPF").save(tmp_path / "yolov5s_CBAM.yaml")
    done = program(tmp_path, "yolov5s_CBAM.yaml", "--framework", str(root), "--imgsz", "64")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"by {root}" in done.stdout


@pytest.mark.parametrize("name", ["yolov5", "ultralytics"])
def test_a_framework_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)
    assert f"pip install 'yamlinject[{name}]'" in refusal(capsys, "yolov5s", "--framework", name)


def test_a_folder_that_is_no_checkout(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, "yolov5s", "--framework", str(tmp_path))
    assert f"{tmp_path}: neither yolov5, ultralytics nor a checkout" in message


def test_an_image_too_small_for_the_strides() -> None:
    with pytest.raises(
        YamlInjectError, match=r"`image_size` 32: has to be a multiple of 32, .* from 64 on"
    ):
        verified(load("yolov5n").add("SimAM", after="SPPF"), size=32)


@pytest.mark.parametrize(
    ("base", "key", "kernel", "channels"),
    [
        pytest.param("yolov5n", "ch", 6, 6, id="yolov5"),
        pytest.param("yolov5n", "channels", 6, 3, id="yolov5-channels"),
        pytest.param("yolo11n", "ch", 3, 3, id="ultralytics"),
        pytest.param("yolo11n", "channels", 3, 3, id="ultralytics-channels"),
        pytest.param("yolo11n-cls", "channels", 3, 6, id="classify"),
    ],
)
def test_images_with_other_channels(
    tmp_path: Path, base: str, key: str, kernel: int, channels: int
) -> None:
    """YOLOv5 obeys ``ch``. Ultralytics takes the data set's, but for classification ``channels``."""
    plain = {"yolov5n": 1_872_157, "yolo11n": 2_624_080, "yolo11n-cls": 2_812_104}[base]
    file = tmp_path / f"{base}_6.yaml"
    file.write_text(f"{key}: 6\n{load(base).add('SimAM', after='0').text}")
    result = verified(load(file), "yolov5" if base == "yolov5n" else "ultralytics")
    assert result.problems == []
    # the first row has 16 channels in each of them
    assert result.config.parameters == plain + 16 * kernel**2 * (channels - 3)
    assert result.base.parameters == result.config.parameters
    ignored = [note for note in result.notes if f"{key}" in note and "no effect" in note]
    assert len(ignored) == (channels == 3)


def test_an_image_size_that_is_no_multiple_of_the_stride(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--imgsz 100: has to be a multiple of 32" in refusal(capsys, "yolov5s", "--imgsz", "100")


CONFIG = """\
nc: 2
depth_multiple: 1.0
width_multiple: 1.0
anchors: [[10, 13]]
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, {row}]
head:
  - [[1], 1, Detect, [nc, anchors]]
"""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("Foo, [16]", "it knows no module Foo", id="unknown-module"),
        pytest.param("Conv, [16, 3, 0]", "cannot build it", id="stride-0"),
        pytest.param("SimAM, [0.0001]", "have to begin with the channels", id="lambda-first"),
        pytest.param("SimAM, [16, 7.5]", "cannot build it: ValueError", id="lambda-too-large"),
        pytest.param("nn.BatchNorm1d, [16]", "cannot build it: ValueError", id="fails-when-run"),
    ],
)
def test_a_config_that_does_not_build(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    row: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my.yaml").write_text(CONFIG.format(row=row))
    found = refusal(capsys, "my.yaml", "--imgsz", "64")
    assert found.startswith(f"yamlinject: error: my.yaml:7:5: layer 1 [-1, 1, {row}]: yolov5 7.0.14 ")
    assert message in found
