"""``check`` and symbolic links: nothing outside the repository is shown or written through one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import BASE, Cli
from tests.test_check_hostile import run_here as run
from yamlinject.checks.discovery import find
from yamlinject.files import left_by_link, repository
from yamlinject.study import preparation
from yamlinject.study.folder import Study
from yamlinject.study.plan import Plan

#: A warning that --fix fixes: the comment gives layer 4 another index.
STALE = BASE.replace("# 4", "# 3")
MENDED = BASE
#: An error: a layer reads a later one.
WRONG = BASE.replace("[[4], 1", "[[9], 1")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository ``repo`` with a folder ``models``, next to a folder ``outside``."""
    for name in ("repo/.git", "repo/models", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "outside" / "x.yaml").write_text(STALE)
    (tmp_path / "repo" / "own.yaml").write_text(STALE)
    return tmp_path


def names(*paths: Path) -> list[str]:
    return [Path(file.name).name for file in find(map(str, paths))]


# the repository that a folder is in


def test_the_repository_of_a_folder(folder: Path) -> None:
    assert repository(folder / "repo") == folder / "repo"
    assert repository(folder / "repo" / "models") == folder / "repo"
    assert repository(folder / "repo" / "not" / "there") == folder / "repo"
    assert repository(folder / "outside") == folder / "outside"
    (folder / "repo" / "models" / ".git").write_text("gitdir: ../.git/modules/models\n")  # a submodule's
    assert repository(folder / "repo" / "models") == folder / "repo" / "models"


def test_the_repository_of_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "link").symlink_to("repo/models")
    (folder / "loop").symlink_to("loop")
    assert repository(folder / "link") == folder / "repo"
    assert repository(folder / "loop") == folder / "loop"
    monkeypatch.chdir(folder / "link")
    assert repository(Path()) == folder / "repo"
    assert repository(Path("..")) == folder / "repo"


# what a search shows


def test_a_search_passes_over_links_out_of_the_repository(folder: Path) -> None:
    models = folder / "repo" / "models"
    (models / "relative.yaml").symlink_to("../../outside/x.yaml")
    (models / "absolute.yaml").symlink_to(folder / "outside" / "x.yaml")
    (models / "chain.yaml").symlink_to("relative.yaml")
    (folder / "repo" / "hop").symlink_to("../outside")
    (models / "through.yaml").symlink_to("../hop/x.yaml")
    (models / "inside.yaml").symlink_to("../own.yaml")
    (models / "round.yaml").symlink_to("../../repo/own.yaml")
    (models / "plain.yaml").write_text(STALE)
    assert names(folder / "repo") == ["own.yaml", "inside.yaml", "plain.yaml", "round.yaml"]
    assert names(models) == ["inside.yaml", "plain.yaml", "round.yaml"]


def test_nothing_of_what_is_outside_reaches_the_log(folder: Path) -> None:
    (folder / "outside" / "secret").write_text(f"{WRONG}# the secret\n")
    (folder / "repo" / "x.yaml").symlink_to("../outside/secret")
    for output_format in ("text", "json", "github", "sarif"):
        done = run(folder / "repo", "check", ".", "--output-format", output_format)
        assert "'from' 9" not in done.out
        assert "x.yaml" not in done.out + done.err
    assert "'from' 9" in run(folder / "repo", "check", "x.yaml").out  # who names it may see it


def test_without_a_repository_a_search_stays_in_its_folder(folder: Path) -> None:
    (folder / "outside" / "sub").mkdir()
    (folder / "outside" / "sub" / "up.yaml").symlink_to("../x.yaml")
    (folder / "outside" / "sub" / "out.yaml").symlink_to("../../repo/own.yaml")
    assert names(folder / "outside") == ["x.yaml", "up.yaml"]
    assert names(folder / "outside" / "sub") == []


def test_a_folder_that_is_named_by_a_link_is_searched(folder: Path) -> None:
    (folder / "link").symlink_to("repo")
    (folder / "repo" / "models" / "inside.yaml").symlink_to("../own.yaml")
    assert names(folder / "link") == ["own.yaml", "inside.yaml"]
    assert names(folder / "link" / "models") == ["inside.yaml"]


# what --fix writes


def test_fix_writes_through_no_link_out_of_the_repository(folder: Path) -> None:
    repo = folder / "repo"
    (repo / "x.yaml").symlink_to("../outside/x.yaml")
    done = run(repo, "check", "x.yaml", "own.yaml", "--fix")
    assert done.code == 2
    assert done.err == (
        f"yamlinject: error: x.yaml: is a link to a file outside of {repo}: name that file itself\n"
        "Checked 1 file, failed on 1, fixed 1\n"
    )
    assert (folder / "outside" / "x.yaml").read_text() == STALE
    assert (repo / "own.yaml").read_text() == MENDED
    assert run(repo, "check", "../outside/x.yaml", "--fix").code == 0
    assert (folder / "outside" / "x.yaml").read_text() == MENDED


def test_a_link_that_needs_no_fix_is_no_error(folder: Path) -> None:
    (folder / "outside" / "x.yaml").write_text(MENDED)
    (folder / "repo" / "x.yaml").symlink_to("../outside/x.yaml")
    assert run(folder / "repo", "check", "x.yaml", "--fix").err == "Checked 1 file: nothing found\n"


