"""The formats of pictures, by the endings of their files."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import Any

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

#: Those that cairosvg makes of SVG.
_CONVERTED = (".png", ".pdf")

#: That of the report, which holds more than a picture: :mod:`yamlinject.output.html_report`.
REPORT = ".html"

#: How many pixels of a PNG are one of the SVG: enough to print it 8 cm wide.
_SCALE = 3

#: When a PDF says that it was made, so that the same picture has the same bytes.
_DATE = "2000-01-01T00:00:00Z"


def ending(file: str) -> str:
    """The ending of ``file``, which says its format; raises :class:`YamlInjectError` for any other."""
    found = PurePath(file).suffix.lower()
    formats = [*_TEXT, REPORT, *_CONVERTED]
    if found not in formats:
        raise YamlInjectError(f"pictures end in {', '.join(formats)}", file=file)
    return found


def draw(picture: Picture, file: str, theme: Theme = "light", title: str = "") -> bytes:
    """The picture in the format that the ending of ``file`` means; ``title``: instead of the config's name.

    Raises :class:`YamlInjectError` where a format's library is not installed, or has no images so large.
    """
    asked = ending(file)
    if asked in _TEXT:
        return _TEXT[asked](picture, theme, title).encode()
    return _converted(svg(picture, theme, title).encode(), asked)


def _converted(data: bytes, asked: str) -> bytes:
    try:
        cairosvg, cairo = import_module("cairosvg"), import_module("cairocffi")
    except ImportError:
        raise YamlInjectError(
            f"{asked} needs cairosvg: pip install 'yamlinject[draw]', or draw a .svg"
        ) from None
    except OSError:
        raise YamlInjectError(
            f"{asked} needs the library cairo, which cairosvg does not bring: install libcairo2 (Debian), "
            "cairo (Fedora, Homebrew) or GTK (Windows), or draw a .svg"
        ) from None

    def dated(*arguments: object) -> object:
        surface = cairo.PDFSurface(*arguments)
        surface.set_metadata(cairo.PDF_METADATA_CREATE_DATE, _DATE)
        return surface

    pdf: Any = type("Writer", (cairosvg.surface.PDFSurface,), {"surface_class": staticmethod(dated)})
    try:
        made: bytes = (
            cairosvg.svg2png(bytestring=data, scale=_SCALE)
            if asked == ".png"
            else pdf.convert(bytestring=data)
        )
    except (cairo.CairoError, MemoryError):
        raise YamlInjectError(f"the picture is too large for {asked}: draw a .svg or a .pdf") from None
    return made
