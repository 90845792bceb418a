"""One grammar for all commands: what ``docs/commands.md`` says of each is what it has and does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.conftest import REPOSITORY
from tests.support import BASE, Cli
from yamlinject import load
from yamlinject.cli.app import app
from yamlinject.library import bases, recipes

MANUAL = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with the words that name it: ``add``, ``study jobs``."""
    for name, command in vars(group)["commands"].items():
        if "commands" in vars(command):
            yield from commands(command, f"{name} ")
        else:
            yield path + name, command


COMMANDS: dict[str, Any] = dict(commands(typer.main.get_command(app())))

COMMON = """\
import torch
from torch import nn

class Conv(nn.Module):
    pass

class Concat(nn.Module):
    pass
"""
MODEL = """\
from models.common import Conv, Concat

def parse_model(d, ch):
    for m in d:
        if m in [Conv]:
            pass
"""


def table(first: str) -> Iterator[list[str]]:
    """The rows of the manual's table whose head begins with the cell ``first``."""
    lines = MANUAL.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip("|").split(" |")]


def options(name: str) -> dict[str, Any]:
    """The options of a command that its help shows, by their long names."""
    found = (one for one in COMMANDS[name].params if one.param_type_name == "option" and not one.hidden)
    return {max(one.opts, key=len): one for one in found}


def usage(name: str) -> str:
    """The command with its arguments as the help writes them."""
    arguments = (one for one in COMMANDS[name].params if one.param_type_name == "argument")
    return " ".join([name, *(one.make_metavar(context(name)) for one in arguments)])


def context(name: str) -> Any:
    return typer.Context(COMMANDS[name])


GRAMMAR = {" ".join(re.findall(r"\b[a-z]+\b", row[0])): row for row in table("command")}


def test_every_command_stands_in_the_table_as_it_is_written() -> None:
    assert {row[0].strip("`") for row in GRAMMAR.values()} == set(map(usage, COMMANDS))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_the_options_that_the_table_says(name: str) -> None:
    _, dry, output, formats, _ = GRAMMAR[name]
    found = options(name)
    writing_nothing = {"--diff", "--check", "--dry-run"} & set(found)
    assert writing_nothing == set(re.findall(r"--[\w-]+", dry))
    assert ("--output" in found) == bool(output)
    choices = list(found["--output-format"].type.choices) if "--output-format" in found else []
    assert [str(getattr(choice, "value", choice)) for choice in choices] == re.findall(r"\w+", formats)


def test_words_in_capitals_are_those_of_the_table() -> None:
    words = {row[0] for row in table("word")}
    found = set()
    for name, command in COMMANDS.items():
        assert name in GRAMMAR
        for one in command.params:
            if one.metavar and not getattr(one, "hidden", False):
                found |= set(re.findall("[A-Z]+", one.metavar))
    assert found == words


def test_the_module_comes_first() -> None:
    for name in COMMANDS:
        words = usage(name).removeprefix(name).replace("[", "").replace("]", "").split()
        assert "MODULE" not in words[1:], name


@pytest.mark.parametrize(
    ("name", "option"),
    [("add", "--after"), ("add", "--readers"), ("check", "--select"), ("check", "--ignore")],
)
def test_what_takes_several_values_may_be_repeated(name: str, option: str) -> None:
    assert options(name)[option].multiple


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "checkout" / "models").mkdir(parents=True)
    (tmp_path / "checkout" / "models" / "common.py").write_text(COMMON)
    (tmp_path / "checkout" / "models" / "yolo.py").write_text(MODEL)
    return tmp_path


def as_json(cli: Cli, *arguments: str, code: int = 0) -> Any:
    result = cli(*arguments, "--output-format", "json")
    assert (result.code, result.err) == (code, "") or arguments[0] == "check"
    return json.loads(result.out)


