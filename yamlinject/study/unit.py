"""One training of a study, in its folder: done once, by whichever engine, or not at all."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from yamlinject import files
from yamlinject._version import __version__
from yamlinject.core.request import command_line
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.library import user_modules
from yamlinject.study import metrics, training
from yamlinject.study.bounded_log import BoundedLog
from yamlinject.study.folder import Study
from yamlinject.study.plan import Job
from yamlinject.study.processes import Group

#: Bytes that are read of what the training says, at a time.
_CHUNK = 2**16


class BusyError(YamlInjectError):
    """A job that another process is doing."""


class FailedError(YamlInjectError):
    """A training that has failed, which ``failed.json`` tells too."""


def command(study: Study, job: Job) -> list[str]:
    """The command that does ``job`` in a process of its own, which ends with its standard input."""
    words = ["study", "job", str(files.resolved(study.folder)), job.variant.name, str(job.seed), "--tied"]
    return [sys.executable, "-m", "yamlinject", *words]


def do(study: Study, job: Job) -> dict[str, Any]:
    """Do the training unless it is done; return what ``done.json`` says.

    Raises :class:`BusyError` while another process does it, :class:`FailedError` if it fails, and
    :class:`YamlInjectError` if it cannot be begun, or not be written about.
    """
    with _writing(job.folder), _held(job):
        done = study.result(job)
        if done is not None:
            return done
        os.utime(job.folder / "lock")  # for those who want to see that its turn has come
        digest, weights = job.digest, job.variant.digest.partition(":")[2] or None
        for name in ("done.json", "failed.json", "facts.json"):
            (job.folder / name).unlink(missing_ok=True)
        shutil.rmtree(job.folder / "run", ignore_errors=True)
        started, begun = datetime.now(timezone.utc), time.monotonic()
        code, said = _train(study, job)
        about: dict[str, Any] = {
            "variant": job.variant.name,
            "seed": job.seed,
            "seconds": round(time.monotonic() - begun, 3),
            "started": started.isoformat(timespec="seconds"),
        }
        if code == 0:
            try:
                about = {"job": digest, **about, **_result(study, job), "weights": weights}
            except YamlInjectError as error:
                said = str(error)
            else:
                _write(job.folder / "done.json", about)
                return about
        _write(job.folder / "failed.json", {"code": code, "message": said, **about})
        raise FailedError(_how(code, said), file=str(job.folder / "log.txt"))


def is_held(job: Job) -> bool:
    """Whether a process is doing the training just now."""
    if not (job.folder / "lock").exists():
        return False
    try:
        with _held(job):
            return False
    except BusyError:
        return True


def why_failed(job: Job) -> str:
    """What ``failed.json`` says of the last try."""
    try:
        found = json.loads(files.read_bytes(job.folder / "failed.json"))
        return _how(found["code"], found["message"])
    except (SourceError, ValueError, RecursionError, TypeError, KeyError):
        return "for a reason that is not known"


def _how(code: int, said: str) -> str:
    """The exit code of a training, negative for a signal, and its last words."""
    if not code:
        return said
    return f"{f'exit code {code}' if code > 0 else f'signal {-code}'}: {said or 'it said nothing'}"


@contextmanager
def _held(job: Job) -> Iterator[None]:
    """The lock of a job; the system frees it when the process ends, however it does."""
    lock = FileLock(job.folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise BusyError("another process is doing it", file=str(job.folder)) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """One line for whatever keeps the block from writing into ``folder``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot write it: {reason}", file=str(error.filename or folder)) from None


def _write(file: Path, data: Mapping[str, Any]) -> None:
    files.write_atomic(file, json.dumps(data, indent=2, allow_nan=False).encode("ascii") + b"\n")


def _train(study: Study, job: Job) -> tuple[int, str]:
    """The exit code of the training, and its last line."""
    folder = study.working_folder
    if not folder.is_dir():
        raise SourceError("there is no such folder for paths_from", file=str(folder))
    user_modules.use(folder / file for file in study.plan.module_files)  # by way of the environment
    words = training.words(job, folder)
    variables = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if study.plan.framework == "ultralytics" and study.plan.checkout:
        first = [str(folder / study.plan.checkout), variables.get("PYTHONPATH", "")]
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, first))
    facts, best = str(job.folder / "facts.json"), str(job.folder / "run" / "weights" / "best.pt")
    with BoundedLog(job.folder / "log.txt") as log:
        log.write(f"$ {command_line('run', *words)}\n".encode())
        group = Group()
        try:
            process = group.start(
                [
                    sys.executable,
                    "-m",
                    f"{__package__}.trainer",
                    facts,
                    best,
                    str(job.variant.config),
                    *words,
                ],
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            assert process.stdout is not None
            with process.stdout as said:
                while data := os.read(said.fileno(), _CHUNK):
                    log.write(data)
            return process.wait(), log.last_line()
        finally:
            group.end()


def _result(study: Study, job: Job) -> dict[str, Any]:
    """What is known of a training that has succeeded."""
    facts_file = job.folder / "facts.json"
    facts: dict[str, Any] = json.loads(files.read_bytes(facts_file))
    epochs = metrics.curves(job.folder)
    if not epochs:
        raise SourceError("there is no epoch in it", file=str(metrics.results_file(job.folder)))
    best = metrics.best(epochs, facts.get("fitness") or metrics.FITNESS)
    found = {name: facts["versions"].get(name) for name in ("torch", study.plan.framework)}
    versions = {"yamlinject": __version__, "python": platform.python_version()}
    versions |= {name: version for name, version in found.items() if version is not None}
    if study.plan.checkout:
        versions[study.plan.framework] = _commit(study.working_folder / study.plan.checkout) or "unknown"
    facts_file.unlink()
    return {
        "metrics": {name: best[name] for name in metrics.METRICS},
        "last": {name: epochs[-1][name] for name in metrics.METRICS},
        "epochs": len(epochs),
        "parameters": facts.get("parameters"),
        "gflops": facts.get("gflops"),
        "versions": versions,
        "device": facts["device"],
        "commit": _commit(study.working_folder),
    }


def _commit(folder: Path) -> str | None:
    """The commit of the repository that ``folder`` is in; None where there is none, or no git."""
    with suppress(OSError):
        asked = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.stdout.strip() or None
    return None
