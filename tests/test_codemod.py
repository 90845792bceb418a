"""Classes and names put into Python sources, and removed again."""

from __future__ import annotations

import ast
import hashlib
import time
from itertools import permutations
from pathlib import Path

import pytest

from yamlinject import __version__
from yamlinject.checkout import codemod
from yamlinject.checkout.codemod import MODULES
from yamlinject.errors import RefusalError

CLASS = '''\
class {0}(nn.Module):
    """{0}."""


def _{0}_help(x):
    return torch.sigmoid(x)


'''
COMMON = '''\
# YOLO-like \N{ROCKET}
import math

import torch
import torch.nn as nn


class Conv(nn.Module):
    """A convolution."""


class Concat(nn.Module):
    """Joins its inputs."""


class Last(nn.Module):
    pass
'''
CONCAT = "class Concat(nn.Module):"


@pytest.fixture(autouse=True)
def _small_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Classes of our own, so that these tests say what is expected to the letter."""
    for module in MODULES:
        text = f'"""About it."""\n\nimport torch\nfrom torch import nn\n\n\n{CLASS.format(module)}'
        (tmp_path / f"{module.lower()}.py").write_text(text.rstrip("\n") + "\n")
    monkeypatch.setattr(codemod, "CLASSES", tmp_path)


def block(module: str, body: str = "", version: str = __version__) -> str:
    body = body or CLASS.format(module)
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    return (
        f"# {module} from yamlinject {version} (sha256:{digest}); "
        "yamlinject register CHECKOUT --undo removes it\n"
        f"{body}"
        f"# {module} from yamlinject ends here\n"
    )


def with_blocks(*modules: str) -> str:
    return COMMON.replace(CONCAT, "".join(map(block, modules)) + CONCAT)


def check_common(before: str, after: str, module: str = "SimAM") -> None:
    assert codemod.common_with(before, module) == after
    assert codemod.common_with(after, module) == after
    assert codemod.common_without(after, module) == before
    assert codemod.common_without(before, module) == before


def test_the_class_goes_above_concat() -> None:
    check_common(COMMON, with_blocks("SimAM"))


def test_a_block_follows_the_line_ends_of_the_file() -> None:
    check_common(COMMON.replace("\n", "\r\n"), with_blocks("SimAM").replace("\n", "\r\n"))
    check_common(COMMON.replace("\n", "\r"), with_blocks("SimAM").replace("\n", "\r"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    pass\n", "    pass"),
        ("# YOLO-like \N{ROCKET}", "# -*- coding: latin-1 -*- \udce9"),
        ('"""A convolution."""', '"""A \x0c conv\x85olution \u2028."""'),
        ("import math", "import math\x0c"),
        ("import math", 'import math\nPATTERN = "\\d"'),
        ("import torch\nimport torch.nn as nn", "from torch import nn\nimport torch"),
        ("import torch\n", "try:\n    import torch\nexcept ImportError:\n    torch = None\n"),
        ("    pass\n", "    pass\n\n\nclass Box:\n    class SimAM:\n        SimAM = 1\n"),
    ],
)
def test_the_rest_of_the_file_is_kept(old: str, new: str) -> None:
    assert old in COMMON
    check_common(COMMON.replace(old, new, 1), with_blocks("SimAM").replace(old, new, 1))


def test_the_class_goes_above_the_decorators_of_concat() -> None:
    decorator = "@torch.jit.ignore\n@(\n    torch.jit.export\n)\n"
    after = with_blocks("SimAM").replace(CONCAT, decorator + CONCAT)
    check_common(COMMON.replace(CONCAT, decorator + CONCAT), after)


@pytest.mark.parametrize("order", [*permutations(["SimAM", "CBAM", "SE"])])
def test_the_order_of_registration_does_not_matter(order: tuple[str, ...]) -> None:
    text = COMMON
    for module in order:
        text = codemod.common_with(text, module)
    assert text == with_blocks("CBAM", "SE", "SimAM")
    for module in ("SE", "CBAM", "SimAM"):
        text = codemod.common_without(text, module)
    assert text == COMMON


def test_a_class_that_the_user_pasted_below_a_block_stays_there() -> None:
    mine = "class Mine(nn.Module):\n    pass\n\n\n"
    text = with_blocks("SimAM").replace(CONCAT, mine + CONCAT)
    both = text.replace(CONCAT, block("CBAM") + CONCAT)
    assert codemod.common_with(text, "CBAM") == both
    assert codemod.common_without(both, "SimAM") == COMMON.replace(CONCAT, mine + block("CBAM") + CONCAT)


def test_a_block_of_another_version_is_replaced_or_removed() -> None:
    old = block("SimAM", "class SimAM(nn.Module):\n    pass\n\n\n", version="0.0.9")
    text = COMMON.replace(CONCAT, old + CONCAT)
    assert codemod.common_with(text, "SimAM") == with_blocks("SimAM")
    assert codemod.common_without(text, "SimAM") == COMMON
    assert codemod.common_without(text.replace("\n", "\r\n"), "SimAM") == COMMON.replace("\n", "\r\n")


def test_a_block_that_only_names_another_version_stays() -> None:
    text = COMMON.replace(CONCAT, block("SimAM", version="0.0.9") + CONCAT)
    check_common(COMMON, with_blocks("SimAM"))
    assert codemod.common_with(text, "SimAM") == text


def test_a_block_that_was_edited_is_refused() -> None:
    text = with_blocks("SimAM").replace("sigmoid", "tanh")
    for edit in (codemod.common_with, codemod.common_without):
        with pytest.raises(RefusalError, match="this class SimAM of yamlinject was edited") as error:
            edit(text, "SimAM")
        assert error.value.place == (12, 1)


def test_a_block_without_its_end_is_refused() -> None:
    text = with_blocks("CBAM", "SimAM").replace("# CBAM from yamlinject ends here\n", "")
    for module in ("CBAM", "SimAM"):
        for edit in (codemod.common_with, codemod.common_without):
            with pytest.raises(
                RefusalError, match="comment that ends the class CBAM of yamlinject"
            ) as error:
                edit(text, module)
            assert error.value.place == (12, 1)


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("class Last(", "class SimAM(", (16, 1), "there is a SimAM that is not yamlinject's"),
        ("class Last(", "class _SimAM_help(", (16, 1), "there is a _SimAM_help that is not yamlinject's"),
        ("import math", "é = 1; SimAM = None", (2, 8), "there is a SimAM"),
        ("import math", "SimAM: type = None", (2, 1), "there is a SimAM"),
        ("import math", "from a import (b,\n    SE as SimAM)", (3, 5), "there is a SimAM"),
        ("import math", "try:\n    import SimAM.a\nexcept Exception: pass", (3, 12), "there is a SimAM"),
        ("import math", '__all__ = ["Conv"]', (2, 1), "__all__ would hide SimAM"),
        ("import torch\n", "", None, "SimAM needs torch, not imported here"),
        ("import torch.nn as nn", "", None, "SimAM needs nn, not imported here"),
        ("import torch\nimport torch.nn as nn", "", None, "SimAM needs torch and nn"),
        ("class Concat", "class Join", None, "there is no class Concat"),
        (
            f"{CONCAT}\n",
            "class Join:\n    class Concat:\n        pass\n\n",
            None,
            "there is no class Concat",
        ),
        ("import math", "print 'Python 2'", (2, 1), "not valid Python: Missing parentheses"),
        ("import math", "x = (", (2, 5), "not valid Python"),
        ("import math", "x = " + "(" * 10_000 + ")" * 10_000, None, "too many nested parentheses"),
        ("import math", "x = " + "-" * 100_000 + "1", None, "nested too deeply"),
    ],
)
def test_a_common_that_is_not_understood_is_refused(
    old: str, new: str, place: tuple[int, int] | None, message: str
) -> None:
    assert old in COMMON
    with pytest.raises(RefusalError, match=message) as error:
        codemod.common_with(COMMON.replace(old, new, 1), "SimAM")
    if place:
        assert error.value.place == place


def test_another_class_below_the_block_is_refused() -> None:
    text = with_blocks("SimAM") + "\n\nclass SimAM(nn.Module):\n    pass\n"
    with pytest.raises(RefusalError, match="there is a SimAM that is not yamlinject's") as error:
        codemod.common_with(text, "SimAM")
    assert error.value.place == (30, 1)


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(
        RefusalError, match=r"no class 'Simam' \(did you mean SimAM\?\); it has BRA, BiFPN_Concat, C"
    ):
        codemod.common_with(COMMON, "Simam")


MODEL = """\
from models.common import *
from models.experimental import *

