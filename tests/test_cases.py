"""Golden cases: what ``add`` makes of a config, byte for byte, and that ``remove`` undoes it.

A case is a folder of ``cases/``: ``in.yaml``, ``out.yaml`` without a provenance line, and ``args``, the
command line after ``yamlinject`` without base and output. A new case is a new folder.
"""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path

import pytest

from tests.support import check_undone
from yamlinject import load
from yamlinject.cli.app import run

CASES = sorted(path.parent for path in Path(__file__).with_name("cases").glob("*/args"))

#: Their index comments, or layers of the same module, can only be restored by the provenance line.
NEED_PROVENANCE = [case for case in CASES if "--no-provenance" not in (case / "args").read_text()]

BOM = b"\xef\xbb\xbf"


def arguments(case: Path) -> list[str]:
    words = shlex.split((case / "args").read_text(encoding="utf-8"))
    return [word for word in words if word != "--no-provenance"]


def add(case: Path, folder: Path, *more: str) -> bytes:
    """Run the case on a copy of its input, through the command line."""
    base, out = folder / "in.yaml", folder / "out.yaml"
    base.write_bytes((case / "in.yaml").read_bytes())
    assert run([*arguments(case), *more, str(base), "-o", str(out)]) == 0
    return out.read_bytes()


def remove(case: Path, folder: Path) -> bytes:
    module = arguments(case)[1]
    assert run(["remove", module, str(folder / "out.yaml"), "-o", str(folder / "back.yaml")]) == 0
    return (folder / "back.yaml").read_bytes()


def test_there_are_cases() -> None:
    assert len(CASES) > 40
    assert len({(case / "in.yaml").read_bytes() for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_add(case: Path, tmp_path: Path) -> None:
    assert add(case, tmp_path, "--no-provenance") == (case / "out.yaml").read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_remove_undoes_add(case: Path, tmp_path: Path) -> None:
    before, after = (case / "in.yaml").read_bytes(), (case / "out.yaml").read_bytes()
    bom = BOM * before.startswith(BOM)
    generated = add(case, tmp_path).removeprefix(bom)
    line = generated[: -len(after) + len(bom)]
    assert generated == line + after.removeprefix(bom)
    assert line.startswith(b"# yamlinject ")
    assert f"; base {hashlib.sha256(before).hexdigest()[:7]}-".encode() in line
    assert remove(case, tmp_path) == before
    check_undone(load(tmp_path / "out.yaml"))


@pytest.mark.parametrize(
    "case", [case for case in CASES if case not in NEED_PROVENANCE], ids=lambda c: c.name
)
def test_remove_without_provenance_line(case: Path, tmp_path: Path) -> None:
    (tmp_path / "out.yaml").write_bytes((case / "out.yaml").read_bytes())
    assert remove(case, tmp_path) == (case / "in.yaml").read_bytes()
