"""What an insertion must give: computed on PyYAML data alone, and differently from yamlinject.

Layers are objects here and a reference is the object that it names, so nothing is ever renumbered: the
new list of objects is rendered into numbers again at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

Data = dict[str, Any]

#: New rows, without their ``from``, under the index of the layer that they should be below.
Below = Mapping[int, Sequence[list[Any]]]

SECTIONS = ("backbone", "head")

#: ``safe_load``'s values and marks, eight times as fast; it is only laxer about tabs.
_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# The graph ---------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """A layer as an object; a source of None is the image."""

    section: str
    sources: list[Node | None]
    relative: list[bool]
    listed: bool
    rest: list[Any]


def nodes(data: Data) -> list[Node]:
    """The layers of a config."""
    found: list[Node] = []
    for section in SECTIONS:
        for from_, *rest in data[section]:
            written = from_ if isinstance(from_, list) else [from_]
            sources = [found[number] if found else None for number in written]
            relative = [number < 0 for number in written]
            found.append(Node(section, sources, relative, isinstance(from_, list), rest))
    return found


def inserted(data: Data, below: Below) -> Data:
    """``data`` with new layers: every reader of a layer reads the last new one below it."""
    outlet: dict[Node | None, Node | None] = {}
    order: list[Node] = []
    for index, node in enumerate(nodes(data)):
        node.sources = [outlet.get(source, source) for source in node.sources]
        order.append(node)
        for rest in below.get(index, ()):
            order.append(Node(node.section, [order[-1]], [True], False, rest))
            outlet[node] = order[-1]
    place: dict[Node | None, int] = {node: index for index, node in enumerate(order)}
    place[None] = -1
    result: Data = {**data, **{section: [] for section in SECTIONS}}
    for index, node in enumerate(order):
        numbers = [
            place[source] - index if relative else place[source]
            for source, relative in zip(node.sources, node.relative, strict=True)
        ]
        result[node.section].append([numbers if node.listed else numbers[0], *node.rest])
    return result


def graph(data: Data) -> list[tuple[str, str, list[int]]]:
    """Section, module and resolved references of every layer; the image is -1."""
    order = nodes(data)
    place: dict[Node | None, int] = {node: index for index, node in enumerate(order)}
    place[None] = -1
    return [(node.section, node.rest[1], [place[source] for source in node.sources]) for node in order]


def illegal(data: Data) -> set[int]:
    """The layers after which nothing may be inserted (DESIGN.md 3.7, FRAMEWORKS.md)."""
    layers = nodes(data)
    place = {node: index for index, node in enumerate(layers)}
    found = {len(layers) - 1}
    for node in layers:
        if node.rest[1] in ("CBLinear", "ImagePoolingAttn", "Classify", "Merge"):
            found.add(place[node])
        if node.rest[1] == "Index":
            found |= {place[source] for source in node.sources if source}
        if node.rest[1] == "nn.Conv2d" and layers[-1].sources == []:
            found.add(place[node])
    return found


# Nominal channels --------------------------------------------------------------------------------------

#: The modules of the upstream configs, by what ``parse_model`` does with their channels.
_DECLARE_FIRST = re.compile(
    "A2C2f|AConv|ADown|Bottleneck|BottleneckCSP[ABCF]?|C2|C2PSA|C2f|C2fAttn|C2fCIB|C2fPSA|C3|C3Ghost|C3TR|C3k2|"
    "C3x|Conv|DWConv|DownC|ELAN1|Focus|GhostConv|Index|PSA|RepC3|RepConv|RepNCSPELAN4|ResCSP[BC]|ResXCSP[BC]|"
    r"SCDown|SPP|SPPCSPC|SPPELAN|SPPF|Stem|TorchVision|nn\.Conv2d|nn\.ConvTranspose2d"
)
_KEEP = re.compile(r"AIFI|MP|SP|Shortcut|Silence|nn\.(Identity|MaxPool2d|Upsample|ZeroPad2d)")


def channels(data: Data) -> list[int | None]:
    """Nominal channels of every layer; None after a module that is not in an upstream config."""
    layers = nodes(data)
    counts: dict[Node | None, int | None] = {None: data.get("ch", 3)}
    for node in layers:
        inputs = [counts[source] for source in node.sources]
        _, module, args = node.rest
        count: Any = None
        if _DECLARE_FIRST.fullmatch(module):
            count = args[0]
        elif module in ("HGStem", "HGBlock"):
            count = args[1]
        elif module == "ResNetLayer":
            count = args[1] * (1 if args[3] else 4)
        elif _KEEP.fullmatch(module):
            count = inputs[0]
        elif module == "CBFuse":
            count = inputs[-1]
        elif module == "ReOrg" and inputs[0]:
            count = 4 * inputs[0]
        elif module == "Concat" and all(inputs):
            count = sum(number or 0 for number in inputs)
        counts[node] = count if isinstance(count, int) else None
    return [counts[node] for node in layers]


# What is wrong with a whole file -----------------------------------------------------------------------


class Problem(NamedTuple):
    """Why a file must be refused: part of the message, and the line if there is one."""

    message: str
    line: int | None


def problem(text: str) -> Problem | None:
    """Why no layer can be inserted into this text, or None."""
    try:
        data, root = _load(text)
    except yaml.MarkedYAMLError:
        try:
            yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            return Problem("not valid YAML", error.problem_mark.line + 1 if error.problem_mark else None)
        raise
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in SECTIONS):
        return Problem("not a model config", None)
    keys: set[str] = set()
    for key, _ in root.value:
        if key.value in keys:
            return Problem("duplicate key", key.start_mark.line + 1)
        keys.add(key.value)
    rows = [row for name in SECTIONS for row in data[name]]
    values = {key.value: value for key, value in root.value}
    lines = [row.start_mark.line + 1 for name in SECTIONS for row in values[name].value]
    for index, (row, line) in enumerate(zip(rows, lines, strict=True)):
        if not isinstance(row, list) or len(row) != 4:
            return Problem("a row", line)
        for number in row[0] if isinstance(row[0], list) else [row[0]]:
            if not -index <= number < index and (index, number) != (0, -1):
                return Problem("'from'", line)
    return None


# The text ----------------------------------------------------------------------------------------------

_BOM = b"\xef\xbb\xbf"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_NUMBERED = re.compile(r"([ \t,\]]*#[ \t\xa0]*)(0|[1-9]\d*)([^\r\n]*)")
_GLUED = re.compile(r"[\w*/.%\xd7]")  # the number belongs to a longer word, such as 3x3 or 1/8
_PROVENANCE = re.compile(r"# (?:Generated by )?yamlinject [^\r\n]+(\r\n|\r|\n)")


class Written(NamedTuple):
    """Where a row is written, and the numbers of its ``from``."""

    start: int
    end: int
    references: list[tuple[int, int]]


def decode(data: bytes) -> str:
    """The text after a byte order mark."""
    return data.removeprefix(_BOM).decode("utf-8", "surrogateescape")


def read(text: str, *, fast: bool = True) -> tuple[Data, list[Written]]:
    """What ``yaml.safe_load`` makes of the text, and where its rows are."""
    data, root = _load(text, fast=fast)
    sections = {key.value: value.value for key, value in root.value}
    found = []
    for row in (row for name in SECTIONS for row in sections[name]):
        from_ = row.value[0]
        numbers = from_.value if isinstance(from_, yaml.SequenceNode) else [from_]
        spans = [(number.start_mark.index, number.end_mark.index) for number in numbers]
        found.append(Written(row.start_mark.index, _end(row), spans))
    return data, found


def _load(text: str, *, fast: bool = True) -> tuple[Any, Any]:
    loader = (yaml.SafeLoader if "\t" in text or not fast else _FAST)(
        re.sub("[\udc80-\udcff]", "\ufffd", text)
    )
    root = loader.get_single_node()
    return loader.construct_document(root), root


def _end(node: yaml.Node) -> int:
    """Where the last character of a node is; a block sequence's own mark is further down."""
    while isinstance(node, yaml.SequenceNode) and not node.flow_style and node.value:
        node = node.value[-1]
    return int(node.end_mark.index)


