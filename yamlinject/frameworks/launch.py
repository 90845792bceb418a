"""Running a framework's own program in this process, so that it knows the attention modules."""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType
from typing import NoReturn

from yamlinject.core import spelling
from yamlinject.errors import Place, SourceError, YamlInjectError
from yamlinject.frameworks import compat, parse_model
from yamlinject.frameworks.installation import install

#: The commands of the frameworks, and the extra that brings each.
_BROUGHT_BY = {"yolov5": "yolov5", "yolo": "ultralytics"}


def run(target: str, arguments: Sequence[str], *, module: bool = False) -> NoReturn:
    """Run ``target`` as Python would, with ``arguments``, and exit with its exit code.

    ``target`` is a script, the name of an installed console command or, with ``module``, the name of a
    module as for ``python -m``. What it raises is printed as Python prints it.
    Raises :class:`YamlInjectError` when there is no such target.
    """
    gc.enable()  # the command line runs without it, training must not
    install()
    compat.load_whole_models()
    if module:
        _look_first_in(os.getcwd())
        spec = _module(target)
        program: Callable[[], object] = _main(Path(str(spec.origin)), spec)
        sys.argv = [str(spec.origin), *arguments]
    elif Path(target).is_file():
        program = _main(Path(os.getcwd(), target))
        _look_first_in(str(Path(target).resolve().parent))
        sys.argv = [target, *arguments]
    else:
        program = partial(_call, _command(target))
        wrapper = shutil.which(target) or target
        _look_first_in(str(Path(wrapper).resolve().parent))
        sys.argv = [wrapper, *arguments]
    try:
        sys.exit(program())  # type: ignore[arg-type]  # Python exits with whatever a program returns
    except SystemExit:
        raise
    except BaseException as error:
        sys.stdout.flush()
        trace = _below_us(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)  # the program may have its own
        unknown = parse_model.unknown_module(error)
        if unknown:
            print(
                f"yamlinject: note: if {unknown} is a class of yours, name its file before the program: "
                f"yamlinject run --modules FILE {'-m ' * module}{target} ...",
                file=sys.stderr,
            )
        sys.exit(130 if isinstance(error, KeyboardInterrupt) else 1)


def _look_first_in(folder: str) -> None:
    """Put the folder of the program where Python has put that of yamlinject itself."""
    sys.path[: not getattr(sys.flags, "safe_path", False)] = [folder]


def _main(file: Path, spec: ModuleSpec | None = None) -> Callable[[], None]:
    """A file to be run as ``__main__``; ``models/yolo.py`` is a script too, and must know the modules."""
    try:
        code = parse_model.compiled(file)
    except (SyntaxError, ValueError, OSError) as error:
        what, place = str(error), None
        if isinstance(error, SyntaxError) and error.lineno:
            what, place = error.msg, Place(error.lineno, error.offset or 1)
        raise SourceError(f"no Python program: {what}", place, file=str(file)) from None
    main = ModuleType("__main__")
    main.__file__ = str(file)
    main.__spec__ = spec
    main.__package__ = spec.parent if spec else None
    if parse_model.BUILDER in code.co_names:
        vars(main).update(parse_model.namespace())

    def program() -> None:
        sys.modules["__main__"] = main
        exec(code, vars(main))

    return program


def _call(command: EntryPoint) -> object:
    return command.load()()


def _module(name: str) -> ModuleSpec:
    """The module that ``python -m name`` runs."""
    try:
        spec = find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = find_spec(f"{name}.__main__")
    except Exception as error:  # of a parent package, which is imported here
        what = f"{type(error).__name__}: {error}"
        raise SourceError(f"there is no module {name!r} that could be run: {what}") from None
    if spec is None or not str(spec.origin).endswith(".py"):
        raise SourceError(f"there is no module {name!r} that could be run")
    return spec


def _command(name: str) -> EntryPoint:
    commands = entry_points(group="console_scripts")
    found = commands.select(name=name)
    if not found and name in _BROUGHT_BY:
        raise YamlInjectError(f"{name} is not installed: pip install 'yamlinject[{_BROUGHT_BY[name]}]'")
    if not found:
        here = map(str, Path().glob("*.py"))
        meant = spelling.hint(name, (*commands.names, *here), cutoff=0.85)
        raise YamlInjectError(
            f"{name}: neither a script in this folder nor an installed command{meant}: give a path such as "
            "train.py, a command such as yolov5 or yolo, or -m and a module"
        )
    return next(iter(found))


def _below_us(traceback: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that does not belong to this module."""
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next
    return traceback
