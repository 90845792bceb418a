"""The catalogue of upstream wirings: true, complete, and how its lines are read."""

from __future__ import annotations

import pytest

from tests import catalogue as builder
from tests.conftest import needs_corpus, shipped
from yamlinject.config import Config
from yamlinject.core.layer import Layer
from yamlinject.library import architectures
from yamlinject.library.architectures import Wiring, parse

LINE = "tiny of nobody: Conv/2 Conv C3 | nn.Upsample/0.5@1 Concat@3,0 TorchVision/? Add@-1,4 Detect@"


def test_a_line() -> None:
    wiring = parse(LINE)
    assert wiring.name == "tiny of nobody"
    assert [(layer.section, layer.module, layer.from_) for layer in wiring.layers] == [
        ("backbone", "Conv", [-1]),
        ("backbone", "Conv", [0]),
        ("backbone", "C3", [1]),
        ("head", "nn.Upsample", [1]),
        ("head", "Concat", [3, 0]),
        ("head", "TorchVision", [4]),
        ("head", "Add", [-1, 4]),
        ("head", "Detect", []),
    ]
    assert wiring.factors == (2, 1, 1, 0.5, 1, None, 1, 1)
    assert str(wiring) == LINE


def test_of_layers() -> None:
    layers = [
        Layer(0, "backbone", -1, 1, "Conv", [64, 3, 2]),
        Layer(1, "backbone", -1, 3, "C3", [64]),
        Layer(2, "head", [-1, 0], 1, "Concat", [1]),
        Layer(3, "head", [-1], 1, "Detect", ["nc"]),
    ]
    assert str(Wiring.of("mine", layers)) == "mine: Conv/2 C3 | Concat@1,0 Detect"


def test_yolov5s() -> None:
    """Against DESIGN.md section 3: its references before the insertion."""
    wiring = architectures.wirings()[0]
    assert wiring.name == "yolov5s"
    assert len(wiring.layers) == 25
    joins = {layer.index: layer.from_ for layer in wiring.layers if len(layer.references) > 1}
    assert joins == {12: [11, 6], 16: [15, 4], 19: [18, 14], 22: [21, 10], 24: [17, 20, 23]}
    assert [layer.section for layer in wiring.layers].index("head") == 10


@pytest.mark.framework
@pytest.mark.parametrize(("package", "folder"), [("yolov5", "models"), ("ultralytics", "cfg/models")])
def test_it_holds_what_the_installed_packages_ship(package: str, folder: str) -> None:
    known = {str(wiring).partition(":")[2] for wiring in architectures.wirings()}
    for path in shipped(package, folder):
        if path.name != "anchors.yaml":
            layers = Config(path.name, path.read_bytes()).layers
            assert str(Wiring.of("", layers)).partition(":")[2] in known, path.name


def test_every_line_once() -> None:
    wirings = architectures.wirings()
    assert len(wirings) == 123
    assert len({repr((wiring.layers, wiring.factors)) for wiring in wirings}) == 123
    assert {"SPPF", "C3k2", "RepNCSPELAN4", "Concat"} < architectures.modules()
    assert "SimAM" not in architectures.modules()


@pytest.mark.corpus
@pytest.mark.framework
@needs_corpus
def test_it_is_what_the_script_makes() -> None:
    assert builder.FILE.read_text(encoding="utf-8") == builder.build()
