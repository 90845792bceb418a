"""Whether a plan makes sense, before anything is made of it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from yamlinject.study import arguments
from yamlinject.study.plan import Plan

#: What a file's name can select, and YOLOv5 has.
_SCALES = "nsmlx"

_WITHOUT = "none"


class Nonsense(NamedTuple):
    """What is wrong with the value of a key."""

    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.key}: {self.what}"


def nonsense(plan: Plan) -> Nonsense | None:
    """What first makes no sense in ``plan``, if anything."""
    return _unwritable(plan) or _repeated(plan) or _incomplete(plan) or _of_training(plan)


def _unwritable(plan: Plan) -> Nonsense | None:
    for key, value in vars(plan).items():
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not text.isprintable():
                return Nonsense(key, f"{text!a} has characters that cannot be printed")
    return None


def _repeated(plan: Plan) -> Nonsense | None:
    for key in ("modules", "after", "replace", "at", "scales", "seeds"):
        for value, number in Counter(getattr(plan, key)).items():
            if number > 1:
                return Nonsense(key, f"{value} is there {number} times")
    return None


def _incomplete(plan: Plan) -> Nonsense | None:
    if not plan.seeds:
        return Nonsense("seeds", "at least one is needed, and six to show anything")
    if _WITHOUT in plan.modules:
        return Nonsense("modules", "none is the base, which every study has: leave it out")
    if plan.modules and not plan.after:
        return Nonsense("after", f"say after which layers {', '.join(plan.modules)} is to be inserted")
    if plan.after and not plan.modules and not plan.placebo:
        return Nonsense("modules", f"say what is to be inserted after {', '.join(plan.after)}")
    if plan.replace and not plan.at:
        return Nonsense("at", f"say which layers {', '.join(plan.replace)} is to replace")
    if plan.at and not plan.replace:
        return Nonsense("replace", f"say what is to replace {', '.join(plan.at)}")
    for scale in plan.scales:
        if len(scale) != 1 or scale not in _SCALES:
            return Nonsense("scales", f"{scale} is none: there are {', '.join(_SCALES)}")
    wanted = len(plan.scales) or 1
    if plan.weights and len(plan.weights) != wanted:
        return Nonsense(
            "weights", f"{len(plan.weights)} for {wanted} scales: give one for each, in their order"
        )
    for one in plan.weights:
        if not one.endswith(".pt"):
            return Nonsense("weights", f"{one}: has to be a .pt file of the framework")
    return None


def _of_training(plan: Plan) -> Nonsense | None:
    problem = arguments.problem(plan.framework, plan.args)
    return Nonsense("args", problem) if problem else None
