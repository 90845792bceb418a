from __future__ import annotations

import pytest

from yamlinject.core.document import Document
from yamlinject.core.index_comments import IndexComment, index_comment, index_comments


def found(line: str) -> IndexComment | None:
    """The index comment of the first row of a config whose first row is on ``line``."""
    document = Document.parse(
        f"nc: 3\nbackbone:\n{line}\n  - [-1, 1, C3, [8]]\nhead:\n  - [-1, 1, Detect, []]\n"
    )
    comment = index_comment(document, document.rows[0])
    if comment:
        assert document.text[slice(*comment.span)] == str(comment.number)
    return comment


@pytest.mark.parametrize(
    ("comment", "number", "lead", "clear"),
    [
        (" # 0", 0, " # ", True),
        ("# 9", 9, "# ", True),
        ("  #9", 9, "  #", True),
        (" # 4-P3/8", 4, " # ", True),
        (" # 4 - P3/8", 4, " # ", True),
        (" # 4-p3", 4, " # ", True),
        (" # 17 (P3/8-small)", 17, " # ", True),
        (" # 17(P3/8-small)", 17, " # ", True),
        (" # 17  ", 17, " # ", True),
        (" #\t17\t", 17, " #\t", True),
        (" # 5: deeper", 5, " # ", False),
        (" # 5, deeper", 5, " # ", False),
        (" # 3 repeats", 3, " # ", False),
        (" # 4-fold", 4, " # ", False),
        (" # 1000000", 1000000, " # ", True),
    ],
)
def test_numbers_that_may_be_an_index(comment: str, number: int, lead: str, clear: bool) -> None:
    one = found(f"  - [-1, 1, Conv, [8]]{comment}")
    assert one is not None
    assert (one.number, one.lead, one.clear) == (number, lead, clear)


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "   ",
        " #",
        " # P3/8",
        " # layer 9",
        " ## 9",
        " # -1",
        " # 09",
        " # 00",
        " # 3x3",
        " # 3\xd73",
        " # 20*20*512",
        " # 1/8",
        " # 2.5",
        " # 50%",
        " # 9a",
        " # 12345678",
        " # 9_0",
        " # ٣",
        "\n  # 9",
        "\n    # 9",
    ],
)
def test_what_is_no_index_comment(comment: str) -> None:
    assert found(f"  - [-1, 1, Conv, [8]]{comment}") is None


def in_brackets(text: str) -> list[int | None]:
    document = Document.parse(text)
    comments = [index_comment(document, row) for row in document.rows]
    return [comment and comment.number for comment in comments]


def test_in_brackets_a_comma_or_the_closing_bracket_may_come_first() -> None:
    text = (
        "backbone:\n"
        "  [[-1, 1, Conv, [8]],  # 0\n"
        "   [-1, 1, Conv, [8]]  # 1\n"
        "   , [-1, 1, Conv, [8]] ,#2\n"
        "   [-1, 1, Conv, [8]], ]  # 3\n"
        "head: [[[0], 1, Detect, []]]# 4\n"
    )
    assert in_brackets(text) == [0, 1, 2, 3, 4]


def test_a_comment_inside_a_row_or_after_another_row_is_not_its_own() -> None:
    text = (
        "backbone:\n"
        "  [[-1, 1, Conv,  # 0\n"
        "    [8]], [-1, 1, Conv, [8]],  # 1\n"
        "   [-1, 1, Conv, [8]]\n"
        "   # 2\n"
        "   ,\n"
        "   [-1, 1, Conv, [8]],\n"
        "   # 3\n"
        "  ]\n"
        "head: [[[0], 1, Detect, []]]\n"
        "# 4\n"
    )
    assert in_brackets(text) == [None, 1, None, None, None]


def test_block_rows() -> None:
    text = (
        "backbone:\n  - - -1\n    - 1\n    - Conv # 8\n    - - 8 # 0\n    # 7\n"
        "head:\n  - - [0]\n    - 1\n    - Detect\n    - [] # 1\n"
    )
    assert in_brackets(text) == [0, 1]


def test_the_lead_leaves_out_comma_and_bracket() -> None:
    document = Document.parse("backbone: [[-1, 1, Conv, [8]] , ]  # 0\nhead: [[[0], 1, Detect, []]]\n")
    comment = index_comment(document, document.rows[0])
    assert comment is not None
    assert not set(comment.lead) & set(",]")
    assert comment.lead.endswith("  # ")


def clear(comments: str) -> list[bool]:
    """Whether each number is clearly an index, for a config of so many rows."""
    rows = "".join(f"  - [-1, 1, Conv, [8]]  # {number}\n" for number in comments.split())
    document = Document.parse(f"backbone:\n{rows}head:\n  - [-1, 1, Detect, []]\n")
    return [comment.clear for _, comment in index_comments(document)]


def test_a_number_that_cannot_be_an_index_is_not_clear() -> None:
    """Stale indices lag behind the rows or are a few ahead; sizes of feature maps vary wildly."""
    assert clear("0 1 2 2 3 9") == [True] * 6
    assert clear("0 1 640 320 40 5") == [True, True, False, False, False, True]
    assert clear("3 1 3 3 4 5") == [False, True, False, True, True, True]  # 3 three times; it is right once
    assert clear("40-P1/2 40(P2) 40 40") == [True, True, False, False]
