"""``module NAME --test``: what each test of a module finds, on classes that have one fault each."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.conftest import REPOSITORY
from tests.support import Cli, process
from yamlinject import YamlInjectError
from yamlinject.core.modules import Role
from yamlinject.frameworks import parse_model
from yamlinject.library import recipes, user_modules
from yamlinject.library.recipes import Recipe
from yamlinject.verification.subject import Subject
from yamlinject.verification.trial import try_out
from yamlinject.verification.trials import TRIALS, Outcome, tried

pytestmark = pytest.mark.framework

#: The lines of the report, as the manual lists them.
TESTS = (
    *("shape", "float32", "bfloat16", "float16", "autocast", "constant", "large"),
    *("gradient", "gate", "modes", "copies", "script", "onnx", "time"),
)
NO_GATE = ("BiFPN_Concat", "CARAFE", "DySample")


@pytest.mark.parametrize("name", recipes.names())
def test_what_is_built_in_passes(name: str) -> None:
    trial = try_out(recipes.recipe(name))
    assert [(one.test, one.outcome, one.text) for one in trial.tests if one.outcome != "passed"] == []
    expected = [test for test in TESTS if test != "gate" or name not in NO_GATE]
    assert [one.test for one in trial.tests] == expected
    assert trial.parameters_at == recipes.about(name).parameters_at
    assert trial.failed == 0


# classes with one fault each; what they hold is that of a gate by the means of channels


class Gate(nn.Module):
    """Without a fault."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__()
        self.fc = nn.Conv2d(c1, c1, 1)

    def forward(self, x: Tensor) -> Any:
        return x * self.fc(x.mean((2, 3), keepdim=True)).sigmoid()


class Valid(Gate):
    """A convolution that takes the border away."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x)[:, :, 1:, 1:]


class Halving(Gate):
    """Right for even sizes only."""

    def forward(self, x: Tensor) -> Any:
        small = nn.functional.avg_pool2d(x, 2, ceil_mode=True)
        return super().forward(nn.functional.interpolate(small, scale_factor=2.0))


class Groups(Gate):
    """For multiples of 32 only."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.norm = nn.GroupNorm(32, c1)


class Pair(Gate):
    """Gives its gate too."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


class Deviation(Gate):
    """SimAM of the paper's authors: 0 / 0 for maps of one value."""

    def forward(self, x: Tensor) -> Any:
        n = x.shape[2] * x.shape[3] - 1
        d = (x - x.mean((2, 3), keepdim=True)).square()
        return x * (d / (4 * (d.sum((2, 3), keepdim=True) / n + 1e-4)) + 0.5).sigmoid()


class Guarded(Gate):
    """The same without that; the sum of its squares overflows in float16."""

    def forward(self, x: Tensor) -> Any:
        n = max(x.shape[2] * x.shape[3] - 1, 1)
        d = (x - x.mean((2, 3), keepdim=True)).square()
        return x * (d / (4 * (d.sum((2, 3), keepdim=True) / n + 1e-4)) + 0.5).sigmoid()


class Collapsing(Gate):
    """What overflow does where it makes no NaN: a gate of one half for large values in half precision."""

    def forward(self, x: Tensor) -> Any:
        squares = x.square().clamp(max=60_000)
        return x * (1 + squares / squares.sum((2, 3), keepdim=True) * (x.shape[2] * x.shape[3]))


class Normed(Gate):
    """A norm without an epsilon."""

    def forward(self, x: Tensor) -> Any:
        return x * (x / x.std((2, 3), correction=0, keepdim=True)).sigmoid()


class Exploding(Gate):
    """An exponential."""

    def forward(self, x: Tensor) -> Any:
        return x * x.exp() / (1 + x.exp())


class Fixed(Gate):
    """A weight that has no other precision than float32."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.matrix = torch.eye(c1)

    def forward(self, x: Tensor) -> Any:
        return super().forward(nn.functional.conv2d(x, self.matrix[:, :, None, None]))


class Filled(Gate):
    """An output that is filled in float32, with what autocast gives in half precision."""

    def forward(self, x: Tensor) -> Any:
        index = torch.arange(len(x))
        return torch.zeros_like(x).index_add_(0, index, self.fc(x))


class Lacking(Gate):
    """An operation that torch has not in half precision on a CPU."""

    def forward(self, x: Tensor) -> Any:
        means = x.mean((2, 3))
        return super().forward(x) * (1 + torch.cdist(means, means + 1).mean())


class Detached(Gate):
    """Lets no gradient through."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x.detach())


