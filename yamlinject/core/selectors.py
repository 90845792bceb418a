"""Selector text to layer indices: ``SPPF``, ``9``, ``C3@-1``, ``head/C3``, ``detect-inputs``."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, get_args

from yamlinject.core import graph, lookalikes, spelling
from yamlinject.core.layer import Layer
from yamlinject.errors import SelectorError

Scope = Literal["backbone", "head", "all"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
DETECT_INPUTS = "detect-inputs"

_SELECTOR = re.compile(
    rf"(?:(?P<scope>{'|'.join(SCOPES)})/)?"
    rf"(?P<what>{DETECT_INPUTS}|[0-9]{{1,9}}|[A-Za-z_][\w.]*)"
    r"(?:@(?:(?P<at>-?[0-9]{1,9})|(?P<start>-?[0-9]{1,9})?:(?P<stop>-?[0-9]{1,9})?))?"
)


class Selector(NamedTuple):
    """One selector, parsed.

    ``what``: a module's name, a layer index, or :data:`DETECT_INPUTS`. ``scope``: None when the
    selector names none. ``pick``: which of the matches, counted as Python counts; None for all.
    """

    text: str
    what: str | int
    scope: Scope | None
    pick: int | slice | None


class Picked(NamedTuple):
    """What a selector picks: ``layers``, and how many more of that module are outside its scope."""

    selector: Selector
    layers: list[Layer]
    outside: int


def parse(text: str) -> list[Selector]:
    """Parse a comma-separated list of selectors; raises :class:`SelectorError`."""
    return [_parse_one(part.strip(" ")) for part in text.split(",")]


def _parse_one(text: str) -> Selector:
    match = _SELECTOR.fullmatch(text)
    if not match:
        for found in lookalikes.find(text):
            raise SelectorError(f"selector {text!r}: {found}")
        before, slash, _ = text.partition("/")
        meant = spelling.hint(before, SCOPES) if slash else ""
        raise SelectorError(
            f"selector {text!r}{meant} is not one of MODULE, INDEX, {DETECT_INPUTS}, "
            f"with {'/, '.join(SCOPES)}/ before it or @N, @N:M after it"
        )
    what: str | int = int(match["what"]) if match["what"].isdigit() else match["what"]
    scope = next((scope for scope in SCOPES if scope == match["scope"]), None)
    pick: int | slice | None = None
    if match["at"] is not None:
        pick = int(match["at"])
    elif "@" in text:
        pick = slice(*(int(end) if end else None for end in match.group("start", "stop")))
    if isinstance(what, int) and (scope or pick is not None):
        raise SelectorError(f"selector {text!r}: an index says which layer, write just {what}")
    if what == DETECT_INPUTS and scope:
        raise SelectorError(f"selector {text!r}: {DETECT_INPUTS} has no scope, write just that")
    return Selector(text, what, scope, pick)


def pick(
    selector: Selector, layers: Sequence[Layer], scope: Scope = "backbone", *, to_replace: bool = False
) -> Picked:
    """The layers that ``selector`` picks; ``scope`` is for a selector that names none.

    Raises :class:`SelectorError`, which lists what there is to pick, when there is no match.
    """
    outside = 0
    if isinstance(selector.what, int):
        if selector.what >= len(layers):
            raise SelectorError(f"there is no layer {selector.what}: the last one is {layers[-1].index}")
        return Picked(selector, [layers[selector.what]], 0)
    if selector.what == DETECT_INPUTS:
        indices = sorted(set(graph.sources(layers[-1])) - {graph.IMAGE})
        matches = [layers[index] for index in indices]
        where = f"layers that {layers[-1]} reads"
    else:
        scope = selector.scope or scope
        named = [layer for layer in layers if layer.module == selector.what]
        matches = [layer for layer in named if scope in (layer.section, "all")]
        outside = len(named) - len(matches)
        where = f"{selector.what} in the {scope}" if scope != "all" else f"{selector.what}"
        if not matches:
            raise SelectorError(_no_match(selector.what, where, outside, layers, to_replace))
    chosen = matches
    if isinstance(selector.pick, int):
        if not -len(matches) <= selector.pick < len(matches):
            raise SelectorError(f"selector {selector.text!r}: there are only {len(matches)} {where}")
        chosen = [matches[selector.pick]]
    elif selector.pick is not None:
        chosen = matches[selector.pick]
    if not chosen:
        raise SelectorError(f"selector {selector.text!r} picks none of the {len(matches)} {where}")
    return Picked(selector, chosen, outside)


def pick_readers(
    selectors: Sequence[Selector], layers: Sequence[Layer], targets: Collection[int]
) -> list[int]:
    """The readers of the layers ``targets`` that ``selectors`` pick, in any scope that they do not say.

    Raises :class:`SelectorError` for a selector that picks none, and for a target that none of them reads.
    """
    readers = {target: {reader.index for reader in graph.readers(layers)[target]} for target in targets}
    reading = set[int]().union(*readers.values())
    found: set[int] = set()
    for selector in selectors:
        picked = pick(selector, layers, "all").layers
        chosen = {layer.index for layer in picked} & reading
        if not chosen:
            what = str(picked[0]) if len(picked) == 1 else f"none of the {len(picked)} {selector.text}"
            verb = "does not read" if len(picked) == 1 else "reads"
            raise SelectorError(
                f"`readers` {selector.text}: {what} {verb} {_named(layers, targets)}; the readers are "
                f"{_named(layers, reading)}"
            )
        found |= chosen
    for target in targets:
        if found.isdisjoint(readers[target]):
            raise SelectorError(
                f"none of the `readers` reads {layers[target]}; its readers are "
                f"{_named(layers, readers[target])}"
            )
    return sorted(found)


def _named(layers: Sequence[Layer], indices: Collection[int]) -> str:
    return ", ".join(str(layers[index]) for index in sorted(set(indices)))


def _no_match(module: str, where: str, outside: int, layers: Sequence[Layer], to_replace: bool) -> str:
    if outside and module == layers[-1].module and outside == 1 and not to_replace:
        return (
            f"nothing may be inserted after {layers[-1]}, the detection head: "
            f"{DETECT_INPUTS} picks the layers that it reads"
        )
    scope = next((scope for scope in SCOPES if scope == module), None)
    if scope or module.lower() == "neck":
        usable = [layer for layer in layers[:-1] if (scope or "head") in (layer.section, "all")]
        example = f"such as {scope or 'head'}/{usable[-1].module if usable else 'MODULE'}"
        if scope is None:
            return f"the neck is the first part of the head: write a module with it, {example}"
        return f"{module} is a scope: write a module with it, {example}, or --scope {module}"
    if outside:
        other = next(layer.section for layer in layers if layer.module == module)
        return f"there is no {where}, but {outside} in the {other}: write {other}/{module}"
    modules = list(dict.fromkeys(layer.module for layer in layers))
    meant = spelling.hint(module, modules, cutoff=0.5)
    return f"there is no module {module}{meant}; the modules are {', '.join(modules)}"
