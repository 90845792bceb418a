"""Renumbering the keys of checkpoints.

Below a new layer ``model.10.conv.weight`` is ``model.11.conv.weight``. The index map of the rewrite says so
exactly; nothing here needs a framework, or torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from yamlinject.core.index_map import IndexMap
from yamlinject.errors import YamlInjectError

_Value = TypeVar("_Value")

#: ``model.10.m.0.weight``, with a prefix in ``YOLO(…)`` and in wrappers for several GPUs.
_KEY = re.compile(r"(?P<before>(?:[A-Za-z_]\w*\.)*?model\.)(?P<index>0|[1-9][0-9]{0,6})(?P<rest>\..+)")


def layer_of(key: str) -> int | None:
    """The index of the layer that a tensor belongs to, or None."""
    match = _KEY.fullmatch(key)
    return int(match["index"]) if match else None


def transfer_state_dict(
    state_dict: Mapping[str, _Value], index_map: IndexMap, *, reverse: bool = False
) -> dict[str, _Value]:
    """The tensors of ``state_dict``, unchanged, each under its name after the rewrite.

    ``index_map`` is that of the insertion, ``config.rewrite.index_map``. With ``reverse``, from the config
    with the new layers to its base. Keys that name no layer stay as they are.
    Raises :class:`YamlInjectError` for an unknown layer, and in reverse for the tensors of a new layer.
    """
    moved = dict(enumerate(index_map.moved))
    if reverse:
        moved = {new: old for old, new in moved.items()}
    found: dict[str, _Value] = {}
    for key, value in state_dict.items():
        match = _KEY.fullmatch(key)
        if match is None:
            found[key] = value
            continue
        index = int(match["index"])
        if index not in moved:
            if index in index_map.injected:
                raise YamlInjectError(
                    f"{key}: layer {index} was inserted, and the base has no place for it"
                )
            raise YamlInjectError(f"{key}: there are only {len(moved)} layers")
        found[f"{match['before']}{moved[index]}{match['rest']}"] = value
    return found
