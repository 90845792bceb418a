"""Which files are collected, and where the tests find other people's configs."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer.main
from _pytest.mark.expression import Expression

from tests.support import Cli, Result
from yamlinject.cli.app import app, run
from yamlinject.frameworks import parse_model
from yamlinject.library import user_modules
from yamlinject.output import next_steps

# the tests run in one process per core, so more threads would only compete
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent
CORPUS = REPOSITORY.parent / "shared" / "corpus"

#: Set once a week: all of what else is represented by one of each kind.
EXHAUSTIVE = "YAMLINJECT_EXHAUSTIVE" in os.environ
needs_corpus = pytest.mark.skipif(not CORPUS.exists(), reason="no ../shared/corpus")

#: What these test does not exist on Windows: pseudo-terminals, process groups, named pipes, owners and
#: modes of files, limits of a process, shell scripts, links that anyone may create.
_POSIX = (
    "bad_input check_hostile checking ci links package report run source strangers_lines together "
    "study_clusters study_real study_run visible workers"
)
collect_ignore = [f"test_{name}.py" for name in _POSIX.split()] if sys.platform == "win32" else []

#: The line of a file whose tests all need the extra ``test``, even to be imported.
_NEEDS_FRAMEWORK = re.compile(r"^pytestmark = .*pytest\.mark\.framework", re.M)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files that import what may not be installed, if ``-m`` selects none of their tests."""
    expression = config.getoption("markexpr")
    if not expression or not collection_path.match("test_*.py"):
        return None
    chosen = Expression.compile(expression)
    if any(chosen.evaluate(_has(*marks)) for marks in (("framework",), ("framework", "corpus"))):
        return None
    return bool(_NEEDS_FRAMEWORK.search(collection_path.read_text(encoding="utf-8"))) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The corpus tests results, not which lines run: tracing it would double its time."""
    for item in items:
        if item.get_closest_marker("corpus"):
            item.add_marker(pytest.mark.no_cover)


def _has(*marks: str) -> Callable[..., bool]:
    """How a test with these marks matches the names in an expression of ``-m``."""
    return lambda name, **_: name in marks


@pytest.fixture(scope="session", autouse=True)
def _commands_are_built_once() -> Iterator[None]:
    """Typer would build them anew in every run in this process, a fifth of the time of a short one."""
    built = functools.cache(lambda *first: typer.main.get_command(app(first)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yamlinject.cli.app.app", lambda first: built(*first))
        yield


@pytest.fixture(scope="session", autouse=True)
def _a_project_is_read_once() -> Iterator[None]:
    """The ``pyproject.toml`` of this repository is that of most configs here: a tenth of a run of check."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_modules, "_listed", functools.cache(user_modules._listed))
        yield


@pytest.fixture(autouse=True)
def _module_files_of_one_test(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """What ``--modules`` and ``run`` leave, the next test must not find; what frameworks do stays."""
    monkeypatch.setenv(user_modules.VARIABLE, "")
    monkeypatch.setattr(parse_model, "_OF_USER", {})
    path = list(sys.path)
    yield
    ours = str(tmp_path_factory.getbasetemp())
    added = {folder for folder in sys.path if folder.startswith(ours) and folder not in path}
    for name, module in list(sys.modules.items()) if added else ():
        if str(Path(getattr(module, "__file__", None) or "/").parent) in added:
            del sys.modules[name]
    # first what was there: ``run`` puts the folder of its program in the place of another one
    sys.path[:] = [*path, *(folder for folder in sys.path if folder not in {*path, *added})]


_is_installed = next_steps.is_installed


@pytest.fixture(autouse=True)
def _frameworks_count_as_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``add`` names next depends on it, and tests without frameworks compare that too."""
    monkeypatch.setattr(next_steps, "is_installed", lambda _: True)


@pytest.fixture
def as_installed(_frameworks_count_as_installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frameworks count as they do in a process of its own."""
    monkeypatch.setattr(next_steps, "is_installed", _is_installed)


@pytest.fixture(autouse=True)
def _no_summaries() -> None:
    """YOLOv5 profiles each model for a line of its log, which costs as much again as building the model."""
    utils = sys.modules.get("yolov5.utils.torch_utils")
    if utils:
        vars(utils)["thop"] = None


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Cli:
    """Run the command line in an empty folder, or in another one."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: str, folder: Path | None = None) -> Result:
        if folder:
            monkeypatch.chdir(folder)
        code = run(arguments)
        sys.stdout.flush()
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return invoke


def shipped(framework: str, folder: str) -> list[Path]:
    """Every model YAML that an installed framework ships; the package is not imported."""
    spec = importlib.util.find_spec(framework)
    assert spec is not None, f"{framework} is not installed: pip install -e '.[test]'"
    assert spec.submodule_search_locations is not None
    (root,) = spec.submodule_search_locations
    found = sorted(Path(root, folder).rglob("*.yaml"))
    assert len(found) > 15, f"{framework} ships no more than {len(found)} configs in {folder}"
    return found


def corpus(folder: str) -> list[Path]:
    """Every config in a folder of the corpus; none only if there is no corpus at all."""
    found = sorted((CORPUS / folder).rglob("*.yaml"))
    assert found or not CORPUS.exists(), f"{CORPUS / folder} is empty"
    return found
