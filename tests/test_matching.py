"""Which wiring a config was made from, on wirings written by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXHAUSTIVE, corpus, needs_corpus
from yamlinject.config import Config
from yamlinject.core import graph
from yamlinject.core.layer import Layer
from yamlinject.errors import YamlInjectError
from yamlinject.library.architectures import Wiring, parse, wirings
from yamlinject.lineage import alignment, matching

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
    """The name of the base, and the wrong layers with what they should read."""
    found = matching.match(config(text), known or (OTHER, BASE))
    if found is None:
        return None
    return found.base.name, [(wrong.layer.index, wrong.expected) for wrong in found.wrong_readers]


def test_the_base_itself() -> None:
    assert match(ROWS) == ("base", [])


def test_attention_that_was_put_in_and_not_counted() -> None:
    rows = ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    # the Concat still reads the SPPF, bypassing the attention, which is no mistake
    assert match(rows) == ("base", [(12, [8, 11])])
    right = rows.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])


def test_a_layer_that_reads_one_far_above_is_a_design() -> None:
    """Also below the last join, and in a model that has none: other models say nothing of such layers."""
    assert match(ROWS.replace("C2f -1 128\nDetect", "C2f 1 128\nDetect")) is None
    classifier = parse("classifier: Conv/2 C2f Conv/2 C2f | Classify@3")
    rows = "Conv -1 64 3 2\nC2f -1 64\nConv -1 128 3 2\nC2f -1 128\nClassify -1"
    assert match(rows, classifier) == ("classifier", [])
    assert match(rows.replace("C2f -1 128", "C2f 0 128"), classifier) is None


def test_exchanged_modules() -> None:
    assert match(ROWS.replace("C2f", "C2f_DCN")) == ("base", [])
    stale = ROWS.replace("C2f", "C2f_DCN").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    assert match(stale) == ("base", [(12, [8, 11])])


def test_attention_in_place_of_a_block_and_put_in() -> None:
    rows = ROWS.replace("C2f", "Att").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    assert match(rows) == ("base", [(12, [8, 11])])


def test_another_head_and_another_upsampling() -> None:
    rows = ROWS.replace("Detect 7,10", "MyHead 8,10").replace("nn.Upsample -1 None 2", "DySample -1")
    assert match(rows) == ("base", [(11, [7, 10])])


def test_a_join_that_was_exchanged_reads_what_fits_it() -> None:
    assert match(ROWS.replace("Concat -1,4", "Add2 -1,3")) == ("base", [])
    assert match(ROWS.replace("Concat -1,4", "Concat -1,5")) == ("base", [(9, [8, 4])])
    convolutions = ROWS.replace("Conv ", "GSConv ").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1\n")
    side = convolutions.replace("GSConv -1 64 3 2\nConcat", "GSConv 8 64 3 2\nConcat")
    right = side.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])
    assert match(right.replace("GSConv 8", "GSConv 7")) == ("base", [(9, [8])])  # it joins nothing


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


@pytest.mark.parametrize(
    ("before", "after", "is_wrong"),
    [
        # 4 was 3 in the base, below the attention at 2: not raised, miscounted by one, raised twice
        ("Concat -1,5", "Concat -1,4", True),
        ("Concat -1,5", "Concat -1,3", True),
        ("Concat -1,5", "Concat -1,7", True),
        ("Concat -1,5", "Concat -1,2", False),
        ("Concat -1,5", "Concat -1,0", False),
        # 1 is above it, where no number changes: raised nevertheless, or lowered on purpose
        ("Concat -1,1", "Concat -1,2", True),
        ("Concat -1,1", "Concat -1,3", True),
        ("Concat -1,1", "Concat -1,0", False),
        ("Concat -1,1", "Concat -1,4", False),
        ("Detect 8,11", "Detect 0,11", False),
        ("Detect 8,11", "Detect 7,11", True),
        ("Detect 8,11", "Detect 8,40", True),  # no design: nothing can read it
    ],
)
@pytest.mark.parametrize("block", ["C2f", "C2f_DCN"])
def test_a_number_that_no_renumbering_gives_is_a_design(
    before: str, after: str, is_wrong: bool, block: str
) -> None:
    """With the modules of the base and with others in their place."""
    rows = ROWS.replace("Conv -1 128 3 2\n", "Conv -1 128 3 2\nAtt -1\n").replace("C2f", block)
    right = rows.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])
    assert right.count(before) == 1
    found = match(right.replace(before, after))
    assert (found is not None and len(found[1]) == 1) == is_wrong
    assert is_wrong or found is None


def test_the_wiring_with_the_fewest_wrong_readers_is_the_base() -> None:
    older = parse(str(BASE).replace("base:", "older:").replace("Concat@8,4", "Concat@8,3"))
    assert match(ROWS, older, BASE) == ("base", [])
    assert match(ROWS.replace("-1,4", "-1,3"), BASE, older) == ("older", [])


def test_the_fewest_kinds_of_injected_modules_explain_a_config() -> None:
    small = parse("small: Conv/2 C2f | Detect@1")
    large = parse("large: Conv/2 C2f C2f | Detect@2")
    rows = "Conv -1 64 3 2\nC2f -1 64\nC2f -1 64\nDetect 2"
    assert match(rows, small, large) == ("large", [])
    assert match(rows, small) == ("small", [])


def test_one_wrong_number_is_likelier_than_injected_convolutions() -> None:
    """As in yolov5s-ghost and yolov8-ghost, which lacks the convolution: layer 4 became 5 with the SE."""
    large = parse("large: Conv/2 C3 C3 SPP | Conv nn.Upsample/0.5 Concat@5,0 C3 Concat@7,4 C3 Detect@7,9")
    small = parse("small: Conv/2 C3 C3 SPP | nn.Upsample/0.5 Concat@4,0 C3 Concat@6,3 C3 Detect@6,8")
    rows = """
    Conv -1 64 3 2
    C3 -1 64
    SE -1
    C3 -1 64
    SPP -1 64
    Conv -1 64 1 1
    nn.Upsample -1 None 2
    Concat -1,0 1
    C3 -1 64
    Concat -1,4 1
    C3 -1 64
    Detect 8,10
    """
    assert match(rows, small, large) == ("large", [(9, [8, 5])])
    assert match(rows, small) == ("small", [])
    c2f = parse(str(small).replace("C3", "C2f"))  # as in yolov8 and a yolov5 with its blocks
    assert match(rows.replace("C3", "C2f"), c2f, large) == ("large", [(9, [8, 5])])


def test_an_injected_block_is_likelier_than_another_in_place_of_each_of_the_base() -> None:
    """Attention of a newer model's own in an older one; both are one kind."""
    newer = parse("newer: Conv/2 C3k2 C2PSA | nn.Upsample/0.5 Concat@3,0 C3k2 Conv/2 Concat@6,2 Detect@5,7")
    older = parse("older: Conv/2 C2f | nn.Upsample/0.5 Concat@2,0 C2f Conv/2 Concat@5,1 Detect@4,6")
    rows = "Conv -1 64 3 2\nC2f -1 64\nC2PSA -1 64\nnn.Upsample -1 None 2\nConcat -1,0 1\nC2f -1 64"
    rows += "\nConv -1 64 3 2\nConcat -1,2 1\nDetect 5,7"
    assert match(rows, newer, older) == ("older", [])
    assert match(rows.replace("Detect 5,7", "Detect 4,7"), newer, older) == ("older", [(8, [5, 7])])
    assert match(rows.replace("C2f", "C3k2"), older, newer) == ("newer", [])
    other = parse(str(newer).replace("@6,2", "@6,0"))  # in the older one, 0 would be a wrong number
    assert match(rows.replace("Concat -1,2", "Concat -1,0"), older, other) == ("newer", [])


