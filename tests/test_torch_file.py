"""Files of ``torch.save``: what is read is what ``torch.load`` reads, and nothing else is read."""

from __future__ import annotations

import random
import re
import time
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest
import torch
from torch import Tensor, nn

from tests import pickles
from tests.conftest import EXHAUSTIVE
from tests.pickles import call, mapping, module, name, storage, tensor, value
from tests.test_weights import pretrained
from yamlinject.errors import SourceError
from yamlinject.weights import checkpoint, torch_file

pytestmark = pytest.mark.framework


def read(file: Path) -> dict[str, Tensor]:
    return checkpoint.read(file).state


def problem(file: Path) -> str:
    """Why ``file`` is not read, in one line; nothing if it is."""
    try:
        read(file)
    except SourceError as error:
        (line,) = str(error).splitlines()
        return line.removeprefix(f"{file}: ")
    return ""


def refused(file: Path) -> str:
    line = problem(file)
    assert line
    return line


def saved(folder: Path, content: object) -> Path:
    torch.save(content, folder / "a.pt")
    return folder / "a.pt"


def made(folder: Path, made_tensor: bytes, memory: bytes = pickles.RECORDS["data/0"]) -> Path:
    """A state dict of one tensor."""
    return pickles.save(folder / "a.pt", mapping(weight=made_tensor), {"data/0": memory})


def memory(one: Tensor) -> Tensor:
    """All bytes of a tensor's storage."""
    return torch.empty(0, dtype=torch.uint8).set_(one.untyped_storage())


def assert_same(found: Tensor, expected: Tensor) -> None:
    assert type(found) is Tensor
    assert (found.dtype, found.shape, found.device) == (expected.dtype, expected.shape, expected.device)
    assert (found.stride(), found.storage_offset()) == (expected.stride(), expected.storage_offset())
    assert torch.equal(memory(found), memory(expected))


# What torch.save writes


