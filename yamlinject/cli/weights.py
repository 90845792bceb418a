"""The command weights."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yamlinject.cli import completion
from yamlinject.cli.options import FrameworkOption, ModulesOption, OutputFormat
from yamlinject.config import load
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.library import user_modules
from yamlinject.output import next_steps, progress, terminal

if TYPE_CHECKING:
    from yamlinject.weights.transfer import Transfer

_SUFFIXES = (".pt", ".pth", ".safetensors")


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
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to write, .pt or .safetensors; default: CONFIG's name with .pt.",
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BASE", help="The checkpoint's config, if CONFIG's first line does not name it."
        ),
    ] = None,
    framework: FrameworkOption = None,
    modules: ModulesOption = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="From a checkpoint of CONFIG to one of its base.")
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Run whatever the checkpoint and the config want to run.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if the file would change.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", hidden=True)] = False,
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

    user_modules.use(modules or ())
    loaded = load(config)
    if output is None and reverse and not dry_run:
        raise YamlInjectError("say where to write the checkpoint of the base: -o FILE")
    source, target = Path(checkpoint), Path(output or f"{loaded.stem}.pt")
    if target.suffix not in _SUFFIXES:
        raise SourceError("name it .pt or .safetensors", file=str(target))
    with progress.cleared():
        result = transfer(
            source,
            loaded,
            load(base) if base is not None else None,
            framework=framework,
            reverse=reverse,
            trust=trust,
            progress=progress.say,
        )
        outcome = "printed" if dry_run else _deliver(result, source, target, check=check, force=force)
    if output_format is OutputFormat.json:
        print(report.as_json(result, None if dry_run else str(target), outcome))
        return int(outcome == "would change")
    report.table(sys.stdout, result)
    if check:
        terminal.tell([terminal.Line(f"{target} {outcome}", label="checked")])
    elif not dry_run:
        terminal.tell([terminal.Line(str(target), "bold", label=outcome)])
        if not reverse and target.suffix != ".safetensors" and loaded.path:
            builder = result.builder
            following = next_steps.train(
                loaded,
                config,
                modules or (),
                checkpoint=str(target),
                framework=builder.name,
                checkout=builder.checkout,
            )
            terminal.tell([following])
    return int(outcome == "would change")


def _deliver(result: "Transfer", source: Path, target: Path, *, check: bool, force: bool) -> str:
    """Write the checkpoint as requested; returns what became of the file."""
    if target.exists() and target.samefile(source):
        raise SourceError("is the checkpoint itself, which is never replaced", file=str(target))
    same = result.is_saved(target)
    if check:
        return f"would {'not ' if same else ''}change"
    if same:
        return "unchanged"
    if same is False and not force:
        raise SourceError("is there already and is different: use `force` to replace it", file=str(target))
    result.save(target)
    return "wrote"
