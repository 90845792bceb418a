"""A list of names in a Python text, such as an import's: a name inserted, or removed again."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import NamedTuple

from yamlinject.checkout.pysource import PySource
from yamlinject.core import edits
from yamlinject.core.edits import Edit
from yamlinject.errors import RefusalError, YamlInjectError


class Names(NamedTuple):
    """The items of an import, a list, a tuple or a set: the list object in the tree itself.

    ``bracketed``: whether they are in brackets in the text, so that a line may be added.
    """

    items: list[ast.expr] | list[ast.alias]
    bracketed: bool

    @property
    def words(self) -> list[str]:
        """The names; an empty one for an item that is not a name."""
        return [
            item.asname or item.name if isinstance(item, ast.alias) else getattr(item, "id", "")
            for item in self.items
        ]


def with_name(source: PySource, names: Names, at: int, name: str) -> str:
    """The text of ``source`` with ``name`` as item ``at`` of ``names``, in the style of the item before.

    Raises :class:`RefusalError` if the result does not mean exactly that. Changes the tree of ``source``.
    """
    before = names.items[at - 1]
    end = source.end(before)
    line = source.own_line(before) if names.bracketed else None
    if line:
        below = f"{line.newline}{line.indent}{name}{line.comma}"
        changes = [Edit(end, end, "" if line.comma else ","), Edit(line.end, line.end, below)]
    else:
        changes = [Edit(end, end, f", {name}")]
    result = edits.apply(source.text, changes)
    new = ast.alias(name) if isinstance(before, ast.alias) else ast.Name(name, ast.Load())
    names.items.insert(at, new)  # type: ignore[arg-type]  # it is of the kind of its neighbour
    if PySource(result).dump() != source.dump():
        raise RefusalError(f"found no way to add {name} to this list", source.place(before))
    return result


def without_name(source: PySource, find: Callable[[PySource], Names | None], name: str) -> str:
    """The text of ``source`` without the item ``name`` of the list that ``find`` finds, if it is there.

    Raises :class:`RefusalError` unless :func:`with_name` would write it again in exactly the same way.
    """
    names = find(source)
    if names is None or name not in names.words:
        return source.text
    at = names.words.index(name)
    item, before = names.items[at], names.items[at - 1]
    end = source.end(before)
    line = source.own_line(item) if names.bracketed else None
    if at and line:
        changes = [Edit(end, end + (not line.comma), ""), Edit(line.above, line.end, "")]
    else:
        changes = [Edit(end, source.end(item), "")] if at else []
    try:
        result = edits.apply(source.text, changes)
        rest = PySource(result)
        left = find(rest)
        if left and at and with_name(rest, left, at, name) == source.text:
            return result
    except YamlInjectError:
        pass
    raise RefusalError(
        f"{name} is not written as yamlinject writes it: remove it by hand", source.place(item)
    )
