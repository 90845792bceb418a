"""The picture of a config: where boxes and lines are, and what is marked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from cProfile import Profile
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXHAUSTIVE, corpus, needs_corpus, shipped
from tests.geometry import Faults, faults, hit, lie_on_each_other, overlap
from tests.support import BASE, GOOD
from yamlinject import load
from yamlinject.config import Config
from yamlinject.drawing.grid import Place, arrange
from yamlinject.drawing.layout import PIXELS, Box, Layout, lay_out
from yamlinject.drawing.picture import MOST_LAYERS, TIMES, Picture, beside, picture
from yamlinject.drawing.sheet import widths
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.lineage.resolve import resolve

#: One in so many files of the corpus; all of them with ``YAMLINJECT_EXHAUSTIVE=1``.
EVERY = 1 if EXHAUSTIVE else 10


def laid_out(drawn: Picture) -> Layout:
    return drawn.lay_out(widths(drawn))


def drawn(config: Config, *, unfold: bool = False) -> Picture:
    return picture(config, resolve(config), unfold=unfold)


# --- the layout


def test_what_is_a_fault() -> None:
    """The judge of this file: it knows each fault, and what only touches."""
    box, other = Box(0, 10, 10, 20, 20), Box(1, 30, 10, 20, 20)
    assert not overlap(box, other)
    assert overlap(box, Box(1, 29, 29, 5, 5))
    assert hit(((0, 20), (50, 20)), box)
    assert hit(((20, 0), (20, 50)), box)
    assert hit(((12, 20), (15, 20)), box)
    assert not hit(((30, 20), (50, 20)), box)
    assert not hit(((30, 0), (30, 50)), box)
    assert lie_on_each_other(((0, 5), (9, 5)), ((8, 5), (20, 5)))
    assert not lie_on_each_other(((0, 5), (9, 5)), ((9, 5), (20, 5)))
    assert not lie_on_each_other(((0, 5), (9, 5)), ((0, 6), (9, 6)))


def test_the_pyramid_of_yolov5s() -> None:
    """By hand: the rows are the strides, and the columns backbone, top-down, bottom-up, head."""
    shown = drawn(load("yolov5s"))
    assert shown.grid.strides == [2, 4, 8, 16, 32]
    columns = [place.column for place in shown.grid.places]
    assert columns == [0] * 11 + [1] * 7 + [2] * 6 + [3]
    assert shown.grid.heads == [24]
    rows = [place.row for place in shown.grid.places[:24]]
    assert rows == [0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 3, 3, 3, 3, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    boxes = laid_out(shown).boxes
    for level, concat in ((4, 16), (6, 12)):  # skips are level
        assert boxes[level].y == boxes[concat].y
    assert faults(laid_out(shown)) == Faults(0, 0, 0, 0)


def test_a_head_that_names_no_inputs_is_at_the_right() -> None:
    """As in YOLOv5 1.0, where it finds them by their channels."""
    shown = picture(Config.from_text(BASE.replace("[[4], 1, Detect", "[[], 1, Detect")))
    assert shown.grid.heads == [5]
    assert shown.grid.strides == [2]
    assert laid_out(shown).boxes[5].x > max(box.x + box.width for box in laid_out(shown).boxes[:5])


def test_sizes_that_are_not_known_are_not_named() -> None:
    """Modules that nobody knows: a row for each stage that the head reads, without names."""
    rows = "".join(f"  - [-1, 1, My{name}, [64, a, b]]\n" for name in ("Stem", "Down", "Block"))
    shown = picture(Config.from_text(f"backbone:\n{rows}head:\n  - [[0, 1, 2], 1, Detect, [nc]]\n"))
    assert shown.grid.strides == [None, None, None]
    assert shown.grid.slots == [1, 1, 1]
    assert faults(laid_out(shown))[:3] == (0, 0, 0)


def test_a_config_of_one_layer() -> None:
    shown = picture(Config.from_text("backbone:\n  - [-1, 1, Conv, [16]]\nhead: []\n"))
    assert (len(laid_out(shown).boxes), shown.edges) == (1, [])


def test_a_row_gets_another_slot_where_that_makes_a_line_level() -> None:
    """0 above 1 above 2; 4 reads 2, and is above 5: they are level only in a row of four slots."""
    grid = arrange([[], [0], [1], [2], [2, 3], [4]], [8, 8, 8, 4, 8, 8], None)
    assert grid.places[2:] == [Place(1, 0, 2), Place(0, 1, 0), Place(1, 2, 2), Place(1, 2, 3)]
    assert grid.slots == [1, 4]


def test_the_head_is_beside_the_lanes_above_and_below() -> None:
    """0 and 2 of a row of one layer, 5 and 7 of the last, all with a layer between them and the head."""
    reads = [[], [0], [0, 1], [2], [3], [2, 4], [5], [6], [4, 6, 7], [0, 2, 4, 5, 8]]
    for one, other in ((8.0, 16.0), (16.0, 8.0)):
        grid = arrange(reads, [one, other] * 4 + [one, None], 9)
        edges = [(source, target) for target, sources in enumerate(reads) for source in sources]
        layout = lay_out(grid, edges, [100.0] * 10)
        assert all(touches(line.points[-1], layout.boxes[line.target]) for line in layout.lines)
        assert {y < layout.bands[0].top or y > layout.bands[-1].bottom for _, y in lanes(layout)} != {False}


def lanes(layout: Layout) -> list[tuple[float, float]]:
    return [line.points[-1] for line in layout.lines if line.target == 9]


def test_without_any_stride_there_is_a_row_for_each_stage() -> None:
    """A small pyramid, by hand: 2 and 4 are joined again further up, by 8 and 11, after 7 and 10."""
    reads = [[index - 1] if index else [] for index in range(13)]
    reads[8], reads[11] = [4, 7], [2, 10]
    grid = arrange([*reads, [6, 9, 12]], [None] * 14, 13)
    assert [place.row for place in grid.places[:13]] == [0, 0, 0, 1, 1, 2, 2, 1, 1, 1, 0, 0, 0]
    assert [place.column for place in grid.places] == [0] * 7 + [1] * 6 + [2]
    assert grid.strides == [None, None, None]
    chain = arrange([[], [0], [1]], [None, None, None], None)
    assert (chain.strides, chain.slots) == ([None], [3])


def test_stages_stay_side_by_side() -> None:
    rows = "".join(f"  - [{source}, 1, My{name}, [8, a, b]]\n" for source, name in ((-1, "A"), (-1, "B")))
    text = (
        f"backbone:\n{rows}{rows}head:\n{rows}  - [[-1, 1], 1, MyJoin, []]\n  - [[6, 5], 1, Detect, [nc]]\n"
    )
    shown = picture(Config.from_text(text))
    assert [place.row for place in shown.grid.places] == [0, 0, 1, 1, 1, 0, 0, 0]
    both = beside(shown, shown)
    assert [place.row for place in both.grid.places] == [0, 0, 1, 1, 1, 0, 0, 0] * 2
    assert both.grid.strides == [None, None]


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 4), st.sets(st.integers(1, 12), max_size=4)), min_size=2, max_size=40
    )
)
@settings(max_examples=500 if EXHAUSTIVE else 25, deadline=None)
@pytest.mark.parametrize("known", [True, False])
def test_no_line_goes_through_a_box_or_lies_on_another(
    rows: list[tuple[int, set[int]]], known: bool
) -> None:
    """Whatever reads whatever: each layer reads those so far above it, and the one above it."""
    reads = [
        sorted({index - back for back in {1, *backs} if index - back >= 0})
        for index, (_, backs) in enumerate(rows)
    ]
    strides: list[float | None] = [2.0**power if known else None for power, _ in rows]
    head = len(rows) - 1 if len(reads[-1]) > 1 else None
    grid = arrange(reads, strides, head)
    edges = [(source, target) for target, sources in enumerate(reads) for source in sources]
    layout = lay_out(grid, edges, [100.0] * len(rows))
    assert faults(layout)[:3] == (0, 0, 0)
    assert {line[:2] for line in layout.lines} == set(edges)
    for line in layout.lines:
        source, target = layout.boxes[line.source], layout.boxes[line.target]
        assert touches(line.points[0], source), line
        assert touches(line.points[-1], target), line
        assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in line.points)
    for box in layout.boxes:
        assert box.x >= PIXELS.legend
        assert box.x + box.width <= layout.width
        assert 0 <= box.y < box.y + box.height <= layout.height


def touches(point: tuple[float, float], box: Box) -> bool:
    x, y = point
    beside = x in (box.x, box.x + box.width) and box.y < y < box.y + box.height
    return beside or (y in (box.y, box.y + box.height) and box.x < x < box.x + box.width)


def crossings(paths: Sequence[Path]) -> tuple[dict[str, int], list[float]]:
    """How many lines cross in the picture of each config that can be drawn, and the seconds it took."""
    found, times = {}, []
    for path in paths:
        config = Config(path.name, path.read_bytes())
        try:
            shown = picture(config)
        except YamlInjectError:
            continue
        before = time.process_time()
        layout = laid_out(shown)
        times.append(time.process_time() - before)
        assert faults(layout)[:3] == (0, 0, 0), path.name
        assert all(touches(line.points[-1], layout.boxes[line.target]) for line in layout.lines), path.name
        found[path.name] = faults(layout).crossings
    return found, times


def public() -> list[Path]:
    return [path for folder in ("base", "edited", "irregular") for path in corpus(folder)]


@pytest.mark.corpus
@needs_corpus
def test_pictures_of_public_configs() -> None:
    """No fault in any; in most no line crosses another, and in nearly all few do; and fast."""
    found, times = crossings(public()[::EVERY])
    assert len(found) > 900 // EVERY
    assert sum(count == 0 for count in found.values()) > 0.62 * len(found)
    assert sum(count <= 3 for count in found.values()) > 0.82 * len(found)
    assert median(times) < 0.005


@pytest.mark.corpus
@pytest.mark.framework
def test_pictures_of_what_the_packages_ship() -> None:
    """No fault; and together no more crossings than the 24 of the prototype."""
    paths = [*shipped("yolov5", "models"), *shipped("ultralytics", "cfg/models")]
    found, _ = crossings([path for path in paths if path.name != "anchors.yaml"])
    named = "yolov5s yolov8 yolov8-p2 yolov8-p6 yolo11 yolov9c yolov5-bifpn".split()
    simam = faults(laid_out(drawn(load("yolov5s").add("SimAM", after="C3")))).crossings
    assert simam + sum(found[f"{name}.yaml"] for name in named) <= 3


# --- blocks that are repeated


#: A stem, an ELAN block with its downsampling twice, and a head.
ELAN = """\
nc: 2
backbone:
  - [-1, 1, Conv, [32, 3, 2]]  # 0
