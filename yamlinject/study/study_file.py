"""``study.yaml``: a plan as a text to read and to edit."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from yamlinject import files
from yamlinject.core import yaml_nodes
from yamlinject.core.lines import Lines
from yamlinject.core.source import Source
from yamlinject.errors import ConfigError, Place, YamlInjectError, named
from yamlinject.study.plan import Plan
from yamlinject.study.sense import nonsense

#: The keys in the order of the file, and what each means.
_KEYS = {
    "base": "the config that all others are compared with: a path, or a name of `yamlinject bases`",
    "framework": "yolov5 or ultralytics",
    "checkout": "the folder of the framework's source; null: the installed package",
    "modules": "each of these ...",
    "after": "... is inserted after each of these, which may name several layers: 'SPPF,C3@-1'",
    "placebo": "whether an identity is inserted there too: the control for all but the module itself",
    "replace": "each of these ...",
    "at": "... takes the place of each of these",
    "scales": "each variant in each of these scales; []: in that of the base",
    "seeds": "each variant is trained once with each; all with the same ones, to be compared in pairs",
    "weights": "the checkpoint of the base, one for each scale; []: from scratch",
    "args": "what the training of the framework gets, as on its command line",
    "module_files": "Python files with modules of your own",
    "paths_from": "relative paths above are seen from here, and the training runs here",
}

_HEAD = """\
# A study of yamlinject: what is compared, and how it is trained. Edit it as you like, then
# `yamlinject study new FOLDER` brings the configs and the weights up to date; what is done stays done as
# long as its config, its weights, its seed, the args and your module files are the same.
"""


def text(plan: Plan) -> str:
    """``study.yaml`` for ``plan``; :func:`parsed` is the inverse."""
    lines = [_HEAD]
    for key, meaning in _KEYS.items():
        value = getattr(plan, key)
        if key == "args":
            value = shlex.join(value)
        lines.append(f"# {meaning}\n{key}: {_as_yaml(value)}\n")
    return "\n".join(lines)


def _as_yaml(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    dumped = yaml.safe_dump([plain], default_flow_style=True, width=float("inf"), allow_unicode=True)
    return dumped.strip()[1:-1]


def read(file: Path) -> Plan:
    """The plan in ``file``.

    Raises :class:`YamlInjectError` with line and column for anything that :func:`text` would not write.
    """
    data = files.read_bytes(file)
    with named(str(file)):
        return parsed(Source.from_bytes(data).text)


def parsed(text: str) -> Plan:
    """The plan in a text; raises :class:`YamlInjectError` with line and column."""
    lines = Lines(text)
    reading = yaml_nodes.Reading(text)
    root = reading.root
    if not isinstance(root, MappingNode):
        raise ConfigError("has to have keys, such as base: yolov5s", Place(1, 1))
    yaml_nodes.check_duplicates(root, lines)
    found: dict[str, Any] = {}
    places = dict.fromkeys(_KEYS, Place(1, 1))
    for key, node in root.value:
        place = lines.place(key.start_mark.index)
        name = key.value if isinstance(key, ScalarNode) else None
        if name not in _KEYS:
            raise ConfigError(f"no key of a study: {name or 'a list'}; there are {', '.join(_KEYS)}", place)
        found[name] = _READERS[name](_Value(name, node, lines))
        places[name] = lines.place(node.start_mark.index)
    for name in ("base", "framework"):
        if name not in found:
            raise ConfigError(f"{name} is missing: {_KEYS[name]}", Place(1, 1))
    plan = Plan(**found)
    wrong = nonsense(plan)
    if wrong:
        raise ConfigError(str(wrong), places[wrong.key])
    return plan


class _Value:
    """The value of a key, to be read as what it has to be."""

    def __init__(self, key: str, node: Node, lines: Lines) -> None:
        self.key, self.node, self.lines = key, node, lines

    def error(self, what: str, node: Node | None = None) -> YamlInjectError:
        mark = (node or self.node).start_mark
        return ConfigError(f"{self.key}: {what}", self.lines.place(mark.index))

    def text(self) -> str:
        return self._scalar(self.node, "has to be a text")

    def _scalar(self, node: Node, what: str) -> str:
        if not isinstance(node, ScalarNode) or node.tag.endswith(":null") or not node.value.strip():
            raise self.error(what, node)
        return str(node.value).strip()

    def optional(self) -> str | None:
        return None if self.node.tag.endswith(":null") else self.text()

    def texts(self) -> tuple[str, ...]:
        what = "has to be a list of texts, such as [one, two], or []"
        if not isinstance(self.node, SequenceNode):
            raise self.error(what)
        return tuple(self._scalar(node, what) for node in self.node.value)

    def flag(self) -> bool:
        word = self.node.value if isinstance(self.node, ScalarNode) else None
        if word not in ("true", "false"):
            raise self.error("has to be true or false")
        return bool(word == "true")

    def numbers(self) -> tuple[int, ...]:
        what = "has to be a list of numbers, such as [0, 1, 2]"
        if not isinstance(self.node, SequenceNode):
            raise self.error(what)
        found = [self._scalar(node, what) for node in self.node.value]
        for one, node in zip(found, self.node.value, strict=True):
            if not one.isdecimal() or len(one) > len(str(MOST_SEED)) or int(one) > MOST_SEED:
                raise self.error(f"{one}: a seed is a number from 0 to {MOST_SEED}", node)
        return tuple(map(int, found))

    def words(self) -> tuple[str, ...]:
        if isinstance(self.node, ScalarNode) and (not self.node.value or self.node.tag.endswith(":null")):
            return ()
        try:
            return tuple(shlex.split(self.text()))
        except ValueError as error:
            raise self.error(str(error)) from None

    def framework(self) -> str:
        word = self.text()
        if word not in ("yolov5", "ultralytics"):
            raise self.error(f"{word}: has to be yolov5 or ultralytics")
        return word


#: The largest seed that torch, numpy and random all take.
MOST_SEED = 2**32 - 1

_READERS: dict[str, Callable[[_Value], Any]] = {
    "base": _Value.text,
    "framework": _Value.framework,
    "checkout": _Value.optional,
    "placebo": _Value.flag,
    "seeds": _Value.numbers,
    "args": _Value.words,
    "paths_from": _Value.text,
    **dict.fromkeys(
        ("modules", "after", "replace", "at", "scales", "weights", "module_files"), _Value.texts
    ),
}
