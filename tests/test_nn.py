"""The attention layers of ``yamlinject.nn``: what they have in common, and each against its formula."""

from __future__ import annotations

import ast
import copy
import inspect
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn
from torch.export import Dim

import yamlinject.nn
from yamlinject.checkout import codemod
from yamlinject.library import recipes
from yamlinject.nn import (
    BRA,
    CARAFE,
    CBAM,
    ECA,
    EMA,
    GAM,
    SE,
    SK,
    BiFPN_Concat,
    CoordAtt,
    DySample,
    ShuffleAttention,
    SimAM,
    TripletAttention,
)

pytestmark = pytest.mark.framework

LEARNED: list[type[nn.Module]] = [
    CBAM,
    ECA,
    EMA,
    SE,
    CoordAtt,
    TripletAttention,
    ShuffleAttention,
    SK,
    GAM,
    BRA,
]
MODULES: list[type[nn.Module]] = [*LEARNED, SimAM]
#: What takes the place of other modules: tested in ``test_nn_replacing.py``.
REPLACING: list[type[nn.Module]] = [BiFPN_Concat, CARAFE, DySample]
#: What gives sums of products, as a convolution does, and no input with other weights.
CONVOLVING: list[type[nn.Module]] = [SK, BRA]
#: Args with which rounding changes no choice: of four regions, all.
STEADY: dict[type[nn.Module], tuple[int, ...]] = {BRA: (16, 16, 8, 2, 4)}
#: Kernel of ECA by channels: the odd number next to (log2(C) + 1) / 2, as the paper has it.
KERNELS = {1: 1, 4: 1, 8: 3, 16: 3, 64: 3, 127: 3, 128: 5, 255: 5, 256: 5, 512: 5, 1024: 5, 2048: 7}
OTHERS = [(1, 16, 11, 5), (2, 16, 1, 1), (3, 16, 40, 40)]


def maps(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).to(dtype)


def made(module: type[nn.Module], *args: Any) -> nn.Module:
    """With random parameters, and statistics that are not those of an untouched norm."""
    torch.manual_seed(7)
    layer = module(*args).double()
    for name, value in layer.state_dict().items():
        if value.is_floating_point():
            value.normal_(std=0.5)
            if name.endswith("var"):
                value.abs_().add_(0.5)
    return layer.eval()


def same(actual: Tensor, expected: Tensor) -> bool:
    atol = 1e-6 * max(expected.abs().max().item(), 1)
    return actual.shape == expected.shape and torch.allclose(actual, expected, rtol=1e-4, atol=atol)


# formulas, written out from the papers with nothing but matrix products and sums


def weights(layer: nn.Module, name: str) -> tuple[Tensor, Tensor]:
    """The matrix and the bias of a 1x1 convolution."""
    state = layer.state_dict()
    matrix = state[f"{name}.weight"].flatten(1)
    return matrix, state.get(f"{name}.bias", torch.zeros(len(matrix), dtype=matrix.dtype))


def se(layer: nn.Module, x: Tensor) -> Tensor:
    (w1, b1), (w2, b2) = weights(layer, "fc1"), weights(layer, "fc2")
    hidden = (torch.einsum("bchw,rc->br", x, w1) / (x.shape[2] * x.shape[3]) + b1).clamp_min(0)
    return torch.einsum("bchw,bc->bchw", x, 1 / (1 + (-(hidden @ w2.T + b2)).exp()))


def eca(layer: nn.Module, x: Tensor) -> Tensor:
    kernel = layer.state_dict()["conv.weight"].flatten()
    half = len(kernel) // 2
    means = x.flatten(2).sum(2) / (x.shape[2] * x.shape[3])
    y = torch.zeros_like(means)
    for channel in range(x.shape[1]):
        for offset, weight in enumerate(kernel, -half):
            if 0 <= channel + offset < x.shape[1]:
                y[:, channel] += weight * means[:, channel + offset]
    return x * (1 / (1 + (-y).exp()))[:, :, None, None]


