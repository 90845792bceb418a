"""The commands for CI: check, rule."""

import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Annotated, TypeVar

import typer

from yamlinject.cli import completion
from yamlinject.errors import YamlInjectError
from yamlinject.output import terminal

_T = TypeVar("_T")

#: From this many files on, a terminal shows the progress.
_MANY = 50


class OutputFormat(str, Enum):
    """``--output-format``."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def check(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Files, folders, or - for standard input."),
    ],
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE",
            help="The base that all files were made from: a path or a name.",
            autocompletion=completion.base,
        ),
    ] = None,
    no_base: Annotated[
        bool, typer.Option("--no-base", help="Look for no base among the upstream models.")
    ] = False,
    select: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Only these rules: YI301, or YI3 for all that start with it."),
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODE", help="All rules but these.")] = None,
    output_format: Annotated[OutputFormat, typer.Option(help="How to print it.")] = OutputFormat.text,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Fix what has only one fix: wrong index comments.")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=0, help="How many processes; 0 means one per core if there are many files.")
    ] = 0,
) -> int:
    """Find layers that read the wrong ones, and generated configs that have been edited since.

    Folders are searched for YAML files with backbone and head lists; other files are skipped.

    Exit code 0: nothing or only warnings, 1: errors, 2: a file could not be checked.
    """
    from yamlinject.checks.discovery import find
    from yamlinject.checks.files import Options, check_files, codes
    from yamlinject.config import load
    from yamlinject.output import findings

    if base is not None and no_base:
        raise YamlInjectError("give either --base or --no-base")
    if base == "-" and "-" in paths:
        raise YamlInjectError("standard input cannot be both the base and the file to check")
    if fix and "-" in paths:
        raise YamlInjectError("--fix needs files to fix, not standard input")
    options = Options(
        base=load(base) if base is not None else None,
        known_bases=not no_base,
        codes=codes(select or [], ignore or []),
        fix=fix,
    )
    found = find(paths)
    try:
        results = list(_watched(check_files(found, options, jobs), len(found)))
    except KeyboardInterrupt:  # about which newer versions of typer say nothing
        raise typer.Abort from None
    if output_format is OutputFormat.text:
        terminal.emit(sys.stdout, findings.text(results))
    elif output_format is OutputFormat.github:
        sys.stdout.writelines(f"{line}\n" for line in findings.github(results))
    else:
        as_text = findings.as_json if output_format is OutputFormat.json else findings.sarif
        print(as_text(results))
    sys.stdout.flush()  # if both streams go to one place, the summary comes last
    terminal.tell(findings.summary(results))
    if any(checked.error for checked in results):
        return 2
    severities = {finding.rule.severity for checked in results for finding in checked.findings}
    return int("error" in severities or (strict and bool(severities)))


def rule(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A rule of check, such as YI301.")
    ] = None,
) -> None:
    """Print what a rule of check means, with an example; without CODE, list all rules."""
    from yamlinject.checks.rules import RULES
    from yamlinject.library.data import template

    if code is None:
        for one in RULES.values():
            print(f"{one.code}  {one.severity:<7}  {one.name:<20}  {one.summary}")
        return
    if code.upper() not in RULES:
        raise YamlInjectError(f"there is no rule {code!r}: yamlinject rule lists them")
    print(template("rules", f"{code.upper()}.md").read_text(encoding="utf-8"), end="")


def _watched(results: Iterable[_T], total: int) -> Iterator[_T]:
    """Show the progress of a long run in a terminal."""
    if total < _MANY or not sys.stderr.isatty():
        yield from results
        return
    from rich.console import Console
    from rich.progress import Progress

    step = max(1, total // 100)
    # drawn at each per cent, and not by a thread, because processes are started meanwhile
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("checking", total=total)
        for number, result in enumerate(results, 1):
            progress.update(task, completed=number, refresh=number % step == 0)
            yield result
