"""What ``show`` prints: the layers of a config as a table, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from yamlinject.core import graph, provenance, scaling
from yamlinject.core.layer import SECTIONS, Layer, flow
from yamlinject.errors import YamlInjectError, named
from yamlinject.output import terminal
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.checks.findings import Finding
    from yamlinject.config import Config

_COLUMNS = (
    Column("index", right=True),
    Column("from", right=True, folds=True),
    Column("number", right=True, folds=True),
    Column("module", folds=True),
    Column("args", folds=True),
    Column("stride", right=True),
    Column("nominal\nchannels", right=True, folds=True),
)
#: What is built of a row in a scale.
_BUILT = (
    Column("built\nnumber", right=True),
    Column("built\nargs", folds=True),
    Column("built\nchannels", right=True),
)
_LEGEND = {
    "!": "reads wrong layers",
    "+": "injected by yamlinject",
    "*": "replaced by yamlinject",
    "~": "rewired: its 'from' has other numbers than before the insertion",
}
_STYLES = {"!": "red", "+": "green", "*": "cyan", "~": "yellow"}
#: The rules of what a layer reads.
_OF_REFERENCES = {"YI101", "YI102", "YI103", "YI104", "YI106", "YI301", "YI302"}

#: The most columns of a table if there is no terminal.
_WIDEST = 200


def show(stream: TextIO, config: Config, found: Sequence[Finding], scale: str = "") -> None:
    """Print the layer table of a config, marking the rows that an insertion made or changed.

    ``found``: what :func:`check` finds, of which those of references stand below the table. ``scale``: what
    is built in it is shown too.
    """
    from yamlinject.checks.findings import Checked
    from yamlinject.output import findings  # add, which uses this module too, needs none of the rules

    about = _about_references(found)
    marks = {"!": _wrong(config, about), **_marks(config)}
    described = cells(config, scale)
    rows: list[Row | str] = []
    for section in SECTIONS:
        rows.append(section)
        for layer in config.parsed.layers:
            if layer.section != section:
                continue
            mark = next((mark for mark in marks if layer.index in marks[mark]), "")
            index, *others = described[layer.index]
            rows.append(Row(f"{mark} {index}".lstrip(), *others, style=_STYLES.get(mark, "")))
    terminal.emit(stream, [Line(config.label, "italic", whole=True)])
    terminal.emit(stream, table(columns(scale), rows, terminal.width(stream) or _WIDEST))
    terminal.emit(stream, (Line(f"{mark} {_LEGEND[mark]}") for mark, layers in marks.items() if layers))
    checked = Checked(config.label, tuple(about))
    terminal.emit(stream, findings.text([checked], terminal.width(stream)))


def columns(scale: str = "") -> tuple[Column, ...]:
    """The columns of the layer table."""
    return (*_COLUMNS, *_BUILT) if scale else _COLUMNS


def cells(config: Config, scale: str = "") -> list[tuple[str, ...]]:
    """What the layer table says of each layer, in the order of :func:`columns`."""
    counts, strides = _channels_and_strides(config)
    built = _built(config, scale)
    return [
        (
            str(layer.index),
            _from(layer),
            str(layer.number),
            layer.module,
            flow(layer.args),
            "" if (stride := strides[layer.index]) is None else f"{stride:g}",
            "" if (count := counts[layer.index]) is None else str(count),
            *(() if built is None else _cells(*built[layer.index])),
        )
        for layer in config.parsed.layers
    ]


def _built(config: Config, scale: str) -> list[tuple[Layer, int | None]] | None:
    """Each layer as it is built in a scale, with its channels; None without one."""
    if not scale:
        return None
    with named(config.label):
        by = scaling.multiples(config.parsed.data, scale, config.stem)
    layers, counts = scaling.scaled(config.parsed.layers, by, config.parsed.image_channels)
    counts[-1] = None  # the last layer gives predictions
    return list(zip(layers, counts, strict=True))


def _cells(layer: Layer, count: int | None) -> tuple[str, str, str]:
    return str(layer.number), flow(layer.args), "" if count is None else str(count)


def _about_references(found: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.rule.code in _OF_REFERENCES]


def _wrong(config: Config, found: Iterable[Finding]) -> set[int]:
    """The layers that errors of references are in."""
    document = config.parsed
    places = [finding.start for finding in found if finding.start and finding.rule.severity == "error"]
    return {
        row.layer.index
        for row in document.rows
        for place in places
        if document.lines.place(row.span.start) <= place < document.lines.place(row.span.end)
    }


def _marks(config: Config) -> dict[str, set[int]]:
    """The layers that get each mark; of two that one could have, it gets the first."""
    replaced = provenance.replaced(config.parsed.provenance)
    return {"+": config.injected, "*": replaced, "~": _rewired(config)}


def as_json(config: Config, found: Sequence[Finding], scale: str = "") -> str:
    """One object with file and layers: for each its row, what it reads, stride and nominal channels.

    ``found`` and ``scale`` are as in :func:`show`.
    """
    from yamlinject.output import findings

    about = _about_references(found)
    wrong = _wrong(config, about)
    injected, replaced, rewired = _marks(config).values()
    counts, strides = _channels_and_strides(config)
    built = _built(config, scale)
    layers: list[dict[str, Any]] = [
        {
            "index": layer.index,
            "section": layer.section,
            "from": layer.from_,
            "reads": [None if source == graph.IMAGE else source for source in graph.sources(layer)],
            "number": layer.number,
            "module": layer.module,
            "args": terminal.plain(layer.args),
            "stride": strides[layer.index],
            "nominal_channels": counts[layer.index],
            "injected": layer.index in injected,
            "replaced": layer.index in replaced,
            "rewired": layer.index in rewired,
            "wrong": layer.index in wrong,
            "built": None if built is None else _as_data(*built[layer.index]),
        }
        for layer in config.parsed.layers
    ]
    below = [findings.plain(config.label, finding) for finding in about]
    return terminal.as_json({"file": config.label, "layers": layers, "findings": below})


def _as_data(layer: Layer, count: int | None) -> dict[str, Any]:
    return {"number": layer.number, "args": terminal.plain(layer.args), "channels": count}


def _channels_and_strides(config: Config) -> tuple[list[int | None], list[float | None]]:
    layers = config.parsed.layers
    counts, strides = [*config.parsed.channels], graph.strides(layers)
    counts[-1] = strides[-1] = None  # the last layer gives predictions
    return counts, strides


def _from(layer: Layer) -> str:
    """``from`` as written, with the layer that it means if it counts back by more than one."""
    if all(reference >= -1 for reference in layer.references):
        return flow(layer.from_)
    sources = ("image" if source == graph.IMAGE else str(source) for source in graph.sources(layer))
    return f"{flow(layer.from_)} = {', '.join(sources)}"


def _rewired(config: Config) -> set[int]:
    """The layers whose references the insertions recorded in provenance lines have changed."""
    config_then, index_then = config, list(range(len(config.parsed.layers)))
    try:
        while config_then.parsed.provenance:
            undone = config_then.undone
            index_then = [
                undone.rewrite.index_map.moved[index] if index >= 0 else -1 for index in index_then
            ]
            config_then = undone
        before = config_then.layers
    except YamlInjectError:  # it was edited since
        return set()
    return {
        layer.index
        for layer, then in zip(config.parsed.layers, index_then, strict=True)
        if then >= 0 and before[then].references != layer.references
    }
