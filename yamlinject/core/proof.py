"""The proof that a rewritten text means what was planned: what it must hold, and reading it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from yamlinject.core.document import Document
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import SECTIONS, Layer
from yamlinject.core.yaml_nodes import Reading, second_reading, shapes
from yamlinject.errors import ConfigError

_NONE: Mapping[int, Any] = MappingProxyType({})


def expected_data(
    document: Document,
    index_map: IndexMap,
    below: Mapping[int, Sequence[Layer]] = _NONE,
    replaced: Mapping[int, Layer] = _NONE,
) -> dict[str, Any]:
    """The data that the rewritten text must hold.

    ``below``: the new layers under each old one; ``replaced``: those in the place of old ones.
    """
    data = dict(document.data)
    for section in SECTIONS:
        data[section] = rows = []
        for layer in document.layers:
            if layer.section != section:
                continue
            if index_map.moved[layer.index] >= 0:
                row = replaced.get(layer.index, layer).row
                rows.append([index_map.from_(layer), *row[1:]])
            rows += [new_layer.row for new_layer in below.get(layer.index, ())]
    return data


def prove(text: str, expected: dict[str, Any]) -> Document:
    """Read ``text`` with two independent parsers, and give what PyYAML finds.

    Raises :class:`ConfigError` unless that is the data ``expected``, and ruamel.yaml finds the same rows.
    """
    reading = Reading(text)
    rows = shapes(reading.root, SECTIONS)
    document = Document.parse(text, reading)
    if repr(document.data) != repr(expected):  # unlike ==, it tells 1 from True, and .nan equals itself
        raise ConfigError("it would read back as different layers than planned")
    if rows != second_reading(text, SECTIONS):
        raise ConfigError("ruamel.yaml would read other layers than PyYAML")
    return document
