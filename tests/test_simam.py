"""Every form that SimAM takes, against the formula in float64."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.export import Dim

from yamlinject.nn import SimAM
from yamlinject.nn.simam_plain import SimAM as Short

pytestmark = pytest.mark.framework

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
SHAPES = [(2, 64, 20, 20), (1, 16, 40, 40), (3, 5, 7, 9), (2, 33, 80, 80), (1, 2, 600, 600), (4, 8, 4, 4)]
STATISTICS = [(0, 1), (0, 300), (0, 1e-3), (-3, 0.5), (10, 1)]
Form = Callable[[Tensor], Tensor]


def official(x: Tensor, e_lambda: float = 1e-4) -> Tensor:
    """The formula of the paper in the dtype of ``x``, operation by operation as its authors write it."""
    _, _, h, w = x.shape
    n = max(w * h - 1, 1)
    d = (x - x.mean(dim=[2, 3], keepdim=True)).pow(2)
    y = d / (4 * (d.sum(dim=[2, 3], keepdim=True) / n + e_lambda)) + 0.5
    return x * torch.sigmoid(y)


def gradient(form: Form, x: Tensor, grad: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    return torch.autograd.grad(form(x), x, grad)[0]


def maps(*shape: int, mean: float = 0, spread: float = 1, **options: Any) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).mul(spread).add(mean).to(**options)


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def assert_near(actual: Tensor, expected: Tensor, relative: float) -> None:
    """By the norm of the error, since single values of a gradient are sums that may cancel out."""
    assert expected.isfinite().all()
    assert (actual.double() - expected).norm() <= relative * expected.norm()


def assert_each_near(actual: Tensor, expected: Tensor, relative: float) -> None:
    """The same, for each value by itself; 1e-7 is what float16 has left near zero."""
    assert expected.isfinite().all()
    floor = 1e-7 if actual.dtype == torch.float16 else 0
    assert ((actual.double() - expected).abs() <= relative * expected.abs() + floor).all()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """The number of maps that are worked on at a time depends on the threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def fresh_compiler() -> None:
    """The compiler counts recompilations over all tests, and gives up at some point."""
    torch.compiler.reset()


# values


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(("mean", "spread"), STATISTICS)
def test_output_and_gradient(shape: tuple[int, ...], mean: float, spread: float, device: str) -> None:
    x = maps(*shape, mean=mean, spread=spread, dtype=torch.float32, device=device)
    grad = maps(*shape, 1, dtype=torch.float32, device=device)[..., 0]
    expected = official(x.double())
    assert_each_near(SimAM()(x), expected, 1e-6)
    assert_near(gradient(SimAM(), x, grad), gradient(official, x.double(), grad.double()), 1e-6)


@pytest.mark.parametrize("e_lambda", [1e-6, 0.1, 0.999])
def test_lambda(e_lambda: float) -> None:
    x, grad = maps(2, 3, 5, 6), maps(2, 3, 6, 5).transpose(2, 3)
    assert_near(SimAM(8, 8, e_lambda)(x), official(x, e_lambda), 1e-12)
    expected = gradient(lambda x: official(x, e_lambda), x, grad)
    assert_near(gradient(SimAM(8, 8, e_lambda), x, grad), expected, 1e-10)


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_plain_form_is_the_official_one_bit_for_bit(shape: tuple[int, ...]) -> None:
    """It is what a compiler gets to see, and what works on maps that are small or not contiguous."""
    x = maps(*shape, dtype=torch.float32)
    for form, same in (
        (torch.compile(SimAM(), backend="eager", fullgraph=True, dynamic=True), x),
        (SimAM(), channels_last(x)),
        (SimAM(), x[:, :, :3, :3].contiguous()),
    ):
        assert torch.equal(form(same), official(same))
        assert torch.equal(gradient(form, same, same.sin()), gradient(official, same, same.sin()))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("layout", [torch.clone, channels_last])