@pytest.mark.parametrize("base", ["yolov5n", "yolov8n"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("whole", [True, False])
def test_a_real_model(tmp_path: Path, base: str, dtype: torch.dtype, whole: bool) -> None:
    model = pretrained(base).to(dtype)
    file = saved(tmp_path, {"model": model if whole else model.state_dict()})
    found, content = read(file), torch.load(file, weights_only=False)["model"]
    expected = content.state_dict() if whole else content
    assert list(found) == list(expected)
    assert len(found) > 300
    for key, one in expected.items():
        assert_same(found[key], one)


NUMBERS = torch.arange(24.0).reshape(2, 3, 4)

TENSORS = {
    "no-dimension": torch.tensor(5.0),
    "transposed": NUMBERS.permute(2, 0, 1),
    "part": NUMBERS[1:, ::2, 1:3],
    "one-value-of-many": NUMBERS[1, 2, 3],
    "channels-last": torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last),
    "empty": torch.empty(0),
    "empty-with-width": torch.empty(0, 5),
    "empty-at-the-end": NUMBERS[2:],
    "empty-of-a-huge-size": torch.empty(2**40, 0),
    "parameter": nn.Parameter(torch.randn(3)),
    "parameter-without-gradient": nn.Parameter(torch.randn(3), requires_grad=False),
    "truth": torch.tensor([True, False]),
    "not-a-number": torch.tensor([float("nan"), -0.0, float("inf")]),
    **{
        str(dtype): torch.tensor([1, 0, 3]).to(dtype)
        for dtype in (torch.float64, torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)
    },
}


@pytest.mark.parametrize("kind", TENSORS)
def test_a_tensor(tmp_path: Path, kind: str) -> None:
    file = saved(tmp_path, {"weight": TENSORS[kind]})
    assert_same(read(file)["weight"], torch.load(file, weights_only=True)["weight"].detach())


def test_tensors_that_share_memory(tmp_path: Path) -> None:
    whole = torch.arange(6.0)
    found = read(saved(tmp_path, {"a": whole, "b": whole[2:], "c": nn.Parameter(whole), "d": whole + 1}))
    assert found["a"].data_ptr() == found["c"].data_ptr() == found["b"].data_ptr() - 2 * 4
    assert found["d"].untyped_storage().data_ptr() != found["a"].untyped_storage().data_ptr()
    assert found["b"].tolist() == [2, 3, 4, 5]


def test_modules_that_are_shared_have_both_names(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    assert list(read(saved(tmp_path, {"model": model}))) == list(model.state_dict())


def test_plain_values_of_a_training(tmp_path: Path) -> None:
    entries: dict[str, Any] = {
        "epoch": 3, "fitness": 0.5, "date": "2024-01-01", "done": True, "none": None, "huge": 2**70,
        "negative": -70000, "names": {0: "cät", 1: "dog"}, "sizes": [640, (1, 2, 3, 4), []],
        "ordered": OrderedDict(a=1),
    }  # fmt: skip
    found = checkpoint.read(saved(tmp_path, {"model": {"weight": torch.zeros(2)}, **entries}))
    assert found.entries == entries
    assert found.dropped == []


def test_checksums_are_not_looked_at(tmp_path: Path) -> None:
    """``torch.serialization.set_crc32_options(False)`` leaves them out."""
    file = saved(tmp_path, {"weight": NUMBERS})
    with ZipFile(file) as archive:
        records = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    with ZipFile(file, "w") as archive:
        for key, content in records.items():
            archive.writestr(key, content)
        for entry in archive.infolist():
            entry.CRC = 0
    assert_same(read(file)["weight"], NUMBERS)


# Tensors that lie


@pytest.mark.parametrize("memory", [b"", bytes(1), bytes(15), bytes(17), bytes(20), bytes(1600)])
def test_a_storage_of_another_size(tmp_path: Path, memory: bytes) -> None:
    assert "not a checkpoint" in refused(made(tmp_path, tensor(), memory))


@pytest.mark.parametrize("count", [0, 3, 5, 2**31, 2**62, 2**70, -1, -4, True, 4.0, "4", None, (4,)])
def test_a_wrong_number_of_values(tmp_path: Path, count: object) -> None:
    line = refused(made(tmp_path, tensor((1,), memory=storage(count=count))))
    assert "not a checkpoint" in line


@pytest.mark.parametrize(
    "identity",
    [
        pytest.param(value("storage") + pickles.BINPERSID, id="no-tuple"),
        pytest.param(
            value(("storage", "torch.FloatStorage", "0", "cpu", 4)) + pickles.BINPERSID, id="text"
        ),
        pytest.param(storage("torch.nn.modules.conv.Conv2d"), id="class"),
        pytest.param(storage("torch.float32"), id="dtype"),
        pytest.param(storage("torch.Size"), id="function"),
        pytest.param(storage(key=0), id="key-is-a-number"),
        pytest.param(storage(key="1"), id="no-such-record"),
        pytest.param(storage(key="../data.pkl"), id="another-record"),
        pytest.param(storage("torch.DoubleStorage"), id="wider"),
        pytest.param(tensor(), id="tensor"),
        pytest.param(value([1, 2, 3, 4]), id="list"),
    ],
)
def test_something_else_for_a_storage(tmp_path: Path, identity: bytes) -> None:
    refused(made(tmp_path, tensor(memory=identity)))


def test_a_storage_has_one_type(tmp_path: Path) -> None:
    other = tensor((2,), memory=storage("torch.DoubleStorage", count=2))
    file = pickles.save(tmp_path / "a.pt", mapping(a=tensor(), b=other))
    assert "storage" in refused(file)


VIEWS: list[tuple[object, object, object]] = [
    # beyond the end
    ((5,), (1,), 0), ((4,), (1,), 1), ((1,), (1,), 4), ((), (), 4), ((2,), (4,), 0), ((2, 2), (3, 1), 0),
    ((2, 2), (2, 2), 0), ((2,), (2**63 - 1,), 0), ((2,), (2**62,), 0), ((3,), (2**63,), 0),
    ((1,), (1,), 2**62), ((4,), (1,), 2**63), ((4,), (1,), 2**64), ((2**62,), (1,), 0), ((2**63,), (1,), 0),
    ((2**64 + 4,), (1,), 0), ((2**32, 2**32), (1, 1), 0), ((2**32 + 1,), (2**32,), 0), ((0,), (1,), 5),
    ((0,), (1,), 2**62),
    # in front of the start
    ((4,), (1,), -1), ((4,), (-1,), 3), ((-4,), (1,), 0), ((-1,), (-1,), 0), ((-2, -2), (1, 1), 0),
    ((0, -1), (1, 1), 0),
    # one value many times
    ((5,), (0,), 0), ((10**12,), (0,), 0), ((2, 2, 2), (0, 0, 0), 0), ((4, 4), (1, 0), 0),
    ((2**62,), (0,), 0),
    # no numbers, or not as many, or too large for any
    ((True,), (1,), 0), ((4,), (True,), 0), ((4,), (1,), False), ((4.0,), (1,), 0), (("4",), (1,), 0),
    ((4,), (None,), 0), ((4,), (1,), None), ((4,), (1,), 0.0), (([4],), (1,), 0), ((4,), (1, 1), 0),
    ((2, 2), (1,), 0), (4, (1,), 0), ([4], [1], 0), ((1,) * 65, (1,) * 65, 0),
    ((1,) * 10_000, (1,) * 10_000, 0), ((0, 2**63), (1, 1), 0), ((1,), (2**64,), 0),
]  # fmt: skip


@pytest.mark.parametrize(("size", "stride", "offset"), VIEWS)
def test_a_tensor_that_is_no_part_of_its_storage(
    tmp_path: Path, size: object, stride: object, offset: object
) -> None:
    assert "not a checkpoint" in refused(made(tmp_path, tensor(size, stride, offset)))


@pytest.mark.parametrize(
    ("size", "stride", "offset", "expected"),
    [
        ((4,), (1,), 0, [1, 2, 3, 4]),
        ((2, 2), (1, 2), 0, [[1, 3], [2, 4]]),
        ((2, 2), (1, 1), 1, [[2, 3], [3, 4]]),
        ((1,), (2**62,), 3, [4]),
        ((0,), (1,), 4, []),
        ((0, 2**62), (1, 1), 0, []),
        ((1,) * 64, (2**62,) * 64, 3, None),
    ],
)
def test_the_last_valid_tensor(
    tmp_path: Path,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    offset: int,
    expected: list[object] | None,
) -> None:
    """What ``VIEWS`` goes just beyond."""
    found = read(made(tmp_path, tensor(size, stride, offset)))["weight"]
    assert found.shape == size
    assert expected is None or found.tolist() == expected


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        (storage(),),
        (storage(), value(0), value((4,))),
        (storage(), value(0), value((4,)), value((1,)), value(False)),
        (storage(), value(0), value((4,)), value((1,)), value(False), value({}), value({"neg": True})),
        (storage(), value(0), value((4,)), value((1,)), value(False), tensor()),
        (tensor(), value(0), value((4,)), value((1,)), value(False), value({})),
    ],
)
def test_another_way_to_make_a_tensor(tmp_path: Path, arguments: tuple[bytes, ...]) -> None:
    refused(made(tmp_path, call("torch._utils._rebuild_tensor_v2", *arguments)))