class Unused(Gate):
    """A parameter that takes no part."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.rest = nn.Conv2d(c1, c1, 1)


class Cancelled(Gate):
    """A parameter that is multiplied by 0."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.alpha = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + 0 * self.alpha * x


class Beginning(Gate):
    """A gate that begins at 0, as those of many papers; behind it nothing learns in the first step."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Any:
        return x + self.gamma * super().forward(x)


class Lambda(nn.Module):
    """SimAM of tutorials, in the set of modules that get the channels twice: the second is its lambda."""

    def __init__(self, channels: int | None = None, e_lambda: float = 1e-4) -> None:
        super().__init__()
        self.e_lambda = e_lambda

    def forward(self, x: Tensor) -> Any:
        n = max(x.shape[2] * x.shape[3] - 1, 1)
        d = (x - x.mean((2, 3), keepdim=True)).square()
        return x * (d / (4 * (d.sum((2, 3), keepdim=True) / n + self.e_lambda)) + 0.5).sigmoid()


class Same(nn.Module):
    """Does nothing."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Any:
        return x


class Scale(nn.Module):
    """Learns one number for everything."""

    def __init__(self, c1: int, c2: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((1,), 0.25))

    def forward(self, x: Tensor) -> Any:
        return self.scale * x


class Modes(Gate):
    """Skips every second position in training."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x)[:, :, :: 1 + self.training]


class Local(Gate):
    """Holds a function that no pickle can."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.act: Callable[[Tensor], Tensor] = lambda x: x

    def forward(self, x: Tensor) -> Any:
        return self.act(super().forward(x))


class Noisy(Gate):
    """Random, in evaluation too."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + torch.rand_like(x)


class Growing(Gate):
    """Keeps something of its input from the first run on, so that its state fits no new one."""

    def forward(self, x: Tensor) -> Any:
        self.register_buffer("seen", x.mean())
        return super().forward(x)


class Sized(Gate):
    """A number that a trace takes for a constant."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + int(x.shape[2])


