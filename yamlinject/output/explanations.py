"""What ``explain`` prints: commands and what is left over, or how two configs differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from yamlinject.core.request import command_line
from yamlinject.output import terminal
from yamlinject.output.terminal import Line

if TYPE_CHECKING:
    from yamlinject.lineage.differences import Difference
    from yamlinject.lineage.explanation import Explanation

_EVIDENCE = {
    "given": "as given",
    "recorded": "as its lines say",
    "matched": "by its layers",
}
_STYLES = {"injected": "green", "removed": "red", "replaced": "cyan", "rewired": "yellow"}


def lines(name: str, found: Explanation | None) -> Iterator[Line]:
    """An explanation of the config ``name``; its last line says whether anything is left over."""
    if found is None:
        yield Line("none is known: name one with --base, or compare two files", label="base")
        return
    yield Line(f"{found.base}, {_EVIDENCE[found.evidence]}", label="base")
    for request in found.requests:
        yield Line(command_line(*request.to_words()), label="command", whole=True)
    for left in found.left:
        yield Line(left, "yellow", label="left over")
    made = "these commands make it" if found.requests else f"it is {found.base}"
    if not found.left:
        yield Line(f"{made}, nothing is left over", "green", label="result")
    elif found.same_graph:
        yield Line(f"{made} as a graph; other values are left over", label="result")
    else:
        what = "these commands do not give all of" if found.requests else "no command gives"
        yield Line(f"{what} {name}: edit by hand what is left over", label="result")


def as_json(file: str, found: Explanation | None) -> str:
    """One object with the base, the commands as lists of words, and what is left over."""
    shape = {
        "file": file,
        "base": found and found.base,
        "evidence": found and found.evidence,
        "commands": [["yamlinject", *request.to_words()] for request in found.requests] if found else [],
        "left_over": list(found.left) if found else [],
        "same_graph": bool(found and found.same_graph),
    }
    return terminal.as_json(shape)


def differences(found: Sequence[Difference]) -> Iterator[Line]:
    """How two configs differ, a line each."""
    for one in found:
        yield Line(one.text, _STYLES.get(one.kind, ""), label=one.kind)
    if not found:
        yield Line("the same layers, reading the same ones", "green", label="equal")


def differences_as_json(before: str, after: str, found: Sequence[Difference]) -> str:
    """One object with both files and their differences."""
    return terminal.as_json(
        {"before": before, "after": after, "differences": [one._asdict() for one in found]}
    )
