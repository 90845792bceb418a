"""Provenance lines from a pull request: they can say anything, and must lead nowhere."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import EXHAUSTIVE
from yamlinject import Config, RefusalError, SelectorError, load
from yamlinject.cli.app import run
from yamlinject.core import provenance
from yamlinject.core.request import Request
from yamlinject.errors import YamlInjectError
from yamlinject.lineage import recorded
from yamlinject.lineage.resolve import resolve

BASE = """\
nc: 3
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Conv, [32, 3, 2]]
  - [[1, 2], 1, Detect, [nc]]
"""
SECRET = BASE.replace("nc: 3", "password: hunter2\nnc: 3")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the current folder."""
    folder = tmp_path / "repo"
    (folder / ".git").mkdir(parents=True)
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder)
    return folder


def made_from(base: str, edited: bool = False) -> str:
    """A config whose line says that it was made from ``base``."""
    text = Config(base, BASE.encode()).add("SimAM", after="1").text
    return text.replace("Conv, [16, 3", "Conv, [24, 3") if edited else text


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = run(["check", *arguments])
    told = capsys.readouterr()
    return code, told.out + told.err


def name_outside(repo: Path, way: str) -> str:
    """A path out of the repository to ``secret.yaml``, which need not be there."""
    if way == "absolute":
        return str(repo.parent / "secret.yaml")
    if way == "link":
        (repo / "link.yaml").symlink_to("../secret.yaml")
        return "link.yaml"
    if way == "link-without-ending":
        (repo / "link").symlink_to("../secret.yaml")
        return "link"
    if way == "folder-link":
        (repo / "folder").symlink_to("..")
        return "folder/secret.yaml"
    return way


WAYS = ["../secret.yaml", "sub/../../secret.yaml", "absolute", "link", "link-without-ending", "folder-link"]


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_no_path_out_of_the_repository(
    repo: Path, capsys: pytest.CaptureFixture[str], way: str, edited: bool
) -> None:
    """Not even whether such a file exists can be found out."""
    base = name_outside(repo, way)
    Path("x.yaml").write_text(made_from(base, edited))
    absent = said(capsys, "x.yaml")
    Path("../secret.yaml").write_text(SECRET)
    assert said(capsys, "x.yaml") == absent
    code, text = absent
    assert code == 1
    assert f"YI601 error: its base {base} is outside this repository and is not read" in text
    assert "hunter2" not in text
    assert ("YI603" in text) == edited


