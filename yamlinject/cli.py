"""The command line: options in, one call into the core, rendering out."""

import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, cast

import typer

from yamlinject import __version__, bases, recipes, report, selectors
from yamlinject.config import Config, Rewritten, load
from yamlinject.errors import YamlInjectError
from yamlinject.report import Line

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Insert attention layers into YOLO model configs, and renumber everything that has to be.",
    epilog="Start with: yamlinject add SimAM --after SPPF",
    context_settings={"help_option_names": ["-h", "--help"]},
)

#: What typer raises for a wrong command line; newer versions bring their own click, older use click's.
_CommandLineError = next(
    cast(type[Exception], kind) for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


_LONGEST_MESSAGE = 1000


class ScopeOption(str, Enum):
    """``--scope``."""

    backbone = "backbone"
    head = "head"
    all = "all"


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a user's mistake is one line on stderr and 2."""
    try:
        code = app(args=list(arguments), prog_name="yamlinject", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except YamlInjectError as error:
        message = str(error)
    except BrokenPipeError:  # whoever reads the output has seen enough
        return 0
    except OSError as error:
        message = f"{error.filename or 'standard output'}: {error.strerror or error}"
    except _CommandLineError as error:
        message = getattr(error, "format_message", error.__str__)()
        context = getattr(error, "ctx", None)
        if not message:  # typer has printed the help
            return 2
        if context is not None:
            message = f"{message.rstrip('.')} (see {context.command_path} --help)"
    except (typer.Abort, KeyboardInterrupt):
        message = "interrupted"
    message = " ".join(message.split())
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    report.emit(sys.stderr, [Line(f"yamlinject: error: {message}", "red")])
    return 2


def _complete_module(incomplete: str) -> list[str]:
    return [name for name in recipes.names() if name.startswith(incomplete)]


def _complete_base(incomplete: str) -> list[str]:
    """Names of base configs, and folders and YAML files."""
    found = [name for name in bases.names() if name.startswith(incomplete)]
    folder, slash, _ = incomplete.rpartition("/")
    try:
        entries = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        return found
    for entry in entries:
        name = folder + slash + entry.name
        if name.startswith(incomplete) and (entry.is_dir() or entry.suffix in (".yaml", ".yml")):
            found.append(name + "/" * entry.is_dir())
    return found


def _complete_selector(context: typer.Context, incomplete: str) -> list[str]:
    """The modules of the base that stands on the command line, also behind a comma or a scope."""
    try:
        layers = load(_base_before(context)).layers
    except (YamlInjectError, ValueError):
        return []
    done, comma, started = incomplete.rpartition(",")
    scope, slash, _ = started.rpartition("/")
    words = dict.fromkeys(layer.module for layer in layers if not slash or scope in (layer.section, "all"))
    candidates = [scope + slash + word for word in (*words, *([] if slash else [selectors.DETECT_INPUTS]))]
    return [done + comma + word for word in candidates if word.startswith(started)]


def _base_before(context: typer.Context) -> str:
    """The base on the command line that is being completed: parsing it stops at the open option."""
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    _, _, words = re.sub(r"--after(?:[=\s]+\S*)?", "", line).partition(" add ")
    parsed = context.command.make_context("add", shlex.split(words), resilient_parsing=True)
    return str(parsed.params.get("base") or _DEFAULT_BASE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yamlinject {__version__}")
        raise typer.Exit


_DEFAULT_BASE = "yolov5s"

_Module = Annotated[
    str,
    typer.Argument(metavar="MODULE", help="Name of the module.", autocompletion=_complete_module),
]
_ConfigArgument = Annotated[
    str,
    typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=_complete_base),
]
_Output = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - is stdout.")
]
_InPlace = Annotated[bool, typer.Option("--in-place", help="Replace the file that was read.")]
_Diff = Annotated[bool, typer.Option("--diff", help="Print a unified diff, write nothing.")]
_Check = Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if the file would change.")]
_Force = Annotated[bool, typer.Option("--force", help="Replace another file that is in the way.")]


@app.callback()
def _yamlinject(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: yamlinject add SimAM yolov5s --after SPPF -o yolov5s_SimAM.yaml")
def add(
    module: _Module,
    base: Annotated[
        str,
        typer.Argument(
            metavar="[BASE]", help="The base config: a path, - or a name.", autocompletion=_complete_base
        ),
    ] = _DEFAULT_BASE,
    *,
    after: Annotated[
        list[str],
        typer.Option(
            metavar="SELECTOR",
            help="After which layers: SPPF, 9, C3@-1, C3@1:3, head/C3, detect-inputs; also several.",
            autocompletion=_complete_selector,
        ),
    ],
    scope: Annotated[
        ScopeOption, typer.Option(help="Where selectors look that name no scope.")
    ] = ScopeOption.backbone,
    number: Annotated[
        int, typer.Option(help="The new row's number; frameworks scale it when it is above 1.")
    ] = 1,
    args: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="The new row's args as a YAML list; the word channels in it is the target's count.",
        ),
    ] = None,
    output: _Output = None,
    in_place: _InPlace = False,
    diff: _Diff = False,
    check: _Check = False,
    force: _Force = False,
    no_provenance: Annotated[
        bool, typer.Option("--no-provenance", help="Write no line that says how it was made.")
    ] = False,
    fix_comments: Annotated[
        bool,
        typer.Option("--fix-comments", help="Also mend index comments that were wrong before."),
    ] = False,
) -> int:
    """Insert a MODULE layer after the layers that --after picks, and renumber all references.

    BASE is a path, - for standard input, or a name such as yolov5n, yolov5s6 or yolo11n.

    Writes BASE_MODULE.yaml into the current folder unless told otherwise.
    """
    config = load(base)
    result = config.add(
        module,
        after,
        scope=scope.value,
        number=number,
        args=args,
        provenance=not no_provenance,
        fix_comments=fix_comments,
    )
    target = _target(config, f"{config.stem}_{module}.yaml", output, in_place)
    if in_place and config.was_made_like(result):
        _tell([Line(target, "bold", label="unchanged")])
        return 0
    summary = report.insertion(result)
    code = _deliver(result, target, summary, diff=diff, check=check, force=force or in_place)
    if not (diff or check or target == bases.STDIN):
        _tell([Line(report.command("show", target), label="next")])
    return code


