"""Bad input: each exits 2 with one line that says what and where, and writes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import EXHAUSTIVE
from tests.support import PREFIX, TWO_INPUTS, process, process_here

BASE = TWO_INPUTS
ADD = ("add", "SimAM", "in.yaml", "--after", "SPPF")


class Done(NamedTuple):
    code: int
    out: bytes
    err: str


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> Done:
    done = process_here(folder, *arguments, stdin=stdin)
    return Done(done.returncode, done.stdout, done.stderr.decode())


def refused(folder: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run the program, require a well-formed error, and return its message."""
    before = {path: path.is_file() and path.stat().st_size for path in folder.rglob("*")}
    done = run(folder, *arguments, stdin=stdin)
    assert done.code == 2, done.err[-2000:]
    assert done.out == b""
    assert done.err.startswith(PREFIX)
    assert done.err.endswith("\n")
    assert done.err.count("\n") == 1, done.err
    assert {path: path.is_file() and path.stat().st_size for path in folder.rglob("*")} == before
    return done.err.removeprefix(PREFIX).rstrip("\n")


def changed(old: str, new: str) -> bytes:
    assert old in BASE
    return BASE.replace(old, new, 1).encode()


C3 = "[-1, 1, C3, [16]]"
CONCAT = "[[-1, 1], 1, Concat"
LAUGHS = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15))
MERGES = "".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 15))

