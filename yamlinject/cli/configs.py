"""The commands that make a config of another: add, replace, remove, undo."""

from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from yamlinject.cli import completion, targets
from yamlinject.cli.delivery import Check, Delivery, Diff, Force, InPlace, OutputFile
from yamlinject.cli.options import ModulesOption, OutputFormat, OutputOption
from yamlinject.config import Config, Rewritten, load
from yamlinject.core.request import Request, command_line
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases, recipes, user_modules
from yamlinject.library.module_files import ModuleClass
from yamlinject.output import next_steps, summaries, terminal
from yamlinject.output.terminal import Line


class ScopeOption(str, Enum):
    """``--scope``."""

    backbone = "backbone"
    head = "head"
    all = "all"


_Module = Annotated[
    str,
    typer.Argument(metavar="MODULE", help="Name of the module.", autocompletion=completion.module),
]
_ConfigArgument = Annotated[
    str,
    typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=completion.base),
]
_Base = Annotated[
    str,
    typer.Argument(
        metavar="[BASE]", help="The base config: a path, - or a name.", autocompletion=completion.base
    ),
]
_Scope = Annotated[
    ScopeOption | None,
    typer.Option(help="The scope of selectors that name none.", show_default="backbone"),
]
_NoProvenance = Annotated[
    bool, typer.Option("--no-provenance", help="Omit the line that says how the file was made.")
]
_FixComments = Annotated[
    bool, typer.Option("--fix-comments", help="Also fix index comments that were wrong before.")
]


def add(
    module: _Module,
    base: _Base = bases.DEFAULT,
    *,
    after: Annotated[
        list[str],
        typer.Option(
            metavar="SELECTOR",
            help="After which layers: SPPF, 9, C3@-1, C3@1:3, head/C3, detect-inputs; also several.",
            autocompletion=completion.selector,
        ),
    ],
    readers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SELECTOR",
            help="Only these readers of the targets read the new layers; default: all of them.",
            autocompletion=completion.selector,
        ),
    ] = None,
    scope: _Scope = None,
    number: Annotated[
        int, typer.Option(help="The new row's number; frameworks scale it when it is above 1.")
    ] = 1,
    args: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="The new row's args as a YAML list; the word channels means the target's channels.",
        ),
    ] = None,
    output: OutputFile = None,
    in_place: InPlace = False,
    diff: Diff = False,
    check: Check = False,
    force: Force = False,
    no_provenance: _NoProvenance = False,
    fix_comments: _FixComments = False,
    modules: ModulesOption = None,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Insert a MODULE layer after the layers that --after picks, and renumber all references.

    BASE is a path, - for standard input, or a name such as yolov5n, yolov5s6 or yolo11n.

    Writes BASE_MODULE.yaml into the current folder unless told otherwise.
    """
    request = Request(
        module=module,
        base=base,
        after=tuple(after),
        scope=scope.value if scope else "backbone",
        number=None if number == 1 else number,
        args=args,
        fix_comments=fix_comments,
        readers=tuple(readers or ()),
    )
    delivery = Delivery(output, in_place, diff, check, force, output_format)
    return _rewritten(request, delivery, modules or (), signed=not no_provenance, scoped=scope is not None)


def replace(
    module: _Module,
    base: _Base = bases.DEFAULT,
    *,
    at: Annotated[
        list[str],
        typer.Option(
            metavar="SELECTOR",
            help="Which layers: C3, 9, C3@-1, C3@1:3, head/nn.Upsample, all/Concat; also several.",
            autocompletion=completion.selector,
        ),
    ],
    scope: _Scope = None,
    number: Annotated[
        int | None, typer.Option(help="The rows' number.", show_default="as written in each row")
    ] = None,
    args: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="The rows' args as a YAML list; channels: the replaced layer's; inputs: how many.",
            show_default="the recipe's, or as written as far as they mean the same",
        ),
    ] = None,
    output: OutputFile = None,
    in_place: InPlace = False,
    diff: Diff = False,
    check: Check = False,
    force: Force = False,
    no_provenance: _NoProvenance = False,
    fix_comments: _FixComments = False,
    modules: ModulesOption = None,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Put MODULE in the place of the layers that --at picks; references stay as they are.

    BASE is a path, - for standard input, or a name such as yolov5n, yolov5s6 or yolo11n.

    Writes BASE_MODULE.yaml into the current folder unless told otherwise.
    """
    request = Request(
        module=module,
        base=base,
        scope=scope.value if scope else "backbone",
        number=number,
        args=args,
        fix_comments=fix_comments,
        at=tuple(at),
    )
    delivery = Delivery(output, in_place, diff, check, force, output_format)
    return _rewritten(request, delivery, modules or (), signed=not no_provenance, scoped=scope is not None)


