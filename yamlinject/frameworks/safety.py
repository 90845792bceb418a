"""What building a config would run: nothing but layers of the framework and of torch.nn.

YOLOv5's ``parse_model`` (``models/yolo.py``) passes module names, args that are text and ``activation`` to
``eval``. Ultralytics' (``ultralytics/nn/tasks.py``) calls whatever its module holds under a row's name,
``torch_load`` included, and passes ``activation`` to ``eval``. So a config can be a program.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

from yamlinject.errors import RefusalError, named

if TYPE_CHECKING:
    from yamlinject.config import Config

#: What configs of the frameworks refer to by name in their args, and what of it they define themselves.
_KNOWN = {"nc", "anchors", "na", "no", "kpt_shape"}
_SAID = ("nc", "anchors", "kpt_shape")

#: Those that are numbers, as in ``na * (nc + 5)``.
_NUMBERS = {"nc", "na", "no"}

#: The longest text that is looked at; real ones have less than 40 characters.
_MOST_CHARACTERS = 200

#: Text that cannot be a path, such as ``nearest`` or ``resnet18``.
_WORD = re.compile(rf"[\w-]{{0,{_MOST_CHARACTERS}}}")

#: Parameters by which a class is a whole model, or the loader of one, and reads other files.
_READS_FILES = {"cfg", "weights"}

_ACTIVATION = re.compile(r"^[\"']?activation\b", re.MULTILINE)

_TRUST = "could run any code when it is built: use `trust` if you know where the file comes from"


def separate(value: Any) -> Any:
    """A copy in which no value is shared between two places, as YAML's aliases allow.

    ``parse_model`` replaces text by what it evaluates to, and would evaluate a shared value again.
    """
    if isinstance(value, dict):
        return {key: separate(one) for key, one in value.items()}
    return [separate(one) for one in value] if isinstance(value, list) else deepcopy(value)


def check(config: Config, builder: FunctionType, namespace: Mapping[str, object]) -> None:
    """Raise :class:`RefusalError` if building ``config`` could run anything but layers.

    ``builder`` is the framework's ``parse_model``, which should get the config's values :func:`separate`,
    and ``namespace`` that of its module. Modules must be classes of layers in it, or ``nn.X`` and
    ``torchvision.ops.X``. Text in args must be a literal, a word that names nothing, a name such as
    ``nc`` or ``nn.SiLU``, or a call such as ``nn.LeakyReLU(0.1)``; ``activation`` must be such a call.
    """
    code = builder.__code__
    namespace = {**namespace, **dict.fromkeys((*code.co_varnames, *code.co_cellvars))}  # its own come first
    with named(config.label):
        for key in _SAID:
            if not _is_plain(config.document.data.get(key)):
                raise RefusalError(f"{key} holds other things than numbers: it {_TRUST}")
        activation = config.document.data.get("activation")
        if activation and not (isinstance(activation, str) and _is_torch_call(_parsed(activation))):
            found = _ACTIVATION.search(config.text)
            place = config.document.lines.place(found.start()) if found else None
            raise RefusalError(
                f"activation {activation!r} is no torch.nn class with numbers: it {_TRUST}", place
            )
        for layer in config.layers:
            if not _is_layer_name(layer.module, namespace):
                raise RefusalError(
                    f"{layer}: that is no layer: it {_TRUST}", config.document.place(layer.index)
                )
            for text in _texts(layer.args):
                if not _is_harmless(text, namespace):
                    place = config.document.place(layer.index)
                    raise RefusalError(f"{layer}: its arg {text!r} is no plain value: it {_TRUST}", place)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for pair in value.items():
            for one in pair:
                yield from _texts(one)
    elif isinstance(value, (list, tuple, set)):
        for one in value:
            yield from _texts(one)


def _parsed(text: str) -> ast.expr | None:
    """``text`` as ``eval`` would parse it, or None where that fails."""
    if len(text) > _MOST_CHARACTERS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in it
            return ast.parse(text.strip(" \t"), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None


def _is_layer_name(module: str, namespace: Mapping[str, object]) -> bool:
    """Whether ``module`` names a layer, or nothing, which the framework itself reports."""
    expression = _parsed(module)
    if isinstance(expression, ast.Name):  # whose letters Python normalizes, as Ultralytics does not
        return all(_names_layer_or_nothing(name, namespace) for name in (module, expression.id))
    return _torch_class(expression) is not None


def _names_layer_or_nothing(name: str, namespace: Mapping[str, object]) -> bool:
    if name in namespace:
        return _is_layer(namespace[name])
    return not hasattr(builtins, name)


def _is_plain(value: Any) -> bool:
    """Whether ``value`` is a number, a list of such values, or None."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (int, float))


