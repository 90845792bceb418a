"""What a config costs in the real framework: parameters and operations, counted as ``verify`` counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from yamlinject.library import recipes

if TYPE_CHECKING:
    from yamlinject.config import Config
    from yamlinject.frameworks.base import Framework


class Cost(NamedTuple):
    """``gflops``: for an image of 640 x 640 pixels."""

    parameters: int
    gflops: float


#: In pixels, as in ``verify``.
_IMAGE = 640


def cost(config: Config, builder: Framework) -> Cost:
    """Build ``config`` and count; raises :class:`YamlInjectError` when it cannot be built or run."""
    model: Any = builder.build(config)
    channels = builder.image_channels(model)
    with builder.explaining(config, "run"):
        try:
            return of_model(model.to("meta"), config, channels)  # shapes alone: a tenth of the time
        except (RuntimeError, NotImplementedError):  # a module that looks at values
            return of_model(builder.build(config), config, channels)


def of_model(model: Any, config: Config, channels: int) -> Cost:
    """What ``model``, which was built from ``config`` for images with ``channels``, costs."""
    import torch

    from yamlinject.verification import measure

    device = next(model.parameters()).device
    image = torch.zeros(1, channels, _IMAGE, _IMAGE, device=device)
    modules = [one for index in config.injected for one in measure.stacked(model.model[index])]
    with measure.recorded_inputs(modules) as inputs:
        measure.outputs(model, image)
    known = [one for one in modules if type(one).__name__ in recipes.names()]
    unseen = sum(recipes.recipe(type(one).__name__).operations * inputs[one].numel() for one in known)
    operations = measure.operations(model, image) + unseen
    return Cost(measure.parameters(model), operations / 1e9)
