"""What the program prints: tables, diffs, help, colours, and what the shell completes."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import ADD, BAD, CONTROLS, TWO_INPUTS, process, process_here
from yamlinject import __version__
from yamlinject.cli.app import app

BASE = "# two classes\n" + TWO_INPUTS.replace("C3", "Stage")


def run_in_terminal(folder: Path, *arguments: str, **environment: Any) -> str:
    """What a terminal shows that is standard output and error."""
    done = process_here(folder, *arguments, terminal="stdout stderr", **environment)
    finds = arguments[0] == "check" or "--check" in arguments
    assert done.returncode in ((0, 1) if finds else (0,)), done
    return done.stdout.decode()


def run_in_real_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """The same with a pseudo-terminal, of a process of its own."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in CONTROLS}
    running = subprocess.Popen(
        [sys.executable, "-m", "yamlinject", *arguments],
        cwd=folder,
        env={**kept, "TERM": "xterm-256color", **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    try:
        while part := os.read(ours, 65536):
            output += part
    except OSError:  # how Linux says that the other end was closed
        pass
    os.close(ours)
    running.wait()
    return output.decode().replace("\r\n", "\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.yaml").write_bytes(BASE.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["show", "yolov5s"], {"COLUMNS": "60"}),
        ([*ADD, "--diff"], {}),
        ([*ADD], {"NO_COLOR": "1", "COLUMNS": "40"}),
        (["check", "bad.yaml"], {"TERM": "dumb"}),
    ],
)
@pytest.mark.usefixtures("as_installed")
def test_a_real_terminal_shows_the_same(
    folder: Path, arguments: list[str], environment: dict[str, str]
) -> None:
    """So the other tests may do without one."""
    (folder / "bad.yaml").write_text(BAD)
    shown = run_in_terminal(folder, *arguments, **environment)
    (folder / "base_SimAM.yaml").unlink(missing_ok=True)
    assert run_in_real_terminal(folder, *arguments, **environment) == shown != ""


def table(output: str) -> dict[str, list[str]]:
    """The rows of ``show`` by their first column; cells are two spaces or more apart."""
    rows = (re.split(r"\s{2,}", line.strip()) for line in output.splitlines())
    return {row[0]: row[1:] for row in rows if re.fullmatch(r"([+~] )?\d+", row[0])}


def test_show(folder: Path) -> None:
    process_here(folder, "add", "SimAM", "--after", "SPPF")
    done = process_here(folder, "show", "yolov5s_SimAM.yaml")
    assert (done.returncode, done.stderr) == (0, b"")
    rows = table(done.stdout.decode())
    assert len(rows) == 26
    # from as written, number, module, args, stride, nominal channels: counted by hand
    assert rows["0"] == ["-1", "1", "Conv", "[64, 6, 2, 2]", "2", "64"]
    assert rows["6"] == ["-1", "9", "C3", "[512]", "16", "512"]
    assert rows["9"] == ["-1", "1", "SPPF", "[1024, 5]", "32", "1024"]
    assert rows["+ 10"] == ["-1", "1", "SimAM", "[1024]", "32", "1024"]
    assert rows["12"] == ["-1", "1", "nn.Upsample", "[None, 2, nearest]", "16", "512"]
    assert rows["13"] == ["[-1, 6]", "1", "Concat", "[1]", "16", "1024"]
    assert rows["~ 20"] == ["[-1, 15]", "1", "Concat", "[1]", "16", "512"]
    assert rows["24"] == ["-1", "3", "C3", "[1024, False]", "32", "1024"]
    assert rows["~ 25"] == ["[18, 21, 24]", "1", "Detect", "[nc, anchors]"]


