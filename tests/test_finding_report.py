"""What ``check`` prints about its findings, in each of its formats."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from yamlinject import __version__
from yamlinject.checks.findings import Checked, Finding
from yamlinject.checks.rules import RULES
from yamlinject.core.edits import Edit
from yamlinject.core.layer import Layer
from yamlinject.core.references import Change
from yamlinject.errors import Place
from yamlinject.output import findings as finding_report
from yamlinject.output import terminal
from yamlinject.output.tally import Tally
from yamlinject.output.terminal import Line

CONCAT = "  [[-1, 14], 1, Concat, [1]],  # cat head P4"
WRONG = Finding(
    RULES["YI301"],
    "layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)",
    "write 15: the attention at 10 moved it",
    Place(41, 9),
    Place(41, 11),
    CONCAT,
    base="yolov5s",
    diff=(
        "--- models/x.yaml",
        "+++ models/x.yaml",
        "@@ -41 +41 @@",
        f"-{CONCAT}",
        "+  [[-1, 15], 1, Concat, [1]],  # cat head P4",
    ),
    fix=(Edit(900, 902, "15"),),
)
NO_LISTS = Finding(RULES["YI003"], "there is no backbone", "write the two lists of rows")
STACKED = Finding(
    RULES["YI402"],
    "SimAM 3 times",
    "write 1",
    Place(7, 8),
    Place(7, 9),
    "  [-1, 3, SimAM, []]",
    fix=(Edit(100, 101, "1"),),
)
SEVERAL = [
    Checked("models/x.yaml", (WRONG,)),
    Checked("clean.yaml"),
    Checked("data.yaml", skipped=True),
    Checked("gone.yaml", error="gone.yaml: cannot read it: no such file or directory"),
    Checked("<stdin>", (NO_LISTS, STACKED)),
]


def at(
    line: str, start: int, end: int | None = None, *, number: int = 1, end_line: int | None = None
) -> Finding:
    """A finding whose hint and message say nothing."""
    stop = None if end is None else Place(end_line or number, end)
    return Finding(RULES["YI101"], "m", "", Place(number, start), stop, line)


def printed(lines: Iterable[Line]) -> str:
    stream = io.StringIO()
    terminal.emit(stream, lines)
    return stream.getvalue()


def shown(*findings: Finding, file: str = "f") -> str:
    return printed(finding_report.text([Checked(file, findings)]))


def excerpt(line: str, start: int, end: int | None = None, **more: Any) -> list[str]:
    """The line and its underline, without the gutter."""
    header, *rest = shown(at(line, start, end, **more)).splitlines()
    assert header.endswith(": YI101 error: m")
    assert [each[5:8].rstrip() for each in rest] == [" |", " |"]
    return [each[8:] for each in rest]


def test_text() -> None:
    expected = """\
models/x.yaml:41:9: YI301 error: layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)
   41 |   [[-1, 14], 1, Concat, [1]],  # cat head P4
      |         ^^
      = hint: write 15: the attention at 10 moved it
      = base: yolov5s
      --- models/x.yaml
      +++ models/x.yaml
      @@ -41 +41 @@
      -  [[-1, 14], 1, Concat, [1]],  # cat head P4
      +  [[-1, 15], 1, Concat, [1]],  # cat head P4
<stdin>: YI003 error: there is no backbone
      = hint: write the two lists of rows
<stdin>:7:8: YI402 warning: SimAM 3 times
    7 |   [-1, 3, SimAM, []]
      |        ^
      = hint: write 1
"""
    assert printed(finding_report.text(SEVERAL)) == expected


STALE = "still the base's number"


def stale(line: int, column: int, end: int, text: str, right: int, reader: str) -> Finding:
    """One of the findings that a forgotten renumbering makes."""
    message, hint = f"{reader} reads the wrong layer", f"write {right}"
    at = Place(line, column), Place(line, end)
    return Finding(RULES["YI301"], message, hint, *at, text, base="yolov5s", cause=STALE)


DETECT = "  [[17, 20, 23], 1, Detect, []]"
FORGOTTEN = (
    stale(41, 9, 11, CONCAT, 15, "Concat"),
    STACKED._replace(start=Place(44, 8), end=Place(44, 9)),
    stale(48, 5, 7, DETECT, 18, "Detect"),
    stale(48, 9, 11, DETECT, 21, "Detect"),
    stale(48, 13, 15, DETECT, 24, "Detect"),
)


def test_findings_of_one_cause_stand_together() -> None:
    assert (
        shown(*FORGOTTEN)
        == """\
