"""The modules of ``yamlinject.nn`` that take the place of others, each against its formula."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.export import Dim

from tests.test_nn import body, maps
from tests.test_nn import made as randomized
from yamlinject import load
from yamlinject.library import recipes
from yamlinject.nn import CARAFE, BiFPN_Concat, DySample

pytestmark = pytest.mark.framework


def made(module: type[nn.Module], *args: Any) -> nn.Module:
    """With random parameters, the constants that it has, and kernels that are not all of one neighbour."""
    layer = randomized(module, *args)
    layer.load_state_dict(dict(module(*args).named_buffers()), strict=False)
    if isinstance(layer, CARAFE):
        layer.content_encoder.weight.data /= 10
    return layer


def same(actual: Tensor, expected: Tensor) -> bool:
    return actual.shape == expected.shape and torch.allclose(actual, expected, rtol=1e-4, atol=1e-5)


class Case(NamedTuple):
    """A module with its args; ``inputs``: the channels of the layers that it reads."""

    module: type[nn.Module]
    args: tuple[Any, ...]
    inputs: tuple[int, ...] = (16,)

    def __repr__(self) -> str:
        return f"{self.module.__name__}{self.args}"

    def made(self) -> nn.Module:
        return made(self.module, *self.args)

    def read(self, batch: int, height: int, width: int, dtype: torch.dtype = torch.float64) -> Any:
        """What the module reads."""
        read = [maps(batch, channels, height, width, dtype=dtype) for channels in self.inputs]
        return read if self.module is BiFPN_Concat else read[0]


def cast(read: Any, dtype: torch.dtype) -> Any:
    return [x.to(dtype) for x in read] if isinstance(read, list) else read.to(dtype)


CASES = [
    Case(BiFPN_Concat, (2,), (16, 24)),
    Case(BiFPN_Concat, (3,), (8, 8, 8)),
    Case(CARAFE, (16,)),
    Case(DySample, (16,)),
]
SIZES = [(2, 6, 7), (1, 11, 5), (2, 1, 1), (3, 20, 20)]


# formulas, written out from the papers in loops


def bifpn_concat(layer: nn.Module, read: list[Tensor]) -> Tensor:
    weights = [max(weight, 0.0) for weight in layer.state_dict()["weight"].tolist()]
    share = [weight / (0.0001 + sum(weights)) for weight in weights]
    return torch.cat([part * x for part, x in zip(share, read, strict=True)], 1)


def carafe(layer: nn.Module, x: Tensor, scale: int = 2, side: int = 5) -> Tensor:
    state, half = layer.state_dict(), side // 2
    batch, channels, height, width = x.shape
    compressed = torch.einsum("bchw,dc->bdhw", x, state["channel_compressor.weight"][:, :, 0, 0])
    compressed += state["channel_compressor.bias"][:, None, None]
    kernel = state["content_encoder.weight"]
    padded = F.pad(compressed, [kernel.shape[-1] // 2] * 4)
    around = F.pad(x, [half] * 4)
    out = x.new_zeros(batch, channels, scale * height, scale * width)
    for row in range(scale * height):
        for column in range(scale * width):
            own_row, own_column = row // scale, column // scale
            patch = padded[:, :, own_row:, own_column:][:, :, : kernel.shape[-1], : kernel.shape[-1]]
            # which of the scale * scale new positions of one old position, for each place of the kernel
            place = row % scale * scale + column % scale
            parts = [n * scale * scale + place for n in range(side * side)]
            scores = torch.einsum("bdij,kdij->bk", patch, kernel[parts])
            scores += state["content_encoder.bias"][parts]
            shares = scores.exp() / scores.exp().sum(1, keepdim=True)
            for n in range(side * side):
                value = around[:, :, own_row + n // side, own_column + n % side]
                out[:, :, row, column] += shares[:, n : n + 1] * value
    return out


def dysample(layer: nn.Module, x: Tensor, scale: int = 2, groups: int = 4) -> Tensor:
    state = layer.state_dict()
    weight, bias = state["offset.weight"][:, :, 0, 0], state["offset.bias"]
    batch, channels, height, width = x.shape
    out = x.new_zeros(batch, channels, scale * height, scale * width)
    own = channels // groups
    for image in range(batch):
        for row in range(scale * height):
            for column in range(scale * width):
                offsets = weight @ x[image, :, row // scale, column // scale] + bias
                # first all offsets along the width, then those along the height; of each a square per group
                across, down = offsets.view(2, groups, scale, scale)[:, :, row % scale, column % scale]
                for group in range(groups):
                    at_x = (column + 0.5) / scale - 0.5 + 0.25 * across[group].item()
                    at_y = (row + 0.5) / scale - 0.5 + 0.25 * down[group].item()
                    at_x, at_y = min(max(at_x, 0), width - 1), min(max(at_y, 0), height - 1)
                    for near_y in range(height):
                        for near_x in range(width):
                            share = max(1 - abs(at_x - near_x), 0) * max(1 - abs(at_y - near_y), 0)
                            if share:
                                values = x[image, group * own : (group + 1) * own, near_y, near_x]
                                out[image, group * own : (group + 1) * own, row, column] += share * values
    return out


FORMULAS: dict[type[nn.Module], Callable[..., Tensor]] = {
    BiFPN_Concat: bifpn_concat,
    CARAFE: carafe,
    DySample: dysample,
}


@pytest.mark.parametrize("size", [(2, 4, 5), (1, 1, 1), (1, 7, 2)], ids=str)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_formula(case: Case, size: tuple[int, int, int]) -> None:
    layer, read = case.made(), case.read(*size)
    assert torch.allclose(layer(read), FORMULAS[case.module](layer, read), rtol=1e-10)


@pytest.mark.parametrize(("scale", "side"), [(2, 3), (3, 5), (4, 1), (1, 5)])
def test_other_kernels(scale: int, side: int) -> None:
    layer, x = made(CARAFE, 8, 8, scale, side), maps(2, 8, 3, 4)
    assert layer(x).shape == (2, 8, 3 * scale, 4 * scale)
    assert torch.allclose(layer(x), carafe(layer, x, scale, side), rtol=1e-10)


@pytest.mark.parametrize(
    ("channels", "given", "groups"), [(8, 4, 4), (8, 1, 1), (6, 4, 3), (7, 4, 1), (8, 16, 8), (2, 4, 2)]
)
@pytest.mark.parametrize("scale", [2, 3])
def test_other_groups(channels: int, given: int, groups: int, scale: int) -> None:
    """As many as are asked for, or the next smaller number that divides the channels."""
    layer, x = made(DySample, channels, None, scale, given), maps(2, channels, 3, 4)
    assert layer.groups == groups
    assert layer(x).shape == (2, channels, 3 * scale, 4 * scale)
    accuracy = 1e-10 if scale == 2 else 1e-5  # a third is not exact in the numbers that a model has
    assert torch.allclose(layer(x), dysample(layer, x, scale, groups), rtol=accuracy, atol=accuracy)


def sampled(layer: nn.Module, x: Tensor) -> Tensor:
    """What ``grid_sample`` reads at the points of a DySample."""
    batch, channels, height, width = x.shape
    scale, groups = 2, 4
    offset = F.conv2d(x, layer.get_parameter("offset.weight"), layer.get_parameter("offset.bias")) / 4
    offset = F.pixel_shuffle(offset, scale).view(batch, 2, groups, scale * height, scale * width)
    columns, rows = (
        (torch.arange(scale * length, dtype=x.dtype) + 0.5) / scale for length in (width, height)
    )
    points = torch.stack(
        [(offset[:, 0] + columns) / width, (offset[:, 1] + rows[:, None]) / height], 4
    ).flatten(0, 1)
    parts = x.view(batch * groups, channels // groups, height, width)
    out = F.grid_sample(parts, 2 * points - 1, padding_mode="border", align_corners=False)
    return out.view(batch, channels, scale * height, scale * width)


@pytest.mark.parametrize("size", [(6, 7), (1, 1), (20, 3)], ids=str)
def test_points_and_their_gradients_are_those_of_grid_sample(size: tuple[int, int]) -> None:
    layer, x = made(DySample, 16), maps(2, 16, *size).requires_grad_()
    outputs = layer(x), sampled(layer, x)
    assert torch.allclose(*outputs, rtol=1e-10)
    of = [x, *layer.parameters()]
    ours, theirs = (torch.autograd.grad(y.square().sum(), of) for y in outputs)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("scale", [2, 4])
def test_without_offsets_it_is_a_bilinear_upsampling(scale: int) -> None:
    layer, x = DySample(16, 16, scale).double(), maps(2, 16, 6, 7)
    nn.init.zeros_(layer.get_parameter("offset.weight"))
    assert torch.allclose(layer(x), F.interpolate(x, scale_factor=scale, mode="bilinear"))


def test_without_encoder_it_is_the_mean_of_the_neighbours() -> None:
    layer, x = CARAFE(16).double(), maps(2, 16, 6, 7)
    nn.init.zeros_(layer.get_parameter("content_encoder.weight"))
    expected = F.interpolate(F.avg_pool2d(x, 5, 1, 2), scale_factor=2)
    assert torch.allclose(layer(x), expected)


@pytest.mark.parametrize("module", [CARAFE, DySample])
def test_it_begins_near_that(module: type[nn.Module]) -> None:
    """From a thousandth of noise, as in the papers' own models."""
    torch.manual_seed(0)
    name = {CARAFE: "content_encoder", DySample: "offset"}[module]
    layer = module(256)
    assert layer.get_parameter(f"{name}.weight").std().item() == pytest.approx(0.001, rel=0.1)
    assert not layer.get_parameter(f"{name}.bias").any()


