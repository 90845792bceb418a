"""The model that a framework builds from nominal rows: its repeats and channels, by the scale's multiples.

The rules are those of ``parse_model`` in ``yolov5/models/yolo.py`` and ``ultralytics/nn/tasks.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from yamlinject.core import graph, module_rules, modules, scales
from yamlinject.core.layer import Layer
from yamlinject.errors import ConfigError, YamlInjectError

#: What frameworks build whatever the file says: YOLOv5 by its multiples, Ultralytics by the file's name.
AUTO = "auto"

#: ``depth_multiple`` and ``width_multiple`` of YOLOv5's five sizes.
_YOLOV5 = {"n": (0.33, 0.25), "s": (0.33, 0.5), "m": (0.67, 0.75), "l": (1.0, 1.0), "x": (1.33, 1.25)}

#: All channels are multiples of this.
_STEP = 8

#: Modules whose channels are built as the row says.
_AS_WRITTEN = ("Index", "TorchVision")


class Multiples(NamedTuple):
    """What repeats and channels are multiplied by, and the most nominal channels that count."""

    depth: float
    width: float
    most: float = math.inf


def multiples(data: dict[str, Any], scale: str, stem: str) -> Multiples:
    """The multiples of ``scale`` in a file with the values ``data`` that is named ``stem``.

    Raises :class:`YamlInjectError` for a scale that there is not, and for values that are no multiples.
    """
    if found := data.get("scales"):
        known = found if isinstance(found, dict) else {}
        name = (scales.built(data, stem) or "") if scale == AUTO else scale
        if name not in known:
            raise YamlInjectError(f"there is no scale '{name}': it has {', '.join(map(str, known))}")
        return _numbers(known[name], f"scales: {name}")
    own = [data.get("depth_multiple"), data.get("width_multiple")]
    if scale == AUTO:
        return _numbers(
            [1.0 if value is None else value for value in own], "depth_multiple, width_multiple"
        )
    if own == [None, None]:
        raise YamlInjectError(f"there is no scale '{scale}': it has neither scales nor width_multiple")
    if scale not in _YOLOV5:
        raise YamlInjectError(f"there is no scale '{scale}': YOLOv5 has {', '.join(_YOLOV5)}")
    return Multiples(*_YOLOV5[scale])


def _numbers(values: Any, what: str) -> Multiples:
    good = isinstance(values, list) and 2 <= len(values) <= 3
    if not good or not all(isinstance(one, int | float) and 0 < one < module_rules.MOST for one in values):
        raise ConfigError(f"{what}: has to be numbers above 0")
    return Multiples(*values)


def scaled(layers: Sequence[Layer], by: Multiples, image: int = 3) -> tuple[list[Layer], list[int | None]]:
    """The layers with the numbers and the channels that are built, and the output channels of each.

    A module that is not known counts as one that keeps its channels where its row names those of its input.
    """
    nominal = graph.channels(layers, image)
    found: list[Layer] = []
    real: list[int | None] = []
    for layer in layers:
        inputs = graph.of_sources(layer, real, image)
        args = layer.args
        if args and module_rules.is_count(args[0]) and _names_channels(layer, nominal[layer.index]):
            before = zip(graph.of_sources(layer, nominal, image), inputs, strict=True)
            kept = [count for named, count in before if named == args[0]]
            if kept and not modules.known(layer.module).declares_channels:
                args = [kept[0], *args[1:]]
            else:
                args = [_divisible(min(args[0], by.most) * by.width), *args[1:]]
        number = max(round(layer.number * by.depth), 1) if layer.number > 1 else layer.number
        found.append(layer._replace(number=number, args=args))
        real.append(graph.output_channels(found[-1], inputs))
    return found, real


def _names_channels(layer: Layer, count: int | None) -> bool:
    """Whether the first of a layer's args is its nominal channels, which are scaled."""
    known = modules.known(layer.module)
    scaled = known.channels in (module_rules.declared, module_rules.only_declared, module_rules.guessed)
    return scaled and layer.module not in _AS_WRITTEN and layer.args[0] == count


def _divisible(count: float) -> int:
    return math.ceil(count / _STEP) * _STEP
