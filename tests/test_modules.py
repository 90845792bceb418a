"""What the table of modules says, compared with the installed frameworks and with facts."""

from __future__ import annotations

import ast
import importlib.util
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from yamlinject.core import graph
from yamlinject.core.layer import Layer
from yamlinject.core.modules import TABLE, known
from yamlinject.library import architectures, recipes, upstream


def layer(module: str, args: list[Any], from_: int | list[int] = -1, index: int = 1) -> Layer:
    return Layer(index, "backbone", from_, 1, module, args)


@pytest.mark.parametrize(
    ("module", "args", "role"),
    [
        ("C3", [512], "block"),
        ("C2f", [512, True], "block"),
        ("SPPF", [1024, 5], "block"),
        ("C2PSA", [1024], "block"),
        ("Conv", [256, 1, 1], "block"),
        ("Conv", [256, 3, 2], "downsample"),
        ("DWConv", [256, 3, 2], "downsample"),
        ("GhostBottleneck", [256, 3, 2], "downsample"),
        ("ResNetLayer", [256, 128, 2, False, 4], "downsample"),
        ("ResNetLayer", [64, 64, 1, False, 3], "block"),
        ("GSConv", [256, 3, 2], "downsample"),
        ("TorchVision", [512, "resnet18", "DEFAULT", True, 2], "block"),
        ("ADown", [512], "downsample"),
        ("SCDown", [512, 3, 2], "downsample"),
        ("nn.MaxPool2d", [2, 2], "downsample"),
        ("nn.MaxPool2d", [3, 1, 1], "downsample"),
        ("nn.Upsample", ["None", 2, "nearest"], "upsample"),
        ("nn.ConvTranspose2d", [256, 2, 2, 0], "upsample"),
        ("Concat", [1], "fusion"),
        ("BiFPN_Concat2", [1], "fusion"),
        ("BiFPN_Concat", [2], "fusion"),
        ("CARAFE", [256], "upsample"),
        ("DySample", [256, 2], "upsample"),
        ("BiFPN_Add2", [256, 256], "fusion"),
        ("CBFuse", [[0, 0]], "fusion"),
        ("Shortcut", [1], "fusion"),
        ("GAM_Attention", [512, 512], "attention"),
        ("KernelSelectiveFusionAttention", [256], "attention"),
        ("Detect", ["nc", "anchors"], "head"),
        ("YOLOESegment26", ["nc", 32, 256], "head"),
        ("RTDETRDecoder", ["nc"], "head"),
        ("Depth", [256], "head"),
        ("Classify", ["nc"], "head"),
        ("CLLAHead", ["nc"], "head"),
        ("MobileNet_Block", [24, 72, 3, 2, 0, 0], "block"),
        ("nn.Identity", [], "block"),
    ],
)
def test_role(module: str, args: list[Any], role: str) -> None:
    assert graph.role(layer(module, args)) == role


#: The modules of the table that are not blocks, by what they do.
ROLES = {
    "fusion": "Add BiFPN_Concat CBFuse Chuncat Concat Shortcut",
    "upsample": "CARAFE ConvTranspose DWConvTranspose2d DySample Expand nn.ConvTranspose2d nn.PixelShuffle "
    "nn.Upsample",
    "downsample": "AConv ADown Contract DownC Focus HGStem MP PatchEmbed PatchMerging ReOrg SCDown Stem "
    "nn.AvgPool2d nn.MaxPool2d space_to_depth",
    "attention": "ImagePoolingAttn",
    "head": "Classify Depth Merge",
}


def test_roles_of_the_table() -> None:
    roles = {name: role for role, names in ROLES.items() for name in names.split()}
    assert {name: row.role for name, row in TABLE.items() if row.role != "block"} == roles


@pytest.mark.parametrize(
    ("module", "reads"),
    [
        ("C3", "one"),
        ("Concat", "one size"),
        ("Concat_BiFPN", "one size"),
        ("BiFPN_Concat", "one size"),
        ("CARAFE", "one"),
        ("Add", "one size"),
        ("Shortcut", "one size"),
        ("Chuncat", "one size"),
        ("CBFuse", "last size"),
        ("Detect_FASFF", "any sizes"),
        ("CLLAHead", "any sizes"),
        ("FeatureAdd", "one size"),
        ("BiFPN", "one size"),
        ("BiFPN_Add3", "one size"),
        ("Bi_FPN", "one size"),
        ("WeightedSum", "one size"),
        ("SummaryFusion", "any sizes"),
        ("PaddedFusion", "any sizes"),
        ("Zoom_cat", "any sizes"),
        ("CrossTransformerFusion", "any sizes"),
        ("ScaleCat", "any sizes"),
        ("Index", "list"),
        ("GAM_Attention", "one"),
        ("PoseAttn", "one"),
        ("nn.ZeroPad2d", "one"),
        ("nn.AdaptiveAvgPool2d", "one"),
    ],
)
def test_what_is_read(module: str, reads: str) -> None:
    assert known(module).reads == reads


