"""The provenance lines of a config that was made by hand, so that it can be checked and undone."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.config import Config, Rewritten
from yamlinject.core.document import Document
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import as_flow
from yamlinject.core.provenance import Provenance, Written, digest
from yamlinject.core.removal import remove_layers
from yamlinject.core.replacement import Replacement, replace
from yamlinject.core.rewrite import Rewrite, signed
from yamlinject.core.source import Source
from yamlinject.errors import RefusalError, named
from yamlinject.library import bases
from yamlinject.lineage.generated import all_intact


def adopted(config: Config, steps: Sequence[Rewritten]) -> Rewritten:
    """``config`` with a provenance line for each of ``steps``, whose commands make it.

    Undone, the lines give the file without what the commands made; on that the commands give the same rows
    again, whatever the style of those in the file. Raises :class:`YamlInjectError` where they do not, and
    where the file has lines already.
    """
    with named(config.label):
        if config.parsed.provenance:
            raise RefusalError("its lines '# yamlinject' say already how it was made")
        states = [config.document]
        for step in reversed(steps):
            states.append(_before(states[-1], step))
        states.reverse()
        header = ""
        for before, step in zip(states, steps, strict=False):
            base = Source(header + before.text, config.source.bom).to_bytes()
            line = _line(step, digest(base, before.layers))
            header = signed(before, line).text + header
        same = IndexMap.inserting(len(config.layers), ())
        result = Rewritten(config, Rewrite(header + config.text, same, (), (), (), None), config.stem)
        intact, why = all_intact(result)
        if not intact:
            raise RefusalError(f"the commands do not give its rows again{f': {why}' if why else ''}")
        return result


def _before(after: Document, step: Rewritten) -> Document:
    """The document before a step: without the layers that it injected, or with those that it replaced."""
    if step.rewrite.injected:
        return Document.parse(remove_layers(after, _indices(step)).text)
    old = [
        Replacement(
            new.index,
            was.module,
            as_flow(was.args) if was.args != new.args else None,
            was.number if was.number != new.number else None,
        )
        for new in step.rewrite.replaced
        for was in (step.base.layers[new.index],)
    ]
    return Document.parse(replace(after, old).text)


def _indices(step: Rewritten) -> tuple[int, ...]:
    return tuple(layer.index for layer in step.rewrite.injected or step.rewrite.replaced)


def _line(step: Rewritten, recorded: str) -> Provenance:
    line = step.rewrite.provenance
    assert line
    was = tuple(Written(one.module.strip("'\""), one.number, one.args) for one in line.was)
    request = line.request._replace(base=bases.STDIN)
    return Provenance(request, recorded, _indices(step), {}, was=was, adopted=True)
