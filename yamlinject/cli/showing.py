"""The command that prints the layer table of a config: show."""

import sys
from typing import Annotated

import typer

from yamlinject.checks.runner import check
from yamlinject.cli import completion
from yamlinject.cli.options import OutputFormat, OutputOption, ScaleOption
from yamlinject.config import Config
from yamlinject.library import bases
from yamlinject.output import layers


def show(
    config: Annotated[
        str, typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=completion.base)
    ],
    *,
    scale: ScaleOption = "",
    output_format: OutputOption = OutputFormat.text,
) -> None:
    """Print the layer table: what every layer reads, its stride and its nominal channels.

    Strides and channels follow from the rows, before any scaling; --scale adds what is built.

    Unknown modules are assumed to keep both.

    Rows that read wrong layers are marked, with what check says of them below the table.
    """
    base = bases.read(config)
    loaded = Config(base.name, base.data, stem=base.stem, path=base.path)
    _ = loaded.parsed
    found = check(loaded)
    if output_format is OutputFormat.json:
        print(layers.as_json(loaded, found, scale))
    else:
        layers.show(sys.stdout, loaded, found, scale)