# id, content of in.yaml, where (after the file name), a fragment of the message
CONTENTS: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "", "not a model config"),
    ("only-comments", b"# nothing\n", "", "not a model config"),
    ("binary", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "", "binary"),
    ("50-megabytes", b"#" * (50 * 2**20), "", "larger than"),
    ("utf-16", BASE.encode("utf-16"), "", "UTF-16"),
    ("not-yaml", b"backbone: [1, 2\nhead: }\n", ":2:5", "not valid YAML"),
    ("tab-as-indentation", b"backbone:\n\t- [1]\n", ":2:1", "not valid YAML"),
    ("two-documents", BASE.encode() + b"---\na: 1\n", ":10:1", "another document"),
    ("string", b"hello\n", "", "not a model config"),
    ("list", b"- 1\n- 2\n", "", "not a model config"),
    ("set", b"!!set {backbone: [], head: []}\n", "", "not a model config"),
    ("no-backbone", b"head: [[-1, 1, Conv, [3]]]\n", "", "no 'backbone'"),
    ("no-head", b"backbone: [[-1, 1, Conv, [3]]]\n", "", "no 'head'"),
    ("backbone-null", b"backbone:\nhead: []\n", ":1", "'backbone' has to be a list"),
    ("row-of-3", changed(C3, "[-1, C3, [16]]"), ":4:5", "4 items"),
    ("row-mapping", changed(C3, "{from: -1}"), ":4:5", "a row is a list"),
    ("row-string", changed(C3, "C3"), ":4:5", "a row is a list"),
    ("args-no-list", changed(C3, "[-1, 1, C3, 16]"), ":4:17", "'args' has to be a list"),
    ("number-no-integer", changed(C3, "[-1, x, C3, [16]]"), ":4:10", "'number'"),
    ("module-no-name", changed(C3, "[-1, 1, 7, [16]]"), ":4:13", "'module'"),
    ("from-string", changed(C3, "[x, 1, C3, [16]]"), ":4:6", "'from'"),
    ("from-float", changed(CONCAT, "[[-1, 1.0], 1, Concat"), ":7:6", "'from'"),
    ("from-yes", changed(CONCAT, "[[-1, yes], 1, Concat"), ":7:6", "'from'"),
    ("from-nested", changed(CONCAT, "[[-1, [1]], 1, Concat"), ":7:6", "'from'"),
    ("from-out-of-range", changed(CONCAT, "[[-1, 99], 1, Concat"), ":7:11", "99"),
    ("from-future", changed(CONCAT, "[[-1, 4], 1, Concat"), ":7:11", "'from'"),
    ("from-itself", changed(CONCAT, "[[-1, 3], 1, Concat"), ":7:11", "itself"),
    ("from-before-the-first", changed(CONCAT, "[[-1, -9], 1, Concat"), ":7:11", "-9"),
    ("duplicate-key", BASE.encode() + b"nc: 3\n", ":10:1", "'nc'"),
    ("duplicate-section", BASE.encode() + b"head: []\n", ":10:1", "'head'"),
    (
        "alias-row",
        changed(C3, f"&row {C3}").replace(b"[-1, 1, C3, [32]]", b"*row"),
        ":4:5",
        "alias",
    ),
    ("20000-brackets", b"[" * 20_000, "", "nested too deeply"),
    ("deep-mapping", b"".join(b" " * i + b"a:\n" for i in range(1500)), "", "nested too deeply"),
    ("billion-laughs", f"a0: &a0 [x, x]\n{LAUGHS}{BASE}".encode(), "", "aliases"),
    ("billion-merges", f"a0: &a0 {{x: 1}}\n{MERGES}{BASE}".encode(), "", ""),
    ("alias-in-itself", b"a: &a [*a]\n" + BASE.encode(), "", "aliases"),
    (
        "integer-of-5000-digits",
        b"big: " + b"9" * 5000 + b"\n" + BASE.encode(),
        ":1:6",
        "thousands of digits",
    ),
    (
        "reference-of-5000-digits",
        changed(CONCAT, f"[[-1, {'9' * 5000}], 1, Concat"),
        ":7:11",
        "thousands of digits",
    ),
    ("float-in-base-60", f"x: 1{':1' * 300}.5\n{BASE}".encode(), ":1:4", "thousands of digits"),
    ("tagged-number", f'x: [1, !!int "0x{"f" * 4000}"]\n{BASE}'.encode(), ":1:8", "thousands of digits"),
    ("escape-beyond-unicode", b'x: "\\UFFFFFFFF"\n' + BASE.encode(), "", "PyYAML cannot read"),
    ("nul-byte", BASE.encode() + b"# \0\n", "", "binary"),
    ("control-character", b"# \x01\n" + BASE.encode(), ":1:3", r"'\x01'"),
    ("escape-code", b"# \x1b[31m\n" + BASE.encode(), ":1:3", r"'\x1b'"),
    ("impossible-date", b"day: 2020-13-45\n" + BASE.encode(), "", "month"),
    ("no-boolean", b"x: !!bool maybe\n" + BASE.encode(), "", "PyYAML"),
    ("no-timestamp", b"x: !!timestamp soon\n" + BASE.encode(), "", "PyYAML"),
    ("python-object", b"x: !!python/name:os.system\n" + BASE.encode(), ":1:4", "python/name"),
]


@pytest.mark.parametrize(
    ("content", "where", "fragment"), [pytest.param(*case, id=name) for name, *case in CONTENTS]
)
def test_content(tmp_path: Path, content: bytes, where: str, fragment: str) -> None:
    (tmp_path / "in.yaml").write_bytes(content)
    message = refused(tmp_path, *ADD)
    assert message.startswith(f"in.yaml{where}:")
    assert fragment in message


def test_show_where_rows_multiply_channels_and_strides(tmp_path: Path) -> None:
    rows = "  - [-1, 1, ReOrg, []]\n" * 600 + "  - [-1, 1, nn.PixelShuffle, [2]]\n"
    (tmp_path / "in.yaml").write_text(f"backbone:\n{rows}head:\n  - [-1, 1, Detect, [nc]]\n")
    done = run(tmp_path, "show", "in.yaml")
    assert (done.code, done.err) == (0, "")
    assert b"nn.PixelShuffle" in done.out


