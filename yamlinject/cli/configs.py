"""The commands that work on configs: add, remove, show."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Annotated

import typer

from yamlinject.cli import completion, targets
from yamlinject.cli.options import ModulesOption, OutputFormat, OutputOption
from yamlinject.config import Config, Rewritten, load
from yamlinject.core.request import command_line
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases, recipes, user_modules
from yamlinject.output import layers, next_steps, rewrites, terminal
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
_Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - is stdout.")
]
_InPlace = Annotated[bool, typer.Option("--in-place", help="Replace the file that was read.")]
_Diff = Annotated[bool, typer.Option("--diff", help="Print a unified diff, write nothing.")]
_Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the file would change.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace a different file that is in the way.")]


def add(
    module: _Module,
    base: Annotated[
        str,
        typer.Argument(
            metavar="[BASE]", help="The base config: a path, - or a name.", autocompletion=completion.base
        ),
    ] = bases.DEFAULT,
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
    scope: Annotated[
        ScopeOption | None,
        typer.Option(help="The scope of selectors that name none.", show_default="backbone"),
    ] = None,
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
    output: _Output = None,
    in_place: _InPlace = False,
    diff: _Diff = False,
    check: _Check = False,
    force: _Force = False,
    no_provenance: Annotated[
        bool, typer.Option("--no-provenance", help="Omit the line that says how the file was made.")
    ] = False,
    fix_comments: Annotated[
        bool,
        typer.Option("--fix-comments", help="Also fix index comments that were wrong before."),
    ] = False,
    modules: ModulesOption = None,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Insert a MODULE layer after the layers that --after picks, and renumber all references.

    BASE is a path, - for standard input, or a name such as yolov5n, yolov5s6 or yolo11n.

    Writes BASE_MODULE.yaml into the current folder unless told otherwise.
    """
    config = load(base)
    result = config.add(
        module,
        after,
        readers=readers or (),
        scope=scope.value if scope else "backbone",
        number=number,
        args=args,
        provenance=not no_provenance,
        fix_comments=fix_comments,
        modules=modules or (),
    )
    target = _target(config, targets.default_name(result), output, in_place)
    as_json = output_format is OutputFormat.json
    writes = not (diff or in_place or force or target == bases.STDIN)
    kept = writes and targets.keeps_edits(result, target, refuse=not check)
    if kept or (in_place and _is_made_so(config, result)):
        notes = [terminal.note("what was edited in it outside the rows is kept")] if kept else []
        outcome = "would not change" if kept and check else "unchanged"
        if as_json:
            print(rewrites.as_json(result, target, outcome, notes))
        else:
            terminal.tell([*notes, *_told(target, outcome)])
        return 0
    summary = [
        *terminal.insertion(result, scoped=scope is not None),
        *_derived(result, args, modules or ()),
        *targets.scale_note(config, target),
    ]
    how = {"diff": diff, "check": check, "force": force, "in_place": in_place, "as_json": as_json}
    code = _deliver(result, target, summary, **how)
    if not (as_json or diff or check or target == bases.STDIN):
        terminal.tell([next_steps.train(result, target, modules or ())])
    return code


def remove(
    module: _Module,
    config: _ConfigArgument,
    *,
    output: _Output = None,
    in_place: _InPlace = False,
    diff: _Diff = False,
    check: _Check = False,
    force: _Force = False,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Undo add: remove the injected MODULE layers again, byte for byte.

    Without a provenance line at the top of CONFIG every layer of that module is removed.

    Writes CONFIG without the _MODULE in its name into the current folder unless told otherwise.
    """
    loaded = load(config)
    result = loaded.remove(module)
    if output is None and not in_place and result.stem == loaded.stem and config != bases.STDIN:
        raise YamlInjectError("say where to write the result: -o FILE or --in-place")
    target = _target(loaded, f"{result.stem}.yaml", output, in_place)
    summary = [*terminal.removal(result), *_still_wrong(result, target)]
    as_json = output_format is OutputFormat.json
    how = {"diff": diff, "check": check, "force": force, "in_place": in_place, "as_json": as_json}
    return _deliver(result, target, summary, **how)


def show(config: _ConfigArgument, *, output_format: OutputOption = OutputFormat.text) -> None:
    """Print the layer table: what every layer reads, its stride and its nominal channels.

    Strides and channels follow from the rows, before any scaling.

    Unknown modules are assumed to keep both.
    """
    if output_format is OutputFormat.json:
        print(layers.as_json(load(config)))
    else:
        layers.show(sys.stdout, load(config))


def _derived(result: Rewritten, args: str | None, modules: Sequence[str]) -> Iterator[Line]:
    """How the args of a user's class were told, where they were not given."""
    name = result.rewrite.injected[0].module
    own = {} if args else user_modules.find(modules, packages=name not in recipes.names())
    if name in own:
        yield Line(f"{name} of {own[name].file.name} ({recipes.told(own[name])})", label="args")


def _is_made_so(config: Config, result: Rewritten) -> bool:
    from yamlinject.lineage.recorded import was_made_like  # only --in-place needs it

    return was_made_like(config, result)


def _still_wrong(result: Rewritten, target: str) -> Iterator[Line]:
    """That the layers left over read wrong ones, as they did before."""
    from yamlinject.checks.runner import check  # add needs none of it

    errors = [finding for finding in check(result) if finding.rule.severity == "error"]
    if errors:
        what = f"{len(errors)} error{'s' * (len(errors) > 1)}, such as: {errors[0].message}"
        more = "" if target == bases.STDIN else f" ({command_line('check', target)})"
        yield terminal.note(f"the result has {what}{more}")


def _target(config: Config, default: str, output: str | None, in_place: bool) -> str:
    """The file to write, or - for standard output."""
    if in_place:
        if output is not None:
            raise YamlInjectError("give either --output or --in-place")
        if config.path is None:
            raise YamlInjectError(
                f"--in-place needs a file to replace, and {config.label} is not one of yours"
            )
        return str(config.path)
    if output == "":
        raise YamlInjectError("--output needs the name of a file, or - for standard output")
    return output or (bases.STDIN if config.name == bases.STDIN else default)


def _deliver(
    config: Rewritten,
    target: str,
    summary: Iterable[Line],
    *,
    diff: bool,
    check: bool,
    force: bool,
    in_place: bool,
    as_json: bool,
) -> int:
    """Print or write ``config`` as requested, then report what was done; returns the exit code."""
    code, outcome = 0, "printed"
    if as_json and target == bases.STDIN:
        raise YamlInjectError("--output-format json needs standard output for itself: give -o FILE")
    if check and target == bases.STDIN:
        raise YamlInjectError("--check needs a file to compare with: give -o FILE")
    if diff and not as_json:
        terminal.emit_diff(sys.stdout, config.diff(target))
    if check:
        code = int(config.differs(target))
        outcome = f"would {'change' if code else 'not change'}"
    elif not diff and target == bases.STDIN:
        sys.stdout.buffer.write(config.to_bytes())
    elif not diff:
        written = config.save_in_place() if in_place else config.save(target, force=force)
        outcome = "wrote" if written else "unchanged"
    if as_json:
        print(rewrites.as_json(config, target, outcome, summary, config.diff(target) if diff else ()))
    else:
        terminal.tell([*summary, *_told(target, outcome)])
    return code


def _told(target: str, outcome: str) -> Iterator[Line]:
    """The line that says what became of the file."""
    if outcome.startswith("would"):
        yield Line(f"{target} {outcome}", label="checked")
    elif outcome != "printed":
        yield Line(target, "bold", label=outcome)
