"""What is measured of single modules: SimAM's lambda, and whether a module has any effect."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from yamlinject.nn import (
    BRA,
    CBAM,
    ECA,
    EMA,
    GAM,
    SE,
    SK,
    CoordAtt,
    ShuffleAttention,
    SimAM,
    TripletAttention,
)
from yamlinject.verification.measure import effective_lambda, is_effective, latency

pytestmark = pytest.mark.framework


class Formula(nn.Module):
    """SimAM as written in its paper, with another name for lambda; in float32 when asked to."""

    def __init__(self, value: float, *, single: bool = False) -> None:
        super().__init__()
        self.regulariser, self.single = value, single

    def forward(self, given: Tensor) -> Tensor:
        x = given.float() if self.single else given
        n = x.shape[2] * x.shape[3] - 1
        d = (x - x.mean(dim=(2, 3), keepdim=True)) ** 2
        y = d / (4 * (d.sum(dim=(2, 3), keepdim=True) / n + self.regulariser)) + 0.5
        return x * torch.sigmoid(y)


class Function(nn.Module):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def forward(self, x: Tensor) -> Tensor:
        results: dict[str, Tensor] = {
            "identity": x,
            "constant": x * 0.6,
            "residual": x + Formula(1e-4)(x),
            "nan": x * float("nan"),
            "square": x * x,
        }
        return results[self.what]


@pytest.mark.parametrize("value", [1e-6, 1e-4, 0.1, 1.0, 64.0, 512.0])
def test_lambda_whatever_it_is_called(value: float) -> None:
    assert effective_lambda(Formula(value), 16) == pytest.approx(value, rel=5e-3)


@pytest.mark.parametrize("value", [1e-4, 0.1, 64.0, 512.0])
def test_lambda_of_a_class_that_computes_in_single_precision(value: float) -> None:
    assert effective_lambda(Formula(value, single=True), 64) == pytest.approx(value, rel=0.05)


def test_lambda_of_ours() -> None:
    assert effective_lambda(SimAM(16), 16) == 1e-4
    assert effective_lambda(SimAM(16, 0.1), 16) == 0.1


@pytest.mark.parametrize("what", ["identity", "constant", "residual", "nan", "square"])
def test_no_lambda_explains_something_else(what: str) -> None:
    assert effective_lambda(Function(what), 16) is None


class Taking(nn.Module):
    """Passes its input on, and moves a clock on by so many seconds."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, x: Tensor) -> Tensor:
        self.clock[0] += self.seconds
        return x


def test_the_time_of_each_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """In milliseconds, in the passes of the whole model; no hook stays."""
    clock = [0.0]
    monkeypatch.setattr("yamlinject.verification.measure.time.perf_counter", lambda: clock[0])
    model, base = (nn.Sequential(*(Taking(clock, one) for one in times)) for times in ([2, 8, 1], [4, 16]))
    found = latency(model, base, torch.zeros(1), (list(model), list(base)))
    assert (found.config_layers, found.base_layers) == ([2000, 8000, 1000], [4000, 16000])
    assert (found.config, found.base) == (11000, 20000)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in (*model, *base))
    alone = latency(model, base, torch.zeros(1))
    assert (alone.config_layers, alone.base_layers) == ([], [])


@pytest.mark.parametrize("what", ["identity", "constant"])
def test_equal_weights_have_no_effect(what: str) -> None:
    assert not is_effective(Function(what), 16)


@pytest.mark.parametrize(
    "module", [SimAM, SE, ECA, EMA, CBAM, CoordAtt, TripletAttention, ShuffleAttention, SK, GAM, BRA]
)
def test_our_modules_have_an_effect_before_they_are_trained(module: type[nn.Module]) -> None:
    torch.manual_seed(0)
    assert is_effective(module(16), 16)


def test_the_gate_of_lambda_512_is_constant() -> None:
    """0.6226 everywhere: the attention is off."""
    assert not is_effective(Formula(512.0), 16)
