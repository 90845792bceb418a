"""One row of a config as it is written: the layer, and where each part of it is in the text."""

from __future__ import annotations

from typing import Any, NamedTuple

from yaml.nodes import MappingNode, Node, SequenceNode

from yamlinject.core.layer import Layer, SectionName
from yamlinject.core.lines import Lines
from yamlinject.core.yaml_nodes import children
from yamlinject.errors import MalformedRowError

#: Longer than the name of any module; messages about the layers that read one repeat its name.
_LONGEST_NAME = 200


class Span(NamedTuple):
    """Offsets ``[start, end)`` into the text."""

    start: int
    end: int


class Row(NamedTuple):
    """A layer and where it is written: the whole row, and each reference of its ``from``.

    ``number``, ``module``, ``args``: where those are.
    ``shared``: the row or its ``from`` is written once for several places (a YAML anchor or alias),
    so its spans cannot be edited for this row alone.
    """

    layer: Layer
    span: Span
    references: tuple[Span, ...]
    number: Span
    module: Span
    args: Span
    shared: bool

    def written(self, position: int, index: int) -> str:
        """A reference to the layer ``index``, relative or absolute like the one at ``position``."""
        return str(index if self.layer.references[position] >= 0 else index - self.layer.index)


def read_row(
    index: int, section: SectionName, value: Any, node: Node, floor: int, shared_ids: set[int], lines: Lines
) -> Row:
    """Check one row and find its spans; raises :class:`MalformedRowError` with line and column.

    ``floor``: the offset after which it must begin; ``shared_ids``: of the nodes used in several places.
    """

    def wrong(what: str, at: Node = node) -> MalformedRowError:
        return MalformedRowError(f"layer {index}: {what}", lines.place(at.start_mark.index))

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
    if not isinstance(module, str) or len(module) > _LONGEST_NAME:
        raise wrong(f"'module' has to be a name, not {module!r}", module_node)
    if not isinstance(args, list):
        raise wrong(f"'args' has to be a list, not {args!r}", args_node)
    scalars = from_node.value if isinstance(from_node, SequenceNode) else [from_node]
    parts = [node, from_node, *scalars]
    starts = [part.start_mark.index for part in parts]
    # an alias composes to the node of its anchor, which comes earlier in the text
    shared = not shared_ids.isdisjoint(map(id, parts)) or starts[0] < floor or starts != sorted(starts)
    end = end_of(node)
    return Row(
        Layer(index, section, from_, number, module, args),
        Span(starts[0], end),
        tuple(map(_span, scalars)),
        _span(number_node),
        _span(module_node),
        Span(args_node.start_mark.index, end_of(args_node)),
        shared or end < starts[-1],
    )


def end_of(node: Node) -> int:
    """Where a node's own text ends: the end mark of a block sequence swallows later comments."""
    while isinstance(node, (SequenceNode, MappingNode)) and not node.flow_style and node.value:
        node = children(node)[-1]
    return int(node.end_mark.index)


def _span(scalar: Node) -> Span:
    return Span(scalar.start_mark.index, scalar.end_mark.index)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _kind(value: Any) -> str:
    return {dict: "mapping", str: "string", type(None): "null"}.get(type(value), type(value).__name__)
