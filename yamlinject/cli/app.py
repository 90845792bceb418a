"""The command line: options in, one call into the core, rendering out."""

import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, cast

import typer

from yamlinject import __version__
from yamlinject.errors import YamlInjectError
from yamlinject.output import terminal
from yamlinject.output.terminal import Line

#: Everything after the first argument belongs to the program that is run.
_PASS_THROUGH = {"allow_extra_args": True, "allow_interspersed_args": False}

#: The module of each command, its example, and its settings.
_COMMANDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "add": ("configs", "add SimAM yolov5s --after SPPF -o yolov5s_SimAM.yaml", {}),
    "replace": ("configs", "replace C3Ghost yolov5s --at C3 -o yolov5s_C3Ghost.yaml", {}),
    "remove": ("configs", "remove SimAM yolov5s_SimAM.yaml -o yolov5s.yaml", {}),
    "undo": ("configs", "undo yolov5s_C3Ghost.yaml -o yolov5s.yaml", {}),
    "show": ("showing", "show yolov5s_SimAM.yaml", {}),
    "draw": ("drawing", "draw yolov5s_SimAM.yaml -o yolov5s_SimAM.svg", {}),
    "explain": ("explaining", "explain yolov5s_SimAM.yaml", {}),
    "bases": ("listing", "bases", {}),
    "module": ("listing", "module CBAM", {}),
    "check": ("checking", "check yolov5s_SimAM.yaml", {}),
    "rule": ("checking", "rule YI301", {}),
    "verify": ("frameworks", "verify yolov5s_SimAM.yaml --framework yolov5", {}),
    "run": (
        "frameworks",
        "run yolov5 train --weights '' --cfg yolov5s_SimAM.yaml --data data.yaml",
        _PASS_THROUGH,
    ),
    "weights": ("weights", "weights yolov5s.pt yolov5s_SimAM.yaml -o yolov5s_SimAM.pt", {}),
    "register": ("frameworks", "register SimAM path/to/yolov5", {}),
    "study new": (
        "study",
        "study new ablation --base yolov5n --modules SimAM,CBAM --after SPPF --seeds 6 -- --data data.yaml",
        {},
    ),
    "study jobs": ("study", "study jobs ablation", {}),
    "study run": ("study_run", "study run ablation", {}),
    "study job": ("study_run", "study job ablation yolov5n_SimAM_SPPF 0", {}),
    "study table": ("study_results", "study table ablation --delta 0.005", {}),
    "study report": ("study_results", "study report ablation -o report.html", {}),
}

#: The commands that have commands of their own, and what they are for.
_GROUPS = {"study": "Find out whether a module helps: several configs, each trained with several seeds."}

#: What typer raises for a wrong command line; newer versions bring their own click, older use click's.
_CommandLineError = next(
    cast(type[Exception], kind) for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


_LONGEST_MESSAGE = 1000

#: Both typer and click suggest which command was meant.
_SAID_TWICE = r"( Did you mean [^?]*\?)\1"

#: Arguments of the Python functions that errors mention, and their options on the command line.
_OPTIONS = {"image_size": "imgsz"}
_ARGUMENT = "`(args|base|force|image_size|number|readers|trust)`"


def _as_option(argument: re.Match[str]) -> str:
    return f"--{_OPTIONS.get(argument[1], argument[1])}"


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a user's mistake is one line on stderr and 2."""
    try:
        named = arguments[: 2 if arguments[:1] and arguments[0] in _GROUPS else 1]
        code = app(named)(args=list(arguments), prog_name="yamlinject", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except YamlInjectError as error:
        message = re.sub(_ARGUMENT, _as_option, str(error))
    except BrokenPipeError:  # the reader of the output has seen enough
        return 0
    except OSError as error:
        message = f"{error.filename or 'standard output'}: {error.strerror or error}"
    except _CommandLineError as error:
        message = re.sub(_SAID_TWICE, r"\1", getattr(error, "format_message", error.__str__)())
        if "'--before'" in message:
            message = "there is no --before: give --after the layer above"
        context = getattr(error, "ctx", None)
        if not message:  # typer has printed the help
            return 2
        words = ["yamlinject", *(word for word in named if not word.startswith("-"))]
        command = context.command_path if context else " ".join(words)  # none where a value is missing
        message = f"{message.rstrip('.')} (see {command} --help)"
    except (typer.Abort, KeyboardInterrupt):
        message = "interrupted"
    message = " ".join(message.split())
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    with suppress(OSError):  # of the results, which may be what the message is about
        sys.stdout.flush()
    terminal.emit(sys.stderr, [Line(f"yamlinject: error: {message}", "red")])
    return 2


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"yamlinject {__version__}")
        raise typer.Exit


def _yamlinject(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    pass


def app(first: Sequence[str] = ()) -> typer.Typer:
    """The program: with the one command that ``first`` names, to save imports, or with all."""
    program = _group(
        "Insert attention layers into YOLO model configs, and renumber all that depends on them."
    )
    program.info.epilog = "Start with: yamlinject add SimAM --after SPPF"
    program.callback()(_yamlinject)
    groups = {name: _group(help_) for name, help_ in _GROUPS.items()}
    asked = {" ".join(first)} & _COMMANDS.keys()
    for path in asked or [path for path in _COMMANDS if path.split()[0] in first] or _COMMANDS:
        module, example, settings = _COMMANDS[path]
        *group, name = path.split()
        function = getattr(import_module(f"yamlinject.cli.{module}"), name)
        owner = groups[group[0]] if group else program
        owner.command(name, epilog=f"Example: yamlinject {example}", context_settings=settings)(function)
    for name, one in groups.items():
        if one.registered_commands:
            program.add_typer(one, name=name)
    return program


def _group(help_: str) -> typer.Typer:
    return typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        help=help_,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
