"""A temporary line on standard error, if that is a terminal, that says what is being done."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from yamlinject.output import terminal
from yamlinject.output.terminal import visible
from yamlinject.output.widths import fitting

_T = TypeVar("_T")

#: From this many items on, the progress of a run is shown.
_MANY = 50

#: Back to the start of the line, and clear it.
_CLEAR = "\r\x1b[2K"


_shown = False


def say(text: str) -> None:
    """Show ``text`` instead of what was shown before."""
    global _shown  # there is only one such line
    columns = terminal.width(sys.stderr)
    if columns is not None and os.environ.get("TERM") != "dumb":
        text = visible(text)
        sys.stderr.write(_CLEAR + text[: fitting(text, columns - 1)])
        sys.stderr.flush()
        _shown = bool(text)


def clear() -> None:
    """Make room for a permanent line."""
    if _shown:
        say("")


@contextmanager
def cleared() -> Iterator[None]:
    """Clear what was said in the block, however it ends."""
    try:
        yield
    finally:
        clear()


def watched(results: Iterable[_T], total: int, what: str) -> Iterator[_T]:
    """Show the progress of a long run at each per cent, except while a result is used."""
    if total < _MANY:
        yield from results
        return
    step = max(1, total // 100)
    with cleared():
        for number, result in enumerate(results, 1):
            if number % step == 0:
                say(f"{what} {100 * number // total}% of {total:,}")
            yield result
