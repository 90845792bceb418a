"""Module files: the classes of a Python file of the user's own, and how their rows are written.

A file is parsed and never run, so a row is what a constructor tells by the names of its parameters.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from yamlinject.errors import Place, SourceError, named
from yamlinject.files import read_bytes

#: What public classes call the channels of their input.
_INPUT = frozenset(
    "c c1 c_in cin ch ch_in channel channels d_model dim embed_dim features filters gate_channel "
    "gate_channels in_c in_ch in_channel in_channels in_dim in_features in_planes inc inp inplane inplanes "
    "input_channel input_channels n_channels num_channels num_features plane planes".split()
)

#: What they call those of their output.
_OUTPUT = frozenset(
    "c2 c_out ch_out cout oup ouc out_c out_ch out_channel out_channels out_dim out_features out_planes "
    "outc outp outplanes output_channel output_channels".split()
)


class ModuleClass(NamedTuple):
    """A class of layers in a module file; ``imported_as``: the name of that file for ``import``.

    ``channels``: how many of the first arguments of its constructor are channels: those of its input, and
    those of its output, which are the same number. ``told``: what each parameter gets and why, in words;
    ``untold``: parameters that need a value which nothing tells. ``repeats``: whether the third argument is
    how often to repeat its inner block, as in YOLO's own blocks, which they call ``n``.
    ``parameters``: their names in order, of which the first ``required`` have no default.
    """

    name: str
    file: Path
    place: Place
    channels: int
    told: tuple[str, ...]
    untold: tuple[str, ...]
    repeats: bool = False
    imported_as: str = ""
    parameters: tuple[str, ...] = ()
    required: int = 0

    @property
    def takes_more(self) -> bool:
        """Whether its constructor takes more than the channels of input and output, as YOLO's blocks do."""
        return self.channels == 2 and len(self.told) + len(self.untold) > self.channels + self.repeats

    @property
    def folder(self) -> Path:
        """What has to be on Python's path for that import."""
        return self.file.parents[self.imported_as.count(".")]


def means_channels(parameter: str) -> bool:
    """Whether public classes call a number of channels by the name of ``parameter``."""
    return parameter in _INPUT or parameter in _OUTPUT


def read(file: Path, imported_as: str = "") -> dict[str, ModuleClass]:
    """The classes of layers in ``file``, by their names.

    Those are the classes with a ``forward``, or derived from a ``Module``, themselves or by classes of the
    same file. ``imported_as``: what the file is called for ``import``, if that is not its own name.
    Raises :class:`SourceError` for a file that is no Python, and for one without such a class.
    """
    with named(str(file)):
        if file.suffix != ".py" or not file.stem.isidentifier():
            raise SourceError("a module file is imported by its name: give one such as blocks.py")
        layers = described(_tree(file), file)
        if not layers:
            raise SourceError("it has no class of layers, such as class MyGate(nn.Module)")
    return {name: each._replace(imported_as=imported_as or file.stem) for name, each in layers.items()}


def described(tree: ast.Module, file: Path) -> dict[str, ModuleClass]:
    """The classes of layers in ``tree``, that of ``file``, by their names."""
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    layers = {name: node for name, node in classes.items() if _is_layer(node, classes)}
    return {name: _described(node, classes, file) for name, node in layers.items()}


def _tree(file: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about odd escapes
            return ast.parse(read_bytes(file))
    except SyntaxError as error:
        place = Place(error.lineno, error.offset or 1) if error.lineno else None
        raise SourceError(f"not a Python file: {error.msg}", place) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"not a Python file: {error}") from None


def _ancestry(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[ast.ClassDef]:
    """A class and the classes of the same file that it is derived from, the nearest first."""
    pending, seen = [node], set()
    while pending:
        one = pending.pop(0)
        if one.name not in seen:
            seen.add(one.name)
            yield one
            pending += [classes[name] for name in map(ast.unparse, one.bases) if name in classes]


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    return next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == name), None)


def _is_layer(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> bool:
    ancestry = list(_ancestry(node, classes))
    bases = [ast.unparse(base) for one in ancestry for base in one.bases]
    return any(base.endswith("Module") for base in bases) or any(
        _method(one, "forward") for one in ancestry
    )


def _described(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef], file: Path) -> ModuleClass:
    place = Place(node.lineno, node.col_offset + 1)
    for one in _ancestry(node, classes):
        maker = _method(one, "__init__")
        if maker:
            names = [parameter.arg for parameter in (*maker.args.posonlyargs, *maker.args.args)][1:]
            return ModuleClass(
                node.name,
                file,
                place,
                *_arguments(maker.args),
                repeats=names[2:3] == ["n"],
                parameters=tuple(names),
                required=len(names) - len(maker.args.defaults),
            )
        for base in map(ast.unparse, one.bases):
            if base not in classes and not base.endswith("Module"):
                return ModuleClass(node.name, file, place, 0, (), (f"those of {base}",))
    return ModuleClass(node.name, file, place, 0, (), ())


def _arguments(arguments: ast.arguments) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """How many channels a constructor begins with, what its parameters get, and which need a value."""
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)][1:]
    backwards = zip_longest(reversed(names), reversed(arguments.defaults))
    pairs = [(name, default) for name, default in backwards if name is not None][::-1]
    channels, told, untold = 0, [], []
    for position, (name, default) in enumerate(pairs):
        if position == 0 and (name in _INPUT or default is None):
            channels = 1
            told.append(f"{name}: the channels, {'by its name' if name in _INPUT else 'as the first'}")
        elif position == channels == 1 and name in _OUTPUT:
            channels = 2
            told.append(f"{name}: the same channels, by its name")
        elif default is not None:
            told.append(f"{name}: {ast.unparse(default)}, its default")
        else:
            untold.append(name)
    if arguments.vararg and not names:
        untold.append(f"*{arguments.vararg.arg}")
    for keyword, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if default is None:
            untold.append(keyword.arg)
    return channels, tuple(told), tuple(untold)