def test_of_two_that_differ_in_the_head_the_one_with_the_same_head_is_the_base() -> None:
    masks = parse(str(BASE).replace("base:", "masks:").replace("Detect", "Segment"))
    for rows in (ROWS.replace("C2f", "C2f_DCN"), ROWS.replace("SPPF", "Pool")):
        assert match(rows, masks, BASE) == ("base", [])
        assert match(rows.replace("Detect", "Segment"), BASE, masks) == ("masks", [])


@pytest.mark.parametrize("module", ["DWConv", "GhostBottleneck", "GSConv"])
def test_a_module_may_take_the_place_of_another_at_two_strides(module: str) -> None:
    base = parse(str(BASE).replace("SPPF |", "SPPF | Conv").replace("@5,1", "@6,1").replace("@8,4", "@9,5"))
    base = parse(str(base).replace("Detect@7,10", "Detect@8,11"))
    rows = ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1\nConv -1 64 1 1\n").replace(
        "Conv ", f"{module} "
    )
    right = rows.replace("Concat -1,4", "Concat -1,6").replace("Detect 7,10", "Detect 9,12")
    assert match(right, base) == ("base", [])
    assert match(right.replace("-1,6", "-1,5"), base) == ("base", [(11, [10, 6])])


def test_a_twin_is_the_one_that_leaves_less_wrong() -> None:
    """A second SPPF above the one of the base: the readers tell which is which."""
    rows = ROWS.replace("SPPF -1 128\n", "SPPF -1 128\nSPPF -1 128\n")
    right = rows.replace("Concat -1,4", "Concat -1,5").replace("Detect 7,10", "Detect 8,11")
    assert match(right) == ("base", [])
    assert match(right.replace("nn.Upsample -1", "nn.Upsample 4")) == ("base", [])


