"""What every YOLO framework does for us: build the model of a config."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from yamlinject.core.document import OF_THE_DATA
from yamlinject.core.layer import flow
from yamlinject.errors import YamlInjectError, importing, named
from yamlinject.frameworks import parse_model, safety
from yamlinject.frameworks.installation import install
from yamlinject.library import recipes

if TYPE_CHECKING:
    from torch import nn

    from yamlinject.config import Config


class Framework(ABC):
    """An imported framework that knows the attention modules.

    ``checkout`` is the folder of a source checkout; without one it is the installed package.
    Raises :class:`YamlInjectError` when it does not exist or cannot be imported.
    """

    #: What users call it, and the name of the extra that installs it.
    name: str

    def __init__(self, checkout: Path | None = None) -> None:
        install()
        self.checkout = checkout
        if checkout is not None:
            sys.path.insert(0, str(checkout.resolve()))
        with _quiet():
            self._module = self._import()
        if checkout is not None and not _is_inside(self._module, checkout):
            raise YamlInjectError(
                f"another {self._module.__name__} is imported already: {self._module.__file__}",
                file=str(checkout),
            )

    def __str__(self) -> str:
        return str(self.checkout) if self.checkout else f"{self.name} {self.version}"

    @property
    def version(self) -> str:
        """The version of the installed package."""
        return str(import_module(self.name).__version__)

    def build(
        self,
        config: Config,
        classes: int | None = None,
        *,
        like: Config | None = None,
        trust: bool = False,
    ) -> nn.Module:
        """The model that the framework builds from a config, with the same random weights every time.

        ``classes``: the number of classes, instead of the config's ``nc``, as in training; ``like``: a
        config whose data set it is built for (:data:`OF_THE_DATA`).
        Raises :class:`RefusalError` for a config that could run code, unless with ``trust``, and
        :class:`YamlInjectError` with the layer's place when the framework cannot build it.
        """
        import torch

        data = config.document.data
        if like is not None:
            others = {key: value for key, value in data.items() if key not in OF_THE_DATA}
            data = others | {
                key: like.document.data[key] for key in OF_THE_DATA & like.document.data.keys()
            }
        data = deepcopy(data)
        if not trust:
            self.check(config)
            if like is not None:
                self.check(like)
            data = safety.separate(data)
        untouched = torch.random.fork_rng(devices=[])
        with self.explaining(config), _quiet(), untouched, _activations_kept(self._module):
            torch.manual_seed(0)
            if classes is not None:
                data["nc"] = classes
            return self._build(data, config)

    def check(self, config: Config) -> None:
        """Raise :class:`RefusalError` if building ``config`` could run anything but layers."""
        namespace = vars(self._module)
        safety.check(config, namespace[parse_model.BUILDER], namespace)

    @contextlib.contextmanager
    def explaining(self, config: Config, verb: str = "build") -> Iterator[None]:
        """Turn errors of the framework's code in the block into one line that names the layer."""
        with named(config.label):
            try:
                yield
            except YamlInjectError:
                raise
            except Exception as error:
                raise self._explained(error, config, verb) from None

    @abstractmethod
    def image_channels(self, model: Any) -> int:
        """How many channels the images have that ``model``, which :meth:`build` gave, was built for."""

    @abstractmethod
    def ignored(self, config: Config, model: Any) -> Iterator[str]:
        """What in ``config`` had no effect on ``model``, which was built from it, a line each."""

    def scale_by_default(self, config: Config) -> Iterator[str]:
        """A line that says which of several scales was built, where nothing selects one."""
        yield from ()

    @abstractmethod
    def _import_model_module(self) -> ModuleType:
        """Import the module that holds ``parse_model``."""

    @abstractmethod
    def _build(self, data: dict[str, Any], config: Config) -> nn.Module:
        """Build the model of ``data``, the values of ``config``, which may be changed."""

    @abstractmethod
    def _obstacle(self, config: Config) -> str | None:
        """Why ``config`` could not be built, where it is one of the known mistakes."""

    def _import(self) -> ModuleType:
        if self.checkout is None:
            with importing(self.name, f"'yamlinject[{self.name}]'"):
                return self._import_model_module()
        requirements = self.checkout / "requirements.txt"
        wanted = f"-r {requirements}" if requirements.is_file() else f"-e {self.checkout}"
        with named(str(self.checkout)), importing(self.name, wanted):
            return self._import_model_module()

    def _explained(self, error: Exception, config: Config, verb: str) -> YamlInjectError:
        """``error`` in one line, with the row of the layer that was being built or run."""
        what = f"{type(error).__name__}: {error}"
        if verb == "build":
            if config.document.data.get("nc") is None:
                return YamlInjectError("nc is missing, the number of classes: write a line such as nc: 80")
            obstacle = self._obstacle(config)
            if obstacle:
                return YamlInjectError(f"{self} cannot build it: {obstacle}")
        index = _layer_at(error)
        if index is None or index >= len(config.layers):
            return YamlInjectError(f"{self} cannot {verb} it: {what}")
        layer = config.layers[index]
        if isinstance(error, (NameError, KeyError)) and layer.module in str(error):
            slip = recipes.slip(layer.module)
            what = f"it knows no module {layer.module}{f' (did you mean {slip}?)' if slip else ''}"
            what += ": if it is yours, name its Python file with --modules"
        return YamlInjectError(
            f"layer {index} {flow(layer.row)}: {self} cannot {verb} it: {what}",
            config.document.place(index),
        )


def _layer_at(error: Exception) -> int | None:
    """The layer that a framework was working on, from its variables where it failed."""
    index = None
    step = error.__traceback__
    while step is not None:
        variables = step.tb_frame.f_locals
        if step.tb_frame.f_code.co_name == parse_model.BUILDER:
            index = variables.get("i", index)
        else:  # the loop over the built layers: each one has its index attached
            index = getattr(variables.get("m"), "i", index)
        step = step.tb_next
    return index if isinstance(index, int) else None


def _is_inside(module: ModuleType, folder: Path) -> bool:
    return Path(str(module.__file__)).resolve().is_relative_to(folder.resolve())


@contextlib.contextmanager
def _activations_kept(module: ModuleType) -> Iterator[None]:
    """Undo what ``activation:`` in a config does to classes such as ``Conv``, and so to later models.

    YOLOv5's ``parse_model`` (``models/yolo.py``) leaves it set; that of today's Ultralytics restores it.
    """
    kept: dict[Any, Any] = {
        one: vars(one)["default_act"]
        for one in vars(module).values()
        if isinstance(one, type) and "default_act" in vars(one)
    }
    try:
        yield
    finally:
        for one, activation in kept.items():
            one.default_act = activation


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence the output, logs and warnings of frameworks while they are imported or build a model."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
