"""The examples in the documentation give what they show."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.support import Cli
from yamlinject import load

MANUAL = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
WITHOUT_FRAMEWORK = "## Models"


def failures(text: str) -> int:
    test = doctest.DocTestParser().get_doctest(text, {}, "api.md", "docs/api.md", 0)
    assert len(test.examples) > 10
    return doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL).run(test)[
        0
    ]


def test_examples_that_need_no_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(MANUAL[: MANUAL.index(WITHOUT_FRAMEWORK)]) == 0


@pytest.mark.framework
def test_all_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(MANUAL) == 0


README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
CONSOLE = dict(re.findall(r"^\$ yamlinject ([^\n]*)\n(.*?)(?=^\$|^```)", README, re.S | re.M))


def printed(cli: Cli, command: str) -> str:
    result = cli(*shlex.split(command))
    return result.out + result.err


def test_the_first_example_of_the_readme(cli: Cli) -> None:
    command = "add SimAM --after SPPF"
    assert printed(cli, command) == CONSOLE[command]


@pytest.mark.framework
def test_the_example_of_the_page_on_replacing(cli: Cli) -> None:
    page = (REPOSITORY / "docs" / "replace.md").read_text(encoding="utf-8")
    (command, shown), _ = re.findall(r"^\$ yamlinject ([^\n]*)\n(.*?)(?=^\$|^```)", page, re.S | re.M)
    lines = printed(cli, command).splitlines()
    assert [line for line in shown.splitlines() if line != "…"] == [*lines[:2], *lines[5:]]
    for other in re.findall(r"\| `yamlinject (replace [^`]*)`", page):
        if "--modules" not in other:
            assert cli(*shlex.split(other)).code == 0, other


def test_the_picture_that_the_readme_shows(cli: Cli) -> None:
    """Made by the commands beside it, to the same bytes."""
    (file,) = re.findall(r"!\[[^]]*\]\((docs/yolov5s[^)]*)\)", README)
    cli("add", "SimAM", "--after", "SPPF")
    for command in ("add SimAM --after C3", f"draw {Path(file).stem}.yaml"):
        assert f"`yamlinject {command}`" in README
        assert cli(*shlex.split(command)).code == 0
    assert Path(Path(file).name).read_bytes() == (REPOSITORY / file).read_bytes()


def test_the_findings_that_the_readme_shows(cli: Cli, tmp_path: Path) -> None:
    """SimAM inserted, and its index comments renumbered, with the numbers of two rows forgotten."""
    _, text = load("yolov5s").add("SimAM", after="SPPF").text.split("\n", 1)
    for right, forgotten in [
        ("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat"),
        ("[[18, 21, 24], 1, Detect", "[[17, 20, 23], 1, Detect"),
    ]:
        assert text.count(right) == 1
        text = text.replace(right, forgotten)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "yolov5s_SimAM.yaml").write_text(text)
    assert printed(cli, "check configs") == CONSOLE["check configs"]
