"""What a study compares: its plan, the variants that follow from it, and the runs of each."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from yamlinject.core import scales
from yamlinject.errors import SourceError
from yamlinject.library import bases
from yamlinject.library.upstream import Framework

Kind = Literal["base", "placebo", "module"]

#: The module of a placebo, which keeps what it reads.
IDENTITY = "nn.Identity"

#: Names of files may have 255 bytes, endings and those of temporary files included.
_LONGEST_NAME = 120

#: How the names of YOLOv5's sizes begin: ``yolov5s``, ``yolov5s6``, ``yolov5s-seg``.
_OF_YOLOV5 = re.compile(r"^(yolov5)[nsmlx](?![a-z])")

_UNSAFE = re.compile(r"[^\w.@-]+")


@dataclass(frozen=True)
class Plan:
    """What ``study.yaml`` says.

    ``after`` and ``at``: positions, each a text of selectors, for every one of ``modules`` and of
    ``replace``. ``scales``: without any, the base's own. ``weights``: the checkpoint of the base, one for
    each scale; without any, training begins from scratch. ``args``: those of the framework's training.
    ``checkout``: the folder of a framework's source, if it is not the installed package. ``paths_from``:
    the folder, as seen from the study's, that relative paths in all of these are seen from, and in which
    the training runs.
    """

    base: str
    framework: Framework
    modules: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    replace: tuple[str, ...] = ()
    at: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)
    weights: tuple[str, ...] = ()
    placebo: bool = True
    args: tuple[str, ...] = ()
    checkout: str | None = None
    module_files: tuple[str, ...] = ()
    paths_from: str = "."


@dataclass(frozen=True)
class Variant:
    """One config of a study, and what it starts from.

    ``base``: the name of the variant that it is compared with, None for a base; ``position``: the selectors
    after which the module is, or, if it ``replaces`` layers, of those. ``weights``: None for a start from
    scratch.
    """

    name: str
    base: str | None
    kind: Kind
    module: str | None
    position: str | None
    scale: str | None
    config: Path
    weights: Path | None
    replaces: bool = False

    @cached_property
    def digest(self) -> str:
        """The hash of the config and of the weights; raises :class:`SourceError` if they are not there."""
        return ":".join(_hash(file) for file in (self.config, self.weights) if file is not None)


@dataclass(frozen=True)
class Job:
    """One training: a variant with a seed, in a folder of its own.

    ``own_modules``: the hashes of the plan's ``module_files``.
    """

    variant: Variant
    seed: int
    folder: Path
    plan: Plan = field(repr=False)
    own_modules: tuple[str | None, ...] = field(default=(), repr=False)

    @property
    def digest(self) -> str:
        """The hash of all that decides about the result of the training, but for the machine.

        Raises :class:`SourceError` if the config or the weights are not there.
        """
        what = [self.variant.digest, self.plan.framework, self.plan.args, self.seed, self.own_modules]
        return hashlib.sha256(json.dumps(what).encode("ascii")).hexdigest()


def _hash(file: Path) -> str:
    """The hash of a file that may be larger than the memory that a run takes."""
    found = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while data := stream.read(2**20):
                found.update(data)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot read it: {reason}", file=str(file)) from None
    return found.hexdigest()


def variants(plan: Plan, folder: Path) -> list[Variant]:
    """The variants of a plan, those of each scale after their base; ``folder``: that of the study."""
    taken: set[str] = set()
    found = []
    for scale in plan.scales or (None,):
        base = _unique(base_name(plan, scale), taken)
        found.append(_variant(plan, folder, base, scale))
        for kind, module, position, replaces in _changes(plan):
            word = kind if kind == "placebo" else module
            name = _unique("_".join([base, word, _UNSAFE.sub("-", position).strip("-")]), taken)
            found.append(
                _variant(plan, folder, name, scale, base, kind, module, position, replaces=replaces)
            )
    return found


def _changes(plan: Plan) -> Iterator[tuple[Kind, str, str, bool]]:
    """What is done to a base: the kind, the module, the position, and whether it replaces."""
    for position in plan.after:
        if plan.placebo:
            yield "placebo", IDENTITY, position, False
        for module in plan.modules:
            yield "module", module, position, False
    for position in plan.at:
        for module in plan.replace:
            yield "module", module, position, True


def _variant(
    plan: Plan,
    folder: Path,
    name: str,
    scale: str | None,
    base: str | None = None,
    kind: Kind = "base",
    module: str | None = None,
    position: str | None = None,
    *,
    replaces: bool = False,
) -> Variant:
    config = folder / "configs" / f"{name}.yaml"
    weights = folder / "weights" / f"{name}.pt" if plan.weights else None
    return Variant(name, base, kind, module, position, scale, config, weights, replaces)


def base_name(plan: Plan, scale: str | None) -> str:
    """The name of the base in ``scale``; Ultralytics goes by it."""
    stem = Path(plan.base).stem if bases.is_path(plan.base) else plan.base
    stem = _UNSAFE.sub("-", stem).strip("-.") or "base"
    if scale is None:
        return stem
    if plan.framework == "ultralytics":
        return scales.asking(stem, scale)
    sized, number = _OF_YOLOV5.subn(rf"\g<1>{scale}", stem)
    return sized if number else f"{stem}_{scale}"


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or one like it that no file system takes for one of those."""
    if len(name.encode()) > _LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        name = f"{name.encode()[: _LONGEST_NAME - 9].decode(errors='ignore')}-{digest}"
    found, number = name, 1
    while found.casefold() in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found.casefold())
    return found
