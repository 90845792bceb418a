"""One replacement for each role, at every place where it fits, in every config that we know."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests import oracle
from tests.conftest import corpus
from tests.test_corpus import SHIPPED
from yamlinject.config import Config

pytestmark = [pytest.mark.corpus, pytest.mark.framework]

#: For each role a module, its args, and the modules of upstream configs whose place it can take.
ROLES = {
    "block": ("C3x", "[2]", re.compile("C3|C2f|C3k2|C2|C3TR|C3Ghost|BottleneckCSP|RepC3|C2fCIB|A2C2f")),
    "downsample": ("SCDown", "[7, 3, 2]", re.compile("ADown|AConv|SCDown")),
    "upsample": ("nn.PixelShuffle", "[2]", re.compile(r"nn\.Upsample")),
    "fusion": ("Chuncat", "[1]", re.compile("Concat")),
    "head": ("OtherDetect", "[nc]", re.compile("Detect|v10Detect|Segment|Pose|OBB|RTDETRDecoder|IDetect")),
}


def places(data: oracle.Data, role: str) -> list[tuple[str, int, int]]:
    """The layers that a module of the role can replace: section, position in it, index."""
    *_, replaceable = ROLES[role]
    every = [(section, position) for section in oracle.SECTIONS for position in range(len(data[section]))]
    return [
        (section, position, index)
        for index, (section, position) in enumerate(every)
        if replaceable.fullmatch(data[section][position][2])
    ]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_places(role: str) -> None:
    files = [path for path in SHIPPED if not oracle.problem(oracle.decode(path.read_bytes()))]
    assert sum(len(places(oracle.read(oracle.decode(path.read_bytes()))[0], role)) for path in files) >= 10


#: A tenth of the files that no package ships; all of them with this variable in the environment.
OTHERS = corpus("base") if "YAMLINJECT_EXHAUSTIVE" in os.environ else corpus("base")[::10]


@pytest.mark.parametrize("path", [*SHIPPED, *OTHERS], ids=lambda path: path.name)
def test_only_those_rows_change(path: Path) -> None:
    base = path.read_bytes()
    if oracle.problem(oracle.decode(base)):
        return
    data, _ = oracle.read(oracle.decode(base))
    config = Config(path.name, base)
    for role, (module, args, _) in ROLES.items():
        chosen = places(data, role)
        if not chosen:
            continue
        result = config.replace(module, ",".join(str(index) for *_, index in chosen), args=args)
        after, _ = oracle.read(oracle.decode(result.to_bytes()))
        expected = {**data, **{section: list(data[section]) for section in oracle.SECTIONS}}
        for section, position, _ in chosen:
            values = [int(one) if one.isdigit() else one for one in args.strip("[]").split(", ")]
            expected[section][position] = [*data[section][position][:2], module, values]
        assert after == expected, role
        lines, old = (re.split(r"\r\n|\r|\n", text) for text in (result.text, config.text))
        assert lines[0].startswith("# yamlinject ")
        assert len(lines) == 1 + len(old)
        assert sum(one != other for one, other in zip(lines[1:], old, strict=True)) <= len(chosen)
        again = Config("result.yaml", result.to_bytes())
        assert again.undo().to_bytes() == base
        if role in ("block", "fusion") and data["head"][-1][0]:
            both = again.add("SimAM", after="detect-inputs", args="[]")
            assert both.undo().undo().to_bytes() == base
