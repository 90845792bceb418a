"""What a study is going to do: its variants, how many trainings that are, and what those can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from yamlinject.core.request import command_line
from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line, note
from yamlinject.study import data
from yamlinject.study.folder import Study
from yamlinject.study.plan import Variant
from yamlinject.study.statistics import LEVEL, fewest_seeds, smallest_p
from yamlinject.verification.cost import Cost

#: The most files that are named, of those that were written.
_MOST_SHOWN = 4


def lines(study: Study, costs: Mapping[str, Cost], width: int | None) -> Iterator[Line]:
    """The table of the variants; without ``costs`` it has no columns for those."""
    heads = [Column("variant"), Column("module"), Column("where", folds=True)]
    if costs:
        heads += [Column("parameters", right=True), Column("GFLOPs", right=True)]
    rows = []
    for one in study.variants:
        cells = [one.name, "" if one.module is None else one.module, _where(one)]
        if costs:
            cost = costs.get(one.name)
            cells += [f"{cost.parameters:,}", f"{cost.gflops:.2f}"] if cost else ["", ""]
        rows.append(Row(*cells))
    yield from table(heads, rows, width)


def summary(study: Study, written: Sequence[str]) -> Iterator[Line]:
    """How many trainings there are, what they can show, what was ``written``, and what to do next."""
    variants, seeds = len(study.variants), len(study.plan.seeds)
    done = sum(map(study.is_done, study.jobs))
    said = f", of which {done:,} {'is' if done == 1 else 'are'} done" if done else ""
    yield Line(f"{variants * seeds:,} = {variants:,} configs x {seeds:,} seeds{said}", label="trainings")
    yield from _power(study)
    if any(one.replaces for one in study.variants) and study.plan.placebo:
        yield note(
            "a replaced layer has no placebo: the control is the base, which starts from all weights"
        )
    missing = data.problem(study)
    if missing:
        yield note(missing)
    shown = ", ".join(written[:_MOST_SHOWN]) + " …" * (len(written) > _MOST_SHOWN)
    files = f"{study.folder}: {shown}" if written else str(study.folder)
    yield Line(files, "bold", label="wrote" if written else "unchanged")
    yield Line(command_line("study", "run", str(study.folder)), label="next", whole=True)


def _where(variant: Variant) -> str:
    if variant.position is None:
        return ""
    return f"{'at' if variant.replaces else 'after'} {variant.position}"


def _power(study: Study) -> Iterator[Line]:
    """What the number of seeds can show at best, for the modules in one scale: they are judged together."""
    seeds = len(study.plan.seeds)
    modules = sum(one.kind == "module" for one in study.variants) // (len(study.plan.scales) or 1)
    if not modules:
        return
    least, needed = smallest_p(seeds, modules), fewest_seeds(modules)
    of = f" for {modules} variants (Holm)" if modules > 1 else ""
    text = f"{seeds} seeds give a p of {least:.3g} at best{of}"
    if seeds < needed:
        text += f", so they cannot show a difference (p <= {LEVEL}): it takes {needed} seeds or more"
    yield Line(text, "" if seeds >= needed else "yellow", label="can show")
