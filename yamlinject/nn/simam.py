"""SimAM, the parameter-free attention of Yang, Zhang, Li and Xie.

"SimAM: A Simple, Parameter-Free Attention Module for Convolutional Neural Networks", ICML 2021, PMLR v139,
https://proceedings.mlr.press/v139/yang21o.html. Written from the paper's formula.
"""

import torch
from torch import nn


class SimAM(nn.Module):
    """SimAM (Yang et al., ICML 2021, PMLR v139, yang21o): re-weights values by how far they stand out.

    (B, C, H, W) -> (B, C, H, W). With d = (x - mean)**2, the mean over H and W, and n = H * W - 1::

        y = d / (4 * (sum(d) / n + e_lambda)) + 0.5
        out = x * sigmoid(y)

    It has no parameters; statistics are in float32 or better. ``c1`` and ``c2``, the channels that a
    framework hands over, have to be equal and change nothing. A ``c2`` that is no integer is ``e_lambda``:
    the row ``[C, 0.1]`` arrives as ``(C, 0.1)`` or as ``(c1, c2, 0.1)``, depending on the framework.
    """

    def __init__(
        self,
        c1: "int | None" = None,
        c2: "float | str | None" = None,
        e_lambda: "float | str" = 1e-4,
    ) -> None:
        super().__init__()
        given = f"SimAM(c1={c1!r}, c2={c2!r}, e_lambda={e_lambda!r})"
        if c2 is not None and type(c2) is not int:
            if e_lambda != 1e-4:
                raise ValueError(f"{given}: c2 is no channel count, and e_lambda is given too")
            e_lambda, c2 = c2, c1
        for channels in (c1, c2):
            if channels is not None and (type(channels) is not int or channels < 1):
                raise ValueError(f"{given}: {channels!r} is no channel count")
        if c1 is not None and c2 is not None and c1 != c2:
            raise ValueError(f"{given}: the channels stay the same, so c1 and c2 have to be equal")
        try:
            self.e_lambda = float(e_lambda)
        except (TypeError, ValueError):
            self.e_lambda = float("nan")
        if not 0 < self.e_lambda < 1:  # no bool is
            raise ValueError(f"{given}: e_lambda has to be a number between 0 and 1")

    def extra_repr(self) -> str:
        """What ``print`` shows between the brackets."""
        return f"e_lambda={self.e_lambda}"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """``x``, re-weighted."""
        if not torch.jit.is_scripting():
            return _simam_eager(x, self.e_lambda)
        return _simam_plain(x, self.e_lambda)


def _simam_plain(x: torch.Tensor, e_lambda: float) -> torch.Tensor:
    """The plain formula, for whatever reads, fuses or differentiates the operations itself."""
    _, _, height, width = x.shape
    size = height * width
    n = size - 1 + 2 // (size + 1)  # max(size - 1, 1): no 0 / 0 for one value, and no branch for tracers
    values = x.to(torch.promote_types(x.dtype, torch.float32))  # squares soon overflow half precision
    d = (values - values.mean(dim=[2, 3], keepdim=True)).pow(2)
    y = d / (4 * (d.sum(dim=[2, 3], keepdim=True) / n + e_lambda)) + 0.5
    return (values * torch.sigmoid(y)).to(x.dtype)


class _SimAMFunction(torch.autograd.Function):
    """The same by layer normalisation, keeping only ``x`` for the backward pass."""

    e_lambda: float

    @staticmethod
    def forward(ctx: "_SimAMFunction", x: torch.Tensor, e_lambda: float) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.e_lambda = e_lambda
        return _simam_fast(x, e_lambda, None)

    @staticmethod
    def backward(ctx: "_SimAMFunction", grad: torch.Tensor) -> "tuple[torch.Tensor, None]":
        (x,) = ctx.saved_tensors
        if not torch.is_grad_enabled() and not _simam_watched(grad):
            return _simam_fast(x, ctx.e_lambda, grad.contiguous()), None
        with torch.enable_grad():  # the gradient may be differentiated in turn, statistics included
            out = _simam_plain(x, ctx.e_lambda)
        return torch.autograd.grad(out, x, grad, create_graph=True)[0], None


def _simam_fast(x: torch.Tensor, e_lambda: float, grad: "torch.Tensor | None") -> torch.Tensor:
    """The output for ``x``; or, given the output's ``grad``, the gradient for ``x``.

    z = (x - mean) / sqrt(2 * (sum(d) / n + e_lambda)) is a layer normalisation over H and W with a constant
    weight; then y = (z**2 + 1) / 2 and dy/dz = z. A CPU works on as many maps at a time as its cache holds,
    but in no more than eight steps, since threads wait for each other after every operation.
    """
    _, _, height, width = x.shape
    size = height * width
    n = size - 1
    wide = torch.promote_types(x.dtype, torch.float32)
    # bfloat16 cannot overflow, and the kernels of CPUs take it together with a weight in float32
    dtype = x.dtype if x.dtype == torch.bfloat16 and not x.is_cuda else wide
    half = torch.full((), 0.5, dtype=dtype, device=x.device)
    weight = torch.full((size,), (n / (2 * size)) ** 0.5, dtype=wide, device=x.device)
    count = x.numel() // size
    step = count if x.is_cuda else max(2**18 * torch.get_num_threads() // size, -(-count // 8))
    out = torch.empty_like(x)
    parts = [torch.split(t.view(-1, size), step) for t in (x, x if grad is None else grad, out)]
    for x_part, grad_part, out_part in zip(*parts):  # noqa: B905 (pasted into checkouts of older Pythons)
        values, g = x_part.to(dtype), grad_part.to(dtype)
        z, mean, rstd = torch.native_layer_norm(values, [size], weight, None, e_lambda * n / size)
        s = torch.addcmul(half, z, z, value=0.5).sigmoid_()
        if grad is None:
            torch.mul(s, values, out=out_part)
        else:
            dz = torch.ops.aten.sigmoid_backward(g * values, s).mul_(z)
            rest = mean, rstd, weight, None, [True, False, False]
            dx = torch.ops.aten.native_layer_norm_backward(dz, values, [size], *rest)[0]
            torch.addcmul(dx, g, s, out=out_part)
    return out


def _simam_eager(x: torch.Tensor, e_lambda: float) -> torch.Tensor:
    """The faster form, except where it is traced, on few values (precision) or other layouts (speed)."""
    fits = not _simam_watched(x) and x.device.type in ("cpu", "cuda") and x.is_contiguous()
    if not fits or x.shape[2:].numel() < 16:
        return _simam_plain(x, e_lambda)
    out: torch.Tensor = _SimAMFunction.apply(x, e_lambda)
    return out


def _simam_watched(x: torch.Tensor) -> bool:
    """Whether a tracer, a compiler, forward-mode differentiation or the like must see plain steps."""
    if _simam_compiling() or _simam_tracing() or _simam_transforming() or type(x) is not torch.Tensor:
        return True
    dual = torch.autograd.forward_ad.unpack_dual(x)
    return _simam_batched(x) or dual[1] is not None


# bool() is False: the answer for a torch too old to have the function.
_simam_compiling = getattr(getattr(torch, "compiler", None), "is_compiling", bool)
_simam_tracing = torch._C._get_tracing_state
_simam_transforming = getattr(torch._C, "_are_functorch_transforms_active", bool)
_simam_batched = getattr(getattr(torch._C, "_functorch", None), "is_legacy_batchedtensor", lambda x: False)
