"""``check`` of malicious files: bounded time and memory, no traceback, and a message about each."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import EXHAUSTIVE
from tests.support import BASE, GOOD, process_here
from yamlinject.checks.discovery import File, find
from yamlinject.checks.files import Options, check_file
from yamlinject.checks.findings import Checked

C3 = "[-1, 1, C3, [16]]"
CONCAT = "[[-1, 1], 1, Concat"
HEAD = "head:\n  - [-1, 1, Detect, [2]]\n"
CONV = "  - [-1, 1, Conv, [64, 3, 1]]\n"
SIMAM = "  - [-1, 1, SimAM, [64]]\n"
ALIAS = "  - *a\n"
BASE_OF_2 = f"backbone:\n{CONV}  - [-1, 1, Conv, [64, 3, 2]]\n"
CONCAT_2 = "  - [[0, 1], 1, Concat, [1]]\n"
CONCAT_ALL = f"  - [[{'0,1,' * 20_000}0], 1, Concat, [1]]\n"

#: Seconds of the processor, and bytes of memory, that one run may take.
SECONDS = 20
MEMORY = 2 * 2**30
MEBIBYTE = 2**20
LIMITED = (
    "import resource, runpy;"
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}));"
    f"resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}));"
    "runpy.run_module('yamlinject', run_name='__main__', alter_sys=True)"
)


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def codes(self) -> set[str]:
        return set(re.findall(r"^\S.*?: (YI\d{3}) ", self.out, re.M))


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> Done:
    """Run with little time and memory; require that it ends by itself with a proper message."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=100,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err[-1000:]
    assert done.returncode in (0, 1, 2), f"exit code {done.returncode}: {err[-1000:]}"
    return Done(done.returncode, out, err)


