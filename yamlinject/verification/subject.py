"""A module that is tried out: how it is built, what it is given, and what its role promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from yamlinject.core.modules import Role
from yamlinject.errors import RefusalError, YamlInjectError
from yamlinject.frameworks import parse_model
from yamlinject.library.module_files import ModuleClass
from yamlinject.library.recipes import Recipe

#: The channels that most tests are made with: frequent in small models, and a multiple of most groups.
WIDTH = 64
#: For how many channels the parameters are counted.
_COUNTED = (64, 128, 256, 512, 1024)
#: How much larger the output is than the input, for the roles that change the size.
_SCALES: dict[Role, float] = {"upsample": 2, "downsample": 0.5}


class Subject:
    """A module by its recipe, and by its class if that is a user's.

    Whatever its role, :meth:`build` gives a module of one map: a fusion gets its layers along the channels,
    and is held to the shape that a Concat of them has.
    Raises :class:`YamlInjectError` if it cannot be built on 64 channels.
    """

    def __init__(self, recipe: Recipe, found: ModuleClass | None = None, inputs: int = 2) -> None:
        if recipe.role == "head":
            raise RefusalError(f"{recipe.module} is a head, which yamlinject verify tests in its model")
        self.role = recipe.role
        self.inputs = inputs if self.role == "fusion" else 1
        self._recipe, self._found = recipe, found
        self._class = parse_model.module_class(recipe.module, found)
        try:
            self.build()
        except (Exception, SystemExit) as error:
            what = f"{self.call()} cannot be built: {explained(error)}: give other `args`"
            place, file = (found.place, str(found.file)) if found else (None, None)
            raise YamlInjectError(what, place, file=file) from None

    def joining(self, inputs: int) -> Subject:
        """The same with another number of layers to join."""
        return Subject(self._recipe, self._found, inputs)

    def _args(self, channels: int) -> list[Any]:
        given = self._recipe.filled(channels, self.inputs)
        return parse_model.constructor_args(self._found, self.role, channels, given)

    def call(self) -> str:
        """The call that builds it."""
        try:
            args = self._args(WIDTH)
        except ValueError:
            args = self._recipe.filled(WIDTH, self.inputs)
        return f"{self._recipe.module}({', '.join(map(repr, args))})"

    def build(self, channels: int = WIDTH, *, trained: bool = False) -> nn.Module:
        """The module, with the same random parameters every time.

        ``trained``: with others than its constructor gives them, which may be zeros.
        """
        torch.manual_seed(0)
        module: nn.Module = self._class(*self._args(channels))
        if trained:
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.copy_(parameter + 0.3 * torch.randn(parameter.shape))
        return _Joined(module, self.inputs) if self.role == "fusion" else module

    def maps(
        self, batch: int, height: int, width: int, channels: int = WIDTH, *, spread: float = 1.0
    ) -> Tensor:
        """A random input of that size, of all layers along the channels."""
        random = torch.Generator().manual_seed(batch + height + width)
        return spread * torch.randn(batch, self.inputs * channels, height, width, generator=random)

    def promised(self, shape: torch.Size) -> Iterator[tuple[int, ...]]:
        """The shapes that the output for an input of ``shape`` may have."""
        batch, channels, *sides = shape
        scale = _SCALES.get(self.role, 1)
        yield (batch, channels, *(int(side * scale) for side in sides))
        yield (batch, channels, *(-int(-side * scale // 1) for side in sides))

    def parameters_at(self) -> dict[int, int]:
        """How many parameters it has, by the channels, of those that its constructor takes."""
        counts = {}
        for channels in _COUNTED:
            try:
                module = self.build(channels)
            except (Exception, SystemExit):
                continue  # which the test of its shape tells
            counts[channels] = sum(one.numel() for one in module.parameters())
        return counts


class _Joined(nn.Module):
    """A module that joins layers, as one of a single map."""

    def __init__(self, fusion: nn.Module, inputs: int) -> None:
        super().__init__()
        self.fusion = fusion
        self.inputs = inputs

    def forward(self, x: Tensor) -> Any:
        """What the fusion makes of the layers that ``x`` has along its channels."""
        return self.fusion(list(x.chunk(self.inputs, 1)))


def explained(error: BaseException) -> str:
    """An error of other people's code in one line."""
    said = " ".join(str(error).split())
    return f"{type(error).__name__}{f': {said[:200]}' if said else ''}"
