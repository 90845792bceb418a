"""The command that says what a config is: explain."""

import sys
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import OutputFormat, OutputOption
from yamlinject.config import Config, load
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.library import bases
from yamlinject.lineage.explanation import Explanation
from yamlinject.lineage.explanation import explain as explained
from yamlinject.output import explanations, terminal
from yamlinject.output.terminal import Line


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
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Write the commands into CONFIG, as lines that check and undo know."),
    ] = False,
    output_format: OutputOption = OutputFormat.text,
) -> None:
    """Say what CONFIG is: its base, the commands that make it of that, and what is left over.

    With a second CONFIG: how their graphs differ, whatever their numbers.
    """
    from yamlinject.lineage.differences import differences

    if [config, other, base].count(bases.STDIN) > 1:
        raise YamlInjectError("standard input can be read once: give a file for one of the two")
    as_json = output_format is OutputFormat.json
    if other is None:
        loaded = load(config)
        found = explained(loaded, load(base) if base else None)
        if as_json:
            print(explanations.as_json(config, found))
        else:
            terminal.emit(sys.stdout, explanations.lines(loaded.label, found))
        if adopt:
            _adopt(loaded, found)
        return
    if base or adopt:
        raise YamlInjectError("two configs are compared with each other: give no --base and no --adopt")
    different = differences(load(config), load(other))
    if as_json:
        print(explanations.differences_as_json(config, other, different))
    else:
        terminal.emit(sys.stdout, explanations.differences(different))


def _adopt(config: Config, found: Explanation | None) -> None:
    from yamlinject.lineage.adoption import adopted

    if config.path is None:
        raise YamlInjectError(f"--adopt needs a file to write to, and {config.label} is not one of yours")
    if found is None or not found.same_graph or not found.requests:
        raise RefusalError("no commands are known that make it", file=config.label)
    adopted(config, found.steps).save_in_place()
    terminal.tell([Line(str(config.path), "bold", label="wrote")])
