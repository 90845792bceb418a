"""What ``verify`` prints for a result, written out here; no model is built."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from yamlinject.output import terminal
from yamlinject.output import verification as report
from yamlinject.verification.result import Attention, Measured, Verification

SHAPES = [[1, 25200, 85], [1, 3, 80, 80, 85]]
BASE = Measured("yolov5s", 25, 7_235_389, 16.6, [8, 16, 32], SHAPES, SHAPES[1:])
CONFIG = replace(BASE, name="yolov5s_SimAM.yaml", layers=26)
SIMAM = Attention(10, "SimAM", 512, 0, 0.0016, 1e-4, True)
RESULT = Verification(
    "yolov5 7.0.14", 640, BASE, CONFIG, [SIMAM], None, equal=True, proven=True, notes=["it is old"]
)
TABLE = """\
            yolov5s    yolov5s_SimAM.yaml
-----------------------------------------
layers      25         26
parameters  7,235,389  7,235,389
GFLOPs      16.6       16.6
strides     8, 16, 32  8, 16, 32

"""


def printed(result: Verification, width: int | None = None) -> str:
    stream = io.StringIO()
    terminal.emit(stream, report.lines(result, width))
    return stream.getvalue()


def test_a_config_that_is_right() -> None:
    assert printed(RESULT) == TABLE + (
        "outputs   the same shapes: 1x25200x85, 1x3x80x80x85\n"
        "training  the same shapes: 1x3x80x80x85\n"
        "attention layer 10 (SimAM): 512 channels, 0 parameters, lambda 0.0001\n"
        "compared  without the attention, the outputs equal those of the base\n"
        "note      0.0016 GFLOPs are the attention's own operations; profilers count them as zero\n"
        "note      it is old\n"
        "measured  by yolov5 7.0.14 with an image of 640 px\n"
        "verified  yolov5s_SimAM.yaml builds, and is yolov5s with attention inserted\n"
    )


def test_a_config_that_is_wrong() -> None:
    other = replace(CONFIG, eval_shapes=[[1, 100, 85]])
    wrong = replace(RESULT, config=other, equal=False, proven=False, problems=["one", "two"], notes=[])
    lines = printed(wrong).splitlines()
    assert "outputs   1x25200x85, 1x3x80x80x85 (yolov5s)" in lines
    assert "outputs   1x100x85 (yolov5s_SimAM.yaml)" in lines
    assert lines[-3:] == [
        "problem   one",
        "problem   two",
        "wrong     yolov5s_SimAM.yaml has 2 problems, see above",
    ]
    assert not any(line.startswith(("compared", "verified")) for line in lines)


def test_a_config_without_anything_new() -> None:
    wrong = replace(RESULT, attention=[], problems=["there is no attention layer in it"])
    assert not any(line.startswith("compared") for line in printed(wrong).splitlines())


def test_a_config_whose_base_is_not_known() -> None:
    last = printed(replace(RESULT, proven=False)).splitlines()[-1]
    assert last == "builds    yolov5s_SimAM.yaml builds; whether its references are right is not known"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_a_terminal_whatever_the_names_are(width: int) -> None:
    long = replace(RESULT, config=replace(CONFIG, name="models/experiments/" * 6 + "x.yaml"))
    lines = [line.text for line in report.lines(long, width)]
    table = lines[: lines.index("")]
    assert max(map(len, table)) <= width
    assert "".join(line[23:] for line in table[:3]).replace(" ", "").startswith("models/experiments/")
