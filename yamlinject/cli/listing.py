"""The commands that list what there is: bases, module."""

import sys
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import OutputFormat, OutputOption
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases as library
from yamlinject.library import recipes
from yamlinject.output import terminal
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line


def bases(*, output_format: OutputOption = OutputFormat.text) -> None:
    """List the names that BASE may be, and the package that each config comes with.

    Any path to a config is a BASE too, and - is standard input.
    """
    origins = sorted(library.origins().items())
    if output_format is OutputFormat.json:
        print(terminal.as_json([{"name": name, "from": origin} for name, origin in origins]))
        return
    heads = (Column("name"), Column("comes with"))
    rows = [Row(name, origin) for name, origin in origins]
    terminal.emit(sys.stdout, table(heads, rows, terminal.width(sys.stdout)))


def module(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[MODULE]", help="Which one to explain.", autocompletion=completion.module),
    ] = None,
    *,
    output_format: OutputOption = OutputFormat.text,
) -> None:
    """List the modules that have a recipe; with MODULE, explain one.

    Any other module can be inserted too, with add --args.
    """
    if name is None:
        modules = [recipes.about(each) for each in recipes.names()]
        if output_format is OutputFormat.json:
            print(terminal.as_json([one._asdict() for one in modules]))
        else:
            terminal.emit(sys.stdout, _table(modules))
        return
    known = {each.lower(): each for each in recipes.names()}
    if name.lower() not in known:
        raise YamlInjectError(
            f"no recipe for a module {name!r}; known: {', '.join(recipes.names())}; for any other module "
            "give add the args of its row: --args '[channels]'"
        )
    one = recipes.about(known[name.lower()])
    if output_format is OutputFormat.json:
        print(terminal.as_json(one._asdict()))
    else:
        terminal.emit(sys.stdout, _explained(one))


def _table(modules: list[recipes.About]) -> list[Line]:
    heads = (
        Column("module"),
        Column("re-weights", folds=True),
        Column("parameters\non 512 channels", right=True),
        Column("paper", folds=True),
    )
    rows = [Row(one.module, one.reweights, f"{one.parameters:,}", _authors(one)) for one in modules]
    return list(table(heads, rows, terminal.width(sys.stdout)))


def _authors(one: recipes.About) -> str:
    return one.paper.rpartition(",")[0]


def _explained(one: recipes.About) -> list[Line]:
    options = ", ".join(f"{name} ({value})" for name, value in one.options.items())
    rows = [
        Row("module", one.module),
        Row("re-weights", one.reweights),
        Row("row", f"[-1, 1, {one.module}, {recipes.as_flow(one.args)}]"),
        Row("args", f"the channels of the layer above, then: {options}"),
        Row("parameters", f"{one.parameters:,} on 512 channels"),
        Row("paper", one.paper),
        Row("class", f"yamlinject.nn.{one.module}"),
    ]
    return [
        *table((Column(), Column(folds=True)), rows, terminal.width(sys.stdout)),
        Line(f"yamlinject add {one.module} yolov5s --after SPPF", label="next", whole=True),
    ]
