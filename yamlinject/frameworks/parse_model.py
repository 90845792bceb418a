"""Making our modules known to a framework at run time, without touching its files.

Every YOLO framework builds its models in a function ``parse_model``: a loop over the rows that looks a
module up by its name and computes its arguments in one long chain of conditions. It gets

- the names of the modules in its namespace, except those that the framework defines itself,
- a first condition for them: their args become ``[c, c, *args[1:]]`` with ``c`` the real channels of
  the layer that they read. (In YOLOv5's registry ``c`` would be the scaled nominal channels, which is
  the same except for modules that are not scaled, such as Ultralytics' HGBlock.) A user's class gets ``c``
  as often as its constructor begins with channels;
- one for those that join layers, with what the framework does for ``Concat``: their args begin with the
  real number of layers that they read; and
- the user's classes that take the channels of both their input and their output in its registry, where the
  row gives those of the output, and those that repeat an inner block among the modules that do.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from yamlinject.core.modules import Role
from yamlinject.frameworks.import_hooks import after_import
from yamlinject.frameworks.user_classes import imported
from yamlinject.library import recipes
from yamlinject.library.module_files import ModuleClass

#: Where the frameworks keep ``parse_model``: a YOLOv5 checkout, the yolov5 package, Ultralytics.
MODEL_MODULES = ("models.yolo", "yolov5.models.yolo", "ultralytics.nn.tasks")

#: Where the checkpoints of a checkout in which ``register`` put a module say that its class is.
_CHECKPOINT_MODULES = ("models.common", "yolov5.models.common")

#: The function that builds a model from a config, in every framework.
BUILDER = "parse_model"

_BRANCH = """
if m in _yamlinject_modules:
    pass
    args = _yamlinject_args(m, c2, args)
elif m in _yamlinject_joins:
    pass
    args = [len(f), *args[1:]]
"""

#: The user's own modules, by their names, that frameworks get to know beside ours.
_OF_USER: dict[str, ModuleClass] = {}


def unknown_module(error: BaseException) -> str:
    """The module that a framework looked up in vain when it built a model, or empty."""
    step = error.__traceback__ if isinstance(error, (NameError, KeyError)) else None
    while step is not None:
        name = step.tb_frame.f_locals.get("m")
        if step.tb_frame.f_code.co_name == BUILDER and isinstance(name, str) and name in str(error):
            return name
        step = step.tb_next
    return ""


def install(modules: Mapping[str, ModuleClass] | None = None) -> None:
    """Register our modules and the user's in every framework that this process imports, now or later."""
    _OF_USER.update(modules or {})
    for name in MODEL_MODULES:
        after_import(name, register)
    for name in _CHECKPOINT_MODULES:
        after_import(name, _give_classes)
    after_import("ultralytics.nn.tasks", _allow_safe_loading)
    after_import("ultralytics.engine.trainer", _launch_workers)


def register(module: ModuleType) -> None:
    """Make our modules known to a framework's imported model module."""
    for name, value in namespace().items():
        if name.startswith("_"):
            vars(module)[name] = value
        else:
            vars(module).setdefault(name, value)
    parse_model = getattr(module, BUILDER, None)
    file = getattr(module, "__file__", None)
    if parse_model is None or file is None:
        return
    code = getattr(parse_model, "__code__", None)
    if code is None or code.co_filename != file:  # a user has replaced it
        return
    for constant in compiled(Path(file)).co_consts:
        if isinstance(constant, CodeType) and constant.co_name == BUILDER:
            parse_model.__code__ = constant


def _give_classes(common: ModuleType) -> None:
    """Let checkpoints of registered checkouts be loaded: there the classes are in ``models.common``."""
    if hasattr(common, "Conv") and hasattr(common, "Concat"):  # others may have a module of that name
        for name, value in {**_ours(), **_of_user()}.items():
            vars(common).setdefault(name, value)


def _allow_safe_loading(_: ModuleType) -> None:
    """Let ``torch.load`` make objects of these modules where it reads known classes only.

    Ultralytics loads so with ``ULTRALYTICS_SAFE_LOAD=1``, and knows its own classes and those of torch.
    """
    from torch import serialization

    if hasattr(serialization, "add_safe_globals"):  # since torch 2.4
        serialization.add_safe_globals([*_ours().values(), *_of_user().values()])


def _ours() -> dict[str, type]:
    from yamlinject import nn

    return {name: getattr(nn, name) for name in nn.__all__}


def _of_user() -> dict[str, type]:
    return {name: imported(found) for name, found in _OF_USER.items()}


