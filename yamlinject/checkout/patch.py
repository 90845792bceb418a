"""A checkout of YOLOv5 or of a fork: a module put into its sources, or removed again, as a patch to save.

A module is yamlinject's where ``models/common.py`` holds its block. So that block is written first and
removed last, and a run that was cut short between the two files is finished or undone by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from os.path import exists, isfile  # it returns False where Path.is_file raises for a folder without access
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from yamlinject import files
from yamlinject.checkout import codemod, own_class, user_rows
from yamlinject.checkout.parts import grouped, parts
from yamlinject.checkout.pysource import PySource
from yamlinject.core import edits
from yamlinject.core.source import Source
from yamlinject.errors import RefusalError, SourceError, named
from yamlinject.library import module_files, recipes
from yamlinject.library.module_files import ModuleClass

_COMMON = Path("models", "common.py")
_MODEL = Path("models", "yolo.py")
_EXPERIMENTAL = Path("models", "experimental.py")
_TENSORFLOW = Path("models", "tf.py")

#: The file that makes a folder ultralytics: of its repository, or of the package itself.
_ULTRALYTICS = (Path("ultralytics", "nn", "tasks.py"), Path("nn", "tasks.py"))

_HALF = "is half registered, as if a run was cut short"


class FileChange(NamedTuple):
    """What a file holds, and what it should hold."""

    path: Path
    before: Source
    after: Source


class Patch(NamedTuple):
    """The files to change, in the order in which they must be written, and notes for the user."""

    files: tuple[FileChange, ...]
    notes: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self.files)

    def diff(self) -> Iterator[str]:
        """The lines of a unified diff of all files."""
        for path, before, after in self.files:
            yield from edits.unified_diff(before.text, after.text, str(path), str(path))

    def save(self) -> None:
        """Write the files, each atomically, if they still are as they were read.

        Raises :class:`SourceError`.
        """
        files.replace_all(
            [
                files.Replacement(path, before.to_bytes(), after.to_bytes())
                for path, before, after in self.files
            ]
        )


class Checkout(NamedTuple):
    """The folder that holds ``models/yolo.py``, and its two files as they were read."""

    root: Path
    common: Source
    model: Source

    @classmethod
    def open(cls, path: str | Path) -> Checkout:
        """Read the files of a checkout; raises :class:`YamlInjectError` for any other folder."""
        root = Path(path)
        if not exists(root):
            raise SourceError("there is no such folder", file=str(root))
        missing = [str(file) for file in (_COMMON, _MODEL) if not isfile(root / file)]
        if missing and any(isfile(root / file) for file in _ULTRALYTICS):
            raise RefusalError(
                "this is ultralytics, which needs no patch: yamlinject run makes it know the modules",
                file=str(root),
            )
        if missing:
            inner = root / "yolov5"
            hint = f"; did you mean {inner}?" if isfile(inner / _MODEL) else ""
            raise SourceError(
                f"not a checkout of YOLOv5: there is no {' and no '.join(missing)}{hint}", file=str(root)
            )
        return cls(root, _read(root / _COMMON), _read(root / _MODEL))

    @property
    def registered(self) -> list[str]:
        """The modules whose block ``models/common.py`` holds, in its order."""
        with named(str(self.root / _COMMON)):
            return [block.module for block in codemod.blocks(self.common.text)]

    def register(
        self,
        modules: Iterable[str],
        *,
        plain: bool = False,
        own_modules: Mapping[str, ModuleClass] = MappingProxyType({}),
    ) -> Patch:
        """The patch that makes ``modules`` known to the checkout's own scripts; ``plain``: in short form.

        ``own_modules``: the user's classes, which come before those of yamlinject.
        A module of the checkout's own that works stays as it is.
        Raises :class:`YamlInjectError` for a checkout with other classes or uses of these names, with
        edited blocks, or of unknown structure.
        """
        registered = self.registered
        modules = tuple(modules)
        for module in own_modules.keys() & {*modules}:
            if recipes.role(module) == "fusion":
                raise RefusalError(f"parse_model would take {module} for the join of yamlinject: rename it")
        users = self._users | {module: own_modules[module] for module in modules if module in own_modules}
        for module in modules:
            if module in registered and module not in own_modules:
                users.pop(module, None)
        own = {
            module: self._own_class(module)
            for module in modules
            if module not in (*registered, *own_modules)
        }
        modules = tuple(module for module in modules if not own.get(module))

        stale = {*modules}

        def put(text: str, module: str) -> str:
            stale.discard(module)
            users = own_modules.get(module)
            return codemod.common_with(text, module, plain=plain, users=users, stale=stale)

        common = self._change(_COMMON, self.common, put, modules)
        for module in modules:
            if module not in registered:
                self._check_free(module)
        for module in own_modules.keys() & {*modules}:
            self._check_names(module, common[0].after.text if common else self.common.text)
        half = [module for module in registered if self._without_name(module)]

        def name(text: str, module: str) -> str:
            return codemod.model_with(text, module, users.get(module))

        model = self._change(_MODEL, self.model, name, (*modules, *half))
        notes = [note for note in own.values() if note]
        notes += [f"{module} {_HALF}: this finishes it" for module in half]
        for module in codemod.MODULES:
            if module not in modules and self._left_behind(module):
                notes.append(
                    f"{self.root / _MODEL} names {module}, whose class is gone: --undo --module {module} "
                    "removes the name"
                )
        return Patch((*common, *model), (*notes, *self._notes(modules)))

    def _own_class(self, module: str) -> str | None:
        """A note about a class that is not yamlinject's and works; raises if it does not work."""
        path = self.root / _COMMON
        with named(str(path)):
            found = own_class.find(self.common.text, self.model.text, module)
            if found is None:
                return None
            if found.problem:
                raise RefusalError(
                    f"there is a {module} that is not yamlinject's: {found.problem}", found.place
                )
        return (
            f"{path}:{found.place.line} has its own {module}, which takes the rows of add: it stays; "
            f"verify CONFIG --framework {self.root} tells whether its formula is right"
        )

    def undo(self, modules: Iterable[str] = ()) -> Patch:
        """The patch that removes ``modules``, by default all that are registered, byte for byte.

        Raises :class:`YamlInjectError` where something was edited, so that this cannot be proven.
        """
        registered = self.registered
        asked = list(modules)
        if not asked:  # with what is left in one file if the other was restored by other means
            known = dict.fromkeys([*codemod.MODULES, *registered, *user_rows.branches(self.model.text)])
            asked = [each for each in known if each in registered or self._left_behind(each)]
        ours = [module for module in asked if module in registered or self._left_behind(module)]
        model = self._change(_MODEL, self.model, codemod.model_without, ours)
        common = self._change(_COMMON, self.common, codemod.common_without, ours)
        notes = [f"{module} is not registered here" for module in asked if module not in ours]
        notes += [
            f"{module} {_HALF}: this removes the rest"
            for module in ours
            if module not in registered or self._without_name(module)
        ]
        return Patch((*model, *common), tuple(notes))

    def _without_name(self, module: str) -> bool:
        """Whether ``models/yolo.py`` lacks ``module`` in one of its lists."""
        with named(str(self.root / _MODEL)):
            users = self._users.get(module)
            return codemod.model_with(self.model.text, module, users) != self.model.text

    @property
    def _users(self) -> dict[str, ModuleClass]:
        """The user's classes that are registered, as their blocks have them."""
        path = self.root / _COMMON
        with named(str(path)):
            found = [block for block in codemod.blocks(self.common.text) if block.file]
            return {
                block.module: module_files.described(PySource(block.body).tree, path)[block.module]
                for block in found
            }

    def _check_names(self, module: str, common: str) -> None:
        """Refuse a class that brings a name along which yolo.py has for something else."""
        with named(str(self.root / _MODEL)):
            if not codemod.star_imports(self.model.text, "models.common"):
                return
            block = next(each for each in codemod.blocks(common) if each.module == module)
            here, there = (grouped(parts(PySource(text).tree)) for text in (self.model.text, block.body))
            for word, brought in there.items():
                other = [each for each in here.get(word, ()) if each.meaning != brought[0].meaning]
                if other and not word.startswith("_"):
                    raise RefusalError(
                        f"{word} is something else here than in {block.file}: rename it there",
                        PySource(self.model.text).place(other[0].node),
                    )

    def _left_behind(self, module: str) -> bool:
        with named(str(self.root / _MODEL)):
            return codemod.left_behind(self.common.text, self.model.text, module)

    def _change(
        self, file: Path, before: Source, edit: Callable[[str, str], str], modules: Iterable[str]
    ) -> list[FileChange]:
        """What ``edit`` makes of a file for all ``modules``; nothing if there is no change."""
        path = self.root / file
        with named(str(path)):
            text = reduce(edit, modules, before.text)
        return [FileChange(path, before, before._replace(text=text))] if text != before.text else []

    def _check_free(self, module: str) -> None:
        """Refuse a checkout in which yolo.py would use something else as ``module``."""
        with named(str(self.root / _MODEL)):
            place = codemod.bound_at(self.model.text, module) or codemod.registered_at(
                self.model.text, module
            )
            if place:
                hint = " (--undo does)" if self._left_behind(module) else ""
                raise RefusalError(f"there is a {module} that is not yamlinject's: remove it{hint}", place)
            shadows = codemod.star_imports(self.model.text, "models.experimental")
        path = self.root / _EXPERIMENTAL
        if shadows and isfile(path):
            with named(str(path)):
                place = codemod.bound_at(_read(path).text, module)
                if place:
                    raise RefusalError(
                        f"yolo.py would take this {module} for yamlinject's: rename it", place
                    )

    def _notes(self, modules: Iterable[str]) -> Iterator[str]:
        path = self.root / _TENSORFLOW
        text = _read(path).text if isfile(path) else None
        for module in modules:
            if text is not None and f"class TF{module}(" not in text:
                yield f"{path} has no TF{module}: a model with {module} cannot be exported to TensorFlow"


def _read(path: Path) -> Source:
    with named(str(path)):
        return Source.from_bytes(files.read_bytes(path))
