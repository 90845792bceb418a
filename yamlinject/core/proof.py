"""The proof that a rewritten text means what was planned: what it must hold, and reading it again."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from yaml.nodes import MappingNode, Node, ScalarNode

from yamlinject.core.document import Document
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import SECTIONS, Layer
from yamlinject.core.lines import Lines
from yamlinject.core.yaml_nodes import ODD_VALUE, SURROGATE, Reading, children, not_collecting
from yamlinject.errors import ConfigError, InvalidYamlError

#: The texts and nesting of a node, without its types and places.
Shape: TypeAlias = "str | list[Shape]"

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


def second_reading(text: str, keys: Sequence[str]) -> list[Shape]:
    """What ruamel.yaml finds under top-level ``keys``; raises :class:`InvalidYamlError`."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        with warnings.catch_warnings(), not_collecting():
            warnings.simplefilter("ignore")  # about anchors
            return _shapes(YAML(typ="safe", pure=True).parse(SURROGATE.sub("\ufffd", text)), keys)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = Lines(text).place(mark.index) if mark else None
        problem = getattr(error, "problem", None) or "a character that is not allowed"
        raise InvalidYamlError(f"ruamel.yaml cannot read it: {problem}", place) from None
    except ODD_VALUE as error:
        raise InvalidYamlError(f"ruamel.yaml cannot read it: {error}") from None
    except RecursionError:
        raise InvalidYamlError("nested too deeply to be a model config") from None


def _shapes(events: Iterable[Any], keys: Sequence[str]) -> list[Shape]:
    """:func:`shapes` of ruamel.yaml's events: it takes half as long again to make its nodes of them."""
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

    anchors: dict[str, Shape] = {}
    unfinished: list[list[Shape]] = [[]]
    for event in events:
        if isinstance(event, ScalarEvent):
            shape: Shape = event.value
        elif isinstance(event, CollectionStartEvent):
            shape = []
        elif isinstance(event, CollectionEndEvent):
            unfinished.pop()
            continue
        elif isinstance(event, AliasEvent):
            shape = anchors[event.anchor]
        else:  # of the stream or a document
            continue
        unfinished[-1].append(shape)
        if not isinstance(shape, str) and not isinstance(event, AliasEvent):
            unfinished.append(shape)
        if event.anchor:
            anchors[event.anchor] = shape
    (documents,) = unfinished
    if len(documents) != 1:
        raise ValueError(f"{len(documents)} documents")
    (root,) = documents
    found = {key: value for key, value in zip(root[::2], root[1::2], strict=True) if isinstance(key, str)}
    return [found[key] for key in keys if key in found]


def shapes(root: Node | None, keys: Sequence[str]) -> list[Shape]:
    """Those of the values of top-level ``keys``; a mapping's shape is its keys and values in turn."""
    pairs = root.value if isinstance(root, MappingNode) else []
    found = {key.value: value for key, value in pairs if isinstance(key, ScalarNode)}
    return [_shape(found[key]) for key in keys if key in found]


def _shape(node: Node) -> Shape:
    return node.value if isinstance(node, ScalarNode) else [_shape(child) for child in children(node)]
