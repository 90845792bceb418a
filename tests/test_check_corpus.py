"""``check`` on public configs: nothing wrong upstream, and the verdicts of people on edited ones."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import CORPUS, EXHAUSTIVE, corpus, needs_corpus, shipped
from tests.test_parsers import read
from yamlinject.checks.findings import Finding
from yamlinject.checks.runner import check
from yamlinject.config import Config
from yamlinject.core import yaml_nodes as parsers

pytestmark = [pytest.mark.corpus, pytest.mark.framework]

SHIPPED = [
    path
    for path in [*shipped("yolov5", "models"), *shipped("ultralytics", "cfg/models")]
    if path.name != "anchors.yaml"  # of the yolov5 package: anchor boxes only
]

#: Upstream files that no framework can read or build, with the only error that there is.
BROKEN = {
    "ultralytics__yolov5__models__hub__yolov5-bifpn__119aebb1.yaml": ("YI001", 22),  # a missing comma
    "ultralytics__yolov5__models__hub__yolov5-bifpn__69f7b593.yaml": ("YI001", 20),  # the same
    "ultralytics__yolov5__models__hub__yolov5-bifpn__f1dd7c60.yaml": ("YI103", 30),  # layer 12 reads 20
}

#: The rules of references, shapes and attention: one of these must find a wrong file.
_WIRING = "YI1", "YI2", "YI3"


def found_in(path: Path, *, known_bases: bool = True) -> list[Finding]:
    return check(Config(path.name, path.read_bytes(), path=path), known_bases=known_bases)


def errors(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.rule.severity == "error"]


@pytest.mark.parametrize("known_bases", [True, False])
def test_nothing_is_wrong_with_what_the_packages_ship(known_bases: bool) -> None:
    assert len(SHIPPED) > 80
    for path in SHIPPED:
        found = found_in(path, known_bases=known_bases)
        assert {finding.rule.code for finding in found} <= {"YI501"}, path.name


@needs_corpus
@pytest.mark.parametrize("known_bases", [True, False])
def test_nothing_is_wrong_upstream(known_bases: bool) -> None:
    """Stale index comments are warnings; there is no other finding but in the broken files."""
    paths = corpus("base")
    assert len(paths) == 650
    broken = {}
    for path in paths:
        found = found_in(path, known_bases=known_bases)
        assert {finding.rule.code for finding in found} - {"YI501"} <= {"YI001", "YI103"}, path.name
        for finding in errors(found):
            assert finding.start
            broken[path.name] = (finding.rule.code, finding.start.line)
    assert broken == BROKEN


def judged(verdict: str) -> list[dict[str, str]]:
    """The rows of ``edited.csv`` whose base is known (tiers A and B), with that verdict."""
    with (CORPUS / "edited.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    return [row for row in rows if row["tier"] and row["verdict"] == verdict]


def wiring_errors(row: dict[str, str], *, known_bases: bool = True) -> list[Finding]:
    found = errors(found_in(CORPUS / "edited" / row["file"], known_bases=known_bases))
    return [finding for finding in found if finding.rule.code.startswith(_WIRING)]


@needs_corpus
@pytest.mark.parametrize(("verdict", "count"), [("a", 152), ("b", 48)])
@pytest.mark.parametrize("known_bases", [True, False])
def test_correct_wiring_has_no_error(verdict: str, count: int, known_bases: bool) -> None:
    rows = judged(verdict)
    assert len(rows) == count
    assert [row["file"] for row in rows if wiring_errors(row, known_bases=known_bases)] == []


@needs_corpus
@pytest.mark.parametrize("known_bases", [True, False])
def test_correct_files_are_nearly_without_warnings(known_bases: bool) -> None:
    """Besides comments: stacked attention, one text in place of a number, and one file's channels.

    That file's FCAttention gets the channels that its row says, so the finding is right.
    """
    codes = Counter(
        finding.rule.code
        for row in judged("a")
        for finding in found_in(CORPUS / "edited" / row["file"], known_bases=known_bases)
        if finding.rule.code != "YI501"
    )
    assert codes == {"YI204": 4, "YI401": 1, "YI402": 14 if known_bases else 13}


@needs_corpus
def test_bypassed_attention_is_a_warning() -> None:
    """Verdict b: some reader bypasses the attention, or nothing reads it.

    Except for one file: its CBAM at the end reads layer 22, and the head, the only reader of 22, reads it.
    """
    known = {"YI303", "YI305", "YI306"}
    quiet = [
        row["file"]
        for row in judged("b")
        if not known & {finding.rule.code for finding in found_in(CORPUS / "edited" / row["file"])}
    ]
    assert quiet == ["mrshafayet__sf-yolo__models__detect__yolov9-c-CBAM.yaml"]


@needs_corpus
def test_wrong_wiring_is_found_with_the_layer_that_is_wrong() -> None:
    """The layers are those that the table's detail names: ``layer 23=Detect in[0] reads 16=Conv``."""
    rows = judged("c")
    assert len(rows) == 41
    for row in rows:
        found = wiring_errors(row)
        wrong = [part.split() for part in row["detail"].split(" | ") if part.startswith("layer ")]
        for _, layer, _, _, source, *_ in wrong:
            index, module = layer.split("=")
            reads = source.split("=")[0]
            assert any(
                finding.message.startswith(f"layer {index} ({module}")
                and (f"reads layer {reads} " in finding.message or f"'from' {reads} " in finding.message)
                for finding in found
            ), (row["file"], layer, source, [finding.message for finding in found])


@needs_corpus
def test_most_of_it_is_found_without_a_base() -> None:
    rules: Counter[str] = Counter()
    missed = []
    for row in judged("c"):
        codes = {finding.rule.code for finding in wiring_errors(row, known_bases=False)}
        rules.update(codes)
        if not codes:
            missed.append(row["file"])
    assert rules == {"YI302": 29, "YI202": 7, "YI102": 1}
    # a C3 read instead of the 1x1 convolution below it, and a head that reads one layer too far
    assert len(missed) == 4


@pytest.mark.parametrize(
    "folder",
    ["shipped", *(pytest.param(name, marks=needs_corpus) for name in ("base", "edited", "irregular"))],
)
def test_libyaml_reads_what_frameworks_read(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fast parser gives the same layers at the same places, and the same errors."""
    texts = [
        Config(path.name, path.read_bytes()).text
        for path in (SHIPPED if folder == "shipped" else corpus(folder))[:: 1 if EXHAUSTIVE else 3]
    ]
    fast = [read(text) for text in texts]
    monkeypatch.setattr(parsers, "_is_read_alike", lambda _: False)
    assert fast == [read(text) for text in texts]
