"""YAML as frameworks read it: PyYAML's values and their places, in one pass."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from yamlinject.core import lookalikes
from yamlinject.core.lines import Lines
from yamlinject.errors import DuplicateKeyError, InvalidYamlError, Place

#: More values than this, with aliases expanded, are an attack. A long text counts as several.
_MAX_VALUES = 1_000_000
_VALUE_LENGTH = 16

#: Python prints integers of up to 4300 digits; the rest is left for arithmetic.
_MOST_DIGITS = 4250
_ENDLESS = 10**_MOST_DIGITS

#: What parsers raise besides their own errors: for a wrong tag, a bad date, an escape beyond Unicode.
ODD_VALUE = (ValueError, OverflowError, LookupError, AttributeError, TypeError)


class _SafeLoader(yaml.SafeLoader):
    """The loader of ``yaml.safe_load``, except for numbers that Python cannot print."""


class _FastLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # known at run time
    """The same on libyaml, PyYAML's fast parser, where it was built with it: ten times as fast.

    It looks at each text once: the rows of a config repeat a few words and numbers, which cannot change.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._tags: dict[tuple[type[Node], str | None, Any], str] = {}
        self._values: dict[tuple[str, str], Any] = {}

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:
        """The tag of a node without one."""
        key = kind, value, implicit
        if key not in self._tags:
            self._tags[key] = super().resolve(*key)
        return self._tags[key]

    @property
    def has_empty_value(self) -> bool:
        """Whether a value was empty: libyaml gives it the place of what follows it."""
        return any(value == "" for _, value, _ in self._tags)

    def construct_object(self, node: Node, deep: bool = False) -> Any:
        """The value of a node."""
        if not isinstance(node, ScalarNode):
            return super().construct_object(node, deep)
        key = node.tag, node.value
        if key not in self._values:
            self._values[key] = super().construct_object(node, deep)
        return self._values[key]


