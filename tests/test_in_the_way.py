"""A file that ``add`` would write over: the user's own edits in it are not thrown away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import ADD, BASE, Cli
from yamlinject import load

FILE = "base_SimAM.yaml"


@pytest.fixture
def made(cli: Cli, tmp_path: Path) -> Path:
    """A generated config beside its base."""
    (tmp_path / "base.yaml").write_text("names: [a, b]\nanchors: 3\ndepth_multiple: 0.33\n" + BASE)
    assert cli(*ADD).code == 0
    return tmp_path / FILE


def edit(path: Path, before: str, after: str) -> str:
    text = path.read_text()
    assert text.count(before) == 1
    path.write_text(text.replace(before, after))
    return path.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nc: 2", "nc: 7"),
        ("names: [a, b]", "names: [dog, cat]"),
        ("anchors: 3", "anchors: 4"),
        ("depth_multiple: 0.33", "depth_multiple: 1.0"),
        ("nc: 2", "# mine\nnc: 2"),
    ],
)
def test_values_of_ones_own_are_kept(cli: Cli, made: Path, before: str, after: str) -> None:
    text = edit(made, before, after)
    again = cli(*ADD)
    assert (again.code, made.read_text()) == (0, text)
    assert f"unchanged {FILE}" in again.err
    assert "note      what was edited in it outside the rows is kept" in again.err
    assert "--force" not in again.err
    checked = cli(*ADD, "--check")
    assert (checked.code, made.read_text()) == (0, text)
    assert f"{FILE} would not change" in checked.err
    assert '"outcome": "unchanged"' in cli(*ADD, "--output-format", "json").out
    assert cli("check", FILE).code == 0


def test_force_is_still_there_for_who_wants_it(cli: Cli, made: Path) -> None:
    text = made.read_text()
    edit(made, "nc: 2", "nc: 7")
    assert cli(*ADD, "--force").code == 0
    assert made.read_text() == text


def test_a_base_that_changed_is_no_edit_of_the_file(cli: Cli, made: Path) -> None:
    edit(made.with_name("base.yaml"), "nc: 2", "nc: 7")
    again = cli(*ADD)
    assert again.code == 2
    assert again.err == (
        f"yamlinject: error: {FILE}: is there already and is different: name another file, or "
        "replace it with --force\n"
    )


def test_edited_rows_are_told(cli: Cli, made: Path) -> None:
    text = edit(made, "SPPF, [16, 5]", "SPPF, [16, 7]")
    again = cli(*ADD)
    assert (again.code, made.read_text()) == (2, text)
    assert again.err == (
        f"yamlinject: error: {FILE}: this command made it, and its rows were edited since: name another "
        "file with -o, or lose the edits with --force\n"
    )


def test_the_file_of_another_command(cli: Cli, made: Path) -> None:
    other = cli(*ADD, "--number", "2", "-o", FILE)
    assert other.code == 2
    assert other.err == (
        f"yamlinject: error: {FILE}: another command made it, add SimAM base.yaml --after SPPF: name "
        "another file with -o, or replace it with --force\n"
    )
    assert made.read_text().count("SimAM, [16]") == 1


def test_the_hint_of_a_changed_base_tells_what_it_loses(cli: Cli, made: Path) -> None:
    """YI602 proposes the command again, which would give the base's values back."""
    edit(made.with_name("base.yaml"), "anchors: 3", "anchors: 4")
    plain = cli("check", FILE)
    assert "YI602" in plain.out
    assert "edited" not in plain.out
    edit(made, "nc: 2", "nc: 7")
    result = " ".join(cli("check", FILE).out.split())
    assert "YI602" in result
    assert "keep a copy of what was edited in it, then run: yamlinject add SimAM base.yaml" in result


def test_a_library_call_proposes_another_name_too(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("mine\n")
    with pytest.raises(Exception, match=re.escape("name another file, or replace it with `force`")):
        load("yolov5s").add("SimAM", after="SPPF").save(path)


def test_the_hint_where_the_line_does_not_fit_any_more(cli: Cli, made: Path) -> None:
    """The layer that the line names is another one: the command cannot be undone."""
    edit(made.with_name("base.yaml"), "anchors: 3", "anchors: 4")
    edit(made, "SimAM, [16]]", "CBAM, [16]]")
    result = cli("check", FILE)
    assert result.code == 1
    assert "keep a copy of what was edited in it, then run: yamlinject add" in " ".join(result.out.split())
