"""The text of a Python file and its tree, with the byte columns of :mod:`ast` turned into offsets."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

from yamlinject.errors import Place, RefusalError

#: The line breaks of Python, which are not those of ``str.splitlines``.
NEWLINE = re.compile(r"\r\n|\r|\n")

#: Bytes that are not UTF-8: one character each in a text, and ``ast`` accepts none of them.
_UNDECODED = re.compile(r"[\ud800-\udfff]")

_REST_OF_LINE = re.compile(r"[ \t\f]*(?:(?P<comma>,)[ \t\f]*)?(?:#[^\r\n]*)?(?P<newline>\r\n|\r|\n)")


class OwnLine(NamedTuple):
    """A line that holds one item of a list, its comma if it has one, a comment, and nothing else.

    ``above``: the offset of the line break above it; ``end``: that of its own, ``newline``.
    """

    above: int
    end: int
    indent: str
    comma: str
    newline: str


class PySource:
    """A Python text with its tree."""

    def __init__(self, text: str) -> None:
        """Parse ``text``; raises :class:`RefusalError` with the place where that fails."""
        self.text = text
        self._starts = [0, *(match.end() for match in NEWLINE.finditer(text))]
        self._readable = _UNDECODED.sub("?", text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about a "\d", which is not ours to fix
                self.tree = ast.parse(self._readable)
        except SyntaxError as error:
            place = Place(max(error.lineno or 1, 1), max(error.offset or 1, 1))
            raise RefusalError(f"not valid Python: {error.msg}", place) from None
        except (RecursionError, MemoryError):
            raise RefusalError("nested too deeply for a Python file") from None

    def dump(self) -> str:
        """What the tree means, without any position."""
        try:
            return ast.dump(self.tree)
        except RecursionError:
            raise RefusalError("nested too deeply for a Python file") from None

    def line_start(self, line: int) -> int:
        """The offset of a line, counted from 1."""
        return self._starts[line - 1]

    def start(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """The offset of the first character of ``node``."""
        return self._offset(node.lineno, node.col_offset)

    def end(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        """The offset after the last character of ``node``."""
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def place(self, node: ast.expr | ast.stmt | ast.alias) -> Place:
        """Line and column of ``node``, for an error message."""
        return Place(node.lineno, self.start(node) - self._starts[node.lineno - 1] + 1)

    def own_line(self, node: ast.expr | ast.alias) -> OwnLine | None:
        """The line of ``node`` if nothing but its comma and a comment shares it."""
        first = self._starts[node.lineno - 1]
        indent = self.text[first : self.start(node)]
        rest = _REST_OF_LINE.match(self.text, self.end(node))
        if rest is None or indent.strip(" \t\f"):
            return None
        above = len(self.text[:first].removesuffix("\n").removesuffix("\r"))
        return OwnLine(above, rest.start("newline"), indent, rest["comma"] or "", rest["newline"])

    def bound(self) -> Iterator[tuple[str, ast.expr | ast.stmt | ast.alias]]:
        """The names that the module itself defines or imports, with the nodes that do so, in any order."""
        yield from bound(self.tree)

    def _offset(self, line: int, column: int) -> int:
        start = self._starts[line - 1]
        # no character has less than one byte, so this is enough of the line
        readable = self._readable[start : start + column].encode()[:column]
        return start + len(readable.decode())


def bound(tree: ast.Module) -> Iterator[tuple[str, ast.expr | ast.stmt | ast.alias]]:
    """The names that the statements of a module define or import; see :meth:`PySource.bound`."""
    todo: list[ast.AST] = [tree]
    while todo:
        for node in ast.iter_child_nodes(todo.pop()):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                yield node.name, node
            elif isinstance(node, ast.alias):
                yield node.asname or node.name.partition(".")[0], node
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node
            else:
                todo.append(node)
