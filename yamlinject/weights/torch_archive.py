"""The records of a file of ``torch.save``: a zip archive, read as strictly as torch writes it."""

from __future__ import annotations

import os
import struct
import sys
from io import BufferedReader
from operator import attrgetter
from zipfile import ZIP_STORED, ZipFile

from yamlinject.errors import SourceError

_LOCAL_HEADER = struct.Struct("<4s22xHH")


def foreign(why: str) -> SourceError:
    """The error for a file that ``torch.save`` did not write, or that was damaged since."""
    return SourceError(f"not a checkpoint: {why}")


class Archive:
    """The records in the folder that the pickle is in; they are uncompressed and do not overlap.

    Raises :class:`SourceError`, and what :mod:`zipfile` raises.
    """

    def __init__(self, stream: BufferedReader) -> None:
        if stream.read(2) != b"PK":
            raise SourceError(
                "not a checkpoint, or one from before torch 1.6: save it again with a newer torch"
            )
        self._stream = stream
        self._places: dict[str, tuple[int, int]] = {}
        self._find()
        pickles = [name for name in self._places if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise foreign(f"it holds {len(pickles) or 'no'} pickles")
        self._folder = pickles[0].removesuffix("data.pkl")
        order = self.read("byteorder") if "byteorder" in self else b"little"
        if order != sys.byteorder.encode():
            raise foreign("it is from a machine with another order of bytes")

    def __contains__(self, name: str) -> bool:
        return self._folder + name in self._places

    def read(self, name: str) -> bytearray:
        """The bytes of a record; its checksum is ignored, because torch may omit it."""
        if name not in self:
            raise foreign(f"there is no {name} in it")
        start, size = self._places[self._folder + name]
        content = bytearray(size)
        self._stream.seek(start)
        if self._stream.readinto(content) != size:
            raise foreign("it is cut short")
        return content

    def _find(self) -> None:
        with ZipFile(self._stream) as archive:
            entries = sorted(archive.infolist(), key=attrgetter("header_offset"))
        if any(entry.filename.endswith("/constants.pkl") for entry in entries):
            raise foreign("it is a program of TorchScript")
        end = 0
        for entry in entries:
            size = entry.file_size
            if entry.compress_type != ZIP_STORED or entry.compress_size != size or entry.flag_bits & 1:
                raise foreign("a record is compressed, which torch does not do")
            if entry.header_offset < end or entry.filename in self._places:
                raise foreign("two records have the same place or name")
            start = self._start(entry.header_offset)
            self._places[entry.filename] = start, size
            end = start + size
        if end > os.fstat(self._stream.fileno()).st_size:
            raise foreign("it is cut short")

    def _start(self, header: int) -> int:
        """Where the bytes of a record are; the header before them gives its own length."""
        self._stream.seek(header)
        mark, name, extra = _LOCAL_HEADER.unpack(self._stream.read(_LOCAL_HEADER.size))
        if mark != b"PK\3\4":
            raise foreign("a record is not where it should be")
        return header + _LOCAL_HEADER.size + int(name) + int(extra)
