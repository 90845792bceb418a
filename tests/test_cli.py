"""The commands ``add`` and ``remove`` as a user meets them: files, streams, exit codes."""

from __future__ import annotations

import hashlib
import io
import re
import stat
import sys
from pathlib import Path

import pytest

from tests.support import ADD, TWO_INPUTS, Cli
from yamlinject.cli.app import run

BASE = "# two classes\n" + TWO_INPUTS

# what `add SimAM --after SPPF` makes of it, by hand; the provenance line comes before it
AFTER_SPPF = """\
# two classes
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]  # 0
  - [-1, 1, C3, [16]]  # 1
  - [-1, 1, SPPF, [16, 5]]  # 2
  - [-1, 1, SimAM, [16]]  # 3
head:
  - [[-1, 1], 1, Concat, [1]]  # 4
  - [-1, 1, C3, [32]]  # 5
  - [[1, 5], 1, Detect, [nc, anchors]]  # 6
"""


@pytest.fixture(autouse=True)
def _base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_bytes(BASE.encode())


def files() -> set[str]:
    return {path.name for path in Path().iterdir()} - {"base.yaml"}


def body(text: str) -> str:
    """The text below the provenance line, which has to be there."""
    first, _, rest = text.partition("\n")
    assert first.startswith("# yamlinject ")
    return rest


def apply_diff(base: str, diff: str) -> str:
    """A small ``patch``: apply a unified diff, and require that its context is that of ``base``."""
    old, new, position = base.splitlines(), [], 0
    lines = diff.splitlines()
    assert lines[0].startswith("--- ")
    assert lines[1].startswith("+++ ")
    for line in lines[2:]:
        hunk = re.match(r"@@ -(\d+)", line)
        if hunk:
            start = int(hunk[1]) - 1
            new += old[position:start]
            position = start
        elif line[0] == "+":
            new.append(line[1:])
        else:
            assert old[position] == line[1:]
            new += [line[1:]] if line[0] == " " else []
            position += 1
    return "\n".join(new + old[position:]) + "\n"


def test_the_main_job_and_again(cli: Cli) -> None:
    assert cli("add", "SimAM", "--after", "SPPF").code == 0
    assert files() == {"yolov5s_SimAM.yaml"}
    written = Path("yolov5s_SimAM.yaml").read_bytes()
    for row in (b"[-1, 1, SimAM, [1024]],  # 10\n", b"[[18, 21, 24], 1, Detect, [nc, anchors]]"):
        assert written.count(row) == 1, row
    again = cli("add", "SimAM", "--after", "SPPF")
    assert again.code == 0
    assert "unchanged" in again.err
    assert Path("yolov5s_SimAM.yaml").read_bytes() == written


def test_summary_goes_to_stderr(cli: Cli) -> None:
    result = cli("add", "SimAM", "--after", "SPPF")
    assert result.out == ""
    lines = [" ".join(line.split()) for line in result.err.splitlines()]
    assert lines == [
        "picked 9 SPPF (SPPF)",
        "inserted layer 10 [-1, 1, SimAM, [1024]]",
        "changed layer 19 (Concat): [-1, 14] -> [-1, 15] (now layer 20)",
        "changed layer 22 (Concat): [-1, 10] -> [-1, 11] (now layer 23)",
        "changed layer 24 (Detect): [17, 20, 23] -> [18, 21, 24] (now layer 25)",
        "wrote yolov5s_SimAM.yaml",
        "draw yamlinject draw yolov5s_SimAM.yaml",
        "next yamlinject verify yolov5s_SimAM.yaml",
    ]


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        pytest.param(["SimAM", "--after", "C3"], "1 more C3 outside this scope", id="elsewhere"),
        pytest.param(["SimAM", "--after", "C3"], "--after all/C3", id="how-to-reach-it"),
        pytest.param(
            ["Odd", "--after", "SPPF", "--args", "[]"],
            "Odd is assumed to keep the shape of its input",
            id="assumption",
        ),
        pytest.param(["SimAM", "--after", "2", "--after", "SPPF"], "picked 2 times", id="stacked"),
    ],
)
def test_notes(cli: Cli, arguments: list[str], fragment: str) -> None:
    module, *options = arguments
    result = cli("add", module, "base.yaml", *options)
    assert result.code == 0
    notes = [line for line in result.err.splitlines() if line.startswith("note")]
    assert any(fragment in note for note in notes), result.err