def check_text(
    base: bytes, rows: list[Written], result: bytes, result_rows: list[Written], targets: Sequence[int]
) -> str:
    """Assert that only what DESIGN.md section 5 allows differs; one layer is below each target.

    ``rows`` are those of the decoded base, ``result_rows`` those of the decoded result. Returns the
    result's text without its provenance line.
    """
    assert base.startswith(_BOM) == result.startswith(_BOM), "byte order mark"
    old, new = decode(base), decode(result)
    line = _PROVENANCE.match(new)
    assert line, "no provenance line"
    first = re.search(r"\r\n|\r|\n", old)
    assert first, "a config of one line"
    assert line[1] == first[0], "another line break behind the provenance line"

    moved = [index + sum(target < index for target in targets) for index in range(len(rows))]
    assert len(result_rows) == len(rows) + len(targets)
    order = sorted(range(len(rows)), key=lambda index: rows[index].start)
    assert old[: rows[order[0]].start] == new[line.end() : result_rows[moved[order[0]]].start], "the header"
    for index, following in zip(order, [*order[1:], None], strict=True):
        row, result_row = rows[index], result_rows[moved[index]]
        _check_row(old, row, new, result_row, f"layer {index}")
        end = len(old) if following is None else rows[following].start
        result_end = len(new) if following is None else result_rows[moved[following]].start
        gap = old[row.end : end]
        may = _renumbered(gap, index, moved[index])
        if index not in targets:
            assert new[result_row.end : result_end] in may, f"behind layer {index}"
            continue
        below = result_rows[moved[index] + 1]
        assert result_row.end < below.start <= below.end <= result_end, f"not directly below layer {index}"
        if _own_line(old, row):
            kept = _without_line(old, row, new, result_row, below, result_end, index, moved[index] + 1)
        else:
            assert re.fullmatch(r", ?", new[result_row.end : below.start]), f"separator behind {index}"
            kept = new[below.end : result_end]
        bare = kept.removeprefix(",") if not re.match(r"[ \t]*,", gap) else kept
        assert kept in may or bare in may, f"around the row below layer {index}"
    return new[line.end() :]


