"""What to say about a config that was built and run next to its base: notes, and problems."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.config import Config
from yamlinject.core import graph, provenance, scales
from yamlinject.core.document import OF_THE_DATA
from yamlinject.core.layer import flow
from yamlinject.library import recipes
from yamlinject.lineage import alignment
from yamlinject.lineage.resolve import Lineage
from yamlinject.verification.result import Attention, Replaced, Verification


def notes(
    config: Config,
    found: Lineage,
    attention: Sequence[Attention],
    replaced: Sequence[Replaced] = (),
) -> list[str]:
    """What is worth knowing, though it need not be wrong; ``replaced``: as built."""
    notes = []
    if found.named:
        before, now = found.named.document.data, config.document.data
        changed = sorted(key for key in OF_THE_DATA if before.get(key) != now.get(key))
        if changed:
            notes.append(f"{found.named.label} was built with its {', '.join(changed)}")
    if found.edited:
        notes.append("it was edited after it was generated")
    if found.reference is None:
        notes.append("its base is not known, so wrong references are not found: give `base`")
    indices = found.injected
    counts = config.document.channels
    for layer in (config.layers[index] for index in indices):
        (source,) = graph.sources(layer)
        ours = layer.module in recipes.names() and layer.args and source != graph.IMAGE
        if ours and counts[source] not in (None, layer.args[0]):
            notes.append(
                f"{layer} has args {flow(layer.args)}, and its input {counts[source]} nominal channels: a "
                "registered checkout goes by the args"
            )
    if found.replaced:
        notes.append("what the replaced layers compute cannot be compared with the base: their shapes are")
    for layer in (config.layers[new.layer] for new in replaced):
        if layer.index not in dict(found.replaced):
            notes.append(f"{layer} has the same row as in the base, and is built differently")
    asked_for = provenance.injected(config.parsed.provenance, on_branches=True)
    for layer, reader in alignment.bypassing(config.layers, indices):
        if layer.index not in asked_for:
            notes.append(f"{reader} bypasses {layer} and reads the layer above it")
    for one in attention:
        if one.module == "SimAM" and one.e_lambda is None and one.effective:
            notes.append(f"layer {one.layer} (SimAM) follows another formula: its lambda is not known")
        if not one.effective and one.parameters:
            notes.append(f"layer {one.layer} ({one.module}) has no effect before it is trained")
    return notes


def wiring_problems(config: Config, found: Lineage) -> list[str]:
    """What the config reads wrongly, as far as there is a base to compare it with."""
    return [
        f"{wrong.layer} reads {flow(graph.sources(wrong.layer))}, expected {flow(wrong.expected)} as in "
        f"{found.reference}"
        for wrong in found.wrong_readers
    ]


def scale_problems(config: Config, base: Config) -> list[str]:
    """Whether the scale of the base got lost, so that its numbers are those of another model."""
    built, wanted = (scales.built(one.document.data, one.stem) for one in (config, base))
    if not built or not wanted or built == wanted:
        return []
    selects = f"selects {built}" if scales.asked(config.stem) else f"selects no scale, which means {built}"
    name = scales.asking(config.stem, wanted, base.stem)
    return [f"its file's name {selects}, and its base is {base.label}: call it {name}.yaml"]


def differences(result: Verification) -> list[str]:
    """How the model differs from that of its base, apart from the attention."""
    base, config = result.base, result.config
    problems = []
    new = config.parameters - sum(one.parameters for one in result.attention)
    new -= sum(one.parameters for one in result.replaced)
    old = base.parameters - sum(one.parameters_before for one in result.replaced)
    if new != old:
        besides = "the attention's and the replaced layers'" if result.replaced else "the attention's"
        problems.append(f"{new:,} parameters besides {besides}, and {base.name} has {old:,}")
    for what in ("strides", "eval_shapes", "train_shapes"):
        if getattr(config, what) != getattr(base, what):
            problems.append(f"{what.replace('_', ' ')} are not those of the base")
    if not problems and not result.equal:
        problems.append("without what is new, the outputs are not those of the base")
    return problems


def attention_problems(config: Config, result: Verification, ours: Sequence[int]) -> list[str]:
    """What keeps the attention from having an effect, or makes it another than meant.

    ``ours``: the layers whose class is one in :mod:`yamlinject.nn`.
    """
    if not result.attention:
        return [] if result.replaced else ["there is no attention layer in it"]
    indices = sorted({one.layer for one in result.attention})
    problems = [f"no layer reads {layer}" for layer in alignment.unread(config.layers, indices)]
    for layer in (config.layers[index] for index in sorted(set(ours))):
        doubt = recipes.doubt(layer.module, layer.args)
        if doubt:
            problems.append(
                f"{layer} has args {flow(layer.args)}: {doubt}; write {flow(layer.args[:1])} instead"
            )
    for one in result.attention:
        where = f"layer {one.layer} ({one.module})"
        if one.e_lambda is not None and not 0 < one.e_lambda < 1:
            problems.append(
                f"{where} works with lambda {one.e_lambda:g}, which turns the attention off: its class "
                "takes the channels for lambda"
            )
        elif not one.effective and not one.parameters:
            problems.append(f"{where} has no effect: it scales all values alike")
    return problems
