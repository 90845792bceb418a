"""References, readers, and what upstream's parse_model and modules do with channels and resolution."""

from __future__ import annotations

from typing import Any

import pytest

from yamlinject import IndexMap, Layer
from yamlinject.core import graph

Spec = tuple[Any, str, list[Any]]


def layers(*specs: Spec) -> list[Layer]:
    return [
        Layer(index, "backbone", from_, 1, module, args)
        for index, (from_, module, args) in enumerate(specs)
    ]


STEM: list[Spec] = [
    (-1, "Conv", [64, 6, 2, 2]),  # 0: 64 channels, stride 2
    (-1, "Conv", [128, 3, 2]),  # 1: 128 channels, stride 4
    (-1, "Conv", [256, 3, 2]),  # 2: 256 channels, stride 8
]


def after_stem(*specs: Spec) -> tuple[int | None, float | None]:
    """Channels and stride of the last of ``specs``, which come below :data:`STEM`."""
    found = layers(*STEM, *specs)
    return graph.channels(found)[-1], graph.strides(found)[-1]


def test_the_stem() -> None:
    assert graph.channels(layers(*STEM)) == [64, 128, 256]
    assert graph.strides(layers(*STEM)) == [2, 4, 8]


@pytest.mark.parametrize(
    ("spec", "channels", "stride"),
    [
        ((-1, "Conv", [512, 1, 1]), 512, 8),
        ((-1, "Conv", [512]), 512, 8),
        ((-1, "DWConv", [512, 3, 2]), 512, 16),
        ((-1, "GhostConv", [512, 3, 2]), 512, 16),
        ((-1, "CrossConv", [512, 3, 2]), 512, 16),
        ((-1, "Focus", [512, 3]), 512, 16),
        ((-1, "Focus", [512, 3, 2]), 512, 32),
        ((-1, "GhostBottleneck", [512, 3, 1]), 512, 8),
        ((-1, "GhostBottleneck", [512, 3, 2]), 512, 16),
        ((-1, "C3", [512]), 512, 8),
        ((-1, "C3", [512, False]), 512, 8),
        ((-1, "C3TR", [512]), 512, 8),
        ((-1, "BottleneckCSP", [512, False]), 512, 8),
        ((-1, "C2f", [512, True]), 512, 8),
        ((-1, "C3k2", [512, False, 0.25]), 512, 8),
        ((-1, "C2PSA", [1024]), 1024, 8),
        ((-1, "SPP", [1024, [5, 9, 13]]), 1024, 8),
        ((-1, "SPPF", [1024, 5]), 1024, 8),
        ((-1, "SPPELAN", [512, 256]), 512, 8),
        ((-1, "RepNCSPELAN4", [512, 256, 128, 1]), 512, 8),
        ((-1, "ADown", [512]), 512, 16),
        ((-1, "AConv", [512]), 512, 16),
        ((-1, "SCDown", [512, 3, 2]), 512, 16),
        ((-1, "RepC3", [256, 0.5]), 256, 8),
        ((-1, "nn.Upsample", ["None", 2, "nearest"]), 256, 4),
        ((-1, "nn.Upsample", ["None", 4, "nearest"]), 256, 2),
        ((-1, "nn.ConvTranspose2d", [128, 2, 2, 0]), 128, 4),
        ((-1, "nn.ConvTranspose2d", [128, 4, 4]), 128, 2),
        ((-1, "ConvTranspose", [128]), 128, 4),
        ((-1, "ConvTranspose", [128, 4, 4]), 128, 2),
        ((-1, "DWConvTranspose2d", [128, 2, 2]), 128, 4),
        ((-1, "nn.MaxPool2d", [2, 2, 0]), 256, 16),
        ((-1, "nn.MaxPool2d", [2, 1]), 256, 8),
        ((-1, "nn.MaxPool2d", [2]), 256, 16),
        ((-1, "nn.ZeroPad2d", [[0, 1, 0, 1]]), 256, 8),
        ((-1, "nn.BatchNorm2d", [999]), 256, 8),
        ((-1, "nn.Identity", []), 256, 8),
        ((-1, "Contract", [2]), 1024, 16),
        ((-1, "Contract", []), 1024, 16),
        ((-1, "Expand", [2]), 64, 4),
        ((-1, "Expand", [4]), 16, 2),
        ((-1, "ReOrg", []), 1024, 16),
        ((-1, "MP", []), 256, 16),
        ((-1, "SP", [3, 1]), 256, 8),
        ((-1, "HGStem", [32, 48]), 48, 32),
        ((-1, "HGBlock", [48, 128, 3]), 128, 8),
        ((-1, "HGBlock", [192, 1024, 5, True, False]), 1024, 8),
        ((-1, "ResNetLayer", [3, 64, 1, True, 1]), 64, 32),
        ((-1, "ResNetLayer", [64, 64, 1, False, 3]), 256, 8),
        ((-1, "ResNetLayer", [256, 128, 2, False, 4]), 512, 16),
        ((-1, "AIFI", [1024, 8]), 256, 8),
        ((-1, "SimAM", []), 256, 8),
        ((-1, "SimAM", [0.0001]), 256, 8),
        ((-1, "SimAM", [256]), 256, 8),
        ((-1, "CBAM", [256, 7]), 256, 8),
        ((-1, "Silence", []), 256, 8),
        (([-1], "Concat", [1]), 256, 8),
        (([-1, 2], "Concat", [1]), 512, 8),
        (([-1, -1, 2], "Concat", [1]), 768, 8),
        (([-1, 1], "Concat", [1]), 384, None),
        (([2, -1], "Shortcut", [0]), 256, 8),
        (([2, 0], "Shortcut", [0]), 256, None),
        (([0, 1, 2], "CBFuse", [[0, 0]]), 256, 8),
        (([0, 2, 1], "CBFuse", [[0, 0]]), 128, 4),
        (([-1, 0], "CBFuse", [[0]]), 64, 2),
        ((-1, "BottleneckCSPA", [512]), 512, 8),
        ((-1, "BottleneckCSPB", [8]), 8, 8),
        ((-1, "BottleneckCSPC", [8]), 8, 8),
        ((-1, "BottleneckCSPF", [8]), 8, 8),
        ((-1, "ResCSPB", [8]), 8, 8),
        ((-1, "ResCSPC", [8]), 8, 8),
        ((-1, "ResXCSPB", [8]), 8, 8),
        ((-1, "ResXCSPC", [8]), 8, 8),
        ((-1, "SPPCSPC", [8]), 8, 8),
        ((-1, "RepConv", [8, 3, 2]), 8, 16),
        ((-1, "C2fAttn", [8, 256, 8]), 8, 8),
        ((-1, "DownC", [8]), 8, 16),
        ((-1, "DownC", [8, 4]), 8, 32),
        ((-1, "Stem", [8]), 8, 32),
        ((-1, "MP", [4]), 256, 32),
        ((-1, "SP", [13]), 256, 8),
        ((-1, "SP", [3, 2]), 256, 16),
        ((-1, "Foldcut", []), 128, 8),
        ((-1, "space_to_depth", [1]), 1024, 16),
        ((-1, "PatchEmbed", [96, 4]), 96, 32),
        ((-1, "PatchEmbed", [96]), 96, 32),
        ((-1, "PatchMerging", [512]), 512, 16),
        ((-1, "PatchMerging", [2]), 256, 16),
        ((-1, "nn.AvgPool2d", [3, 2]), 256, 16),
        ((-1, "nn.Conv2d", [8, 3, 2]), 8, 16),
        ((-1, "nn.PixelShuffle", [4]), 16, 2),
        ((-1, "nn.Upsample", []), 256, 8),
        ((-1, "DWConvTranspose2d", [128]), 128, 8),
        ((-1, "TorchVision", [512, "resnet18"]), 512, None),
        (([-1, 2], "Add", []), 256, 8),
        (([-1, 0], "Add", []), None, None),
        (([-1, 2], "Chuncat", [1]), 512, 8),
        (([-1, 2], "BiFPN_Concat2", [1]), 512, 8),
        ((-1, "GSConv", [8, 3, 2]), 8, 16),
        ((-1, "TransConvBlock", [8, 3, 2]), 8, 16),
        (([0, 1, 2], "Merge", [[64, 128, 256]]), None, None),
        ((-1, "CBLinear", [[64, 128]]), None, None),
        ((-1, "Classify", [1000]), None, None),
        (([-1, 2], "ImagePoolingAttn", [256, 8]), None, None),
        ((-1, "Index", [192, 4]), 192, None),
        ((-1, "C1", [8]), 8, 8),
        ((-1, "C2", [8]), 8, 8),
        ((-1, "C3x", [8]), 8, 8),
        ((-1, "PSA", [8]), 8, 8),
    ],
    ids=str,
)
def test_channels_and_stride(spec: Spec, channels: int | None, stride: float | None) -> None:
    assert after_stem(spec) == (channels, stride)