def test_show_marks_the_rows_that_were_rewired(folder: Path) -> None:
    """Those whose numbers `add` said that it changed, and no row of a file without a provenance line."""
    process_here(folder, "add", "SimAM", "--after", "C3")
    output = process_here(folder, "show", "yolov5s_SimAM.yaml").stdout.decode()
    assert [index for index in table(output) if index[0] == "~"] == ["~ 16", "~ 20", "~ 23", "~ 26", "~ 28"]
    assert output.endswith(
        "+ injected by yamlinject\n~ rewired: its 'from' has other numbers than before the insertion\n"
    )
    process_here(folder, "add", "SimAM", "--after", "C3", "--no-provenance", "-o", "x.yaml")
    assert "~" not in process_here(folder, "show", "x.yaml").stdout.decode()


def test_show_of_a_file_whose_line_does_not_fit_marks_no_rewired_row(folder: Path) -> None:
    process_here(folder, *ADD, "--in-place")
    text = (folder / "base.yaml").read_text()
    (folder / "base.yaml").write_text(text.replace("SimAM, [16]", "SE, [16]"))
    done = process_here(folder, "show", "base.yaml")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "~" not in done.stdout.decode()


@pytest.mark.parametrize(
    ("from_", "shown"),
    [("-1", "-1"), ("[-1, 1]", "[-1, 1]"), ("2", "2"), ("-2", "-2 = 1"), ("[-1, -3]", "[-1, -3] = 2, 0")],
)
def test_show_counts_for_the_reader_what_goes_back_by_more_than_one(
    folder: Path, from_: str, shown: str
) -> None:
    (folder / "base.yaml").write_text(BASE.replace("[[-1, 1], 1, Concat", f"[{from_}, 1, Concat"))
    assert table(process_here(folder, "show", "base.yaml").stdout.decode())["3"][0] == shown


def test_nothing_is_padded_or_broken_in_a_pipe(folder: Path) -> None:
    lines = process_here(folder, "show", "yolov5s").stdout.decode().splitlines()
    assert lines == [line.rstrip() for line in lines]
    assert max(map(len, lines)) == 78  # as wide as its rows are
    assert sum("Detect" in line for line in lines) == 1


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_show_loses_nothing_in_a_terminal(folder: Path, columns: int) -> None:
    output = run_in_terminal(folder, "show", "yolov5s", COLUMNS=str(columns), NO_COLOR="1")
    lines = output.splitlines()
    if columns >= 80:
        assert all(len(line) <= columns for line in lines)
        assert sum("nn.Upsample  [None, 2, nearest]" in line for line in lines) == 2
    words = output.split()
    assert {"index", "from", "number", "module", "args", "stride", "nominal", "channels"} <= set(words)
    # every cell is there, if folded: all args of the rows, and the inputs of Detect
    assert words.count("nearest]") == 2
    assert words.count("[17,") == words.count("anchors]") == 1
    assert "\u2026" not in output  # an ellipsis would mean that something was cut


def test_a_picture_of_characters_in_a_terminal(folder: Path) -> None:
    shown = run_in_terminal(folder, "draw", "base.yaml")
    assert re.search(r"│ +0 Conv .*│", shown)
    assert "SPPF" in shown
    assert not (folder / "base.svg").exists()


def test_text_is_broken_between_words_in_a_terminal(folder: Path) -> None:
    arguments = ("add", "SimAM", "base.yaml", "--after", "SPPF,Stage,0,1,2", "--scope", "all", "--check")
    plain = process_here(folder, *arguments).stderr.decode()
    shown = run_in_terminal(folder, *arguments, COLUMNS="40", NO_COLOR="1")
    assert max(map(len, shown.splitlines())) <= 40 < max(map(len, plain.splitlines()))
    assert shown.split() == plain.split()
    label = next(line for line in shown.splitlines() if line.startswith("note"))
    below = shown.splitlines()[shown.splitlines().index(label) + 1]
    assert below[:10] == " " * 10 != below[10:11]


def test_show_has_headings_and_sections(folder: Path) -> None:
    output = process_here(folder, "show", "base.yaml").stdout.decode()
    headings = next(line for line in output.splitlines() if "index" in line).split()
    assert {"index", "from", "number", "module", "args", "stride", "channels"} <= set(headings)
    words = [line.strip() for line in output.splitlines()]
    assert words.index("backbone") < words.index("head")
    assert "+" not in output  # nothing was injected