f:41:9: YI301 error: Concat reads the wrong layer
   41 |   [[-1, 14], 1, Concat, [1]],  # cat head P4
      |         ^^
      = hint: write 15
f:48:5: YI301 error: Detect reads the wrong layer
f:48:9: YI301 error: Detect reads the wrong layer
f:48:13: YI301 error: Detect reads the wrong layer
   48 |   [[17, 20, 23], 1, Detect, []]
      |     ^^  ^^  ^^
      = hint: write 18, 21, 24
      = cause: still the base's number
      = base: yolov5s
f:44:8: YI402 warning: SimAM 3 times
   44 |   [-1, 3, SimAM, []]
      |        ^
      = hint: write 1
"""
    )


def test_other_formats_say_the_cause_of_each() -> None:
    results = [Checked("f", FORGOTTEN)]
    first, *_ = json.loads(finding_report.as_json(results))["findings"]
    assert first["hint"] == f"write 15: {STALE}"
    assert next(finding_report.github(results)).endswith(f"%0Ahint: write 15: {STALE}")
    (message, *_) = (one["message"]["text"] for one in sarif(results)["results"])
    assert message.endswith(f"\nhint: write 15: {STALE}")


def test_the_base_is_named_once_for_each_file_and_where_it_differs() -> None:
    first, second = (NO_LISTS._replace(base=name) for name in ("a", "b"))
    printed_lines = shown(first, first, second, first).splitlines()
    assert [line.strip() for line in printed_lines if "base" in line] == ["= base: b", "= base: a"]
    both = printed(finding_report.text([Checked("x", (first,)), Checked("y", (first,))]))
    assert both.count("= base: a") == 2


def test_hints_of_one_line_are_said_once() -> None:
    text = "[1e-4, 1e-4]"
    lines = shown(at(text, 2, 6)._replace(hint="x"), at(text, 8, 12)._replace(hint="x")).splitlines()
    assert lines == [
        *["f:1:2: YI101 error: m", "f:1:8: YI101 error: m"],
        f"    1 | {text}",
        lines[3],
        lines[4],
    ]
    assert lines[3:] == ["      |  ^^^^  ^^^^", "      = hint: x"]


def test_places_of_a_line_that_is_cut_have_excerpts_of_their_own() -> None:
    lines = shown(at(LONG, 10, 11), at(LONG, 9000, 9001)).splitlines()
    assert [line for line in lines if " | 0" in line or " | …" in line] == [lines[1], lines[4]]


def test_a_narrow_terminal_gets_less_of_a_line() -> None:
    lines = list(finding_report.text([Checked("f", (at(LONG, 5003, 5005),))], 40))
    assert [line.text for line in lines[1:]] == [
        f"    1 | …{'2345678901' * 3}…",
        f"      | {' ' * 11}^^",
    ]


def test_text_without_findings() -> None:
    assert list(finding_report.text([])) == []
    assert (
        list(finding_report.text([Checked("a"), Checked("b", error="b: no"), Checked("c", fixed=2)])) == []
    )


def test_styles() -> None:
    lines = list(finding_report.text(SEVERAL))
    assert [line.style for line in lines[:10]] == [
        *("red", "", "red", "", ""),  # the finding, its line, the underline, hint, base
        *("bold", "bold", "cyan", "red", "green"),  # the diff
    ]
    assert [(line.text, line.style) for line in lines[12:15]] == [
        ("<stdin>:7:8: YI402 warning: SimAM 3 times", "yellow"),
        ("    7 |   [-1, 3, SimAM, []]", ""),
        ("      |        ^", "yellow"),
    ]


@pytest.mark.parametrize(
    ("line", "start", "end", "expected"),
    [
        ("abc", 1, 2, ["abc", "^"]),
        ("abc", 2, 4, ["abc", " ^^"]),
        ("abc", 2, 2, ["abc", " ^"]),  # no characters at all
        ("abc", 4, 4, ["abc", "   ^"]),  # after the last one
        ("abcdef", 3, 2, ["abcdef", "  ^"]),
        ("abc", 2, 90, ["abc", " ^^"]),
        ("abc", 90, 92, ["abc", "   ^"]),
        ("abc  ", 2, None, ["abc", " ^^"]),
        ("abc  ", 5, 6, ["abc", "    ^"]),
        ("", 1, 1, ["", "^"]),
        ("", 1, None, ["", "^"]),
        ("\ta\tb", 2, 3, [" a b", " ^"]),  # a tab is one column
        ("\ta\tb", 4, 5, [" a b", "   ^"]),
        ("注意 [1]", 5, 6, ["注意 [1]", "      ^"]),  # two columns each
        ("a注意b", 2, 4, ["a注意b", " ^^^^"]),
        ("\uff411", 2, 3, ["\uff411", "  ^"]),  # a full-width letter
        ("ｱ1", 2, 3, ["ｱ1", " ^"]),  # a half-width one
        ("e\u0301 1", 4, 5, ["e\u0301 1", "  ^"]),  # an accent on the letter before it
        ("\u3000a", 2, 3, [" a", " ^"]),
        ("é\udcff\udc80 1", 5, 6, ["é\ufffd\ufffd 1", "    ^"]),
        ("a\x1b[31m 1", 8, 9, ["a\ufffd[31m 1", "       ^"]),
        ("a\x7f\x00\x9b\u202e1", 6, 7, ["a\ufffd\ufffd\ufffd\ufffd1", "     ^"]),
        ("a\x0b\x85b", 4, 5, ["a  b", "   ^"]),
        ("a\r", 1, None, ["a", "^"]),
    ],
)
def test_underline(line: str, start: int, end: int | None, expected: list[str]) -> None:
    assert excerpt(line, start, end) == expected


def test_several_lines_are_underlined_to_the_end_of_the_first() -> None:
    assert excerpt("a: [1,  ", 4, 2, end_line=3) == ["a: [1,", "   ^^^"]


def test_long_line_numbers_move_the_bars() -> None:
    assert shown(at("abc", 2, 3, number=99999), at("abc", 2, 3, number=1234567)) == (
        "f:99999:2: YI101 error: m\n"
        "99999 | abc\n"
        "      |  ^\n"
        "f:1234567:2: YI101 error: m\n"
        "1234567 | abc\n"
        "        |  ^\n"
    )


def test_line_of_just_the_width_is_whole() -> None:
    line = "0123456789" * 12
    assert excerpt(line, 120, 121) == [line, f"{' ' * 119}^"]
    assert excerpt(f"{line}A", 1, 2) == [f"{line}…", "^"]
    wide = "注" * 60
    assert excerpt(wide, 60, 61) == [wide, f"{' ' * 118}^^"]
    assert excerpt(f"{wide}1", 1, 2) == [f"{wide}…", "^^"]
    assert excerpt(f"1{wide}", 1, 2) == [f"1{'注' * 59}…", "^"]  # half a character does not fit


LONG = "0123456789" * 1000


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (1, 3, ["0123456789" * 12 + "…", "^^"]),
        (40, 42, ["0123456789" * 12 + "…", " " * 39 + "^^"]),
        (41, 43, ["0123456789" * 12 + "…", " " * 40 + "^^"]),
        (42, 44, ["…" + "1234567890" * 12 + "…", " " * 41 + "^^"]),
        (5003, 5005, ["…" + "2345678901" * 12 + "…", " " * 41 + "^^"]),
        (5003, 9000, ["…" + "2345678901" * 12 + "…", " " * 41 + "^" * 80]),
        (5003, None, ["…" + "2345678901" * 12 + "…", " " * 41 + "^" * 80]),
        (9921, 9923, ["…" + "0123456789" * 12, " " * 41 + "^^"]),
        (9920, 9922, ["…" + "9012345678" * 12 + "…", " " * 41 + "^^"]),
        (10000, 10001, ["…" + "9012345678" * 4 + "9", " " * 41 + "^"]),
        (10001, 10001, ["…" + "0123456789" * 4, " " * 41 + "^"]),
    ],
)
def test_long_line_is_cut_around_the_place(start: int, end: int | None, expected: list[str]) -> None:
    assert excerpt(LONG, start, end) == expected


def test_long_line_is_cut_by_columns() -> None:
    assert excerpt("注" * 500 + "12" + "意" * 500, 501, 503) == [
        f"…{'注' * 20}12{'意' * 39}…",
        f"{' ' * 41}^^",
    ]
    # 30 columns and 5 characters of two in front of it, then 80 columns
    assert excerpt("注" * 100 + "a" * 30 + "b" * 100, 131, 132) == [
        f"…{'注' * 5}{'a' * 30}{'b' * 80}…",
        f"{' ' * 41}^",
    ]


def test_only_the_window_of_a_huge_line_is_looked_at() -> None:
    line = "a" * 4_000_000
    findings = [at(line, column, column + 1) for column in range(1, 4_000_000, 8000)]
    assert len(shown(*findings)) < 200_000


def test_diff_lines_are_cut_and_lose_their_line_end() -> None:
    diff = ("-a\t\udcff\r", "+" + "b" * 500)
    assert shown(NO_LISTS._replace(diff=diff)).splitlines()[2:] == [
        "      -a \ufffd",
        f"      +{'b' * 119}…",
    ]


def test_nothing_breaks_out_of_its_line() -> None:
    finding = NO_LISTS._replace(message="a\nb\x1b", hint="c\r\nd", base="e\u2028\udc80")
    assert shown(finding, file="x\n::error::\udcff.yaml") == (
        "x ::error::\ufffd.yaml: YI003 error: a b\ufffd\n      = hint: c  d\n      = base: e \ufffd\n"
    )


OLD_COMMENT = Finding(
    RULES["YI501"],
    "layer 4 (Conv): its comment says 3",
    "write 4 (check --fix does it)",
    Place(10, 34),
    Place(10, 35),
    "  - [-1, 1, Conv, [64, 3, 2]]  # 3-P3/8",
    fix=(Edit(200, 201, "4"),),
)
MORE_OF_THEM = OLD_COMMENT._replace(rule=RULES["YI501"], message="there are 7 more", hint="", start=None)


def test_errors_come_first_and_stale_comments_last() -> None:
    found = (OLD_COMMENT, STACKED, OLD_COMMENT._replace(start=Place(12, 1)), NO_LISTS, WRONG)
    results = [Checked("a", found), Checked("b", (OLD_COMMENT, STACKED))]
    both = [line.text for line in finding_report.text(results, verbose=False) if ": YI" in line.text]
    assert both == [
        "a: YI003 error: there is no backbone",
        "a:41:9: YI301 error: layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)",
        "a:7:8: YI402 warning: SimAM 3 times",
        "a:10:34: YI501 warning: layer 4 (Conv): its comment says 3, and 1 more (--verbose): "
        "write 4 (check --fix does it)",
        "b:7:8: YI402 warning: SimAM 3 times",
        "b:10:34: YI501 warning: layer 4 (Conv): its comment says 3: write 4 (check --fix does it)",
    ]


def test_a_file_has_one_line_of_stale_comments() -> None:
    results = [Checked("a", (OLD_COMMENT,) * 3 + (MORE_OF_THEM,))]
    folded = printed(finding_report.text(results, verbose=False)).splitlines()
    assert folded == [
        "a: YI501 warning: there are 7 more",
        "a:10:34: YI501 warning: layer 4 (Conv): its comment says 3, and 2 more (--verbose): "
        "write 4 (check --fix does it)",
    ]
    assert len(printed(finding_report.text(results, verbose=True)).splitlines()) == 3 + 3 + 1
    # programs get all of them
    assert len(list(finding_report.github(results))) == 4
    assert len(json.loads(finding_report.as_json(results))["findings"]) == 4
    assert len(sarif(results)["results"]) == 4


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], []),
        ([Checked("a", (WRONG, STACKED))], []),
        ([Checked("a", (STACKED,)), Checked("b", (STACKED, STACKED))], []),
        (
            [
                Checked("a", (OLD_COMMENT, OLD_COMMENT, WRONG)),
                Checked("b", (OLD_COMMENT, STACKED)),
                Checked("c", (STACKED,) * 10),
            ],
            [
                "YI301  error     1  in 1 file   a layer does not read what it reads in the base",
                "YI402  warning  11  in 2 files  attention whose number a framework multiplies by "
                "depth_multiple",
                "YI501  warning   3  in 2 files  a comment gives a layer another index than its own",
            ],
        ),
    ],
)
def test_the_summary_of_the_rules(results: list[Checked], expected: list[str]) -> None:
    lines = list(Tally.of(results).by_rule())
    assert [line.text for line in lines] == expected
    assert [line.style for line in lines] == ["red", "yellow", "yellow"][: len(expected)]


def test_of_many_changed_layers_the_first_ten_are_shown() -> None:
    changes = [
        (Place(20 + index, 4), Change(Layer(index, "head", index - 2, 1, "Conv", [8]), index - 1))
        for index in range(10, 23)
    ]
    lines = list(finding_report.fixed(Checked("a.yaml", changes=tuple(changes), rewired=13)))
    assert {line.label for line in lines} == {"fixed"}
    assert [line.text for line in lines[::9]] == [
        "a.yaml:30:4: layer 10 (Conv): 8 -> 9",
        "a.yaml:39:4: layer 19 (Conv): 17 -> 18",
    ]
    assert [line.text for line in lines[10:]] == ["a.yaml: 3 more layers"]


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], "Checked 0 files: nothing found"),
        ([Checked("a")], "Checked 1 file: nothing found"),
        ([Checked("a"), Checked("b")], "Checked 2 files: nothing found"),
        ([Checked("a", fixed=3)], "Checked 1 file: nothing found, fixed 3"),
        ([Checked("a", error="a: not there")], "Checked 0 files, failed on 1"),
        ([Checked("a"), Checked("b", error="b: bad")], "Checked 1 file, failed on 1"),
        ([Checked("a", skipped=True)], "Checked 0 files, skipped 1: nothing found"),
        ([Checked("a", (WRONG,))], "Checked 1 file: 1 error in 1 file"),
        ([Checked("a", (STACKED, STACKED))], "Checked 1 file: 2 warnings in 1 file"),
        (
            [Checked("a", (WRONG,), fixed=1), Checked("b", (STACKED,), fixed=2)],
            "Checked 2 files: 1 error and 1 warning in 2 files, fixed 3",
        ),
        (
            [
                *(Checked(str(number)) for number in range(11)),
                *(Checked(f"skipped {number}", skipped=True) for number in range(3)),
                Checked("a", (WRONG, STACKED, NO_LISTS)),
            ],
            "Checked 12 files, skipped 3: 2 errors and 1 warning in 1 file",
        ),
    ],
)
def test_summary(results: list[Checked], expected: str) -> None:
    assert Tally.of(results).summary() == Line(expected)


@pytest.mark.parametrize("form", [finding_report.text, finding_report.github])
def test_results_are_printed_as_they_come(form: Any) -> None:
    """Nothing is kept of a file whose findings were printed."""
    taken = []

    def results() -> Iterator[Checked]:
        for name in ("a", "b", "c"):
            taken.append(name)
            yield Checked(name, (NO_LISTS,))

    lines = iter(form(results()))
    next(lines)
    assert taken == ["a"]
    list(lines)
    assert taken == ["a", "b", "c"]


def test_github() -> None:
    assert list(finding_report.github(SEVERAL)) == [
        "::error file=models/x.yaml,line=41,endLine=41,col=9,endColumn=11,title=YI301 wrong-reference"
        "::layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)%0Ahint: write 15: "
        "the attention at 10 moved it",
        "::error file=gone.yaml::gone.yaml: cannot read it: no such file or directory",
        "::error file=<stdin>,title=YI003 no-layer-lists"
        "::there is no backbone%0Ahint: write the two lists of rows",
        "::warning file=<stdin>,line=7,endLine=7,col=8,endColumn=9,title=YI402 stacked-attention"
        "::SimAM 3 times%0Ahint: write 1",
    ]


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (at("", 4), "line=2,col=4"),
        (at("", 4, 4), "line=2,endLine=2,col=4,endColumn=4"),
        (at("", 4, 1, end_line=3), "line=2,endLine=3"),
    ],
)
def test_github_places(finding: Finding, expected: str) -> None:
    assert finding.start is not None
    stop = finding.end and Place(max(finding.end.line, 2), finding.end.column)
    moved = finding._replace(start=Place(2, finding.start.column), end=stop)
    assert list(finding_report.github([Checked("f", (moved,))])) == [
        f"::error file=f,{expected},title=YI101 reads-beyond-start::m"
    ]


def test_github_escapes() -> None:
    finding = NO_LISTS._replace(message="100 %, a::b\r\n::c\udcff", hint="")
    results = [Checked("50%:a,b\n\r\udcff.yaml", (finding,)), Checked("g:h", error="g:h: 5%\n")]
    assert list(finding_report.github(results)) == [
        "::error file=50%25%3Aa%2Cb  \ufffd.yaml,title=YI003 no-layer-lists::100 %25, a::b  ::c\ufffd",
        "::error file=g%3Ah::g:h: 5%25 ",
    ]


def test_json() -> None:
    assert json.loads(finding_report.as_json([*SEVERAL, Checked("g", fixed=2)])) == {
        "version": 1,
        "tool": {"name": "yamlinject", "version": __version__},
        "files": 4,
        "skipped": 1,
        "errors": [
            {"file": "gone.yaml", "message": "gone.yaml: cannot read it: no such file or directory"}
        ],
        "findings": [
            {
                "file": "models/x.yaml",
                "code": "YI301",
                "name": "wrong-reference",
                "severity": "error",
                "message": "layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)",
                "hint": "write 15: the attention at 10 moved it",
                "line": 41,
                "column": 9,
                "end_line": 41,
                "end_column": 11,
                "base": "yolov5s",
                "diff": (
                    "--- models/x.yaml\n"
                    "+++ models/x.yaml\n"
                    "@@ -41 +41 @@\n"
                    "-  [[-1, 14], 1, Concat, [1]],  # cat head P4\n"
                    "+  [[-1, 15], 1, Concat, [1]],  # cat head P4\n"
                ),
                "fixable": True,
            },
            {
                "file": "<stdin>",
                "code": "YI003",
                "name": "no-layer-lists",
                "severity": "error",
                "message": "there is no backbone",
                "hint": "write the two lists of rows",
                "line": None,
                "column": None,
                "end_line": None,
                "end_column": None,
                "base": None,
                "diff": None,
                "fixable": False,
            },
            {
                "file": "<stdin>",
                "code": "YI402",
                "name": "stacked-attention",
                "severity": "warning",
                "message": "SimAM 3 times",
                "hint": "write 1",
                "line": 7,
                "column": 8,
                "end_line": 7,
                "end_column": 9,
                "base": None,
                "diff": None,
                "fixable": True,
            },
        ],
        "fixed": 2,
        "rewired": [],
        "left": [],
    }


def test_json_without_files() -> None:
    assert json.loads(finding_report.as_json([])) == {
        "version": 1,
        "tool": {"name": "yamlinject", "version": __version__},
        "files": 0,
        "skipped": 0,
        "errors": [],
        "findings": [],
        "fixed": 0,
        "rewired": [],
        "left": [],
    }


ODD = 'a"\\ud800\\\x00\n\u2028\udcff\U0001f600é'
ODD_READ = 'a"\\ud800\\\x00\n\u2028\ufffd\U0001f600é'


@pytest.mark.parametrize("dump", [finding_report.as_json, finding_report.sarif])
def test_any_text_gives_json_that_every_parser_reads(dump: Any) -> None:
    finding = NO_LISTS._replace(message=ODD, hint=ODD, base=ODD, diff=(ODD,))
    output = dump([Checked(ODD, (finding,)), Checked("f", error=ODD)])
    assert output.isascii()
    # JSON has escapes for the halves of a pair; half a pair alone is what parsers refuse
    halves = re.findall(r"(?<!\\)(?:\\\\)*\\u(d[89a-f][0-9a-f]{2})", output)
    assert halves
    assert halves == ["d83d", "de00"] * (len(halves) // 2)
    json.loads(output)


def test_json_keeps_any_other_text() -> None:
    finding = NO_LISTS._replace(message=ODD, hint=ODD, base=ODD, diff=(ODD, ""))
    data = json.loads(finding_report.as_json([Checked(ODD, (finding,)), Checked(ODD, error=ODD)]))
    assert data["errors"] == [{"file": ODD_READ, "message": ODD_READ}]
    (found,) = data["findings"]
    assert [found[key] for key in ("file", "message", "hint", "base")] == [ODD_READ] * 4
    assert found["diff"] == f"{ODD_READ}\n\n"


#: The objects of SARIF 2.1.0 that we write: required properties end in an exclamation mark, and every
#: other property of the specification would have to be added here first.
MESSAGE = {"text!": str}
LEVEL = {"none", "note", "warning", "error"}
LOCATION = {
    "physicalLocation": {
        "artifactLocation!": {"uri": "uri"},
        "region": {"startLine!": int, "startColumn": int, "endLine": int, "endColumn": int},
    }
}
SARIF_LOG: dict[str, Any] = {
    "$schema": "uri",
    "version!": {"2.1.0"},
    "runs!": [
        {
            "tool!": {
                "driver!": {
                    "name!": str,
                    "version": str,
                    "rules": [
                        {
                            "id!": str,
                            "name": str,
                            "shortDescription": MESSAGE,
                            "fullDescription": MESSAGE,
                            "help": MESSAGE,
                            "defaultConfiguration": {"level": LEVEL},
                        }
                    ],
                }
            },
            "invocations": [
                {
                    "executionSuccessful!": bool,
                    "toolExecutionNotifications": [
                        {"message!": MESSAGE, "level": LEVEL, "locations": [LOCATION]}
                    ],
                }
            ],
            "columnKind": {"utf16CodeUnits", "unicodeCodePoints"},
            "results": [
                {
                    "message!": MESSAGE,
                    "ruleId": str,
                    "ruleIndex": int,
                    "level": LEVEL,
                    "locations": [LOCATION],
                }
            ],
        }
    ],
}
#: RFC 3986: what a URI may be made of; a relative one has no colon in its first segment.
URI = re.compile(r"([a-z]+:|(?![^/]*:))([A-Za-z0-9._~:/@!$&'()*+,;=-]|%[0-9A-F]{2})*")


def problems(value: object, shape: object, path: str = "$") -> list[str]:
    """Where ``value`` is not of ``shape``."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        names = {name.rstrip("!"): each for name, each in shape.items()}
        required = {name[:-1] for name in shape if name.endswith("!")}
        return [
            *(f"{path}.{name} is missing" for name in sorted(required - set(value))),
            *(f"{path}.{name} is unknown" for name in sorted(set(value) - set(names))),
            *(
                problem
                for name in sorted(set(names) & set(value))
                for problem in problems(value[name], names[name], f"{path}.{name}")
            ),
        ]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{path} is no array"]
        return [
            each for item, one in enumerate(value) for each in problems(one, shape[0], f"{path}[{item}]")
        ]
    if isinstance(shape, set):
        fits = value in shape
    elif shape is int:
        least = 0 if path.endswith("Index") else 1
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
    elif shape == "uri":
        fits = isinstance(value, str) and bool(URI.fullmatch(value))
    else:
        fits = isinstance(value, bool if shape is bool else str) and value != ""
    return [] if fits else [f"{path} is {value!r}"]