# id, arguments, fragments of the message
ARGUMENTS: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
    ("missing-file", ("show", "nowhere.yaml"), ("nowhere.yaml: ", "no such file")),
    ("directory", ("show", "./"), ("is a directory",)),
    ("fifo", ("show", "./fifo"), ("fifo: ", "not a regular file")),
    ("path-too-long", ("show", "a" * 300 + ".yaml"), ("too long",)),
    ("name-too-long", ("show", "a" * 300), ("a" * 300,)),
    ("name-empty", ("show", ""), ("",)),
    ("name-unknown", ("add", "SimAM", "yolov5y", "--after", "SPPF"), ("'yolov5y'", "did you mean yolov5")),
    ("name-as-path", ("show", "x/yolov5s.yaml"), ("x/yolov5s.yaml: ", "no such file")),
    (
        "no-match",
        ("add", "SimAM", "in.yaml", "--after", "SPFF"),
        ("in.yaml: ", "mean SPPF?", "Conv, C3, SPPF"),
    ),
    ("no-match-here", ("add", "SimAM", "in.yaml", "--after", "Concat"), ("backbone", "head/Concat")),
    ("no-match-at", ("add", "SimAM", "in.yaml", "--after", "C3@1"), ("'C3@1'", "only 1")),
    ("no-match-slice", ("add", "SimAM", "in.yaml", "--after", "C3@1:"), ("'C3@1:'", "none")),
    ("selector-at-nothing", ("add", "SimAM", "in.yaml", "--after", "C3@"), ("'C3@'", "INDEX")),
    ("selector-empty", ("add", "SimAM", "in.yaml", "--after", ""), ("''",)),
    ("selector-comma", ("add", "SimAM", "in.yaml", "--after", "SPPF,"), ("''",)),
    ("selector-scope", ("add", "SimAM", "in.yaml", "--after", "neck/C3"), ("'neck/C3'",)),
    ("selector-negative", ("add", "SimAM", "in.yaml", "--after", "-1"), ("'-1'",)),
    ("selector-emoji", ("add", "SimAM", "in.yaml", "--after", "😀"), ("😀",)),
    ("selector-escape", ("add", "SimAM", "in.yaml", "--after", "\x1b[31m"), (r"\x1b",)),
    ("selector-huge", ("add", "SimAM", "in.yaml", "--after", "9" * 5000), ("",)),
    ("selector-long", ("add", "SimAM", "in.yaml", "--after", "x" * 5000), ("no module",)),
    ("index-out-of-range", ("add", "SimAM", "in.yaml", "--after", "6"), ("no layer 6", "last one is 5")),
    (
        "after-the-last",
        ("add", "SimAM", "in.yaml", "--after", "5"),
        ("in.yaml:9:5: ", "layer 5 (Detect)", "last"),
    ),
    (
        "after-detect",
        ("add", "SimAM", "in.yaml", "--after", "all/Detect"),
        ("layer 5 (Detect)", "last layer"),
    ),
    ("output-folder-missing", (*ADD, "-o", "no/out.yaml"), ("no/out.yaml: ", "no such file")),
    ("output-below-a-file", (*ADD, "-o", "in.yaml/out.yaml"), ("in.yaml/out.yaml: ", "not a directory")),
    ("output-name-too-long", (*ADD, "-o", "a" * 300), ("too long",)),
    ("output-folder-read-only", (*ADD, "-o", "/sys/out.yaml"), ("/sys/out.yaml: ", "cannot write")),
    ("output-is-a-folder", (*ADD, "-o", "."), ("is a directory",)),
    ("output-is-a-folder-forced", (*ADD, "-o", ".", "--force"), ("is a directory",)),
    ("output-is-a-device", (*ADD, "-o", "/dev/full"), ("/dev/full: ", "not a regular file")),
    ("output-exists", (*ADD, "-o", "other.yaml"), ("other.yaml: ", "--force")),
    ("output-is-the-input", (*ADD, "-o", "in.yaml"), ("in.yaml: ", "--force")),
    ("output-empty", (*ADD, "-o", ""), ("",)),
    ("args-no-yaml", (*ADD, "--args", "[1"), ("--args", "not valid YAML")),
    ("args-no-list", (*ADD, "--args", "16"), ("--args", "list", "'16'")),
    ("args-1e-4", (*ADD, "--args", "[1e-4]"), ("--args", "1e-4", "write 0.0001")),
    ("args-object", (*ADD, "--args", "[!!python/name:os.system]"), ("--args", "not valid YAML")),
    ("args-in-itself", (*ADD, "--args", "&a [*a]"), ("--args",)),
    ("args-deep", (*ADD, "--args", "[" * 2000), ("--args", "nested too deeply")),
    (
        "module-number",
        ("add", "7", "in.yaml", "--after", "SPPF", "--args", "[]"),
        ("'7'", "name of a module"),
    ),
    ("module-spaces", ("add", "Sim AM", "in.yaml", "--after", "SPPF", "--args", "[]"), ("'Sim AM'",)),
    ("module-yes", ("add", "yes", "in.yaml", "--after", "SPPF", "--args", "[]"), ("'yes'",)),
    ("module-path", ("add", "../x", "in.yaml", "--after", "SPPF", "--args", "[]"), ("'../x'",)),
    ("module-too-long", ("add", "X" * 300, "in.yaml", "--after", "SPPF", "--args", "[]"), ("",)),
    ("module-typo", ("add", "simamm", "in.yaml", "--after", "SPPF"), ("simamm", "mean SimAM?", "--args")),
    (
        "before",
        ("add", "SimAM", "in.yaml", "--before", "SPPF"),
        ("no --before", "give --after the layer above"),
    ),
    ("number-0", (*ADD, "--number", "0"), ("number", "0")),
    ("number-word", (*ADD, "--number", "x"), ("--number", "'x'")),
    ("scope-unknown", (*ADD, "--scope", "neck"), ("--scope", "'neck'", "backbone")),
    ("option-unknown", (*ADD, "--bogus"), ("--bogus", "yamlinject add --help")),
    ("command-unknown", ("ad",), ("'ad'", "yamlinject --help")),
    ("after-missing", ("add", "SimAM", "in.yaml"), ("--after", "yamlinject add --help")),
    ("after-without-value", ("add", "SimAM", "in.yaml", "--after"), ("--after",)),
    ("one-too-many", ("add", "SimAM", "in.yaml", "extra", "--after", "SPPF"), ("extra",)),
    ("module-missing", ("add",), ("MODULE",)),
    ("output-and-in-place", (*ADD, "--in-place", "-o", "x.yaml"), ("--output", "--in-place")),
    (
        "in-place-of-a-name",
        ("add", "SimAM", "yolov5s", "--after", "SPPF", "--in-place"),
        ("yolov5s", "in-place"),
    ),
    ("remove-nothing", ("remove", "SimAM", "in.yaml", "-o", "x.yaml"), ("in.yaml: ", "no SimAM")),
    ("remove-the-first", ("remove", "Conv", "in.yaml", "-o", "x.yaml"), ("in.yaml:3:5: layer 0 (Conv)",)),
    ("remove-to-nowhere", ("remove", "SPPF", "in.yaml"), ("-o", "--in-place")),
]


