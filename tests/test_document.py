from __future__ import annotations

import re

import pytest

from yamlinject import ConfigError, RefusalError, SourceError
from yamlinject.core.document import Document
from yamlinject.core.lines import Line, Lines
from yamlinject.core.source import MAX_BYTES, Source
from yamlinject.errors import Place, YamlInjectError, named

HEAD = "head: [[[0], 1, Detect, []]]\n"
ROW = "  - [-1, 1, Conv, [8]]\n"


def spans(text: str) -> list[tuple[str, list[str]]]:
    """What the spans of each row hold: the row and its references."""
    document = Document.parse(text)
    return [
        (text[slice(*row.span)], [text[slice(*one)] for one in row.references]) for row in document.rows
    ]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_spans_in_brackets(newline: str) -> None:
    text = (
        "# é\n"
        "backbone:\n"
        "  [[-1, 1, Conv, [8, 3]],  # 0\n"
        "   [ -1 , 1, C3,  # it\n"
        "    [8] ] , [[0,-1], 1, Concat, [1]]]\n"
        "head: [[[0, +2, 0x1,], 1, 'Detect', []]]"
    ).replace("\n", newline)
    assert spans(text) == [
        ("[-1, 1, Conv, [8, 3]]", ["-1"]),
        (f"[ -1 , 1, C3,  # it{newline}    [8] ]", ["-1"]),
        ("[[0,-1], 1, Concat, [1]]", ["0", "-1"]),
        ("[[0, +2, 0x1,], 1, 'Detect', []]", ["0", "+2", "0x1"]),
    ]


def test_spans_of_items_end_before_later_comments() -> None:
    text = (
        "head:\n"
        "- - - -1 # a\n"
        "    - 0\n"
        "  - 1\n"
        "  - Detect\n"
        "  - - nc\n"
        "    - # nothing\n"
        "# c\n"
        "\n"
        "backbone:\n"
        "  - - -1\n"
        "    - 1\n"
        "    - Conv\n"
        "    - []\n"
        "  # b\n"
        "  -   [-1, 1, C3, [8]]   # d\n"
        "  # e\n"
    )
    assert spans(text) == [
        ("- -1\n    - 1\n    - Conv\n    - []", ["-1"]),
        ("[-1, 1, C3, [8]]", ["-1"]),
        (text[text.index("- - -1 # a") : text.index(" # nothing")], ["-1", "0"]),
    ]


def test_layers_count_through_backbone_and_head_wherever_they_are() -> None:
    document = Document.parse(
        "head: [[[-1, 0], 1, Detect, [nc, 1e-4]]]\nbackbone: [[-1, 3, Conv, [010, yes]], [0, 1, C3, []]]\n"
    )
    found = [
        (layer.index, layer.section, layer.from_, layer.number, layer.module) for layer in document.layers
    ]
    assert found == [
        (0, "backbone", -1, 3, "Conv"),
        (1, "backbone", 0, 1, "C3"),
        (2, "head", [-1, 0], 1, "Detect"),
    ]
    # as PyYAML reads them
    assert [layer.args for layer in document.layers] == [[8, True], [], ["nc", "1e-4"]]


def test_flow_tells_brackets_from_items() -> None:
    document = Document.parse(f"backbone:\n{ROW}{HEAD}")
    assert document.flow == {"backbone": False, "head": True}
    assert document.data == {"backbone": [[-1, 1, "Conv", [8]]], "head": [[[0], 1, "Detect", []]]}
    assert document.place(0) == Place(2, 5)
    assert document.place(1) == Place(3, 8)


