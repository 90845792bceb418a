"""What ``check`` says of args where the class is known, and its silence where it is not."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

import yamlinject
from tests.support import ADD, BASE, GOOD, Cli
from tests.test_register import COMMON, PATCHED_MODEL, content
from yamlinject.library import user_modules

#: ``parse_model`` hands (channels, channels) to what is in its list, and the row's args to anything else.
LISTED = PATCHED_MODEL.replace("[Conv, SimAM]", "[Conv, SE]").replace("Concat, SimAM", "Concat, SE")
UNLISTED = LISTED.replace("[Conv, SE]", "[Conv]")
IN_ITS_OWN_CONDITION = UNLISTED.replace(
    "if m in [Conv]", "if m is SE:\n            pass\n        if m in [Conv]"
)
NOT_IMPORTED = UNLISTED.replace("Concat, SE", "Concat")


def se(signature: str) -> str:
    return f"\n\nclass SE(nn.Module):\n    def __init__(self, {signature}):\n        super().__init__()\n"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """The folder ``models`` of a checkout, in a repository."""
    (tmp_path / "yolo" / ".git").mkdir(parents=True)
    (tmp_path / "yolo" / "models" / "hub").mkdir(parents=True)
    return tmp_path / "yolo" / "models"


def checked(
    cli: Cli, models: Path, signature: str, model: str, args: str, where: str = "a.yaml"
) -> list[str]:
    """What check says of a row ``[-1, 1, SE, args]`` that 16 channels reach."""
    (models / "common.py").write_text(COMMON + se(signature))
    (models / "yolo.py").write_text(model)
    (models / where).write_text(GOOD.replace("SimAM, [16]", f"SE, {args}"))
    before = content(models.parent)
    result = cli("check", str(models / where))
    assert content(models.parent) == before
    assert result.code == 0
    return re.findall(r" (YI.*)|= (hint: .*)", result.out)


CODES = r"YI\d{3}"

# the class, whether parse_model lists it, the row's args, the rule that speaks
CHECKOUTS = [
    ("channels, reduction=4", UNLISTED, "[16]", None),
    ("channels, reduction=4", UNLISTED, "[16, 8]", None),
    ("channels, reduction=4", UNLISTED, "[32]", "YI204"),
    ("channels, reduction=4", UNLISTED, "[4]", "YI403"),
    ("channels, reduction=4", UNLISTED, "[]", "YI403"),
    ("channels=16, reduction=4", UNLISTED, "[]", None),
    ("channels, reduction=4", LISTED, "[16]", "YI403"),  # which gets (16, 16)
    ("channels, reduction=4", LISTED, "[4]", None),
    ("c1, c2, reduction=4", LISTED, "[16]", None),
    ("c1, c2, reduction=4", LISTED, "[32]", "YI204"),
    ("c1, c2, reduction=4", LISTED, "[4]", "YI403"),
    ("c1=16, c2=16", LISTED, "[]", "YI403"),  # an IndexError
    ("reduction=16", UNLISTED, "[16]", "YI403"),
    ("reduction=16", UNLISTED, "[32]", None),
    ("e_lambda=1e-4", UNLISTED, "[16]", "YI403"),
    ("e_lambda=1e-4", UNLISTED, "[1e-4]", None),
    ("e_lambda=1e-4", UNLISTED, "[]", None),
    ("something, reduction=4", UNLISTED, "[32]", None),  # whatever that is
    ("something, reduction=4", UNLISTED, "[4]", None),
    ("*args", UNLISTED, "[4]", None),
    ("channels, reduction=4", IN_ITS_OWN_CONDITION, "[4]", None),
    ("channels, reduction=4", NOT_IMPORTED, "[4]", None),
    ("channels, reduction=4", "no Python: (", "[4]", None),
]


@pytest.mark.parametrize(("signature", "model", "args", "code"), CHECKOUTS)
def test_the_class_of_the_checkout_decides(
    cli: Cli, models: Path, signature: str, model: str, args: str, code: str | None
) -> None:
    said = checked(cli, models, signature, model, args)
    assert re.findall(CODES, str(said)) == [code] * (code is not None)


@pytest.mark.parametrize("where", ["hub/a.yaml", "../a.yaml", "../data.yaml"])
def test_from_any_folder_of_the_checkout(cli: Cli, models: Path, where: str) -> None:
    assert "YI403" in str(checked(cli, models, "channels", UNLISTED, "[4]", where))


@pytest.mark.parametrize(
    "parameter",
    [
        "e_lambda",
        "lamda",
        "eps",
        "reduction",
        "ratio",
        "kernel",
        "groups",
        "gamma",
        "factor",
        "heads",
        "k_size",
    ],
)
def test_parameters_that_take_no_channels(cli: Cli, models: Path, parameter: str) -> None:
    said = str(checked(cli, models, f"{parameter}=4", UNLISTED, "[16]"))
    assert f"takes the channels for {parameter}" in said
    assert ("the attention is off" in said) == (parameter in ("e_lambda", "lamda", "eps"))


@pytest.mark.parametrize("parameter", ["c", "c1", "dim", "in_channels", "planes", "value", "x", "b"])
def test_parameters_that_take_them_or_do_not_tell(cli: Cli, models: Path, parameter: str) -> None:
    assert checked(cli, models, f"{parameter}=4", UNLISTED, "[16]") == []


def test_a_file_of_a_megabyte_is_no_checkout(cli: Cli, models: Path) -> None:
    assert checked(cli, models, "channels", UNLISTED, "[4]")
    text = (models / "common.py").read_text()
    for size, is_read in ((2**20, True), (2**20 + 1, False)):
        (models / "common.py").write_text(text + "#" * (size - len(text)))
        assert bool(cli("check", str(models / "a.yaml")).out) == is_read


def test_what_it_says(cli: Cli, models: Path) -> None:
    said = checked(cli, models, "e_lambda=1e-4", UNLISTED, "[16]")
    line = COMMON.count("\n") + 3
    assert [part for pair in said for part in pair if part] == [
        "YI403 warning: layer 3 (SE) has args [16], and SE of "
        f"models/common.py:{line} takes the channels for e_lambda, so that the attention is off",
        "hint: write [] for its e_lambda",
    ]
    said = checked(cli, models, "channels, reduction", LISTED, "[16]")
    assert said[1][1] == "hint: give it its reduction"


def test_the_class_of_a_checkout_counts_for_a_generated_row(cli: Cli, models: Path) -> None:
    """Its own scripts build its own class, whoever wrote the row."""
    (models / "base.yaml").write_text(BASE)
    assert cli("add", "SE", "base.yaml", "--after", "SPPF", "--args", "[4]", folder=models).code == 0
    assert "YI403" in cli("check", "base_SE.yaml", folder=models).out
    (models / "common.py").write_text(COMMON + se("reduction=16"))
    (models / "yolo.py").write_text(UNLISTED)
    assert cli("check", "base_SE.yaml", folder=models).out == ""


def test_no_class_is_read_from_outside_the_repository(cli: Cli, models: Path, tmp_path: Path) -> None:
    assert checked(cli, models, "channels", UNLISTED, "[4]")
    (models / "common.py").rename(tmp_path / "common.py")
    os.symlink(tmp_path / "common.py", models / "common.py")
    assert cli("check", str(models / "a.yaml")).out == ""
    (models / ".git").mkdir()
    (models / "hub" / ".git").mkdir()
    (models / "hub" / "a.yaml").write_text((models / "a.yaml").read_text())
    assert cli("check", str(models / "hub" / "a.yaml")).out == ""


@pytest.mark.parametrize("common", ["class SE(:\n", "", "\0", "def SE(channels): pass\n"])
def test_a_file_that_tells_nothing(cli: Cli, models: Path, common: str) -> None:
    checked(cli, models, "channels", UNLISTED, "[4]")
    (models / "common.py").write_text(common)
    result = cli("check", str(models / "a.yaml"))
    assert (result.code, result.out) == (0, "")


# --- classes of the user's own


@pytest.mark.parametrize(
    ("signature", "args", "code"),
    [
        ("channels, reduction=4", "[16]", None),
        ("channels, reduction=4", "[4]", "YI403"),
        ("channels, reduction=4", "[32]", "YI204"),
        ("c1, c2, n=1", "[32]", "YI204"),
        ("reduction=4", "[16]", "YI403"),
        ("reduction=4", "[4]", None),
        ("reduction=4", "[32]", None),
    ],
)
def test_module_files(cli: Cli, tmp_path: Path, signature: str, args: str, code: str | None) -> None:
    (tmp_path / "blocks.py").write_text("import torch.nn as nn\n" + se(signature))
    (tmp_path / "a.yaml").write_text(GOOD.replace("SimAM, [16]", f"SE, {args}"))
    expected = [code] * (code is not None)
    assert cli("check", "a.yaml").codes == []
    assert cli("check", "a.yaml", "--modules", "blocks.py").codes == expected
    assert cli("check", ".", "--modules", "blocks.py", "--jobs", "2").codes == expected
    (tmp_path / "pyproject.toml").write_text('[tool.yamlinject]\nmodules = ["blocks.py"]\n')
    assert cli("check", "a.yaml").codes == expected


def test_a_module_file_that_is_not_there(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GOOD)
    result = cli("check", "a.yaml", "--modules", "blocks.py")
    assert (result.code, result.out) == (2, "")
    assert "blocks.py: cannot read it" in result.err


def test_in_python(tmp_path: Path) -> None:
    (tmp_path / "blocks.py").write_text("import torch.nn as nn\n" + se("channels"))
    config = yamlinject.Config.from_text(GOOD.replace("SimAM, [16]", "SE, [4]"))
    assert yamlinject.check(config) == []
    modules = user_modules.find([tmp_path / "blocks.py"])
    assert [finding.rule.code for finding in yamlinject.check(config, modules=modules)] == ["YI403"]


# --- classes that are not known


@pytest.mark.parametrize("module", ["SE", "SimAM", "CBAM", "ECA", "EMA", "MyAttention"])
@pytest.mark.parametrize("args", ["[]", "[4]", "[32]", "[7]", "[0.0001]", "[1e-4]", "[None]", "[[1, 2]]"])
def test_a_name_proves_nothing(cli: Cli, tmp_path: Path, module: str, args: str) -> None:
    (tmp_path / "a.yaml").write_text(GOOD.replace("SimAM, [16]", f"{module}, {args}"))
    assert cli("check", "a.yaml", "--strict").out == ""


TWINS = """\
nc: 2
backbone:
  - [-1, 1, Conv, [64, 3, 2]]
  - [-1, 1, SE, {}]
  - [-1, 1, Conv, [128, 3, 2]]
  - [-1, 1, SE, {}]
