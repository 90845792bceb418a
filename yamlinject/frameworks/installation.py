"""Preparing a process for the frameworks that it imports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from yamlinject.frameworks import compat, parse_model
from yamlinject.library import user_modules


def install(modules: Sequence[str | Path] = ()) -> None:
    """Make the modules known to every framework that is imported in this process, now or later.

    Those are ours and those of the user: of the module files ``modules``, of the project and of packages
    (:mod:`yamlinject.library.user_modules`). The processes that this one starts find the files too.
    Also bridges what keeps YOLOv5 from working with the libraries of today: see :mod:`.compat`.
    Raises :class:`YamlInjectError` for a module file that cannot be read.
    """
    if modules:
        user_modules.use(modules)
    parse_model.install(user_modules.find())
    compat.install()
