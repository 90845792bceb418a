"""The exceptions of yamlinject: one line each, with file, line and column where they are known."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Place(NamedTuple):
    """A line and a column of a file, counted from 1."""

    line: int
    column: int


class YamlInjectError(Exception):
    """Something that the user can fix; ``str()`` gives ``FILE:LINE:COL: what and what to do``.

    The core knows no file names: the caller that reads the file adds the name with :func:`named`.
    """

    def __init__(self, message: str, place: Place | None = None, *, file: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.file = file

    def __str__(self) -> str:
        where = [part for part in (self.file, *(self.place or ())) if part is not None]
        return "".join(f"{part}:" for part in where) + " " * bool(where) + self.message


class SourceError(YamlInjectError):
    """A file, or a base config's name, that cannot be read or written."""


class TooLargeError(SourceError):
    """A file of more than ``limit`` bytes, the most that is read."""

    def __init__(self, limit: int, *, file: str | None = None) -> None:
        super().__init__(f"larger than {limit // 2**20} MiB, which no config or program is", file=file)


class ConfigError(YamlInjectError):
    """A text that is not a model config, or not one that a framework could build."""


class InvalidYamlError(ConfigError):
    """A text that PyYAML cannot read, or that cannot be a config."""


class DuplicateKeyError(ConfigError):
    """A key that occurs twice in one mapping."""


class MalformedRowError(ConfigError):
    """A row that is not ``[from, number, module, args]``."""


class SelectorError(YamlInjectError):
    """A selector that is malformed or picks nothing."""


class RefusalError(YamlInjectError):
    """A rewrite that is possible as text but would not mean what the user asked for."""


@contextmanager
def named(file: str) -> Iterator[None]:
    """Add ``file`` to every error raised in the block that has no file name yet."""
    try:
        yield
    except YamlInjectError as error:
        error.file = error.file or file
        raise


@contextmanager
def importing(library: str, wanted: str) -> Iterator[None]:
    """Say in one line why the block cannot import ``library``; ``wanted``: what pip is to install."""
    try:
        yield
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == library:
            raise YamlInjectError(f"{library} is not installed: pip install {wanted}") from None
        raise YamlInjectError(
            f"{library} cannot be imported: {error}; pip install {wanted} gets what it needs"
        ) from None
    except OSError as error:  # the system cannot load a part of it
        raise YamlInjectError(
            f"{library} cannot be imported: {error}; install a build of it that is for this machine"
        ) from None
