"""replace: another module in the place of layers, whose references and readers stay; and undo."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXHAUSTIVE
from tests.strategies import Sample, samples
from tests.support import BASE, Cli, check_undone
from yamlinject import Config, RefusalError, YamlInjectError, check, load
from yamlinject.core import provenance

BLOCKS = """\
class MyC3(nn.Module):
    def __init__(self, c1, c2, n=1, shortcut=True, g=1, e=0.5): ...
class Narrow(nn.Module):
    def __init__(self, c1, c2): ...
class Gate(nn.Module):
    def __init__(self, channels): ...
"""


def rows(config: Config) -> dict[int, list[Any]]:
    return {layer.index: layer.row for layer in config.layers}


def changed(before: Config, after: Config) -> dict[int, list[Any]]:
    """The rows of ``after`` that differ."""
    return {index: row for index, row in rows(after).items() if row != rows(before)[index]}


# --- what is written


def test_the_blocks_of_a_backbone() -> None:
    base = load("yolov5s")
    result = base.replace("C2f", at="C3")
    assert changed(base, result) == {
        2: [-1, 3, "C2f", [128]],
        4: [-1, 6, "C2f", [256]],
        6: [-1, 9, "C2f", [512]],
        8: [-1, 3, "C2f", [1024]],
    }
    line, _, rest = result.text.partition("\n")
    assert line == (
        "# yamlinject 0.2.0: replace C2f yolov5s --at C3 (at 2,4,6,8; was C3; base 98c28a0-5138710)"
    )
    assert rest == re.sub(r"C3, \[(128|256|512|1024)\]", r"C2f, [\1]", base.text)
    assert result.undo().to_bytes() == base.to_bytes()
    check_undone(result)
    assert (result.name, result.undo().name) == ("yolov5s_C2f.yaml", "yolov5s.yaml")


@pytest.mark.parametrize(
    ("base", "module", "at", "options", "expected"),
    [
        pytest.param("yolov5s", "C2f", "13", {}, {13: [-1, 3, "C2f", [512, False]]}, id="same-meaning"),
        # C3k2's second argument is c3k, and not the shortcut
        pytest.param("yolov5s", "C3k2", "13", {}, {13: [-1, 3, "C3k2", [512]]}, id="other-meaning"),
        pytest.param("yolov5s", "SPP", "SPPF", {}, {9: [-1, 1, "SPP", [1024]]}, id="several-sizes-for-one"),
        pytest.param("yolov5s", "ADown", "3", {}, {3: [-1, 1, "ADown", [256]]}, id="takes-channels-only"),
        pytest.param("yolov5s", "GhostConv", "0", {}, {0: [-1, 1, "GhostConv", [64, 6, 2]]}, id="padding"),
        pytest.param(
            "yolov5s", "ConvTranspose", "11", {}, {11: [-1, 1, "ConvTranspose", [512]]}, id="from-channels"
        ),
        pytest.param("yolov5s", "Mine", "9", {}, {9: [-1, 1, "Mine", [1024, 5]]}, id="unknown"),
        pytest.param(
            "yolov8n",
            "C2fCIB",
            "8",
            {},
            {8: [-1, 3, "C2fCIB", [1024, True]]},
            id="longer",
            marks=pytest.mark.framework,
        ),
        pytest.param(
            "yolov5s", "Mine", "9", {"args": "[channels, 3]"}, {9: [-1, 1, "Mine", [1024, 3]]}, id="args"
        ),
        pytest.param(
            "yolov5s",
            "Fuse",
            "12,16",
            {"args": ["channels", "inputs"]},
            {12: [[-1, 6], 1, "Fuse", [1024, 2]], 16: [[-1, 4], 1, "Fuse", [512, 2]]},
            id="inputs",
        ),
        pytest.param("yolov5s", "C3x", "2", {"number": 1}, {2: [-1, 1, "C3x", [128]]}, id="number"),
        pytest.param("yolov5s", "C3", "2", {"args": "[64]"}, {2: [-1, 3, "C3", [64]]}, id="same-module"),
        pytest.param(
            "yolov5s", "C3x", "C3@0", {"scope": "head"}, {13: [-1, 3, "C3x", [512, False]]}, id="scope"
        ),
        pytest.param("yolov5s", "Mine", "2,2", {}, {2: [-1, 3, "Mine", [128]]}, id="picked-twice"),
        pytest.param(
            "yolov8n",
            "v10Detect",
            "head/Detect",
            {},
            {22: [[15, 18, 21], 1, "v10Detect", ["nc"]]},
            id="head",
            marks=pytest.mark.framework,
        ),
    ],
)
def test_rows(
    base: str, module: str, at: str, options: dict[str, Any], expected: dict[int, list[Any]]
) -> None:
    config = load(base)
    result = config.replace(module, at, **options)
    assert changed(config, result) == expected
    assert yaml.safe_load(result.text) == {**config.document.data, **_sections(config, expected)}
    assert result.undo() == config


def _sections(config: Config, expected: dict[int, list[Any]]) -> dict[str, list[Any]]:
    data, length = config.document.data, len(config.document.data["backbone"])
    every = [expected.get(index, row) for index, row in enumerate([*data["backbone"], *data["head"]])]
    return {"backbone": every[:length], "head": every[length:]}


@pytest.mark.parametrize(
    ("module", "at", "expected"),
    [
        ("MyC3", "13", [-1, 3, "MyC3", [512, False]]),  # the args of a block that takes what C3 takes
        ("Narrow", "13", [-1, 3, "Narrow", [512]]),  # its constructor takes no more than channels
        ("Gate", "9", [-1, 1, "Gate", [1024]]),
    ],
)
def test_modules_of_the_users_own(
    module: str, at: str, expected: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocks.py").write_text(BLOCKS)
    monkeypatch.chdir(tmp_path)
    result = load("yolov5s").replace(module, at, modules=["blocks.py"])
    assert result.layers[int(at)].row == expected
    result.save(f"{module}.yaml")
    (tmp_path / "blocks.py").unlink()  # the line tells enough without the file
    assert check(load(f"{module}.yaml")) == []


def test_what_tells_the_args_of_a_class_that_takes_more_than_channels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads = "class Heads(nn.Module):\n    def __init__(self, c1, c2, heads, e=0.5): ...\n"
    (tmp_path / "blocks.py").write_text(BLOCKS + heads)
    monkeypatch.chdir(tmp_path)
    base = load("yolov5s")
    for at in ("8", "13"):  # the second of C3's args is no number of heads either
        with pytest.raises(YamlInjectError, match="the constructor of Heads has no value for heads"):
            base.replace("Heads", at, modules=["blocks.py"])
    given = base.replace("Heads", "13", args="[channels, 8]", modules=["blocks.py"])
    assert given.layers[13].row == [-1, 3, "Heads", [512, 8]]
    for module in ("Heads", "MyC3"):
        (tmp_path / f"{module}.yaml").write_text("args: [channels, 4]\n")
        result = base.replace(module, "13", modules=["blocks.py"])
        assert result.layers[13].row == [-1, 3, module, [512, 4]]


def test_every_part_comes_back_as_it_was_written() -> None:
    text = BASE.replace(
        "[-1, 1, C3, [16]]  # 1", "[ -1 , 1,  'C3' ,  [ 16, # half\n     False ] ]  # 7"
    ).replace("[-1, 1, C3, [32]]", '[-1, 1, "C3", [32]]')
    base = Config.from_text(text)
    result = base.replace("Mine", "all/C3", number=2, args="[channels, a b]", fix_comments=True)
    assert "[ -1 , 2,  Mine ,  [16, a b] ]  # 1\n" in result.text
    assert "[-1, 2, Mine, [32, a b]]  # 4\n" in result.text
    assert result.undo() == base


def test_rows_of_dashes() -> None:
    base = Config.from_text(
        "backbone:\n- - -1\n  - 1\n  - Conv\n  - [8]\n- - -1\n  - 1\n  - C3\n  - - 8\n    - true\n"
        "head:\n- [1, 1, Detect, [nc]]\n"
    )
    result = base.replace("C3k2", "1")
    assert result.text.partition("\n")[2] == base.text.replace("C3\n  - - 8\n    - true", "C3k2\n  - [8]")
    assert result.undo() == base


# --- refusals


@pytest.mark.parametrize(
    ("module", "at", "options", "message"),
    [
        ("SimAM", "C3", {}, "layer 2 (C3) is a block that keeps the size, and SimAM attention"),
        ("C3", "1", {}, "layer 1 (Conv) is a downsampling, and C3 a block that keeps the size"),
        ("Conv", "11", {"args": "[256]"}, "layer 11 (nn.Upsample) is an upsampling, and Conv a block"),
        ("Detect", "9", {}, "layer 9 (SPPF) is a block that keeps the size, and Detect a head"),
        ("C2f", "head/Detect", {}, "layer 24 (Detect) is a head, and C2f a block"),
        ("C2f", "head/Concat", {}, "layer 12 (Concat) is a fusion of several layers, and C2f a block"),
        ("HGStem", "0", {}, "[-1, 1, HGStem, [64, 6, 2, 2]] has stride 4, and layer 0 (Conv) 2"),
        ("C3", "C3", {}, "layer 2 (C3) is [-1, 3, C3, [128]] already"),
        ("AIFI", "SPPF", {}, "layer 9 (SPPF) has args [1024, 5], and AIFI takes cm: give its `args`"),
        ("C2f", "Nope", {}, "there is no module Nope; the modules are Conv, C3, SPPF, nn.Upsample"),
        ("C2f", "Concat", {}, "there is no Concat in the backbone, but 4 in the head: write head/Concat"),
        ("C2f", "Detect", {}, "there is no Detect in the backbone, but 1 in the head: write head/Detect"),
        ("C2f", "99", {}, "there is no layer 99"),
        ("C2f", [], {}, "no selector says which layers are meant"),
        ("C 3", "C3", {}, "'C 3' cannot be the name of a module"),
        ("C2f", "C3", {"number": 0}, "`number` 0: a layer is built at least once"),
        ("C2f", "C3", {"args": "512"}, "`args` has to be a YAML list"),
        ("Shortcut", "16", {"args": "[0]"}, ""),  # 256 and 256 channels
        ("Shortcut", "12", {"args": "[0]", "base": 96}, "would read 512 and 96 channels"),
    ],
)
def test_refusals(module: str, at: Any, options: dict[str, Any], message: str) -> None:
    config = load("yolov5s")
    width = options.pop("base", 0)
    if width:
        config = Config.from_text(config.text.replace("[-1, 9, C3, [512]]", f"[-1, 9, C3, [{width}]]"))
    if not message:
        assert config.replace(module, at, **options)
        return
    with pytest.raises(YamlInjectError) as refused:
        config.replace(module, at, **options)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("[-1, 1, &c C3, [16]]", "write its module and its args without YAML's other spellings"),
        ("[-1, 1, !!str C3, [16]]", "write its module and its args without YAML's other spellings"),
        ("[-1, 0x1, C3, [16]]", "write its number '0x1' as 1"),
    ],
)
def test_spellings_that_could_not_come_back(row: str, message: str) -> None:
    text = BASE.replace("[-1, 1, C3, [16]]", row).replace("[-1, 1, C3, [32]]", "[-1, 1, C3, [32]]")
    if "&c" in row:
        text = text.replace("[-1, 1, C3, [32]]", "[-1, 1, *c , [32]]")
    with pytest.raises(RefusalError, match=re.escape(message)):
        Config.from_text(text).replace("C2f", "1", number=2)


def test_args_of_two_rows_in_one_place_are_not_replaced() -> None:
    text = BASE.replace("[16, 3, 2]", "&a [16, 3, 2]").replace("C3, [16]", "C3, *a ")
    base = Config.from_text(text)
    for at in ("0", "1"):
        with pytest.raises(RefusalError):
            base.replace("Mine", at, args="[8]")


# --- undo


def test_replace_then_add_then_undo_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    base = load("yolov5n")
    replaced = base.replace("C2f", "all/C3")
    replaced.save(replaced.name)
    added = load(replaced.name).add("SimAM", after="detect-inputs")
    assert {layer.module for layer in added.layers} >= {"C2f", "SimAM"}
    assert added.undo().to_bytes() == replaced.to_bytes()
    assert Config("x.yaml", added.to_bytes()).undo().undo().to_bytes() == base.to_bytes()
    assert check(added) == []


def test_remove_is_for_what_was_inserted() -> None:
    replaced = load("yolov5s").replace("C2f", "C3")
    with pytest.raises(RefusalError, match="C2f replaced other layers last: yamlinject undo restores them"):
        replaced.remove("C2f")
    with pytest.raises(RefusalError, match="C2f replaced other layers last"):
        replaced.remove("SPPF")
    with pytest.raises(RefusalError, match="it has no line"):
        load("yolov5s").undo()
    edited = Config.from_text(replaced.text.replace("replace C2f", "replace  'C2f"), "x.yaml")
    with pytest.raises(RefusalError) as refused:
        edited.undo()
    assert str(refused.value) == (
        "x.yaml:1:1: its line '# yamlinject' cannot be read, so it does not tell what was done: "
        "it was edited"
    )


def test_what_was_edited_in_the_file_is_kept() -> None:
    replaced = load("yolov5s").replace("C2f", "C3")
    edited = Config("x.yaml", replaced.to_bytes().replace(b"nc: 80", b"nc: 7"))
    restored = edited.undo()
    assert restored.text == load("yolov5s").text.replace("nc: 80", "nc: 7")
    assert (restored.exact, restored.same_rows) == (False, True)
    gone = Config("x.yaml", replaced.to_bytes().replace(b"C2f, [256]", b"C3x, [256]"))
    with pytest.raises(RefusalError, match="layer 4 is no C2f: the file was edited after it was generated"):
        gone.undo()


@pytest.mark.parametrize(
    "was",
    [
        r"$'C3 [1]], [-1, 1, Evil, []\x0a'",
        r"$'C3 [128]]\x0a   [-1, 1, C3, [128]'",
        "'C3 &a [128]' C3 C3 C3",
        "'C3 *a'",
        "'C3 [128' C3 C3 C3",
        "'C3 !!python/object:os.system [1]'",
        "'C3 99999'",
        pytest.param(f"'C3 {'9' * 5000} [128]'", id="endless number"),
        "'C3 0 [128]'",
        "'C3 {a: 1}'",
        "'C3 null'",
        "null",
        "nope C3",
        "'[]'",
        "''",
    ],
)
def test_a_line_from_a_stranger_restores_nothing_else(was: str) -> None:
    text = load("yolov5s").replace("C2f", "C3").text.replace("; was C3;", f"; was {was};")
    config = Config.from_text(text)
    try:
        restored = config.undo()
    except YamlInjectError:
        assert [finding.rule.code for finding in check(config)] == ["YI603"]
        return
    # what it says was there is data of these four rows, and of nothing else
    assert set(changed(load("yolov5s"), restored)) <= {2, 4, 6, 8}
    assert len(restored.layers) == 25
    assert "YI603" in [finding.rule.code for finding in check(config)]


@pytest.mark.parametrize(
    ("was", "problem"),
    [
        ("'C3 [128'", "not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("'C3 *a'", "not valid YAML: found undefined alias 'a'"),
        ("'C3 {a: 1}'", "its args have to be a list"),
        ("'C3 null'", "its args have to be a list"),
        ("null", "its module has to be a name"),
    ],
)
def test_a_line_that_gives_no_rows_is_said_to_be_wrong(was: str, problem: str) -> None:
    text = load("yolov5s").replace("C2f", "C3@1").text.replace("; was C3;", f"; was {was};")
    with pytest.raises(RefusalError) as refused:
        Config.from_text(text, "x.yaml").undo()
    assert str(refused.value) == f"x.yaml:1:1: the line does not tell what layer 4 was: {problem}"


# --- the command line


def test_the_summary(cli: Cli) -> None:
    done = cli("replace", "C3k2", "yolov5s", "--at", "C3@-1,13")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == [
        "picked    8 C3  (C3@-1)",
        "picked    13 C3  (13)",
        "replaced  layer 8 [-1, 3, C3, [1024]] -> [-1, 3, C3k2, [1024]]",
        "replaced  layer 13 [-1, 3, C3, [512, False]] -> [-1, 3, C3k2, [512]]",
        "note      4 more C3 outside this scope: --at all/C3 picks all",
        "note      args that mean something else to C3k2 were left out: --args says them",
        "note      C3k2 is Ultralytics', and this a config for YOLOv5, which has none of that name: name "
        "its Python file with --modules",
        "wrote     yolov5s_C3k2.yaml",
        "draw      yamlinject draw yolov5s_C3k2.yaml",
        "next      yamlinject verify yolov5s_C3k2.yaml",
    ]
    shown = cli("show", "yolov5s_C3k2.yaml").out
    assert " * 8            -1       3  C3k2" in shown
    assert "* replaced by yamlinject" in shown
    undone = cli("undo", "yolov5s_C3k2.yaml")
    assert undone.err.splitlines() == [
        "replaced  layer 8 [-1, 3, C3k2, [1024]] -> [-1, 3, C3, [1024]]",
        "replaced  layer 13 [-1, 3, C3k2, [512]] -> [-1, 3, C3, [512, False]]",
        "result    byte for byte the base that its provenance line recorded",
        "wrote     yolov5s.yaml",
        "draw      yamlinject draw yolov5s.yaml",
    ]
    assert Path("yolov5s.yaml").read_bytes() == load("yolov5s").to_bytes()


@pytest.mark.framework
@pytest.mark.parametrize(
    ("module", "base", "at", "note"),
    [
        (
            "SPPCSPC",
            "yolov8n",
            "SPPF",
            "SPPCSPC is YOLOv7's, and this a config for Ultralytics, which has none",
        ),
        ("SPPCSPC", "yolov5s", "SPPF", "SPPCSPC is YOLOv7's, and this a config for YOLOv5, which has none"),
        (
            "C3SPP",
            "yolov8n",
            "C2f@-1",
            "C3SPP is YOLOv5's, and this a config for Ultralytics, which has none",
        ),
        (
            "Add",
            "yolov5s",
            "12",
            "Add is xh92117/yolo11highwaycracks's, and this a config for YOLOv5, which has none",
        ),
        ("C2f", "yolov5s", "C3", "C2f is Ultralytics', and this a config for YOLOv5, which has none"),
        ("RepConv", "yolov8n", "3", ""),
        ("C3", "yolov8n", "C2f", ""),
        ("C3Ghost", "yolov5s", "C3", ""),
        ("nn.Identity", "yolov5s", "C3", ""),
        ("CARAFE", "yolov5s", "11", ""),
    ],
)
def test_what_is_said_of_modules_of_other_frameworks(
    cli: Cli, module: str, base: str, at: str, note: str
) -> None:
    lines = cli("replace", module, base, "--at", at).err.splitlines()
    found = [line.removeprefix("note      ") for line in lines if "this a config for" in line]
    assert found == ([f"{note} of that name: name its Python file with --modules"] if note else [])


@pytest.mark.framework
def test_what_is_said_of_a_module_that_the_users_file_has_too(cli: Cli) -> None:
    Path("blocks.py").write_text(BLOCKS.replace("MyC3", "C2f").replace("Narrow", "C3"))
    own = ("--modules", "blocks.py", "-o", "-")
    for module, base, at, note in [
        ("C2f", "yolov5s", "C3", None),
        ("C2f", "yolov8n", "4", "Ultralytics has a C2f and takes that, not the one in your file"),
        ("C3", "yolov8n", "C2f", "Ultralytics has a C3 and takes that, not the one in your file"),
        ("C3", "yolov5s", "4", "YOLOv5 has a C3 and takes that, not the one in your file"),
    ]:
        done = cli("replace", module, base, "--at", at, "--args", "[channels, False]", *own)
        assert done.code == 0
        assert "this a config for" not in done.err
        notes = [line for line in done.err.splitlines() if "in your file" in line]
        assert notes == ([f"note      {note}"] if note else [])


def test_a_fork_is_not_told_what_its_framework_has_not(cli: Cli) -> None:
    Path("v7.yaml").write_text(
        BASE.replace("nc: 2", "nc: 2\nanchors: 3").replace("SPPF, [16, 5]", "SPPCSPC, [16]")
    )
    assert "this a config for" not in cli("replace", "BottleneckCSPA", "v7.yaml", "--at", "C3").err


def test_the_same_twice_and_in_place(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    command = ("replace", "C2f", "base.yaml", "--at", "C3")
    assert cli(*command).err.splitlines()[-3] == "wrote     base_C2f.yaml"
    assert "unchanged base_C2f.yaml" in cli(*command).err
    assert "wrote     base_C2f_all-C3.yaml" in cli("replace", "C2f", "base.yaml", "--at", "all/C3").err
    assert (
        cli("undo", "base_C2f_all-C3.yaml", "--check").err.splitlines()[-1]
        == "checked   base.yaml would not change"
    )
    assert cli(*command, "--in-place").code == 0
    changed_once = Path("base.yaml").read_text()
    assert "C2f, [16]" in changed_once
    assert cli(*command, "--in-place").err == "unchanged base.yaml\n"
    assert Path("base.yaml").read_text() == changed_once
    assert cli("undo", "base.yaml", "--in-place").code == 0
    assert Path("base.yaml").read_text() == BASE


def test_undo_shows_a_difference_without_a_name_for_its_result(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    cli("replace", "C2f", "base.yaml", "--at", "C3", "-o", "mine.yaml")
    shown = cli("undo", "mine.yaml", "--diff")
    assert (shown.code, shown.out.splitlines()[:2]) == (0, ["--- mine.yaml", "+++ mine.yaml"])
    assert "-  - [-1, 1, C2f, [16]]  # 1\n+  - [-1, 1, C3, [16]]  # 1\n" in shown.out
    cli("add", "SimAM", "base.yaml", "--after", "C3", "-o", "other.yaml")
    assert "-  - [-1, 1, SimAM, [16]]  # 2\n" in cli("remove", "SimAM", "other.yaml", "--diff").out
    for options in ((), ("--check",)):  # these need a file to write, or to compare with
        assert "say where to write the result" in cli("undo", "mine.yaml", *options).err


def test_undo_in_place_is_not_compared_with_the_file_that_it_replaces(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    cli("add", "SimAM", "base.yaml", "--after", "SPPF", "-o", "x.yaml")
    cli("replace", "C2f", "x.yaml", "--at", "all/C3", "--in-place")
    cli("add", "ECA", "x.yaml", "--after", "SPPF", "--in-place")
    for _ in range(3):
        undone = cli("undo", "x.yaml", "--in-place")
        assert (undone.code, "the result has" in undone.err) == (0, False), undone.err
        assert cli("check", "x.yaml").code == 0
    assert Path("x.yaml").read_text() == BASE


def test_bad_input_writes_nothing(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    for arguments, message in [
        (("replace", "SimAM", "base.yaml", "--at", "C3"), "base.yaml:4:5: layer 1 (C3) is a block"),
        (("replace", "C2f", "base.yaml"), "Missing option '--at'"),
        (("replace", "C2f", "nope.yaml", "--at", "C3"), "nope.yaml: cannot read it"),
        (("undo", "base.yaml"), "base.yaml: it has no line '# yamlinject'"),
        (("replace", "C2f", "base.yaml", "--at", "C3", "--number", "-1"), "--number -1"),
    ]:
        refused = cli(*arguments)
        assert (refused.code, refused.out) == (2, ""), arguments
        assert message in refused.err
        assert refused.err.count("\n") == 1
    assert [path.name for path in Path().iterdir()] == ["base.yaml"]


def test_json(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    done = json.loads(cli("replace", "C2f", "base.yaml", "--at", "C3", "--output-format", "json").out)
    assert done["replaced"] == [
        {
            "index": 1,
            "was": {"index": 1, "from": -1, "number": 1, "module": "C3", "args": [16]},
            "now": {"index": 1, "from": -1, "number": 1, "module": "C2f", "args": [16]},
        }
    ]
    assert (done["injected"], done["changed"], done["picked"]) == (
        [],
        [],
        [{"selector": "C3", "layers": [1]}],
    )
    shown = json.loads(cli("show", "base_C2f.yaml", "--output-format", "json").out)
    assert [layer["index"] for layer in shown["layers"] if layer["replaced"]] == [1]


# --- check


def test_check_undoes_without_the_second_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written: three times as fast. What a stranger's line gives is read all the same."""
    text = load("yolov5s").replace("C2f", "C3").text

    def unwanted(*_: object) -> None:
        pytest.fail("ruamel.yaml was asked")

    monkeypatch.setattr("yamlinject.core.proof.second_reading", unwanted)
    assert check(Config.from_text(text)) == []
    broken = Config.from_text(text.replace("; was C3;", "; was 'C3 [128] # x';"))
    with pytest.raises(RefusalError, match="the line gives other rows than it says"):
        broken.undo(proven=False)


