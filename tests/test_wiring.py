"""A config compared with its base, on layers written by hand."""

from __future__ import annotations

import pytest

from yamlinject.core.layer import Layer
from yamlinject.lineage import alignment


def layers(*rows: str) -> list[Layer]:
    """Layers from rows such as ``"Concat -1 2"``."""
    found = []
    for index, row in enumerate(rows):
        module, *references = row.split()
        numbers = [int(reference) for reference in references]
        from_ = numbers[0] if len(numbers) == 1 else numbers
        found.append(Layer(index, "backbone", from_, 1, module, []))
    return found


BASE = layers("Conv -1", "C3 -1", "SPPF -1", "Concat -1 1", "Detect 1 3")


@pytest.mark.parametrize(
    ("rows", "aligned"),
    [
        pytest.param(
            ["Conv -1", "C3 -1", "SPPF -1", "Concat -1 1", "Detect 1 3"], [0, 1, 2, 3, 4], id="same"
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "A -1", "SPPF -1", "A -1", "B -1", "Concat -1 2", "Detect 2 6"],
            [0, 1, 3, 6, 7],
            id="put-in",
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "C3 -1", "SPPF -1", "Concat -1 2", "Detect 2 4"],
            [0, 1, 3, 4, 5],
            id="twin",
        ),
        pytest.param(["Conv -1", "SPPF -1", "Concat -1 1", "Detect 1 2"], None, id="one-is-missing"),
        pytest.param(
            ["A -1", "Conv -1", "C3 -1", "SPPF -1", "Concat -1 2", "Detect 2 4"], None, id="on-the-image"
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "Add 0 1", "SPPF -1", "Concat -1 1", "Detect 1 4"],
            None,
            id="joins-two-layers",
        ),
    ],
)
def test_align(rows: list[str], aligned: list[int] | None) -> None:
    assert alignment.align(layers(*rows), BASE) == aligned


@pytest.mark.parametrize(("new", "is_told"), [(1, True), (66, True), (67, False), (120, False)])
def test_twins_are_told_apart_if_it_takes_little_time(new: int, is_told: bool) -> None:
    """Of 147 equal blocks the head reads all but the new one; each candidate takes all 150 layers."""
    blocks = range(1, 148)
    base = layers("Conv -1", *["C3 -1"] * 147, f"Detect {' '.join(map(str, blocks))}")
    read = [block if block < new else block + 1 for block in blocks]
    config = layers("Conv -1", *["C3 -1"] * 148, f"Detect {' '.join(map(str, read))}")
    assert (alignment.align(config, base) == [0, *read, 149]) == is_told


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        pytest.param(["Conv -1", "C3 -1", "A -1", "SPPF -1", "Concat -1 2", "Detect 2 4"], [], id="right"),
        pytest.param(
            ["Conv -1", "C3 -1", "A -1", "SPPF -1", "Concat -1 1", "Detect 1 4"], [], id="past-it"
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "A -1", "SPPF -1", "Concat -1 2", "Detect 2 3"],
            [(5, [2, 4])],
            id="not-renumbered",
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "A -1", "SPPF -1", "Concat 2 -1", "Detect 2 4"],
            [(4, [3, 2])],
            id="other-order",
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "A 0", "SPPF -1", "Concat -1 1", "Detect 1 4"],
            [(3, [1])],
            id="reads-another",
        ),
        pytest.param(
            ["Conv 3", "C3 -1", "SPPF -1", "Concat -1 1", "Detect 1 3"], [(0, [-1])], id="not-the-image"
        ),
        pytest.param(
            ["Conv -1", "C3 -1", "A -1", "B -1", "SPPF 1", "Concat -1 0", "Detect 2 5"],
            [(5, [4, 3])],
            id="stack",
        ),
    ],
)
def test_wrong_readers(rows: list[str], wrong: list[tuple[int, list[int]]]) -> None:
    config = layers(*rows)
    aligned = alignment.align(config, BASE)
    assert aligned is not None
    assert [
        (wrong.layer.index, wrong.expected) for wrong in alignment.wrong_readers(config, BASE, aligned)
    ] == wrong


def test_unread_attention_and_what_bypasses_it() -> None:
    config = layers("Conv -1", "C3 -1", "A -1", "SPPF 1", "B -1", "Concat -1 1", "Detect 5")
    assert alignment.unread(config, [2, 4]) == [config[2]]
    assert list(alignment.bypassing(config, [2, 4])) == [(config[2], config[3]), (config[2], config[5])]
