"""What ``module NAME --test`` prints: a line for each test, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.verification.trial import Trial

_STYLES = {"passed": "green", "failed": "red", "left out": "yellow"}


def lines(trial: Trial) -> Iterator[Line]:
    """The report; its last line is the verdict."""
    yield Line(trial.built, label="built")
    yield Line(f"parameters: {counts(trial.parameters_at)}", label="size")
    for one in trial.tests:
        fails = "fails: " if one.outcome == "failed" else ""
        yield Line(f"{fails}{one.text}", _STYLES[one.outcome], label=one.test)
    passed = sum(one.outcome == "passed" for one in trial.tests)
    if trial.failed:
        said = f"{trial.module} fails {trial.failed} of {len(trial.tests)} tests, see above"
        yield Line(said, "red", label="wrong")
    else:
        left_out = len(trial.tests) - passed
        without = f"; {left_out} could not be made here" if left_out else ""
        yield Line(f"{trial.module} passes {passed} tests{without}", "green", label="passed")


def counts(parameters_at: Mapping[int, int]) -> str:
    """How many parameters a module has on how many channels."""
    if len(set(parameters_at.values())) == 1:
        return f"{next(iter(parameters_at.values())):,}, whatever the channels"
    return ", ".join(f"{count:,} on {channels}" for channels, count in parameters_at.items()) + " channels"
