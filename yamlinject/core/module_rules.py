"""The rules that :mod:`yamlinject.core.modules` names: channels and stride by a row's args."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

#: The output channels, from a row's args and its input channels; None, or an error of :data:`UNTOLD`, where
#: they do not tell.
Channels = Callable[[list[Any], list[Any]], Any]

#: The input's size divided by the output's, from a row's args; None or an error of :data:`UNTOLD` as above.
Stride = Callable[[list[Any]], Any]

#: What the rules raise when args are not what they expect.
UNTOLD = (IndexError, TypeError, ValueError, ArithmeticError)

#: The smallest integer that is read as a channel count in the args of an unknown module: smaller ones are
#: kernel sizes, numbers of heads, sizes of windows.
_FEWEST_CHANNELS = 16

#: More than any stride or channel count.
MOST = 10**9


def is_count(value: Any) -> bool:
    """Whether a value can be a number of channels."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST


def could_be_channels(value: Any) -> bool:
    """Whether a value in the args of any module is more likely a channel count than a kernel size."""
    return is_count(value) and bool(value >= _FEWEST_CHANNELS)


def _common(inputs: list[Any]) -> Any:
    return inputs[0] if len(set(inputs)) == 1 else None


def common(args: list[Any], inputs: list[Any]) -> Any:
    """The channels that all inputs have."""
    return _common(inputs)


def declared(args: list[Any], inputs: list[Any]) -> Any:
    """The first argument, or else the channels that all inputs have."""
    return args[0] if args and is_count(args[0]) else _common(inputs)


def only_declared(args: list[Any], inputs: list[Any]) -> Any:
    """The first argument, and nothing else."""
    return args[0] if is_count(args[0]) else None


def second(args: list[Any], inputs: list[Any]) -> Any:
    """The second argument, for modules that declare an inner width first."""
    return args[1]


def resnet(args: list[Any], inputs: list[Any]) -> Any:
    """``ResNetLayer``: four times what its row says, except for the first one."""
    return args[1] if args[3] else 4 * args[1]


def guessed(args: list[Any], inputs: list[Any]) -> Any:
    """The guess for an unknown module."""
    return args[0] if args and could_be_channels(args[0]) else _common(inputs)


def total(args: list[Any], inputs: list[Any]) -> Any:
    """The sum over all inputs."""
    return sum(inputs)


def first(args: list[Any], inputs: list[Any]) -> Any:
    """Those of the first input."""
    return inputs[0]


def last(args: list[Any], inputs: list[Any]) -> Any:
    """Those of the last input."""
    return inputs[-1]


def untold(args: list[Any], inputs: list[Any]) -> Any:
    """No channels, or none that the row tells."""
    return None


def times(factor: Callable[[list[Any]], Any]) -> Channels:
    """The channels of the input times what the args say."""
    return lambda args, inputs: inputs[0] * factor(args)


def argument(position: int, default: float) -> Stride:
    """The stride given in the args."""
    return lambda args: args[position] if position < len(args) else default


def by(factor: float) -> Stride:
    """A stride that is the same for all rows."""
    return lambda args: factor


def up(rule: Stride) -> Stride:
    """The stride of a module that enlarges its input by ``rule``."""
    return lambda args: 1 / rule(args)


def scale(args: list[Any]) -> Any:
    """The scale in a row ``[channels, scale]``, 2 by default; others' classes have a kernel size there."""
    return args[1] if args[1:] and args[1] in (2, 4) else 2


def unknown(args: list[Any]) -> Any:
    """Any stride, or none."""
    return None


def assumed(args: list[Any]) -> Any:
    """The guess for an unknown module: most keep the size."""
    return 1


def pooled(args: list[Any]) -> Any:
    """The kernel size of a pooling, unless the second argument gives its stride."""
    return args[1] if len(args) > 1 else args[0]


SAME = by(1)

#: The factor of modules that move pixels into channels or back.
SCALE = argument(0, 2)

#: The stride of a convolution's row ``[channels, kernel, stride]``.
THIRD = argument(2, 1)

#: The same, for names that leave open whether the convolution is transposed.
THIRD_OR_UP = argument(2, 1)