@pytest.mark.parametrize("module", ["C3_SAC", "SwinStage", "MHSA"])
def test_other_names_tell_nothing(module: str) -> None:
    row = known(module)
    assert (row.role, row.follows, row.declares_channels, row.knows_stride) == ("block", "", False, False)


@pytest.mark.parametrize(
    ("module", "args", "told"),
    [
        ("C3", [512], True),
        ("Conv", [512], True),
        ("space_to_depth", [1], True),
        ("nn.Identity", [], True),
        ("nn.AdaptiveAvgPool2d", [1], False),
        ("GSConv", [512, 3, 2], True),
        ("GSConv", [512, 3], False),
        ("MyTransConv", [256, 4, 2], False),
        ("DWDeconv", [256, 4, 2], False),
        ("SwinStage", [96, 2, 3], False),
    ],
)
def test_whether_a_row_tells_its_stride(module: str, args: list[Any], told: bool) -> None:
    assert known(module).tells_stride(args) == told


@pytest.mark.parametrize(
    ("args", "scale"),
    [
        ([], 2),
        ([256], 2),
        ([256, 2], 2),
        ([256, 4], 4),
        # of other people's classes: sizes of kernels, a style, groups
        ([256, 3, 5], 2),
        ([3, 5], 2),
        (["lp"], 2),
        ([2, "lp"], 2),
        ([256, 2, "lp"], 2),
        ([256, [4]], 2),
    ],
)
@pytest.mark.parametrize("module", ["CARAFE", "DySample"])
def test_scale_of_upsampling(module: str, args: list[Any], scale: int) -> None:
    assert graph.stride_factor(layer(module, args)) == 1 / scale


def test_every_upstream_module_is_in_the_table_or_a_head_by_its_name() -> None:
    others = architectures.modules() - TABLE.keys()
    assert {known(name).role for name in others} == {"head"}


def test_the_table_is_in_order() -> None:
    """Within a role by name, so that a module is found."""
    names = list(TABLE)
    groups = [names[names.index(start) : names.index(end) + 1] for start, end in GROUPS]
    assert [name for group in groups for name in group] == names
    assert all(group == sorted(group) for group in groups)


GROUPS = [
    ("Conv", "nn.Conv2d"),
    ("A2C2f", "nn.ZeroPad2d"),
    ("Add", "Shortcut"),
    ("CARAFE", "nn.Upsample"),
    ("AConv", "space_to_depth"),
    ("Classify", "Merge"),
]

#: Rows that frameworks build below a convolution to 64 channels and stride 2 (two of them for a join).
ROWS: dict[str, list[Any]] = {
    "A2C2f": [64, False, -1],
    "AConv": [96],
    "ADown": [96],
    "AIFI": [128, 8],
    "Bottleneck": [96],
    "BiFPN_Concat": [2],
    "BottleneckCSP": [96],
    "C1": [96],
    "C2": [96],
    "C2PSA": [64],
    "C2f": [96],
    "C2fCIB": [96],
    "C2fPSA": [64],
    "C3": [96],
    "C3Ghost": [96],
    "C3SPP": [96, [5, 9]],
    "C3TR": [96],
    "C3k2": [96],
    "C3x": [96],
    "CARAFE": [64, 4],
    "CBLinear": [[32, 64]],
    "Classify": [10],
    "Concat": [1],
    "Contract": [4],
    "Conv": [96, 3, 2],
    "ConvTranspose": [96, 4, 4],
    "CrossConv": [96, 3, 2],
    "DWConv": [128, 3, 2],
    "DWConvTranspose2d": [64, 2, 2],
    "DySample": [64],
    "ELAN1": [96, 32, 16],
    "Expand": [4],
    "Focus": [96, 3, 2],
    "GhostBottleneck": [96, 3, 2],
    "GhostConv": [96, 3, 2],
    "HGBlock": [48, 96, 3],
    "HGStem": [32, 96],
    "MixConv2d": [96, [1, 3], 2],
    "PSA": [128],
    "RepC3": [96],
    "RepNCSPELAN4": [96, 64, 32, 1],
    "ResNetLayer": [64, 24, 2, False, 1],
    "SCDown": [96, 3, 2],
    "SPP": [96, [5, 9, 13]],
    "SPPELAN": [96, 32],
    "SPPF": [96, 5],
    "nn.AvgPool2d": [2],
    "nn.ConvTranspose2d": [64, 4, 4],
    "nn.Identity": [],
    "nn.MaxPool2d": [4, 4],
    "nn.PixelShuffle": [2],
    "nn.Upsample": ["None", 4, "nearest"],
    "nn.ZeroPad2d": [0],
}