def test_equal_weights_at_first_and_none_below_zero() -> None:
    layer, read = BiFPN_Concat(2), [torch.ones(1, 1, 1, 1), torch.ones(1, 2, 1, 1)]
    assert torch.allclose(layer(read), torch.full((1, 3, 1, 1), 1 / 2.0001))
    layer.load_state_dict({"weight": torch.tensor([3.0, -1.0])})
    assert layer(read).flatten().tolist() == pytest.approx([3 / 3.0001, 0, 0])
    layer.load_state_dict({"weight": torch.tensor([-3.0, -1.0])})
    assert not layer(read).any()


@pytest.mark.parametrize(
    ("case", "names"),
    [
        (CASES[0], "weight"),
        # as in mmcv
        (
            CASES[2],
            "channel_compressor.weight channel_compressor.bias content_encoder.weight content_encoder.bias",
        ),
        # tiny-smart/dysample
        (CASES[3], "init_pos offset.weight offset.bias"),
    ],
    ids=repr,
)
def test_tensors_are_named_as_those_of_published_weights(case: Case, names: str) -> None:
    assert sorted(case.made().state_dict()) == sorted(names.split())


#: On 512 channels or two layers, counted by hand: matrices, biases and kernels.
PARAMETERS = {
    BiFPN_Concat: 2,
    CARAFE: 512 * 64 + 64 + 9 * 64 * 25 * 4 + 25 * 4,
    DySample: 512 * 2 * 4 * 4 + 2 * 4 * 4,
}


