"""Options that several commands have."""

from enum import Enum
from typing import Annotated

import typer


class OutputFormat(str, Enum):
    """``--output-format``."""

    text = "text"
    json = "json"


OutputOption = Annotated[OutputFormat, typer.Option(help="How to print it.")]

ModulesOption = Annotated[
    list[str] | None,
    typer.Option("--modules", metavar="FILE", help="A Python file with modules of your own; also several."),
]

FrameworkOption = Annotated[
    str | None,
    typer.Option(
        metavar="FRAMEWORK",
        help="yolov5, ultralytics or a checkout's folder; default: the one it is written for.",
    ),
]
