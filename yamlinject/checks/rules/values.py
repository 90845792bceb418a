"""Values that do not mean what they look like, and index comments that lie (YI4xx, YI5xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finding
from yamlinject.core import graph, provenance
from yamlinject.core.document import Span
from yamlinject.core.edits import Edit
from yamlinject.core.index_comments import index_comments
from yamlinject.core.layer import flow
from yamlinject.library import architectures, recipes

#: Numbers for everybody but PyYAML, which wants a point and a signed exponent (YAML 1.1).
_TEXT_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+")

#: One of them in a text, unless it is in quotes, which say that it is meant.
_WORD = re.compile(rf"(?<![\w.'\"+-]){_TEXT_NUMBER.pattern}(?![\w.'\"])")


def check(subject: Subject) -> Iterator[Finding]:
    """What the values and comments of the rows say."""
    for row in subject.document.written:
        yield from _numbers_as_text(subject, row.layer.args, row.span, f"{row.layer}: ")
    for key, value in subject.document.data.items():
        if key in subject.document.values:
            yield from _numbers_as_text(subject, value, subject.document.values[key], f"{key:.100}: ")
    for layer in subject.attention:
        row = subject.rows[layer.index]
        if layer.number != 1 and layer.module not in architectures.modules():
            yield subject.finding(
                "YI402",
                row.span,
                f"{layer} has number {layer.number}, which a framework multiplies by depth_multiple",
                "write 1, so that every scale of the model has one of it",
            )
    yield from _args(subject)
    yield from _freeze(subject)
    yield from _index_comments(subject)


def _numbers_as_text(subject: Subject, values: Any, span: Span, where: str) -> Iterator[Finding]:
    texts = _text_numbers(values)
    for found in _WORD.finditer(subject.document.text, *span) if texts else ():
        if found[0] in texts:
            yield subject.finding(
                "YI401",
                Span(*found.span()),
                f"{where}PyYAML reads {found[0]} as text",
                f"write {recipes.as_number(found[0])}",
            )


def _text_numbers(values: Any) -> set[str]:
    return {value for value in _flat(values) if isinstance(value, str) and _TEXT_NUMBER.fullmatch(value)}


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    else:
        yield value


def _args(subject: Subject) -> Iterator[Finding]:
    known = recipes.names()
    for row in subject.rows:
        layer = row.layer
        if layer.module not in known:
            continue
        first, count = layer.args[0] if layer.args else None, subject.reaching(layer)
        if not graph.could_be_channels(first) and not (graph.is_count(first) and first == count):
            example = recipes.recipe(layer.module).args_text(count or 512)
            yield subject.finding(
                "YI403",
                row.span,
                f"{layer} has args {flow(layer.args)}, which do not begin with its channels",
                f"write {example}" + (" with the channels that reach it" if count is None else ""),
            )


def _index_comments(subject: Subject) -> Iterator[Finding]:
    if subject.first_row_is_backbone:  # they count its feature maps too
        return
    generated = bool(provenance.read(subject.document.text))
    for row, comment in index_comments(subject.document):
        if comment.clear and comment.number != row.layer.index:
            fix = [] if generated else [Edit(*comment.span, str(row.layer.index))]
            how = "add --fix-comments" if generated else "check --fix does it"
            yield subject.finding(
                "YI501",
                comment.span,
                f"{row.layer}: its comment says {comment.number}",
                f"write {row.layer.index} ({how})",
                fix=fix,
            )


def _freeze(subject: Subject) -> Iterator[Finding]:
    """A ``freeze`` list that names other layers than the base's."""
    given = subject.document.data.get("freeze")
    if not isinstance(given, list) or not subject.match:
        return
    frozen, places = {number for number in given if graph.is_index(number)}, subject.match.places
    base = subject.base.document.data.get("freeze") if subject.base else None
    if isinstance(base, list):
        before = {number for number in base if graph.is_index(number) and number < len(places)}
    else:  # the list that means the whole backbone, which is longer now
        backbone = [layer.index for layer in subject.match.base.layers if layer.section == "backbone"]
        before = frozen if sorted(frozen) == backbone else set()
    wanted = {places[index] for index in before}
    if not before or (wanted <= frozen and not frozen & set(places) - wanted):
        return
    if sorted(before) == list(range(min(before), max(before) + 1)):  # all from one to another
        wanted = set(range(min(wanted), max(wanted) + 1))
    key = re.search(r"(?m)^['\"]?freeze\b", subject.document.text)
    yield subject.finding(
        "YI404",
        Span(*key.span()) if key else None,
        f"freeze names layers {flow(sorted(frozen))}: the base's {flow(sorted(before))} are others now",
        f"write {flow(sorted(wanted))}",
        base=subject.match.base.name,
    )
