"""A checkout's own SimAM: what is said about it, and that it stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import Cli
from tests.test_register import COMMON, MODEL, PATCHED_MODEL, content

TUTORIAL = "self, channels=None, out_channels=None, e_lambda=1e-4"
CLASS = """\
class SimAM(nn.Module):
    def __init__({}):
        super().__init__()
        self.e_lambda = {}

    def forward(self, x):
        return x
"""

# parse_model passes (512, 512) to what is in its list, and (1024,) to anything else
FITS_BOTH = [
    TUTORIAL,
    "self, c1=None, c2=None, lamb=0.0001",
    "self, *channels, e_lambda=1e-4",
    "self, c1, *rest, e_lambda=1e-4",
    "self, /, channels=None, out_channels=None, *, e_lambda=1e-4",
]
FITS_LISTED = ["self, c1, c2, e_lambda=1e-4", "self, c1, c2, *, e_lambda=1e-4"]
FITS_ELSE = ["self, channels=None, e_lambda=1e-4", "self, channels, e_lambda=1e-4, group=8"]
FITS_NEVER = [
    "self, e_lambda=1e-4",
    "self, Lambda",
    "self, eps=1e-4, channels=None",
    "self, strength=1e-4, c1=None",
    "self, a, b, c, e_lambda=1e-4",
    "self, *, e_lambda=1e-4",
    "self",
    "self=None",
]
SIGNATURES = [
    *((signature, True, True) for signature in FITS_BOTH),
    *((signature, True, False) for signature in FITS_LISTED),
    *((signature, False, True) for signature in FITS_ELSE),
    *((signature, False, False) for signature in FITS_NEVER),
]

WITHOUT_LIST = PATCHED_MODEL.replace("[Conv, SimAM]", "[Conv]")
IMPORTING_ALL = PATCHED_MODEL.replace("import Conv, Concat, SimAM", "import *")


def named_lambda(signature: str) -> str:
    """The parameter that the class keeps for lambda, if it has one."""
    words = ("e_lambda", "lamb", "Lambda", "eps", "strength")
    return next((word for word in words if f" {word}" in signature), "1e-4")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "yolo"
    (root / "models").mkdir(parents=True)
    return root


def registered(cli: Cli, root: Path, text: str, model: str, *options: str) -> tuple[int, str]:
    """The exit code and the message of ``register`` in a checkout with the class ``text``."""
    (root / "models" / "common.py").write_text(COMMON + "\n\n" + text)
    (root / "models" / "yolo.py").write_text(model)
    before = content(root)
    result = cli("register", "yolo", *options, folder=root.parent)
    if "CBAM" not in options:
        assert content(root) == before
    return result.code, result.err


@pytest.mark.parametrize(("signature", "listed", "otherwise"), SIGNATURES)
def test_what_its_constructor_takes(
    root: Path, cli: Cli, signature: str, listed: bool, otherwise: bool
) -> None:
    text = CLASS.format(signature, named_lambda(signature))
    for model, fits in ((PATCHED_MODEL, listed), (IMPORTING_ALL, listed), (WITHOUT_LIST, otherwise)):
        for options in ((), ("--check",), ("--plain",)):
            code, said = registered(cli, root, text, model, *options)
            if fits:
                assert code == 0
                assert said.splitlines() == [
                    "unchanged yolo is as it should be",
                    "note      yolo/models/common.py:11 has its own SimAM, which takes the rows of add: "
                    "it stays; verify CONFIG --framework yolo tells whether its formula is right",
                ]
            else:
                assert code == 2
                where = "yamlinject: error: yolo/models/common.py:11:1"
                assert said.startswith(f"{where}: there is a SimAM that is not yamlinject's: parse_model ")
                assert said.endswith("c1=None, c2=None, e_lambda=1e-4), or remove it\n")


@pytest.mark.framework
@pytest.mark.parametrize(("signature", "listed", "otherwise"), SIGNATURES)
def test_it_works_where_that_is_said(signature: str, listed: bool, otherwise: bool) -> None:
    """Built with what ``parse_model`` hands over, as measured in YOLOv5, it has the lambda of the paper."""
    from torch import nn

    names: dict[str, Any] = {"nn": nn}
    exec(CLASS.format(signature, named_lambda(signature)), names)
    for args, fits in (((512, 512), listed), ((1024,), otherwise)):
        try:
            works = names["SimAM"](*args).e_lambda == 1e-4
        except TypeError:
            works = False
        assert works == fits


def test_the_other_modules_are_registered(root: Path, cli: Cli) -> None:
    text = CLASS.format(TUTORIAL, "e_lambda")
    code, said = registered(cli, root, text, PATCHED_MODEL, "--module", "SimAM", "--module", "CBAM")
    assert code == 0
    assert "has its own SimAM" in said
    common = (root / "models" / "common.py").read_text()
    assert ("class CBAM" in common, common.count("class SimAM"), text in common) == (True, 1, True)
    expected = PATCHED_MODEL.replace("Concat, SimAM", "Concat, CBAM, SimAM")
    assert (root / "models" / "yolo.py").read_text() == expected.replace("[Conv, S", "[Conv, CBAM, S")


NO_FORWARD = "class SimAM(nn.Module):\n    def __init__(self, a=0, b=0):\n        pass\n"
NO_INIT = "class SimAM(nn.Module):\n    def forward(self, x):\n        return x\n"
FINE = CLASS.format(TUTORIAL, "e_lambda")
OWN_BRANCH = (
    PATCHED_MODEL.replace("[Conv, SimAM]", "[Conv]") + "        elif m is SimAM:\n            pass\n"
)


@pytest.mark.parametrize(
    ("text", "model", "problem"),
    [
        (FINE, MODEL, "models/yolo.py does not import it: import it there, or remove it here"),
        (NO_FORWARD, PATCHED_MODEL, "it has no forward: rename it or remove it"),
        (NO_INIT, PATCHED_MODEL, "parse_model hands it two channel counts, and it takes nothing: give it"),
        (NO_INIT, WITHOUT_LIST, "parse_model hands it the channels, and it takes nothing: give it a def"),
        (
            FINE.replace(TUTORIAL, "self, channels, e_lambda=1e-4"),
            PATCHED_MODEL,
            "parse_model hands it two channel counts, one of which it takes for e_lambda, so that the "
            "attention is off: write def __init__(self, c1=None, c2=None, e_lambda=1e-4), or remove it",
        ),
        (FINE, OWN_BRANCH, "rename it or remove it"),
        (FINE + "\n\n" + FINE, PATCHED_MODEL, "rename it or remove it"),
        ("SimAM = nn.Identity\n", PATCHED_MODEL, "rename it or remove it"),
        ("from other import SimAM\n", PATCHED_MODEL, "rename it or remove it"),
    ],
)
def test_what_keeps_it_from_working(root: Path, cli: Cli, text: str, model: str, problem: str) -> None:
    code, said = registered(cli, root, text, model)
    assert code == 2
    assert f": there is a SimAM that is not yamlinject's: {problem}" in said


@pytest.mark.parametrize("module", ["CBAM", "SE"])
def test_other_modules_cannot_be_judged_by_their_text(root: Path, cli: Cli, module: str) -> None:
    text = FINE.replace("SimAM", module)
    code, said = registered(cli, root, text, PATCHED_MODEL.replace("SimAM", module), "--module", module)
    assert code == 2
    assert said.endswith(f"there is a {module} that is not yamlinject's: rename it or remove it\n")
