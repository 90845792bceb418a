"""What the layers say together: references, readers, nominal channels and strides.

Pure functions over :class:`~yamlinject.core.layer.Layer`. The rules for channels follow ``parse_model`` of
YOLOv5 (``models/yolo.py``), Ultralytics (``ultralytics/nn/tasks.py``), YOLOv7 and YOLOv9, before any
scaling; the index :data:`IMAGE` stands for the input image.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yamlinject.core.layer import Layer

IMAGE = -1


def _at(args: list[Any], position: int, default: Any) -> Any:
    return args[position] if position < len(args) else default


def _third_argument(args: list[Any]) -> Any:
    """The stride of a convolution's row ``[channels, kernel, stride]``."""
    return _at(args, 2, 1)


#: Modules whose output is no single feature map: a list, or a prediction.
_NO_MAP = {
    "CBLinear": "gives a list of feature maps",
    "ImagePoolingAttn": "gives a text embedding",
    "Classify": "gives class scores",
    "Merge": "gives detections",
}

#: Detection heads by their names, for those that are not the last layer.
_HEAD = re.compile(r"Detect|Segment|Pose|OBB|Panoptic|RTDETRDecoder")

#: Modules that pick one feature map out of the list that the layer they read gives.
READS_LISTS = {"Index"}

#: Joining modules that bring every input to the shape of the last one.
_RESIZES = {"CBFuse"}

#: Joining modules whose output has the channels of all inputs together.
_SUMS = {"Chuncat"}

#: Modules without a channel argument that change the number of channels.
_CHANNEL_FACTOR: dict[str, Callable[[list[Any]], float]] = {
    "ReOrg": lambda args: 4,
    "space_to_depth": lambda args: 4,
    "nn.PixelShuffle": lambda args: 1 / args[0] ** 2,
    "Foldcut": lambda args: 1 / 2,
    "Contract": lambda args: _at(args, 0, 2) ** 2,
    "Expand": lambda args: 1 / _at(args, 0, 2) ** 2,
}

#: Modules whose first argument is no channel count though it may be an integer; all of ``nn`` but
#: its convolutions are alike.
_KEEPS = {"AIFI", "MP", "SP", "Silence"}
_NN_CONVOLUTIONS = {"nn.Conv2d", "nn.ConvTranspose2d"}

#: Modules whose output channels are not their first argument.
_DECLARES: dict[str, Callable[[list[Any]], Any]] = {
    "HGStem": lambda args: args[1],
    "HGBlock": lambda args: args[1],
    "ResNetLayer": lambda args: args[1] if args[3] else 4 * args[1],
}

#: Modules of the frameworks that declare their channels as first argument, besides those named so after
#: a convolution.
_DECLARES_FIRST = frozenset(
    """
    A2C2f ADown Bottleneck BottleneckCSP BottleneckCSPA BottleneckCSPB BottleneckCSPC BottleneckCSPF
    C1 C2 C2PSA C2f C2fAttn C2fCIB C2fPSA C3 C3Ghost C3SPP C3TR C3k2 C3x DownC ELAN1 Focus
    GhostBottleneck Index MixConv2d PSA RepC3 RepNCSPELAN4 ResCSPB ResCSPC ResXCSPB ResXCSPC SCDown
    SPP SPPCSPC SPPELAN SPPF Stem TorchVision
    """.split()
)

#: The smallest integer that is read as a channel count in the args of an unknown module.
_FEWEST_CHANNELS = 16

#: More than any stride or channel count.
_MOST = 10**9

