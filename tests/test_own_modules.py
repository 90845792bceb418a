"""Modules of the user's own on the command line: what add writes, and what is said of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.support import BASE, Cli
from yamlinject import YamlInjectError, check, load
from yamlinject.library import user_modules

BLOCKS = """\
from torch import nn


class MyGate(nn.Module):
    def __init__(self, channels, reduction=8): ...


class MyPlain(nn.Module):
    def __init__(self, e_lambda=1e-4): ...


class MyHeads(nn.Module):
    def __init__(self, c1, c2, heads, size): ...


class SimAM(nn.Module):
    def __init__(self, c1, c2): ...
"""


@pytest.fixture(autouse=True)
def blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module file beside a base, in the current folder; nothing of it stays for other tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(user_modules.VARIABLE, "")
    Path("base.yaml").write_text(BASE)
    file = tmp_path / "blocks.py"
    file.write_text(BLOCKS)
    return file


@pytest.mark.parametrize(
    ("module", "row", "args"),
    [
        (
            "MyGate",
            "[-1, 1, MyGate, [16]]",
            "channels: the channels, by its name; reduction: 8, its",
        ),
        ("MyPlain", "[-1, 1, MyPlain, []]", "e_lambda: 0.0001, its"),
        # one that is built in too
        ("SimAM", "[-1, 1, SimAM, [16]]", "c1: the channels, by its name; c2: the same channels, by its"),
    ],
)
def test_the_class_is_the_recipe(cli: Cli, module: str, row: str, args: str) -> None:
    result = cli("add", module, "base.yaml", "--after", "SPPF", "--modules", "blocks.py")
    assert result.code == 0
    text = Path(f"base_{module}.yaml").read_text()
    assert row in text
    assert f"args      {module} of blocks.py ({args} " in result.err
    assert "has no recipe" not in result.err
    assert "torch" not in sys.modules or "blocks" not in sys.modules
    # the line holds what was derived, so that check needs no module file
    assert [
        finding for finding in check(load(f"base_{module}.yaml")) if finding.rule.severity == "error"
    ] == []
    assert cli("remove", module, f"base_{module}.yaml", "-o", "back.yaml").code == 0
    assert Path("back.yaml").read_text() == BASE


def test_the_line_holds_what_was_derived(cli: Cli) -> None:
    cli("add", "MyGate", "base.yaml", "--after", "SPPF", "--modules", "blocks.py")
    first = Path("base_MyGate.yaml").read_text().split("\n")[0]
    assert "add MyGate base.yaml --after SPPF --args '[channels]' (at 3; base " in first


def test_a_project_names_its_files(cli: Cli, blocks: Path) -> None:
    Path("pyproject.toml").write_text("[tool.yamlinject]\nmodules = ['blocks.py']\n")
    result = cli("add", "MyGate", "base.yaml", "--after", "SPPF")
    assert (result.code, "MyGate of blocks.py" in result.err) == (0, True)
    assert result.err.endswith("next      yamlinject verify base_MyGate.yaml\n")


def test_in_python(blocks: Path) -> None:
    config = load("base.yaml").add("MyGate", after="SPPF", modules=[blocks])
    assert config.layers[3].row == [-1, 1, "MyGate", [16]]
    given = load("base.yaml").add("MyHeads", after="SPPF", modules=[blocks], args=["channels", 4, 7])
    assert given.layers[3].row == [-1, 1, "MyHeads", [16, 4, 7]]


def test_a_recipe_beside_the_file(blocks: Path) -> None:
    Path("MyHeads.yaml").write_text("module: MyHeads\nargs: [channels, 4, 7]\n")
    config = load("base.yaml").add("MyHeads", after="SPPF", modules=[blocks])
    assert config.layers[3].row == [-1, 1, "MyHeads", [16, 4, 7]]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("mygate", "[-1, 1, MyGate, [16]]"),
        ("MYPLAIN", "[-1, 1, MyPlain, []]"),
        ("simam", "[-1, 1, SimAM, []]"),  # its own before the one that is built in
        ("SimAM", "[-1, 1, SimAM, []]"),
        ("cbam", "[-1, 1, CBAM, [16]]"),
    ],
)
def test_in_any_case(cli: Cli, blocks: Path, name: str, row: str) -> None:
    blocks.write_text(BLOCKS.replace("def __init__(self, c1, c2):", "def __init__(self, e_lambda=1e-4):"))
    assert (
        cli("add", name, "base.yaml", "--after", "SPPF", "--modules", "blocks.py", "-o", "x.yaml").code == 0
    )
    assert row in Path("x.yaml").read_text()
    explained = cli("module", name, "--modules", "blocks.py").out
    assert row.replace("16", "channels") in explained


def test_two_that_differ_in_case_only(blocks: Path) -> None:
    blocks.write_text(BLOCKS + "\n\nclass mygate(nn.Module):\n    def __init__(self): ...\n")
    rows = {
        name: load("base.yaml").add(name, after="SPPF", modules=[blocks]).layers[3].row[2:]
        for name in ("MyGate", "mygate")
    }
    assert rows == {"MyGate": ["MyGate", [16]], "mygate": ["mygate", []]}


@pytest.mark.parametrize(
    ("text", "row", "data"),
    [
        ("args: [channels, 4, 7]\n", "[-1, 1, MyHeads, [channels, 4, 7]]", ["channels", 4, 7]),
        ("args: [2020-01-01]\n", "[-1, 1, MyHeads, [2020-01-01]]", ["2020-01-01"]),
    ],
)
def test_a_recipe_beside_the_file_is_explained(
    cli: Cli, blocks: Path, text: str, row: str, data: list[object]
) -> None:
    Path("MyHeads.yaml").write_text(text)
    for words in (["module"], ["module", "MyHeads"]):
        assert row in cli(*words, "--modules", "blocks.py").out
    explained = cli("module", "MyHeads", "--modules", "blocks.py").out
    assert "args        MyHeads.yaml beside it\n" in explained
    as_json = json.loads(cli("module", "MyHeads", "--modules", "blocks.py", "--output-format", "json").out)
    assert as_json["args"] == data
    added = cli("add", "MyHeads", "base.yaml", "--after", "SPPF", "--modules", "blocks.py")
    assert "args      MyHeads of blocks.py (MyHeads.yaml beside it)\n" in added.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("args: 3\n", "a recipe has args, such as args: [channels]"),
        ("- args\n", "a recipe has args"),
        ("args: [\n", "MyHeads.yaml:2:1: not valid YAML"),
        ("args: [channels]\nrole: block\n", "MyHeads is no attention: it takes the place of another block"),
        ("args: [channels]\nrole: neck\n", "role has to be one of attention, block, fusion"),
    ],
)
def test_a_recipe_that_is_none(blocks: Path, text: str, message: str) -> None:
    Path("MyHeads.yaml").write_text(text)
    with pytest.raises(YamlInjectError) as refused:
        load("base.yaml").add("MyHeads", after="SPPF", modules=[blocks])
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("MyHeads", "--modules", "blocks.py"),
            "blocks.py:12:1: the constructor of MyHeads has no value for heads, size: give the --args of "
            "its row, such as '[channels, ...]'",
        ),
        (
            ("MyGaet", "--modules", "blocks.py"),
            "MyGaet has no recipe (did you mean MyGate?): give the --args",
        ),
        (("MyGate",), "MyGate has no recipe: give the --args of its row"),
        (("MyGate", "--modules", "gone.py"), "gone.py: cannot read it"),
        (("MyGate", "--modules", "base.yaml"), "base.yaml: a module file is imported by its name"),
        (("MyGate", "--modules", "broken.py"), "broken.py:1:7: not a Python file"),
        (("MyGate", "--modules", "blocks.py", "--modules", "twice.py"), "two module files have a MyGate"),
    ],
)
def test_mistakes(cli: Cli, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    Path("broken.py").write_text("class :\n")
    Path("twice.py").write_text(BLOCKS)
    before = set(tmp_path.iterdir())
    result = cli("add", arguments[0], "base.yaml", "--after", "SPPF", *arguments[1:])
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err
    assert set(tmp_path.iterdir()) == before


def test_they_are_listed_and_explained(cli: Cli, blocks: Path) -> None:
    listed = cli("module", "--modules", "blocks.py").out
    assert "CBAM " in listed
    assert [line.split() for line in listed.splitlines() if line.startswith("My")] == [
        ["MyGate", "[-1,", "1,", "MyGate,", "[channels]]", f"{blocks}:4"],
        ["MyPlain", "[-1,", "1,", "MyPlain,", "[]]", f"{blocks}:8"],
        ["MyHeads", "give", "--args", f"{blocks}:12"],
    ]
    explained = cli("module", "MyHeads", "--modules", "blocks.py").out
    assert "heads (no value)" in explained
    assert f"blocks.MyHeads in {blocks}:12" in explained
    data = json.loads(cli("module", "--modules", "blocks.py", "--output-format", "json").out)
    assert {"module": "MyGate", "file": str(blocks), "line": 4, "args": ["channels"]}.items() <= data[
        -4
    ].items()
    assert data[-2]["untold"] == ["heads", "size"]


def test_without_any_the_list_is_that_of_the_recipes(cli: Cli) -> None:
    assert "of your own" not in cli("module").out


IMPORTED = {
    "raise ValueError('no')": "cannot be imported: ValueError: no",
    "import nothing_like_it": "imported: ModuleNotFoundError: No module named 'nothing_like_it'",
    "raise SystemExit": "cannot be imported: SystemExit",
    "class MyGate:\n    def forward(self, x): ...": "MyGate is no class of layers: derive it from nn",
}


@pytest.mark.framework
@pytest.mark.parametrize("text", IMPORTED)
def test_files_that_fail_when_they_are_imported(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """Each has a name of its own, for Python imports a name once."""
    from yamlinject.frameworks.user_classes import imported

    number = list(IMPORTED).index(text)
    file = Path(f"own_module_{number}.py")
    head = "" if text.startswith("class") else "class MyGate:\n    def forward(self, x): ...\n"
    file.write_text(head + text + "\n")
    (found,) = user_modules.find([file]).values()
    with pytest.raises(YamlInjectError) as refused:
        imported(found)
    assert IMPORTED[text] in str(refused.value)
    assert str(refused.value).startswith(str(file.resolve()))


@pytest.mark.framework
def test_what_comes_next_names_its_file(cli: Cli) -> None:
    import torch

    from yamlinject import frameworks

    base = load("yolov5n")
    torch.save(frameworks.find("yolov5", base).build(base).state_dict(), "base.pt")
    Path("next_gate.py").write_text(
        "from torch import nn\n\n\nclass NextGate(nn.Module):\n    def forward(self, x): return x\n"
    )
    own = ("--modules", "next_gate.py")
    assert cli("add", "NextGate", "yolov5n", "--after", "SPPF", "-o", "new.yaml", *own).code == 0
    assert cli("weights", "base.pt", "new.yaml", "-o", "start.pt", *own).err.splitlines()[-1] == (
        "next      yamlinject run --modules next_gate.py yolov5 train --weights start.pt --cfg new.yaml "
        "--data data.yaml"
    )
