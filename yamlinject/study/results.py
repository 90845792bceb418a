"""What the runs of a study gave: each variant's metrics, and its differences from the base and the placebo.

Three families are corrected for their number, in each scale apart: the modules against the base, the same
against the placebo of their place, and the placebos against the base. The placebos are controls, and do not
make it harder for the modules. All variants that were planned count, whether or not they are done.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import mean, stdev
from typing import Any

from yamlinject.errors import YamlInjectError
from yamlinject.study.folder import Study
from yamlinject.study.metrics import METRICS
from yamlinject.study.plan import Variant
from yamlinject.study.statistics import Comparison, compare

#: The metric that is compared where none is asked for.
METRIC = "mAP50-95"


@dataclass(frozen=True)
class Runs:
    """The runs of a variant that are done: what ``done.json`` says, by seed."""

    variant: Variant
    done: Mapping[int, Mapping[str, Any]]

    def values(self, metric: str) -> dict[int, float]:
        """The metric by seed, where it is one: a share, which NaN is not."""
        found = {}
        for seed, result in self.done.items():
            metrics = result.get("metrics")
            value = metrics.get(metric) if isinstance(metrics, dict) else None
            if isinstance(value, int | float) and 0 <= value <= 1:
                found[seed] = float(value)
        return found

    def first(self, key: str) -> Any:
        """What the first run that says anything of it says."""
        return next((one[key] for one in self.done.values() if one.get(key) is not None), None)


@dataclass(frozen=True)
class Row:
    """A variant in the table.

    ``metrics``: the mean and, for more than one seed, the standard deviation of each. ``base`` and
    ``placebo``: against these; None where it is not compared with one.
    """

    runs: Runs
    metrics: Mapping[str, tuple[float, float | None]]
    base: Comparison | None
    placebo: Comparison | None

    @property
    def variant(self) -> Variant:
        """The variant."""
        return self.runs.variant


class Results:
    """The table of a study, for one metric.

    ``delta``: the smallest difference that matters, in the metric's unit; None: nobody said.
    Raises :class:`YamlInjectError` for a metric that there is not, and for a ``delta`` that is none.
    """

    def __init__(self, study: Study, metric: str = METRIC, delta: float | None = None) -> None:
        if metric not in METRICS:
            raise YamlInjectError(f"there is no metric {metric}: there are {', '.join(METRICS)}")
        if delta is not None and not (math.isfinite(delta) and delta > 0):
            raise YamlInjectError(f"--delta {delta:g}: has to be a positive number, such as 0.005")
        self.study, self.metric, self.delta = study, metric, delta

    @cached_property
    def runs(self) -> dict[str, Runs]:
        """The runs by the names of their variants."""
        done: dict[str, dict[int, Mapping[str, Any]]] = {}
        for job in self.study.jobs:
            result = self.study.result(job)
            if result is not None:
                done.setdefault(job.variant.name, {})[job.seed] = result
        return {one.name: Runs(one, done.get(one.name, {})) for one in self.study.variants}

    @cached_property
    def rows(self) -> list[Row]:
        """A row for each variant, in the order of the plan."""
        bases: dict[str, Comparison] = {}
        placebos: dict[str, Comparison] = {}
        for base in (one for one in self.study.variants if one.base is None):
            for kind in ("module", "placebo"):
                members = [one for one in self.study.variants if (one.base, one.kind) == (base.name, kind)]
                bases.update(self._judged([(one, base) for one in members]))
                with_placebo = [(one, found) for one in members if (found := self.placebo_of(one))]
                placebos.update(self._judged(with_placebo))
        return [
            Row(runs, dict(_summaries(runs)), bases.get(name), placebos.get(name))
            for name, runs in self.runs.items()
        ]

    def placebo_of(self, variant: Variant) -> Variant | None:
        """The placebo at the place where a module was inserted."""
        if variant.kind != "module" or variant.replaces:
            return None
        same = (variant.base, variant.position)
        placebos = (one for one in self.study.variants if one.kind == "placebo")
        return next((one for one in placebos if (one.base, one.position) == same), None)

    def _judged(self, family: Sequence[tuple[Variant, Variant]]) -> Iterator[tuple[str, Comparison]]:
        """The comparisons of a family of variants, each with its control, by their names."""
        pairs = []
        for variant, control in family:
            own, other = (self.runs[one.name].values(self.metric) for one in (variant, control))
            pairs.append([(other[seed], own[seed]) for seed in own if seed in other])
        for (variant, _), comparison in zip(family, compare(pairs, self.delta), strict=True):
            yield variant.name, comparison


def _summaries(runs: Runs) -> Iterator[tuple[str, tuple[float, float | None]]]:
    for metric in METRICS:
        values = [*runs.values(metric).values()]
        if values:
            yield metric, (mean(values), stdev(values) if len(values) > 1 else None)