@pytest.mark.parametrize(
    "options",
    [
        ["--after", "backbone/C3"],
        ["--after", "head/C3"],
        ["--after", "C3", "--scope", "backbone"],
        ["--after", "C3", "--scope", "head"],
        ["--after", "backbone/C3@0", "--scope", "head"],
    ],
    ids=" ".join,
)
def test_what_is_outside_a_chosen_scope_is_no_news(cli: Cli, options: list[str]) -> None:
    result = cli("add", "SimAM", "base.yaml", *options)
    assert result.code == 0
    assert "outside" not in result.err


def test_another_file_in_the_way(cli: Cli) -> None:
    Path("base_SimAM.yaml").write_text("mine\n")
    refused = cli(*ADD)
    assert refused.code == 2
    assert "base_SimAM.yaml" in refused.err
    assert "--force" in refused.err
    assert Path("base_SimAM.yaml").read_text() == "mine\n"
    assert cli(*ADD, "--force").code == 0
    assert body(Path("base_SimAM.yaml").read_text()) == AFTER_SPPF


def test_output_file(cli: Cli) -> None:
    Path("sub").mkdir()
    assert cli(*ADD, "-o", "sub/out.yaml").code == 0
    assert files() == {"sub"}
    assert body(Path("sub/out.yaml").read_text()) == AFTER_SPPF


