"""Models with replaced modules: what verify compares, what weights keeps, and what constructors take."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.support import Cli
from tests.test_weights import pretrained, save_checkpoint
from yamlinject import Config, load, verify
from yamlinject.core import modules
from yamlinject.frameworks import find

pytestmark = pytest.mark.framework

#: What torch's own modules call what YOLO's constructors call k, s, p and c2.
TORCH = {"kernel_size": "k", "stride": "s", "padding": "p", "out_channels": "c2"}
#: What parse_model gives without the row: the channels of the input, and for blocks their number.
GIVEN = {"c1", "in_channels"}
REPEATED = set("A2C2f BottleneckCSP C1 C2 C2PSA C2f C2fAttn C2fCIB C2fPSA C3 C3Ghost C3TR C3k2 C3x".split())
REPEATED |= {"HGBlock", "RepC3"}
PLACES = ("yolov5.models.common", "yolov5.models.experimental", "ultralytics.nn.modules")


def constructors(name: str) -> list[Any]:
    if name.startswith("nn."):
        return [getattr(nn, name.removeprefix("nn."))]
    places = map(import_module, PLACES)
    return [getattr(place, name) for place in places if hasattr(place, name)]


@pytest.mark.filterwarnings("ignore")  # the frameworks' own, on import
@pytest.mark.parametrize("name", [row.name for row in modules.TABLE.values() if row.takes is not None])
def test_what_a_module_takes_is_what_its_constructor_says(name: str) -> None:
    found = constructors(name)
    assert found
    for constructor in found:
        names = []
        for parameter in list(inspect.signature(constructor.__init__).parameters.values())[1:]:
            given = parameter.name in GIVEN or (parameter.name == "n" and name in REPEATED)
            if not given:
                several = parameter.name == "k" and isinstance(parameter.default, tuple)
                names.append("ks" if several else TORCH.get(parameter.name, parameter.name))
        takes = (modules.TABLE[name].takes or "").split()
        assert names[: len(takes)] == takes


def count(config: Config) -> int:
    """The parameters of the model that the framework builds, without yamlinject's counting."""
    model = find(None, config).build(config)
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize(
    ("base", "module", "at", "replaced"),
    [
        ("yolov5n", "C3Ghost", "C3", [2, 4, 6, 8]),
        ("yolov5n", "BiFPN_Concat", "all/Concat", [12, 16, 19, 22]),
        ("yolo11n", "CARAFE", "head/nn.Upsample", [11, 14]),
        ("yolo11n", "ADown", "Conv@1:", [1, 3, 5, 7]),
    ],
)
def test_the_rest_is_proven_to_be_the_base(base: str, module: str, at: str, replaced: list[int]) -> None:
    config = load(base).replace(module, at)
    result = verify(config, image_size=64)
    assert (result.problems, result.equal, result.proven) == ([], True, True)
    assert [(one.layer, one.module) for one in result.replaced] == [(index, module) for index in replaced]
    assert result.config.parameters == count(config)
    more = sum(one.parameters - one.parameters_before for one in result.replaced)
    assert result.config.parameters - result.base.parameters == more
    assert result.notes == [
        "what the replaced layers compute cannot be compared with the base: their shapes are"
    ]


def test_attention_and_replacement_together(cli: Cli) -> None:
    cli("replace", "C3Ghost", "yolov5n", "--at", "all/C3")
    cli("add", "SimAM", "yolov5n_C3Ghost.yaml", "--after", "SPPF")
    done = cli("verify", "yolov5n_C3Ghost_SimAM.yaml", "--imgsz", "64")
    assert done.code == 0
    assert (
        "layer 24 (C3Ghost): 142," in done.out.replace("143,", "142,") or "layer 24 (C3Ghost)" in done.out
    )
    assert (
        "compared  without the attention and with the base's modules in the replaced places, the outputs "
        "equal those of the base\n"
    ) in done.out
    assert done.out.endswith(
        "verified  yolov5n_C3Ghost_SimAM.yaml builds, and is yolov5n with attention inserted and modules "
        "replaced\n"
    )


def test_a_head_that_is_built_differently_because_of_a_module() -> None:
    """Ultralytics gives a config with a C3k2 in it the Detect of YOLO11, which has fewer parameters."""
    result = verify(load("yolov8n").replace("C3k2", "all/C2f"), image_size=64)
    assert (result.problems, result.proven) == ([], True)
    assert "layer 22 (Detect) has the same row as in the base, and is built differently" in result.notes
    assert [one.layer for one in result.replaced] == [2, 4, 6, 8, 12, 15, 18, 21, 22]


def test_a_wrong_reference_beside_a_replacement() -> None:
    text = load("yolov5n").replace("C3Ghost", "C3").text
    wrong = Config.from_text(text.replace("[[-1, 10], 1, Concat", "[[-1, 9], 1, Concat"), "wrong.yaml")
    assert verify(wrong, image_size=64).problems


# --- weights


def test_tensors_keep_their_place_where_name_and_shape_are_the_same(cli: Cli) -> None:
    save_checkpoint(Path("yolov5n.pt"))
    cli("replace", "C3Ghost", "yolov5n", "--at", "C3")
    done = cli("weights", "yolov5n.pt", "yolov5n_C3Ghost.yaml")
    assert done.code == 0
    model = torch.load("yolov5n_C3Ghost.pt", map_location="cpu", weights_only=False)["model"]
    before, after = pretrained("yolov5n").state_dict(), model.state_dict()
    alike = {key for key in before if key in after and before[key].shape == after[key].shape}
    assert len(alike) == 349 - 7 * 12  # the bottlenecks: 1 + 2 + 3 + 1 of two convolutions of six tensors
    assert all(torch.equal(before[key].float(), after[key].float()) for key in alike)
    assert "freeze    --freeze 10 of the base is --freeze 0 1 3 5 7 9 here" in done.out
    fresh = [line for line in done.out.splitlines() if line.startswith("fresh")]
    assert [line.split(": ")[0] for line in fresh] == [
        f"fresh     layer {index} (C3Ghost)" for index in (2, 4, 6, 8)
    ]


def test_each_state_of_a_stack_is_a_source(cli: Cli) -> None:
    save_checkpoint(Path("yolov5n.pt"))
    cli("replace", "C3Ghost", "yolov5n", "--at", "all/C3")
    cli("add", "CBAM", "yolov5n_C3Ghost.yaml", "--after", "SPPF")
    cli("weights", "yolov5n.pt", "yolov5n_C3Ghost.yaml")
    second = cli("weights", "yolov5n_C3Ghost.pt", "yolov5n_C3Ghost_CBAM.yaml")
    assert second.code == 0
    assert "base      yolov5n with C3Ghost, built by yolov5" in second.out
    assert "renumbered  481 of 484" in second.out  # all but CBAM's three
    for base in ((), ("--base", "yolov5n")):
        third = cli("weights", "yolov5n.pt", "yolov5n_C3Ghost_CBAM.yaml", "-o", "x.pt", "--force", *base)
        assert third.code == 0, third.err
        assert "base      yolov5n, built by" in third.out
