"""The sources of a YOLO checkout with a module inserted or removed: text in, text out.

The class goes into ``models/common.py`` as a block between two comments, and its name into the import and a
condition of ``models/yolo.py``. An addition is proven by the tree of the result, a removal by adding it
again.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from yamlinject._version import __version__
from yamlinject.checkout import conditions, user_rows, user_source
from yamlinject.checkout.name_lists import Names, with_name, without_name
from yamlinject.checkout.pysource import NEWLINE, PySource
from yamlinject.core import edits, spelling
from yamlinject.core.edits import Edit
from yamlinject.errors import Place, RefusalError
from yamlinject.library import recipes
from yamlinject.library.module_files import ModuleClass

#: The modules that have a class, in their order in a patched file.
MODULES = recipes.names()

#: Where their files are, which are read and never imported.
CLASSES = Path(__file__).parent.parent / "nn"

_BLOCK = re.compile(
    r"(?<![^\r\n])# (?P<module>\w+) from yamlinject \S+ \(sha256:(?P<digest>[0-9a-f]{16})\)"
    r"(?:, of (?P<file>\w+\.py))?[^\r\n]*(?:\r\n|\r|\n)"
    r"(?:(?P<body>.*?)(?<![^\r\n])# (?P=module) from yamlinject ends here(?:\r\n|\r|\n))?",
    re.DOTALL,
)


class Block(NamedTuple):
    """The class of a module in a text, with the comments above and below it.

    ``body``: what is between the comments, with plain line feeds.
    ``intact``: whether that is still what some version of yamlinject wrote.
    ``file``: the name of the module file that a user's class is of.
    """

    module: str
    start: int
    end: int
    body: str
    intact: bool
    file: str = ""


def blocks(text: str) -> list[Block]:
    """The blocks of ``text`` in order; raises :class:`RefusalError` where one has no end."""
    found: list[Block] = []
    for match in _BLOCK.finditer(text):
        if match["body"] is None:
            raise RefusalError(
                f"the comment that ends the class {match['module']} of yamlinject is gone: "
                "remove this class and its comment by hand",
                _place(text, match.start()),
            )
        body = NEWLINE.sub("\n", match["body"])
        intact = _digest(body) == match["digest"]
        found.append(Block(match["module"], *match.span(), body, intact, match["file"] or ""))
    return found


def common_with(
    text: str,
    module: str,
    *,
    plain: bool = False,
    users: ModuleClass | None = None,
    stale: Collection[str] = (),
) -> str:
    """``text``, that of ``models/common.py``, with the class ``module`` above its class Concat.

    ``plain``: in its short form, where it has one; ``users``: the user's class of that name, which comes
    with all that it uses of its file; ``stale``: modules whose blocks are about to be replaced too.
    A block of another version or form is replaced.
    Raises :class:`YamlInjectError` for a text with another class of that name, with a block that was
    edited, or of unknown structure.
    """
    source = PySource(text)
    own = _own(text, module)
    start, end = (own.start, own.end) if own else (_above_concat(source, module),) * 2
    body = _users_body(users, text, start, stale) if users else _body(module, plain)
    _check_names(source, module, body, own, whole=not users)
    if own and own.body == body:
        return text
    if own:
        _check_intact(text, own)
    newline = NEWLINE.search(text)
    origin = f", of {users.file.name}" if users else ""
    block = (
        f"# {module} from yamlinject {__version__} (sha256:{_digest(body)}){origin}; "
        f"yamlinject register CHECKOUT --undo removes it\n{body}# {module} from yamlinject ends here\n"
    ).replace("\n", newline[0] if newline else "\n")
    return edits.apply(text, [Edit(start, end, block)])


def common_without(text: str, module: str) -> str:
    """``text`` without the block of ``module``, if there is one; refuses to remove an edited one."""
    own = _own(text, module)
    if own is None:
        return text
    _check_intact(text, own)
    return edits.apply(text, [Edit(own.start, own.end, "")])


def model_with(text: str, module: str, users: ModuleClass | None = None) -> str:
    """``text``, that of ``models/yolo.py``, with ``module`` imported and in parse_model's condition.

    ``users``: the user's class of that name, whose constructor says what it gets.
    Raises :class:`YamlInjectError` for a text of unknown structure.
    """
    source = PySource(text)
    names = _imported(source)
    if names and module not in names.words:
        text = with_name(source, names, conditions.position(names.words, module), module)
    if users:
        return user_rows.with_class(text, module, users.channels, repeats=users.repeats)
    return conditions.with_module(user_rows.without_class(text, module), module)


def model_without(text: str, module: str) -> str:
    """The inverse of :func:`model_with`; raises :class:`YamlInjectError` where that cannot be proven."""
    text = without_name(PySource(text), _imported, module)
    return conditions.without_module(user_rows.without_class(text, module), module)


def bound_at(text: str, name: str) -> Place | None:
    """Where the Python ``text`` defines or imports ``name``."""
    source = PySource(text)
    return min((source.place(node) for bound, node in source.bound() if bound == name), default=None)


def registered_at(text: str, module: str) -> Place | None:
    """Where ``text``, that of ``models/yolo.py``, has ``module`` in parse_model's condition."""
    source = PySource(text)
    found = conditions.place_of(source, module)
    return source.place(found) if found else None


