"""The configs of a study: the base in each scale, and what is made of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from yamlinject import files
from yamlinject.config import Config
from yamlinject.core import edits, scaling
from yamlinject.core.source import Source
from yamlinject.core.yaml_nodes import Reading
from yamlinject.errors import YamlInjectError, named
from yamlinject.library import bases
from yamlinject.study.plan import IDENTITY, Plan, Variant

_MULTIPLES = ("depth_multiple", "width_multiple")


def made(
    plan: Plan,
    variants: list[Variant],
    working_folder: Path,
    kept: Callable[[Variant, Config | None], Config | None],
) -> dict[str, Config]:
    """The config of each variant, by its name.

    ``kept``: what the study has already of a variant and its base, which is not made again.
    Raises :class:`YamlInjectError` where a base cannot be read, and for a position that a module cannot
    take.
    """
    found: dict[str, Config] = {}
    own = [str(working_folder / file) for file in plan.module_files]
    for variant in variants:
        base = found[variant.base] if variant.base else None
        there = kept(variant, base)
        if there or base is None:
            found[variant.name] = there or _base(plan, variant, working_folder)
            continue
        position = str(variant.position)
        try:
            if variant.replaces:
                config = base.replace(str(variant.module), position, modules=own)
            elif variant.kind == "placebo":
                config = base.add(IDENTITY, position, args=[])
            else:
                config = base.add(str(variant.module), position, modules=own)
        except YamlInjectError as error:
            where = "at" if variant.replaces else "after"
            what = "a placebo" if variant.kind == "placebo" else variant.module
            error.message = f"{what} {where} {position}: {error.message}"
            raise
        found[variant.name] = config
    return found


def _base(plan: Plan, variant: Variant, working_folder: Path) -> Config:
    """The base of a scale, read from where the plan says; it has the name by which it is found again."""
    if plan.base == bases.STDIN:
        raise YamlInjectError("base: a study needs a file or a name, as it is read again")
    known = None if bases.is_path(plan.base) else bases.by_name(variant.name)
    if known and variant.scale:
        return Config(known.name, known.data)
    path = str(working_folder / plan.base)
    is_file = bases.is_path(plan.base) or os.path.isfile(path)
    found = bases.read(path if is_file and bases.by_name(plan.base) is None else plan.base)
    if known and known.data == found.data:
        return Config(known.name, known.data)
    config = Config(f"{variant.name}.yaml", found.data, path=found.path)
    _ = config.document
    return _scaled(config, variant.scale) if variant.scale else config


def _scaled(config: Config, scale: str) -> Config:
    """``config`` in ``scale``: by its name, if it has several; else with other multiples."""
    with named(config.label):
        data = config.document.data
        multiples = scaling.multiples(data, scale, config.stem)
        if data.get("scales"):
            return config
        changed = []
        for key, node in Reading(config.text).root.value:  # type: ignore[union-attr]  # it has been parsed
            if key.value in _MULTIPLES:
                value = multiples[_MULTIPLES.index(key.value)]
                changed.append(edits.Edit(node.start_mark.index, node.end_mark.index, f"{value:g}"))
        if len(changed) < len(_MULTIPLES):
            raise YamlInjectError(f"scale {scale}: write both {' and '.join(_MULTIPLES)}")
        text = edits.apply(config.text, changed)
        result = Config(config.name, Source(text, config.source.bom).to_bytes())
        if result.document.data != {**data, **dict(zip(_MULTIPLES, multiples, strict=False))}:
            raise YamlInjectError(f"scale {scale}: write {' and '.join(_MULTIPLES)} as plain numbers")
        return result


def read(file: Path, name: str) -> Config:
    """A config of the study's own, with the name by which provenance lines call it."""
    return Config(name, files.read_bytes(file))
