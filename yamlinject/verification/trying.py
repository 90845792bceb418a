"""What the tests of a module that is tried out have in common: how they fail, and what they look at."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from yamlinject.verification.subject import explained

#: Batch, height and width.
SIZES = ((2, 20, 20), (1, 20, 20), (1, 13, 7), (1, 6, 11), (2, 1, 1), (1, 1, 1))


class Failed(Exception):
    """What is wrong, in words."""


class LeftOut(Exception):
    """Why it is not tested here."""


@contextlib.contextmanager
def at(where: str) -> Iterator[None]:
    """Say with which input something failed."""
    try:
        yield
    except (LeftOut, Failed):
        raise
    except (Exception, SystemExit) as error:
        raise Failed(f"{where}: {explained(error)}") from None


def shape_text(shape: Sequence[int]) -> str:
    """A shape as ``1x64x20x20``."""
    return "x".join(map(str, shape))


def one_map(output: Any) -> Tensor:
    """The output of a layer, which has to be one tensor."""
    if not isinstance(output, Tensor):
        raise Failed(f"it gives a {type(output).__name__}, not one map")
    return output


def loss(y: Tensor) -> Tensor:
    """A mean in which each value counts differently; a plain sum is constant behind a norm."""
    weights = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return (y.float() * weights).mean()


def check_finite(values: Mapping[str, Tensor | None], where: str) -> None:
    """Raise :class:`Failed` if one of the values, which are named in words, is not finite."""
    for what, value in values.items():
        if value is not None and not value.isfinite().all():
            raise Failed(f"{where}, its {what} is not finite")


def parameter_name(parameter: str) -> str:
    """The name as the class itself has it."""
    return parameter.removeprefix("fusion.")
