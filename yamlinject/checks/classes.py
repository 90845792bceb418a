"""The classes that the rows of a config name, as far as it is known which those are.

The name of a module proves nothing: public forks have dozens of classes SE, with other arguments.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from yamlinject import files
from yamlinject.core.source import Source
from yamlinject.errors import YamlInjectError
from yamlinject.library import module_files
from yamlinject.library.module_files import ModuleClass

#: What parameters are called that take no channels.
_NO_CHANNELS = re.compile("lamb?da|eps|reduc|ratio|kernel|group|gamma|factor|head|size", re.IGNORECASE)

_LAMBDA = re.compile("lamb?da|eps", re.IGNORECASE)

#: The largest file of a checkout that is read; YOLOv5's ``models/common.py`` has 40 kB.
_MOST_BYTES = 2**20


class Taken(NamedTuple):
    """What a class takes the first of a row's args for: its ``parameter``.

    ``where``: the class, for a message. ``optional``: whether the row may have no args.
    """

    parameter: str
    where: str
    optional: bool

    @property
    def is_channels(self) -> bool:
        """Whether that is a number of channels, by its name."""
        return module_files.means_channels(self.parameter)

    @property
    def is_no_channels(self) -> bool:
        """Whether that is something else, by its name."""
        return not self.is_channels and _NO_CHANNELS.search(self.parameter) is not None

    @property
    def is_lambda(self) -> bool:
        """Whether that is the lambda of SimAM."""
        return _LAMBDA.search(self.parameter) is not None


def of_file(found: ModuleClass) -> Taken | None:
    """What a class of a module file takes, which ``run`` hands the args of its row."""
    return _taken(found, 0, found.file.name)


def of_checkout(config: Path, module: str) -> Taken | None:
    """What ``module`` of the ``models/common.py`` of the checkout that ``config`` is in takes.

    None where there is none, or where its ``parse_model`` may hand it anything. Nothing is read outside of
    the config's repository, and nothing is run.
    """
    checkout = _checkout(config)
    found = checkout.classes.get(module) if checkout else None
    if checkout is None or found is None:
        return None
    counts = _handed(checkout.model, module)
    return _taken(found, counts - 1, f"models/common.py:{found.place.line}") if counts else None


def is_in_checkout(config: Path, module: str) -> bool:
    """Whether ``models/common.py`` of the checkout that ``config`` is in has a class of that name."""
    checkout = _checkout(config)
    return checkout is not None and module in checkout.classes


def _taken(found: ModuleClass, position: int, where: str) -> Taken | None:
    if position >= len(found.parameters):
        return None
    optional = position == 0 and found.required == 0
    return Taken(found.parameters[position], f"{found.name} of {where}", optional)


class _Checkout(NamedTuple):
    """The classes of ``models/common.py``, and the text of ``models/yolo.py``."""

    classes: Mapping[str, ModuleClass]
    model: str


def _checkout(config: Path) -> _Checkout | None:
    """The nearest checkout, from the config's folder up to its repository's."""
    parent = files.resolved(config).parent
    root = files.repository(parent)
    above = (each for each in (parent, *parent.parents) if each.is_relative_to(root))
    for folder in (parent, *(each / "models" for each in above)):
        paths = folder / "common.py", folder / "yolo.py"
        try:
            stamps = tuple((status.st_mtime_ns, status.st_size) for status in map(os.stat, paths))
        except OSError:  # not there
            continue
        is_inside = all(files.resolved(path).is_relative_to(root) for path in paths)
        fits = all(size <= _MOST_BYTES for _, size in stamps)
        return _read(*paths, stamps) if is_inside and fits else None
    return None


@lru_cache(maxsize=8)
def _read(common: Path, model: Path, stamps: tuple[tuple[int, int], ...]) -> _Checkout | None:
    """The checkout with these files, which have changed if the ``stamps`` have."""
    try:
        text = Source.from_bytes(files.read_bytes(model)).text
        return _Checkout(module_files.read(common), text)
    except YamlInjectError:
        return None


@lru_cache(maxsize=64)
def _handed(model: str, module: str) -> int | None:
    """How many channel counts it is handed; None where that cannot be told."""
    from yamlinject.checkout import own_class  # few configs are in a checkout

    with suppress(YamlInjectError):
        if own_class.is_imported(model, module):
            return own_class.handed(model, module)
    return None
