"""What ``check`` says to write for a wrong reference, where an inserted layer changes size or channels."""

from __future__ import annotations

import pytest

from yamlinject.checks.context import Subject
from yamlinject.checks.rewiring import rewired
from yamlinject.checks.runner import check
from yamlinject.config import Config
from yamlinject.errors import RefusalError

#: yolov5s whose convolutions of stride 2 are one of stride 1 and a module that halves the size.
SPLIT = """\
nc: 80
anchors: 3
backbone:
  - [-1, 1, Conv, [64, 6, 2, 2]]
  - {}
  - {}
  - [-1, 3, C3, [128]]
  - {}
  - {}
  - [-1, 6, C3, [256]]  # 6
  - {}
  - {}
  - [-1, 9, C3, [512]]  # 9
  - {}
  - {}
  - [-1, 3, C3, [1024]]
  - [-1, 1, SPPF, [1024, 5]]  # 13
head:
  - [-1, 1, Conv, [512, 1, 1]]  # 14
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 9], 1, Concat, [1]]
  - [-1, 3, C3, [512, False]]
  - [-1, 1, Conv, [256, 1, 1]]  # 18
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [[-1, 6], 1, Concat, [1]]
  - [-1, 3, C3, [256, False]]  # 21
  - {}
  - {}
  - [[-1, 18], 1, Concat, [1]]
  - [-1, 3, C3, [512, False]]  # 25
  - {}
  - {}
  - [[-1, 14], 1, Concat, [1]]
  - [-1, 3, C3, [1024, False]]  # 29
  - [[21, 25, 29], 1, Detect, [nc, anchors]]
"""

WIDTHS = (128, 256, 512, 1024, 256, 512)


def split(halving: str, *, first: bool) -> str:
    """With the row ``halving`` above the convolution or below it."""
    rows = [[f"[-1, 1, Conv, [{width}, 3, 1]]", halving] for width in WIDTHS]
    return SPLIT.format(*(row for pair in rows for row in (pair[::-1] if first else pair)))


def subject(text: str) -> Subject:
    return Subject(Config("mine.yaml", text.encode()))


@pytest.mark.parametrize(
    ("halving", "first"),
    [
        ("[-1, 1, SPD, [1]]", False),
        ("[-1, 1, SPD, [1]]", True),
        ("[-1, 1, Halve, []]", False),
        ("[-1, 1, Halve, []]", True),
        ("[-1, 1, space_to_depth, [1]]", False),
    ],
)
@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        ("[-1, 9], 1, Concat", "[-1, 8], 1, Concat", "write 9"),
        ("[-1, 6], 1, Concat", "[-1, 4], 1, Concat", "write 6"),
        ("[21, 25, 29]", "[21, 24, 29]", "write 25"),
        ("[21, 25, 29]", "[20, 25, 29]", "write 21"),
        ("[21, 25, 29]", "[21, 25, 28]", "write 29"),
    ],
)
def test_what_to_write_has_the_size_that_fits(
    halving: str, first: bool, before: str, after: str, hint: str
) -> None:
    """Not the SPD nor the convolution below the block, which are injected as far as the rows tell."""
    right = split(halving, first=first)
    assert not [one for one in check(Config("x.yaml", right.encode())) if one.rule.severity == "error"]
    wrong = right.replace(before, after)
    found = [one for one in check(Config("x.yaml", wrong.encode())) if one.rule.severity == "error"]
    assert [(one.rule.code, one.hint.split(":")[0]) for one in found] == [("YI301", hint)]
    mended = rewired(subject(wrong))
    assert mended is not None
    assert mended.config.text == right


def test_where_nothing_fits_nothing_is_said_to_be_right() -> None:
    """A head without its second downsampling: the layer that the base reads has another size."""
    text = split("[-1, 1, SimAM, []]", first=False)
    for width in (128, 256, 512, 1024, 256):
        text = text.replace(f"[{width}, 3, 1]", f"[{width}, 3, 2]", 1)
    text = text.replace("[-1, 14], 1", "[-1, 10], 1")
    (found,) = [one for one in check(Config("x.yaml", text.encode())) if one.rule.code == "YI301"]
    assert found.hint.startswith("see which layer it should read: layer 14 (Conv) has another size")
    with pytest.raises(RefusalError, match="no layer that is known fits as an input of layer"):
        rewired(subject(text))
