"""A log that keeps how something began and how it ended, however much it says between."""

from __future__ import annotations

from pathlib import Path

#: The bytes that are kept of the beginning, and at least of the end.
_HEAD, _TAIL = 2**20, 2**20


class BoundedLog:
    """A file to write to, which is never larger than about 3 MiB, nor older than what was written last."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)
        self._left_out = 0
        #: Where the part after the beginning starts: before it stands what is said of what was left out.
        self._tail_at = _HEAD

    def __enter__(self) -> BoundedLog:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Append ``data``; raises :class:`OSError` when that fails."""
        while data:  # a pipe gives little at a time, but anything may be written
            part, data = data[:_TAIL], data[_TAIL:]
            if self._file.tell() + len(part) > self._tail_at + 2 * _TAIL:
                self._shorten()
            written = 0
            while written < len(part):  # a disk that is nearly full takes a part
                written += self._file.write(part[written:])

    def last_line(self) -> str:
        """The last line that has something in it, as programs that fail say why there."""
        self._file.seek(max(0, self._file.seek(0, 2) - 2**14))
        lines = self._file.read().decode("utf-8", errors="replace").replace("\r", "\n").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _shorten(self) -> None:
        end = self._file.tell()
        self._file.seek(end - _TAIL)
        tail = self._file.read()
        self._left_out += end - _TAIL - self._tail_at
        self._file.seek(_HEAD)
        self._file.truncate()
        self._file.write(f"\n\n... {self._left_out:,} bytes left out ...\n\n".encode("ascii"))
        self._tail_at = self._file.tell()
        self._file.write(tail)
