"""What a browser makes of the report and of the pictures.

Without a browser on the machine these tests are skipped, and with YAMLINJECT_BROWSER set they fail.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service

from tests.support import BASE, GOOD, Cli
from tests.test_html_report import ODD

pytestmark = pytest.mark.browser

#: Chromium or Chrome, and its driver: by what its packages call them.
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"

#: The texts that are not in their box, and those that are outside the picture.
MISPLACED = """
const inside = (one, other) => one.left >= other.left && one.right <= other.right
  && one.top >= other.top - 1 && one.bottom <= other.bottom + 1;
const found = [];
for (const svg of document.querySelectorAll("svg"))
  for (const text of svg.querySelectorAll("text")) {
    const box = text.closest("[data-layer]")?.querySelector("rect") ?? svg;
    if (!inside(text.getBoundingClientRect(), box.getBoundingClientRect())) found.push(text.textContent);
  }
return [document.querySelectorAll("svg text").length, found];
"""

#: The names of what has a class, by the side that it is on.
WITH_CLASS = """
const all = [...document.querySelectorAll(arguments[0])];
return all.filter((one) => one.classList.contains(arguments[1])).map((one) => [
  one.closest("[data-side]").dataset.side,
  one.dataset.layer ?? `${one.dataset.from} to ${one.dataset.to}`,
]);
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    program, driver = next(filter(None, map(shutil.which, PROGRAMS)), None), shutil.which(DRIVER)
    if not program or not driver:
        said = f"no browser here: {' or '.join(PROGRAMS)}, with {DRIVER}"
        if "YAMLINJECT_BROWSER" in os.environ:
            pytest.fail(said)
        pytest.skip(said)
    options = ChromeOptions()
    options.binary_location = program
    profile = tmp_path_factory.mktemp("profile")
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "window-size=1300,1000"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with Chrome(options, Service(driver)) as started:
        yield started


def actions(browser: Chrome) -> ActionChains:
    """What the mouse and the keyboard do, at once: they would take a quarter of a second for each step."""
    return ActionChains(browser, duration=0)