@app.command(epilog="Example: yamlinject remove SimAM yolov5s_SimAM.yaml -o yolov5s.yaml")
def remove(
    module: _Module,
    config: _ConfigArgument,
    *,
    output: _Output = None,
    in_place: _InPlace = False,
    diff: _Diff = False,
    check: _Check = False,
    force: _Force = False,
) -> int:
    """Undo add: take the injected MODULE layers out again, byte for byte.

    Without a provenance line at the top of CONFIG every layer of that module goes.

    Writes CONFIG without the _MODULE of its name into the current folder unless told otherwise.
    """
    loaded = load(config)
    result = loaded.remove(module)
    if output is None and not in_place and result.stem == loaded.stem and config != bases.STDIN:
        raise YamlInjectError("say where to write the result: -o FILE or --in-place")
    target = _target(loaded, f"{result.stem}.yaml", output, in_place)
    summary = report.removal(result)
    return _deliver(result, target, summary, diff=diff, check=check, force=force or in_place)


@app.command(epilog="Example: yamlinject show yolov5s_SimAM.yaml")
def show(config: _ConfigArgument) -> None:
    """Print the layer table: what every layer reads, its stride and its nominal channels.

    Strides and channels are read off the rows, before any scaling.

    A module that is not known is taken to keep both.
    """
    report.table(sys.stdout, load(config))


def _target(config: Config, default: str, output: str | None, in_place: bool) -> str:
    """The file to write, or - for standard output."""
    if in_place:
        if output is not None:
            raise YamlInjectError("give either --output or --in-place")
        if config.path is None:
            raise YamlInjectError(
                f"--in-place needs a file to replace, and {config.label} is none of yours"
            )
        return str(config.path)
    if output == "":
        raise YamlInjectError("--output needs the name of a file, or - for standard output")
    return output or (bases.STDIN if config.name == bases.STDIN else default)


def _deliver(
    config: Rewritten, target: str, summary: Iterable[Line], *, diff: bool, check: bool, force: bool
) -> int:
    """Print or write ``config`` as asked for, then tell what was done; returns the exit code."""
    code, outcome = 0, []
    if check and target == bases.STDIN:
        raise YamlInjectError("--check needs a file to compare with: give -o FILE")
    if diff:
        report.emit(sys.stdout, report.diff(config.diff(target)))
    if check:
        code = int(config.differs(target))
        outcome = [Line(f"{target} would {'change' if code else 'not change'}", label="checked")]
    elif not diff and target == bases.STDIN:
        sys.stdout.buffer.write(config.to_bytes())
    elif not diff:
        written = config.save(target, force=force)
        outcome = [Line(target, "bold", label="wrote" if written else "unchanged")]
    _tell([*summary, *outcome])
    return code


def _tell(lines: Iterable[Line]) -> None:
    report.emit(sys.stderr, lines)