def left_behind(common: str, model: str, module: str) -> bool:
    """Whether only the names of ``module`` are left in ``models/yolo.py``, and its class is gone."""
    source = PySource(model)
    imported = _imported(source)
    by_import = int(imported is not None and module in imported.words)
    bindings = sum(name == module for name, _ in source.bound())
    listed = module in conditions.words(source, module) or user_rows.has_branch(source, module)
    return listed and bindings == by_import and not bound_at(common, module)


def star_imports(text: str, package: str) -> bool:
    """Whether ``text`` has a line ``from PACKAGE import *``."""
    return any(node.names[0].name == "*" for node in _imports(PySource(text), package))


def _body(module: str, plain: bool) -> str:
    """The text below the imports in the file of the class, with two blank lines at its end."""
    if module not in MODULES:
        meant = spelling.hint(module, MODULES)
        raise RefusalError(
            f"yamlinject has no class {module!r}{meant}; it has {', '.join(MODULES)}; the file of one of "
            "yours is named with --modules"
        )
    short = CLASSES / f"{module.lower()}_plain.py"
    file = short if plain and short.exists() else CLASSES / f"{module.lower()}.py"
    source = PySource(file.read_text(encoding="utf-8"))
    imports = [node for node in source.tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return source.text[source.end(imports[-1]) :].strip("\n") + "\n\n\n"


def _users_body(users: ModuleClass, text: str, start: int, stale: Collection[str]) -> str:
    """The user's class, with all of its file that it uses and ``text`` lacks without its block."""
    rest = common_without(text, users.name)
    spans = {block.module: (block.start, block.end) for block in blocks(rest)}
    others = [span for module, span in spans.items() if module not in stale]
    old = [span for module, span in spans.items() if module in stale]
    return user_source.text(users, user_source.Rest(PySource(rest), start, others, old))


def _check_names(source: PySource, module: str, body: str, own: Block | None, *, whole: bool) -> None:
    """Refuse a text in which the class would clash with another, or lack an import; ``whole``: of ours."""
    new = {name for name, _ in PySource(body).bound()} if whole else set()
    there = set()
    for name, node in source.bound():
        there.add(name)
        if name in new and not (own and own.start <= source.start(node) < own.end):
            raise RefusalError(
                f"there is a {name} that is not yamlinject's: rename it or remove it", source.place(node)
            )
        if name == "__all__":
            raise RefusalError(f"__all__ would hide {module} from import *: remove it", source.place(node))
    missing = [name for name in ("torch", "nn") if whole and name not in there]
    if missing:
        raise RefusalError(f"{module} needs {' and '.join(missing)}, not imported here")


def _above_concat(source: PySource, module: str) -> int:
    """The offset of class Concat, or of the first block directly above it that should follow ``module``."""
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Concat":
            at = source.line_start(min([node.lineno, *(each.lineno for each in node.decorator_list)]))
            break
    else:
        raise RefusalError("there is no class Concat to insert the class above")
    for block in reversed(blocks(source.text)):
        if block.end == at and block.module > module:
            at = block.start
    return at


def _own(text: str, module: str) -> Block | None:
    return next((block for block in blocks(text) if block.module == module), None)


def _check_intact(text: str, block: Block) -> None:
    if not block.intact:
        raise RefusalError(
            f"this class {block.module} of yamlinject was edited: undo that, or remove it by hand",
            _place(text, block.start),
        )


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _place(text: str, offset: int) -> Place:
    return Place(len(NEWLINE.findall(text, 0, offset)) + 1, 1)


def _imports(source: PySource, package: str) -> Iterator[ast.ImportFrom]:
    """The lines ``from PACKAGE import …`` of a file in the folder models."""
    for node in source.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            name = f"models.{node.module}" if node.level else node.module
            if f".{name}".endswith(f".{package}"):
                yield node


def _imported(source: PySource) -> Names | None:
    """The names imported from ``models.common``; None if that is everything."""
    imports = list(_imports(source, "models.common"))
    if not imports:
        raise RefusalError(
            "there is no line 'from models.common import …', through which a class gets here"
        )
    if any(node.names[0].name == "*" for node in imports):
        return None
    first = imports[0]
    before = source.text[source.start(first) : source.start(first.names[0])]
    return Names(first.names, "(" in before)