def cbam(layer: nn.Module, x: Tensor) -> Tensor:
    w1, w2 = weights(layer, "fc1")[0], weights(layer, "fc2")[0]
    flat = x.flatten(2)
    both = [(v @ w1.T).clamp_min(0) @ w2.T for v in (flat.mean(2), flat.max(2).values)]
    x = x * (both[0] + both[1]).sigmoid()[:, :, None, None]
    kernel = layer.state_dict()["conv.weight"]
    side = kernel.shape[-1]
    two = F.pad(torch.stack([x.mean(1), x.max(1).values], 1), [side // 2] * 4)
    patches = two.unfold(2, side, 1).unfold(3, side, 1)
    return x * torch.einsum("bkhwij,kij->bhw", patches, kernel[0]).sigmoid()[:, None]


def coordatt(layer: nn.Module, x: Tensor) -> Tensor:
    state = layer.state_dict()
    w1, _ = weights(layer, "conv1")

    def hidden(means: Tensor) -> Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (state[f"bn1.{name}"][:, None] for name in names)
        y: Tensor = (w1 @ means - mean) / (var + 1e-5).sqrt() * weight + bias
        return y * (y + 3).clamp(0, 6) / 6

    gates = []
    for name, means in (("conv_h", x.mean(3)), ("conv_w", x.mean(2))):
        matrix, bias = weights(layer, name)
        gates.append((matrix @ hidden(means) + bias[:, None]).sigmoid())
    return torch.einsum("bchw,bch,bcw->bchw", x, *gates)


def normed(x: Tensor, *dims: int) -> Tensor:
    """``x`` with mean 0 and variance 1 over ``dims``, as far as an epsilon of 1e-5 lets it."""
    mean = x.mean(dims, keepdim=True)
    return (x - mean) / ((x - mean).square().mean(dims, keepdim=True) + 1e-5).sqrt()


def ema(layer: nn.Module, x: Tensor) -> Tensor:
    state = layer.state_dict()
    w1, b1 = weights(layer, "conv1x1")
    width = len(b1)
    scale, shift = state["gn.weight"][:, None, None], state["gn.bias"][:, None, None]
    out = torch.empty_like(x)
    for image in range(x.shape[0]):
        for start in range(0, x.shape[1], width):
            group = x[image, start : start + width]
            rows = (w1 @ group.mean(2) + b1[:, None]).sigmoid()
            columns = (w1 @ group.mean(1) + b1[:, None]).sigmoid()
            fine = normed(torch.einsum("chw,ch,cw->chw", group, rows, columns), 1, 2) * scale + shift
            patches = F.pad(group, [1] * 4).unfold(1, 3, 1).unfold(2, 3, 1)
            coarse = torch.einsum("chwij,dcij->dhw", patches, state["conv3x3.weight"])
            coarse += state["conv3x3.bias"][:, None, None]
            gate = torch.zeros_like(group[0])
            for one, other in ((fine, coarse), (coarse, fine)):
                shares = one.mean((1, 2)).exp()
                gate += torch.einsum("c,chw->hw", shares / shares.sum(), other)
            out[image, start : start + width] = group * gate.sigmoid()
    return out


def batch_normed(layer: nn.Module, name: str, x: Tensor) -> Tensor:
    """``x`` normalized by the statistics of the norm ``name``, channel by channel."""
    state = layer.state_dict()
    names = ("running_mean", "running_var", "weight", "bias")
    mean, var, weight, bias = (state[f"{name}.{one}"][:, None, None] for one in names)
    y: Tensor = (x - mean) / (var + 1e-5).sqrt() * weight + bias
    return y


def triplet_attention(layer: nn.Module, x: Tensor) -> Tensor:
    total = torch.zeros_like(x)
    # each branch with the dimension that it pools, and those along the height and the width of its kernel
    for name, pooled, along in (("cw", 2, (1, 3)), ("hc", 3, (2, 1)), ("hw", 1, (2, 3))):
        kernel = layer.state_dict()[f"{name}.conv.conv.weight"][0]
        side = kernel.shape[-1]
        two = torch.stack([x.max(pooled).values, x.mean(pooled)], 1)
        if along[0] > along[1]:
            two = two.transpose(2, 3)
        patches = F.pad(two, [side // 2] * 4).unfold(2, side, 1).unfold(3, side, 1)
        y = torch.einsum("bkmnij,kij->bmn", patches, kernel)[:, None]
        gate = batch_normed(layer, f"{name}.conv.bn", y).sigmoid()[:, 0]
        if along[0] > along[1]:
            gate = gate.transpose(1, 2)
        total += x * gate.unsqueeze(pooled)
    return total / 3


def shuffle_attention(layer: nn.Module, x: Tensor) -> Tensor:
    state = {name: value.flatten().tolist() for name, value in layer.state_dict().items()}
    half = len(state["cweight"])
    weighed = []
    for channel in range(x.shape[1]):
        own, values = channel % half, x[:, channel]
        if channel // half % 2 == 0:
            gate = state["cweight"][own] * values.mean((1, 2), keepdim=True) + state["cbias"][own]
        else:
            gate = normed(values, 1, 2) * state["gn.weight"][own] + state["gn.bias"][own]
            gate = state["sweight"][own] * gate + state["sbias"][own]
        weighed.append(values / (1 + (-gate).exp()))
    middle = x.shape[1] // 2
    return torch.stack([weighed[at] for low in range(middle) for at in (low, low + middle)], 1)


def sk(layer: nn.Module, x: Tensor) -> Tensor:
    height, width = x.shape[2:]
    paths = []
    for number, dilation in enumerate((1, 2)):
        kernel = layer.state_dict()[f"paths.{number}.conv.weight"]
        own = kernel.shape[1]  # as many channels as a group has
        padded = F.pad(x, [dilation] * 4)
        y = torch.zeros_like(x)
        for channel in range(x.shape[1]):
            group = padded[:, channel // own * own :][:, :own]
            for row in range(3):
                for column in range(3):
                    values = group[:, :, row * dilation :, column * dilation :][:, :, :height, :width]
                    y[:, channel] += torch.einsum("bchw,c->bhw", values, kernel[channel, :, row, column])
        paths.append(batch_normed(layer, f"paths.{number}.bn", y).clamp_min(0))
    means = (paths[0] + paths[1]).mean((2, 3))
    z = batch_normed(layer, "attn.bn", (means @ weights(layer, "attn.fc_reduce")[0].T)[:, :, None, None])
    both = z[:, :, 0, 0].clamp_min(0) @ weights(layer, "attn.fc_select")[0].T
    first, second = both.exp().split(x.shape[1], 1)
    share: Tensor = (first / (first + second))[:, :, None, None]
    return share * paths[0] + (1 - share) * paths[1]


def gam(layer: nn.Module, x: Tensor) -> Tensor:
    (w1, b1), (w2, b2) = (weights(layer, f"channel_attention.{step}") for step in (0, 2))
    columns = x.flatten(2)
    hidden = (w1 @ columns + b1[:, None]).clamp_min(0)
    x = x * (w2 @ hidden + b2[:, None]).sigmoid().view_as(x)
    y = x
    for step in (0, 3):
        kernel = layer.state_dict()[f"spatial_attention.{step}.weight"]
        side = kernel.shape[-1]
        patches = F.pad(y, [side // 2] * 4).unfold(2, side, 1).unfold(3, side, 1)
        y = torch.einsum("bchwij,dcij->bdhw", patches, kernel)
        y = batch_normed(layer, f"spatial_attention.{step + 1}", y)
        y = y.clamp_min(0) if step == 0 else y.sigmoid()
    return x * y


def bra(layer: nn.Module, x: Tensor, side: int = 16, topk: int = 4) -> Tensor:
    (w, b), (wo, bo) = weights(layer, "qkv_linear"), weights(layer, "output_linear")
    channels, height, width = x.shape[1:]
    heads = max(n for n in range(1, 9) if channels % n == 0)
    tall, wide = -(-height // side), -(-width // side)
    regions: dict[tuple[int, int], list[int]] = {}
    for row in range(height):
        for column in range(width):
            regions.setdefault((row // tall, column // wide), []).append(row * width + column)
    kernel, bias = layer.state_dict()["lepe.weight"][:, 0], layer.state_dict()["lepe.bias"]
    out = torch.empty_like(x)
    for image in range(x.shape[0]):
        q, k, v = (w @ x[image].flatten(1) + b[:, None]).split(channels)
        patches = F.pad(v.view(channels, height, width), [2] * 4).unfold(1, 5, 1).unfold(2, 5, 1)
        told = (torch.einsum("chwij,cij->chw", patches, kernel) + bias[:, None, None]).flatten(1)
        for own in regions.values():
            fit = {name: float(q[:, own].mean(1) @ k[:, one].mean(1)) for name, one in regions.items()}
            routed = sorted(regions, key=lambda name: -fit[name])[:topk]
            seen = [place for name in routed for place in regions[name]]
            for start in range(0, channels, channels // heads):
                head = slice(start, start + channels // heads)
                scores = (q[head][:, own].T @ k[head][:, seen] / channels**0.5).exp()
                shares = scores / scores.sum(1, keepdim=True)
                told[head, own] += v[head][:, seen] @ shares.T
        out[image] = (wo @ told + bo[:, None]).view_as(out[image])
    return out


FORMULAS: dict[type[nn.Module], Callable[[nn.Module, Tensor], Tensor]] = {
    SE: se,
    ECA: eca,
    EMA: ema,
    TripletAttention: triplet_attention,
    ShuffleAttention: shuffle_attention,
    SK: sk,
    GAM: gam,
    BRA: bra,
    CBAM: cbam,
    CoordAtt: coordatt,
}


@pytest.mark.parametrize("shape", [(2, 64, 6, 7), *OTHERS], ids=str)
@pytest.mark.parametrize("module", LEARNED)
def test_formula(module: type[nn.Module], shape: tuple[int, ...]) -> None:
    layer, x = made(module, shape[1]), maps(*shape)
    assert torch.allclose(layer(x), FORMULAS[module](layer, x), rtol=1e-10)


@pytest.mark.parametrize(
    ("module", "args", "shapes"),
    [
        (SE, (256,), {"fc1.weight": (16, 256, 1, 1), "fc1.bias": (16,), "fc2.bias": (256,)}),
        (SE, (16,), {"fc1.weight": (4, 16, 1, 1)}),
        (SE, (64, 64, 4), {"fc1.weight": (16, 64, 1, 1)}),
        (CBAM, (256,), {"fc1.weight": (16, 256, 1, 1), "conv.weight": (1, 2, 7, 7)}),
        (CBAM, (16, 16, 16, 3), {"fc1.weight": (4, 16, 1, 1), "conv.weight": (1, 2, 3, 3)}),
        (TripletAttention, (256,), {"cw.conv.conv.weight": (1, 2, 7, 7), "hw.conv.bn.bias": (1,)}),
        (TripletAttention, (16, 16, 3), {"hc.conv.conv.weight": (1, 2, 3, 3)}),
        # 64 groups or as many as are asked for, or the next number whose halves divide the channels
        (ShuffleAttention, (512,), {"cweight": (1, 4, 1, 1), "sbias": (1, 4, 1, 1), "gn.bias": (4,)}),
        (ShuffleAttention, (64,), {"cbias": (1, 1, 1, 1)}),
        (ShuffleAttention, (64, 64, 8), {"cweight": (1, 4, 1, 1)}),
        (ShuffleAttention, (24, 24, 8), {"cweight": (1, 2, 1, 1)}),
        (ShuffleAttention, (2,), {"sweight": (1, 1, 1, 1)}),
        # 32 groups or as many as are asked for, or the next number that divides the channels
        (SK, (256,), {"paths.1.conv.weight": (256, 8, 3, 3), "attn.fc_reduce.weight": (32, 256, 1, 1)}),
        (SK, (1024,), {"attn.bn.bias": (64,), "attn.fc_select.weight": (2048, 64, 1, 1)}),
        (SK, (16,), {"paths.0.conv.weight": (16, 1, 3, 3), "attn.bn.bias": (32,)}),
        (SK, (48,), {"paths.0.conv.weight": (48, 2, 3, 3)}),
        (SK, (64, 64, 1, 1), {"paths.0.conv.weight": (64, 64, 3, 3), "attn.bn.weight": (64,)}),
        (
            GAM,
            (64,),
            {"channel_attention.0.weight": (16, 64), "spatial_attention.3.weight": (64, 16, 7, 7)},
        ),
        (GAM, (8,), {"channel_attention.2.weight": (8, 4), "spatial_attention.1.bias": (4,)}),
        (GAM, (64, 64, 16, 3), {"spatial_attention.0.weight": (4, 64, 3, 3)}),
        (BRA, (64,), {"qkv_linear.weight": (192, 64, 1, 1), "lepe.weight": (64, 1, 5, 5)}),
        (CoordAtt, (512,), {"conv1.weight": (16, 512, 1, 1), "conv_h.bias": (512,)}),
        (CoordAtt, (16,), {"conv1.weight": (8, 16, 1, 1)}),
        (CoordAtt, (256, None, 8), {"conv1.weight": (32, 256, 1, 1)}),
        # 8 groups or as many as are asked for, or the next number that divides the channels
        (EMA, (64,), {"gn.weight": (8,), "conv1x1.weight": (8, 8, 1, 1), "conv3x3.weight": (8, 8, 3, 3)}),
        (EMA, (16,), {"gn.weight": (2,)}),
        (EMA, (8,), {"gn.weight": (1,)}),
        (EMA, (12,), {"gn.weight": (2,)}),
        (EMA, (17,), {"gn.weight": (17,)}),
        (EMA, (64, 64, 32), {"gn.weight": (2,)}),
        (EMA, (64, 64, 7), {"gn.weight": (16,)}),
        (EMA, (16, 16, 32), {"gn.weight": (1,)}),
        (EMA, (64, 64, 1), {"gn.weight": (64,)}),
        (ECA, (64, 64, 1), {"conv.weight": (1, 1, 7)}),
        (ECA, (64, 64, 2, 3), {"conv.weight": (1, 1, 5)}),
        *((ECA, (c,), {"conv.weight": (1, 1, k)}) for c, k in KERNELS.items()),
    ],
)
def test_sizes_follow_the_channels(
    module: type[nn.Module], args: tuple[Any, ...], shapes: dict[str, tuple[int, ...]]
) -> None:
    state = module(*args).state_dict()
    assert {name: tuple(state[name].shape) for name in shapes} == shapes


def norm(name: str) -> list[str]:
    """The tensors of a batch normalization of that name."""
    return [f"{name}.{one}" for one in "weight bias running_mean running_var num_batches_tracked".split()]


@pytest.mark.parametrize(
    ("module", "names"),
    [
        # as in timm and torchvision
        (SE, "fc1.weight fc1.bias fc2.weight fc2.bias"),
        # BangguWu/ECANet
        (ECA, "conv.weight"),
        # YOLOonMe/EMA-attention-module
        (EMA, "gn.weight gn.bias conv1x1.weight conv1x1.bias conv3x3.weight conv3x3.bias"),
        # landskape-ai/triplet-attention
        (
            TripletAttention,
            " ".join(
                f"{pair}.conv.{name}"
                for pair in ("cw", "hc", "hw")
                for name in ("conv.weight", *norm("bn"))
            ),
        ),
        # wofmanaf/SA-Net
        (ShuffleAttention, "cweight cbias sweight sbias gn.weight gn.bias"),
        # as in timm
        (
            SK,
            " ".join(
                f"{step}.{name}"
                for step, *names in (
                    ("paths.0", "conv.weight", *norm("bn")),
                    ("paths.1", "conv.weight", *norm("bn")),
                    ("attn", "fc_reduce.weight", *norm("bn"), "fc_select.weight"),
                )
                for name in names
            ),
        ),
        # northBeggar/Plug-and-Play, but for the biases that norms take away again
        (
            GAM,
            " ".join(
                [
                    *(f"channel_attention.{step}.{name}" for step in (0, 2) for name in ("weight", "bias")),
                    *("spatial_attention.0.weight", *norm("spatial_attention.1")),
                    *("spatial_attention.3.weight", *norm("spatial_attention.4")),
                ]
            ),
        ),
        # rayleizhu/BiFormer
        (
            BRA,
            " ".join(
                f"{step}.{one}"
                for step in ("lepe", "qkv_linear", "output_linear")
                for one in ("weight", "bias")
            ),
        ),
        # houqb/CoordAttention, except for the bias that its norm cancels
        (
            CoordAtt,
            "conv1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var bn1.num_batches_tracked "
            "conv_h.weight conv_h.bias conv_w.weight conv_w.bias",
        ),
        # the authors' has biases and a norm that are not in the paper, so its weights fit no other
        (CBAM, "fc1.weight fc2.weight conv.weight"),
    ],
)
def test_tensors_have_the_names_of_the_published_modules(module: type[nn.Module], names: str) -> None:
    assert list(module(16).state_dict()) == names.split()


@pytest.mark.parametrize("module", LEARNED)
def test_every_parameter_learns(module: type[nn.Module]) -> None:
    layer = made(module, 16).train()
    layer(maps(2, 16, 6, 7)).square().sum().backward()
    for name, parameter in layer.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("module", LEARNED)
def test_gradient(module: type[nn.Module]) -> None:
    layer, x = made(module, 4), maps(1, 4, 3, 3).requires_grad_()
    torch.autograd.gradcheck(layer, x)


# what all have in common


def test_an_untrained_shuffle_weighs_all_alike() -> None:
    """As the published one: weights 0 and biases 1, so that only the order of the channels changes."""
    x = maps(1, 8, 3, 3)
    expected = torch.stack([x[:, at] for at in (0, 4, 1, 5, 2, 6, 3, 7)], 1) * torch.tensor(1.0).sigmoid()
    assert torch.allclose(ShuffleAttention(8)(x.float()), expected.float())


def channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("module", MODULES)
def test_the_recipe_says_its_parameters_and_the_defaults_of_its_options(module: type[nn.Module]) -> None:
    about = recipes.about(module.__name__)
    assert list(about.parameters_at) == [64, 128, 256, 512, 1024]
    for channels, count in about.parameters_at.items():
        assert count == sum(one.numel() for one in module(channels, channels).parameters())
    assert about.parameters == about.parameters_at[512]
    given = {"lambda": "e_lambda"}  # which is no name for an argument
    defaults = inspect.signature(module).parameters
    assert {name: defaults[given.get(name, name)].default for name in about.options} == about.options
    assert list(defaults)[2:] == [given.get(name, name) for name in about.options]


@pytest.mark.parametrize("layout", [torch.clone, channels_last])
@pytest.mark.parametrize("shape", [(2, 16, 6, 7), (1, 16, 1, 1)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("module", MODULES)
def test_layout_and_dtype_stay(
    module: type[nn.Module], dtype: torch.dtype, shape: tuple[int, ...], layout: Callable[[Tensor], Tensor]
) -> None:
    layer, x = made(module, *STEADY.get(module, (16,))), layout(maps(*shape))
    expected = layer(x)
    x = x.to(dtype)
    before = x.clone()
    y = layer.to(dtype)(x)
    assert (y.dtype, y.shape, y.stride()) == (dtype, x.shape, x.stride())
    assert torch.equal(x, before)
    eps = torch.finfo(dtype).eps
    atol = 2 * eps * expected.abs().max().item() if module in CONVOLVING else 1e-3
    assert torch.allclose(y.double(), expected, rtol=64 * eps, atol=atol)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("module", MODULES)
def test_autocast(module: type[nn.Module], dtype: torch.dtype) -> None:
    layer, x = made(module, *STEADY.get(module, (16,))).float(), maps(2, 16, 6, 7)
    expected = layer(x.float()).double()
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x.to(dtype))
    assert y.dtype == (torch.bfloat16 if module in CONVOLVING else dtype)
    atol = 0.05 * max(expected.abs().max().item() / 10, 1) if module in CONVOLVING else 0.05
    assert torch.allclose(y.double(), expected, rtol=0.1, atol=atol)


@pytest.mark.parametrize("module", MODULES)
def test_one_value_can_be_trained(module: type[nn.Module]) -> None:
    """YOLOv5 profiles each model on 32x32 images, whose deepest maps are 1x1; a batch may be one image."""
    layer, x = made(module, 16).train(), maps(1, 16, 1, 1).requires_grad_()
    layer(x).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    ("module", "norms"),
    [
        (TripletAttention, ["hw.conv.bn"]),
        (GAM, ["spatial_attention.1", "spatial_attention.4"]),
        (SK, ["paths.0.bn", "paths.1.bn", "attn.bn"]),
    ],
)
def test_one_value_leaves_the_statistics_alone(module: type[nn.Module], norms: list[str]) -> None:
    """One value has no variance: the one that a norm remembers would become infinite or zero."""
    layer, x = made(module, 16).train(), maps(1, 16, 1, 1)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    layer(x)
    for name, value in layer.state_dict().items():
        assert value.isfinite().all(), name
        if name.startswith(tuple(norms)):
            assert torch.equal(value, before[name]), name
    layer(maps(2, 16, 1, 1))
    for name in norms:
        counted = f"{name}.num_batches_tracked"
        assert layer.state_dict()[counted] == before[counted] + 1


@pytest.mark.parametrize("module", MODULES)
def test_deterministic_mode(module: type[nn.Module]) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    layer, x = made(module, 16).train().to(device), maps(2, 16, 8, 8).to(device).requires_grad_()
    torch.use_deterministic_algorithms(True)
    try:
        layer(x).sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.filterwarnings("ignore:`torch.jit")  # torch advises against it
@pytest.mark.parametrize("module", MODULES)
def test_torchscript_at_another_size(module: type[nn.Module], tmp_path: Path) -> None:
    layer = made(module, 16).float()
    traced = torch.jit.trace(layer, maps(2, 16, 6, 7, dtype=torch.float32))
    traced.save(tmp_path / "traced.pt")
    loaded = torch.jit.load(tmp_path / "traced.pt")
    for form in (traced, loaded, torch.jit.script(layer)):
        for shape in OTHERS:
            x = maps(*shape, dtype=torch.float32)
            assert same(form(x), layer(x))


@pytest.mark.parametrize("module", MODULES)
def test_torch_export_at_another_size(module: type[nn.Module]) -> None:
    layer = made(module, 16).float()
    # on a map of 16 rows or less the regions of BRA have one, and torch.export takes that for granted
    least, shapes = (17, [(1, 16, 20, 17), (3, 16, 40, 40)]) if module is BRA else (1, OTHERS)
    sizes = {0: Dim("batch", min=1, max=64), 2: Dim("h", min=least), 3: Dim("w", min=least)}
    x = maps(2, 16, 5 + least, 6 + least, dtype=torch.float32)
    program = torch.export.export(layer, (x,), dynamic_shapes=(sizes,)).module()
    for shape in shapes:
        x = maps(*shape, dtype=torch.float32)
        assert same(program(x), layer(x))


@pytest.mark.parametrize("module", MODULES)
def test_torch_compile_at_another_size(module: type[nn.Module]) -> None:
    torch.compiler.reset()  # it counts recompilations over all tests, and gives up at a limit
    layer = made(module, 16)
    compiled = torch.compile(layer, backend="eager", fullgraph=True)
    for shape in OTHERS:
        assert same(compiled(maps(*shape)), layer(maps(*shape)))


@pytest.mark.parametrize("module", MODULES)
def test_onnx_at_another_size(module: type[nn.Module], tmp_path: Path) -> None:
    layer = made(module, 16).float()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the exporter that needs no more than onnx
        torch.onnx.export(
            layer,
            (maps(2, 16, 6, 7, dtype=torch.float32),),
            tmp_path / "layer.onnx",
            input_names=["x"],
            dynamic_axes={"x": {0: "batch", 2: "h", 3: "w"}},
            dynamo=False,
        )
    model = onnx.load(tmp_path / "layer.onnx")
    onnx.checker.check_model(model, full_check=True)
    session = ReferenceEvaluator(model)
    for shape in OTHERS:
        x = maps(*shape, dtype=torch.float32)
        (y,) = session.run(None, {"x": x.numpy()})
        assert same(torch.from_numpy(y), layer(x))


@pytest.mark.parametrize("module", MODULES)
def test_copies(module: type[nn.Module]) -> None:
    layer, x = made(module, 16), maps(1, 16, 5, 6)
    loaded = module(16).double().eval()
    loaded.load_state_dict(layer.state_dict())
    for copied in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), loaded):
        assert torch.equal(copied(x), layer(x))


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ((64, 32), ("64", "32")),
        ((0,), ("c1", "0")),
        ((-8,), ("c1", "-8")),
        ((True,), ("c1", "True")),
        ((64.0,), ("c1", "64.0")),
        (("64",), ("c1", "'64'")),
        ((None,), ("c1", "None")),
        ((64, False), ("c2", "False")),
        ((64, 64.0), ("c2", "64.0")),
        ((64, 64, 0), ("0",)),
        ((64, 64, 0.5), ("0.5",)),
        ((64, 64, True), ("True",)),
        ((64, 64, "16"), ("'16'",)),
    ],
)
@pytest.mark.parametrize("module", LEARNED)
def test_wrong_arguments_are_named(
    module: type[nn.Module], args: tuple[Any, ...], named: tuple[str, ...]
) -> None:
    with pytest.raises(ValueError, match=f"^{module.__name__}: ") as error:
        module(*args)
    for word in named:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("args", "shape"),
    [
        ((2, 1), (4, 6)),
        ((2, 4), (5, 5)),
        ((3, 2), (9, 8)),
        ((1, 1), (3, 4)),
        ((7, 4), (20, 20)),
        ((7, 4), (8, 15)),
    ],
)
def test_other_regions(args: tuple[int, int], shape: tuple[int, int]) -> None:
    """Where they divide the size and where not; with one region it is attention between all positions."""
    layer, x = made(BRA, 16, 16, 8, *args), maps(2, 16, *shape)
    assert torch.allclose(layer(x), bra(layer, x, *args), rtol=1e-10)


def test_more_regions_than_there_are_cannot_be_routed() -> None:
    with pytest.raises(ValueError, match="BRA: n_win 1 makes 1 regions, fewer than topk, 4"):
        BRA(16, 16, 8, 1)


def test_odd_channels_have_no_halves() -> None:
    with pytest.raises(ValueError, match="c1 has to be even to have two halves, not 17"):
        ShuffleAttention(17)


#: The widths of layers of yolov5n and yolo11n, and some that no power of two divides well.
WIDTHS = [16, 24, 32, 40, 64, 72, 80, 128, 256]


@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (7, 5), (13, 1), (20, 20)], ids=str)
@pytest.mark.parametrize("module", MODULES)
def test_any_width_and_size(module: type[nn.Module], shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    for width in WIDTHS:
        x = maps(1, width, *shape, dtype=torch.float32).requires_grad_()
        y = module(width)(x)
        y.sum().backward()
        assert y.shape == x.shape
        assert x.grad is not None
        assert y.isfinite().all()
        assert x.grad.isfinite().all()


#: On 512 channels, counted by hand: matrices, biases, kernels and norms.
PARAMETERS = {
    SimAM: 0,
    SE: 2 * 512 * 32 + 32 + 512,
    ECA: 5,
    CBAM: 2 * 512 * 32 + 2 * 7 * 7,
    CoordAtt: 3 * 512 * 16 + 2 * 16 + 2 * 512,
    TripletAttention: 3 * (2 * 7 * 7 + 2),
    ShuffleAttention: 6 * 512 // (2 * 64),
    SK: 2 * (9 * 16 * 512 + 2 * 512) + 512 * 32 + 2 * 32 + 2 * 32 * 512,
    GAM: 2 * 512 * 128 + 128 + 512 + 2 * 49 * 512 * 128 + 2 * 128 + 2 * 512,
    BRA: 3 * (512 * 512 + 512) + 512 * 512 + 512 + 25 * 512 + 512,
    EMA: 64 * 64 + 64 + 9 * 64 * 64 + 64 + 2 * 64,
}


@pytest.mark.parametrize("module", MODULES)
def test_parameters_are_those_of_the_table(module: type[nn.Module]) -> None:
    count = sum(parameter.numel() for parameter in module(512).parameters())
    assert count == PARAMETERS[module]
    page = Path(__file__).parents[1].joinpath("docs", "modules.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{module.__name__}` | ")]
    assert row.split(" | ")[2] == f"{count:,}"


@pytest.mark.parametrize(
    ("module", "args"), [(CBAM, (64, 64, 16, 4)), (GAM, (64, 64, 4, 6)), (TripletAttention, (64, 64, 2))]
)
def test_even_kernel_is_refused(module: type[nn.Module], args: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"^{module.__name__}: kernel_size has to be odd.* not {args[-1]}"):
        module(*args)


# `register` pastes what is below the imports into models/common.py, where torch and nn are known


def source(module: type[nn.Module]) -> Path:
    return Path(yamlinject.nn.__file__).with_name(f"{module.__name__.lower()}.py")


def body(module: type[nn.Module]) -> list[ast.stmt]:
    """The file's statements, read as Python 3.7 does, without the docstring and the imports."""
    text = source(module).read_text(encoding="ascii")  # files are read in whatever encoding a machine has
    docstring, *rest = ast.parse(text, feature_version=(3, 7)).body
    assert isinstance(docstring, ast.Expr)
    assert [ast.unparse(line) for line in rest[:2]] == ["import torch", "from torch import nn"]
    return rest[2:]


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_torch(module: type[nn.Module]) -> None:
    for line in body(module):
        assert not [node for node in ast.walk(line) if isinstance(node, (ast.Import, ast.ImportFrom))]


@pytest.mark.parametrize("module", MODULES)
def test_works_where_it_is_pasted(module: type[nn.Module]) -> None:
    common = ModuleType("common")
    common.__dict__.update(torch=torch, nn=nn)
    known = set(common.__dict__)
    text = "\n".join(ast.unparse(line) for line in body(module))
    exec(compile(text, "common.py", "exec", dont_inherit=True), common.__dict__)
    added = common.__dict__.keys() - known - {"__builtins__"}
    name = module.__name__
    assert all(own == name or own.lower().startswith(f"_{name.lower()}") for own in added)
    layer = common.__dict__[name](16, 16).double().eval()
    original = module(16).double().eval()
    layer.load_state_dict(original.state_dict())
    x = maps(1, 16, 6, 6).requires_grad_()
    assert torch.equal(layer(x), original(x))
    assert torch.equal(*(torch.autograd.grad(m(x).sum(), x)[0] for m in (layer, original)))


@pytest.mark.parametrize("module", MODULES)
def test_evaluates_no_annotation_that_old_pythons_do_not_know(module: type[nn.Module]) -> None:
    for line in body(module):
        for node in ast.walk(line):
            names = [node.returns] if isinstance(node, ast.FunctionDef) else []
            names += [node.annotation] if isinstance(node, (ast.arg, ast.AnnAssign)) else []
            for name in filter(None, names):
                assert not [n for n in ast.walk(name) if isinstance(n, (ast.BinOp, ast.Subscript))]


def test_every_module_has_a_class_a_recipe_and_can_be_registered() -> None:
    names = {module.__name__ for module in (*MODULES, *REPLACING)}
    assert names == set(yamlinject.nn.__all__) == set(recipes.names()) == set(codemod.MODULES)
