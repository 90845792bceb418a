"""The command weights."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import FrameworkOption, OutputFormat
from yamlinject.config import load
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.output import progress, terminal


def weights(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A .pt file of the framework, or .safetensors.")
    ],
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG", help="The config with new layers.", autocompletion=completion.base
        ),
    ],
    *,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Where to write: .pt or .safetensors."),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE", help="The checkpoint's config, if CONFIG's first line does not name it."
        ),
    ] = None,
    framework: FrameworkOption = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="From a checkpoint of CONFIG to one of its base.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run whatever the checkpoint and the config want to run.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would fit.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is in the way.")] = False,
    output_format: Annotated[OutputFormat, typer.Option(help="How to print it.")] = OutputFormat.text,
) -> int:
    """Transfer a pretrained CHECKPOINT to CONFIG: every tensor under the new number of its layer.

    The result is a checkpoint that the framework's own training accepts as --weights.

    New layers start as their modules make them.
    """
    import gc

    gc.enable()  # the command line runs without it, but models take 100 MB and more
    from yamlinject.output import weights as report
    from yamlinject.weights.transfer import transfer

    if output is None and not dry_run:
        raise YamlInjectError("say where to write the result: -o FILE, or --dry-run")
    source, target = Path(checkpoint), Path(output or "")
    if output is not None:
        _check_target(source, target, force)
    with progress.cleared():
        result = transfer(
            source,
            load(config),
            load(base) if base is not None else None,
            framework=framework,
            reverse=reverse,
            trust=trust,
            progress=progress.say,
        )
    if output_format is OutputFormat.json:
        print(report.as_json(result))
    else:
        report.table(sys.stdout, result)
    if not dry_run:
        result.save(target)
        terminal.tell([terminal.Line(str(target), "bold", label="wrote")])
    return 0


def _check_target(source: Path, target: Path, force: bool) -> None:
    if target.suffix not in (".pt", ".pth", ".safetensors"):
        raise SourceError("name it .pt or .safetensors", file=str(target))
    if target.exists() and source.exists() and target.samefile(source):
        raise SourceError("is the checkpoint itself, which is never replaced", file=str(target))
    if target.exists() and not force:
        raise SourceError("is there already: use --force to replace it", file=str(target))