_STRIDE: dict[str, Callable[[list[Any]], float | None]] = {
    "ADown": lambda args: 2,
    "AConv": lambda args: 2,
    "Contract": lambda args: _at(args, 0, 2),
    "DownC": lambda args: 2,
    "Expand": lambda args: 1 / _at(args, 0, 2),
    "Focus": lambda args: 2 * _at(args, 2, 1),
    "HGStem": lambda args: 4,
    "MP": lambda args: _at(args, 0, 2),
    "PatchEmbed": lambda args: _at(args, 1, 4),
    "PatchMerging": lambda args: 2,
    "ReOrg": lambda args: 2,
    "ResNetLayer": lambda args: 4 if args[3] else args[2],
    "SCDown": _third_argument,
    "Stem": lambda args: 4,
    "ConvTranspose": lambda args: 1 / _at(args, 2, 2),
    "DWConvTranspose2d": lambda args: 1 / _at(args, 2, 1),
    "GhostBottleneck": _third_argument,
    "TorchVision": lambda args: None,  # the model that it wraps decides
    "nn.ConvTranspose2d": lambda args: 1 / _at(args, 2, 1),
    "nn.AvgPool2d": lambda args: _at(args, 1, _at(args, 0, 1)),
    "nn.MaxPool2d": lambda args: _at(args, 1, _at(args, 0, 1)),
    "nn.PixelShuffle": lambda args: 1 / args[0],
    "nn.Upsample": lambda args: 1 / _at(args, 1, 1),
    "space_to_depth": lambda args: 2,
}


def resolve(index: int, reference: int) -> int:
    """The layer that ``reference`` names when layer ``index`` reads it, or :data:`IMAGE`."""
    return reference if reference >= 0 else index + reference


def reference_problem(index: int, reference: int) -> str | None:
    """What is wrong with a reference of layer ``index``, or None.

    A framework runs the layers in order, so a layer can read an earlier one; only the first layer
    reads the image, as -1.
    """
    source = resolve(index, reference)
    if source == index:
        return f"'from' {reference} is the layer itself"
    if source > index:
        can = (
            f"it can read layers up to {index - 1}" if index else "the first layer can read the image only"
        )
        return f"'from' {reference} is no earlier layer: {can}"
    if source < 0 and (index, reference) != (0, -1):
        return f"'from' {reference} reaches back beyond layer 0"
    return None


def sources(layer: Layer) -> list[int]:
    """The layers that ``layer`` reads, in the order of its ``from``."""
    return [resolve(layer.index, reference) for reference in layer.references]


def readers(layers: Sequence[Layer]) -> list[list[Layer]]:
    """For every layer, the layers that read it."""
    found: list[list[Layer]] = [[] for _ in layers]
    for layer in layers:
        for source in dict.fromkeys(sources(layer)):
            if source != IMAGE:
                found[source].append(layer)
    return found


def insertion_problems(layers: Sequence[Layer]) -> list[str | None]:
    """For every layer, why nothing may stand after it, or None."""
    last = layers[-1] if layers else None
    picked_from = {
        source: layer for layer in layers if layer.module in READS_LISTS for source in sources(layer)
    }
    found: list[str | None] = []
    for layer in layers:
        problem = None
        if layer is last:
            problem = "it is the last layer, and frameworks take the last layer for the detection head"
        elif layer.module in _NO_MAP:
            problem = f"{layer.module} {_NO_MAP[layer.module]}, not one feature map"
        elif layer.index in picked_from:
            problem = f"it gives a list, from which {picked_from[layer.index]} picks, not one feature map"
        elif _HEAD.search(layer.module):
            problem = f"{layer.module} is a detection head, whose output is not one feature map"
        elif last and last.from_ == [] and layer.module in _NN_CONVOLUTIONS:
            problem = f"{last} has an empty 'from' and finds its inputs by their channel count"
        found.append(problem)
    return found


def channels(layers: Sequence[Layer], image: int = 3) -> list[int | None]:
    """Nominal output channels of every layer, None where the rows do not tell.

    A module that is not known here is taken to declare its channels first in its args when that is
    an integer of at least 16, and to keep those of its input when it is not.
    """
    found: list[int | None] = []
    for layer in layers:
        inputs = [image if source == IMAGE else found[source] for source in sources(layer)]
        count = _channels(layer, inputs)
        found.append(count if count is not None and count < _MOST else None)
    return found


def declares_channels(module: str) -> bool:
    """Whether ``module`` is known to say in its args how many channels it gives."""
    return module in _DECLARES or module in _DECLARES_FIRST or "conv" in module.lower()


