"""The readers of YAML: two of them always agree on what is read, and a third on what is written."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.benchmarks.fuzz_check import PIECES, mutate
from tests.conftest import EXHAUSTIVE
from tests.strategies import Sample, samples
from yamlinject import Config, load
from yamlinject.cli.app import run
from yamlinject.core import yaml_nodes as parsers
from yamlinject.core.document import Document
from yamlinject.core.yaml_nodes import Reading
from yamlinject.errors import ConfigError

ci = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=2000 if EXHAUSTIVE else 30,
    suppress_health_check=[HealthCheck.too_slow],
)

ROWS = """\
backbone:
  - [-1, 1, Conv, [16]]
  - [-1, 1, Conv, [32]]
head:
  - [[-1], 1, Detect, [nc]]
"""


def read(text: str) -> object:
    """What is found in ``text``, or what is wrong with it."""
    try:
        document = Document.parse(text)
    except ConfigError as error:
        return type(error), error.args, error.place
    return document.rows, repr(document.data), document.flow, document.values


def pure(text: str, monkeypatch: pytest.MonkeyPatch) -> object:
    with monkeypatch.context() as patch:
        patch.setattr(parsers, "_is_read_alike", lambda _: False)
        return read(text)


def test_there_is_a_fast_parser() -> None:
    """PyYAML's wheels have libyaml in them; without it, the other tests here compare nothing."""
    assert issubclass(parsers._FastLoader, yaml.CSafeLoader)
    assert isinstance(Reading(ROWS)._loader, yaml.CSafeLoader)


#: What only one of PyYAML's two parsers reads, or reads differently.
DIFFERENT = {
    "tab before a value": "nc:\t3\n",
    "tab in a row": ROWS.replace("[16]", "[16\t]"),
    "tab between rows": ROWS.replace("  - [-1, 1, Conv, [32]]", "\t\n  - [-1, 1, Conv, [32]]"),
    "tag": ROWS.replace("Conv, [16]", "!Conv, [16]"),
    "key": ROWS.replace("[16]", "[?]"),
    "question": ROWS.replace("16", "1 ?6"),
    "block scalar": "names: >#\n" + ROWS,
    "line separator": "a: 1\u2028b: 2\n" + ROWS,
    "next line": "a: 1\x85b: 2\n" + ROWS,
    "byte order mark": "a: \ufeff1\n" + ROWS,
    "empty": "names:\n" + ROWS,
    "empty in brackets": ROWS.replace("[16]", "[{a: }]"),
    "empty at the end": ROWS + "names:",
    "empty at the end of a row": ROWS.replace(
        "[-1, 1, Conv, [32]]", "- -1\n    - 1\n    - A\n    -\n      -"
    ),
    "nested": "a: " + "[" * 199 + "]" * 199 + "\n" + ROWS,
    "nested deeply": "a: " + "[" * 200 + "]" * 200 + "\n" + ROWS,
    "nested too deeply for libyaml": "a: " + "[" * 1001 + "]" * 1001 + "\n" + ROWS,
}