# Steps that no torch.save writes

CLASSES = [
    "collections.OrderedDict", "__builtin__.set", "_codecs.encode", "torch.Size", "torch.device",
    "torch.float32", "torch.FloatStorage", "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter", "torch.nn.parameter.Parameter",
    "torch.nn.modules.conv.Conv2d",
    "__builtin__.getattr", "numpy.dtype", "pathlib.PosixPath", "datetime.datetime",
]  # fmt: skip

#: What can be on the stack besides plain values.
TARGETS = {
    **{one: name(one) for one in CLASSES},
    "tensor": tensor(),
    "parameter": call("torch._utils._rebuild_parameter", tensor()),
    "storage": storage(),
    "object": module(),
    "set": call("__builtin__.set", value(["a"])),
    "tuple": value((1, 2)),
    "text": value("text"),
    "number": value(5),
    "nothing": value(None),
}

CHANGES = {
    "setitem": value(0) + value(9) + pickles.SETITEM,
    "setitem-by-name": value("__class__") + value(9) + pickles.SETITEM,
    "setitems": pickles.MARK + value(0) + value(9) + value(1) + value(9) + pickles.SETITEMS,
    "no-setitems": pickles.MARK + pickles.SETITEMS,
    "append": value(9) + pickles.APPEND,
    "appends": pickles.MARK + value(9) + value(9) + pickles.APPENDS,
    "no-appends": pickles.MARK + pickles.APPENDS,
}

