"""What a rule of ``check`` is, and the decorator that registers one where it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

from yamlinject.checks.context import Subject
from yamlinject.core.edits import Edit
from yamlinject.core.rows import Span
from yamlinject.errors import Place

Severity = Literal["error", "warning"]

#: What a rule requires, each more than the one before: a ``text``; ``rows`` that can be parsed; a ``graph``
#: in which every reference names an earlier layer; the right ``wiring``, as far as YI301 and YI302 can
#: tell, because one wrong reference causes further findings.
Needs = Literal["text", "rows", "graph", "wiring"]


class Problem(NamedTuple):
    """What a rule found.

    ``at``: a span of the text, a place, meaning from there to the end of its line, or None for the whole
    file. ``hint`` says what to write instead. ``base``: the base that the config was compared with, if
    that led to the problem. ``diff``: the lines of a unified diff that fixes the file.
    ``fix``: the edits that ``--fix`` makes. ``cause``: why it is wrong, in the same words for all problems
    of one mistake.
    """

    at: Span | Place | None
    message: str
    hint: str
    base: str | None = None
    diff: tuple[str, ...] = ()
    fix: tuple[Edit, ...] = ()
    cause: str = ""


class Rule(NamedTuple):
    """One kind of mistake. ``templates/rules/<code>.md`` is its documentation page."""

    code: str
    name: str
    severity: Severity
    summary: str
    needs: Needs
    problems: Callable[[Subject], Iterator[Problem]]


_registered: dict[str, Rule] = {}

_Find = Callable[[Subject], Iterator[Problem]]


def rule(code: str, severity: Severity, summary: str, *, needs: Needs = "rows") -> Callable[[_Find], _Find]:
    """Register the decorated function as the rule ``code``, named after the function."""

    def register(find: _Find) -> _Find:
        assert code not in _registered, f"two rules {code}"
        name = find.__name__.replace("_", "-")
        _registered[code] = Rule(code, name, severity, summary, needs, find)
        return find

    return register


def registered() -> Sequence[Rule]:
    """The rules of the imported modules, in the order of their codes."""
    return [_registered[code] for code in sorted(_registered)]
