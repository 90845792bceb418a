"""One insertion after every layer, and after every layer of a module, of every config that we know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import oracle
from tests.conftest import CORPUS, EXHAUSTIVE, corpus, needs_corpus, shipped
from tests.support import check_undone
from yamlinject.config import Config
from yamlinject.core.selectors import SCOPES, Scope
from yamlinject.errors import YamlInjectError

pytestmark = [pytest.mark.corpus, pytest.mark.framework]

_SELECTABLE = re.compile(r"[A-Za-z_][\w.]*")


class Case(NamedTuple):
    """One insertion: how it is asked for, and the layers that it means."""

    selector: str
    scope: Scope
    targets: tuple[int, ...]


def parameters(folder: str) -> Sequence[object]:
    """The files of a folder of the corpus, or one test that says why they are skipped."""
    found = [pytest.param(path, id=path.relative_to(CORPUS).as_posix()) for path in corpus(folder)]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=f"no ../shared/corpus/{folder}"))]


SHIPPED = [*shipped("yolov5", "models"), *shipped("ultralytics", "cfg/models")]

#: Every file that is refused as a whole, with the line and what the message says.
REFUSED = {
    "anchors.yaml": ("not a model config", None),  # of the yolov5 package: anchor boxes only
    "ultralytics__yolov5__models__hub__yolov5-bifpn__119aebb1.yaml": ("not valid YAML", 22),
    "ultralytics__yolov5__models__hub__yolov5-bifpn__69f7b593.yaml": ("not valid YAML", 20),
    "ultralytics__yolov5__models__hub__yolov5-bifpn__f1dd7c60.yaml": ("layer 12 (Concat): 'from' 20", 30),
    "Liudongyun-max__yolov5-7.0-weed-detect__models__yolov5s_BF_SW.yaml": (
        "layer 17 (Detect): 'from' 17 is",
        46,
    ),
    "WillBeMemory__my_ultralytics__ultralytics__cfg__models__11__yolo11-ternary-bs.yaml": (
        "layer 26 (Detect): 'from' 26 is",
        53,
    ),
    "giannemlaw545-gif__YOLOv5-CBAM-Improvement__models__yolov5s_cbam.yaml": ("not valid YAML", 14),
    "ycren993__yolov8__ultralytics__cfg__models__v8__yolov8-MobileViTv2-ECA.yaml": (
        "layer 15 (Detect): 'from' 17 is",
        42,
    ),
    "duplicate-top-level-keys__JiwenJ__Graduation-project__yolov5__models__yolov5s_bi_se.yaml": (
        "duplicate key 'head'",
        30,
    ),
    "row-not-a-list__Ash-Sdh__12449879_object-detection-robotic-vision__models__yolov5s_cbam.yaml": (
        "a row is a list",
        3,
    ),
}


def rewritable(path: Path) -> bytes:
    """What makes the rewrites of two files the same but for their headers."""
    data = path.read_bytes()
    return data[data.find(b"\nbackbone:") :]


#: One upstream file of each kind. Of the other ones, only the header is new.
FIRST_OF_ITS_KIND = set({rewritable(path): path for path in reversed([*SHIPPED, *corpus("base")])}.values())


def cases(data: oracle.Data) -> Iterator[Case]:
    layers = [(section, row[2]) for section in oracle.SECTIONS for row in data[section]]
    for index in range(len(layers)):
        yield Case(str(index), "backbone", (index,))
    for scope in SCOPES:
        for module in dict.fromkeys(name for section, name in layers if scope in (section, "all")):
            targets = tuple(
                index
                for index, (section, name) in enumerate(layers)
                if name == module and scope in (section, "all")
            )
            by_name = _SELECTABLE.fullmatch(module)
            yield Case(module if by_name else ",".join(map(str, targets)), scope, targets)


def shares(path: Path, layers: int, *, upstream: bool) -> tuple[int, int]:
    """Of how many insertions one is tried: below one layer, and below several.

    In files of other lengths it is another one; each takes longer in a large file.
    """
    if EXHAUSTIVE:
        return 1, 1
    if path in SHIPPED and path in FIRST_OF_ITS_KIND:
        return 2, 1
    several = (12 if upstream and path not in FIRST_OF_ITS_KIND else 4) * (1 + layers // 50)
    return 2 * several, several


def check_file(path: Path, *, upstream: bool) -> None:
    base = path.read_bytes()
    config = Config(path.name, base)
    problem = oracle.problem(oracle.decode(base))
    if problem:
        with pytest.raises(YamlInjectError) as refused:
            _ = config.document
        check_refusal(refused.value, path, problem)
        return
    data, rows = oracle.read(oracle.decode(base))
    illegal, channels = oracle.illegal(data), oracle.channels(data)
    lines = [oracle.decode(base).count("\n", 0, row.start) + 1 for row in rows]
    alone, several = shares(path, len(rows), upstream=upstream)
    done: dict[tuple[int, ...], str] = {}
    written, result_data = b"", None
    for number, case in enumerate(cases(data)):
        if (number + len(base)) % (alone if len(case.targets) == 1 else several):
            continue
        where = f"{path.name}: after {case.selector} in {case.scope}"
        forbidden = illegal.intersection(case.targets)
        if forbidden:
            with pytest.raises(YamlInjectError) as refused:
                config.add("SimAM", case.selector, scope=case.scope)
            problem = oracle.Problem("nothing may be inserted after", lines[min(forbidden)])
            check_refusal(refused.value, path, problem)
            continue
        known = all(channels[target] for target in case.targets)
        assert known or not upstream, f"{where}: a module that the oracle does not know"
        result = config.add("SimAM", case.selector, scope=case.scope, args=None if known else "[]")
        if case.targets in done:
            assert result.text.split("\n", 1)[1] == done[case.targets], where
            continue
        written = result.to_bytes()
        below = {target: [[1, "SimAM", [channels[target]] if known else []]] for target in case.targets}
        try:
            result_data, result_rows = oracle.read(oracle.decode(written))
            assert result_data == oracle.inserted(data, below)
            done[case.targets] = oracle.check_text(base, rows, written, result_rows, case.targets)
        except AssertionError as error:
            raise AssertionError(f"{where}: {error}") from error
        if EXHAUSTIVE or (len(done) + len(base)) % 3 == 0:  # it costs several times as much
            again = Config("result.yaml", written)
            assert again.remove("SimAM").to_bytes() == base, where
            check_undone(again)
    assert not written or result_data == oracle.read(oracle.decode(written), fast=False)[0]


def check_refusal(error: YamlInjectError, path: Path, problem: oracle.Problem) -> None:
    assert problem.message in error.message
    assert error.file == path.name
    assert (error.place.line if error.place else None) == problem.line


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped(path: Path) -> None:
    check_file(path, upstream=True)


@pytest.mark.parametrize("path", parameters("base"))
def test_base(path: Path) -> None:
    check_file(path, upstream=True)


@pytest.mark.parametrize("path", [*parameters("edited"), *parameters("irregular")])
def test_edited_and_irregular(path: Path) -> None:
    check_file(path, upstream=False)


def check_refused(paths: Sequence[Path]) -> None:
    """Exactly the files of :data:`REFUSED` are refused: the other tests show it of those that are not."""
    found = [path for path in paths if oracle.problem(oracle.decode(path.read_bytes()))]
    assert {path.name for path in found} == REFUSED.keys() & {path.name for path in paths}
    for path in found:
        with pytest.raises(YamlInjectError) as refused:
            _ = Config(path.name, path.read_bytes()).document
        message, line = REFUSED[path.name]
        check_refusal(refused.value, path, oracle.Problem(message, line))


def test_refused_of_the_shipped() -> None:
    check_refused(SHIPPED)
    assert [path.name for path in SHIPPED if path.name in REFUSED] == ["anchors.yaml"]


@needs_corpus
def test_refused_of_the_corpus() -> None:
    paths = [path for folder in ("base", "edited", "irregular") for path in corpus(folder)]
    assert len(paths) == 650 + 329 + 11
    check_refused(paths)
    assert {path.name for path in paths} >= REFUSED.keys() - {"anchors.yaml"}


YOLOV5S = next(path for path in SHIPPED if path.name == "yolov5s.yaml")


@pytest.mark.parametrize(
    ("targets", "changed"),
    [
        ((9,), {13: [-1, 6], 17: [-1, 4], 20: [-1, 15], 23: [-1, 11], 25: [18, 21, 24]}),
        ((2, 4, 6, 8), {16: [-1, 9], 20: [-1, 6], 23: [-1, 18], 26: [-1, 14], 28: [21, 24, 27]}),
    ],
)
def test_oracle_knows_the_worked_examples(targets: tuple[int, ...], changed: dict[int, list[int]]) -> None:
    """The table of DESIGN.md section 3."""
    data, _ = oracle.read(YOLOV5S.read_text(encoding="utf-8"))
    new = oracle.inserted(data, {target: [[1, "SimAM", []]] for target in targets})
    rows = [*new["backbone"], *new["head"]]
    assert {index: row[0] for index, row in enumerate(rows) if isinstance(row[0], list)} == changed
    assert len(new["backbone"]) == 10 + len(targets)
    added = [target + 1 + earlier for earlier, target in enumerate(targets)]
    assert [index for index, row in enumerate(rows) if row[2] == "SimAM"] == added


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"# yamlinject", b"# Yamlinject"),
        (b"# YOLOv5", b"#  YOLOv5"),
        (b"SimAM, [1024]],  # 10\n", b"SimAM, [1024]],\n"),
        (b"SimAM, [1024]],  # 10\n", b"SimAM, [1024]],  # 9\n"),
        (b"SimAM, [1024]],  # 10\n", b"SimAM, [1024]],  # 10\r\n"),
        (b"   [-1, 1, SimAM", b"  [-1, 1, SimAM"),
        (b"[-1, 15]", b"[ -1, 15]"),
        (b"[-1, 15]", b"[-1, +15]"),
        (b"# 18 (P3/8-small)", b"# 17 (P3/8-small)"),
        (b"# 7-P5/32", b"# 8-P5/32"),
        (b"# cat head P4", b"# cat head  P4"),
        (b"  ]\n\n#", b"  ]\n#"),
        (b"  ]\n", b" ]\n"),
    ],
)
def test_oracle_sees_every_other_change(right: bytes, wrong: bytes) -> None:
    base = YOLOV5S.read_bytes()
    rows = oracle.read(oracle.decode(base))[1]
    good = Config("yolov5s", base).add("SimAM", "SPPF").to_bytes()
    oracle.check_text(base, rows, good, oracle.read(oracle.decode(good))[1], [9])
    bad = good.replace(right, wrong, 1)
    assert bad != good
    with pytest.raises(AssertionError):
        oracle.check_text(base, rows, bad, oracle.read(oracle.decode(bad))[1], [9])