head:
  - [-1, 1, Detect, [nc]]
"""


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("[64]", "[128]", None),
        ("[64]", "[64]", "YI204"),
        ("[64]", "[16]", "YI204"),
        ("[64]", "[4]", "YI403"),
        ("[64]", "[0.5]", "YI403"),
        ("[64]", "[1e-4]", "YI403"),
        ("[64]", "[]", None),  # the class may have a default
        ("[64]", "[None]", None),
        ("[64]", "[True]", None),
        ("[16]", "[16]", None),
        ("[16]", "[4]", None),
        ("[128]", "[64]", None),
        ("[]", "[4]", None),
    ],
)
def test_rows_that_contradict_each_other(
    cli: Cli, tmp_path: Path, first: str, second: str, code: str | None
) -> None:
    (tmp_path / "a.yaml").write_text(TWINS.format(first, second))
    result = cli("check", "a.yaml")
    assert result.codes == [code] * (code is not None)
    if code:
        assert "hint: write [128]\n" in result.out


def test_generated_rows_are_of_our_class(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE)
    assert cli(*ADD, "--args", "[0.0001]", "-o", "bad.yaml").code == 0
    result = cli("check", "bad.yaml")
    assert result.codes == ["YI403"]
    assert "hint: write [16]: leave out --args\n" in result.out
    assert cli(*ADD, "-o", "good.yaml").code == 0
    assert cli("check", "good.yaml").codes == []


def test_a_class_of_the_checkout_is_no_slip(cli: Cli, models: Path) -> None:
    (models / "common.py").write_text(COMMON)
    (models / "yolo.py").write_text(UNLISTED)
    (models / "a.yaml").write_text(GOOD.replace("SimAM", "SimAN"))
    assert "YI407" in cli("check", str(models / "a.yaml")).out
    (models / "common.py").write_text(COMMON + se("channels").replace("SE", "SimAN"))
    assert "YI407" not in cli("check", str(models / "a.yaml")).out
