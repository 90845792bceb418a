"""PNG and PDF, made by the real cairosvg."""

from __future__ import annotations

import os
import re
import time
from importlib import import_module
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.support import BASE
from tests.test_drawing import laid_out
from yamlinject import load
from yamlinject.config import Config
from yamlinject.drawing.formats import draw
from yamlinject.drawing.picture import picture
from yamlinject.drawing.sheet import HEAD
from yamlinject.drawing.svg import svg
from yamlinject.errors import YamlInjectError

pytestmark = pytest.mark.framework  # whose extra brings cairosvg

try:
    import_module("cairosvg")  # of the extra ``test``: without it the tests fail
except OSError:
    if "YAMLINJECT_BROWSER" in os.environ:  # set where all that the system can have is installed
        raise
    pytest.skip("libcairo is not on this machine", allow_module_level=True)

#: How many pixels of a PNG are one of the SVG.
SCALE = 3


def size(content: str) -> tuple[float, float]:
    root = ElementTree.fromstring(content)
    return float(root.attrib["width"]), float(root.attrib["height"])


def test_png_is_the_picture_in_three_times_its_size() -> None:
    """A box is filled and framed in its colours, and has text in it."""
    shown = picture(Config.from_text(BASE))
    with Image.open(BytesIO(draw(shown, "x.png", "dark"))) as image:
        pixels = image.convert("RGB")
    width, height = size(svg(shown))
    assert pixels.size == (int(width * SCALE), int(height * SCALE))
    assert pixels.getpixel((3, 3)) == (0x0D, 0x11, 0x17)
    box = laid_out(shown).boxes[1]
    place = [
        int(part * SCALE) for part in (box.x, box.y + HEAD, box.x + box.width, box.y + HEAD + box.height)
    ]
    inside = pixels.crop((place[0], place[1], place[2], place[3]))
    colours = {inside.getpixel((x, y)) for x in range(inside.width) for y in range(inside.height)}
    assert (0x16, 0x1B, 0x22) in colours
    assert (0x8B, 0x94, 0x9E) in colours
    assert (0xE6, 0xED, 0xF3) in colours


def test_pdf_holds_text_and_no_time() -> None:
    """The same bytes in another second; the size in points is three quarters of that in pixels."""
    shown = picture(load("yolov5s"))
    made = draw(shown, "x.pdf")
    assert made.startswith(b"%PDF-")
    assert b"/Font" in made
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", made)
    assert [float(side) for side in box] == pytest.approx(
        [side * 0.75 for side in size(svg(shown))], abs=0.1
    )
    time.sleep(1.1)
    assert draw(shown, "x.pdf") == made


def test_a_picture_that_is_too_large_for_pixels() -> None:
    """cairo's images have 32,767 pixels a side at most; 1000 layers in a row take 140,000."""
    rows = "  - [-1, 1, Conv, [16]]\n" * 999
    tall = picture(Config.from_text(f"backbone:\n{rows}head:\n  - [-1, 1, Detect, [nc]]\n"))
    with pytest.raises(
        YamlInjectError, match=r"the picture is too large for \.png: draw a \.svg or a \.pdf"
    ):
        draw(tall, "x.png")
    assert draw(tall, "x.pdf").startswith(b"%PDF-")
