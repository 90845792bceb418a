"""Attention on one branch: only some readers of a target read the new layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import oracle
from tests.conftest import EXHAUSTIVE, shipped
from tests.strategies import Sample, samples
from tests.support import BASE, Cli, check_undone
from yamlinject import Config, SelectorError, check, load
from yamlinject.core.layer import Layer

ON_BRANCH = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]  # 0
  - [-1, 1, C3, [16]]  # 1
  - [-1, 1, SimAM, [16]]  # 2
  - [-2, 1, SPPF, [16, 5]]  # 3
head:
  - [[-1, 2], 1, Concat, [1]]  # 4
  - [-1, 1, C3, [32]]  # 5
  - [[5], 1, Detect, [nc]]  # 6
"""


def read_by(layers: list[Layer]) -> dict[int, Any]:
    return {layer.index: layer.from_ for layer in layers if layer.from_ != -1}


def test_only_the_skip_connection_reads_the_attention() -> None:
    """yolov5s by hand: layer 4 is read by the Conv below it and by the Concat 16."""
    result = load("yolov5s").add("SimAM", after="4", readers="Concat")
    assert result.layers[5].row == [-1, 1, "SimAM", [256]]
    assert read_by(result.layers) == {
        6: -2,  # the Conv below, which read -1
        13: [-1, 7],
        17: [-1, 5],  # the Concat of the skip connection
        20: [-1, 15],
        23: [-1, 11],
        25: [18, 21, 24],
    }
    assert result.undone.to_bytes() == load("yolov5s").to_bytes()


def test_only_the_layer_below_reads_the_attention() -> None:
    result = load("yolov5s").add("SimAM", after="4", readers="5")
    assert read_by(result.layers) == {
        13: [-1, 7],
        17: [-1, 4],  # the Concat still reads the C3
        20: [-1, 15],
        23: [-1, 11],
        25: [18, 21, 24],
    }


def test_several_targets_and_two_layers_for_each() -> None:
    """After 4 and 6, each twice: 5 and 6 below 4, and 9 and 10 below 8, which was 6."""
    result = load("yolov5s").add("SimAM", after=["4,4", "6,6"], readers=["12", "all/Concat@1"])
    assert [layer.index for layer in result.layers if layer.module == "SimAM"] == [5, 6, 9, 10]
    assert read_by(result.layers) == {
        7: -3,  # Conv
        11: -3,  # Conv
        16: [-1, 10],
        20: [-1, 6],
        23: [-1, 18],
        26: [-1, 14],
        28: [21, 24, 27],
    }


def test_the_detection_head_alone() -> None:
    result = load("yolov5s").add("SimAM", after="17,20", readers="Detect")
    assert read_by(result.layers)[26] == [18, 22, 25]
    assert result.layers[19].row[:3] == [-2, 1, "Conv"]


def test_all_readers_by_name_are_all_readers() -> None:
    by_name = load("yolov5s").add("SimAM", after="9", readers="Conv", provenance=False)
    assert by_name.to_bytes() == load("yolov5s").add("SimAM", after="9", provenance=False).to_bytes()


