"""The request of an ``add`` or ``replace``: the provenance line stores it, and ``check`` runs it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from yamlinject.core import selectors
from yamlinject.core.selectors import SCOPES, Scope, Selector
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import SelectorError, YamlInjectError

#: The most selectors of one request; each is looked up among all layers.
_MOST_SELECTORS = 200

#: The options of both commands that say what they do.
_COMMON = frozenset({"--scope", "--number", "--args", "--fix-comments"})
_OPTIONS = {"add": _COMMON | {"--after", "--readers"}, "replace": _COMMON | {"--at"}}

_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


@lru_cache
def is_module_name(text: str) -> bool:
    """Whether a row can name this module: an identifier, maybe dotted, that PyYAML reads as text."""
    return _NAME.fullmatch(text) is not None and isinstance(load_values(text), str)


def command_line(*words: str) -> str:
    """A yamlinject command as it would be typed."""
    return shlex.join(["yamlinject", *words])


class Request(NamedTuple):
    """A command ``add MODULE BASE --after SELECTOR…`` or ``replace MODULE BASE --at SELECTOR…``.

    It has their options, except those for the output. ``after``, ``readers`` and ``at`` hold the texts as
    given, each of which may list several selectors; without ``readers`` all layers that read a target read
    the new one. ``number``: None for 1 or, in a replacement, for that of the replaced row. ``args`` is the
    YAML list in place of the recipe's.
    """

    module: str
    base: str
    after: tuple[str, ...] = ()
    scope: Scope = "backbone"
    number: int | None = None
    args: str | None = None
    fix_comments: bool = False
    readers: tuple[str, ...] = ()
    at: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        """Whether it puts modules in the place of others, and inserts none."""
        return bool(self.at)

    def to_words(self) -> tuple[str, ...]:
        """The words after ``yamlinject``, in a canonical order and without defaults."""
        words = ["replace" if self.replaces else "add", self.module, self.base]
        for option in ("after", "at", "readers"):
            for text in getattr(self, option):
                words += f"--{option}", text
        if self.scope != "backbone":
            words += "--scope", self.scope
        if self.number is not None:
            words += "--number", str(self.number)
        if self.args is not None:
            words += "--args", self.args
        if self.fix_comments:
            words.append("--fix-comments")
        return tuple(words)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> Request:
        """The inverse of :meth:`to_words`; raises :class:`YamlInjectError` for any other command."""
        command, module, base = words[:3] if len(words) > 2 else ("", "", "")
        options = _OPTIONS.get(command)
        if not options or not is_module_name(module) or (base.startswith("-") and base != "-"):
            raise YamlInjectError("not a command that makes a config")
        request = cls(module, base)
        rest = iter(words[3:])
        for word in rest:
            if word not in options:
                raise YamlInjectError(f"{word}: not an option of {command}")
            request = request._with(word, "" if word == "--fix-comments" else next(rest, ""))
        request.selectors()
        request.reader_selectors()
        return request

    def selectors(self) -> list[Selector]:
        """The selectors of ``after``, or of ``at``.

        Raises :class:`SelectorError` for one that cannot be read, for none, and for far too many.
        """
        if not self.after and not self.at:
            raise SelectorError("no selector says which layers are meant")
        return _parsed(self.after or self.at)

    def reader_selectors(self) -> list[Selector]:
        """The selectors of ``readers``; raises :class:`SelectorError` as :meth:`selectors` does."""
        return _parsed(self.readers)

    @property
    def words_of_name(self) -> str:
        """What the name of a file says of it where the module alone does not tell: ``SimAM_head-C3``."""
        return "_".join([self.module, *(re.sub(r"[^\w.@-]+", "-", text) for text in self.after or self.at)])

    def recorded(self) -> Request:
        """The request as a line can hold it: a base that begins with a dash gets ``./`` before it."""
        is_option = self.base.startswith("-") and self.base != "-"
        return self._replace(base=f"./{self.base}") if is_option else self

    def _with(self, option: str, value: str) -> Request:
        """The request with one more option; raises :class:`YamlInjectError` for an unknown one."""
        if option == "--after":
            return self._replace(after=(*self.after, value))
        if option == "--at":
            return self._replace(at=(*self.at, value))
        if option == "--readers":
            return self._replace(readers=(*self.readers, value))
        if option == "--scope" and value in SCOPES:
            return self._replace(scope=next(scope for scope in SCOPES if scope == value))
        if option == "--number" and _NUMBER.fullmatch(value):
            return self._replace(number=int(value))
        if option == "--args":
            return self._replace(args=value)
        if option == "--fix-comments":
            return self._replace(fix_comments=True)
        raise YamlInjectError(f"{option} {value}: no such value")


def _parsed(texts: Sequence[str]) -> list[Selector]:
    number = sum(text.count(",") + 1 for text in texts)
    if number > _MOST_SELECTORS:
        raise SelectorError(f"{number} selectors: give at most {_MOST_SELECTORS}")
    return [selector for text in texts for selector in selectors.parse(text)]