class Fourier(Gate):
    """An operation that ONNX has not in this form."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * torch.linalg.matrix_norm(x, 2)[:, :, None, None]


class BadUpsample(Gate):
    """Three times as large."""

    def forward(self, x: Tensor) -> Any:
        return nn.functional.interpolate(super().forward(x), scale_factor=3.0)


class Conv2(Gate):
    """A convolution with stride 2."""

    def __init__(self, c1: int, c2: int | None = None) -> None:
        super().__init__(c1)
        self.conv = nn.Conv2d(c1, c1, 3, 2, 1)

    def forward(self, x: Tensor) -> Any:
        return self.conv(x)


class Sum(nn.Module):
    """Adds two layers, and takes no third."""

    def __init__(self, inputs: int) -> None:
        super().__init__()

    def forward(self, x: list[Tensor]) -> Any:
        return torch.cat([x[0], x[1]], 1)


def one_test(name: str, of: Subject) -> Outcome:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in a whole trial
        return tried(name, TRIALS[name], of)


def subject(module: type, monkeypatch: pytest.MonkeyPatch, role: Role = "attention") -> Subject:
    monkeypatch.setattr(parse_model, "module_class", lambda *_: module)
    return Subject(Recipe(module.__name__, ["inputs" if role == "fusion" else "channels"], role))


@pytest.mark.parametrize(
    ("module", "test", "text"),
    [
        (Valid, "shape", "an input of 1x16x9x6 gives 1x16x8x5, expected 1x16x9x6"),
        (Halving, "shape", "an input of 1x16x9x6 gives 1x16x10x6, expected 1x16x9x6"),
        (
            Groups,
            "shape",
            "with 16 channels: ValueError: num_channels (16) must be divisible by num_groups (32)",
        ),
        (Pair, "shape", "it gives a tuple, not one map"),
        (Deviation, "float32", "with an input of 2x64x1x1, its output is not finite"),
        (Normed, "constant", "with an input of 0 only, its output is not finite"),
        (Exploding, "large", "with values of about 10000 in float32, its output is not finite"),
        (Guarded, "large", "with values of about 100 in float16, its output is not finite"),
        (Collapsing, "large", "with values of about 100 in float16, the output is "),
        (Fixed, "float16", "with values of about 1 in float16: RuntimeError: "),
        (Fixed, "bfloat16", "with values of about 1 in bfloat16: RuntimeError: "),
        (Filled, "autocast", "with values of about 1 in bfloat16: RuntimeError: "),
        (Detached, "float32", "its input gets no gradient"),
        (Unused, "gradient", "none for rest.weight, rest.bias: it changes nothing in the output"),
        (Cancelled, "gradient", "none for alpha: it changes nothing in the output"),
        (Lambda, "gate", "constant: it multiplies every value of every input by 0.62"),
        (Same, "gate", "constant: it multiplies every value of every input by 1; are its channels taken"),
        (Scale, "gate", "constant: it multiplies every value of every input by 0.25"),
        (
            Modes,
            "modes",
            "an input of 1x64x20x20 gives 1x64x10x20 in training and 1x64x20x20 in evaluation",
        ),
        (Local, "copies", "it cannot be pickled, which every checkpoint needs: "),
        (Growing, "copies", "its state cannot be loaded: RuntimeError: "),
        (Noisy, "copies", "the same input gives other values"),
        (Sized, "script", "an input of 1x64x7x13, exported at 1x64x12x10, gives other values"),
        (Sized, "onnx", "an input of 1x64x7x13, exported at 1x64x12x10, gives other values"),
        (Fourier, "onnx", "it cannot be exported: "),
    ],
)
def test_a_fault_is_found(module: type, test: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, outcome, said = one_test(test, subject(module, monkeypatch))
    assert (name, outcome) == (test, "failed")
    assert text in said
    assert "\n" not in said


@pytest.mark.parametrize(
    ("module", "test"),
    [
        *((Gate, test) for test in TESTS),
        (Beginning, "gradient"),
        (Groups, "float32"),
        (Halving, "gradient"),
        (Deviation, "gate"),
        (Deviation, "copies"),
        (Guarded, "float16"),
        (Exploding, "float16"),
        (Sized, "copies"),
        (Fourier, "script"),
    ],
)
def test_what_is_right_passes(module: type, test: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_test(test, subject(module, monkeypatch))[1] == "passed"


def test_a_gate_that_begins_without_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    assert one_test("gate", subject(Beginning, monkeypatch))[1:] == (
        "passed",
        "multiplies every value by 1 as built, and has an effect once it is trained",
    )


@pytest.mark.parametrize("test", ["float16", "large"])
def test_what_torch_lacks_is_left_out_and_never_passed_in_silence(
    test: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, outcome, text = one_test(test, subject(Lacking, monkeypatch))
    assert outcome == ("passed" if test == "large" else "left out")
    assert "not tested here with values of about" in text
    assert "not implemented for 'Half'" in text or "not implemented for 'BFloat16'" in text


def test_a_class_that_is_not_finished_is_no_fault_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unfinished(Gate):
        def forward(self, x: Tensor) -> Any:
            if x.dtype == torch.float16:
                raise NotImplementedError("later")
            return super().forward(x)

    assert one_test("float16", subject(Unfinished, monkeypatch))[1:] == (
        "failed",
        "with values of about 1 in float16: NotImplementedError: later",
    )


def test_without_onnx_that_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert one_test("onnx", subject(Gate, monkeypatch))[1:] == (
        "left out",
        "not tested here: there is no onnx: pip install onnx",
    )


@pytest.mark.parametrize(
    ("module", "role", "outcome", "text"),
    [
        (Gate, "block", "passed", "kept, with 16 to 1024 channels, odd sizes, 1x1 and a batch of 1"),
        (Gate, "upsample", "failed", "an input of 1x16x9x6 gives 1x16x9x6, expected 1x16x18x12"),
        (BadUpsample, "upsample", "failed", "an input of 1x16x9x6 gives 1x16x27x18, expected 1x16x18x12"),
        (Conv2, "downsample", "passed", "half as high and wide, with 16 to 1024 channels"),
        (Gate, "downsample", "failed", "an input of 1x16x9x6 gives 1x16x9x6, expected 1x16x4x3"),
        (Sum, "fusion", "failed", "an input of 1x192x13x7 gives 1x128x13x7, expected 1x192x13x7"),
    ],
)
def test_the_shape_is_what_a_role_promises(
    module: type, role: Role, outcome: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, found, said = one_test("shape", subject(module, monkeypatch, role))
    assert found == outcome
    assert text in said


# on the command line

BLOCKS = '''\
import torch
from torch import nn


class Mine(nn.Module):
    """A gate by the means of the channels."""

    def __init__(self, channels, reduction=8):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, channels // reduction, 1)
        self.fc2 = nn.Conv2d(channels // reduction, channels, 1)

    def forward(self, x):
        print("this is no part of the result")
        return x * self.fc2(self.fc1(x.mean((2, 3), keepdim=True)).relu()).sigmoid()


class Lost(nn.Module):
    """A constant gate, a parameter without a gradient, and another shape at odd sizes."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 1)
        self.up = nn.Upsample(scale_factor=2)

    def forward(self, x):
        return x * 0.5 if x.shape[2] % 2 == 0 else self.up(nn.functional.avg_pool2d(x, 2))


