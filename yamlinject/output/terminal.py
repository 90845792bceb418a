"""Results and messages as text: styled in a terminal, plain everywhere else."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from yamlinject.core import graph
from yamlinject.core.layer import SECTIONS, Layer, flow
from yamlinject.core.rewrite import Rewrite
from yamlinject.library import recipes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from yamlinject.checkout.patch import Patch
    from yamlinject.config import Config, Rewritten
    from yamlinject.verification.comparison import Verification


class Line(NamedTuple):
    """One line of output: an optional label before it, and a style as rich names it."""

    text: str
    style: str = ""
    label: str = ""


_LABEL_WIDTH = 10
_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_SURROGATE = re.compile("[\ud800-\udfff]")

#: What GitHub's runner takes for a command in a log: ``::name …::`` starts a line, ``##[name …]`` need not.
_COMMAND = re.compile(r"^(\s*:):|(#)#(?=\[[A-Za-z])")


def visible(text: str) -> str:
    """``text`` as one line, character by character, without anything that would not be shown as it is.

    Names come from other people's files: none may control a terminal, hide or reverse the text around it,
    or be a command to GitHub, which reads the logs of its runs.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else _UNKNOWN for char in text)
    return _COMMAND.sub(rf"\1\2{_UNKNOWN}", text)


def emit(stream: TextIO, lines: Iterable[Line]) -> None:
    """Print ``lines``, made :func:`visible`, in colour if ``stream`` is a terminal that should have it."""
    shown = (line._replace(text=visible(line.text), label=visible(line.label)) for line in lines)
    if not _is_coloured(stream):  # importing rich takes longer than a rewrite
        for line in shown:
            stream.write(f"{line.label:<{_LABEL_WIDTH * bool(line.label)}}{line.text}\n")
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line in shown:
        label = f"{line.label:<{_LABEL_WIDTH * bool(line.label)}}"
        console.print(Text.assemble((label, "bold"), (line.text, line.style)))


def tell(lines: Iterable[Line]) -> None:
    """Print ``lines`` as messages, on standard error: only results go to standard output."""
    emit(sys.stderr, lines)


def _is_coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def emit_diff(stream: TextIO, lines: Iterable[str]) -> None:
    """Print a unified diff: made visible in a terminal, unchanged elsewhere, for programs."""
    if stream.isatty():
        emit(stream, diff(lines))
    else:
        stream.writelines(f"{line}\n" for line in lines)


def as_json(value: object) -> str:
    """``value`` as JSON of printable ASCII; lone surrogates, which parsers refuse, become U+FFFD."""
    import json

    # surrogates must go before they are escaped: afterwards valid pairs of escapes look the same
    clean = json.loads(_SURROGATE.sub(_UNKNOWN, json.dumps(value, ensure_ascii=False)))
    return json.dumps(clean, indent=2).replace("\x7f", r"\u007f")


def diff(lines: Iterable[str]) -> Iterator[Line]:
    """The lines of a unified diff."""
    for line in lines:
        header = line.startswith(("--- ", "+++ "))
        yield Line(line, "bold" if header else _DIFF_STYLES.get(line[:1], ""))


def insertion(config: Rewritten) -> Iterator[Line]:
    """What :meth:`Config.add` did: the layers picked and injected, and every changed reference."""
    base, rewrite = config.base, config.rewrite
    module = rewrite.injected[0].module
    for pick in rewrite.picked:
        layers = ", ".join(f"{layer.index} {layer.module}" for layer in pick.layers)
        yield Line(f"{layers}  ({pick.selector.text})", label="picked")
    for layer in rewrite.injected:
        yield Line(f"layer {layer.index} {flow(layer.row)}", "green", label="inserted")
    yield from _changes(rewrite)
    for pick in rewrite.picked:
        if pick.outside:
            what = pick.selector.what
            yield _note(f"{pick.outside} more {what} outside this scope: --after all/{what} picks all")
    targets = Counter(layer.index for pick in rewrite.picked for layer in pick.layers)
    for index, times in targets.items():
        if times > 1:
            yield _note(f"{base.layers[index]} was picked {times} times: the layers stack")
        if base.layers[index + 1].module == module:
            yield _note(f"{base.layers[index]} already had a {module} below it: they stack")
    if module not in recipes.names():
        yield _note(f"{module} has no recipe: it is assumed to keep the shape of its input")
    if "freeze" in base.document.data:
        yield _note(
            "its 'freeze' names layers by their index and was left alone: check whether it still fits"
        )
    if rewrite.stale:
        layers = ", ".join(map(str, rewrite.stale))
        yield _note(
            f"index comments that were wrong before were left alone (layers {layers}): "
            "--fix-comments fixes them"
        )


def removal(config: Rewritten) -> Iterator[Line]:
    """What :meth:`Config.remove` did."""
    rewrite = config.rewrite
    for layer, moved in zip(config.base.layers, rewrite.index_map.moved, strict=True):
        if moved < 0:
            yield Line(f"layer {layer.index} {flow(layer.row)}", "red", label="removed")
    yield from _changes(rewrite)
    if config.exact:
        yield Line("byte for byte the base that its provenance line recorded", label="result")
    elif rewrite.provenance:
        yield _note("the file was edited after it was generated: the result is not its base")
    else:
        yield _note("it has no provenance line: every layer of the module was removed")


