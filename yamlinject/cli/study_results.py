"""The commands that say what a study gave: study table, study report."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from yamlinject.cli.delivery import Force, save
from yamlinject.cli.study import FolderArgument
from yamlinject.config import load
from yamlinject.core.request import command_line
from yamlinject.drawing.formats import draw
from yamlinject.drawing.picture import picture
from yamlinject.errors import YamlInjectError
from yamlinject.lineage.resolve import resolve
from yamlinject.output import study_formats, study_plot, study_report, study_table, terminal
from yamlinject.output.study_curves import Curve
from yamlinject.study.folder import PLAN_FILE, Study
from yamlinject.study.metrics import curves
from yamlinject.study.plan import Variant
from yamlinject.study.reservations import reservations
from yamlinject.study.results import METRIC, Results


class Format(str, Enum):
    """``--format``."""

    text = "text"
    md = "md"
    csv = "csv"
    latex = "latex"
    json = "json"


MetricOption = Annotated[
    str, typer.Option(metavar="METRIC", help="What is compared: precision, recall, mAP50 or mAP50-95.")
]
DeltaOption = Annotated[
    float | None,
    typer.Option(
        metavar="DELTA", help="The smallest difference that matters, such as 0.005; decide it before."
    ),
]


def table(
    folder: FolderArgument,
    *,
    output_format: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.text,
    metric: MetricOption = METRIC,
    delta: DeltaOption = None,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Also draw the differences: an SVG file.")
    ] = None,
    force: Force = False,
) -> None:
    """Print what a study gave: a row for each variant, compared with its base seed by seed.

    It is better or worse only where p is at most 0.05 after correction by Holm and the 95 % interval
    excludes 0; there is no difference where that is within DELTA of 0; otherwise the study cannot tell.
    """
    results = Results(Study.open(folder), metric, delta)
    if plot is not None and not plot.lower().endswith(".svg"):
        raise YamlInjectError("the plot is an SVG file: its name has to end in .svg", file=plot)
    if output_format is Format.text:
        terminal.emit(sys.stdout, study_table.lines(results, terminal.width(sys.stdout)))
    else:
        print(study_formats.FORMATS[output_format.value](results).removesuffix("\n"))
    if output_format is Format.csv:  # the others say it themselves
        terminal.tell(map(terminal.note, reservations(results)))
    if plot is not None:
        save(Path(plot), study_plot.forest(results).encode(), force=force)


def report(
    folder: FolderArgument,
    *,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write it.")
    ] = "report.html",
    metric: MetricOption = METRIC,
    delta: DeltaOption = None,
    force: Force = False,
) -> None:
    """Write a study into one HTML file.

    It has the table, the plot, the training curves, the pictures of the configs, and the commands that do
    all of it again; it needs no other file, and no network.
    """
    study = Study.open(folder)
    results = Results(study, metric, delta)
    grown = {name: list(_curves(study, results, name)) for name in results.runs}
    drawn = {one.name: _drawn(one) for one in study.variants}
    made = study_report.html(results, grown, drawn, _commands(study))
    save(Path(output), made.encode(), force=force)


def _curves(study: Study, results: Results, name: str) -> Iterator[Curve]:
    """The metric by epoch, of each run of a variant that is done; none where the files are gone."""
    for seed in results.runs[name].done:
        with suppress(YamlInjectError):
            rows = curves(study.job(name, seed).folder)
            yield {row["epoch"]: row[results.metric] for row in rows}


def _drawn(variant: Variant) -> study_report.Drawn | str:
    """The picture of a config, or why it cannot be drawn."""
    try:
        config = load(variant.config)
        made = picture(config, resolve(config))
        return study_report.Drawn(draw(made, "x.svg", "light"), draw(made, "x.svg", "dark"))
    except YamlInjectError as error:
        return str(error)


def _commands(study: Study) -> str:
    """What has to be typed to do the study again, and the plan that it does."""
    folder = str(study.folder)
    plan = (study.folder / PLAN_FILE).read_text(encoding="utf-8", errors="replace")
    commands = [command_line("study", "new", folder), command_line("study", "run", folder)]
    return "\n".join([*commands, "", f"# {PLAN_FILE}", "", plan])
