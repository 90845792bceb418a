"""The commands that work with a framework: verify, run, register."""

import sys
from enum import Enum
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.config import load
from yamlinject.output import progress, terminal

_DEFAULT_MODULE = "SimAM"


class OutputFormat(str, Enum):
    """``--output-format``."""

    text = "text"
    json = "json"


FrameworkOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|CHECKOUT", help="yolov5, ultralytics or a folder; default: the one it is written for."
    ),
]


def verify(
    config: Annotated[
        str,
        typer.Argument(metavar="CONFIG", help="A path, - or a name.", autocompletion=completion.base),
    ],
    *,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE", help="What to compare with; default: its recorded base, or a known one."
        ),
    ] = None,
    framework: FrameworkOption = None,
    imgsz: Annotated[int, typer.Option(help="The size of the input image, in pixels.")] = 640,
    latency: Annotated[bool, typer.Option("--latency", help="Also compare the time, in pairs.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run whatever the config wants to run.")] = False,
    output_format: Annotated[OutputFormat, typer.Option(help="How to print it.")] = OutputFormat.text,
) -> int:
    """Build CONFIG and its base in the real framework, run both, and compare; exit 1 if something is wrong.

    With identities instead of the attention, and the base's weights, its outputs must be those of the base.
    """
    import gc

    gc.enable()  # the command line runs without it, but models take 100 MB and more
    from yamlinject.output import verification as report
    from yamlinject.verification.comparison import verify

    with progress.cleared():
        result = verify(
            load(config),
            load(base) if base is not None else None,
            framework=framework,
            image_size=imgsz,
            latency=latency,
            trust=trust,
            progress=progress.say,
        )
    if output_format is OutputFormat.json:
        from dataclasses import asdict

        print(terminal.as_json(asdict(result)))
    else:
        terminal.emit(sys.stdout, report.lines(result, terminal.width(sys.stdout)))
    return int(bool(result.problems))


def run(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A script, an installed command or, with -m, a module.")
    ],
    module: Annotated[bool, typer.Option("-m", help="TARGET is a module, as for python -m.")] = False,
) -> None:
    """Run a framework's own program so that it knows the attention modules; no file is patched.

    Everything after TARGET goes to the program unchanged, and its exit code is kept.
    """
    from yamlinject.frameworks import launch

    launch.run(target, context.args, module=module)


def register(
    checkout: Annotated[
        str, typer.Argument(metavar="CHECKOUT", help="The folder that holds models/yolo.py.")
    ],
    *,
    module: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Which module, also several; default: SimAM, and with --undo all.",
            autocompletion=completion.module,
        ),
    ] = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain", help="SimAM as its formula alone: shorter to read, and slower in training."
        ),
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Restore the files byte for byte.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print a unified diff, write nothing.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file would change.")
    ] = False,
) -> int:
    """Patch a checkout of YOLOv5 so that its own scripts know a module without yamlinject.

    Puts the class into models/common.py and its name into the lists of models/yolo.py.
    """
    from yamlinject.checkout.patch import Checkout

    opened = Checkout.open(checkout)
    patch = opened.undo(module or ()) if undo else opened.register(module or [_DEFAULT_MODULE], plain=plain)
    if diff:
        terminal.emit_diff(sys.stdout, patch.diff())
    elif not check:
        patch.save()
    terminal.tell(terminal.patched(patch, checkout, written=not (diff or check)))
    return int(check and patch.changed)
