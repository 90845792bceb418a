"""Inserting layers: from what is asked for to edits, and a new text with its provenance line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from yamlinject.core import graph, placement
from yamlinject.core.document import Document
from yamlinject.core.fits import check_fits
from yamlinject.core.index_comments import renumbered
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import Layer, as_flow
from yamlinject.core.proof import expected_data
from yamlinject.core.provenance import Provenance
from yamlinject.core.references import kept_references, renumbered_references
from yamlinject.core.removal import remove
from yamlinject.core.rewrite import Rewrite, Signature, applied, check_rewritable, signed
from yamlinject.core.selectors import DETECT_INPUTS
from yamlinject.errors import ConfigError, Place, RefusalError


class Insertion(NamedTuple):
    """One new layer ``[-1, number, module, args]`` directly below layer ``target`` of the base.

    ``args``: as they are read from the row, in which mappings are sorted.
    """

    target: int
    module: str
    args: list[Any]
    number: int = 1


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
    check_rewritable(document)
    check_targets(document, [insertion.target for insertion in insertions])
    targets = [new.target for new in insertions]
    kept = kept_references(document.layers, targets, readers)
    index_map = IndexMap.inserting(len(document.rows), targets, kept)
    stacks: defaultdict[int, list[Insertion]] = defaultdict(list)
    for insertion in insertions:
        stacks[insertion.target].append(insertion)
    below = {
        target: [
            Layer(index, document.layers[target].section, -1, new.number, new.module, new.args)
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
        texts = [
            f"[{separator.join(('-1', str(new.number), new.module, as_flow(new.args)))}]" for new in stack
        ]
        changed += placement.insertion(document, target, texts, index_map.moved[target] + 1)

    line = None
    if signature:
        line = Provenance(
            request=signature.request,
            digest=signature.digest,
            layers=index_map.injected,
            comments=comments.restore,
        )
        changed.append(signed(document, line))

    place = document.place(insertions[0].target)
    expected = expected_data(document, index_map, below) if proven else None
    text, after = applied(document, changed, place, expected)
    if line and after:
        _check_undone(document, after, line.request.module, place)
    injected = tuple(layer for target in sorted(below) for layer in below[target])
    return Rewrite(text, index_map, injected, tuple(changes), comments.stale, line, document=after)


def _check_undone(document: Document, after: Document, module: str, place: Place) -> None:
    """Raise :class:`RefusalError` unless removing what was injected restores ``document``."""
    problem = ""
    try:
        if remove(after, module, proven=False).text == document.text:
            return
    except (ConfigError, RefusalError) as error:
        problem = f": {error.message}"
    raise RefusalError(f"{module} cannot be inserted so that remove restores the file{problem}", place)
