"""check --fix --wiring: wrong references are mended where it is sure what is right; all else stays."""

from __future__ import annotations

import csv
import json
import os
import re
from pathlib import Path

import pytest

from tests.conftest import CORPUS, corpus, needs_corpus
from tests.support import Cli
from yamlinject import Config, check, load
from yamlinject.checks.context import Subject
from yamlinject.checks.rewiring import rewired

WARNED = "it is another model now, and checkpoints of the one before do not fit it"


def inserted(*, line: bool = False) -> str:
    """yolov5s with SimAM after SPPF, as it is right."""
    return load("yolov5s").add("SimAM", after="SPPF", provenance=line).text


def broken(*pairs: tuple[str, str], text: str = "") -> str:
    text = text or inserted()
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


STALE = (("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat"), ("[[18, 21, 24], 1", "[[17, 20, 23], 1"))


def test_references_that_were_not_renumbered(cli: Cli) -> None:
    Path("mine.yaml").write_text(broken(*STALE))
    assert cli("check", "mine.yaml").code == 1
    comments = cli("check", "mine.yaml", "--fix")
    assert comments.code == 1  # --fix alone mends comments only
    assert Path("mine.yaml").read_text() == broken(*STALE)
    shown = cli("check", "mine.yaml", "--fix", "--wiring", "--diff")
    assert shown.code == 1
    assert [line for line in shown.out.splitlines() if line[0] in "+-"] == [
        "--- mine.yaml",
        "+++ mine.yaml",
        "-   [[-1, 14], 1, Concat, [1]],  # join P4 of the head",
        "+   [[-1, 15], 1, Concat, [1]],  # join P4 of the head",
        "-   [[17, 20, 23], 1, Detect, [nc, anchors]],",
        "+   [[18, 21, 24], 1, Detect, [nc, anchors]],",
    ]
    assert Path("mine.yaml").read_text() == broken(*STALE)
    done = cli("check", "mine.yaml", "--fix", "--wiring")
    assert (done.code, done.out) == (0, "")
    assert (
        done.err == f"fixed     mine.yaml: 4 references: {WARNED}\nChecked 1 file: nothing found, fixed 4\n"
    )
    assert Path("mine.yaml").read_text() == inserted()
    again = cli("check", "mine.yaml", "--fix", "--wiring")
    assert (again.code, again.err) == (0, "Checked 1 file: nothing found\n")


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_relative_stays_relative_and_line_ends_stay(cli: Cli, newline: str) -> None:
    """The Concat of P4 reads 6 back, which is layer 14, and 5 back, 15, is right."""
    right = broken(("[[-1, 15], 1, Concat", "[[-1, -5], 1, Concat"))
    wrong = right.replace("[[-1, -5], 1, Concat", "[[-1, -6], 1, Concat")
    Path("mine.yaml").write_bytes(b"\xef\xbb\xbf" + wrong.replace("\n", newline).encode())
    assert cli("check", "mine.yaml", "--fix", "--wiring").code == 0
    assert Path("mine.yaml").read_bytes() == b"\xef\xbb\xbf" + right.replace("\n", newline).encode()


def test_an_edited_reference_of_a_generated_file(cli: Cli) -> None:
    """Mended it is what its command gives."""
    Path("yolov5s_SimAM.yaml").write_text(broken(STALE[0], text=inserted(line=True)))
    assert "YI603" in cli("check", "yolov5s_SimAM.yaml").out
    assert cli("check", "yolov5s_SimAM.yaml", "--fix", "--wiring").code == 0
    assert Path("yolov5s_SimAM.yaml").read_text() == inserted(line=True)


def test_comments_are_fixed_in_the_same_run(cli: Cli) -> None:
    Path("mine.yaml").write_text(broken(STALE[0], ("# 24 (P5/32", "# 23 (P5/32")))
    assert cli("check", "mine.yaml", "--fix", "--wiring").err.endswith("nothing found, fixed 2\n")
    assert Path("mine.yaml").read_text() == inserted()


#: A layer that reads the C3 of P4 and not the one above it, and that the head reads.
TWO_ANSWERS = broken(
    (
        "[[17, 20, 23], 1, Detect, [nc, anchors]]",
        "[13, 1, CBAM, [512]],\n   [[17, 24, 23], 1, Detect, [nc, anchors]]",
    ),
    text=load("yolov5s").text,
)
OF_NO_BASE = broken(*STALE).replace("C3, [256", "Other, [256").replace("SPPF", "Mine")
OF_NO_BASE = OF_NO_BASE.replace("Conv, [512, 3, 2]", "C3, [512]")
SHARED = (
    broken(*STALE).replace("[[-1, 14], 1, Concat, [1]]", "&row [[-1, 14], 1, Concat, [1]]") + "x: *row\n"
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(TWO_ANSWERS, "write 20, or let layer 24 (CBAM) read -1 if it belongs there", id="two"),
        pytest.param(OF_NO_BASE, "", id="no-base"),
        pytest.param(SHARED, "", id="shared"),
        pytest.param(broken(*STALE).replace("[17, 20, 23]", "[0x11, 20, 23]"), "", id="spelling"),
    ],
)
def test_what_is_not_sure_is_left_alone(cli: Cli, text: str, said: str) -> None:
    Path("mine.yaml").write_text(text)
    before = cli("check", "mine.yaml")
    done = cli("check", "mine.yaml", "--fix", "--wiring")
    assert Path("mine.yaml").read_text() == text
    assert (done.code, done.out) == (before.code, before.out)
    assert said in " ".join(done.out.split())


