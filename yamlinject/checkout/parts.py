"""The statements of a Python file: the names that each binds, and those that it uses."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from yamlinject.checkout.pysource import bound

_COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


class Part(NamedTuple):
    """A statement at the top level of a file; of an import, one of its names.

    ``imports``: what it imports, with dots; ``loads``: it has to run, because it imports a module inside a
    package (``import a.b``). ``for_types``: it is below ``if TYPE_CHECKING``. ``acts``: it does more than
    bind names.
    """

    node: ast.stmt | ast.alias
    statement: ast.stmt
    binds: frozenset[str]
    imports: str = ""
    loads: bool = False
    for_types: bool = False
    acts: bool = False

    @property
    def meaning(self) -> str:
        """Equal for two of which each could stand for the other."""
        return self.imports or ast.dump(self.node)


def parts(tree: ast.Module) -> Iterator[Part]:
    """The statements of a file in their order, but for those that only its own program or reader needs."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for one in node.names:
                first = one.name.partition(".")[0]
                meant = one.name if one.asname else first
                yield Part(one, node, frozenset([one.asname or first]), meant, meant != one.name)
        elif isinstance(node, ast.ImportFrom):
            if node.module != "__future__":
                origin = "." * node.level + (node.module or "")
                for one in node.names:
                    yield Part(one, node, frozenset([one.asname or one.name]), f"{origin}.{one.name}")
        elif isinstance(node, ast.If) and "__name__" in mentioned(node.test):
            continue
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield Part(node, node, _binds(node), for_types=True)
        else:
            yield Part(node, node, _binds(node), acts=_acts(node))


def grouped(every: Iterable[Part]) -> dict[str, list[Part]]:
    """The statements by the names that they bind."""
    found: dict[str, list[Part]] = {}
    for part in every:
        for name in part.binds:
            found.setdefault(name, []).append(part)
    return found


def mentioned(node: ast.AST) -> set[str]:
    """All names in ``node``, whatever they mean there."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def uses(node: ast.stmt | ast.alias, *, at_once: bool = False) -> set[str]:
    """The names that ``node`` looks up in the file around it; ``at_once``: where it is executed itself."""
    if isinstance(node, ast.alias):
        return set()
    table = symtable.symtable(ast.unparse(node), "", "exec")
    return set(_looked_up(table, at_once))


def _looked_up(table: symtable.SymbolTable, at_once: bool) -> Iterator[str]:
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        if not at_once or inner.get_type() == "class" or inner.get_name() in _COMPREHENSIONS:
            yield from _looked_up(inner, at_once)


def _binds(node: ast.stmt) -> frozenset[str]:
    return frozenset(name for name, _ in bound(ast.Module([node], [])))


def _acts(node: ast.stmt) -> bool:
    """Whether a statement may change what others have bound."""
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(
            isinstance(one, (ast.Attribute, ast.Subscript)) for each in targets for one in ast.walk(each)
        )
    return not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
