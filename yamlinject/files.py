"""The user's files: reading up to a limit, replacing as a whole, and finding their repository."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from yamlinject.core import spelling
from yamlinject.core.source import MAX_BYTES
from yamlinject.errors import SourceError, TooLargeError

if sys.platform != "win32":
    import fcntl

#: The most entries of a folder that are looked at for the name that was meant.
_MOST_ENTRIES = 1000


def read_bytes(path: Path, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most ``limit`` bytes.

    Raises :class:`TooLargeError` for a larger one, and :class:`SourceError` for what cannot be read.
    """
    try:
        data = _read(path, limit + 1, "name a YAML file", "use - to read standard input")
    except (OSError, ValueError) as error:
        meant = _meant(path) if isinstance(error, FileNotFoundError) else ""
        raise SourceError(f"cannot read it: {_reason(error)}{meant}", file=str(path)) from None
    if len(data) > limit:
        raise TooLargeError(limit, file=str(path))
    return data


def _meant(path: Path) -> str:
    """The question whether a YAML file of nearly that name was meant, in the folder of a missing one."""
    if not is_yaml(path.name):
        return ""
    stems: dict[str, str] = {}
    with suppress(OSError), os.scandir(path.parent) as entries:
        names = (entry.name for entry in islice(entries, _MOST_ENTRIES))
        stems = {Path(name).stem: name for name in names if is_yaml(name) and name != path.name}
    near = spelling.nearest(path.stem, stems, cutoff=0.75)
    return f" (did you mean {path.with_name(stems[near])}?)" if near else ""


def is_yaml(name: str) -> bool:
    """Whether a file of that name is one to look at."""
    return name.lower().endswith((".yaml", ".yml"))


def read_stdin() -> bytes:
    """What standard input holds, cut just above :data:`MAX_BYTES` so that decoding refuses it."""
    if sys.stdin is None:
        raise SourceError("standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def holds(path: Path, data: bytes) -> bool | None:
    """Whether the file at ``path`` holds just ``data``; None where there is no file yet.

    Raises :class:`SourceError` for anything there that is not a regular file.
    """
    try:
        return _read(path, len(data) + 1, "name a file to write", "use -o - for standard output") == data
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot write it: {_reason(error)}", file=str(path)) from None


def _read(path: Path, size: int, if_folder: str, if_other: str) -> bytes:
    """At most ``size`` bytes of a regular file, whatever size it says it has.

    Raises :class:`SourceError` for anything else, with what to do.
    """

    def check(status: os.stat_result) -> None:
        if stat.S_ISDIR(status.st_mode):
            raise SourceError(f"is a directory: {if_folder}", file=str(path))
        if not stat.S_ISREG(status.st_mode):
            raise SourceError(f"not a regular file: {if_other}", file=str(path))

    check(path.stat())  # opening a device may have an effect
    with open(path, "rb", opener=_open_at_once) as file:
        check(os.fstat(file.fileno()))  # it may have been replaced since
        return file.read(size) or b""  # None where a special file has no data yet


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without blocking, as opening a pipe would."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class Replacement(NamedTuple):
    """A file that was read, what it held then, and what it should hold."""

    path: Path
    before: bytes
    after: bytes


def replace_all(files: Sequence[Replacement]) -> None:
    """Write all ``files`` in order, if each of them still holds what was read from it.

    Raises :class:`SourceError`, and writes nothing, if one has changed since.
    """
    with locked(*(file.path for file in files)):
        for path, before, _ in files:
            if not holds(path, before):
                raise SourceError(
                    "has changed since it was read: nothing was written, run the command again",
                    file=str(path),
                )
        for path, _, after in files:
            write_atomic(path, after)


@contextmanager
def locked(*paths: Path) -> Iterator[None]:
    """Keep other processes of yamlinject from replacing files in the folders of ``paths`` meanwhile.

    Waits for one that does so. A lock creates no file and ends with its process. Windows and some network
    disks cannot lock folders: there two processes may still write in the same milliseconds.
    """
    folders = {os.path.dirname(os.path.realpath(path)) for path in paths}
    with ExitStack() as stack:
        for folder in sorted(folders):  # in one order, to avoid deadlocks
            stack.enter_context(_locked_folder(folder))
        yield


@contextmanager
def _locked_folder(folder: str) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # on Windows; anything else that is wrong shows when writing
        yield
        return
    try:
        if sys.platform != "win32":
            with suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_atomic(path: Path, data: bytes) -> None:
    """Replace ``path`` by ``data``; see :func:`replacing`."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write that replaces ``path`` at the end: a crash leaves the old one or the new one, whole.

    A temporary file in the same folder is written, flushed to the disk and renamed. An existing file keeps
    its mode, and its owner and group as far as we may set them; until then no one else can read what is
    written. A symbolic link keeps pointing at the (replaced) file.
    Raises :class:`SourceError` and leaves no temporary file behind when that fails.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.tmp")
    try:
        old = target.stat() if target.exists() else None
        mode = 0o666 if old is None else 0o600
        try:
            with open(temporary, "xb", opener=partial(os.open, mode=mode)) as file:
                yield file
                file.flush()
                if old is not None:
                    _make_like(file.fileno(), old)
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"cannot write it: {_reason(error)}", file=str(path)) from None
    _sync_folder(target.parent)


def _make_like(descriptor: int, old: os.stat_result) -> None:
    """Give an open file the owner, the group and the mode of ``old``, where the system has them."""
    if sys.platform == "win32":
        return
    for owner in (old.st_uid, -1):  # a user who may not change the owner may still set the group
        with suppress(OSError):
            os.fchown(descriptor, owner, old.st_gid)
            break
    mode = stat.S_IMODE(old.st_mode)
    if os.fstat(descriptor).st_gid != old.st_gid:
        mode &= ~stat.S_IRWXG  # the rights of the old group are not for another
    os.fchmod(descriptor, mode)  # last, because a change of owner clears bits


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


def repository(folder: Path) -> Path:
    """The repository that ``folder`` is in, resolved: the nearest folder upwards that holds a ``.git``.

    Where there is none, ``folder`` itself.
    """
    start = resolved(folder)
    return next((each for each in (start, *start.parents) if _is_repository(each)), start)


def left_by_link(path: Path) -> Path | None:
    """The repository that ``path`` leaves through a link, None where it stays inside.

    A file in no repository stays in its folder, and a link to a folder counts only in a repository.
    """
    for link in (path, *path.parents):
        if link.is_symlink():
            root = repository(link.parent)
            if (link == path or _is_repository(root)) and not resolved(path).is_relative_to(root):
                return root
    return None


def _is_repository(folder: Path) -> bool:
    return os.path.exists(folder / ".git")


def resolved(path: Path) -> Path:
    """``path`` without links; unlike :meth:`Path.resolve` it does not raise for a loop of them."""
    return Path(os.path.realpath(path))


def save(path: Path, data: bytes, *, force: bool) -> bool:
    """Write the file atomically unless it has those bytes already; returns whether it was written.

    Raises :class:`SourceError` when it cannot be written, or when a different file is there without
    ``force``.
    """
    with locked(path):
        found = holds(path, data)
        if found is False and not force:
            raise SourceError(
                "is there already and is different: name another file, or replace it with `force`",
                file=str(path),
            )
        if not found:
            write_atomic(path, data)
    return not found
