"""The jobs of a study as tasks of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from yamlinject.errors import YamlInjectError, importing
from yamlinject.study import processes
from yamlinject.study.engine import ERROR, Ended, Engine
from yamlinject.study.plan import Job


class OnRay(Engine):
    """A task for each job, which Ray gives its share of a GPU, or all the cores of a machine without one.

    It uses the cluster that ``RAY_ADDRESS`` names, or else this machine, where it ends with this process.
    """

    def __init__(
        self, command: Callable[[Job], list[str]], gpus_per_job: float | None, *, without_gpu: bool = False
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        with importing("ray", "'yamlinject[ray]'"):
            ray: Any = import_module("ray")
        self._ray = ray
        self._command = command
        self._jobs: dict[Any, Job] = {}
        # without an address Ray would look for a cluster of this machine, which may be gone
        address = os.environ.get("RAY_ADDRESS") or "local"
        try:
            ray.init(address, log_to_driver=False, logging_level="error")
        except Exception as error:
            raise YamlInjectError(f"Ray does not start: {' '.join(str(error).split())}") from None
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        most = 0 if without_gpu else max(machine.get("GPU", 0) for machine in machines)
        share = gpus_per_job if gpus_per_job is not None else float(most > 0)
        if share > most:  # it would wait for ever
            self.stop()
            raise YamlInjectError(f"--gpus-per-job {share:g}: no machine of Ray's has more than {most:g}")
        cores = min(int(machine.get("CPU", 1)) for machine in machines)
        self._resources = {"num_gpus": share, "num_cpus": 0 if share else cores}
        self.name = f"by Ray, with {share:g} of a GPU each" if share else "by Ray, without a GPU"

    def begin(self, jobs: Sequence[Job]) -> None:
        """Hand them to Ray, which keeps those in a queue that it has no room for."""
        # Ray sets it to the cores that are asked for, which with a GPU are none
        variables = {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS")}
        task = self._ray.remote(processes.call).options(max_retries=0, **self._resources)
        for job in jobs:
            self._jobs[task.remote(self._command(job), variables)] = job

    def ended(self, seconds: float) -> list[Ended]:
        """See :class:`Engine`."""
        if not self._jobs:
            time.sleep(seconds)
            return []
        waiting = [*self._jobs]
        ready, _ = self._ray.wait(waiting, timeout=seconds)
        ready, _ = self._ray.wait(waiting, num_returns=len(waiting), timeout=0) if ready else ([], [])
        return [self._end(one) for one in ready]

    def _end(self, task: Any) -> Ended:
        job = self._jobs.pop(task)
        try:
            return Ended(job, *self._ray.get(task))
        except self._ray.exceptions.RayError as error:
            return Ended(job, ERROR, f"Ray has lost it: {' '.join(str(error).split())}")

    def stop(self) -> None:
        """See :class:`Engine`; ends Ray too, if it was started for this."""
        for task in self._jobs:
            with suppress(self._ray.exceptions.RayError):
                self._ray.cancel(task, force=True)
        self._ray.shutdown()