""" + "".join(
    f"""\
  - [-1, 1, Conv, [{2 * width}, 3, 2]]
  - [-1, 1, Conv, [{width}, 1, 1]]
  - [-2, 1, Conv, [{width}, 1, 1]]
  - [-1, 1, Conv, [{width}, 3, 1]]
  - [-1, 1, Conv, [{width}, 3, 1]]
  - [-1, 1, Conv, [{width}, 3, 1]]
  - [-1, 1, Conv, [{width}, 3, 1]]
  - [[-1, -3, -5, -6], 1, Concat, [1]]
"""
    for width in (32, 64)
)
ELAN += "head:\n  - [[8, 16], 1, Detect, [nc, anchors]]  # 17\n"


def test_repeated_blocks_are_one_box_each() -> None:
    shown = drawn(Config.from_text(ELAN))
    assert [node.name for node in shown.nodes] == ["0", "1", "2-8", "9", "10-16", "17"]
    assert shown.nodes[2].title == "2-8 6 Conv, Concat"
    assert shown.nodes[2].detail == "128 ch"
    assert shown.nodes[2].full.splitlines()[1] == "3: [-2, 1, Conv, [32, 1, 1]]"
    assert [edge[:2] for edge in shown.edges] == [(0, 1), (1, 2), (2, 3), (2, 5), (3, 4), (4, 5)]
    assert len(drawn(Config.from_text(ELAN), unfold=True).nodes) == 18


def test_a_block_is_drawn_in_full_where_something_in_it_is_marked() -> None:
    added = Config.from_text(ELAN).add("SimAM", after="5", provenance=True)
    given = Config.from_text(ELAN, "base.yaml")
    shown = picture(added, resolve(added, given))
    assert [node.name for node in shown.nodes if node.mark == "new"] == ["6"]
    names = [node.name for node in shown.nodes]
    assert names[:10] == list("0123456789")
    assert "11-17" not in names  # it is not repeated any more
    assert "17" in names


def test_what_is_not_repeated_or_is_read_from_outside_is_no_block() -> None:
    once = ELAN.replace("[-1, -3, -5, -6]", "[-1, -3, -5]", 1)
    assert len(drawn(Config.from_text(once)).nodes) == 18
    outside = ELAN.replace("[[8, 16]", "[[7, 16]")
    assert len(drawn(Config.from_text(outside)).nodes) == 18


# --- what is marked


def marks(shown: Picture) -> dict[str, set[str]]:
    """The layers with a mark, and the lines, as ``4>16``."""
    found: dict[str, set[str]] = {}
    for node in shown.nodes:
        found.setdefault(node.mark, set()).add(node.name)
    for edge in shown.edges:
        ends = shown.nodes[edge.source].name, shown.nodes[edge.target].name
        found.setdefault(edge.mark, set()).add(">".join(ends))
    return found


def test_marks_of_an_insertion() -> None:
    """README's example: SimAM at 10; Concats and the head read other numbers."""
    found = marks(drawn(load("yolov5s").add("SimAM", after="SPPF")))
    assert found["new"] == {"10", "9>10", "10>11"}
    assert found["changed"] == {"15>20", "11>23", "18>25", "21>25", "24>25"}
    assert set(found) == {"", "new", "changed"}


