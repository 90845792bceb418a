"""``study new`` with the real frameworks: start weights, and what each variant costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.checkouts import checkout
from tests.support import Cli
from yamlinject import frameworks, load
from yamlinject.frameworks.installation import install
from yamlinject.library import user_modules
from yamlinject.study import preparation
from yamlinject.study.folder import Study
from yamlinject.verification.comparison import verify
from yamlinject.weights import transfer

pytestmark = pytest.mark.framework


@pytest.fixture(autouse=True)
def _own_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(user_modules.VARIABLE, "")  # to be as it was afterwards


def pretrained(base: str) -> dict[str, torch.Tensor]:
    """Write a checkpoint of ``base`` with random weights, and return them."""
    config = load(base)
    model: Any = frameworks.find(None, config).build(config)
    with torch.no_grad():
        for value in model.parameters():
            value.uniform_(-1, 1)
    torch.save({"model": model, "ema": None, "epoch": -1}, f"{base}.pt")
    return dict(model.state_dict())


def held(file: str | Path) -> dict[str, torch.Tensor]:
    """The weights in a checkpoint, as a framework reads them."""
    install()
    return dict(torch.load(file, weights_only=False)["model"].state_dict())


def costs(out: str) -> dict[str, tuple[int, float]]:
    """The parameters and the GFLOPs in the table, by variant."""
    found = re.findall(r"^(\S+) .*?([\d,]{5,}) +([\d.]+)$", out, re.M)
    return {name: (int(count.replace(",", "")), float(gflops)) for name, count, gflops in found}


@pytest.mark.parametrize("base", ["yolov5n", "yolo11n"])
def test_all_variants_start_from_the_weights_of_the_base(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    """In both, SPPF is layer 9: all layers below it are one further down."""
    weights = pretrained(base)
    command = f"study new ab --base {base} --modules SimAM,CBAM --after SPPF --weights {base}.pt".split()
    done = cli(*command)
    assert done.code == 0, done.err
    assert Path(f"ab/weights/{base}.pt").read_bytes() == Path(f"{base}.pt").read_bytes()
    expected = {
        re.sub(
            r"(?<=model\.)\d+", lambda index: str(int(index[0]) + (int(index[0]) > 9)), name, count=1
        ): value
        for name, value in weights.items()
    }
    for name in ("placebo", "SimAM", "CBAM"):
        state = held(f"ab/weights/{base}_{name}_SPPF.pt")
        own = {key for key in state if key.startswith("model.10.")}
        assert bool(own) == (name == "CBAM")
        assert state.keys() - own == expected.keys()
        assert all(torch.equal(state[key], value) for key, value in expected.items())

    # and it was made once
    before = {file: file.stat().st_mtime_ns for file in Path("ab").rglob("*")}
    monkeypatch.setattr(transfer, "transfer", None)
    preparation.prepare(Study.open("ab"))
    assert cli(*command).code == 0
    assert {file: file.stat().st_mtime_ns for file in Path("ab").rglob("*")} == before


def test_edited_weights_are_not_replaced(cli: Cli) -> None:
    pretrained("yolov5n")
    command = "study new ab --base yolov5n --modules SimAM --after SPPF --weights yolov5n.pt --no-placebo"
    assert cli(*command.split()).code == 0
    start = Path("ab/weights/yolov5n_SimAM_SPPF.pt")
    made = start.read_bytes()
    start.write_bytes(b"mine")
    refused = cli("study", "new", "ab")
    assert (refused.code, start.read_bytes()) == (2, b"mine")
    assert refused.err.startswith(f"yamlinject: error: {start}: was edited")
    for lost in (start, Path("ab/made.json")):  # the latter as by a kill between two files
        lost.unlink()
        assert cli("study", "new", "ab").code == 0
        assert start.read_bytes() == made


def test_a_replacement_with_the_same_tensors_starts_from_all_of_them(cli: Cli) -> None:
    """YOLOv5's SPP has those of SPPF."""
    weights = pretrained("yolov5n")
    command = "study new ab --base yolov5n --replace SPP --at SPPF --weights yolov5n.pt --seeds 1"
    done = cli(*command.split())
    assert done.code == 0, done.err
    state = held("ab/weights/yolov5n_SPP_SPPF.pt")
    assert state.keys() == weights.keys()
    assert all(torch.equal(state[key], value) for key, value in weights.items())


def test_a_checkpoint_of_another_model_leaves_nothing(cli: Cli) -> None:
    pretrained("yolov5s")
    command = "study new ab --base yolov5n --modules SimAM --after SPPF --weights yolov5s.pt"
    refused = cli(*command.split())
    assert refused.code == 2
    assert refused.err.count("\n") == 1
    assert "of another model" in refused.err
    assert [path.name for path in Path().iterdir()] == ["yolov5s.pt"]


def test_the_table_has_what_verify_measures(cli: Cli) -> None:
    """Of YOLO11, Ultralytics says 2,624,080 parameters for n and 9,458,752 for s."""
    command = "study new ab --base yolo11n --scale n,s --modules SimAM,BRA --after detect-inputs --seeds 1"
    done = cli(*command.split())
    assert done.code == 0, done.err
    found = costs(done.out)
    assert found.keys() == {one.name for one in Study.open("ab").variants}
    assert (found["yolo11n"][0], found["yolo11s"][0]) == (2_624_080, 9_458_752)
    for base, module in (("yolo11n", "SimAM"), ("yolo11n", "BRA"), ("yolo11s", "SimAM")):
        verified = verify(load(base).add(module, "detect-inputs"))
        assert found[base] == (verified.base.parameters, round(verified.base.gflops, 2))
        config = verified.config
        assert found[f"{base}_{module}_detect-inputs"] == (config.parameters, round(config.gflops, 2))
        placebo = found[f"{base}_placebo_detect-inputs"]
        assert placebo == found[base]


def test_a_module_that_looks_at_values_is_counted_too(cli: Cli) -> None:
    Path("blocks.py").write_text(
        "from torch import nn\n\n\nclass Gate(nn.Module):\n"
        "    def __init__(self, c1, c2):\n        super().__init__()\n"
        "        self.own = nn.Conv2d(c1, c1, 1)\n\n"
        "    def forward(self, x):\n        return self.own(x) if float(x.sum()) < 1e9 else x\n"
    )
    command = "study new ab --base yolov5n --modules blocks.py,Gate --after SPPF --seeds 1 --no-placebo"
    done = cli(*command.split())
    assert done.code == 0, done.err
    found = costs(done.out)
    extra = 256 * 256 + 256  # a convolution of 256 channels with a bias, on a map of 20 x 20
    assert found["yolov5n_Gate_SPPF"][0] - found["yolov5n"][0] == extra
    gained = found["yolov5n_Gate_SPPF"][1] - found["yolov5n"][1]
    assert gained == pytest.approx(2 * 256 * 256 * 400 / 1e9, abs=0.011)


def test_a_checkout_of_yolov5(cli: Cli, tmp_path: Path) -> None:
    checkout(tmp_path / "yolov5")
    pretrained("yolov5n")
    command = "study new ab --base yolov5n --modules SE --after SPPF --no-placebo --framework yolov5"
    assert cli(*command.split()).code == 0
    assert Study.open("ab").plan.checkout is None
    done = cli(*command.replace("ab", "other").split(), "--framework", "./yolov5")
    assert done.code == 0, done.err
    plan = Study.open("other").plan
    assert (plan.framework, plan.checkout) == ("yolov5", "./yolov5")
