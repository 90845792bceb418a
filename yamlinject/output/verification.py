"""What ``verify`` prints: two models side by side, the attention, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from yamlinject.output.tables import Column, Row, table
from yamlinject.output.terminal import Line, note

if TYPE_CHECKING:
    from yamlinject.verification.measure import Latency
    from yamlinject.verification.result import Measured, Verification


def lines(result: Verification, width: int | None = None) -> Iterator[Line]:
    """The report, for a terminal of ``width`` columns or for none; its last line is the verdict."""
    heads = (Column(), *(Column(one.name, folds=True) for one in (result.base, result.config)))
    yield from table(heads, [Row(*cells) for cells in numbers(result)], width)
    yield Line("")
    yield from said(result)


def numbers(result: Verification) -> Iterator[tuple[str, str, str]]:
    """What is measured, of the base, and of the config."""
    base, config, latency = result.base, result.config, result.latency
    yield "layers", str(base.layers), str(config.layers)
    yield "parameters", f"{base.parameters:,}", f"{config.parameters:,}"
    yield "GFLOPs", _rounded(base.gflops), _rounded(config.gflops)
    yield "strides", _list(base.strides), _list(config.strides)
    if latency is not None:
        yield "latency", f"{latency.base:.1f} ms", f"{latency.config:.1f} ms"


def said(result: Verification) -> Iterator[Line]:
    """What stands below the numbers."""
    base, config, latency = result.base, result.config, result.latency
    yield from _shapes("outputs", base, config, base.eval_shapes, config.eval_shapes)
    yield from _shapes("training", base, config, base.train_shapes, config.train_shapes)
    if latency is not None:
        yield Line(_pairs(latency), label="latency")
    for one in result.attention:
        e_lambda = "" if one.e_lambda is None else f", lambda {one.e_lambda:g}"
        what = f"{one.channels} channels, {one.parameters:,} parameters{e_lambda}"
        yield Line(f"layer {one.layer} ({one.module}): {what}", "green", label="attention")
    for layer in result.replaced:
        what = f"{layer.parameters:,} parameters, and the {layer.before} before {layer.parameters_before:,}"
        yield Line(f"layer {layer.layer} ({layer.module}): {what}", "green", label="replaced")
    if result.proven and (result.attention or result.replaced):
        how = ["without the attention"] * bool(result.attention)
        how += ["with the base's modules in the replaced places"] * bool(result.replaced)
        yield Line(f"{' and '.join(how)}, the outputs equal those of the base", label="compared")
    own = sum(one.gflops for one in result.attention)
    if own:
        yield note(f"{own:.2g} GFLOPs are the attention's own operations; profilers count them as zero")
    yield from map(note, result.notes)
    yield Line(f"by {result.framework} with an image of {result.image_size} px", label="measured")
    for problem in result.problems:
        yield Line(problem, "red", label="problem")
    yield _verdict(result)


def _verdict(result: Verification) -> Line:
    name, count = result.config.name, len(result.problems)
    if count:
        return Line(f"{name} has {count} problem{'s' * (count > 1)}, see above", "red", label="wrong")
    if result.proven:
        what = ["attention inserted"] * bool(result.attention)
        what += ["modules replaced"] * bool(result.replaced)
        said = f"{name} builds, and is {result.base.name} with {' and '.join(what)}"
        return Line(said, "green", label="verified")
    return Line(
        f"{name} builds; whether its references are right is not known",
        "yellow",
        label="builds",
    )


def _shapes(
    what: str, base: Measured, config: Measured, left: list[list[int]], right: list[list[int]]
) -> Iterator[Line]:
    """The shapes of both models, once if they are the same."""
    texts = [", ".join("x".join(map(str, shape)) for shape in shapes) for shapes in (left, right)]
    if left == right:
        yield Line(f"the same shapes: {texts[0]}", label=what)
    else:
        yield Line(f"{texts[0]} ({base.name})", label=what)
        yield Line(f"{texts[1]} ({config.name})", "red", label=what)


def _pairs(latency: Latency) -> str:
    return (
        f"{latency.ratio:.3f} times that of the base on {latency.device} (median of {latency.pairs} pairs; "
        f"half of them between {latency.low:.3f} and {latency.high:.3f})"
    )


def _rounded(value: float) -> str:
    return f"{value:,.1f}" if value >= 10 else f"{value:.2g}"


def _list(values: list[int]) -> str:
    return ", ".join(map(str, values))
