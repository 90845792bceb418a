"""Building a config runs layers and nothing else: what would run code is refused first, in one line."""

from __future__ import annotations

import base64
import functools
from pathlib import Path

import pytest
import torch

from tests.conftest import CORPUS, EXHAUSTIVE, needs_corpus, shipped
from yamlinject import load
from yamlinject.cli.app import run
from yamlinject.errors import YamlInjectError
from yamlinject.frameworks import find, safety
from yamlinject.frameworks.base import Framework

pytestmark = pytest.mark.framework


def full_width(text: str) -> str:
    return "".join(chr(ord(char) - 0x20 + 0xFF00) for char in text)


#: Text that creates a file if it is evaluated.
CODE = "__import__('pathlib').Path('RAN').touch()"

CONFIG = """\
nc: 3
anchors: [[10, 13, 16, 30], [30, 61, 62, 45]]
depth_multiple: 1.0
width_multiple: 1.0
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, Conv, [32, 3, 2]]
  - [-1, 1, SimAM, [32]]
  - [-1, 1, Conv, [32, 3, 2]]
head:
  - [-1, 1, Conv, [32, 3, 2]]
  - [[3, 4], 1, Detect, [nc, anchors]]
"""
FRAMEWORKS = {
    "yolov5": CONFIG,
    "ultralytics": CONFIG.replace("[nc, anchors]", "[nc]").replace("anchors:", "#"),
}


def config(framework: str, arg: str | None = None, module: str = "Conv", top: str = "") -> str:
    """A config with ``arg`` as one more of its layer 1, with ``module`` in its place, or with a line."""
    row = "[-1, 1, Conv, [32, 3, 2]]"
    other = f"[-1, 1, {module}, [32, 3, 2{', null, 1, 1, ' + arg if arg else ''}]]"
    return top + FRAMEWORKS[framework].replace(row, other, 1)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class Evil:
    """An object that creates a file if it is unpickled."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("RAN"),)


@functools.cache
def imported(framework: str) -> Framework:
    return find(framework, load("yolov5s"))


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert run(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert not Path("RAN").exists()
    return line


EXPRESSIONS = [
    CODE,
    f"5 if not {CODE} else 5",
    f"[{CODE}]",
    f"({CODE}, 5)[1]",
    f"nn.LeakyReLU({CODE})",
    f"nn.LeakyReLU(negative_slope={CODE})",
    f"nn.LeakyReLU(*{CODE})",
    f"nn.Conv2d if {CODE} else nn.SiLU",
    f"f'{{{CODE}}}'",
    f"(lambda: {CODE})()",
    f"[x for x in [{CODE}]]",
    f"nc + len(str({CODE}))",
    f"(x := {CODE})",
    f" \t{CODE}\n",
    CODE.replace("import", full_width("import")),  # which Python reads as plain letters in names
    "nn.init.torch.save",
    "exec",
    "os.system",
    "nn.modules",
    "model.pt",
    "'../model.pt'",
    "9**9**9",
    "1+" * 5000 + "1",
    "(" * 5000 + ")" * 5000,
    "a" * 5000,
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("text", EXPRESSIONS)
def test_text_in_args(capsys: pytest.CaptureFixture[str], framework: str, text: str) -> None:
    flow = f'"{text}"'.replace("\t", "\\t").replace("\n", "\\n")
    Path("x.yaml").write_text(config(framework, flow), encoding="utf-8")
    line = refused(capsys, "verify", "x.yaml", "--framework", framework, "--imgsz", "64")
    assert line.startswith("yamlinject: error: x.yaml:")
    assert ": layer 1 (Conv): its arg " in line
    assert line.endswith("use --trust if you know where the file comes from") or len(text) > 1000


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("nested", ["[[{}]]", "{{a: {}}}", "{{{}: 1}}"])
def test_text_deep_in_args(capsys: pytest.CaptureFixture[str], framework: str, nested: str) -> None:
    Path("x.yaml").write_text(config(framework, nested.format(quoted(CODE))))
    assert "its arg" in refused(capsys, "verify", "x.yaml", "--framework", framework)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    "module",
    [
        "torch_load",
        "exec",
        "eval",
        "print",
        "os.system",
        "nn.init.normal_",
        "nn.functional.relu",
        "parse_model",
        "Model",
        "DetectionModel",
        "DetectMultiBackend",
        "SegmentationModel",
        "torchvision.ops.nms",
        quoted(CODE),
        quoted("(lambda *a: 1)"),
        full_width("exec"),
        quoted("nn.Conv2d if 1 else 2"),
    ],
)
def test_modules(capsys: pytest.CaptureFixture[str], framework: str, module: str) -> None:
    """Functions, whole models and what loads them; or there is no such name, which the framework says."""
    Path("x.yaml").write_text(config(framework, module=module), encoding="utf-8")
    line = refused(capsys, "verify", "x.yaml", "--framework", framework)
    there = module.strip("'") in vars(imported(framework)._module)
    assert "that is no layer" in line or (not there and "it knows no module" in line)


ACTIVATIONS = [
    CODE,
    f"nn.LeakyReLU({CODE})",
    f"nn.SiLU() if {CODE} else 1",
    "nn.SiLU",
    "exec('1')",
    "nn.init.calculate_gain('relu')",
    "nn.Conv2d('../weights', 1, 1)",
    "nn.SiLU().to('cpu')",
]


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_activation(capsys: pytest.CaptureFixture[str], framework: str, activation: str) -> None:
    Path("x.yaml").write_text(config(framework, top=f"# x\nactivation: {quoted(activation)}\n"))
    line = refused(capsys, "verify", "x.yaml", "--framework", framework)
    assert line.startswith("yamlinject: error: x.yaml:2:1: activation ")
    assert "--trust" in line


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_activation_as_bytes(capsys: pytest.CaptureFixture[str], framework: str) -> None:
    """``eval`` takes bytes too."""
    code = base64.b64encode(CODE.encode()).decode()
    Path("x.yaml").write_text(config(framework, top=f"activation: !!binary {code}\n"))
    assert "activation" in refused(capsys, "verify", "x.yaml", "--framework", framework)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_base_is_built_too(capsys: pytest.CaptureFixture[str], framework: str) -> None:
    Path("x.yaml").write_text(config(framework))
    base = config(framework, quoted(CODE)).replace("  - [-1, 1, SimAM, [32]]\n", "")
    Path("base.yaml").write_text(base.replace("[[3, 4]", "[[2, 3]"))
    line = refused(capsys, "verify", "x.yaml", "--base", "base.yaml", "--framework", framework)
    assert line.startswith("yamlinject: error: base.yaml:")
    assert "its arg" in line


#: Code in a value that ``parse_model`` has a name for, and a row whose args are shared by two places.
ALIASED = """\
nc: 3
anchors: 3
{key}: "{code}"
backbone:
  - [-1, 1, nn.Identity, &x [{name}]]
  - [-1, 1, nn.Identity, *x]
