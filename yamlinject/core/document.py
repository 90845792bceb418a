"""Text to :class:`Document`: the layers of a model config, and where each one is in the text.

Values and spans are PyYAML's, because every YOLO framework reads its configs with ``yaml.safe_load``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from yamlinject.core import graph, lookalikes, module_rules, provenance
from yamlinject.core.layer import SECTIONS, Layer, SectionName
from yamlinject.core.lines import Lines
from yamlinject.core.lookalikes import Lookalike
from yamlinject.core.rows import Row, Span, end_of, read_row
from yamlinject.core.yaml_nodes import Reading, check_duplicates, shared_nodes
from yamlinject.errors import ConfigError, MalformedRowError, Place, RefusalError

#: The keys besides the layers whose values are numbers, or names that a framework looks up.
_NUMBERS = frozenset(
    """
    nc ch channels depth_multiple width_multiple max_channels anchors scale scales strides reg_max kpt_shape
    freeze activation act
    """.split()
)

#: The keys that the data set determines; the others, with the rows, are the architecture.
OF_THE_DATA = frozenset({"nc", "names", "anchors", "kpt_shape", "ch", "channels"})


class Document:
    """A model config as text, data and rows; built by :meth:`parse` and never changed."""

    def __init__(
        self,
        text: str,
        data: dict[str, Any],
        rows: list[Row],
        flow: dict[SectionName, bool],
        values: dict[str, Span],
    ) -> None:
        self.text = text
        #: What ``yaml.safe_load`` makes of the text.
        self.data = data
        #: Every row, backbone first, in the order of the layer indices.
        self.rows = rows
        #: Whether a section is written inside brackets rather than as ``- `` items.
        self.flow = flow
        #: Where the values of the other keys are written, unless they are aliases.
        self.values = values

    @classmethod
    def parse(cls, text: str, reading: Reading | None = None) -> Document:
        """Read a model config; raises :class:`ConfigError` with line and column if it is not one.

        ``reading``: that of ``text``, if there is one already, whose values nobody has asked for.
        """
        reading, lines = reading or Reading(text), Lines(text)
        root = reading.root
        if not isinstance(root, MappingNode):
            raise ConfigError("not a model config: it has no backbone and head lists")
        check_duplicates(root, lines)
        keys = {key.value: (key, value) for key, value in root.value if isinstance(key, ScalarNode)}
        shared = shared_nodes(root) if "&" in text else set()
        data = reading.values()
        if not isinstance(data, dict):  # a set
            raise ConfigError("not a model config: it has no backbone and head lists")
        rows: list[Row] = []
        flow: dict[SectionName, bool] = {}
        for name in SECTIONS:
            key, node = keys.get(name, (None, None))
            values = data.get(name)
            if name not in data:
                _check_characters(text, [key for key, _ in keys.values()], lines)
                raise ConfigError(f"not a model config: it has no {name!r} list")
            if key is None or not isinstance(node, SequenceNode) or not isinstance(values, list):
                _check_characters(text, [node] if node else [], lines)
                place = lines.place(key.start_mark.index) if key else None
                raise ConfigError(f"{name!r} has to be a list of rows written in this file", place)
            flow[name] = bool(node.flow_style)
            for value, row_node in zip(values, node.value, strict=True):
                floor = rows[-1].span.end if rows and rows[-1].layer.section == name else 0
                floor = max(floor, key.start_mark.index)
                try:
                    rows.append(read_row(len(rows), name, value, row_node, floor, shared, lines))
                except MalformedRowError:
                    marks = row_node.start_mark, row_node.end_mark
                    found = next(lookalikes.find(text, *(mark.index for mark in marks)), None)
                    if found is None:
                        raise
                    place = lines.place(found.start)
                    raise MalformedRowError(f"layer {len(rows)}: {found}", place) from None
        for name, value in data.items():
            if name not in SECTIONS and _holds_rows(value):
                raise ConfigError(
                    f"{name!r} holds layers too; only backbone + head can be numbered",
                    lines.place(keys[name][0].start_mark.index if name in keys else 0),
                )
        if not rows:
            raise ConfigError("not a model config: it has no layers")
        values = {
            name: Span(value.start_mark.index, end_of(value))
            for name, (key, value) in keys.items()
            if name not in SECTIONS and value.start_mark.index >= key.end_mark.index
        }
        return cls(text, data, rows, flow, values)

    @cached_property
    def provenance(self) -> list[provenance.Found]:
        """The provenance lines, newest first."""
        return provenance.read(self.text)

    @cached_property
    def lines(self) -> Lines:
        """The lines of the text."""
        return Lines(self.text)

    @cached_property
    def layers(self) -> list[Layer]:
        """The layers in the order of their indices."""
        return [row.layer for row in self.rows]

    @cached_property
    def written(self) -> list[Row]:
        """The rows as written: of those that share one text through aliases, only the first."""
        rows: dict[Span, Row] = {}
        for row in self.rows:
            rows.setdefault(row.span, row)
        return list(rows.values())

    @cached_property
    def channels(self) -> tuple[int | None, ...]:
        """The nominal channels that each layer gives, as :func:`.graph.channels` finds them."""
        return tuple(graph.channels(self.layers, self.image_channels))

    @property
    def image_channels(self) -> int:
        """The channels of the input image: the top-level ``ch`` or ``channels``, or 3."""
        channels = self.data.get("ch", self.data.get("channels", 3))
        return channels if module_rules.is_count(channels) else 3

    @cached_property
    def lookalikes(self) -> list[tuple[str, Lookalike]]:
        """Characters that are not YAML's in rows, keys and values that are numbers, with where that is."""
        if self.text.isascii():
            return []
        spans: list[tuple[Layer | str, Span]] = [(row.layer, row.span) for row in self.written]
        spans += [(key, span) for key, span in self.values.items() if key in _NUMBERS]
        spans += [(f"the key {key!r}", span) for key, span in self._odd_keys()]
        found = ((where, each) for where, span in spans for each in lookalikes.find(self.text, *span))
        return list({each.start: (str(where), each) for where, each in found}.values())

    def _odd_keys(self) -> Iterator[tuple[str, Span]]:
        """The keys beside the sections that are not of ASCII characters, and where they are."""
        for key in self.data:
            if isinstance(key, str) and not key.isascii():
                written = re.compile(rf"(?:^|[{{,])[ \t]*({re.escape(key)})[ \t]*:", re.MULTILINE)
                yield from ((key, Span(*found.span(1))) for found in written.finditer(self.text))

    def is_prose(self, offset: int) -> bool:
        """Whether that is in the value of a key that may hold any text."""
        prose = (span for key, span in self.values.items() if key not in _NUMBERS)
        return any(span.start <= offset < span.end for span in prose)

    def check_characters(self) -> None:
        """Raise :class:`RefusalError` for a character that only looks like one of YAML's."""
        for where, found in self.lookalikes:
            raise RefusalError(f"{where}: {found}", self.lines.place(found.start))

    def place(self, index: int) -> Place:
        """Where a layer's row begins, for an error message."""
        return self.lines.place(self.rows[index].span.start)

    @cached_property
    def _wrong_reference(self) -> tuple[str, Place] | None:
        """What is wrong with the first reference that names no earlier layer, and where it is."""
        for row in self.rows:
            for number, span in zip(row.layer.references, row.references, strict=True):
                problem = graph.reference_problem(row.layer.index, number)
                if problem:
                    return f"{row.layer}: {problem}", self.lines.place(span.start)
        return None

    def check_references(self) -> None:
        """Raise :class:`ConfigError` for the first reference that names no earlier layer."""
        if self._wrong_reference:
            raise ConfigError(*self._wrong_reference)

    def check_editable(self) -> None:
        """Raise :class:`RefusalError` where rows share their text through a YAML alias."""
        for row in self.rows:
            if row.shared:
                raise RefusalError(
                    f"{row.layer} shares its text with another place through a YAML alias: write both out",
                    self.lines.place(row.span.start),
                )


def _check_characters(text: str, nodes: Iterable[Node], lines: Lines) -> None:
    """Raise :class:`ConfigError` for a character in ``nodes`` that only looks like one of YAML's."""
    for node in nodes:
        for found in lookalikes.find(text, node.start_mark.index, node.end_mark.index):
            raise ConfigError(f"not a model config: {found}", lines.place(found.start))


def _holds_rows(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(row, list) and len(row) == 4 and isinstance(row[2], str) for row in value)
    )