@pytest.mark.parametrize(
    ("text", "channels"), [("", 3), ("ch: 1\n", 1), ("ch: [1]\n", 3), ("ch: x\n", 3), ("ch: true\n", 3)]
)
def test_image_channels(text: str, channels: int) -> None:
    assert Document.parse(f"{text}backbone:\n{ROW}{HEAD}").image_channels == channels


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", None, "no backbone and head"),
        ("# only\n", None, "no backbone and head"),
        ("just text\n", None, "no backbone and head"),
        ("- 1\n", None, "no backbone and head"),
        ("nc: 3\n", None, "no 'backbone' list"),
        (f"backbone:\n{ROW}", None, "no 'head' list"),
        (f"nc: 3\nbackbone: 5\n{HEAD}", (2, 1), "'backbone' has to be a list"),
        (f"backbone:\n{HEAD}", None, "'backbone' has to be a list"),
        (f"backbone: {{a: 1}}\n{HEAD}", (1, 1), "'backbone' has to be a list"),
        (f"backbone:\n{ROW}head: text\n", (3, 1), "'head' has to be a list"),
        (f"backbone:\n{ROW}  - Conv\n{HEAD}", (3, 5), "layer 1: a row is a list .* this is a string"),
        (f"backbone:\n{ROW}  -\n{HEAD}", None, "layer 1: a row is a list .* this is a null"),
        (f"backbone:\n  - {{a: 1}}\n{HEAD}", (2, 5), "layer 0: a row is a list .* this is a mapping"),
        (f"backbone:\n{ROW}  - 12\n{HEAD}", (3, 5), "layer 1: .* this is a int"),
        (f"backbone:\n  - [-1, 1, Conv]\n{HEAD}", (2, 5), "layer 0: a row has 4 items .* has 3"),
        (f"backbone:\n  - [-1, 1, Conv, [8], 0]\n{HEAD}", (2, 5), "has 5"),
        (f"backbone:\n  - []\n{HEAD}", (2, 5), "has 0"),
        (f"backbone:\n  - [x, 1, Conv, [8]]\n{HEAD}", (2, 6), "layer 0: 'from' .* not 'x'"),
        (f"backbone:\n  - [1.0, 1, Conv, [8]]\n{HEAD}", (2, 6), "'from' .* not 1.0"),
        (f"backbone:\n  - [true, 1, Conv, [8]]\n{HEAD}", (2, 6), "'from' .* not True"),
        (f"backbone:\n  - [[-1, [0]], 1, Conv, [8]]\n{HEAD}", (2, 6), "'from'"),
        (f"backbone:\n  - [ , 1, Conv, [8]]\n{HEAD}", (2, 7), "not valid YAML"),
        (f"backbone:\n  - [-1, x, Conv, [8]]\n{HEAD}", (2, 10), "'number' has to be an integer, not 'x'"),
        (f"backbone:\n  - [-1, 1.0, Conv, [8]]\n{HEAD}", (2, 10), "'number'"),
        (f"backbone:\n  - [-1, 1, 5, [8]]\n{HEAD}", (2, 13), "'module' has to be a name, not 5"),
        (f"backbone:\n  - [-1, 1, Conv, 8]\n{HEAD}", (2, 19), "'args' has to be a list, not 8"),
        (f"backbone:\n  - [-1, 1, Conv, {{}}]\n{HEAD}", (2, 19), "'args' has to be a list"),
        (f"nc: 3\nbackbone:\n{ROW}{HEAD}nc: 4\n", (5, 1), "duplicate key 'nc'"),
        (f"backbone:\n{ROW}{HEAD}backbone:\n{ROW}", (4, 1), "duplicate key 'backbone'"),
        (f"a: {{b: 1, c: [{{d: 1, d: 2}}]}}\nbackbone:\n{ROW}{HEAD}", (1, 22), "duplicate key 'd'"),
        (f"backbone:\n{ROW}{HEAD}neck:\n{ROW}", (4, 1), "'neck' holds layers too"),
        ("a: [\n", (2, 1), "not valid YAML"),
        ("a: 1\nb: 2: 3\n", (2, 5), "not valid YAML"),
        ("a: 1\n\tb: 2\n", (2, 1), "not valid YAML"),
        ("a: 'x\n", (2, 1), "not valid YAML"),
        ("a: *x\n", (1, 4), "not valid YAML: found undefined alias"),
        ("a: 1\r\nb: \x0c\r\n", (2, 4), "0c.* not allowed"),
        ("a: !!python/object:os.x {}\n", (1, 4), "not valid YAML"),
        ("a: 1\n---\nb: 2\n", (2, 1), "not valid YAML"),
        ("a: 2001-13-45\n", None, "PyYAML cannot read"),
        ("[" * 500, None, "nested too deeply"),
        ("- " * 500, None, "nested too deeply"),
    ],
)
def test_refusals_with_line_and_column(text: str, place: tuple[int, int] | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Document.parse(text)
    if place:
        assert caught.value.place == place


@pytest.mark.parametrize("value", ["!!int _", '!!int ""', "!!bool maybe", "!!timestamp never", "!!float x"])
def test_tags_that_do_not_fit_their_value(value: str) -> None:
    with pytest.raises(ConfigError):
        Document.parse(f"nc: {value}\nbackbone:\n{ROW}{HEAD}")


def test_lists_with_other_keys_are_no_layers() -> None:
    text = f"anchors: [[10, 13, 16, 30]]\nnames: []\nscales: {{n: [1, 2, x, 4]}}\nbackbone:\n{ROW}{HEAD}"
    assert len(Document.parse(text).layers) == 2


@pytest.mark.parametrize(
    ("row", "place", "message"),
    [
        ("[1, 1, Conv, [8]]", (3, 6), "layer 1 (Conv): 'from' 1 is the layer itself"),
        ("[2, 1, Conv, [8]]", (3, 6), "layer 1 (Conv): 'from' 2 is"),
        ("[-2, 1, Conv, [8]]", (3, 6), "layer 1 (Conv): 'from' -2 reaches back beyond layer 0"),
        ("[[0, -1,  9], 1, Concat, [8]]", (3, 15), "layer 1 (Concat): 'from' 9 is"),
    ],
)
def test_references_that_name_no_earlier_layer(row: str, place: tuple[int, int], message: str) -> None:
    document = Document.parse(f"backbone:\n{ROW}  - {row}\n{HEAD}")
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        document.check_references()
    assert caught.value.place == place


def test_good_references_pass() -> None:
    document = Document.parse(f"backbone:\n{ROW}  - [[0, -1], 1, Concat, [1]]\n{HEAD}")
    document.check_references()
    document.check_editable()


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (f"backbone:\n  - &row [-1, 1, Conv, [8]]\n  - *row\n{HEAD}", (2, 10)),
        (f"x: &row [-1, 1, Conv, [8]]\nbackbone:\n  - *row\n{HEAD}", (1, 9)),
        (f"backbone:\n  - [&f -1, 1, Conv, [8]]\n  - [*f, 1, Conv, [8]]\n{HEAD}", (2, 5)),
        (f"backbone:\n{ROW}  - [&f [0, -1], 1, Concat, [8]]\n  - [*f, 1, Conv, [8]]\n{HEAD}", (3, 5)),
        (f"from: &f -1\nbackbone:\n  - [*f, 1, Conv, [8]]\n{HEAD}", (3, 5)),
        (f"i: &i 0\nbackbone:\n{ROW}  - [[-1, *i], 1, Concat, [8]]\n{HEAD}", (4, 5)),
    ],
)
def test_rows_that_share_their_text_are_refused(text: str, place: tuple[int, int]) -> None:
    document = Document.parse(text)
    with pytest.raises(RefusalError, match="YAML alias") as caught:
        document.check_editable()
    assert caught.value.place is not None
    assert caught.value.place.line == place[0]


