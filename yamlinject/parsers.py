"""The two YAML parsers: PyYAML says what values mean, ruamel.yaml says where they stand."""

from __future__ import annotations

import gc
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import yaml
from ruamel.yaml import YAML, nodes
from ruamel.yaml.error import YAMLError
from ruamel.yaml.reader import ReaderError

from yamlinject.errors import DuplicateKeyError, InvalidYamlError, Place
from yamlinject.lines import Lines

# The nodes of both parsers, which are alike.
Node: TypeAlias = nodes.Node | yaml.Node
ScalarNode: TypeAlias = nodes.ScalarNode | yaml.ScalarNode
SequenceNode: TypeAlias = nodes.SequenceNode | yaml.SequenceNode
MappingNode: TypeAlias = nodes.MappingNode | yaml.MappingNode

#: More values than this, aliases written out, is an attack and no model config.
_MAX_VALUES = 1_000_000

#: PyYAML's fast parser, where it was built with one. It gives the same values as ``safe_load`` but accepts
#: slightly other texts (tabs, ``?``), so it can confirm what ``safe_load`` read and decides nothing.
FAST_LOADER: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: Python cannot print integers of more than some thousand digits.
_ENDLESS_NUMBER = re.compile(r"[0-9][0-9_]{4299}|0x[0-9A-Fa-f_]{3500}|(?:[0-9]{1,2}:){2000}")

_SURROGATE = re.compile("[\udc80-\udcff]")


@contextmanager
def _not_collecting() -> Iterator[None]:
    """Pause the garbage collector: its passes over a growing tree make parsing worse than linear."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_values(text: str, *, loader: type = yaml.SafeLoader) -> Any:
    """``yaml.safe_load`` with the errors of this package; raises :class:`ConfigError`."""
    with _pyyaml(text):
        return yaml.load(_readable(text), loader)


def load_values_and_nodes(text: str) -> tuple[Any, Node | None]:
    """What ``yaml.safe_load`` makes of a text without aliases, and the nodes that it makes it of."""
    with _pyyaml(text):
        loader = yaml.SafeLoader(_readable(text))
        root = loader.get_single_node()
        return root and loader.construct_document(root), root


@contextmanager
def _pyyaml(text: str) -> Iterator[None]:
    """Give PyYAML's errors about ``text`` as those of this package."""
    number = _ENDLESS_NUMBER.search(text)
    if number:
        raise InvalidYamlError("a number with thousands of digits", Lines(text).place(number.start()))
    try:
        with _not_collecting():
            yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        about = error.context if str(error.context).startswith("found") else ""  # a duplicate anchor
        problem = " ".join(f"{about or ''} {error.problem or error.context}".split())
        raise InvalidYamlError(f"not valid YAML: {problem}", place) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(error.character, Lines(text).place(error.position)) from None
    except (ValueError, LookupError, AttributeError, TypeError) as error:  # a tag that lies, a bad date
        raise InvalidYamlError(f"a value that PyYAML cannot read: {error}") from None
    except RecursionError:
        raise InvalidYamlError("nested too deeply to be a model config") from None


def _bad_character(code: int, place: Place) -> InvalidYamlError:
    return InvalidYamlError(f"not valid YAML: the character {chr(code)!a} is not allowed", place)


def _readable(text: str) -> str:
    """``text`` with undecodable bytes, which YAML forbids, each replaced by one character."""
    return _SURROGATE.sub("\ufffd", text)


def compose(text: str, lines: Lines) -> Node | None:
    """The node tree of ``text``, for its spans; raises :class:`ConfigError`."""
    try:
        with warnings.catch_warnings(), _not_collecting():
            warnings.simplefilter("ignore")  # about an anchor named twice; PyYAML refuses it below
            root: nodes.Node | None = YAML(typ="safe", pure=True).compose(_readable(text))
        if "&" in text:
            _check_aliases(root)
        return root
    except ReaderError as error:
        raise _bad_character(error.character, lines.place(error.position)) from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = lines.place(mark.index) if mark else None
        raise InvalidYamlError(f"not valid YAML: {getattr(error, 'problem', error)}", place) from None
    except RecursionError:
        raise InvalidYamlError("nested too deeply to be a model config") from None


def children(node: Node) -> list[Node]:
    """The nodes directly below ``node``: of a mapping, keys and values in turn."""
    if isinstance(node, MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _check_aliases(root: Node | None) -> None:
    """Refuse aliases that contain themselves or multiply beyond any real config."""
    sizes: dict[int, int] = {}

    def size(node: Node) -> int:
        if id(node) not in sizes:
            sizes[id(node)] = _MAX_VALUES + 1  # for as long as the node is open: it holds itself
            sizes[id(node)] = 1 + sum(size(child) for child in children(node))
        return sizes[id(node)]

    if root is not None and size(root) > _MAX_VALUES:
        raise InvalidYamlError("its YAML aliases multiply into too many values to be a model config")


def check_duplicates(root: Node, lines: Lines) -> None:
    """PyYAML keeps the last of two equal keys without a word; nobody means that."""
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if isinstance(node, ScalarNode) or id(node) in seen:
            continue
        seen.add(id(node))
        pending += children(node)
        if isinstance(node, MappingNode):
            keys: set[tuple[str, str]] = set()
            for key, _ in node.value:
                if not isinstance(key, ScalarNode):
                    continue
                identity = (str(key.tag), key.value)
                if identity in keys:
                    raise DuplicateKeyError(
                        f"the key {key.value!r} stands here a second time: delete one of the two",
                        lines.place(key.start_mark.index),
                    )
                keys.add(identity)