def _is_layer(value: object) -> bool:
    """Whether ``value`` is a class of layers: not a function, and not a class that reads model files."""
    from torch import nn

    if not isinstance(value, type) or not issubclass(value, nn.Module):
        return False
    if value.__name__ == "TorchVision":  # whose weights are names in torchvision's own table
        return True
    makers = [vars(one)["__init__"] for one in value.__mro__ if "__init__" in vars(one)]
    return not any(
        _READS_FILES & set(inspect.signature(maker).parameters)
        for maker in makers
        if inspect.isfunction(maker)
    )


def _torch_class(expression: ast.expr | None) -> type | None:
    """The class of layers that ``nn.X``, ``torch.nn.X`` or ``torchvision.ops.X`` names."""
    match expression:
        case ast.Attribute(ast.Name("nn") | ast.Attribute(ast.Name("torch"), "nn"), name):
            package = import_module("torch.nn")
        case ast.Attribute(ast.Attribute(ast.Name("torchvision"), "ops"), name):
            package = import_module("torchvision.ops")
        case _:
            return None
    found = getattr(package, name, None)
    return found if isinstance(found, type) and _is_layer(found) else None


def _is_torch_call(expression: ast.expr | None) -> bool:
    """Whether it is ``nn.X(…)`` with literals, such as ``nn.LeakyReLU(0.1)``."""
    if not isinstance(expression, ast.Call) or _torch_class(expression.func) is None:
        return False
    values = [*expression.args, *(keyword.value for keyword in expression.keywords)]
    return all(keyword.arg for keyword in expression.keywords) and all(map(_is_literal, values))


def _is_literal(expression: ast.expr) -> bool:
    match expression:
        case ast.Constant(str() as text):
            return _WORD.fullmatch(text) is not None
        case ast.Constant(int() | float() | None):
            return True
        case ast.UnaryOp(ast.USub() | ast.UAdd(), ast.Constant(int() | float())):
            return True
        case ast.List(values) | ast.Tuple(values) | ast.Set(values):
            return all(map(_is_literal, values))
    return False


def _is_number(expression: ast.expr) -> bool:
    """Whether it is simple arithmetic: ``na * (nc + 5)``."""
    match expression:
        case ast.Constant(int() | float()):
            return True
        case ast.Name(name):
            return name in _NUMBERS
        case ast.UnaryOp(ast.USub() | ast.UAdd(), operand):
            return _is_number(operand)
        case ast.BinOp(left, ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.FloorDiv(), right):
            return _is_number(left) and _is_number(right)
    return False


def _is_harmless(text: str, namespace: Mapping[str, object]) -> bool:
    """Whether evaluating ``text`` gives a plain value or a layer, or fails so that it stays a word."""
    expression = _parsed(text)
    if expression is None:
        return _WORD.fullmatch(text) is not None
    if isinstance(expression, ast.Name):
        return expression.id in _KNOWN or _names_layer_or_nothing(expression.id, namespace)
    return (
        _is_literal(expression)
        or _is_number(expression)
        or _is_torch_call(expression)
        or _torch_class(expression) is not None
    )
