"""How wide a text is, so that a box is made for it, and what of it is written."""

from __future__ import annotations

#: Widths in shares of the font's size: of the widest letters, of capitals and the like, of narrow letters,
#: and of others. They are at least those of DejaVu Sans, which is wider than Arial, and of Chinese letters,
#: which are square.
_WIDEST, _CAPITAL, _NARROW, _OTHER = 1.05, 0.79, 0.42, 0.64

#: The longest text that is written in a box; what is cut off is in the box's tooltip.
LONGEST = 26


def width(text: str, size: float) -> float:
    """The most pixels that ``text`` takes in a font of that size."""
    return size * sum(map(_share, text))


def _share(char: str) -> float:
    if char in "MWmw@%&+=<>~^|" or not char.isascii():
        return _WIDEST
    if char in "Ifijlrt .,:;'-/()[]":
        return _NARROW
    return _OTHER if char.islower() or char.isdigit() or char in "_" else _CAPITAL


def printable(text: str) -> str:
    """``text`` without control characters, line breaks, and what turns the direction of writing."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def shortened(text: str) -> str:
    """What of ``text`` is written in a box."""
    clean = printable(text)
    return clean if len(clean) <= LONGEST else f"{clean[: LONGEST - 1]}…"