def test_swapped_references_are_no_design() -> None:
    assert match(ROWS.replace("Concat -1,4", "Concat 4,-1")) == ("base", [(9, [8, 4])])
    assert match(ROWS.replace("Detect 7,10", "Detect 10,7")) == ("base", [(11, [7, 10])])


def test_references_that_name_no_earlier_layer_are_wrong() -> None:
    assert match(ROWS.replace("Concat -1,4", "Concat -1,40")) == ("base", [(9, [8, 4])])
    assert match(ROWS.replace("Concat -1,4", "Concat -1,-40")) == ("base", [(9, [8, 4])])


def test_with_replaced_modules_the_fewest_kinds_of_changes_explain_a_config() -> None:
    """One wrong number in a model with a new block is likelier than none and a third kind of change."""
    dcn = ROWS.replace("C2f", "C2f_DCN").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1 128\n")
    alike = (
        "Conv/2 C2f Conv/2 C2f {} Conv | nn.Upsample/0.5 Concat@6,1 C2f Conv/2 Concat@9,4 C2f Detect@7,10"
    )
    three = parse(f"alike: {alike.format('SPP')}")  # Conv, SPP and C2f replaced; none wrong
    assert match(dcn, three, BASE) == ("base", [(12, [8, 11])])
    two = parse(f"alike: {alike.format('SPPF')}")
    assert match(dcn, BASE, two) == ("alike", [])


def test_a_block_that_declares_its_channels_replaced_one_and_attention_was_injected() -> None:
    """Not the other way round, whether the attention is above the block or below it."""
    rows = ROWS.replace("C2f", "C3_PConv").splitlines()
    rows.insert(5, "Att -1")
    rows.insert(2, "Att -1")
    text = "\n".join(rows).replace("Concat -1,1", "Concat -1,2").replace("Concat -1,4", "Concat -1,6")
    assert match(text.replace("Detect 7,10", "Detect 9,12")) == ("base", [])
    assert match(text.replace("Detect 7,10", "Detect 9,10")) == ("base", [(13, [9, 12])])


def test_half_of_the_modules_have_to_be_those_of_the_base() -> None:
    half = ROWS.replace("C2f", "Block").replace("SPPF", "Pool").replace("Detect", "Head")
    assert match(half) == ("base", [])
    assert match(half.replace("nn.Upsample -1 None 2", "DySample -1")) is None