class Heads(nn.Module):
    def __init__(self, c1, heads):
        super().__init__()
        if c1 % heads:
            raise ValueError(f"{c1} channels have no {heads} heads")

    def forward(self, x):
        return x * x.sigmoid()


class Twice(nn.Module):
    def __init__(self, c1, c2, n=1, expansion=0.5):
        super().__init__()
        assert (c1, n) == (c2, 1)
        self.conv = nn.Conv2d(c1, int(c2 * expansion) * 2, 1)

    def forward(self, x):
        return self.conv(x)


class Two(nn.Module):
    def forward(self, x, y):
        return x + y


class Rows(nn.Module):
    """As in the published CoordAtt: torch exports its pooling for one size only, and prints its graph."""

    def __init__(self, c1):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d((None, 1))

    def forward(self, x):
        return x * self.pool(x).sigmoid()


class Plain:
    def forward(self, x):
        return x
'''


@pytest.fixture
def blocks(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module file with a name of its own, for Python imports a name once; the current folder has it."""
    monkeypatch.setenv(user_modules.VARIABLE, "")
    file = tmp_path / f"own_{tmp_path.name.replace('-', '_')}.py"
    file.write_text(BLOCKS)
    return file


def test_a_module_of_ones_own_that_passes(cli: Cli, blocks: Path) -> None:
    result = cli("module", "mine", "--test", "--modules", str(blocks))
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[:2] == [
        "built     Mine(64)",
        "size      parameters: 1,096 on 64, 4,240 on 128, 16,672 on 256, 66,112 on 512, 263,296 on 1024 "
        "channels",
    ]
    assert [line.split()[0] for line in lines[2:-1]] == list(TESTS)
    assert lines[-1] == "passed    Mine passes 14 tests"


def test_one_that_fails(cli: Cli, blocks: Path) -> None:
    result = cli("module", "Lost", "--test", "--modules", str(blocks))
    assert (result.code, result.err) == (1, "")
    said = dict(line.split(maxsplit=1) for line in result.out.splitlines())
    assert said["shape"] == "fails: an input of 1x16x9x6 gives 1x16x8x6, expected 1x16x9x6"
    assert said["gradient"] == "fails: none for conv.weight, conv.bias: it changes nothing in the output"
    assert said["gate"].startswith("fails: constant: it multiplies every value of every input by 0.5")
    assert said["float32"].startswith("fails: with an input of 2x64x1x1: RuntimeError: Given input size")
    assert said["wrong"] == "Lost fails 7 of 14 tests, see above"


def test_an_export_for_one_size_is_said_and_torch_prints_nothing_of_it(blocks: Path) -> None:
    command = ("module", "Rows", "--test", "--modules", str(blocks), "--output-format", "json")
    result = process(blocks.parent, *command)
    assert (result.returncode, result.stderr) == (1, b"")
    (failed,) = [one for one in json.loads(result.stdout)["tests"] if one["outcome"] != "passed"]
    assert failed["test"] == "onnx"
    assert failed["text"].startswith(
        "it can be exported for one input size only; with sizes that may change: SymbolicValueError: "
    )


def test_args_are_those_of_the_row(cli: Cli, blocks: Path) -> None:
    own = ("--modules", str(blocks))
    assert (
        "built     Heads(64, 4)\n" in cli("module", "Heads", "--test", "--args", "[channels, 4]", *own).out
    )
    assert (
        "built     Twice(64, 64, 1, 0.25)\n"
        in cli("module", "Twice", "--test", "--args", "[channels, 0.25]", *own).out
    )
    assert "built     SE(64, 64, 4)\n" in cli("module", "SE", "--test", "--args", "[channels, 4]").out


def test_a_recipe_beside_the_file_says_the_role(cli: Cli, blocks: Path) -> None:
    blocks.with_name("Mine.yaml").write_text("args: [channels, 4]\nrole: upsample\n")
    result = cli("module", "Mine", "--test", "--modules", str(blocks))
    assert "built     Mine(64, 4)\n" in result.out
    assert "shape     fails: an input of 1x16x9x6 gives 1x16x9x6, expected 1x16x18x12\n" in result.out
    assert "\ngate " not in result.out


def test_a_class_that_takes_another_input_fails_once(cli: Cli, blocks: Path) -> None:
    result = cli("module", "Two", "--test", "--modules", str(blocks))
    assert result.code == 1
    assert [line.split()[0] for line in result.out.splitlines()] == ["built", "size", "forward", "wrong"]
    assert "TypeError: Two.forward() missing 1 required positional argument: 'y'" in result.out


def test_json(cli: Cli, blocks: Path) -> None:
    result = cli("module", "Mine", "--test", "--modules", str(blocks), "--output-format", "json")
    data = json.loads(result.out)
    assert (result.code, data["module"], data["built"]) == (0, "Mine", "Mine(64)")
    assert data["parameters_at"]["128"] == 4_240
    assert [one["test"] for one in data["tests"]] == list(TESTS)
    assert {one["outcome"] for one in data["tests"]} == {"passed"}
    manual = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    (row,) = [line for line in manual.splitlines() if line.startswith("| `module NAME --test` | `")]
    assert {key for key in (*data, *data["tests"][0]) if f"`{key}`" not in row} == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("Heads", "--test"),
            ":30:1: the constructor of Heads has no value for heads: give the --args of its",
        ),
        (
            ("Heads", "--test", "--args", "[channels, 5]"),
            ":30:1: Heads(64, 5) cannot be built: ValueError: 64 channels have no 5 heads: give "
            "other --args",
        ),
        (
            ("Heads", "--test", "--args", "[channels]"),
            "Heads(64) cannot be built: TypeError: Heads.__init__() missing 1 required positional "
            "argument: 'heads': give other --args",
        ),
        (
            ("Heads", "--test", "--args", "[x, 4]"),
            "cannot be built: ValueError: args ['x', 4] have to begin",
        ),
        (("Heads", "--test", "--args", "4"), "--args has to be a YAML list"),
        (("Plain", "--test"), ":66:1: Plain is no class of layers: derive it from nn.Module"),
        (
            ("SE", "--test", "--args", "[channels, 0.5]"),
            "SE(64, 64, 0.5) cannot be built: ValueError: SE: reduction",
        ),
        (("Nothing", "--test"), "no recipe for a module 'Nothing'"),
        (("--test",), "--test: name the module to test"),
        (("SE", "--args", "[channels]"), "--args belongs to --test here"),
    ],
)
def test_mistakes(cli: Cli, blocks: Path, arguments: tuple[str, ...], message: str) -> None:
    result = cli("module", *arguments, "--modules", str(blocks))
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('no')", "cannot be imported: ValueError: no"),
        (
            "import nothing_like_it",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_like_it'",
        ),
        ("class :", ": not a Python file"),
        ("Mine = len", "Mine is no class of layers"),
    ],
)
def test_files_that_cannot_be_imported(cli: Cli, blocks: Path, text: str, message: str) -> None:
    blocks.write_text(f"{BLOCKS}\n\n{text}\n")
    result = cli("module", "Mine", "--test", "--modules", str(blocks))
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert message in result.err


def test_a_head_is_tested_in_its_model() -> None:
    with pytest.raises(
        YamlInjectError, match="MyHead is a head, which yamlinject verify tests in its model"
    ):
        Subject(Recipe("MyHead", [], "head"))


def test_without_the_option_neither_torch_nor_the_file_is_imported(blocks: Path) -> None:
    blocks.write_text(f"{BLOCKS}\nraise SystemExit('imported')\n")
    code = (
        "import sys; from yamlinject.cli.app import run\n"
        f"assert run(['module', 'Mine', '--modules', {str(blocks)!r}]) == 0\n"
        "assert run(['module', 'GAM']) == 0\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_randomness_and_warnings_of_the_process_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    try_out(recipes.recipe("ECA"))
    assert torch.equal(torch.rand(1), expected)
