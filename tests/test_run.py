"""``yamlinject run``: a program runs as Python itself would run it, and knows the attention modules."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import json
import linecache
import os
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import yamlinject
from tests.checkouts import checkout
from tests.conftest import EXHAUSTIVE
from tests.dataset import offline
from tests.support import process_here
from yamlinject.frameworks import import_hooks, parse_model

Done = subprocess.CompletedProcess[str]

RUN = ("-m", "yamlinject", "run")


def python(*arguments: str, cwd: Path, **variables: str) -> Done:
    """Run Python; what it does with a program is what ``yamlinject run`` must do."""
    command = [sys.executable, *arguments]
    env = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return file


# --- as Python itself


PROBE = """
import gc
import json
import sys

main = sys.modules["__main__"]
facts = {
    "argv": sys.argv,
    "name": __name__,
    "file": __file__,
    "package": __package__,
    "spec": __spec__ and __spec__.name,
    "path": sys.path,
    "main": vars(main) is globals(),
    "gc": gc.isenabled(),
    "frameworks": sorted({"torch", "numpy", "yolov5", "ultralytics"} & set(sys.modules)),
}
"""

PASSED_ON = ["--help", "-h", "-m", "--", "--version", "", "two words", "-o", "*", "ü😀", "--a=b", "--"]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with programs that print, as JSON, what they see."""
    shown = PROBE + "print(json.dumps(facts))\n"
    write(tmp_path / "probe.py", shown)
    write(tmp_path / "folder/probe.py", shown)
    (tmp_path / "link.py").symlink_to("folder/probe.py")
    write(tmp_path / "package/__init__.py", "")
    write(tmp_path / "package/other.py", "WORD = 'relative'\n")
    relative = "from . import other\nfrom .other import WORD\nfacts['word'] = WORD\n"
    write(tmp_path / "package/__main__.py", PROBE + relative + "print(json.dumps(facts))\n")
    write(tmp_path / "package/module.py", PROBE + relative + "print(json.dumps(facts))\n")
    return tmp_path


@pytest.mark.parametrize(
    "target",
    [
        ["probe.py"],
        ["folder/probe.py"],
        ["folder/../probe.py"],
        ["link.py"],
        ["-m", "probe"],
        ["-m", "package"],
        ["-m", "package.module"],
        ["-m", "folder.probe"],
    ][:: 1 if EXHAUSTIVE else 2],
    ids=" ".join,
)
def test_what_a_program_sees(programs: Path, target: list[str]) -> None:
    expected = python(*target, *PASSED_ON, cwd=programs)
    done = python(*RUN, *target, *PASSED_ON, cwd=programs)
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts == json.loads(expected.stdout)
    assert facts["argv"][1:] == PASSED_ON
    assert (facts["name"], facts["main"], facts["gc"]) == ("__main__", True, True)
    assert facts["frameworks"] == []


