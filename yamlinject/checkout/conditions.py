"""The conditions of ``parse_model`` by which it tells modules apart, with a module put into one of them.

A module that joins layers goes where ``Concat`` is tested for, any other into the first list with ``Conv``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from operator import attrgetter

from yamlinject.checkout.name_lists import Names, with_name, without_name
from yamlinject.checkout.pysource import PySource
from yamlinject.core import edits
from yamlinject.core.edits import Edit
from yamlinject.errors import RefusalError
from yamlinject.library import recipes

_IS = re.compile(r"([ \t]+)is([ \t]+)")
_IN = re.compile(r"([ \t]+)in([ \t]+\()")


def words(source: PySource, module: str) -> list[str]:
    """The names in the list that ``module`` belongs into, if it is one."""
    condition = _condition(source, module)
    return condition.words if isinstance(condition, Names) else []


def place_of(source: PySource, module: str) -> ast.expr | ast.alias | None:
    """Where ``module`` is in the condition that it belongs into."""
    condition = _condition(source, module)
    if not isinstance(condition, Names) or module not in condition.words:
        return None
    return condition.items[condition.words.index(module)]


def with_module(text: str, module: str) -> str:
    """``text`` with ``module`` in its condition.

    Raises :class:`RefusalError` where there is none, or where the change cannot be proven.
    """
    source = PySource(text)
    condition = _condition(source, module)
    if isinstance(condition, Names):
        if module in condition.words:
            return text
        return with_name(source, condition, position(condition.words, module), module)
    if condition is None:
        raise RefusalError(
            f"parse_model has no 'm is Concat' to put {module} beside", source.place(builder(source))
        )
    concat = condition.comparators[0]
    start = source.end(condition.left)
    gap = _IS.fullmatch(text, start, source.start(concat))
    end = source.end(concat)
    if gap:
        result = edits.apply(text, [Edit(start, end, f"{gap[1]}in{gap[2]}(Concat, {module})")])
        condition.ops = [ast.In()]
        condition.comparators = [ast.Tuple([concat, ast.Name(module, ast.Load())], ast.Load())]
        if PySource(result).dump() == source.dump():
            return result
    raise RefusalError(f"found no way to add {module} to this condition", source.place(concat))


def without_module(text: str, module: str) -> str:
    """The inverse of :func:`with_module`; raises :class:`RefusalError` where that cannot be proven."""
    source = PySource(text)
    condition = _condition(source, module)
    if isinstance(condition, Names) and condition.words == ["Concat", module]:
        concat, last = condition.items
        gap = next((found for found in _IN.finditer(text) if found.end() == source.start(concat)), None)
        if gap and text[source.end(last)] == ")":
            alone = f"{gap[1]}is{gap[2][:-1]}Concat"
            result = edits.apply(text, [Edit(gap.start(), source.end(last) + 1, alone)])
            if with_module(result, module) == text:
                return result
    return without_name(source, lambda source: _names(_condition(source, module)), module)


def position(words: list[str], module: str) -> int:
    """Where ``module`` goes: last, but before modules at the end that follow it among those with recipes.

    This way the order in which modules are registered does not matter.
    """
    at = len(words)
    while at > 1 and words[at - 1] in recipes.names() and words[at - 1] > module:
        at -= 1
    return at


def _names(condition: Names | ast.Compare | None) -> Names | None:
    return condition if isinstance(condition, Names) else None


def _condition(source: PySource, module: str) -> Names | ast.Compare | None:
    """The list that ``module`` belongs into, or the ``m is Concat`` that becomes one.

    There need not be any of them, but raises :class:`RefusalError` for a text without a list with ``Conv``.
    """
    function = builder(source)
    if recipes.role(module) == "fusion":
        for test in tests_of(function):
            names = listed_in(test, source, function)
            if names and "Concat" in names.words:
                return names
            if isinstance(test.ops[0], ast.Is) and getattr(test.comparators[0], "id", "") == "Concat":
                return test
        return None
    return listed_in(of_conv(source), source, function)


def of_conv(source: PySource) -> ast.Compare:
    """The first comparison with a list that has ``Conv``; raises :class:`RefusalError` without one."""
    function = builder(source)
    for test in tests_of(function):
        names = listed_in(test, source, function)
        if names and "Conv" in names.words:
            return test
    raise RefusalError(
        "parse_model has no 'if m in [Conv, …]' to put a module into", source.place(function)
    )


def builder(source: PySource) -> ast.FunctionDef:
    """The function ``parse_model``; raises :class:`RefusalError` unless there is one."""
    functions = [
        node
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and node.name == "parse_model"
    ]
    if not functions:
        raise RefusalError("there is no function parse_model")
    if len(functions) > 1:
        raise RefusalError("there is a second function parse_model", source.place(functions[1]))
    return functions[0]


def tests_of(function: ast.FunctionDef) -> Iterator[ast.Compare]:
    """The comparisons in their order in the text."""
    tests = [node for node in ast.walk(function) if isinstance(node, ast.Compare)]
    return iter(sorted(tests, key=attrgetter("lineno", "col_offset")))


def listed_in(test: ast.Compare, source: PySource, function: ast.FunctionDef) -> Names | None:
    """The list in which ``test`` looks something up, if it is one."""
    listed = _listed(test.comparators[0], source, function) if isinstance(test.ops[0], ast.In) else None
    return Names(listed.elts, source.text[source.start(listed)] in "([{") if listed else None


def _listed(
    node: ast.expr, source: PySource, function: ast.FunctionDef
) -> ast.List | ast.Tuple | ast.Set | None:
    """The list, tuple or set that ``node`` is or names, or that it turns into a set."""
    if isinstance(node, ast.Name):
        name = node.id
        for statements in (list(ast.walk(function)), source.tree.body):
            values = [
                statement.value
                for statement in statements
                if isinstance(statement, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)
            ]
            if len(values) == 1:
                node = values[0]
            if values:
                break
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        node = node.args[0]
    return node if isinstance(node, (ast.List, ast.Tuple, ast.Set)) else None
