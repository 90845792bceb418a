"""The tests of a module that is tried out: one function for each line of the report, in its order."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from yamlinject.verification import measure, precision
from yamlinject.verification.subject import WIDTH, Subject, explained
from yamlinject.verification.trying import (
    SIZES,
    Failed,
    LeftOut,
    at,
    check_finite,
    loss,
    one_map,
    parameter_name,
    shape_text,
)

Outcome = tuple[str, Literal["passed", "failed", "left out"], str]

#: Channels of layers of small and large models.
_WIDTHS = (16, 32, 48, 64, 80, 128, 256, 512, 1024)
#: Batch, height and width at an export, and afterwards.
_EXPORTED, _LATER = (1, 12, 10), ((1, 7, 13), (2, 10, 10))


def run(subject: Subject, say: Callable[[str], None]) -> Iterator[Outcome]:
    """Each test with its outcome; of a module that takes no input at all, that alone."""
    try:
        with torch.no_grad():
            subject.build().eval()(subject.maps(*SIZES[0]))
    except (Exception, SystemExit) as error:
        yield "forward", "failed", explained(error)
        return
    for name, function in TRIALS.items():
        if name == "gate" and subject.role not in ("attention", "block"):
            continue  # others are no re-weighting of their input
        say(f"testing {name}")
        yield tried(name, function, subject)


def tried(name: str, function: Callable[[Subject], str], subject: Subject) -> Outcome:
    """One test with its outcome."""
    try:
        return name, "passed", function(subject)
    except LeftOut as reason:
        return name, "left out", str(reason)
    except Failed as problem:
        return name, "failed", str(problem)
    except (Exception, SystemExit) as error:
        return name, "failed", explained(error)


def _shape(subject: Subject) -> str:
    for channels in _WIDTHS:
        with at(f"with {channels} channels"):
            module = subject.build(channels).eval()
        sizes = SIZES if channels == WIDTH else ((1, 9, 6),)
        for size in sizes[: 4 if subject.role == "downsample" else None]:
            _check_shape(subject, module, subject.maps(*size, channels))
    if subject.role == "fusion":
        three = subject.joining(3)
        _check_shape(three, three.build().eval(), three.maps(*SIZES[2]))
    what = {"fusion": "that of a Concat of 2 or 3 layers", "upsample": "twice as high and wide"}
    what |= {"downsample": "half as high and wide"}
    one = "" if subject.role == "downsample" else ", 1x1"
    return f"{what.get(subject.role, 'kept')}, with 16 to 1024 channels, odd sizes{one} and a batch of 1"


def _check_shape(subject: Subject, module: nn.Module, x: Tensor) -> None:
    with torch.no_grad(), at(f"with an input of {shape_text(x.shape)}"):
        y = one_map(module(x))
    if tuple(y.shape) not in subject.promised(x.shape):
        expected = next(subject.promised(x.shape))
        wrong = f"gives {shape_text(y.shape)}, expected {shape_text(expected)}"
        raise Failed(f"an input of {shape_text(x.shape)} {wrong}")


def _gradient(subject: Subject) -> str:
    learning: set[str] = set()
    names = [name for name, one in subject.build().named_parameters() if one.requires_grad]
    for trained in (False, True) if names else ():  # behind a gate that begins at 0 nothing learns at first
        module = subject.build(trained=trained).train()
        value = loss(one_map(module(subject.maps(4, 9, 10))))
        if value.requires_grad:
            value.backward()
        gradients = {name: one.grad for name, one in module.named_parameters()}
        learning |= {name for name, one in gradients.items() if one is not None and one.any()}
    without = [parameter_name(name) for name in names if name not in learning]
    if without:
        raise Failed(f"none for {', '.join(without)}: it changes nothing in the output")
    return "every parameter gets one" if names else "it has no parameters"


def _gate(subject: Subject) -> str:
    factor = _factor(subject.build())
    if factor is None:
        return "values are re-weighted differently"
    parameters = any(True for _ in subject.build().parameters())
    if parameters and _factor(subject.build(trained=True)) is None:
        return f"multiplies every value by {factor:.3g} as built, and has an effect once it is trained"
    lost = "" if parameters else "; are its channels taken for another value, such as lambda?"
    raise Failed(f"constant: it multiplies every value of every input by {factor:.3g}{lost}")


def _factor(module: nn.Module) -> float | None:
    x = measure.probe_input(WIDTH).float()
    with torch.no_grad():
        y = one_map(module.eval()(x))
    if y.shape != x.shape:
        raise LeftOut("not tested, for its output has another shape than its input")
    check_finite({"output": y}, "with a random input")
    return measure.constant_factor(y / x)


def _modes(subject: Subject) -> str:
    for size in ((2, 1, 1), (1, 20, 20), (2, 13, 7)):
        x, module = subject.maps(*size), subject.build()
        with torch.no_grad(), at(f"with an input of {shape_text(x.shape)}"):
            trained, evaluated = (one_map(module.train(mode)(x)).shape for mode in (True, False))
        if trained != evaluated:
            both = f"{shape_text(trained)} in training and {shape_text(evaluated)} in evaluation"
            raise Failed(f"an input of {shape_text(x.shape)} gives {both}")
    return "training and evaluation give the same shape"


def _copies(subject: Subject) -> str:
    module, x = subject.build(trained=True).eval(), subject.maps(2, 9, 10)
    _check_same("the same input", module(x), module(x))
    with at("it cannot be copied"):
        _check_same("its copy", copy.deepcopy(module)(x), module(x))
    with at("it cannot be pickled, which every checkpoint needs"):
        _check_same("its pickled copy", pickle.loads(pickle.dumps(module))(x), module(x))
    with at("its state cannot be loaded"):
        other = subject.build().eval()
        other.load_state_dict(module.state_dict())
        _check_same("another with its state", other(x), module(x))
    return "a copy, a pickled one, and one with its state give the same values"


def _check_same(what: str, actual: Tensor, expected: Tensor) -> None:
    near = 1e-5 * expected.abs().max().item() + 1e-6
    if actual.shape != expected.shape:
        raise Failed(f"{what} gives {shape_text(actual.shape)} instead of {shape_text(expected.shape)}")
    if not torch.allclose(actual, expected, rtol=1e-3, atol=near):
        raise Failed(f"{what} gives other values, by up to {(actual - expected).abs().max().item():.2g}")


def _script(subject: Subject) -> str:
    module = subject.build(trained=True).eval()
    with torch.no_grad():
        traced = torch.jit.trace(module, subject.maps(*_EXPORTED), check_trace=False)
        _check_later(subject, module, traced)
    return "TorchScript, traced at one size, gives the same values at others"


def _check_later(subject: Subject, module: nn.Module, exported: Callable[[Tensor], Tensor]) -> None:
    for size in (_EXPORTED, *_LATER):
        x = subject.maps(*size)
        shape = f"{shape_text(x.shape)}, exported at {shape_text(subject.maps(*_EXPORTED).shape)}"
        with at(f"with an input of {shape}"):
            y = exported(x)
        _check_same(f"an input of {shape},", y, module(x))


def _onnx(subject: Subject) -> str:
    if importlib.util.find_spec("onnx") is None:
        raise LeftOut("not tested here: there is no onnx: pip install onnx")
    import onnx
    from onnx.reference import ReferenceEvaluator

    module = subject.build(trained=True).eval()
    with tempfile.TemporaryDirectory() as folder, _silent_exporter():
        file = Path(folder, "module.onnx")
        try:
            _export(subject, module, file, dynamic_axes={"x": {0: "batch", 2: "height", 3: "width"}})
        except (Exception, SystemExit) as error:
            with at("it cannot be exported"):
                _export(subject, module, file)
            only = "it can be exported for one input size only; with sizes that may change"
            raise Failed(f"{only}: {explained(error)}") from None
        session: Any = ReferenceEvaluator(onnx.load(file))
    with torch.no_grad():
        _check_later(subject, module, lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0]))
    return "ONNX, exported at one size, gives the same values at others"


def _export(subject: Subject, module: nn.Module, file: Path, **sizes: Any) -> None:
    """Write ONNX by the exporter that needs no more than onnx."""
    torch.onnx.export(module, (subject.maps(*_EXPORTED),), file, input_names=["x"], dynamo=False, **sizes)


@contextlib.contextmanager
def _silent_exporter() -> Iterator[None]:
    """Keep torch from printing its graph where it cannot export it: C++ does, past ``sys.stdout``."""
    inside = vars(torch._C)
    log = inside.get("_jit_onnx_log")
    inside["_jit_onnx_log"] = lambda *_: None  # its switch is turned on by the exporter, whatever it was
    try:
        yield
    finally:
        inside["_jit_onnx_log"] = log


def _time(subject: Subject) -> str:
    x = subject.maps(1, 40, 40)
    convolution = nn.Conv2d(x.shape[1], x.shape[1], 3, padding=1).eval()
    found = measure.latency(subject.build().eval(), convolution, x)
    return (
        f"{_rounded(found.config)} ms, {_rounded(found.ratio)} times that of a 3x3 convolution of the same "
        f"input, {shape_text(x.shape)} on {found.device}"
    )


def _rounded(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


#: The tests by their names, in the order of the report: what each returns is said where it passes.
TRIALS: dict[str, Callable[[Subject], str]] = {
    "shape": _shape,
    "float32": precision.float32,
    "bfloat16": precision.bfloat16,
    "float16": precision.float16,
    "autocast": precision.autocast,
    "constant": precision.constant,
    "large": precision.large,
    "gradient": _gradient,
    "gate": _gate,
    "modes": _modes,
    "copies": _copies,
    "script": _script,
    "onnx": _onnx,
    "time": _time,
}
