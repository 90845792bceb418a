"""Results and messages as text: styled in a terminal, plain everywhere else."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any, NamedTuple, TextIO

from yamlinject.output.widths import wrapped


class Line(NamedTuple):
    """One line of output: an optional label before it, and a style as rich names it.

    ``whole``: it is never broken between words to fit a terminal, because users copy it from there.
    """

    text: str
    style: str = ""
    label: str = ""
    whole: bool = False


_LABEL_WIDTH = 10
#: The indentation of the lines below the first, if the text has no label.
_HANG = 4
#: The columns of a terminal that does not tell them, and the least that are reckoned with.
_USUAL, _NARROWEST = 80, 40
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = "[\ud800-\udfff]"

#: What GitHub's runner takes for a command in a log: ``::name …::`` starts a line, ``##[name …]`` need not.
_COMMAND = re.compile(r"^(\s*:):|(#)#(?=\[[A-Za-z])")


def visible(text: str) -> str:
    """``text`` as one line, character by character, without anything that would not be shown as it is.

    Names come from other people's files: none may control a terminal, hide or reverse the text around it,
    or be a command to GitHub, which reads the logs of its runs.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else _UNKNOWN for char in text)
    return _COMMAND.sub(rf"\1\2{_UNKNOWN}", text)


def emit(stream: TextIO, lines: Iterable[Line]) -> None:
    """Print ``lines``, made :func:`visible`; in a terminal they are broken to fit, and have colours."""
    console = _console(stream) if _is_coloured(stream) else None
    columns = width(stream)
    for line in lines:
        label = f"{visible(line.label):<{_LABEL_WIDTH * bool(line.label)}}"
        text = visible(line.text)
        for part in map(visible, _fitting(label, text, None if line.whole else columns)):
            if console is None:  # importing rich takes longer than a rewrite
                stream.write(f"{label}{part}\n")
            else:
                console(label, part, line.style)
            label = ""


def _fitting(label: str, text: str, columns: int | None) -> Iterator[str]:
    """The lines of ``text`` behind ``label``, those below the first indented."""
    if columns is None or len(label + text) * 2 <= columns:
        yield text
        return
    hang = len(label) or len(text) - len(text.lstrip()) + _HANG
    first, *others = wrapped(" " * len(label) + text, columns, hang)
    yield first[len(label) :]
    yield from others


def _console(stream: TextIO) -> Callable[[str, str, str], None]:
    """What prints a label and a text in a style."""
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    return lambda label, text, style: console.print(Text.assemble((label, "bold"), (text, style)))


def width(stream: TextIO) -> int | None:
    """The columns of the terminal that ``stream`` is; None where it is none."""
    if not stream.isatty():
        return None
    asked = os.environ.get("COLUMNS", "")
    try:
        columns = int(asked) if asked.isdigit() else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        columns = 0
    return max(columns, _NARROWEST) if columns else _USUAL


def tell(lines: Iterable[Line]) -> None:
    """Print ``lines`` as messages, on standard error: only results go to standard output."""
    sys.stdout.flush()  # where both streams go to one place, the results so far stand before them
    emit(sys.stderr, lines)


def _is_coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def emit_diff(stream: TextIO, lines: Iterable[str]) -> None:
    """Print a unified diff: made visible in a terminal, unchanged elsewhere, for programs."""
    if stream.isatty():
        emit(stream, diff(lines))
    else:
        stream.writelines(f"{line}\n" for line in lines)


def plain(value: Any) -> Any:
    """YAML data as JSON can hold it; anything else, such as dates, as text."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int)) or (isinstance(value, float) and isfinite(value)):
        return value
    return str(value)


def as_json(value: object) -> str:
    """``value`` as JSON of printable ASCII; lone surrogates, which parsers refuse, become U+FFFD."""
    import json

    # surrogates must go before they are escaped: afterwards valid pairs of escapes look the same
    clean = json.loads(re.sub(_SURROGATE, _UNKNOWN, json.dumps(value, ensure_ascii=False)))
    return json.dumps(clean, indent=2).replace("\x7f", r"\u007f")


def diff(lines: Iterable[str]) -> Iterator[Line]:
    """The lines of a unified diff."""
    for line in lines:
        header = line.startswith(("--- ", "+++ "))
        yield Line(line, "bold" if header else _DIFF_STYLES.get(line[:1], ""))


def note(text: str) -> Line:
    """Something that the user should know."""
    return Line(text, "magenta", label="note")
