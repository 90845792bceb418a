"""The report of ``draw -o x.html``: what is in the file; ``test_browser.py`` has what a browser shows."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.support import ADD, BASE, GOOD, PREFIX, Cli
from tests.test_verify_report import RESULT
from yamlinject import load
from yamlinject.config import Config
from yamlinject.drawing.picture import picture
from yamlinject.drawing.themes import Theme
from yamlinject.output.html_report import Report, Side, page
from yamlinject.verification.result import Verification

ODD = "</script></td>&\"'<!--]]>" + "مرحبا" + "x" * 150


class Reader(HTMLParser):
    """The elements of a page: each opened, with its attributes, and the text in it."""

    VOID = ("meta", "input")

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.open: list[int] = []
        self.feed(content)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))
        if tag not in self.VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for number in self.open:
            self.elements[number][2].append(data)

    def texts(self, tag: str) -> list[str]:
        return ["".join(text) for name, _, text in self.elements if name == tag]


def tables(content: str) -> list[list[list[str]]]:
    """The cells of each row of each table."""
    return [
        [
            Reader(row).texts("th") + Reader(row).texts("td")
            for row in re.findall("<tr.*?</tr>", table, re.S)
        ]
        for table in re.findall("<table.*?</table>", content, re.S)
    ]


@pytest.fixture(autouse=True)
def _base(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)


def report(cli: Cli, *arguments: str) -> str:
    done = cli("draw", *arguments, "-o", "x.html", "--force")
    assert done.code == 0, done.err
    content = Path("x.html").read_text("utf-8")
    Reader(content)
    return content


def test_the_tables_of_a_config_and_its_base(cli: Cli) -> None:
    """Written by hand: what reads each layer, and what is new."""
    cli(*ADD)
    before, after = tables(report(cli, "base_SimAM.yaml"))
    heads = ["index", "from", "read by", "number", "module", "args", "stride", "nominal channels", "mark"]
    assert after == [
        heads,
        ["0", "-1", "1", "1", "Conv", "[16, 3, 2]", "2", "16", ""],
        ["1", "-1", "2, 4", "1", "C3", "[16]", "2", "16", ""],
        ["2", "-1", "3", "1", "SPPF", "[16, 5]", "2", "16", ""],
        ["3", "-1", "4", "1", "SimAM", "[16]", "2", "16", "new layer"],
        ["4", "[-1, 1]", "5", "1", "Concat", "[1]", "2", "32", ""],
        ["5", "-1", "6", "1", "C3", "[32]", "2", "32", ""],
        ["6", "[5]", "", "1", "Detect", "[nc]", "", "", "reads a new number"],
    ]
    assert len(before) == len(after) - 1
    assert before[3] == ["2", "-1", "3", "1", "SPPF", "[16, 5]", "2", "16", ""]
    assert {row[-1] for row in before[1:]} == {""}


def test_the_same_bytes_again(cli: Cli) -> None:
    cli(*ADD)
    assert cli("draw", "base_SimAM.yaml", "-o", "x.html").err == "wrote     x.html\n"
    assert cli("draw", "base_SimAM.yaml", "-o", "x.html").err == "unchanged x.html\n"


def test_what_is_shown_at_first(cli: Cli) -> None:
    cli(*ADD)
    chosen = r'id="show-(\w+)" checked'
    assert re.findall(chosen, report(cli, "base_SimAM.yaml")) == ["after"]
    assert re.findall(chosen, report(cli, "base_SimAM.yaml", "--side-by-side")) == ["both"]
    alone = report(cli, "base_SimAM.yaml", "--no-base")
    assert "<fieldset" not in alone
    assert len(tables(alone)) == 1
    refused = cli("draw", "base.yaml", "-o", "y.html", "--side-by-side")
    assert (refused.code, Path("y.html").exists()) == (2, False)


def test_what_check_finds_is_in_it(cli: Cli) -> None:
    """The head reads the Concat, 4, instead of the C3 behind it, in what was 4 before the insertion."""
    Path("mine.yaml").write_text(GOOD.replace("[[5], 1, Detect", "[[4], 1, Detect"))
    content = report(cli, "mine.yaml", "--base", "base.yaml")
    (shown,) = Reader(content).texts("pre")
    printed = cli("check", "mine.yaml", "--base", "base.yaml").out
    assert shown == printed.rstrip("\n")
    assert "YI301 error: layer 6 (Detect) reads layer 4 (Concat), expected layer 5 (C3)" in shown
    marks = [row[-1] for row in tables(content)[1]]
    assert marks[-1] == "wrong reference"
    assert marks[5:7] == ["", "without effect"]
    assert Reader(report(cli, "base.yaml", "--no-base")).texts("pre") == []


def test_a_scale_adds_what_is_built(cli: Cli) -> None:
    (table,) = tables(report(cli, "yolov5s", "--scale", "auto"))
    assert table[0][-4:] == ["built number", "built args", "built channels", "mark"]
    assert table[5][-4:] == ["2", "[128]", "128", ""]  # C3 of 256 channels and number 6, by 0.5 and 0.33


def test_odd_names() -> None:
    """They end no element, and stand where they belong."""
    quoted = ODD.replace('"', '\\"')
    config = Config.from_text(BASE.replace("SPPF", f'"{quoted}\\e\\u202e"'), f"{ODD}.yaml")
    content = page(Report(Side(config, picture(config)), None, []), title=f"{ODD}\x1b\n")
    read = Reader(content)
    assert [tag for tag, _, _ in read.elements].count("script") == 1
    assert read.texts("h1") == [f"{ODD}\N{REPLACEMENT CHARACTER} "]
    assert read.texts("title")[0] == read.texts("h1")[0]
    assert tables(content)[0][3][4] == ODD + 2 * "\N{REPLACEMENT CHARACTER}"
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", content)


def test_nothing_is_loaded(cli: Cli) -> None:
    cli(*ADD)
    read = Reader(report(cli, "base_SimAM.yaml"))
    policies = [attributes["content"] for _, attributes, _ in read.elements if "http-equiv" in attributes]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='",
        str(policies[0]),
    )
    names = {name for _, attributes, _ in read.elements for name in attributes}
    assert not names & {"src", "href", "style", "srcset", "data"}
    assert not any(name.startswith("on") for name in names)
    addresses = {value for _, attributes, _ in read.elements for value in attributes.values() if value}
    assert {value for value in addresses if "//" in value} == {"http://www.w3.org/2000/svg"}


def test_each_picture_has_its_own_ids(cli: Cli) -> None:
    """An arrowhead of a picture that is not shown would not be shown in the other one either."""
    cli(*ADD)
    for theme in ("light", "paper"):
        read = Reader(report(cli, "base_SimAM.yaml", "--theme", theme))
        ids = [str(attributes["id"]) for _, attributes, _ in read.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        used = {
            value[5:-1]
            for _, attributes, _ in read.elements
            for value in attributes.values()
            if value and value.startswith("url(#")
        }
        assert used <= set(ids)
        assert {one.partition("-")[0] for one in used} == {"before", "after"}


@pytest.mark.parametrize(
    ("theme", "schemes"),
    [(None, ["light dark", "light"]), ("light", ["light", "light"]), ("dark", ["dark", "light"])],
)
def test_themes(theme: Theme | None, schemes: list[str]) -> None:
    config = Config.from_text(BASE)
    content = page(Report(Side(config, picture(config)), None, []), theme)
    assert re.findall("color-scheme:([a-z ]+);", content) == schemes
    assert ("prefers-color-scheme:dark" in content) == (theme is None)


def test_paper_has_no_colours(cli: Cli) -> None:
    cli(*ADD)
    content = report(cli, "base_SimAM.yaml", "--theme", "paper")
    assert set(re.findall("#[0-9a-f]{6}", content)) == {"#000000", "#ffffff"}


def verified(result: Verification) -> str:
    config, base = (Config.from_text(text, f"{name}.yaml") for text, name in ((GOOD, "x"), (BASE, "y")))
    return page(
        Report(
            Side(config, picture(config), [0.5, 1.25, 2, 3, 4, 5, 6]),
            Side(base, picture(base), [0.5, 1, 2, 4, 5, 6]),
            [],
            result,
        )
    )


def test_what_verify_measures() -> None:
    numbers, before, after = tables(verified(replace(RESULT, problems=["one <b>", "two"])))
    assert numbers == [
        ["yolov5s", "yolov5s_SimAM.yaml", ""],
        ["layers", "25", "26"],
        ["parameters", "7,235,389", "7,235,389"],
        ["GFLOPs", "16.6", "16.6"],
        ["strides", "8, 16, 32", "8, 16, 32"],
    ]
    assert [row[-2] for row in after] == ["ms", "0.50", "1.25", "2.00", "3.00", "4.00", "5.00", "6.00"]
    assert [row[-2] for row in before] == ["ms", "0.50", "1.00", "2.00", "4.00", "5.00", "6.00"]
    (said,) = Reader(verified(replace(RESULT, problems=["one <b>", "two"]))).texts("pre")
    assert "problem   one <b>\nproblem   two\n" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "x.svg", "--verify"], "--verify measures for a report: give -o FILE.html too"),
        (["--verify"], "--verify measures for a report: give -o FILE.html too"),
        (["-o", "x.html", "--verify", "--no-base"], "--verify compares with the base: give no --no-base"),
        (
            ["-o", "x.html", "--framework", "yolov5"],
            "--framework, --modules and --trust need --verify: give that too",
        ),
    ],
)
def test_options_that_do_not_go_together(cli: Cli, arguments: list[str], message: str) -> None:
    refused = cli("draw", "base.yaml", *arguments)
    assert (refused.code, refused.out, refused.err) == (2, "", f"{PREFIX}{message}\n")
    assert not list(Path().glob("x.*"))


@pytest.mark.framework
def test_a_model_that_is_measured(cli: Cli) -> None:
    cli("add", "SimAM", "--after", "SPPF")
    content = report(
        cli, "yolov5s_SimAM.yaml", "--verify", "--framework", "yolov5", "--imgsz", "64", "--trust"
    )
    numbers, before, after = tables(content)
    assert numbers[2] == ["parameters", "7,235,389", "7,235,389"]  # as YOLOv5 says of yolov5s
    assert (len(before), len(after)) == (26, 27)
    for table in (before, after):
        times = {row[0]: float(row[-2]) for row in table[1:]}
        assert times["0"] > 0  # a Conv; a Concat may take less than a hundredth of a millisecond
        assert min(times.values()) >= 0
    assert "attention layer 10 (SimAM): 512 channels" in Reader(content).texts("pre")[-1]


def test_a_page_of_script() -> None:
    lines = (REPOSITORY / "yamlinject" / "output" / "report.js").read_text("utf-8").splitlines()
    assert len(lines) <= 65
    assert max(map(len, lines)) <= 120


def test_without_a_base_that_can_be_shown(cli: Cli) -> None:
    """What is new changes the channels, so nothing that could be drawn is left without it."""
    base = load("yolov5s").replace("C2f", at="all/C3", provenance=False)
    config = base.add("Conv", after="SPPF", args=[512, 1, 1], provenance=False)
    Path("mine.yaml").write_text(config.text.replace("[1024, 3, 2]", "[1000, 3, 2]"))
    assert cli("draw", "mine.yaml", "-o", "mine.html").code == 0
    assert '<input type="radio"' not in Path("mine.html").read_text("utf-8")
    refused = cli("draw", "mine.yaml", "-o", "mine.html", "--side-by-side")
    assert (refused.code, "layer 10 (Conv) cannot be removed" in refused.err) == (2, True)
