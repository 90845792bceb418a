"""``yamlinject weights``: checkpoints of the frameworks' shape, transferred to configs with new layers."""

from __future__ import annotations

import copy
import errno
import functools
import io
import json
import os
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import cycle, product
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from tests.conftest import EXHAUSTIVE
from yamlinject import frameworks, load
from yamlinject.cli.app import run
from yamlinject.config import Config
from yamlinject.frameworks.base import Framework
from yamlinject.verification import measure

pytestmark = pytest.mark.framework


@functools.cache
def framework(name: str) -> Framework:
    return frameworks.find(name, load("yolov5n"))


def family(base: str) -> Framework:
    """The framework of a base, by its name."""
    return framework("yolov5" if base.startswith("yolov5") else "ultralytics")


def learned(model: nn.Module) -> nn.Module:
    """``model`` with other values in all of its tensors, as after training: no two are equal.

    As built, it has the same random weights as one with SimAM in it, and all of its statistics are alike.
    """
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for number, value in enumerate(model.state_dict().values()):
            if value.is_floating_point():
                value.mul_(1 + 0.1 * torch.randn(value.shape, generator=random))
                value.add_(0.01 * torch.randn(value.shape, generator=random))
            else:
                value.fill_(100 + number)
    return model


@functools.cache
def _pretrained(base: str) -> nn.Module:
    return learned(family(base).build(load(base)))


def pretrained(base: str) -> nn.Module:
    """A model of ``base`` with the weights that its checkpoints have in these tests."""
    return copy.deepcopy(_pretrained(base))


def save_checkpoint(file: Path, base: str = "yolov5n", **entries: object) -> Path:
    """A checkpoint as the framework writes it, of :func:`pretrained` unless ``entries`` say it."""
    torch.save({"epoch": -1, "model": _pretrained(base), **entries}, file)
    return file


def save_config(folder: Path, base: str, module: str = "SimAM", after: str = "SPPF") -> Path:
    """A config with its provenance line, whose name tells Ultralytics the scale."""
    file = folder / f"{base}_new.yaml"
    load(base).add(module, after=after).save(file)
    return file


def convert(checkpoint: Path, config: Path, output: Path, *options: str) -> nn.Module:
    """The model that ``yamlinject weights`` writes, as the framework reads it."""
    assert run(["weights", str(checkpoint), str(config), "-o", str(output), *options]) == 0
    model = torch.load(output, map_location="cpu", weights_only=False)["model"]  # both load the same way
    assert isinstance(model, nn.Module)
    return model


