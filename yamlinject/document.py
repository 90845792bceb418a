"""Text to :class:`Document`: the layers of a model config, and where in the text each one stands.

Spans come from the node tree that ruamel.yaml composes; values come from PyYAML, because every YOLO
framework reads its configs with ``yaml.safe_load`` and the two disagree (``1e-4``, ``010``, ``yes``).
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, NamedTuple

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from yamlinject import graph
from yamlinject.errors import ConfigError, Place, RefusalError
from yamlinject.layer import SECTIONS, Layer, SectionName
from yamlinject.lines import Lines

#: More values than this, aliases written out, is an attack and no model config.
_MAX_VALUES = 1_000_000

#: PyYAML's fast parser, where it was built with one. It gives the same values as ``safe_load`` but accepts
#: slightly other texts (tabs, ``?``), so it can confirm what ``safe_load`` read and decides nothing.
FAST_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Python cannot print integers of more than some thousand digits.
_ENDLESS_NUMBER = re.compile(r"[0-9_]{4300}|0x[0-9A-Fa-f_]{3500}")

_SURROGATE = re.compile("[\udc80-\udcff]")


class Span(NamedTuple):
    """Offsets ``[start, end)`` into the text."""

    start: int
    end: int


class Row(NamedTuple):
    """A layer and where it is written: the whole row, and each reference of its ``from``.

    ``shared``: the row or its ``from`` is written once for several places (a YAML anchor or alias),
    so that its spans cannot be edited for it alone.
    """

    layer: Layer
    span: Span
    references: tuple[Span, ...]
    shared: bool


class Document:
    """A model config as text, data and rows; built by :meth:`parse`, never changed."""

    def __init__(
        self, text: str, data: dict[str, Any], rows: list[Row], flow: dict[SectionName, bool]
    ) -> None:
        self.text = text
        #: What ``yaml.safe_load`` makes of the text.
        self.data = data
        #: Every row, backbone first, in the order of the layer indices.
        self.rows = rows
        #: Whether a section is written inside brackets rather than as ``- `` items.
        self.flow = flow

    @classmethod
    def parse(cls, text: str) -> Document:
        """Read a model config; raises :class:`ConfigError` with line and column where it is none."""
        lines = Lines(text)
        root = _compose(text, lines)  # first, because it refuses aliases that would take PyYAML forever
        data = load_values(text)
        if not isinstance(data, dict) or not isinstance(root, MappingNode):
            raise ConfigError("not a model config: it has no backbone and head lists")
        _check_duplicates(root, lines)
        keys = {key.value: (key, value) for key, value in root.value if isinstance(key, ScalarNode)}
        rows: list[Row] = []
        flow: dict[SectionName, bool] = {}
        for name in SECTIONS:
            key, node = keys.get(name, (None, None))
            values = data.get(name)
            if name not in data:
                raise ConfigError(f"not a model config: it has no {name!r} list")
            if key is None or not isinstance(node, SequenceNode) or not isinstance(values, list):
                place = lines.place(key.start_mark.index) if key else None
                raise ConfigError(f"{name!r} has to be a list of rows written in this file", place)
            if len(node.value) != len(values):
                raise ConfigError(f"{name!r} reads differently in YAML 1.1 and 1.2")
            flow[name] = bool(node.flow_style)
            for value, row_node in zip(values, node.value, strict=True):
                floor = rows[-1].span.end if rows and rows[-1].layer.section == name else 0
                floor = max(floor, key.start_mark.index)
                rows.append(_row(len(rows), name, value, row_node, floor, lines))
        for name, value in data.items():
            if name not in SECTIONS and _holds_rows(value):
                raise ConfigError(
                    f"{name!r} holds layers too; only backbone + head can be numbered",
                    lines.place(keys[name][0].start_mark.index if name in keys else 0),
                )
        if not rows:
            raise ConfigError("not a model config: it has no layers")
        return cls(text, data, rows, flow)

    @cached_property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(self.text)

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers in the order of their indices."""
        return [row.layer for row in self.rows]

    @property
    def image_channels(self) -> int:
        """The channels of the input image: the top-level ``ch``, or 3."""
        channels = self.data.get("ch", 3)
        return channels if _is_int(channels) and channels > 0 else 3

    def place(self, index: int) -> Place:
        """Where a layer's row begins, for an error message."""
        return self.lines.place(self.rows[index].span.start)

    def check_references(self) -> None:
        """Raise :class:`ConfigError` for the first reference that names no earlier layer."""
        for row in self.rows:
            for number, span in zip(row.layer.references, row.references, strict=True):
                problem = graph.reference_problem(row.layer.index, number)
                if problem:
                    raise ConfigError(f"{row.layer}: {problem}", self.lines.place(span.start))

    def check_editable(self) -> None:
        """Raise :class:`RefusalError` where rows share their text through a YAML alias."""
        for row in self.rows:
            if row.shared:
                raise RefusalError(
                    f"{row.layer} shares its text with another place through a YAML alias: write both out",
                    self.lines.place(row.span.start),
                )


