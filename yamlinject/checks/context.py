"""What the rules look at: a config that could be parsed, and its base if that is known."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from yamlinject.checks import classes, mending, one_row, strides
from yamlinject.config import Config
from yamlinject.core import graph, module_rules, provenance
from yamlinject.core.retyped import retyped
from yamlinject.errors import ConfigError, RefusalError
from yamlinject.library import architectures, recipes
from yamlinject.lineage import alignment
from yamlinject.lineage.generated import read as read_generated
from yamlinject.lineage.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yamlinject.checks.classes import Taken
    from yamlinject.core.document import Document
    from yamlinject.core.edits import Edit
    from yamlinject.core.layer import Layer
    from yamlinject.core.rows import Row
    from yamlinject.library.module_files import ModuleClass
    from yamlinject.lineage.generated import Generated
    from yamlinject.lineage.matching import Match
    from yamlinject.lineage.resolve import Lineage, Search

#: A backbone of more rows is written out.
_MOST_ROWS_BELOW_IT = 4

#: Numbers that many attention modules use as a reduction.
_LIKELY_REDUCTIONS = (16, 32)


class Subject:
    """A config, and what is known about it and its base; each part is computed when a rule asks for it.

    ``given``: the base that the user names; ``search``: where to look for one otherwise. ``modules``: the
    user's own.
    """

    def __init__(
        self,
        config: Config,
        given: Config | None = None,
        search: Search = "upstream",
        modules: Mapping[str, ModuleClass] | None = None,
    ) -> None:
        self.config = config
        self.given = given
        self._search = search
        self._modules = modules or {}
        self._classes: dict[str, Taken | None] = {}

    @cached_property
    def unreadable(self) -> ConfigError | None:
        """Why the layers cannot be read from the text."""
        try:
            _ = self.config.parsed
        except ConfigError as error:
            return error
        return None

    @cached_property
    def retyped(self) -> list[Edit]:
        """What replaces characters that only look like YAML's; empty where the text stays unreadable."""
        return retyped(self.config.text)

    @property
    def document(self) -> Document:
        """The text as data and rows, whatever its references name."""
        return self.config.parsed

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

        The numbers tell: if all of the maps count, the highest number names the row above its reader, or
        all numbers fit though some of them name no earlier layer.
        """
        first, *others = self.layers
        below = [layer for layer in others if layer.section == "backbone"]
        declares = bool(first.args) and module_rules.is_count(first.args[0])
        if declares or first.module in architectures.modules():
            return False
        if first.section != "backbone" or first.references != [-1] or len(below) > _MOST_ROWS_BELOW_IT:
            return False
        if any(map(graph.picks, others)):  # the way to pick maps by rows
            return False
        ahead = [source - layer.index for layer in others for source in graph.sources(layer)]
        is_made = self.lineage is not None and self.lineage.evidence in ("given", "recorded")
        furthest = max(ahead, default=-1)
        return not is_made and (
            furthest == one_row.MAPS - 2
            or (0 <= furthest < one_row.MAPS - 2 and one_row.fits(one_row.unfolded(self.document)))
        )

    @cached_property
    def followed(self) -> Subject | None:
        """What the rules that follow the layers look at; None where they cannot be followed."""
        if self.is_graph:
            return self
        if not self.first_row_is_backbone:
            return None
        config = Config(self.config.name, self.config.to_bytes(), path=self.config.path)
        config.parsed = one_row.unfolded(self.document)
        counted = Subject(config, search="nowhere", modules=self._modules)
        return counted if counted.is_graph else None

    @cached_property
    def lineage(self) -> Lineage | None:
        """What the config was made from; None if it was not made from the given base."""
        try:
            return resolve(self.config, self.given, search=self._search)
        except RefusalError:
            return None

    @property
    def match(self) -> Match | None:
        """The base, and what is read differently in it."""
        return self.lineage.match if self.lineage else None

    @property
    def base_name(self) -> str | None:
        """The name of the base that the references are compared with."""
        return self.match.base.name if self.match else None

    @cached_property
    def expected(self) -> dict[int, list[int | None]]:
        """What the layers with wrong references should read; None where nothing that is known would fit."""
        if not self.match or not self.match.wrong_readers:
            return {}
        return mending.expected(self.layers, self.match, self.document.image_channels)

    @cached_property
    def generated(self) -> Generated | None:
        """What the newest provenance line says."""
        return read_generated(self.config, self.given)

    @cached_property
    def attention(self) -> list[Layer]:
        """The layers that were injected; without a base those that are attention by their names."""
        return [self.layers[index] for index in self.lineage.injected] if self.lineage else []

    @cached_property
    def reached(self) -> set[int]:
        """The layers from which a path leads to the last one."""
        return alignment.reached(self.layers)

    @cached_property
    def sizes(self) -> list[strides.Size]:
        """The size of every layer's output."""
        return strides.likely(self.layers, self.channels)

    @cached_property
    def channels(self) -> Sequence[int | None]:
        """The nominal channels of every layer; None where the rows do not tell."""
        if not self.is_graph:
            return [None] * len(self.layers)
        return self.document.channels

    def reaching(self, layer: Layer) -> int | None:
        """The nominal channels of the first input of ``layer``; None where that cannot be told."""
        source = graph.sources(layer)[0] if layer.references and self.is_graph else graph.IMAGE
        return None if source == graph.IMAGE else self.channels[source]

    @cached_property
    def ours(self) -> set[int]:
        """The layers whose class is one of :mod:`yamlinject.nn`: those that ``add`` and ``replace`` wrote.

        A checkout's own class and the user's come first.
        """
        lines = self.document.provenance
        written = (provenance.injected(lines) | provenance.replaced(lines)) & set(range(len(self.layers)))
        return {
            index
            for index in written
            if self.layers[index].module in recipes.names()
            and self._taken(self.layers[index].module) is None
        }

    def has_class(self, module: str) -> bool:
        """Whether the user has such a class: in a module file, or in the checkout around the config."""
        path = self.config.path
        return module in self._modules or (path is not None and classes.is_in_checkout(path, module))

    def taken(self, layer: Layer) -> Taken | None:
        """What the class of ``layer`` takes the first of its args for; None where that is not known."""
        if layer.index in self.ours:
            return classes.Taken("c1", "yamlinject", optional=False)
        return self._taken(layer.module)

    def _taken(self, module: str) -> Taken | None:
        if module not in self._classes:
            found = classes.of_checkout(self.config.path, module) if self.config.path else None
            if found is None and module in self._modules:
                found = classes.of_file(self._modules[module])
            self._classes[module] = found
        return self._classes[module]

    @cached_property
    def begins_with_channels(self) -> dict[str, Layer]:
        """For each attention module the first layer whose args begin with the channels that reach it."""
        found: dict[str, Layer] = {}
        for layer in self.attention:
            first = layer.args[0] if layer.args else None
            fits = module_rules.could_be_channels(first) and first == self.reaching(layer)
            if fits and first not in _LIKELY_REDUCTIONS:
                found.setdefault(layer.module, layer)
        return found
