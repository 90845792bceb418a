"""The public face of the core: load a model config, add to it, remove from it, save it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from yamlinject import files
from yamlinject.core import edits, provenance
from yamlinject.core.document import Document
from yamlinject.core.layer import Layer, as_flow
from yamlinject.core.provenance import digest
from yamlinject.core.removal import remove, remove_layers
from yamlinject.core.replacement import newest_line, restore
from yamlinject.core.request import Request
from yamlinject.core.rewrite import Rewrite, Signature
from yamlinject.core.selectors import Scope
from yamlinject.core.source import Source
from yamlinject.errors import YamlInjectError, named
from yamlinject.library import bases, requests, user_modules
from yamlinject.library.recipes import canonical


class Config:
    """A model config with the name that it was loaded by; :meth:`add` and :meth:`remove` give new ones.

    ``path`` is the file that it was read from, if it was one of the user's; ``stem`` is what the names
    of files made from it begin with.
    """

    def __init__(
        self, name: str, data: bytes, *, stem: str | None = None, path: Path | None = None
    ) -> None:
        """Decode ``data``; raises :class:`YamlInjectError` with ``name`` if it is not text."""
        self.name = name
        self.stem = stem or Path(name).stem
        self.path = path
        self.label = "<stdin>" if name == bases.STDIN else name
        with named(self.label):
            self.source = Source.from_bytes(data)

    @classmethod
    def from_text(cls, text: str, name: str = "model.yaml") -> Config:
        """The config that is written in ``text``; ``name`` is what errors and new files call it.

        Raises :class:`YamlInjectError` if it is not a model config.
        """
        config = cls(name, text.encode("utf-8", "surrogateescape"))
        _ = config.document
        return config

    def __repr__(self) -> str:
        try:
            return f"<{type(self).__name__} {self.label}: {len(self.layers)} layers>"
        except YamlInjectError:
            return f"<{type(self).__name__} {self.label}: no model config>"

    def __eq__(self, other: object) -> bool:
        """Whether both have the same bytes, whatever they are called."""
        return self.source == other.source if isinstance(other, Config) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.source)

    @cached_property
    def parsed(self) -> Document:
        """The parsed text, whatever its references name; raises :class:`YamlInjectError`."""
        with named(self.label):
            return Document.parse(self.text)

    @cached_property
    def document(self) -> Document:
        """The parsed text, in which every reference names an earlier layer.

        Raises :class:`YamlInjectError` with name, line and column if it is not such a config.
        """
        with named(self.label):
            self.parsed.check_references()
        return self.parsed

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
        return provenance.injected(self.parsed.provenance)

    def to_bytes(self) -> bytes:
        """The bytes of the file."""
        return self.source.to_bytes()

    def add(
        self,
        module: str,
        after: str | Sequence[str],
        *,
        scope: Scope = "backbone",
        readers: str | Sequence[str] = (),
        number: int = 1,
        args: str | Sequence[Any] | None = None,
        provenance: bool = True,
        fix_comments: bool = False,
        modules: Sequence[str | Path] = (),
    ) -> Rewritten:
        """Insert a ``module`` layer after every layer that the selectors ``after`` pick.

        Of the layers that read those, the ones that the selectors ``readers`` pick read the new layers
        instead; all of them without ``readers``.
        ``args`` are the new rows' args, instead of those of the module's recipe: a list or its YAML text,
        in which the word ``channels`` means the target's nominal channels. ``modules``: Python files with
        modules of the user's own, whose constructors are a recipe too (:mod:`.library.module_files`).
        ``provenance`` writes the line at the top that :meth:`remove` and CI rely on.
        Raises :class:`YamlInjectError` when nothing is picked, or when the insertion is refused.
        """
        request = Request(
            module,
            self.name,
            (after,) if isinstance(after, str) else tuple(after),
            scope,
            None if number == 1 else number,
            args if args is None or isinstance(args, str) else as_flow(args),
            fix_comments,
            (readers,) if isinstance(readers, str) else tuple(readers),
        )
        return self.apply(user_modules.completed(request, modules), provenance=provenance)

    def apply(self, request: Request, *, provenance: bool = True, proven: bool = True) -> Rewritten:
        """Like :meth:`add`, for a request such as a provenance line holds, with this config as the base.

        A result that is only compared, and not written, need not be ``proven``.
        """
        order = requests.order(request)
        with named(self.label):
            signature = Signature(request.recorded(), digest(self.to_bytes(), self.layers))
            rewrite = requests.carry_out(
                order, self.document, signature if provenance else None, proven=proven
            )
        return Rewritten(self, rewrite, f"{self.stem}_{request.module}")

    def replace(
        self,
        module: str,
        at: str | Sequence[str],
        *,
        scope: Scope = "backbone",
        number: int | None = None,
        args: str | Sequence[Any] | None = None,
        provenance: bool = True,
        fix_comments: bool = False,
        modules: Sequence[str | Path] = (),
    ) -> Rewritten:
        """Put ``module`` in the place of every layer that the selectors ``at`` pick; references stay.

        ``number``: None keeps that of each row. ``args``: by default those of the module's recipe or, where
        it has none, those of each row, as far as they mean the same to the module; ``channels`` in them is
        the replaced layer's nominal channels, ``inputs`` how many layers it reads. All else is as in `add`.
        """
        request = Request(
            module,
            self.name,
            scope=scope,
            number=number,
            args=args if args is None or isinstance(args, str) else as_flow(args),
            fix_comments=fix_comments,
            at=(at,) if isinstance(at, str) else tuple(at),
        )
        here = {layer.module for layer in self.layers}
        return self.apply(user_modules.completed(request, modules, here=here), provenance=provenance)

    def remove(self, module: str, *, proven: bool = True) -> Rewritten:
        """Undo :meth:`add`: the layers that the provenance line names, or all of that module.

        A result that is only compared, and not written, need not be ``proven``.
        Raises :class:`YamlInjectError` when there are none, or when one cannot be removed.
        """
        with named(self.label):
            here = {layer.module for layer in self.layers}
            module = module if module in here else canonical(module)
            rewrite = remove(self.document, module, proven=proven)
        return self._before(rewrite, module)

    def undo(self, *, proven: bool = True) -> Rewritten:
        """The config from before its newest provenance line, whatever that did.

        A result that is only compared, and not written, need not be ``proven``.
        Raises :class:`YamlInjectError` when there is no such line, or when it does not fit.
        """
        with named(self.label):
            newest = newest_line(self.parsed)
        if not newest.provenance.request.replaces:
            return self.remove(newest.provenance.request.module, proven=proven)
        with named(self.label):
            rewrite = restore(self.document, newest, proven=proven)
        return self._before(rewrite, newest.provenance.request.module)

    def _before(self, rewrite: Rewrite, module: str) -> Rewritten:
        """What a rewrite that takes ``module`` back has made, without it in its name."""
        line = rewrite.provenance
        stem = self.stem.removesuffix(f"_{line.request.words_of_name}") if line else self.stem
        return Rewritten(self, rewrite, stem.removesuffix(f"_{module}"))

    @cached_property
    def undone(self) -> Rewritten:
        """:meth:`undo`, for a comparison: it is not proven."""
        return self.undo(proven=False)

    def without(self, layers: Sequence[int]) -> Rewritten:
        """The config without the layers of those indices; raises :class:`YamlInjectError`."""
        with named(self.label):
            return Rewritten(self, remove_layers(self.document, layers), self.stem)

    def differs(self, path: str | Path) -> bool:
        """Whether saving to ``path`` would change or create that file."""
        return not files.holds(Path(path), self.to_bytes())

    def save(self, path: str | Path, *, force: bool = False) -> bool:
        """Write the file atomically unless it is there already; returns whether it was written.

        Raises :class:`SourceError` when it cannot be written, or when another file is in the way and
        ``force`` is not set.
        """
        return files.save(Path(path), self.to_bytes(), force=force)


class Rewritten(Config):
    """What :meth:`Config.add` and the like make of ``base``; ``rewrite`` says how."""

    def __init__(self, base: Config, rewrite: Rewrite, stem: str) -> None:
        super().__init__(f"{stem}.yaml", Source(rewrite.text, base.source.bom).to_bytes())
        self.base = base
        self.rewrite = rewrite

    @cached_property
    def parsed(self) -> Document:
        """The parsed text; raises :class:`YamlInjectError`."""
        return self.rewrite.document or super().parsed

    def diff(self, name: str) -> Iterator[str]:
        """The lines of a unified diff from the base to this config, which it calls ``name``."""
        return edits.unified_diff(self.base.text, self.text, self.base.name, name)

    def save_in_place(self) -> bool:
        """Replace the file that this was made from, however many rewrites ago; returns whether it changed.

        Raises :class:`SourceError`, and writes nothing, when that file has changed since it was read or
        cannot be written, and :class:`YamlInjectError` when this was not made from a file.
        """
        origin: Config = self
        while isinstance(origin, Rewritten):
            origin = origin.base
        if origin.path is None:
            raise YamlInjectError("there is no file of yours to replace", file=origin.label)
        changed = origin != self
        if changed:
            files.replace_all([files.Replacement(origin.path, origin.to_bytes(), self.to_bytes())])
        return changed

    @property
    def exact(self) -> bool:
        """Whether these are exactly the bytes of the base that the line, now undone, recorded."""
        line = self.rewrite.provenance
        return line is not None and line.is_of(self.to_bytes())

    @property
    def same_rows(self) -> bool:
        """Whether these are the rows of that base, even if other values were edited, such as ``nc``."""
        line = self.rewrite.provenance
        return line is not None and (self.exact or line.has_rows(self.parsed.layers))


def load(base: str | Path = bases.DEFAULT) -> Config:
    """Load a model config: a path, ``-`` for standard input, or the name of a base config.

    Names are those of the embedded base configs, then of the configs that installed ``yolov5`` and
    ``ultralytics`` packages ship. Raises :class:`YamlInjectError`.
    """
    found = bases.read(str(base))
    config = Config(found.name, found.data, stem=found.stem, path=found.path)
    _ = config.document  # read it now, so that errors are raised here
    return config
