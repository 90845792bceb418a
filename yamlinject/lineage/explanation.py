"""What a config is, in commands: its base, the ``add`` and ``replace`` that make it, and the rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from yamlinject.config import Config, Rewritten
from yamlinject.core import graph, scales
from yamlinject.core.document import OF_THE_DATA
from yamlinject.core.layer import SECTIONS, flow
from yamlinject.core.request import Request
from yamlinject.library import bases
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import matching
from yamlinject.lineage.commands import Made, commands, sources
from yamlinject.lineage.known import known_like
from yamlinject.lineage.resolve import Evidence, Lineage, Search, resolve


class Explanation(NamedTuple):
    """How a config can be made.

    ``requests``: the commands, each for the result of the one before; ``left``: what they do not give, a
    line each. ``same_graph``: whether they give its modules, and what each of them reads. ``steps``: what
    the commands give, one after the other, unless the config's own lines name them.
    """

    base: str
    evidence: Evidence
    requests: tuple[Request, ...]
    left: tuple[str, ...]
    same_graph: bool
    steps: tuple[Rewritten, ...] = ()


def explain(
    config: Config, base: Config | None = None, *, search: Search = "installed"
) -> Explanation | None:
    """The base of ``config`` and the commands that make it of that; None if no base is known.

    ``base`` and ``search`` as for :func:`.resolve.resolve`. Raises :class:`YamlInjectError` where the
    config cannot be read, and where it was not made from the given base.
    """
    found = _made_from(config, base) or resolve(config, base, search=search)
    if found.match is None:
        return None
    if found.evidence == "recorded" and found.original and not found.edited:
        lines = [line.provenance.request for line in reversed(config.parsed.provenance)]
        others, name = tuple(_other_values(config, found.original)), _name(found)
        in_turn = tuple(_in_turn(lines, name))
        return Explanation(name, found.evidence, in_turn, others, same_graph=True)
    start, is_known = _start(found)
    made = commands(config, start, found.aligned)
    graph_problems = list(_wrong(config, made))
    left = [*graph_problems, *_other_rows(config, made)]
    if is_known:
        left += _other_values(config, start)
    requests = tuple(step.rewrite.provenance.request for step in made.steps if step.rewrite.provenance)
    same = not graph_problems
    return Explanation(start.name, found.evidence, requests, tuple(left), same, tuple(made.steps))


def _made_from(config: Config, base: Config | None) -> Lineage | None:
    """How ``config``, without lines of its own, was made from a given base; its modules may be others."""
    if base is None or config.parsed.provenance:
        return None
    match = matching.match(config.parsed.layers, [Wiring.of(base.label, base.layers)])
    return Lineage("given", config, match.aligned, match, base) if match else None


def _name(found: Lineage) -> str:
    """What to call a recorded base: lines that were adopted name none."""
    if found.name != bases.STDIN or not found.original:
        return found.name
    known = known_like(found.original)
    return known.name if known else found.name


def _in_turn(requests: Iterable[Request], base: str) -> Iterator[Request]:
    """Recorded commands, the first for ``base``, each other for the file that the one before writes."""
    for request in requests:
        yield request._replace(base=base)
        if base != bases.STDIN:
            base = f"{Path(base).stem}_{request.module}.yaml"


def _start(found: Lineage) -> tuple[Config, bool]:
    """The base as a config to run commands on, and whether its values are known and not only its layers."""
    if found.original:
        return found.original, True
    assert found.match
    config, wiring = found.config, found.match.base
    rows: dict[str, list[Any]] = {name: [] for name in SECTIONS}
    for layer, place in zip(wiring.layers, found.aligned, strict=True):
        own = config.layers[place]
        from_ = (
            layer.references
            if len(layer.references) != 1 or isinstance(own.from_, list)
            else layer.references[0]
        )
        rows[layer.section].append([from_, own.number, layer.module, own.args])
    text = yaml.safe_dump({**config.document.data, **rows}, default_flow_style=None, sort_keys=False)
    name = wiring.name.split(" ")[0]
    guess = Config.from_text(text, name)
    known = known_like(guess)
    if known is None or [graph.sources(layer) for layer in known.layers] != [
        graph.sources(layer) for layer in wiring.layers
    ]:
        return guess, False
    scale = scales.asked(config.stem)
    if scale and not scales.asked(known.stem) and scales.built(known.document.data, known.stem):
        stem = scales.asking(known.stem, scale)
        known = Config(stem, known.to_bytes(), stem=stem)
    return known, True


def _wrong(config: Config, made: Made) -> Iterator[str]:
    """The layers that no command gives, and those that read something else than after the commands."""
    known = set(made.places)
    for place, layer in zip(made.places, made.result.layers, strict=True):
        given = [
            source if source == graph.IMAGE else made.places[source] for source in graph.sources(layer)
        ]
        read = sources(config, place, known)
        if config.layers[place].module != layer.module and place not in made.problems:
            yield f"{config.layers[place]}: these commands give a {layer.module}"
        if read != given:
            yield f"{config.layers[place]} reads {_list(read)}, and after these commands {_list(given)}"
    for index, problem in sorted(made.problems.items()):
        yield f"{config.layers[index]} {flow(config.layers[index].row)}: {problem}"


def _list(indices: list[int]) -> str:
    return ", ".join("the image" if index == graph.IMAGE else str(index) for index in indices) or "nothing"


def _other_rows(config: Config, made: Made) -> Iterator[str]:
    """The rows with another number or other args."""
    for place, layer in zip(made.places, made.result.layers, strict=True):
        own = config.layers[place]
        if own.module == layer.module and (own.number, own.args) != (layer.number, layer.args):
            yield f"{own} is {flow(own.row)}, and after these commands {flow(layer.row)}"


def _values(config: Config) -> dict[str, Any]:
    """The values besides the rows and what the data set determines."""
    return {
        key: value
        for key, value in config.document.data.items()
        if key not in OF_THE_DATA and key not in SECTIONS
    }


def _other_values(config: Config, start: Config) -> Iterator[str]:
    before, now = _values(start), _values(config)
    for key in sorted({*before, *now}, key=str):
        if before.get(key) != now.get(key):
            yield f"{key} is {flow(now.get(key))}, and in {start.label} {flow(before.get(key))}"