def test_an_edit_is_seen(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    cli("replace", "C2f", "base.yaml", "--at", "all/C3")
    assert cli("check", "base_C2f.yaml").code == 0
    text = Path("base_C2f.yaml").read_text()
    Path("base_C2f.yaml").write_text(text.replace("C2f, [32]", "C2f, [64]"))
    found = cli("check", "base_C2f.yaml")
    assert found.code == 1
    assert "YI603" in found.out
    Path("base_C2f.yaml").write_text(text)
    Path("base.yaml").write_text(BASE.replace("C3, [32]", "C3, [48]"))
    assert "YI602" in cli("check", "base_C2f.yaml").out


def test_layers_that_were_replaced_and_then_moved_are_marked() -> None:
    result = load("yolov5s").replace("C2f", "6").add("SimAM", after="4").replace("C3x", "all/C3@-1")
    assert provenance.replaced(result.parsed.provenance) == {7, 24}
    assert result.injected == {5}


@given(st.data(), samples())
@settings(max_examples=500 if EXHAUSTIVE else 20, deadline=None)
def test_any_config_comes_back(data: st.DataObject, sample: Sample) -> None:
    size = len(sample.model.rows)
    picked = data.draw(st.lists(st.integers(0, size - 1), min_size=1, unique=True))
    number, args = data.draw(st.none() | st.integers(1, 9)), data.draw(st.none() | st.just("[a, inputs]"))
    config = Config("base.yaml", sample.data)
    result = config.replace("Mine", ",".join(map(str, picked)), number=number, args=args)
    for index, (layer, before) in enumerate(zip(result.layers, config.layers, strict=True)):
        if index not in picked:
            assert layer == before
            continue
        expected = before.args if args is None else ["a", len(before.references)]
        assert layer.row == [before.from_, before.number if number is None else number, "Mine", expected]
    assert Config("x.yaml", result.to_bytes()).undo().to_bytes() == sample.data
