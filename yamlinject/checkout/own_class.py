"""A checkout's own SimAM, put there after a tutorial: whether it takes the rows of ``add``.

It is read, never run. For SimAM the text can tell, because it does not use the channels that it gets;
another module's class may do anything with them.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from yamlinject.checkout import codemod
from yamlinject.checkout.pysource import PySource
from yamlinject.errors import Place

_MODULE = "SimAM"

_LAMBDA = re.compile("lamb?da|eps", re.IGNORECASE)


class OwnClass(NamedTuple):
    """Where the class is in ``models/common.py``, and what keeps it from working; None if nothing does."""

    place: Place
    problem: str | None


def find(common: str, model: str, module: str) -> OwnClass | None:
    """The class ``module`` of ``models/common.py`` and ``models/yolo.py``, given by their texts.

    None where there is none, or none that can be judged.
    """
    source = PySource(common)
    bound = [node for name, node in source.bound() if name == module == _MODULE]
    if len(bound) != 1 or not isinstance(bound[0], ast.ClassDef):
        return None
    counts = handed(model, module)
    if counts is None:
        return None
    if is_imported(model, module):
        problem = _problem(bound[0], counts)
    else:
        problem = "models/yolo.py does not import it: import it there, or remove it here"
    return OwnClass(source.place(bound[0]), problem)


def handed(model: str, module: str) -> int | None:
    """How many channel counts parse_model hands to ``module``; ``model``: the text of ``models/yolo.py``.

    A module in its list gets two, of input and output: the second is the first of the row's args, scaled.
    Any other gets the args as they are. None for one with a condition of its own.
    """
    listed = codemod.registered_at(model, module) is not None
    uses = [node for node in ast.walk(PySource(model).tree) if isinstance(node, ast.Name)]
    if sum(node.id == module for node in uses) > listed:
        return None
    return 2 if listed else 1


def is_imported(model: str, module: str) -> bool:
    """Whether ``models/yolo.py`` knows ``module``, by its name or with all of ``models/common.py``."""
    return bool(codemod.bound_at(model, module)) or codemod.star_imports(model, "models.common")


def _problem(found: ast.ClassDef, counts: int) -> str | None:
    """What is wrong with a class whose constructor gets ``counts`` channel counts, and what to do."""
    methods = {node.name: node for node in found.body if isinstance(node, ast.FunctionDef)}
    if "forward" not in methods:
        return "it has no forward: rename it or remove it"
    handed = "two channel counts" if counts == 2 else "the channels"
    start = f"parse_model hands it {handed}"
    wanted = "def __init__(self, c1=None, c2=None, e_lambda=1e-4)"
    if "__init__" not in methods:
        return f"{start}, and it takes nothing: give it a {wanted}, or remove it"
    given = methods["__init__"].args
    taken = [*given.posonlyargs, *given.args][1:]
    defaults = [*[None] * len(taken), *given.defaults][len(given.defaults) :]
    first = list(zip(taken, defaults, strict=True))[:counts]
    for parameter, default in first:
        if _LAMBDA.search(parameter.arg) or _is_fraction(default):
            which = "one of which" if counts == 2 else "which"
            return (
                f"{start}, {which} it takes for {parameter.arg}, so that the attention is off: write "
                f"{wanted}, or remove it"
            )
    if (len(first) < counts and not given.vararg) or len(taken) - len(given.defaults) > counts:
        return f"{start}, and it takes {len(taken)}: write {wanted}, or remove it"
    return None


def _is_fraction(default: ast.expr | None) -> bool:
    return isinstance(default, ast.Constant) and isinstance(default.value, float)
