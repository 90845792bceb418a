"""Breaking text into lines that fit a terminal, and the tables made of it."""

from __future__ import annotations

import pytest

from yamlinject.output.tables import Column, Row, table
from yamlinject.output.widths import columns, folded, wrapped


@pytest.mark.parametrize(
    ("text", "width"),
    [("", 0), ("abc", 3), ("注意", 4), ("ｱ1", 2), ("\uff41", 2), ("e\u0301", 1), ("é", 1)],
)
def test_columns(text: str, width: int) -> None:
    assert columns(text) == width


@pytest.mark.parametrize(
    ("text", "width", "hang", "lines"),
    [
        ("", 5, 0, [""]),
        ("one two", 7, 2, ["one two"]),
        ("one two", 6, 2, ["one", "  two"]),
        ("one two three", 8, 2, ["one two", "  three"]),
        ("one two three", 7, 2, ["one two", "  three"]),
        ("  one two", 6, 4, ["  one", "    two"]),
        ("a  b c", 4, 0, ["a  b", "c"]),
        # a path is never broken, neither first nor later
        ("/very/long/path", 6, 2, ["/very/long/path"]),
        ("in /very/long/path now", 6, 2, ["in", "  /very/long/path", "  now"]),
        ("/very/long/path now", 6, 2, ["/very/long/path", "  now"]),
        # two columns each
        ("注意 注意 x", 9, 0, ["注意 注意", "x"]),
        ("注意 注意 x", 8, 0, ["注意", "注意 x"]),
    ],
)
def test_wrapped(text: str, width: int, hang: int, lines: list[str]) -> None:
    assert list(wrapped(text, width, hang)) == lines


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("[None, 2, nearest]", 10, ["[None, 2,", "nearest]"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("a bcdefg h", 3, ["a", "bcd", "efg", "h"]),
        ("注意注", 3, ["注", "意", "注"]),
        ("注", 1, ["注"]),  # what cannot be broken
    ],
)
def test_folded(text: str, width: int, lines: list[str]) -> None:
    assert list(folded(text, width)) == lines


COLUMNS = (Column("index", right=True), Column("args", folds=True), Column("nominal\nchannels", right=True))
ROWS: list[Row | str] = [
    "backbone",
    Row("0", "[64, 6, 2, 2]", "64"),
    Row("+ 10", "[None, 2, nearest]", "", style="green"),
]


def test_a_table_is_as_wide_as_it_has_to_be() -> None:
    assert [line.text for line in table(COLUMNS, ROWS)] == [
        "                            nominal",
        "index  args                channels",
        "-----------------------------------",
        "backbone",
        "    0  [64, 6, 2, 2]             64",
        " + 10  [None, 2, nearest]",  # and nothing is padded
    ]
    assert [line.style for line in table(COLUMNS, ROWS)] == ["", "", "", "bold", "", "green"]


def test_a_table_is_folded_to_fit() -> None:
    assert [line.text for line in table(COLUMNS, ROWS, 28)] == [
        "                     nominal",
        "index  args         channels",
        "----------------------------",
        "backbone",
        "    0  [64, 6, 2,         64",
        "       2]",
        " + 10  [None, 2,",
        "       nearest]",
    ]


def test_a_table_that_cannot_fit_keeps_every_cell() -> None:
    assert [line.text for line in table(COLUMNS, ROWS[1:], 10)] == [
        "                  nominal",
        "index  args      channels",
        "-------------------------",
        "    0  [64, 6,         64",
        "       2, 2]",
        " + 10  [None,",
        "       2,",
        "       nearest]",
    ]


def test_without_headings_there_is_no_rule() -> None:
    rows = [Row("a", "b"), Row("aa", "b")]
    assert [line.text for line in table((Column(), Column()), rows)] == ["a   b", "aa  b"]