def sarif(results: Sequence[Checked]) -> dict[str, Any]:
    """The one run of a valid log."""
    log = json.loads(finding_report.sarif(results))
    assert problems(log, SARIF_LOG) == []
    (run,) = log["runs"]
    assert isinstance(run, dict)
    return run


@pytest.mark.parametrize(
    ("value", "shape", "expected"),
    [
        ({"a": 1}, {"a!": int, "b": str}, []),
        ({}, {"a!": int}, ["$.a is missing"]),
        ({"a": 1, "c": 1}, {"a!": int}, ["$.c is unknown"]),
        ([{"a": 0}], [{"a": int}], ["$[0].a is 0"]),
        ([{"aIndex": 0}], [{"aIndex": int}], []),
        ({"a": True}, {"a": int}, ["$.a is True"]),
        ({"a": ""}, {"a": str}, ["$.a is ''"]),
        ({"a": 1}, {"a": bool}, ["$.a is 1"]),
        ({"a": "x"}, {"a": {"y"}}, ["$.a is 'x'"]),
        ({"a": None}, {"a": {}}, ["$.a is no object"]),
        ({"a": {}}, {"a": [int]}, ["$.a is no array"]),
        (["a b", "a:b/c", "%zz", "é"], ["uri"], ["$[0] is 'a b'", "$[2] is '%zz'", "$[3] is 'é'"]),
        (["1:b", "a/b:c"], ["uri"], ["$[0] is '1:b'"]),
    ],
)
def test_the_validator_finds_problems(value: object, shape: object, expected: list[str]) -> None:
    assert problems(value, shape) == expected


