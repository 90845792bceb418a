"""What ``weights`` prints: how much of a checkpoint is in place, with the new numbers and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from yamlinject.output import tables, terminal
from yamlinject.output.tables import Column, Row
from yamlinject.output.terminal import Line
from yamlinject.weights.state_dict import layer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamlinject.weights.transfer import Share, Transfer

_COLUMNS = (
    Column(),
    Column("items", right=True),
    Column("values in place", right=True),
    Column("items in the wrong layer", right=True),
)
#: How many tensors are named; the rest is counted.
_NAMED = 5


def as_json(result: Transfer, file: str | None, outcome: str) -> str:
    """One object with the content of :class:`~yamlinject.weights.transfer.Transfer`.

    ``outcome``: what became of ``file``.
    """
    shape = {
        "file": file,
        "outcome": outcome,
        "framework": result.framework,
        "base": result.base,
        "items": result.items,
        "parameters": result.parameters,
        "before": vars(result.before),
        "after": vars(result.after),
        "unfit": result.unfit,
        "fresh": result.fresh,
        "freeze": result.freeze,
        "cutoff": result.cutoff,
        "notes": result.notes,
    }
    return terminal.as_json(shape)


def table(stream: TextIO, result: Transfer) -> None:
    """Print the result of a transfer."""
    rows = [
        Row(name, *_cells(result, share))
        for name, share in (("as it is", result.before), ("renumbered", result.after))
    ]
    terminal.emit(stream, tables.table(_COLUMNS, rows))
    terminal.emit(stream, _lines(result))


def _cells(result: Transfer, share: Share) -> tuple[str, str, str]:
    part = 100 * share.parameters / max(1, result.parameters)
    return (
        f"{share.items} of {result.items}",
        f"{share.parameters:,} ({part:.1f} %)",
        str(share.misplaced or "-"),
    )


def _lines(result: Transfer) -> Iterator[Line]:
    yield Line(f"{result.base}, built by {result.framework}", label="base")
    yield from _some(result.unfit, "unfit")
    yield from _fresh(result)
    yield from _options(result)
    for note in result.notes:
        yield Line(note, "magenta", label="note")


def _fresh(result: Transfer) -> Iterator[Line]:
    """The tensors that start as the modules make them, a line for each layer."""
    by_layer: dict[int | None, list[str]] = {}
    for key in result.fresh:
        by_layer.setdefault(layer_of(key), []).append(key)
    yield from _some(by_layer.pop(None, []), "fresh")
    for index, keys in by_layer.items():
        more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
        yield Line(f"{result.target.layers[index or 0]}: {keys[0]}{more}", "yellow", label="fresh")


def _options(result: Transfer) -> Iterator[Line]:
    """Options of the training that count layers, where they are others than for the base."""
    before, after = result.freeze
    if not after or after == [before]:
        return
    if result.builder.name == "ultralytics":
        indices = after[0] if len(after) == 1 else after
        yield Line(f"freeze={before} of the base is freeze={indices} here", label="freeze")
        return
    here = " ".join(map(str, after))
    yield Line(f"--freeze {before} of the base is --freeze {here} here", label="freeze")
    if result.cutoff != before:
        yield Line(
            f"--cutoff {before} of classify/train.py is --cutoff {result.cutoff} here", label="cutoff"
        )


def _some(names: list[str], label: str) -> Iterator[Line]:
    for name in names[:_NAMED]:
        yield Line(name, "yellow", label=label)
    if len(names) > _NAMED:
        yield Line(f"and {len(names) - _NAMED} more", "yellow", label=label)