def run_here(folder: Path, *arguments: str) -> Done:
    done = process_here(folder, *arguments)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_limited(folder: Path, *arguments: str) -> Done:
    """What :func:`run` does, in this process: so much more memory, and so many seconds from now on."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    handler = signal.signal(signal.SIGPROF, lambda *_: pytest.fail(f"more than {SECONDS} seconds"))
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        done = run_here(folder, *arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_AS, before)
        signal.signal(signal.SIGPROF, handler)
    assert "Traceback" not in done.err, done.err[-1000:]
    return done


def changed(old: str, new: str) -> bytes:
    assert BASE.count(old) == 1
    return BASE.replace(old, new).encode()


def checked(folder: Path, content: bytes) -> Checked:
    (folder / "x.yaml").write_bytes(content)
    return check_file(File(str(folder / "x.yaml")), Options())


def sexagesimal(groups: int) -> str:
    """An integer of YAML 1.1 in base 60, each group of which is worth nearly two digits."""
    return "9" + ":59" * groups


def doubled(row: str, times: int, then: str = "C3, [16]") -> bytes:
    """So many equal rows, and something that has to do with what they make of the image."""
    rows = f"  - {row}\n" * times
    return f"backbone:\n{CONV}{rows}  - [-1, 1, {then}]\n  - [-1, 1, SimAM, [16]]\n{HEAD}".encode()


#: Numbers that Python cannot print, or not even compute.
ENDLESS = [
    ("decimal", "9" * 5000),
    ("negative", "-" + "9" * 5000),
    ("decimal-with-underscores", "1" + "_000" * 2000),
    ("hexadecimal", "0x" + "f" * 4000),
    ("octal", "0" + "7" * 5000),
    ("binary", "0b" + "1" * 20_000),
    ("sexagesimal", "9" + ":59" * 5000),
    ("longest-sexagesimal", "9" + ":59" * 300_000),
    ("tagged", f'!!int "{"9" * 5000}"'),
    ("escaped", f'!!int "{chr(92)}x31{"1" * 5000}"'),
    ("other-digits", f'!!int "{chr(0x661) * 5000}"'),
    ("in-a-mapping", f'!!int {{=: "9{":59" * 5000}"}}'),
    ("sexagesimal-float", f"1{':1' * 300}.5"),
    ("tagged-float", f'!!float "{"1:" * 300}1"'),
    ("float", f"{'1' * 5000}.5"),
]

LAUGHS = "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15))
MERGES = "".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 10)}]}}\n" for i in range(1, 15))

# id, content, the codes of what is found (None: any), a fragment of the first message
CONTENTS: list[tuple[str, bytes, set[str] | None, str]] = [
    ("right", BASE.encode(), set(), ""),
    ("deep-brackets", BASE.encode() + b"x: " + b"[" * 100_000, {"YI001"}, "nested too deeply"),
    ("deep-dashes", BASE.encode() + b"x:\n" + b"- " * 100_000, {"YI001"}, "nested too deeply"),
    ("deep-braces", BASE.encode() + b"x: " + b"{a: " * 50_000, {"YI001"}, "nested too deeply"),
    (
        "deep-mapping",
        BASE.encode() + b"".join(b" " * i + b"a:\n" for i in range(1000)),
        {"YI001"},
        "nested too deeply",
    ),
    ("deep-args", changed("C3, [16]", f"C3, {'[' * 200}16{']' * 200}"), None, ""),
    ("billion-laughs", f"a0: &a0 [x, x]\n{LAUGHS}{BASE}".encode(), {"YI001"}, "aliases"),
    ("billion-merges", f"a0: &a0 {{x: 1}}\n{MERGES}{BASE}".encode(), {"YI001"}, ""),
    ("alias-in-itself", b"a: &a [*a]\n" + BASE.encode(), {"YI001"}, "aliases"),
    ("row-in-itself", changed(C3, "&a [-1, 1, C3, *a]"), {"YI001"}, "aliases"),
    ("section-in-itself", b"backbone: &a\n  - *a\n" + HEAD.encode(), None, ""),
    ("alias-unknown", changed(C3, "*row"), {"YI001"}, "row"),
    ("control-character", changed("nc: 2", "nc: 2 # \x01"), {"YI001"}, r"'\x01'"),
    ("invalid-utf-8", changed("nc: 2", "nc: 2 # ").replace(b"# \n", b"# \xff\xfe\xc3(\n"), set(), ""),
    ("encoded-surrogate", b"# \xed\xa0\x80\n" + BASE.encode(), set(), ""),
    ("bom-in-the-middle", changed("head:", "\ufeffhead:"), None, ""),
    # references
    ("reference-10**30", changed(CONCAT, f"[[-1, {10**30}], 1, Concat"), {"YI103"}, "not an earlier layer"),
    ("reference-10**4000", changed(CONCAT, f"[[-1, {10**4000}], 1, Concat"), {"YI103"}, ""),
    ("reference-10**5000", changed(CONCAT, f"[[-1, {'1' * 5000}], 1, Concat"), {"YI001"}, "digits"),
    ("reference--10**30", changed(CONCAT, f"[[-1, {-(10**30)}], 1, Concat"), {"YI101"}, "beyond layer 0"),
    ("reference--10**4000", changed(CONCAT, f"[[-1, {-(10**4000)}], 1, Concat"), {"YI101"}, ""),
    ("reference-in-base-60", changed(CONCAT, f"[[-1, {sexagesimal(50)}], 1, Concat"), {"YI103"}, ""),
    ("reference-huge-in-base-60", changed(CONCAT, f"[[-1, {sexagesimal(5000)}], 1, Concat"), None, ""),
    ("reference-huge-hexadecimal", changed(CONCAT, f"[[-1, 0x{'f' * 3490}], 1, Concat"), {"YI103"}, ""),
    ("reference-float", changed(CONCAT, "[[-1, 1.0], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-yes", changed(CONCAT, "[[-1, yes], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-null", changed(CONCAT, "[[-1, ~], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-string", changed(CONCAT, "[[-1, '1'], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-inf", changed(CONCAT, "[[-1, .inf], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-nan", changed(CONCAT, "[.nan, 1, Concat"), {"YI004"}, "'from'"),
    ("reference-date", changed(CONCAT, "[[-1, 2001-01-01], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-binary", changed(CONCAT, "[[-1, !!binary AQ==], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-nested", changed(CONCAT, "[[-1, [1]], 1, Concat"), {"YI004"}, "'from'"),
    ("reference-mapping", changed(CONCAT, "[{-1: 1}, 1, Concat"), {"YI004"}, "'from'"),
    ("no-references", changed(CONCAT, "[[], 1, Concat"), None, ""),
    # numbers elsewhere
    ("number-huge", changed(C3, f"[-1, {10**4000}, C3, [16]]"), set(), ""),
    ("number-huge-in-base-60", changed(C3, f"[-1, {sexagesimal(5000)}, SimAM, [16]]"), None, ""),
    ("args-huge-in-base-60", changed(C3, f"[-1, 1, SimAM, [{sexagesimal(5000)}]]"), None, ""),
    *((f"value-{name}", f"{BASE}x: {number}\n".encode(), {"YI001"}, "digits") for name, number in ENDLESS),
    *(
        (f"number-{name}", changed(C3, f"[-1, {number}, C3, [16]]"), {"YI001"}, "digits")
        for name, number in ENDLESS
    ),
    *(
        (f"reference-{name}", changed(CONCAT, f"[[-1, {number}], 1, Concat"), {"YI001"}, "digits")
        for name, number in ENDLESS
    ),
    (
        "many-numbers-nearly-as-large",
        f"{BASE}x: [{', '.join(['0x' + 'f' * 3490] * 250)}]\n".encode(),
        set(),
        "",
    ),
    ("float-in-base-60", f"{BASE}x: 1{':1' * 100}.5\n".encode(), set(), ""),
    ("escape-beyond-unicode", f'{BASE}x: "\\U00110000"\n'.encode(), {"YI001"}, ""),
    ("escape-far-beyond-unicode", f'{BASE}x: "\\UFFFFFFFF"\n'.encode(), {"YI001"}, ""),
    ("channels-without-end", doubled("[[-1, -1], 1, Concat, [1]]", 15_000), set(), ""),
    ("channels-there-and-back", doubled("[-1, 1, ReOrg, []]", 600, "nn.PixelShuffle, [2]"), None, ""),
    (
        "strides-there-and-back",
        doubled("[-1, 1, Conv, [16, 3, 2]]", 1100, "nn.Upsample, [None, 2]"),
        None,
        "",
    ),
    ("args-huge-float", changed(C3, "[-1, 1, C3, [16, [1e999]]]"), {"YI401"}, "1e999"),
    ("args-inf", changed(C3, "[-1, 1, SimAM, [.inf, .nan, -.inf]]"), None, ""),
    ("channels-huge", changed("Conv, [16", f"Conv, [{10**300}"), None, ""),
    ("stride-huge", changed("[16, 3, 2]", f"[16, 3, {10**400}]"), None, ""),
    ("stride-nan", changed("[16, 3, 2]", "[16, 3, .nan]"), None, ""),
    ("upsample-0", changed(C3, "[-1, 1, nn.Upsample, [None, 0]]"), None, ""),
    ("upsample-tiny", changed(C3, "[-1, 1, nn.Upsample, [None, 1.0e-300]]"), None, ""),
    ("image-channels-huge", b"ch: 1" + b"0" * 4000 + b"\n" + BASE.encode(), None, ""),
    ("freeze-huge", BASE.encode() + f"freeze: [0, {10**4000}, .nan, a]\n".encode(), None, ""),
    ("anchors-odd", changed("[nc]", "[nc, anchors]") + b"anchors: {a: 1}\n", set(), ""),
    # tags and keys
    ("python-object", changed("nc: 2", "nc: !!python/object:os.system {}"), {"YI001"}, "python/object"),
    ("binary", changed("nc: 2", "nc: !!binary é"), {"YI001"}, ""),
    ("bad-date", changed("nc: 2", "nc: 2020-13-45"), {"YI001"}, "month"),
    ("no-boolean", changed("nc: 2", "nc: !!bool maybe"), {"YI001"}, ""),
    ("backbone-set", b"backbone: !!set {}\n" + HEAD.encode(), {"YI003"}, "'backbone'"),
    ("backbone-omap", b"backbone: !!omap\n- a: 1\n" + HEAD.encode(), {"YI004"}, ""),
    ("backbone-pairs", b"backbone: !!pairs\n- a: 1\n" + HEAD.encode(), {"YI004"}, ""),
    ("backbone-string", b"backbone: !!str\n- a\n" + HEAD.encode(), None, ""),
    ("row-set", changed(C3, "!!set {a, b, c, d}"), {"YI004"}, "a row is a list"),
    ("sections-merged", f"x: &m\n  backbone:\n  - {C3}\n<<: *m\n{HEAD}".encode(), {"YI003"}, "'backbone'"),
    ("merged-below-own-key", b"<<: {nc: 3}\n" + BASE.encode(), set(), ""),
    ("merge-of-a-number", b"<<: 3\n" + BASE.encode(), {"YI001"}, ""),
    ("two-documents", BASE.encode() + b"---\na: 1\n", {"YI001"}, "another document"),
    ("many-documents", BASE.encode() + b"---\n" * 1000, {"YI001"}, "another document"),
    ("list-as-key", b"? [a]\n: b\n" + BASE.encode(), {"YI001"}, "unhashable"),
    ("mapping-as-key", b"? {a: b}\n: c\n" + BASE.encode(), {"YI001"}, "unhashable"),
    ("null-as-key", b"~: 1\n" + BASE.encode(), set(), ""),
    ("nan-as-key", b".nan: 1e5\n" + BASE.encode(), None, ""),
    ("regex-as-key", b"'(a+)+$[': 1e5\n" + BASE.encode(), None, ""),
    ("duplicate-section", BASE.encode() + b"head: []\n", {"YI002"}, "'head'"),
    ("directive", b"%YAML 9.9\n---\n" + BASE.encode(), {"YI001"}, ""),
    ("tag-directive", b"%TAG ! tag:x,2000:\n---\n" + BASE.encode(), set(), ""),
]


@pytest.mark.parametrize(
    ("content", "codes", "fragment"), [pytest.param(*case, id=name) for name, *case in CONTENTS]
)
def test_content(tmp_path: Path, content: bytes, codes: set[str] | None, fragment: str) -> None:
    result = checked(tmp_path, content)
    assert result.error is None
    assert not result.skipped
    if codes is not None:
        assert {finding.rule.code for finding in result.findings} == codes
    if fragment:
        assert fragment in result.findings[0].message
    for finding in result.findings:
        assert "\n" not in finding.message + finding.hint


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xef\xbb\xbf", None, id="only-a-bom"),
        pytest.param(b"\n" * 1000, None, id="only-empty-lines"),
        pytest.param(b"#" * (10 * MEBIBYTE), None, id="10-MB-line"),
        pytest.param(BASE.encode() + b"#" * (10 * MEBIBYTE), None, id="config-of-10-MB"),
        pytest.param(b"backbone: \0", "binary", id="nul"),
        pytest.param(BASE.encode("utf-16"), "UTF-16", id="utf-16"),
        pytest.param(BASE.encode("utf-16-be"), "binary", id="utf-16-without-bom"),
        pytest.param(BASE.encode("utf-32"), "", id="utf-32"),
    ],
)
def test_skipped_content(tmp_path: Path, content: bytes, error: str | None) -> None:
    """In a folder silently, by name with a message if it is not text."""
    result = checked(tmp_path, content)
    if error is None:
        assert result == Checked(result.file, skipped=True)
    else:
        assert result.error is not None
        assert error in result.error
        assert "\n" not in result.error
    assert [check_file(file, Options()).error for file in find([str(tmp_path)])] in ([], [None])


def test_a_file_of_a_mebibyte_is_checked_and_one_byte_more_is_not(tmp_path: Path) -> None:
    padded = changed("[[4], 1", "[[9], 1").ljust(MEBIBYTE - 1, b"#") + b"\n"
    assert {finding.rule.code for finding in checked(tmp_path, padded).findings} == {"YI103"}
    larger = checked(tmp_path, padded + b"\n")
    assert larger == Checked(larger.file, skipped=True)


def test_a_sparse_file_is_passed_over(tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(2**40)
    done = run(tmp_path, "check", ".", "x.yaml")
    assert (done.code, done.err) == (0, "Checked 0 files, skipped 1: nothing found\n")


def just_below_the_limit(line: bytes) -> bytes:
    return line * ((4 * MEBIBYTE - 1) // len(line))


def a_mebibyte(part: str) -> str:
    """So many parts that ``check`` still looks at the file."""
    return part * ((MEBIBYTE - 1000) // len(part))


def keys(count: int) -> str:
    return "".join(f"k{number}: 1\n" for number in range(count))


def listed(parts: Iterator[str]) -> str:
    return f"[{', '.join(parts)}]"


#: A part of a row that stands in four thousand places.
ALIASED = MEBIBYTE // 16

# id, content, exit code. Each is linear in well below a second, so that whatever is not stands out.
LARGE: list[tuple[str, Callable[[], str | bytes], int]] = [
    ("4-MiB-of-backbone-lines", lambda: just_below_the_limit(b"backbone:\n"), 0),
    ("4-MiB-of-quoted-keys", lambda: just_below_the_limit(b'"backbone":\n'), 0),
    ("4-MiB-of-keys-in-comments", lambda: just_below_the_limit(b'# "backbone":\n'), 0),
    ("4-MiB-of-keys-and-comments", lambda: just_below_the_limit(b"head:\n#\n"), 0),
    ("4-MiB-of-empty-lines", lambda: b"head:" + just_below_the_limit(b"\n")[5:], 0),
    ("4-MiB-of-comments", lambda: b"head:\n" + just_below_the_limit(b"#\n")[6:], 0),
    # larger than any config that check looks at
    ("4-MiB-of-brackets", lambda: b"head:\n" + just_below_the_limit(b"[")[6:], 0),
    ("4-MiB-in-one-line", lambda: b"head: [-1]\n#" + just_below_the_limit(b"x")[20:], 0),
    ("4-MiB-of-dashes", lambda: b"head:\n" + just_below_the_limit(b"- ")[6:], 0),
    ("4-MiB-of-cr", lambda: b"head:" + just_below_the_limit(b"\r")[5:], 0),
    # as large as they may be
    ("1-MiB-of-tagged-keys", lambda: a_mebibyte("{head:!"), 0),
    ("1-MiB-of-anchored-keys", lambda: a_mebibyte("{backbone:&"), 0),
    ("1-MiB-of-tags", lambda: f"head: {a_mebibyte('!a ')}", 0),
    ("1-MiB-of-spaces-behind-a-row", lambda: BASE.replace("  # 1", f"{a_mebibyte(' ')}  # 7-P3"), 0),
    ("1-MiB-of-digits", lambda: BASE.replace("C3, [16]", f"C3, [1e5, 1{a_mebibyte('1')} x]"), 0),
    ("1-MiB-of-digits-as-value", lambda: f'{BASE}x: [1e5, "{a_mebibyte("1")}"]\n', 0),
    (
        "8000-keys-with-numbers-as-text",
        lambda: "".join(f"k{n}: 1e5\n" for n in range(8000)) + BASE,
        0,
    ),
    ("40000-strides", lambda: f"{BASE_OF_2}{CONCAT_ALL}{HEAD}", 1),
    ("strides-of-unknown-modules", lambda: f"{BASE_OF_2}{unknown(40)}{CONCAT_ALL}{HEAD}", 1),
    ("stages-read-all-along", lambda: f"backbone:\n{CONV}{chain('Odd', 5000)}", 0),
    ("attention-read-all-along", lambda: f"backbone:\n{CONV}{chain('SimAM', 5000)}", 0),
    ("a-key-of-200-kB", lambda: f"{BASE}? {'k' * 200_000}\n: [{'1e5,' * 10_000}]\n", 0),
    (
        "a-name-of-200-kB",
        lambda: f"backbone:\n{CONV}  - [-1, 1, {'M' * 200_000}, [64]]\n{CONCAT_2 * 6000}{HEAD}",
        1,
    ),
    ("aliases-of-a-long-row", lambda: aliases(" " * ALIASED + "x"), 0),
    ("aliases-of-a-long-string", lambda: aliases(f'"{"1" * ALIASED}"'), 1),
    ("aliases-of-a-long-comment", lambda: aliases("x", f"# 7-P3{'x' * ALIASED}"), 0),
    ("200000-empty-lines", lambda: BASE.replace("head:\n", "head:\n" + "\n" * 200_000), 0),
    ("100000-comments", lambda: "# 1\n" * 100_000 + BASE, 0),
    ("100000-comments-between", lambda: BASE.replace("head:\n", "head:\n" + "  # 1\n" * 100_000), 0),
    ("1500-rows", lambda: f"backbone:\n{CONV * 1500}{HEAD}", 0),
    ("2500-unknown-modules", lambda: f"backbone:\n{CONV}{unknown(2500)}{MISFIT}", 1),
    ("6000-attention-rows", lambda: f"backbone:\n{CONV}{SIMAM * 6000}{HEAD}", 0),
    ("2000-rows-past-each-other", lambda: f"backbone:\n{CONV}{past(1000)}", 0),
    ("30000-references", lambda: f"backbone:\n{CONV}  - [[{'0, ' * 30_000}0], 1, Concat, [1]]\n{HEAD}", 0),
    (
        "30000-wrong-references",
        lambda: f"backbone:\n{CONV}  - [[{'9, ' * 30_000}0], 1, Concat, [1]]\n{HEAD}",
        1,
    ),
    ("50000-args", lambda: f"backbone:\n  - [-1, 1, Conv, [{'3, ' * 50_000}3]]\n{HEAD}", 0),
    (
        "10000-numbers-as-text",
        lambda: f"backbone:\n  - [-1, 1, Conv, {listed(f'{n}e5' for n in range(10_000))}]\n{HEAD}",
        0,
    ),
    ("10000-equal-numbers-as-text", lambda: f"{BASE}x: {listed('1e5' for _ in range(10_000))}\n", 0),
    ("25000-keys", lambda: keys(25_000) + BASE, 0),
    ("25000-equal-keys", lambda: BASE + "a: 1\n" * 25_000, 1),
    ("1500-aliases", lambda: f"backbone:\n  - &a [-1, 1, Conv, [64]]\n{ALIAS * 1500}{HEAD}", 0),
    ("5000-anchors", lambda: "".join(f"k{n}: &a{n} 1\n" for n in range(5000)) + BASE, 0),
    ("freeze-of-30000", lambda: f"{BASE}freeze: {listed(map(str, range(30_000)))}\n", 0),
    (
        "1500-rows-on-one-line",
        lambda: f'{{"backbone": [{rows_on_one_line(1500)}], "head": [[-1, 1, Detect, []]]}}',
        1,
    ),
    ("5000-provenance-lines", lambda: PROVENANCE.format("x.yaml --after 1", "9999999") * 5000 + BASE, 1),
    (
        "provenance-of-20000-words",
        lambda: PROVENANCE.format("yolov5s" + " --after SPPF" * 20_000, 1) + BASE,
        1,
    ),
    (
        "provenance-of-50000-layers",
        lambda: PROVENANCE.format("- --after 1", ",".join(["1"] * 50_000)) + BASE,
        1,
    ),
]

PROVENANCE = "# Generated by yamlinject 0.1.0: add SimAM {} (layers {}; base sha256:98c28a05536f9a7d)\n"
MISFIT = """\
head:
  - [0, 1, nn.Upsample, [None, 2]]
  - [[0, -1], 1, Concat, [1]]
  - [[0, 1], 1, Detect, []]
