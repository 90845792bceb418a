"""What a request means for a config: which layers it picks, and the rows that it writes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from yamlinject.core import graph, modules, selectors
from yamlinject.core.document import Document
from yamlinject.core.insertion import Insertion, check_targets, insert
from yamlinject.core.layer import Layer, as_flow, flow
from yamlinject.core.modules import Role
from yamlinject.core.replacement import Replacement, replace
from yamlinject.core.request import Request, is_module_name
from yamlinject.core.rewrite import Rewrite, Signature
from yamlinject.core.selectors import Picked, Selector
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.library import recipes
from yamlinject.library.recipes import CHANNELS, Recipe, recipe


class Order(NamedTuple):
    """A request that is valid by itself, whatever config it is for.

    ``recipe``: None where replaced rows keep their args.
    """

    request: Request
    selectors: list[Selector]
    readers: list[Selector]
    recipe: Recipe | None


def order(request: Request) -> Order:
    """Read a request; raises :class:`YamlInjectError` where it is wrong by itself."""
    selected, reading = request.selectors(), request.reader_selectors()
    if request.number is not None and request.number < 1:
        raise YamlInjectError(f"`number` {request.number}: a layer is built at least once")
    found: Recipe | None = None
    if not request.replaces or request.args is not None or request.module in recipes.names():
        found = recipe(request.module, request.args)
    elif not is_module_name(request.module):
        raise YamlInjectError(f"{request.module!r} cannot be the name of a module")
    if found and not request.replaces and found.why_not_inserted:
        raise RefusalError(found.why_not_inserted)
    return Order(request, selected, reading, found)


def carry_out(
    order: Order, document: Document, signature: Signature | None = None, *, proven: bool = True
) -> Rewrite:
    """Rewrite ``document`` as requested; ``signature`` and ``proven`` as for :func:`.insertion.insert`.

    Raises :class:`YamlInjectError` where nothing is picked, or where the rewrite is refused.
    """
    request = order.request
    if signature is None and document.provenance:
        raise RefusalError(
            "its line '# yamlinject' would become wrong: delete it, or let the new one be written too",
            document.lines.place(document.provenance[0].start),
        )
    document.check_characters()
    picked = [
        selectors.pick(one, document.layers, request.scope, to_replace=request.replaces)
        for one in order.selectors
    ]
    if request.replaces:
        rewrite = _replaced(order, document, picked, signature, proven)
    else:
        rewrite = _inserted(order, document, picked, signature, proven)
    return rewrite._replace(picked=tuple(picked))


def _inserted(
    order: Order, document: Document, picked: Iterable[Picked], signature: Signature | None, proven: bool
) -> Rewrite:
    request, row = order.request, order.recipe
    assert row
    layers = document.layers
    targets = [layer.index for pick in picked for layer in pick.layers]
    check_targets(document, targets)
    readers = selectors.pick_readers(order.readers, layers, targets) if order.readers else None
    insertions = []
    for target in targets:
        args = _args(document, row, layers[target], document.channels[target])
        insertions.append(Insertion(target, request.module, _as_read(args), request.number or 1))
    return insert(
        document,
        insertions,
        readers=readers,
        fix_comments=request.fix_comments,
        signature=signature,
        proven=proven,
    )


def _replaced(
    order: Order, document: Document, picked: Iterable[Picked], signature: Signature | None, proven: bool
) -> Rewrite:
    request, layers, counts = order.request, document.layers, document.channels
    replacements = []
    for index in sorted({layer.index for pick in picked for layer in pick.layers}):
        layer = layers[index]
        if order.recipe:
            inputs = len(layer.references)
            args: str | None = as_flow(_args(document, order.recipe, layer, counts[index], inputs))
        else:
            args = _kept(document, request.module, layer, counts[index])
        _check_role(document, request.module, layer, args)
        replacements.append(Replacement(index, request.module, args, request.number))
    return replace(
        document, replacements, fix_comments=request.fix_comments, signature=signature, proven=proven
    )


def _args(
    document: Document, row: Recipe, layer: Layer, channels: int | None, inputs: int = 1
) -> list[Any]:
    try:
        return row.args_for(channels, inputs)
    except RefusalError as error:
        raise RefusalError(f"{layer}: {error.message}", document.place(layer.index)) from None


def _as_read(args: list[Any]) -> list[Any]:
    """``args`` as they are read from a row: YAML sorts the keys of a mapping, and has no pairs."""
    if all(type(arg) is int for arg in args):
        return args
    read: list[Any] = load_values(as_flow(args))
    return read


def _kept(document: Document, module: str, layer: Layer, channels: int | None) -> str | None:
    """The args of a replaced row: what is left of the old ones for ``module``, None for all of them.

    They stay as far as they mean the same to both; a module that is not known gets them as they are.
    """
    old, new = modules.known(layer.module).takes, modules.known(module).takes
    if old is None or new is None:
        return None
    alike = 0
    for one, other in zip(old.split(), new.split(), strict=False):
        if one != other:
            break
        alike += 1
    if alike >= len(layer.args):
        return None
    if alike or not new:
        return as_flow(layer.args[:alike])
    if new.split()[0] == "c2":
        return as_flow(_args(document, Recipe(module, [CHANNELS]), layer, channels))
    problem = f"{layer} has args {flow(layer.args)}, and {module} takes {new.replace(' ', ', ')}"
    raise RefusalError(f"{problem}: give its `args`", document.place(layer.index))


def _check_role(document: Document, module: str, layer: Layer, args: str | None) -> None:
    """Refuse a module that is known to be for something else than that of ``layer``."""
    now = layer._replace(module=module, args=layer.args if args is None else load_values(args))
    was, role = _role(layer), _role(now)
    if was and role and was != role:
        raise RefusalError(
            f"{layer} is {_WORDS[was]}, and {module} {_WORDS[role]}: it cannot take that place"
            + ("; yamlinject add inserts it" if role == "attention" else ""),
            document.place(layer.index),
        )


_WORDS: dict[Role, str] = {
    "attention": "attention",
    "block": "a block that keeps the size",
    "fusion": "a fusion of several layers",
    "upsample": "an upsampling",
    "downsample": "a downsampling",
    "head": "a head",
}


def _role(layer: Layer) -> Role | None:
    """What a layer is known to be for."""
    if layer.module in recipes.names():
        return recipe(layer.module).role
    row = modules.known(layer.module)
    return graph.role(layer) if row.follows or row.role == "head" else None