def test_sarif() -> None:
    log = json.loads(finding_report.sarif(SEVERAL))
    assert problems(log, SARIF_LOG) == []
    assert log["$schema"] == "https://json.schemastore.org/sarif-2.1.0.json"
    (run,) = log["runs"]
    codes = [rule["id"] for rule in run["tool"]["driver"].pop("rules")]
    assert run == {
        "tool": {"driver": {"name": "yamlinject", "version": __version__}},
        "invocations": [
            {
                "executionSuccessful": False,
                "toolExecutionNotifications": [
                    {
                        "level": "error",
                        "message": {"text": "gone.yaml: cannot read it: no such file or directory"},
                        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "gone.yaml"}}}],
                    }
                ],
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            {
                "ruleId": "YI301",
                "ruleIndex": codes.index("YI301"),
                "level": "error",
                "message": {
                    "text": "layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)\n"
                    "hint: write 15: the attention at 10 moved it"
                },
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": "models/x.yaml"},
                            "region": {"startLine": 41, "startColumn": 9, "endLine": 41, "endColumn": 11},
                        }
                    }
                ],
            },
            {
                "ruleId": "YI003",
                "ruleIndex": codes.index("YI003"),
                "level": "error",
                "message": {"text": "there is no backbone\nhint: write the two lists of rows"},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": "%3Cstdin%3E"}}}],
            },
            {
                "ruleId": "YI402",
                "ruleIndex": codes.index("YI402"),
                "level": "warning",
                "message": {"text": "SimAM 3 times\nhint: write 1"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": "%3Cstdin%3E"},
                            "region": {"startLine": 7, "startColumn": 8, "endLine": 7, "endColumn": 9},
                        }
                    }
                ],
            },
        ],
    }