@pytest.mark.usefixtures("files")
def test_commas_and_repetition_are_alike(cli: Cli) -> None:
    add = ("add", "SimAM", "base.yaml", "--no-provenance", "-o", "-")
    for command, option, one, two in (
        (add, "--after", "0", "1"),
        ((*add, "--after", "0,3"), "--readers", "1", "4"),
        (("check", "."), "--select", "YI1", "YI2"),
        (("check", "."), "--ignore", "YI1", "YI2"),
    ):
        together = cli(*command, option, f"{one},{two}")
        assert together.code == 0, together
        assert together._replace(err="") == cli(*command, option, one, option, two)._replace(err="")
    diffs = {
        cli("register", *words, "--diff").out
        for words in (
            ("SimAM,SE", "checkout"),
            ("SimAM", "checkout", "--module", "SE"),
            ("checkout", "--module", "SimAM,SE"),
            ("checkout", "--module", "SimAM", "--module", "SE"),
        )
    }
    assert len(diffs) == 1


def test_register_takes_the_module_first_and_its_older_spelling(files: Path, cli: Cli) -> None:
    assert cli("register", "CBAM", "checkout").code == 0
    assert "class CBAM(" in (files / "checkout/models/common.py").read_text()
    assert "class SimAM(" not in (files / "checkout/models/common.py").read_text()
    assert cli("register", "checkout", "--module", "CBAM", "--check").code == 0
    assert cli("register", "--undo", "checkout").code == 0
    assert (files / "checkout/models/common.py").read_text() == COMMON
    assert cli("register", "checkout").code == 0  # without a module it is SimAM
    assert "class SimAM(" in (files / "checkout/models/common.py").read_text()
    refused = cli("register", "SE", "ECA", "checkout")
    assert (refused.code, refused.out) == (2, "")
    assert "SE,ECA checkout" in refused.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("command", "back"),
    [
        (("add", "SimAM", "base.yaml", "--after", "SPPF"), ()),
        (("register", "SimAM", "checkout"), ()),
        (("register", "checkout", "--undo"), ()),
    ],
    ids=["add", "register", "undo"],
)
def test_the_same_twice_changes_nothing(cli: Cli, command: tuple[str, ...], back: tuple[str, ...]) -> None:
    if "--undo" in command:
        cli("register", "checkout")
    assert cli(*command, "--check").code == 1
    assert cli(*command, *back).code == 0
    assert cli(*command, "--check").code == 0
    again = cli(*command)
    assert again.code == 0
    assert "unchanged" in again.err


# --- JSON


@pytest.mark.usefixtures("files")
def test_json_of_add_and_remove(cli: Cli) -> None:
    command = ("add", "SimAM", "base.yaml", "--after", "SPPF")
    made = as_json(cli, *command)
    simam = {"index": 3, "from": -1, "number": 1, "module": "SimAM", "args": [16]}
    assert made == {
        "file": "base_SimAM.yaml",
        "outcome": "wrote",
        "picked": [{"selector": "SPPF", "layers": [2]}],
        "injected": [simam],
        "removed": [],
        "replaced": [],
        "changed": [{"index": 5, "now": 6, "module": "Detect", "from": [4], "to": [5]}],
        "notes": [],
        "diff": None,
    }
    assert as_json(cli, *command)["outcome"] == "unchanged"
    assert as_json(cli, *command, "--check")["outcome"] == "would not change"
    assert as_json(cli, *command, "--number", "2", "--check", code=1)["outcome"] == "would change"
    shown = as_json(cli, *command, "--diff")
    assert shown["outcome"] == "printed"
    assert "+  - [-1, 1, SimAM, [16]]  # 3\n" in shown["diff"]
    assert as_json(cli, "add", "SimAM", "base.yaml", "--after", "C3", "-o", "x.yaml")["notes"] == [
        "1 more C3 outside this scope: --after all/C3 picks all"
    ]
    removed = as_json(cli, "remove", "SimAM", "base_SimAM.yaml", "-o", "back.yaml")
    assert (removed["file"], removed["removed"], removed["injected"]) == ("back.yaml", [simam], [])
    assert removed["changed"] == [{"index": 6, "now": 5, "module": "Detect", "from": [5], "to": [4]}]
    assert Path("back.yaml").read_text() == BASE


