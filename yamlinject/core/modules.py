"""What modules do: a table of those in the frameworks, and guesses by name for all others.

:data:`TABLE` has a row per module; :func:`known` gives the row of any name. A row follows the class in the
file that it names, and what ``parse_model`` beside it makes of a config's row, before any scaling.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from yamlinject.core.module_rules import (
    SAME,
    SCALE,
    THIRD,
    THIRD_OR_UP,
    Channels,
    Stride,
    argument,
    assumed,
    by,
    common,
    declared,
    first,
    guessed,
    last,
    only_declared,
    pooled,
    resnet,
    scale,
    second,
    times,
    total,
    unknown,
    untold,
    up,
)

#: What a module is for, so that it can replace another one.
Role = Literal["attention", "block", "fusion", "upsample", "downsample", "head"]

#: What a module reads: one feature map; a list, to pick one map from; several maps of one size; several
#: of any sizes, all resized to that of the last; several of any sizes, as a head does.
Reads = Literal["one", "list", "one size", "last size", "any sizes"]


class Module(NamedTuple):
    """What is known about a module.

    ``role``: where it depends on the row, that of a row that keeps the size. ``follows``: the framework's
    file, or ``owner/repository/file`` on GitHub; empty for a guess by name. ``gives``: what the output is
    if it is not a single feature map. ``takes``: what its args are, as YOLO's constructors call them, the
    first ones at least; ``ks`` are several kernel sizes. None where that is not known.
    """

    name: str
    role: Role
    channels: Channels
    stride: Stride
    follows: str = ""
    reads: Reads = "one"
    gives: str = ""
    takes: str | None = None

    @property
    def concatenates(self) -> bool:
        """Whether its output has the channels of all its inputs together."""
        return self.channels is total

    @property
    def declares_channels(self) -> bool:
        """Whether its args are known to say how many channels it gives."""
        return self.channels in (declared, only_declared, second, resnet)

    def tells_stride(self, args: list[Any]) -> bool:
        """Whether a row with these args says what it does to the size.

        A convolution known only by its name has to give it as its third argument.
        """
        return bool(self.follows) or (self.stride is THIRD and len(args) > 2)

    @property
    def knows_stride(self) -> bool:
        """Whether ``stride`` is more than a guess."""
        return self.stride is not assumed


#: What a detection head gives.
DETECTIONS = "detections"

#: What blocks with an inner block take, which is repeated as often as the row's number says.
_CSP = "c2 shortcut g e"

_V5 = "yolov5/models/common.py"
_V7 = "yolov7/models/common.py"
_BLOCK = "ultralytics/nn/modules/block.py"
_CONV = "ultralytics/nn/modules/conv.py"
_HEADS = "ultralytics/nn/modules/head.py"
_NN = "torch/nn"
_SWIN = "610xxx/former-yolov5/models/swintransformer.py"
_HSFPN = "xh92117/yolo11highwaycracks/ultralytics/nn/modules/HSFPN.py"
_OURS = "yamlinject/nn"
_SPD = "LabSAINT/SPD-Conv/YOLOv5-SPD/models/common.py"

_ROWS = (
    # convolutions: a stride other than 1 in the row makes one a downsample
    Module("Conv", "block", declared, THIRD, _V5, takes="c2 k s p g d act"),
    Module("CrossConv", "block", declared, THIRD, _V5, takes="c2 k s g e shortcut"),
    Module("DWConv", "block", declared, THIRD, _V5, takes="c2 k s d act"),
    Module("GhostConv", "block", declared, THIRD, _V5, takes="c2 k s g act"),
    Module("MixConv2d", "block", declared, THIRD, "yolov5/models/experimental.py", takes="c2 ks s"),
    Module("RepConv", "block", declared, THIRD, _V7),
    Module("nn.Conv2d", "block", only_declared, THIRD, _NN, takes="c2 k s p"),
    # blocks
    Module("A2C2f", "block", declared, SAME, _BLOCK, takes="c2 a2 area residual mlp_ratio e g shortcut"),
    Module("AIFI", "block", first, SAME, "ultralytics/nn/modules/transformer.py", takes="cm"),
    Module("Bottleneck", "block", declared, SAME, _V5, takes="c2 shortcut g"),
    Module("BottleneckCSP", "block", declared, SAME, _V5, takes=_CSP),
    Module("BottleneckCSPA", "block", declared, SAME, _V7),
    Module("BottleneckCSPB", "block", declared, SAME, _V7),
    Module("BottleneckCSPC", "block", declared, SAME, _V7),
    Module("BottleneckCSPF", "block", declared, SAME, "WongKinYiu/yolor/models/common.py"),
    Module("C1", "block", declared, SAME, _BLOCK, takes="c2"),
    Module("C2", "block", declared, SAME, _BLOCK, takes=_CSP),
    Module("C2PSA", "block", declared, SAME, _BLOCK, takes="c2 e"),
    Module("C2f", "block", declared, SAME, _BLOCK, takes=_CSP),
    Module("C2fAttn", "block", declared, SAME, _BLOCK, takes="c2 ec nh gc shortcut g e"),
    Module("C2fCIB", "block", declared, SAME, _BLOCK, takes="c2 shortcut lk g e"),
    Module("C2fPSA", "block", declared, SAME, _BLOCK, takes="c2 e"),
    Module("C3", "block", declared, SAME, _V5, takes=_CSP),
    Module("C3Ghost", "block", declared, SAME, _V5, takes=_CSP),
    Module("C3SPP", "block", declared, SAME, _V5, takes="c2 ks n shortcut g e"),
    Module("C3TR", "block", declared, SAME, _V5, takes=_CSP),
    Module("C3k2", "block", declared, SAME, _BLOCK, takes="c2 c3k e"),
    Module("C3x", "block", declared, SAME, _V5, takes=_CSP),
    Module("CBLinear", "block", untold, SAME, _BLOCK, gives="a list of feature maps"),
    Module("ELAN1", "block", declared, SAME, _BLOCK, takes="c2 c3 c4"),
    Module("Foldcut", "block", times(lambda args: 1 / 2), SAME, _V7),
    Module("GhostBottleneck", "block", declared, THIRD, _V5, takes="c2 k s"),
    Module("HGBlock", "block", second, SAME, _BLOCK, takes="cm c2 k lightconv shortcut act"),
    Module("Index", "block", declared, unknown, _CONV, reads="list"),
    Module("PSA", "block", declared, SAME, _BLOCK, takes="c2 e"),
    Module("RepC3", "block", declared, SAME, _BLOCK, takes="c2 e"),
    Module("RepNCSPELAN4", "block", declared, SAME, _BLOCK, takes="c2 c3 c4 n"),
    Module("ResCSPB", "block", declared, SAME, _V7),
    Module("ResCSPC", "block", declared, SAME, _V7),
    Module("ResNetLayer", "block", resnet, lambda args: 4 if args[3] else args[2], _BLOCK),
    Module("ResXCSPB", "block", declared, SAME, _V7),
    Module("ResXCSPC", "block", declared, SAME, _V7),
    Module("SP", "block", first, argument(1, 1), _V7),
    Module("SPP", "block", declared, SAME, _V5, takes="c2 ks"),
    Module("SPPCSPC", "block", declared, SAME, _V7),
    Module("SPPELAN", "block", declared, SAME, _BLOCK, takes="c2 c3 k"),
    Module("SPPF", "block", declared, SAME, _V5, takes="c2 k"),
    Module("Silence", "block", first, SAME, "yolov9/models/common.py"),
    Module("TorchVision", "block", declared, unknown, _BLOCK),  # its model decides
    Module("nn.Identity", "block", first, SAME, _NN),
    Module("nn.ZeroPad2d", "block", first, SAME, _NN),
    # what joins several layers
    Module("Add", "fusion", common, SAME, _HSFPN, "one size"),
    Module("BiFPN_Concat", "fusion", total, SAME, f"{_OURS}/bifpn_concat.py", "one size"),
    Module("CBFuse", "fusion", last, SAME, _BLOCK, "last size"),
    Module("Chuncat", "fusion", total, SAME, _V7, "one size"),
    Module("Concat", "fusion", total, SAME, _V5, "one size", takes="dimension"),
    Module("Shortcut", "fusion", first, SAME, _V7, "one size"),
    # what makes the feature map larger
    Module("CARAFE", "upsample", first, up(scale), f"{_OURS}/carafe.py"),
    Module("ConvTranspose", "upsample", declared, up(argument(2, 2)), _CONV, takes="c2 k s p bn act"),
    Module("DWConvTranspose2d", "upsample", declared, up(THIRD), _V5, takes="c2 k s p1 p2"),
    Module("DySample", "upsample", first, up(scale), f"{_OURS}/dysample.py"),
    Module("Expand", "upsample", times(lambda args: 1 / SCALE(args) ** 2), up(SCALE), _V5),
    Module("nn.ConvTranspose2d", "upsample", only_declared, up(THIRD), _NN, takes="c2 k s p"),
    Module(
        "nn.PixelShuffle", "upsample", times(lambda args: 1 / args[0] ** 2), up(lambda args: args[0]), _NN
    ),
    Module("nn.Upsample", "upsample", first, up(argument(1, 1)), _NN, takes="size scale_factor mode"),
    # what makes it smaller
    Module("AConv", "downsample", declared, by(2), _BLOCK, takes="c2"),
    Module("ADown", "downsample", declared, by(2), _BLOCK, takes="c2"),
    Module("Contract", "downsample", times(lambda args: SCALE(args) ** 2), SCALE, _V5),
    Module("DownC", "downsample", declared, argument(1, 2), _V7),
    Module("Focus", "downsample", declared, lambda args: 2 * THIRD(args), _V5, takes="c2 k s p g act"),
    Module("HGStem", "downsample", second, by(4), _BLOCK),
    Module("MP", "downsample", first, SCALE, _V7),
    Module("PatchEmbed", "downsample", guessed, argument(1, 4), _SWIN),
    Module("PatchMerging", "downsample", guessed, by(2), _SWIN),
    Module("ReOrg", "downsample", times(lambda args: 4), by(2), _V7),
    Module("SCDown", "downsample", declared, THIRD, _BLOCK, takes="c2 k s"),
    Module("Stem", "downsample", declared, by(4), _V7),
    Module("nn.AvgPool2d", "downsample", first, pooled, _NN),
    Module("nn.MaxPool2d", "downsample", first, pooled, _NN, takes="k s p"),
    Module("space_to_depth", "downsample", times(lambda args: 4), by(2), _SPD),
    # heads, except those recognized by name, and other modules that give no feature map
    Module("Classify", "head", untold, SAME, _HEADS, gives="class scores"),
    Module("Depth", "head", guessed, assumed, _HEADS, "any sizes", "a depth map"),
    Module("ImagePoolingAttn", "attention", untold, SAME, _BLOCK, "any sizes", "a text embedding"),
    Module("Merge", "head", untold, SAME, "yolov7/models/yolo.py", "any sizes", DETECTIONS),
)

#: The modules that frameworks have, by their names as configs write them.
TABLE = {row.name: row for row in _ROWS}

#: Detection heads, by parts of the names that frameworks give them.
_DETECTS = re.compile(r"Detect|Segment|Pose|OBB|Panoptic|RTDETRDecoder")

#: Parts of the names of modules that join what they read.
_JOINS = ("add", "cat", "fpn", "fus", "sum")

#: Words in the names of those that add it up, as in ``BiFPN_Add3``, so that all of it has one size.
_ADDS = re.compile(r"(?:Add|Sum|Bi_?FPN)(?![a-z])")


def known(name: str) -> Module:
    """The row of a module: from :data:`TABLE`, or else guessed from its name."""
    return TABLE.get(name) or _by_name(name)


@lru_cache(maxsize=4096)
def _by_name(name: str) -> Module:
    """The rules for modules that are not in the table: forks have thousands.

    A convolution declares its channels first and its stride third, a Concat has the channels of all its
    inputs, and torch's own modules keep the channels of theirs. All others are assumed to keep the size,
    and to declare their channels if the first argument could be a channel count. A join may resize what it
    reads, unless its name says that it adds it up.
    """
    lower = name.lower()
    joins = any(part in lower for part in _JOINS)
    if _DETECTS.search(name) and "att" not in lower:
        return Module(name, "head", guessed, assumed, "", "any sizes", DETECTIONS)
    if lower.endswith("head"):  # of detection, or a block
        return Module(name, "head", guessed, assumed, reads="any sizes")
    role: Role = "attention" if "atten" in lower else "fusion" if joins else "block"
    reads: Reads = "one" if not joins else "one size" if _ADDS.search(name) else "any sizes"
    if "concat" in lower:
        return Module(name, role, total, SAME, reads="one size")
    if "conv" in lower:
        # the stride of a transposed convolution is one too, but names with "trans" may mean a transformer
        rule = THIRD_OR_UP if "trans" in lower or "deconv" in lower else THIRD
        return Module(name, role, declared, rule, reads=reads)
    if name.startswith("nn."):
        return Module(name, role, first, assumed, reads=reads)
    return Module(name, role, guessed, assumed, reads=reads)