def test_modules_are_looked_for_in_models_of_up_to_500_layers() -> None:
    """A bound on the time: it grows with the layers of both."""

    def large(count: int) -> str:
        rows = ROWS.replace("SPPF -1 128\n", "Pool -1 128\n" + "Att -1\n" * (count - 12))
        below = count - 12
        rows = rows.replace("Concat -1,4", f"Concat -1,{4 + below}")
        return rows.replace("Detect 7,10", f"Detect {7 + below},{10 + below}")

    assert match(large(500)) == ("base", [])
    assert match(large(501)) is None
    assert match(large(501).replace("Pool", "SPPF")) == ("base", [])  # nothing was replaced


@pytest.mark.parametrize(("detect", "is_meant"), [("6,9", True), ("10,13", True), ("5,8", False)])
def test_a_number_may_be_off_by_one_more_than_was_injected(detect: str, is_meant: bool) -> None:
    """Adding the number of injected layers by hand, one may miscount by one; 8 and 11 are right."""
    rows = ROWS.replace("C2f", "C2f_DCN").replace("SPPF -1 128\n", "SPPF -1 128\nAtt -1\n")
    rows = rows.replace("Concat -1,4", "Concat -1,3").replace("Detect 7,10", f"Detect {detect}")
    found = match(rows)
    assert (found is not None) == is_meant


def test_a_stale_number_that_reads_the_attention_above_a_block() -> None:
    """As if the attention had replaced the block, which would be one more kind of change."""
    rows = ROWS.replace("C2f", "C2f_DCN").replace("Concat -1,4 1\n", "Concat -1,4 1\nAtt -1\n")
    assert match(rows) == ("base", [(12, [7, 11])])
    assert match(rows.replace("Detect 7,10", "Detect 7,11")) == ("base", [])


@pytest.mark.parametrize(
    ("module", "rows"),
    [
        ("SPPF -1 128", "Pool -1\nAtt -1"),
        ("SPPF -1 128", "Att -1\nPool -1"),
        ("nn.Upsample -1 None 2", "Att -1\nDySample -1"),
    ],
)
def test_readers_tell_a_replaced_module_from_one_that_was_injected(module: str, rows: str) -> None:
    """All that the numbers of changes do not."""
    source = 4 if rows.startswith("Pool") else 5  # the block, or the attention that counts as it
    text = ROWS.replace(module, rows).replace("Concat -1,4", f"Concat -1,{source}")
    assert match(text.replace("Detect 7,10", "Detect 8,11")) == ("base", [])


def test_a_module_of_the_base_is_its_own() -> None:
    """Attention below one and above another, which does not declare its channels either."""
    detr = parse("detr: Conv/2 AIFI Conv/2 AIFI | nn.Upsample/0.5 Concat@4,1 C2f Detect@6")
    rows = """
    Conv -1 64 3 2
    AIFI -1 1024 8
    Att -1
    Conv -1 128 3 2
    Att -1
    AIFI -1 1024 8
    nn.Upsample -1 None 2
    Concat -1,2 1
    C2f_DCN -1 64
    Detect 8
    """
    found = matching.match(config(rows), [detr])
    assert found is not None
    assert (found.aligned, found.wrong_readers) == ([0, 1, 3, 5, 6, 7, 8, 9], [])


def written(wiring: Wiring) -> list[Layer]:
    """A wiring of the catalogue as layers whose args say the same strides."""
    args: dict[float, list[Any]] = {2.0: [64, 3, 2], 0.5: [None, 2, "nearest"]}
    return [
        layer._replace(args=args.get(factor or 1, [64]) if layer.module != "Focus" else [64, 3])
        for layer, factor in zip(wiring.layers, wiring.factors, strict=True)
    ]


