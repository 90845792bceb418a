"""The public face of the core: load a model config, add to it, take away from it, save it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

from yamlinject import bases, edits, graph, plan, provenance, selectors, source
from yamlinject.document import Document
from yamlinject.errors import Place, RefusalError, SelectorError, SourceError, YamlInjectError, named
from yamlinject.layer import Layer
from yamlinject.plan import Insertion, Rewrite, Signature
from yamlinject.provenance import Provenance
from yamlinject.recipes import Recipe, recipe
from yamlinject.selectors import Picked, Scope
from yamlinject.source import Source


class Config:
    """A model config with the name that it was loaded by; :meth:`add` and :meth:`remove` give new ones.

    ``base``, ``rewrite``, ``recipe`` and ``picked`` tell how a new one was made; they are None or empty
    on a loaded config, and ``recipe`` and ``picked`` also after a removal.
    """

    def __init__(
        self,
        name: str,
        data: bytes,
        *,
        stem: str | None = None,
        base: Config | None = None,
        rewrite: Rewrite | None = None,
        recipe: Recipe | None = None,
        picked: Iterable[Picked] = (),
    ) -> None:
        """Decode ``data``; raises :class:`YamlInjectError` with ``name`` for what is no text."""
        self.name = name
        self._label = "<stdin>" if name == bases.STDIN else name
        #: What the names of files made from this config begin with.
        self.stem = stem or Path(name).stem
        self.base = base
        self.rewrite = rewrite
        self.recipe = recipe
        self.picked = tuple(picked)
        with named(self._label):
            self.source = Source.from_bytes(data)

    @cached_property
    def document(self) -> Document:
        """The parsed text, in which every reference names an earlier layer.

        Raises :class:`YamlInjectError` with name, line and column where it is no such config.
        """
        with named(self._label):
            document = Document.parse(self.text)
            document.check_references()
        return document

    @property
    def text(self) -> str:
        """The text, without a byte order mark."""
        return self.source.text

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of their indices."""
        return self.document.layers

    @property
    def injected(self) -> set[int]:
        """Indices of the layers that the provenance lines say were injected."""
        return provenance.injected(self._provenance)

    @cached_property
    def _provenance(self) -> list[tuple[Provenance, int]]:
        return provenance.read(self.text)

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return self.source.to_bytes()

    def add(
        self,
        module: str,
        after: str | Sequence[str],
        *,
        scope: Scope = "backbone",
        number: int = 1,
        args: str | None = None,
        provenance: bool = True,
        fix_comments: bool = False,
    ) -> Config:
        """Insert a ``module`` layer below every layer that the selectors ``after`` pick.

        ``args`` is the YAML text of the new rows' args where the module's recipe does not say it, or
        should not; the word ``channels`` in it stands for the target's nominal channels.
        ``provenance`` writes the line at the top that :meth:`remove` and CI go by.
        Raises :class:`YamlInjectError` when nothing is picked, or when the insertion is refused.
        """
        after = [after] if isinstance(after, str) else list(after)
        with named(self._label):
            if number < 1:
                raise YamlInjectError(f"number {number}: a layer is built at least once")
            if not provenance and self._provenance:
                raise RefusalError(
                    "its line 1 says which layers were injected and would become wrong: delete that line, "
                    "or leave --no-provenance out",
                    Place(1, 1),
                )
            row = recipe(module, args)
            if not row.keeps_channels:
                raise RefusalError(f"{module} changes the channels: the layers below would not fit")
            picked = [
                selectors.pick(selector, self.layers, scope)
                for text in after
                for selector in selectors.parse(text)
            ]
            if not picked:
                raise SelectorError("there is no selector that says after which layer")
            targets = [layer for pick in picked for layer in pick.layers]
            plan.check_targets(self.document, [layer.index for layer in targets])
            counts = graph.channels(self.layers, self.document.image_channels)
            insertions = [
                Insertion(layer.index, module, self._args(row, layer, counts[layer.index]), number)
                for layer in targets
            ]
            command = ["add", module, self.name]
            for text in after:
                command += "--after", text
            if scope != "backbone":
                command += "--scope", scope
            if number != 1:
                command += "--number", str(number)
            if args is not None:
                command += "--args", args
            if fix_comments:
                command += ["--fix-comments"]
            signature = Signature(tuple(command), _digest(self)) if provenance else None
            rewrite = plan.insert(self.document, insertions, fix_comments=fix_comments, signature=signature)
        return self._rewritten(f"{self.stem}_{module}", rewrite, recipe=row, picked=picked)

    def remove(self, module: str) -> Config:
        """Undo :meth:`add`: the layers that the provenance line names, or all of that module.

        Raises :class:`YamlInjectError` when there are none, or when one cannot be removed.
        """
        with named(self._label):
            rewrite = plan.remove(self.document, module)
        return self._rewritten(self.stem.removesuffix(f"_{module}"), rewrite)

    def was_made_like(self, other: Config) -> bool:
        """Whether this config is already the result of the command that made ``other`` from it.

        Raises :class:`RefusalError` when that command made it but it was edited since.
        """
        line = other.rewrite.provenance if other.rewrite else None
        made = self._provenance
        if not line or not made or made[0][0].request != line.request:
            return False
        if not self.remove(line.module).restored:
            raise RefusalError(
                "this command was run on it before, and it was edited since: remove the layers, or "
                "delete line 1",
                Place(1, 1),
                file=self._label,
            )
        return True

    @property
    def restored(self) -> bool:
        """After :meth:`remove`: whether these are byte for byte the bytes that the recorded base had."""
        line = self.rewrite.provenance if self.rewrite else None
        return line is not None and line.digest == _digest(self)

    def diff(self, name: str) -> Iterator[str]:
        """A unified diff from the config that this one was made from, as lines; ``name`` is its own."""
        before = self.base or self
        return edits.unified_diff(before.text, self.text, before.name, name)

    def differs(self, path: str | Path) -> bool:
        """Whether saving to ``path`` would change or create that file."""
        return not source.holds(Path(path), self.to_bytes())

    def save(self, path: str | Path, *, force: bool = False) -> bool:
        """Write the file atomically unless it is there already; returns whether it was written.

        Raises :class:`SourceError` when it cannot be written, or when another file is in the way and
        ``force`` is not set.
        """
        path, data = Path(path), self.to_bytes()
        found = source.holds(path, data)
        if found is False and not force:
            raise SourceError(
                "is there already and is different: use --force to replace it", file=str(path)
            )
        if not found:
            source.write_atomic(path, data)
        return not found

    def _args(self, row: Recipe, layer: Layer, channels: int | None) -> str:
        try:
            return row.args_text(channels)
        except RefusalError as error:
            place = self.document.place(layer.index)
            raise RefusalError(f"{layer}: {error.message}", place) from None

    def _rewritten(
        self,
        stem: str,
        rewrite: Rewrite,
        recipe: Recipe | None = None,
        picked: Iterable[Picked] = (),
    ) -> Config:
        data = Source(rewrite.text, self.source.bom).to_bytes()
        return Config(f"{stem}.yaml", data, base=self, rewrite=rewrite, recipe=recipe, picked=picked)


def load(base: str | Path = "yolov5s") -> Config:
    """Load a model config: a path, ``-`` for standard input, or the name of a base config.

    Names are those of the embedded base configs, then of the configs that installed ``yolov5`` and
    ``ultralytics`` packages ship. Raises :class:`YamlInjectError`.
    """
    found = bases.read(str(base))
    config = Config(found.name, found.data, stem=found.stem)
    _ = config.document  # read it now, so that an error comes from here
    return config


def _digest(config: Config) -> str:
    return provenance.digest(config.to_bytes())
