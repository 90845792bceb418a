"""The commands that work with a framework: run."""

from typing import Annotated

import typer


def run(
    context: typer.Context,
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A script, an installed command, or with -m a module.")
    ],
    module: Annotated[bool, typer.Option("-m", help="TARGET is a module, as for python -m.")] = False,
) -> None:
    """Run a framework's own program with the attention modules known to it; no file is patched.

    Everything after TARGET goes to the program as it stands, and its exit code is kept.
    """
    from yamlinject.frameworks import launch

    launch.run(target, context.args, module=module)
