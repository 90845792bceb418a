"""The commands that plan a study: study new, study jobs."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from yamlinject import files, frameworks
from yamlinject.cli import completion
from yamlinject.cli.options import FrameworkOption
from yamlinject.config import load
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases, recipes, upstream, user_modules
from yamlinject.output import progress, study_plan, terminal
from yamlinject.study import preparation, sense
from yamlinject.study.folder import Study
from yamlinject.study.plan import Plan
from yamlinject.verification.cost import Cost, cost

#: What the list of modules may say for the base alone, as tables in papers do.
_NONE = "none"

#: The most variants of which parameters and GFLOPs are counted: each takes about half a second.
_MOST_COUNTED = 30

FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of the study.")]


def new(
    folder: FolderArgument,
    args: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- ARGS]", help="What the training of the framework gets: --epochs 100."),
    ] = None,
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE",
            help="The config to compare with: a path or a name.",
            show_default=bases.DEFAULT,
            autocompletion=completion.base,
        ),
    ] = None,
    modules: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE",
            help="What is inserted: SimAM,CBAM; none is the base; blocks.py has modules of your own.",
        ),
    ] = None,
    after: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SELECTOR",
            help="A position, given again for another; with commas it has several layers.",
        ),
    ] = None,
    replace: Annotated[
        list[str] | None, typer.Option(metavar="MODULE", help="What takes the place of the layers of --at.")
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option(metavar="SELECTOR", help="Which layers, as --after says positions.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", help="How often each is trained, with the same seeds.", show_default="6"),
    ] = None,
    scale: Annotated[
        list[str] | None, typer.Option(metavar="SCALE", help="All of it in each of these: n,s.")
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(metavar="CHECKPOINT", help="The pretrained weights of the base, one for each scale."),
    ] = None,
    no_placebo: Annotated[
        bool, typer.Option("--no-placebo", help="Leave the identity at each position out.")
    ] = False,
    framework: FrameworkOption = None,
) -> None:
    """Write a study into FOLDER: each module at each position, and the base; it runs nothing.

    ARGS are those of the framework's own training, as on its command line.

    FOLDER alone brings a study up to date whose study.yaml was edited.
    """
    asked = (args, base, modules, after, replace, at, seeds, scale, weights, no_placebo, framework)
    with progress.cleared():
        if not any(one not in (None, False) for one in asked):
            study = Study.open(folder)
            written = preparation.prepare(study, progress.say)
        else:
            plan = _plan(
                folder,
                base or bases.DEFAULT,
                framework,
                named=_listed(modules),
                after=tuple(after or ()),
                replace=_listed(replace),
                at=tuple(at or ()),
                scales=_listed(scale),
                seeds=tuple(range(6 if seeds is None else seeds)),
                weights=_listed(weights),
                placebo=not no_placebo,
                args=tuple(args or ()),
            )
            study, written = preparation.create(folder, plan, progress.say)
        costs, why_not = _costs(study)
    terminal.emit(sys.stdout, study_plan.lines(study, costs, terminal.width(sys.stdout)))
    if why_not:
        terminal.tell([terminal.note(f"parameters and GFLOPs were not counted: {why_not}")])
    terminal.tell([*study_plan.summary(study, written)])


def jobs(folder: FolderArgument) -> None:
    """Print the command of each training that is not done, a line each, for an engine of your own.

    They may run in any order, on any machine that sees the folder; two of the same do it once.
    """
    for command in Study.open(folder).commands():
        print(command)


def _listed(given: Sequence[str] | None) -> tuple[str, ...]:
    """The values of an option that takes commas and may be repeated."""
    return tuple(one.strip() for text in given or () for one in text.split(",") if one.strip())


def _plan(
    folder: str,
    base: str,
    framework: str | None,
    *,
    named: Iterable[str],
    replace: Iterable[str],
    **more: Any,
) -> Plan:
    """The plan of a command line; raises :class:`YamlInjectError` where it makes no sense."""
    module_files = tuple(dict.fromkeys(one for one in named if one.endswith(".py")))
    own = user_modules.find(module_files)
    checkout = None
    if framework not in get_args(upstream.Framework) and framework is not None:
        checkout, framework = framework, frameworks.kind(Path(framework))
    known = framework or upstream.written_for(load(base).document)
    target, here = files.resolved(Path(folder)), os.path.realpath(os.curdir)
    plan = Plan(
        base=base,
        framework=cast(upstream.Framework, known),
        modules=tuple(
            recipes.canonical(one, own) for one in named if one != _NONE and not one.endswith(".py")
        ),
        replace=tuple(recipes.canonical(one, own) for one in replace),
        checkout=checkout,
        module_files=module_files,
        paths_from=Path(os.path.relpath(here, target)).as_posix() if target.is_relative_to(here) else here,
        **more,
    )
    wrong = sense.nonsense(plan)
    if wrong:
        raise YamlInjectError(str(wrong))
    return plan


def _costs(study: Study) -> tuple[dict[str, Cost], str | None]:
    """What each variant costs, or why that is not known: the framework is not there, mostly."""
    if len(study.variants) > _MOST_COUNTED:
        return {}, f"of {len(study.variants)} variants the trainings count them, for study table"
    import gc

    gc.enable()  # the command line runs without it, but models take 100 MB and more
    plan, found = study.plan, {}
    try:
        user_modules.use(study.working_folder / file for file in plan.module_files)
        which = str(study.working_folder / plan.checkout) if plan.checkout else plan.framework
        progress.say("importing the framework")
        builder = frameworks.find(which, load(study.variants[0].config))
        for number, variant in enumerate(study.variants, 1):
            progress.say(f"building {number} of {len(study.variants)}: {variant.name}")
            found[variant.name] = cost(load(variant.config), builder)
    except YamlInjectError as error:
        return found, str(error)
    return found, None
