"""One layer of a model config: the unit that all other modules work with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import yaml

from yamlinject.errors import YamlInjectError

SectionName = Literal["backbone", "head"]
SECTIONS: tuple[SectionName, SectionName] = ("backbone", "head")


class Layer(NamedTuple):
    """One row ``[from, number, module, args]`` with its index through backbone and head.

    ``from_`` is as written: one reference or a list of them.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which is not needed
    section: SectionName
    from_: int | list[int]
    number: int
    module: str
    args: list[Any]

    @property
    def references(self) -> list[int]:
        """The references of ``from_`` as a list, even if there is only one."""
        return self.from_ if isinstance(self.from_, list) else [self.from_]

    @property
    def row(self) -> list[Any]:
        """The row as YAML data."""
        return [self.from_, self.number, self.module, self.args]

    def __str__(self) -> str:
        return f"layer {self.index} ({flow(self.module)})"


def flow(value: Any) -> str:
    """A value of a row roughly as a config writes it, without Python's quotes."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    text = str(value)
    return text if text.isprintable() else repr(value)


def as_flow(args: Sequence[Any]) -> str:
    """Args as the YAML text of a list in brackets; raises :class:`YamlInjectError` if they are not YAML."""
    if all(type(arg) is int for arg in args):  # nearly all there are, and a hundred times as fast
        return str(list(args))
    try:
        return yaml.safe_dump(list(args), default_flow_style=True, width=float("inf")).rstrip("\n")
    except yaml.YAMLError as error:
        raise YamlInjectError(f"`args` {args!r}: {error}") from None