def test_joins_and_resizing_are_followed_back_to_layers_that_declare() -> None:
    found = layers(
        *STEM,
        (-1, "nn.Upsample", ["None", 2, "nearest"]),  # 3
        ([-1, 1], "Concat", [1]),  # 4
        (-1, "SimAM", []),  # 5
        ([-1, -2, 4], "Concat", [1]),  # 6
        (-1, "nn.MaxPool2d", [2, 2]),  # 7
        ([7, 2], "Concat", [1]),  # 8
    )
    assert graph.channels(found) == [64, 128, 256, 256, 384, 384, 1152, 1152, 1408]
    assert graph.strides(found) == [2, 4, 8, 4, 4, 4, 4, 8, 8]


def test_the_image_has_3_channels_by_default() -> None:
    assert graph.channels(layers((-1, "SimAM", []))) == [3]
    assert graph.channels(layers((-1, "nn.Identity", []), (-1, "ReOrg", [])), image=4) == [4, 16]
    assert graph.strides(layers((-1, "ReOrg", []))) == [2]


@pytest.mark.parametrize(
    "spec",
    [
        (-1, "HGBlock", [48]),
        (-1, "HGBlock", ["a", "b"]),
        (-1, "ResNetLayer", [64, 64]),
        (-1, "ResNetLayer", [64, "b", 1, False]),
        (-1, "nn.Conv2d", ["c"]),
        ([1, 2], "Mystery", []),
        (-1, "Contract", ["x"]),
        (-1, "Expand", [0]),
        (-1, "Expand", [[2]]),
        (-1, "Expand", [100]),
        (-1, "Contract", [float("inf")]),
        (-1, "Contract", [float("nan")]),
        ([], "Concat", [1]),
        ([], "Shortcut", [1]),
        ([], "CBFuse", [[0]]),
    ],
    ids=str,
)
def test_channels_that_the_rows_do_not_tell_are_none_from_there_on(spec: Spec) -> None:
    assert after_stem(spec)[0] is None
    assert after_stem(spec, (-1, "SimAM", []))[0] is None
    assert after_stem(spec, (-1, "Contract", [2]))[0] is None
    assert after_stem(spec, ([-1, 0], "Concat", [1]))[0] is None
    assert after_stem(spec, (-1, "C3", [512]))[0] == 512


