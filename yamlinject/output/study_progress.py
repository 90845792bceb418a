"""What ``study run`` shows while the jobs run: a live table in a terminal, a line per job elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from yamlinject.output import terminal
from yamlinject.output.terminal import Line, visible
from yamlinject.study.plan import Job
from yamlinject.study.running import Outcome, Running, State

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

#: The rows of running jobs that are shown at most.
_ROWS = 12


class Progress:
    """Shows the states of a run on standard error."""

    def __init__(self, live: Live | None = None) -> None:
        self._live = live
        self._ended = 0

    def show(self, state: State) -> None:
        """Show ``state``; what has ended stays, as a line."""
        for outcome in state.news:
            self._ended += 1
            line = _outcome(outcome, state)
            if self._live is None:
                terminal.tell([line])
            else:
                self._live.console.print(visible(line.text), style=line.style or None, markup=False)
        if self._live is not None:
            self._live.update(_table(state), refresh=True)


@contextmanager
def showing() -> Iterator[Progress]:
    """A :class:`Progress` for as long as the block lasts."""
    if terminal.width(sys.stderr) is None or os.environ.get("TERM") == "dumb":
        yield Progress()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield Progress(live)


def summary(state: State) -> Line:
    """How a run ended."""
    failed = f", {state.failed} failed" if state.failed else ""
    return Line(f"{state.done} of {state.total} jobs done{failed}", "yellow" if state.failed else "green")


def _outcome(outcome: Outcome, state: State) -> Line:
    place = f"[{state.done + state.failed}/{state.total}]"
    if outcome.result is None:
        return Line(f"{place} {_name(outcome.job)} failed: {outcome.why}", "red")
    value = outcome.result["metrics"]["mAP50-95"]
    seconds = duration(float(outcome.result["seconds"]))
    return Line(f"{place} {_name(outcome.job)} done: mAP50-95 {value:.4f}, {seconds}{_left(state)}")


def _left(state: State) -> str:
    return f"; about {duration(state.left)} left" if state.left and state.left >= 1 else ""


def _table(state: State) -> RenderableType:
    from rich.table import Table

    head = f"{state.done} of {state.total} done, {state.failed} failed{_left(state)}"
    table = Table(title=head, title_justify="left", box=None, pad_edge=False)
    for column in ("running", "seed", "epoch", "mAP50-95 so far", "for"):
        table.add_column(column, justify="left" if column == "running" else "right")
    for one in state.running[:_ROWS]:
        table.add_row(*_row(one, state.epochs))
    if len(state.running) > _ROWS:
        table.add_row(f"and {len(state.running) - _ROWS} more")
    return table


def _row(one: Running, epochs: int | None) -> list[str]:
    epoch = f"{one.epoch}/{epochs}" if epochs else str(one.epoch)
    value = "" if one.value is None else f"{one.value:.4f}"
    return [visible(one.job.variant.name), str(one.job.seed), epoch, value, duration(one.seconds)]


def _name(job: Job) -> str:
    return f"{job.variant.name} seed {job.seed}"


def duration(seconds: float) -> str:
    """A time in the one or two units that tell enough of it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
