"""Other people's checkpoints: what they name, how much they expand to, and what is in odd places."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NoReturn

import pytest
import torch
from torch import nn

from tests import pickles
from tests.conftest import EXHAUSTIVE
from tests.pickles import call, get, mapping, module, name, put, tensor, value
from tests.test_torch_file import problem, read, refused, saved
from tests.test_weights import pretrained, save_checkpoint, save_config
from yamlinject import load
from yamlinject.cli.app import run
from yamlinject.weights import checkpoint

pytestmark = pytest.mark.framework

# What they name

#: What ``torch.load(weights_only=True)`` knows besides, and names close to those that are known here.
NAMES = """
torch._utils._rebuild_qtensor torch._utils._rebuild_nested_tensor torch._utils._rebuild_sparse_tensor
torch._utils._rebuild_wrapper_subclass torch._utils._rebuild_meta_tensor_no_storage
torch._utils._rebuild_device_tensor_from_numpy torch._utils._rebuild_device_tensor_from_cpu_tensor
torch._utils._rebuild_tensor_v3 torch._utils._rebuild_parameter_with_state
torch._tensor._rebuild_from_type_v2 torch.Tensor torch.storage.UntypedStorage
torch.serialization._get_layout collections.Counter builtins.bytearray builtins.complex

torch.nn.Module torch.nn.modules.conv.Conv2d.__init__ torch.nn.modules.conv torch.load torch.classes
torch.float32.__class__ torch.dtype torch._dynamo torch.onnx torch.os
models.common.os.system ultralytics.utils.downloads.safe_download ultralytics.nn.tasks.os.system
numpy.load numpy.core.os pathlib.os datetime.sys.modules os.system posix.system builtins.eval
builtins.getattr.x builtins.set.x _codecs.decode codecs.encode collections.abc collections.OrderedDict.x
""".split()


@pytest.mark.parametrize("full", NAMES)
@pytest.mark.parametrize("step", [b"", value(()) + pickles.REDUCE, value(()) + pickles.NEWOBJ])
def test_a_name_that_no_checkpoint_needs(tmp_path: Path, full: str, step: bytes) -> None:
    file = pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=name(full) + step))
    line = refused(file)
    assert line.startswith(f"wants {full}, which")
    assert "`trust`" in line


def test_all_names_are_said(tmp_path: Path) -> None:
    steps = mapping(a=name("os.system"), b=name("builtins.eval"), c=name("os.system"), weight=tensor())
    line = refused(pickles.save(tmp_path / "a.pt", steps))
    assert line.startswith("wants builtins.eval, os.system, which")


def test_a_name_that_would_change_the_terminal(tmp_path: Path) -> None:
    steps = b"cos\x1b[31m\\nx\\x1b\nsystem\n"
    line = refused(pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=steps)))
    assert line.isprintable()


def test_nothing_is_made_before_all_names_are_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "frombuffer", None)
    file = pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=name("os.system")))
    assert refused(file).startswith("wants os.system")


def test_what_the_process_calls_safe(tmp_path: Path) -> None:
    """As any library can, for all of the process."""
    marker = tmp_path / "marker"
    attack = call("subprocess.check_call", value(["touch", str(marker)]))
    file = pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=attack))
    with torch.serialization.safe_globals([subprocess.check_call]):
        torch.load(file, weights_only=True)
        assert marker.exists()
        marker.unlink()
        assert refused(file).startswith("wants subprocess.check_call")
    assert not marker.exists()


def test_torch_does_not_load_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: object, **_options: object) -> NoReturn:
        raise AssertionError

    file = save_checkpoint(tmp_path / "base.pt")
    monkeypatch.setattr(torch, "load", never)
    monkeypatch.setattr(torch.serialization, "load", never)
    monkeypatch.setattr(torch.serialization, "_load", never)
    monkeypatch.setattr(torch.serialization, "add_safe_globals", never)
    monkeypatch.setattr(torch.serialization, "safe_globals", never)
    assert len(read(file)) == 349
    assert refused(saved(tmp_path, {"model": os.system})).startswith("wants ")


def test_threads(tmp_path: Path) -> None:
    """Many at once, and ``torch.load`` in others: none of them sees the names that others allow."""
    file = saved(tmp_path, {"model": nn.Sequential(*(nn.Conv2d(1, 1, 1) for _ in range(20)))})
    evil = pickles.save(tmp_path / "evil.pt", mapping(weight=tensor(), extra=name("os.system")))
    known = torch.serialization.get_safe_globals()

    def ours(_number: int) -> bool:
        return len(read(file)) == 40 and problem(evil).startswith("wants os.system")

    def theirs(_number: int) -> bool:
        with pytest.raises(UnpicklingError, match="Unsupported global"):
            torch.load(file, weights_only=True)
        return True

    with ThreadPoolExecutor(15) as pool:
        results = [pool.submit(job, number) for number in range(50) for job in (ours, theirs, ours)]
        assert all(result.result() for result in results)
    assert torch.serialization.get_safe_globals() == known


@pytest.mark.parametrize("version", ["2.6.0", "2.9.1+cu128", "2.9.0a0+git123", "1.13.1", "0.4", "unknown"])
def test_a_torch_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    """Training from the result loads it with torch."""
    file = saved(tmp_path, {"weight": torch.zeros(2)})
    monkeypatch.setattr(torch, "__version__", version)
    line = refused(file)
    assert line.startswith(f"torch {version} ")
    assert "pip install 'torch>=2.10'" in line
    assert len(checkpoint.read(file, trust=True).state) == 1


@pytest.mark.parametrize("version", ["2.10.0", "2.10.0+cpu", "2.14.1+cu130", "2.10.0a0+git", "10.0.0"])
def test_a_torch_that_is_new_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(torch, "__version__", version)
    assert len(read(saved(tmp_path, {"weight": torch.zeros(2)}))) == 1


# How much they make of little


def holding(*children: bytes) -> bytes:
    """A module with these in it."""
    return module(_modules=mapping(**{f"m{index}": child for index, child in enumerate(children)}))


def file_of(model: bytes, *parts: bytes) -> bytes:
    """A checkpoint whose ``model`` can get each of the ``parts`` by its number."""
    made = b"".join(part + put(index) for index, part in enumerate(parts))
    return mapping(parts=pickles.MARK + made + pickles.TUPLE, model=model)


def each_twice(depth: int, first: bytes) -> bytes:
    return file_of(get(depth), first, *(holding(get(index), get(index)) for index in range(depth)))


CONV = module(_parameters=mapping(weight=tensor()))
STATE = mapping(**{"model.9999.weight": tensor()})  # which no config has a layer for
MANY = 20_000
WORDS = [str(index) for index in range(MANY)]
LONG = "x" * 2**20

#: A module that holds it twice, and so on, each with the same buffers of names that are numbers.
NUMBERED = file_of(
    get(13),
    mapping() + b"".join(value(index) + value(None) + pickles.SETITEM for index in range(MANY)),
    CONV,
    *(module(_buffers=get(0), _modules=mapping(a=get(index), b=get(index))) for index in range(1, 13)),
)

#: A pair of a pair of …, which is the same one twice each time.
NEST = value(()) + put(0) + (get(0) + b"\x86" + put(0)) * 60


def listed(*made: bytes) -> bytes:
    return b"](" + b"".join(made) + pickles.APPENDS


#: Each would take forever, or all memory, if it were taken as it is written.
BOMBS = {
    "modules": each_twice(60, CONV),
    "empty-modules": each_twice(60, module()),
    "module-in-itself": file_of(
        get(1), value({}), module(_modules=get(0)), get(0) + value("a") + get(1) + pickles.SETITEM
    ),
    "module-in-itself-often": file_of(
        get(1),
        value({}),
        module(_modules=get(0)),
        get(0) + b"(" + b"".join(value(word) + get(1) for word in WORDS) + pickles.SETITEMS,
    ),
    "modules-with-long-names": file_of(
        get(401),
        value(LONG),
        CONV,
        *(module(_modules=value({}) + get(0) + get(index) + pickles.SETITEM) for index in range(1, 401)),
    ),
    "deep-modules": file_of(get(MANY), CONV, *(holding(get(index)) for index in range(MANY))),
    "many-modules": mapping(model=holding(*[CONV] * MANY)),
    "many-tensors": mapping(**{f"model.{index}.weight": tensor() for index in range(MANY)}),
    "many-values": mapping(extra=listed(value({}) * (2**22 - 500)), model=STATE),
    "many-marks": mapping(model=STATE) + pickles.MARK * (2**22 - 500),
    "lists-of-one-twice": file_of(STATE, value([1]), *(listed(get(one), get(one)) for one in range(45))),
    "dicts-of-one-twice-in-a-model": file_of(
        module(_parameters=STATE, names=get(60), args=get(45), yaml=get(60)),
        value({"backbone": 1}),
        *(mapping(backbone=get(one), head=get(one)) for one in range(60)),
    ),
    "one-state-of-many": file_of(
        STATE, value(dict.fromkeys(WORDS)), listed(*[call("numpy.dtype") + get(0) + pickles.BUILD] * MANY)
    ),
    "one-list-in-many-sets": file_of(STATE, value(WORDS), listed(*[call("builtins.set", get(0))] * MANY)),
    "one-set-of-many-modules": file_of(
        holding(*[module(_buffers=mapping(a=tensor()), _non_persistent_buffers_set=get(0))] * (MANY // 2)),
        call("builtins.set", value(WORDS)),
    ),
    "one-text-encoded-often": file_of(
        STATE, value(LONG), listed(*[call("_codecs.encode", get(0), value("latin1"))] * MANY)
    ),
    "nested-key": mapping(extra=value({}) + NEST + value(1) + pickles.SETITEM, model=STATE),
    "nested-key-of-a-set": mapping(extra=call("builtins.set", listed(NEST)), model=STATE),
    "nested-value": mapping(extra=NEST, model=STATE),
    "buffers-named-by-numbers": NUMBERED,
    "deep-list": mapping(extra=b"]" * 2**20 + b"a" * (2**20 - 1), model=STATE),
    "deep-tuple": mapping(extra=b")" + b"\x85" * 2**20, model=STATE),
    "one-row-often": file_of(
        module(_parameters=STATE, yaml=mapping(head=value([]), backbone=listed(get(0) * MANY))),
        value([[-1] * MANY, 1, "Conv", []]),
    ),
}

#: Runs the command on each file, with no more than 4 GB.
EACH = """
import resource
import sys

