"""The command that says what a config is: explain."""

import sys
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import OutputFormat, OutputOption
from yamlinject.config import load
from yamlinject.errors import YamlInjectError
from yamlinject.output import explanations, terminal


def explain(
    config: Annotated[
        str,
        typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=completion.base),
    ],
    other: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONFIG]", help="Compare CONFIG with this one.", autocompletion=completion.base
        ),
    ] = None,
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE", help="The base config; default: found.", autocompletion=completion.base
        ),
    ] = None,
    output_format: OutputOption = OutputFormat.text,
) -> None:
    """Say what CONFIG is: its base, the commands that make it of that, and what is left over.

    With a second CONFIG: how their graphs differ, whatever their numbers.
    """
    from yamlinject.lineage.differences import differences
    from yamlinject.lineage.explanation import explain as explained

    loaded = load(config)
    as_json = output_format is OutputFormat.json
    if other is None:
        found = explained(loaded, load(base) if base else None)
        if as_json:
            print(explanations.as_json(config, found))
        else:
            terminal.emit(sys.stdout, explanations.lines(loaded.label, found))
        return
    if base:
        raise YamlInjectError("two configs are compared with each other: give no --base")
    different = differences(loaded, load(other))
    if as_json:
        print(explanations.differences_as_json(config, other, different))
    else:
        terminal.emit(sys.stdout, explanations.differences(different))