@pytest.mark.parametrize("module", PARAMETERS)
def test_the_recipe_says_its_parameters_and_the_defaults_of_its_options(module: type[nn.Module]) -> None:
    about = recipes.about(module.__name__)
    args = (2,) if module is BiFPN_Concat else (512, 512)
    count = sum(one.numel() for one in module(*args).parameters())
    assert about.parameters == count == PARAMETERS[module]
    for channels, each in about.parameters_at.items():
        args = (2,) if module is BiFPN_Concat else (channels, channels)
        assert each == sum(one.numel() for one in module(*args).parameters())
    defaults = inspect.signature(module).parameters
    assert {name: defaults[name].default for name in about.options} == about.options
    assert list(defaults)[len(args) :] == list(about.options)
    page = Path(__file__).parents[1].joinpath("docs", "modules.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{module.__name__}` | ")]
    assert row.split(" | ")[2] == f"{count:,}"


@pytest.mark.parametrize("size", [(2, 6, 7), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_dtype_stays(case: Case, dtype: torch.dtype, size: tuple[int, int, int]) -> None:
    layer, read = case.made(), case.read(*size)
    expected = layer(read)
    y = layer.to(dtype)(cast(read, dtype))
    assert (y.dtype, y.shape) == (dtype, expected.shape)
    eps = torch.finfo(dtype).eps
    assert torch.allclose(y.double(), expected, rtol=8 * eps, atol=4 * eps * expected.abs().max().item())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_points_of_a_large_map_are_exact_in_half_precision(dtype: torch.dtype) -> None:
    """There are 160 columns at stride 4, and half precision counts to 256 in steps of one at best."""
    layer = DySample(4).to(dtype)
    nn.init.zeros_(layer.get_parameter("offset.weight"))
    x = torch.arange(300, dtype=dtype).expand(1, 4, 2, 300) / 256
    expected = F.interpolate(x.double(), scale_factor=2, mode="bilinear")
    assert torch.allclose(layer(x).double(), expected, atol=torch.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_autocast(case: Case, dtype: torch.dtype) -> None:
    layer, read = case.made().float(), case.read(2, 6, 7)
    expected = layer(cast(read, torch.float32)).double()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(cast(read, dtype))
    assert y.dtype == (torch.bfloat16 if case.module is CARAFE else dtype)
    assert torch.allclose(y.double(), expected, rtol=0.1, atol=0.05)


@pytest.mark.parametrize("size", [(1, 1, 1), (2, 5, 7)], ids=str)
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_everything_is_trained(case: Case, size: tuple[int, int, int]) -> None:
    layer, read = case.made().train(), case.read(*size)
    if isinstance(read, list):  # relu stops the gradient of a weight below zero
        nn.init.ones_(layer.get_parameter("weight"))
    inputs = [x.requires_grad_() for x in (read if isinstance(read, list) else [read])]
    layer(read).square().sum().backward()
    for name, one in (*layer.named_parameters(), *enumerate(inputs)):
        assert one.grad is not None, name
        assert one.grad.isfinite().all(), name
        # of one position everything is a neighbour or outside, whatever the offsets and the kernel say
        if size[1] > 1 or name in (0, 1):
            assert one.grad.any(), name


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 3e38])
def test_points_that_are_no_numbers_end_nothing(value: float) -> None:
    """A mixed-precision run goes on after a step that overflows; an index out of range would end it."""
    x = torch.full((1, 8, 3, 4), value)
    assert DySample(8)(x).shape == (1, 8, 6, 8)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_deterministic_mode(case: Case) -> None:
    """YOLOv5 trains in it, where the gradient of ``grid_sample`` is an error on a GPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layer, read = case.made().train().to(device), case.read(2, 8, 8)
    read = [x.to(device) for x in read] if isinstance(read, list) else read.to(device)
    torch.use_deterministic_algorithms(True)
    try:
        layer(read).sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch advises against it
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_torchscript_at_another_size(case: Case, tmp_path: Path) -> None:
    layer = case.made().float()
    traced = torch.jit.trace(layer, (case.read(2, 6, 7, torch.float32),))
    traced.save(tmp_path / "traced.pt")
    loaded = torch.jit.load(tmp_path / "traced.pt")
    for form in (traced, loaded, torch.jit.script(layer)):
        for size in SIZES:
            read = case.read(*size, torch.float32)
            assert same(form(read), layer(read))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_torch_export_at_another_size(case: Case) -> None:
    layer = case.made().float()
    sizes = {0: Dim("batch", min=1, max=64), 2: Dim("h", min=1, max=512), 3: Dim("w", min=1, max=512)}
    read = case.read(2, 6, 7, torch.float32)
    shapes = [sizes] * len(read) if isinstance(read, list) else sizes
    program = torch.export.export(layer, (read,), dynamic_shapes=(shapes,)).module()
    for size in SIZES:
        read = case.read(*size, torch.float32)
        assert same(program(read), layer(read))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_torch_compile_at_another_size(case: Case) -> None:
    torch.compiler.reset()  # it counts recompilations over all tests, and gives up at a limit
    layer = case.made()
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for size in SIZES:
        assert same(compiled(case.read(*size)), layer(case.read(*size)))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_onnx_at_another_size(case: Case, tmp_path: Path) -> None:
    """In opset 12, which YOLOv5's export asked for until 2022: it has no operator for grid_sample."""
    layer = case.made().float()
    names = [f"x{at}" for at in range(len(case.inputs))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter that needs no more than onnx
        warnings.filterwarnings("ignore", "Constant folding")  # of what pads in an old opset
        torch.onnx.export(
            layer,
            (case.read(2, 6, 7, torch.float32),),
            tmp_path / "layer.onnx",
            input_names=names,
            dynamic_axes={name: {0: "batch", 2: "h", 3: "w"} for name in names},
            opset_version=12,
            dynamo=False,
        )
    model = onnx.load(tmp_path / "layer.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = ReferenceEvaluator(model)
    for size in SIZES:
        read = case.read(*size, torch.float32)
        given = read if isinstance(read, list) else [read]
        (y,) = session.run(None, {name: x.numpy() for name, x in zip(names, given, strict=True)})
        assert same(torch.from_numpy(y), layer(read))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_copies(case: Case) -> None:
    layer, read = case.made(), case.read(1, 5, 6)
    loaded = case.module(*case.args).double().eval()
    loaded.load_state_dict(layer.state_dict())
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), loaded):
        assert torch.equal(copied(read), layer(read))


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_the_input_stays(case: Case) -> None:
    read = case.read(2, 6, 7)
    before = copy.deepcopy(read)
    case.made()(read)
    pairs = zip(read, before, strict=True) if isinstance(read, list) else [(read, before)]
    assert all(torch.equal(now, then) for now, then in pairs)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((64, 32), ("64", "32")),
        ((0,), ("c1", "0")),
        ((True,), ("c1", "True")),
        (("64",), ("c1", "'64'")),
        ((64, 64.0), ("c2", "64.0")),
        ((64, 64, 0), ("scale", "0")),
        ((64, 64, "lp"), ("scale", "'lp'")),
        ((64, 64, 2, 0.5), ("0.5",)),
    ],
)
@pytest.mark.parametrize("module", [CARAFE, DySample])
def test_wrong_arguments_are_named(
    module: type[nn.Module], args: tuple[Any, ...], named: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=f"^{module.__name__}: ") as error:
        module(*args)
    for word in named:
        assert word in str(error.value)