from yamlinject.cli.app import run

resource.setrlimit(resource.RLIMIT_DATA, (4 * 2**30, 4 * 2**30))
config, *files = sys.argv[1:]
print([run(["weights", file, config, "--dry-run"]) for file in files])
"""


def test_little_stays_little(tmp_path: Path) -> None:
    """Each takes a few seconds at most; the test ends after minutes that nothing needs."""
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("SimAM", after="SPPF", provenance=False).save(config)
    # what is merely large takes the most of the time
    tried = {one: steps for one, steps in BOMBS.items() if EXHAUSTIVE or not one.startswith("many-")}
    files = [str(pickles.save(tmp_path / f"{one}.pt", steps)) for one, steps in tried.items()]
    command = [sys.executable, "-c", EACH, str(config), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout == f"{[2] * len(files)}\n", done.stderr[-2000:]
    lines = done.stderr.splitlines()
    assert [line.startswith("yamlinject: error: ") for line in lines] == [True] * len(files)


# What is in odd places

THINGS: dict[str, Callable[[], object]] = {
    "tensor": lambda: torch.zeros(2),
    "tensor-of-one": lambda: torch.tensor(1.0),
    "tensors": lambda: [torch.zeros(2), torch.zeros(2)],
    "mapping-of-tensors": lambda: {"backbone": torch.zeros(2), "nc": torch.zeros(2), 0: torch.zeros(2)},
    "module": lambda: nn.Conv2d(1, 1, 1),
    "class": lambda: nn.Conv2d,
    "type": lambda: torch.float32,
    "set": lambda: {"model", "0"},
    "number": lambda: 5,
    "text": lambda: "model",
    "nothing": lambda: None,
}

ATTRIBUTES = "_parameters _buffers _modules _non_persistent_buffers_set yaml names args task".split()


@pytest.mark.parametrize("thing", THINGS)
def test_anything_for_an_attribute(tmp_path: Path, capsys: pytest.CaptureFixture[str], thing: str) -> None:
    """Of the model and of one of its layers: it is ignored, or makes one line."""
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("SimAM", after="SPPF", provenance=False).save(config)
    for attribute in ATTRIBUTES if EXHAUSTIVE else ATTRIBUTES[list(THINGS).index(thing) % 3 :: 3]:
        original: Any = pretrained("yolov5n")
        vars(original.model[0])[attribute] = THINGS[thing]()
        assert len(read(saved(tmp_path, {"model": original}))) > 300
        vars(original)[attribute] = THINGS[thing]()
        assert_manners(capsys, save_checkpoint(tmp_path / "base.pt", model=original), config)


def assert_manners(capsys: pytest.CaptureFixture[str], file: Path, config: Path) -> None:
    """What is wrong with the checkpoint is one line, if anything is."""
    capsys.readouterr()
    code = run(["weights", str(file), str(config), "-o", str(file.with_name("out.pt")), "--force"])
    said = capsys.readouterr()
    assert code == 0 or (code, said.out) == (2, "")
    assert len(said.err.splitlines()) == (1 if code else 2)  # of a new checkpoint also what comes next
    assert (said.out + said.err).replace("\n", "").isprintable()


def rows(*row: object) -> dict[str, object]:
    return {"backbone": [list(row)], "head": []}


ARCHITECTURES: dict[str, Callable[[], object]] = {
    "rows": lambda: {"backbone": torch.zeros(1, 4), "head": torch.zeros(1, 4)},
    "row": lambda: {"backbone": [torch.zeros(4)], "head": []},
    "from": lambda: rows(torch.tensor(1), 1, "Conv", []),
    "from-of-two": lambda: rows(torch.zeros(2), 1, "Conv", []),
    "from-a-list": lambda: rows([torch.zeros(2)], 1, "Conv", []),
    "from-a-nest": lambda: rows([[-1]], 1, "Conv", []),
    "from-a-number-beyond-all": lambda: rows(-(2**2000), 1, "Conv", []),
    "from-a-fraction": lambda: rows(0.5, 1, "Conv", []),
    "from-beyond-the-start": lambda: {"backbone": [[-1, 1, "Conv", []], [-9, 1, "Conv", []]], "head": []},
    "from-itself": lambda: {"backbone": [[-1, 1, "Conv", []], [1, 1, "Conv", []]], "head": []},
    "from-a-later-one": lambda: {"backbone": [[-1, 1, "Conv", []], [2, 1, "Conv", []]], "head": []},
    "number": lambda: rows(-1, torch.zeros(2), "Conv", []),
    "module": lambda: rows(-1, 1, torch.zeros(2), []),
    "module-of-a-list": lambda: rows(-1, 1, ["Conv"], []),
    "module-that-changes-the-terminal": lambda: rows(-1, 1, "\x1b[31m\n\ud800", []),
    "args": lambda: rows(-1, 1, "Conv", torch.zeros(2)),
    "args-of-tensors": lambda: rows(-1, 1, "Conv", [torch.zeros(2)]),
    "no-head": lambda: {"backbone": [[-1, 1, "Conv", []]]},
    "head-is-nothing": lambda: {"backbone": [[-1, 1, "Conv", []]], "head": None},
    "classes": lambda: {"nc": torch.tensor(3)},
    "classes-of-two": lambda: {"nc": torch.zeros(2)},
    "classes-true": lambda: {"nc": True},
    "classes-beyond-all": lambda: {"nc": 2**2000},
    "classes-below-all": lambda: {"nc": -(2**2000)},
}


@pytest.mark.parametrize("kind", ARCHITECTURES)
@pytest.mark.parametrize("provenance", [True, False] if EXHAUSTIVE else [False])
def test_an_odd_architecture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, provenance: bool
) -> None:
    config = tmp_path / "yolov5n_x.yaml"
    load("yolov5n").add("SimAM", after="SPPF", provenance=provenance).save(config)
    original: Any = pretrained("yolov5n")
    original.yaml = ARCHITECTURES[kind]()
    assert_manners(capsys, save_checkpoint(tmp_path / "base.pt", model=original), config)


@pytest.mark.parametrize("text", ["\x1b[31m", "a\nb", "\ud800", "\u202e", "x" * 10**6])
def test_odd_names(tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Of tensors, entries, classes and what is kept of them."""
    original: Any = pretrained("yolov5n")
    original.names = dict.fromkeys(range(80), text)
    original.task = text
    state = {f"model.{text}": torch.zeros(2), text: torch.zeros(2), f"model.9999.{text}": torch.zeros(2)}
    config = save_config(tmp_path, "yolov5n")
    for content in (
        {"model": original, text: torch.zeros(2), "date": text},
        original.state_dict() | state,
        {"model": original.state_dict(), text: {text: torch.zeros(2)}},
    ):
        assert_manners(capsys, saved(tmp_path, content), config)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float64])
def test_values_of_another_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], dtype: torch.dtype
) -> None:
    """Weights that are integers, and counters that are not."""
    state = {key: one.to(dtype) for key, one in pretrained("yolov5n").state_dict().items()}
    assert_manners(capsys, saved(tmp_path, state), save_config(tmp_path, "yolov5n"))
