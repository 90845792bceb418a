# ruff: noqa: RUF001 (they are the subject here)
"""Full-width characters where YAML's are meant: named wherever a command meets them, and nowhere else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import CORPUS, needs_corpus
from tests.support import ADD, BASE, GOOD, PREFIX, Cli
from yamlinject.core import lookalikes

# what is read, the place of what is found first, and what that has to be
FOUND = [
    ("[1024，5]", 5, "'，' (U+FF0C, fullwidth comma) is no YAML: type ','"),
    ("[1024, 5]，  # 9", 9, "'，' (U+FF0C, fullwidth comma) is no YAML: type ','"),
    ("【1024, 5】", 0, "'【' (U+3010, left black lenticular bracket) is no YAML: type '['"),
    ("[1024, 5】", 8, "'】' (U+3011, right black lenticular bracket) is no YAML: type ']'"),
    ("［1024, 5］", 0, "'［' (U+FF3B, fullwidth left square bracket) is no YAML: type '['"),
    ("（1024, 5)", 0, "'（' (U+FF08, fullwidth left parenthesis) is no YAML: type '['"),
    ("nc：80", 2, "'：' (U+FF1A, fullwidth colon) is no YAML: type ':'"),
    ("nc: ８０", 4, "'８０' (U+FF18, fullwidth digit eight) is no YAML: type '80'"),
    ("1024；5", 4, "'；' (U+FF1B, fullwidth semicolon) is no YAML: type ','"),
    ("1024、5", 4, "'、' (U+3001, ideographic comma) is no YAML: type ','"),
    ("0。33", 1, "'。' (U+3002, ideographic full stop) is no YAML: type '.'"),
    ("0．33", 1, "'．' (U+FF0E, fullwidth full stop) is no YAML: type '.'"),
    ("‘nearest’", 0, "'‘' (U+2018, left single quotation mark) is no YAML: type \"'\""),
    ("“nearest”", 0, "'“' (U+201C, left double quotation mark) is no YAML: type '\"'"),
    ("＃ 9", 0, "'＃' (U+FF03, fullwidth number sign) is no YAML: type '#'"),
    ("－1", 0, "'－' (U+FF0D, fullwidth hyphen-minus) is no YAML: type '-'"),
    ("–1", 0, "'–' (U+2013, en dash) is no YAML: type '-'"),
    ("−1", 0, "'−' (U+2212, minus sign) is no YAML: type '-'"),
    ("[1024,\u00a05]", 6, "U+00A0 (no-break space) is no YAML: type a space"),
    ("\u3000[1024, 5]", 0, "U+3000 (ideographic space) is no YAML: type a space"),
    ("10\u200b24", 2, "U+200B (zero width space) is no YAML: delete it"),
    ("['a', ，] # ，", 6, "'，' (U+FF0C, fullwidth comma) is no YAML: type ','"),
]

PASSED_OVER = [
    "[1024, 5]  # 九，（九）：【SPPF】“9”",
    "'1024，5'",
    "[\"1024，5\", 'a：b']",
    '"a \\" ，"',
    "'it''s，'",
    "猫，狗",
    "类别：3",
    "[“猫”, （狗）]",
    "é, ü, π, 漢字",
    "",
]


@pytest.mark.parametrize(("text", "start", "said"), FOUND)
def test_found(text: str, start: int, said: str) -> None:
    found = next(lookalikes.find(text))
    assert (found.start, str(found)) == (start, said)
    assert text[found.start : found.end] == found.text


@pytest.mark.parametrize("text", PASSED_OVER)
def test_passed_over(text: str) -> None:
    assert list(lookalikes.find(text)) == []
    assert lookalikes.cause(f"{text}\n{text}", 2) is None


def test_every_full_width_form() -> None:
    for code in range(0x21, 0x7F):
        found = next(lookalikes.find(f"a{chr(code + 0xFEE0)}"))
        expected = {"(": "[", ")": "]", ";": ","}.get(chr(code), chr(code))
        assert str(found).endswith(f"is no YAML: type {expected!r}")


@pytest.mark.parametrize(
    ("lines", "line", "place"),
    [
        (["a，", "b", "c", "d"], 4, 1),
        (["a，", "b", "c", "d", "e"], 5, None),
        (["a，", "b", "", "# x", "c", "  # ，", "d"], 7, 1),
        (["head：", *["- [1]"] * 30], 31, 4),
        (["a，b，c", "d"], 1, 1),
        (["a", "b，"], 1, None),
    ],
)
def test_the_cause_of_an_error(lines: list[str], line: int, place: int | None) -> None:
    found = lookalikes.cause("\n".join(lines), line)
    assert (found.start if found else None) == place


@pytest.mark.parametrize("char", ["，", "'", '"', "“", "#", "：", "\\", "\u200b"])
def test_a_long_text_takes_no_time(char: str) -> None:
    started = time.process_time()
    for text in ("，" + char * 2**15, "，" + f"{char},\\{char} " * 2**13, "，" + f"{char}\n" * 2**14):
        assert list(lookalikes.find(text))
        lookalikes.cause(text, text.count("\n") + 1)
    assert time.process_time() - started < 5


BROKEN = [
    (BASE.replace("SPPF, [16, 5]", "SPPF, [16，5]"), "5:22: layer 2 (SPPF): '，'"),
    (BASE.replace("nc: 2", "nc: ２"), "1:5: nc: '２'"),
    (BASE.replace("[[-1, 1], 1, Concat", "[[-1，1], 1, Concat"), "7:9: layer 3: '，'"),
    (BASE.replace("[16, 5]]", "【16, 5】]"), "5:19: layer 2: '【'"),
    (BASE.replace("[16, 5]]  #", "[16, 5]]， #"), "5:27: not valid YAML: '，'"),
    (BASE.replace("head:", "head："), "6:5: not valid YAML: '：'"),
    (BASE.replace("nc: 2", "nc：2"), "1:3: not valid YAML: '：'"),
    (BASE.replace("nc: 2", "ｎｃ: 2"), "1:1: the key 'ｎｃ': 'ｎｃ'"),
    (BASE.replace("head:", "ｈead:"), "6:1: not a model config: 'ｈ'"),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
@pytest.mark.parametrize("options", [(), ("--in-place",), ("-o", "-"), ("--diff",), ("--check",)])
def test_add_copies_none(tmp_path: Path, cli: Cli, text: str, said: str, options: tuple[str, ...]) -> None:
    (tmp_path / "base.yaml").write_text(text, encoding="utf-8")
    result = cli(*ADD, *options)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"{PREFIX}base.yaml:{said} (U+")
    assert result.err.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["base.yaml"]
    assert (tmp_path / "base.yaml").read_text(encoding="utf-8") == text


def test_remove_still_restores_what_was_there(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("SPPF, [16, 5]", "SPPF, [16，5]"), encoding="utf-8")
    result = cli("remove", "SimAM", "a.yaml", "-o", "b.yaml")
    assert result.code == 0
    expected = BASE.replace("SPPF, [16, 5]", "SPPF, [16，5]")
    assert (tmp_path / "b.yaml").read_text(encoding="utf-8") == expected


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--after", "SPPF，C3"],
            "selector 'SPPF，C3': '，' (U+FF0C, fullwidth comma) is no YAML: type ','",
        ),
        (
            ["--after", "C3＠-1"],
            "selector 'C3＠-1': '＠' (U+FF20, fullwidth commercial at) is no YAML: type",
        ),
        (
            ["--after", "SPPF", "--args", "[channels，4]"],
            "--args: '，' (U+FF0C, fullwidth comma) is no YAML",
        ),
        (["--after", "SPPF", "--args", "【channels】"], "--args: '【' (U+3010, left black lenticular"),
        (["--after", "SPPF", "--args", "[channels, ‘a’]"], "--args: '‘' (U+2018, left single"),
    ],
)
def test_on_the_command_line(tmp_path: Path, cli: Cli, arguments: list[str], said: str) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    result = cli("add", "SimAM", "base.yaml", *arguments)
    assert result.code == 2
    assert result.err.startswith(f"{PREFIX}{said}")


# --- check --fix

# what is written, and what --fix makes of it
REPLACED = [
    ("[16，5]", "[16, 5]"),
    ("[16， 5]", "[16, 5]"),
    ("[16；5]", "[16, 5]"),
    ("[16、5]", "[16, 5]"),
    ("［16，5］", "[16, 5]"),
    ("【１６，　５】", "[16, 5]"),
    ("（16,\u00a05）", "[16, 5]"),
    ("[1\u200b6, 5]", "[16, 5]"),
    ("[16, ‘a，b’]", "[16, 'a, b']"),
    ("[16, “a”, 'b，c']", "[16, \"a\", 'b，c']"),
    ("[16, –5, −5, －5]", "[16, -5, -5, -5]"),
    ("[16, {k：5}]", "[16, {k: 5}]"),
    ("[16, 1．5, 1。5]", "[16, 1.5, 1.5]"),
    ("[16, Ｔｒｕｅ]", "[16, True]"),
]


@pytest.mark.parametrize(("written", "expected"), REPLACED)
def test_fix_replaces_them_in_a_row(tmp_path: Path, cli: Cli, written: str, expected: str) -> None:
    _fixes(tmp_path, cli, BASE.replace("[16, 5]", written), BASE.replace("[16, 5]", expected))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("nc：2", "nc: 2"),
        ("nc： 2", "nc: 2"),
        ("ｎｃ: 2", "nc: 2"),
        ("nc\u00a0: 2", "nc : 2"),
        ("\u3000nc: 2", None),  # the space would make no YAML
        ("nc: ２", "nc: 2"),
        ("nc: 2＃ 类，别", "nc: 2 # 类，别"),
        ("nc: 2  ＃ 类，别", "nc: 2  # 类，别"),
        ("nc: 2\nscales：\n  ｎ： [0.33，0．5，1024]", "nc: 2\nscales:\n  n: [0.33, 0.5, 1024]"),
        ("{nc：2}", None),
    ],
)
def test_fix_replaces_them_in_keys(tmp_path: Path, cli: Cli, wrong: str, right: str | None) -> None:
    text = BASE.replace("nc: 2", wrong)
    _fixes(tmp_path, cli, text, text if right is None else BASE.replace("nc: 2", right))


def _fixes(folder: Path, cli: Cli, text: str, expected: str) -> None:
    """In files with any line ends ``check --fix`` makes ``expected`` of ``text``, byte for byte."""
    file = folder / "a.yaml"
    for newline in ("\n", "\r\n"):
        file.write_bytes(text.replace("\n", newline).encode())
        before = cli("check", "a.yaml")
        assert before.code == 1
        assert ("check --fix does it" in before.out) == (text != expected)
        after = cli("check", "a.yaml", "--fix")
        assert file.read_bytes().decode() == expected.replace("\n", newline)
        assert (after.code == 0) == (text != expected)


PROSE = "names: [猫，狗]  # 猫，狗\nnote: a（b），c\n'ｋ，': \"，\"\n"


@pytest.mark.parametrize("wrong", ["[16，5]", "【16, 5】"])
@pytest.mark.parametrize("colon", [":", "："])
def test_fix_leaves_prose_comments_and_quotes_alone(
    tmp_path: Path, cli: Cli, wrong: str, colon: str
) -> None:
    text = BASE.replace("[16, 5]", wrong).replace("head:", f"head{colon}") + PROSE
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert cli("check", "a.yaml", "--fix").code == 0
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == BASE + PROSE


def test_fix_goes_on_with_what_can_be_read_then(tmp_path: Path, cli: Cli) -> None:
    """A file that was unreadable has comments fixed too, and what has no fix is reported."""
    text = (
        BASE.replace("head:", "head：").replace("# 2", "# 9").replace("[[4], 1, Detect", "[[5], 1, Detect")
    )
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    assert cli("check", "a.yaml").codes == ["YI001"]
    result = cli("check", "a.yaml", "--fix")
    assert (result.code, result.codes) == (1, ["YI102"])
    assert result.err == (
        "fixed     a.yaml: 1 full-width character\nChecked 1 file: 1 error in 1 file, fixed 2\n"
    )
    assert (tmp_path / "a.yaml").read_text() == BASE.replace("[[4], 1, Detect", "[[5], 1, Detect")


def test_how_many_characters_were_replaced_in_which_file(tmp_path: Path, cli: Cli) -> None:
    """Those of a comment stay."""
    (tmp_path / "a.yaml").write_text(BASE.replace("[16, 5]]", "［16，5］]  # 注释，"), encoding="utf-8")
    assert cli("check", "a.yaml", "--fix").err == (
        "fixed     a.yaml: 3 full-width characters\nChecked 1 file: nothing found, fixed 1\n"
    )


def test_fix_leaves_alone_what_stays_unreadable(tmp_path: Path, cli: Cli) -> None:
    """A tab that YAML does not take, and a row of three."""
    for wrong in ("\t- [-1, 1, C3, [16]]", "  - [-1, C3, [16]]"):
        text = BASE.replace("[16, 5]", "[16，5]").replace("  - [-1, 1, C3, [16]]", wrong)
        (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
        result = cli("check", "a.yaml", "--fix")
        assert (result.code, len(result.codes), "--fix" in result.out) == (1, 1, False)
        assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == text


def test_a_folder_is_searched_for_configs_of_such_characters(tmp_path: Path, cli: Cli) -> None:
    text = BASE.replace("backbone:", "backbone：").replace("head:", "head：").replace("- [", "－［")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "data.yaml").write_text("names：［猫，狗］\nhead： 1\n", encoding="utf-8")
    assert cli("check", ".").codes == ["YI001"]
    assert cli("check", ".", "--fix").summary == "Checked 1 file, skipped 1: nothing found, fixed 1"
    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == BASE


@pytest.mark.parametrize("text", ["backbone：\n" + "－［1，2，３，４］\n" * 20_000, "猫：［" * 100_000])
def test_a_long_file_takes_no_time(tmp_path: Path, cli: Cli, text: str) -> None:
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    started = time.process_time()
    cli("check", ".", "--fix")
    assert time.process_time() - started < 60


@needs_corpus
@pytest.mark.corpus
@pytest.mark.parametrize("name", ["comma", "comma-row", "bracket"])
def test_the_reported_ones(cli: Cli, name: str) -> None:
    path = str(CORPUS.parent / "cases" / f"fullwidth-{name}.yaml")
    result = cli("check", path)
    assert result.code == 1
    assert len(result.heads) == 1
    assert f"is no YAML: type {('[' if name == 'bracket' else ',')!r}" in result.out
    assert cli("add", "SimAM", path, "--after", "SPPF").code == 2