@pytest.mark.parametrize(
    ("dtype", "relative"), [(torch.float16, 6e-4), (torch.bfloat16, 9e-3)], ids=["float16", "bfloat16"]
)
@pytest.mark.parametrize("spread", [0.01, 1, 5, 30, 300])
def test_half_precision(
    spread: float, dtype: torch.dtype, relative: float, layout: Form, device: str
) -> None:
    """In float16 squares overflow from a spread of 5 at 80x80 on, and only the result may be rounded."""
    x, grad = (layout(t) for t in maps(2, 2, 4, 80, 80, spread=spread, dtype=dtype, device=device))
    expected = official(x.double())
    assert expected.abs().max() > 3 * spread
    assert_each_near(SimAM()(x), expected, relative)
    actual = gradient(SimAM(), x, grad)
    assert actual.dtype == dtype
    assert_near(actual, gradient(official, x.double(), grad.double()), relative)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("layout", [torch.clone, channels_last])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
def test_maps_of_one_and_two_values(size: tuple[int, int], layout: Form, device: str) -> None:
    x = layout(maps(3, 4, *size, dtype=torch.float32, device=device))
    assert torch.equal(SimAM()(x), official(x))
    assert torch.equal(gradient(SimAM(), x, x.cos()), gradient(official, x, x.cos()))
    if size == (1, 1):
        assert torch.equal(SimAM()(x), x * torch.tensor(0.5).sigmoid())


@pytest.mark.parametrize("value", [0.0, -2.5, 1e3, 1e-40])
def test_constant_maps(value: float) -> None:
    x = torch.full((2, 3, 8, 8), value)
    assert torch.allclose(SimAM()(x), x * torch.tensor(0.5).sigmoid(), rtol=1e-6, atol=0)
    assert torch.allclose(gradient(SimAM(), x, torch.ones_like(x)), torch.tensor(0.5).sigmoid(), rtol=1e-6)


@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_large_mean_costs_no_more_digits_than_the_mean_itself_has(shape: tuple[int, ...]) -> None:
    """E[x²] - E[x]² would lose all of them: float32 holds 1e3 to 6e-5."""
    x = maps(*shape, mean=1e3, dtype=torch.float32)
    assert_each_near(SimAM()(x), official(x.double()), 1e-4)
    assert_near(gradient(SimAM(), x, x.sin()), gradient(official, x.double(), x.sin().double()), 5e-4)


def test_nan_and_infinity_stay_in_their_map() -> None:
    x = maps(2, 3, 5, 5, dtype=torch.float32)
    expected = official(x)
    x[0, 1, 2, 2], x[1, 2, 0, 0] = torch.nan, torch.inf
    y = SimAM()(x)
    assert torch.equal(y.isnan(), official(x).isnan())
    kept = ~y.isnan()
    assert int(kept.sum()) == 4 * 25
    assert torch.allclose(y[kept], expected[kept], rtol=1e-6)


# derivatives


@pytest.mark.parametrize("layout", [torch.clone, channels_last])
@pytest.mark.parametrize("shape", [(1, 2, 4, 4), (1, 2, 1, 1), (1, 2, 1, 2)], ids=str)
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")  # torch's own use of it
def test_first_and_second_derivatives(shape: tuple[int, ...], layout: Form) -> None:
    x = layout(maps(*shape)).requires_grad_()
    gradcheck(SimAM(), x, check_batched_grad=True, check_forward_ad=True)
    gradgradcheck(SimAM(), x, check_batched_grad=True, check_fwd_over_rev=True)


