"""A picture as a flowchart of Mermaid, which issues and README files of GitHub and GitLab show.

Mermaid lays it out itself; rows are kept together as subgraphs.
"""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.drawing import text
from yamlinject.drawing.picture import Picture
from yamlinject.drawing.themes import DASHES, MEANINGS, THEMES, Mark, Theme

#: What may stand in a label of Mermaid as it is, besides letters and digits.
_PLAIN = " ,._-+()×"  # noqa: RUF001


def mermaid(picture: Picture, theme: Theme = "light", title: str = "") -> str:
    """The picture as the text of a ``.mmd`` file; ``title``: instead of the config's name."""
    return "\n".join(_lines(picture, theme, title or picture.name)) + "\n"


def _lines(picture: Picture, theme: Theme, title: str) -> Iterator[str]:
    yield f"%% {text.printable(title)}"
    yield "flowchart TD"
    for row, stride in enumerate(picture.grid.strides):
        level, size = picture.labels(stride)
        inside = [
            number
            for number, place in enumerate(picture.grid.places)
            if place.row == row and number not in picture.grid.heads
        ]
        yield (
            f'  subgraph row{row}["{_label(level)} {_label(size)}"]'
            if level
            else f'  subgraph row{row}[" "]'
        )
        yield from (f"    {_node(picture, number)}" for number in inside)
        yield "  end"
    yield from (f"  {_node(picture, number)}" for number in picture.grid.heads)
    for edge in picture.edges:
        yield f"  n{edge.source} --> n{edge.target}"
    for mark in picture.marks:
        yield from _style(picture, mark, THEMES[theme].marks[mark])


def _node(picture: Picture, number: int) -> str:
    node = picture.nodes[number]
    return f'n{number}["{_label(node.title)}{"<br>" * bool(node.detail)}{_label(node.detail)}"]'


def _style(picture: Picture, mark: Mark, colour: str) -> Iterator[str]:
    """How the nodes and the lines with a mark look."""
    nodes = [f"n{number}" for number, node in enumerate(picture.nodes) if node.mark == mark]
    lines = [str(number) for number, edge in enumerate(picture.edges) if edge.mark == mark]
    dashes = f",stroke-dasharray:{' '.join(map(str, DASHES[mark]))}" if mark in DASHES else ""
    style = f"stroke:{colour},stroke-width:3px{dashes}"
    yield f"  %% {MEANINGS[mark]}"
    if nodes:
        yield f"  classDef {mark} {style}"
        yield f"  class {','.join(nodes)} {mark}"
    if lines:
        yield f"  linkStyle {','.join(lines)} {style}"


def _label(content: str) -> str:
    """Text in quotes: what could mean something to Mermaid or to HTML is written as its number."""
    return "".join(char if char.isalnum() or char in _PLAIN else f"#{ord(char)};" for char in content)
