from __future__ import annotations

import pytest

from yamlinject.core import edits
from yamlinject.core.edits import Edit


def test_no_edits_change_nothing() -> None:
    assert edits.apply("a\r\nb", []) == "a\r\nb"


def test_offsets_speak_of_the_original_text_in_any_order() -> None:
    text = "0123456789"
    changes = [Edit(8, 9, ""), Edit(0, 1, "zero"), Edit(4, 6, "-"), Edit(10, 10, "!")]
    assert edits.apply(text, changes) == "zero123-679!"
    assert edits.apply(text, iter(changes[::-1])) == "zero123-679!"


def test_insertions_at_one_place_keep_their_order() -> None:
    assert edits.apply("ab", [Edit(1, 1, "1"), Edit(1, 1, "2"), Edit(1, 1, "3")]) == "a123b"


def test_insertion_comes_before_a_replacement_that_begins_there() -> None:
    assert edits.apply("abc", [Edit(1, 2, "B"), Edit(1, 1, "+")]) == "a+Bc"


def test_adjacent_edits_do_not_overlap() -> None:
    assert edits.apply("abcd", [Edit(2, 4, "Y"), Edit(0, 2, "X")]) == "XY"


@pytest.mark.parametrize(
    "pair",
    [
        (Edit(0, 2, "x"), Edit(1, 3, "y")),
        (Edit(0, 4, "x"), Edit(1, 2, "y")),
        (Edit(0, 4, "x"), Edit(2, 2, "y")),
        (Edit(1, 2, "x"), Edit(1, 2, "x")),
    ],
)
def test_overlapping_edits_are_an_error(pair: tuple[Edit, Edit]) -> None:
    with pytest.raises(ValueError, match=r"overlapping edits at offset [12]"):
        edits.apply("abcd", pair)
    with pytest.raises(ValueError, match="overlapping edits"):
        edits.apply("abcd", pair[::-1])


def diff(before: str, after: str) -> list[str]:
    return list(edits.unified_diff(before, after, "old", "new"))


def test_diff_of_equal_texts_is_empty() -> None:
    assert diff("a\nb", "a\nb") == []


def test_diff() -> None:
    assert diff("a\nb\nc\n", "a\nB\nc\n") == [
        "--- old",
        "+++ new",
        "@@ -1,3 +1,3 @@",
        " a",
        "-b",
        "+B",
        " c",
    ]


@pytest.mark.parametrize(("newline", "end"), [("\r\n", "\r"), ("\r", "")])
def test_diff_lines_end_so_that_a_line_feed_completes_them(newline: str, end: str) -> None:
    """As in git's diffs, which a patch program can apply."""
    before, after = f"a{newline}b{newline}", f"a{newline}x{newline}b{newline}"
    assert diff(before, after)[2:] == ["@@ -1,2 +1,3 @@", f" a{end}", f"+x{end}", f" b{end}"]


def test_diff_shows_a_changed_line_break() -> None:
    assert diff("a\nb\n", "a\r\nb\n")[3:] == ["-a", "+a\r", " b"]


def test_diff_says_where_the_final_newline_is_missing() -> None:
    missing = "\\ No newline at end of file"
    assert diff("a\nb", "a\nb\nc")[3:] == [" a", "-b", missing, "+b", "+c", missing]
    assert diff("a\nb", "x\nb")[3:] == ["-a", "+x", " b", missing]
    assert diff("a\r\nb", "a\r\nb\r\n")[3:] == [" a\r", "-b", missing, "+b\r"]


def test_diff_keeps_blank_lines_and_lines_that_look_like_headers() -> None:
    assert diff("\n\n", "\n\n\n")[3:] == [" ", " ", "+"]
    assert diff("-- a\n", "++ a\n")[2:] == ["@@ -1 +1 @@", "--- a", "+++ a"]


def test_diff_counts_lines_as_yaml_does_not_as_python_does() -> None:
    assert diff("a\x0cb\nc\n", "a\x0cb\nC\n")[3:] == [" a\x0cb", "-c", "+C"]


def test_a_line_without_newline_that_looks_like_a_header_is_marked() -> None:
    assert diff("-- a", "-- a\n")[3:] == ["--- a", "\\ No newline at end of file", "+-- a"]