"""


def chain(module: str, count: int) -> str:
    """Layers below each other, and one that reads all of them."""
    read = ", ".join(map(str, range(count)))
    return (
        f"  - [-1, 1, {module}, [64]]\n" * count
        + f"head:\n  - [[{read}], 1, Concat, [1]]\n"
        + "  - [-1, 1, Detect, [2]]\n"
    )


def aliases(args: str, comment: str = "") -> str:
    """One row of ``[1e5, args]`` in four thousand places."""
    row = f"  - &a [-1, 1, SimAM, [1e5, {args}]]{comment}\n"
    return f"backbone:\n{CONV}{row}{ALIAS * 4000}{HEAD}"


def unknown(count: int) -> str:
    return "".join(f"  - [-1, 1, M{number}, []]\n" for number in range(count))


def past(count: int) -> str:
    """Attention that nearly all other rows read past, and that the head reads."""
    heads = ", ".join(map(str, range(2 * count)))
    rows = "  - [0, 1, SimAM, [64]]\n" * count + "  - [0, 1, Conv, [64]]\n" * count
    return f"{rows}head:\n  - [[{heads}], 1, Concat, [1]]\n  - [-1, 1, Detect, [2]]\n"


def rows_on_one_line(count: int) -> str:
    return ", ".join(f"[{index + 1}, 1, Conv, [3]]" for index in range(count))


#: One in two in each run: most kinds of contents are there twice or more.
SAMPLE = LARGE if EXHAUSTIVE else LARGE[::2]


@pytest.mark.parametrize(("content", "code"), [pytest.param(*case, id=name) for name, *case in SAMPLE])
def test_large_files(tmp_path: Path, content: Callable[[], str | bytes], code: int) -> None:
    """In twenty seconds of the processor and two gigabytes, in a format that keeps all of it."""
    data = content()
    (tmp_path / "x.yaml").write_bytes(data if isinstance(data, bytes) else data.encode())
    assert (tmp_path / "x.yaml").stat().st_size < 4 * MEBIBYTE
    done = run_limited(tmp_path, "check", "x.yaml", "--output-format", "json")
    assert done.code == code
    assert len(done.out) < 100 * MEBIBYTE


def test_spaces_where_a_row_is_inserted(tmp_path: Path) -> None:
    """A row that shares its line with the closing bracket, a mebibyte further on."""
    head = "head: [[-1, 1, Detect, [2]]]\n"
    (tmp_path / "x.yaml").write_text(f"backbone: [[-1, 1, Conv, [64]]{a_mebibyte(' ')}]\n{head}")
    done = run_limited(tmp_path, "add", "SimAM", "x.yaml", "--after", "0", "--no-provenance", "-o", "-")
    assert done.code == 0
    assert done.out.startswith("backbone: [[-1, 1, Conv, [64]], [-1, 1, SimAM, [64]]   ")


def test_large_standard_input(tmp_path: Path) -> None:
    done = run(tmp_path, "check", "-", stdin=b"#" * (50 * MEBIBYTE))
    assert done.code == 2
    assert done.err.startswith("yamlinject: error: <stdin>: larger than")


# --- what is no file


def test_odd_things_in_a_folder(tmp_path: Path) -> None:
    """Pipes, sockets and links that lead nowhere are passed over; what is a file is found once."""
    odd = tmp_path / "m"
    (odd / "folder.yaml").mkdir(parents=True)
    (odd / "folder.yaml" / "x.yaml").write_bytes(changed("[[4], 1", "[[9], 1"))
    os.mkfifo(odd / "pipe.yaml")
    (odd / "loop.yaml").symlink_to("loop.yaml")
    (odd / "one.yaml").symlink_to("two.yaml")
    (odd / "two.yaml").symlink_to("one.yaml")
    (odd / "dangling.yaml").symlink_to("nowhere.yaml")
    (odd / "back").symlink_to("..")
    (odd / "self").symlink_to(".")
    (odd / "device.yaml").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(odd)  # a socket's name has to be short
        try:
            listening.bind("socket.yaml")
        finally:
            os.chdir(here)
        done = run(tmp_path, "check", "m")
    assert done.code == 1
    assert re.findall(r"^\S.*?YI103", done.out, re.M) == ["m/folder.yaml/x.yaml:9:7: YI103"]
    assert done.err == "Checked 1 file: 1 error in 1 file\n"


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("pipe.yaml", "not a regular file"),
        ("loop.yaml", "cannot read it"),
        ("dangling.yaml", "no such file"),
        ("/dev/zero", "not a regular file"),
        ("/dev/full", "not a regular file"),
        ("nowhere/x.yaml", "no such file"),
        ("x.yaml/x.yaml", "cannot read it"),
        ("a" * 300 + ".yaml", "too long"),
        ("a/" * 3000, "too long"),
        ("", ""),
    ],
)
def test_odd_things_by_name(tmp_path: Path, name: str, fragment: str) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "dangling.yaml").symlink_to("nowhere.yaml")
    (tmp_path / "x.yaml").write_bytes(changed("[[4], 1", "[[9], 1"))
    done = run_here(tmp_path, "check", name, "x.yaml")
    assert done.code == 2
    assert done.codes == {"YI103"}  # the other file was checked all the same
    error, summary = done.err.splitlines()
    assert error.startswith("yamlinject: error: ")
    assert fragment in error.lower()
    assert summary == "Checked 1 file, failed on 1: 1 error in 1 file"


def test_a_folder_tree_of_some_depth(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(100):
        folder = folder / "d"
        folder.mkdir()
    (folder / "x.yaml").write_text(BASE)
    assert run_here(tmp_path, "check", ".").err == "Checked 1 file: nothing found\n"
    assert run_here(tmp_path, "check", *["."] * 50).err == "Checked 1 file: nothing found\n"


def test_a_file_that_vanishes(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "x.yaml").write_text(BASE)
    found = find([str(tmp_path)])
    shutil.rmtree(tmp_path / "m")
    (result,) = [check_file(file, Options()) for file in found]
    assert result.error is not None
    assert "no such file" in result.error


# --- provenance lines

DIGEST = "0123456789abcdef"
LINE = f"# Generated by yamlinject 0.1.0: add SimAM base.yaml --after SPPF (layers 3; base sha256:{DIGEST})"


#: What stands between the version and the digest.
COMMANDS = [
    "add SimAM base.yaml --after SPPF (layers ",
    "add SimAM base.yaml --after SPPF (layers -3",
    "add SimAM base.yaml --after SPPF (layers 99999999",
    "add SimAM base.yaml --after SPPF (layers 9999999",
    "add SimAM base.yaml --after SPPF (layers 3,3,3",
    "add SimAM base.yaml --after SPPF (layers 0",
    "add SimAM base.yaml --after SPPF (layers 6",
    "add SimAM base.yaml --after SPPF (layers 3; comments 1=",
    "add SimAM base.yaml --after 2 (layers 3; comments 9999999=9999999",
    "add SimAM base.yaml --after 'SPPF (layers 3",
    "add SimAM base.yaml --after (layers 3",
    "add SimAM base.yaml (layers 3",
    "add SimAM (layers 3",
    "add (layers 3",
    "'' (layers 3",
    "'' '' '' (layers 3",
    "x (layers 3",
    "# (layers 3",
    "remove SimAM base.yaml --after SPPF (layers 3",
    "add '' base.yaml --after SPPF (layers 3",
    "add No base.yaml --after SPPF (layers 3",
    "add SimAM base.yaml --after 99999999999 (layers 3",
    "add SimAM base.yaml --after '' (layers 3",
    "add SimAM base.yaml --after C3@ (layers 3",
    "add SimAM base.yaml --after 2 --number x (layers 3",
    "add SimAM base.yaml --after 2 --number ² (layers 3",
    "add SimAM base.yaml --after 2 --scope neck (layers 3",
    "add SimAM base.yaml --after 2 --args '[' (layers 3",
    "add SimAM base.yaml --after 2 --args '&a [*a]' (layers 3",
    "add SimAM base.yaml --after 2 -o /tmp/x (layers 3",
    "add SimAM base.yaml --after 2 --number (layers 3",
    "add SimAM base.yaml --after 2 --number " + "9" * 5000 + " (layers 3",
]

#: Lines that have not even that form.
BROKEN = [
    "# Generated by yamlinject ",
    "# Generated by yamlinject 0.1.0",
    "# Generated by yamlinject 0.1.0: ",
    "# Generated by yamlinject 0.1.0: add SimAM base.yaml --after SPPF",
    "# Generated by yamlinject 0.1.0: add SimAM base.yaml --after SPPF (layers 3)",
    "# Generated by yamlinject 0.1.0: add SimAM base.yaml --after 2 (layers 3; base sha256:XYZ)",
]


@pytest.mark.parametrize(
    "line",
    [
        *(f"# Generated by yamlinject 0.1.0: {command}; base sha256:{DIGEST})" for command in COMMANDS),
        *BROKEN,
    ],
)
def test_damaged_provenance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Each is an error that points at the line, and none keeps the rest from being checked."""
    monkeypatch.chdir(tmp_path)
    Path("base.yaml").write_text(BASE)
    text = f"{line}\n" + GOOD.replace("# 5\n", "# 5\n# 7 nothing\n")
    Path("x.yaml").write_text(text.replace("SimAM, [16]", "SimAM, [16, [1e-4]]"))
    result = check_file(File("x.yaml"), Options())
    assert result.error is None
    found = {finding.rule.code: finding for finding in result.findings}
    errors = [finding for finding in result.findings if finding.rule.severity == "error"]
    assert "YI401" in found or "YI001" in found
    assert errors
    assert {finding.rule.code for finding in errors} <= {"YI001", "YI601", "YI602", "YI603"}
    assert errors[0].start is not None
    assert errors[0].start.line == 1