@pytest.mark.parametrize("e_lambda", [1e-4, 0.5])
def test_gradient_penalty_reaches_what_lies_before(e_lambda: float) -> None:
    """A graph of the gradient goes on through the layer that made the input."""

    def penalty(form: Form) -> Tensor:
        weight = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
        hidden = weight * maps(1, 2, 4, 5)
        (grad,) = torch.autograd.grad(form(hidden).pow(2).sum(), hidden, create_graph=True)
        return torch.autograd.grad(grad.pow(2).sum(), weight)[0]

    expected = penalty(lambda x: official(x, e_lambda))
    assert torch.allclose(penalty(SimAM(4, e_lambda)), expected, rtol=1e-10)


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_function_transforms() -> None:
    x, tangent = maps(2, 2, 2, 4, 4)
    assert torch.allclose(torch.func.vmap(SimAM())(torch.stack([x, tangent]))[1], official(tangent))
    jacobian = torch.func.jacrev(SimAM())(x)
    assert torch.allclose(jacobian, torch.func.jacfwd(SimAM())(x))
    assert torch.allclose(jacobian, torch.func.jacrev(official)(x))
    with forward_ad.dual_level(), torch.no_grad():
        out = forward_ad.unpack_dual(SimAM()(forward_ad.make_dual(x, tangent)))
    assert torch.allclose(out.tangent, torch.tensordot(jacobian, tangent, 4))
    with forward_ad.dual_level():
        out = forward_ad.unpack_dual(SimAM()(forward_ad.make_dual(x, tangent)))
    assert torch.allclose(out.tangent, torch.tensordot(jacobian, tangent, 4))


# memory


@pytest.mark.parametrize("layout", [torch.clone, channels_last, lambda x: x.transpose(2, 3)])
@pytest.mark.parametrize("shape", [(2, 8, 6, 7), (2, 8, 1, 1), (1, 1, 5, 5), (2, 1, 5, 3)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_layout_stays(dtype: torch.dtype, shape: tuple[int, ...], layout: Form) -> None:
    x = layout(maps(*shape, dtype=dtype))
    for y in (SimAM()(x), SimAM()(x.detach().requires_grad_()), gradient(SimAM(), x, torch.ones_like(x))):
        assert (y.dtype, y.shape, y.stride()) == (x.dtype, x.shape, x.stride())


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x[:, ::2],
        lambda x: x[..., ::2],
        lambda x: x[1:, 1:, 1:, 1:],
        lambda x: x[:, :1].expand_as(x),
        lambda x: x[:0],
        lambda x: x[:, :, :0],
    ],
)
def test_inputs_that_are_no_whole_tensors(cut: Form) -> None:
    x = cut(maps(2, 6, 8, 10))
    assert torch.allclose(SimAM()(x), official(x))
    grad = torch.ones_like(x)
    assert torch.allclose(gradient(SimAM(), x, grad), gradient(official, x, grad))


@pytest.mark.parametrize("layout", [torch.clone, channels_last])
def test_nothing_is_modified(layout: Form) -> None:
    x, grad = layout(maps(2, 3, 8, 8)), layout(maps(2, 3, 8, 8, spread=2))
    before = x.clone(), grad.clone()
    with torch.no_grad():
        SimAM()(x)
    gradient(SimAM(), x, grad)
    assert torch.equal(x, before[0])
    assert torch.equal(grad, before[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_backward_keeps_the_input_and_nothing_else(dtype: torch.dtype) -> None:
    x = maps(2, 8, 16, 16, dtype=dtype).requires_grad_()
    kept: list[Tensor] = []

    def keep(t: Tensor) -> Tensor:
        kept.append(t)
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        SimAM()(x)
    assert [t.data_ptr() for t in kept] == [x.data_ptr()]
    assert [t.shape for t in kept] == [x.shape]


def test_inference_mode() -> None:
    with torch.inference_mode():
        x = maps(1, 4, 6, 6)
        assert torch.allclose(SimAM()(x), official(x))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.clone, channels_last])
def test_autocast_changes_nothing(layout: Form, dtype: torch.dtype) -> None:
    x = layout(maps(2, 3, 40, 40, spread=30, dtype=dtype))
    expected = SimAM()(x), gradient(SimAM(), x, x.cos())
    with torch.autocast("cpu", torch.bfloat16):
        y = SimAM()(x)
        grad = gradient(SimAM(), x, x.cos())
    assert (y.dtype, grad.dtype) == (dtype, dtype)
    assert torch.equal(y, expected[0])
    assert torch.equal(grad, expected[1])


