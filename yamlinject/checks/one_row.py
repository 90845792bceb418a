"""A config whose first row is a whole backbone, with its feature maps as layers.

Forks of YOLOv5 and Ultralytics make them (``is_backbone`` in their ``parse_model``). They number the maps
of the strides 2 to 32 as layers 0 to 4; those that a backbone does not give are counted all the same.
"""

from __future__ import annotations

from yamlinject.checks import strides
from yamlinject.checks.strides import Size
from yamlinject.core import graph
from yamlinject.core.document import Document

#: How many layers the feature maps count as.
MAPS = 5


def unfolded(document: Document) -> Document:
    """``document`` with a row for each feature map, all of them at the first row's place in the text."""
    first, *others = document.rows
    maps = [
        first._replace(layer=first.layer._replace(index=index, module="Conv", from_=-1, args=[None, 3, 2]))
        for index in range(MAPS)
    ]
    below = [row._replace(layer=row.layer._replace(index=row.layer.index + MAPS - 1)) for row in others]
    return Document(document.text, document.data, [*maps, *below], document.flow, document.values)


def fits(document: Document) -> bool:
    """Whether each number names an earlier layer, a map in some join, and every join gets one size.

    The head gets one of each size.
    """
    layers = document.layers
    if any(graph.reference_problem(layer.index, number) for layer in layers for number in layer.references):
        return False
    known = graph.strides(layers)
    inputs = [known[source] for source in graph.sources(layers[-1])]
    return (
        any(source < MAPS - 1 for layer in layers[MAPS:-1] for source in graph.sources(layer)[1:])
        and None not in known[:-1]
        and len(inputs) > 1
        and bool(strides.pyramids([Size(graph.IMAGE, stride) for stride in inputs if stride]))
    )