def test_an_absolute_path_may_be_in_the_repository_of_either(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the current folder, or of the config."""
    Path("base.yaml").write_text(BASE)
    Path("../elsewhere").mkdir()
    Path("../elsewhere/x.yaml").write_text(made_from(str(repo / "base.yaml")))
    assert said(capsys, "../elsewhere/x.yaml") == (0, "Checked 1 file: nothing found\n")
    assert said(capsys, "../elsewhere/x.yaml", "--no-base")[0] == 0


@pytest.mark.parametrize(
    "way", ["../secret.yaml", "sub/../../secret.yaml", "absolute", "sub/up/secret.yaml"]
)
def test_no_path_out_of_the_folder_where_there_is_no_repository(
    repo: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    (repo / ".git").rmdir()
    (repo / "sub" / "up").symlink_to("../..")
    Path("x.yaml").write_text(made_from(name_outside(repo, way)))
    absent = said(capsys, "x.yaml")
    Path("../secret.yaml").write_text(SECRET)
    assert said(capsys, "x.yaml") == absent
    assert absent[0] == 1
    assert "is outside this repository and is not read" in absent[1]
    assert run(["show", "x.yaml"]) == run(["remove", "SimAM", "x.yaml", "-o", "-"]) == 0
    told = capsys.readouterr()
    assert "hunter2" not in told.out + told.err


@pytest.mark.parametrize("way", WAYS)
def test_no_path_out_of_the_repository_for_verify(repo: Path, way: str) -> None:
    Path("../secret.yaml").write_text(SECRET)
    Path("x.yaml").write_text(made_from(name_outside(repo, way), edited=True))
    assert resolve(load("x.yaml")).reference is None


@pytest.mark.parametrize("way", ["../secret.yaml", "absolute", "link"])
def test_a_base_that_the_user_names_may_be_anywhere(
    repo: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    base = name_outside(repo, way)
    Path("../secret.yaml").write_text(BASE)
    Path("x.yaml").write_text(made_from(base))
    assert said(capsys, "x.yaml", "--base", "../secret.yaml")[0] == 0
    Path("../secret.yaml").write_text(BASE.replace("nc: 3", "nc: 30"))
    code, text = said(capsys, "x.yaml", "--base", "../secret.yaml")
    assert code == 1
    assert "YI602" in text


@pytest.mark.parametrize("base", ["../base.yaml", "base.yaml", "../sub/../base.yaml"])
def test_paths_inside_are_read(repo: Path, capsys: pytest.CaptureFixture[str], base: str) -> None:
    Path("base.yaml").write_text(BASE)
    Path("sub/x.yaml").write_text(made_from(base))
    assert said(capsys, "sub")[0] == 0
    Path("base.yaml").write_text(BASE.replace("nc: 3", "nc: 30"))
    code, text = said(capsys, "sub")
    assert code == 1
    assert f"YI602 error: its base {base} has changed since" in text


@pytest.mark.parametrize(
    "base", [".git/config", "sub/../.git/config", "../repo/.git/x.yaml", ".GIT/config", "sub/../.Git/x"]
)
def test_files_of_git_are_outside(repo: Path, capsys: pytest.CaptureFixture[str], base: str) -> None:
    """Checkouts of CI keep a token there."""
    Path(".git/config").write_text("[http]\n\textraheader = AUTHORIZATION: basic secret\n")
    Path("x.yaml").write_text(made_from(base))
    code, text = said(capsys, "x.yaml")
    assert code == 1
    assert f"its base {base} is outside this repository and is not read" in text
    assert "found character" not in text


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"])
def test_a_line_ends_where_yaml_ends_it(char: str) -> None:
    """What follows there is read by frameworks, so it is no comment."""
    text = made_from("base.yaml").replace("add SimAM base.yaml", f"add SimAM 'b{char}nc: 7 #.yaml'")
    assert provenance.read(text) == []


def test_many_commands_on_a_large_file_take_no_time_of_theirs(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is undone to reach the one before, and no more text is read than that."""
    config = Config("-", BASE.encode())
    for _ in range(4):
        config = Config("-", config.add("SimAM", after="1").to_bytes())
    Path("x.yaml").write_bytes(config.to_bytes())
    assert said(capsys, "x.yaml")[0] == 0
    undone: list[str] = []
    remove = Config.remove

    def counted(self: Config, module: str, *, proven: bool = True) -> object:
        undone.append(module)
        return remove(self, module, proven=proven)

    monkeypatch.setattr(Config, "remove", counted)
    assert said(capsys, "x.yaml")[0] == 0
    assert len(undone) == 4
    undone.clear()
    monkeypatch.setattr(recorded, "_MOST_TEXT", 400)
    assert said(capsys, "x.yaml")[0] == 0
    assert len(undone) == 2  # of which the texts below have more than 500 characters


@pytest.mark.parametrize("edited", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        "weights evil.pt yolov5s.yaml -o out.pt --trust --after 1",
        "run evil.py --after 1",
        "register .. --after 1",
        "add SimAM x --trust",
        "add --trust x --after 1",
        "add SimAM '$(touch x)' --after '$(touch x)'",
    ],
)
def test_hints_repeat_no_other_command(
    repo: Path, capsys: pytest.CaptureFixture[str], command: str, edited: bool
) -> None:
    text = made_from("base.yaml", edited).replace("add SimAM base.yaml --after 1", command)
    assert command in text
    Path("x.yaml").write_text(text)
    code, told = said(capsys, "x.yaml")
    assert code == 1
    assert "YI603 error: the line that says how it was generated was edited: it cannot be read" in told
    hints = [line for line in told.splitlines() if "hint" in line]
    assert hints == ["      = hint: undo the edit, or delete the line"]


@pytest.mark.parametrize(
    "line", ["# Generated by yamlinject 0.1.0: run evil.py", "# Generated by yamlinject "]
)
def test_remove_does_not_guess_at_a_line_that_it_cannot_read(line: str) -> None:
    text = made_from("base.yaml").split("\n", 1)[1]
    with pytest.raises(RefusalError, match=r"^x\.yaml:1:1: its line '# yamlinject' cannot be read"):
        Config("x.yaml", f"{line}\n{text}".encode()).remove("SimAM")


def test_a_line_below_one_that_cannot_be_read_says_nothing() -> None:
    """It refers to a numbering that cannot be restored."""
    text = "# Generated by yamlinject 0.1.0: edited\n" + made_from("base.yaml")
    assert provenance.read(text) == []
    assert provenance.damaged(text) == 0


# --- how much a line may say


def test_the_most_selectors() -> None:
    most = Request("SimAM", "b", tuple(["0,1"] * 100))
    assert Request.from_words(most.to_words()) == most
    with pytest.raises(SelectorError, match="201 selectors: give at most 200"):
        Request.from_words((*most.to_words(), "--after", "0"))
    with pytest.raises(SelectorError, match="201 selectors: give at most 200"):
        load("yolov5s").add("SimAM", [*most.after, "0"])


def test_the_most_lines() -> None:
    line = made_from("base.yaml").split("\n", 1)[0] + "\n"
    assert len(provenance.read(line * 50)) == 50
    assert provenance.damaged(line * 50) is None
    assert len(provenance.read(line * 60)) == 50
    assert provenance.damaged(line * 60) == 50 * len(line)