def test_a_whole_section_that_is_an_alias_is_refused() -> None:
    text = "rows: &rows\n  - [-1, 1, Conv, [8]]\nbackbone: *rows\n" + HEAD
    with pytest.raises((ConfigError, RefusalError)):
        Document.parse(text).check_editable()
    twice = "backbone: &rows [[-1, 1, Conv, [8]]]\nhead: *rows\n"
    with pytest.raises((ConfigError, RefusalError)):
        Document.parse(twice).check_editable()


def test_aliases_in_args_and_elsewhere_are_no_obstacle() -> None:
    text = (
        f"w: &w 8\nk: &k [1, 2]\nv: *w\nbackbone:\n  - [-1, 1, Conv, [*w, *k]]\n  - [-1, 1, C3, *k]\n{HEAD}"
    )
    document = Document.parse(text)
    document.check_editable()
    assert [layer.args for layer in document.layers] == [[8, [1, 2]], [1, 2], []]


def test_aliases_that_multiply_or_hold_themselves_are_refused() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    text = "\n".join([*lines, "backbone:", ROW + HEAD])
    with pytest.raises(ConfigError, match="multiply"):
        Document.parse(text)
    with pytest.raises(ConfigError):
        Document.parse(f"a: &a [*a]\nbackbone:\n{ROW}{HEAD}")


def test_bytes_that_are_not_utf8_count_as_one_character_each() -> None:
    source = Source.from_bytes(b"# \xc4\xe3 \xff\nbackbone: [[x, 1, Conv, []]] # \xba\nhead: []\n")
    with pytest.raises(ConfigError) as caught:
        Document.parse(source.text)
    assert caught.value.place == (2, 13)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: 1\0", "binary"),
        (b"\xff\xfea\0", "UTF-16"),
        (b"\xfe\xff\0a", "UTF-16"),
        (b"#" * (MAX_BYTES + 1), "larger than 4 MiB"),
    ],
)
def test_what_is_no_text_file(data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Source.from_bytes(data)


def test_a_file_of_the_largest_size_is_read() -> None:
    assert len(Source.from_bytes(b"#" * MAX_BYTES).text) == MAX_BYTES


def test_a_byte_order_mark_is_kept_apart() -> None:
    assert Source.from_bytes(b"\xef\xbb\xbfa: \xc3\xa9") == Source("a: é", bom=True)
    assert Source("a: é", bom=True).to_bytes() == b"\xef\xbb\xbfa: \xc3\xa9"


def test_lines() -> None:
    text = "ab\r\nc\rd\n\x85e\u2028f\x0cg"
    lines = Lines(text)
    assert lines.newline == "\r\n"
    assert lines.at(0) == lines.at(3) == Line(0, 2, 4)
    assert lines.at(4) == Line(4, 5, 6)
    assert lines.at(8) == Line(8, 8, 9)
    assert lines.at(len(text)) == Line(11, 14, 14)
    assert [lines.place(offset) for offset in (0, 3, 4, 8, 9, 13)] == [
        (1, 1),
        (1, 4),
        (2, 1),
        (4, 1),
        (5, 1),
        (6, 3),
    ]
    assert Lines("").newline == "\n"
    assert Lines("").at(0) == Line(0, 0, 0)


def test_errors_say_file_line_and_column_as_far_as_they_are_known() -> None:
    assert str(YamlInjectError("wrong")) == "wrong"
    assert str(YamlInjectError("wrong", file="a.yaml")) == "a.yaml: wrong"
    assert str(YamlInjectError("wrong", Place(3, 7), file="a.yaml")) == "a.yaml:3:7: wrong"


def test_named_adds_the_file_that_an_error_lacks() -> None:
    with pytest.raises(YamlInjectError) as caught, named("outer"), named("inner"):
        raise YamlInjectError("wrong", Place(1, 2))
    assert str(caught.value) == "inner:1:2: wrong"
