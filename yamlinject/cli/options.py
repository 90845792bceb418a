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

ScaleOption = Annotated[
    str,
    typer.Option(metavar="SCALE", help="What is built in this scale: n, s, m, l, x, or auto."),
]

FrameworkOption = Annotated[
    str | None,
    typer.Option(
        metavar="FRAMEWORK",
        help="yolov5, ultralytics or a checkout's folder; default: the one it is written for.",
    ),
]
