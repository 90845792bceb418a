"""What the documentation shows is what happens: commands and their output, Python, pictures, links."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests import consoles, terminal_picture
from tests.conftest import EXHAUSTIVE, REPOSITORY
from tests.consoles import Command, Given, Step, Write
from tests.dataset import offline
from tests.given import SITE, give
from yamlinject.checks.rules import RULES
from yamlinject.cli.app import run

PAGES = consoles.pages()
STEPS = consoles.to_run()
TEXTS = {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in PAGES}


# --- consoles


def sessions(mark: str) -> list[ParameterSet]:
    """Of each page that has commands of that mark to run, the steps up to the last that is to be run."""
    found = []
    for name, steps in STEPS.items():
        if any(own and isinstance(step, Command) and step.mark == mark for step, own in steps):
            last = max(at for at, (_, own) in enumerate(steps) if own)
            found.append(pytest.param(tuple(step for step, _ in steps[: last + 1]), id=name))
    return found


Perform = Callable[[Command, dict[str, str]], None]


@pytest.fixture
def perform(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Perform:
    """Run a command and compare its output; one of ours that starts no other program, in this process."""

    def perform(step: Command, variables: dict[str, str]) -> None:
        words = shlex.split(step.line, comments=True)
        if words[0] == "cd":
            monkeypatch.chdir(words[1])
        elif words[0] == "yamlinject" and words[1] != "run" and not {"&&", ">", ">>"} & set(words):
            with redirect_stderr(sys.stdout):  # so that lines come as they are printed
                code = run(words[1:])
            sys.stdout.flush()
            compare(step, capfdbinary.readouterr().out.decode(), code)
        else:
            assert variables, f"a command of another program is no light one: {step.line}"
            done = subprocess.run(
                ["bash", "-c", step.line],
                env=variables,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=300,
                check=False,
            )
            compare(step, STYLE.sub("", done.stdout.decode()), done.returncode)

    return perform


@pytest.mark.parametrize("steps", sessions(""))
def test_consoles(
    steps: tuple[Step, ...], perform: Perform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for step in steps:
        if isinstance(step, Command):
            if not step.mark:
                perform(step, {})
        elif not (isinstance(step, Given) and not step.made_by):
            prepare(step)


def of_this_run(found: list[ParameterSet]) -> list[ParameterSet]:
    """All once a week; else one page by error message for each framework, which all of them start."""
    errors = [one for one in found if re.fullmatch(r"docs/errors/[\w-]+\.md", str(one.id))]
    return found if EXHAUSTIVE else [one for one in found if one not in errors or one in errors[2::6]]


@pytest.mark.framework
@pytest.mark.parametrize("steps", of_this_run(sessions("framework")))
def test_consoles_with_frameworks(
    steps: tuple[Step, ...],
    perform: Perform,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    variables = offline(tmp_path_factory.mktemp("settings"))
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(tmp_path / SITE), *filter(None, [variables.get("PYTHONPATH")])]
    )
    for step in steps:
        if not isinstance(step, Command):
            prepare(step)
        elif not step.mark.startswith("not run"):
            perform(step, variables)


#: How programs that do not ask for a terminal colour what they print.
STYLE = re.compile(r"\x1b\[[0-9;]*[a-zA-Z]")


def prepare(step: Step) -> None:
    if isinstance(step, Write):
        if Path(step.name).exists():
            assert Path(step.name).read_text(encoding="utf-8") == step.text
        Path(step.name).parent.mkdir(parents=True, exist_ok=True)
        Path(step.name).write_text(step.text, encoding="utf-8")
    elif isinstance(step, Given):
        give(Path(), step.name, step.made_by)


def compare(step: Command, printed: str, code: int) -> None:
    """Where a page shows no output of a block, its commands succeed."""
    if step.compared:
        assert consoles.matches(step.shown, printed), (
            f"$ {step.line}\n{printed}--- but shown:\n{step.shown}"
        )
    else:
        assert code == 0, f"$ {step.line}\n{printed}"


@pytest.mark.parametrize("text", list(TEXTS.values()), ids=list(TEXTS))
def test_every_command_is_in_a_console_that_is_run_or_marked(text: str) -> None:
    assert consoles.SHELL.findall(text) == []
    assert len(re.findall(r"^ *`{3,}console", text, re.M)) == len(re.findall(r"^```console$", text, re.M))
    commands = [step for step in consoles.session(text) if isinstance(step, Command)]
    shown = [
        line
        for block in re.findall(r"^```console$(.*?)^```$", text, re.M | re.S)
        for line in block.splitlines()
    ]
    assert len(commands) == sum(line.startswith("$ ") for line in shown)


@pytest.mark.parametrize(
    ("shown", "printed", "expected"),
    [
        ("a\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("a\n…\n", "a\nb\nc\n", True),
        ("…\nc\n", "c\n", True),
        ("…\nc\n", "bc\n", False),
        ("time … ms\n", "time 0.4 ms\n", True),
        ("time … ms\n", "time 0.4\n1 ms\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_a_console_may_leave_out(shown: str, printed: str, expected: bool) -> None:
    assert consoles.matches(shown, printed) is expected


ENGLISH = """\
<!-- not run: it installs -->
```console
$ pip install .
```
<!-- given: data.yaml -->
```console
$ yamlinject add SimAM
wrote     yolov5s_SimAM.yaml
```
<!-- framework -->
```console
$ yamlinject verify yolov5s_SimAM.yaml
$ yamlinject run train.py
```
"""
ADD, VERIFY, RUN = "yamlinject add SimAM", "yamlinject verify yolov5s_SimAM.yaml", "yamlinject run train.py"


@pytest.mark.parametrize(
    ("old", "new", "run"),
    [
        ("", "", []),
        ("it installs", "it takes an hour", []),
        ("$ yamlinject run train.py\n", "", []),
        ("<!-- framework", "```console\n$ yamlinject bases\n```\n<!-- framework", ["yamlinject bases"]),
        ("verify yolov5s", "verify yolov5n", ["yamlinject verify yolov5n_SimAM.yaml", RUN]),
        ("wrote ", "write ", [ADD, VERIFY, RUN]),
        ("wrote     yolov5s_SimAM.yaml\n", "", [ADD, VERIFY, RUN]),
        ("<!-- framework -->\n", "", [VERIFY, RUN]),
        ("data.yaml", "yolov5s.pt", [ADD, VERIFY, RUN]),
        ("<!-- given: data.yaml -->\n", "", [ADD, VERIFY, RUN]),
        ("<!-- framework", '```yaml title="yolov5s_SimAM.yaml"\n```\n<!-- framework', [VERIFY, RUN]),
        (f"$ {VERIFY}\n$ {RUN}", f"$ {RUN}\n$ {VERIFY}", [RUN]),
        (f"$ {VERIFY}\n", "", [RUN]),
    ],
)
def test_what_a_page_does_not_have_as_the_english_one_is_run(old: str, new: str, run: list[str]) -> None:
    assert old in ENGLISH
    steps = consoles.session(ENGLISH.replace(old, new, 1))
    own = consoles.of_its_own(steps, consoles.session(ENGLISH))
    found = [step.line for step, own in zip(steps, own, strict=True) if own and isinstance(step, Command)]
    assert found == run


def test_every_command_is_run_or_marked_or_run_as_that_of_the_english_page() -> None:
    """A page that nothing is run of has all that it shows from the other one, or marked."""
    for name, steps in STEPS.items():
        repeated = [step for step, own in steps if not own and not consoles.left_out(step)]
        other = STEPS[consoles.followed(name) or name]
        run = [step for step, own in other if own]
        assert repeated == [] or repeated == run[: len(repeated)]


# --- the Python API

MANUAL = TEXTS["docs/api.md"]
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


# --- pictures


@pytest.mark.parametrize(
    ("picture", "theme"), [("yolov5s_SimAM_C3", "light"), ("yolov5s_SimAM_C3-dark", "dark")]
)
def test_the_picture_that_the_readme_shows(
    picture: str, theme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by commands, to the same bytes."""
    monkeypatch.chdir(tmp_path)
    assert f'"docs/{picture}.svg"' in TEXTS["README.md"]
    assert run(["add", "SimAM", "--after", "C3", "-o", "yolov5s_SimAM_C3.yaml"]) == 0
    assert run(["draw", "yolov5s_SimAM_C3.yaml", "--theme", theme, "-o", "made.svg"]) == 0
    assert Path("made.svg").read_bytes() == (REPOSITORY / "docs" / f"{picture}.svg").read_bytes()