@pytest.mark.parametrize("inputs", [0, -1, True, 2.0, "2", None])
def test_wrong_numbers_of_inputs_are_named(inputs: Any) -> None:
    with pytest.raises(ValueError, match=f"BiFPN_Concat: inputs has .*, not {inputs!r}$"):
        BiFPN_Concat(inputs)


@pytest.mark.parametrize(("inputs", "read"), [(1, 2), (2, 3), (3, 2)])
def test_other_inputs_than_it_was_made_for(inputs: int, read: int) -> None:
    """As from ``[[-1, 6], 1, BiFPN_Concat, [1]]`` in a registered checkout."""
    with pytest.raises(ValueError, match=f"made for {inputs} inputs, and the row reads {read}: write "):
        BiFPN_Concat(inputs)([torch.zeros(1, 2, 3, 3)] * read)


def test_even_kernel_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^CARAFE: kernel_size has to be odd.* not 4"):
        CARAFE(16, 16, 2, 4)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_works_where_it_is_pasted(case: Case) -> None:
    """Without further imports, and with no other name than its own, on Python 3.7."""
    common = ModuleType("common")
    common.__dict__.update(torch=torch, nn=nn)
    known = set(common.__dict__)
    for line in body(case.module):
        assert not [node for node in ast.walk(line) if isinstance(node, (ast.Import, ast.ImportFrom))]
        for node in ast.walk(line):
            annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
            assert not [n for n in ast.walk(annotation or ast.Pass()) if isinstance(n, ast.Subscript)]
    text = "\n".join(ast.unparse(line) for line in body(case.module))
    exec(compile(text, "common.py", "exec", dont_inherit=True), common.__dict__)
    assert common.__dict__.keys() - known - {"__builtins__"} == {case.module.__name__}
    original, read = case.made(), case.read(1, 6, 6)
    layer = common.__dict__[case.module.__name__](*case.args).double().eval()
    layer.load_state_dict(original.state_dict())
    assert torch.equal(layer(read), original(read))


