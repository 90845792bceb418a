"""From a request to edits and a new text, and the proof that it means what was asked for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from yamlinject.core import edits, graph, modules, placement, provenance
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.fits import check_fits
from yamlinject.core.index_comments import index_comment, renumbered
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer
from yamlinject.core.proof import expected_data, prove
from yamlinject.core.provenance import Found, Provenance
from yamlinject.core.references import Change, kept_references, renumbered_references
from yamlinject.core.request import Request
from yamlinject.core.selectors import DETECT_INPUTS, Picked
from yamlinject.core.shifted import without_removed
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import ConfigError, Place, RefusalError

#: What ends a line for every reader; YAML 1.1 knows more (U+0085, U+2028, U+2029).
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")


class Insertion(NamedTuple):
    """One new layer ``[-1, number, module, args]`` directly below layer ``target`` of the base.

    ``args``: the YAML text of the row's args, such as ``[1024]``.
    """

    target: int
    module: str
    args: str
    number: int = 1


class Signature(NamedTuple):
    """What the provenance line of an insertion records of its origin (see :class:`Provenance`)."""

    request: Request
    digest: str


class Rewrite(NamedTuple):
    """The result of an insertion or a removal.

    ``injected``: the new layers, or none after a removal.
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


def check_targets(document: Document, targets: Sequence[int]) -> None:
    """Raise :class:`RefusalError` for the first of ``targets`` after which nothing may be inserted."""
    problems = graph.insertion_problems(document.layers)
    for target in targets:
        if problems[target]:
            last = document.layers[-1]
            hint = f"; {DETECT_INPUTS} picks the layers that it reads" if target == last.index else ""
            raise RefusalError(
                f"nothing may be inserted after {document.layers[target]}: {problems[target]}{hint}",
                document.place(target),
            )


def insert(
    document: Document,
    insertions: Sequence[Insertion],
    *,
    readers: Collection[int] | None = None,
    fix_comments: bool = False,
    signature: Signature | None = None,
    proven: bool = True,
) -> Rewrite:
    """Insert layers, all in one rewrite; those with the same target stack in the order given.

    Every reader of a target, or only those in ``readers``, reads the (last) layer injected below it; every
    other reference keeps naming the layer that it named. ``fix_comments`` also fixes index comments that
    were wrong before.
    With a ``signature`` the result begins with a provenance line.
    A result to be written must be ``proven``: read again by two parsers, and undone. One that is only
    compared with an existing file need not be.
    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    _check(document)
    check_targets(document, [insertion.target for insertion in insertions])
    targets = [new.target for new in insertions]
    kept = kept_references(document.layers, targets, readers)
    index_map = IndexMap.inserting(len(document.rows), targets, kept)
    stacks: defaultdict[int, list[Insertion]] = defaultdict(list)
    for insertion in insertions:
        stacks[insertion.target].append(insertion)
    values = {text: load_values(text) for text in {new.args for new in insertions}}
    below = {
        target: [
            Layer(index, document.layers[target].section, -1, new.number, new.module, values[new.args])
            for index, new in enumerate(stack, index_map.moved[target] + 1)
        ]
        for target, stack in stacks.items()
    }

    check_fits(document, index_map, below)
    changed, changes = renumbered_references(document, index_map)
    comments = renumbered(document, index_map, fix_comments)
    changed += comments.edits
    for target, stack in stacks.items():
        row = document.rows[target]
        separator = ", " if placement.spaced(document, row) else ","
        texts = [f"[{separator.join(('-1', str(new.number), new.module, new.args))}]" for new in stack]
        changed += placement.insertion(document, target, texts, index_map.moved[target] + 1)

    line = None
    if signature:
        line = Provenance(
            request=signature.request,
            digest=signature.digest,
            layers=index_map.injected,
            comments=comments.restore,
        )
        newline = _LINE_BREAK.search(document.text)
        changed.append(Edit(0, 0, f"{line}{newline[0] if newline else chr(10)}"))

    place = document.place(insertions[0].target)
    text = _applied(document, changed, place, expected_data(document, index_map, below) if proven else None)
    if line and proven:
        _check_undone(document, text, line.request.module, place)
    injected = tuple(layer for target in sorted(below) for layer in below[target])
    return Rewrite(text, index_map, injected, tuple(changes), comments.stale, line)


def remove(document: Document, module: str, *, proven: bool = True) -> Rewrite:
    """Remove injected layers; their readers then read what those layers read.

    If the newest provenance line is for ``module``, exactly the layers that it names are removed, and the
    line with them; without any provenance line, every layer of that module.
    A result to be written must be ``proven``, as for :func:`insert`.
    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    _check(document)
    removed = [layer.index for layer in document.layers if layer.module == module]
    if not removed:
        raise RefusalError(f"it has no {module} layer to remove")
    line, changed = None, []
    found = document.provenance
    damaged = provenance.damaged(document.text)
    if not found and damaged is not None:
        raise RefusalError(
            "its line '# yamlinject' cannot be read, so it does not tell which layers were "
            f"injected: delete it to remove every {module}",
            document.lines.place(damaged),
        )
    if found:
        line = found[0].provenance
        removed = _recorded(document, found[0], module)
        changed.append(Edit(found[0].start, found[0].end, ""))
    return _without(document, removed, changed, line, proven)