@pytest.mark.usefixtures("files")
def test_json_of_a_config_on_standard_output_is_refused(cli: Cli) -> None:
    refused = cli("add", "SimAM", "base.yaml", "--after", "SPPF", "-o", "-", "--output-format", "json")
    assert (refused.code, refused.out) == (2, "")
    assert "give -o FILE" in refused.err


@pytest.mark.usefixtures("files")
def test_json_of_an_insertion_in_place_done_before(cli: Cli) -> None:
    command = ("add", "SimAM", "base.yaml", "--after", "SPPF", "--in-place")
    assert as_json(cli, *command)["outcome"] == "wrote"
    assert as_json(cli, *command)["outcome"] == "unchanged"


def test_json_of_show(files: Path, cli: Cli) -> None:
    text = BASE.replace("[16, 5]", "[2020-01-01, !!set {a}, .nan, {1: [x]}]")
    text = text.replace("[[4], 1", "[[-3, 4], 1")
    (files / "base.yaml").write_text(text)
    cli("add", "SimAM", "base.yaml", "--after", "1", "--in-place")
    shown = as_json(cli, "show", "base.yaml")
    assert shown["file"] == "base.yaml"
    layers = shown["layers"]
    assert [layer["index"] for layer in layers] == list(range(7))
    assert layers[0] == {
        "index": 0,
        "section": "backbone",
        "from": -1,
        "reads": [None],
        "number": 1,
        "module": "Conv",
        "args": [16, 3, 2],
        "stride": 2,
        "nominal_channels": 16,
        "replaced": False,
        "injected": False,
        "rewired": False,
        "wrong": False,
        "built": None,
    }
    assert layers[3]["args"] == ["2020-01-01", "{'a'}", "nan", {"1": ["x"]}]
    assert [layer["injected"] for layer in layers] == [False, False, True, *[False] * 4]
    assert layers[6]["reads"] == [3, 5]
    assert layers[6]["rewired"]


def test_json_of_bases_is_what_base_may_be(cli: Cli) -> None:
    listed = as_json(cli, "bases")
    assert {"name": "yolov5s", "from": "yamlinject"} in listed
    assert [one["name"] for one in listed] == bases.names()
    for one in listed:
        assert load(one["name"]).layers, one


def test_bases_as_text(cli: Cli) -> None:
    lines = cli("bases").out.splitlines()
    assert any(line.split() == ["yolov5s", "yamlinject"] for line in lines)


def test_json_of_module(cli: Cli) -> None:
    listed = as_json(cli, "module")
    assert [one["module"] for one in listed] == list(recipes.names())
    one = as_json(cli, "module", "CBAM")
    assert one in listed
    assert one == {
        "module": "CBAM",
        "role": "attention",
        "does": "re-weights channels, then positions",
        "parameters": 32_866,
        "args": ["channels"],
        "options": {"reduction": 16, "kernel_size": 7},
        "paper": "Woo et al., ECCV 2018, https://arxiv.org/abs/1807.06521",
        "parameters_at": {"64": 610, "128": 2_146, "256": 8_290, "512": 32_866, "1024": 131_170},
        "costly": "maxima, means and a product for all values, twice: most on large maps",
    }


def test_the_page_of_modules_says_the_same_of_each() -> None:
    page = (REPOSITORY / "docs" / "modules.md").read_text(encoding="utf-8")
    for one in map(recipes.about, recipes.names()):
        authors = one.paper.rpartition(",")[0]
        assert f"| `{one.module}` | {one.does} | {one.parameters:,} | {authors} |" in page