def opened(browser: Chrome, file: Path) -> None:
    """Show a file; whatever an earlier test emulated is gone."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    browser.get(file.resolve().as_uri())
    actions(browser).move_by_offset(0, 0).perform()


@pytest.fixture
def page(cli: Cli, browser: Chrome) -> Path:
    """The report of yolov5s with SimAM after every C3 of the backbone, which the browser shows."""
    assert cli("add", "SimAM", "--after", "C3", "-o", "x.yaml").code == 0
    assert cli("draw", "x.yaml", "-o", "x.html").code == 0
    opened(browser, Path("x.html"))
    return Path("x.html").resolve()


def with_class(browser: Chrome, selector: str, name: str) -> list[tuple[str, str]]:
    return [tuple(one) for one in browser.execute_script(WITH_CLASS, selector, name)]


def check_lit(browser: Chrome, side: str, layer: str, readers: list[str]) -> None:
    """Just these are lit, in the picture as in the table, and the lines between them."""
    for kind in ("g", "tr"):
        assert with_class(browser, kind, "lit") == [(side, layer)]
        assert with_class(browser, kind, "reader") == [(side, reader) for reader in readers]
    lines = {(side, f"{layer} to {reader}") for reader in readers}
    assert set(with_class(browser, "path", "lit")) == lines


def nothing_is_lit(browser: Chrome) -> bool:
    return not any(with_class(browser, "[data-layer], path", name) for name in ("lit", "reader"))


def element(browser: Chrome, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def press(browser: Chrome, *keys: str) -> None:
    actions(browser).send_keys(*keys).perform()


def style(browser: Chrome, selector: str, name: str) -> str:
    return str(
        browser.execute_script(
            "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, name
        )
    )


@pytest.mark.usefixtures("page")
def test_hovering_lights_a_layer_and_its_readers(browser: Chrome) -> None:
    """SimAM 6 is read by the Conv below it and by the Concat of the next pass."""
    assert nothing_is_lit(browser)
    over = actions(browser).move_to_element
    over(element(browser, '[data-side="after"] g[data-layer="6"]')).perform()
    check_lit(browser, "after", "6", ["7", "20"])
    over(element(browser, '[data-side="after"] tr[data-layer="14"]')).perform()
    check_lit(browser, "after", "14", ["15", "26"])
    over(element(browser, "h1")).perform()
    assert nothing_is_lit(browser)


@pytest.mark.usefixtures("page")
def test_what_is_lit_looks_different(browser: Chrome) -> None:
    actions(browser).move_to_element(element(browser, '[data-side="after"] g[data-layer="6"]')).perform()
    shape = '[data-side="after"] g[data-layer="{}"]'
    assert style(browser, f"{shape.format(6)} rect", "strokeWidth") == "4px"
    assert style(browser, f"{shape.format(20)} rect", "strokeWidth") == "2.5px"
    assert [style(browser, shape.format(layer), "opacity") for layer in (6, 20, 5)] == ["1", "1", "0.3"]
    row = '[data-side="after"] tr[data-layer="{}"] td'
    grounds = [style(browser, row.format(layer), "backgroundColor") for layer in (6, 20, 5)]
    assert len(set(grounds)) == 3


@pytest.mark.usefixtures("page")
def test_the_keyboard_is_enough(browser: Chrome) -> None:
    """A tab stop each for the switch, the picture and the table; arrows within them."""
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "show-after"
    press(browser, Keys.TAB)
    check_lit(browser, "after", "0", ["1"])
    press(browser, *[Keys.ARROW_DOWN] * 7, Keys.ARROW_UP)
    check_lit(browser, "after", "6", ["7", "20"])
    press(browser, Keys.TAB)
    check_lit(browser, "after", "0", ["1"])
    assert browser.switch_to.active_element.tag_name == "tr"
    press(browser, Keys.END)
    check_lit(browser, "after", "28", [])
    press(browser, Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    check_lit(browser, "after", "27", ["28"])
    actions(browser).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    check_lit(browser, "after", "6", ["7", "20"])


@pytest.mark.usefixtures("page")
def test_the_switch(browser: Chrome) -> None:
    """By the keyboard and by the mouse; picture and table change together."""

    def shown() -> list[str]:
        parts = browser.find_elements("css selector", "[data-side]")
        return [str(part.get_attribute("data-side")) for part in parts if part.is_displayed()]

    assert shown() == ["after", "after"]
    press(browser, Keys.TAB, Keys.ARROW_UP)
    assert shown() == ["before", "before"]
    press(browser, Keys.TAB, *[Keys.ARROW_DOWN] * 4)
    check_lit(browser, "before", "4", ["5", "16"])
    element(browser, "label:has(#show-both)").click()
    assert shown() == ["before", "after", "before", "after"]
    actions(browser).move_to_element(element(browser, '[data-side="before"] g[data-layer="6"]')).perform()
    check_lit(browser, "before", "6", ["7", "12"])


@pytest.mark.usefixtures("page")
def test_on_a_wide_screen_the_table_is_beside_the_picture(browser: Chrome) -> None:
    """So that both can be seen at once, however far down the layer is."""
    browser.set_window_size(1700, 900)
    try:
        press(browser, Keys.TAB, Keys.TAB, Keys.TAB, Keys.END)
        picture, row = (element(browser, one).rect for one in ('[data-side="after"] svg', "tr.lit"))
        assert picture["x"] + picture["width"] < row["x"]
        top = browser.execute_script("return scrollY")
        assert top <= picture["y"] < row["y"] < top + 900
        element(browser, "#show-both").click()
        assert element(browser, '[data-side="after"] tr').rect["y"] > picture["y"] + picture["height"]
    finally:
        browser.set_window_size(1300, 1000)


def test_rows_of_before_and_after_are_level(browser: Chrome, page: Path) -> None:
    """What is not new stays where it is, or moves down with its row, when the switch is turned."""
    element(browser, "#show-both").click()
    rows = browser.execute_script(
        'return [...document.querySelectorAll("svg")].map((svg) => [...svg.querySelectorAll("text")]'
        ".filter((text) => /^P\\d/.test(text.textContent)).map((text) => text.getAttribute('y')))"
    )
    assert len(rows[0]) == 5
    assert rows[0] == rows[1]


@pytest.mark.usefixtures("page")
def test_dark_mode_and_print(browser: Chrome) -> None:
    """Dark where the browser is; what is printed is light, and has no switch."""

    def grounds(media: str, scheme: str) -> set[str]:
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
        picture = style(browser, '[data-side="after"] svg > rect', "fill")
        return {style(browser, "body", "backgroundColor"), picture}

    assert grounds("screen", "light") == {"rgb(255, 255, 255)"}
    assert grounds("screen", "dark") == {"rgb(13, 17, 23)"}
    assert style(browser, "h1", "color") == "rgb(230, 237, 243)"
    assert grounds("print", "dark") == {"rgb(255, 255, 255)"}
    assert style(browser, "fieldset", "display") == "none"


def test_a_theme_is_kept_whatever_the_browser_prefers(browser: Chrome, cli: Cli, page: Path) -> None:
    for theme, ground in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(13, 17, 23)")):
        assert cli("draw", "x.yaml", "-o", f"{theme}.html", "--theme", theme).code == 0
        opened(browser, Path(f"{theme}.html"))
        for scheme in ("light", "dark"):
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            assert style(browser, "body", "backgroundColor") == ground


def test_no_request_and_no_message(browser: Chrome, cli: Cli, tmp_path: Path) -> None:
    """Not even of names that would be elements; the policy lets our style and script through."""
    quoted = f"<img/src='//example.org/x'><script>{ODD[:100]}".replace('"', '\\"')
    (tmp_path / "x.yaml").write_text(GOOD.replace("SPPF", f'"{quoted}"'), encoding="utf-8")
    assert cli("draw", "x.yaml", "-o", "x.html", "--title", "<script>").code == 0
    logs: Any = browser  # whose method for that has no types
    for kind in ("browser", "performance"):
        logs.get_log(kind)
    opened(browser, Path("x.html"))
    press(browser, Keys.TAB)
    assert len(with_class(browser, "g", "lit")) == 1
    assert style(browser, "svg", "display") == "block"
    assert logs.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in logs.get_log("performance")]
    requests = {
        one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"
    }
    of_page = {url for url in requests if not url.startswith("chrome://")}  # the empty page of the start
    assert of_page == {Path("x.html").resolve().as_uri()}


CONFIGS = [
    *(("yolov5s", ()), ("yolov5x", ("--scale", "auto")), ("x.yaml", ()), ("odd.yaml", ())),
    *(
        pytest.param(name, (), marks=pytest.mark.framework)
        for name in ("yolov8n-p6", "yolo11n", "yolov3-spp")
    ),
]


@pytest.mark.parametrize(("config", "options"), CONFIGS)
@pytest.mark.parametrize("ending", ["svg", "html"])
def test_every_text_is_in_its_box(
    browser: Chrome, cli: Cli, tmp_path: Path, config: str, options: tuple[str, ...], ending: str
) -> None:
    """As the browser measures them, with the fonts of this machine."""
    (tmp_path / "x.yaml").write_text(GOOD.replace("[[5], 1, Detect", "[[4], 1, Detect"))
    (tmp_path / "odd.yaml").write_text(BASE.replace("SPPF", "W" * 40).replace("C3", "注意力模块"), "utf-8")
    assert cli("draw", config, *options, "-o", f"y.{ending}").code == 0
    opened(browser, Path(f"y.{ending}"))
    count, misplaced = browser.execute_script(MISPLACED)
    assert count > 10
    assert misplaced == []