def test_sarif_of_clean_files_has_every_rule() -> None:
    run = sarif([Checked("a"), Checked("b", skipped=True)])
    assert run["results"] == []
    assert run["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert rules[0] == {
        "id": "YI001",
        "name": "invalid-yaml",
        "shortDescription": {"text": "PyYAML, which frameworks read configs with, cannot read the file"},
        "fullDescription": {"text": "PyYAML, which frameworks read configs with, cannot read the file"},
        "help": {"text": "PyYAML, which frameworks read configs with, cannot read the file"},
        "defaultConfiguration": {"level": "error"},
    }
    assert {rule["id"]: rule["defaultConfiguration"]["level"] for rule in rules}["YI402"] == "warning"


def region(finding: Finding) -> object:
    (found,) = sarif([Checked("f", (finding,))])["results"]
    return found["locations"][0]["physicalLocation"].get("region")


def test_sarif_regions() -> None:
    assert region(at("abc", 2)) == {"startLine": 1, "startColumn": 2}
    assert region(at("abc", 2, 5, end_line=4)) == {
        "startLine": 1,
        "startColumn": 2,
        "endLine": 4,
        "endColumn": 5,
    }
    assert region(NO_LISTS) is None


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("a b/c.yaml", "a%20b/c.yaml"),
        ("./models//x.yaml", "models/x.yaml"),
        ("../x.yaml", "../x.yaml"),
        ("/srv/a b/x.yaml", "file:///srv/a%20b/x.yaml"),
        ("/注/x.yaml", "file:///%E6%B3%A8/x.yaml"),
        ("注意.yaml", "%E6%B3%A8%E6%84%8F.yaml"),
        ("50%#?.yaml", "50%25%23%3F.yaml"),
        ("a:b", "a%3Ab"),
        ("<stdin>", "%3Cstdin%3E"),
        ("\udcff.yaml", "%FF.yaml"),  # the byte that the name has
        ("/\udcff.yaml", "file:///%FF.yaml"),
        ("\ud800\udfff", "%EF%BF%BD%EF%BF%BD"),  # no name of a file
        ("/\ud800\udfff", "file:///%EF%BF%BD%EF%BF%BD"),
    ],
)
def test_sarif_uris(file: str, uri: str) -> None:
    run = sarif([Checked(file, (NO_LISTS,)), Checked(file, error="no")])
    (found,) = run["results"]
    (failure,) = run["invocations"][0]["toolExecutionNotifications"]
    assert found["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]
    assert failure["locations"] == found["locations"]


def test_sarif_messages_have_no_placeholders_and_no_links() -> None:
    finding = NO_LISTS._replace(message="{0} [a](b) [[-1, 6], 1]", hint="")
    (found,) = sarif([Checked("f", (finding,))])["results"]
    assert found["message"] == {"text": "{{0}} [a] (b) [[-1, 6], 1]"}


def test_start_up_imports_nothing_that_only_a_format_needs() -> None:
    code = (
        "import sys; before = set(sys.modules); import yamlinject.output.findings\n"
        "print({'json', 'rich'} & (set(sys.modules) - before))"  # coverage has some before
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