def test_show_marks_every_injected_row_of_several_runs(folder: Path) -> None:
    process_here(folder, *ADD, "--in-place")
    process_here(folder, "add", "SimAM", "base.yaml", "--after", "0", "--in-place")
    rows = table(process_here(folder, "show", "base.yaml").stdout.decode())
    assert [index for index in rows if index.startswith("+")] == ["+ 1", "+ 4"]


def test_show_does_not_read_markup(folder: Path) -> None:
    (folder / "base.yaml").write_text(BASE.replace("[16, 5]", "['[red]x[/red]']"))
    assert "[red]x[/red]" in process_here(folder, "show", "base.yaml").stdout.decode()


@pytest.mark.parametrize(
    "row",
    ["Contract, [x]", "Expand, [0]", "nn.Upsample, [None, None, n]", f"Conv, [16, 3, {'9' * 4000}]"],
    ids=["text", "zero", "none", "huge"],
)
def test_show_leaves_open_what_odd_args_do_not_tell(folder: Path, row: str) -> None:
    (folder / "base.yaml").write_text(BASE.replace("SPPF, [16, 5]", row))
    done = process_here(folder, "show", "base.yaml")
    assert (done.returncode, done.stderr) == (0, b"")
    assert row.partition(",")[0] in done.stdout.decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [pytest.param(b"\n", b"\r\n", id="crlf"), pytest.param(b"two classes", b"\xb2\xe2\xca\xd4", id="gbk")],
)
def test_diff_keeps_the_bytes_that_patch_needs(folder: Path, old: bytes, new: bytes) -> None:
    (folder / "base.yaml").write_bytes(BASE.encode().replace(old, new))
    done = process_here(folder, *ADD, "--diff")
    assert done.returncode == 0
    for line in (
        b" # two classes\n",
        b"+  - [-1, 1, SimAM, [16]]  # 3\n",
        b"-  - [-1, 1, Stage, [32]]  # 4\n",
    ):
        assert line.replace(old, new) in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param([*ADD, "--diff"], 0, id="diff"),
        pytest.param([*ADD, "-o", "-"], 0, id="add"),
        pytest.param(["show", "base.yaml"], 0, id="show"),
        pytest.param(["show", "nowhere.yaml"], 2, id="error"),
        pytest.param(["add", "--help"], 0, id="help"),
    ],
)
def test_no_escape_codes_without_a_terminal(folder: Path, arguments: list[str], code: int) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in CONTROLS}
    if "--help" in arguments:  # typer has read in which terminal the tests run
        done = process(folder, *arguments, env={**environment, "TERM": "xterm-256color"})
    else:
        done = process_here(folder, *arguments, TERM="xterm-256color")
    assert done.returncode == code
    assert done.stdout + done.stderr
    assert b"\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        pytest.param([*ADD, "--diff"], "32", "+  - [-1, 1, SimAM, [16]]  # 3", id="diff-plus-green"),
        pytest.param([*ADD, "--diff"], "31", "-  - [-1, 1, Stage, [32]]  # 4", id="diff-minus-red"),
        pytest.param([*ADD], "1", "inserted  ", id="summary-bold"),
    ],
)
def test_colours_in_a_terminal(folder: Path, arguments: list[str], code: str, text: str) -> None:
    assert f"\x1b[{code}m{text}\x1b[0m" in run_in_terminal(folder, *arguments)


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["NO_COLOR", "TERM=dumb"])
@pytest.mark.parametrize("arguments", [[*ADD, "--diff"], ["show", "base.yaml"]], ids=["diff", "show"])
def test_a_terminal_without_colours(folder: Path, arguments: list[str], setting: dict[str, str]) -> None:
    output = run_in_terminal(folder, *arguments, **setting)
    assert "SPPF" in output
    assert "\x1b" not in output


