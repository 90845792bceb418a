"""Which module files count, and in which order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from yamlinject.errors import YamlInjectError
from yamlinject.library import user_modules


def module_file(file: Path, *names: str) -> Path:
    """A file with classes that take their channels."""
    classes = [f"class {name}(nn.Module):\n    def __init__(self, c1): ...\n" for name in names]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("from torch import nn\n\n\n" + "\n\n".join(classes))
    return file


def package(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> Path:
    """An installed package with a module file, whose import would fail."""
    site = folder / "site"
    file = module_file(site / "gates" / "blocks.py", *names)
    (site / "gates" / "__init__.py").write_text("raise SystemExit('imported')\n")
    meta = site / "gates-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: gates\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text("[yamlinject.modules]\nmine = gates.blocks\n")
    monkeypatch.syspath_prepend(str(site))
    return file


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(user_modules.VARIABLE, raising=False)


def test_without_any(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'mine'\n")
    assert user_modules.find() == {}


def test_a_file_of_the_command_line(tmp_path: Path) -> None:
    file = module_file(tmp_path / "sub" / "blocks.py", "A", "B")
    found = user_modules.find(["sub/blocks.py"])
    assert list(found) == ["A", "B"]
    assert (found["A"].file, found["A"].imported_as, found["A"].folder) == (file, "blocks", file.parent)


def test_the_nearest_project_upwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = module_file(tmp_path / "lib" / "blocks.py", "A")
    (tmp_path / "pyproject.toml").write_text('[tool.yamlinject]\nmodules = ["lib/blocks.py"]\n')
    below = tmp_path / "configs" / "mine"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert user_modules.find()["A"].file == file
    (tmp_path / "configs" / "pyproject.toml").write_text("[tool.other]\nx = 'yamlinject'\n")
    assert user_modules.find() == {}


def test_an_installed_package_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = package(tmp_path, monkeypatch, "A")
    found = user_modules.find()
    assert (found["A"].file, found["A"].imported_as) == (file, "gates.blocks")
    assert found["A"].folder == tmp_path / "site"
    assert "gates" not in sys.modules


def test_which_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, monkeypatch, "A", "B", "C", "D")
    module_file(tmp_path / "project.py", "A", "B", "C")
    (tmp_path / "pyproject.toml").write_text("[tool.yamlinject]\nmodules = ['project.py']\n")
    inherited = module_file(tmp_path / "inherited.py", "B")
    monkeypatch.setenv(user_modules.VARIABLE, os.pathsep.join([str(inherited), ""]))
    module_file(tmp_path / "given.py", "A")
    found = user_modules.find(["given.py"])
    assert {name: each.imported_as for name, each in found.items()} == {
        "A": "given",
        "B": "inherited",
        "C": "project",
        "D": "gates.blocks",
    }


def test_a_name_in_two_files_of_one_rank(tmp_path: Path) -> None:
    one, two = module_file(tmp_path / "one.py", "A"), module_file(tmp_path / "two.py", "B", "A")
    with pytest.raises(YamlInjectError) as refused:
        user_modules.find(["one.py", "two.py"])
    assert str(refused.value) == f"two module files have a A: {one} and {two}"
    assert list(user_modules.find(["one.py", "./one.py"])) == ["A"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.yamlinject\n", "pyproject.toml: not valid TOML"),
        ("[tool.yamlinject]\nmodules = 'blocks.py'\n", "has to be a list of files, such as ['blocks.py']"),
        ("[tool.yamlinject]\nmodules = [1]\n", "has to be a list of files"),
        ("[tool.yamlinject]\nmodules = ['gone.py']\n", "gone.py"),
        ('[tool.yamlinject]\nmodules = ["a\\u0000.py"]\n', "a null character in its name"),
        (f"[tool.yamlinject]\nmodules = {'[' * 9999}", "pyproject.toml: not valid TOML"),
        ("[tool]\nyamlinject = 'blocks.py'\n", None),
        ("tool = 'yamlinject'\n", None),
        ("[tool.yamlinject]\nother = 1\n", None),
    ],
)
def test_what_a_project_may_say(tmp_path: Path, text: str, message: str | None) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    if message is None:
        assert user_modules.find() == {}
        return
    with pytest.raises(YamlInjectError) as refused:
        user_modules.find()
    assert message in str(refused.value)


@pytest.mark.parametrize("call", [user_modules.find, user_modules.use])
def test_links_in_a_circle(tmp_path: Path, call: Callable[[list[str]], object]) -> None:
    (tmp_path / "loop.py").symlink_to("loop.py")
    with pytest.raises(
        YamlInjectError, match=r"loop\.py: cannot read it: too many levels of symbolic links"
    ):
        call(["loop.py"])


def test_a_package_without_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, monkeypatch, "A").unlink()
    with pytest.raises(YamlInjectError, match=r"the package gates names a module file gates\.blocks"):
        user_modules.find()
