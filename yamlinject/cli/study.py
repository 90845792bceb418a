"""The commands that plan a study: study new, study jobs."""

from typing import Annotated

import typer

from yamlinject.study.folder import Study

FolderArgument = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of the study.")]


def jobs(folder: FolderArgument) -> None:
    """Print the command of each training that is not done, a line each, for an engine of your own.

    They may run in any order, on any machine that sees the folder; two of the same do it once.
    """
    for command in Study.open(folder).commands():
        print(command)