def test_injected_rows_are_coloured_in_show(folder: Path) -> None:
    process_here(folder, *ADD)
    output = run_in_terminal(folder, "show", "base_SimAM.yaml", COLUMNS="120")
    marked = next(line for line in output.splitlines() if "SimAM" in line and ".yaml" not in line)
    assert "\x1b[32m" in marked


def test_version(folder: Path) -> None:
    done = process(folder, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"yamlinject {__version__}\n".encode(), b"")


def test_without_a_command_there_is_help_and_no_error_line(folder: Path) -> None:
    done = process_here(folder)
    assert b"add SimAM --after SPPF" in done.stdout + done.stderr
    assert b"error" not in done.stdout + done.stderr


def help_of(folder: Path, *command: str) -> str:
    done = process_here(folder, *command, "--help")
    assert done.returncode == 0
    plain = re.sub(
        r"\x1b\[[0-9;]*m", "", done.stdout.decode()
    )  # typer has read in which terminal the tests run
    return " ".join(plain.replace("│", " ").split())


def test_every_command_has_an_example_that_works(folder: Path) -> None:
    """In the order of the commands, as one may need what the one before it wrote."""
    program = app()
    names = [str(info.name) for info in program.registered_commands]
    for group in program.registered_groups:
        assert group.typer_instance
        names += [f"{group.name} {info.name}" for info in group.typer_instance.registered_commands]
    others = {
        "show",
        "draw",
        "explain",
        "check",
        "rule",
        "verify",
        "run",
        "weights",
        "register",
        "bases",
        "module",
    }
    assert {"add", "replace", "remove", "undo", *others} == {name for name in names if " " not in name}
    for name in names:
        example = re.search(rf"Example: yamlinject ({name}\b.*)", help_of(folder, *name.split()))
        assert example, f"{name} --help has no example"
        if " " in name or name in {
            "verify",
            "run",
            "register",
            "weights",
        }:  # these need a framework, and have their own tests
            continue
        assert process_here(folder, *example[1].split()).returncode == 0, example[1]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        pytest.param("add", "the word channels", id="option"),
        pytest.param("add", "a path, - or a name", id="argument-base"),
        pytest.param("add", "Name of the module", id="argument-module"),
        pytest.param("show", "A path, - or a name", id="argument-config"),
    ],
)
def test_help_tells(folder: Path, command: str, text: str) -> None:
    assert text in help_of(folder, command)


#: What the ultralytics package ships of YOLO11 besides detection.
TASKS = ("cls", "obb", "pose", "seg")


def complete(folder: Path, line: str) -> list[str]:
    """What bash offers for the last word of ``line``, by the protocol of its completion script."""
    words = shlex.split(line) + [""] * line.endswith(" ")
    done = process_here(
        folder,
        _YAMLINJECT_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(len(words) - 1),
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("yamlinject add SimAM --after SP", ["SPPF"], id="module-of-default-base"),
        pytest.param("yamlinject add SimAM --after C3,SP", ["C3,SPPF"], id="behind-a-comma"),
        pytest.param("yamlinject add SimAM --after dete", ["detect-inputs"], id="detect-inputs"),
        pytest.param(
            "yamlinject add SimAM base.yaml --after S", ["SPPF", "Stage"], id="module-of-that-base"
        ),
        pytest.param("yamlinject add SimAM base.yaml --after SPPF,St", ["SPPF,Stage"], id="both"),
        pytest.param("yamlinject add SimAM nowhere.yaml --after S", [], id="unreadable-base"),
        pytest.param("yamlinject add Sim", ["SimAM"], id="recipe"),
        pytest.param("yamlinject add C", ["CBAM", "CoordAtt"], id="what-is-inserted"),
        pytest.param("yamlinject replace C", ["CARAFE", "CBAM", "CoordAtt"], id="what-replaces"),
        pytest.param("yamlinject module B", ["BRA", "BiFPN_Concat"], id="what-is-explained"),
        pytest.param("yamlinject register B", ["BRA", "BiFPN_Concat"], id="what-is-registered"),
        pytest.param("yamlinject add SimAM bas", ["base.yaml"], id="base-file"),
        pytest.param("yamlinject show bas", ["base.yaml"], id="config-file"),
        pytest.param("yamlinject add SimAM --after SPPF --scope h", ["head"], id="scope"),
        pytest.param(
            "yamlinject add SimAM --after head/C", ["head/C3", "head/Concat", "head/Conv"], id="in-scope"
        ),
        pytest.param(
            "yamlinject add Odd base.yaml --args '[channels, 8]' --after S",
            ["SPPF", "Stage"],
            id="quoted-args",
        ),
        pytest.param(
            "yamlinject show yolo11n-",
            [f"yolo11n-{t}" for t in TASKS],
            id="scaled-names",
            marks=pytest.mark.framework,
        ),
        pytest.param("yamlinject show /etc/hos*", [], id="glob-characters"),
    ],
)
def test_completion(folder: Path, line: str, offered: list[str]) -> None:
    assert sorted(complete(folder, line)) == offered