def _changes(rewrite: Rewrite) -> Iterator[Line]:
    for layer, from_ in rewrite.changes:
        now = rewrite.index_map.moved[layer.index]
        moved = f"  (now layer {now})" if now != layer.index else ""
        yield Line(f"{layer}: {flow(layer.from_)} -> {flow(from_)}{moved}", "yellow", label="changed")


def _note(text: str) -> Line:
    return Line(text, "magenta", label="note")


def verification(result: Verification) -> Iterator[Line]:
    """Two models side by side, what the attention is, and what is wrong."""
    base, config = result.base, result.config
    own = sum(one.gflops for one in result.attention)
    rows = [
        ("", base.name, config.name),
        ("layers", str(base.layers), str(config.layers)),
        ("parameters", f"{base.parameters:,}", f"{config.parameters:,}"),
        ("GFLOPs", _rounded(base.gflops), _rounded(config.gflops)),
        ("strides", _list(base.strides), _list(config.strides)),
        ("eval output", *_shapes(base.eval_shapes, config.eval_shapes)),
        ("train output", *_shapes(base.train_shapes, config.train_shapes)),
    ]
    if result.latency is not None:
        rows.append(("latency", "1", f"{result.latency:.3f}"))
    label_width, width = (max(len(row[column]) for row in rows) + 2 for column in (0, 1))
    for label, left, right in rows:
        yield Line(f"{label:<{label_width}}{left:<{width}}{right}", "" if label else "bold")
    for one in result.attention:
        e_lambda = "" if one.e_lambda is None else f", lambda {one.e_lambda:g}"
        what = f"{one.channels} channels, {one.parameters:,} parameters{e_lambda}"
        yield Line(f"layer {one.layer} ({one.module}): {what}", "green", label="attention")
    if result.proven:
        yield Line("with identities for the attention, the outputs are the base's", label="proven")
    if own:
        yield _note(f"{own:.2g} GFLOPs are the attention's own operations; profilers count them as zero")
    yield Line(f"by {result.framework} with an image of {result.image_size} px", label="verified")
    yield from map(_note, result.notes)
    for problem in result.problems:
        yield Line(problem, "red", label="problem")


def patched(patch: Patch, checkout: str, *, written: bool) -> Iterator[Line]:
    """What a patch of a checkout did, or would do."""
    for path, _, _ in patch.files:
        if written:
            yield Line(str(path), "bold", label="wrote")
        else:
            yield Line(f"{path} would change", label="checked")
    if not patch.changed:
        yield Line(f"{checkout} is as it should be", label="unchanged")
    yield from map(_note, patch.notes)


def _rounded(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def _shapes(left: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> tuple[str, str]:
    texts = [_list("x".join(map(str, shape)) for shape in shapes) for shapes in (left, right)]
    return texts[0], "the same" if left == right else texts[1]


def _list(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


def table(stream: TextIO, config: Config) -> None:
    """Print the layer table of a config."""
    from rich import box
    from rich.table import Table

    injected = config.injected
    counts = graph.channels(config.layers, config.document.image_channels)
    strides = graph.strides(config.layers)
    counts[-1] = strides[-1] = None  # the last layer gives predictions
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    grid.add_column("index", justify="right", no_wrap=True)
    for heading in ("from", "reads"):
        grid.add_column(heading, justify="right", overflow="fold", min_width=5)
    grid.add_column("number", justify="right", no_wrap=True)
    grid.add_column("module", no_wrap=True)
    grid.add_column("args", overflow="fold", min_width=8)
    for heading in ("stride", "channels"):
        grid.add_column(heading, justify="right", no_wrap=True)
    for section in SECTIONS:
        grid.add_row("", "", "", "", f"{section}", style="bold")
        for layer in config.layers:
            if layer.section == section:
                row = _row(layer, strides[layer.index], counts[layer.index])
                is_new = layer.index in injected
                row[0] = f"+ {row[0]}" if is_new else row[0]
                grid.add_row(*map(visible, row), style="green" if is_new else None)
        grid.add_section()
    emit(stream, [Line(config.label, "italic")])  # as the table's title it would be wrapped
    print_table(stream, grid)
    if injected:
        emit(stream, [Line("+ injected by yamlinject")])


def print_table(stream: TextIO, grid: Table) -> None:
    """Print a table; no line of it becomes a command in a log."""
    terminal = console(stream)
    if stream.isatty():
        terminal.print(grid)
        return
    with terminal.capture() as captured:
        terminal.print(grid)
    stream.writelines(f"{visible(line)}\n" for line in captured.get().splitlines())


def console(stream: TextIO) -> Console:
    """Rich's console for tables: plain and wide unless ``stream`` is a terminal with colours."""
    from rich.console import Console

    coloured = _is_coloured(stream)
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        color_system="auto" if coloured else None,
        force_terminal=coloured,
        width=None if stream.isatty() else 200,
    )


def _row(layer: Layer, stride: float | None, channels: int | None) -> list[str]:
    reads = ["image" if j == graph.IMAGE else str(j) for j in graph.sources(layer)]
    return [
        str(layer.index),
        flow(layer.from_),
        ", ".join(reads),
        str(layer.number),
        layer.module,
        flow(layer.args),
        "" if stride is None else f"{stride:g}",
        "" if channels is None else str(channels),
    ]
