"""Properties that hold for every config, computed on what PyYAML reads and on bytes alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.conftest import EXHAUSTIVE
from tests.strategies import BOM, LINE_STYLES, Model, Sample, models, picks, samples
from tests.support import check_undone
from yamlinject import Config, SelectorError, SourceError, YamlInjectError
from yamlinject.core import edits
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.removal import remove
from yamlinject.core.selectors import parse
from yamlinject.core.source import Source

TIMES = 20 if EXHAUSTIVE else 1

ci = settings(
    derandomize=True,
    database=None,
    max_examples=20 * TIMES,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow],
)

Row = list[Any]


def rows_of(data: bytes) -> list[Row]:
    loaded = yaml.safe_load(data)
    return [*loaded["backbone"], *loaded["head"]]


def references(row: Row) -> list[int]:
    return list(row[0]) if isinstance(row[0], list) else [row[0]]


def resolved(index: int, row: Row) -> list[int]:
    """The layers that a row reads; -1 is the image."""
    return [reference if reference >= 0 else index + reference for reference in references(row)]


def selectors(targets: list[int]) -> list[str]:
    return [str(target) for target in targets]


def add(data: bytes, targets: list[int], *, provenance: bool = True, fix_comments: bool = False) -> Config:
    config = Config("in.yaml", data)
    return config.add("SimAM", selectors(targets), provenance=provenance, fix_comments=fix_comments)


def check_graph(model: Model, targets: list[int], after: list[Row]) -> None:
    """Collapsing the injected layers gives the base graph, and readers of a target read below it."""
    before = model.rows
    moved = [index + sum(target < index for target in targets) for index in range(len(before))]
    read = [moved[index] + targets.count(index) for index in range(len(before))]
    assert len(after) == len(before) + len(targets)
    kept = set(moved)
    for target in targets:
        for index in range(moved[target] + 1, read[target] + 1):
            assert index not in kept
            assert after[index] == [-1, 1, "SimAM", [model.channels[target]]]
    for old, row in enumerate(before):
        new = after[moved[old]]
        assert new[1:] == row[1:]
        assert isinstance(new[0], list) == isinstance(row[0], list)
        assert [reference < 0 for reference in references(new)] == [
            reference < 0 for reference in references(row)
        ]
        assert resolved(moved[old], new) == [
            read[source] if source >= 0 else source for source in resolved(old, row)
        ]


@given(samples())
@ci
def test_the_strategy_writes_what_it_means(sample: Sample) -> None:
    assert rows_of(sample.data) == sample.model.rows


@given(st.data(), samples(), st.booleans())
@ci
def test_remove_restores_the_bytes(data: st.DataObject, sample: Sample, fix_comments: bool) -> None:
    added = add(sample.data, data.draw(picks(sample)), fix_comments=fix_comments)
    assert added.to_bytes() != sample.data
    again = Config("out.yaml", added.to_bytes())
    removed = again.remove("SimAM")
    assert removed.to_bytes() == again.undone.to_bytes() == sample.data
    assert removed.exact
    check_undone(again)


@given(st.data(), samples(), st.booleans())
@ci
def test_injected_layers_collapse_to_the_base_graph(
    data: st.DataObject, sample: Sample, provenance: bool
) -> None:
    targets = data.draw(picks(sample))
    added = add(sample.data, targets, provenance=provenance)
    check_graph(sample.model, targets, rows_of(added.to_bytes()))
    if provenance:
        again = Config("out.yaml", added.to_bytes())
        assert all(again.layers[index].module == "SimAM" for index in again.injected)
        assert len(again.injected) == len(targets)


@given(st.data(), samples())
@ci
def test_two_additions_are_undone_last_first(data: st.DataObject, sample: Sample) -> None:
    first = Config("one.yaml", add(sample.data, data.draw(picks(sample))).to_bytes())
    more = data.draw(st.lists(st.integers(0, len(first.layers) - 2), min_size=1, max_size=3))
    args = data.draw(st.sampled_from([None, "[7]"]))
    module = "SimAM" if args is None else "Other"
    second = Config("two.yaml", first.add(module, selectors(more), args=args).to_bytes())
    assert len(second.injected) == len(first.injected) + len(more)
    undone = second.remove(module)
    assert undone.to_bytes() == first.to_bytes()
    assert undone.remove("SimAM").to_bytes() == sample.data


@given(samples(max_layers=6, newlines=False))
@settings(ci, max_examples=2 * TIMES)
def test_every_position_with_every_line_break(sample: Sample) -> None:
    text = sample.data
    variants = {
        "lf": text,
        "crlf": text.replace(b"\n", b"\r\n"),
        "cr": text.replace(b"\n", b"\r"),
        "bom": BOM + text,
        "bom and crlf": BOM + text.replace(b"\n", b"\r\n"),
        "no final newline": text.rstrip(b"\n"),
    }
    for target in sample.targets:
        expected = add(text, [target], provenance=False).to_bytes()
        check_graph(sample.model, [target], rows_of(expected))
        for name, variant in variants.items():
            added = add(variant, [target], provenance=False).to_bytes()
            if name != "no final newline":
                as_lf = added.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                assert as_lf == expected, name
                assert added.startswith(BOM) == name.startswith("bom")
                assert added.count(b"\r") == expected.count(b"\n") * ("cr" in name)
            check_graph(sample.model, [target], rows_of(added))
            generated = add(variant, [target]).to_bytes()
            assert Config("out.yaml", generated).remove("SimAM").to_bytes() == variant, name


@given(st.data(), samples(styles=LINE_STYLES, newlines=False))
@ci
def test_only_numbers_change_outside_the_new_lines(data: st.DataObject, sample: Sample) -> None:
    """If every row has its own lines, the other lines keep all but layer numbers and a comma."""

    def shape(line: bytes) -> bytes:
        return re.sub(rb"-?[0-9]+", b"N", line).replace(b"],", b"]")

    targets = data.draw(picks(sample))
    before = sample.data.split(b"\n")
    after = add(sample.data, targets, provenance=False).to_bytes().split(b"\n")
    assert len(after) == len(before) + len(targets)
    old = [shape(line) for line in before]
    new = [shape(line) for line in after]
    for line in old:
        assert line in new
        new.remove(line)
    assert all(b"SimAM" in line for line in new)


@given(models())
@settings(ci, max_examples=10 * TIMES)
def test_nothing_picked_changes_nothing(model: Model) -> None:
    text = yaml.safe_dump(
        {"nc": 3, "backbone": model.backbone, "head": model.head}, default_flow_style=None
    )
    config = Config("in.yaml", text.encode())
    with pytest.raises(SelectorError):
        config.add("SimAM", after="NoSuchModule")
    assert config.to_bytes() == text.encode()


@given(st.data(), models())
@settings(ci, max_examples=12 * TIMES)
def test_dumped_configs(data: st.DataObject, model: Model) -> None:
    """What PyYAML writes itself, in flow and block style."""
    flow = data.draw(st.sampled_from([None, True, False]))
    values = {"nc": 3, "backbone": model.backbone, "head": model.head}
    width = data.draw(st.sampled_from([20, 80]))
    text = yaml.dump(values, Dumper=NoAliases, default_flow_style=flow, width=width).encode()
    targets = data.draw(picks(Sample(model, text)))
    added = add(text, targets)
    check_graph(model, targets, rows_of(added.to_bytes()))
    assert Config("out.yaml", added.to_bytes()).remove("SimAM").to_bytes() == text


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@given(st.binary())
@example(BOM)
@example(BOM + BOM)
@example(b"\xff")
@example("é\udcff".encode("utf-8", "surrogateescape"))
@example("\ud800".encode("utf-8", "surrogatepass"))
@ci
def test_source_round_trip(data: bytes) -> None:
    data = data.replace(b"\0", b"")
    try:
        source = Source.from_bytes(data)
    except SourceError:
        assert data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return
    assert source.to_bytes() == data
    assert source.bom == data.startswith(BOM)
    assert edits.apply(source.text, []) == source.text


@st.composite
def texts_with_edits(draw: st.DrawFn) -> tuple[str, list[Edit], str]:
    """A text as pieces of which some are replaced: the edits, and the text that they have to give."""
    pieces = draw(st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=5)), max_size=8))
    changes: list[Edit] = []
    offset = 0
    for old, new in pieces:
        if new is not None:
            changes.append(Edit(offset, offset + len(old), new))
        offset += len(old)
    expected = "".join(old if new is None else new for old, new in pieces)
    return "".join(old for old, _ in pieces), changes, expected


@given(texts_with_edits())
@ci
def test_edits_give_the_pieces(case: tuple[str, list[Edit], str]) -> None:
    text, changes, expected = case
    assert edits.apply(text, changes) == expected


@given(
    st.text(max_size=20),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=2, max_size=5),
)
@ci
def test_edits_never_apply_in_part(text: str, spans: list[tuple[int, int]]) -> None:
    """Either two spans share a character and that is an error, or the kept characters are all kept."""
    changes = [Edit(min(span), max(span), "") for span in spans if max(span) <= len(text)]
    covered = [offset for start, end, _ in changes for offset in range(start, end)]
    try:
        result = edits.apply(text, changes)
    except ValueError:
        inside = any(start < other[0] < end for start, end, _ in changes for other in changes)
        assert inside or len(covered) != len(set(covered))
    else:
        assert len(covered) == len(set(covered))
        assert result == "".join(char for offset, char in enumerate(text) if offset not in covered)


YAML_PIECES = st.sampled_from(
    [
        *"[]{},:-#&*!|>'\"%@`?~ \n\r\t\x0c\x85\u2028",
        *(
            "backbone:",
            "head:",
            "\n  - ",
            "[-1, 1, Conv, [8]]",
            "[[0, 1], 1, Detect, []]",
            "&a ",
            "*a",
            "<<: ",
        ),
        *(
            "---\n",
            "...\n",
            "!!python/none ",
            "!!int ",
            "1e3",
            "0x1",
            "2001-13-45",
            "1:2",
            "\ufeff",
            "\udcff",
            "é",
        ),
        *("backbone: [[-1, 1, Conv, [8]]]\n", "head: [[[0], 1, Detect, []]]\n", "[" * 50, "- " * 50),
    ]
)


def expect_only_our_errors(text: str) -> None:
    message = ""
    try:
        document = Document.parse(text)
        document.check_references()
        remove(document, "Conv")
    except YamlInjectError as error:
        message = str(error)
    assert "\n" not in message


@given(st.text())
@example("")
@example("backbone: [[-1, 1, Conv, [8]]]\nhead: [[0, 1, Detect, []]]\n? [a]\n: b\n")
@example("backbone: &a [[-1, 1, Conv, [8]]]\nhead: *a\n")
@example("backbone: &a [*a]\nhead: []\n")
@example("backbone: !!set {}\nhead: []\n")
@example("? {a: b}\n: c\n")
@example("a: 2001-13-45")
@example("- " * 500)
@example("[" * 500)
@example("!!int ")
@example("!!int _")
@example("!!bool maybe")
@example("!!timestamp never")
@example("!!float x")
@example("!!binary é")
@example("a: " + "9" * 5000)
@example("{backbone: [[-1, 1, Conv, [8]]], head: [[0, 1, Detect, []]], !!binary é: 1}")
@ci
def test_any_text_gives_a_document_or_one_of_our_errors(text: str) -> None:
    expect_only_our_errors(text)


@given(st.lists(YAML_PIECES, max_size=15).map("".join))
@settings(ci, max_examples=75 * TIMES)
def test_any_yaml_like_text_gives_a_document_or_one_of_our_errors(text: str) -> None:
    expect_only_our_errors(text)


@given(st.data(), samples(max_layers=5))
@settings(ci, max_examples=20 * TIMES)
def test_a_damaged_config_is_rewritten_rightly_or_refused(data: st.DataObject, sample: Sample) -> None:
    text = sample.data.decode("utf-8-sig")
    offset = data.draw(st.integers(0, len(text)))
    damaged = text[:offset] + data.draw(YAML_PIECES) + text[offset + data.draw(st.integers(0, 2)) :]
    encoded = damaged.encode("utf-8", "surrogateescape")
    try:
        added = add(encoded, [0])
    except YamlInjectError:
        return
    assert Config("out.yaml", added.to_bytes()).remove("SimAM").to_bytes() == encoded
    readable = damaged.encode("utf-8", "ignore")
    before = rows_of(readable)
    after = rows_of(add(readable, [0], provenance=False).to_bytes())
    channels = after[1][3]
    assert after[1] == [-1, 1, "SimAM", channels]
    assert [row[1:] for row in after[:1] + after[2:]] == [row[1:] for row in before]


@given(st.text())
@example("C3@")
@example("٣")
@example("C3@٣")
@example("9" * 5000)
@example("C3@" + "9" * 5000)
@example("C3@-")
@example("\n1")
@example("1\n")
@example("Ünicode")
@ci
def test_any_selector_parses_or_is_a_selector_error(text: str) -> None:
    try:
        found = parse(text)
    except SelectorError:
        return
    assert len(found) == text.count(",") + 1


@given(st.text(alphabet="abC3@:-0123456789/,. _\n", max_size=12))
@settings(ci, max_examples=75 * TIMES)
def test_any_selector_like_text_parses_or_is_a_selector_error(text: str) -> None:
    try:
        found = parse(text)
    except SelectorError:
        return
    for selector, part in zip(found, text.split(","), strict=True):
        what, _, pick = part.strip().partition("@")
        assert str(selector.what) == what.rpartition("/")[2] or int(what) == selector.what
        assert (selector.pick is None) == (not pick)
