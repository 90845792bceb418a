"""The folder of a study: its plan, the variants, and which of the trainings are done."""

from __future__ import annotations

import json
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from yamlinject import files
from yamlinject.core.request import command_line
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.study import plan as plans
from yamlinject.study import study_file
from yamlinject.study.plan import Job, Plan, Variant

#: What makes a folder that of a study.
PLAN_FILE = "study.yaml"

#: What was made of what, by hashes: so that it is made once, and what somebody edited is not replaced.
RECORD = "made.json"


class Study:
    """A study, as its folder says; opening it changes nothing."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan

    @classmethod
    def open(cls, folder: str | Path) -> Study:
        """The study in ``folder``; raises :class:`YamlInjectError` if there is none, or a wrong one."""
        folder = Path(folder)
        file = folder / PLAN_FILE
        if not file.exists():
            raise SourceError(
                f"no study is there, as it has no {PLAN_FILE}: yamlinject study new makes one",
                file=str(folder),
            )
        return cls(folder, study_file.read(file))

    @cached_property
    def working_folder(self) -> Path:
        """The folder in which the training runs, and from which its relative paths are seen."""
        return files.resolved(self.folder / self.plan.paths_from)

    @property
    def record(self) -> dict[str, dict[str, Any]]:
        """What was made, by the path in the folder: its hash, and what it was made of."""
        try:
            found = json.loads(files.read_bytes(self.folder / RECORD))
        except (SourceError, ValueError, RecursionError):
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {name: entry for name, entry in entries if isinstance(entry, dict)}

    @cached_property
    def own_modules(self) -> tuple[str | None, ...]:
        """The hashes of the module files; of one that is not on this machine, what it was at last."""
        found = []
        for name in self.plan.module_files:
            file = self.working_folder / name
            known = self.record.get(f"modules/{name}", {}).get("sha256")
            found.append(sha256(files.read_bytes(file)).hexdigest() if file.is_file() else known)
        return tuple(found)

    @cached_property
    def variants(self) -> list[Variant]:
        """The variants, those of each scale after their base; their paths are absolute."""
        return plans.variants(self.plan, files.resolved(self.folder))

    @cached_property
    def jobs(self) -> list[Job]:
        """All trainings, seed by seed, so that whatever is done first can be compared in pairs."""
        return [self._job(variant, seed) for seed in self.plan.seeds for variant in self.variants]

    def job(self, variant: str, seed: int) -> Job:
        """One training; raises :class:`YamlInjectError` if the study has no such."""
        found = {one.name: one for one in self.variants}
        if variant not in found:
            raise YamlInjectError(
                f"it has no variant {variant}: it has {', '.join(found)}", file=str(self.folder)
            )
        if seed not in self.plan.seeds:
            seeds = ", ".join(map(str, self.plan.seeds))
            raise YamlInjectError(f"it has no seed {seed}: it has {seeds}", file=str(self.folder))
        return self._job(found[variant], seed)

    def is_done(self, job: Job) -> bool:
        """Whether the training has been done as it is planned now."""
        return self.result(job) is not None

    def result(self, job: Job) -> dict[str, Any] | None:
        """What ``done.json`` says of a training that is done; None while it is not."""
        try:
            found = json.loads(files.read_bytes(job.folder / "done.json"))
            same = isinstance(found, dict) and found.get("job") == job.digest
        except (SourceError, ValueError, RecursionError):
            return None
        return found if same else None

    def commands(self) -> list[str]:
        """The command of each training that is not done."""
        return [
            command_line("study", "job", str(self.folder), job.variant.name, str(job.seed))
            for job in self.jobs
            if not self.is_done(job)
        ]

    def _job(self, variant: Variant, seed: int) -> Job:
        folder = files.resolved(self.folder) / "jobs" / variant.name / f"seed-{seed}"
        return Job(variant, seed, folder, self.plan, self.own_modules)
