"""What a picture marks, in the words of its legend, and the colours of each theme."""

from __future__ import annotations

from typing import Literal, NamedTuple

#: What is special about a layer or a line: it is new, or in the place of another, it reads another number
#: than in the base, it reads a wrong layer, it is what should be read, or nothing that matters reads it.
Mark = Literal["", "new", "replaced", "changed", "wrong", "expected", "dead"]

#: The legend's words for each mark; of two that a line could have, it gets the later one.
MEANINGS: dict[Mark, str] = {
    "new": "new layer",
    "replaced": "module replaced",
    "changed": "reads a new number",
    "wrong": "wrong reference",
    "expected": "expected instead",
    "dead": "without effect",
}

#: How lines are broken, so that marks can be told without colours: drawn and left out, in turns.
DASHES: dict[Mark, tuple[int, int]] = {
    "changed": (7, 2),
    "wrong": (2, 2),
    "expected": (5, 4),
    "dead": (1, 3),
}

Theme = Literal["light", "dark", "paper"]


class Colours(NamedTuple):
    """The colours of a theme: background, text, lines, faint text, boxes, bands, and those of the marks.

    ``dots``: whether new layers are dotted, as there are no colours.
    """

    back: str
    text: str
    line: str
    faint: str
    box: str
    band: str
    marks: dict[Mark, str]
    dots: bool = False


def _marks(new: str, replaced: str, changed: str, wrong: str, dead: str) -> dict[Mark, str]:
    return {
        "new": new,
        "replaced": replaced,
        "changed": changed,
        "wrong": wrong,
        "expected": wrong,
        "dead": dead,
    }


#: The marks' colours are those of Okabe and Ito, which colour-blind readers tell apart; in the dark they
#: are lighter.
THEMES: dict[Theme, Colours] = {
    "light": Colours(
        back="#ffffff",
        text="#1b1f24",
        line="#57606a",
        faint="#57606a",
        box="#f6f8fa",
        band="#f0f3f6",
        marks=_marks("#009e73", "#0072b2", "#e69f00", "#d55e00", "#8c959f"),
    ),
    "dark": Colours(
        back="#0d1117",
        text="#e6edf3",
        line="#8b949e",
        faint="#9ea7b3",
        box="#161b22",
        band="#12171e",
        marks=_marks("#2ec4a0", "#56b4e9", "#f0c04a", "#ff7b3d", "#6e7681"),
    ),
    "paper": Colours(
        back="#ffffff",
        text="#000000",
        line="#000000",
        faint="#000000",
        box="#ffffff",
        band="#ffffff",
        marks=_marks(*["#000000"] * 5),
        dots=True,
    ),
}


def in_css(colours: Colours) -> str:
    """The colours as CSS variables, which :func:`by_variable` names."""
    named = [(name, getattr(colours, name)) for name in _GROUNDS] + [*colours.marks.items()]
    return "".join(f"--{name}:{value};" for name, value in named)


def by_variable(colours: Colours) -> Colours:
    """The same, with the name of a CSS variable instead of each colour: a web page says what it is."""
    grounds = {name: f"var(--{name})" for name in _GROUNDS}
    marks: dict[Mark, str] = {mark: f"var(--{mark})" for mark in colours.marks}
    return Colours(**grounds, marks=marks, dots=colours.dots)


#: The colours that are not those of marks.
_GROUNDS = ("back", "text", "line", "faint", "box", "band")
