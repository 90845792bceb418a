"""Files of ``torch.save`` made by hand, step by step of the pickle: what no pickler would write."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

MARK, TUPLE, REDUCE, NEWOBJ, BUILD, STOP = b"(", b"t", b"R", b"\x81", b"b", b"."
SETITEM, SETITEMS, APPEND, APPENDS, EMPTY_DICT = b"s", b"u", b"a", b"e", b"}"
BINPERSID, LONG_BINPUT, LONG_BINGET = b"Q", b"r", b"j"


def value(thing: object) -> bytes:
    """Steps that make a plain value, without memo."""
    content = io.BytesIO()
    pickler = pickle.Pickler(content, protocol=2)
    pickler.fast = True
    pickler.dump(thing)
    return content.getvalue()[2:-1]


def name(full: str) -> bytes:
    """The step that names a class or function."""
    module, _, last = full.rpartition(".")
    return f"c{module}\n{last}\n".encode()


def call(function: str, *arguments: bytes) -> bytes:
    return name(function) + MARK + b"".join(arguments) + TUPLE + REDUCE


def put(index: int) -> bytes:
    return LONG_BINPUT + struct.pack("<I", index)


def get(index: int) -> bytes:
    return LONG_BINGET + struct.pack("<I", index)


def storage(kind: str = "torch.FloatStorage", key: object = "0", count: object = 4) -> bytes:
    parts = value("storage"), name(kind), value(key), value("cpu"), value(count)
    return MARK + b"".join(parts) + TUPLE + BINPERSID


def tensor(size: object = (4,), stride: object = (1,), offset: object = 0, memory: bytes = b"") -> bytes:
    """A tensor of the storage ``memory``, of four numbers unless it is given."""
    parts = memory or storage(), value(offset), value(size), value(stride), value(False)
    return call("torch._utils._rebuild_tensor_v2", *parts, call("collections.OrderedDict"))


def mapping(**entries: bytes) -> bytes:
    return EMPTY_DICT + b"".join(value(key) + made + SETITEM for key, made in entries.items())


def module(**attributes: bytes) -> bytes:
    """An object of a class that checkpoints may name."""
    conv = "torch.nn.modules.conv.Conv2d"
    return name(conv) + value(()) + NEWOBJ + mapping(**attributes) + BUILD


#: Of four numbers, as :func:`storage` has it.
RECORDS = {"data/0": struct.pack("<4f", 1, 2, 3, 4)}


def save(file: Path, steps: bytes, records: Mapping[str, bytes] = RECORDS) -> Path:
    """Write ``steps`` as ``torch.save`` writes a pickle, with the records next to it."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + steps + STOP)
        for key, content in {"version": b"3\n", **records}.items():
            archive.writestr(f"archive/{key}", content)
    return file
