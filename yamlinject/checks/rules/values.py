"""Values that do not mean what they look like (YI4xx)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core import graph, lookalikes, module_rules
from yamlinject.core.layer import Layer, as_flow, flow
from yamlinject.core.rows import Span
from yamlinject.library import architectures, recipes

#: Numbers for everything but PyYAML, which wants a point and a signed exponent (YAML 1.1).
_TEXT_NUMBER = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+")

#: What each of them has in it, and few configs do.
_EXPONENT = re.compile(r"[eE][-+]?[0-9]")

#: One of them in a text, unless it is in quotes, which show that a string is meant.
_WORD = re.compile(rf"(?<![\w.'\"+-]){_TEXT_NUMBER.pattern}(?![\w.'\"])")


#: What a hint says of rows that ``add`` or ``replace`` wrote: a changed row is not what its command gives.
_BY_DEFAULT = ": leave out --args"


@rule("YI401", "warning", "PyYAML reads a number such as 1e-4 as text")
def number_as_text(subject: Subject) -> Iterator[Problem]:
    """In YAML 1.1 a number with an exponent needs a point before it and a sign in it.

    Directly in args it does no harm: the frameworks evaluate the texts there (``eval`` in YOLOv5's
    ``parse_model``, ``ast.literal_eval`` in Ultralytics').
    """
    if not _EXPONENT.search(subject.document.text):
        return
    for row in subject.document.written:
        nested = [arg for arg in row.layer.args if not isinstance(arg, str)]
        yield from _numbers_as_text(subject, nested, row.args, f"{row.layer}: ")
    for key, value in subject.document.data.items():
        if key in subject.document.values:
            yield from _numbers_as_text(subject, value, subject.document.values[key], f"{key:.100}: ")


def _numbers_as_text(subject: Subject, values: Any, span: Span, where: str) -> Iterator[Problem]:
    texts = _text_numbers(values)
    for found in _WORD.finditer(subject.document.text, *span) if texts else ():
        if found[0] in texts:
            yield Problem(
                Span(*found.span()),
                f"{where}PyYAML reads {found[0]} as text",
                f"write {recipes.as_number(found[0])}",
            )


def _text_numbers(values: Any) -> set[str]:
    return {value for value in _flat(values) if isinstance(value, str) and _TEXT_NUMBER.fullmatch(value)}


def _is_number(value: Any) -> bool:
    as_text = isinstance(value, str) and _TEXT_NUMBER.fullmatch(value) is not None
    return as_text or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, dict):
        yield from _flat(list(value.values()))
    else:
        yield value


@rule("YI405", "error", "a full-width character instead of one of YAML's")
def full_width_character(subject: Subject) -> Iterator[Problem]:
    """To PyYAML it is a letter: with such a comma ``[1024, 5]`` is one text in place of two numbers."""
    changed = {edit.start: edit for edit in subject.retyped} if subject.document.lookalikes else {}
    how = " (check --fix does it)" if changed else ""
    for where, found in subject.document.lookalikes:
        fix = (changed[found.word[0]],) if changed else ()
        at = Span(found.start, found.end)
        yield Problem(at, f"{where}: {found}", f"{lookalikes.HINT}{how}", fix=fix)


@rule("YI407", "warning", "a module's name looks like a slip of another one's")
def misspelt_module(subject: Subject) -> Iterator[Problem]:
    """The frameworks look a module up by its name, and stop with a NameError or a KeyError."""
    for row in subject.document.written:
        meant = recipes.slip(row.layer.module)
        if meant and not subject.has_class(row.layer.module):
            yield Problem(row.module, f"{row.layer}: no known module has that name", f"write {meant}")


@rule("YI402", "warning", "attention whose number a framework multiplies by depth_multiple")
def stacked_attention(subject: Subject) -> Iterator[Problem]:
    """A number above 1 becomes 1, 2, 3 or 4 modules on the scales s, m, l and x."""
    for layer in subject.attention:
        if layer.number != 1 and layer.module not in architectures.modules():
            yield Problem(
                subject.rows[layer.index].span,
                f"{layer} has number {layer.number}, which a framework multiplies by depth_multiple",
                "write 1, so that every scale of the model has one of it",
            )


@rule("YI403", "warning", "the args of a row are not those of its class")
def unfitting_args(subject: Subject) -> Iterator[Problem]:
    """Only where the class is known, or where the rows of one module contradict each other."""
    attention = {layer.index for layer in subject.attention}
    for row in subject.rows:
        layer = row.layer
        if layer.index in subject.ours and recipes.recipe(layer.module).role == "fusion":
            problem = _unfitting_inputs(layer)
        elif layer.index in subject.ours or layer.index in attention:
            problem = _unfitting_channels(subject, layer)
        else:
            problem = None
        if problem:
            yield Problem(row.span, *problem)


def _unfitting_inputs(layer: Layer) -> tuple[str, str] | None:
    """What is wrong with the args of a row of ours that joins layers, and what to write."""
    first, count = layer.args[0] if layer.args else None, len(layer.references)
    if first == count and not isinstance(first, bool):
        return None
    written = as_flow(recipes.recipe(layer.module).args_for(None, count))
    return f"{layer} has args {flow(layer.args)}, and {count} inputs", f"write {written}{_BY_DEFAULT}"


def _unfitting_channels(subject: Subject, layer: Layer) -> tuple[str, str] | None:
    """What is wrong with the first of a row's args, and what to write."""
    first, count = layer.args[0] if layer.args else None, subject.reaching(layer)
    taken, other = subject.taken(layer), subject.begins_with_channels.get(layer.module)
    has_args = f"{layer} has args {flow(layer.args)}"
    hint = f"write {flow([count or 512])}" + (" with the channels that reach it" if count is None else "")
    if taken and taken.is_no_channels and module_rules.is_count(first) and first == count:
        effect = ", so that the attention is off" if taken.is_lambda else ""
        hint = f"write [] for its {taken.parameter}" if taken.optional else f"give it its {taken.parameter}"
        return f"{has_args}, and {taken.where} takes the channels for {taken.parameter}{effect}", hint
    if module_rules.could_be_channels(first) or (module_rules.is_count(first) and first == count):
        return None
    if taken and taken.is_channels and (layer.args or not taken.optional):
        hint += _BY_DEFAULT if layer.index in subject.ours else ""
        return f"{has_args}, which do not begin with its channels", hint
    if taken is None and other and _is_number(first):
        return f"{has_args}, and {other} {flow(other.args)}, the channels that reach it", hint
    return None


@rule("YI406", "warning", "the second value of an attention row is not what it looks like")
def doubtful_second_value(subject: Subject) -> Iterator[Problem]:
    """Only for rows that ``add`` wrote, so that the class is the one in :mod:`yamlinject.nn`."""
    for index in sorted(subject.ours):
        layer = subject.layers[index]
        doubt = recipes.doubt(layer.module, layer.args)
        if doubt:
            problem = f"{layer} has args {flow(layer.args)}: {doubt}"
            yield Problem(subject.rows[index].span, problem, f"write {flow(layer.args[:1])}")


@rule("YI404", "warning", "freeze names other layers than in the base")
def stale_freeze(subject: Subject) -> Iterator[Problem]:
    """Ultralytics freezes the layers of these indices."""
    given = subject.document.data.get("freeze")
    if not isinstance(given, list) or not subject.match:
        return
    frozen, aligned = {number for number in given if graph.is_index(number)}, subject.match.aligned
    original = subject.lineage.original if subject.lineage else None
    base = original.document.data.get("freeze") if original else None
    if isinstance(base, list):
        before = {number for number in base if graph.is_index(number) and number < len(aligned)}
    else:  # the list that means the whole backbone, which is longer now
        backbone = [layer.index for layer in subject.match.base.layers if layer.section == "backbone"]
        before = frozen if sorted(frozen) == backbone else set()
    wanted = {aligned[index] for index in before}
    if not before or (wanted <= frozen and not frozen & set(aligned) - wanted):
        return
    if sorted(before) == list(range(min(before), max(before) + 1)):  # all from one to another
        wanted = set(range(min(wanted), max(wanted) + 1))
    key = re.search(r"(?m)^['\"]?freeze\b", subject.document.text)
    yield Problem(
        Span(*key.span()) if key else None,
        f"freeze names layers {flow(sorted(frozen))}: the base's {flow(sorted(before))} are others now",
        f"write {flow(sorted(wanted))}",
        subject.base_name,
    )
