"""The jobs of a study as an array of SLURM."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from yamlinject.errors import YamlInjectError, importing
from yamlinject.study import processes
from yamlinject.study.engine import ERROR, Ended, Engine
from yamlinject.study.plan import Job


class OnSlurm(Engine):
    """A task of an array for each job, with a GPU unless it is ``without_gpu``.

    ``folder``: where submitit keeps what it sends and what comes back; ``options``: those of ``sbatch``, by
    their names there. ``executor``: the class of submitit's that takes them, by default SLURM's.
    """

    def __init__(
        self,
        command: Callable[[Job], list[str]],
        folder: Path,
        options: Mapping[str, str],
        *,
        without_gpu: bool = False,
        executor: str = "SlurmExecutor",
    ) -> None:
        with importing("submitit", "'yamlinject[slurm]'"):
            import submitit
        self._command = command
        self._jobs: dict[Any, Job] = {}
        try:
            self._executor: Any = getattr(submitit, executor)(folder)
        except RuntimeError as error:
            raise YamlInjectError(f"{error}: --on slurm needs sbatch and srun") from None
        if executor == "SlurmExecutor":
            gpus = None if without_gpu else 1
            # without a time it is the partition's, not submitit's five minutes
            self._executor.update_parameters(
                job_name="study", time=None, gpus_per_node=gpus, additional_parameters=dict(options)
            )
        self.name = "by SLURM"

    def begin(self, jobs: Sequence[Job]) -> None:
        """Submit them as one array."""
        commands = [self._command(job) for job in jobs]
        try:
            tasks = self._executor.map_array(processes.call, commands, [{} for _ in jobs])
        except Exception as error:  # sbatch has its own words
            raise YamlInjectError(f"SLURM takes no jobs: {' '.join(str(error).split())}") from None
        self._jobs.update(zip(tasks, jobs, strict=True))

    def ended(self, seconds: float) -> list[Ended]:
        """See :class:`Engine`."""
        until = time.monotonic() + seconds
        while True:
            ready = [task for task in self._jobs if task.done()]
            if ready or time.monotonic() > until:
                return [self._end(task) for task in ready]
            time.sleep(min(1.0, seconds))

    def _end(self, task: Any) -> Ended:
        job = self._jobs.pop(task)
        try:
            return Ended(job, *task.result())
        except Exception as error:  # killed, out of time, not started
            return Ended(job, ERROR, f"SLURM has lost it: {' '.join(str(error).split())}")

    def stop(self) -> None:
        """See :class:`Engine`."""
        for task in self._jobs:
            with suppress(Exception):
                task.cancel(check=False)