def remove_layers(document: Document, removed: Sequence[int]) -> Rewrite:
    """Remove the layers ``removed``, whatever they are; their readers then read what those layers read.

    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    _check(document)
    return _without(document, removed, [], None, proven=True)


def _without(
    document: Document, removed: Sequence[int], changed: list[Edit], line: Provenance | None, proven: bool
) -> Rewrite:
    """The rewrite that removes layers: those that ``line`` says were injected, or any without a line."""
    _check_removable(document, removed, injected=line is not None)
    index_map = IndexMap.removing(document.layers, removed)

    moved_edits, changes = renumbered_references(document, index_map)
    changed = [*changed, *moved_edits]
    restore = line.comments if line else {}
    gone = set(removed)
    for row in document.rows:
        old, new = row.layer.index, index_map.moved[row.layer.index]
        comment = index_comment(document, placement.comment_carrier(document, row, gone))
        if new < 0 or comment is None:
            continue
        number = restore.get(new, new if comment.number == old else comment.number)
        if number != comment.number:
            changed.append(Edit(*comment.span, str(number)))
    changed += placement.removal(document, removed)
    place = document.place(removed[0]) if removed else document.place(0)
    expected = expected_data(document, index_map, {})
    text = _applied(document, changed, place, expected if proven else None)
    left = None if proven else without_removed(document, changed, text, index_map, expected)
    return Rewrite(text, index_map, (), tuple(changes), (), line, document=left)


def _check(document: Document) -> None:
    document.check_references()
    document.check_editable()


def _recorded(document: Document, found: Found, module: str) -> list[int]:
    """The layers that the newest provenance line names, if they are still those of ``module``."""
    line, place = found.provenance, document.lines.place(found.start)
    if line.request.module != module:
        raise RefusalError(
            f"{line.request.module} was added last and has to be removed first",
            place,
        )
    for index in line.layers:
        if index >= len(document.layers) or document.layers[index].module != module:
            raise RefusalError(
                f"layer {index} is no {module}: the file was edited after it was generated; delete its "
                f"lines '# yamlinject' to remove every {module}",
                place,
            )
    return list(line.layers)


def _check_removable(document: Document, removed: Sequence[int], injected: bool) -> None:
    """Raise :class:`RefusalError` for a layer whose readers cannot read its input in its place.

    ``injected``: the layers are known to keep the shape of their input, because they were injected.
    """
    counts = graph.channels(document.layers, document.image_channels)
    strides = graph.strides(document.layers)
    for index in removed:
        layer = document.layers[index]
        sources = graph.sources(layer)
        problem = None
        if index == len(document.layers) - 1:
            problem = "it is the last layer"
        elif len(sources) != 1:
            problem = f"it reads {len(sources)} layers, so its readers cannot read its input instead"
        elif sources[0] == graph.IMAGE:
            problem = "it reads the image"
        elif not injected and (
            strides[index] != strides[sources[0]]
            or (counts[index] != counts[sources[0]] and modules.known(layer.module).declares_channels)
        ):
            problem = "it changes channels or stride, so its readers cannot read its input instead"
        if problem:
            raise RefusalError(f"{layer} cannot be removed: {problem}", document.place(index))


def _applied(document: Document, changed: list[Edit], place: Place, expected: dict[str, Any] | None) -> str:
    """Apply the edits, and prove that the result holds ``expected``; ``place``: where a refusal points."""
    try:
        text = edits.apply(document.text, changed)
        if expected is not None:
            prove(text, expected)
    except (ValueError, ConfigError) as error:
        raise RefusalError(f"rows laid out like this cannot be rewritten safely: {error}", place) from None
    return text


def _check_undone(document: Document, text: str, module: str, place: Place) -> None:
    """Raise :class:`RefusalError` unless removing what was injected into ``text`` restores ``document``."""
    problem = ""
    try:
        if remove(Document.parse(text), module, proven=False).text == document.text:
            return
    except (ConfigError, RefusalError) as error:
        problem = f": {error.message}"
    raise RefusalError(f"{module} cannot be inserted so that remove restores the file{problem}", place)