def with_attention(layers: list[Layer], target: int) -> list[Layer]:
    """An Att below ``target``, which every reader of it reads, and all other numbers raised."""
    raised = [
        layer._replace(
            index=layer.index + (layer.index > target),
            from_=[source + (source >= target) for source in layer.references],
        )
        for layer in layers
    ]
    attention = Layer(target + 1, layers[target].section, [target], 1, "Att", [])
    return [*raised[: target + 1], attention, *raised[target + 1 :]]


def targets(base: list[Layer]) -> list[int]:
    """The layers that read one other, but not the first or the last."""
    return [layer.index for layer in base[1:-1] if len(layer.references) == 1]


def stale_numbers(base: list[Layer], target: int) -> Iterator[tuple[list[Layer], Layer]]:
    """Attention below ``target`` with one number that was not raised, and the layer as it should be."""
    right = with_attention(base, target)
    for layer in right:
        for position, source in enumerate(layer.references):
            if source in (target + 1, layer.index - 1) or source <= target:
                continue  # it bypasses the attention, reads the layer above, or was not to be raised
            stale = [*layer.references[:position], source - 1, *layer.references[position + 1 :]]
            edited = [*right[: layer.index], layer._replace(from_=stale), *right[layer.index + 1 :]]
            yield edited, layer


def answer(layers: list[Layer]) -> tuple[str, list[tuple[int, list[int]]]] | None:
    """The name of the known model, and the wrong layers with what they should read."""
    found = matching.match(layers, wirings())
    if found is None:
        return None
    return found.base.name, [(wrong.layer.index, wrong.expected) for wrong in found.wrong_readers]


GSCONV = {"Conv": "GSConv", "C3": "VoVGSCSP"}


@pytest.mark.parametrize(
    ("name", "in_backbone", "in_head"),
    [
        ("yolov5s", {}, {}),
        ("yolov5s", {"C3": "C2f"}, {"C3": "C2f"}),
        ("yolov5s", {"C3": "C3k2"}, {"C3": "C3k2"}),
        ("yolov5s", {"C3": "C2f_DCN"}, {"C3": "C2f_DCN"}),
        ("yolov5s", {"Conv": "DWConv"}, {"Conv": "DWConv"}),
        ("yolov5s", {"Conv": "GhostBottleneck"}, {"Conv": "GhostBottleneck"}),
        ("yolov5s", {}, GSCONV),
        ("yolov5s-ghost of yolov5", {}, {}),
        ("yolov5-bifpn of yolov5", {}, {}),
        ("yolov5-p6 of yolov5", {"C3": "C2f"}, {"C3": "C2f"}),
        ("yolov8 of ultralytics", {}, {}),
        ("yolov8 of ultralytics", {"C2f": "C3"}, {"C2f": "C3"}),
        ("yolov8 of ultralytics", {"Conv": "GhostConv"}, {"Conv": "GhostConv"}),
        ("yolov8-ghost of ultralytics", {}, {}),
        ("yolo11 of ultralytics", {"C3k2": "C3"}, {"C3k2": "C3"}),
        ("yolov8-p2 of ultralytics", {"C2f": "Faster"}, {"C2f": "Faster"}),
    ],
)
def test_every_number_that_was_not_raised_is_found(
    name: str, in_backbone: dict[str, str], in_head: dict[str, str]
) -> None:
    """For attention anywhere, whatever took the place of the base's blocks: and the right base is named."""
    (wiring,) = [base for base in wirings() if base.name == name]
    base = [
        layer._replace(
            module=(in_head if layer.section == "head" else in_backbone).get(layer.module, layer.module)
        )
        for layer in written(wiring)
    ]
    tried, step = 0, 1 if EXHAUSTIVE else 3
    for target in targets(base)[::step]:
        exact = matching.match(with_attention(base, target), wirings())
        assert exact is not None
        assert (exact.base.name, exact.wrong_readers) == (name, [])
        for edited, layer in stale_numbers(base, target):
            tried += 1
            assert answer(edited) == (name, [(layer.index, layer.references)]), (target, layer)
    assert tried > 20 // step


