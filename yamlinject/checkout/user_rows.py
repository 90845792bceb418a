"""What ``parse_model`` of a checkout does with the row of a user's class: as ``yamlinject run`` does.

A constructor that begins with the channels of input and output is for the list with ``Conv``, and one that
repeats an inner block besides for the list of those that do. Any other gets a branch of its own, above the
one for modules that are not known, or is left to that one::

    elif m is MyGate:  # from yamlinject
        c2 = ch[f]
        args = [c2, *args[1:]]
"""

from __future__ import annotations

import ast
import re

from yamlinject.checkout import conditions
from yamlinject.checkout.name_lists import Names, with_name, without_name
from yamlinject.checkout.pysource import NEWLINE, PySource
from yamlinject.core import edits
from yamlinject.core.edits import Edit
from yamlinject.errors import Place, RefusalError, YamlInjectError

_ELSE = re.compile(r"(?<![^\r\n])(?P<indent>[ \t]+)else[ \t]*:")

_MARK = "# from yamlinject"


def with_class(text: str, module: str, channels: int, *, repeats: bool) -> str:
    """``text`` with ``module``, which takes ``channels`` channel counts, where its row has to be read.

    Where it is in ``text`` for another constructor, it is moved.
    Raises :class:`RefusalError` for a ``parse_model`` without such a place.
    """
    if channels == 2:
        text = conditions.with_module(text, module)
    else:
        text = conditions.without_module(text, module)
    if channels == 2 and repeats:
        source = PySource(text)
        names = _repeating(source)
        if names is None:
            raise RefusalError(
                "parse_model has no 'if m in [C3, …]' with args.insert(2, n), for what repeats a block",
                source.place(conditions.builder(source)),
            )
        if module not in names.words:
            at = conditions.position(names.words, module)
            text = with_name(source, names, at, module)
    else:
        text = without_name(PySource(text), _repeating, module)
    return _with_branch(text, module) if channels == 1 else _without_branch(text, module)


def without_class(text: str, module: str) -> str:
    """``text`` without what is only there for a user's class; raises where that cannot be proven."""
    return _without_branch(without_name(PySource(text), _repeating, module), module)


def has_branch(source: PySource, module: str) -> bool:
    """Whether ``parse_model`` has a branch for ``module`` that yamlinject wrote."""
    return module in branches(source.text)


def branches(text: str) -> list[str]:
    """The modules with a branch that yamlinject wrote."""
    return re.findall(rf"(?<![^\r\n])[ \t]+elif \w+ is (\w+):  {_MARK}[\r\n]", text)


def _repeating(source: PySource) -> Names | None:
    """The list of the modules that repeat an inner block, which get its number."""
    function = conditions.builder(source)
    for node in ast.walk(function):
        if isinstance(node, ast.If) and "args.insert(2, n)" in map(ast.unparse, node.body):
            for test in ast.walk(node.test):
                names = (
                    conditions.listed_in(test, source, function) if isinstance(test, ast.Compare) else None
                )
                if names:
                    return names
    return None


def _with_branch(text: str, module: str) -> str:
    if module in branches(text):
        return text
    source = PySource(text)
    test = conditions.of_conv(source)
    links = [
        node
        for node in ast.walk(conditions.builder(source))
        if isinstance(node, ast.If) and _holds(node, test)
    ]
    for link in links:
        while len(link.orelse) == 1 and isinstance(link.orelse[0], ast.If):
            link = link.orelse[0]
        found = (
            _ELSE.search(text, source.end(link.body[-1]), source.start(link.orelse[0]))
            if link.orelse
            else None
        )
        if not found or len(link.orelse) != 1 or not isinstance(link.orelse[0], ast.Assign):
            continue
        rest = link.orelse[0]
        indent, counts = found["indent"], ast.unparse(rest.targets[0])
        inner = text[source.line_start(rest.lineno) : source.start(rest)]
        if inner.strip():  # on the line of its else
            inner = f"{indent}    "
        newline = NEWLINE.search(text)
        lines = [
            f"{indent}elif {ast.unparse(test.left)} is {module}:  {_MARK}",
            f"{inner}{ast.unparse(rest)}",
            f"{inner}args = [{counts}, *args[1:]]",
        ]
        start = found.start()
        for above in reversed(branches(text)):  # in order, whichever came first
            if above < module:
                break
            start = _span(text, above)[0]
        end = newline[0] if newline else "\n"
        result = edits.apply(text, [Edit(start, start, "".join(line + end for line in lines))])
        PySource(result)
        return result
    raise RefusalError(
        f"parse_model has no last 'else: c2 = …' to put a condition for {module} above",
        source.place(conditions.builder(source)),
    )


def _without_branch(text: str, module: str) -> str:
    if module not in branches(text):
        return text
    start, end = _span(text, module)
    result = edits.apply(text, [Edit(start, end, "")])
    try:
        if _with_branch(result, module) == text:
            return result
    except YamlInjectError:
        pass
    line = len(NEWLINE.findall(text, 0, start)) + 1
    raise RefusalError(
        f"the condition for {module} is not as yamlinject writes it: remove it by hand", Place(line, 1)
    )


def _span(text: str, module: str) -> tuple[int, int]:
    """The three lines of a branch."""
    found = re.search(
        rf"(?<![^\r\n])[ \t]+elif \w+ is {module}:  {_MARK}(?:\r\n|\r|\n)(?:[^\r\n]*(?:\r\n|\r|\n)){{2}}",
        text,
    )
    assert found
    return found.span()


def _holds(node: ast.If, test: ast.Compare) -> bool:
    return any(one is test for one in ast.walk(node.test))