@pytest.mark.parametrize("device", DEVICES)
def test_deterministic_mode(device: str) -> None:
    x = maps(2, 3, 8, 8, dtype=torch.float32, device=device)
    torch.use_deterministic_algorithms(True)
    try:
        runs = [gradient(SimAM(), x, x.cos()) for _ in range(3)]
        assert_near(SimAM()(x), official(x.double()), 1e-6)
    finally:
        torch.use_deterministic_algorithms(False)
    assert torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], runs[2])


# tools that read the operations: each is made at one size and used at others, 1x1 too


OTHERS = [(1, 8, 11, 5), (2, 8, 1, 1), (4, 8, 40, 40)]


def assert_works_at_other_sizes(form: Form) -> None:
    for shape in OTHERS:
        x = maps(*shape, dtype=torch.float32)
        assert torch.equal(form(x), official(x))


@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch advises against it
def test_torchscript(tmp_path: Path) -> None:
    scripted = torch.jit.script(SimAM(8, 0.1))
    traced = torch.jit.trace(SimAM(), maps(2, 8, 6, 7, dtype=torch.float32))
    traced.save(tmp_path / "traced.pt")
    assert_works_at_other_sizes(traced)
    assert_works_at_other_sizes(torch.jit.load(tmp_path / "traced.pt"))
    x = maps(1, 8, 11, 5, dtype=torch.float32)
    assert torch.equal(scripted(x), official(x, 0.1))
    assert torch.equal(scripted.half()(x.half()), official(x.half().float(), 0.1).half())


@pytest.mark.parametrize("strict", [False, True])
def test_torch_export(strict: bool) -> None:
    sizes = {0: Dim("batch", min=1, max=64), 2: Dim("h", min=1, max=512), 3: Dim("w", min=1, max=512)}
    x = maps(2, 8, 6, 7, dtype=torch.float32)
    program = torch.export.export(SimAM(), (x,), dynamic_shapes=(sizes,), strict=strict)
    assert_works_at_other_sizes(program.module())


@pytest.mark.usefixtures("fresh_compiler")
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_torch_compile(backend: str) -> None:
    compiled = torch.compile(SimAM(), backend=backend, fullgraph=True)
    assert_works_at_other_sizes(compiled)
    x = maps(2, 8, 6, 7, dtype=torch.float32)
    assert_near(gradient(compiled, x, x.cos()), gradient(official, x.double(), x.cos().double()), 1e-6)


def test_fx() -> None:
    assert_works_at_other_sizes(torch.fx.symbolic_trace(SimAM()))


def test_onnx(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter that needs no more than onnx
        torch.onnx.export(
            SimAM(),
            (maps(2, 8, 6, 7, dtype=torch.float32),),
            tmp_path / "simam.onnx",
            input_names=["x"],
            dynamic_axes={"x": {0: "batch", 2: "h", 3: "w"}},
            dynamo=False,
        )
    model = onnx.load(tmp_path / "simam.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = ReferenceEvaluator(model)
    for shape in OTHERS:
        x = maps(*shape, dtype=torch.float32)
        (y,) = session.run(None, {"x": x.numpy()})
        assert_near(torch.from_numpy(y), official(x.double()), 1e-6)


# the module


@pytest.mark.parametrize(
    ("args", "e_lambda"),
    [
        ((), 1e-4),
        ((None,), 1e-4),
        ((1024,), 1e-4),
        ((512, 512), 1e-4),
        ((512, None), 1e-4),
        ((None, 512), 1e-4),
        ((1024, 0.1), 0.1),
        ((512, 512, 0.1), 0.1),
        ((1024, "1e-4"), 1e-4),
        ((512, 512, "1e-3"), 1e-3),
        ((None, None, 0.5), 0.5),
    ],
)
def test_arguments_as_frameworks_hand_them_over(args: tuple[Any, ...], e_lambda: float) -> None:
    module = SimAM(*args)
    assert module.e_lambda == e_lambda
    assert repr(module) == f"SimAM(e_lambda={e_lambda})"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((512, 8), "equal"),  # [0.0001] in parse_model's channel set
        ((512, 256), "equal"),  # [512] there, at width 0.5
        ((0.0001,), "channel count"),  # [0.0001] outside of it
        (("64",), "channel count"),
        ((0,), "channel count"),
        ((64, -64), "channel count"),
        ((True,), "channel count"),
        ((64, True), "e_lambda"),
        ((64, 64, True), "e_lambda"),
        ((64, 64, False), "e_lambda"),
        ((64, 64, 64), "e_lambda"),
        ((64, 64, 0), "e_lambda"),
        ((64, 64, 1), "e_lambda"),
        ((64, -0.1), "e_lambda"),
        ((64, 1.0), "e_lambda"),
        ((64, float("nan")), "e_lambda"),
        ((64, 64, None), "e_lambda"),
        ((64, 64, [1e-4]), "e_lambda"),
        ((64, "nc"), "e_lambda"),
        ((64, 0.1, 0.2), "e_lambda"),
    ],
)
def test_wrong_arguments_are_named(args: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words) as error:
        SimAM(*args)
    names = ("c1", "c2", "e_lambda")
    for name, value in zip(names, args, strict=False):
        assert f"{name}={value!r}" in str(error.value)


