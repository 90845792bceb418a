"""What ``add``, ``replace``, ``remove``, ``undo`` and ``register`` did, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from yamlinject.core.layer import Layer
from yamlinject.output import terminal
from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.checkout.patch import Patch
    from yamlinject.config import Rewritten


def as_json(
    config: Rewritten, file: str, outcome: str, summary: Iterable[Line], diff: Iterable[str] = ()
) -> str:
    """One object about a config that was made: the ``file``, the rows, and the ``outcome`` in a word.

    ``picked`` and ``changed`` have the indices of the base, the rows of ``injected`` those of the result.
    """
    base, rewrite = config.base, config.rewrite
    moved = rewrite.index_map.moved
    shape = {
        "file": file,
        "outcome": outcome,
        "picked": [
            {"selector": pick.selector.text, "layers": [layer.index for layer in pick.layers]}
            for pick in rewrite.picked
        ],
        "injected": [_row(layer) for layer in rewrite.injected],
        "removed": [_row(layer) for layer, now in zip(base.layers, moved, strict=True) if now < 0],
        "replaced": [
            {"index": layer.index, "was": _row(base.layers[layer.index]), "now": _row(layer)}
            for layer in rewrite.replaced
        ],
        "changed": [
            {
                "index": layer.index,
                "now": moved[layer.index],
                "module": layer.module,
                "from": layer.from_,
                "to": from_,
            }
            for layer, from_ in rewrite.changes
        ],
        "notes": _notes(summary),
        "diff": _text(diff),
    }
    return terminal.as_json(shape)


def patch_as_json(patch: Patch, checkout: str, *, written: bool, diff: Iterable[str] = ()) -> str:
    """One object about a checkout: the files that were, or would be, written."""
    shape = {
        "checkout": checkout,
        "outcome": "unchanged" if not patch.changed else "wrote" if written else "would change",
        "files": [str(path) for path, *_ in patch.files],
        "notes": list(patch.notes),
        "diff": _text(diff),
    }
    return terminal.as_json(shape)


def _row(layer: Layer) -> dict[str, Any]:
    return {
        "index": layer.index,
        "from": layer.from_,
        "number": layer.number,
        "module": layer.module,
        "args": terminal.plain(layer.args),
    }


def _notes(summary: Iterable[Line]) -> list[str]:
    return [line.text for line in summary if line.label == "note"]


def _text(diff: Iterable[str]) -> str | None:
    return "".join(f"{line}\n" for line in diff) or None