def test_output_to_stdout(cli: Cli) -> None:
    result = cli(*ADD, "--no-provenance", "--output", "-")
    assert (result.code, result.out) == (0, AFTER_SPPF)
    assert "inserted" in result.err
    assert files() == set()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_config_on_standard_output_has_its_own_line_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newline: str
) -> None:
    """Standard output of Windows writes every line feed as two characters."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_bytes(BASE.replace("\n", newline).encode())
    stdout = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stdout, encoding="utf-8", newline="\r\n"))
    assert run([*ADD, "--no-provenance", "-o", "-"]) == 0
    assert stdout.getvalue() == AFTER_SPPF.replace("\n", newline).encode()


@pytest.mark.parametrize("output", [[], ["-o", "-"]])
def test_base_from_stdin_goes_to_stdout(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, output: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BASE.encode())))
    result = cli("add", "SimAM", "-", "--after", "SPPF", *output)
    assert (result.code, body(result.out)) == (0, AFTER_SPPF)
    assert files() == set()


def test_in_place_is_idempotent(cli: Cli) -> None:
    assert cli(*ADD, "--in-place").code == 0
    written = Path("base.yaml").read_bytes()
    assert body(written.decode()) == AFTER_SPPF
    again = cli(*ADD, "--in-place")
    assert again.code == 0
    assert "unchanged" in again.err
    assert Path("base.yaml").read_bytes() == written
    assert cli(*ADD, "--in-place", "--check").code == 0
    assert files() == set()


def test_in_place_refuses_what_has_been_edited_since(cli: Cli) -> None:
    cli(*ADD, "--in-place")
    edited = Path("base.yaml").read_text().replace("C3, [16]", "C3, [24]")
    Path("base.yaml").write_text(edited)
    refused = cli(*ADD, "--in-place")
    assert refused.code == 2
    assert refused.err.startswith("yamlinject: error: base.yaml:1:1: ")
    assert Path("base.yaml").read_text() == edited


def test_in_place_keeps_the_mode(cli: Cli) -> None:
    Path("base.yaml").chmod(0o640)
    assert cli(*ADD, "--in-place").code == 0
    assert stat.S_IMODE(Path("base.yaml").stat().st_mode) == 0o640


def test_diff_writes_nothing_and_applies(cli: Cli) -> None:
    result = cli(*ADD, "--diff")
    assert result.code == 0
    assert files() == set()
    assert Path("base.yaml").read_text() == BASE
    assert body(apply_diff(BASE, result.out)) == AFTER_SPPF


def test_check(cli: Cli) -> None:
    assert cli(*ADD, "--check").code == 1
    assert files() == set()
    cli(*ADD)
    assert cli(*ADD, "--check").code == 0
    assert cli(*ADD, "--number", "2", "--check").code == 1
    assert body(Path("base_SimAM.yaml").read_text()) == AFTER_SPPF


def test_provenance_line(cli: Cli) -> None:
    line = cli(*ADD, "-o", "-").out.partition("\n")[0]
    digest = hashlib.sha256(BASE.encode()).hexdigest()[:7]
    assert re.fullmatch(
        rf"# yamlinject \d\S*: add SimAM base\.yaml --after SPPF \(at 3; base {digest}-\w{{7}}\)",
        line,
    )


def test_fix_comments(cli: Cli) -> None:
    wrong = BASE.replace("# 4\n", "# 7\n")
    Path("base.yaml").write_text(wrong)
    left_alone = cli(*ADD, "--no-provenance", "-o", "-")
    assert left_alone.out == AFTER_SPPF.replace("# 5\n", "# 7\n")
    assert "layers 4" in left_alone.err
    assert "--fix-comments" in left_alone.err
    fixed = cli(*ADD, "--no-provenance", "--fix-comments", "-o", "-")
    assert fixed.out == AFTER_SPPF
    assert "note" not in fixed.err


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        pytest.param(["SPPF", "--number", "3"], ["[-1, 3, SimAM, [16]]  # 3"], id="number"),
        pytest.param(["C3"], ["[-1, 1, SimAM, [16]]  # 2"], id="scope-backbone-by-default"),
        pytest.param(["C3", "--scope", "head"], ["[-1, 1, SimAM, [32]]  # 5"], id="scope-head"),
        pytest.param(
            ["C3", "--scope", "all"],
            ["[-1, 1, SimAM, [16]]  # 2", "[-1, 1, SimAM, [32]]  # 6"],
            id="scope-all",
        ),
        pytest.param(["C3,SPPF"], ["[-1, 1, SimAM, [16]]  # 2", "[-1, 1, SimAM, [16]]  # 4"], id="commas"),
        pytest.param(["1", "--args", "[channels, 8]"], ["[-1, 1, SimAM, [16, 8]]  # 2"], id="args"),
    ],
)
def test_options_of_add(cli: Cli, options: list[str], rows: list[str]) -> None:
    result = cli("add", "SimAM", "base.yaml", "-o", "-", "--after", *options)
    assert [
        line[4:] for line in result.out.splitlines() if "1, SimAM" in line or "3, SimAM" in line
    ] == rows


def test_what_was_written_can_be_drawn_next(cli: Cli) -> None:
    """The command for it ends the summary of each that writes a config, and works; a dry run has none."""
    for command, file in (
        ("add SimAM base.yaml --after SPPF", "base_SimAM.yaml"),
        ("replace C2f base.yaml --at C3", "base_C2f.yaml"),
        ("remove SimAM base_SimAM.yaml -o back.yaml", "back.yaml"),
        ("undo base_C2f.yaml -o again.yaml", "again.yaml"),
    ):
        done = cli(*command.split())
        assert f"\nwrote     {file}\ndraw      yamlinject draw {file}\n" in done.err
        assert cli("draw", file).code == 0
        for option in ("--diff", "--check"):
            assert "yamlinject draw" not in cli(*command.split(), option).err
    assert "yamlinject draw" not in cli("add", "SimAM", "base.yaml", "--after", "C3", "-o", "-").err


def test_remove_gives_the_base_back(cli: Cli) -> None:
    cli(*ADD)
    Path("base.yaml").rename("kept.yaml")
    result = cli("remove", "SimAM", "base_SimAM.yaml")
    assert (result.code, result.out) == (0, "")
    assert "layer 3 [-1, 1, SimAM, [16]]" in result.err
    assert "layer 6 (Detect): [1, 5] -> [1, 4]" in result.err
    assert Path("base.yaml").read_bytes() == BASE.encode()


def test_remove_in_place_diff_and_check(cli: Cli) -> None:
    cli(*ADD, "--in-place")
    added = Path("base.yaml").read_text()
    assert apply_diff(added, cli("remove", "SimAM", "base.yaml", "--in-place", "--diff").out) == BASE
    assert cli("remove", "SimAM", "base.yaml", "--in-place", "--check").code == 1
    assert Path("base.yaml").read_text() == added
    assert cli("remove", "SimAM", "base.yaml", "--in-place").code == 0
    assert Path("base.yaml").read_bytes() == BASE.encode()


def test_remove_to_stdout_and_tells_of_edits(cli: Cli) -> None:
    cli(*ADD)
    Path("base_SimAM.yaml").write_text(Path("base_SimAM.yaml").read_text().replace("nc: 2", "nc: 3"))
    result = cli("remove", "SimAM", "base_SimAM.yaml", "-o", "-")
    assert result.out == BASE.replace("nc: 2", "nc: 3")
    assert "edited after it was generated" in result.err


def test_an_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ad", "SimAM"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("yamlinject: error: No such command 'ad'.")
    assert error.count("Did you mean 'add'?") == 1