def test_the_terminal_that_the_readme_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the tool's own output; made anew by ``python -m tests.terminal_picture docs/add.svg``."""
    monkeypatch.setenv("COLUMNS", str(terminal_picture.WIDTH))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    file = REPOSITORY / "docs" / "add.svg"
    assert '"docs/add.svg"' in TEXTS["README.md"]
    assert terminal_picture.picture() == file.read_text(encoding="utf-8")


# --- the front page


@pytest.mark.parametrize("name", ["README.md", "README.zh-CN.md"])
def test_the_first_screen(name: str) -> None:
    """The picture, the command with its result, and both set-ups stand in the first 40 lines."""
    lines = TEXTS[name].splitlines()
    assert lines[0] == "[English](README.md) | [简体中文](README.zh-CN.md)"
    first = "\n".join(lines[:40])
    for picture in ("docs/add.svg", "docs/yolov5s_SimAM_C3.svg", "docs/yolov5s_SimAM_C3-dark.svg"):
        assert f'"{picture}"' in first
    for command in SET_UP:
        assert f"\n$ {command}\n" in first


def test_the_readme_is_short() -> None:
    assert len(TEXTS["README.md"].splitlines()) <= 150


SET_UP = ("pip install . && yamlinject add SimAM --after SPPF", 'pip install -e ".[test]" && pytest')