def test_there_is_nothing_to_store() -> None:
    module = SimAM(64, 64, 0.1)
    assert not module.state_dict()
    assert not [*module.parameters(), *module.buffers()]
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), module.half().eval()):
        assert copied.e_lambda == 0.1
        x = maps(1, 2, 5, 4)
        assert torch.allclose(copied(x), official(x, 0.1))


@pytest.mark.parametrize("shape", [(8, 6, 7), (1, 2, 8, 6, 7)], ids=str)
def test_other_ranks_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises((ValueError, IndexError)):
        SimAM()(maps(*shape))


# the short form, which register --plain puts into a checkout


@pytest.mark.parametrize("shape", [*SHAPES, (3, 4, 1, 1), (2, 3, 1, 2)], ids=str)
@pytest.mark.parametrize("e_lambda", [1e-4, 0.1])
def test_the_short_form_is_the_official_one_bit_for_bit(shape: tuple[int, ...], e_lambda: float) -> None:
    x = maps(*shape, dtype=torch.float32)
    short = Short(shape[1], shape[1], e_lambda)

    def formula(x: Tensor) -> Tensor:
        return official(x, e_lambda)

    assert torch.equal(short(x), formula(x))
    assert torch.equal(gradient(short, x, x.sin()), gradient(formula, x, x.sin()))


@pytest.mark.parametrize(
    ("dtype", "relative"), [(torch.float16, 6e-4), (torch.bfloat16, 9e-3), (torch.float64, 1e-15)], ids=str
)
@pytest.mark.parametrize("spread", [1, 30, 300])
def test_the_short_form_in_other_precisions(spread: float, dtype: torch.dtype, relative: float) -> None:
    x = maps(2, 4, 80, 80, spread=spread, dtype=dtype)
    assert Short()(x).dtype == dtype
    assert_each_near(Short()(x), official(x.double()), relative)


@pytest.mark.parametrize(
    ("args", "e_lambda"),
    [
        ((), 1e-4),
        ((512,), 1e-4),
        ((512, 512), 1e-4),
        ((1024, 0.1), 0.1),
        ((512, 512, 0.1), 0.1),
        ((512, 512, "1e-3"), 1e-3),
    ],
)
def test_the_short_form_takes_what_frameworks_pass(args: tuple[Any, ...], e_lambda: float) -> None:
    assert Short(*args).e_lambda == e_lambda
    assert Short(*args).state_dict() == {}


@pytest.mark.filterwarnings("ignore:`torch.jit")
def test_the_short_form_in_torchscript() -> None:
    assert_works_at_other_sizes(torch.jit.script(Short()))
    assert_works_at_other_sizes(torch.jit.trace(Short(), maps(1, 2, 4, 4, dtype=torch.float32)))
