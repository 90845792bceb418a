"""Replacing the modules of rows, whose references and readers stay, and taking that back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from yamlinject.core import provenance
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.fits import check_replacements
from yamlinject.core.index_comments import index_comments, renumbered
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer
from yamlinject.core.proof import expected_data
from yamlinject.core.provenance import Found, Provenance, Written
from yamlinject.core.rewrite import Rewrite, Signature, applied, check_rewritable, signed
from yamlinject.core.rows import Row
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import ConfigError, Place, RefusalError

_PLAIN_INTEGER = re.compile("[1-9][0-9]*")


class Replacement(NamedTuple):
    """Another module in the row of layer ``target``.

    ``args``: the YAML text of its args; None keeps those that are there, and so for ``number``.
    """

    target: int
    module: str
    args: str | None = None
    number: int | None = None


def replace(
    document: Document,
    replacements: Sequence[Replacement],
    *,
    fix_comments: bool = False,
    signature: Signature | None = None,
    proven: bool = True,
) -> Rewrite:
    """Replace modules, all in one rewrite; the options are those of :func:`.insertion.insert`.

    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven, and where the
    readers of a row could not read what its new module gives.
    """
    check_rewritable(document)
    new = {each.target: _layer(document.layers[each.target], each) for each in replacements}
    check_replacements(document, new)
    was: dict[int, Written] = {}
    changed: list[Edit] = []
    for each in sorted(replacements):
        was[each.target] = _was(document, each)
        changed += _edits(document.rows[each.target], each.module, each.number, each.args)
    index_map = IndexMap.inserting(len(document.rows), ())
    comments = renumbered(document, index_map, fix_comments)
    changed += comments.edits
    line = None
    if signature:
        line = Provenance(
            request=signature.request,
            digest=signature.digest,
            layers=tuple(was),
            comments=comments.restore,
            was=tuple(was.values()),
        )
        changed.append(signed(document, line))
    place = document.place(min(was))
    expected = expected_data(document, index_map, replaced=new) if proven else None
    text, after = applied(document, changed, place, expected)
    if line and after:
        _check_restored(document, after)
    replaced = tuple(new[index] for index in was)
    return Rewrite(text, index_map, (), (), comments.stale, line, document=after, replaced=replaced)


def newest_line(document: Document) -> Found:
    """The line of the newest command; raises :class:`RefusalError` where there is none that can be read."""
    if document.provenance:
        return document.provenance[0]
    edited = provenance.damaged(document.text)
    if edited is None:
        raise RefusalError(
            "it has no line '# yamlinject', so there is nothing to undo: name the file that a command wrote"
        )
    raise RefusalError(
        "its line '# yamlinject' cannot be read, so it does not tell what was done: it was edited",
        document.lines.place(edited),
    )


def restore(document: Document, found: Found, *, proven: bool = True) -> Rewrite:
    """Take back the replacement that the newest provenance line records, and the line with it.

    A result to be written must be ``proven``, as for :func:`.insertion.insert`; one that is only compared
    is read by one parser, because the line may come from anyone.
    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    check_rewritable(document)
    line, place = found.provenance, document.lines.place(found.start)
    changed = [Edit(found.start, found.end, "")]
    old: dict[int, Layer] = {}
    for index, was in zip(line.layers, line.was, strict=True):
        if index >= len(document.layers) or document.layers[index].module != line.request.module:
            raise RefusalError(
                f"layer {index} is no {line.request.module}: the file was edited after it was generated",
                place,
            )
        try:
            old[index] = _old(document, index, was)
        except ConfigError as error:
            raise RefusalError(
                f"the line does not tell what layer {index} was: {error.message}", place
            ) from None
        changed += _edits(document.rows[index], was.module, was.number or None, was.args or None)
    changed += _comment_edits(document, line.comments)
    index_map = IndexMap.inserting(len(document.rows), ())
    expected = expected_data(document, index_map, replaced=old)
    text, read = applied(document, changed, place, expected if proven else None)
    read = read or _read_again(text, expected, place)
    return Rewrite(text, index_map, (), (), (), line, document=read, replaced=tuple(old.values()))


def _layer(layer: Layer, new: Replacement) -> Layer:
    return layer._replace(
        module=new.module,
        number=layer.number if new.number is None else new.number,
        args=layer.args if new.args is None else load_values(new.args),
    )


def _was(document: Document, new: Replacement) -> Written:
    """What stands in a row where the replacement changes it."""
    row, text = document.rows[new.target], document.text
    number, module, args = (text[slice(*span)] for span in (row.number, row.module, row.args))
    place = document.lines.place(row.module.start)
    ordered = [row.span.start, *row.number, *row.module, *row.args, row.span.end]
    if ordered != sorted(ordered):
        raise RefusalError(f"{row.layer} shares its text with another place: write it out", place)
    if not _PLAIN_INTEGER.fullmatch(number) and new.number is not None:
        raise RefusalError(f"{row.layer}: write its number {number!r} as {row.layer.number}", place)
    found = Written(module, "" if new.number is None else number, "" if new.args is None else args)
    if Written.parse(str(found)) != found:
        raise RefusalError(
            f"{row.layer}: write its module and its args without YAML's other spellings", place
        )
    return found


def _old(document: Document, index: int, was: Written) -> Layer:
    """What a layer was before it was replaced; raises :class:`ConfigError` where that is no row."""
    layer = document.layers[index]
    module = load_values(was.module)
    args = _values(document, document.rows[index], was.args) if was.args else layer.args
    if not isinstance(module, str):
        raise ConfigError("its module has to be a name")
    if not isinstance(args, list):
        raise ConfigError("its args have to be a list")
    return layer._replace(module=module, number=int(was.number or layer.number), args=args)


def _read_again(text: str, expected: dict[str, Any], place: Place) -> Document:
    """``text``, in which PyYAML has to find ``expected``."""
    with suppress(ConfigError):
        read = Document.parse(text)
        if repr(read.data) == repr(expected):
            return read
    raise RefusalError("the line gives other rows than it says", place)


def _values(document: Document, row: Row, args: str) -> Any:
    """What the YAML text of args means where those of ``row`` are; lines below the first are indented."""
    return load_values(" " * (row.args.start - document.lines.at(row.args.start).start) + args)


def _edits(row: Row, module: str, number: int | str | None, args: str | None) -> Iterator[Edit]:
    yield Edit(*row.module, module)
    if number is not None:
        yield Edit(*row.number, str(number))
    if args is not None:
        yield Edit(*row.args, args)


def _comment_edits(document: Document, numbers: Mapping[int, int]) -> Iterator[Edit]:
    """Edits that set the index comments of the layers in ``numbers``."""
    for row, comment in index_comments(document):
        number = numbers.get(row.layer.index, comment.number)
        if number != comment.number:
            yield Edit(*comment.span, str(number))


def _check_restored(document: Document, after: Document) -> None:
    """Raise :class:`RefusalError` unless taking the replacement back restores ``document``."""
    problem = ""
    try:
        if restore(after, after.provenance[0], proven=False).text == document.text:
            return
    except (ConfigError, RefusalError) as error:
        problem = f": {error.message}"
    raise RefusalError(f"the rows cannot be replaced so that undo restores the file{problem}")
