"""Adding twice, undoing, and files that were touched in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamlinject.cli.app import run

BASE = """\
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, C3, [32]]
  - [-1, 1, SPPF, [32, 5]]
head:
  - [[-1, 1], 1, Concat, [1]]
  - [[4, 5], 1, Detect, [nc]]
""".replace("[4, 5]", "[3, 2]")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "m.yaml"
    path.write_text(BASE)
    return path


def test_in_place_is_for_the_file_that_was_read(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is called like an embedded base is not read, so it is not replaced either."""
    other = config.with_name("yolov5s")
    other.write_text("precious\n")
    assert run(["add", "SimAM", "--after", "SPPF", "--in-place"]) == 2
    assert "--in-place needs a file" in capsys.readouterr().err
    assert other.read_text() == "precious\n"


def test_a_command_that_was_run_before_another_one_is_still_known(config: Path) -> None:
    first = ["add", "SimAM", "m.yaml", "--after", "SPPF", "--in-place"]
    second = ["add", "SE", "m.yaml", "--after", "C3", "--args", "[channels, 16]", "--in-place"]
    assert run(first) == run(second) == 0
    both = config.read_bytes()
    assert both.count(b"SimAM, [32]") == both.count(b"SE, [32, 16]") == 1
    assert run(first) == run(["add", "SimAM", "./m.yaml", *first[3:]]) == run(second) == 0
    assert config.read_bytes() == both
    assert (
        run(["remove", "SE", "m.yaml", "--in-place"])
        == run(["remove", "SimAM", "m.yaml", "--in-place"])
        == 0
    )
    assert config.read_text() == BASE


@pytest.mark.parametrize("argument", ["[channels, 'a\u00a0b']", "[channels, 'a  b', \"it's\"]"])
def test_odd_args_are_known_again(config: Path, argument: str) -> None:
    command = ["add", "Odd", "m.yaml", "--after", "SPPF", "--args", argument, "--in-place"]
    assert run(command) == 0
    once = config.read_bytes()
    assert run(command) == 0
    assert config.read_bytes() == once


def test_a_comment_above_the_provenance_line(config: Path) -> None:
    """Someone put a header on top: what was injected is still known, and only that is removed."""
    config.write_text(BASE.replace("  - [-1, 1, SPPF", "  - [-1, 1, SimAM, [32]]\n  - [-1, 1, SPPF"))
    before = config.read_text()
    assert run(["add", "SimAM", "m.yaml", "--after", "SPPF", "--in-place"]) == 0
    config.write_text("# my header\n\n" + config.read_text())
    assert run(["remove", "SimAM", "m.yaml", "--in-place"]) == 0
    assert config.read_text() == "# my header\n\n" + before


def test_a_second_layer_of_the_module_is_noted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["add", "SimAM", "m.yaml", "--after", "SPPF", "--in-place", "--no-provenance"]
    assert run(command) == 0
    capsys.readouterr()
    assert run(command) == 0
    assert "layer 2 (SPPF) already had a SimAM below it" in capsys.readouterr().err


def test_minus_zero_is_no_number_to_rewrite(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(BASE.replace("[[-1, 1], 1, Concat", "[[-1, -0], 1, Concat"))
    assert run(["add", "SimAM", "m.yaml", "--after", "0", "-o", "out.yaml"]) == 2
    assert "write the layer number '-0' as 0" in capsys.readouterr().err


def test_remove_leaves_what_changes_the_shape(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a provenance line every layer of the module would go, whatever it does."""
    assert run(["remove", "C3", "m.yaml", "--in-place"]) == 2
    assert "m.yaml:3:5: layer 1 (C3) cannot be removed: it changes channels" in capsys.readouterr().err
    assert config.read_text() == BASE


def test_a_head_that_is_not_last(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(BASE + "  - [[3, 2], 1, Segment, [nc]]\n")
    assert run(["add", "SimAM", "m.yaml", "--after", "4", "--in-place"]) == 2
    assert "after layer 4 (Detect): Detect is a detection head" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "row"),
    [
        ("[[channels]]", "[-1, 1, Odd, [[32]]]"),
        ("[{c: channels}]", "[-1, 1, Odd, [{c: 32}]]"),
        ("[channels, channels]", "[-1, 1, Odd, [32, 32]]"),
    ],
)
def test_channels_in_args_at_any_depth(config: Path, argument: str, row: str) -> None:
    assert run(["add", "Odd", "m.yaml", "--after", "SPPF", "--args", argument, "--in-place"]) == 0
    assert row in config.read_text()


@pytest.mark.parametrize(
    ("written", "instead"), [("1e-4", "0.0001"), ("1e-12", "1.0e-12"), ("1e3", "1000.0"), ("1e400", ".inf")]
)
def test_numbers_that_pyyaml_reads_as_strings(
    config: Path, capsys: pytest.CaptureFixture[str], written: str, instead: str
) -> None:
    assert run(["add", "Odd", "m.yaml", "--after", "SPPF", "--args", f"[{written}]"]) == 2
    assert capsys.readouterr().err == (
        f"yamlinject: error: --args: PyYAML reads {written} as a string: write {instead}\n"
    )


def test_check_needs_a_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["add", "SimAM", "m.yaml", "--after", "SPPF", "-o", "-", "--check"]) == 2
    assert "--check needs a file" in capsys.readouterr().err


def test_an_anchor_named_twice_is_one_line(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("x: &a 1\ny: &a 2\n" + BASE)
    assert run(["show", "m.yaml"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_anchor_without_an_alias_shares_nothing(config: Path) -> None:
    config.write_text(BASE.replace("  - [-1, 1, C3", "  - &block [-1, 1, C3"))
    before = config.read_text()
    assert run(["add", "SimAM", "m.yaml", "--after", "C3", "--in-place"]) == 0
    assert run(["remove", "SimAM", "m.yaml", "--in-place"]) == 0
    assert config.read_text() == before


def test_a_freeze_list_is_noted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("freeze: [0, 1, 2]\n" + BASE)
    assert run(["add", "SimAM", "m.yaml", "--after", "C3", "--in-place"]) == 0
    assert "'freeze' names layers by their index" in capsys.readouterr().err