def test_the_readmes_test_command_is_what_has_to_pass() -> None:
    assert f"\n{SET_UP[1]} || exit 1\n" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


# --- two languages

CHINESE = [name for name in TEXTS if name.endswith(".zh.md")]
FENCE = re.compile(r"^(`{3,})(.*?)^\1$", re.M | re.S)

#: Of docstrings.
GENERATED = "docs/reference.md"


def test_every_page_is_there_in_chinese_and_its_title_in_the_navigation_too() -> None:
    english = {name for name in TEXTS if name.startswith("docs/")} - {*CHINESE, GENERATED}
    assert set(CHINESE) == {name.replace(".md", ".zh.md") for name in english}
    site = (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8")
    translated = re.findall(r"^ {12}(\w[\w ]*): ", site.partition(" nav_translations:\n")[2], re.M)
    titles = re.findall(r"^  - (.+): \S+\.md$", site.partition("\nnav:\n")[2], re.M)
    assert len(titles) > 15
    assert translated == titles


@pytest.mark.parametrize("name", CHINESE)
def test_a_chinese_page_has_the_parts_of_the_english_one(name: str) -> None:
    """Its headings, and its blocks but for consoles: of those it may have its own, which are run."""

    def parts(text: str) -> tuple[list[str], list[str]]:
        blocks = [block for _, block in FENCE.findall(text) if not block.startswith("console\n")]
        return re.findall(r"^(#+) ", FENCE.sub("", text), re.M), blocks

    assert parts(TEXTS[name]) == parts(TEXTS[name.replace(".zh.md", ".md")])


@pytest.mark.parametrize("name", CHINESE)
def test_a_chinese_page_names_what_the_english_one_does(name: str) -> None:
    """All commands, options and numbers of its text, so that a change of them is made in both."""

    def named(text: str) -> set[str]:
        prose = re.sub(r"^#+ .*", "", FENCE.sub("", text), flags=re.M)
        return {*re.findall(r"`([^`\n]+)`", prose), *re.findall(r"\d+(?:[.,]\d+)*", prose)}

    assert named(TEXTS[name.replace(".zh.md", ".md")]) - named(TEXTS[name]) == set()


@pytest.mark.parametrize("name", [*CHINESE, "README.zh-CN.md"])
def test_a_chinese_page_leads_to_chinese_ones(name: str) -> None:
    for link in re.findall(r"\]\(([\w/.-]+)\.md[#)]", TEXTS[name]):
        if not link.endswith((".zh", ".zh-CN")):
            assert not (REPOSITORY / name).parent.joinpath(f"{link}.zh.md").exists(), link


def test_the_chinese_page_on_check_names_every_rule() -> None:
    """An error in bold, as the page says."""
    row = re.compile(r"^\| (\*\*)?\[(YI\d+)\]\(\.\./templates/rules/\2\.md\)", re.M)
    rows = row.findall(TEXTS["docs/check.zh.md"])
    assert {code: "error" if bold else "warning" for bold, code in rows} == {
        code: rule.severity for code, rule in RULES.items()
    }


# --- links


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and the site make them."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S)
    titles = re.findall(r"^#+ +(.+)$", prose, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", list(TEXTS))
def test_links_lead_somewhere(name: str) -> None:
    """To files of the repository, and to headings in them; those to the web are absolute."""
    prose = re.sub(r"^```.*?^```$|`[^`\n]*`", "", TEXTS[name], flags=re.M | re.S)
    links = re.findall(r"\]\(([^)\s]+)[^)]*\)", prose)
    links += re.findall(r"(?:src|srcset|href)=\"([^\"]+)\"", prose)
    for link in links:
        if link.startswith(("https://", "http://")):
            continue
        file, _, anchor = link.partition("#")
        target = (REPOSITORY / name).parent / file if file else REPOSITORY / name
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link
