"""One reference of a correct config changed to any other layer: ``check`` must find it, with the base."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import corpus
from tests.test_corpus import FIRST_OF_ITS_KIND, SHIPPED
from yamlinject.checks.findings import Finding
from yamlinject.checks.runner import check
from yamlinject.config import Config
from yamlinject.core.document import Document
from yamlinject.core.rows import Row
from yamlinject.errors import YamlInjectError

pytestmark = [pytest.mark.corpus, pytest.mark.framework]

EXHAUSTIVE = "YAMLINJECT_EXHAUSTIVE" in os.environ

#: Where attention is inserted for this test: after these modules, at least one of which every family has.
MODULES = ("SPPF", "C3", "C2f", "C3k2", "Conv", "BottleneckCSP", "RepNCSPELAN4", "GhostConv")

#: A mutation of one reference: layer, which of its references, and the layer that it reads then.
Mutation = tuple[int, int, int]


def upstream() -> list[Path]:
    """One upstream config of each wiring."""
    found: dict[object, Path] = {}
    for path in [*SHIPPED, *corpus("base")]:
        if path not in FIRST_OF_ITS_KIND:
            continue  # to read all takes seconds, in each process of the tests
        try:
            layers = Config(path.name, path.read_bytes()).layers
        except YamlInjectError:
            continue
        found.setdefault(tuple((layer.module, str(layer.from_)) for layer in layers), path)
    return list(found.values())


UPSTREAM = upstream()


def injected(base: Config) -> Config:
    """``base`` with SimAM after some module of its backbone, or after layer 0."""
    present = {layer.module for layer in base.layers if layer.section == "backbone"}
    module = next((name for name in MODULES if name in present), "0")
    return base.add("SimAM", module, provenance=False, args="[]")


def mutations(config: Config) -> Iterator[Mutation]:
    """Every change of one reference to another layer that a framework could follow."""
    for layer in config.layers:
        for position, reference in enumerate(layer.references):
            right = reference if reference >= 0 else layer.index + reference
            for source in range(layer.index):
                if source != right:
                    yield layer.index, position, source


def mutated(config: Config, mutation: Mutation) -> Config:
    """The text with that reference changed."""
    index, position, source = mutation
    start, end = config.document.rows[index].references[position]
    text = f"{config.text[:start]}{source}{config.text[end:]}"
    return Config("mutated.yaml", text.encode("utf-8", "surrogateescape"))


def wiring_findings(config: Config, base: Config | None, mutation: Mutation) -> list[Finding]:
    """What check finds after the mutation, without writing and parsing the text again."""
    index, position, source = mutation
    rows = list(config.document.rows)
    layer = rows[index].layer
    from_ = [source if at == position else number for at, number in enumerate(layer.references)]
    rows[index] = Row(
        layer._replace(from_=from_ if isinstance(layer.from_, list) else from_[0]),
        *rows[index][1:],
    )
    document = Document(
        config.text, config.document.data, rows, config.document.flow, config.document.values
    )
    changed = Config(config.name, config.to_bytes())
    changed.parsed = document
    return [finding for finding in followed(changed, base) if finding.rule.code != "YI204"]


def followed(config: Config, base: Config | None) -> list[Finding]:
    """What following the references shows."""
    findings = check(config, base, known_bases=False)
    return [finding for finding in findings if finding.rule.code[:3] in ("YI2", "YI3")]


@pytest.mark.parametrize("path", UPSTREAM, ids=lambda path: path.stem[-60:])
def test_every_mutation_is_found_with_the_base(path: Path) -> None:
    base = Config(path.name, path.read_bytes())
    config = injected(base)
    assert not followed(config, base)
    found = list(mutations(config))
    most = 400 if EXHAUSTIVE else 15  # all of them take hours: python -m tests.test_check_mutations
    chosen = random.Random(path.name).sample(found, min(most, len(found)))
    missed = [mutation for mutation in chosen if not wiring_findings(config, base, mutation)]
    assert not missed, f"{len(missed)} of {len(chosen)}: {missed[:5]}"


@pytest.mark.parametrize("path", UPSTREAM[:: 1 if EXHAUSTIVE else 8], ids=lambda path: path.stem[-60:])
def test_the_same_through_the_text(path: Path) -> None:
    """The findings name the layer that was changed, or one that reads through it."""
    base = Config(path.name, path.read_bytes())
    config = injected(base)
    found = list(mutations(config))
    for mutation in random.Random(path.name).sample(found, min(4, len(found))):
        findings = check(mutated(config, mutation), base)
        codes = [finding.rule.code for finding in findings if finding.rule.code[2] in "123"]
        assert codes, mutation
        assert set(codes) <= {"YI301", "YI305", "YI303", "YI306", "YI204"}, mutation


def main(most: int) -> None:
    """Print how many mutations, of at most ``most`` per config, are found with the base and without."""
    rules: Counter[str] = Counter()
    missed: list[tuple[str, Mutation]] = []
    total = sampled = without = 0
    for path in UPSTREAM:
        base = Config(path.name, path.read_bytes())
        config = injected(base)
        found = list(mutations(config))
        found = random.Random(path.name).sample(found, min(most, len(found)))
        total += len(found)
        missed += [(path.name, one) for one in found if not wiring_findings(config, base, one)]
        for mutation in random.Random(path.name).sample(found, min(40, len(found))):
            codes = {finding.rule.code for finding in wiring_findings(config, None, mutation)}
            sampled, without = sampled + 1, without + bool(codes)
            rules.update(codes)
    print(f"with the base: {total - len(missed)} of {total} found; missed: {missed[:5]}")
    print(f"without: {without} of {sampled} found ({without / sampled:.0%}): {dict(rules)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize)
