"""Work spread over processes, any of which may be killed without losing results."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

#: The items that a process has at a time: while it works on one, it need not wait for this process, which
#: may have no core to run on, to give it the next one.
_AT_A_TIME = 2

#: Seconds that a process has to clean up what it is writing.
_PATIENCE = 5


def map_in_order(
    function: Callable[[_Item], _Result],
    items: Sequence[_Item],
    jobs: int,
    lost: Callable[[_Item, str], _Result],
) -> Iterator[_Result]:
    """``function`` of each item, in order, computed by ``jobs`` processes; it must not raise.

    An item whose process dies is given to another one. If that dies too, its result is ``lost(item, how)``,
    where ``how`` says what happened to the process, such as ``was killed (signal 9)``.
    All processes end with the iterator, and by themselves when this process is killed.
    """
    todo = deque(range(len(items)))
    results: dict[int, _Result] = {}
    died_once: set[int] = set()
    busy: dict[Connection, _Worker] = {}
    following = 0
    try:
        while todo or busy:
            while todo and len(busy) < jobs:
                worker = _Worker(function, siblings=list(busy))
                busy[worker.connection] = worker
                worker.begin(todo.popleft(), items)
            ready = wait(list(busy))
            for worker in [worker for connection, worker in busy.items() if connection in ready]:
                try:
                    result = worker.connection.recv()
                except (EOFError, OSError):
                    del busy[worker.connection]
                    how = worker.end()
                    index, *others = worker.indices
                    todo.extendleft(reversed(others))
                    if index in died_once:
                        results[index] = lost(items[index], how)
                    else:
                        died_once.add(index)
                        todo.appendleft(index)
                    continue
                results[worker.indices.popleft()] = result
                # the last items are for whoever is free
                most = _AT_A_TIME if len(todo) > jobs else 1
                while todo and len(worker.indices) < most:
                    worker.begin(todo.popleft(), items)
                if not worker.indices:
                    del busy[worker.connection]
                    worker.end()
            while following in results:
                yield results.pop(following)
                following += 1
    finally:
        for worker in busy.values():
            worker.interrupt()
        for worker in busy.values():
            worker.end()


class _Worker:
    """A process that works on the first of its items, ``indices``."""

    def __init__(self, function: Callable[[Any], Any], siblings: Sequence[Connection]) -> None:
        context = multiprocessing.get_context()
        self.connection, other_end = context.Pipe()
        self.indices: deque[int] = deque()
        # a forked process inherits our open files: it would keep its own pipe and others open
        inherited = [*siblings, self.connection] if context.get_start_method() == "fork" else []
        arguments = (function, other_end, inherited)
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        with _deaf():
            self._process.start()
        other_end.close()

    def begin(self, index: int, items: Sequence[Any]) -> None:
        """Give it an item. If it has died meanwhile, that shows when the result is awaited."""
        self.indices.append(index)
        with suppress(OSError):
            self.connection.send(items[index])

    def interrupt(self) -> None:
        """Tell it to abandon its items."""
        self._process.terminate()

    def end(self) -> str:
        """Wait until it has ended, as it gets no more items, and say how."""
        self.connection.close()
        self._process.join(_PATIENCE)
        self._process.kill()
        self._process.join()
        code = self._process.exitcode or 0
        return f"was killed (signal {-code})" if code < 0 else f"ended with exit code {code}"


def _serve(function: Callable[[Any], Any], connection: Connection, inherited: Sequence[Connection]) -> None:
    """What a worker does until no more items come."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and ends this process
    signal.signal(signal.SIGTERM, _leave)
    for other in inherited:
        other.close()
    while True:
        try:
            connection.send(function(connection.recv()))
        except Exception:  # the parent is done or dead, or there is no memory left to say anything
            _leave()


def _leave(*_: object) -> NoReturn:
    """End as an exception does, cleaning up temporary files."""
    sys.exit(1)


@contextmanager
def _deaf() -> Iterator[None]:
    """Delay interrupts, or one might reach a process before it ignores them."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    if multiprocessing.get_start_method() != "fork":
        from multiprocessing import resource_tracker

        resource_tracker.ensure_running()  # its start would let interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
