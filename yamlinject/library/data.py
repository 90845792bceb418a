"""Finding the files of ``templates/``: base configs and module recipes."""

from __future__ import annotations

from pathlib import Path

# Not importlib.resources: importing it takes a third as long as importing everything else here.
_PACKAGE = Path(__file__).parent.parent


def template(*path: str) -> Path:
    """A file or folder of ``templates/``: inside the package in a wheel, beside it in a checkout."""
    packaged = _PACKAGE / "templates"
    return (packaged if packaged.is_dir() else _PACKAGE.parent / "templates").joinpath(*path)


def stems(folder: str) -> list[str]:
    """The names, without ``.yaml``, of the files of a folder of ``templates/``."""
    return sorted(file.stem for file in template(folder).glob("*.yaml"))
