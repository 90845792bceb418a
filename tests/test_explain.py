"""explain: what a config is, in commands, and how two configs differ as graphs."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pytest

from tests import oracle
from tests.conftest import CORPUS, needs_corpus, shipped
from tests.support import BASE, Cli
from yamlinject import Config, YamlInjectError, load
from yamlinject.core.selectors import Scope
from yamlinject.lineage.commands import selecting
from yamlinject.lineage.differences import differences
from yamlinject.lineage.explanation import explain
from yamlinject.lineage.resolve import resolve

Command = tuple[str, str, dict[str, object]]


def edited(base: str, *pairs: tuple[str, str]) -> Config:
    """A base without provenance line, edited by hand."""
    text = load(base).text
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return Config.from_text(text, "mine.yaml")


def made(base: str, *commands: Command) -> Config:
    """What add or replace makes of a base, without any line that tells."""
    config: Config = load(base)
    for verb, module, options in commands:
        config = getattr(config, verb)(module, provenance=False, **options)
    return Config(f"{base[:6]}_mine.yaml", config.to_bytes())


# --- the commands


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([("add", "SimAM", {"after": "SPPF"})], ["add SimAM yolov5s --after SPPF"]),
        ([("add", "SimAM", {"after": "C3"})], ["add SimAM yolov5s --after C3"]),
        ([("add", "CBAM", {"after": "head/C3"})], ["add CBAM yolov5s --after head/C3"]),
        ([("add", "CBAM", {"after": "all/C3"})], ["add CBAM yolov5s --after all/C3"]),
        ([("add", "CBAM", {"after": "C3@-1"})], ["add CBAM yolov5s --after C3@-1"]),
        ([("add", "CBAM", {"after": "C3@0"})], ["add CBAM yolov5s --after C3@0"]),
        ([("add", "CBAM", {"after": "detect-inputs"})], ["add CBAM yolov5s --after detect-inputs"]),
        ([("add", "CBAM", {"after": "4,9"})], ["add CBAM yolov5s --after 4,9"]),
        ([("add", "CBAM", {"after": "9,9"})], ["add CBAM yolov5s --after 9,9"]),
        (
            [("add", "MHSA", {"after": "SPPF", "args": ["channels", 4]})],
            ["add MHSA yolov5s --after SPPF --args '[channels, 4]'"],
        ),
        (
            [("add", "SimAM", {"after": "SPPF", "number": 3})],
            ["add SimAM yolov5s --after SPPF --number 3"],
        ),
        (
            [("add", "SimAM", {"after": "4", "readers": "Concat"})],
            ["add SimAM yolov5s --after C3@1 --readers Concat@1"],
        ),
        (
            [("add", "SE", {"after": "SPPF"}), ("add", "CBAM", {"after": "SE"})],
            ["add SE yolov5s --after SPPF", "add CBAM yolov5s_SE.yaml --after SE"],
        ),
        (  # one command cannot say the args of both
            [
                ("add", "MHSA", {"after": "4", "args": "[8]"}),
                ("add", "MHSA", {"after": "SPPF", "args": "[4]"}),
            ],
            [
                "add MHSA yolov5s --after C3@1 --args '[8]'",
                "add MHSA yolov5s_MHSA.yaml --after SPPF --args '[4]'",
            ],
        ),
        (
            [("replace", "C3Ghost", {"at": "all/C3"}), ("add", "SE", {"after": "SPPF"})],
            ["replace C3Ghost yolov5s --at all/C3", "add SE yolov5s_C3Ghost.yaml --after SPPF"],
        ),
    ],
)
def test_commands(commands: list[Command], expected: list[str], cli: Cli) -> None:
    config = made("yolov5s", *commands)
    Path("mine.yaml").write_bytes(config.to_bytes())
    done = cli("explain", "mine.yaml")
    assert done.code == 0
    assert done.out.splitlines() == [
        "base      yolov5s, by its layers",
        *(f"command   yamlinject {command}" for command in expected),
        "result    these commands make it, nothing is left over",
    ]
    # and they do
    for command in expected:
        assert cli(*shlex.split(command)).code == 0
    newest = max(Path().glob("yolov5s_*.yaml"), key=lambda path: len(path.name))
    assert oracle.graph(load(str(newest)).document.data) == oracle.graph(config.document.data)


def test_a_generated_file_says_it_itself(cli: Cli) -> None:
    cli("replace", "C2f", "yolov5s", "--at", "C3")
    cli("add", "SimAM", "yolov5s_C2f.yaml", "--after", "SPPF")
    text = Path("yolov5s_C2f_SimAM.yaml").read_text()
    Path("mine.yaml").write_text(text.replace("width_multiple: 0.50", "width_multiple: 0.75"))
    assert cli("explain", "mine.yaml").out.splitlines() == [
        "base      yolov5s, as its lines say",
        "command   yamlinject replace C2f yolov5s --at C3",
        "command   yamlinject add SimAM yolov5s_C2f.yaml --after SPPF",
        "result    these commands make it, nothing is left over",
    ]


def test_recorded_commands_can_be_typed_whatever_became_of_their_files(cli: Cli) -> None:
    cli("add", "SimAM", "yolov5s", "--after", "SPPF", "-o", "mine.yaml")
    cli("replace", "C3Ghost", "mine.yaml", "--at", "C3@-1", "--in-place")
    cli("add", "ECA", "mine.yaml", "--after", "C3Ghost", "--in-place")
    by_hand = "".join(
        line for line in Path("mine.yaml").read_text().splitlines(True) if "# yamlinject" not in line
    )
    Path("hand.yaml").write_text(by_hand)
    assert cli("explain", "hand.yaml", "--adopt").code == 0
    for file in ("mine.yaml", "hand.yaml"):
        *_, first, second, third, result = cli("explain", file).out.splitlines()
        assert result == "result    these commands make it, nothing is left over"
        commands = [line.removeprefix("command   ") for line in (first, second, third)]
        for command in commands:
            assert cli(*shlex.split(command)[1:]).code == 0, command
        made_again = commands[2].split()[3].replace(".yaml", f"_{commands[2].split()[2]}.yaml")
        assert load(made_again).layers == load("mine.yaml").layers
        for path in Path().glob("yolov5s*"):
            path.unlink()


def test_what_is_left_over(cli: Cli) -> None:
    base = made("yolov5s", ("add", "SimAM", {"after": "SPPF"}))
    text = base.text.replace("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat").replace(
        "[-1, 9, C3, [512]]", "[-1, 6, C3, [512]]"
    )
    Path("mine.yaml").write_text(text.replace("depth_multiple: 0.33", "depth_multiple: 0.5"))
    assert cli("explain", "mine.yaml").out.splitlines() == [
        "base      yolov5s, by its layers",
        "command   yamlinject add SimAM yolov5s --after SPPF",
        "left over layer 20 (Concat) reads 19, 14, and after these commands 19, 15",
        "left over layer 6 (C3) is [-1, 6, C3, [512]], and after these commands [-1, 9, C3, [512]]",
        "left over depth_multiple is 0.5, and in yolov5s 0.33",
        "result    these commands do not give all of mine.yaml: edit by hand what is left over",
    ]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("[6, 1, SimAM, [512]]", "layer 10 (SimAM) [6, 1, SimAM, [512]]: it reads 6"),
        ("[-1, 1, SimAM, [1024]]", "layer 10 (SimAM) [-1, 1, SimAM, [1024]]: no layer reads it"),
    ],
)
def test_layers_that_no_command_gives(row: str, reason: str) -> None:
    """A row put in by hand, past which everything reads on, with the numbers below counted up."""
    text = made("yolov5s", ("add", "SimAM", {"after": "SPPF", "args": "[1024]"})).text
    text = text.replace("[-1, 1, SimAM, [1024]]", row).replace(
        "[-1, 1, Conv, [512, 1, 1]]", "[9, 1, Conv, [512, 1, 1]]"
    )
    found = explain(Config.from_text(text))
    assert found
    assert not found.same_graph
    assert any(reason in line for line in found.left)


def test_no_base_is_known(cli: Cli) -> None:
    Path("base.yaml").write_text(BASE)
    assert (
        cli("explain", "base.yaml").out
        == "base      none is known: name one with --base, or compare two files\n"
    )
    cli("add", "SimAM", "base.yaml", "--after", "SPPF", "--no-provenance", "-o", "mine.yaml")
    assert cli("explain", "mine.yaml", "--base", "base.yaml").out.splitlines() == [
        "base      base.yaml, as given",
        "command   yamlinject add SimAM base.yaml --after SPPF",
        "result    these commands make it, nothing is left over",
    ]
    refused = cli("explain", "base.yaml", "--base", "yolov5s")
    assert (refused.code, refused.out) == (2, "")
    assert "it is not yolov5s with attention layers inserted" in refused.err
    assert cli("explain", "nope.yaml").code == 2
    assert cli("explain", "base.yaml", "mine.yaml", "--base", "yolov5s").code == 2
    for twice in (("-", "-"), ("-", "--base", "-")):
        refused = cli("explain", *twice)
        assert (refused.code, refused.out) == (2, "")
        assert refused.err.startswith("yamlinject: error: standard input can be read once")


def test_a_given_base_with_other_modules(cli: Cli) -> None:
    config = made("yolov5s", ("replace", "C3Ghost", {"at": "all/C3"}), ("add", "SimAM", {"after": "SPPF"}))
    Path("mine.yaml").write_bytes(config.to_bytes())
    Path("base.yaml").write_bytes(load("yolov5s").to_bytes())
    for base in ("yolov5s", "base.yaml"):
        name = base.removesuffix(".yaml")
        assert cli("explain", "mine.yaml", "--base", base).out.splitlines() == [
            f"base      {base}, as given",
            f"command   yamlinject replace C3Ghost {base} --at all/C3",
            f"command   yamlinject add SimAM {name}_C3Ghost.yaml --after SPPF",
            "result    these commands make it, nothing is left over",
        ]


def test_what_an_adopted_base_is_called(cli: Cli) -> None:
    Path("mine.yaml").write_bytes(made("yolov5s", ("add", "SimAM", {"after": "SPPF"})).to_bytes())
    assert cli("explain", "mine.yaml", "--adopt").code == 0
    adopted = load("mine.yaml")
    for found in (resolve(adopted), resolve(adopted, load("yolov5s"))):
        assert found.named
        assert (found.name, found.named.label) == ("yolov5s", "yolov5s")
    Path("odd.yaml").write_text(BASE)
    cli("add", "SimAM", "odd.yaml", "--after", "SPPF", "--no-provenance", "-o", "other.yaml")
    assert cli("explain", "other.yaml", "--base", "odd.yaml", "--adopt").code == 0
    assert resolve(load("other.yaml")).name == "-"


def test_json(cli: Cli) -> None:
    Path("mine.yaml").write_bytes(made("yolov5s", ("add", "SimAM", {"after": "SPPF"})).to_bytes())
    assert json.loads(cli("explain", "mine.yaml", "--output-format", "json").out) == {
        "file": "mine.yaml",
        "base": "yolov5s",
        "evidence": "matched",
        "commands": [["yamlinject", "add", "SimAM", "yolov5s", "--after", "SPPF"]],
        "left_over": [],
        "same_graph": True,
    }


@pytest.mark.parametrize(
    ("indices", "scope", "text"),
    [
        ([9], "backbone", "SPPF"),
        ([2, 4, 6, 8], "backbone", "C3"),
        ([4], "backbone", "C3@1"),
        ([8], "backbone", "C3@-1"),
        ([13], "backbone", "head/C3@0"),
        ([12, 16, 19, 22], "all", "Concat"),
        ([17, 20, 23], "backbone", "detect-inputs"),
        ([2, 9], "backbone", "2,9"),
    ],
)
def test_selectors_as_one_would_type_them(indices: list[int], scope: Scope, text: str) -> None:
    assert selecting(load("yolov5s").layers, indices, scope) == text


# --- adoption


def by_hand(text: str) -> str:
    """The rows of attention in a style of their own, with other comments."""
    return re.sub(
        r"\[-1, 1, (SimAM|CBAM), \[(\d+)\]\],?(?:  # \d+)?", r"[ -1 ,1, \1,[\2] ], # attention", text
    )


@pytest.mark.parametrize(
    "commands",
    [
        [("add", "SimAM", {"after": "C3"})],
        [("add", "SimAM", {"after": "SPPF"}), ("add", "CBAM", {"after": "head/C3@0"})],
        [("replace", "C3Ghost", {"at": "all/C3"}), ("add", "CBAM", {"after": "4", "readers": "Concat"})],
    ],
)
def test_a_file_made_by_hand_is_adopted(commands: list[Command], cli: Cli) -> None:
    text = by_hand(made("yolov5s", *commands).text)
    Path("mine.yaml").write_text(text)
    done = cli("explain", "mine.yaml", "--adopt")
    assert (done.code, done.err) == (0, "wrote     mine.yaml\n")
    adopted = Path("mine.yaml").read_text()
    assert adopted.endswith(text)
    assert len(adopted.splitlines()) == len(text.splitlines()) + len(commands)
    assert "; adopted" in adopted.splitlines()[0]
    assert cli("check", "mine.yaml").code == 0
    assert cli("explain", "mine.yaml").out.splitlines()[0] == "base      yolov5s, as its lines say"
    config = load("mine.yaml")
    for _ in commands:
        config = config.undo()
        assert config.exact
    assert oracle.graph(config.document.data) == oracle.graph(load("yolov5s").document.data)
    # an edit of a row is seen, as in any generated file
    Path("mine.yaml").write_text(re.sub(r"(SimAM|CBAM),\[\d+\]", r"\1,[7]", adopted, count=1))
    assert "YI603" in cli("check", "mine.yaml").out
    # and a second time there is nothing to adopt
    Path("mine.yaml").write_text(adopted)
    again = cli("explain", "mine.yaml", "--adopt")
    assert again.code == 2
    assert "say already how it was made" in again.err
    assert Path("mine.yaml").read_text() == adopted


def test_what_no_commands_make_is_not_adopted(cli: Cli) -> None:
    text = made("yolov5s", ("add", "SimAM", {"after": "SPPF"})).text.replace("[-1, 15]", "[-1, 14]")
    Path("mine.yaml").write_text(text)
    refused = cli("explain", "mine.yaml", "--adopt")
    assert refused.code == 2
    assert "mine.yaml: no commands are known that make it" in refused.err
    assert Path("mine.yaml").read_text() == text
    assert "not one of yours" in cli("explain", "yolov5s", "--adopt").err


# --- two configs


def test_renumbering_is_no_difference(cli: Cli) -> None:
    cli("add", "SimAM", "yolov5s", "--after", "SPPF")
    shown = cli("explain", "yolov5s", "yolov5s_SimAM.yaml")
    assert shown.out == "injected  layer 10 (SimAM) [-1, 1, SimAM, [1024]], read by layer 11 (Conv)\n"
    back = cli("explain", "yolov5s_SimAM.yaml", "yolov5s")
    assert back.out == "removed   layer 10 (SimAM) [-1, 1, SimAM, [1024]]\n"
    assert cli("explain", "yolov5s", "yolov5n").out == "equal     the same layers, reading the same ones\n"


def test_what_means_something_else() -> None:
    before = load("yolov5s")
    after = edited(
        "yolov5s",
        ("[[-1, 14], 1, Concat", "[[-1, 13], 1, Concat"),
        ("[-1, 9, C3, [512]]", "[-1, 9, C2f, [512]]"),
        ("[-1, 1, SPPF, [1024, 5]]", "[-1, 1, SPPF, [1024, 7]]"),
    )
    assert [(one.kind, one.before, one.after, one.text) for one in differences(before, after)] == [
        ("replaced", 6, 6, "layer 6 (C2f) [-1, 9, C2f, [512]], before [-1, 9, C3, [512]]"),
        ("row", 9, 9, "layer 9 (SPPF) [-1, 1, SPPF, [1024, 7]], before [-1, 1, SPPF, [1024, 5]]"),
        (
            "rewired",
            19,
            19,
            "layer 19 (Concat) reads layer 18 (Conv) and layer 13 (C3), "
            "before layer 18 (Conv) and layer 14 (Conv)",
        ),
    ]


def test_configs_of_other_families_are_compared_by_their_modules() -> None:
    kinds = {one.kind for one in differences(load("yolov5s"), Config.from_text(BASE))}
    assert "removed" in kinds
    assert differences(load("yolov5s"), load("yolov5s")) == []


# --- many configs

#: Verdict a, and its new layer stands above all others, where no layer can be its target.
NOT_BY_COMMANDS = {"xh92117__yolo11highwaycracks__ultralytics__cfg__models__11__yolo11-DICAM.yaml"}


@pytest.mark.corpus
@needs_corpus
def test_files_that_are_wired_like_an_insertion_are_commands() -> None:
    with (CORPUS / "edited.csv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["verdict"] == "a"]
    assert len(names) > 100
    wrong = set()
    for name in names:
        config = Config(name, (CORPUS / "edited" / name).read_bytes())
        found = explain(config, search="upstream")
        if not found or not found.same_graph:
            wrong.add(name)
            continue
        assert found.requests, name
    assert wrong == NOT_BY_COMMANDS


@pytest.mark.framework
@pytest.mark.parametrize("framework", ["yolov5", "ultralytics"])
def test_nothing_is_left_over_of_what_is_shipped(framework: str) -> None:
    folder = {"yolov5": "models", "ultralytics": "cfg/models"}[framework]
    told = []
    for path in shipped(framework, folder):
        try:
            found = explain(Config(path.name, path.read_bytes()))
        except YamlInjectError:
            continue  # anchors.yaml, and those that are no graph
        assert found, path.name
        assert (found.requests, found.same_graph) == ((), True), path.name
        if found.left:
            told.append(path.name)
    # by these names YOLOv5's are known, which has them too
    assert told == (
        ["yolov3-spp.yaml", "yolov3-tiny.yaml", "yolov3.yaml", "yolov5-p6.yaml"]
        if framework == "ultralytics"
        else []
    )
