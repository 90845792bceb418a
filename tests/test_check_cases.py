"""The rules of ``check``, each with configs that break it and configs that do not, and with its page.

``cases/check/CODE/bad/NAME.yaml`` breaks the rule; ``NAME.txt`` beside it is all that ``yamlinject check
NAME.yaml`` prints in that folder, and ``NAME.args``, where there is one, holds further options for it.
``good/NAME.yaml`` is the same config with the hint applied by hand, or a near miss of its own. ``base/``
holds the bases and the module files that they name. A new case is a new file.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.support import PREFIX, Cli
from yamlinject.checks.rules import RULES

ROOT = Path(__file__).with_name("cases") / "check"
PAGES = Path(__file__).resolve().parent.parent / "templates" / "rules"

BAD = sorted(ROOT.glob("*/bad/*.yaml"))
GOOD = sorted(ROOT.glob("*/good/*.yaml"))
PAIRS = [(bad, good) for bad in BAD if (good := bad.parent.with_name("good") / bad.name) in GOOD]

#: The hints of these are about other lines than the finding: the rows of a list, the anchors, the readers,
#: the whole file, nc.
HINT_IS_ABOUT_OTHER_LINES = {"YI003", "YI203", "YI303", "YI304", "YI603", "YI701"}

#: The first line of a finding: file, line and column unless it is about the whole file, code, severity.
HEADER = re.compile(r"[^ :]+\.yaml:(?:(?P<line>\d+):\d+:)? (?P<code>YI\d{3}) (?P<severity>error|warning): ")


class Found(NamedTuple):
    code: str
    severity: str
    line: int | None


def code_of(case: Path) -> str:
    return case.parent.parent.name


def name_of(case: Path) -> str:
    return f"{code_of(case)}-{case.stem}"


def options(case: Path) -> list[str]:
    """The further options of a case; a good one has those of its bad one unless it has others."""
    files = (case.with_suffix(".args"), case.parent.with_name("bad") / f"{case.stem}.args")
    found = next((file for file in files if file.is_file()), None)
    return shlex.split(found.read_text(encoding="utf-8")) if found else []


def findings(printed: str) -> list[Found]:
    """The findings that ``check`` printed as text, by their first lines."""
    matches = map(HEADER.match, printed.splitlines())
    return [
        Found(match["code"], match["severity"], int(match["line"]) if match["line"] else None)
        for match in matches
        if match
    ]


def lines(case: Path) -> list[bytes]:
    return case.read_bytes().splitlines(keepends=True)


def changed_lines(before: list[bytes], after: list[bytes]) -> Iterator[int]:
    """The lines of ``before``, counted from 1, that ``after`` lacks, or above which it has more."""
    for tag, start, end, _, _ in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from range(start + 1, max(end, start + 1) + 1)


def test_every_rule_has_cases() -> None:
    assert {code_of(case) for case in BAD} == set(RULES)
    assert {code_of(case) for case in GOOD} == set(RULES)
    assert {path.name for path in ROOT.iterdir()} == set(RULES)


def test_no_file_is_left_over() -> None:
    """Every text and every file of options belongs to a config."""
    beside = {path for path in ROOT.glob("*/*/*.*") if path.suffix in (".txt", ".args")}
    assert {path.with_suffix(".yaml") for path in beside} <= {*BAD, *GOOD}
    assert {case.with_suffix(".txt") for case in BAD} == {path for path in beside if path.suffix == ".txt"}
    assert {path.parent.name for path in ROOT.glob("*/*/*")} == {"bad", "good", "base"}
    for base in ROOT.glob("*/base/*"):
        users = [path for path in base.parent.parent.glob("*/*.*") if path.suffix in (".args", ".yaml")]
        assert any(f"../base/{base.name}".encode() in path.read_bytes() for path in users), base


@pytest.mark.parametrize("case", BAD, ids=name_of)
def test_bad(case: Path, cli: Cli) -> None:
    rule = RULES[code_of(case)]
    result = cli("check", case.name, *options(case), folder=case.parent)
    assert result.out == case.with_suffix(".txt").read_bytes().decode()
    found = findings(result.out)
    assert (rule.code, rule.severity) in {(one.code, one.severity) for one in found}
    assert {one.severity for one in found} <= {"warning", rule.severity}
    assert result.code == (rule.severity == "error")
    noted = "note      no base was recognised"
    summary, *following = [line for line in result.err.splitlines() if not line.startswith(noted)]
    assert summary.startswith("Checked 1 file: ")
    for line in following:  # one at most, the command that shows the fix
        shown = cli(*shlex.split(line.removeprefix("next      yamlinject ")))
        assert shown.out.startswith(f"--- {case.name}\n")
        assert shown.err.startswith("Checked 1 file: ")  # nothing is left alone
    assert len(following) <= (rule.severity == "error")


@pytest.mark.parametrize("case", BAD, ids=name_of)
def test_strict_and_ignored(case: Path, cli: Cli) -> None:
    if RULES[code_of(case)].severity == "warning":
        assert cli("check", case.name, "--strict", *options(case), folder=case.parent).code == 1
    others = cli("check", case.name, "--ignore", code_of(case), *options(case), folder=case.parent)
    assert code_of(case) not in {one.code for one in findings(others.out)}


@pytest.mark.parametrize("case", GOOD, ids=name_of)
def test_good(case: Path, cli: Cli) -> None:
    result = cli("check", case.name, *options(case), folder=case.parent)
    found = findings(result.out)
    assert code_of(case) not in {one.code for one in found}, result.out
    assert "error" not in {one.severity for one in found}, result.out
    assert result.code == 0


@pytest.mark.parametrize(("bad", "good"), PAIRS, ids=[name_of(bad) for bad, _ in PAIRS])
def test_pairs_differ_where_the_finding_is(bad: Path, good: Path) -> None:
    """The good one is tested above; this tests that it is the bad one fixed at that place."""
    code = code_of(bad)
    named = {one.line for one in findings(bad.with_suffix(".txt").read_text("utf-8")) if one.code == code}
    changed = set(changed_lines(lines(bad), lines(good)))
    assert changed
    if None not in named and code not in HINT_IS_ABOUT_OTHER_LINES:
        if code == "YI001":  # a bracket is missed on the line below
            named |= {line - 1 for line in named if line}
        assert changed & named


def test_most_bad_cases_are_fixed_by_a_good_one() -> None:
    assert len(PAIRS) > 0.9 * len(BAD)


@pytest.mark.parametrize(("bad", "good"), PAIRS, ids=[name_of(bad) for bad, _ in PAIRS])
def test_fix_makes_the_good_one_of_it_or_nothing(bad: Path, good: Path, cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    shutil.copy(bad, folder)
    if (base := bad.parent.with_name("base")).is_dir():
        shutil.copytree(base, tmp_path / "base")
    (tmp_path / ".git").mkdir()  # bases outside of a repository are not read
    result = cli("check", bad.name, "--fix", *options(bad), folder=folder)
    left = {one.code for one in findings(result.out)}
    expected = bad.with_suffix(".txt").read_text(encoding="utf-8")
    if "check --fix does it" in expected:
        assert (folder / bad.name).read_bytes() == good.read_bytes()
        assert ", fixed " in result.err
        assert code_of(bad) not in left
        again = cli("check", bad.name, "--fix", *options(bad), folder=folder)
        assert "fixed" not in again.err
    else:
        assert (folder / bad.name).read_bytes() == bad.read_bytes()
        assert "fixed" not in result.err
        assert result.out == expected


def test_something_is_fixed() -> None:
    fixed = [bad for bad, _ in PAIRS if "check --fix does it" in bad.with_suffix(".txt").read_text("utf-8")]
    assert {code_of(bad) for bad in fixed} == {"YI001", "YI003", "YI004", "YI405", "YI501"}
    assert {bad for bad in BAD if code_of(bad) == "YI405"} <= set(fixed)


def page(code: str) -> str:
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")


def examples(code: str) -> list[tuple[str, str]]:
    """The examples of a page: ``wrong`` or ``right``, and the YAML below that word."""
    return re.findall(r"^```yaml\n# (wrong|right)\n(.*?)^```$", page(code), re.MULTILINE | re.DOTALL)


#: Those that are configs, and not some rows of one.
WHOLE = [
    (path.stem, which, text)
    for path in sorted(PAGES.glob("*.md"))
    for which, text in examples(path.stem)
    if "backbone:" in text
]


@pytest.mark.parametrize("code", RULES)
def test_page(code: str, cli: Cli, tmp_path: Path) -> None:
    rule = RULES[code]
    printed = cli("rule", code)
    assert (printed.code, printed.out, printed.err) == (0, page(code), "")
    assert cli("rule", code.lower()).out == printed.out
    rows = page(code).splitlines()
    assert rows[:2] == [f"# {code} {rule.name} ({rule.severity})", ""]
    assert 15 <= len(rows) <= 45
    assert max(map(len, rows)) <= 100
    assert page(code).endswith("\n")
    assert not any(row != row.rstrip() for row in rows)
    assert [which for which, _ in examples(code)] == ["wrong", "right"]
    assert page(code).count("```") == 4


@pytest.mark.parametrize("code", RULES)
def test_page_says_whether_to_ignore_or_fix(code: str) -> None:
    text = " ".join(page(code).split())
    assert f"--ignore {code}" in text or "There is no reason to ignore it" in text
    assert ("yamlinject check --fix" in text) == (code in ("YI405", "YI501"))
    assert not set(re.findall(r"YI\d{3}", text)) - set(RULES)


@pytest.mark.parametrize(
    ("code", "which", "text"), WHOLE, ids=[f"{code}-{which}" for code, which, _ in WHOLE]
)
def test_example_of_page(code: str, which: str, text: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "example.yaml").write_text(text, encoding="utf-8")
    found = findings(cli("check", "example.yaml").out)
    assert {one.code for one in found} == ({code} if which == "wrong" else set())


def test_examples_that_are_no_whole_config_can_be_read() -> None:
    whole = {(code, which) for code, which, _ in WHOLE}
    for code in RULES:
        for which, text in examples(code):
            if (code, which) not in whole:
                assert text.startswith("# only "), f"{code}: {which}"
                yaml.safe_load(text)
    assert len(whole) >= 40


def test_rules_are_listed(cli: Cli, tmp_path: Path) -> None:
    listed = cli("rule")
    assert (listed.code, listed.err) == (0, "")
    rows = [row.split(maxsplit=3) for row in listed.out.splitlines()]
    headings = [re.match(r"# (\w+) (\S+) \((\w+)\)\n", page(path.stem)) for path in sorted(PAGES.iterdir())]
    assert [row[:3] for row in rows] == [[one[1], one[3], one[2]] for one in headings if one]
    assert len({summary for *_, summary in rows}) == len(headings) >= 30
    assert rows[5][3] == "a reference reaches back beyond layer 0"


def test_pages_fit_a_terminal_of_80_columns() -> None:
    lines = [(path.name, line) for path in PAGES.iterdir() for line in page(path.stem).splitlines()]
    assert len(lines) > 600
    assert [(name, line) for name, line in lines if len(line) > 80] == []


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert {path.name for path in PAGES.iterdir()} == {f"{code}.md" for code in RULES}


@pytest.mark.parametrize("code", ["YI999", "301", "YI3", "wrong-reference", "../../README"])
def test_unknown_rule(code: str, cli: Cli, tmp_path: Path) -> None:
    result = cli("rule", code)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert result.err.startswith(PREFIX)
    assert code in result.err
