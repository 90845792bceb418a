"""Which wiring a config was made from, on wirings written by hand."""

from __future__ import annotations

import pytest

from yamlinject.core.layer import Layer
from yamlinject.library.architectures import Wiring, parse
from yamlinject.lineage import matching

BASE = parse(
    "base: Conv/2 C2f Conv/2 C2f SPPF | nn.Upsample/0.5 Concat@5,1 C2f Conv/2 Concat@8,4 C2f Detect@7,10"
)
OTHER = parse("other: Conv/2 C3 Conv/2 C3 SPP | nn.Upsample/0.5 Concat@5,1 C3 Detect@7")

#: The rows of BASE as a config has them.
ROWS = """
Conv -1 64 3 2
C2f -1 64
Conv -1 128 3 2
C2f -1 128
SPPF -1 128
nn.Upsample -1 None 2
Concat -1,1 1
C2f -1 64
Conv -1 64 3 2
Concat -1,4 1
C2f -1 128
Detect 7,10
"""


def config(text: str) -> list[Layer]:
    """Layers from lines ``module references args``."""
    layers = []
    for index, line in enumerate(text.strip().splitlines()):
        module, references, *args = line.split()
        from_ = [int(number) for number in references.split(",")]
        values = [int(arg) if arg.isdigit() else arg for arg in args]
        layers.append(Layer(index, "backbone", from_, 1, module, values))
    return layers


def match(text: str, *known: Wiring) -> tuple[str, list[tuple[int, list[int]]]] | None:
    """The name of the base, and the layers that are wrong with what they have to read."""
    found = matching.match(config(text), known or (OTHER, BASE))
    if found is None:
        return None
    return found.base.name, [(wrong.layer.index, wrong.wanted) for wrong in found.misread]


def test_the_base_itself() -> None:
    assert match(ROWS) == ("base", [])


def test_attention_that_was_put_in_and_not_counted() -> None:
    rows = ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    # the Concat still reads the SPPF, past the attention, which is no mistake
    assert match(rows) == ("base", [(12, [8, 11])])
    right = rows.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])


def test_exchanged_modules() -> None:
    assert match(ROWS.replace("C2f", "C2f_DCN")) == ("base", [])
    stale = ROWS.replace("C2f", "C2f_DCN").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    assert match(stale) == ("base", [(12, [8, 11])])


def test_attention_in_place_of_a_block_and_put_in() -> None:
    rows = ROWS.replace("C2f", "Att").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    assert match(rows) == ("base", [(12, [8, 11])])


def test_another_head_and_another_upsampling() -> None:
    rows = ROWS.replace("Detect 7,10", "MyHead 6,10").replace("nn.Upsample -1 None 2", "DySample -1")
    assert match(rows) == ("base", [(11, [7, 10])])


def test_a_join_that_was_exchanged_reads_what_fits_it() -> None:
    assert match(ROWS.replace("Concat -1,4", "Add2 -1,3")) == ("base", [])
    assert match(ROWS.replace("Concat -1,4", "Concat -1,3")) == ("base", [(9, [8, 4])])


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ROWS.replace("Concat -1,4 1", "Concat -1,4,2 1"), id="another-number-of-inputs"),
        pytest.param(ROWS.replace("SPPF -1 128\n", ""), id="a-layer-is-missing"),
        pytest.param(
            ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nConv -1 128 3 2\n"), id="the-new-layer-has-a-stride"
        ),
        pytest.param(
            ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nFuse 2,4\n"), id="the-new-layer-joins-two"
        ),
        pytest.param(
            ROWS.replace("C2f", "Block").replace("Conv -1 128 3 2", "Block -1 128"),
            id="one-module-for-two",
        ),
        pytest.param(
            ROWS.replace("C2f", "PConv").replace("SPPF -1 128\n", "SPPF -1 128\nPConv -1 128\n"),
            id="a-block-exchanged-and-put-in",
        ),
        pytest.param(
            ROWS.replace("C2f", "X").replace("SPPF", "Y").replace("Conv", "Z"),
            id="hardly-anything-in-common",
        ),
        pytest.param("Conv -1 3 3 2\nClassify -1", id="smaller"),
    ],
)
def test_another_design(rows: str) -> None:
    assert match(rows) is None


def test_several_references_far_off_are_another_design() -> None:
    """With exchanged modules; with those of the base they are wrong."""
    rows = ROWS.replace("Concat -1,4", "Concat -1,0").replace("Detect 7,10", "Detect 0,10")
    assert match(rows) == ("base", [(9, [8, 4]), (11, [7, 10])])
    assert match(rows.replace("C2f", "C2f_DCN")) is None


def test_the_wiring_with_the_fewest_wrong_references_is_the_base() -> None:
    older = parse(str(BASE).replace("base:", "older:").replace("Concat@8,4", "Concat@8,3"))
    assert match(ROWS, older, BASE) == ("base", [])
    assert match(ROWS.replace("-1,4", "-1,3"), BASE, older) == ("older", [])


def test_of_wirings_that_fit_alike_the_largest_is_the_base() -> None:
    """Fewer layers that were put in."""
    small = parse("small: Conv/2 C2f | Detect@1")
    large = parse("large: Conv/2 C2f C2f | Detect@2")
    rows = "Conv -1 64 3 2\nC2f -1 64\nC2f -1 64\nDetect 2"
    assert match(rows, small, large) == ("large", [])
    assert match(rows, small) == ("small", [])


def test_a_twin_is_the_one_that_leaves_less_wrong() -> None:
    """A second SPPF above the one of the base: the readers tell which is which."""
    rows = ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nSPPF -1 128\n")
    right = rows.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])
    assert match(right.replace("nn.Upsample -1", "nn.Upsample 4")) == ("base", [])


def test_references_that_name_no_earlier_layer_are_wrong() -> None:
    assert match(ROWS.replace("Concat -1,4", "Concat -1,40")) == ("base", [(9, [8, 4])])
    assert match(ROWS.replace("Concat -1,4", "Concat -1,-40")) == ("base", [(9, [8, 4])])
