"""Whether a module gives finite values and gradients: in each precision, for constant and large input."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from yamlinject.verification.subject import Subject, explained
from yamlinject.verification.trying import (
    SIZES,
    Failed,
    LeftOut,
    at,
    check_finite,
    loss,
    one_map,
    parameter_name,
    shape_text,
)

#: The spreads of large inputs; maps of trained models seldom exceed 30.
_LARGE = {torch.float32: 1e4, torch.bfloat16: 100.0, torch.float16: 100.0}
#: From this relative error on, another precision gives another output.
_OFF = 0.1


def float32(subject: Subject) -> str:
    """With maps of all sizes."""
    for size in SIZES[: 4 if subject.role == "downsample" else 5]:  # a norm cannot be trained on one value
        x = subject.maps(*size)
        where = f"with an input of {shape_text(x.shape)}"
        with at(where):
            _learn(subject.build(), x, where)
    return "finite values and gradients"


def bfloat16(subject: Subject) -> str:
    """Compared with float32."""
    _compare(subject, torch.bfloat16)
    return "finite values and gradients, as in float32"


def float16(subject: Subject) -> str:
    """Compared with float32."""
    _compare(subject, torch.float16)
    return "finite values and gradients, as in float32"


def autocast(subject: Subject) -> str:
    """Both, with parameters and input in float32."""
    for dtype in (torch.bfloat16, torch.float16):
        _compare(subject, dtype, autocast=True)
    return "finite values and gradients, as in float32, in bfloat16 and float16"


def constant(subject: Subject) -> str:
    """Where a spread is 0."""
    for value in (0.0, 1.0):
        x = torch.full_like(subject.maps(2, 8, 8), value)
        _learn(subject.build(), x, f"with an input of {value:g} only")
    return "finite values and gradients for maps of 0 and of 1 only"


def large(subject: Subject) -> str:
    """Where squares and exponentials overflow."""
    left_out = ""
    for dtype, spread in _LARGE.items():
        try:
            _compare(subject, dtype, channels=16, side=40, spread=spread)
        except LeftOut as reason:
            left_out = f"; {reason}"
    return f"finite values and gradients, up to 10,000 in float32 and to 100 in half precision{left_out}"


def _compare(
    subject: Subject,
    dtype: torch.dtype,
    *,
    autocast: bool = False,
    channels: int = 32,
    side: int = 16,
    spread: float = 1.0,
) -> None:
    """Run it in ``dtype``, and compare its output with that of the same values in float32."""
    where = f"with values of about {spread:g} in {str(dtype).removeprefix('torch.')}"
    x = subject.maps(1, side, side, channels, spread=spread).to(dtype)
    module = subject.build(channels).to(dtype)
    with at(where):
        expected = _learn(copy.deepcopy(module).float(), x.float(), where)
        if autocast:
            module, x = module.float(), x.float()
        try:
            with torch.autocast("cpu", dtype, enabled=autocast):
                actual = _learn(module, x, where)
        except NotImplementedError as error:
            if "not implemented for" not in str(error):  # what torch says of an operation that it lacks
                raise
            raise LeftOut(f"not tested here {where}: {explained(error)}") from None
    off = (actual.double() - expected.double()).norm() / expected.double().norm().clamp_min(1e-30)
    if off > _OFF:
        raise Failed(f"{where}, the output is {off.item():.0%} off that in float32")


def _learn(module: nn.Module, x: Tensor, where: str) -> Tensor:
    """The output, in evaluation, of a module whose values and gradients in training are finite."""
    with torch.no_grad():
        evaluated = one_map(copy.deepcopy(module).eval()(x))
    check_finite({"output": evaluated}, where)
    x = x.clone().requires_grad_()
    y = one_map(module.train()(x))
    check_finite({"output in training": y}, where)
    loss(y).backward()
    gradients = {f"gradient of {parameter_name(name)}": one.grad for name, one in module.named_parameters()}
    check_finite({"gradient of its input": x.grad, **gradients}, where)
    if x.grad is None:
        raise Failed(f"{where}, its input gets no gradient: the layers above do not learn through it")
    return evaluated
