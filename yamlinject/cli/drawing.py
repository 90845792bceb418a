"""The command that draws a config: draw."""

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.delivery import Force, OutputFile, save
from yamlinject.cli.options import ScaleOption
from yamlinject.config import Config, load
from yamlinject.drawing.formats import draw as drawn
from yamlinject.drawing.picture import beside, check_size, picture
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases
from yamlinject.lineage.resolve import Lineage, resolve
from yamlinject.output import pictures, terminal
from yamlinject.output.terminal import Line


class Theme(str, Enum):
    """``--theme``."""

    light = "light"
    dark = "dark"
    paper = "paper"


def draw(
    config: Annotated[
        str,
        typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=completion.base),
    ],
    *,
    output: OutputFile = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE", help="The base config; default: found.", autocompletion=completion.base
        ),
    ] = None,
    no_base: Annotated[bool, typer.Option("--no-base", help="Compare it with no base.")] = False,
    scale: ScaleOption = "",
    theme: Annotated[
        Theme, typer.Option(help="The colours; paper is black and white, with patterns.")
    ] = Theme.light,
    title: Annotated[
        str, typer.Option(metavar="TITLE", help="The title; default: the config's name.")
    ] = "",
    imgsz: Annotated[int, typer.Option(metavar="PX", help="The size of the input image.")] = 640,
    side_by_side: Annotated[
        bool, typer.Option("--side-by-side", help="Draw the base too, at the left, with the same rows.")
    ] = False,
    unfold: Annotated[
        bool, typer.Option("--unfold", help="Draw each layer of repeated blocks, such as ELAN.")
    ] = False,
    force: Force = False,
) -> None:
    """Draw CONFIG: a row for each size of feature maps, a column for each pass over them.

    The ending of FILE is the format: .svg, .drawio, .tex (TikZ), .mmd (Mermaid), .png or .pdf.

    Without -o it is CONFIG.svg or, in a terminal, a picture of characters.

    New layers, changed and wrong references, and layers without effect are marked.
    """
    if base and no_base:
        raise YamlInjectError("give either --base or --no-base")
    if imgsz < 1:
        raise YamlInjectError(f"--imgsz {imgsz}: has to be positive")
    loaded = load(config)
    check_size(loaded)  # before its base is looked for
    found = None if no_base else _lineage(loaded, base)
    made = picture(loaded, found, scale=scale, image_size=imgsz, unfold=unfold)
    if side_by_side:
        before = _before(loaded, found)
        made = beside(picture(before, scale=scale, image_size=imgsz, unfold=unfold), made)
    if output is None and sys.stdout.isatty():
        _show(list(pictures.lines(made)))
        return
    target = output or f"{loaded.stem}.svg"
    if target == bases.STDIN:
        sys.stdout.write(drawn(made, "x.svg", theme.value, title).decode())
        return
    save(Path(target), drawn(made, target, theme.value, title), force=force)


def _lineage(config: Config, base: str | None) -> Lineage:
    return resolve(config, load(base) if base else None)


def _before(config: Config, found: Lineage | None) -> Config:
    """The base to draw beside the config."""
    if found is None or found.match is None:
        raise YamlInjectError(
            "--side-by-side needs a base, and none is known: give --base", file=config.label
        )
    return found.named or found.base


def _show(lines: list[str]) -> None:
    """Print a picture of characters, and say so if it does not fit."""
    terminal.emit(sys.stdout, (Line(line, whole=True) for line in lines))
    needed, there = max(map(len, lines)), terminal.width(sys.stdout)
    if there and needed > there:
        terminal.tell([terminal.note(f"it takes {needed} columns: -o FILE.svg draws it to a file")])