@pytest.mark.parametrize(
    "base",
    [
        *("-", ".", "..", "./", "/", "folder", "folder/", "folder.yaml", "x.yaml", "./x.yaml", "../x.yaml"),
        *("pipe", "pipe.yaml", "./pipe", "loop.yaml", "dangling.yaml", "binary.yaml", "data.yaml"),
        *("/dev/stdin", "/dev/zero", "/dev/fd/0", "/proc/self/mem", "/proc/self/fd/0", "/etc/passwd", "~"),
        *(
            "a" * 300,
            "a" * 300 + ".yaml",
            "a/" * 3000 + "x.yaml",
            "?.yaml",
            "yolov5s",
            "yolov5y",
            "''",
            "*",
        ),
    ],
)
def test_odd_bases(tmp_path: Path, base: str) -> None:
    """No base makes a run hang or fail, and none but the right one goes through."""
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "folder").mkdir()
    (folder / "folder.yaml").mkdir()
    (tmp_path / "x.yaml").write_text(BASE)
    for name in ("pipe", "pipe.yaml"):
        os.mkfifo(folder / name)
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "dangling.yaml").symlink_to("nowhere")
    (folder / "binary.yaml").write_bytes(b"\0")
    (folder / "data.yaml").write_text("a: 1\n")
    (folder / "other").mkdir()
    (folder / "other" / "y.yaml").write_bytes(changed("[[4], 1", "[[9], 1"))
    text = LINE.replace("base.yaml", base) + "\n" + GOOD
    (folder / "x.yaml").write_text(text)
    arguments = ("check", "x.yaml", "other")
    streams = base.startswith(("-", "/dev/", "/proc/"))
    done = run(folder, *arguments, stdin=GOOD.encode()) if streams else run_here(folder, *arguments)
    assert done.code == 1, done.err
    assert done.codes - {"YI103"} <= {"YI601", "YI602", "YI603"}
    assert "x.yaml:1:1: YI60" in done.out
    assert "other/y.yaml:9:7: YI103" in done.out  # the other file was checked all the same
    assert done.err.splitlines()[-1].startswith("Checked 2 files: ")
