"""Random valid model configs, as text in every style, and random places to inject layers.

What a config means is known from how it was built: nothing here comes from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import strategies as st

Row = list[Any]
Style = Literal["next-line", "own-lines", "key-line", "leading-comma", "one-line", "dash", "dash-flush"]

STYLES: tuple[Style, ...] = (
    "next-line",
    "own-lines",
    "key-line",
    "leading-comma",
    "one-line",
    "dash",
    "dash-flush",
)
#: Styles in which every row has its own lines.
LINE_STYLES: tuple[Style, ...] = ("own-lines", "dash", "dash-flush")
NEWLINES = ("\n", "\r\n", "\r")
BOM = b"\xef\xbb\xbf"

_WORDS = (
    "join",
    "P4",
    "3x3",
    "20*20*512",
    "1/8",
    "主干",
    "é # 1",
    "[-1, 1, Conv, [8]],",
    "- [1]",
    "\t",
    "'\"",
)
_INDEX_FORMS = ("# {}", "#{}", "# {}-P3/8", "# {} (P3/8-small)", "#  {} layer", "#\t{}")


@dataclass
class Model:
    """A config as rows, with the nominal channels of every layer."""

    backbone: list[Row]
    head: list[Row]
    channels: list[int] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        return self.backbone + self.head


@dataclass
class Sample:
    """A model, and a file that describes it."""

    model: Model
    data: bytes

    @property
    def targets(self) -> range:
        """The layers after which one may be injected: all but the last."""
        return range(len(self.model.rows) - 1)


def _written(draw: st.DrawFn, index: int, source: int) -> int:
    """A reference of layer ``index`` to ``source``, absolute or relative."""
    return draw(st.sampled_from([source, source - index]))


@st.composite
def models(draw: st.DrawFn, max_layers: int = 9) -> Model:
    """A backbone and a head whose layers read any earlier layers, the last one being Detect."""
    size = draw(st.integers(3, max_layers))
    rows: list[Row] = []
    channels: list[int] = []
    for index in range(size):
        last = index == size - 1
        kinds = ["Conv"] if index == 0 else ["Conv", "C3", "SPPF", "nn.Upsample", "Concat", "SimAM"]
        module = "Detect" if last else draw(st.sampled_from(kinds))
        number = 1 if last else draw(st.sampled_from([1, 1, 3]))
        earlier = st.integers(0, max(index - 1, 0))
        if module in ("Concat", "Detect"):
            sources = draw(st.lists(earlier, min_size=1, max_size=3))
            from_: int | list[int] = [_written(draw, index, source) for source in sources]
        else:
            sources = [draw(earlier)] if index else []
            from_ = _written(draw, index, sources[0]) if sources else -1
        if module == "Detect":
            rows.append([from_, number, module, ["nc"]])
            break
        if module == "Concat":
            channels.append(sum(channels[source] for source in sources))
            args: list[Any] = [1]
        elif module == "nn.Upsample":
            channels.append(channels[sources[0]])
            args = ["None", 2, "nearest"]
        elif module == "SimAM":
            channels.append(channels[sources[0]])
            args = draw(st.sampled_from([[], [0.0001]]))
        else:
            channels.append(draw(st.sampled_from([16, 24, 64, 1024])))
            more: list[Any] = draw(st.sampled_from([[], [3, 2], [False]]))
            args = [channels[-1], *more]
        rows.append([from_, number, module, args])
    border = draw(st.integers(1, size - 1))
    return Model(rows[:border], rows[border:], channels)


def _flow(value: Any, space: str) -> str:
    if isinstance(value, list):
        return "[" + f",{space}".join(_flow(item, space) for item in value) + "]"
    return str(value)


def _comment(draw: st.DrawFn, index: int) -> str:
    """Nothing, words, or an index comment that may be wrong."""
    kind = draw(st.sampled_from(["none", "none", "words", "right", "right", "wrong"]))
    if kind == "none":
        return ""
    if kind == "words":
        return "  # " + draw(st.sampled_from(_WORDS))
    number = index if kind == "right" else draw(st.integers(0, 12))
    return draw(st.sampled_from(["  ", " "])) + draw(st.sampled_from(_INDEX_FORMS)).format(number)


def _between(draw: st.DrawFn) -> list[str]:
    """Lines that may come between rows."""
    lines = ["", "   # [[-1, 2], 1, Concat, [1]],  # 3", "# 4", "  #"]
    return draw(st.lists(st.sampled_from(lines), max_size=2)) if draw(st.integers(0, 3)) == 0 else []


def _section(
    draw: st.DrawFn, key: str, rows: list[Row], first: int, styles: tuple[Style, ...]
) -> list[str]:
    style = draw(st.sampled_from(styles))
    space = draw(st.sampled_from(["", " "]))
    texts = [_flow(row, space) for row in rows]
    comments = [_comment(draw, index) for index in range(first, first + len(rows))]
    last = len(rows) - 1
    if style == "one-line":
        return [f"{key}: [{f',{space}'.join(texts)}]{comments[last]}"]
    lines: list[str] = []
    if style in ("dash", "dash-flush"):
        indent = "  " if style == "dash" else ""
        dash = draw(st.sampled_from(["- ", "-   "]))
        for text, comment in zip(texts, comments, strict=True):
            lines += [*_between(draw), f"{indent}{dash}{text}{comment}"]
        return [f"{key}:", *lines]
    if style == "leading-comma":
        for number, (text, comment) in enumerate(zip(texts, comments, strict=True)):
            lines.append(f"  {',' if number else '['} {text}{comment}")
        return [f"{key}:", *lines, "  ]"]
    final_comma = draw(st.sampled_from(["", ","]))
    closed_there = style != "own-lines" and draw(st.booleans())
    for number, (text, comment) in enumerate(zip(texts, comments, strict=True)):
        comma = "," if number < last else final_comma
        end = "]" if number == last and closed_there else ""
        lead = "    "
        if number == 0 and style != "own-lines":
            lead = "   [" if style == "next-line" else f"{key}: ["
        lines += [*(_between(draw) if number else []), f"{lead}{text}{comma}{end}{comment}"]
    if not closed_there:
        lines.append("  ]")
    opening = {"next-line": [f"{key}:"], "own-lines": [f"{key}: ["], "key-line": []}[style]
    return [*opening, *lines]


@st.composite
def samples(
    draw: st.DrawFn, max_layers: int = 9, styles: tuple[Style, ...] = STYLES, newlines: bool = True
) -> Sample:
    """A model and its file: styles, comments, blank lines, order of keys, line breaks, BOM at random."""
    model = draw(models(max_layers))
    blocks = [
        _section(draw, "backbone", model.backbone, 0, styles),
        _section(draw, "head", model.head, len(model.backbone), styles),
        draw(st.sampled_from([["nc: 3"], ["nc: 3  # 80", "anchors: [[10,13, 16,30]]"], ["# 1", "nc: 3"]])),
    ]
    blocks = draw(st.permutations(blocks))
    lines = [*_between(draw), *(line for block in blocks for line in [*block, *_between(draw)])]
    newline = draw(st.sampled_from(NEWLINES)) if newlines else "\n"
    text = newline.join(lines)
    if draw(st.integers(0, 3)):
        text += newline
    return Sample(model, BOM * (newlines and draw(st.booleans())) + text.encode())


@st.composite
def picks(draw: st.DrawFn, sample: Sample) -> list[int]:
    """Layers to inject one below, in any order; a layer listed twice gets two."""
    return draw(st.lists(st.sampled_from(sample.targets), min_size=1, max_size=4))