@pytest.mark.parametrize("wiring", wirings(), ids=lambda wiring: wiring.name.replace(" ", "-"))
def test_of_all_known_models_the_right_one_is_named(wiring: Wiring) -> None:
    """With attention at a few places, chosen at random, and at each one number that was not raised."""
    base, chance = written(wiring), random.Random(str(wiring))
    most = 100 if EXHAUSTIVE else 3
    for target in chance.sample(targets(base), min(most, len(targets(base)))):
        for edited, layer in list(stale_numbers(base, target))[-1:]:
            assert answer(edited) == (wiring.name, [(layer.index, layer.references)]), (target, layer)


# --- what is left out of the search changes nothing that it finds


def searched_in_full(layers: Sequence[Layer]) -> list[tuple[str, list[int]]]:
    """The bases without replaced modules, with every wiring aligned."""
    found = [(base.name, alignment.align(layers, base.layers)) for base in wirings()]
    return [(name, aligned) for name, aligned in found if aligned is not None]


def searched(layers: Sequence[Layer]) -> list[tuple[str, list[int]]]:
    return [(found.base.name, found.aligned) for found in matching._exact(layers, wirings())]


@pytest.mark.corpus
@needs_corpus
def test_every_config_has_the_bases_that_a_search_in_full_finds() -> None:
    count = 0
    for path in (*corpus("base"), *corpus("edited"), *corpus("irregular")):
        try:
            layers = Config(path.name, path.read_bytes()).parsed.layers
        except YamlInjectError:
            continue
        assert searched(layers) == searched_in_full(layers), path.name
        found = list(matching._exact(layers, wirings()))
        assert {one.base.joins for one in found} <= {graph.joins(layers)}, path.name
        count += bool(found)
    assert count > 800


@given(st.data())
@settings(derandomize=True, database=None, deadline=None, max_examples=400 if EXHAUSTIVE else 15)
def test_so_has_every_mutated_model(data: st.DataObject) -> None:
    """Rows of a known model deleted, doubled and exchanged, as in one of its variants."""
    rows = list(data.draw(st.sampled_from(wirings())).layers)
    for _ in range(data.draw(st.integers(1, 3))):
        at, source = (data.draw(st.integers(0, len(rows) - 1)) for _ in range(2))
        rows[at : at + data.draw(st.integers(0, 1))] = rows[source : source + data.draw(st.integers(0, 1))]
    layers = [layer._replace(index=index) for index, layer in enumerate(rows)]
    assert searched(layers) == searched_in_full(layers)


def matched(layers: Sequence[Layer], patch: pytest.MonkeyPatch) -> matching.Match | None:
    """The base of ``layers``, which is the same if none is left out for what speaks against it at least."""
    found = matching.match(layers, wirings())
    with patch.context() as patched:
        nothing = matching._Unlikely(False, -1, 0, 0, 0, False, False)
        patched.setattr(matching, "_least_unlikely", lambda layers, base: nothing)
        assert matching.match(layers, wirings()) == found
    return found


