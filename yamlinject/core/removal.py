"""Removing layers: those that a provenance line names, or any that their readers can do without."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.core import graph, modules, placement, provenance, spelling
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.core.index_comments import index_comment
from yamlinject.core.index_map import IndexMap
from yamlinject.core.proof import expected_data
from yamlinject.core.provenance import Found, Provenance
from yamlinject.core.references import renumbered_references
from yamlinject.core.rewrite import Rewrite, applied, check_rewritable
from yamlinject.core.shifted import without_removed
from yamlinject.errors import RefusalError


def remove(document: Document, module: str, *, proven: bool = True) -> Rewrite:
    """Remove injected layers; their readers then read what those layers read.

    If the newest provenance line is for ``module``, exactly the layers that it names are removed, and the
    line with them; without any provenance line, every layer of that module.
    A result to be written must be ``proven``, as for :func:`.insertion.insert`.
    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    check_rewritable(document)
    removed = [layer.index for layer in document.layers if layer.module == module]
    if not removed:
        raise RefusalError(f"it has no {module} layer to remove{_what_there_is(document, module)}")
    line, changed = None, []
    found = document.provenance
    damaged = None if found else provenance.damaged(document.text)
    if damaged is not None:
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


def _what_there_is(document: Document, module: str) -> str:
    """What was added to a config that has no layer of ``module``, or else a module of its own like that."""
    requests = (line.provenance.request for line in document.provenance)
    added = dict.fromkeys(request.module for request in requests if not request.replaces)
    if added:
        return f": its lines '# yamlinject' say that {', '.join(added)} was added"
    return spelling.hint(module, (layer.module for layer in document.layers))


def remove_layers(document: Document, removed: Sequence[int]) -> Rewrite:
    """Remove the layers ``removed``, whatever they are; their readers then read what those layers read.

    Raises :class:`ConfigError` or :class:`RefusalError` where that cannot be done or proven.
    """
    check_rewritable(document)
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
    expected = expected_data(document, index_map) if proven else None
    text, left = applied(document, changed, place, expected)
    left = left or without_removed(document, changed, text, index_map, changes)
    return Rewrite(text, index_map, (), tuple(changes), (), line, document=left)


def _recorded(document: Document, found: Found, module: str) -> list[int]:
    """The layers that the newest provenance line names, if they are still those of ``module``."""
    line, place = found.provenance, document.lines.place(found.start)
    if line.request.replaces:
        raise RefusalError(
            f"{line.request.module} replaced other layers last: yamlinject undo restores them", place
        )
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
    strides = [] if injected else graph.strides(document.layers)
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
            or (
                document.channels[index] != document.channels[sources[0]]
                and modules.known(layer.module).declares_channels
            )
        ):
            problem = "it changes channels or stride, so its readers cannot read its input instead"
        if problem:
            raise RefusalError(f"{layer} cannot be removed: {problem}", document.place(index))
