"""Running what is not done of a study, on any engine, and what is known meanwhile."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from yamlinject.errors import YamlInjectError
from yamlinject.study import arguments, metrics, unit
from yamlinject.study.engine import BUSY, Ended, Engine
from yamlinject.study.folder import Study
from yamlinject.study.plan import Job

#: Seconds between two looks at the jobs, at least; more where a look takes more than this share of a core.
_PAUSE = 1.0
_SHARE = 0.005


class Outcome(NamedTuple):
    """How a job ended: what ``done.json`` says, or why it is not there."""

    job: Job
    result: dict[str, Any] | None
    why: str = ""


class Running(NamedTuple):
    """A job that is being done: its last whole epoch, what it gave, and since how many seconds it runs."""

    job: Job
    epoch: int
    value: float | None
    seconds: float


@dataclass(frozen=True)
class State:
    """What is known of a run: all jobs of the study, and how many of them are done or have failed in it.

    ``news``: what ended since the last state; ``left``: seconds until the end, None while nobody can tell.
    """

    total: int
    done: int
    failed: int
    running: list[Running]
    epochs: int | None
    left: float | None
    news: list[Outcome] = field(default_factory=list)


def run(study: Study, engine: Engine) -> Iterator[State]:
    """Do all jobs that are not done; yield what is known, about every second.

    A job that another process does meanwhile is waited for. All jobs end with the iterator.
    """
    try:
        yield from _Run(study, engine).states()
    finally:
        engine.stop()


class _Run:
    def __init__(self, study: Study, engine: Engine) -> None:
        self._study, self._engine = study, engine
        self._total = len(study.jobs)
        self._waiting = deque(job for job in study.jobs if not study.is_done(job))
        self._failed_before = {job: _stamp(job.folder / "failed.json") for job in self._waiting}
        self._active: dict[Job, _Turn] = {}
        self._failed = 0
        self._durations: list[float] = []

    def states(self) -> Iterator[State]:
        pause = 0.0
        yield self._state([])
        while self._waiting or self._active:
            before = time.thread_time()
            news = self._begin()
            for ended in self._engine.ended(0 if news else pause):
                news += self._end(ended)
            yield self._state(news)
            pause = max(_PAUSE, (time.thread_time() - before) / _SHARE)

    def _begin(self) -> list[Outcome]:
        """Give the engine what it has room for; what has ended elsewhere meanwhile."""
        slots = self._engine.slots
        batch: list[Job] = []
        news: list[Outcome] = []
        for job in [*self._waiting]:
            if slots is not None and len(self._active) + len(batch) >= slots:
                break
            outcome = self._outcome(job)
            if outcome is not None:
                news.append(outcome)
            elif unit.is_held(job):
                continue  # by another run, which may end before it is done
            else:
                batch.append(job)
            self._waiting.remove(job)
        if batch:
            self._active.update({job: _Turn(job) for job in batch})
            self._engine.begin(batch)
        return news

    def _end(self, ended: Ended) -> list[Outcome]:
        job = ended.job
        del self._active[job]
        if ended.code == BUSY:
            self._waiting.append(job)
            return []
        outcome = self._outcome(job)
        if outcome is None:
            self._failed += 1
            how = f"killed by signal {-ended.code}" if ended.code < 0 else f"exit code {ended.code}"
            outcome = Outcome(job, None, ended.line or how)
        return [outcome]

    def _outcome(self, job: Job) -> Outcome | None:
        """How ``job`` has ended since the run began, here or elsewhere."""
        result = self._study.result(job)
        if result is not None:
            self._durations.append(float(result["seconds"]))
            return Outcome(job, result)
        if _stamp(job.folder / "failed.json") in (None, self._failed_before[job]):
            return None
        self._failed += 1
        return Outcome(job, None, unit.why_failed(job))

    def _state(self, news: list[Outcome]) -> State:
        running = [found for turn in self._active.values() if (found := turn.running())]
        epochs = arguments.epochs(self._study.plan.framework, self._study.plan.args)
        waiting = len(self._waiting) + len(self._active) - len(running)
        return State(
            total=self._total,
            done=self._total - waiting - len(running) - self._failed,
            failed=self._failed,
            running=running,
            epochs=epochs,
            left=_left(running, waiting, epochs, self._durations),
            news=news,
        )


class _Turn:
    """A job that the engine has, whose turn it may not be yet."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._before = _stamp(job.folder / "lock")
        self._since: float | None = None

    def running(self) -> Running | None:
        """What is known of it, once it is being done."""
        if self._since is None:
            if _stamp(self._job.folder / "lock") == self._before:
                return None
            self._since = time.monotonic()
        try:
            epochs = metrics.curves(self._job.folder)
        except YamlInjectError:  # none yet
            epochs = []
        value = epochs[-1]["mAP50-95"] if epochs else None
        return Running(self._job, len(epochs), value, time.monotonic() - self._since)


def _left(running: list[Running], waiting: int, epochs: int | None, durations: list[float]) -> float | None:
    """How long all that is open takes, each as long as what is done, as many at a time as now."""
    expected = [one.seconds * epochs / one.epoch for one in running if epochs and one.epoch]
    known = [*durations, *expected]
    if not known:
        return None
    each = sum(known) / len(known)
    work = each * waiting + sum(max(0.0, each - one.seconds) for one in running)
    return work / max(1, len(running))


def _stamp(file: Path) -> int | None:
    """When ``file`` was written, by the clock of its disk; None where there is none."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return None
