"""Bytes to text and back, without losing a byte.

Frameworks read a config as UTF-8 or ASCII and drop what they cannot decode, so a comment in any other
encoding is no reason to refuse a file: such bytes are kept in the text as lone surrogates.
"""

from __future__ import annotations

from typing import NamedTuple

from yamlinject.errors import SourceError, TooLargeError

#: The largest file that is read, in bytes; the largest public model config has 25 kB.
MAX_BYTES = 4 * 2**20

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Source(NamedTuple):
    """The text of a file without its byte order mark, and whether it had one."""

    text: str
    bom: bool = False

    @classmethod
    def from_bytes(cls, data: bytes) -> Source:
        """Decode ``data``; raises :class:`SourceError` if it is not a text file."""
        if len(data) > MAX_BYTES:
            raise TooLargeError(MAX_BYTES)
        if data.startswith(_UTF16):
            raise SourceError("encoded as UTF-16, which no framework reads: save it as UTF-8")
        if b"\0" in data:
            raise SourceError("a binary file, not text")
        bom = data.startswith(_BOM)
        return cls(data[len(_BOM) * bom :].decode("utf-8", "surrogateescape"), bom)

    def to_bytes(self) -> bytes:
        """The bytes of the file: ``Source.from_bytes(data).to_bytes() == data``."""
        return _BOM * self.bom + self.text.encode("utf-8", "surrogateescape")