STATES = {
    "attribute": value({"__wrapped__": 1, "x": 2}),
    "class": value({"__class__": 1, "__dict__": {}, "__reduce__": 2, "__setstate__": 3}),
    "slots": value((None, {"__class__": 1, "text": 2, "values": 3})),
    "both": value(({"x": 1}, {"x": 2})),
    "text": value("text"),
    "tensor": tensor(),
    "class-itself": name("torch.nn.modules.conv.Conv2d"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("target", TARGETS)
def test_only_lists_and_mappings_are_changed(tmp_path: Path, target: str, change: str) -> None:
    steps = mapping(weight=tensor(), extra=TARGETS[target] + CHANGES[change])
    assert "not a checkpoint" in refused(pickles.save(tmp_path / "a.pt", steps))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("target", [one for one in TARGETS if one != "object"])
def test_only_objects_have_attributes(tmp_path: Path, target: str, state: str) -> None:
    steps = mapping(weight=tensor(), extra=TARGETS[target] + STATES[state] + pickles.BUILD)
    assert "not a checkpoint" in refused(pickles.save(tmp_path / "a.pt", steps))


@pytest.mark.parametrize("state", STATES)
def test_attributes_are_data(tmp_path: Path, state: str) -> None:
    """Whatever they are called: an object stays what it is."""
    before = dict(vars(torch_file.Inert))
    steps = mapping(weight=tensor(), extra=module() + STATES[state] + pickles.BUILD)
    found = torch_file.read(pickles.save(tmp_path / "a.pt", steps), re.compile(r"torch\.nn\..+"))
    assert isinstance(found, dict)
    assert type(found["extra"]) is torch_file.Inert
    assert dict(vars(torch_file.Inert)) == before


@pytest.mark.parametrize("one", CLASSES)
@pytest.mark.parametrize(
    "arguments", [value(()), value((1,)), value(("a", "b")), value(5), tensor(), value([1])]
)
@pytest.mark.parametrize("step", [pickles.REDUCE, pickles.NEWOBJ])
def test_whatever_is_called(tmp_path: Path, one: str, arguments: bytes, step: bytes) -> None:
    """It is refused or makes a value: there is no third, and nothing else in the file suffers."""
    file = pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=name(one) + arguments + step))
    assert problem(file).startswith("not a checkpoint") or read(file)["weight"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("called", [value("text"), value(5), tensor(), value([1]), module(), storage()])
def test_only_what_is_named_is_called(tmp_path: Path, called: bytes) -> None:
    steps = mapping(weight=tensor(), extra=called + value(()) + pickles.REDUCE)
    refused(pickles.save(tmp_path / "a.pt", steps))


@pytest.mark.parametrize(
    "steps",
    [
        b"", b"0", b"2", b"1", b"N0", b"N2", b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00",
        b"(itorch\nSize\n", b"(ctorch\nSize\no", b"P0\n", b"\x8c\x05torch\x8c\x04Size\x93",
        b"ctorch\nSize\n)}\x92", b"\x8f", b"(\x91", b"\x95\x08\x00\x00\x00\x00\x00\x00\x00", b"\x97",
        b"N\x98", b"U\x01a", b"C\x01a", b"\x96\x01\x00\x00\x00\x00\x00\x00\x00a",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fa", b"I1\n", b"L1L\n", b"F1.0\n", b"S'a'\n", b"Va\n",
        b"\x8b\x01\x00\x00\x00\x01", b"\x8b\xff\xff\xff\xff", b"(d", b"(l", b"g0\n", b"p0\n", b"h\x05",
        b"j\xff\xff\xff\xff", b"q\x00", b"s", b"a", b"R", b"t", b"u", b"e", b"b", b"Q", b"\x85", b"N\x86",
        b"NN\x87", b"(N", b"}(Ku", b"}(K\x01u", b"\x80\x03", b"\x80\x04", b"\xff", b"ctorch\n", b"ctorch",
        b"X\xff\xff\xff\xffa", b"X\x01\x00\x00\x00\xff", b"c\xff\nx\n", b"}]NsN", b"})Ns",
        b"}G\x00\x00\x00\x00\x00\x00\x00\x00Ns",
    ],
)  # fmt: skip
def test_steps_that_lead_nowhere(tmp_path: Path, steps: bytes) -> None:
    """Too few values, unknown steps, other protocols."""
    assert "not a checkpoint" in refused(pickles.save(tmp_path / "a.pt", steps))


def test_a_large_number_in_the_memo(tmp_path: Path) -> None:
    steps = tensor() + pickles.put(2**32 - 1) + b"".join(pickles.put(2**index) for index in range(32))
    file = made(tmp_path, steps)
    assert read(file)["weight"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("key", [None, True, 0.5, (), (1, 2), -1, 2**20, 2**61 - 1, 2**64])
def test_an_odd_key(tmp_path: Path, key: object) -> None:
    steps = pickles.EMPTY_DICT + value(key) + tensor() + pickles.SETITEM
    assert "key" in refused(pickles.save(tmp_path / "a.pt", steps))
    in_a_set = call("__builtin__.set", value([key]))
    assert "key" in refused(pickles.save(tmp_path / "a.pt", mapping(weight=tensor(), extra=in_a_set)))


# Archives that no torch.save writes


def zipped(file: Path, change: Callable[[ZipFile], object]) -> Path:
    """A good checkpoint, with a change to its archive before the directory is written."""
    with ZipFile(file, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a duplicate name
        archive.writestr("archive/data.pkl", b"\x80\x02" + mapping(weight=tensor()) + pickles.STOP)
        archive.writestr("archive/data/0", pickles.RECORDS["data/0"])
        change(archive)
    return file


def entry(archive: ZipFile, place: int, **fields: object) -> None:
    for field, content in fields.items():
        setattr(archive.infolist()[place], field, content)


def same_place(archive: ZipFile) -> None:
    archive.writestr("archive/data/1", bytes(16))
    entry(archive, 2, header_offset=archive.infolist()[1].header_offset)


ARCHIVES: dict[str, Callable[[ZipFile], object]] = {
    "compressed": lambda archive: archive.writestr("archive/data/1", bytes(99), ZIP_DEFLATED),
    "said-to-be-compressed": lambda archive: entry(archive, 1, compress_type=ZIP_DEFLATED),
    "encrypted": lambda archive: entry(archive, 1, flag_bits=1),
    "two-sizes": lambda archive: entry(archive, 1, file_size=1600),
    "too-long": lambda archive: entry(archive, 1, file_size=10**9, compress_size=10**9),
    "longer-than-any-file": lambda archive: entry(archive, 1, file_size=2**62, compress_size=2**62),
    "into-the-next": lambda archive: entry(archive, 0, file_size=5000, compress_size=5000),
    "somewhere-else": lambda archive: entry(archive, 1, header_offset=7),
    "beyond-the-end": lambda archive: entry(archive, 1, header_offset=10**6),
    "one-place-for-two": same_place,
    "name-twice": lambda archive: archive.writestr("archive/data/0", bytes(16)),
    "pickle-twice": lambda archive: archive.writestr("archive/data.pkl", b"\x80\x02}."),
    "two-pickles": lambda archive: archive.writestr("other/data.pkl", b"\x80\x02}."),
    "pickle-within": lambda archive: archive.writestr("archive/data/data.pkl", b"\x80\x02}."),
    "big-endian": lambda archive: archive.writestr("archive/byteorder", b"big"),
    "no-order": lambda archive: archive.writestr("archive/byteorder", b""),
    "torchscript": lambda archive: archive.writestr("archive/constants.pkl", b"\x80\x02}."),
}


@pytest.mark.parametrize("change", ARCHIVES)
def test_an_archive_that_torch_does_not_write(tmp_path: Path, change: str) -> None:
    assert "not a checkpoint" in refused(zipped(tmp_path / "a.pt", ARCHIVES[change]))


def test_an_archive_that_torch_could_write(tmp_path: Path) -> None:
    """What the test above changes."""
    file = zipped(tmp_path / "a.pt", lambda archive: archive.writestr("archive/byteorder", b"little"))
    assert read(file)["weight"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("content", [b"PK", b"PK\3\4", b"PK\5\6" + bytes(18), b"PK" + bytes(100)])
def test_a_zip_without_anything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pt").write_bytes(content)
    assert "not a checkpoint" in refused(tmp_path / "a.pt")


def test_a_pickle_that_is_too_large(tmp_path: Path) -> None:
    size = len(mapping(text=value("x"), weight=tensor())) + len(b"\x80\x02.") - 1
    for length, fits in ((4 * 2**20 - size, True), (4 * 2**20 - size + 1, False), (2**25, False)):
        steps = mapping(text=value("x" * length), weight=tensor())
        file = pickles.save(tmp_path / "a.pt", steps)
        if fits:
            assert len(read(file)) == 1
        else:
            assert "its pickle is larger than 4 MiB" in refused(file)


def test_far_more_tensors_than_any_model_has(tmp_path: Path) -> None:
    """They would take a minute."""
    file = pickles.save(tmp_path / "a.pt", mapping(**{f"{one}.weight": tensor() for one in range(200_000)}))
    started = time.process_time()
    assert "its pickle is larger than 4 MiB" in refused(file)
    assert time.process_time() - started < 5


def test_compressed_records_are_never_unpacked(tmp_path: Path) -> None:
    """Of 64 MiB, in a file of some kB."""
    for compression in (ZIP_DEFLATED, ZIP_LZMA, ZIP_BZIP2):
        record = tmp_path / "record"
        with record.open("wb") as sparse:
            sparse.truncate(2**26)
        with ZipFile(tmp_path / "a.pt", "w") as archive:
            steps = mapping(weight=tensor(size=(2**24,), memory=storage(count=2**24)))
            archive.writestr("archive/data.pkl", b"\x80\x02" + steps + pickles.STOP)
            archive.write(record, "archive/data/0", compression)
        assert (tmp_path / "a.pt").stat().st_size < 2**20
        assert "a record is compressed" in refused(tmp_path / "a.pt")


def test_damage_anywhere(tmp_path: Path) -> None:
    """A few bytes at random: what is read then are tensors within their memory, or it is one line."""
    model = nn.Sequential(nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3)).half()
    file = saved(tmp_path, {"model": model, "epoch": 3, "names": {0: "cat"}})
    good, random_ = file.read_bytes(), random.Random(1)
    read_again = 0
    times = 4000 if EXHAUSTIVE else 800
    for _ in range(times):
        content = bytearray(good)
        for _ in range(random_.choice([1, 1, 1, 4])):
            content[random_.randrange(len(content))] = random_.randrange(256)
        file.write_bytes(content)
        if not problem(file):
            read_again += 1
            for one in read(file).values():
                assert one.numel() <= memory(one).numel()
                assert one.clone().flatten().shape == (one.numel(),)
    assert times / 10 < read_again < times * 9 / 10