def test_an_absolute_path_from_elsewhere(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    file = str(programs / "folder/probe.py")
    expected = python(file, cwd=elsewhere)
    assert python(*RUN, file, cwd=elsewhere).stdout == expected.stdout != ""


def test_bytes_that_are_no_text_as_argument(tmp_path: Path) -> None:
    write(tmp_path / "bytes.py", "import os, sys\nprint(os.fsencode(sys.argv[1]))\n")
    command = [os.fsencode(sys.executable), *map(os.fsencode, RUN), b"bytes.py", b"a\xff\xfe"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.stdout, done.stderr) == (b"b'a\\xff\\xfe'\n", b"")


def test_a_console_command(programs: Path) -> None:
    """A separate installed distribution, with the wrapper that pip writes."""
    write(programs / "site/command.py", f"{PROBE}def main():\n    print(json.dumps(facts))\n    return 7\n")
    write(programs / "site/command-1.0.dist-info/METADATA", "Name: command\nVersion: 1.0\n")
    write(
        programs / "site/command-1.0.dist-info/entry_points.txt",
        "[console_scripts]\nprobe-command = command:main\n",
    )
    wrapper = f"#!{sys.executable}\nimport sys\nfrom command import main\nsys.exit(main())\n"
    write(programs / "bin/probe-command", wrapper).chmod(0o755)
    variables = {
        "PATH": f"{programs / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(programs / "site"),
    }
    expected = python(str(programs / "bin/probe-command"), *PASSED_ON, cwd=programs, **variables)
    done = python(*RUN, "probe-command", *PASSED_ON, cwd=programs, **variables)
    assert (done.returncode, done.stderr) == (7, "")
    facts, as_script = json.loads(done.stdout), json.loads(expected.stdout)
    assert facts["argv"][1:] == PASSED_ON
    for same in ("argv", "path", "gc", "frameworks"):
        assert facts[same] == as_script[same]


def test_streams_are_those_of_python(tmp_path: Path) -> None:
    lines = """\
        import sys
        for stream in (sys.stdin, sys.stdout, sys.stderr):
            print(stream.encoding, stream.errors, stream.line_buffering, stream.name)
            print(stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__))
        sys.stdout.write("no end of line ü")
        sys.stdout.flush()
        print("to stderr ü", file=sys.stderr, end="")
        """
    write(tmp_path / "streams.py", lines)
    for encoding in ("utf-8:strict", "latin-1:replace"):
        expected, done = (
            subprocess.run(
                [sys.executable, *before, "streams.py"],
                cwd=tmp_path,
                env={**os.environ, "PYTHONIOENCODING": encoding},
                capture_output=True,
                check=False,
            )
            for before in ((), RUN)
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, expected.stdout, expected.stderr)
        assert done.stdout.endswith("no end of line ü".encode(encoding.partition(":")[0]))


ENDINGS = {
    "falls off its end": "",
    "exits": "import sys; sys.exit()",
    "exits with 7": "import sys; sys.exit(7)",
    "exits with a text": "import sys; sys.exit('so it ends: ü')",
    "raises": "import json\ndef inner():\n    json.loads('{')\n\ninner()",
    "raises from another": "try:\n    1 / 0\nexcept Exception as e:\n    raise ValueError('x') from e",
    "raises what is no Exception": "class Stop(BaseException):\n    pass\n\nraise Stop('x')",
    "raises an OSError": "open('nothing')",
    "raises an error of yamlinject": "import yamlinject\nyamlinject.load('nothing')",
    "has its own hook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0], a[1])\n1 / 0",
    "fails to import": "import nothing_of_this_name",
    "imports what is no Python": "import broken",
    "raises on exit": "import atexit\natexit.register(lambda: print('at exit'))\nraise ValueError",
}


@pytest.mark.parametrize("end", [*ENDINGS][:: 1 if EXHAUSTIVE else 2])
def test_how_a_program_ends(tmp_path: Path, end: str) -> None:
    source = ENDINGS[end]
    """The exit code and every word of the traceback, which shows nothing of ours."""
    write(tmp_path / "broken.py", "def f(:\n")
    write(tmp_path / "program.py", f"print('begun')\n{source}\n")
    expected = python("program.py", cwd=tmp_path)
    done = python(*RUN, "program.py", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        expected.returncode,
        expected.stdout,
        expected.stderr,
    )
    assert done.stdout.startswith("begun\n")
    assert "launch.py" not in done.stderr


def test_interrupted(tmp_path: Path) -> None:
    """With 130, as a shell has it; Python itself dies of the signal."""
    write(tmp_path / "program.py", "raise KeyboardInterrupt\n")
    expected = python("program.py", cwd=tmp_path)
    done = python(*RUN, "program.py", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (130, expected.stderr)


def test_pickling_and_worker_processes(tmp_path: Path) -> None:
    """Data loaders do both, with what the program itself defines."""
    program = """\
        import multiprocessing
        import pickle

        class Point:
            def __init__(self, x):
                self.x = x

        def double(point):
            return Point(2 * point.x)

        if __name__ == "__main__":
            print(Point.__module__, pickle.loads(pickle.dumps(Point(3))).x)
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print([point.x for point in pool.map(double, [Point(1), Point(2)])])
        """
    write(tmp_path / "program.py", program)
    write(tmp_path / "package/module.py", program)
    for target in (["program.py"], ["-m", "package.module"]):
        done = python(*RUN, *target, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "__main__ 3\n[2, 4]\n"


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        pytest.param([], "Missing argument 'TARGET'", id="nothing"),
        pytest.param(["nothing.py"], "nothing.py: neither a script", id="no-such-script"),
        pytest.param(["nothing"], "nothing: neither a script", id="no-such-command"),
        pytest.param(["folder"], "folder: neither a script", id="a-folder"),
        pytest.param(["-m", "nothing"], "no module 'nothing'", id="no-such-module"),
        pytest.param(["-m", "nothing.below"], "no module 'nothing.below'", id="no-such-package"),
        pytest.param(["-m", "folder"], "no module 'folder'", id="package-without-a-program"),
        pytest.param(["-m", "needs.module"], "No module named 'not_installed'", id="package-needs-another"),
        pytest.param(["-m", "sys"], "no module 'sys'", id="module-in-c"),
        pytest.param(["broken.py"], "broken.py:2:7: no Python program: invalid syntax", id="syntax-error"),
        pytest.param(
            ["-m", "broken"], "broken.py:2:7: no Python program: invalid syntax", id="in-a-module"
        ),
        pytest.param(["image.py"], "image.py: no Python program", id="binary"),
    ],
)
def test_what_cannot_be_run(tmp_path: Path, arguments: list[str], fragment: str) -> None:
    write(tmp_path / "folder/module.py", "print('never')\n")
    write(tmp_path / "needs/__init__.py", "import not_installed\n")
    write(tmp_path / "needs/module.py", "print('never')\n")
    write(tmp_path / "broken.py", "print('never')\ndef f(:\n")
    (tmp_path / "image.py").write_bytes(b"\x89PNG\r\n\0\0")
    done = process_here(tmp_path, "run", *arguments)
    sys.modules.pop("folder", None)  # it was looked at for a program
    message = done.stderr.decode()
    assert (done.returncode, done.stdout) == (2, b"")
    assert message.startswith("yamlinject: error: ")
    assert message.count("\n") == 1
    assert fragment in message


PARSE = """\
def parse_model(rows):
    for m in rows:
        m = {look_up}
parse_model(["MyGate"])
"""


@pytest.mark.parametrize("look_up", ["eval(m)", "globals()[m]"])
def test_a_class_that_no_module_file_has(tmp_path: Path, look_up: str) -> None:
    """As YOLOv5 and Ultralytics look a module up; the traceback stays."""
    write(tmp_path / "train.py", "import models\n")
    write(tmp_path / "models.py", PARSE.replace("{look_up}", look_up))
    err = python(*RUN, "train.py", "--modules", "blocks.py", cwd=tmp_path).stderr.splitlines()
    assert "MyGate" in err[-2]
    assert err[-1] == (
        "yamlinject: note: if MyGate is a class of yours, name its file before the program: "
        "yamlinject run --modules FILE train.py ..."
    )


# --- acting on a module once it is imported


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules can be imported; afterwards they are neither awaited nor imported."""
    known = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    monkeypatch.setattr(import_hooks._FINDER, "actions", {})
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def awaited(name: str) -> list[dict[str, Any]]:
    """What is in the module ``name`` each time that it is acted on."""
    seen: list[dict[str, Any]] = []
    import_hooks.after_import(name, lambda module: seen.append({**vars(module)}))
    return seen


def imported(name: str) -> ModuleType:
    importlib.invalidate_caches()  # the file may be younger than the listing of its folder
    return importlib.import_module(name)


def test_a_module_that_is_imported_already(modules: Path) -> None:
    write(modules / "waited_for.py", "WORD = 'whole'\n")
    imported("waited_for")
    assert [module["WORD"] for module in awaited("waited_for")] == ["whole"]


def test_a_module_that_is_imported_later(modules: Path) -> None:
    write(modules / "outer/__init__.py", "")
    write(modules / "outer/waited_for.py", "WORD = 'begun'\nWORD = 'whole'\n")
    write(modules / "user.py", "from outer.waited_for import WORD, added\n")
    import_hooks.after_import("outer.waited_for", lambda module: vars(module).update(added="ours"))
    user = imported("user")
    assert (vars(user)["WORD"], vars(user)["added"]) == ("whole", "ours")


def test_an_action_added_while_the_module_is_being_imported(modules: Path) -> None:
    """Importing the module imports what waits for it too: it is acted on when it is whole."""
    write(modules / "waited_for.py", "WORD = 'begun'\nimport other\nWORD = 'whole'\n")
    write(
        modules / "other.py",
        "from yamlinject.frameworks.import_hooks import after_import\n"
        "seen = []\n"
        "after_import('waited_for', lambda module: seen.append(module.WORD))\n",
    )
    first = awaited("waited_for")
    imported("waited_for")
    assert [module["WORD"] for module in first] == ["whole"]
    assert vars(sys.modules["other"])["seen"] == ["whole"]


def test_a_module_is_acted_on_once(modules: Path) -> None:
    write(modules / "waited_for.py", "WORD = 'whole'\n")
    seen = awaited("waited_for")
    assert imported("waited_for") is imported("waited_for")
    assert [module["WORD"] for module in seen] == ["whole"]


def test_a_module_that_is_executed_again(modules: Path) -> None:
    write(modules / "waited_for.py", "WORD = 'whole'\n")
    seen = awaited("waited_for")
    importlib.reload(imported("waited_for"))
    assert [module["WORD"] for module in seen] == ["whole"] * 2


def test_a_module_that_is_looked_for_first(modules: Path) -> None:
    """``find_spec`` is how libraries ask whether another one is installed."""
    write(modules / "waited_for.py", "WORD = 'whole'\n")
    seen = awaited("waited_for")
    for _ in range(2):
        assert importlib.util.find_spec("waited_for") is not None
    assert seen == []
    imported("waited_for")
    assert len(seen) == 1


def test_a_module_that_is_never_imported(modules: Path) -> None:
    write(modules / "waited_for.py", "raise AssertionError\n")
    write(modules / "another.py", "WORD = 'another'\n")
    seen = awaited("waited_for")
    assert vars(imported("another"))["WORD"] == "another"
    assert seen == []


def test_a_module_that_is_not_there_yet(modules: Path) -> None:
    seen = awaited("waited_for")
    assert importlib.util.find_spec("waited_for") is None
    with pytest.raises(ModuleNotFoundError, match="No module named 'waited_for'") as failure:
        imported("waited_for")
    assert failure.value.name == "waited_for"
    write(modules / "waited_for.py", "WORD = 'whole'\n")
    imported("waited_for")
    assert len(seen) == 1


def test_a_module_that_fails(modules: Path) -> None:
    file = write(modules / "waited_for.py", "1 / 0\n")
    seen = awaited("waited_for")
    with pytest.raises(ZeroDivisionError):
        imported("waited_for")
    assert seen == []
    assert "waited_for" not in sys.modules
    write(file, "WORD = 'fixed and longer'\n")
    imported("waited_for")
    assert len(seen) == 1


def test_the_loader_stays_as_it_is(modules: Path) -> None:
    file = write(modules / "waited_for.py", "def f():\n    return 1\n")
    awaited("waited_for")
    module = imported("waited_for")
    assert module.__spec__ is not None
    loader = module.__spec__.loader
    assert isinstance(loader, importlib.machinery.SourceFileLoader)
    assert module.__loader__ is loader
    assert loader.get_source("waited_for") == file.read_text()
    assert (module.__file__, module.__spec__.origin) == (str(file), str(file))


# --- the condition in parse_model


class Ours:
    """An attention module."""


class Theirs:
    """A module of the framework."""


class Blocks:
    """A user's class that takes the channels of its input and of its output."""


class Repeating:
    """One that repeats its inner block besides."""


class Concat:
    """Reads several layers."""


class Join:
    """Reads several layers too, and has to know how many."""


PARSE_MODEL = """\
def before():
    return 'before'


def parse_model(rows, ch):
    \"\"\"Builds a model.\"\"\"
    layers, c2 = [], ch[-1]
    for i, (f, n, m, args) in enumerate(rows):
        m = eval(m) if isinstance(m, str) else m  # eval strings
        for j, a in enumerate(args):
            args[j] = eval(a) if isinstance(a, str) else a
        n = n_ = max(round(n / 3), 1) if n > 1 else n
        if m in {registry}:
            c1, c2 = ch[f], args[0] // 2
            args = [c1, c2, *args[1:]]
            if m in {tuple}:
                args.insert(2, n)
                n = 1
        elif m is Concat:
            c2 = sum(ch[x] for x in f)
        else:
            c2 = ch[f]
        layers.append((m.__name__, args, c2))
        ch.append(c2)
    return layers


after = 'after'
"""

REGISTRIES = {
    "list": "[Theirs, tuple]",
    "tuple": "(Theirs, tuple)",
    "set": "{Theirs, tuple}",
    "frozenset": "frozenset({Theirs, tuple})",
    "name": "base_modules",
    "with our module": "[Theirs, Ours]",
}


@pytest.fixture
def compiled(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Execute a source as it is registered, and return its names."""

    def execute(source: str) -> dict[str, Any]:
        file = write(tmp_path / "yolo.py", source)
        names: dict[str, Any] = {
            "Ours": Ours,
            "Theirs": Theirs,
            "Blocks": Blocks,
            "Repeating": Repeating,
            "Concat": Concat,
            "Join": Join,
            "base_modules": frozenset({Theirs}),
            "_yamlinject_modules": frozenset({Ours}),
            "_yamlinject_joins": frozenset({Join}),
            "_yamlinject_registry": frozenset({Blocks, Repeating}),
            "_yamlinject_repeating": frozenset({Repeating}),
            "_yamlinject_args": lambda module, count, given: parse_model._args(2, count, given),
        }
        exec(parse_model.compiled(file), names)
        return names

    return execute


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=REGISTRIES)
def test_the_args_of_our_modules(compiled: Callable[[str], dict[str, Any]], registry: str) -> None:
    names = compiled(PARSE_MODEL.replace("{registry}", registry))
    rows: list[list[Any]] = [
        [-1, 1, "Theirs", [64, 3]],
        [-1, 1, "Blocks", [128, 5]],
        [-1, 6, "Repeating", [64, True]],
        [-1, 1, "Ours", [64]],
        [-1, 3, "Ours", [64, 8, "None"]],
        [-1, 1, "Ours", []],
        [[-1, 0], 1, "Concat", [1]],
        [1, 1, "Ours", [64, 0.5]],
        [-1, 1, "Theirs", [16, "Concat"]],
        [[-1, 0], 1, "Join", [1]],
        [[-1, 0, 1], 1, "Join", []],
        [[-1, -1], 1, "Join", [2, 5]],
    ]
    # 3 channels go in; the registry of this framework halves what the rows say
    assert names["parse_model"](rows, [3]) == [
        ("Theirs", [3, 32, 3], 32),
        ("Blocks", [32, 64, 5], 64),
        ("Repeating", [64, 32, 2, True], 32),
        ("Ours", [32, 32], 32),
        ("Ours", [32, 32, 8, None], 32),
        ("Ours", [32, 32], 32),
        ("Concat", [1], 35),
        ("Ours", [32, 32, 0.5], 32),
        ("Theirs", [32, 8, Concat], 8),
        ("Join", [2], 11),
        ("Join", [3], 46),
        ("Join", [2, 5], 92),
    ]
    assert (names["before"](), names["after"]) == ("before", "after")
    assert names["parse_model"].__doc__ == "Builds a model."


@pytest.mark.parametrize("condition", ["m in [Theirs, Concat]", "m is Theirs or m is Concat"])
def test_a_fork_with_joins_of_its_own(compiled: Callable[[str], dict[str, Any]], condition: str) -> None:
    source = PARSE_MODEL.replace("m in {registry}", "m in [str]").replace("m is Concat", condition)
    assert compiled(source)["parse_model"]([[[0, -1], 1, "Join", [1]]], [3, 4]) == [("Join", [2], 7)]


def test_a_fork_without_concat(compiled: Callable[[str], dict[str, Any]]) -> None:
    source = PARSE_MODEL.replace("{registry}", "[Theirs]").replace("m is Concat", "m is str")
    built = compiled(source)["parse_model"]([[-1, 1, "Ours", []], [-1, 1, "Join", [1]]], [3])
    assert built == [("Ours", [3, 3], 3), ("Join", [1], 3)]


def test_channels_are_those_of_the_frameworks_own_rule(compiled: Callable[[str], dict[str, Any]]) -> None:
    """YOLOv5 up to 4.0 kept the input's channels in the list, so that absolute numbers are off by one."""
    source = PARSE_MODEL.replace("{registry}", "[Theirs]").replace(
        "ch[f]\n ", "ch[f if f < 0 else f + 1]\n "
    )
    source = source.replace("ch[x]", "ch[x if x < 0 else x + 1]")
    rows: list[list[Any]] = [
        [-1, 1, "Theirs", [64]],
        [-1, 1, "Theirs", [32]],
        [0, 1, "Ours", [64]],
        [-2, 1, "Ours", [32]],
        [[-1, 0], 1, "Join", [1]],
    ]
    built = compiled(source)["parse_model"](rows, [3])
    assert built[2:] == [("Ours", [32, 32], 32), ("Ours", [16, 16], 16), ("Join", [2], 48)]


@pytest.mark.parametrize("args", [[0.5], [True], ["'channels'"], ["None"], [[64]]], ids=repr)
def test_args_that_do_not_begin_with_the_channels(
    compiled: Callable[[str], dict[str, Any]], args: list[Any]
) -> None:
    names = compiled(PARSE_MODEL.replace("{registry}", "[Theirs]"))
    with pytest.raises(ValueError, match=r"have to begin with the channels, such as \[3\]"):
        names["parse_model"]([[-1, 1, "Ours", args]], [3])


def test_lines_of_a_traceback_are_those_of_the_file(
    tmp_path: Path, compiled: Callable[[str], dict[str, Any]]
) -> None:
    source = PARSE_MODEL.replace("{registry}", "[Theirs]")
    names = compiled(source)
    wrong = {
        "c2 = sum(ch[x] for x in f)": [-1, 1, "Concat", [1]],
        "m = eval(m) if isinstance(m, str) else m  # eval strings": [-1, 1, "Nothing", [1]],
        "c2 = ch[f]": [9, 1, "Ours", [1]],
        "c1, c2 = ch[f], args[0] // 2": [9, 1, "Theirs", [1]],
    }
    for line, row in wrong.items():
        with pytest.raises((TypeError, NameError, IndexError)) as failure:
            names["parse_model"]([row], [3])
        linecache.checkcache()
        frames = traceback.extract_tb(failure.tb)
        assert line in {frame.line for frame in frames if frame.filename == str(tmp_path / "yolo.py")}
    assert names["parse_model"].__code__.co_firstlineno == 5


CHAIN = "    for x in m:\n        if m in [1]:\n            x = 1\n        else:\n            x = 2\n"

UNTOUCHED = {
    "no parse_model": f"def build(m):\n{CHAIN}",
    "another parse_model": f"def parse_model(m):\n{CHAIN.replace('m in [1]', 'm == 1')}",
    "no loop": "def parse_model(m):\n    if m in [1]:\n        return 1\n    else:\n        return 2\n",
    "a method": f"class A:\n  def parse_model(self, m):\n{CHAIN}",
    "empty": "",
}


@pytest.mark.parametrize("source", UNTOUCHED.values(), ids=UNTOUCHED)
def test_other_sources_stay_as_they_are(tmp_path: Path, source: str) -> None:
    file = write(tmp_path / "yolo.py", source)
    assert parse_model.compiled(file) == compile(source, str(file), "exec", dont_inherit=True)


def test_a_source_in_another_encoding(tmp_path: Path) -> None:
    """Forks are commented in Chinese, some of them in GBK."""
    file = tmp_path / "yolo.py"
    file.write_bytes("# -*- coding: gbk -*-\r\nWORD = '注意力'\r\n".encode("gbk"))
    names: dict[str, Any] = {}
    exec(parse_model.compiled(file), names)
    assert names["WORD"] == "注意力"


def test_the_command_of_workers_is_changed_once() -> None:
    trainer = ModuleType("ultralytics.engine.trainer")
    vars(trainer)["generate_ddp_command"] = lambda trainer: (["python", "-m", "launcher", trainer], trainer)
    parse_model._launch_workers(trainer)
    parse_model._launch_workers(trainer)  # as by every Framework of a process
    command, file = trainer.generate_ddp_command("file.py")
    assert command == ["python", "-m", "launcher", "-m", "yamlinject", "run", "file.py"]
    assert file == "file.py"


# --- frameworks


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with configs."""
    yolov5n = yamlinject.load("yolov5n").add("SimAM", after="SPPF")
    yolov5n.save(tmp_path / "yolov5n_SimAM.yaml")
    yolov5n.add("CBAM", after="C3@0", args="[channels]").save(tmp_path / "yolov5n_both.yaml")
    yamlinject.load("yolov8n").add("SimAM", after="SPPF").save(tmp_path / "yolov8n_SimAM.yaml")
    return tmp_path


#: Builds the model of a config, and prints its attention layers: index, class, arguments or setting.
BUILD = """
import json
import sys

from yolov5.models.yolo import Model

model = Model(sys.argv[1])
found = [
    [i, f"{type(layer).__module__}.{type(layer).__name__}", str(getattr(layer, "args", layer))]
    for i, layer in enumerate(model.model)
    if type(layer).__name__ == "SimAM"
]
print(json.dumps([model.stride.tolist(), found]))
"""

BUILT = [[8.0, 16.0, 32.0], [[10, "yamlinject.nn.simam.SimAM", "SimAM(e_lambda=0.0001)"]]]


def answer(done: Done) -> Any:
    """What a script printed last; frameworks print before."""
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.framework
def test_a_script_that_builds_a_model(folder: Path) -> None:
    write(folder / "scripts/build.py", BUILD)
    assert (
        answer(python(*RUN, "scripts/build.py", "yolov5n_SimAM.yaml", cwd=folder, **offline(folder)))
        == BUILT
    )


@pytest.mark.framework
def test_scripts_of_a_checkout(folder: Path) -> None:
    """``train.py`` and the like import ``models.yolo``; ``models/yolo.py`` is a program itself."""
    root = checkout(folder / "checkout")
    write(root / "build.py", BUILD.replace("from yolov5.", "from "))
    variables = offline(folder)
    assert answer(python(*RUN, "checkout/build.py", "yolov5n_SimAM.yaml", cwd=folder, **variables)) == BUILT
    done = python(*RUN, "models/yolo.py", "--cfg", str(folder / "yolov5n_both.yaml"), cwd=root, **variables)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    told = {" ".join(line.split()) for line in done.stderr.splitlines()}
    assert "11 -1 1 0 yamlinject.nn.simam.SimAM [256, 256]" in told
    (cbam,) = (line for line in told if "CBAM [" in line)
    assert cbam.startswith("3 -1 1 ")
    assert cbam.endswith(" yamlinject.nn.cbam.CBAM [32, 32]")


OWN_SIMAM = """

class SimAM(nn.Module):
    def __init__(self, *args):
        super().__init__()
        self.args = args

    def forward(self, x):
        return x
"""


@pytest.mark.framework
def test_a_module_of_the_checkout_wins_over_ours(folder: Path) -> None:
    """It is not in the checkout's registry, so that it is built with the row's own args."""
    root = checkout(folder / "checkout")
    with (root / "models/common.py").open("a", encoding="utf-8") as common:
        common.write(OWN_SIMAM)
    write(root / "build.py", BUILD.replace("from yolov5.", "from "))
    config = str(folder / "yolov5n_SimAM.yaml")
    _, found = answer(python(*RUN, "build.py", config, cwd=root, **offline(folder)))
    assert found == [[10, "models.common.SimAM", "(1024,)"]]


# --- several processes


#: A training step in one of several processes, each with its own weights and images.
STEP = """
import json
import os

import torch
import torch.distributed as dist

{build}
known = ("yamlinject.nn.", "blocks")  # ours, and those of the user's file
attention = [module for module in model.modules() if type(module).__module__.startswith(known)]


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    else:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from tensors(inner)


def weights(module):
    return torch.cat([p.detach().flatten() for p in module.parameters()] or [torch.zeros(0)])


def equal_everywhere(values):
    every = [torch.empty_like(values) for _ in range(dist.get_world_size())]
    dist.all_gather(every, values)
    return all(torch.equal(one, values) for one in every)


dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(rank)
for parameter in model.parameters():
    torch.nn.init.normal_(parameter, std=0.1)
facts = dict(
    rank=rank,
    kinds=[type(module).__name__ for module in attention],
    equal_at_first=equal_everywhere(weights(model)),
)
trained = torch.nn.parallel.DistributedDataParallel(model)
before = weights(torch.nn.ModuleList(attention))
loss = sum(value.square().mean() for value in tensors(trained(torch.rand(2, 3, 64, 64))))
loss.backward()
torch.optim.SGD(trained.parameters(), lr=0.1).step()
after = weights(torch.nn.ModuleList(attention))
facts.update(
    finite=bool(loss.isfinite()),
    equal_afterwards=equal_everywhere(weights(model)),
    attention_parameters=before.numel(),
    attention_trained=not torch.equal(before, after),
)
with open(f"rank{{rank}}.json", "w") as file:
    json.dump(facts, file)
dist.destroy_process_group()
"""


GATE = """
from torch import nn


class MyGate(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.gate = nn.Conv2d(channels, channels, 1, groups=channels)

    def forward(self, x):
        return x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid()
"""


def with_gate(folder: Path, config: str, after: str) -> str:
    """The name of ``config`` with a module of the user's own, which is in ``blocks.py`` from then on."""
    blocks = write(folder / "mine/blocks.py", GATE)
    name = config.replace(".yaml", "_MyGate.yaml")
    yamlinject.load(str(folder / config)).add("MyGate", after=after, modules=[blocks]).save(folder / name)
    return name


WITH_GATE = ["--modules", "mine/blocks.py"]


def ranks(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(2)]


def facts(kinds: list[str], attention_parameters: int) -> list[dict[str, Any]]:
    """What two processes have to say after a step."""
    same = {
        "kinds": kinds,
        "equal_at_first": False,
        "finite": True,
        "equal_afterwards": True,
        "attention_parameters": attention_parameters,
        "attention_trained": attention_parameters > 0,
    }
    return [{"rank": rank, **same} for rank in range(2)]


@pytest.mark.framework
def test_distributed_training_with_torchrun(folder: Path) -> None:
    config = with_gate(folder, "yolov5n_both.yaml", after="C3@1")
    build = f"from yolov5.models.yolo import Model\nmodel = Model({config!r})"
    write(folder / "step.py", STEP.format(build=build))
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    run = [sys.executable, *RUN, *WITH_GATE]
    done = python(*torchrun, *run, "step.py", cwd=folder, **offline(folder))
    assert done.returncode == 0, done.stderr
    found = ranks(folder)
    assert found[0]["attention_parameters"] > 0
    assert found == facts(["CBAM", "MyGate", "SimAM"], found[0]["attention_parameters"])


#: Makes Ultralytics write the command that it starts its workers with, and runs that.
LAUNCH = """
import json
import subprocess
from types import SimpleNamespace

from ultralytics.engine import trainer
from ultralytics.utils import dist

dist.generate_ddp_file = lambda trainer: "step.py"  # its own needs cloudpickle, and a data set with labels
plan = SimpleNamespace(resume=True, world_size=2)
older = dist.generate_ddp_command.__code__.co_argcount == 2
command, file = trainer.generate_ddp_command(*[2] * older, plan)
subprocess.run(command, check=True)
print(json.dumps([command, file]))
"""


@pytest.mark.framework
def test_worker_processes_of_ultralytics(folder: Path) -> None:
    config = with_gate(folder, "yolov8n_SimAM.yaml", after="C2f@0")
    build = (
        "from ultralytics.nn.tasks import DetectionModel\n"
        f"model = DetectionModel({config!r}, verbose=False)"
    )
    write(folder / "step.py", STEP.format(build=build))
    write(folder / "launch.py", LAUNCH)
    command, file = answer(python(*RUN, *WITH_GATE, "launch.py", cwd=folder, **offline(folder)))
    assert file == "step.py"
    port = command.index("--master_port")
    assert command[:3] == [sys.executable, "-m", "torch.distributed.run"]
    assert command[port + 2 :] == ["-m", "yamlinject", "run", "step.py"]
    # a weight and a bias for each of the 32 scaled channels
    assert ranks(folder) == facts(["MyGate", "SimAM"], 64)


#: Starts a process that begins with nothing of this one, as a data loader's or a tuner's may.
SPAWN = """
import multiprocessing

from yamlinject.frameworks import install


def build(rows):
    install()
    from models.common import MyGate  # where checkpoints of registered checkouts have it
    from models.yolo import parse_model

    return MyGate.__module__, parse_model(rows, [3])


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(build, [[[-1, 1, "MyGate", [64]], [-1, 1, "SimAM", [64]]]]))
"""


@pytest.mark.framework
@pytest.mark.parametrize("options", [["--modules", "mine/blocks.py"], []], ids=["option", "project"])
def test_spawned_processes_that_install_know_the_users_modules(tmp_path: Path, options: list[str]) -> None:
    """They find the files by themselves: in the environment, or in the project; the folder may differ."""
    write(tmp_path / "mine/blocks.py", GATE)
    if not options:
        write(tmp_path / "pyproject.toml", "[tool.yamlinject]\nmodules = ['mine/blocks.py']\n")
    write(
        tmp_path / "models/yolo.py", PARSE_MODEL.replace("{registry}", "[tuple]").replace("Concat", "None")
    )
    write(tmp_path / "models/common.py", "class Conv: pass\nclass Concat: pass\n")
    write(tmp_path / "program.py", SPAWN)
    done = python(*RUN, *options, "program.py", cwd=tmp_path, COVERAGE_PROCESS_CONFIG="")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "('blocks', [('MyGate', [3], 3), ('SimAM', [3, 3], 3)])\n"


@pytest.mark.framework
def test_a_parse_model_that_is_not_the_frameworks_is_left_alone(tmp_path: Path) -> None:
    """A user has replaced it by a wrapper, which calls the framework's own in the end."""
    file = tmp_path / "tasks.py"
    file.write_text(
        "def parse_model(d, ch):\n    for m in d:\n        if m in [int]:\n            c2 = 1\n"
    )
    module = ModuleType("tasks")
    module.__file__ = str(file)

    def wrapper(d: object, ch: object) -> object:
        return d, ch, tmp_path  # a closure, whose code cannot be exchanged

    vars(module)["parse_model"] = wrapper
    parse_model.register(module)
    assert module.parse_model(1, 2) == (1, 2, tmp_path)
    assert module.SimAM.__name__ == "SimAM"