LONG = {
    "words": "--after 1 " + "--after 1 " * 40_000,
    "readers": "--after 1 " + "--readers 1 " * 35_000,
    "selectors": "--after " + "1," * 200_000 + "1",
    "args": "--after 1 --args '[" + "1, " * 130_000 + "1]'",
    "nested-args": "--after 1 --args '" + "[" * 200_000 + "]" * 200_000 + "'",
    "quotations": "--after 1 --args " + "'\"'" * 130_000,
    "escapes": "--after 1 --args $'" + "\\x31" * 90_000 + "'",
    "brackets": "--after 1 " + "(at 2" * 70_000,
}


#: One in two in each run.
PARTS = [*LONG, "base", "dots", "version", "layers", "comments"][:: 1 if EXHAUSTIVE else 2]


@pytest.mark.parametrize("what", PARTS)
def test_a_line_of_400_kb(repo: Path, capsys: pytest.CaptureFixture[str], what: str) -> None:
    """It is told in no time, and no command goes by it."""
    text = made_from("base.yaml")
    for old, new in {
        "--after 1": LONG.get(what, "--after 1"),
        "base.yaml": {"base": "a/" * 200_000, "dots": "../" * 130_000}.get(what, "base.yaml"),
        "yamlinject 0": "yamlinject 0" + "9" * 400_000 * (what == "version"),
        "(at 2": "(at 2" + ",".join(map(str, range(2, 70_000)))[1:] * (what == "layers"),
        "; base": "; comments " + "1=1," * 100_000 + "1=1; base" if what == "comments" else "; base",
    }.items():
        assert old in text
        text = text.replace(old, new, 1)
    assert len(text) > 350_000
    Path("x.yaml").write_text(text)
    started = time.process_time()
    code, told = said(capsys, "x.yaml")
    assert code == 1
    assert "x.yaml:1:1: YI603 error: " in told
    assert len(told) < 5000
    assert run(["show", "x.yaml"]) == 0
    assert run(["remove", "SimAM", "x.yaml", "-o", "-"]) == 2
    assert time.process_time() - started < 5


def test_lines_that_end_in_the_first_64_kib_and_no_others() -> None:
    line = made_from("base.yaml").split("\n", 1)[0] + "\n"
    for above, found in ((2**16 - len(line) - 2, 1), (2**16 - len(line) - 1, 0)):
        text = "#" + "x" * above + "\n" + line
        assert len(provenance.read(text)) == found
        assert provenance.damaged(text) == (None if found else above + 2)


def test_no_more_selectors_than_layers() -> None:
    """Each picks one at least."""
    text = made_from("base.yaml")
    assert len(provenance.read(text)) == 1
    assert provenance.read(text.replace("--after 1 ", "--after 1,1 ")) == []


# --- what ends the first line


@pytest.mark.parametrize("rest", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("first", ["\x85", "\u2028", "\u2029"])
def test_the_line_breaks_of_yaml_1_1(repo: Path, first: str, rest: str) -> None:
    base = f"# mine{first}# for YAML 1.2, the same line\n{BASE}".replace("\n", rest).encode()
    made = Config("base.yaml", base).add("SimAM", after="1")
    ((line, start, end),) = provenance.read(made.text)
    assert made.text[start:end].endswith(f"){rest}")
    assert line.layers == (2,)
    assert made.remove("SimAM").to_bytes() == base
    assert Config("x.yaml", made.to_bytes()).remove("SimAM").exact

    Path("x.yaml").write_bytes(base)
    for _ in range(2):
        assert run(["add", "SimAM", "x.yaml", "--after", "1", "--in-place"]) == 0
        assert [layer.module for layer in load("x.yaml").layers].count("SimAM") == 1
    assert run(["remove", "SimAM", "x.yaml", "--in-place"]) == 0
    assert Path("x.yaml").read_bytes() == base


def test_a_base_without_line_breaks() -> None:
    base = b"{nc: 3, backbone: [[-1, 1, Conv, [16]], [-1, 1, Conv, [32]]], head: [[-1, 1, Detect, [nc]]]}"
    made = Config("base.yaml", base).add("SimAM", after="1")
    assert provenance.read(made.text)[0].end == made.text.index("{")
    assert made.remove("SimAM").to_bytes() == base


@pytest.mark.parametrize("name", ["-x.yaml", "--force", "--in-place=x.yaml"])
def test_a_base_that_is_named_like_an_option(name: str) -> None:
    made = Config(name, BASE.encode()).add("SimAM", after="1")
    ((line, _, _),) = provenance.read(made.text)
    assert line.request.base == f"./{name}"
    assert made.remove("SimAM").exact


def test_what_could_not_be_undone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A number of ten digits is none that a provenance line can have."""
    with pytest.raises(
        YamlInjectError, match=r"^base\.yaml:4:5: SimAM cannot be inserted so that remove restores"
    ):
        Config("base.yaml", BASE.encode()).add("SimAM", after="1", number=10**9)
    assert load("yolov5s").add("SimAM", after="SPPF", number=10**9 - 1).remove("SimAM").exact