def test_no_marks_without_a_base() -> None:
    assert set(marks(picture(load("yolov5s").add("SimAM", after="SPPF")))) == {""}


def test_marks_of_a_replacement() -> None:
    assert marks(drawn(load("yolov5s").replace("C2f", at="9,2")))["replaced"] == {"2", "9"}


def test_a_wrong_reference_and_the_right_one() -> None:
    text = load("yolov5s").add("SimAM", after="SPPF", provenance=False).text
    wrong = text.replace("[[-1, 15], 1, Concat", "[[-1, 14], 1, Concat")
    assert wrong != text
    found = marks(drawn(Config.from_text(wrong)))
    assert found["wrong"] == {"14>20"}
    assert found["expected"] == {"15>20"}


def test_layers_without_effect() -> None:
    dead = GOOD.replace("[[-1, 1], 1, Concat", "[[2, 1], 1, Concat")
    assert marks(picture(Config.from_text(dead)))["dead"] == {"3"}


def test_texts_of_boxes() -> None:
    shown = picture(Config.from_text(BASE.replace("[-1, 1, C3, [16]]", "[-1, 3, C3, [16]]")))
    assert [(node.title, node.detail) for node in shown.nodes] == [
        ("0 Conv", "16 ch"),
        ("1 C3", f"16 ch {TIMES}3"),
        ("2 SPPF", "16 ch"),
        ("3 Concat", "32 ch"),
        ("4 C3", "32 ch"),
        ("5 Detect", ""),
    ]
    assert shown.labels(8) == ("P3/8", f"80{TIMES}80")
    assert picture(load("yolov5s"), image_size=1280).labels(32) == ("P5/32", f"40{TIMES}40")
    assert shown.labels(None) == ("", "")


