"""What can be measured on a built model: its outputs, its operations, its time, and SimAM's lambda."""

from __future__ import annotations

import contextlib
import statistics
import time
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from yamlinject.errors import importing

#: Pairs of forward passes; all but the first, which warms up, are timed.
_ROUNDS = 21
_PROBE_SIZE = 16


@contextlib.contextmanager
def recorded_inputs(modules: Sequence[nn.Module]) -> Iterator[dict[nn.Module, Tensor]]:
    """The input of each of ``modules`` in the forward passes of the block."""
    inputs: dict[nn.Module, Tensor] = {}
    hooks = [
        module.register_forward_pre_hook(lambda module, args: inputs.update({module: args[0]}))
        for module in modules
    ]
    try:
        yield inputs
    finally:
        for hook in hooks:
            hook.remove()


def stacked(layer: nn.Module) -> list[nn.Module]:
    """The modules that one layer consists of: several if its number is above 1."""
    return list(layer) if isinstance(layer, nn.Sequential) else [layer]


def outputs(model: nn.Module, image: Tensor, *, train: bool = False) -> list[Tensor]:
    """All tensors that a model gives for ``image``; its statistics stay as they are."""
    ready = deepcopy(model).train() if train else model.eval()
    with torch.no_grad():
        return list(_tensors(ready(image)))


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, torch.Tensor):
        yield output
    elif isinstance(output, dict):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, (list, tuple)):
        for value in output:
            yield from _tensors(value)


def operations(model: nn.Module, image: Tensor) -> float:
    """The operations of a forward pass as the frameworks' own profiler counts them.

    Raises :class:`YamlInjectError` where that is not installed.
    """
    with importing("thop", "ultralytics-thop"):
        import thop
    multiply_adds, _ = thop.profile(deepcopy(model), inputs=(image,), verbose=False)
    return 2 * float(multiply_adds)


def parameters(module: nn.Module) -> int:
    """The number of values that training can change."""
    return sum(parameter.numel() for parameter in module.parameters())


def effective_lambda(module: nn.Module, channels: int) -> float | None:
    """Lambda, solved from ``x * sigmoid(d / (4 (v + lambda)) + 1/2)``, whatever a class calls it.

    None when no single value explains the output.
    """
    x, gate = _probe(module, channels)
    d = (x - x.mean(dim=(2, 3), keepdim=True)) ** 2
    v = d.sum(dim=(2, 3), keepdim=True) / (_PROBE_SIZE**2 - 1)
    solved = (d / (4 * (gate.logit() - 0.5)) - v)[(d > v) & (gate < 0.99)]
    if not solved.numel() or not solved.isfinite().all():
        return None
    low, value, high = solved.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=solved.dtype)).tolist()
    # for a class that computes in float32 the spread grows with its lambda
    return float(f"{value:.3g}") if high - low <= 0.1 * abs(value) else None


def is_effective(module: nn.Module, channels: int) -> bool:
    """Whether a module re-weights some values of a random input differently from others."""
    _, gate = _probe(module, channels)
    return constant_factor(gate) is None


def constant_factor(gate: Tensor) -> float | None:
    """What a module multiplies all values by, if that is the same for all of them."""
    return None if gate.std() > 1e-3 * gate.abs().mean() else gate.mean().item()


def _probe(module: nn.Module, channels: int) -> tuple[Tensor, Tensor]:
    """The :func:`probe_input`, and what a module multiplies it by."""
    x = probe_input(channels)
    with torch.no_grad():
        gate = deepcopy(module).eval().double()(x) / x
    return x, gate


def probe_input(channels: int) -> Tensor:
    """A random input, with a small spread so that lambda matters."""
    random = torch.Generator().manual_seed(0)
    spread = torch.randn(2, channels, _PROBE_SIZE, _PROBE_SIZE, dtype=torch.float64, generator=random)
    means = torch.randn(2, channels, 1, 1, dtype=torch.float64, generator=random)
    return 0.1 * spread + means


@dataclass(frozen=True)
class Latency:
    """The time of a forward pass of both models.

    ``config``, ``base``: medians in milliseconds. ``ratio``: the median of the ratios of each pair; ``low``
    and ``high``: their quartiles. ``pairs``: their number. ``device``: as torch calls it.
    ``config_layers``, ``base_layers``: the medians of each layer in the same passes, if it is asked for.
    """

    config: float
    base: float
    ratio: float
    low: float
    high: float
    pairs: int
    device: str
    config_layers: list[float]
    base_layers: list[float]


def latency(
    model: nn.Module,
    base: nn.Module,
    image: Tensor,
    layers: tuple[Sequence[nn.Module], Sequence[nn.Module]] = ((), ()),
) -> Latency:
    """The time of both models: a forward pass of each, alternately; and of the ``layers`` of both."""

    def milliseconds(one: nn.Module) -> float:
        start = time.perf_counter()
        one(image)
        return 1e3 * (time.perf_counter() - start)

    with torch.no_grad(), _timed(layers[0]) as my_layers, _timed(layers[1]) as its_layers:
        mine, its = zip(*((milliseconds(model), milliseconds(base)) for _ in range(_ROUNDS)), strict=True)
    ratios = [ours / theirs for ours, theirs in zip(mine[1:], its[1:], strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    return Latency(
        statistics.median(mine[1:]),
        statistics.median(its[1:]),
        ratio,
        low,
        high,
        len(ratios),
        str(image.device),
        [statistics.median(times[1:]) for times in my_layers],
        [statistics.median(times[1:]) for times in its_layers],
    )


@contextlib.contextmanager
def _timed(layers: Sequence[nn.Module]) -> Iterator[list[list[float]]]:
    """The milliseconds that each layer takes in each forward pass of the block."""
    times: list[list[float]] = [[] for _ in layers]
    started = [0.0] * len(layers)

    def start(number: int) -> None:
        started[number] = time.perf_counter()

    def stop(number: int) -> None:
        times[number].append(1e3 * (time.perf_counter() - started[number]))

    hooks = []
    for number, layer in enumerate(layers):
        hooks.append(layer.register_forward_pre_hook(lambda *_, number=number: start(number)))
        hooks.append(layer.register_forward_hook(lambda *_, number=number: stop(number)))
    try:
        yield times
    finally:
        for hook in hooks:
            hook.remove()


def become_identities(layers: nn.Sequential, indices: Sequence[int]) -> None:
    """Replace layers by identities that carry what a framework attached to them."""
    for index in indices:
        identity: Any = nn.Identity()
        for name in ("i", "f", "type", "np"):
            setattr(identity, name, getattr(layers[index], name))
        layers[index] = identity


def shapes(layer: nn.Module) -> dict[str, torch.Size]:
    """The shapes of a layer's tensors, by their names."""
    return {name: value.shape for name, value in layer.state_dict().items()}


def put_back(layers: nn.Sequential, base: nn.Sequential, places: Sequence[tuple[int, int]]) -> None:
    """Put layers of the base, at the second of ``places``, in the place of those at the first."""
    for new, old in places:
        here, module = layers[new], deepcopy(base[old])
        for name in ("f", "i"):  # what it reads and its index, which frameworks keep in the module
            setattr(module, name, getattr(here, name))
        layers[new] = module


def carry_weights(base: nn.Module, model: nn.Module, moved: Sequence[int]) -> bool:
    """Give ``model`` the weights of ``base``; False when they do not fit one to one."""
    state = {}
    for name, value in base.state_dict().items():
        prefix, index, rest = name.split(".", 2)
        state[f"{prefix}.{moved[int(index)]}.{rest}"] = value
    try:
        model.load_state_dict(state)
    except RuntimeError:
        return False
    return True