@pytest.mark.corpus
@needs_corpus
def test_with_replaced_modules_no_base_that_is_left_out_is_likelier(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = 0
    for path in corpus("edited"):
        try:
            layers = Config(path.name, path.read_bytes()).parsed.layers
        except YamlInjectError:
            continue
        count += matched(layers, monkeypatch) is not None
    assert count > 200


@given(st.data())
@settings(derandomize=True, database=None, deadline=None, max_examples=400 if EXHAUSTIVE else 15)
def test_nor_for_a_model_with_other_modules(data: st.DataObject) -> None:
    layers = list(data.draw(st.sampled_from(wirings())).layers)
    names = sorted({layer.module for layer in layers})
    for _ in range(data.draw(st.integers(1, 3))):
        old, new = data.draw(st.sampled_from(names)), data.draw(st.sampled_from([*names, "X", "Y", "C2f"]))
        layers = [layer._replace(module=new) if layer.module == old else layer for layer in layers]
    with pytest.MonkeyPatch.context() as patch:
        matched(layers, patch)


#: Rows, how many times smaller each makes its input, and whether its args say what channels it gives.
KINDS: dict[str, tuple[float, bool]] = {
    "Conv -1 64": (1, True),
    "Conv -1 64 3 2": (2, True),
    "C2f -1 64": (1, True),
    "Att -1": (1, False),
    "nn.Identity -1": (1, False),
    "nn.Upsample -1 None 2": (0.5, False),
    "Concat -1,0 1": (1, False),
    "Concat -1,0,0 1": (1, False),
    "Detect -1,0": (1, False),
}


def cost(rows: Sequence[str], base: Sequence[str], places: Sequence[int]) -> int | None:
    """How many blocks were replaced or injected if the rows of ``base`` are at ``places``; None if none."""
    total = 0
    for index, row in enumerate(rows):
        factor, is_block = KINDS[row]
        (module, reads), is_last = row.split()[:2], index == len(rows) - 1
        if index not in places:
            if not index or "," in reads or factor != 1:
                return None
            total += is_block
            continue
        original = base[places.index(index)]
        (other, other_reads), is_last_of_base = original.split()[:2], places.index(index) == len(base) - 1
        if reads.count(",") != other_reads.count(",") or is_last != is_last_of_base:
            return None
        if module == other or is_last:
            continue
        unknown_for_upsample = module == "Att" and KINDS[original][0] < 1
        if factor != KINDS[original][0] and not unknown_for_upsample:
            return None
        total += 1
    return total


@given(st.data())
@settings(derandomize=True, database=None, deadline=None, max_examples=4000 if EXHAUSTIVE else 100)
def test_with_replaced_modules_all_ways_of_the_least_cost_lie_between_two(data: st.DataObject) -> None:
    """All ways to place the rows of a base, tried one by one."""
    row = st.sampled_from(sorted(KINDS))
    base = data.draw(st.lists(row, min_size=1, max_size=5))
    rows = list(base)
    for _ in range(data.draw(st.integers(0, 4))):  # or hardly any example could be explained
        at = data.draw(st.integers(0, len(rows) - 1))
        rows[at : at + data.draw(st.integers(0, 1))] = [data.draw(row)]
    costs = {
        places: total
        for places in combinations(range(len(rows)), len(base))
        if (total := cost(rows, base, places)) is not None
    }
    cheapest = sorted((places[::-1] for places in costs if costs[places] == min(costs.values())), key=list)
    wiring = Wiring("base", tuple(config("\n".join(base))), tuple(KINDS[row][0] for row in base))
    found = matching._alignments(config("\n".join(rows)), wiring)
    ends = [list(places[::-1]) for places in cheapest[:1] + cheapest[-1:]]
    assert found == (ends if ends and ends[0] != ends[1] else ends[:1])


@pytest.mark.parametrize("base", wirings()[:: 1 if EXHAUSTIVE else 12], ids=lambda base: base.name)
def test_a_slip_in_one_join_of_a_known_model(base: Wiring) -> None:
    """Nothing was injected, so nothing was renumbered, and no other model is taken for its origin."""
    for join in [layer for layer in base.layers[:60] if len(layer.references) > 1]:
        for position, number in enumerate(join.references):
            for slip in (number - 2, number - 1, number + 1, number + 2):
                if slip in join.references or not 0 <= slip < join.index:
                    continue
                references = [*join.references[:position], slip, *join.references[position + 1 :]]
                layers = list(base.layers)
                layers[join.index] = join._replace(from_=references)
                found = matching.match(layers, wirings())
                assert found is not None
                (wrong,) = found.wrong_readers
                assert found.base.layers == base.layers
                assert (wrong.layer.index, wrong.expected) == (join.index, join.references)


def test_two_joins_that_read_others_are_a_design() -> None:
    assert match(ROWS.replace("Concat -1,1", "Concat -1,0")) == ("base", [(6, [5, 1])])
    two = ROWS.replace("Concat -1,1", "Concat -1,0").replace("Concat -1,4", "Concat -1,2")
    assert match(two) is None