def parse_model(d, ch):
    for i, (f, n, m, args) in enumerate(d):
        if m in {Conv, C3}:
            args = [ch[f], *args]
            if m in {C3}:
                args.insert(2, n)
        elif m is Concat:
            c2 = 1
"""
STAR = "from models.common import *\n"
REGISTRY = "{Conv, C3}"


def model(old: str, new: str) -> str:
    assert old in MODEL
    return MODEL.replace(old, new, 1)


def registry(text: str) -> str:
    return model(REGISTRY, text)


# id, before, after with SimAM
MODELS: list[tuple[str, str, str]] = [
    ("set", MODEL, registry("{Conv, C3, SimAM}")),
    ("list", registry("[Conv, C3]"), registry("[Conv, C3, SimAM]")),
    ("tuple", registry("(Conv, C3)"), registry("(Conv, C3, SimAM)")),
    ("tuple-of-one", registry("(Conv,)"), registry("(Conv, SimAM,)")),
    ("one", registry("[Conv]"), registry("[Conv, SimAM]")),
    ("comma", registry("[Conv, C3 ,]"), registry("[Conv, C3, SimAM ,]")),
    ("hanging", registry("[Conv,\n    C3]"), registry("[Conv,\n    C3, SimAM]")),
    ("brackets-apart", registry("{\n  Conv, C3\n}"), registry("{\n  Conv, C3, SimAM\n}")),
    ("lines", registry("{\n    Conv,\n    C3,\n}"), registry("{\n    Conv,\n    C3,\n    SimAM,\n}")),
    ("tabs", registry("{\n\tConv,\n\tC3,\n\t}"), registry("{\n\tConv,\n\tC3,\n\tSimAM,\n\t}")),
    ("form-feed", registry("{\n\x0c  Conv,\n  C3,\n}"), registry("{\n\x0c  Conv,\n  C3,\n  SimAM,\n}")),
    ("no-comma", registry("{\n  Conv,\n  C3\n}"), registry("{\n  Conv,\n  C3,\n  SimAM\n}")),
    ("last-bare", registry("{\n  Conv,\n  C3}"), registry("{\n  Conv,\n  C3, SimAM}")),
    (
        "comments",
        registry("{  # a, {\n  Conv,  # b\n  # C1,\n  C3,  # c, d }\n  # e\n}"),
        registry("{  # a, {\n  Conv,  # b\n  # C1,\n  C3,  # c, d }\n  SimAM,\n  # e\n}"),
    ),
    (
        "no-comma-comment",
        registry("{\n  Conv,\n  C3  # c, d }\n}"),
        registry("{\n  Conv,\n  C3,  # c, d }\n  SimAM\n}"),
    ),
    ("comma-below", registry("{\n  Conv,\n  C3\n  ,\n}"), registry("{\n  Conv,\n  C3,\n  SimAM\n  ,\n}")),
    ("dotted", registry("{Conv, nn.C3}"), registry("{Conv, nn.C3, SimAM}")),
    ("starred", registry("{Conv, *MORE}"), registry("{Conv, *MORE, SimAM}")),
    ("mixed-line-ends", registry("{\n Conv,\r\n C3,\r\n}"), registry("{\n Conv,\r\n C3,\r\n SimAM,\r\n}")),
    ("continuation", registry("{Conv, \\\n C3}"), registry("{Conv, \\\n C3, SimAM}")),
    ("not-ascii", registry("{Conv, é, ü}"), registry("{Conv, é, ü, SimAM}")),
    (
        "not-ascii-before",
        registry("{Conv, C3} or 'é' in '\U0001f680' and m in {C3}"),
        registry("{Conv, C3, SimAM} or 'é' in '\U0001f680' and m in {C3}"),
    ),
    (
        "behind-another-test",
        model("if m in {Conv", "if f in ('é', '\u2028') or m in {C3} or m in {Conv"),
        model("if m in {Conv, C3}", "if f in ('é', '\u2028') or m in {C3} or m in {Conv, C3, SimAM}"),
    ),
    (
        "named",
        registry("known").replace("    for", "    known = frozenset({Conv})\n    for"),
        registry("known").replace("    for", "    known = frozenset({Conv, SimAM})\n    for"),
    ),
    (
        "named-above",
        registry("KNOWN").replace("def", "KNOWN = (\n    Conv,\n)\n\ndef"),
        registry("KNOWN").replace("def", "KNOWN = (\n    Conv,\n    SimAM,\n)\n\ndef"),
    ),
    (
        "named-without-brackets",
        registry("KNOWN").replace("def", "KNOWN = Conv, \\\n    C3\n\ndef"),
        registry("KNOWN").replace("def", "KNOWN = Conv, \\\n    C3, SimAM\n\ndef"),
    ),
    (
        "nested-namesake",
        model("    for", "    def parse_model(m):\n        return m == {C3}\n    for"),
        model("    for", "    def parse_model(m):\n        return m == {C3}\n    for").replace(
            REGISTRY, "{Conv, C3, SimAM}"
        ),
    ),
    (
        "package",
        model("models.c", "yolov5.models.c"),
        registry("{Conv, C3, SimAM}").replace("m m", "m yolov5.m", 1),
    ),
    ("relative", model("models.c", ".c"), registry("{Conv, C3, SimAM}").replace("models.c", ".c")),
]
# id, the import before, the import after
IMPORTS: list[tuple[str, str, str]] = [
    ("one-line", "from models.common import Conv, C3", "from models.common import Conv, C3, SimAM"),
    ("comment", "from models.common import C3  # a, b", "from models.common import C3, SimAM  # a, b"),
    ("as", "from models.common import C3 as SE", "from models.common import C3 as SE, SimAM"),
    (
        "backslash",
        "from models.common import A, \\\n  C3  # b",
        "from models.common import A, \\\n  C3, SimAM  # b",
    ),
    (
        "semicolon",
        "import a; from .common import C3; b = 1",
        "import a; from .common import C3, SimAM; b = 1",
    ),
    ("brackets", "from models.common import (A, C3)", "from models.common import (A, C3, SimAM)"),
    (
        "lines",
        "from models.common import (  # a\n    Conv,\n    C3,\n)",
        "from models.common import (  # a\n    Conv,\n    C3,\n    SimAM,\n)",
    ),
    (
        "lines-without-comma",
        "from yolov5.models.common import (\n  Conv,\n  C3  # last\n)",
        "from yolov5.models.common import (\n  Conv,\n  C3,  # last\n  SimAM\n)",
    ),
]
MODELS += [
    (
        f"import-{name}",
        model(STAR, f"{before}\n"),
        model(STAR, f"{after}\n").replace(REGISTRY, "{Conv, C3, SimAM}"),
    )
    for name, before, after in IMPORTS
]


@pytest.mark.parametrize("frame", ["{}", "# \udce9 \x0c \x85\n{}", "# é\n{}# end"])
@pytest.mark.parametrize(
    ("before", "after"), [each[1:] for each in MODELS], ids=[each[0] for each in MODELS]
)
def test_model(before: str, after: str, frame: str) -> None:
    for newline in ("\n", "\r\n"):
        if newline == "\n" or "\r" not in before:
            old, new = (frame.format(text).replace("\n", newline) for text in (before, after))
            assert codemod.model_with(old, "SimAM") == new
            assert codemod.model_with(new, "SimAM") == new
            assert codemod.model_without(new, "SimAM") == old
            assert codemod.model_without(old, "SimAM") == old


@pytest.mark.parametrize(
    ("before", "three"),
    [
        (MODEL, registry("{Conv, C3, CBAM, SE, SimAM}")),
        (registry("{\n Conv,\n}"), registry("{\n Conv,\n CBAM,\n SE,\n SimAM,\n}")),
        (registry("{\n Conv  # a\n}"), registry("{\n Conv,  # a\n CBAM,\n SE,\n SimAM\n}")),
    ],
)
@pytest.mark.parametrize("order", [*permutations(["SimAM", "CBAM", "SE"])])
def test_the_order_of_names_does_not_matter(before: str, three: str, order: tuple[str, ...]) -> None:
    text = before
    for module in order:
        text = codemod.model_with(text, module)
    assert text == three
    for module in ("SE", "CBAM", "SimAM"):
        text = codemod.model_without(text, module)
    assert text == before


JOIN = "elif m is Concat:"

# id, the condition before, and after with BiFPN_Concat
JOINS: list[tuple[str, str, str]] = [
    ("is", JOIN, "elif m in (Concat, BiFPN_Concat):"),
    ("spaces", "elif m  is\tConcat :", "elif m  in\t(Concat, BiFPN_Concat) :"),
    ("or", "elif f or m is Concat or n:", "elif f or m in (Concat, BiFPN_Concat) or n:"),
    ("list", "elif m in [Concat, Mine]:", "elif m in [Concat, Mine, BiFPN_Concat]:"),
    ("list-of-one", "elif m in [Concat]:", "elif m in [Concat, BiFPN_Concat]:"),
    ("tuple-of-one", "elif m in (Concat,):", "elif m in (Concat, BiFPN_Concat,):"),
    ("set", "elif m in {Mine, Concat}:", "elif m in {Mine, Concat, BiFPN_Concat}:"),
    ("not-ascii", "elif m in 'é' or m is Concat:", "elif m in 'é' or m in (Concat, BiFPN_Concat):"),
    ("two", "elif m is Concat or m is Sum:", "elif m in (Concat, BiFPN_Concat) or m is Sum:"),
]


@pytest.mark.parametrize(("before", "after"), [each[1:] for each in JOINS], ids=[each[0] for each in JOINS])
def test_what_joins_layers_goes_beside_concat(before: str, after: str) -> None:
    for newline in ("\n", "\r\n"):
        old, new = (model(JOIN, text).replace("\n", newline) for text in (before, after))
        assert codemod.model_with(old, "BiFPN_Concat") == new
        assert codemod.model_with(new, "BiFPN_Concat") == new
        assert codemod.model_without(new, "BiFPN_Concat") == old
        assert codemod.model_without(old, "BiFPN_Concat") == old
        both = codemod.model_with(new, "CARAFE")
        assert both == new.replace(REGISTRY, "{Conv, C3, CARAFE}")
        assert codemod.model_without(both, "BiFPN_Concat") == old.replace(REGISTRY, "{Conv, C3, CARAFE}")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("elif m is Sum:", "parse_model has no 'm is Concat' to put BiFPN_Concat beside"),
        ("elif m == Concat:", "parse_model has no 'm is Concat'"),
        ("elif m is not Concat:", "parse_model has no 'm is Concat'"),
        ("elif m is (Concat):", "found no way to add BiFPN_Concat to this condition"),
        ("elif m is Concat is n:", "found no way to add BiFPN_Concat to this condition"),
    ],
)
def test_no_place_for_what_joins_layers(condition: str, message: str) -> None:
    text = model(JOIN, condition)
    with pytest.raises(RefusalError, match=message):
        codemod.model_with(text, "BiFPN_Concat")
    assert codemod.model_without(text, "BiFPN_Concat") == text
    assert codemod.registered_at(text, "BiFPN_Concat") is None
    assert not codemod.left_behind(COMMON, text, "BiFPN_Concat")


@pytest.mark.parametrize(
    "condition", ["elif m in (BiFPN_Concat, Concat):", "elif m in (Concat,BiFPN_Concat):"]
)
def test_a_join_written_in_another_way_is_not_removed(condition: str) -> None:
    with pytest.raises(RefusalError, match="BiFPN_Concat is not written as yamlinject writes it"):
        codemod.model_without(model(JOIN, condition), "BiFPN_Concat")


def test_a_name_that_the_user_added_after_it_stays() -> None:
    text = registry("{Conv, SimAM, Mine}")
    both = registry("{Conv, SimAM, Mine, CBAM}")
    assert codemod.model_with(text, "CBAM") == both
    assert codemod.model_without(both, "SimAM") == registry("{Conv, Mine, CBAM}")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (registry("{SimAM, Conv}"), (6, 18)),
        (registry("{Conv , SimAM}"), (6, 25)),
        (registry("{Conv,SimAM}"), (6, 23)),
        (registry("{Conv, (SimAM)}"), (6, 25)),
        (registry("{Conv,\n    SimAM}"), (7, 5)),
        (registry("{\n  Conv,\n  # mine\n  SimAM,\n}"), (9, 3)),
        (registry("{\n  Conv,\n  SimAM,  # mine\n}"), (8, 3)),
        (registry("{\n  Conv,\n    SimAM,\n}"), (8, 5)),
        (model(STAR, "from models.common import SimAM\n"), (1, 27)),
        (model(STAR, "from models.common import C3,SimAM\n"), (1, 30)),
    ],
)
def test_a_name_written_in_another_way_is_not_removed(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(RefusalError, match="SimAM is not written as yamlinject writes it") as error:
        codemod.model_without(text, "SimAM")
    assert error.value.place == place


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (model(STAR, ""), None, "there is no line 'from models.common import"),
        (model(STAR, "from uncommon import *\n"), None, "there is no line 'from models.common import"),
        (model("def parse_model", "def parse"), None, "there is no function parse_model"),
        (model("def parse_model", "class parse_model"), None, "there is no function parse_model"),
        (f"{MODEL}\ndef parse_model():\n    pass\n", (13, 1), "a second function parse_model"),
        (registry("{C3}"), (4, 1), "parse_model has no 'if m in"),
        (registry("['Conv']"), (4, 1), "parse_model has no 'if m in"),
        (registry("{Conv} | MORE"), (4, 1), "parse_model has no 'if m in"),
        (registry("known"), (4, 1), "parse_model has no 'if m in"),
        (registry("known").replace("    for", "    known = known\n    for"), (4, 1), "parse_model has no"),
        (registry("K").replace("def", "K = [Conv]\nK = [Conv, C3]\ndef"), (6, 1), "parse_model has no"),
        (model("m in {Conv", "m not in {Conv"), (4, 1), "parse_model has no 'if m in"),
        (registry("[Conv, (C3)]"), (6, 25), "found no way to add SimAM"),
        (
            registry("(Conv, C3) + (C1,)").replace("(Conv, C3) + ", "(Conv, C3 if f else "),
            None,
            "not valid",
        ),
        ("print 'Python 2'\n", (1, 1), "not valid Python: Missing parentheses"),
        (MODEL + " unindented\n", (12, 12), "not valid Python"),
    ],
)
def test_a_model_that_is_not_understood_is_refused(
    text: str, place: tuple[int, int] | None, message: str
) -> None:
    with pytest.raises(RefusalError, match=message) as error:
        codemod.model_with(text, "SimAM")
    if place:
        assert error.value.place == place


@pytest.mark.parametrize("terms", [1500, 20_000])
def test_a_deep_expression_is_no_traceback(terms: int) -> None:
    text = MODEL + "x = " + " + ".join("1" * terms) + "\n"
    with pytest.raises(RefusalError, match="nested too deeply"):
        codemod.model_with(text, "SimAM")


def test_a_long_file_is_read_in_reasonable_time() -> None:
    text = MODEL + "x = [1, 2, 3]  # é\n" * 5_000
    started = time.process_time()
    assert codemod.model_with(text, "SimAM") == text.replace(REGISTRY, "{Conv, C3, SimAM}")
    assert time.process_time() - started < 10


def test_places_of_names() -> None:
    assert codemod.registered_at(registry("{Conv,\n  'é', SimAM}"), "SimAM") == (7, 8)
    assert codemod.registered_at(MODEL, "SimAM") is None
    joins = model(JOIN, "elif m in (Concat, BiFPN_Concat):")
    assert codemod.registered_at(joins, "BiFPN_Concat") == (10, 28)
    assert codemod.left_behind(COMMON, joins, "BiFPN_Concat")
    assert codemod.registered_at(MODEL, "BiFPN_Concat") is None
    assert codemod.bound_at(MODEL + "SimAM = 1\nfrom a import b as SimAM\n", "SimAM") == (12, 1)
    assert codemod.bound_at(MODEL, "SimAM") is None


def test_star_imports() -> None:
    assert codemod.star_imports(MODEL, "models.experimental")
    assert codemod.star_imports(model("models.e", "yolov5.models.e"), "models.experimental")
    assert not codemod.star_imports(
        model("experimental import *", "experimental import A"), "models.experimental"
    )
    assert not codemod.star_imports(MODEL, "models.other")


@pytest.mark.parametrize("module", MODULES)
def test_the_files_of_the_classes_can_be_pasted(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They may use only what common.py imports, in any encoding, on the Python of an old checkout."""
    monkeypatch.undo()
    text = (codemod.CLASSES / f"{module.lower()}.py").read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 7))
    imports = [ast.unparse(node) for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert sorted(imports) == ["from torch import nn", "import torch"]
    pasted = codemod.common_with(COMMON.replace("\N{ROCKET}", ""), module)
    assert f"\nclass {module}(nn.Module):\n" in pasted
    assert pasted.isascii()


def test_the_files_of_the_classes_do_not_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    text = COMMON
    for module in MODULES:
        text = codemod.common_with(text, module)
    assert [each.module for each in codemod.blocks(text)] == list(MODULES)
    assert all(each.intact for each in codemod.blocks(text))
