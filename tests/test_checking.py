"""The command ``check`` as a user meets it: files and folders, streams, formats, exit codes, ``--fix``."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import EXHAUSTIVE
from tests.support import ADD, BAD, BASE, DOUBTFUL, GOOD, PREFIX, Cli, Result, process, process_here
from yamlinject import load
from yamlinject.checks import discovery
from yamlinject.checks import files as checking
from yamlinject.checks import runner as checks
from yamlinject.checks.findings import Checked, Finding
from yamlinject.config import Config
from yamlinject.library import bases
from yamlinject.library.data import template

# a warning that --fix fixes (YI501): line 9 gives layer 5 the index 9
STALE = GOOD.replace("# 5\n", "# 9\n")
OTHER = "train: images/train\nnames: {0: cat}\n"

BUG = "a bug in yamlinject, the other files were checked: "


def write(files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def assert_refused(result: Result, *fragments: str) -> None:
    """Exit code 2 and one line."""
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(PREFIX)
    assert result.err.count("\n") == 1
    for fragment in fragments:
        assert fragment in result.err


def test_a_right_config(cli: Cli) -> None:
    write({"good.yaml": GOOD})
    assert cli("check", "good.yaml") == (0, "", "Checked 1 file: nothing found\n")


def test_what_is_printed_of_a_wrong_one(cli: Cli) -> None:
    write({"bad.yaml": BAD})
    result = cli("check", "bad.yaml")
    assert result.code == 1
    assert result.out.splitlines()[:3] == [
        "bad.yaml:10:7: YI102 error: layer 6 (Detect): 'from' 6 is the layer itself",
        "   10 |   - [[6], 1, Detect, [nc]]  # 6",
        "      |       ^",
    ]
    assert result.err == "Checked 1 file: 1 error in 1 file\n"


# --- which files


def test_folders(cli: Cli) -> None:
    write(
        {
            "conf/b.yaml": BAD,
            "conf/a.yml": BAD,
            "conf/a/z.yaml": BAD,
            "conf/c/deep/er/C.YAML": BAD,
            "conf/data.yaml": OTHER,
            "conf/c/list.yml": "- backbone\n- head\n",
            "conf/notes.txt": BAD,
            "conf/yaml": BAD,
            "conf/.hidden/x.yaml": BAD,
            "conf/c/.git/x.yaml": BAD,
            "conf/env/pyvenv.cfg": "home = /usr/bin\n",
            "conf/env/lib/x.yaml": BAD,
        }
    )
    result = cli("check", "conf")
    assert result.code == 1
    expected = ["conf/a.yml", "conf/b.yaml", "conf/a/z.yaml", "conf/c/deep/er/C.YAML"]
    assert result.heads == [f"{name}:10:7: YI102 error" for name in expected]
    assert result.summary == "Checked 4 files, skipped 2: 4 errors in 4 files"


@pytest.mark.parametrize("folder", [".hidden", "env"])
def test_a_folder_that_is_left_out_can_be_named(cli: Cli, folder: str) -> None:
    write({f"{folder}/pyvenv.cfg": "", f"{folder}/x.yaml": BAD})
    assert cli("check", ".").summary == "Checked 0 files: nothing found"
    assert cli("check", folder).heads == [f"{folder}/x.yaml:10:7: YI102 error"]


def test_the_current_folder(cli: Cli) -> None:
    write({"x.yaml": BAD, "sub/y.yaml": BAD})
    assert cli("check", ".").heads == ["x.yaml:10:7: YI102 error", "sub/y.yaml:10:7: YI102 error"]


def test_an_empty_folder_and_one_without_configs(cli: Cli) -> None:
    write({"none/data.yaml": OTHER})
    Path("empty").mkdir()
    assert cli("check", "empty") == (0, "", "Checked 0 files: nothing found\n")
    assert cli("check", "none") == (0, "", "Checked 0 files, skipped 1: nothing found\n")


def test_order_is_that_of_the_arguments(cli: Cli) -> None:
    write({"z.yaml": BAD, "m/b.yaml": BAD, "m/a.yaml": BAD, "a.yaml": BAD})
    heads = cli("check", "z.yaml", "m", "a.yaml").heads
    assert [head.partition(":")[0] for head in heads] == ["z.yaml", "m/a.yaml", "m/b.yaml", "a.yaml"]


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["m/a.yaml", "m/a.yaml"], id="twice"),
        pytest.param(["m/a.yaml", "./m/a.yaml"], id="spelled-otherwise"),
        pytest.param(["m/a.yaml", "m/../m//a.yaml"], id="round-about"),
        pytest.param(["m/a.yaml", "m"], id="and-its-folder"),
        pytest.param(["m", "m/a.yaml"], id="and-its-file"),
        pytest.param(["m", ".", "m/"], id="folders"),
    ],
)
def test_a_file_named_twice_is_checked_once(cli: Cli, paths: list[str]) -> None:
    write({"m/a.yaml": BAD})
    result = cli("check", *paths)
    assert result.codes == ["YI102"]
    assert result.summary == "Checked 1 file: 1 error in 1 file"


def test_a_named_file_needs_no_ending(cli: Cli) -> None:
    write({"config.txt": BAD})
    assert cli("check", "config.txt").heads == ["config.txt:10:7: YI102 error"]


def test_a_named_file_that_is_no_config_is_skipped(cli: Cli) -> None:
    write({"data.yaml": OTHER})
    assert cli("check", "data.yaml") == (0, "", "Checked 0 files, skipped 1: nothing found\n")


@pytest.mark.parametrize(
    ("text", "code", "codes"),
    [(GOOD, 0, []), (DOUBTFUL, 0, ["YI402"]), (BAD, 1, ["YI102"]), (OTHER, 0, [])],
)
def test_standard_input(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str, code: int, codes: list[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    result = cli("check", "-")
    assert (result.code, result.codes) == (code, codes)
    assert all(head.startswith("<stdin>:") for head in result.heads)


def test_standard_input_besides_files(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"bad.yaml": BAD})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DOUBTFUL.encode())))
    result = cli("check", "-", "bad.yaml", "-")
    assert result.codes == ["YI402", "YI102"]
    assert result.summary == "Checked 2 files: 1 error and 1 warning in 2 files"


def test_no_path_is_an_error(cli: Cli) -> None:
    assert_refused(cli("check"), "PATH", "yamlinject check --help")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "{nc: 2, backbone: [[-1, 1, Conv, [8]]], head: [[[1], 1, Detect, [nc]]]}\n", id="braces"
        ),
        pytest.param("---\n{backbone: [[-1, 1, Conv, [8]]],\nhead: [[[1], 1, Detect, []]]}\n", id="marker"),
        pytest.param('{"head": [[[1], 1, "Detect", []]], "backbone": [[-1, 1, "Conv", [8]]]}', id="json"),
        pytest.param(
            "backbone: &b\n- [-1, 1, Conv, [8]]\nhead: &h\n- [[1], 1, Detect, []]\n", id="anchors"
        ),
        pytest.param(
            "backbone: !!seq\n- [-1, 1, Conv, [8]]\nhead: !!seq\n- [[1], 1, Detect, []]\n", id="tags"
        ),
        pytest.param(
            "  backbone:\n  - [-1, 1, Conv, [8]]\n  head:\n  - [[1], 1, Detect, []]\n", id="indented"
        ),
        pytest.param(
            "? backbone\n: - [-1, 1, Conv, [8]]\n? head\n: - [[1], 1, Detect, []]\n", id="question"
        ),
        pytest.param("backbone:\r- [-1, 1, Conv, [8]]\rhead:\r- [[1], 1, Detect, []]\r", id="cr"),
    ],
)
def test_configs_in_all_spellings(cli: Cli, text: str) -> None:
    """What ``add`` takes for a config is one here too, even if it would otherwise be skipped."""
    write({"x.yaml": text})
    assert cli("check", "x.yaml").codes == ["YI102"]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1e-4", 0.0001), ("1e3", 1000.0), ("25e-8", 2.5e-7), ("1e-20", 1e-20), ("-3E2", -300.0)],
)
def test_the_hint_for_a_number_as_text_is_that_number(cli: Cli, written: str, value: float) -> None:
    write({"x.yaml": GOOD.replace("SimAM, [16]", f"SimAM, [16, [{written}]]")})
    result = cli("check", "x.yaml")
    assert result.codes == ["YI401"]
    (hint,) = re.findall(r"= hint: write (\S+)$", result.out, re.M)
    read = yaml.safe_load(hint)
    assert (type(read), read) == (float, value)


# --- which rules


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        pytest.param([], ["YI102", "YI401", "YI501"], id="all"),
        pytest.param(["--select", "YI102"], ["YI102"], id="one"),
        pytest.param(["--select", "yi102"], ["YI102"], id="small-letters"),
        pytest.param(["--select", "YI4"], ["YI401"], id="prefix"),
        pytest.param(["--select", "YI"], ["YI102", "YI401", "YI501"], id="prefix-of-all"),
        pytest.param(["--select", "YI4", "--select", "YI5"], ["YI401", "YI501"], id="repeated"),
        pytest.param(["--select", "YI4, YI102"], ["YI102", "YI401"], id="commas"),
        pytest.param(["--ignore", "YI102"], ["YI401", "YI501"], id="ignored"),
        pytest.param(["--ignore", "YI1,YI5"], ["YI401"], id="ignored-prefixes"),
        pytest.param(["--ignore", "YI1", "--ignore", "YI4"], ["YI501"], id="ignored-repeatedly"),
        pytest.param(["--select", "YI1,YI4", "--ignore", "YI401"], ["YI102"], id="both"),
        pytest.param(["--select", "YI3"], [], id="nothing-left"),
        pytest.param(["--ignore", "YI"], [], id="all-ignored"),
    ],
)
def test_select_and_ignore(cli: Cli, options: list[str], codes: list[str]) -> None:
    text = GOOD.replace("C3, [16]]  # 1", "C3, [16]]  # 7").replace("[16]]  # 3", "[16, [1e-4]]]  # 3")
    write({"x.yaml": text.replace("[[5], 1, Detect", "[[6], 1, Detect")})
    result = cli("check", "x.yaml", *options)
    assert result.codes == codes
    assert result.code == int("YI102" in codes)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (["--select", "YI9"], "'YI9'"),
        (["--ignore", "X"], "'X'"),
        (["--select", "YI102,YI1O3"], "'YI1O3'"),
        (["--select", ""], "''"),
        (["--select", "YI102,"], "''"),
        (["--ignore", "YI1022"], "'YI1022'"),
        (["--ignore", "invalid-yaml"], "'INVALID-YAML'"),
    ],
)
def test_unknown_rules(cli: Cli, options: list[str], shown: str) -> None:
    write({"bad.yaml": BAD})
    assert_refused(cli("check", "bad.yaml", *options), shown, "yamlinject rule")


# --- what it is compared with


def forgotten() -> str:
    """yolov5s with SimAM after SPPF, and one reference that was not renumbered: [-1, 14].

    Layer 14 is now the C3 that was 13, and has the same stride as layer 15: only the base tells.
    """
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=False).text
    assert text.count("[[-1, 15], 1, Concat, [1]]") == 1
    return text.replace("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat")


def test_what_only_the_base_tells(cli: Cli) -> None:
    write({"mine.yaml": forgotten()})
    result = cli("check", "mine.yaml")
    assert (result.code, result.codes) == (1, ["YI301"])
    assert "layer 20 (Concat) reads layer 14 (C3), expected layer 15 (Conv)" in result.out
    assert "= base: yolov5s\n" in result.out
    assert cli("check", "mine.yaml", "--no-base") == (0, "", "Checked 1 file: nothing found\n")


@pytest.mark.parametrize("base", ["base.yaml", "./base.yaml", "yolov5s"])
def test_base_by_path_and_by_name(cli: Cli, base: str) -> None:
    write({"mine.yaml": forgotten(), "base.yaml": load("yolov5s").to_bytes()})
    result = cli("check", "mine.yaml", "--base", base)
    assert (result.code, result.codes) == (1, ["YI301"])
    assert f"= base: {base}\n" in result.out


def test_a_base_that_no_upstream_model_is(cli: Cli) -> None:
    """The Concat reads SPPF where it read the C3 above: the base tells that, nothing else does."""
    write({"mine.yaml": GOOD.replace("[[-1, 1], 1, Concat", "[[-1, 2], 1, Concat"), "base.yaml": BASE})
    assert "YI301" not in cli("check", "mine.yaml").codes
    result = cli("check", "mine.yaml", "--base", "base.yaml", "--select", "YI301")
    assert (result.code, result.heads) == (1, ["mine.yaml:8:11: YI301 error"])
    assert cli("check", "base.yaml", "--base", "base.yaml").code == 0


def test_a_base_that_it_was_not_made_from(cli: Cli) -> None:
    write({"good.yaml": GOOD})
    result = cli("check", "good.yaml", "--base", "yolov5s")
    assert (result.code, result.codes) == (1, ["YI307"])
    assert result.out.startswith("good.yaml: YI307 error: ")


@pytest.mark.parametrize(
    ("base", "fragments"),
    [
        ("nowhere.yaml", ["nowhere.yaml: ", "no such file"]),
        ("yolov5y", ["'yolov5y'", "did you mean yolov5"]),
        ("data.yaml", ["data.yaml: ", "not a model config"]),
        ("broken.yaml", ["broken.yaml:1:12: ", "not valid YAML"]),
        ("bad.yaml", ["bad.yaml:10:7: ", "itself"]),
        (".", ["."]),
        ("", [""]),
        ("bin.yaml", ["bin.yaml: ", "binary"]),
    ],
)
def test_bases_that_cannot_be_used(cli: Cli, base: str, fragments: list[str]) -> None:
    write({"good.yaml": GOOD, "bad.yaml": BAD, "data.yaml": OTHER, "broken.yaml": "backbone: [}"})
    Path("bin.yaml").write_bytes(b"\0")
    assert_refused(cli("check", "good.yaml", "--base", base), *fragments)


def test_base_and_no_base(cli: Cli) -> None:
    write({"good.yaml": GOOD})
    assert_refused(cli("check", "good.yaml", "--base", "yolov5s", "--no-base"), "--base", "--no-base")


def test_that_no_base_was_recognised_is_said_once(cli: Cli) -> None:
    """Attention that was deleted with the numbers left: the last inputs of Detect are no earlier layers."""
    made = load("yolov5s").add("SimAM", after="C3", provenance=False).text
    gone = "\n".join(line for line in made.splitlines() if "SimAM" not in line) + "\n"
    write({"a.yaml": gone, "b.yaml": gone, "good.yaml": GOOD})
    one = "note      no base was recognised for a.yaml: name it with --base, such as --base yolov5s"
    assert cli("check", "a.yaml", "good.yaml").err.splitlines()[0] == one
    assert cli("check", "a.yaml", "b.yaml", "--jobs", "2").err.count("no base was recognised") == 1
    for options in (["--base", "yolov5s"], ["--no-base"], ["--output-format", "json"], ["--select", "YI5"]):
        assert "recognised" not in cli("check", "a.yaml", *options).err
    line = load("yolov5s").add("SimAM", after="C3").text.splitlines(True)[0]  # which names the base
    write({"generated.yaml": line + gone})
    assert "recognised" not in cli("check", "generated.yaml").err
    assert "recognised" not in cli("check", "a.yaml", "--fix", "--wiring").err  # which says so itself


# --- exit codes


@pytest.mark.parametrize(
    ("files", "strict", "code"),
    [
        pytest.param({"a.yaml": GOOD}, False, 0, id="nothing"),
        pytest.param({"a.yaml": GOOD}, True, 0, id="nothing-strict"),
        pytest.param({"a.yaml": DOUBTFUL}, False, 0, id="warning"),
        pytest.param({"a.yaml": DOUBTFUL}, True, 1, id="warning-strict"),
        pytest.param({"a.yaml": BAD}, False, 1, id="error"),
        pytest.param({"a.yaml": BAD}, True, 1, id="error-strict"),
        pytest.param({"a.yaml": GOOD, "b.yaml": BAD}, False, 1, id="one-of-two"),
        pytest.param({"a.yaml": b"backbone: [\0"}, False, 2, id="unreadable"),
        pytest.param({"a.yaml": b"\0", "b.yaml": BAD}, False, 2, id="unreadable-and-error"),
        pytest.param({"a.yaml": BAD, "b.yaml": b"\0"}, True, 2, id="error-and-unreadable"),
        pytest.param({"a.yaml": OTHER}, True, 0, id="skipped"),
        pytest.param({"a.yaml": "backbone: [\nhead: [}"}, False, 1, id="no-yaml"),
    ],
)
def test_exit_codes(cli: Cli, files: dict[str, str | bytes], strict: bool, code: int) -> None:
    write(files)
    assert cli("check", *files, *["--strict"] * strict).code == code


def test_a_file_that_cannot_be_read_does_not_stop_the_others(cli: Cli) -> None:
    write({"a.yaml": BAD, "b.yaml": b"\0", "c.yaml": DOUBTFUL})
    result = cli("check", "a.yaml", "nowhere.yaml", "b.yaml", "c.yaml")
    assert result.code == 2
    assert result.codes == ["YI102", "YI402"]
    assert result.err.splitlines() == [
        "yamlinject: error: nowhere.yaml: cannot read it: no such file or directory",
        "yamlinject: error: b.yaml: a binary file, not text",
        "YI102  error    1  in 1 file  a layer reads itself",
        "YI402  warning  1  in 1 file  attention whose number a framework multiplies by depth_multiple",
        "Checked 2 files, failed on 2: 1 error and 1 warning in 2 files",
    ]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyError("x\ny"), rf"{BUG}KeyError: 'x\ny'"),
        (ValueError("one\ntwo"), f"{BUG}ValueError: one two"),
        (RecursionError("too deep"), f"{BUG}RecursionError: too deep"),
        (OverflowError("huge"), f"{BUG}OverflowError: huge"),
        (MemoryError(), "there is not enough memory to check it"),
    ],
    ids=repr,
)
def test_no_exception_stops_the_other_files(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def check(config: Config, *others: Any, **options: Any) -> list[Finding]:
        if config.name == "b.yaml":
            raise error
        return checks.check(config, *others, **options)

    monkeypatch.setattr(checking, "check", check)
    write({"a.yaml": BAD, "b.yaml": GOOD, "c.yaml": DOUBTFUL})
    result = cli("check", "a.yaml", "b.yaml", "c.yaml")
    assert (result.code, result.codes) == (2, ["YI102", "YI402"])
    assert result.err.splitlines() == [
        f"yamlinject: error: b.yaml: {said}",
        "YI102  error    1  in 1 file  a layer reads itself",
        "YI402  warning  1  in 1 file  attention whose number a framework multiplies by depth_multiple",
        "Checked 2 files, failed on 1: 1 error and 1 warning in 2 files",
    ]


def test_far_too_many_findings(cli: Cli) -> None:
    """A thousand of each rule, the number of the others, and all of the other rules."""
    numbers = ", ".join(["1e5"] * 1234)
    write({"x.yaml": f"{BAD}x: [{numbers}]\n", "y.yaml": f"{GOOD}x: [{', '.join(['1e5'] * 1000)}]\n"})
    result = cli("check", "x.yaml")
    assert (result.code, Counter(result.codes)) == (1, {"YI102": 1, "YI401": 1001})
    assert result.out.splitlines()[-1] == "x.yaml: YI401 warning: there are 234 more like the 1000 above"
    (*_, last) = json.loads(cli("check", "x.yaml", "--output-format", "json").out)["findings"]
    assert (last["code"], last["line"]) == ("YI401", None)
    assert Counter(cli("check", "y.yaml").codes) == {"YI401": 1000}


def test_fix_fixes_more_than_is_listed(cli: Cli) -> None:
    rows = [f"  - [-1, 1, C3, [16]]  # {index}-P3\n" for index in range(1, 1501)]
    text = "nc: 2\nbackbone:\n  - [-1, 1, Conv, [16, 3, 2]]  # 0\n{}head:\n  - [-1, 1, Detect, [nc]]\n"
    write({"x.yaml": text.format("".join(rows).replace("-P3", "1-P3"))})
    assert cli("check", "x.yaml", "--fix").summary == "Checked 1 file: nothing found, fixed 1500"
    assert Path("x.yaml").read_text() == text.format("".join(rows))


def test_fix_of_a_row_in_several_places(cli: Cli) -> None:
    """Its comment is that of the first of them."""
    text = GOOD.replace("- [-1, 1, SPPF, [16, 5]]  # 2", "- &a [-1, 1, C3, [16]]  # 7-P3\n  - *a")
    write({"x.yaml": text})
    result = cli("check", "x.yaml", "--fix")
    assert result.codes.count("YI501") == 0
    assert "# 2-P3" in Path("x.yaml").read_text()


def test_binary_yaml_in_a_folder_is_passed_over(cli: Cli) -> None:
    write({"m/a.yaml": b"\0", "m/b.yaml": BAD.encode("utf-16"), "m/c.yaml": GOOD})
    assert cli("check", "m") == (0, "", "Checked 1 file, skipped 2: nothing found\n")


@pytest.mark.parametrize(
    ("options", "fragments"),
    [
        (["--jobs", "-1"], ["--jobs", "-1"]),
        (["--jobs", "x"], ["--jobs", "'x'"]),
        (["--output-format", "xml"], ["--output-format", "'xml'", "sarif"]),
        (["--bogus"], ["--bogus", "yamlinject check --help"]),
    ],
)
def test_wrong_usage(cli: Cli, options: list[str], fragments: list[str]) -> None:
    write({"good.yaml": GOOD})
    assert_refused(cli("check", "good.yaml", *options), *fragments)


# --- fixing


def test_fix(cli: Cli) -> None:
    write({"x.yaml": STALE})
    assert cli("check", "x.yaml").heads == ["x.yaml:9:26: YI501 warning"]
    result = cli("check", "x.yaml", "--fix")
    assert result == (0, "", "Checked 1 file: nothing found, fixed 1\n")
    assert Path("x.yaml").read_text() == GOOD
    assert cli("check", "x.yaml", "--fix") == (0, "", "Checked 1 file: nothing found\n")


def test_fix_changes_the_comments_and_nothing_else(cli: Cli) -> None:
    """CRLF, a byte order mark, odd bytes, a missing final newline and what else is wrong stay."""
    text = (
        BAD.replace("# 5\n", "# 9 (P3/8)\n").replace("# 1\n", "#8\n").replace("nc: 2", "nc: 2   # \xff 7")
    )
    data = b"\xef\xbb\xbf" + text.rstrip("\n").replace("\n", "\r\n").encode("latin-1")
    expected = data.replace(b"# 9 (P3", b"# 5 (P3").replace(b"#8\r", b"#1\r")
    write({"x.yaml": data})
    Path("x.yaml").chmod(0o640)
    result = cli("check", "--fix", "x.yaml")
    assert (result.code, result.codes) == (1, ["YI102"])
    assert result.summary == "Checked 1 file: 1 error in 1 file, fixed 2"
    assert Path("x.yaml").read_bytes() == expected
    assert stat.S_IMODE(Path("x.yaml").stat().st_mode) == 0o640
    assert os.listdir() == ["x.yaml"]


def test_fix_through_a_link(cli: Cli) -> None:
    write({"real/x.yaml": STALE})
    Path("link.yaml").symlink_to("real/x.yaml")
    assert cli("check", "--fix", "link.yaml").summary == "Checked 1 file: nothing found, fixed 1"
    assert Path("link.yaml").is_symlink()
    assert Path("real/x.yaml").read_text() == GOOD


def test_fix_in_a_folder(cli: Cli) -> None:
    others = {"m/good.yaml": GOOD, "m/bad.yaml": BAD, "m/data.yaml": "a: 1  # 9\n", "m/bin.yaml": "\0"}
    write({**others, "m/x.yaml": STALE, "m/sub/y.yaml": STALE})
    before = {name: Path(name).stat() for name in others}
    result = cli("check", "m", "--fix")
    assert (result.code, result.codes) == (1, ["YI102"])
    assert result.summary == "Checked 4 files, skipped 2: 1 error in 1 file, fixed 2"
    assert Path("m/x.yaml").read_text() == Path("m/sub/y.yaml").read_text() == GOOD
    for name, status in before.items():  # not even written again
        assert (Path(name).stat().st_ino, Path(name).stat().st_mtime_ns) == (
            status.st_ino,
            status.st_mtime_ns,
        )


@pytest.mark.parametrize("options", [["--ignore", "YI501"], ["--select", "YI1"]])
def test_fix_fixes_only_what_is_selected(cli: Cli, options: list[str]) -> None:
    write({"x.yaml": STALE})
    assert cli("check", "x.yaml", "--fix", *options) == (0, "", "Checked 1 file: nothing found\n")
    assert Path("x.yaml").read_text() == STALE


def test_fix_leaves_generated_files_alone(cli: Cli) -> None:
    write({"base.yaml": BASE.replace("# 4\n", "# 8\n")})
    assert cli(*ADD).code == 0
    before = Path("base_SimAM.yaml").read_bytes()
    result = cli("check", "--fix", "base_SimAM.yaml")
    assert (result.code, result.codes) == (0, ["YI501"])
    assert "add --fix-comments" in result.out
    assert result.summary == "Checked 1 file: 1 warning in 1 file"
    assert Path("base_SimAM.yaml").read_bytes() == before


def test_fix_of_standard_input_is_refused(cli: Cli) -> None:
    write({"x.yaml": STALE})
    assert_refused(cli("check", "--fix", "x.yaml", "-"), "--fix", "standard input")
    assert Path("x.yaml").read_text() == STALE


def test_all_formats_report_fixes(cli: Cli) -> None:
    for name in ("text", "json", "github", "sarif"):
        write({"x.yaml": STALE})
        result = cli("check", "--fix", "x.yaml", "--output-format", name)
        assert result.code == 0
        assert result.err == "Checked 1 file: nothing found, fixed 1\n"
        if name == "json":
            assert json.loads(result.out)["fixed"] == 1
        assert Path("x.yaml").read_text() == GOOD


# --- formats and streams


def test_json(cli: Cli) -> None:
    write({"bad.yaml": BAD, "x.yaml": STALE, "data.yaml": OTHER})
    result = cli("check", "bad.yaml", "x.yaml", "data.yaml", "no.yaml", "--output-format", "json")
    assert result.code == 2
    shape = json.loads(result.out)
    assert (shape["version"], shape["files"], shape["skipped"], shape["fixed"]) == (1, 2, 1, 0)
    (error,) = shape["errors"]
    assert error["file"] == "no.yaml"
    assert "no such file" in error["message"]
    first, second = shape["findings"]
    keys = ("file", "code", "name", "severity", "line", "column", "end_line", "end_column", "fixable")
    assert [first[key] for key in keys] == [
        "bad.yaml",
        "YI102",
        "reads-itself",
        "error",
        10,
        7,
        10,
        8,
        False,
    ]
    assert [second[key] for key in keys] == [
        *("x.yaml", "YI501", "stale-index-comment", "warning"),
        *(9, 26, 9, 27, True),
    ]
    assert result.summary == "Checked 2 files, skipped 1, failed on 1: 1 error and 1 warning in 2 files"


def test_sarif(cli: Cli) -> None:
    write({"m/bad.yaml": BAD, "x.yaml": STALE})
    result = cli("check", "m", "x.yaml", "--output-format", "sarif")
    assert result.code == 1
    log = json.loads(result.out)
    assert log["version"] == "2.1.0"
    (one,) = log["runs"]
    first, second = one["results"]
    assert (first["ruleId"], first["level"]) == ("YI102", "error")
    (location,) = first["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "m/bad.yaml"},
        "region": {"startLine": 10, "endLine": 10, "startColumn": 7, "endColumn": 8},
    }
    assert (second["ruleId"], second["level"]) == ("YI501", "warning")
    assert one["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "YI102"
    assert one["invocations"][0]["executionSuccessful"]
    assert result.err == "Checked 2 files: 1 error and 1 warning in 2 files\n"


def test_github(cli: Cli) -> None:
    write({"bad.yaml": BAD, "x.yaml": STALE})
    result = cli("check", "bad.yaml", "x.yaml", "no.yaml", "--output-format", "github")
    assert result.code == 2
    first, second, failed = result.out.splitlines()
    assert failed.startswith("::error file=no.yaml::")
    places = "file=bad.yaml,line=10,endLine=10,col=7,endColumn=8,title=YI102 reads-itself::layer 6 (Detect)"
    assert first.startswith(f"::error {places}")
    assert second.startswith("::warning file=x.yaml,line=9,endLine=9,col=26,endColumn=27,title=YI501 ")


@pytest.mark.parametrize(
    ("name", "empty"), [("text", True), ("github", True), ("json", False), ("sarif", False)]
)
def test_formats_when_nothing_is_found(cli: Cli, name: str, empty: bool) -> None:
    write({"good.yaml": GOOD})
    result = cli("check", "good.yaml", "--output-format", name)
    assert (result.code, result.err) == (0, "Checked 1 file: nothing found\n")
    assert (result.out == "") == empty
    if not empty:
        assert json.loads(result.out)


@pytest.mark.parametrize("name", ["text", "github"])
def test_findings_are_printed_as_they_come(cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """So that none is kept until the last file is checked."""
    one = checking.check_file

    def check_file(file: discovery.File, options: checking.Options) -> Checked:
        print(f"now {file.name}")
        return one(file, options)

    monkeypatch.setattr(checking, "check_file", check_file)
    write({"a.yaml": BAD, "b.yaml": DOUBTFUL})
    lines = cli("check", "a.yaml", "b.yaml", "--output-format", name).out.splitlines()
    order = [line for line in lines if line.startswith("now") or "YI102" in line or "YI402" in line]
    assert order[0:4:2] == ["now a.yaml", "now b.yaml"]
    assert "YI102" in order[1]
    assert "YI402" in order[3]


#: How each is written: at once, or when all is known.
KINDS = ["text", "json", "github", "sarif"] if EXHAUSTIVE else ["text", "json"]


@pytest.mark.parametrize("name", KINDS)
def test_the_summary_comes_last_where_both_streams_are_one(tmp_path: Path, name: str) -> None:
    for number in range(30):
        (tmp_path / f"{number}.yaml").write_text(BAD)
    done = process(
        tmp_path,
        *("check", ".", "nowhere.yaml", "--output-format", name),
        capture_output=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 2
    lines = done.stdout.decode().splitlines()
    assert lines[-1] == "Checked 30 files, failed on 1: 30 errors in 30 files"
    assert "yamlinject: error: nowhere.yaml: cannot read it: no such file or directory" in lines
    assert not any("Checked" in line for line in lines[:-1])


@pytest.mark.parametrize("name", KINDS)
def test_jobs_change_nothing(tmp_path: Path, name: str) -> None:
    contents = (GOOD, BAD, DOUBTFUL, STALE, OTHER, "\0", "backbone: [\nhead: [}", forgotten())
    for number in range(16):
        (tmp_path / f"{number}.yaml").write_text(contents[number % len(contents)])
    arguments = ("check", ".", "nowhere.yaml", "7.yaml", "--output-format", name, "--jobs")
    one, two, many = (process(tmp_path, *arguments, jobs) for jobs in ("1", "2", "6"))
    assert one.returncode == 2
    assert one.stdout.count(b"YI301") >= 2
    for other in (two, many):
        assert (other.returncode, other.stdout, other.stderr) == (one.returncode, one.stdout, one.stderr)


def test_jobs_with_standard_input_and_fix(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.yaml").write_text(STALE)
    done = process(tmp_path, "check", ".", "--fix", "--jobs", "2")
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr == b"Checked 20 files: nothing found, fixed 20\n"
    assert {path.read_text() for path in tmp_path.iterdir()} == {GOOD}
    done = process(tmp_path, "check", "-", "0.yaml", "--jobs", "2", input=BAD.encode())
    assert done.returncode == 1
    assert done.stdout.startswith(b"<stdin>:10:7: YI102 error: ")
    assert done.stderr == b"Checked 2 files: 1 error in 1 file\n"


@pytest.mark.parametrize("name", KINDS)
def test_a_closed_pipe(tmp_path: Path, name: str) -> None:
    for number in range(200):
        (tmp_path / f"{number}.yaml").write_text(BAD)
    command = [sys.executable, "-m", "yamlinject", "check", ".", "--output-format", name, "--jobs", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        messages = running.stderr.read().decode()
    assert running.returncode in (0, 1)
    assert not re.search("Traceback|Exception|BrokenPipe|Errno", messages), messages


def test_a_full_disk(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    with open("/dev/full", "wb") as full:
        done = process(
            tmp_path, "check", "bad.yaml", capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"no space left" in done.stderr.lower()


def in_terminal(folder: Path, arguments: list[str], streams: str, **variables: str) -> tuple[int, str]:
    """Run in a process with ``streams`` (stdout, stderr or both) in a pseudo-terminal; what that shows."""
    master, slave = pty.openpty()
    stdout, stderr = (slave if name in streams else subprocess.DEVNULL for name in ("stdout", "stderr"))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    environment = {**kept, "TERM": "xterm", "COLUMNS": "100", **variables}
    command = [sys.executable, "-m", "yamlinject", *arguments]
    running = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr
    )
    os.close(slave)
    shown = b""
    try:
        while select.select([master], [], [], 60)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:  # what Linux says when the other end was closed
                break
            if not part:
                break
            shown += part
    finally:
        os.close(master)
    return running.wait(60), shown.decode()


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_progress_in_a_terminal(tmp_path: Path, jobs: str) -> None:
    for number in range(50):
        (tmp_path / f"{number}.yaml").write_text(GOOD)
    code, shown = in_terminal(tmp_path, ["check", ".", "--jobs", jobs], "stderr", PYTHONWARNINGS="error")
    assert code == 0
    assert "checking" in shown
    assert "100% of 50" in shown
    # removed again, so that only the summary is left
    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.rpartition("\x1b[2K")[2])
    assert last.split() == "Checked 50 files: nothing found".split()


def shown_here(folder: Path, arguments: list[str], streams: str, **variables: Any) -> tuple[int, str]:
    """The same in this process."""
    done = process_here(folder, *arguments, terminal=streams, COLUMNS="100", **variables)
    return done.returncode, (done.stderr if "stderr" in streams else done.stdout).decode()


def test_no_progress_for_few_files_or_without_a_terminal(tmp_path: Path) -> None:
    here = ["check", ".", "--jobs", "1"]
    for number in range(49):
        (tmp_path / f"{number}.yaml").write_text(GOOD)
    code, shown = shown_here(tmp_path, here, "stderr")
    assert code == 0
    assert "checking" not in shown
    assert shown.split() == "Checked 49 files: nothing found".split()
    (tmp_path / "49.yaml").write_text(GOOD)
    (tmp_path / "50.yaml").write_text(GOOD)
    assert shown_here(tmp_path, here, "stdout") == (0, "")
    assert process_here(tmp_path, *here).stderr == b"Checked 51 files: nothing found\n"


def test_progress_makes_room_for_what_is_found(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.yaml").write_text(BAD if number in (20, 40) else GOOD)
    (tmp_path / "45.yaml").write_bytes(b"\0")
    arguments = ["check", *(f"{number:02}.yaml" for number in range(50))]
    code, shown = in_terminal(tmp_path, arguments, "stdout stderr", NO_COLOR="1")
    assert code == 2
    # what a terminal shows in the end: a line from its last clearing on
    lines = [line.rpartition("\x1b[2K")[2] for line in shown.replace("\r\n", "\n").split("\n")]
    for start in ("20.yaml:10:7: YI102", "40.yaml:10:7: YI102", f"{PREFIX}45.yaml", "Checked 49 files"):
        assert any(line.startswith(start) for line in lines), (start, lines)
    assert not any("checking" in line for line in lines)


def test_no_progress_on_a_dumb_terminal(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.yaml").write_text(GOOD)
    code, shown = shown_here(tmp_path, ["check", ".", "--jobs", "1"], "stderr", TERM="dumb")
    assert (code, shown.split()) == (0, "Checked 50 files: nothing found".split())


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours(tmp_path: Path, variables: dict[str, str], coloured: bool) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    code, shown = shown_here(tmp_path, ["check", "bad.yaml", "nowhere.yaml"], "stdout stderr", **variables)
    assert code == 2
    assert ("\x1b[31m" in shown) == coloured
    assert ("\x1b" in shown) == coloured
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "bad.yaml:10:7: YI102 error: layer 6 (Detect)" in plain
    assert "yamlinject: error: nowhere.yaml: " in plain


@pytest.mark.parametrize("name", ["json", "github", "sarif"])
def test_formats_for_programs_have_no_colours(tmp_path: Path, name: str) -> None:
    (tmp_path / "bad.yaml").write_text(BAD)
    code, shown = shown_here(tmp_path, ["check", "bad.yaml", "--output-format", name], "stdout")
    assert code == 1
    assert "YI102" in shown
    assert "\x1b" not in shown


def test_odd_file_names(cli: Cli) -> None:
    names = ["a b.yaml", "é.yaml", "x\ny.yaml", "\x1b[31m.yaml", "100%,:.yaml", "-x.yaml"]
    write({f"m/{name}": BAD for name in names})
    Path(os.fsdecode(b"m/\xff.yaml")).write_text(BAD)
    result = cli("check", "m")
    assert (result.code, result.codes) == (1, ["YI102"] * 7)
    assert "\x1b" not in result.out
    assert result.out.count(": YI102 error: ") == 7
    parsed = json.loads(cli("check", "m", "--output-format", "json").out)
    assert {f"m/{name}" for name in names} < {finding["file"] for finding in parsed["findings"]}
    annotations = cli("check", "m", "--output-format", "github").out.splitlines()
    assert len(annotations) == 7
    assert any("file=m/100%25%2C%3A.yaml,line=10" in line for line in annotations)
    (log,) = json.loads(cli("check", "m", "--output-format", "sarif").out)["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in log["results"]]
    uris = [place["artifactLocation"]["uri"] for place in places]
    assert {"m/a%20b.yaml", "m/%C3%A9.yaml", "m/x%0Ay.yaml", "m/100%25%2C%3A.yaml", "m/%FF.yaml"} < set(
        uris
    )


# --- generated configs: check says what add --check says


def edit(name: str, old: str, new: str) -> None:
    text = Path(name).read_text()
    assert text.count(old) == 1
    Path(name).write_text(text.replace(old, new))


def agreed(cli: Cli, command: tuple[str, ...], file: str, code: int, *codes: str) -> None:
    """``add … --check`` exits with ``code``, and ``check`` finds ``codes``."""
    assert cli(*command, "--check").code == code
    result = cli("check", file)
    assert sorted(result.codes) == sorted(codes)
    assert result.code == int(bool(codes))


def test_generated_from_a_file(cli: Cli) -> None:
    write({"base.yaml": BASE})
    assert cli(*ADD).code == 0
    assert Path("base_SimAM.yaml").read_text().partition("\n")[2] == GOOD
    agreed(cli, ADD, "base_SimAM.yaml", 0)
    Path("fresh").write_bytes(Path("base_SimAM.yaml").read_bytes())
    edit("base_SimAM.yaml", "C3, [32]", "C3, [64]")
    agreed(cli, ADD, "base_SimAM.yaml", 1, "YI603")
    os.replace("fresh", "base_SimAM.yaml")
    edit("base.yaml", "C3, [32]", "C3, [64]")
    agreed(cli, ADD, "base_SimAM.yaml", 1, "YI602")
    edit("base_SimAM.yaml", "C3, [16]", "C3, [64]")
    agreed(cli, ADD, "base_SimAM.yaml", 1, "YI602", "YI603")
    Path("base.yaml").unlink()
    agreed(cli, ADD, "base_SimAM.yaml", 2, "YI601", "YI603")


def test_the_difference_and_the_hint_fix_a_generated_file(cli: Cli) -> None:
    write({"base.yaml": BASE})
    cli(*ADD)
    edit("base_SimAM.yaml", "[[5], 1, Detect", "[[4], 1, Detect")
    result = cli("check", "base_SimAM.yaml", "--select", "YI603")
    assert "-  - [[4], 1, Detect, [nc]]  # 6\n" in result.out
    assert "+  - [[5], 1, Detect, [nc]]  # 6\n" in result.out
    (command,) = re.findall(r"= hint: undo the edit, or lose it: yamlinject (.*)", result.out)
    assert command == "add SimAM base.yaml --after SPPF -o base_SimAM.yaml --force"
    assert cli(*command.split()).code == 0
    assert cli("check", "base_SimAM.yaml").code == 0


def test_generated_with_a_base_that_is_gone(cli: Cli) -> None:
    write({"base.yaml": BASE})
    cli(*ADD)
    Path("base.yaml").unlink()
    agreed(cli, ADD, "base_SimAM.yaml", 2, "YI601")


def test_generated_in_place(cli: Cli) -> None:
    write({"base.yaml": BASE})
    command = (*ADD, "--in-place")
    assert cli(*command).code == 0
    agreed(cli, command, "base.yaml", 0)
    edit("base.yaml", "C3, [32]", "C3, [64]")
    agreed(cli, command, "base.yaml", 2, "YI603")


@pytest.mark.parametrize("in_place", [True, False])
def test_generated_by_two_commands(cli: Cli, in_place: bool) -> None:
    write({"base.yaml": BASE})
    first = (*ADD, "--in-place") if in_place else (*ADD, "-o", "one.yaml")
    one = "base.yaml" if in_place else "one.yaml"
    output = ("--in-place",) if in_place else ("-o", "two.yaml")
    second = ("add", "CBAM", one, "--after", "all/C3@-1", *output)
    two = "base.yaml" if in_place else "two.yaml"
    assert cli(*first).code == 0
    assert cli(*second).code == 0
    agreed(cli, second, two, 0)
    assert cli("check", ".").code == 0
    fresh = Path(two).read_text()
    edit(two, "C3, [16]", "C3, [24]")
    agreed(cli, second, two, 2 if in_place else 1, "YI603")
    Path(two).write_text(fresh)
    if not in_place:
        edit("base.yaml", "nc: 2", "nc: 3")  # then the first file is not up to date, and the second is
        agreed(cli, first, one, 1, "YI602")
        agreed(cli, second, two, 0)


@pytest.mark.parametrize("base", ["yolov5s", "base.yaml", "-", "in place"])
def test_values_outside_the_rows_are_the_users(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    """The first thing that everybody does with a config is to set its nc."""
    yolov5s = template("bases", "yolov5s.yaml").read_text()
    write({"base.yaml": yolov5s})
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(yolov5s.encode())))
    source, output = ("base.yaml", ["--in-place"]) if base == "in place" else (base, ["-o", "new.yaml"])
    new = "base.yaml" if base == "in place" else "new.yaml"
    assert cli("add", "SimAM", source, "--after", "SPPF", *output).code == 0
    edit(new, "nc: 80", "nc: 3")
    edit(new, "depth_multiple: 0.33", "depth_multiple: 1.0  # deeper")
    assert cli("check", new) == (0, "", "Checked 1 file: nothing found\n")
    if base == "in place":
        again = cli("add", "SimAM", source, "--after", "SPPF", *output)
        assert (again.code, again.err) == (0, "unchanged base.yaml\n")
    result = cli("remove", "SimAM", new, "-o", "back.yaml")
    assert "note      other values were edited after it was generated" in result.err
    back = yolov5s.replace("nc: 80", "nc: 3").replace("multiple: 0.33", "multiple: 1.0  # deeper")
    assert Path("back.yaml").read_text() == back


def test_generated_from_a_name(cli: Cli) -> None:
    command = ("add", "SimAM", "--after", "C3")
    assert cli(*command).code == 0
    agreed(cli, command, "yolov5s_SimAM.yaml", 0)
    edit("yolov5s_SimAM.yaml", "SPPF, [1024, 5]", "SPPF, [1024, 7]")
    agreed(cli, command, "yolov5s_SimAM.yaml", 1, "YI603")


def test_generated_from_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*more: str) -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BASE.encode())))
        return cli("add", "SimAM", "-", "--after", "SPPF", "-o", *more)

    assert made("out.yaml").code == made("out.yaml", "--check").code == 0
    assert cli("check", "out.yaml") == (0, "", "Checked 1 file: nothing found\n")
    edit("out.yaml", "C3, [16]", "C3, [24]")
    assert made("out.yaml", "--check").code == 1
    result = cli("check", "out.yaml")
    assert (result.code, result.codes) == (1, ["YI603"])


def test_a_generated_config_through_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"base.yaml": BASE})
    cli(*ADD)
    data = Path("base_SimAM.yaml").read_bytes()
    for content, codes in ((data, []), (data.replace(b"C3, [16]", b"C3, [24]"), ["YI603"])):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert cli("check", "-").codes == codes


def test_the_base_beside_the_config_is_found_from_elsewhere(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"m/base.yaml": BASE})
    monkeypatch.chdir("m")
    cli(*ADD)
    monkeypatch.chdir("..")
    assert cli("check", "m").code == 0
    edit("m/base.yaml", "nc: 2", "nc: 3")
    assert cli("check", "m/base_SimAM.yaml").codes == ["YI602"]


@pytest.mark.framework
@pytest.mark.parametrize("installed", [True, False])
def test_generated_from_a_framework_s_base(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, installed: bool
) -> None:
    """If the framework is not installed, removing the layers again must give what was recorded."""
    command = ("add", "SimAM", "yolo11n", "--after", "C2PSA")
    assert cli(*command).code == 0
    assert cli(*command, "--check").code == 0
    if not installed:
        monkeypatch.setattr(bases, "_shipped", lambda framework: {})
        assert cli(*command, "--check").code == 2
    assert cli("check", "yolo11n_SimAM.yaml") == (0, "", "Checked 1 file: nothing found\n")
    edit("yolo11n_SimAM.yaml", "SPPF, [1024, 5]", "SPPF, [1024, 7]")
    result = cli("check", "yolo11n_SimAM.yaml")
    assert (result.code, result.codes) == (1, ["YI603"])


def test_a_provenance_line_that_was_damaged(cli: Cli) -> None:
    write({"base.yaml": BASE})
    cli(*ADD)
    edit("base_SimAM.yaml", "(at 3;", "(at three;")
    result = cli("check", "base_SimAM.yaml")
    assert (result.code, result.heads) == (1, ["base_SimAM.yaml:1:1: YI603 error"])
    assert "cannot be read" in result.out


# --- the command rule


def test_rules_are_listed(cli: Cli) -> None:
    result = cli("rule")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].split()[:3] == ["YI001", "error", "invalid-yaml"]
    stale = next(line for line in lines if line.startswith("YI501"))
    assert " ".join(stale.split()) == (
        "YI501 warning stale-index-comment a comment gives a layer another index than its own"
    )
    assert [line[:5] for line in lines] == sorted(line[:5] for line in lines)
    assert len(lines) == len({line.split()[2] for line in lines}) >= 29


@pytest.mark.parametrize("code", ["YI999", "", "../YI301", "YI3", "all"])
def test_no_such_rule(cli: Cli, code: str) -> None:
    assert_refused(cli("rule", code), repr(code), "yamlinject rule")


YOLOV5_STYLE = """\
backbone:
  # [from, number, module, args]
  [[-1, 1, Conv, [16, 3, 2]],  # 0
   [-1, 1, C3, [16]],
   [-1, 1, Conv, [32, 3, 2]],
   [-1, 1, SPPF, [32, 5]],  # [3]
  ]

