"""The commands of the documentation, page by page: what is run, and what it has to print.

A page is a session in a folder of its own, from its first block to its last:

* a ``console`` block holds commands after ``$``, with their output below. ``…`` stands for any text in its
  line, and for any lines where it is alone. A block without any output is a list of commands that succeed.
* a block with ``title="FILE"`` is a file that the reader writes, or what is in it if it is there already.
* a comment directly above a console block marks it: ``<!-- framework -->`` takes torch and a framework,
  ``<!-- not run: WHY -->`` is left out.
* a comment ``<!-- given: FILE, … -->`` names files that the reader has already: see
  ``tests/given.py``. With further lines it is a config: a command of yamlinject without its ``-o``, and
  replacements ``OLD -> NEW``.

A Chinese page is compared with the English one step for step (``of_its_own``), and what they have in common
is run once.

``python -m tests.consoles`` counts them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.conftest import REPOSITORY

#: Fences of a shell that are not a session would never be run.
SHELL = re.compile(r"^ *```+ *(?:sh|bash|shell|zsh|powershell|bat)\b", re.M)

_STEP = re.compile(
    r"^<!-- given: (?P<given>.*?)\s*-->$"
    r"|^(?:<!-- (?P<mark>framework|not run: [^\n]+) -->\n)?"
    r"```(?P<kind>[\w-]+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<body>.*?)^```$",
    re.M | re.S,
)
_COMMAND = re.compile(r"^\$ ([^\n]*)\n(.*?)(?=^\$ |\Z)", re.M | re.S)


class Command(NamedTuple):
    """A command, what the page shows of its output, and how its block is marked."""

    line: str
    shown: str
    mark: str
    compared: bool


class Write(NamedTuple):
    """A file that the reader writes."""

    name: str
    text: str


class Given(NamedTuple):
    """A file that the reader has; of a config how it is made."""

    name: str
    made_by: str


Step = Command | Write | Given

#: The Chinese page that follows an English one of another name.
OTHERS = {"README.zh-CN.md": "docs/tutorial.md"}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return sorted([*REPOSITORY.glob("README*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def session(text: str) -> tuple[Step, ...]:
    """What a reader of the page does, in order."""
    return tuple(_steps(text))


def _steps(text: str) -> Iterator[Step]:
    for found in _STEP.finditer(text):
        given, mark, kind, title, body = found.group("given", "mark", "kind", "title", "body")
        if given:
            first, _, made_by = given.partition("\n")
            yield from (Given(name.strip(), made_by) for name in first.split(","))
        elif kind == "console":
            commands = _COMMAND.findall(body)
            compared = any(shown for _, shown in commands)
            yield from (Command(line, shown, mark or "", compared) for line, shown in commands)
        elif title:
            yield Write(title, body)


def followed(name: str) -> str | None:
    """The English page whose steps the Chinese page ``name`` repeats."""
    return OTHERS.get(name, name.replace(".zh.md", ".md") if name.endswith(".zh.md") else None)


def of_its_own(steps: Iterable[Step], others: Iterable[Step]) -> list[bool]:
    """Of each step, whether it is to be run: it is not how the page ``others`` goes on.

    What is not to be run is all that the other page has up to there. Commands may stand between; after a
    file that the other page has not, or has otherwise, everything is to be run.
    """
    left = [step for step in others if not left_out(step)]
    own = []
    for step in steps:
        repeated = left[:1] == [step]
        del left[:repeated]
        own.append(not repeated and not left_out(step))
        if own[-1] and not isinstance(step, Command):
            left.clear()
    return own


def left_out(step: Step) -> bool:
    """Whether a step is marked as one that is not run."""
    return isinstance(step, Command) and step.mark.startswith("not run")


def matches(shown: str, printed: str) -> bool:
    """Whether the output is what the page shows."""
    pattern = "".join(
        r"(?:[^\n]*\n)*" if line == "…\n" else ".*".join(map(re.escape, line.split("…")))
        for line in shown.splitlines(keepends=True)
    )
    return re.fullmatch(pattern, printed) is not None


def to_run() -> dict[str, tuple[tuple[Step, bool], ...]]:
    """Of each page its steps, and whether each is to be run, or is run for the page that it repeats."""
    texts = {path.relative_to(REPOSITORY).as_posix(): path.read_text(encoding="utf-8") for path in pages()}
    steps = {name: session(text) for name, text in texts.items()}
    return {
        name: tuple(zip(own, of_its_own(own, steps.get(followed(name) or "", ())), strict=True))
        for name, own in steps.items()
    }


def counts() -> dict[str, int]:
    """How many commands there are, and how many of them are run, by what they take."""
    every = [(step, own) for steps in to_run().values() for step, own in steps if isinstance(step, Command)]
    run = [step for step, own in every if own]
    not_run = sum(left_out(step) for step, _ in every)
    return {
        "commands": len(every),
        "run": len(run),
        "of these with a framework": sum(step.mark == "framework" for step in run),
        "the same as on the English page": len(every) - len(run) - not_run,
        "marked as not run": not_run,
    }


if __name__ == "__main__":
    for name, number in counts().items():
        print(f"{number:4} {name}")
