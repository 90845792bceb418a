"""What runs the jobs of a study: one after another here, or wherever a scheduler puts them."""

from __future__ import annotations

import queue
import subprocess
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from os import environ
from typing import NamedTuple

from yamlinject.errors import YamlInjectError
from yamlinject.study import processes
from yamlinject.study.plan import Job, Plan

#: Exit codes of ``study job``.
FAILED, ERROR, BUSY = 1, 2, 3


class Ended(NamedTuple):
    """How the process of a job ended: its exit code, negative for a signal, and the last line it said."""

    job: Job
    code: int
    line: str


class Engine(ABC):
    """Runs the command of each job in a process of its own, and ends them all with :meth:`stop`."""

    #: How many jobs it takes at a time; None: all, as it has a queue of its own.
    slots: int | None = None

    #: In words, for users.
    name: str

    @abstractmethod
    def begin(self, jobs: Sequence[Job]) -> None:
        """Take these jobs too."""

    @abstractmethod
    def ended(self, seconds: float) -> list[Ended]:
        """The jobs that have ended since the last call; waits for up to ``seconds`` if there are none."""

    @abstractmethod
    def stop(self) -> None:
        """End all jobs that have not ended."""


class Here(Engine):
    """On this machine: a job on each GPU, or one on the processor."""

    def __init__(self, command: Callable[[Job], list[str]], gpus: Sequence[str]) -> None:
        self._command = command
        self._free: list[str | None] = [*gpus] or [None]
        self._running: dict[Job, subprocess.Popen[bytes]] = {}
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._gpu: dict[Job, str | None] = {}
        self.slots = len(self._free)
        count = f"{self.slots} at a time, one on each GPU" if self.slots > 1 else "one at a time"
        self.name = count if gpus else "one at a time, without a GPU"

    def begin(self, jobs: Sequence[Job]) -> None:
        """Start each of them on a GPU that is free."""
        for job in jobs:
            gpu = self._gpu[job] = self._free.pop(0)
            variables = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
            process = self._running[job] = processes.start_tied(self._command(job), variables)
            threading.Thread(target=self._wait, args=(job, process), daemon=True).start()

    def _wait(self, job: Job, process: subprocess.Popen[bytes]) -> None:
        self._ended.put(Ended(job, *processes.said(process)))

    def ended(self, seconds: float) -> list[Ended]:
        """See :class:`Engine`."""
        found = []
        try:
            found.append(self._ended.get(timeout=seconds))
            while True:
                found.append(self._ended.get_nowait())
        except queue.Empty:
            pass
        for one in found:
            processes.release([self._running.pop(one.job)])
            self._free.append(self._gpu.pop(one.job))
        return found

    def stop(self) -> None:
        """See :class:`Engine`."""
        processes.release([*self._running.values()])


def check_framework(plan: Plan) -> None:
    """Raise :class:`YamlInjectError` if the plan's framework is not installed here."""
    name = plan.framework
    if plan.checkout is None and find_spec(name) is None:
        raise YamlInjectError(f"{name} is not installed: pip install 'yamlinject[{name}]'")


def gpus() -> list[str]:
    """The GPUs that torch sees, as ``CUDA_VISIBLE_DEVICES`` has them; asked in a process of its own."""
    ask = [sys.executable, "-c", "import torch; print(torch.cuda.device_count())"]
    done = subprocess.run(ask, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise YamlInjectError(f"torch cannot be imported: {said[-1]}")
    count = int(done.stdout.split()[-1])
    named = [name.strip() for name in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return (named or [str(number) for number in range(count)])[:count]
