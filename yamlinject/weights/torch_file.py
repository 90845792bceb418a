"""Reading what ``torch.save`` wrote as data: no class or function in it is looked up, imported or called.

The file holds a pickle, and the storages of its tensors. A pickle is a program for a stack machine; the
machine here knows only the opcodes that ``torch.save`` writes. A class or function is only ever a name to
it, and its results are plain values, tensors, and :class:`Inert` objects.

``torch.load(weights_only=True)`` will not do: it makes tensors in far more ways than checkpoints need, and
its list of classes belongs to the whole process, where any library and any thread may add to it.
"""

from __future__ import annotations

import math
import pickletools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from yamlinject.errors import SourceError
from yamlinject.weights.torch_archive import Archive, foreign

#: The largest pickle that is read, in bytes: ten times that of a yolo12x with its optimizer. One of nothing
#: but small values takes up to 150 times as much memory, and some seconds.
_MAX_BYTES = 4 * 2**20

#: Arbitrary large numbers can be chosen so that a dict of them takes hours.
_MAX_KEY = 2**20

_MAX_DIMENSIONS = 64
_MAX_SIZE = 2**63 - 1

_STORAGES = {
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.DoubleStorage": torch.float64,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}

#: Calls of these make a value; those of all other names make an :class:`Inert`.
_MAKERS = frozenset(
    """
    builtins.set collections.OrderedDict torch.Size torch.nn.parameter.Parameter
    torch._utils._rebuild_parameter torch._utils._rebuild_tensor torch._utils._rebuild_tensor_v2
    """.split()
)

_DTYPES = {f"torch.{name}" for name, value in list(vars(torch).items()) if isinstance(value, torch.dtype)}

#: Names that any checkpoint may hold.
_KNOWN = _MAKERS | _STORAGES.keys() | _DTYPES | {"torch.device", "_codecs.encode"}

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class Inert:
    """Represents an object whose class is only a name here; its attributes are in ``__dict__``."""


@dataclass(frozen=True, slots=True)
class _Name:
    """Represents a class or function itself."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    """The memory of some tensors, as one flat tensor."""

    values: Tensor


def read(file: Path, classes: re.Pattern[str]) -> object:
    """What ``torch.save`` wrote to ``file``; objects of ``classes``, by their full names, are inert.

    Mappings become plain dicts, and parameters plain tensors, all on the CPU. Raises :class:`OSError`,
    :class:`SourceError` for other names than ``classes``, and any exception for what torch did not write.
    """
    with open(file, "rb") as stream:
        archive = Archive(stream)
        program = archive.read("data.pkl")
        if len(program) > _MAX_BYTES:
            raise foreign(f"its pickle is larger than {_MAX_BYTES // 2**20} MiB")
        _check_names(program, classes)
        return _Machine(archive, program).run()


def _full_name(argument: str) -> str:
    """A name in the pickle as Python 3 spells it."""
    return argument.replace(" ", ".", 1).replace("__builtin__.", "builtins.", 1)


def _check_names(program: bytearray, classes: re.Pattern[str]) -> None:
    """Refuse a pickle with unknown names, before anything is made."""
    steps = pickletools.genops(program)
    names = {_full_name(str(argument)) for step, argument, _ in steps if step.name == "GLOBAL"}
    unknown = [name for name in names - _KNOWN if not classes.fullmatch(name)]
    if unknown:
        wanted = ", ".join(name if name.isprintable() else ascii(name) for name in sorted(unknown))
        raise SourceError(
            f"wants {wanted}, which no framework's checkpoint needs: reading it could run any code; use "
            "`trust` if you know where it comes from"
        )


class _Machine:
    """Runs a pickle, in time and memory that depend only on its size."""

    def __init__(self, archive: Archive, program: bytearray) -> None:
        self._archive = archive
        self._program = program
        self._storages: dict[str, _Storage] = {}
        self._room = len(program)  # for what goes into sets, as one list may go into many

    def run(self) -> object:
        stack: list[Any] = []
        below: list[list[Any]] = []  # what the stack holds below each mark
        memo: dict[Any, Any] = {}
        for step, argument, _ in pickletools.genops(self._program):
            match step.name:
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINFLOAT" | "BINUNICODE":
                    stack.append(argument)
                case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                    stack.append(_CONSTANTS[step.name])
                case "EMPTY_LIST":
                    stack.append([])
                case "EMPTY_DICT":
                    stack.append({})
                case "MARK":
                    below.append(stack)
                    stack = []
                case "TUPLE":
                    items, stack = stack, below.pop()
                    stack.append(tuple(items))
                case "TUPLE1":
                    stack[-1] = (stack[-1],)
                case "TUPLE2":
                    stack[-2:] = [(stack[-2], stack[-1])]
                case "TUPLE3":
                    stack[-3:] = [(stack[-3], stack[-2], stack[-1])]
                case "APPEND":
                    _plain(stack[-2], list).append(stack.pop())
                case "APPENDS":
                    items, stack = stack, below.pop()
                    _plain(stack[-1], list).extend(items)
                case "SETITEM":
                    value, key = stack.pop(), stack.pop()
                    _plain(stack[-1], dict)[_key(key)] = value
                case "SETITEMS":
                    items, stack = stack, below.pop()
                    pairs = zip(map(_key, items[::2]), items[1::2], strict=True)
                    _plain(stack[-1], dict).update(pairs)
                case "GLOBAL":
                    stack.append(_Name(_full_name(str(argument))))
                case "REDUCE" | "NEWOBJ":
                    stack[-2:] = [self._made(stack[-2], stack[-1])]
                case "BUILD":
                    _set_state(stack[-2], stack.pop())
                case "BINPERSID":
                    stack[-1] = self._storage(stack[-1])
                case "PROTO" if argument == 2:
                    pass
                case "STOP":
                    break
                case name:
                    raise foreign(f"its pickle is not of the form that torch.save writes ({name})")
        return stack.pop()

    def _made(self, called: object, given: object) -> object:
        """What represents the result of a call."""
        match called, given:
            case _Name("collections.OrderedDict"), ():
                return {}
            case _Name("builtins.set"), (list(items),):
                self._room -= len(items)
                if self._room < 0:
                    raise foreign("it has one list in many sets")
                return set(map(_key, items))
            case _Name("torch.Size"), (tuple(size),):
                return size
            case (
                _Name("torch._utils._rebuild_tensor_v2"),
                (_Storage(values), offset, tuple(size), tuple(stride), bool(), dict()),
            ) | (
                _Name("torch._utils._rebuild_tensor"),
                (_Storage(values), offset, tuple(size), tuple(stride)),
            ):
                return _tensor(values, offset, size, stride)
            case _Name("torch._utils._rebuild_parameter" | "torch.nn.parameter.Parameter"), (Tensor(), *_):
                return given[0]
            case _Name(name), tuple() if name not in _MAKERS:
                return Inert()
        raise foreign("a call in its pickle is none that torch.save writes")

    def _storage(self, identity: object) -> _Storage:
        """The storage outside the pickle that ``identity`` refers to; read once."""
        match identity:
            case "storage", _Name(kind), str(key), str(), int(count) if kind in _STORAGES:
                dtype = _STORAGES[kind]
            case _:
                raise foreign("it refers to something that is no storage")
        if key not in self._storages:
            content = self._archive.read(f"data/{key}")
            flat = torch.frombuffer(content, dtype=dtype) if content else torch.empty(0, dtype=dtype)
            self._storages[key] = _Storage(flat)
        found = self._storages[key]
        if type(count) is bool or (found.values.dtype, found.values.numel()) != (dtype, count):
            raise foreign("a storage is not of the size or type that its pickle says")
        return found


def _plain(value: Any, kind: type) -> Any:
    """``value``, which must be exactly of that type: others may react to being changed."""
    if type(value) is not kind:
        raise foreign(f"its pickle takes something for a {kind.__name__} that is none")
    return value


def _key(value: Any) -> Any:
    """``value``, which must be usable as a key: hashing nested tuples can take forever."""
    if type(value) is str or (type(value) is int and 0 <= value < _MAX_KEY):
        return value
    raise foreign("a key in it is neither text nor a small number")


def _set_state(target: object, state: object) -> None:
    match target, state:
        case Inert(), dict():
            target.__dict__ = state  # not copied, as many objects may share it
        case (Inert(), _) | (dict(), dict()):  # what a dict has besides its items, such as ``_metadata``
            pass
        case _:
            raise foreign("its pickle sets attributes where there are none")


def _tensor(values: Tensor, offset: Any, size: tuple[Any, ...], stride: tuple[Any, ...]) -> Tensor:
    """The part of a storage that a tensor is."""
    if not len(size) == len(stride) <= _MAX_DIMENSIONS:
        raise foreign("a tensor's dimensions are wrong")
    if any(type(number) is not int or not 0 <= number <= _MAX_SIZE for number in (offset, *size, *stride)):
        raise foreign("a tensor's size is no size")
    end = offset
    if 0 not in size:
        end += 1 + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    # without overlaps nothing repeats: one value could expand to a tensor larger than any memory
    if max(end, math.prod(size)) > values.numel():
        raise foreign("a tensor reaches beyond its storage")
    return values.as_strided(size, stride, offset)
