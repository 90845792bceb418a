"""The wirings of upstream models: the module of each layer and what it reads (``templates/wirings.txt``).

They are facts, written down so that a config's base is recognized with no framework installed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from yamlinject.core import graph
from yamlinject.core.layer import Layer
from yamlinject.core.module_rules import THIRD
from yamlinject.core.modules import known
from yamlinject.library.data import template

_FILE = "wirings.txt"


@dataclass(frozen=True)
class Wiring:
    """The layers of a model without their args.

    ``factors``: how many times smaller each layer makes its input (:func:`graph.stride_factor`).
    """

    name: str
    layers: tuple[Layer, ...]
    factors: tuple[float | None, ...]

    @cached_property
    def modules(self) -> Counter[str]:
        """How many layers have each module."""
        return Counter(layer.module for layer in self.layers)

    @cached_property
    def joins(self) -> tuple[int, ...]:
        """How many layers each layer reads that does not read just one."""
        return graph.joins(self.layers)

    @classmethod
    def of(cls, name: str, layers: Sequence[Layer]) -> Wiring:
        """The wiring of ``layers``, whose references all name earlier layers."""
        bare = (
            Layer(layer.index, layer.section, graph.sources(layer), 1, layer.module, []) for layer in layers
        )
        return cls(name, tuple(bare), tuple(map(graph.stride_factor, layers)))

    def __str__(self) -> str:
        """The line of the catalogue: ``name: Conv/2 C3 … | nn.Upsample/0.5 Concat@11,6 … Detect@17,20,23``.

        A layer without ``@`` reads the one above it; one without ``/`` keeps the stride.
        """
        words = {"backbone": [""], "head": ["|"]}
        for layer, factor in zip(self.layers, self.factors, strict=True):
            reads = ",".join(map(str, layer.references))
            stride = "" if factor == 1 else f"/{'?' if factor is None else f'{factor:g}'}"
            words[layer.section].append(
                layer.module + stride + (f"@{reads}" if layer.references != [layer.index - 1] else "")
            )
        return f"{self.name}:{' '.join([*words['backbone'], *words['head']])}"


def parse(line: str) -> Wiring:
    """The wiring that a line of the catalogue describes."""
    name, _, rows = line.partition(":")
    layers: list[Layer] = []
    factors: list[float | None] = []
    for section, words in zip(("backbone", "head"), rows.split("|"), strict=True):
        for word in words.split():
            what, at, reads = word.partition("@")
            module, _, stride = what.partition("/")
            index = len(layers)
            from_ = [int(number) for number in reads.split(",") if number] if at else [index - 1]
            layers.append(
                Layer(index, "backbone" if section == "backbone" else "head", from_, 1, module, [])
            )
            factors.append(None if stride == "?" else float(stride or 1))
    return Wiring(name, tuple(layers), tuple(factors))


@cache
def wirings() -> tuple[Wiring, ...]:
    """Every wiring of the catalogue, those of the best known models first."""
    lines = template(_FILE).read_text(encoding="utf-8").splitlines()
    return tuple(parse(line) for line in lines if line and not line.startswith("#"))


@cache
def modules() -> frozenset[str]:
    """The modules that upstream models have."""
    return frozenset(layer.module for wiring in wirings() for layer in wiring.layers)


@cache
def endings() -> frozenset[str]:
    """The modules that only end a stage, such as SPPF.

    In upstream models none of them is directly below a layer that joins or changes the size, and the layer
    above it has no other reader.
    """
    begin: set[str] = set()
    for wiring in wirings():
        read = {
            source for layer in wiring.layers if len(layer.references) > 1 for source in layer.references
        }
        for above, factor, layer in zip(wiring.layers, wiring.factors, wiring.layers[1:], strict=False):
            if (
                factor != 1
                or len(above.references) > 1
                or above.index in read
                or known(layer.module).stride is THIRD
            ):
                begin.add(layer.module)
    return modules() - begin
