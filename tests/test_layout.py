"""The rooms of the package: which may import which, and how large they may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "yamlinject"

#: Each package or top-level module, and those that it may import: only what is above it here.
MAY_IMPORT = {
    "errors": "",
    "_version": "",
    "core": "errors _version",
    "files": "errors core",
    "library": "errors core files",
    "nn": "",
    "config": "errors core files library",
    "lineage": "errors core files library config",
    "checkout": "errors _version core files library",
    "checks": "errors core files library config lineage checkout",
    "drawing": "errors core config lineage checks",
    "frameworks": "errors core files library config nn",
    "verification": "errors core library config lineage frameworks",
    "weights": "errors core files config lineage frameworks",
    "study": "errors _version core files library config lineage frameworks weights verification drawing",
    "output": (
        "errors _version core library config lineage checks drawing verification weights checkout study"
    ),
    "__init__": "errors _version core config checks verification weights",
    "cli": (
        "errors core files library config lineage checks drawing frameworks verification weights checkout "
        "study output __init__"
    ),
    "__main__": "cli",
}


def room(module: str) -> str:
    """The package, or the top-level module, that a module of ours belongs to."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(file: Path) -> Iterator[str]:
    """Our own modules that a file imports, at its top, in a function, or for its types."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "yamlinject":
            for name in node.names:
                below = PACKAGE.parent.joinpath(*str(node.module).split("."), name.name)
                is_module = below.with_suffix(".py").is_file() or below.is_dir()
                yield f"{node.module}.{name.name}" if is_module else str(node.module)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] == "yamlinject")


def modules() -> dict[str, Path]:
    files = sorted(PACKAGE.rglob("*.py"))
    names = {file: ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts) for file in files}
    return {name.removesuffix(".__init__"): file for file, name in names.items()}


def test_the_table_goes_one_way() -> None:
    order = list(MAY_IMPORT)
    for name, allowed in MAY_IMPORT.items():
        assert all(order.index(other) < order.index(name) for other in allowed.split())


def test_every_room_is_in_the_table() -> None:
    assert {room(name) for name in modules()} == set(MAY_IMPORT)


@pytest.mark.parametrize("name", MAY_IMPORT)
def test_a_room_imports_only_rooms_above_it_in_the_table(name: str) -> None:
    files = [(module, file) for module, file in modules().items() if room(module) == name]
    assert files
    found = {room(other) for _, file in files for other in imports(file)} - {name}
    assert found <= set(MAY_IMPORT[name].split())


def test_no_circular_imports() -> None:
    """Not even through imports inside functions or for types."""
    known = modules()
    arrows = {name: {other for other in imports(file) if other in known} for name, file in known.items()}
    while arrows:
        done = {name for name, others in arrows.items() if not others & set(arrows) - {name}}
        assert done, f"a circle among {sorted(arrows)}"
        arrows = {name: others for name, others in arrows.items() if name not in done}


def test_rooms_that_fit_in_the_head() -> None:
    long = {name: len(file.read_text("utf-8").splitlines()) for name, file in modules().items()}
    assert {name: lines for name, lines in long.items() if lines > 300} == {}
    assert len(list(PACKAGE.glob("*.py"))) <= 6