#: Base -> framework, parameters for 80 classes, and the real channels that its first Upsample reads.
BASES = {"yolov5n": ("yolov5", 1_872_157, 128), "yolo11n": ("ultralytics", 2_624_080, 256)}
#: What is replaced in the text of the base, once, and by what; the parameters that this adds, by channels.
REPLACED: dict[str, tuple[str, str, Callable[[int], int]]] = {
    "BiFPN_Concat": ("Concat, [1]", "BiFPN_Concat, [2]", lambda c: 2),
    # as Concat's own args, or none: the real number is passed
    "BiFPN_Concat with a dimension": ("Concat, [1]", "BiFPN_Concat, [1]", lambda c: 2),
    "BiFPN_Concat without args": ("Concat, [1]", "BiFPN_Concat, []", lambda c: 2),
    "CARAFE": ("nn.Upsample, [None, 2, 'nearest']", "CARAFE, [512]", lambda c: c * 64 + 64 + 57_700),
    "DySample": ("nn.Upsample, [None, 2, 'nearest']", "DySample, [512]", lambda c: c * 32 + 32),
    "DySample without args": ("nn.Upsample, [None, 2, 'nearest']", "DySample, []", lambda c: c * 32 + 32),
}


def built(framework: str, text: str, folder: Path) -> Any:
    """The model of a config, by the framework's own class."""
    file = folder / "yolo11n_other.yaml"
    file.write_text(text)
    if framework == "yolov5":
        return import_module("yolov5.models.yolo").Model(str(file))
    return import_module("ultralytics.nn.tasks").DetectionModel(str(file), verbose=False)


