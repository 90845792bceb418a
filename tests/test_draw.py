"""``draw``: the command, and each format of pictures."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support import ADD, BASE, GOOD, PREFIX, Cli
from yamlinject import load
from yamlinject.config import Config
from yamlinject.drawing import text
from yamlinject.drawing.mermaid import mermaid
from yamlinject.drawing.picture import Picture, picture
from yamlinject.drawing.sheet import widths
from yamlinject.drawing.svg import svg
from yamlinject.drawing.themes import THEMES, Theme
from yamlinject.lineage.resolve import resolve
from yamlinject.output.pictures import lines

SVG = "{http://www.w3.org/2000/svg}"
TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.fixture(autouse=True)
def _base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)


# --- the command


def test_a_picture_beside_the_config_and_again(cli: Cli) -> None:
    cli(*ADD)
    done = cli("draw", "base_SimAM.yaml")
    assert (done.code, done.out, done.err) == (0, "", "wrote     base_SimAM.svg\n")
    first = Path("base_SimAM.svg").read_bytes()
    assert cli("draw", "base_SimAM.yaml").err == "unchanged base_SimAM.svg\n"
    assert Path("base_SimAM.svg").read_bytes() == first
    refused = cli("draw", "base_SimAM.yaml", "--theme", "dark")
    assert refused.code == 2
    assert refused.err.startswith(f"{PREFIX}base_SimAM.svg: is there already and is different: ")
    assert cli("draw", "base_SimAM.yaml", "--theme", "dark", "--force").code == 0
    assert Path("base_SimAM.svg").read_bytes() != first


def test_standard_output_is_svg(cli: Cli) -> None:
    shown = cli("draw", "base.yaml", "-o", "-")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith("<svg ")
    assert not Path("base.svg").exists()
    cli("draw", "base.yaml")
    assert Path("base.svg").read_text("utf-8") == shown.out


def test_the_ending_is_the_format(cli: Cli) -> None:
    assert cli("draw", "base.yaml", "-o", "x.SVG").code == 0
    assert Path("x.SVG").read_text("utf-8").startswith("<svg ")
    assert cli("draw", "base.yaml", "-o", "x.mmd").code == 0
    assert "flowchart TD\n" in Path("x.mmd").read_text("utf-8")
    assert cli("draw", "base.yaml", "-o", "x.drawio").code == 0
    assert Path("x.drawio").read_text("utf-8").startswith("<mxfile ")
    assert cli("draw", "base.yaml", "-o", "x.tex").code == 0
    assert Path("x.tex").read_text("utf-8").startswith("\\documentclass")
    for name in ("x.jpg", "x", "svg"):
        refused = cli("draw", "base.yaml", "-o", name)
        assert (refused.code, refused.out) == (2, "")
        assert (
            refused.err == f"{PREFIX}{name}: pictures end in .svg, .drawio, .tex, .mmd, .html, .png, .pdf\n"
        )
        assert not Path(name).exists()


def test_a_library_that_is_not_there(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    refused = cli("draw", "base.yaml", "-o", "x.png")
    assert refused.code == 2
    assert refused.err == f"{PREFIX}.png needs cairosvg: pip install 'yamlinject[draw]', or draw a .svg\n"
    assert not Path("x.png").exists()


def test_a_system_without_cairo(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """cairosvg is installed, but what it needs is no Python package."""

    def load_library(name: str) -> object:
        raise OSError(f"no library called {name} was found")

    monkeypatch.setattr("yamlinject.drawing.formats.import_module", load_library)
    refused = cli("draw", "base.yaml", "-o", "x.pdf")
    assert refused.code == 2
    assert refused.err == (
        f"{PREFIX}.pdf needs the library cairo, which cairosvg does not bring: install libcairo2 (Debian), "
        "cairo (Fedora, Homebrew) or GTK (Windows), or draw a .svg\n"
    )
    assert not Path("x.pdf").exists()


def test_with_and_without_a_base(cli: Cli) -> None:
    """The base of a file made by hand is given; a generated one says it; without one nothing is marked."""
    Path("mine.yaml").write_text(GOOD)
    assert ">new layer<" in cli("draw", "mine.yaml", "--base", "base.yaml", "-o", "-").out
    cli(*ADD)
    assert ">new layer<" in cli("draw", "base_SimAM.yaml", "-o", "-").out
    assert ">new layer<" not in cli("draw", "base_SimAM.yaml", "--no-base", "-o", "-").out
    assert cli("draw", "mine.yaml", "--base", "yolov5s").code == 2
    assert cli("draw", "mine.yaml", "--base", "base.yaml", "--no-base").code == 2


def test_side_by_side(cli: Cli) -> None:
    """The base at the left, as the line says or as it is given; a name that is too long is cut."""
    cli(*ADD)
    shown = cli("draw", "base_SimAM.yaml", "--side-by-side", "-o", "-")
    assert shown.code == 0
    texts = [one.text for one in ElementTree.fromstring(shown.out).iter(f"{SVG}text")]
    assert texts[:2] == ["base", "base_SimAM"]
    assert (texts.count("5 Detect"), texts.count("6 Detect"), texts.count("3 SimAM")) == (1, 1, 1)
    long = f"{'long' * 20}.yaml"
    Path(long).write_text(BASE)
    Path("mine.yaml").write_text(GOOD)
    shown = cli("draw", "mine.yaml", "--base", long, "--side-by-side", "-o", "-")
    texts = [one.text for one in ElementTree.fromstring(shown.out).iter(f"{SVG}text")]
    assert re.fullmatch("(long)+l?o?n?…", str(texts[0]))
    assert texts[1] == "mine"


def test_side_by_side_without_a_base(cli: Cli) -> None:
    for options in (["base.yaml"], ["yolov5s", "--no-base"]):
        refused = cli("draw", *options, "--side-by-side")
        assert refused.code == 2
        message = f"{options[0]}: --side-by-side needs a base, and none is known: give --base"
        assert refused.err == f"{PREFIX}{message}\n"


def test_options_of_the_picture(cli: Cli) -> None:
    shown = cli("draw", "yolov5s", "-o", "-", "--title", "A <b> & c", "--imgsz", "1280").out
    assert "<title>A &lt;b&gt; &amp; c</title>" in shown
    assert f">160{TIMES}160<" in shown
    assert cli("draw", "yolov5s", "-o", "-", "--imgsz", "0").code == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("nc: 2\n", "backbone"),
        (GOOD.replace("[[5], 1, Detect", "[[6], 1, Detect"), "10:7: "),
        ("backbone:\n  - [-1, 1, Conv, [16]]\n", "head"),
    ],
)
def test_what_is_no_config_is_refused(cli: Cli, content: str, message: str) -> None:
    Path("bad.yaml").write_text(content)
    refused = cli("draw", "bad.yaml")
    assert (refused.code, refused.out) == (2, "")
    assert message in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not Path("bad.svg").exists()


def test_ten_thousand_layers_are_refused(cli: Cli) -> None:
    rows = "  - [-1, 1, Conv, [16]]\n" * 10_000
    Path("long.yaml").write_text(f"backbone:\n{rows}head:\n  - [-1, 1, Detect, [nc]]\n")
    refused = cli("draw", "long.yaml")
    assert refused.code == 2
    assert refused.err == f"{PREFIX}long.yaml: it has 10001 layers: pictures are drawn of 1000 at most\n"


# --- the formats


def title_of(element: ElementTree.Element) -> str:
    found = element.find(f"{SVG}title")
    assert found is not None
    return found.text or ""


def shapes(content: str) -> tuple[ElementTree.Element, list[ElementTree.Element]]:
    root = ElementTree.fromstring(content)
    return root, [one for one in root.iter(f"{SVG}g") if "data-layer" in one.attrib]


#: Advance widths of DejaVu Sans in thousandths of its size, from the font.
PUNCTUATION = (
    *(318, 318, 318, 500, 361, 838, 1000, 337, 390, 390, 390, 390),
    *(838, 838, 780, 950, 1000, 838, 838, 460, 275),
)
DEJAVU = {
    **dict.fromkeys("0123456789", 636),
    **dict(
        zip("ABCDEFGHIJKLM", (684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863), strict=True)
    ),
    **dict(
        zip("NOPQRSTUVWXYZ", (748, 787, 603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685), strict=True)
    ),
    **dict(
        zip("abcdefghijklm", (613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974), strict=True)
    ),
    **dict(
        zip("nopqrstuvwxyz", (634, 612, 635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525), strict=True)
    ),
    **dict(zip(f" .,_-{TIMES}…/()[]+=&%@<>\"'", PUNCTUATION, strict=True)),
}


def test_boxes_are_wide_enough_for_a_wide_font() -> None:
    for char, advance in DEJAVU.items():
        assert 1000 * text.width(char, 1) >= advance, char
    assert text.width("注意力", 12) >= 36  # Chinese letters are square


@pytest.mark.parametrize("theme", ["light", "dark", "paper"])
def test_svg_has_every_layer_as_text(theme: Theme) -> None:
    config = load("yolov5s").add("SimAM", after="SPPF")
    root, layers = shapes(svg(picture(config, resolve(config)), theme))
    assert title_of(root) == "yolov5s_SimAM"
    assert [one.attrib["data-layer"] for one in layers] == [str(number) for number in range(26)]
    texts = [[one.text for one in layer.iter(f"{SVG}text")] for layer in layers]
    assert texts[4] == ["4 C3", f"256 ch {TIMES}6"]
    assert texts[10] == ["10 SimAM", "1024 ch"]
    assert texts[25] == ["25 Detect"]
    everything = [one.text for one in root.iter(f"{SVG}text")]
    for level in ("P1/2", "P2/4", "P3/8", "P4/16", "P5/32", f"20{TIMES}20"):
        assert level in everything
    assert everything[-2:] == ["new layer", "reads a new number"]
    assert title_of(layers[10]) == "10: [-1, 1, SimAM, [1024]]"


def test_a_long_name_does_not_widen_the_picture() -> None:
    """Public files have names of 80 letters; a title that is asked for is written whole."""
    short, long = (picture(Config.from_text(BASE, f"{'x' * count}.yaml")) for count in (5, 200))
    (root, _), (other, _) = shapes(svg(short)), shapes(svg(long))
    assert other.get("width") == root.get("width")
    written = next(other.iter(f"{SVG}text")).text
    assert re.fullmatch("x{10,100}…", str(written))
    asked, _ = shapes(svg(short, title="x" * 200))
    assert next(asked.iter(f"{SVG}text")).text == "x" * 200
    assert float(str(asked.get("width"))) > 1000


def test_svg_loads_nothing_and_runs_nothing() -> None:
    content = svg(picture(load("yolov5s")))
    assert "<script" not in content
    assert re.findall(r"https?://[^\"]*", content) == ["http://www.w3.org/2000/svg"]


def test_every_text_is_in_its_box() -> None:
    for name in ("yolov5s", "yolov5x"):
        shown = picture(load(name))
        _, layers = shapes(svg(shown))
        for layer in layers:
            box = layer.find(f"{SVG}rect")
            assert box is not None
            left, top, width, height = (float(box.attrib[name]) for name in ("x", "y", "width", "height"))
            for one in layer.iter(f"{SVG}text"):
                size, y = float(one.attrib["font-size"]), float(one.attrib["y"])
                taken = sum(DEJAVU[char] for char in one.text or "") * size / 1000
                assert taken <= width, one.text
                assert left + width / 2 == pytest.approx(float(one.attrib["x"]), abs=0.1)
                assert top + size * 0.8 <= y <= top + height - size * 0.2, one.text


@pytest.mark.parametrize("name", ["yolov5n", "yolov5x"])
def test_texts_can_be_read_in_a_column_of_a_paper(name: str) -> None:
    """In one of 8 cm names of layers have 6 points, the least that journals print, and the rest has 5."""
    config = load(name).add("SimAM", after="SPPF")
    root, layers = shapes(svg(picture(config, resolve(config)), "paper"))
    points = 8 / 2.54 * 72 / float(root.attrib["width"])
    for layer in layers:
        first, *rest = (float(one.attrib["font-size"]) * points for one in layer.iter(f"{SVG}text"))
        assert first >= 6
        assert all(size >= 5 for size in rest)


def test_modules_of_torch_are_named_without_their_package() -> None:
    _, layers = shapes(svg(picture(load("yolov5s"))))
    assert next(one.text for one in layers[11].iter(f"{SVG}text")) == "11 Upsample"
    assert title_of(layers[11]) == "11: [-1, 1, nn.Upsample, [None, 2, nearest]]"


def test_marks_without_colours() -> None:
    """On paper new layers are dotted, those without effect hatched, and marked lines broken differently."""
    wrong = load("yolov5s").add("SimAM", after="SPPF").text.replace("[[-1, 15], 1", "[[-1, 14], 1")
    config = Config.from_text(wrong)
    content = svg(picture(config, resolve(config)), "paper")
    assert set(re.findall("#[0-9a-f]{6}", content)) == {"#000000", "#ffffff"}
    assert content.count('fill="url(#dotted)"') == 2  # one of them in the legend
    dashes = dict(re.findall(r'stroke-dasharray="([\d ]+)" marker-end="url\(#to-(\w+)\)"', content))
    assert sorted(dashes.values()) == ["changed", "expected", "wrong"]
    dead = svg(picture(Config.from_text(GOOD.replace("[[-1, 1], 1", "[[2, 1], 1"))), "paper")
    assert dead.count('fill="url(#hatched)"') == 2


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_texts_can_be_read(theme: Theme) -> None:
    """WCAG AA wants 4.5 for text."""
    colours = THEMES[theme]
    for ground in (colours.back, colours.box, colours.band):
        assert contrast(colours.text, ground) > 7
        assert contrast(colours.faint, ground) > 4.5


ODD = "</text>&\"'<!--]]>\x1b[31m\u202e" + "مرحبا" + "注" + "x" * 150


def odd() -> Picture:
    quoted = (
        ODD.replace("\\", "\\\\").replace('"', '\\"').replace("\x1b", "\\e").replace("\u202e", "\\u202e")
    )
    return picture(Config.from_text(BASE.replace("SPPF", f'"{quoted}"'), f"{ODD[:12]}.yaml"))


def test_odd_names_in_svg() -> None:
    root, layers = shapes(svg(odd(), title=ODD))
    assert title_of(root) == ODD.replace("\x1b", "\ufffd").replace("\u202e", "\ufffd")
    (title, _) = (one.text for one in layers[2].iter(f"{SVG}text"))
    assert title == "2 </text>&\"'<!--]]>\ufffd[31m\ufffd…"
    assert "x" * 150 in title_of(layers[2])
    assert widths(odd())[2] < 400


def test_odd_names_in_mermaid() -> None:
    content = mermaid(odd(), title=ODD)
    (node,) = re.findall(r'^    n2\["(.*)"\]$', content, re.M)
    label = node.removesuffix("<br>16 ch")
    assert not set(label) & set("<>\"'&[]!\x1b\u202e")
    assert label.startswith("2 #60;#47;text#62;#38;#34;#39;#60;#33;--#93;")
    assert "\x1b" not in content
    assert "\u202e" not in content
    assert content.splitlines()[1] == "flowchart TD"


def test_odd_names_in_characters() -> None:
    shown = "\n".join(lines(odd()))
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_mermaid() -> None:
    config = Config.from_text(BASE, "base.yaml").add("SimAM", after="SPPF")
    assert mermaid(picture(config, resolve(config, Config.from_text(BASE, "base.yaml")))).splitlines() == [
        "%% base_SimAM",
        "flowchart TD",
        f'  subgraph row0["P1#47;2 320{TIMES}320"]',
        '    n0["0 Conv<br>16 ch"]',
        '    n1["1 C3<br>16 ch"]',
        '    n2["2 SPPF<br>16 ch"]',
        '    n3["3 SimAM<br>16 ch"]',
        '    n4["4 Concat<br>32 ch"]',
        '    n5["5 C3<br>32 ch"]',
        '    n6["6 Detect"]',
        "  end",
        "  n0 --> n1",
        "  n1 --> n2",
        "  n1 --> n4",
        "  n2 --> n3",
        "  n3 --> n4",
        "  n4 --> n5",
        "  n5 --> n6",
        "  %% new layer",
        "  classDef new stroke:#009e73,stroke-width:3px",
        "  class n3 new",
        "  linkStyle 3,4 stroke:#009e73,stroke-width:3px",
        "  %% reads a new number",
        "  linkStyle 6 stroke:#e69f00,stroke-width:3px,stroke-dasharray:7 2",
    ]


def test_a_picture_of_characters() -> None:
    """A small model, by hand: two rows, a skip, new layers with their sign, and a tall head."""
    config = Config.from_text(
        "backbone:\n"
        "  - [-1, 1, Conv, [8, 3, 2]]\n"
        "  - [-1, 1, SE, [8]]\n"
        "  - [-1, 1, Conv, [16, 3, 2]]\n"
        "head:\n"
        "  - [[1, 2], 1, Detect, [nc]]\n"
    )
    base = Config.from_text(config.text.replace("  - [-1, 1, SE, [8]]\n", "").replace("[1, 2]", "[0, 1]"))
    assert list(lines(picture(config, resolve(config, base)))) == [
        "model",
        "",
        "         ┌──────────────┐   ┌──────────┐",
        "         │ 0 Conv 8 ch  │   │          │",
        "         └──────┬───────┘   │          │",
        "P1/2            ▼           │          │",
        "         ┌──────┴───────┐   │          │",
        "         │ + 1 SE 8 ch  ├──▶┤ 3 Detect │",
        "         └──────┬───────┘   │          │",
        "                ▼           │          │",
        "         ┌──────┴───────┐   │          │",
        "P2/4     │ 2 Conv 16 ch ├──▶┤          │",
        "         └──────────────┘   └──────────┘",
        "",
        "+ new layer",
    ]


def test_wrong_references_in_characters() -> None:
    text = load("yolov5s").add("SimAM", after="SPPF").text.replace("[[-1, 15], 1", "[[-1, 14], 1")
    config = Config.from_text(text)
    assert list(lines(picture(config, resolve(config))))[-2:] == [
        "wrong reference: 14 C3 -> 20 Concat",
        "expected instead: 15 Conv -> 20 Concat",
    ]
