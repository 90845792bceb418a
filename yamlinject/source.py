"""Bytes to text and back, without losing a byte, and the reading and writing of files.

Frameworks read a config as UTF-8 or ASCII and drop what they cannot decode, so a comment in any other
encoding is no reason to refuse a file: such bytes travel through the text as lone surrogates.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from yamlinject.errors import SourceError

#: The largest file that is read, in bytes; the largest public model config has 25 kB.
MAX_BYTES = 4 * 2**20

_TOO_LARGE = f"larger than {MAX_BYTES // 2**20} MiB, which no config or program is"

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source(NamedTuple):
    """The text of a file without its byte order mark, and whether it had one."""

    text: str
    bom: bool = False

    @classmethod
    def from_bytes(cls, data: bytes) -> Source:
        """Decode ``data``; raises :class:`SourceError` for what is no text file at all."""
        if len(data) > MAX_BYTES:
            raise SourceError(_TOO_LARGE)
        if data.startswith(_UTF16):
            raise SourceError("encoded as UTF-16, which no framework reads: save it as UTF-8")
        if b"\0" in data:
            raise SourceError("a binary file, not text")
        bom = data.startswith(_BOM)
        return cls(data[len(_BOM) * bom :].decode("utf-8", "surrogateescape"), bom)

    def to_bytes(self) -> bytes:
        """The bytes of the file: ``Source.from_bytes(data).to_bytes() == data``."""
        return _BOM * self.bom + self.text.encode("utf-8", "surrogateescape")


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most :data:`MAX_BYTES`; raises :class:`SourceError`."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError("is a directory: name a YAML file", file=str(path))
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("not a regular file: use - to read standard input", file=str(path))
        if status.st_size > MAX_BYTES:
            raise SourceError(
                f"larger than {MAX_BYTES // 2**20} MiB, which no config or program is", file=str(path)
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read it: {_reason(error)}", file=str(path)) from None


def read_stdin() -> bytes:
    """What standard input holds, cut just above :data:`MAX_BYTES` so that decoding refuses it."""
    if sys.stdin is None:
        raise SourceError("standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def holds(path: Path, data: bytes) -> bool | None:
    """Whether the file at ``path`` holds just ``data``; None where there is no file yet.

    Raises :class:`SourceError` for what is there but is no regular file.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SourceError("is a directory: name a file to write", file=str(path))
        if not stat.S_ISREG(status.st_mode):
            raise SourceError("not a regular file: use -o - for standard output", file=str(path))
        return status.st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot write it: {_reason(error)}", file=str(path)) from None


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``; see :func:`replacing`."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that replaces ``path`` at the end: a crash leaves the old one or the new one, whole.

    A temporary file in the same folder is written, flushed to the disk and renamed. An existing
    file keeps its mode, and a symbolic link keeps pointing at the (replaced) file.
    Raises :class:`SourceError` and leaves no temporary file behind when that fails.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.tmp")
    try:
        try:
            with open(temporary, "xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                os.chmod(temporary, stat.S_IMODE(target.stat().st_mode))
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"cannot write it: {_reason(error)}", file=str(path)) from None
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable where the system can (a folder cannot be opened on Windows)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
