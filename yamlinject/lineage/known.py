"""The known base config that is most like a config, and how alike two are."""

from __future__ import annotations

from functools import cache
from typing import Any

from yamlinject.config import Config
from yamlinject.core.document import OF_THE_DATA
from yamlinject.core.layer import SECTIONS
from yamlinject.core.yaml_nodes import load_values
from yamlinject.library import bases
from yamlinject.lineage import alignment

Architecture = tuple[dict[str, Any], list[Any]]


def known_like(like: Config) -> Config | None:
    """The known base config with the modules of ``like`` that is most like it."""
    best, fewest = None, (0, 0)
    modules = [layer.module for layer in like.layers]
    for base in bases.known():
        found = Config(base.name, base.data)
        if _modules(found.text) != modules:
            continue
        aligned = alignment.align(like.layers, found.layers)
        if aligned is None:
            continue
        wrong = sum(1 for _ in alignment.wrong_readers(like.layers, found.layers, aligned))
        differences = wrong, _differing(architecture(found), architecture(like))
        if best is None or differences < fewest:
            best, fewest = found, differences
    return best


@cache
def _modules(known: str) -> list[Any]:
    """The modules of the rows of a known config's text, read once for all the files of a run."""
    data = load_values(known)
    rows = [*data.get("backbone", []), *data.get("head", [])] if isinstance(data, dict) else []
    return [row[2] for row in rows]


def _differing(one: Architecture, other: Architecture) -> int:
    """How many values and rows are different; rows only where there are as many."""
    values = [key for key in {*one[0], *other[0]} if one[0].get(key) != other[0].get(key)]
    return len(values) + sum(1 for row, another in zip(one[1], other[1], strict=True) if row != another)


def architecture(config: Config) -> Architecture:
    """What a config says besides its references and what its data set determines."""
    data = config.document.data
    others = {key: value for key, value in data.items() if key not in (*SECTIONS, *OF_THE_DATA)}
    return others, [[layer.number, layer.module, layer.args] for layer in config.layers]
