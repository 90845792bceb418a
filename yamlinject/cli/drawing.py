"""The command that draws a config: draw."""

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.delivery import Force, OutputFile, save
from yamlinject.cli.options import FrameworkOption, ModulesOption, ScaleOption
from yamlinject.config import Config, load
from yamlinject.drawing import formats, themes
from yamlinject.drawing.picture import Picture, beside, check_size, picture
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.library import bases
from yamlinject.lineage.resolve import Lineage, resolve
from yamlinject.output import pictures, progress, terminal
from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.verification.result import Verification


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
        Theme | None,
        typer.Option(
            help="The colours; paper: black and white, with patterns. Else light; of .html the browser's."
        ),
    ] = None,
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
    verify: Annotated[
        bool, typer.Option("--verify", help="With -o FILE.html: also what verify --latency measures.")
    ] = False,
    framework: FrameworkOption = None,
    modules: ModulesOption = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="With --verify: run whatever the config wants to run.")
    ] = False,
) -> None:
    """Draw CONFIG: a row for each size of feature maps, a column for each pass over them.

    The ending of FILE is the format: .svg, .html, .drawio, .tex (TikZ), .mmd (Mermaid), .png or .pdf.

    The .html is a report: with the layer table, what check finds, the base to switch to, and --verify.

    Without -o it is CONFIG.svg or, in a terminal, a picture of characters.

    New layers, changed and wrong references, and layers without effect are marked.
    """
    if base and no_base:
        raise YamlInjectError("give either --base or --no-base")
    if imgsz < 1:
        raise YamlInjectError(f"--imgsz {imgsz}: has to be positive")
    to_stdout = output in (None, bases.STDIN)
    is_report = output is not None and not to_stdout and formats.ending(output) == formats.REPORT
    if verify and not is_report:
        raise YamlInjectError("--verify measures for a report: give -o FILE.html too")
    if verify and no_base:
        raise YamlInjectError("--verify compares with the base: give no --no-base")
    if (framework or trust or (modules and not is_report)) and not verify:
        raise YamlInjectError("--framework, --modules and --trust need --verify: give that too")
    loaded, given = load(config), load(base) if base else None
    check_size(loaded)  # before its base is looked for
    found = None if no_base else resolve(loaded, given)

    def picture_of(one: Config, found: Lineage | None = None) -> Picture:
        return picture(one, found, scale=scale, image_size=imgsz, unfold=unfold)

    made = picture_of(loaded, found)
    before = _before(loaded, found, needed=side_by_side) if side_by_side or is_report else None
    other = picture_of(before) if before else None
    if is_report:
        from yamlinject.checks.runner import check
        from yamlinject.library import user_modules
        from yamlinject.output import html_report

        own = user_modules.find(modules or (), packages=False)
        findings = check(loaded, given, known_bases=not no_base, modules=own)
        verified = None
        if verify:
            user_modules.use(modules or ())
            verified = _verified(loaded, given, framework=framework, image_size=imgsz, trust=trust)
        latency = verified.latency if verified else None
        report = html_report.Report(
            html_report.Side(loaded, made, latency.config_layers if latency else ()),
            html_report.Side(before, other, latency.base_layers if latency else ())
            if before and other
            else None,
            findings,
            verified,
            scale=scale,
            both=side_by_side,
        )
        content = html_report.page(report, theme.value if theme else None, title)
        save(Path(str(output)), content.encode(), force=force)
        return
    if other:
        made = beside(other, made)
    if output is None and sys.stdout.isatty():
        _show(list(pictures.lines(made)))
        return
    target = output or f"{loaded.stem}.svg"
    colours: themes.Theme = theme.value if theme else "light"
    if target == bases.STDIN:
        sys.stdout.write(formats.draw(made, "x.svg", colours, title).decode())
        return
    save(Path(target), formats.draw(made, target, colours, title), force=force)


def _before(config: Config, found: Lineage | None, *, needed: bool) -> Config | None:
    """The base to show with the config; unless it is ``needed``, only a known one that is another model."""
    if found is None or found.match is None:
        if needed:
            raise YamlInjectError(
                "--side-by-side needs a base, and none is known: give --base", file=config.label
            )
        return None
    try:
        base = found.named or found.base
    except RefusalError:  # what is new changes channels, so that nothing is left without it
        if needed:
            raise
        return None
    same = [layer.row for layer in base.layers] == [layer.row for layer in config.layers]
    return None if same and not needed else base


def _verified(
    config: Config, base: Config | None, *, framework: str | None, image_size: int, trust: bool
) -> "Verification":
    """What ``verify --latency`` measures."""
    import gc

    gc.enable()  # the command line runs without it, but models take 100 MB and more
    from yamlinject.verification.comparison import verify

    with progress.cleared():
        return verify(
            config,
            base,
            framework=framework,
            image_size=image_size,
            latency=True,
            trust=trust,
            progress=progress.say,
        )


def _show(lines: list[str]) -> None:
    """Print a picture of characters, and say so if it does not fit."""
    terminal.emit(sys.stdout, (Line(line, whole=True) for line in lines))
    needed, there = max(map(len, lines)), terminal.width(sys.stdout)
    if there and needed > there:
        terminal.tell([terminal.note(f"it takes {needed} columns: -o FILE.svg draws it to a file")])