def _bounded(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """``construct``, PyYAML's method for integers or for floats, refusing numbers that are too long."""

    def constructed(loader: Any, node: Any) -> Any:
        text = node.value if isinstance(node, ScalarNode) else loader.construct_scalar(node)
        if len(text) <= _MOST_DIGITS:
            try:
                value = construct(loader, node)
                if abs(value) < _ENDLESS or isinstance(value, float):
                    return value
            except OverflowError:  # of a float in base 60
                pass
        mark = node.start_mark
        raise InvalidYamlError("a number with thousands of digits", Place(mark.line + 1, mark.column + 1))

    return constructed


for _loader in (_SafeLoader, _FastLoader):
    yaml.add_constructor("tag:yaml.org,2002:int", _bounded(_SafeLoader.construct_yaml_int), _loader)
    yaml.add_constructor("tag:yaml.org,2002:float", _bounded(_SafeLoader.construct_yaml_float), _loader)

#: On a text with one of these ``yaml.safe_load`` and libyaml may differ: tabs, odd line breaks, byte order
#: marks; outside of comments also tags, complex keys, block scalars and directives.
_SPACES = re.compile(r"[\t\x85\u2028\u2029\ufeff]")
_INDICATORS = re.compile(r"[!?|>%@`]")

#: A comment, or a part of a quoted text, in which those indicators mean nothing either; but where it has a
#: quote, such a text may end and anything follow.
_COMMENT = re.compile(r"(?:^|(?<= ))#[^\r\n]*", re.MULTILINE)

#: More levels of lists and mappings than any config has; Python's stack holds a few more.
_MOST_LEVELS = 200

SURROGATE = re.compile("[\udc80-\udcff]")


@contextmanager
def not_collecting() -> Iterator[None]:
    """Pause the garbage collector: its passes over a growing tree make parsing worse than linear."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Reading:
    """A text as ``yaml.safe_load`` reads it: first its nodes, then the values that it makes of them."""

    def __init__(self, text: str) -> None:
        """Read the nodes; raises :class:`InvalidYamlError` if ``text`` is not valid YAML."""
        self._text = text
        with _explained(text):
            self._loader, self.root = _composed(SURROGATE.sub("\ufffd", text))
            if self.root is not None:
                if "&" in text:
                    _check_aliases(self.root)
                _check_depth(self.root)

    def values(self) -> Any:
        """The values. Merged mappings (``<<``) are put into the nodes, so look at the nodes first.

        Raises :class:`InvalidYamlError` for what cannot be a value.
        """
        with _explained(self._text):
            return None if self.root is None else self._loader.construct_document(self.root)


def load_values(text: str) -> Any:
    """``yaml.safe_load`` with the errors of this package; raises :class:`InvalidYamlError`."""
    return Reading(text).values()


def _composed(text: str) -> tuple[yaml.SafeLoader, Node | None]:
    """The nodes of ``text``, and the loader that makes values of them; both loaders give the same."""
    if _is_read_alike(text):
        try:
            fast = _FastLoader(text)
            root = fast.get_single_node()
        except (yaml.YAMLError, *ODD_VALUE):  # the other loader says whether and where it is one
            root = None
        if root is not None and not fast.has_empty_value:
            return fast, root
    loader = _SafeLoader(text)
    return loader, loader.get_single_node()


def _is_read_alike(text: str) -> bool:
    """Whether both loaders give the same nodes of ``text``, if libyaml reads it and none is empty."""
    if _SPACES.search(text):
        return False
    return not (_INDICATORS.search(text) and _INDICATORS.search(_COMMENT.sub(_doubtful, text)))


def _doubtful(comment: re.Match[str]) -> str:
    """What may be more than a comment."""
    return comment[0] if "'" in comment[0] or '"' in comment[0] else ""


@contextmanager
def _explained(text: str) -> Iterator[None]:
    """Turn PyYAML's errors about ``text`` into those of this package."""
    try:
        with not_collecting():
            yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        found = lookalikes.cause(text, place.line) if place else None
        if found:
            raise InvalidYamlError(f"not valid YAML: {found}", Lines(text).place(found.start)) from None
        about = error.context if str(error.context).startswith("found") else ""  # a duplicate anchor
        problem = " ".join(f"{about or ''} {error.problem or error.context}".split())
        raise InvalidYamlError(f"not valid YAML: {problem}", place) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(error.character, Lines(text).place(error.position)) from None
    except ODD_VALUE as error:
        raise InvalidYamlError(f"a value that PyYAML cannot read: {error}") from None
    except RecursionError:
        raise InvalidYamlError("nested too deeply to be a model config") from None


def _bad_character(code: int, place: Place) -> InvalidYamlError:
    return InvalidYamlError(f"not valid YAML: the character {chr(code)!a} is not allowed", place)


def children(node: Node) -> list[Node]:
    """The nodes directly below ``node``: of a mapping, keys and values in turn."""
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def collections(root: Node) -> Iterator[Node]:
    """``root`` and the lists and mappings below it, each once, or as often as one of them holds it."""
    seen, pending = {id(root)}, [root]
    while pending:
        node = pending.pop()
        yield node
        below = [
            child for child in children(node) if isinstance(child, CollectionNode) and id(child) not in seen
        ]
        seen.update(map(id, below))
        pending += below


def shared_nodes(root: Node) -> set[int]:
    """The ids of the nodes that aliases use a second time."""
    times = Counter(id(child) for node in collections(root) for child in children(node))
    return {node for node, number in times.items() if number > 1}


def _check_depth(root: Node) -> None:
    """Refuse nesting that might exceed Python's stack, whichever parser read it."""
    level = [root]
    for _ in range(_MOST_LEVELS):
        level = [child for node in level if isinstance(node, CollectionNode) for child in children(node)]
        if not level:
            return
    raise InvalidYamlError("nested too deeply to be a model config")


def _check_aliases(root: Node) -> None:
    """Refuse aliases that contain themselves or multiply beyond any real config."""
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _MAX_VALUES + 1  # while the node is open: it would contain itself
            text = len(node.value) // _VALUE_LENGTH if isinstance(node, ScalarNode) else 0
            sizes[id(node)] = 1 + text + sum(size(child) for child in children(node))
        return sizes[id(node)]

    if size(root) > _MAX_VALUES:
        raise InvalidYamlError("its YAML aliases multiply into too many values to be a model config")


def check_duplicates(root: Node, lines: Lines) -> None:
    """Refuse duplicate keys: PyYAML silently keeps the last one, which is never meant."""
    for node in collections(root):
        keys: set[tuple[str, str]] = set()
        for key, _ in node.value if isinstance(node, MappingNode) else ():
            if not isinstance(key, ScalarNode):
                continue
            identity = (str(key.tag), key.value)
            if identity in keys:
                raise DuplicateKeyError(
                    f"duplicate key {key.value!r}: delete one of the two",
                    lines.place(key.start_mark.index),
                )
            keys.add(identity)