@pytest.mark.parametrize(
    ("arguments", "fragments"), [pytest.param(*case, id=name) for name, *case in ARGUMENTS]
)
def test_arguments(tmp_path: Path, arguments: tuple[str, ...], fragments: tuple[str, ...]) -> None:
    (tmp_path / "in.yaml").write_text(BASE)
    (tmp_path / "other.yaml").write_text("mine\n")
    os.mkfifo(tmp_path / "fifo")
    message = refused(tmp_path, *arguments)
    for fragment in fragments:
        assert fragment in message


@pytest.mark.parametrize(
    ("stdin", "fragment"),
    [
        pytest.param(b"", "not a model config", id="empty"),
        pytest.param(b"#" * (50 * 2**20), "larger than", id="50-megabytes"),
        pytest.param(b"\0", "binary", id="binary"),
    ],
)
def test_standard_input(tmp_path: Path, stdin: bytes, fragment: str) -> None:
    message = refused(tmp_path, "add", "SimAM", "-", "--after", "SPPF", stdin=stdin)
    assert message.startswith("<stdin>: ")
    assert fragment in message


#: One in two commands; all of them with ``YAMLINJECT_EXHAUSTIVE=1``.
@pytest.mark.parametrize(
    "arguments",
    [
        ADD,
        (*ADD, "--after", "Nothing"),
        ("add", "SimAM", "-", "--after", "SPPF", "-o", "-"),
        ("add", "--bogus"),
        ("remove", "SPPF", "in.yaml", "-o", "-"),
        ("remove", "Conv", "in.yaml", "-o", "-"),
        ("show", "in.yaml"),
        ("show", "nowhere.yaml"),
        ("check", "in.yaml", "-"),
        ("check", "in.yaml", "nowhere\udcff\u202e.yaml"),
        ("rule", "YI999"),
        ("run", "nowhere.py"),
        ("register", "SimAM", "nowhere"),
        ("bogus",),
    ][:: 1 if EXHAUSTIVE else 2],
    ids=" ".join,
)
@pytest.mark.usefixtures("as_installed")
def test_a_process_of_its_own_ends_alike(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """So the other tests may run the program in theirs."""
    content = BASE.replace("SPPF, [16", "SPPF, ['\u202e', 16").encode() + b"# \x9b\n"
    results = []
    for name in ("here", "apart"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "in.yaml").write_bytes(content)
        if name == "here":
            done = process_here(folder, *arguments, stdin=content)
        else:
            done = process(folder, *arguments, input=content)
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        results.append((done.returncode, done.stdout, done.stderr, files))
    assert results[0] == results[1]


def test_in_place_of_standard_input(tmp_path: Path) -> None:
    message = refused(tmp_path, "add", "SimAM", "-", "--after", "SPPF", "--in-place", stdin=BASE.encode())
    assert "--in-place" in message


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("# \U0001f600 注意力\n".encode(), id="emoji"),
        pytest.param("# 注意力\n".encode("gbk"), id="gbk"),
        pytest.param(b"# \xff\xc3\x28\n", id="invalid-utf-8"),
        pytest.param(b"# \xed\xa0\x80\n", id="encoded-surrogate"),
        pytest.param(b"big: " + b"9" * 4000 + b"\n", id="integer-of-4000-digits"),
        pytest.param(b"deep: " + b"[" * 100 + b"]" * 100 + b"\n", id="100-brackets"),
    ],
)
def test_odd_but_right(tmp_path: Path, line: bytes) -> None:
    (tmp_path / "in.yaml").write_bytes(line + BASE.encode())
    done = run(tmp_path, *ADD, "--no-provenance")
    assert done.code == 0, done.err
    row = b"  - [-1, 1, SPPF, [16, 5]]  # 2\n"
    expected = (
        BASE.encode().replace(row, row + b"  - [-1, 1, SimAM, [16]]  # 3\n").replace(b"[1, 4]", b"[1, 5]")
    )
    for old in (5, 4, 3):
        expected = expected.replace(b"]]  # %d\n" % old, b"]]  # %d\n" % (old + 1))
    expected = expected.replace(b"SimAM, [16]]  # 4", b"SimAM, [16]]  # 3")
    assert (tmp_path / "in_SimAM.yaml").read_bytes() == line + expected


@pytest.mark.parametrize("arguments", [(*ADD, "-o", "-"), ("show", "in.yaml")], ids=["add", "show"])
def test_standard_output_is_full(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "in.yaml").write_text(BASE)
    command = [sys.executable, "-m", "yamlinject", *arguments]
    with open("/dev/full", "wb") as full:
        done = subprocess.run(command, cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr.decode()
    assert "no space left" in done.stderr.decode().lower()
