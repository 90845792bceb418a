"""Options that several commands have."""

from enum import Enum
from typing import Annotated

import typer


class OutputFormat(str, Enum):
    """``--output-format``."""

    text = "text"
    json = "json"


OutputOption = Annotated[OutputFormat, typer.Option(help="How to print it.")]

FrameworkOption = Annotated[
    str | None,
    typer.Option(
        metavar="FRAMEWORK",
        help="yolov5, ultralytics or a checkout's folder; default: the one it is written for.",
    ),
]
