"""What has to be said beside a table of a study, so that nobody takes it for more than it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress

from yamlinject import files
from yamlinject.core.request import command_line
from yamlinject.errors import SourceError
from yamlinject.study.plan import Job
from yamlinject.study.results import Results
from yamlinject.study.statistics import LEVEL, fewest_seeds, smallest_p

#: What the log says where a framework ran out of time, and more bytes than a log has.
_OUT_OF_TIME, _MOST_LOG = b"NMS time limit", 2**23

#: How many runs a sentence names before it counts the others.
_NAMED = 3


def reservations(results: Results) -> list[str]:
    """A sentence each: what is missing, unpaired, unlike in other things than the config, or too little."""
    return [
        *_missing(results),
        *_unpaired(results),
        *_without_the_metric(results),
        *_always_the_same(results),
        *_hurried(results),
        *_unlike(results),
        *_starts(results),
        *_too_few(results),
    ]


def _named(names: Iterable[str]) -> str:
    """Some of the names, and how many more there are."""
    found = list(names)
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return ", ".join(found[:_NAMED] + more)


def _missing(results: Results) -> Iterator[str]:
    """The runs that are not done, and why."""
    missing = [job for job in results.study.jobs if job.seed not in results.runs[job.variant.name].done]
    if not missing:
        return
    jobs = _named(f"{job.variant.name} seed {job.seed}" for job in missing)
    command = command_line("study", "run", str(results.study.folder))
    yield f"{len(missing)} of {len(results.study.jobs)} runs are not done ({jobs}): {command}"
    for file, what in (
        ("failed.json", "failed, and their log.txt says why"),
        ("done.json", "were done of another plan, config or weights, and do not count"),
    ):
        found = [job for job in missing if _holds(job, file)]
        if found:
            yield f"{len(found)} of them {what} ({_named(str(job.folder) for job in found)})"


def _holds(job: Job, file: str) -> bool:
    return (job.folder / file).exists()


def _unpaired(results: Results) -> Iterator[str]:
    """Runs whose control has none with the same seed."""
    for name, runs in results.runs.items():
        for control in (runs.variant.base, getattr(results.placebo_of(runs.variant), "name", None)):
            if control is None or not results.runs[control].done:
                continue
            alone = [str(seed) for seed in runs.done if seed not in results.runs[control].done]
            if alone:
                seeds = f"seed{'s' * (len(alone) > 1)} {', '.join(alone)}"
                yield f"{name}: {seeds} without a run of {control}, and so in no difference from it"


def _without_the_metric(results: Results) -> Iterator[str]:
    for name, runs in results.runs.items():
        values = runs.values(results.metric)
        lost = [str(seed) for seed in runs.done if seed not in values]
        if lost:
            yield f"{name}: {results.metric} of seed {', '.join(lost)} is no number, and is left out"


def _always_the_same(results: Results) -> Iterator[str]:
    """A metric that no seed changes measures nothing."""
    found = [list(runs.values(results.metric).values()) for runs in results.runs.values()]
    values = {value for runs in found for value in runs}
    if len(values) == 1 and max(map(len, found)) > 1:
        yield f"{results.metric} is {values.pop():g} in all runs, so that it measures nothing: train longer"


def _hurried(results: Results) -> Iterator[str]:
    """Runs on a machine that was so busy that the framework left images out of the metrics.

    Both frameworks stop to look for boxes in a batch after 0.05 s an image and a little more, and say only
    in the log that they did (``utils/general.py`` of YOLOv5, ``utils/nms.py`` of Ultralytics).
    """
    found = []
    for job in results.study.jobs:
        if job.seed in results.runs[job.variant.name].done:
            with suppress(SourceError):
                if _OUT_OF_TIME in files.read_bytes(job.folder / "log.txt", _MOST_LOG):
                    found.append(f"{job.variant.name} seed {job.seed}")
    if found:
        yield (
            f"the metrics of {len(found)} runs are of some of the images only, as the machine was too busy "
            f"(NMS time limit exceeded: {_named(found)}): delete their done.json, and run them with less "
            "beside them"
        )


def _unlike(results: Results) -> Iterator[str]:
    """Versions and machines that differ between the runs."""
    found: dict[str, Counter[str]] = {}
    for runs in results.runs.values():
        for result in runs.done.values():
            versions = result.get("versions")
            said = dict(versions) if isinstance(versions, dict) else {}
            for key in ("device", "commit"):
                said[key] = result.get(key)
            for key, value in said.items():
                found.setdefault(key, Counter())[str(value)] += 1
    for key, counts in found.items():
        if len(counts) > 1:
            which = ", ".join(f"{value} in {count}" for value, count in counts.most_common())
            yield f"not all runs have the same {key}, which may make a difference too: {which}"


def _starts(results: Results) -> Iterator[str]:
    """Start weights that are not the same, or not for all."""
    starts = {
        name: {result.get("weights") for result in runs.done.values()}
        for name, runs in results.runs.items()
        if runs.done
    }
    for name, found in starts.items():
        if len(found) > 1:
            yield f"{name}: its runs began from {len(found)} different weights"
    scratch = [name for name, found in starts.items() if None in found]
    if scratch and len(scratch) < len(starts):
        yield f"unequal start: {_named(scratch)} from scratch, and the others from weights"


def _too_few(results: Results) -> Iterator[str]:
    """Seeds that cannot show anything, whatever they give."""
    seeds = len(set(results.study.plan.seeds))
    for base in (one.name for one in results.study.variants if one.base is None):
        modules = sum((one.base, one.kind) == (base, "module") for one in results.study.variants)
        least = smallest_p(seeds, modules)
        if modules and least > LEVEL:
            of = f"any of {modules} variants of {base}" if modules > 1 else f"a variant of {base}"
            yield (
                f"{seeds} seed{'s' * (seeds > 1)} cannot show that {of} is better or worse, as no p can be "
                f"below {least:.3g}: it takes {fewest_seeds(modules)} seeds or more"
            )