def _rewritten(
    request: Request, delivery: Delivery, modules: Sequence[str], *, signed: bool, scoped: bool
) -> int:
    """Carry out an ``add`` or a ``replace``; ``signed``: with a provenance line."""
    config = load(request.base)
    given = request.args
    here = {layer.module for layer in config.layers}
    request = user_modules.completed(request._replace(base=config.name), modules, here=here)
    made_from = _before(config, request) if delivery.in_place else None
    result = (made_from or config).apply(request, provenance=signed)
    target = delivery.target(config, targets.default_name(result))
    if delivery.leaves(result, target, made=made_from is not None):
        return 0
    packages = request.module not in recipes.names()
    own = user_modules.find(modules, packages=packages).get(request.module)
    summary = [
        *summaries.rewritten(result, scoped=scoped, given=given is not None, own=own is not None),
        *([] if own is None or given else [_derived(own)]),
        *targets.scale_note(config, target),
    ]
    code = delivery.deliver(result, target, summary)
    if delivery.writes(target) and not delivery.as_json:
        terminal.tell([next_steps.draw(target), next_steps.verify(result, target, modules)])
    return code


def _before(config: Config, request: Request) -> Config | None:
    from yamlinject.lineage.recorded import before  # only --in-place needs it

    return before(config, request)


def remove(
    module: _Module,
    config: _ConfigArgument,
    *,
    output: OutputFile = None,
    in_place: InPlace = False,
    diff: Diff = False,
    check: Check = False,
    force: Force = False,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Undo add: remove the injected MODULE layers again, byte for byte.

    Without a provenance line at the top of CONFIG every layer of that module is removed.

    Writes CONFIG without the _MODULE in its name into the current folder unless told otherwise.
    """
    loaded = load(config)
    delivery = Delivery(output, in_place, diff, check, force, output_format)
    return _taken_back(loaded, loaded.remove(module), delivery)


def undo(
    config: _ConfigArgument,
    *,
    output: OutputFile = None,
    in_place: InPlace = False,
    diff: Diff = False,
    check: Check = False,
    force: Force = False,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Take back the newest add or replace of CONFIG, byte for byte; again for the one before.

    Its provenance lines say what those were.

    Writes CONFIG without the _MODULE in its name into the current folder unless told otherwise.
    """
    loaded = load(config)
    delivery = Delivery(output, in_place, diff, check, force, output_format)
    return _taken_back(loaded, loaded.undo(), delivery)


def _taken_back(loaded: Config, result: Rewritten, delivery: Delivery) -> int:
    """Deliver what was left when ``remove`` or ``undo`` took something out of ``loaded``."""
    nameless = result.stem == loaded.stem and loaded.name != bases.STDIN
    if delivery.output is None and not (delivery.in_place or delivery.diff) and nameless:
        raise YamlInjectError("say where to write the result: -o FILE or --in-place")
    target = delivery.target(loaded, loaded.name if nameless else f"{result.stem}.yaml")
    place = loaded.path if delivery.in_place else None
    summary = [*summaries.removal(result), *_still_wrong(result, target, place)]
    code = delivery.deliver(result, target, summary)
    if delivery.writes(target) and not delivery.as_json:
        terminal.tell([next_steps.draw(target)])
    return code


def _derived(own: ModuleClass) -> Line:
    """How the args of a user's class were told."""
    return Line(f"{own.name} of {own.file.name} ({recipes.told(own)})", label="args")


def _still_wrong(result: Rewritten, target: str, place: Path | None) -> Iterator[Line]:
    """That the layers left over read wrong ones, as they did before; ``place``: the file it replaces."""
    from yamlinject.checks.runner import check  # add needs none of it

    written = Config(target, result.to_bytes(), path=place)
    errors = [finding for finding in check(written) if finding.rule.severity == "error"]
    if errors:
        what = f"{len(errors)} error{'s' * (len(errors) > 1)}, such as: {errors[0].message}"
        more = "" if target == bases.STDIN else f" ({command_line('check', target)})"
        yield terminal.note(f"the result has {what}{more}")
        return
    wrong = [finding for finding in check(result.base) if finding.rule.code.startswith("YI3")]
    before = next((finding for finding in wrong if finding.rule.severity == "error"), None)
    if before:  # without what was inserted it may look meant
        yield terminal.note(f"something was wrong before, and stays: {before.message}")