def facts(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> Any:
    """What ``yamlinject weights --dry-run`` says as JSON."""
    capsys.readouterr()
    assert run(["weights", *map(str, arguments), "--dry-run", "--output-format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that ``yamlinject weights`` says when it exits with 2."""
    capsys.readouterr()
    assert run(["weights", *map(str, arguments)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("yamlinject: error: ")
    return line


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    """Whether two state dicts hold the same bits of the same types under the same names."""
    return list(first) == list(second) and all(
        value.dtype == second[key].dtype and torch.equal(value, second[key]) for key, value in first.items()
    )


def assert_same_outputs(base: nn.Module, model: nn.Module, injected: Sequence[int], size: int = 64) -> None:
    """With identities for the injected layers, ``model`` gives what ``base`` gives, bit for bit."""
    base, model = (copy.deepcopy(one).float().eval() for one in (base, model))
    layers = model.model
    assert isinstance(layers, nn.Sequential)
    measure.become_identities(layers, injected)
    image = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    expected, found = measure.outputs(base, image), measure.outputs(model, image)
    assert expected
    assert all(bool(value.isfinite().all()) for value in expected)
    assert len({float(value.float().std()) for value in expected}) > 1  # nor are all of them constant
    assert list(map(torch.equal, expected, found)) == [True] * len(expected)


#: Base and selector -> where the new layers are, counted by hand.
PLACES = {
    ("yolov5n", "SPPF"): [10],
    ("yolov5n", "C3"): [3, 6, 9, 12],
    ("yolov5n", "all/C3"): [3, 6, 9, 12, 18, 23, 27, 31],
    ("yolov5n", "detect-inputs"): [18, 22, 26],
    ("yolov8n", "SPPF"): [10],
    ("yolov8n", "C2f"): [3, 6, 9, 12],
    ("yolov8n", "all/C2f"): [3, 6, 9, 12, 17, 21, 25, 29],
    ("yolov8n", "detect-inputs"): [16, 20, 24],
}
#: The tensors of each module: convolutions with or without biases; a normalization has five.
TENSORS = {
    "SimAM": 0,
    "SE": 4,
    "ECA": 1,
    "EMA": 6,
    "CBAM": 3,
    "CoordAtt": 10,
    "TripletAttention": 18,
    "ShuffleAttention": 6,
    "SK": 19,
    "GAM": 16,
    "BRA": 6,
}

#: Each module with tensors at one place, and at both once a week.
_BOTH = [("yolov5n", "C3"), ("yolov8n", "SPPF")]
_NAMES = [module for module, tensors in TENSORS.items() if tensors]
LEARNED = product(_BOTH, _NAMES) if EXHAUSTIVE else zip(cycle(_BOTH), _NAMES, strict=False)

ITEMS = {"yolov5n": 349, "yolov8n": 355}


@pytest.mark.parametrize(
    ("base", "after", "module"),
    [
        *((base, after, "SimAM") for base, after in PLACES),
        *((base, after, module) for (base, after), module in LEARNED),
        ("yolov5n", "detect-inputs", "CBAM"),
        ("yolov8n", "all/C2f", "CoordAtt"),
    ],
)
def test_the_outputs_of_the_original(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str, after: str, module: str
) -> None:
    checkpoint = save_checkpoint(tmp_path / "base.pt", base)
    config = save_config(tmp_path, base, module, after)
    injected = PLACES[base, after]
    model = convert(checkpoint, config, tmp_path / "out.pt")
    layers = model.model
    assert isinstance(layers, nn.Sequential)
    assert [index for index, layer in enumerate(layers) if type(layer).__name__ == module] == injected
    assert_same_outputs(_pretrained(base), model, injected)
    found = facts(capsys, checkpoint, config)
    assert found["items"] == len(model.state_dict()) == ITEMS[base] + TENSORS[module] * len(injected)
    assert found["after"]["items"] == ITEMS[base]
    assert found["unfit"] == []
    assert len(found["fresh"]) == TENSORS[module] * len(injected)
    assert {int(name.split(".")[1]) for name in found["fresh"]} == set(injected if TENSORS[module] else [])


@pytest.mark.parametrize(
    ("after", "items", "percent"), [("SPPF", 198, "57.6"), ("C3", 62, "0.6"), ("all/C3", 57, "0.6")]
)
def test_how_much_fits_with_and_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after: str, items: int, percent: str
) -> None:
    """As YOLOv5's training logs it for yolov5s (``Transferred 198/349 items``)."""
    checkpoint = save_checkpoint(tmp_path / "base.pt", "yolov5s")
    config = save_config(tmp_path, "yolov5s", "SimAM", after)
    found = facts(capsys, checkpoint, config)
    assert (found["before"]["items"], found["items"]) == (items, 349)
    assert found["after"] == {"items": 349, "parameters": found["parameters"], "misplaced": 0}
    assert f"{100 * found['before']['parameters'] / found['parameters']:.1f}" == percent
    assert run(["weights", str(checkpoint), str(config), "--dry-run"]) == 0
    said = capsys.readouterr().out
    (as_it_is,) = [line for line in said.splitlines() if "as it is" in line]
    (renumbered,) = [line for line in said.splitlines() if "renumbered" in line]
    assert f"{items} of 349" in as_it_is
    assert f"({percent} %)" in as_it_is
    assert "349 of 349" in renumbered
    assert "(100.0 %)" in renumbered
    assert "base      yolov5s, built by yolov5 7.0.14" in said.splitlines()


def test_what_lands_in_the_wrong_layer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Tensors that YOLOv5 would take by name and shape, though they are of a layer that moved."""
    config = save_config(tmp_path, "yolov5s", "SimAM", "C3")
    new = framework("yolov5").build(load(config)).state_dict()
    old = _pretrained("yolov5s").state_dict()
    taken = [key for key, value in old.items() if key in new and new[key].shape == value.shape]
    # the layers 0, 1 and 2 are where they were, all others are not
    wrong = [key for key in taken if int(key.split(".")[1]) > 2]
    before = facts(capsys, save_checkpoint(tmp_path / "base.pt", "yolov5s"), config)["before"]
    assert before["misplaced"] == len(wrong) > 0
    assert before["items"] == len(taken)
    assert before["parameters"] == sum(old[key].numel() for key in set(taken) - set(wrong))


@pytest.mark.parametrize(
    ("base", "module", "after", "here"),
    [
        ("yolov5n", "SimAM", "SPPF", [10]),  # after the backbone's last layer
        ("yolov5n", "SimAM", "C3", [14]),  # four above it
        ("yolov5n", "SimAM", "all/C3", [14]),
        ("yolov5n", "SimAM", "detect-inputs", [10]),
        ("yolov5n", "SimAM", "C3,SPPF", [14]),
        ("yolov5n", "CBAM", "SPPF", [10]),
        ("yolov5n", "CBAM", "C3@0", [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]),  # what is new has to learn
        ("yolov5n", "CBAM", "C3", [0, 1, 2, 4, 5, 7, 8, 10, 11, 13]),
        ("yolov8n", "CBAM", "detect-inputs", [10]),
        ("yolov8n", "ECA", "C2f", [0, 1, 2, 4, 5, 7, 8, 10, 11, 13]),
    ],
)
def test_what_freezes_the_backbone(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    base: str,
    module: str,
    after: str,
    here: list[int],
) -> None:
    checkpoint = save_checkpoint(tmp_path / "base.pt", base)
    config = save_config(tmp_path, base, module, after)
    assert facts(capsys, checkpoint, config)["freeze"] == [10, here]
    assert run(["weights", str(checkpoint), str(config), "--dry-run"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("freeze")]
    assert len(lines) == (here != [10])
    # YOLOv5 takes numbers, Ultralytics a list
    said = " ".join(map(str, here)) if base == "yolov5n" else f"freeze={here if here[1:] else here[0]}"
    assert all(line.endswith(f"{said} here") for line in lines)


# How the base is found


@pytest.mark.parametrize(("after", "cutoff"), [("C3", 14), ("C3@0", 11), ("C3@0,1", 12)])
def test_where_yolov5_cuts_for_a_classifier(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], after: str, cutoff: int
) -> None:
    """``classify/train.py`` puts its head in the place of SPPF, which is layer 9: ``--cutoff 10``."""
    checkpoint, output = save_checkpoint(tmp_path / "base.pt"), tmp_path / "out.pt"
    model = convert(checkpoint, save_config(tmp_path, "yolov5n", "SimAM", after), output)
    assert (
        f"cutoff    --cutoff 10 of classify/train.py is --cutoff {cutoff} here" in capsys.readouterr().out
    )
    classifier = import_module("yolov5.models.yolo").ClassificationModel
    if after == "C3":  # layer 9 is the new layer's: it has no channels of its own to read
        with pytest.raises(AttributeError):
            classifier(model=copy.deepcopy(model), nc=2, cutoff=10)
    layers = model.model
    assert isinstance(layers, nn.Sequential)
    assert type(layers[cutoff - 1]).__name__ == "SPPF"
    head = classifier(model=copy.deepcopy(model), nc=2, cutoff=cutoff).model[-1]
    assert (type(head).__name__, head.i) == ("Classify", cutoff - 1)


def test_a_cutoff_that_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = save_checkpoint(tmp_path / "base.pt")
    convert(checkpoint, save_config(tmp_path, "yolov5n", "SimAM", "SPPF"), tmp_path / "out.pt")
    assert "cutoff" not in capsys.readouterr().out


def test_the_base_of_the_provenance_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov5n").state_dict(), state)
    (tmp_path / "mine.yaml").write_bytes(load("yolov5n").to_bytes())
    config = tmp_path / "mine_SimAM.yaml"
    load(tmp_path / "mine.yaml").add("SimAM", after="C3").save(config)
    found = facts(capsys, state, config)
    assert found["base"] == str(tmp_path / "mine.yaml")
    assert found["after"]["items"] == 349


def test_the_base_that_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov5n").state_dict(), state)
    config = tmp_path / "yolov5n_x.yaml"
    made = load("yolov5n").add("nn.Dropout2d", after="C3,SPPF", args="[0.1]", provenance=False)
    made.save(config)
    found = facts(capsys, state, config, "--base", "yolov5n")
    assert (found["base"], found["after"]["items"]) == ("yolov5n", 349)
    model = convert(state, config, tmp_path / "out.pt", "--base", "yolov5n")
    assert_same_outputs(_pretrained("yolov5n"), model, [3, 6, 9, 12, 14])


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
@pytest.mark.parametrize(("module", "args"), [("SimAM", None), ("nn.Dropout2d", "[0.1]")])
def test_the_base_that_the_checkpoint_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str, module: str, args: str | None
) -> None:
    config = tmp_path / f"{base}_x.yaml"
    load(base).add(module, after="detect-inputs", args=args, provenance=False).save(config)
    checkpoint = save_checkpoint(tmp_path / "base.pt", base)
    assert facts(capsys, checkpoint, config)["base"] == "the checkpoint's model"
    model = convert(checkpoint, config, tmp_path / "out.pt")
    assert_same_outputs(_pretrained(base), model, PLACES[base, "detect-inputs"])


def test_the_base_by_the_recipes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the config nor the checkpoint tells: attention is assumed to be new."""
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov5n").state_dict(), state)
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("CBAM", after="C3", provenance=False).save(config)
    found = facts(capsys, state, config)
    assert (found["base"], found["after"]["items"]) == ("yolov5n", 349)
    assert_same_outputs(_pretrained("yolov5n"), convert(state, config, tmp_path / "out.pt"), [3, 6, 9, 12])


def test_the_base_by_its_layers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is no recipe for SPP, and yolov5n has none: the second of the two is the new one."""
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov5n").state_dict(), state)
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("SPP", after="SPPF", args="[channels, [5, 9]]", provenance=False).save(config)
    found = facts(capsys, state, config)
    assert found["base"] == "yolov5n"
    # all 349 items of yolov5n, of which 198 have their number without renumbering (shared/FRAMEWORKS.md)
    assert (found["before"]["items"], found["after"]["items"]) == (198, 349)
    assert [name for name in found["fresh"] if not name.startswith("model.10.")] == []


def test_an_unknown_base(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unconverted, a state dict would silently lose what is below the new layers."""
    text = load("yolov5n").add("SimAM", after="SPPF", provenance=False).text
    config = tmp_path / "yolov5n_x.yaml"
    for layer in ("Focus", "DWConv"):
        text = text.replace("[-1, 1, Conv", f"[-1, 1, {layer}", 3)
    config.write_text(text)
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov5n").state_dict(), state)
    line = refused(capsys, state, config, "-o", tmp_path / "out.pt")
    assert line.endswith(": it is not known which of its layers are new: give --base")


def test_which_of_two_twins_is_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A C3 after a C3, whose neighbours read what is next to them."""
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("C3", after="2", args="[channels]", provenance=False).save(config)
    checkpoint = save_checkpoint(tmp_path / "base.pt")
    line = refused(capsys, checkpoint, config, "-o", tmp_path / "out.pt")
    assert f"{config}:" in line
    assert "--base" in line
    assert not (tmp_path / "out.pt").exists()


@pytest.mark.parametrize(
    ("checkpoint", "base", "says"),
    [
        ("yolov8n", "yolov5n", "no C2f for the layer 2"),
        ("yolov5n", "yolov8n", "no C3 for the layer 2"),
        ("yolov5s", "yolov5n", "another model"),
        ("yolov5n", "yolov5s", "another model"),
    ],
)
@pytest.mark.parametrize("provenance", [True, False])
def test_a_checkpoint_of_another_model(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    checkpoint: str,
    base: str,
    says: str,
    provenance: bool,
) -> None:
    config = tmp_path / f"{base}_x.yaml"
    load(base).add("SimAM", after="SPPF", provenance=provenance).save(config)
    file = save_checkpoint(tmp_path / "base.pt", checkpoint)
    assert says in refused(capsys, file, config, "-o", tmp_path / "out.pt")
    assert not (tmp_path / "out.pt").exists()


def test_a_state_dict_of_another_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "state.pt"
    torch.save(_pretrained("yolov8n").state_dict(), state)
    refused(capsys, state, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
@pytest.mark.parametrize("output", ["out.pt", "out.safetensors"])
def test_a_checkpoint_that_is_converted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str, output: str
) -> None:
    config = save_config(tmp_path, base, "SimAM", "SPPF")
    checkpoint = str(save_checkpoint(tmp_path / "base.pt", base))
    converted = tmp_path / output
    assert run(["weights", checkpoint, str(config), "-o", str(converted)]) == 0
    for target in (tmp_path / "again.pt", converted):
        line = refused(capsys, converted, config, "-o", target)
        assert line == (
            f"yamlinject: error: {converted}: it is converted already: its layers are those of {config}, "
            "so train with it as it is"
        )
    assert not (tmp_path / "again.pt").exists()


# Back again


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
@pytest.mark.parametrize("provenance", [True, False])
def test_reverse_restores_every_tensor(tmp_path: Path, base: str, provenance: bool) -> None:
    config = tmp_path / f"{base}_SimAM.yaml"
    load(base).add("SimAM", after="detect-inputs,SPPF", provenance=provenance).save(config)
    forth = convert(save_checkpoint(tmp_path / "base.pt", base), config, tmp_path / "forth.pt")
    state = _pretrained(base).state_dict()
    assert list(forth.state_dict()) != list(state)
    back = convert(tmp_path / "forth.pt", config, tmp_path / "back.pt", "--reverse")
    assert same(back.state_dict(), state)
    assert_same_outputs(_pretrained(base), back, [])


def test_reverse_refuses_what_the_base_has_no_place_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = save_config(tmp_path, "yolov5n", "CBAM", "C3")
    convert(save_checkpoint(tmp_path / "base.pt"), config, tmp_path / "forth.pt")
    line = refused(capsys, tmp_path / "forth.pt", config, "--reverse", "-o", tmp_path / "back.pt")
    assert "layer 3 was inserted" in line
    assert not (tmp_path / "back.pt").exists()


# What goes in and comes out


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
def test_safetensors_in_and_out(tmp_path: Path, base: str) -> None:
    from safetensors.torch import load_file, save_file

    config = save_config(tmp_path, base, "SimAM", "detect-inputs")
    given, written = tmp_path / "in.safetensors", tmp_path / "out.safetensors"
    save_file(_pretrained(base).state_dict(), given)
    model = convert(given, config, tmp_path / "out.pt")
    assert_same_outputs(_pretrained(base), model, PLACES[base, "detect-inputs"])
    assert run(["weights", str(given), str(config), "-o", str(written)]) == 0
    state = model.state_dict()
    assert same({key: load_file(written)[key] for key in state}, state)
    assert run(["weights", str(written), str(config), "--reverse", "-o", str(given), "--force"]) == 0
    original = _pretrained(base).state_dict()
    assert same({key: load_file(given)[key] for key in original}, original)


@pytest.mark.parametrize("content", [b"", b"no safetensors", b"\xff" * 64])
def test_no_safetensors(tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes) -> None:
    file = tmp_path / "odd.safetensors"
    file.write_bytes(content)
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert f"{file}: not a safetensors file" in line


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda state: state, id="plain"),
        pytest.param(lambda state: OrderedDict(state), id="ordered"),
        pytest.param(lambda state: {"state_dict": state, "epoch": 3}, id="state_dict"),
        pytest.param(lambda state: {"model": state}, id="model"),
    ],
)
def test_a_plain_state_dict(tmp_path: Path, wrap: Callable[[dict[str, Tensor]], object]) -> None:
    file = tmp_path / "state.pt"
    torch.save(wrap(_pretrained("yolov5n").state_dict()), file)
    model = convert(file, save_config(tmp_path, "yolov5n", "SimAM", "C3"), tmp_path / "out.pt")
    assert_same_outputs(_pretrained("yolov5n"), model, [3, 6, 9, 12])


def test_tensors_of_others_are_named_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "state.pt"
    torch.save({**_pretrained("yolov5n").state_dict(), "teacher.weight": torch.zeros(2)}, file)
    config = save_config(tmp_path, "yolov5n")
    found = facts(capsys, file, config)
    assert found["unfit"] == ["teacher.weight: the model has none of that name"]
    assert found["after"]["items"] == 349
    assert "teacher.weight" not in convert(file, config, tmp_path / "out.pt").state_dict()


def two_classes(base: str) -> nn.Module:
    config = load(base)
    return learned(
        family(base).build(
            Config(f"{base}.yaml", config.to_bytes().replace(b"nc: 80", b"nc: 2"), stem=base)
        )
    )


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
def test_a_checkpoint_keeps_its_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str
) -> None:
    """Training uses the classes of its data, whatever the config says."""
    original: Any = two_classes(base)
    original.names = {0: "cat", 1: "dog"}
    checkpoint = save_checkpoint(tmp_path / "base.pt", base, model=original)
    config = save_config(tmp_path, base)
    found = facts(capsys, checkpoint, config)
    assert (found["after"]["items"], found["unfit"], found["fresh"]) == (ITEMS[base], [], [])
    assert any(" 2 " in note and "80" in note for note in found["notes"])
    model = convert(checkpoint, config, tmp_path / "out.pt")
    assert model.names == {0: "cat", 1: "dog"}
    assert_same_outputs(original, model, [10])


@pytest.mark.parametrize(
    ("base", "unfit"),
    [
        # 3 anchors x (2 or 80 classes + 4 sides + objectness)
        ("yolov5n", ["model.25.m.0.weight: 21x64x1x1, and the model's is 255x64x1x1"]),
        # as wide as the feature map, or as there are classes
        ("yolov8n", ["model.23.cv3.0.0.conv.weight: 64x64x3x3, and the model's is 80x64x3x3"]),
    ],
)
def test_a_state_dict_for_other_classes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], base: str, unfit: list[str]
) -> None:
    """Nothing tells its number of classes: its head does not fit, and a message says so."""
    file = tmp_path / "state.pt"
    torch.save(two_classes(base).state_dict(), file)
    found = facts(capsys, file, save_config(tmp_path, base))
    assert found["unfit"][:1] == unfit
    # three maps with weights and biases; in YOLOv8 two blocks of 5 tensors and the last convolution,
    # of which the counter and the first block's input fit
    assert len(found["unfit"]) == (6 if base == "yolov5n" else 3 * (2 * 5 + 2))
    assert sorted(text.partition(":")[0] for text in found["unfit"]) == sorted(found["fresh"])
    assert found["after"]["items"] == ITEMS[base] - len(found["unfit"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
def test_types_are_kept(tmp_path: Path, base: str, dtype: torch.dtype) -> None:
    original = pretrained(base).to(dtype)
    checkpoint = save_checkpoint(tmp_path / "base.pt", base, model=original)
    config = save_config(tmp_path, base, "CBAM", "SPPF")
    model = convert(checkpoint, config, tmp_path / "out.pt")
    state, old = model.state_dict(), original.state_dict()
    assert {value.dtype for value in state.values()} == {dtype, torch.int64}
    fresh = [key for key in state if key.startswith("model.10.")]
    assert len(fresh) == TENSORS["CBAM"]
    carried = [value for key, value in state.items() if key not in fresh]
    assert list(map(torch.equal, carried, old.values())) == [True] * len(old)
    assert_same_outputs(original, model, [10])


def test_each_tensor_keeps_its_type(tmp_path: Path) -> None:
    """Normalization in float32 and the rest in half, as some keep it."""
    original = pretrained("yolov5n").half()
    for module in original.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.float()
    checkpoint = save_checkpoint(tmp_path / "base.pt", model=original)
    model = convert(checkpoint, save_config(tmp_path, "yolov5n"), tmp_path / "out.pt")
    old = [value.dtype for value in original.state_dict().values()]
    assert {torch.float16, torch.float32} < set(old)
    assert [value.dtype for value in model.state_dict().values()] == old


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
@pytest.mark.parametrize("other", [True, False])
def test_the_average_of_a_training_is_preferred(tmp_path: Path, base: str, other: bool) -> None:
    """As the frameworks themselves prefer it; Ultralytics keeps nothing else."""
    model = family(base).build(load(base)) if other else None
    checkpoint = save_checkpoint(tmp_path / "base.pt", base, model=model, ema=_pretrained(base), updates=7)
    found = convert(checkpoint, save_config(tmp_path, base), tmp_path / "out.pt")
    assert_same_outputs(_pretrained(base), found, [10])
    assert torch.load(tmp_path / "out.pt", map_location="cpu", weights_only=False)["ema"] is None


def test_the_state_of_the_optimizer_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is numbered as the parameters were; settings and the like stay."""
    state = {"state": {0: {"momentum_buffer": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}
    entries: dict[str, Any] = {
        "epoch": 7,
        "best_fitness": 0.5,
        "train_args": {"lr0": 0.01},
        "date": "2024-01-01",
    }
    checkpoint = save_checkpoint(tmp_path / "base.pt", optimizer=state, **entries)
    config = save_config(tmp_path, "yolov5n")
    assert facts(capsys, checkpoint, config)["notes"] == ["left out: optimizer"]
    convert(checkpoint, config, tmp_path / "out.pt")
    assert "note      left out: optimizer" in capsys.readouterr().out.splitlines()
    written = torch.load(tmp_path / "out.pt", map_location="cpu", weights_only=False)
    assert (written["optimizer"], written["epoch"], written["best_fitness"]) == (None, -1, None)
    assert (written["train_args"], written["date"]) == ({"lr0": 0.01}, "2024-01-01")


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = save_checkpoint(tmp_path / "base.pt")
    config = save_config(tmp_path, "yolov5n", "ECA", "SPPF")
    found = facts(capsys, checkpoint, config)
    names = "file outcome framework base items parameters before after unfit fresh freeze cutoff notes"
    assert (found["file"], found["outcome"]) == (None, "printed")
    assert list(found) == names.split()
    assert found["framework"] == "yolov5 7.0.14"
    assert found["base"] == "yolov5n"
    # README: 7,254,472 for yolov5s; here: by the framework, and 3 weights of ECA on 256 channels
    size = sum(value.numel() for value in _pretrained("yolov5n").state_dict().values())
    assert found["parameters"] == size + 5
    assert found["after"] == {"items": 349, "parameters": size, "misplaced": 0}
    assert list(found["before"]) == ["items", "parameters", "misplaced"]
    assert [name.split(".")[:2] for name in found["fresh"]] == [["model", "10"]]
    assert (found["unfit"], found["freeze"], found["notes"]) == ([], [10, [10]], [])


# What is never written


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    before = sorted(tmp_path.iterdir())
    arguments = ["weights", str(checkpoint), str(config), "--dry-run"]
    assert run(arguments) == 0
    assert run([*arguments, "-o", str(tmp_path / "out.pt")]) == 0
    assert sorted(tmp_path.iterdir()) == before
    assert "wrote" not in capsys.readouterr().err


def test_without_a_name_it_has_that_of_the_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "base.pt")
    save_config(tmp_path, "yolov5n")
    assert run(["weights", "base.pt", "yolov5n_new.yaml"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "wrote     yolov5n_new.pt",
        "next      yamlinject run yolov5 train --weights yolov5n_new.pt --cfg yolov5n_new.yaml "
        "--data data.yaml",
    ]
    line = refused(capsys, "yolov5n_new.pt", "yolov5n_new.yaml", "--reverse")
    assert line == "yamlinject: error: say where to write the checkpoint of the base: -o FILE"


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_the_same_twice_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str
) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    output = tmp_path / f"out{suffix}"
    arguments = ["weights", str(checkpoint), str(config), "-o", str(output)]
    assert run([*arguments, "--check"]) == 1
    assert capsys.readouterr().err == f"checked   {output} would change\n"
    assert not output.exists()
    # in another process, whose hashes are others, at another time
    again = [sys.executable, "-m", "yamlinject", *arguments]
    assert subprocess.run(again, check=False, capture_output=True).returncode == 0
    before = output.stat()
    family("yolov5n").build(load("yolov5n")).eval()  # all models of a process share their activations
    for options in ([], ["--force"]):
        assert run([*arguments, *options]) == 0
        assert capsys.readouterr().err.splitlines()[0] == f"unchanged {output}"
    assert (output.stat().st_mtime_ns, output.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert run([*arguments, "--check"]) == 0
    assert capsys.readouterr().err == f"checked   {output} would not change\n"
    output.write_bytes(output.read_bytes() + b"x")
    assert run([*arguments, "--check"]) == 1


@pytest.mark.parametrize(
    ("base", "kind"), [("yolov8n", "detect"), ("yolov8n-seg", "segment"), ("yolo11n-obb", "obb")]
)
def test_what_comes_next_for_ultralytics(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    base: str,
    kind: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    save_checkpoint(tmp_path / "base.pt", base)
    save_config(tmp_path, base)
    assert run(["weights", "base.pt", f"{base}_new.yaml", "-o", "start.pt"]) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"next      yamlinject run yolo {kind} train model={base}_new.yaml pretrained=start.pt "
        "data=data.yaml"
    )


@pytest.mark.parametrize("link", ["", "symbolic", "hard", "dots"])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_the_checkpoint_itself_is_never_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str, force: list[str]
) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    content, output = checkpoint.read_bytes(), tmp_path / "out.pt"
    if link == "symbolic":
        output.symlink_to(checkpoint)
    elif link == "hard":
        output.hardlink_to(checkpoint)
    else:
        output = tmp_path / "x" / ".." / "base.pt" if link else checkpoint
    (tmp_path / "x").mkdir()
    before = sorted(tmp_path.iterdir())
    assert "never replaced" in refused(capsys, checkpoint, config, "-o", output, *force)
    assert checkpoint.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == before


def test_another_file_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    output = tmp_path / "out.pt"
    output.write_bytes(b"mine")
    assert "--force" in refused(capsys, checkpoint, config, "-o", output)
    assert output.read_bytes() == b"mine"
    assert_same_outputs(_pretrained("yolov5n"), convert(checkpoint, config, output, "--force"), [10])


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_disk_that_is_full(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    call: str,
    existing: bool,
) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    output = tmp_path / f"out{suffix}"
    if existing:
        output.write_bytes(b"mine")
    before = sorted(tmp_path.iterdir())

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    assert run(["weights", str(checkpoint), str(config), "-o", str(output), "--force"]) == 2
    monkeypatch.undo()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"yamlinject: error: {output}: cannot write it: no space left on device"
    assert sorted(tmp_path.iterdir()) == before
    assert not existing or output.read_bytes() == b"mine"


def test_a_missing_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    output = tmp_path / "none" / "out.pt"
    assert run(["weights", str(checkpoint), str(config), "-o", str(output)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{output}: cannot write it" in line


@pytest.mark.parametrize("name", ["out", "out.onnx", "out.pt.zip", "out.yaml"])
def test_an_unknown_ending(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    checkpoint, config = save_checkpoint(tmp_path / "base.pt"), save_config(tmp_path, "yolov5n")
    line = refused(capsys, checkpoint, config, "-o", tmp_path / name)
    assert ".pt or .safetensors" in line
    assert not (tmp_path / name).exists()


# What is no checkpoint


def _jpeg() -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "JPEG")
    return content.getvalue()


def _zip(name: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(name, b"text")
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no checkpoint\n", id="text"),
        pytest.param(b"nc: 80\nbackbone: []\nhead: []\n", id="config"),
        pytest.param(b"\0" * 4096, id="zeros"),
        pytest.param(_jpeg(), id="jpeg"),
        pytest.param(_zip("readme.txt"), id="zip"),
        pytest.param(_zip("archive/data.pkl"), id="zip-with-text-for-a-pickle"),
        pytest.param(pickle.dumps({"model.0.weight": 1}, protocol=2), id="pickle"),
        pytest.param(pickle.dumps({"model.0.weight": 1}), id="pickle-of-today"),
    ],
)
def test_a_file_that_is_no_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    file = tmp_path / "odd.pt"
    file.write_bytes(content)
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert f"{file}: not a checkpoint" in line


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99, 0.9999])
def test_a_checkpoint_that_is_cut_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float
) -> None:
    file = save_checkpoint(tmp_path / "base.pt")
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert f"{file}: not a checkpoint" in line


@pytest.mark.parametrize("name", ["none.pt", "none.safetensors", "folder.pt", "folder.safetensors"])
def test_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    line = refused(capsys, tmp_path / name, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert f"{tmp_path / name}: " in line


def _odd_module(**attributes: object) -> nn.Module:
    """A module with tensors, and with something in it that no module has."""
    module = nn.Conv2d(1, 1, 1)
    vars(module).update(attributes)
    return module


def _cyclic() -> nn.Module:
    module = nn.Conv2d(1, 1, 1)
    module._modules["self"] = module
    return module


STATE = {"model.0.weight": torch.zeros(2)}

CURIOUS: dict[str, Callable[[], object]] = {
    "numbers": lambda: 5,
    "no-model": lambda: {"epoch": 3},
    "empty-model": lambda: {"model": {}},
    "tensor": lambda: torch.zeros(3),
    "list": lambda: [torch.zeros(3)],
    "key-is-a-number": lambda: {0: torch.zeros(2)},
    "key-of-a-tensor-is-a-number": lambda: {"model": {0: torch.zeros(2)}},
    "key-is-none": lambda: {"model": {"model.0.weight": STATE, None: torch.zeros(2)}},
    "entry-without-a-name": lambda: {"model": STATE, 7: OrderedDict()},
    "layer-beyond-all": lambda: {"model.9999999.weight": torch.zeros(2)},
    "itself": _cyclic,
    "children-in-a-list": lambda: _odd_module(_modules=[1]),
    "parameters-in-a-list": lambda: _odd_module(_parameters=[1]),
    "child-is-a-number": lambda: _odd_module(_modules={"a": 1, 2: 3}),
    "buffer-set-is-a-number": lambda: _odd_module(_non_persistent_buffers_set=5),
    "architecture-is-a-number": lambda: _odd_module(yaml={"backbone": 5}),
    "architecture-of-numbers": lambda: _odd_module(yaml={"backbone": [1], "head": "text"}),
    "architecture-of-short-rows": lambda: _odd_module(yaml={"backbone": [[-1, 1]], "head": []}),
    "architecture-of-odd-rows": lambda: _odd_module(
        yaml={"backbone": [["a", {}, [1], None]], "head": [[None, 1, 2, 3]]}
    ),
    "reference-to-nowhere": lambda: _odd_module(yaml={"backbone": [[-9, 1, "Conv", []]], "head": []}),
    "classes-are-no-number": lambda: _odd_module(yaml={"nc": "two"}),
}


@pytest.mark.parametrize("provenance", [True, False])
@pytest.mark.parametrize("name", CURIOUS)
def test_a_curious_checkpoint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, provenance: bool
) -> None:
    """Whatever is in it, one line says that it is unusable."""
    file = tmp_path / "odd.pt"
    torch.save(CURIOUS[name](), file)
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("SimAM", after="SPPF", provenance=provenance).save(config)
    refused(capsys, file, config, "-o", tmp_path / "out.pt")


@pytest.mark.parametrize("names", [5, None, "ab", [1] * 80, {"a": {}}])
def test_curious_names_of_classes(tmp_path: Path, names: object) -> None:
    original: Any = pretrained("yolov5n")
    original.names = names
    checkpoint = save_checkpoint(tmp_path / "base.pt", model=original)
    model = convert(checkpoint, save_config(tmp_path, "yolov5n"), tmp_path / "out.pt")
    assert_same_outputs(original, model, [10])


# Nothing that a checkpoint holds is run


class Call:
    """Pickled as the call of a function, which unpickling makes."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


def shell(marker: Path) -> Call:
    return Call(os.system, f"touch {marker}")


def expression(marker: Path) -> Call:
    return Call(eval, f"open({str(marker)!r}, 'w').close()")


def executed(marker: Path) -> Call:
    return Call(exec, f"open({str(marker)!r}, 'w').close()")


def child(marker: Path) -> Call:
    return Call(subprocess.Popen, ["touch", str(marker)])


def opened(marker: Path) -> Call:
    return Call(open, str(marker), "w")


def loaded(_marker: Path) -> Call:
    return Call(torch.load, "other.pt")


#: What is called, and under which name it is refused.
ATTACKS = [
    pytest.param(shell, f"{os.system.__module__}.system", id="os.system"),
    pytest.param(expression, "builtins.eval", id="eval"),
    pytest.param(executed, "builtins.exec", id="exec"),
    pytest.param(child, "commands.Popen", id="Popen"),  # subprocess, as Python 2 called it
    pytest.param(opened, "io.open", id="open"),
    pytest.param(loaded, "torch.serialization.load", id="torch.load"),
]

Attack = Callable[[Path], Call]


def _in_the_model(attack: Call) -> object:
    model = nn.Conv2d(1, 1, 1)
    vars(model)["names"] = attack
    return {"model": model}


PLACES_FOR_ATTACKS: dict[str, Callable[[Call], object]] = {
    "all": lambda attack: attack,
    "model": lambda attack: {"model": attack},
    "entry": lambda attack: {"model": STATE, "date": attack},
    "key": lambda attack: {"model": STATE, "list": [(attack, 1)]},
    "attribute": _in_the_model,
}


@pytest.mark.parametrize(("attack", "name"), ATTACKS)
@pytest.mark.parametrize("place", PLACES_FOR_ATTACKS)
def test_code_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attack: Attack, name: str, place: str
) -> None:
    marker, file = tmp_path / "marker", tmp_path / "evil.pt"
    torch.save(PLACES_FOR_ATTACKS[place](attack(marker)), file)
    config = save_config(tmp_path, "yolov5n")
    line = refused(capsys, file, config, "-o", tmp_path / "out.pt")
    assert f"{file}: wants {name}," in line
    assert "--trust" in line
    assert not marker.exists()
    assert not (tmp_path / "out.pt").exists()


@pytest.mark.parametrize("attack", [shell, expression, executed])
@pytest.mark.parametrize("form", ["legacy", "pickle-2", "pickle-4", "pickle-0", "safetensors"])
def test_code_in_other_formats_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attack: Attack, form: str
) -> None:
    marker = tmp_path / "marker"
    content = {"model": STATE, "date": attack(marker)}
    file = tmp_path / ("evil.safetensors" if form == "safetensors" else "evil.pt")
    if form == "legacy":
        torch.save(content, file, _use_new_zipfile_serialization=False)
    else:
        protocol = int(form[-1]) if form[-1].isdigit() else 2
        file.write_bytes(pickle.dumps({"date": attack(marker)}, protocol=protocol))
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert str(file) in line
    assert not marker.exists()


@pytest.mark.parametrize("protocol", [0, 4])
def test_code_in_a_zip_with_another_kind_of_pickle(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], protocol: int
) -> None:
    marker, file = tmp_path / "marker", tmp_path / "evil.pt"
    torch.save({"model": STATE, "date": shell(marker)}, file, pickle_protocol=protocol)
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert str(file) in line
    assert not marker.exists()


def _model_call(marker: Path) -> Call:
    """YOLOv5 evaluates what a config names as a module."""
    model = import_module("yolov5.models.yolo").DetectionModel

    module = f"open({str(marker)!r}, 'w').close() or nn.Identity"
    row = [-1, 1, module, []]
    config = {"nc": 1, "depth_multiple": 1.0, "width_multiple": 1.0, "anchors": 3}
    return Call(model, {**config, "backbone": [row], "head": []})


def _torchvision_call(_marker: Path) -> Call:
    module = import_module("ultralytics.nn.modules.block").TorchVision
    return Call(module, "resnet18", "DEFAULT")  # would be downloaded


@pytest.mark.parametrize("attack", [_model_call, _torchvision_call])
def test_classes_that_may_be_named_are_not_called(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], attack: Attack
) -> None:
    framework("yolov5")
    framework("ultralytics")
    marker, file = tmp_path / "marker", tmp_path / "evil.pt"
    config = save_config(tmp_path, "yolov5n")
    torch.save({"model": attack(marker)}, file)
    refused(capsys, file, config, "-o", tmp_path / "out.pt")
    assert not marker.exists()
    save_checkpoint(file, names=attack(marker))
    assert facts(capsys, file, config)["notes"] == ["left out: names"]
    model = convert(file, config, tmp_path / "out.pt")
    assert_same_outputs(_pretrained("yolov5n"), model, [10])
    assert not marker.exists()


def test_the_call_of_such_a_class_would_have_run_code(tmp_path: Path) -> None:
    """What the test above relies on."""
    framework("yolov5")
    marker = tmp_path / "marker"
    pickle.loads(pickle.dumps(_model_call(marker)))
    assert marker.exists()


def test_a_program_of_torchscript(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "program.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated
        torch.jit.save(torch.jit.script(nn.Conv2d(1, 1, 1)), str(file))
    line = refused(capsys, file, save_config(tmp_path, "yolov5n"), "-o", tmp_path / "out.pt")
    assert f"{file}: not a checkpoint" in line
    assert "TorchScript" in line


@pytest.mark.parametrize("attack", [shell, expression])
def test_trust_reads_it(tmp_path: Path, attack: Attack) -> None:
    marker = tmp_path / "marker"
    file = save_checkpoint(tmp_path / "mine.pt", extra=attack(marker))
    config = save_config(tmp_path, "yolov5n")
    model = convert(file, config, tmp_path / "out.pt", "--trust")
    assert marker.exists()
    assert_same_outputs(_pretrained("yolov5n"), model, [10])


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
def test_trust_makes_no_difference_otherwise(tmp_path: Path, base: str) -> None:
    file, config = save_checkpoint(tmp_path / "base.pt", base), save_config(tmp_path, base)
    with_trust = convert(file, config, tmp_path / "trusted.pt", "--trust")
    assert same(with_trust.state_dict(), convert(file, config, tmp_path / "out.pt").state_dict())


def test_a_method_that_ultralytics_keeps(tmp_path: Path) -> None:
    """Its older segmentation models have ``self.detect = Detect.forward``: ``getattr`` in the pickle."""
    framework("ultralytics")
    detect = import_module("ultralytics.nn.modules").Detect
    original: Any = pretrained("yolov8n")
    vars(original.model[-1])["detect"] = Call(getattr, detect, "forward")
    file = save_checkpoint(tmp_path / "base.pt", "yolov8n", model=original)
    model = convert(file, save_config(tmp_path, "yolov8n"), tmp_path / "out.pt")
    assert_same_outputs(_pretrained("yolov8n"), model, [10])


#: Reads a checkpoint, and prints how many tensors there are and which frameworks were imported for it.
READ = """
import sys
from pathlib import Path

from yamlinject.weights import checkpoint

found = checkpoint.read(Path(sys.argv[1]))
names = {name.partition(".")[0] for name in sys.modules}
print(len(found.state), found.architecture["nc"], sorted(names & {"yolov5", "models", "ultralytics"}))
"""


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
def test_reading_imports_no_framework(tmp_path: Path, base: str) -> None:
    file = save_checkpoint(tmp_path / "base.pt", base)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(file)], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (f"{ITEMS[base]} 80 []\n", "")


#: Runs the program where a library is not installed.
WITHOUT = """
import sys

sys.modules[sys.argv[1]] = None
from yamlinject.cli.app import run

sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.parametrize(("library", "name"), [("torch", "base.pt"), ("safetensors", "in.safetensors")])
def test_a_missing_library(tmp_path: Path, library: str, name: str) -> None:
    file = tmp_path / name
    if file.suffix == ".pt":
        save_checkpoint(file)
    else:
        file.write_bytes(b"")
    command = [sys.executable, "-c", WITHOUT, library, "weights", str(file)]
    command += [str(save_config(tmp_path, "yolov5n")), "-o", str(tmp_path / "out.pt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("yamlinject: error: ")
    assert f"{library} is not installed: pip install" in line


#: Runs the program where torch is there, but a part of it cannot be loaded: that is no ImportError.
BROKEN = """
import sys

class Broken:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise OSError("libcudart.so.12: cannot open shared object file")

sys.meta_path.insert(0, Broken())
from yamlinject.cli.app import run

sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("arguments", "library"),
    [
        ("weights base.pt yolov5n -o out.pt", "base.pt: torch"),
        ("verify yolov5n", "yolov5"),
        ("verify yolo11n", "ultralytics"),
        ("module SimAM --test", "torch"),
    ],
)
def test_a_broken_library(tmp_path: Path, arguments: str, library: str) -> None:
    save_checkpoint(tmp_path / "base.pt")
    command = [sys.executable, "-c", BROKEN, *arguments.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    why = "cannot be imported: libcudart.so.12: cannot open shared object file; install a build of it that"
    assert line.startswith(f"yamlinject: error: {library} {why}")
    assert done.returncode == 2


def test_as_a_program(tmp_path: Path) -> None:
    """With nothing else in the process: what is said, and no word besides."""
    file = save_checkpoint(tmp_path / "base.pt")
    command = [sys.executable, "-m", "yamlinject", "weights", "base.pt"]
    command += [save_config(tmp_path, "yolov5n").name, "-o", "out.pt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    following = "run yolov5 train --weights out.pt --cfg yolov5n_new.yaml --data data.yaml"
    assert done.stderr == f"wrote     out.pt\nnext      yamlinject {following}\n"
    assert done.returncode == 0
    assert "base      yolov5n, built by yolov5 7.0.14" in done.stdout.splitlines()
    assert (tmp_path / "out.pt").stat().st_size == pytest.approx(file.stat().st_size, rel=0.05)
