"""The classes of module files, imported: what a framework builds, and what its checkpoints name."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from yamlinject.errors import YamlInjectError
from yamlinject.library import user_modules
from yamlinject.library.module_files import ModuleClass


def full_names() -> list[str]:
    """What checkpoints call the classes of the user's module files: ``blocks.MyGate``."""
    return [f"{found.imported_as}.{name}" for name, found in user_modules.find().items()]


def imported(found: ModuleClass) -> type:
    """The class, from its file imported by its own name, so that checkpoints name ``blocks.MyGate``.

    Its folder stays on Python's path, after what is there. Raises :class:`YamlInjectError` where the file
    cannot be imported, or where the class is none of layers.
    """
    from torch import nn

    if str(found.folder) not in sys.path:
        sys.path.append(str(found.folder))
    try:
        module = import_module(found.imported_as)
    except (Exception, SystemExit) as error:  # it is a program like any other
        what = " ".join(f"{type(error).__name__}: {error}".split())
        raise YamlInjectError(f"cannot be imported: {what}", file=str(found.file)) from None
    file = Path(getattr(module, "__file__", None) or "built in").resolve()
    if file != found.file:
        raise YamlInjectError(
            f"import {found.imported_as} gives another file, {file}: rename one of them",
            file=str(found.file),
        )
    value = getattr(module, found.name, None)
    if not (isinstance(value, type) and issubclass(value, nn.Module)):
        raise YamlInjectError(
            f"{found.name} is no class of layers: derive it from nn.Module",
            found.place,
            file=str(found.file),
        )
    return value