def namespace() -> dict[str, Any]:
    """The names that a patched ``parse_model`` needs: the modules and some of our own."""
    ours = _ours()
    users = _of_user()
    joins = {ours[name] for name in ours if recipes.role(name) == "fusion"}
    channels = {users[name]: _OF_USER[name].channels for name in users}
    channels |= dict.fromkeys(set(ours.values()) - joins, 2)
    in_registry = {users[name] for name, found in _OF_USER.items() if found.channels == 2}

    def args(module: type, count: int, given: list[Any]) -> list[Any]:
        return _args(channels[module], count, given)

    return {
        **ours,
        **users,
        "_yamlinject_modules": frozenset(channels.keys() - in_registry),
        "_yamlinject_joins": frozenset(joins),
        "_yamlinject_registry": frozenset(in_registry),
        "_yamlinject_repeating": frozenset(
            users[name] for name, found in _OF_USER.items() if found.repeats
        ),
        "_yamlinject_args": args,
    }


def compiled(file: Path) -> CodeType:
    """The code of a Python file, with our changes in its ``parse_model`` if it has one."""
    tree = ast.parse(file.read_bytes(), str(file))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == BUILDER:
            _extend_chain(node)
    return compile(tree, str(file), "exec", dont_inherit=True)


def _args(times: int, channels: int, args: list[Any]) -> list[Any]:
    """What a module is built with: the real channels, ``times`` times, instead of those in the row."""
    if times and args and (isinstance(args[0], bool) or not isinstance(args[0], int)):
        raise ValueError(f"args {args} have to begin with the channels, such as [{channels}]")
    return [*[channels] * times, *args[1 if times else 0 :]]


def module_class(name: str, found: ModuleClass | None = None) -> type:
    """The class of a module: the user's if it is ``found`` in a module file, which is imported, or ours."""
    return imported(found) if found else _ours()[name]


def constructor_args(found: ModuleClass | None, role: Role, channels: int, args: list[Any]) -> list[Any]:
    """What the class of a row with ``args`` and number 1 is built with, if that many channels are read.

    Raises :class:`ValueError` where the row lacks the channels.
    """
    times = found.channels if found else 0 if role == "fusion" else 2
    args = _args(times, channels, args)
    return [*args[:2], 1, *args[2:]] if found and found.repeats else args


def _extend_chain(function: ast.FunctionDef) -> None:
    """Turn ``if m in registry: …`` into ``if m in ours: … elif m in registry or m in users: …``.

    What ours do is what the framework itself does for modules that it does not know, and for Concat.
    """
    for loop in ast.walk(function):
        if not isinstance(loop, ast.For):
            continue
        for position, chain in enumerate(loop.body):
            if isinstance(chain, ast.If) and ast.unparse(chain.test).startswith("m in "):
                links = [chain]
                while len(links[-1].orelse) == 1 and isinstance(links[-1].orelse[0], ast.If):
                    links.append(links[-1].orelse[0])
                branch = ast.parse(_BRANCH).body[0]
                assert isinstance(branch, ast.If)
                branch.body[:1] = links[-1].orelse
                joins = branch.orelse[0]
                assert isinstance(joins, ast.If)
                branch.orelse = [chain]
                for link in links:
                    if "Concat" in {node.id for node in ast.walk(link.test) if isinstance(node, ast.Name)}:
                        joins.body[:1] = link.body
                        joins.orelse = [chain]
                        branch.orelse = [joins]
                for inner in chain.body:
                    if isinstance(inner, ast.If) and "args.insert(2, n)" in map(ast.unparse, inner.body):
                        _extend(inner, "_yamlinject_repeating")
                _extend(chain, "_yamlinject_registry")
                loop.body[position] = ast.fix_missing_locations(ast.copy_location(branch, chain))
                return


def _extend(condition: ast.If, names: str) -> None:
    """Make ``condition`` hold also for a module in ``names``."""
    also = ast.parse(f"m in {names}", mode="eval").body
    condition.test = ast.copy_location(ast.BoolOp(ast.Or(), [condition.test, also]), condition.test)


def _launch_workers(trainer: ModuleType) -> None:
    """Make the worker processes that Ultralytics starts for several GPUs run under ``yamlinject run``."""
    command = trainer.generate_ddp_command
    if command.__module__ == __name__:
        return

    def generate_ddp_command(*args: Any) -> tuple[list[str], str]:
        words, file = command(*args)
        before = words.index(file)
        return [*words[:before], "-m", "yamlinject", "run", *words[before:]], file

    vars(trainer)["generate_ddp_command"] = generate_ddp_command