def test_real_channels_and_repeats() -> None:
    """yolov5s halves its channels, and builds a third of its repeats; its head gives no channels."""
    shown = picture(load("yolov5s"), scale="auto")
    assert [node.detail for node in shown.nodes[:5]] == [
        "32 ch",
        "64 ch",
        "64 ch",
        "128 ch",
        f"128 ch {TIMES}2",
    ]
    assert shown.nodes[24].detail == ""
    assert shown.name == "yolov5s, as built"
    assert picture(load("yolov5s"), scale="l").name == "yolov5s, scale l"
    assert picture(load("yolov5s"), scale="l").nodes[4].detail == f"256 ch {TIMES}6"
    with pytest.raises(YamlInjectError, match="there is no scale 't'"):
        picture(load("yolov5s"), scale="t")


# --- before and after


def test_before_and_after_have_the_same_rows() -> None:
    """Those of yolov5s, some of them with room for the SimAMs at the right."""
    before, added = picture(load("yolov5s")), load("yolov5s").add("SimAM", after="C3")
    both = beside(before, picture(added, resolve(added)))
    assert both.grid.strides == [2, 4, 8, 16, 32]
    assert len(both.nodes) == 25 + 29
    assert both.names == [("yolov5s", 0), ("yolov5s_SimAM", 4)]
    assert both.grid.heads == [24, 53]
    assert faults(laid_out(both)) == Faults(0, 0, 0, 0)
    tops: dict[tuple[int, int], set[float]] = {}
    for box, place in zip(laid_out(both).boxes, both.grid.places, strict=True):
        tops.setdefault((place.row, place.slot), set()).add(box.y)
    assert all(len(found) == 1 for cell, found in tops.items() if cell != (0, 0))
    assert not any(edge.source < 25 <= edge.target for edge in both.edges)
    assert not any(edge.mark for edge in both.edges if edge.target < 25)