#: Not built so: they read a text, a list, or what several layers give, or download their weights.
NOT_BUILT = {"C2fAttn", "CBFuse", "Depth", "ImagePoolingAttn", "Index", "TorchVision"}

#: ``nn.Conv2d`` gets its args unchanged today; old versions of YOLOv5 put the input's channels before.
OLD = {"nn.Conv2d"}

INSTALLED = [
    row
    for row in TABLE.values()
    if row.follows.split("/")[0] in ("yolov5", "ultralytics", "torch", "yamlinject")
]

#: Which frameworks build them.
BUILDERS = {"yolov5": ["yolov5"], "yamlinject": ["yolov5", "ultralytics"]}
BUILT = [
    (name, framework)
    for name in ROWS
    for framework in BUILDERS.get(TABLE[name].follows.split("/")[0], ["ultralytics"])
]


def test_every_row_of_an_installed_framework_is_built() -> None:
    assert {row.name for row in INSTALLED} == {*ROWS, *NOT_BUILT, *OLD}


@pytest.mark.framework
@pytest.mark.filterwarnings("ignore")  # the frameworks' own, on import
def test_which_framework_has_which_module() -> None:
    places: dict[upstream.Framework, str] = {
        "yolov5": "yolov5.models.yolo",
        "ultralytics": "ultralytics.nn.tasks",
    }
    for framework, place in places.items():
        names = vars(import_module(place))
        for module in TABLE:
            if module not in recipes.names():
                is_there = module in names or module.startswith("nn.")
                assert upstream.has(framework, module) is is_there, (framework, module)
        assert upstream.has(framework, "SimAM") is None
        assert upstream.has(framework, "Mystery") is None


@pytest.mark.framework
@pytest.mark.filterwarnings("ignore")  # the frameworks' own, on import
@pytest.mark.parametrize(("module", "framework"), BUILT)
def test_channels_and_stride_are_those_of_the_framework(module: str, framework: str) -> None:
    import torch

    import_module("yamlinject.nn")  # makes ours known

    joins = TABLE[module].concatenates
    rows: list[list[Any]] = [
        [-1, 1, "Conv", [64, 3, 2]],
        [-1, 1, "Conv", [128 if module in ("AIFI", "PSA") else 64, 1, 1]],
        [[-1, 0] if joins else -1, 1, module, list(ROWS[module])],
    ]
    layers = [layer(name, args, from_, at) for at, (from_, _, name, args) in enumerate(rows)]
    model = built(rows, framework)
    with torch.no_grad():
        stem = model[0].eval()(torch.zeros(1, 3, 64, 64))
        before = model[1].eval()(stem)
        output = model[2].eval()([before, stem] if joins else before)
    if TABLE[module].gives:
        assert not torch.is_tensor(output) or output.ndim == 2
        assert (graph.channels(layers)[-1], graph.strides(layers)[-1]) == (None, None)
    else:
        assert graph.channels(layers)[-1] == output.shape[1]
        assert graph.strides(layers)[-1] == 64 / output.shape[2]
        assert output.shape[2] == output.shape[3]


def built(rows: list[list[Any]], framework: str) -> Any:
    """The layers, by the framework's own ``parse_model``."""
    data: dict[str, Any] = {"nc": 80, "backbone": rows, "head": []}
    if framework == "yolov5":
        data |= {"anchors": 3, "depth_multiple": 1, "width_multiple": 1}
        return import_module("yolov5.models.yolo").parse_model(data, [3])[0]
    return import_module("ultralytics.nn.tasks").parse_model(data, 3, verbose=False)[0]


@pytest.mark.framework
@pytest.mark.parametrize("row", INSTALLED, ids=lambda row: row.name)
def test_the_file_that_a_row_follows_has_the_class(row: Any) -> None:
    if row.follows == "torch/nn":
        import torch

        assert hasattr(torch.nn, row.name.removeprefix("nn."))
        return
    framework, _, path = row.follows.partition("/")
    spec = importlib.util.find_spec(framework)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    (root,) = spec.submodule_search_locations
    tree = ast.parse(Path(root, path).read_text(encoding="utf-8"))
    assert row.name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
