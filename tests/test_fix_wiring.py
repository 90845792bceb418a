"""check --fix --wiring: wrong references are mended where it is sure what is right; all else stays."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests import oracle
from tests.conftest import CORPUS, corpus, needs_corpus
from tests.support import Cli
from yamlinject import Config, check, load
from yamlinject.checks.context import Subject
from yamlinject.checks.rewiring import rewired
from yamlinject.errors import YamlInjectError
from yamlinject.library import architectures
from yamlinject.lineage import matching

WARNED = "note      a checkpoint trained with the old wiring does not fit"


@cache
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
    found = cli("check", "mine.yaml", "--base", "yolov5s")
    assert found.code == 1
    assert found.err == (
        "Checked 1 file: 4 errors in 1 file\n"
        "next      yamlinject check --base yolov5s --fix --wiring --diff mine.yaml\n"
    )
    comments = cli("check", "mine.yaml", "--fix")
    assert comments.code == 1  # --fix alone mends comments only
    assert comments.err.endswith("\nnext      yamlinject check --fix --wiring --diff mine.yaml\n")
    assert Path("mine.yaml").read_text() == broken(*STALE)
    shown = cli("check", "mine.yaml", "--fix", "--wiring", "--diff")
    assert shown.code == 1
    assert shown.err.endswith("\nnext      yamlinject check --fix --wiring mine.yaml\n")
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
    assert done.err == (
        "fixed     mine.yaml:42:10: layer 20 (Concat): [-1, 14] -> [-1, 15]\n"
        "fixed     mine.yaml:49:6: layer 25 (Detect): [17, 20, 23] -> [18, 21, 24]\n"
        f"{WARNED} this model\n"
        "Checked 1 file: nothing found, fixed 4\n"
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
    assert "next" not in before.err  # nothing would come of it
    assert said in " ".join(done.out.split())


def test_readers_that_go_past_the_attention(cli: Cli) -> None:
    right = load("yolov5s").add("SimAM", after="C3", provenance=False).text
    past = right.replace("[[-1, 9], 1, Concat", "[[-1, 8], 1, Concat")
    past = past.replace("[[-1, 6], 1, Concat", "[[-1, 5], 1, Concat")
    Path("mine.yaml").write_text(past)
    assert cli("check", "mine.yaml", "--fix", "--wiring").code == 0
    assert Path("mine.yaml").read_text() == past
    done = cli("check", "mine.yaml", "--fix", "--wiring", "--bypassed")
    assert done.err.splitlines()[:3] == [
        "fixed     mine.yaml:35:10: layer 16 (Concat): [-1, 8] -> [-1, 9]",
        "fixed     mine.yaml:40:10: layer 20 (Concat): [-1, 5] -> [-1, 6]",
        f"{WARNED} this model",
    ]
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
        (("--wiring",), "--wiring and --diff need --fix: give that too"),
        (("--diff",), "--wiring and --diff need --fix"),
        (("--fix", "--bypassed"), "--bypassed needs --wiring"),
        (("--fix", "--diff", "--output-format", "json"), "--diff is text"),
    ]:
        refused = cli("check", "mine.yaml", *options)
        assert (refused.code, refused.out) == (2, "")
        assert message in refused.err
    shown = cli("check", "mine.yaml", "--fix", "--wiring", "--output-format", "json")
    said = json.loads(shown.out)
    assert (shown.code, said["fixed"]) == (0, 4)
    assert (said["rewired"], said["left"]) == ([{"file": "mine.yaml", "references": 4}], [])


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


# --- what is ignored, what is generated, and what has two answers


@pytest.mark.parametrize("options", [("--ignore", "YI301"), ("--select", "YI5"), ("--no-base",)])
def test_what_is_ignored_is_left_alone(cli: Cli, options: tuple[str, ...]) -> None:
    Path("mine.yaml").write_text(broken(*STALE))
    cli("check", "mine.yaml", "--fix", "--wiring", "--bypassed", *options)
    assert Path("mine.yaml").read_text() == broken(*STALE)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            TWO_ANSWERS,
            "two answers are possible: layer 25 (Detect) reads 20, or layer 24 (CBAM) reads -1",
            id="two",
        ),
        pytest.param(
            OF_NO_BASE, "no base is known, which would say what is right: give it with --base", id="no-base"
        ),
        pytest.param(
            SHARED,
            "layer 20 (Concat) shares its text with another place through a YAML alias: write both out",
            id="shared",
        ),
        pytest.param(
            broken(*STALE).replace("[17, 20, 23]", "[0x11, 20, 23]"),
            "layer 25 (Detect): write the layer number '0x11' as 17",
            id="spelling",
        ),
        pytest.param(
            "ch: 3\n" + broken(*STALE).replace("nc: 80", "nc:"),
            "it would still be wrong: layer 25 (Detect) names nc, the number of classes, and the file",
            id="another-error",
        ),
    ],
)
def test_why_a_file_is_left_alone(cli: Cli, text: str, reason: str) -> None:
    Path("mine.yaml").write_text(text)
    done = cli("check", "mine.yaml", "--fix", "--wiring")
    assert f"left      mine.yaml: no reference was changed: {reason}" in done.err
    said = json.loads(cli("check", "mine.yaml", "--fix", "--wiring", "--output-format", "json").out)
    ((file, message),) = [one.values() for one in said["left"]]
    assert (file, message.startswith(reason), said["rewired"]) == ("mine.yaml", True, [])
    assert Path("mine.yaml").read_text() == text
    assert "left" not in cli("check", "mine.yaml", "--fix").err


def test_two_bases_that_say_different_things() -> None:
    """SimAM is layer 1; the Concat should read 2 by one base and 3 by the other."""
    bases = [
        architectures.parse(f"{name}:Conv/2 C3 C3 C3|Concat@3,{source} Detect@4")
        for name, source in (("one", 1), ("other", 2))
    ]
    layers = architectures.parse("x:Conv/2 SimAM C3 C3 C3|Concat@4,1 Detect@5").layers
    found = matching.match(layers, bases)
    assert found
    assert found.wrong_readers[0].expected == [4, 2]
    rival = matching.rival(layers, bases, found)
    assert rival
    assert (rival.base.name, rival.wrong_readers[0].expected) == ("other", [4, 3])
    assert matching.rival(layers, bases[:1], found) is None


def test_two_answers_of_two_bases_are_both_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = ["Conv, [8, 3, 2]", "SimAM, [8]", "C3, [8]", "C3, [8]", "C3, [8]"]
    text = "nc: 1\nbackbone:\n" + "".join(f"  - [-1, 1, {row}]\n" for row in rows)
    text += "head:\n  - [[4, 1], 1, Concat, [1]]\n  - [[5], 1, Detect, [nc]]\n"
    lines = [
        f"{name}:Conv/2 C3 C3 C3|Concat@3,{source} Detect@4" for name, source in (("one", 1), ("other", 2))
    ]
    monkeypatch.setattr(architectures, "wirings", lambda: tuple(map(architectures.parse, lines)))
    Path("mine.yaml").write_text(text)
    done = cli("check", "mine.yaml", "--fix", "--wiring")
    said = "two answers are possible: layer 5 (Concat) reads [4, 2], or [4, 3] (made from one or other)"
    assert said in done.err
    assert Path("mine.yaml").read_text() == text


def generated(*command: str, cli: Cli) -> str:
    assert cli("add", *command, "-o", "made.yaml").code == 0
    return Path("made.yaml").read_text()


@pytest.mark.parametrize(
    ("command", "old", "new"),
    [
        # layer 9 is SPPF and 10 SimAM
        pytest.param(
            ("SimAM", "yolov5s", "--after", "9"), "[[-1, 11], 1, Concat", "[[-1, 12], 1, Concat", id="other"
        ),
        pytest.param(
            ("SimAM", "yolov5s", "--after", "9"), "[-1, 1, SimAM", "[-2, 1, SimAM", id="injected-row"
        ),
        pytest.param(
            ("SimAM", "yolov5s", "--after", "6"), "[[-1, 7], 1, Concat", "[[-1, 6], 1, Concat", id="past"
        ),
        pytest.param(
            ("SimAM", "yolov5s", "--after", "4", "--readers", "Concat"),
            "[-2, 1, Conv",
            "[-1, 1, Conv",
            id="branch",
        ),
        pytest.param(
            ("SimAM", "yolov5s", "--after", "9"),
            "[[-1, 15], 1, Concat",
            "[[-1, -5], 1, Concat",
            id="spelling",
        ),
        pytest.param(("SimAM", "yolov5s", "--after", "9"), "[18, 21, 24]", "[21, 18, 24]", id="order"),
    ],
)
def test_a_generated_file_becomes_what_its_command_gives(
    cli: Cli, command: tuple[str, ...], old: str, new: str
) -> None:
    """Its command says more than its base: who goes past the attention, how a number is written."""
    right = generated(*command, cli=cli)
    wrong = broken((old, new), text=right).replace("nc: 80", "nc: 7")
    Path("made.yaml").write_text(wrong)
    assert "YI603" in cli("check", "made.yaml").out
    done = cli("check", "made.yaml", "--fix", "--wiring")
    assert (done.code, Path("made.yaml").read_text()) == (0, right.replace("nc: 80", "nc: 7")), done.err


def test_a_generated_file_with_other_edits_is_left_alone(cli: Cli) -> None:
    right = generated("SimAM", "yolov5s", "--after", "9", cli=cli)
    wrong = broken(STALE[0], ("SPPF, [1024, 5]", "SPPF, [1024, 7]"), text=right)
    Path("made.yaml").write_text(wrong)
    done = cli("check", "made.yaml", "--fix", "--wiring")
    assert "left      made.yaml: no reference was changed: it would still be wrong: " in done.err
    assert (done.code, Path("made.yaml").read_text()) == (1, wrong)


def test_two_attentions_that_read_one_layer(cli: Cli) -> None:
    """Whoever reads that layer could read either; here 10 and 11 both read SPPF, layer 9."""
    text = (
        load("yolov5s").add("SimAM", after="SPPF", provenance=False).add("SE", "9", provenance=False).text
    )
    both = broken(("[-1, 1, SimAM", "[-2, 1, SimAM"), text=text) if "[-1, 1, SimAM" in text else text
    both = both.replace("[-1, 1, Conv, [512, 1, 1]]", "[9, 1, Conv, [512, 1, 1]]", 1)
    Path("mine.yaml").write_text(both)
    done = cli("check", "mine.yaml", "--fix", "--wiring", "--bypassed")
    assert "two answers are possible: layer 10 (SE) and layer 11 (SimAM) both read layer 9" in done.err
    assert Path("mine.yaml").read_text() == both


def test_rows_as_items(cli: Cli) -> None:
    """Each item of a row, and each reference, on a line of its own."""

    def block(text: str) -> str:
        return yaml.safe_dump(yaml.safe_load(text), sort_keys=False)

    Path("mine.yaml").write_text(block(broken(*STALE)))
    assert cli("check", "mine.yaml", "--fix", "--wiring").code == 0
    assert Path("mine.yaml").read_text() == block(inserted())


def test_a_link_out_of_the_repository_is_not_followed(cli: Cli) -> None:
    Path("repository/.git").mkdir(parents=True)
    Path("mine.yaml").write_text(broken(*STALE))
    Path("repository/link.yaml").symlink_to(Path("mine.yaml").absolute())
    assert cli("check", "repository/link.yaml", "--fix", "--wiring").code == 2
    assert Path("mine.yaml").read_text() == broken(*STALE)


def test_folders_in_several_processes(cli: Cli) -> None:
    Path("models").mkdir()
    for number in range(6):
        Path(f"models/{number}.yaml").write_text(broken(*STALE))
    done = cli("check", "models", "--fix", "--wiring", "--jobs", "2")
    assert (done.code, done.err.count("[17, 20, 23] -> [18, 21, 24]")) == (0, 6)
    assert done.err.count(WARNED) == done.err.count(f"{WARNED} these models") == 1
    assert {path.read_text() for path in Path("models").iterdir()} == {inserted()}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_it_writes(tmp_path: Path, call: str) -> None:
    """The file is the old one or the new one, whole; the next run finishes the work."""
    path = tmp_path / "mine.yaml"
    path.write_text(broken(*STALE))
    code = (
        "import os, signal, sys; from yamlinject.__main__ import main\n"
        f"os.{call} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"sys.argv = ['yamlinject', 'check', {str(path)!r}, '--fix', '--wiring']; main()"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
    assert path.read_text() == broken(*STALE)
    done = subprocess.run(
        [sys.executable, "-m", "yamlinject", "check", str(path), "--fix", "--wiring"], check=False
    )
    assert (done.returncode, path.read_text()) == (0, inserted())


# --- public files


def mended(path: Path, *, bypassed: bool = False) -> Config | None:
    config = Config(path.name, path.read_bytes(), path=path)
    try:
        found = rewired(Subject(config), bypassed=bypassed)
    except YamlInjectError:  # it is not sure
        return None
    return found.config if found else None


def edited(verdict: str) -> list[Path]:
    with (CORPUS / "edited.csv").open(encoding="utf-8") as file:
        names = [row["file"] for row in csv.DictReader(file) if row["verdict"] == verdict]
    return [CORPUS / "edited" / name for name in names]


@pytest.mark.corpus
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


@pytest.mark.corpus
@needs_corpus
def test_mended_public_files_are_what_an_insertion_gives() -> None:
    """By the independent insertion: 21 at once, the others when nothing goes past the inserted layers."""
    with (CORPUS / "edited.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["tier"] and row["verdict"] == "c"]
    same = {False: 0, True: 0}
    for row in rows:
        below: dict[int, list[list[object]]] = {}
        for position in row["positions"].split():
            below.setdefault(int(position.partition(":")[0]), []).append([1, "new", []])
        base = (CORPUS / "base" / row["base"]).read_bytes()
        full = oracle.inserted(oracle.read(oracle.decode(base))[0], below)
        right = [sources for _, _, sources in oracle.graph(full)]
        for bypassed in same:
            after = mended(CORPUS / "edited" / row["file"], bypassed=bypassed)
            if after:
                graph = oracle.graph(oracle.read(after.text)[0])
                same[bypassed] += [sources for _, _, sources in graph] == right
    assert (len(rows), same) == (41, {False: 21, True: 40})


@pytest.mark.corpus
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