def test_fix_writes_through_a_link_inside(folder: Path) -> None:
    link = folder / "repo" / "models" / "x.yaml"
    link.symlink_to("../own.yaml")
    assert run(folder / "repo", "check", "models", "--fix").code == 0
    assert os.readlink(link) == "../own.yaml"
    assert (folder / "repo" / "own.yaml").read_text() == MENDED


def test_without_a_repository_fix_writes_in_the_folder_of_a_link(folder: Path) -> None:
    (folder / "outside" / "sub").mkdir()
    up, beside = folder / "outside" / "sub" / "up.yaml", folder / "outside" / "beside.yaml"
    up.symlink_to("../x.yaml")
    done = run(folder / "outside", "check", ".", "--fix", "--select", "YI501")
    assert (done.code, (folder / "outside" / "x.yaml").read_text()) == (0, MENDED)
    (folder / "outside" / "x.yaml").write_text(STALE)
    done = run(folder / "outside", "check", "sub", "sub/up.yaml", "--fix")
    assert done.code == 2
    assert f"sub/up.yaml: is a link to a file outside of {up.parent}: " in done.err
    beside.symlink_to("x.yaml")
    assert run(folder / "outside", "check", "beside.yaml", "--fix").code == 0
    assert (folder / "outside" / "x.yaml").read_text() == MENDED


@pytest.mark.parametrize(
    ("links", "path", "left"),
    [
        pytest.param({}, "repo/own.yaml", None, id="no-link"),
        pytest.param({"repo/l.yaml": "../outside/x.yaml"}, "repo/l.yaml", "repo", id="file"),
        pytest.param({"repo/l.yaml": "../nowhere.yaml"}, "repo/l.yaml", "repo", id="to-nothing"),
        pytest.param({"repo/models/l.yaml": "../own.yaml"}, "repo/models/l.yaml", None, id="inside"),
        pytest.param(
            {"repo/l.yaml": "m.yaml", "repo/m.yaml": "../outside/x.yaml"}, "repo/l.yaml", "repo", id="chain"
        ),
        pytest.param(
            {"repo/l.yaml": "../outside/m.yaml", "outside/m.yaml": "../repo/own.yaml"},
            "repo/l.yaml",
            None,
            id="chain-that-comes-back",
        ),
        pytest.param({"repo/sub": "../outside"}, "repo/sub/x.yaml", "repo", id="folder"),
        pytest.param({"repo/models/sub": "../.."}, "repo/models/sub/outside/x.yaml", "repo", id="upwards"),
        pytest.param({"repo/sub": "models/.."}, "repo/sub/own.yaml", None, id="folder-inside"),
        pytest.param({"repo/sub": "../outside"}, "repo/sub/../outside/x.yaml", "repo", id="and-up-again"),
        pytest.param(
            {"repo/sub": "../other"}, "repo/sub/x.yaml", "repo", id="folder-of-another-repository"
        ),
        pytest.param({"link": "repo"}, "link/own.yaml", None, id="way-to-the-repository"),
        pytest.param(
            {"link": "repo", "repo/models/l.yaml": "../own.yaml"}, "link/models/l.yaml", None, id="both"
        ),
        pytest.param({"outside/sub": "../other"}, "outside/sub/x.yaml", None, id="folder-in-no-repository"),
        pytest.param(
            {"outside/l.yaml": "../other/x.yaml"}, "outside/l.yaml", "outside", id="no-repository"
        ),
        pytest.param({"repo/l.yaml": "l.yaml"}, "repo/l.yaml", None, id="circle"),
    ],
)
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_what_leads_out(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    links: dict[str, str],
    path: str,
    left: str | None,
    relative: bool,
) -> None:
    (folder / "other" / ".git").mkdir(parents=True)
    (folder / "other" / "x.yaml").write_text(STALE)
    for name, target in links.items():
        (folder / name).symlink_to(target)
    monkeypatch.chdir(folder)
    found = left_by_link(Path(path) if relative else folder / path)
    assert found == (left and folder / left)


def test_a_relative_name_below_a_link_is_judged_by_where_it_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "repo" / "sub").symlink_to("../outside")
    monkeypatch.chdir(folder / "repo")
    assert left_by_link(Path("sub/x.yaml")) == folder / "repo"
    monkeypatch.chdir(folder / "repo" / "sub")  # where the user went, a link or not
    assert left_by_link(Path("x.yaml")) is None


# a study in a folder that a link leads to


def test_a_study_through_a_link(cli: Cli) -> None:
    (Path("real")).mkdir()
    Path("ab").symlink_to("real")
    Path("dangling").symlink_to("elsewhere")
    Path("loop").symlink_to("loop")
    for link, target in (("ab", "real"), ("dangling", "elsewhere")):
        preparation.create(link, Plan("yolov5n", "yolov5", ("SimAM",), ("SPPF",), seeds=(0,)))
        assert Path(link).is_symlink()
        assert len([*Path(target, "configs").iterdir()]) == 3
        assert len(Study.open(link).jobs) == 3
    refused = cli("study", "new", "loop", "--modules", "SimAM", "--after", "SPPF")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "yamlinject: error: loop: cannot make it: not a directory\n"
    assert sorted(path.name for path in Path().iterdir()) == ["ab", "dangling", "elsewhere", "loop", "real"]
