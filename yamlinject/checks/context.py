"""What the rules look at: a config that could be parsed, and its base as far as that is known."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from yamlinject.checks import strides
from yamlinject.checks.findings import RULES, Finding
from yamlinject.core import graph
from yamlinject.core.edits import Edit
from yamlinject.library import architectures, recipes
from yamlinject.library.architectures import Wiring
from yamlinject.lineage import alignment, matching
from yamlinject.lineage.matching import Match

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.core.document import Document, Row, Span
    from yamlinject.core.layer import Layer

#: What forks make of a first row that is a whole backbone (``is_backbone`` in their ``parse_model``): its
#: feature maps, of the strides 2 to 32, are numbered as layers.
BACKBONE_MAPS = 5

#: A backbone of more rows is one that is written out.
_MOST_ROWS_BELOW_IT = 4


class Subject:
    """A config, its document, and the base that it is compared with.

    ``base``: the one that it is known to have; ``bases``: the wirings that may be its base otherwise.
    ``places``: where the layers of ``base`` stand in an untouched generated config.
    """

    def __init__(
        self,
        config: Config,
        document: Document,
        base: Config | None,
        bases: Sequence[Wiring],
        places: Sequence[int] | None = None,
    ) -> None:
        self.config = config
        self.document = document
        self.base = base
        self._bases = bases
        self._places = places
        self._lines: dict[int, str] = {}

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of their indices."""
        return self.document.layers

    @property
    def rows(self) -> list[Row]:
        """The rows in the order of their indices."""
        return self.document.rows

    @cached_property
    def is_graph(self) -> bool:
        """Whether every reference names an earlier layer, so that the layers can be followed."""
        return not any(
            graph.reference_problem(layer.index, reference)
            for layer in self.layers
            for reference in layer.references
        )

    @cached_property
    def first_row_is_backbone(self) -> bool:
        """Whether the first row is a whole backbone, whose feature maps the numbers below count as layers.

        Seen by the numbers: with all of them counted, the furthest one names the row above its reader.
        """
        first, *others = self.layers
        below = [layer for layer in others if layer.section == "backbone"]
        declares = bool(first.args) and graph.is_count(first.args[0])
        if self.base or declares or first.module in architectures.modules():
            return False
        if first.section != "backbone" or len(below) > _MOST_ROWS_BELOW_IT:
            return False
        if any(layer.module in graph.READS_LISTS for layer in others):  # the way to pick maps by rows
            return False
        ahead = [source - layer.index for layer in others for source in graph.sources(layer)]
        return max(ahead, default=0) == BACKBONE_MAPS - 2

    @cached_property
    def match(self) -> Match | None:
        """The base, and what is read otherwise than in it."""
        if self.base:
            base = Wiring.of(self.base.label, self.base.layers)
            if self._places is not None and len(self._places) == len(base.layers):
                return Match(base, [*self._places], [])
            found = matching.without_exchange(self.layers, [base])
            if found:
                return found
        return matching.match(self.layers, self._bases)

    @cached_property
    def attention(self) -> list[Layer]:
        """The layers that were put in; without a base those that are attention by their names."""
        if self.match:
            return [self.layers[index] for index in alignment.put_in(self.layers, self.match.places)]
        known = recipes.names()
        return [
            layer
            for layer in self.layers[1:-1]
            if (layer.module in known or "atten" in layer.module.lower())
            and alignment.could_be_put_in(layer)
        ]

    @cached_property
    def strides(self) -> list[float | None]:
        """The stride of every layer; None where the rows do not tell."""
        return strides.likely(self.layers, self.channels)

    @cached_property
    def channels(self) -> list[int | None]:
        """The nominal channels of every layer; None where the rows do not tell."""
        if not self.is_graph:
            return [None] * len(self.layers)
        return graph.channels(self.layers, self.document.image_channels)

    def reaching(self, layer: Layer) -> int | None:
        """The nominal channels of what ``layer`` reads first; None where that cannot be told."""
        source = graph.sources(layer)[0] if layer.references and self.is_graph else graph.IMAGE
        return None if source == graph.IMAGE else self.channels[source]

    def finding(
        self,
        code: str,
        span: Span | None,
        message: str,
        hint: str,
        *,
        base: str | None = None,
        diff: Sequence[str] = (),
        fix: Sequence[Edit] = (),
    ) -> Finding:
        """A finding of the rule ``code`` about the text of ``span``, or about the whole file."""
        text, lines = self.document.text, self.document.lines
        found = Finding(RULES[code], message, hint, base=base, diff=tuple(diff), fix=tuple(fix))
        if span is None:
            return found
        line = lines.at(span.start)
        if line.start not in self._lines:  # one line may have thousands of findings
            self._lines[line.start] = text[line.start : line.end]
        return found._replace(
            start=lines.place(span.start), end=lines.place(span.end), line=self._lines[line.start]
        )