def test_module_as_text(cli: Cli) -> None:
    listed = cli("module").out
    assert re.search(
        r"^SE +attention +re-weights channels, from their means +33,312  Hu et al\., CVPR 2018$",
        listed,
        re.M,
    )
    one = cli("module", "cbam").out
    assert "[-1, 1, CBAM, [channels]]" in one
    assert "the channels of the layer that it reads, then: reduction (16), kernel_size (7)\n" in one
    assert "610 on 64, 2,146 on 128, 8,290 on 256, 32,866 on 512, 131,170 on 1024 channels\n" in one
    assert re.search(
        r"^costly +maxima, means and a product for all values, twice: most on large maps$", one, re.M
    )
    assert one.endswith("next      yamlinject add CBAM yolov5s --after SPPF\n")
    one = cli("module", "TripletAttention").out
    assert re.search(r"^parameters +300, whatever the channels$", one, re.M)
    one = cli("module", "carafe").out
    assert "[-1, 1, CARAFE, [channels]]" in one
    assert one.endswith("next      yamlinject replace CARAFE yolov5s --at head/nn.Upsample\n")
    one = cli("module", "bifpn_concat").out
    assert "[[-1, ...], 1, BiFPN_Concat, [inputs]]" in one
    assert re.search(r"^args +the number of layers that it reads$", one, re.M)
    assert re.search(r"^parameters +one for each layer that it reads$", one, re.M)
    assert one.endswith("next      yamlinject replace BiFPN_Concat yolov5s --at head/Concat\n")
    refused = cli("module", "Nothing")
    assert (refused.code, refused.out) == (2, "")
    assert "'Nothing'" in refused.err
    assert "--args" in refused.err


def test_json_of_rule(cli: Cli) -> None:
    listed = as_json(cli, "rule")
    one = as_json(cli, "rule", "yi301")
    page = one.pop("page")
    assert one in listed
    assert one["code"] == "YI301"
    assert page == cli("rule", "YI301").out
    assert page.startswith("# YI301 ")


@pytest.mark.usefixtures("files")
def test_json_of_register(cli: Cli) -> None:
    checked = as_json(cli, "register", "checkout", "--check", code=1)
    assert checked["outcome"] == "would change"
    assert as_json(cli, "register", "checkout", "--diff")["diff"].startswith("--- ")
    done = as_json(cli, "register", "checkout")
    assert (done["checkout"], done["outcome"], done["diff"]) == ("checkout", "wrote", None)
    assert [Path(file).name for file in done["files"]] == ["common.py", "yolo.py"]
    again = as_json(cli, "register", "checkout")
    assert (again["outcome"], again["files"]) == ("unchanged", [])


def test_the_parts_of_json_documents_are_those_of_the_manual(files: Path, cli: Cli) -> None:
    said = {}
    for commands, keys in table("command | the document"):
        for name in re.findall(r"`(\w+)`", commands):
            said[name] = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", keys)))
    add = ("add", "SimAM", "base.yaml", "--after", "SPPF")
    documents: dict[str, Any] = {"add": as_json(cli, *add)}
    documents["replace"] = as_json(cli, "replace", "C2f", "base.yaml", "--at", "C3")
    documents["undo"] = as_json(cli, "undo", "base_C2f.yaml", "-o", "y.yaml")
    documents["remove"] = as_json(cli, "remove", "SimAM", "base_SimAM.yaml", "-o", "x.yaml")
    documents["bases"] = as_json(cli, "bases")[0]
    Path("blocks.py").write_text("class Own:\n    def forward(self, x): ...\n")
    own = as_json(cli, "module", "Own", "--modules", "blocks.py")
    documents["module"] = {**as_json(cli, "module", "SE"), **own}
    documents["check"] = as_json(cli, "check", "base.yaml")
    documents["rule"] = as_json(cli, "rule", "YI301")
    documents["register"] = as_json(cli, "register", "checkout")
    explained, compared = (
        as_json(cli, "explain", "base.yaml"),
        as_json(cli, "explain", "base.yaml", "base.yaml"),
    )
    documents["explain"] = {**explained, **compared}
    shown = as_json(cli, "show", "base.yaml")
    documents["show"] = {**shown, **shown["layers"][0]}
    assert said == {name: set(document) for name, document in documents.items()}