def test_readers_that_go_past_the_attention(cli: Cli) -> None:
    right = load("yolov5s").add("SimAM", after="C3", provenance=False).text
    past = right.replace("[[-1, 9], 1, Concat", "[[-1, 8], 1, Concat")
    past = past.replace("[[-1, 6], 1, Concat", "[[-1, 5], 1, Concat")
    Path("mine.yaml").write_text(past)
    assert cli("check", "mine.yaml", "--fix", "--wiring").code == 0
    assert Path("mine.yaml").read_text() == past
    done = cli("check", "mine.yaml", "--fix", "--wiring", "--bypassed")
    assert f"fixed     mine.yaml: 2 references: {WARNED}" in done.err
    assert Path("mine.yaml").read_text() == right


def test_attention_that_nothing_reads(cli: Cli) -> None:
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=False).text
    dead = broken(("[-1, 1, Conv, [512, 1, 1]]", "[-2, 1, Conv, [512, 1, 1]]"), text=text)
    Path("mine.yaml").write_text(dead)
    assert "YI303" in cli("check", "mine.yaml").out
    cli("check", "mine.yaml", "--fix", "--wiring", "--bypassed")
    assert Path("mine.yaml").read_text() == text


def test_a_branch_that_was_asked_for_is_no_bypass(cli: Cli) -> None:
    cli("add", "SimAM", "yolov5s", "--after", "4", "--readers", "Concat")
    before = Path("yolov5s_SimAM.yaml").read_bytes()
    assert cli("check", "yolov5s_SimAM.yaml", "--fix", "--wiring", "--bypassed").code == 0
    assert Path("yolov5s_SimAM.yaml").read_bytes() == before


def test_usage(cli: Cli) -> None:
    Path("mine.yaml").write_text(broken(*STALE))
    for options, message in [
        (("--wiring",), "--wiring and --diff say what --fix does: give that too"),
        (("--diff",), "--wiring and --diff say what --fix does"),
        (("--fix", "--bypassed"), "--bypassed says what --wiring does"),
        (("--fix", "--diff", "--output-format", "json"), "--diff is text"),
    ]:
        refused = cli("check", "mine.yaml", *options)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err
    shown = cli("check", "mine.yaml", "--fix", "--wiring", "--output-format", "json")
    assert (shown.code, json.loads(shown.out)["fixed"]) == (0, 4)


def test_a_file_that_cannot_be_written_stays(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.yaml").write_text(broken(*STALE))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    refused = cli("check", "mine.yaml", "--fix", "--wiring")
    assert refused.code == 2
    assert "no space left" in refused.err.lower()
    assert Path("mine.yaml").read_text() == broken(*STALE)
    assert [path.name for path in Path().iterdir()] == ["mine.yaml"]


# --- public files


def mended(path: Path, *, bypassed: bool = False) -> Config | None:
    config = Config(path.name, path.read_bytes(), path=path)
    found = rewired(Subject(config), bypassed=bypassed)
    return found.config if found else None


def edited(verdict: str) -> list[Path]:
    with (CORPUS / "edited.csv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["verdict"] == verdict]
    return [CORPUS / "edited" / name for name in names]


@needs_corpus
def test_broken_public_files_are_clean_afterwards_or_left_alone() -> None:
    """In all but one it is sure what is right; there an injected layer may read a wrong one."""
    alone = []
    for path in edited("c"):
        after = mended(path)
        if after is None:
            alone.append(path.name)
            continue
        assert not [finding for finding in check(after) if finding.rule.severity == "error"], path.name
        before, now = (config.text for config in (Config(path.name, path.read_bytes()), after))
        assert before != now
        assert re.sub(r"-?\d+", "#", before) == re.sub(r"-?\d+", "#", now), path.name
    assert len(edited("c")) > 40
    assert alone == ["samar018__customized-yolo-v9__models__detect__yolov9-c-CBAM.yaml"]


@needs_corpus
def test_right_public_files_stay() -> None:
    assert not [path.name for path in edited("a") if mended(path) or mended(path, bypassed=True)]


@needs_corpus
@pytest.mark.corpus
def test_upstream_files_stay() -> None:
    for path in corpus("base"):
        try:
            assert mended(path) is None, path.name
            assert mended(path, bypassed=True) is None, path.name
        except ValueError:
            continue
