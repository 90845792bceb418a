"""Public configs with correctly wired attention are what ``add`` makes of the same base."""

from __future__ import annotations

import csv
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import oracle
from tests.conftest import CORPUS, needs_corpus
from yamlinject.config import Config

#: Not reproducible with ``add``, which inserts layers that keep channels below another layer.
LEFT_OUT = {
    # reads the image: there is no layer above it
    "xh92117__yolo11highwaycracks__ultralytics__cfg__models__11__yolo11-DICAM.yaml",
    # FCAttention [512] is below a Concat of 1536 and one of 768 channels
    "xh92117__yolo11highwaycracks__ultralytics__cfg__models__11__yolo11-FCAttention.yaml",
}

#: Args that begin with a hyperparameter and no channel count: reductions, kernel sizes, factors, and the
#: two inner widths of DoubleAttention (A2-Nets), whose output has the channels of its input.
HYPERPARAMETERS: dict[str, list[list[Any]]] = {
    "BAMAttention": [[16, 2]],
    "CAAttention": [[16]],
    "CABlock": [[16]],
    "CBAMAttention": [[16, 7]],
    "CBAMBlock": [[1]],
    "CPCA": [[2], [4]],
    "DoubleAttention": [[128, 128]],
    "ECAAttention": [[3]],
    "EMA": [[8]],
    "LSKA": [[23]],
    "SEAttention": [[16]],
    "SEBlock": [[16, "conv"]],
    "SKBlock": [[16, "conv", 2]],
}


class Edit(NamedTuple):
    """A row of ``edited.csv``: below which layers of ``base`` the public ``file`` has another one."""

    file: Path
    base: Path
    targets: list[int]
    modules: list[str]


def read_edits() -> list[Edit]:
    if not CORPUS.exists():
        return []
    with (CORPUS / "edited.csv").open(encoding="utf-8", newline="") as table:
        right = [row for row in csv.DictReader(table) if (row["tier"], row["verdict"]) == ("A", "a")]
    found = []
    for row in right:
        if row["file"] in LEFT_OUT:
            continue
        positions = [position.split(":") for position in row["positions"].split()]
        found.append(
            Edit(
                CORPUS / "edited" / row["file"],
                CORPUS / "base" / row["base"],
                [int(index) for index, _ in positions],
                [module for _, module in positions],
            )
        )
    return found


EDITS = read_edits()


def load(path: Path) -> oracle.Data:
    return oracle.read(oracle.decode(path.read_bytes()))[0]


def rows(data: oracle.Data) -> list[list[Any]]:
    return [row for section in oracle.SECTIONS for row in data[section]]


def injected(edit: Edit) -> list[list[Any]]:
    """The rows of the public file below its targets."""
    public = rows(load(edit.file))
    return [public[target + 1 + earlier] for earlier, target in enumerate(edit.targets)]


@pytest.mark.corpus
@needs_corpus
def test_all_rows_are_compared() -> None:
    """126 rows of tier A have the verdict a; the 124 that are compared name 252 positions (by awk)."""
    assert len(EDITS) + len(LEFT_OUT) == 126
    assert sum(len(edit.targets) for edit in EDITS) == 252


@pytest.mark.corpus
@needs_corpus
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.file.name)
def test_same_graph_as_the_public_file(edit: Edit) -> None:
    base = load(edit.base)
    assert [rows(base)[target][2] for target in edit.targets] == edit.modules
    new = injected(edit)
    config = Config(edit.base.name, edit.base.read_bytes())
    below = sorted(zip(edit.targets, (row[2] for row in new), strict=True), reverse=True)
    # from the bottom up, so that the layers above keep the numbers that the table gives them
    for module, group in groupby(below, key=lambda pair: pair[1]):
        config = config.add(module, ",".join(str(target) for target, _ in group), args="[]")
    assert oracle.graph(oracle.read(config.text)[0]) == oracle.graph(load(edit.file))


@pytest.mark.corpus
@needs_corpus
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.file.name)
def test_injected_modules_keep_channels(edit: Edit) -> None:
    """Why a row is compared: its args name no count, a hyperparameter, or the target's own count."""
    counts = oracle.channels(load(edit.base))
    for target, (_, _, module, args) in zip(edit.targets, injected(edit), strict=True):
        assert not args or args[0] == counts[target] or args in HYPERPARAMETERS[module]