def _check_row(old: str, row: Written, new: str, result: Written, name: str) -> None:
    """A row keeps every character outside its references, and those that name the same number."""
    assert len(row.references) == len(result.references), name
    at, result_at = row.start, result.start
    for span, result_span in zip(row.references, result.references, strict=True):
        assert old[at : span[0]] == new[result_at : result_span[0]], name
        number, result_number = old[slice(*span)], new[slice(*result_span)]
        assert result_number in (number, str(int(result_number))), name
        assert number == result_number or int(number) != int(result_number), name
        at, result_at = span[1], result_span[1]
    assert old[at : row.end] == new[result_at : result.end], name


def _renumbered(gap: str, old: int, new: int) -> tuple[str, ...]:
    """What the text after a row may become: a comment that begins with its index gets the new one."""
    found = _NUMBERED.match(gap)
    if not found or int(found[2]) != old:
        return (gap,)
    after = f"{found[1]}{new}{gap[found.end(2) :]}"
    return (gap, after) if _GLUED.match(found[3]) else (after,)


def _head(text: str, start: int) -> str:
    """The text before ``start`` on its line."""
    return text[max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1 : start]


def _line_at(text: str, offset: int) -> str:
    """The rest of the line from ``offset`` on, with its line break."""
    found = _LINE.match(text, offset)
    assert found
    return found[0]


def _own_line(text: str, row: Written) -> bool:
    """Whether the lines of a row hold nothing but brackets, dash, comma and comment besides."""
    lonely = re.fullmatch(r"[ \t]*(?:[,\[][ \t]*|-[ ]+)?", _head(text, row.start))
    return bool(lonely and re.fullmatch(r"[ \t]*,?[ \t]*(?:#.*)?\s*", _line_at(text, row.end)))


def _without_line(
    old: str, row: Written, new: str, result: Written, below: Written, end: int, index: int, number: int
) -> str:
    """Check the line of a new row, and give the text around it, from the target's end to ``end``."""
    target_line = _line_at(new, result.end)
    line_start = result.end + len(target_line)
    head = _head(new, below.start)
    assert below.start - len(head) == line_start, f"the new row is not on the line below layer {index}"
    target_head = _head(old, row.start)
    if "[" in target_head:
        assert not head.strip(" \t"), f"indentation below layer {index}"
    else:
        assert head == target_head, f"indentation below layer {index}"
    tail = _line_at(new, below.end)
    suffix = re.fullmatch(r",?(?:[ \t]*#[ \t\xa0]*(?P<number>\d+))?(?P<break>\r\n|\r|\n)", tail)
    assert suffix, f"the line below layer {index} ends in {tail!r}"
    assert target_line.endswith(suffix["break"]), f"line break below layer {index}"
    carries = _NUMBERED.match(old, row.end)
    right = carries is not None and int(carries[2]) == index and not _GLUED.match(carries[3])
    assert suffix["number"] == (str(number) if right else None), f"index comment below layer {index}"
    return target_line + new[below.end + len(tail) : end]
