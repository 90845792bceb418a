"""What a class of a module file needs to stand in a checkout: its text, and that of all that it uses there.

The file is read and never run. Statements are copied as they are written, with the comments above them, in
their order. What the checkout has already, and means the same, is left to it; what it means otherwise is
refused.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from yamlinject.checkout.parts import Part, grouped, mentioned, parts, uses
from yamlinject.checkout.pysource import NEWLINE, PySource
from yamlinject.core.source import Source
from yamlinject.errors import Place, RefusalError, named
from yamlinject.files import read_bytes
from yamlinject.library.module_files import ModuleClass

#: The file of the checkout itself, by the names that a module file may import it by.
_COMMON = ("models.common", "yolov5.models.common")


class Rest(NamedTuple):
    """``models/common.py`` without the block of the class: where that goes, and where other blocks are."""

    source: PySource
    at: int
    blocks: Sequence[tuple[int, int]] = ()
    stale: Sequence[tuple[int, int]] = ()

    def parts(self) -> list[Part]:
        """Its statements, without those of ``stale``, the blocks that are about to be replaced."""
        return [part for part in parts(self.source.tree) if not self._is_in(part, self.stale)]

    def is_in_block(self, part: Part) -> bool:
        """Whether yamlinject has put it there, and may take it away again."""
        return self._is_in(part, self.blocks)

    def _is_in(self, part: Part, spans: Sequence[tuple[int, int]]) -> bool:
        start = self.source.start(part.node)
        return any(first <= start < last for first, last in spans)


def text(found: ModuleClass, rest: Rest) -> str:
    """The statements that ``found`` needs and ``rest`` does not have.

    Raises :class:`YamlInjectError` with a place in the module file for what cannot be copied, and with one
    in the checkout's for names that it uses otherwise.
    """
    with named(str(found.file)):
        source = PySource(NEWLINE.sub("\n", Source.from_bytes(read_bytes(found.file)).text))
        needed = _needed(source, found)
    others = rest.parts()
    there = grouped(others)
    written = [part for part in needed if not _has(rest, there, part, found)]
    for part in written:
        _check_super(rest, part, there, [*written, *filter(rest.is_in_block, others)], found)
    for part in written:
        for name in uses(part.node, at_once=True):
            known = [one for one in there.get(name, ()) if not rest.is_in_block(one)]
            if known and all(name not in one.binds for one in written):
                first = min(known, key=lambda one: rest.source.start(one.node))
                if rest.source.start(first.node) >= rest.at:
                    raise RefusalError(
                        f"{found.name} needs {name} above class Concat", rest.source.place(first.node)
                    )
    with named(str(found.file)):
        return _joined(source, written)


def _needed(source: PySource, found: ModuleClass) -> list[Part]:
    """The statements of the file that the class consists of and uses, in their order."""
    every = list(parts(source.tree))
    for part in every:
        if isinstance(part.statement, ast.ImportFrom) and "*" in part.binds:
            raise RefusalError(
                "import * hides which names come from there: name those that are used",
                source.place(part.statement),
            )
    binders = grouped(part for part in every if not part.for_types)
    for_types = {name for part in every if part.for_types for name in part.binds}
    chosen: dict[int, Part] = {}
    todo = [found.name]
    seen = set(todo)
    while todo:
        for part in binders[todo.pop()]:
            chosen[source.start(part.node)] = part
            for name in uses(part.node):
                if name in seen:
                    continue
                if name in for_types and name not in binders:
                    raise RefusalError(
                        f"{name} is there for type checkers only, and a checkout would look it up: write "
                        "annotations with it in quotes",
                        source.place(part.node),
                    )
                if name not in binders and not hasattr(builtins, name):
                    raise RefusalError(
                        f"{name}, which {found.name} uses, is not defined in this file",
                        source.place(part.node),
                    )
                if name in binders:
                    seen.add(name)
                    todo.append(name)
    needed = [chosen[start] for start in sorted(chosen)]
    _check(source, every, needed, found)
    return needed


def _check(source: PySource, every: list[Part], needed: list[Part], found: ModuleClass) -> None:
    """Refuse what would not be the same in another file."""
    for part in needed:
        if part.imports:
            _check_import(source, part, found)
        for name in sorted(part.binds):
            if hasattr(builtins, name):
                raise RefusalError(
                    f"{name} is Python's own, and would change for the whole checkout: rename it",
                    source.place(part.node),
                )
    own = {name for part in needed if not part.imports for name in part.binds}
    for part in every:
        touched = sorted(own & mentioned(part.node)) if part.acts and part not in needed else []
        if touched:
            raise RefusalError(
                f"this works on {touched[0]} when the file is imported, and would not be copied: move it "
                "into the class, or below if __name__ == '__main__'",
                source.place(part.node),
            )
    if _postpones(source.tree):
        defined: set[str] = set()
        locally = {name for part in every for name in part.binds}
        for part in needed:
            for node in _annotations(part.node):
                if (mentioned(node) & locally) - defined:
                    raise RefusalError(
                        "this annotation names what is not yet defined there, and from __future__ import "
                        "annotations holds in its own file only: write it in quotes",
                        source.place(node),
                    )
            defined |= part.binds


def _check_import(source: PySource, part: Part, found: ModuleClass) -> None:
    statement = part.statement
    module = statement.module or "" if isinstance(statement, ast.ImportFrom) else part.imports
    top = module.partition(".")[0] or part.imports.lstrip(".")
    beside = (found.file.with_name(f"{top}.py"), found.file.with_name(top))
    neighbour = (
        "." not in found.imported_as and module not in _COMMON and any(one.exists() for one in beside)
    )
    if neighbour or part.imports.startswith("."):
        what = ", ".join(sorted(part.binds))
        raise RefusalError(
            f"{what} comes from another file of yours, which a checkout does not have: move what "
            f"{found.name} uses of it into {found.file.name}",
            source.place(statement),
        )


def _has(rest: Rest, there: Mapping[str, list[Part]], part: Part, found: ModuleClass) -> bool:
    """Whether the checkout itself has ``part``; raises if it has something else of that name."""
    module, _, imported = part.imports.rpartition(".")
    from_common = module in _COMMON
    has = []
    for name in sorted(part.binds):
        known = there.get(name, [])
        kept = [one for one in known if not rest.is_in_block(one)]
        if from_common:
            if not kept or imported != name:
                with named(str(found.file)):
                    raise RefusalError(f"the checkout has no {imported} of its own to use as {name}")
            has.append(True)
            continue
        other = next((one for one in known if one.meaning != part.meaning), None)
        if name == found.name and kept:
            raise RefusalError(
                f"there is a {name} that is not yamlinject's: rename it or remove it",
                rest.source.place(kept[0].node),
            )
        if other and rest.is_in_block(other):
            raise RefusalError(
                f"a registered module has another {name}: --undo that first, or rename one of them",
                rest.source.place(other.node),
            )
        if other:
            raise RefusalError(
                f"{name} is something else here than in {found.file.name}: rename it there",
                rest.source.place(other.node),
            )
        has.append(bool(kept) and not part.loads)
    return all(has)


def _check_super(
    rest: Rest, part: Part, there: Mapping[str, list[Part]], every: Iterable[Part], found: ModuleClass
) -> None:
    """Refuse a base that another block has too: there its name would mean another class than the base."""
    for name in part.binds:
        shared = any(map(rest.is_in_block, there.get(name, ())))
        is_base = any(name in uses(one.node, at_once=True) for one in every)
        if shared and is_base and f"super({name}," in ast.unparse(part.node):
            raise RefusalError(
                f"a registered module has this class too: write super() instead of super({name}, …)",
                Place(part.node.lineno, part.node.col_offset + 1),
                file=str(found.file),
            )


def _joined(source: PySource, written: Iterable[Part]) -> str:
    """The texts of the statements, with the blank lines that Python files have between them."""
    lines: list[str] = []
    before: ast.stmt | None = None
    by_statement: dict[ast.stmt, list[Part]] = {}
    for part in written:
        by_statement.setdefault(part.statement, []).append(part)
    for statement, own in by_statement.items():
        if before is not None:
            apart = any(isinstance(one, (ast.ClassDef, ast.FunctionDef)) for one in (before, statement))
            imports = isinstance(before, (ast.Import, ast.ImportFrom))
            below = imports and not isinstance(statement, (ast.Import, ast.ImportFrom))
            lines.append("\n\n\n" if apart else "\n\n" if below else "\n")
        lines.append(_text(source, statement, own))
        before = statement
    joined = "".join(lines)
    if any("\ud800" <= letter <= "\udfff" for letter in joined):
        raise RefusalError("not in UTF-8: save it as UTF-8")
    return f"{joined}\n\n\n"


def _text(source: PySource, statement: ast.stmt, own: list[Part]) -> str:
    """The text of a statement with the comments above and behind it; an import with the names in use."""
    if isinstance(statement, (ast.Import, ast.ImportFrom)) and len(own) < len(statement.names):
        names = [one.node for one in own if isinstance(one.node, ast.alias)]
        if isinstance(statement, ast.Import):
            return ast.unparse(ast.Import(names))
        return ast.unparse(ast.ImportFrom(statement.module, names, 0))
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(one.lineno for one in decorators)])
    start, end = source.line_start(first), source.end(statement)
    if not decorators and source.start(statement) != start:  # behind a semicolon
        return source.text[source.start(statement) : end]
    while start and source.text[:start].rpartition("\n")[0].rpartition("\n")[2].startswith("#"):
        start = source.text.rfind("\n", 0, start - 1) + 1
        if source.text[start:].startswith(("#!", "# -*-")):
            start = source.text.index("\n", start) + 1
            break
    rest = source.text[end:].partition("\n")[0]
    return source.text[start:end] + (rest.rstrip() if rest.strip().startswith("#") else "")


def _postpones(tree: ast.Module) -> bool:
    """Whether annotations in this file are never evaluated."""
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(one.name == "annotations" for one in node.names)
        for node in tree.body
    )


def _annotations(node: ast.AST) -> Iterator[ast.expr]:
    """The annotations that Python evaluates where ``node`` is executed."""
    for one in ast.walk(node):
        if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
            every = chain(one.args.posonlyargs, one.args.args, one.args.kwonlyargs)
            extra = [one.args.vararg, one.args.kwarg]
            given = [each.annotation for each in (*every, *filter(None, extra))]
            yield from filter(None, [*given, one.returns])
        if isinstance(one, ast.ClassDef):
            yield from (each.annotation for each in one.body if isinstance(each, ast.AnnAssign))