@pytest.mark.parametrize("text", DIFFERENT.values(), ids=DIFFERENT)
def test_frameworks_decide(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(text) == pure(text, monkeypatch)


#: Characters that mean something outside of comments, and by which libyaml is not trusted there.
INDICATORS = "!?|>%@`"


@pytest.mark.parametrize("indicator", INDICATORS)
def test_in_a_comment_they_mean_nothing(indicator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in (
        f"# P3 {indicator} P4\n{ROWS}",
        ROWS.replace("[16]]", f"[16]]  # 0 {indicator}"),
        ROWS.replace("\n", f" #{indicator}\r\n"),
        f"names: ['a\n # {indicator}\n b']\n{ROWS}",
    ):
        assert isinstance(Reading(text)._loader, yaml.CSafeLoader), text
        assert read(text) == pure(text, monkeypatch), text


@pytest.mark.parametrize("indicator", INDICATORS)
def test_what_only_looks_like_a_comment_is_no_reason_to_trust_libyaml(
    indicator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (
        f"a: b#{indicator}\n{ROWS}",
        f"a: ['x #', {indicator}]\n{ROWS}",
        f'a: ["x\n # ", {indicator} ]\n{ROWS}',
        f"# {indicator}\t\n{ROWS}",
        f"# \u2028a: {indicator} 1\n{ROWS}",
        f"# \x85a: {indicator} 1\n{ROWS}",
        f"# \ra: {indicator} 1\n{ROWS}",
    ):
        with suppress(ConfigError):
            assert not isinstance(Reading(text)._loader, yaml.CSafeLoader), text
        assert read(text) == pure(text, monkeypatch), text


@given(st.lists(st.sampled_from([*PIECES, *INDICATORS, " #", "'", '"', "\n# "]), max_size=12).map("".join))
@ci
def test_they_decide_on_any_text(piece: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for text in (piece + ROWS, ROWS + piece, ROWS.replace("[16]", f"[{piece}]")):
            assert read(text) == pure(text, patch), text


@given(samples(), st.randoms(use_true_random=False))
@ci
def test_they_decide_on_random_models(sample: Sample, choose: random.Random) -> None:
    with pytest.MonkeyPatch.context() as patch:
        text = sample.data.decode("utf-8").removeprefix("\ufeff")
        for each in (text, mutate(text, choose)):
            assert read(each) == pure(each, patch), each


def test_they_decide_on_mutations_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(0)
    base = load("yolov5s").text
    words = ["? ", "- ", ": ", " #", "!!str ", "&a ", "*a", "<<: ", "'x':1", "\r\n"]
    parts = [*"[]{},:#-?&*!|>'\"%@` \t\n\r.", *words]
    both = []
    for _ in range(6000 if EXHAUSTIVE else 50):
        start = rng.randrange(len(base))
        both.append(base[:start] + rng.choice(parts) + base[start + rng.choice([0, 0, 1, 2]) :])
    assert [read(text) for text in both] == [pure(text, monkeypatch) for text in both]
    assert sum(isinstance(read(text), tuple) for text in both[:50]) == 50


# --- the second reader


#: Read by PyYAML as meant; ruamel.yaml cannot read it, or reads other rows.
ONLY_PYYAML = {
    "no space after a quoted key": "nc: 2\nflags: ['x':1]\n" + ROWS,
    "a row that YAML 1.2 ends elsewhere": "# mine\u2028nc: 3\n" + ROWS.replace("\n", "\u2028", 1),
}


@pytest.mark.parametrize("text", ONLY_PYYAML.values(), ids=ONLY_PYYAML)
def test_nothing_is_written_that_ruamel_reads_otherwise(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(text, encoding="utf-8")
    assert run(["check", "x.yaml"]) == 0
    assert run(["show", "x.yaml"]) == 0
    capsys.readouterr()
    assert run(["add", "SimAM", "x.yaml", "--after", "1"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("yamlinject: error: x.yaml:")
    assert "rows laid out like this cannot be rewritten safely" in line
    assert "ruamel.yaml" in line
    assert [path.name for path in tmp_path.iterdir()] == ["x.yaml"]


def test_check_fixes_nothing_that_ruamel_reads_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "flags: ['x':1]\n" + ROWS.replace("[32]]", "[32]]  # 7")
    Path("x.yaml").write_text(text)
    assert run(["check", "--fix", "x.yaml"]) == 2
    assert "ruamel.yaml cannot read it" in capsys.readouterr().err
    assert Path("x.yaml").read_text() == text


def test_scalars_that_the_two_type_differently_are_the_same_rows() -> None:
    """``010`` is 8 for PyYAML and 10 for ruamel.yaml, ``1e-4`` text, ``yes`` True."""
    text = ROWS.replace("[16]", "[16, 010, 1e-4, yes]")
    made = Config("x.yaml", text.encode()).add("SimAM", after="1")
    assert made.layers[0].args == [16, 8, "1e-4", True]
    assert made.remove("SimAM").text == text
