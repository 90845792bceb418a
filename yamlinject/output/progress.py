"""A line on standard error, where that is a terminal, that says what is being done; it goes again."""

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

#: From so many items on, it is shown how far a run is.
_MANY = 50

#: Back to the start of the line, and what stands in it gone.
_CLEAR = "\r\x1b[2K"


_shown = False


def say(text: str) -> None:
    """Show ``text`` in the place of what was shown before."""
    global _shown  # there is one line of it
    columns = terminal.width(sys.stderr)
    if columns is not None and os.environ.get("TERM") != "dumb":
        text = visible(text)
        sys.stderr.write(_CLEAR + text[: fitting(text, columns - 1)])
        sys.stderr.flush()
        _shown = bool(text)


def clear() -> None:
    """Make room for a line that stays."""
    if _shown:
        say("")


@contextmanager
def cleared() -> Iterator[None]:
    """Clear at the end of the block, however it ends, what was said in it."""
    try:
        yield
    finally:
        clear()


def watched(results: Iterable[_T], total: int, what: str) -> Iterator[_T]:
    """Say at each per cent how far a long run is, but for what is done with a result."""
    if total < _MANY:
        yield from results
        return
    step = max(1, total // 100)
    with cleared():
        for number, result in enumerate(results, 1):
            if number % step == 0:
                say(f"{what} {100 * number // total}% of {total:,}")
            yield result
