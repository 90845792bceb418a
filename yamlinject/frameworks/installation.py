"""Preparing a process for the frameworks that it imports."""

from __future__ import annotations

from yamlinject.frameworks import compat, parse_model


def install() -> None:
    """Make the attention modules known to every framework that is imported in this process, now or later.

    Also bridges what keeps YOLOv5 from working with the libraries of today: see :mod:`.compat`.
    """
    parse_model.install()
    compat.install()
