"""Processes that end with the one that started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, Any, NamedTuple, NoReturn

#: Seconds that a process has to end those that it has started.
_PATIENCE = 10

#: The most that is read of what a job says of itself, which is a line.
_MOST_SAID = 2**16


class Group:
    """A process with all that it starts, which ends with this process at the latest.

    Another one, which leads the group, waits for the end of this one: those in it need not know of it.
    Windows has no such groups: there only the process itself is killed, and not if this one is.
    """

    def __init__(self) -> None:
        self._leader = 0
        self._ending = threading.Lock()
        if sys.platform != "win32":
            read, self._open_while_alive = os.pipe()
            self._leader = os.fork()
            if not self._leader:
                _lead(read, self._open_while_alive)
            os.close(read)
            with suppress(OSError):  # it may have done so itself
                os.setpgid(self._leader, self._leader)

    def start(self, command: Sequence[str], **settings: Any) -> subprocess.Popen[bytes]:
        """Start the process, with settings of :class:`subprocess.Popen`; the group ends when it does."""
        join = None if sys.platform == "win32" else lambda: os.setpgid(0, self._leader)
        process = subprocess.Popen(command, preexec_fn=join, **settings)

        def follow() -> None:
            process.wait()
            self.end()  # or what it has left behind would keep its output open

        threading.Thread(target=follow, daemon=True).start()
        return process

    def end(self) -> None:
        """Kill all that is left of it."""
        with self._ending:
            if sys.platform != "win32" and self._leader:
                with suppress(ProcessLookupError):
                    os.killpg(self._leader, signal.SIGKILL)
                os.waitpid(self._leader, 0)
                os.close(self._open_while_alive)
                self._leader = 0


def _lead(read: int, write: int) -> NoReturn:
    """Wait until ``write`` is open in no other process, and kill the group."""
    if sys.platform != "win32":
        try:
            os.setpgid(0, 0)
        except OSError:
            os._exit(1)
        try:
            os.close(write)
            os.read(read, 1)
        finally:  # also if a signal interrupts it
            os.killpg(0, signal.SIGKILL)
    os._exit(1)


class Said(NamedTuple):
    """How a process ended: its exit code, negative for a signal, and the last line that it said."""

    code: int
    line: str


def start_tied(command: Sequence[str], variables: Mapping[str, str | None]) -> subprocess.Popen[bytes]:
    """Start a process that ends when its standard input does; see :func:`end_with_input`.

    ``variables``: what is different in its environment; None: left out.
    """
    environment = {**os.environ, **{name: value for name, value in variables.items() if value is not None}}
    for name, value in variables.items():
        if value is None:
            environment.pop(name, None)
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # an interrupt from the keyboard is for this process alone
    )


def said(process: subprocess.Popen[bytes]) -> Said:
    """How ``process``, which :func:`start_tied` has started, ends; waits for it."""
    stream: IO[bytes] = process.stderr  # type: ignore[assignment]  # it has a pipe
    text = b""
    with stream:
        while data := stream.read(_MOST_SAID):
            text = (text + data)[-_MOST_SAID:]
    code = process.wait()
    lines = text.decode("utf-8", errors="replace").strip().splitlines()
    return Said(code, lines[-1].removeprefix("yamlinject: error: ") if lines else "")


def call(command: Sequence[str], variables: Mapping[str, str | None]) -> Said:
    """Run a process that ends with this one, and with an exception here."""
    process = start_tied(command, variables)
    try:
        return said(process)
    finally:
        release([process])


def release(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Let processes that :func:`start_tied` has started end now, and kill those that do not."""
    for process in processes:
        if process.stdin is not None:
            process.stdin.close()
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
        process.kill()
        process.wait()


def interrupt_at_sigterm() -> None:
    """Let SIGTERM have the effect of an interrupt from the keyboard."""
    signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def end_with_input() -> None:
    """Interrupt this process when its standard input ends, as it does with whoever holds its other end."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()
