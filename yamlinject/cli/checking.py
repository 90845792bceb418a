"""The commands for CI: check, rule."""

import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import ModulesOption, OutputFormat, OutputOption
from yamlinject.errors import YamlInjectError
from yamlinject.output import next_steps, progress, terminal
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.checks.files import Options
    from yamlinject.checks.findings import Checked
    from yamlinject.checks.registry import Rule
    from yamlinject.output.tally import Tally


class ReportFormat(str, Enum):
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
    output_format: Annotated[ReportFormat, typer.Option(help="How to print it.")] = ReportFormat.text,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show every stale comment, not one line for each file.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings fail too.")] = False,
    fix: Annotated[
        bool,
        typer.Option(
            "--fix", help="Fix what has only one fix: wrong index comments, full-width characters."
        ),
    ] = False,
    wiring: Annotated[
        bool,
        typer.Option("--wiring", help="With --fix: also wrong references, where it is sure."),
    ] = False,
    bypassed: Annotated[
        bool, typer.Option("--bypassed", help="With --wiring: also readers that go past an attention.")
    ] = False,
    diff: Annotated[bool, typer.Option("--diff", help="With --fix: print a diff, write nothing.")] = False,
    modules: ModulesOption = None,
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
    from yamlinject.library import user_modules
    from yamlinject.output import findings
    from yamlinject.output.tally import Tally

    if base is not None and no_base:
        raise YamlInjectError("give either --base or --no-base")
    if base == "-" and "-" in paths:
        raise YamlInjectError("standard input cannot be both the base and the file to check")
    if fix and "-" in paths:
        raise YamlInjectError("--fix needs files to fix, not standard input")
    if (wiring or diff) and not fix:
        raise YamlInjectError("--wiring and --diff need --fix: give that too")
    if bypassed and not wiring:
        raise YamlInjectError("--bypassed needs --wiring: give that too")
    if diff and output_format is not ReportFormat.text:
        raise YamlInjectError("--diff is text: give no --output-format")
    options = Options(
        base=load(base) if base is not None else None,
        known_bases=not no_base,
        codes=codes(select or [], ignore or []),
        fix=fix,
        wiring=wiring,
        bypassed=bypassed,
        dry=diff,
        modules=user_modules.find(modules or (), packages=False),
    )
    found = find(paths)
    tally = Tally()
    wrong: list[Checked] = []
    differs = False
    each = progress.watched(check_files(found, options, jobs), len(found), "checking")
    results = _told(each, tally, wrong)
    try:
        if fix:  # whoever stops reading the output does not stop the work
            results = iter(list(results))
        if diff:
            for checked in results:
                terminal.emit_diff(sys.stdout, checked.diff)
                differs = differs or bool(checked.diff)
        elif output_format is ReportFormat.text:
            shown = findings.text(results, terminal.width(sys.stdout), verbose=verbose)
            terminal.emit(sys.stdout, shown)
        elif output_format is ReportFormat.github:
            sys.stdout.writelines(f"{line}\n" for line in findings.github(results))
        else:
            as_text = findings.as_json if output_format is ReportFormat.json else findings.sarif
            print(as_text(list(results)))
    except KeyboardInterrupt:  # about which newer versions of typer say nothing
        raise typer.Abort from None
    if output_format is ReportFormat.text:
        terminal.tell(tally.by_rule(terminal.width(sys.stderr)))
    terminal.tell(tally.notes(with_bases=output_format is ReportFormat.text))
    terminal.tell([tally.summary()])
    words = [*(["--base", base] if base else []), *["--no-base"] * no_base]
    words += [word for name in modules or () for word in ("--modules", name)]
    if differs:
        options_of_fix = ["--fix", *["--wiring"] * wiring, *["--bypassed"] * bypassed]
        terminal.tell([next_steps.fix(paths, [*words, *options_of_fix])])
    elif wrong and output_format is ReportFormat.text and not wiring and "-" not in paths:
        terminal.tell(_fixable(wrong[0], options, paths, words))
    if tally.failed:
        return 2
    return int("error" in tally.severities or (strict and bool(tally.severities)))


def _fixable(wrong: "Checked", options: "Options", paths: list[str], words: list[str]) -> Iterator[Line]:
    """How to see the fix, where the first of the files with errors has one that is sure."""
    from yamlinject.checks.discovery import File
    from yamlinject.checks.files import check_file
    from yamlinject.checks.rewiring import WRONG

    errors = [finding for finding in wrong.findings if finding.rule.severity == "error"]
    wiring = any(finding.rule.code in WRONG for finding in errors)
    if wiring or (not options.fix and any(finding.fix for finding in errors)):
        tried = check_file(File(wrong.file), options._replace(fix=True, wiring=wiring, dry=True))
        if tried.diff and not tried.left:
            yield next_steps.fix(paths, [*words, "--fix", *["--wiring"] * wiring, "--diff"])


def _told(results: "Iterable[Checked]", tally: "Tally", wrong: "list[Checked]") -> "Iterator[Checked]":
    """Count the results, say at once which files could not be checked, and keep the first with an error."""
    from yamlinject.output import findings

    for checked in results:
        tally.count(checked)
        if not wrong and any(finding.rule.severity == "error" for finding in checked.findings):
            wrong.append(checked)
        if checked.findings or checked.fixed or checked.error is not None:
            progress.clear()
        if checked.error is not None:
            terminal.tell([Line(f"yamlinject: error: {checked.error}", "red")])
        terminal.tell(findings.fixed(checked))
        if checked.left:
            terminal.tell([Line(f"{checked.file}: no reference was changed: {checked.left}", label="left")])
        yield checked


def rule(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A rule of check, such as YI301.")
    ] = None,
    *,
    output_format: OutputOption = OutputFormat.text,
) -> None:
    """Print what a rule of check means, with an example; without CODE, list all rules."""
    from yamlinject.checks.rules import RULES
    from yamlinject.library.data import template

    as_json = output_format is OutputFormat.json
    if code is None and as_json:
        print(terminal.as_json([_facts(one) for one in RULES.values()]))
    elif code is None:
        rows = [Row(one.code, one.severity, one.name, one.summary) for one in RULES.values()]
        heads = (Column(), Column(), Column(), Column(folds=True))
        terminal.emit(sys.stdout, table(heads, rows, terminal.width(sys.stdout)))
    elif code.upper() not in RULES:
        raise YamlInjectError(f"there is no rule {code!r}: yamlinject rule lists them")
    else:
        page = template("rules", f"{code.upper()}.md").read_text(encoding="utf-8")
        if as_json:
            print(terminal.as_json({**_facts(RULES[code.upper()]), "page": page}))
        else:
            terminal.emit(sys.stdout, [Line(line, whole=True) for line in page.splitlines()])


def _facts(one: "Rule") -> dict[str, str]:
    return {"code": one.code, "name": one.name, "severity": one.severity, "summary": one.summary}