@pytest.mark.parametrize(
    "spec",
    [
        (-1, "Conv", [64, 3, "s"]),
        (-1, "Conv", [64, 3, 0]),
        (-1, "Expand", [0]),
        (-1, "nn.Upsample", ["None", "None"]),
        (-1, "nn.MaxPool2d", [[2, 2]]),
        (-1, "ResNetLayer", [64]),
    ],
    ids=str,
)
def test_strides_that_the_rows_do_not_tell_are_none_from_there_on(spec: Spec) -> None:
    assert after_stem(spec)[1] is None
    assert after_stem(spec, (-1, "Conv", [64, 3, 2]))[1] is None


def test_absurd_numbers_are_ignored() -> None:
    """They would grow from row to row: endless digits for channels, infinity for strides."""
    assert after_stem((-1, "Conv", [10**9 - 1])) == (10**9 - 1, 8)
    assert after_stem((-1, "Conv", [10**9])) == (256, 8)
    assert after_stem((-1, "Conv", [64, 1, 125_000_000 - 1]))[1] == 8 * (125_000_000 - 1)
    assert after_stem((-1, "Conv", [64, 1, 125_000_000]))[1] is None
    assert after_stem((-1, "nn.Upsample", ["None", 10**9 - 1]))[1] == pytest.approx(8e-9, rel=1e-6)
    assert after_stem((-1, "Expand", [4 * 10**9]), (-1, "nn.Upsample", ["None", 10]))[1] is None


@pytest.mark.parametrize("module", ["Conv", "C3", "SPPF", "C2f", "Bottleneck"])
def test_few_channels_are_channels_for_modules_that_declare_them(module: str) -> None:
    assert after_stem((-1, module, [8]))[0] == 8


def test_an_unknown_module_declares_its_channels_or_keeps_them() -> None:
    assert after_stem((-1, "Mystery", [512]))[0] == 512
    assert after_stem((-1, "MobileNet_Block", [16, 16, 3, 2]))[0] == 16  # yolov5s-mobileNet-ECA
    assert after_stem((-1, "MHSA", [14, 14, 4]))[0] == 256  # the height and width of what it sees
    assert after_stem((-1, "Mystery", [15]))[0] == 256
    assert after_stem((-1, "Mystery", [True]))[0] == 256
    assert after_stem((-1, "Mystery", [0.5, 512]))[0] == 256
    assert after_stem(([2, 2], "Mystery", []))[0] == 256
    assert after_stem(([2, 0], "Mystery", []))[0] is None