def load_values(text: str, *, loader: type = yaml.SafeLoader) -> Any:
    """``yaml.safe_load`` with the errors of this package; raises :class:`ConfigError`."""
    number = _ENDLESS_NUMBER.search(text)
    if number:
        raise ConfigError("a number with thousands of digits", Lines(text).place(number.start()))
    try:
        return yaml.load(_readable(text), loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        problem = " ".join(str(error.problem or error.context).split())
        raise ConfigError(f"not valid YAML: {problem}", place) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(error.character, Lines(text).place(error.position)) from None
    except (ValueError, LookupError, AttributeError, TypeError) as error:  # a tag that lies, a bad date
        raise ConfigError(f"a value that PyYAML cannot read: {error}") from None
    except RecursionError:
        raise ConfigError("nested too deeply to be a model config") from None


def _bad_character(code: int, place: Place) -> ConfigError:
    return ConfigError(f"not valid YAML: the character {chr(code)!a} is not allowed", place)


def _readable(text: str) -> str:
    """``text`` with undecodable bytes, which YAML forbids, each replaced by one character."""
    return _SURROGATE.sub("\ufffd", text)


def _compose(text: str, lines: Lines) -> Node | None:
    try:
        root: Node | None = YAML(typ="safe", pure=True).compose(_readable(text))
        if "&" in text:
            _check_aliases(root)
        return root
    except ReaderError as error:
        raise _bad_character(error.character, lines.place(error.position)) from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = lines.place(mark.index) if mark else None
        raise ConfigError(f"not valid YAML: {getattr(error, 'problem', error)}", place) from None
    except RecursionError:
        raise ConfigError("nested too deeply to be a model config") from None


def _children(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _check_aliases(root: Node | None) -> None:
    """Refuse aliases that contain themselves or multiply beyond any real config."""
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _MAX_VALUES + 1  # for as long as the node is open: it holds itself
            sizes[id(node)] = 1 + sum(size(child) for child in _children(node))
        return sizes[id(node)]

    if root is not None and size(root) > _MAX_VALUES:
        raise ConfigError("its YAML aliases multiply into too many values to be a model config")


def _check_duplicates(root: Node, lines: Lines) -> None:
    """PyYAML keeps the last of two equal keys without a word; nobody means that."""
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen.add(id(node))
        pending += _children(node)
        if isinstance(node, MappingNode):
            keys: set[tuple[str, str]] = set()
            for key, _ in node.value:
                if not isinstance(key, ScalarNode):
                    continue
                identity = (str(key.tag), key.value)
                if identity in keys:
                    raise ConfigError(
                        f"the key {key.value!r} stands here a second time: delete one of the two",
                        lines.place(key.start_mark.index),
                    )
                keys.add(identity)


def _holds_rows(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, list) and len(row) == 4 and isinstance(row[2], str) for row in value)
    )


def _row(index: int, section: SectionName, value: Any, node: Node, floor: int, lines: Lines) -> Row:
    """Check one row and find its spans. ``floor``: the offset that it has to begin after."""

    def wrong(what: str, at: Node = node) -> ConfigError:
        return ConfigError(f"layer {index}: {what}", lines.place(at.start_mark.index))

    if not isinstance(value, list) or not isinstance(node, SequenceNode):
        raise wrong(f"a row is a list [from, number, module, args], this is a {_kind(value)}")
    if len(value) != 4:
        raise wrong(f"a row has 4 items [from, number, module, args], this one has {len(value)}")
    from_, number, module, args = value
    from_node, number_node, module_node, args_node = node.value
    if not all(_is_int(item) for item in (from_ if isinstance(from_, list) else [from_])):
        raise wrong(f"'from' has to be a layer number or a list of them, not {from_!r}", from_node)
    if not _is_int(number):
        raise wrong(f"'number' has to be an integer, not {number!r}", number_node)
    if not isinstance(module, str):
        raise wrong(f"'module' has to be a name, not {module!r}", module_node)
    if not isinstance(args, list):
        raise wrong(f"'args' has to be a list, not {args!r}", args_node)
    scalars = from_node.value if isinstance(from_node, SequenceNode) else [from_node]
    parts = [node, from_node, *scalars]
    starts = [part.start_mark.index for part in parts]
    # An alias composes to the node of its anchor, which stands earlier in the text.
    shared = any(part.anchor for part in parts) or starts[0] < floor or starts != sorted(starts)
    end = _end(node)
    return Row(
        Layer(index, section, from_, number, module, args),
        Span(starts[0], end),
        tuple(Span(scalar.start_mark.index, scalar.end_mark.index) for scalar in scalars),
        shared or end < starts[-1],
    )


def _end(node: Node) -> int:
    """Where a node's own text ends: the end mark of a block sequence swallows later comments."""
    while isinstance(node, (SequenceNode, MappingNode)) and not node.flow_style and node.value:
        node = _children(node)[-1]
    return int(node.end_mark.index)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return {dict: "mapping", str: "string", type(None): "null"}.get(type(value), type(value).__name__)