def test_on_the_command_line(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    words = ["add", "SimAM", "base.yaml", "--after", "1", "--readers", "Concat", "-o", "new.yaml"]
    assert cli(*words).code == 0
    line, rest = (tmp_path / "new.yaml").read_text().split("\n", 1)
    assert "add SimAM base.yaml --after 1 --readers Concat (at 2; " in line
    assert rest == ON_BRANCH
    assert cli(*words).code == 0
    assert cli("remove", "SimAM", "new.yaml", "-o", "back.yaml").code == 0
    assert (tmp_path / "back.yaml").read_text() == BASE


@pytest.mark.parametrize(
    ("after", "readers", "message"),
    [
        ("4", "7", "layer 7 (Conv) does not read layer 4 (C3); the readers are layer 5 (Conv), layer 16"),
        ("4", "Detect", "layer 24 (Detect) does not read layer 4 (C3)"),
        ("4", "C3", "none of the 8 C3 reads layer 4 (C3)"),
        ("4", "Concat@0", "layer 12 (Concat) does not read layer 4 (C3)"),
        ("4,6", "5", "none of the `readers` reads layer 6 (C3); its readers are layer 7 (Conv), layer 12"),
        ("4", "5,7", "layer 7 (Conv) does not read"),
        ("4", "Nothing", "there is no module Nothing"),
        ("4", "25", "there is no layer 25"),
        ("4", "", "selector '' is not one of"),
        ("4", ",".join(["5"] * 201), "201 selectors"),
    ],
)
def test_invalid_readers(after: str, readers: str, message: str) -> None:
    with pytest.raises(SelectorError) as refused:
        load("yolov5s").add("SimAM", after=after, readers=readers)
    assert message in str(refused.value)


def test_the_error_names_the_option(cli: Cli, tmp_path: Path) -> None:
    result = cli("add", "SimAM", "--after", "4", "--readers", "7")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("yamlinject: error: yolov5s: --readers 7: layer 7 (Conv) does not read")
    assert not list(tmp_path.iterdir())


def bypasses(config: Config) -> int:
    return [finding.rule.code for finding in check(config)].count("YI305")


def test_check_warns_of_a_bypass_that_was_not_asked_for() -> None:
    asked_for = load("yolov5s").add("SimAM", after="4", readers="Concat")
    assert check(asked_for) == []
    by_hand = Config("mine.yaml", asked_for.to_bytes().split(b"\n", 1)[1])
    assert bypasses(by_hand) == 1
    # what one line asked for excuses no other layer
    stacked = asked_for.add("SE", after="7")
    assert bypasses(stacked) == 0
    edited = stacked.text.replace("[-1, 1, Conv, [1024", "[-2, 1, Conv, [1024")
    assert bypasses(Config("mine.yaml", edited.encode())) == 1


def expected(data: oracle.Data, target: int, channels: int | None, chosen: set[int]) -> oracle.Data:
    """The graph with one SimAM below ``target`` for the readers ``chosen``, on PyYAML's data."""
    result: oracle.Data = {**data, "backbone": [], "head": []}
    index = 0
    for section in ("backbone", "head"):
        for row in data[section]:
            listed = isinstance(row[0], list)
            numbers = []
            for number in row[0] if listed else [row[0]]:
                source = number if number >= 0 else index + number
                new = source + (source > target)
                if source == target and index in chosen:
                    new = target + 1
                place = index + (index > target)
                numbers.append(new if number >= 0 else new - place)
            result[section].append([numbers if listed else numbers[0], *row[1:]])
            if index == target:
                result[section].append([-1, 1, "SimAM", [channels] if channels else []])
            index += 1
    return result


def sources(index: int, row: list[Any]) -> list[int]:
    numbers = row[0] if isinstance(row[0], list) else [row[0]]
    return [number if number >= 0 else index + number for number in numbers]


def check_every_reader(name: str, data: bytes, step: int = 1) -> int:
    """Insert for each single reader of each target; returns how many insertions that were."""
    loaded = yaml.load(oracle.decode(data), yaml.CSafeLoader)
    rows, illegal = [*loaded["backbone"], *loaded["head"]], oracle.illegal(loaded)
    channels, done = oracle.channels(loaded), 0
    for target in sorted(set(range(len(rows))) - illegal)[::step]:
        for reader in [index for index, row in enumerate(rows) if target in sources(index, row)]:
            config = Config(name, data)
            known = channels[target]
            args = None if known else "[]"
            result = config.add("SimAM", str(target), readers=str(reader), args=args)
            got = yaml.load(oracle.decode(result.to_bytes()), yaml.CSafeLoader)
            assert repr(got) == repr(expected(loaded, target, known, {reader})), (name, target, reader)
            again = Config(name, result.to_bytes())
            assert again.undone.to_bytes() == data
            check_undone(again)
            done += 1
    return done


@given(samples(max_layers=8))
@settings(max_examples=250 if EXHAUSTIVE else 10, deadline=None)
def test_random_configs(sample: Sample) -> None:
    check_every_reader("sample.yaml", sample.data)


@given(st.data(), samples())
@settings(max_examples=250 if EXHAUSTIVE else 15, deadline=None)
def test_several_readers_at_random(data: st.DataObject, sample: Sample) -> None:
    loaded = yaml.safe_load(oracle.decode(sample.data))
    rows = [*loaded["backbone"], *loaded["head"]]
    resolved = [
        [
            number if number >= 0 else index + number
            for number in (row[0] if isinstance(row[0], list) else [row[0]])
        ]
        for index, row in enumerate(rows)
    ]
    targets = [index for index in range(len(rows) - 1) if any(index in read for read in resolved)]
    target = data.draw(st.sampled_from(targets))
    readers = [index for index, read in enumerate(resolved) if target in read]
    chosen = data.draw(st.sets(st.sampled_from(readers), min_size=1))
    words = ",".join(map(str, sorted(chosen)))
    result = Config("in.yaml", sample.data).add("SimAM", str(target), readers=words, args="[7]")
    assert repr(yaml.safe_load(oracle.decode(result.to_bytes()))) == repr(
        expected(loaded, target, 7, chosen)
    )
    assert Config("out.yaml", result.to_bytes()).remove("SimAM").to_bytes() == sample.data


@pytest.mark.corpus
@pytest.mark.framework
@pytest.mark.parametrize("package", ["yolov5", "ultralytics"])
def test_every_reader_of_the_shipped_configs(package: str) -> None:
    folder = {"yolov5": "models", "ultralytics": "cfg/models"}[package]
    files = [
        path for path in shipped(package, folder) if not oracle.problem(oracle.decode(path.read_bytes()))
    ]
    files = files[:: 1 if EXHAUSTIVE else 3]
    assert sum(check_every_reader(path.name, path.read_bytes(), step=7) for path in files) > 30