head:
  - [[1], 1, Detect, [nc, anchors]]
"""


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("depth_multiple", "gd"),
        ("width_multiple", "gw"),
        ("depth_multiple", "depth"),
        ("width_multiple", "width"),
        ("scale", "scale"),
        ("reg_max", "reg_max"),
        ("ch", "d"),
        ("x", "layers"),
    ],
)
def test_names_of_what_the_config_says(
    capsys: pytest.CaptureFixture[str], framework: str, key: str, name: str
) -> None:
    """What text evaluates to takes its place, where an alias has it evaluated again."""
    Path("x.yaml").write_text(ALIASED.format(key=key, code=f"{CODE} or 1", name=name))
    line = refused(capsys, "verify", "x.yaml", "--framework", framework)
    known = name in vars(imported(framework)._module)["parse_model"].__code__.co_varnames
    assert ("its arg" in line) == known


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("key", ["nc", "anchors", "kpt_shape"])
@pytest.mark.parametrize("value", ['"{}"', '["{}"]', '[[1, "{}"]]', "{{a: 1}}"])
def test_values_that_args_may_name(
    capsys: pytest.CaptureFixture[str], framework: str, key: str, value: str
) -> None:
    text = ALIASED.format(key="x", code="", name=key)
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{key}:"))
    Path("x.yaml").write_text(f"{key}: {value.format(f'{CODE} or 1')}\n{text}")
    line = refused(capsys, "verify", "x.yaml", "--framework", framework)
    assert f"x.yaml: {key} holds other things than numbers" in line


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("args", ["[evil, nc]", "[nc, [-1, 1, evil, [nc]]]"])
def test_rows_in_two_places(capsys: pytest.CaptureFixture[str], framework: str, args: str) -> None:
    """Args that are the next row would have its module evaluated before its turn."""
    row = f"[-1, 1, nn.Identity, &x [-1, 1, scale, {args}]]"
    rows = f"backbone:\n  - {row}\n  - *x\nhead:\n  - [[0], 1, Detect, [nc]]\n"
    Path("x.yaml").write_text(f"nc: 3\nanchors: 3\nscale: torch_load\n{rows}")
    torch.save(Evil(), "evil")
    refused(capsys, "verify", "x.yaml", "--framework", framework)


def test_shared_values_are_separated() -> None:
    """With a word in it, which no name of ``parse_model`` is: it is evaluated once in each place."""
    shared = ["nearest", ["a"]]
    copy = safety.separate({"a": shared, "b": [shared, shared]})
    assert copy == {"a": shared, "b": [shared, shared]}
    places = [copy["a"], *copy["b"]]
    assert len({id(place) for place in places}) == len({id(place[1]) for place in places}) == 3


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("options", [[], ["--reverse"]])
def test_weights(capsys: pytest.CaptureFixture[str], framework: str, options: list[str]) -> None:
    torch.save({f"model.{index}.conv.weight": torch.zeros(1) for index in (0, 1, 3)}, "x.pt")
    Path("x.yaml").write_text(config(framework, quoted(CODE)))
    base = config(framework, quoted(CODE)).replace("  - [-1, 1, SimAM, [32]]\n", "")
    Path("base.yaml").write_text(base.replace("[[3, 4]", "[[2, 3]"))
    arguments = ["weights", "x.pt", "x.yaml", "-o", "y.pt", "--base", "base.yaml", *options]
    arguments += ["--framework", framework]
    assert "its arg" in refused(capsys, *arguments)
    assert not Path("y.pt").exists()


@pytest.mark.parametrize("framework", ["yolov5", "ultralytics"])
def test_trust_runs_it(framework: str) -> None:
    """YOLOv5 evaluates args, both evaluate activations."""
    touch = f"nn.SiLU() if not {CODE} else nn.ReLU()"
    Path("x.yaml").write_text(config(framework, top=f"activation: {quoted(touch)}\n"))
    assert run(["verify", "x.yaml", "--framework", framework, "--imgsz", "64", "--trust"]) == 0
    assert Path("RAN").exists()


@pytest.mark.parametrize(
    "text",
    [
        "None",
        "True",
        "nearest",
        "nc",
        "anchors",
        "na * (nc + 5)",
        "nn.LeakyReLU(0.1)",
        "nn.SiLU",
        "torch.nn.ReLU()",
        "1e-4",
        "-1",
        "[1, -2.5, 'relu']",
        "resnet18",
        "window_attention",
        "3x3",
        "IMAGENET1K_V1",
        "",
        "Bottleneck",
        "nn.Hardtanh(min_val=-2, max_val=2.0)",
        "注意力",
    ],
)
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_what_configs_hold(framework: str, text: str) -> None:
    Path("x.yaml").write_text(config(framework, f'"{text}"'), encoding="utf-8")
    imported(framework).check(load("x.yaml"))
    Path("x.yaml").write_text(config(framework, top='activation: "nn.LeakyReLU(0.1)"\n'))
    imported(framework).check(load("x.yaml"))


def test_configs_of_the_frameworks() -> None:
    """Every one that the packages ship, for every task; but ``hub/anchors.yaml``, which is no model."""
    checked = 0
    for framework, folder in (("yolov5", "models"), ("ultralytics", "cfg/models")):
        for file in shipped(framework, folder):
            if file.name != "anchors.yaml":
                imported(framework).check(load(file))
                checked += 1
    assert checked > 80


@needs_corpus
@pytest.mark.corpus
def test_configs_of_others() -> None:
    checked = 0
    for file in sorted(CORPUS.rglob("*.yaml"))[:: 1 if EXHAUSTIVE else 3]:
        try:
            config_ = load(file)
        except YamlInjectError:  # no config, or a reference to no earlier layer
            continue
        for framework in FRAMEWORKS:
            imported(framework).check(config_)
        checked += 1
    assert checked > (900 if EXHAUSTIVE else 300)
