"""The formats of pictures, by the endings of their files."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath

from yamlinject.drawing.drawio import drawio
from yamlinject.drawing.mermaid import mermaid
from yamlinject.drawing.picture import Picture
from yamlinject.drawing.svg import svg
from yamlinject.drawing.themes import Theme
from yamlinject.drawing.tikz import tikz
from yamlinject.errors import YamlInjectError

_Writer = Callable[[Picture, Theme, str], str]

#: Those that are text.
_TEXT: dict[str, _Writer] = {".svg": svg, ".drawio": drawio, ".tex": tikz, ".mmd": mermaid}

#: Those that cairosvg makes of SVG, and the function that does.
_CONVERTED = {".png": "svg2png", ".pdf": "svg2pdf"}

#: How many pixels of a PNG are one of the SVG: enough to print it 8 cm wide.
_SCALE = 3

_DATE = re.compile(rb"(/CreationDate \(D:)\d{14}")


def draw(picture: Picture, file: str, theme: Theme = "light", title: str = "") -> bytes:
    """The picture in the format that the ending of ``file`` means; ``title``: instead of the config's name.

    Raises :class:`YamlInjectError` for another ending, and where a format's library is not installed.
    """
    ending = PurePath(file).suffix.lower()
    if ending in _TEXT:
        return _TEXT[ending](picture, theme, title).encode()
    if ending in _CONVERTED:
        return _converted(svg(picture, theme, title).encode(), ending)
    raise YamlInjectError(f"pictures end in {', '.join([*_TEXT, *_CONVERTED])}", file=file)


def _converted(data: bytes, ending: str) -> bytes:
    try:
        cairosvg = import_module("cairosvg")
    except ImportError:
        raise YamlInjectError(
            f"{ending} needs cairosvg: pip install 'yamlinject[draw]', or draw a .svg"
        ) from None
    except OSError:
        raise YamlInjectError(
            f"{ending} needs the library cairo, which cairosvg does not bring: install libcairo2 (Debian), "
            "cairo (Fedora, Homebrew) or GTK (Windows), or draw a .svg"
        ) from None
    more = {"scale": _SCALE} if ending == ".png" else {}
    made: bytes = getattr(cairosvg, _CONVERTED[ending])(bytestring=data, **more)
    return _DATE.sub(rb"\g<1>20000101000000", made)  # the same picture has the same bytes