@pytest.mark.parametrize(
    ("index", "reference", "layer"),
    [(5, -1, 4), (5, -5, 0), (5, 0, 0), (5, 4, 4), (0, -1, graph.IMAGE), (1, -1, 0)],
)
def test_resolve(index: int, reference: int, layer: int) -> None:
    assert graph.resolve(index, reference) == layer
    assert graph.reference_problem(index, reference) is None


@pytest.mark.parametrize(
    ("index", "reference", "problem"),
    [
        (5, 5, "'from' 5 is the layer itself"),
        (0, 0, "'from' 0 is the layer itself"),
        (5, 6, "0 to 4"),
        (5, 99, "0 to 4"),
        (5, -6, "beyond layer 0"),
        (0, -2, "beyond layer 0"),
        (2, -3, "beyond layer 0"),
    ],
)
def test_reference_problems(index: int, reference: int, problem: str) -> None:
    assert problem in (graph.reference_problem(index, reference) or "")


def test_sources_and_readers() -> None:
    found = layers(*STEM, ([-1, 1], "Concat", [1]), (-2, "C3", [64]), ([2, -2, 2, 4], "Detect", []))
    assert [graph.sources(layer) for layer in found] == [[-1], [0], [1], [2, 1], [2], [2, 3, 2, 4]]
    names = [[layer.index for layer in readers] for readers in graph.readers(found)]
    assert names == [[1], [2, 3], [3, 4, 5], [5], [5], []]


def problems(*specs: Spec) -> list[str | None]:
    return graph.insertion_problems(layers(*specs))


def test_nothing_may_be_inserted_after_the_last_layer() -> None:
    assert problems() == []
    found = problems(*STEM, ([1, 2], "Detect", []))
    assert found[:3] == [None, None, None]
    assert "last layer" in str(found[3])


@pytest.mark.parametrize("module", ["CBLinear", "Classify", "ImagePoolingAttn"])
def test_nothing_may_be_inserted_after_a_layer_that_gives_no_feature_map(module: str) -> None:
    found = problems(*STEM, (-1, module, [[64, 128]]), (2, "C3", [64]), ([2, 4], "Detect", []))
    assert [problem is None for problem in found] == [True, True, True, False, True, False]
    assert module in str(found[3])
    assert "not one feature map" in str(found[3])


def test_nothing_may_be_inserted_after_a_layer_from_whose_list_others_pick() -> None:
    found = problems(
        (-1, "TorchVision", [768, "convnext_tiny", "DEFAULT", True, 2, True]),
        (0, "Index", [192, 4]),
        (0, "Index", [384, 6]),
        ([1, 2], "Detect", []),
    )
    assert "list" in str(found[0])
    assert found[1:3] == [None, None]


def test_convolutions_that_an_old_head_counts_keep_their_place() -> None:
    found = problems((-1, "Conv", [64]), (-1, "nn.Conv2d", [255, 1]), (-2, "C3", [64]), ([], "Detect", []))
    assert found[0] is None
    assert "channel count" in str(found[1])
    assert found[2] is None
    assert problems((-1, "nn.Conv2d", [255, 1]), ([0], "Detect", []))[0] is None


def test_index_map_of_insertions() -> None:
    index_map = IndexMap.inserting(5, [3, 1, 1])
    assert index_map.moved == (0, 1, 4, 5, 7)
    assert index_map.output == (0, 3, 4, 6, 7)
    assert index_map.injected == (2, 3, 6)


def test_references_move_on_to_the_last_injected_layer() -> None:
    index_map = IndexMap.inserting(6, [1, 3])
    # old:  0  1  2  3  4  5      new: 0  1  (2)  3  4  (5)  6  7
    assert index_map.reference(2, 1) == 2
    assert index_map.reference(2, 0) == 0
    assert index_map.reference(4, -1) == -1
    assert index_map.reference(5, -2) == -2
    assert index_map.reference(5, -4) == -5
    assert index_map.reference(5, 3) == 5
    assert index_map.reference(5, 4) == 6
    assert index_map.reference(0, -1) == -1


def test_index_map_of_removals_is_the_inverse() -> None:
    found = layers(*STEM, (-1, "SimAM", []), (-1, "SimAM", []), ([4, 3, 2, -1], "Detect", []))
    index_map = IndexMap.removing(found, [3, 4])
    assert index_map.moved == (0, 1, 2, -1, -1, 3)
    assert index_map.output == (0, 1, 2, 2, 2, 3)
    assert [index_map.reference(5, reference) for reference in (4, 3, 2, -1)] == [2, 2, 2, -1]
