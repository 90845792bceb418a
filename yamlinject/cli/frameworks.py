"""The commands that work with a framework: verify, run, register."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import FrameworkOption, ModulesOption, OutputFormat, OutputOption
from yamlinject.config import load
from yamlinject.errors import YamlInjectError
from yamlinject.library import user_modules
from yamlinject.output import next_steps, progress, summaries, terminal

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.verification.result import Verification

_DEFAULT_MODULE = "SimAM"


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
    modules: ModulesOption = None,
    imgsz: Annotated[int, typer.Option(metavar="PX", help="The size of the input image.")] = 640,
    latency: Annotated[bool, typer.Option("--latency", help="Also compare the time, in pairs.")] = False,
    trust: Annotated[bool, typer.Option("--trust", help="Run whatever the config wants to run.")] = False,
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Build CONFIG and its base in the real framework, run both, and compare; exit 1 if something is wrong.

    With identities instead of the attention, and the base's weights, its outputs must be those of the base.
    """
    import gc

    gc.enable()  # the command line runs without it, but models take 100 MB and more
    from yamlinject.output import verification as report
    from yamlinject.verification.comparison import verify

    user_modules.use(modules or ())
    loaded = load(config)
    with progress.cleared():
        result = verify(
            loaded,
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
        if result.proven and not result.problems and loaded.path:
            terminal.tell([_after(result, loaded, config, modules or (), framework, base)])
    return int(bool(result.problems))


def _after(
    result: "Verification",
    loaded: "Config",
    file: str,
    modules: list[str] | tuple[()],
    framework: str | None,
    base: str | None,
) -> terminal.Line:
    """What comes after a clean ``verify``: weights where the base's checkpoint is there, else training."""
    from yamlinject import frameworks

    checkpoint = Path(f"{result.base.name.removesuffix('.yaml')}.pt")
    if checkpoint.is_file():
        given = {"--base": base, "--framework": framework}
        options = [word for name, value in given.items() if value for word in (name, value)]
        return next_steps.weights(checkpoint, file, modules, options)
    builder = frameworks.find(framework, loaded)
    return next_steps.train(loaded, file, modules, framework=builder.name, checkout=builder.checkout)


def run(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A script, an installed command or, with -m, a module.")
    ],
    module: Annotated[bool, typer.Option("-m", help="TARGET is a module, as for python -m.")] = False,
    modules: ModulesOption = None,
) -> None:
    """Run a framework's own program so that it knows the attention modules; no file is patched.

    Everything after TARGET goes to the program unchanged, and its exit code is kept.
    """
    from yamlinject.frameworks import launch
    from yamlinject.weights import pairing

    user_modules.use(modules or ())
    warning = pairing.warning(context.args)
    if warning and os.environ.get("RANK", "0") == "0":  # of several processes, one says it
        terminal.tell([terminal.Line(warning, "yellow", label="warning", whole=True)])
    launch.run(target, context.args, module=module)


def register(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODULE] CHECKOUT",
            help="The module, also several with commas (default: SimAM, and with --undo all), and the "
            "folder that holds models/yolo.py.",
            autocompletion=completion.module_or_folder,
        ),
    ],
    *,
    module: Annotated[list[str] | None, typer.Option(metavar="MODULE", hidden=True)] = None,
    modules: ModulesOption = None,
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
    output_format: OutputOption = OutputFormat.text,
) -> int:
    """Patch a checkout of YOLOv5 so that its own scripts know a module without yamlinject.

    Puts the class into models/common.py and its name into the lists of models/yolo.py.
    """
    from yamlinject.checkout.patch import Checkout
    from yamlinject.library.recipes import canonical, names
    from yamlinject.output import rewrites

    *named, checkout = arguments
    asked = [name.strip() for text in (*named, *(module or ())) for name in text.split(",")]
    if len(named) > 1:
        raise YamlInjectError(f"give one checkout, and modules with commas: {','.join(named)} {checkout}")
    opened = Checkout.open(checkout)
    if undo:
        patch = opened.undo(canonical(name, opened.registered) for name in asked)
    else:
        asked = asked or [_DEFAULT_MODULE]
        packages = not all(canonical(name) in names() for name in asked)
        own = user_modules.find(modules or (), packages=packages)
        patch = opened.register((canonical(name, own) for name in asked), plain=plain, own_modules=own)
    written = not (diff or check)
    if written:
        patch.save()
    if output_format is OutputFormat.json:
        print(rewrites.patch_as_json(patch, checkout, written=written, diff=patch.diff() if diff else ()))
    else:
        if diff:
            terminal.emit_diff(sys.stdout, patch.diff())
        terminal.tell(summaries.patched(patch, checkout, written=written))
    return int(check and patch.changed)
