"""Which model a checkpoint is of, as seen from the config that it is transferred to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from yamlinject.core import graph, modules
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import SECTIONS, Layer
from yamlinject.errors import RefusalError, named
from yamlinject.lineage import alignment
from yamlinject.lineage.recorded import states
from yamlinject.lineage.resolve import Lineage, another_model, resolve, trained
from yamlinject.weights.state_dict import layer_of

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.weights.checkpoint import Checkpoint

#: More layers than any model has, or any layer reads.
_MOST_LAYERS = 1000


class Origin(NamedTuple):
    """A model that a config was made from: its name, and where its layers are in the config.

    ``head``: the module of its last layer, where that is another than the config's: one for another task.
    ``replaced``: the layers of the config that have another module or other args.
    """

    name: str
    index_map: IndexMap
    head: str | None = None
    replaced: frozenset[int] = frozenset()


class NothingToConvertError(RefusalError):
    """A checkpoint whose layers are those of the config already."""


class _Candidate(NamedTuple):
    """A state on the way to a config: where its layers are there, and which have other rows there."""

    name: str
    aligned: list[int]
    modules: list[str]
    replaced: frozenset[int] = frozenset()

    @classmethod
    def of(cls, config: Config, found: Lineage, name: str) -> _Candidate:
        """The base that was ``found``."""
        replaced = dict(found.replaced)
        modules = [config.layers[place].module for place in found.aligned]
        if found.original and replaced:
            modules = _modules(found.original.layers)
        return cls(name, found.aligned, modules, frozenset(replaced))


def origin(config: Config, checkpoint: Checkpoint, base: Config | None) -> Origin:
    """The model that ``checkpoint`` is of: the base of ``config``, or a state on the way from there.

    Its head may be one for another task. Raises :class:`YamlInjectError` where that cannot be told with
    certainty, and where its layers are already those of ``config``.
    """
    held = _layers(checkpoint.architecture)
    own = _for_task_of(config, held)
    if own and base is None and _modules(own) == _modules(config.layers):
        raise nothing_to_convert(config)
    given = _for_task_of(config, base.layers) if base else []
    if base and given != base.layers:
        found, name = known(config, None, given), base.label
        own = own or given
    else:
        found = known(config, base, own)
        name = found.name
    candidates = [_Candidate.of(config, found, name), *([] if base else _on_the_way(config))]
    source = _source(checkpoint, own, candidates)
    if source is None and (base or not own):
        raise another_model(config, own)
    if source is None:
        found = trained(config, own)
        source = _Candidate.of(config, found, found.name)
    last = (held or (base.layers if base else config.layers))[-1].module
    head = last if last != config.layers[-1].module else None
    return Origin(source.name, index_map(config, source.aligned), head, source.replaced)


def nothing_to_convert(config: Config) -> NothingToConvertError:
    """The error for a checkpoint that was converted for ``config``, or trained with it."""
    return NothingToConvertError(
        f"it is converted already: its layers are those of {config.label}, so train with it as it is"
    )


def _source(
    checkpoint: Checkpoint, own: Sequence[Layer], candidates: Sequence[_Candidate]
) -> _Candidate | None:
    """The first of ``candidates`` that ``checkpoint`` is of, by its modules or else by its last layer."""
    if own:
        return next((one for one in candidates if one.modules == _modules(own)), None)
    count = 1 + max((layer_of(key) or 0 for key in checkpoint.state), default=0)
    return next((one for one in candidates if len(one.aligned) == count), candidates[0])


def _on_the_way(config: Config) -> Iterator[_Candidate]:
    """The states before each provenance line, the newest first, named by what had been done."""
    for restored, aligned in states(config):
        lines = [found.provenance.request for found in reversed(restored.parsed.provenance)]
        if lines:
            name = f"{lines[0].base} with {', '.join(line.module for line in lines)}"
            pairs = zip(aligned, restored.layers, strict=True)
            replaced = (place for place, one in pairs if one.row[1:] != config.layers[place].row[1:])
            yield _Candidate(name, aligned, _modules(restored.layers), frozenset(replaced))


def _for_task_of(config: Config, layers: Sequence[Layer]) -> list[Layer]:
    """``layers`` with the head of ``config``: models for other tasks differ in nothing else."""
    last = config.layers[-1]
    if not layers or not all(modules.known(one.module).role == "head" for one in (layers[-1], last)):
        return list(layers)
    return [*layers[:-1], layers[-1]._replace(module=last.module)]


def _modules(layers: Sequence[Layer]) -> list[str]:
    return [layer.module for layer in layers]


def known(config: Config, base: Config | None, own: Sequence[Layer] = ()) -> Lineage:
    """What ``config`` was made from; raises :class:`RefusalError` if only module names tell."""
    found = resolve(config, base, own)
    if found.evidence == "none":
        with named(config.label):
            raise RefusalError("it is not known which of its layers are new: give `base`")
    return found


def index_map(config: Config, aligned: Sequence[int]) -> IndexMap:
    """The index map of the insertion that left the base's layers at ``aligned``."""
    injected = alignment.injected(config.layers, aligned)
    above = [sum(place < index for place in aligned) - 1 for index in injected]
    return IndexMap.inserting(len(aligned), above)


def _layers(architecture: Mapping[str, Any] | None) -> list[Layer]:
    """The layers of a config as a checkpoint keeps it; none if it is not a config."""
    sections = [(architecture or {}).get(name, []) for name in SECTIONS]
    if not all(isinstance(rows, list) for rows in sections) or sum(map(len, sections)) > _MOST_LAYERS:
        return []
    rows = [(name, row) for name, rows in zip(SECTIONS, sections, strict=True) for row in rows]
    if not all(_is_row(row) for _, row in rows):
        return []
    layers = [Layer(index, name, *row) for index, (name, row) in enumerate(rows)]
    references = [(layer.index, reference) for layer in layers for reference in layer.references]
    return [] if any(graph.reference_problem(*pair) for pair in references) else layers


def _is_row(row: object) -> bool:
    match row:
        case [int(), int(), str(), list()]:
            return True
        case [list(references), int(), str(), list()]:
            return len(references) <= _MOST_LAYERS and all(isinstance(one, int) for one in references)
    return False
