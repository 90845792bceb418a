"""Where the result of a rewrite goes, and what is said about that."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from yamlinject import files
from yamlinject.cli import targets
from yamlinject.cli.options import OutputFormat
from yamlinject.config import Config, Rewritten
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases
from yamlinject.output import rewrites, terminal
from yamlinject.output.terminal import Line

OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - is stdout.")
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Replace the file that was read.")]
Diff = Annotated[bool, typer.Option("--diff", help="Print a unified diff, write nothing.")]
Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the file would change.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a different file that is in the way.")]


class Delivery(NamedTuple):
    """What the user's options say about the result."""

    output: str | None
    in_place: bool
    diff: bool
    check: bool
    force: bool
    output_format: OutputFormat

    @property
    def as_json(self) -> bool:
        """Whether standard output gets JSON."""
        return self.output_format is OutputFormat.json

    def target(self, config: Config, default: str) -> str:
        """The file to write, or - for standard output; ``config`` is what was read."""
        if self.in_place:
            if self.output is not None:
                raise YamlInjectError("give either --output or --in-place")
            if config.path is None:
                raise YamlInjectError(
                    f"--in-place needs a file to replace, and {config.label} is not one of yours"
                )
            return str(config.path)
        if self.output == "":
            raise YamlInjectError("--output needs the name of a file, or - for standard output")
        return self.output or (bases.STDIN if config.name == bases.STDIN else default)

    def writes(self, target: str) -> bool:
        """Whether a file is written, and not only compared or printed."""
        return not (self.diff or self.check or target == bases.STDIN)

    def leaves(self, result: Rewritten, target: str, *, made: bool) -> bool:
        """Whether ``target`` is left alone, and say so.

        The same command made it: that is known (``made``), or it differs only by the user's edits outside
        the rows.
        """
        replaces = not (self.diff or self.in_place or self.force or target == bases.STDIN)
        kept = replaces and targets.keeps_edits(result, target, refuse=not self.check)
        if not kept and not made:
            return False
        notes = [terminal.note("what was edited in it outside the rows is kept")] if kept else []
        outcome = "would not change" if kept and self.check else "unchanged"
        if self.as_json:
            print(rewrites.as_json(result, target, outcome, notes))
        else:
            terminal.tell([*notes, *_told(target, outcome)])
        return True

    def deliver(self, config: Rewritten, target: str, summary: Iterable[Line]) -> int:
        """Print or write ``config`` as requested, then report what was done; returns the exit code."""
        code, outcome = 0, "printed"
        if self.as_json and target == bases.STDIN:
            raise YamlInjectError("--output-format json needs standard output for itself: give -o FILE")
        if self.check and target == bases.STDIN:
            raise YamlInjectError("--check needs a file to compare with: give -o FILE")
        if self.diff and not self.as_json:
            terminal.emit_diff(sys.stdout, config.diff(target))
        if self.check:
            code = int(config.differs(target))
            outcome = f"would {'change' if code else 'not change'}"
        elif not self.diff and target == bases.STDIN:
            sys.stdout.buffer.write(config.to_bytes())
        elif not self.diff:
            written = config.save_in_place() if self.in_place else config.save(target, force=self.force)
            outcome = "wrote" if written else "unchanged"
        if self.as_json:
            difference = config.diff(target) if self.diff else ()
            print(rewrites.as_json(config, target, outcome, summary, difference))
        else:
            terminal.tell([*summary, *_told(target, outcome)])
        return code


def _told(target: str, outcome: str) -> Iterator[Line]:
    """The line that says what became of the file."""
    if outcome.startswith("would"):
        yield Line(f"{target} {outcome}", label="checked")
    elif outcome != "printed":
        yield Line(target, "bold", label=outcome)


def save(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file and say so; a different one is only replaced with ``force``."""
    written = files.save(path, data, force=force)
    terminal.tell([Line(str(path), "bold", label="wrote" if written else "unchanged")])
