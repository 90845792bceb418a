"""Trying a module out by itself, before a day of training: what ``module NAME --test`` does."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from yamlinject.errors import importing

if TYPE_CHECKING:
    from yamlinject.library.module_files import ModuleClass
    from yamlinject.library.recipes import Recipe


@dataclass(frozen=True)
class Tried:
    """What one test of a module found, in words; ``left out``: torch or a package cannot do it here."""

    test: str
    outcome: Literal["passed", "failed", "left out"]
    text: str


@dataclass(frozen=True)
class Trial:
    """A module that was tried out; ``built``: the call that makes it, on 64 channels.

    ``parameters_at``: how many it has, by the channels, where its constructor takes so many.
    """

    module: str
    built: str
    parameters_at: dict[int, int]
    tests: list[Tried]

    @property
    def failed(self) -> int:
        """How many tests failed."""
        return sum(one.outcome == "failed" for one in self.tests)


def try_out(
    recipe: Recipe, found: ModuleClass | None = None, progress: Callable[[str], None] | None = None
) -> Trial:
    """Build the module of ``recipe`` with torch and test it; ``found``: its class, if it is a user's.

    A user's module file is imported for that. ``progress`` is called with what is done next. Raises
    :class:`YamlInjectError` where it cannot be imported or built.
    """
    with importing("torch", "'yamlinject[torch]'"):
        import torch

    from yamlinject.verification.subject import Subject
    from yamlinject.verification.trials import run

    # what a class prints or warns of would stand between the lines of the result, or in its JSON
    quiet = contextlib.redirect_stdout(io.StringIO())
    with warnings.catch_warnings(), quiet, torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")
        subject = Subject(recipe, found)
        tests = [Tried(*one) for one in run(subject, progress or (lambda _: None))]
        return Trial(recipe.module, subject.call(), subject.parameters_at(), tests)
