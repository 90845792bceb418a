"""What processes of the pool do: a module that imports little, as every new process imports it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from yamlinject.checks.workers import map_in_order


def tenfold(item: int) -> int:
    return item * 10


def uneven(item: int) -> int:
    """The first ones take longest."""
    time.sleep(0.2 if item < 2 else 0)
    return item


def doomed(item: int) -> str:
    if item % 4 == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 5:
        os._exit(7)
    return f"{item} done"


def unlucky(path: str) -> str:
    """Killed only on the first try."""
    if path.endswith("x") and not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Path(path).name


def touched(path: str) -> str:
    Path(path).touch()
    return Path(path).name


def ahead(paths: list[str]) -> Iterator[object]:
    """The first result, and which items the process worked on while nobody asked for more."""
    results = map_in_order(touched, paths, 1, lost)
    yield next(results)
    deadline = time.monotonic() + 30
    while not Path(paths[2]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    yield [Path(path).name for path in paths if Path(path).exists()]
    results.close()  # type: ignore[attr-defined]  # a generator


def large(item: int) -> str:
    return "x" * item


def stray(item: int) -> str:
    raise ValueError("that it does not tell")


def lost(item: object, how: str) -> str:
    return f"{item} {how}"


def killed_at(item: int, how: str) -> int:
    return -1


#: Whatever starts a process, it does these: one after another, killed in the middle, with much to tell.
SHORT = ("more-jobs-than-items", "doomed-in-turn", "large", "closed-early")


def scenes(folder: str) -> dict[str, Iterator[object]]:
    names = [f"{folder}/{name}" for name in ("a", "bx", "c", "dx")]
    return {
        "tenfold": map_in_order(tenfold, range(100), 3, killed_at),
        "more-jobs-than-items": map_in_order(tenfold, [1, 2], 8, killed_at),
        "none": map_in_order(tenfold, [], 2, killed_at),
        "uneven": map_in_order(uneven, range(20), 3, killed_at),
        "doomed": map_in_order(doomed, range(9), 3, lost),
        "doomed-in-turn": map_in_order(doomed, range(9), 1, lost),
        "all-doomed": map_in_order(doomed, [3, 7, 11], 2, lost),
        "unlucky": map_in_order(unlucky, names, 2, lost),
        "large": map(len, map_in_order(large, [2**22, 1, 2**22], 2, lost)),
        "stray": map_in_order(stray, [1], 1, lost),
        "ahead": ahead([f"{folder}/{number}" for number in range(8)]),
        "closed-early": first(map_in_order(uneven, range(1000), 3, killed_at)),
    }


_DOOMED: list[object] = [
    *("0 done", "1 done", "2 done", "3 was killed (signal 9)", "4 done", "5 ended with exit code 7"),
    *("6 done", "7 was killed (signal 9)", "8 done"),
]

EXPECTED: dict[str, list[object]] = {
    "tenfold": [item * 10 for item in range(100)],
    "more-jobs-than-items": [10, 20],
    "none": [],
    "uneven": [*range(20)],
    "doomed": _DOOMED,
    "doomed-in-turn": _DOOMED,
    "all-doomed": [f"{item} was killed (signal 9)" for item in (3, 7, 11)],
    "unlucky": ["a", "bx", "c", "dx"],
    "large": [2**22, 1, 2**22],
    "stray": ["1 ended with exit code 1"],
    "ahead": ["0", ["0", "1", "2"]],
    "closed-early": [0],
}


def first(results: Iterator[object]) -> Iterator[object]:
    yield next(results)
    results.close()  # type: ignore[attr-defined]  # a generator


def play(method: str, folder: str, names: Sequence[str]) -> None:
    """What a separate process does, because a fork with pytest's threads would cause a warning."""
    multiprocessing.set_start_method(method)
    played = {}
    found = scenes(folder)
    for name in names:
        played[name] = [*found[name]]
        assert not multiprocessing.active_children(), name
    print(json.dumps(played))