head:
  [[[1, 3], 1, Concat, [1]],
   [[1, 4], 1, Detect, [nc, 'a [b']],
  ]
"""


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Conv, [16, 3, 2]],", "Conv, [16, 3, 2],", 3),
        ("[32, 3, 2]],", "[32, 3, 2],", 5),
        ("[32, 5]],", "[32, 5,", 6),
        ("Concat, [1]],", "Concat, [1],", 10),
        ("'a [b']],", "'a [b'],", 11),
        ("  [[-1, 1, Conv, [16, 3, 2]],", "  [\n   [-1, 1, Conv, [16, 3, 2],", 4),
        ("[16, 3, 2]],  # 0", "[16, 3, 2]]  # 0", None),
    ],
)
def test_the_line_of_a_bracket_that_is_not_closed(cli: Cli, old: str, new: str, line: int | None) -> None:
    """YAML notices it at the end of the list; another comma that is missing has no such line."""
    assert YOLOV5_STYLE.count(old) == 1
    write({"x.yaml": YOLOV5_STYLE.replace(old, new)})
    result = cli("check", "x.yaml")
    assert result.code == 1
    hint = "close the bracket of this row or of the one above, or put a comma between them"
    if line:
        hint = f"close the bracket that is open at the end of line {line}"
    assert f"      = hint: {hint}\n" in result.out
