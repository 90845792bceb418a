"""Pictures for editors and for papers: draw.io's XML, and LaTeX."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.support import BASE
from tests.test_draw import ODD, odd
from yamlinject.config import Config
from yamlinject.drawing.drawio import drawio
from yamlinject.drawing.picture import Picture, picture
from yamlinject.drawing.themes import Theme
from yamlinject.drawing.tikz import tikz
from yamlinject.lineage.resolve import resolve

#: The layers of BASE with SimAM after SPPF, and which reads which, counted by hand.
NODES = ["0 Conv", "1 C3", "2 SPPF", "3 SimAM", "4 Concat", "5 C3", "6 Detect"]
EDGES = [(0, 1), (1, 2), (1, 4), (2, 3), (3, 4), (4, 5), (5, 6)]


def added() -> Picture:
    base = Config.from_text(BASE, "base.yaml")
    config = base.add("SimAM", after="SPPF")
    return picture(config, resolve(config, base))


def wrong() -> Picture:
    """One wrong reference, and so one expected instead, and a layer without effect."""
    base = Config.from_text(BASE, "base.yaml")
    text = base.add("SimAM", after="SPPF", provenance=False).text.replace("[[-1, 1], 1", "[[-2, 0], 1")
    config = Config.from_text(text, "wrong.yaml")
    return picture(config, resolve(config, base))


# --- draw.io


def cells(content: str) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(content)
    assert [part.tag for part in root.iter()][:4] == ["mxfile", "diagram", "mxGraphModel", "root"]
    found = [*root.iter("mxCell")]
    named = {str(cell.get("id")): cell for cell in found}
    assert len(named) == len(found)
    assert named["1"].get("parent") == "0"
    assert all(cell.get("parent") == "1" for name, cell in named.items() if name not in "01")
    return named


def test_drawio_has_a_cell_for_every_layer_and_for_every_line() -> None:
    named = cells(drawio(added()))
    boxes = {name: cell for name, cell in named.items() if re.fullmatch(r"n\d+", name)}
    assert [str(cell.get("value")).split("\n")[0] for cell in boxes.values()] == NODES
    assert boxes["n3"].get("value") == "3 SimAM\n16 ch"
    assert all(cell.get("vertex") == "1" for cell in boxes.values())
    lines = [cell for name, cell in named.items() if re.fullmatch(r"e\d+", name)]
    assert [(cell.get("source"), cell.get("target")) for cell in lines] == [
        (f"n{source}", f"n{target}") for source, target in EDGES
    ]
    assert all(cell.get("edge") == "1" for cell in lines)


def test_lines_of_drawio_hold_on_to_the_borders_of_their_boxes() -> None:
    for shown in (added(), wrong()):
        named = cells(drawio(shown))
        lines = [cell for name, cell in named.items() if re.fullmatch(r"e\d+", name)]
        for cell in lines:
            style = dict(part.split("=", 1) for part in str(cell.get("style")).split(";"))
            for end in ("exit", "entry"):
                x, y = float(style[f"{end}X"]), float(style[f"{end}Y"])
                assert 0 <= x <= 1
                assert 0 <= y <= 1
                assert {x, y} & {0, 1}
        for point in (point for cell in lines for point in cell.iter("mxPoint")):
            assert all(float(str(point.get(axis))) > 0 for axis in "xy")


def test_drawio_tells_marks_apart() -> None:
    named = cells(drawio(wrong()))
    styles = {str(cell.get("style")) for cell in named.values()}
    assert any("dashPattern=2 2" in style for style in styles)
    assert any("dashPattern=5 4" in style for style in styles)
    meanings = [cell.get("value") for name, cell in named.items() if name.startswith("meaning")]
    assert meanings == [
        "new layer",
        "reads a new number",
        "wrong reference",
        "expected instead",
        "without effect",
    ]


def test_odd_names_in_drawio() -> None:
    content = drawio(odd(), title=ODD)
    named = cells(content)
    assert named["n2"].get("value") == "2 </text>&\"'<!--]]>\ufffd[31m\ufffd…\n16 ch"
    assert "html=0" in str(named["n2"].get("style"))
    assert named["title0"].get("value") == ODD.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")


# --- LaTeX


def test_tex_is_a_document_of_its_own() -> None:
    content = tikz(added())
    assert content.startswith("\\documentclass[border=0pt]{standalone}\n")
    assert content.endswith("\\end{tikzpicture}\n\\end{document}\n")
    texts = re.findall(r"^\\node\[.*\] at \(.*?\) \{(.*)\};$", content, re.M)
    assert [text for text in texts if re.match(r"\d ", text)] == NODES
    assert texts[0] == r"\bfseries base\_SimAM"
    assert texts[-1] == "reads a new number"
    drawn = re.findall(r"^\\draw\[to (\w+)\] (.*);$", content, re.M)
    assert len(drawn) == len(EDGES) + 1  # and the sample in the legend
    assert [style for style, _ in drawn].count("new") == 2


@pytest.mark.parametrize("theme", ["light", "dark", "paper"])
def test_styles_of_tex_are_defined_before_they_are_used(theme: Theme) -> None:
    for shown in (added(), wrong()):
        content = tikz(shown, theme)
        head, body = content.split("\\begin{document}")
        used = set(re.findall(r"\\(?:draw|path)\[((?:to|box) \w+)\]", body))
        assert used <= set(re.findall(r"((?:to|box) \w+)/\.style", head))
        colours = set(re.findall(r"text=(\w+)", body)) | set(re.findall(r"\\fill\[(\w+)\]", body))
        assert colours <= set(re.findall(r"\\definecolor\{(.*?)\}", head))


def test_odd_names_in_tex() -> None:
    name = "a\\b{c}$#%&_~^<>--''中é"
    special = Config.from_text(BASE.replace("SPPF", f'"{name}"'.replace("\\", "\\\\")), "x.yaml")
    content = tikz(picture(special))
    assert (
        r"{2 a\textbackslash{}b\{c\}\$\#\%\&\_\textasciitilde{}\textasciicircum{}{<}{>}{-}{-}{'}{'}{?}é}"
        in content
    )
    assert r"{?}[31m{?}\dots{}};" in tikz(odd())  # a name that is cut says so
    assert all(char.isprintable() or char == "\n" for char in tikz(odd(), title=ODD))
    assert max(tikz(odd(), title=ODD)) <= "ÿ"


@pytest.mark.parametrize("write", [drawio, tikz])
def test_the_same_bytes(write: object) -> None:
    assert callable(write)
    assert write(added()) == write(added())
    assert write(added(), "dark") != write(added())