def _channels(layer: Layer, inputs: list[int | None]) -> int | None:
    module, args = layer.module, layer.args
    if module in _NO_MAP:
        return None
    if is_concat(module) or module in _SUMS:
        known = [count for count in inputs if count is not None]
        return sum(known) if known and len(known) == len(inputs) else None
    if module in _DECLARES:
        declared = _computed(_DECLARES[module], args)
        return int(declared) if declared else None
    if module in _RESIZES:
        return inputs[-1] if inputs else None
    if module == "Shortcut":
        return inputs[0] if inputs else None
    if module in _CHANNEL_FACTOR:
        factor = _computed(_CHANNEL_FACTOR[module], args)
        return int(inputs[0] * factor) or None if inputs and inputs[0] and factor else None
    if (module.startswith("nn.") and module not in _NN_CONVOLUTIONS) or module in _KEEPS:
        return inputs[0] if inputs else None
    if args and is_count(args[0]):
        if declares_channels(module) or could_be_channels(args[0]):
            return int(args[0])
    elif module in _NN_CONVOLUTIONS:
        return None
    return inputs[0] if len(set(inputs)) == 1 else None


def strides(
    layers: Sequence[Layer], assumed: Mapping[str, float | None] | None = None
) -> list[float | None]:
    """By what every layer's output is smaller than the image, None where its inputs disagree.

    Convolutions, told by their name, declare their stride as third argument. A module that is not
    known here is taken to keep the resolution of its input, unless ``assumed`` has a factor for it.
    """
    assumed = assumed or {}
    found: list[float | None] = []
    for layer in layers:
        inputs = [1 if source == IMAGE else found[source] for source in sources(layer)]
        if layer.module in _RESIZES:
            inputs = inputs[-1:]
        common = inputs[0] if len(set(inputs)) == 1 and layer.module not in _NO_MAP else None
        factor = assumed[layer.module] if layer.module in assumed else stride_factor(layer)
        stride = common * factor if common is not None and factor is not None else 0
        found.append(stride if 1 / _MOST < stride < _MOST else None)
    return found


def gives_no_map(layer: Layer) -> bool:
    """Whether the layer gives something else than one feature map, so that what reads it is special."""
    return layer.module in _NO_MAP


def is_concat(module: str) -> bool:
    """Whether ``module`` is, by its name, one that puts its inputs one behind the other."""
    return "concat" in module.lower()


def is_head(module: str) -> bool:
    """Whether ``module`` is, by its name, a detection head or another one that reads several scales."""
    return bool(_HEAD.search(module)) or "head" in module.lower()


def knows_stride(module: str) -> bool:
    """Whether :func:`stride_factor` is more than a guess for this module."""
    return (
        module in _STRIDE
        or module in _KEEPS
        or module in _NO_MAP
        or declares_channels(module)
        or module.startswith("nn.")
        or is_concat(module)
    )


def stride_factor(layer: Layer) -> float | None:
    """By what ``layer`` itself makes its input smaller, None where the row does not tell."""
    rule = _STRIDE.get(layer.module)
    if rule is None and "conv" in layer.module.lower():
        rule = _third_argument
    return _computed(rule, layer.args) if rule else 1


def _computed(rule: Callable[[list[Any]], Any], args: list[Any]) -> float | None:
    """What ``rule`` makes of a row's args, or None where they are not as it expects."""
    try:
        value = rule(args)
        return value if 0 < value < _MOST and not isinstance(value, bool) else None
    except (IndexError, TypeError, ZeroDivisionError, OverflowError):
        return None


def is_count(value: Any) -> bool:
    """Whether a value can be a number of channels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST


def could_be_channels(value: Any) -> bool:
    """Whether a value in the args of any module is rather a number of channels than a kernel size."""
    return is_count(value) and bool(value >= _FEWEST_CHANNELS)


def is_index(value: Any) -> bool:
    """Whether a value can be the index of a layer."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