def test_rows_that_only_one_of_both_has() -> None:
    one = picture(Config.from_text(BASE))
    other = picture(Config.from_text(BASE.replace("[16, 3, 2]", "[16, 3, 4]")))
    both = beside(one, other)
    assert both.grid.strides == [2, 4]
    assert {place.row for place in both.grid.places[:6]} == {0}
    assert {place.row for place in both.grid.places[6:]} == {1}
    assert faults(laid_out(both)) == Faults(0, 0, 0, 0)


@pytest.mark.corpus
@needs_corpus
def test_public_configs_beside_each_other() -> None:
    pictures = []
    for path in corpus("edited")[:: 3 * EVERY]:
        with suppress(YamlInjectError):
            pictures.append(picture(Config(path.name, path.read_bytes())))
    assert len(pictures) > 100 // EVERY
    for one, other in pairwise(pictures):
        assert faults(laid_out(beside(one, other)))[:3] == (0, 0, 0), (one.name, other.name)


# --- bounds


def test_more_layers_than_a_picture_shows_are_refused() -> None:
    rows = "".join("  - [-1, 1, Conv, [16]]\n" for _ in range(MOST_LAYERS))
    text = f"backbone:\n{rows}head:\n  - [-1, 1, Detect, [nc]]\n"
    with pytest.raises(RefusalError, match="1001 layers: pictures are drawn of 1000 at most"):
        picture(Config.from_text(text))
    assert len(picture(Config.from_text(text.replace("  - [-1, 1, Conv, [16]]\n", "", 1))).nodes) == 1000


def test_more_references_than_a_picture_shows_are_refused() -> None:
    every = ", ".join(["0"] * 5000)
    text = f"backbone:\n  - [-1, 1, Conv, [16]]\nhead:\n  - [[{every}], 1, Detect, [nc]]\n"
    with pytest.raises(RefusalError, match="5001 references: pictures are drawn of 5000 at most"):
        picture(Config.from_text(text))


def test_a_dense_config_takes_few_steps() -> None:
    """Hundreds of layers, most of which read six others, up and down two strides."""
    layers = 600 if EXHAUSTIVE else 300
    rows = []
    for index in range(1, layers):
        sources = sorted({max(0, index - 1 - 7 * back) for back in range(6)})
        resampling = "nn.Upsample, [None, 2, nearest]" if index % 2 else "Conv, [16, 3, 2]"
        rows.append(
            f"  - [-1, 1, {resampling}]\n" if index % 5 == 0 else f"  - [{sources}, 1, Concat, [1]]\n"
        )
    text = f"backbone:\n  - [-1, 1, Conv, [16, 3, 2]]\n{''.join(rows)}head:\n  - [-1, 1, Detect, [nc]]\n"
    drawn = picture(Config.from_text(text))
    with Profile(builtins=False) as profile:
        laid_out(drawn)
    # 1.3 million for 300 layers, and four times as many for 600: 2 or 3 seconds
    assert sum(entry.callcount for entry in profile.getstats()) < 25 * layers**2


def test_the_same_config_has_the_same_layout() -> None:
    path: Path | str = "yolov5s"
    assert laid_out(drawn(load(path))) == laid_out(drawn(load(path)))


if __name__ == "__main__":  # the table of all public configs by family
    import re
    from itertools import groupby

    def family(name: str) -> str:
        found = re.findall(r"(?i)yolo[a-z]*v?\d+|rt-?detr|gelan|yolor", name)
        return found[-1].lower() if found else "others"

    every = crossings(public())[0]
    for name, names in groupby(sorted(every, key=family), family):
        counts = [every[one] for one in names]
        few = sum(count <= 3 for count in counts)
        print(f"{name:12} {len(counts):4} configs, {counts.count(0):4} without, {few:4} with 3 at most")