def outputs(found: Any) -> list[Tensor]:
    """The tensors that a model gives while it is trained, wherever they are in it."""
    if isinstance(found, Tensor):
        return [found]
    return [x for part in (found.values() if isinstance(found, dict) else found) for x in outputs(part)]


@pytest.mark.filterwarnings("ignore")  # the frameworks' own, on import
@pytest.mark.parametrize("replaced", REPLACED)
@pytest.mark.parametrize("base", BASES)
def test_a_model_with_one_in_the_place_of_another(tmp_path: Path, base: str, replaced: str) -> None:
    framework, parameters, channels = BASES[base]
    old, new, added = REPLACED[replaced]
    text = load(base).text.replace('"', "'")
    assert old in text
    torch.manual_seed(0)
    model = built(framework, text.replace(old, new, 1), tmp_path).train()
    assert model.stride.tolist() == [8, 16, 32]
    assert sum(one.numel() for one in model.parameters()) == parameters + added(channels)
    name = replaced.split()[0]
    (layer,) = [one for one in model.model if type(one).__name__ == name]
    before = {key: one.detach().clone() for key, one in layer.named_parameters()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = outputs(model(torch.rand(2, 3, 64, 64)))
    torch.stack([x.square().mean() for x in found]).sum().backward()
    optimizer.step()
    assert [key for key, one in layer.named_parameters() if torch.equal(one, before[key])] == []