def test_completion_of_folders(folder: Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / "mine.yaml").write_text(BASE)
    assert complete(folder, "yamlinject show mod") == ["models/"]
    assert complete(folder, "yamlinject show models/m") == ["models/mine.yaml"]
    assert complete(folder, f"yamlinject show {folder}/bas") == [f"{folder}/base.yaml"]


def test_completion_of_what_register_takes(folder: Path) -> None:
    (folder / "yolov5").mkdir()
    (folder / "Simple").mkdir()
    assert complete(folder, "yamlinject register SimA") == ["SimAM"]
    assert complete(folder, "yamlinject register Sim") == ["SimAM", "Simple/"]
    assert complete(folder, "yamlinject register SimAM yo") == ["yolov5/"]
    assert complete(folder, "yamlinject register SimAM bas") == []  # a file is no checkout


def test_a_command_to_copy_is_never_broken(folder: Path) -> None:
    shown = run_in_terminal(folder, *ADD, COLUMNS="40", NO_COLOR="1")
    plain = process_here(folder, *ADD, "--force").stderr.decode()
    last = plain.splitlines()[-1]
    assert last.startswith("next      yamlinject ")
    assert len(last) > 40
    assert shown.splitlines()[-1] == last


def test_completion_of_base_names(folder: Path) -> None:
    offered = complete(folder, "yamlinject add SimAM yolov5")
    assert {"yolov5n", "yolov5s", "yolov5m", "yolov5l", "yolov5x"} <= set(offered)
    assert all(name.startswith("yolov5") for name in offered)


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_of_rules_fits_a_terminal(folder: Path, columns: int) -> None:
    shown = run_in_terminal(folder, "rule", COLUMNS=str(columns), NO_COLOR="1")
    assert max(map(len, shown.splitlines())) <= columns
    assert shown.split() == process_here(folder, "rule").stdout.decode().split()


def test_the_list_of_rules_is_a_line_for_each_in_a_pipe(folder: Path) -> None:
    lines = process_here(folder, "rule").stdout.decode().splitlines()
    assert all(re.match(r"YI\d{3} ", line) and line == line.rstrip() for line in lines)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_findings_fit_a_terminal(folder: Path, columns: int) -> None:
    """The lines of the config are cut to fit, and the rest is broken between words."""
    process_here(folder, "add", "SimAM", "--after", "SPPF", "--no-provenance", "-o", "x.yaml")
    text = (folder / "x.yaml").read_text().replace("[18, 21, 24]", "[17, 20, 23]")
    (folder / "x.yaml").write_text(text.replace("[nc, anchors]],", f"[nc, anchors]],  # {'far ' * 40}"))
    shown = run_in_terminal(folder, "check", "x.yaml", COLUMNS=str(columns), NO_COLOR="1")
    lines = [line for line in shown.splitlines() if not line.startswith("next ")]  # to be copied whole
    assert max(map(len, lines)) <= columns
    assert shown.count("YI301 error: ") == 3
    assert "…" in shown
