"""What a rewrite is, and how its edits become a text that is proven to mean what was asked for."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from yamlinject.core import edits
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer
from yamlinject.core.proof import prove
from yamlinject.core.provenance import Provenance
from yamlinject.core.references import Change
from yamlinject.core.request import Request
from yamlinject.core.selectors import Picked
from yamlinject.errors import ConfigError, Place, RefusalError

#: What ends a line for every reader; YAML 1.1 knows more (U+0085, U+2028, U+2029).
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")


class Signature(NamedTuple):
    """What the provenance line of a rewrite records of its origin (see :class:`Provenance`)."""

    request: Request
    digest: str


class Rewrite(NamedTuple):
    """The result of an insertion, a removal or a replacement.

    ``injected``: the new layers, or none after a removal. ``replaced``: the rows that got another module.
    ``stale``: old indices of the layers whose index comment was wrong before and was left alone.
    ``provenance``: the line that was written, or that was removed.
    ``picked``: what each selector picked, where selectors said what to do.
    ``document``: the text as data and rows, where it is known without parsing.
    """

    text: str
    index_map: IndexMap
    injected: tuple[Layer, ...]
    changes: tuple[Change, ...]
    stale: tuple[int, ...]
    provenance: Provenance | None
    picked: tuple[Picked, ...] = ()
    document: Document | None = None
    replaced: tuple[Layer, ...] = ()


def check_rewritable(document: Document) -> None:
    """Raise :class:`YamlInjectError` for a document whose rows cannot be edited one by one."""
    document.check_references()
    document.check_editable()


def signed(document: Document, line: Provenance) -> Edit:
    """The edit that writes a provenance line above everything else."""
    newline = _LINE_BREAK.search(document.text)
    return Edit(0, 0, f"{line}{newline[0] if newline else chr(10)}")


def applied(
    document: Document, changed: list[Edit], place: Place, expected: dict[str, Any] | None
) -> tuple[str, Document | None]:
    """The text after the edits and, if it is proven to hold ``expected``, what it reads as.

    Raises :class:`RefusalError`, which points at ``place``, where it does not.
    """
    try:
        text = edits.apply(document.text, changed)
        return text, None if expected is None else prove(text, expected)
    except (ValueError, ConfigError) as error:
        raise RefusalError(f"rows laid out like this cannot be rewritten safely: {error}", place) from None
