"""What ``add``, ``replace``, ``remove`` and ``register`` did, in lines for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from yamlinject.core import graph, modules
from yamlinject.core.layer import flow
from yamlinject.core.rewrite import Rewrite
from yamlinject.library import recipes, upstream
from yamlinject.output.terminal import Line, note

if TYPE_CHECKING:
    from yamlinject.checkout.patch import Patch
    from yamlinject.config import Rewritten


def rewritten(
    config: Rewritten, *, scoped: bool = False, given: bool = False, own: bool = False
) -> Iterator[Line]:
    """What :meth:`Config.add` or :meth:`Config.replace` did: the layers picked, and every changed row.

    ``scoped``: whether the user chose the scope, and need not be told what is outside; ``given``: whether
    the args were given; ``own``: whether a module file of the user's has the module.
    """
    if config.rewrite.replaced:
        yield from _replacement(config, scoped, given)
    else:
        yield from _insertion(config, scoped)
    yield from _origin(config, own)
    yield from _stale(config.rewrite)


def _insertion(config: Rewritten, scoped: bool) -> Iterator[Line]:
    base, rewrite = config.base, config.rewrite
    module = rewrite.injected[0].module
    yield from _picked(rewrite)
    for layer in rewrite.injected:
        yield Line(f"layer {layer.index} {flow(layer.row)}", "green", label="inserted")
    yield from _changes(rewrite)
    yield from _outside(rewrite, "--after", scoped)
    targets = Counter(layer.index for pick in rewrite.picked for layer in pick.layers)
    for index, times in targets.items():
        if times > 1:
            yield note(f"{base.layers[index]} was picked {times} times: the layers stack")
        if base.layers[index + 1].module == module:
            yield note(f"{base.layers[index]} already had a {module} below it: they stack")
    if module not in recipes.names():
        yield note(f"{module} is assumed to keep the shape of its input")
    yield from _guessed(config)
    if "freeze" in base.document.data:
        yield note(
            "its 'freeze' names layers by their index and was left alone: check whether it still fits"
        )


def _guessed(config: Rewritten) -> Iterator[Line]:
    """That the channels in new rows rest on modules of which only the name is known."""
    base = config.base
    injected = {base.layers[index].module for index in base.injected}
    guesses = graph.guesses(base.layers, {*recipes.names(), *injected})
    counts = base.document.channels
    picked = sorted({layer.index for pick in config.rewrite.picked for layer in pick.layers})
    written = {value for layer in config.rewrite.injected for value in _flat(layer.args)}
    told = {guess.index: counts[index] for index in reversed(picked) if (guess := guesses[index])}
    for index, count in told.items():
        if count in written:
            what = f"what {base.layers[index]} gives is not known, verify builds it"
            yield note(f"{count} channels are a guess: {what}")


def _flat(value: Any) -> Iterator[int]:
    """The whole numbers in args, at any depth."""
    if isinstance(value, list):
        for item in value:
            yield from _flat(item)
    elif isinstance(value, int):
        yield value


def _replacement(config: Rewritten, scoped: bool, given: bool) -> Iterator[Line]:
    base, rewrite = config.base, config.rewrite
    yield from _picked(rewrite)
    yield from _exchanged(config)
    yield from _outside(rewrite, "--at", scoped)
    module = rewrite.replaced[0].module
    row = modules.known(module)
    if not row.follows and module not in recipes.names():
        yield note(f"what {module} takes and gives is not known here: yamlinject verify builds it")
    shorter = any(len(layer.args) < len(base.layers[layer.index].args) for layer in rewrite.replaced)
    if shorter and row.takes is not None and not given:
        yield note(f"args that mean something else to {module} were left out: --args says them")


def _origin(config: Rewritten, own: bool) -> Iterator[Line]:
    """That the framework has no such module, or that it takes its own."""
    document = config.base.document
    (module,) = {layer.module for layer in config.rewrite.injected or config.rewrite.replaced}
    framework = upstream.written_for(document)
    name = {"yolov5": "YOLOv5", "ultralytics": "Ultralytics"}[framework]
    is_there = upstream.has(framework, module)
    if own and is_there:
        yield note(f"{name} has a {module} and takes that, not the one in your file")
    is_of_another = any(upstream.has(framework, layer.module) is False for layer in document.layers)
    if is_there is False and not own and not is_of_another:
        yield note(
            f"{module} is {upstream.owner(module)}, and this a config for {name}, which has none of that "
            "name: name its Python file with --modules"
        )


def removal(config: Rewritten) -> Iterator[Line]:
    """What :meth:`Config.remove` did."""
    rewrite = config.rewrite
    for layer, moved in zip(config.base.layers, rewrite.index_map.moved, strict=True):
        if moved < 0:
            yield Line(f"layer {layer.index} {flow(layer.row)}", "red", label="removed")
    yield from _exchanged(config)
    yield from _changes(rewrite)
    if config.exact:
        yield Line("byte for byte the base that its provenance line recorded", label="result")
    elif rewrite.provenance:
        what = "other values" if config.same_rows else "the rows"
        yield note(f"{what} were edited after it was generated: the result is not byte for byte its base")
    else:
        yield note("it has no provenance line: every layer of the module was removed")


def _picked(rewrite: Rewrite) -> Iterator[Line]:
    for pick in rewrite.picked:
        layers = ", ".join(f"{layer.index} {layer.module}" for layer in pick.layers)
        yield Line(f"{layers}  ({pick.selector.text})", label="picked")


def _outside(rewrite: Rewrite, option: str, scoped: bool) -> Iterator[Line]:
    """How to reach the layers that a selector of a module left out."""
    for pick in rewrite.picked:
        if pick.outside and not scoped and pick.selector.scope is None:
            what = pick.selector.what
            yield note(f"{pick.outside} more {what} outside this scope: {option} all/{what} picks all")


def _stale(rewrite: Rewrite) -> Iterator[Line]:
    if rewrite.stale:
        layers = ", ".join(map(str, rewrite.stale))
        yield note(
            f"index comments that were wrong before were left alone (layers {layers}): "
            "--fix-comments fixes them"
        )


def _exchanged(config: Rewritten) -> Iterator[Line]:
    """The rows that got another module, before and after."""
    for layer in config.rewrite.replaced:
        before = config.base.layers[layer.index]
        yield Line(
            f"layer {layer.index} {flow(before.row)} -> {flow(layer.row)}", "green", label="replaced"
        )


def _changes(rewrite: Rewrite) -> Iterator[Line]:
    for layer, from_ in rewrite.changes:
        now = rewrite.index_map.moved[layer.index]
        moved = f"  (now layer {now})" if now != layer.index else ""
        yield Line(f"{layer}: {flow(layer.from_)} -> {flow(from_)}{moved}", "yellow", label="changed")


def patched(patch: Patch, checkout: str, *, written: bool) -> Iterator[Line]:
    """What a patch of a checkout did, or would do."""
    for path, _, _ in patch.files:
        if written:
            yield Line(str(path), "bold", label="wrote")
        else:
            yield Line(f"{path} would change", label="checked")
    if not patch.changed:
        yield Line(f"{checkout} is as it should be", label="unchanged")
    yield from map(note, patch.notes)
