"""Pretrained weights for a config with new layers: every tensor of the base under its new name.

Frameworks take from a checkpoint what has the same name and shape. Below a new layer all names differ, so
nearly everything is lost, and what does fit may belong to another layer.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yamlinject import files
from yamlinject.core import module_rules
from yamlinject.core.index_map import IndexMap
from yamlinject.core.layer import flow
from yamlinject.errors import YamlInjectError, named
from yamlinject.weights import sources
from yamlinject.weights.state_dict import layer_of, transfer_state_dict

if TYPE_CHECKING:
    from torch import Tensor, nn

    from yamlinject.config import Config
    from yamlinject.frameworks.base import Framework
    from yamlinject.weights.checkpoint import Checkpoint

#: More classes than any data set has; each takes memory.
_MOST_CLASSES = 100_000

#: The prefix of the names in ``YOLO(…).state_dict()`` and in wrappers for several GPUs.
_WRAPPED = re.compile(r"(?:module\.)?(?:model\.)?(?=model\.[0-9])")

#: The share of the old layers' parameters that must fit; below it, the checkpoint is of another model.
_LEAST = 0.5


@dataclass(frozen=True)
class Share:
    """How much of a model a checkpoint fills, in items (tensors) and in values of parameters and buffers.

    ``misplaced``: items whose name and shape match a tensor that belongs to another layer.
    """

    items: int
    parameters: int
    misplaced: int = 0


@dataclass
class Transfer:
    """The result of a transfer; ``model`` holds the tensors, and :meth:`save` writes them.

    ``unfit``: why tensors of the checkpoint have no place; ``fresh``: the tensors that start as the modules
    make them, because they belong to new layers or because nothing fits. ``freeze``: what ``--freeze N`` of
    the base, for N the length of its backbone, must be here; ``cutoff``: the same for the ``--cutoff N``
    with which YOLOv5 makes a classifier of a backbone. ``target``: the config of the model.
    """

    model: nn.Module = field(repr=False)
    checkpoint: Checkpoint = field(repr=False)
    builder: Framework = field(repr=False)
    base: str
    target: Config = field(repr=False)
    items: int
    parameters: int
    before: Share
    after: Share
    unfit: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    freeze: tuple[int, list[int]] = (0, [])
    cutoff: int | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def framework(self) -> str:
        """The framework that built the model, with its version or its folder."""
        return str(self.builder)

    def save(self, path: str | Path) -> None:
        """Write the model as the framework's own programs load it, or as a state dict (``.safetensors``).

        Raises :class:`SourceError` when it cannot be written.
        """
        path = Path(path)
        with named(str(path)):
            files.write_atomic(path, self.to_bytes(path.suffix))

    def is_saved(self, path: str | Path) -> bool | None:
        """Whether the file ``path`` holds just what :meth:`save` writes; None if there is none."""
        path = Path(path)
        return files.holds(path, self.to_bytes(path.suffix))

    def to_bytes(self, suffix: str = ".pt") -> bytes:
        """The bytes of the file that :meth:`save` writes, with the ending ``suffix``."""
        import torch

        from yamlinject.weights.checkpoint import SAFETENSORS, as_safetensors

        if suffix == SAFETENSORS:
            return as_safetensors(self.model.state_dict())
        untrained = {"epoch": -1, "best_fitness": None, "ema": None, "updates": None, "optimizer": None}
        stream = io.BytesIO()
        torch.save({**self.checkpoint.entries, **untrained, "model": self.model}, stream)
        return stream.getvalue()


def transfer(
    checkpoint: str | Path,
    config: Config,
    base: Config | None = None,
    *,
    framework: str | None = None,
    reverse: bool = False,
    trust: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Transfer:
    """A model of ``config`` with the tensors of the file ``checkpoint``, each at the index of its layer.

    With ``reverse`` it is a model of the base, for a checkpoint of ``config``. Every tensor keeps its
    values and its type. ``framework`` and ``progress``: as for :func:`yamlinject.verify`.
    Raises :class:`YamlInjectError` for a checkpoint of another model; in reverse, if the new layers have
    parameters, for which the base has no place; and, unless with ``trust``, for a config or a checkpoint
    that could run code when it is built or read. Example::

        config = yamlinject.load("yolov5s_SimAM.yaml")
        yamlinject.transfer("yolov5s.pt", config).save("yolov5s_SimAM.pt")
    """
    from yamlinject import frameworks
    from yamlinject.weights import checkpoint as checkpoints

    say = progress or (lambda _: None)
    say(f"reading {checkpoint}")
    held = checkpoints.read(Path(checkpoint), trust=trust)
    say("importing the framework")
    builder = frameworks.find(framework, config)
    if reverse:
        found = sources.known(config, base)
        index_map = sources.index_map(config, found.aligned)
        replaced = frozenset(before for _, before in found.replaced)
        target, source = found.base, sources.Origin(found.name, index_map, None, replaced)
    else:
        with named(str(checkpoint)):
            target, source = config, sources.origin(config, held, base)
    given = {_WRAPPED.sub("", key, count=1): value for key, value in held.state.items()}
    moved = source.index_map
    classes, notes = _classes(held, target)
    say(f"building {target.label}")
    model = builder.build(target, classes, trust=trust)
    own = model.state_dict()
    naive = _fitting(given, own)
    if len(naive) == len(own) and not reverse:
        with named(str(checkpoint)):
            raise sources.nothing_to_convert(config)
    state = transfer_state_dict(given, moved, reverse=reverse)
    fitting = _fitting(state, own)
    misplaced = [key for key in naive if key not in fitting or fitting[key] is not naive[key]]
    result = Transfer(
        model=model,
        checkpoint=held,
        builder=builder,
        base=source.name,
        target=target,
        items=len(own),
        parameters=_size(own),
        before=Share(
            len(naive), _size(naive) - sum(naive[key].numel() for key in misplaced), len(misplaced)
        ),
        after=Share(len(fitting), _size(fitting)),
        unfit=[_why(key, state[key], own) for key in state if key not in fitting],
        fresh=[key for key in own if key not in fitting],
        freeze=_freeze(target, source, own) if not reverse else (0, []),
        cutoff=_last_of_backbone(target, moved) + 1 if not reverse else None,
        notes=notes,
    )
    # new layers, which may have more parameters than all others, say nothing about the checkpoint
    new = source.replaced | (frozenset() if reverse else frozenset(moved.injected))
    expected = _size({key: own[key] for key in own if layer_of(key) not in new})
    if result.after.parameters < _LEAST * expected:
        raise YamlInjectError(
            f"the checkpoint is of another model: only {result.after.parameters:,} of "
            f"{expected:,} values have a place; is {target.label} of the same scale?"
        )
    if source.head:
        notes.append(
            f"the checkpoint's head is {source.head} and the config's {target.layers[-1].module}: what "
            "they share is transferred, and the rest starts fresh"
        )
        held = held.for_another_task()
        result.checkpoint = held
    notes += [*builder.ignored(target, model), *builder.scale_by_default(target)]
    _fill(model, fitting, held.attributes)
    return result


def _classes(checkpoint: Checkpoint, target: Config) -> tuple[int | None, list[str]]:
    """The number of classes, which the checkpoint decides, and notes for the user."""
    notes = [f"left out: {', '.join(map(flow, checkpoint.dropped))}"] if checkpoint.dropped else []
    given = target.document.data.get("nc")
    classes: Any = (checkpoint.architecture or {}).get("nc")
    if not module_rules.is_count(classes) or classes == given or classes > _MOST_CLASSES:
        return None, notes
    notes.append(
        f"the checkpoint has {classes} classes and the config {given}: those of its tensors that depend on "
        f"it fit where training has {classes} too"
    )
    return classes, notes


def _fill(model: nn.Module, state: Mapping[str, Tensor], attributes: Mapping[str, Any]) -> None:
    """Put the tensors and the attributes into the model; its other tensors get the same type."""
    types = [value.dtype for value in state.values() if value.is_floating_point()]
    if types:
        model.to(max(set(types), key=types.count))
    model.load_state_dict(dict(state), strict=False, assign=True)
    model.train()  # its activations are shared with all models of the process, whatever their mode
    names = getattr(model, "names", ())
    for name, value in attributes.items():
        if name != "names" or (isinstance(value, (list, tuple, dict)) and len(value) == len(names)):
            setattr(model, name, value)


def _fitting(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a framework's loading takes from ``state``: tensors whose name and shape the model has."""
    return {
        key: value
        for key, value in state.items()
        if key in own and own[key].shape == value.shape and _could_be(value, own[key])
    }


def _could_be(value: Tensor, own: Tensor) -> bool:
    """Whether a module could work with ``value``: weights are not integers."""
    return value.is_floating_point() or not own.is_floating_point()


def _why(key: str, value: Tensor, own: Mapping[str, Tensor]) -> str:
    shape = "x".join(map(str, value.shape)) or "one value"
    if key not in own:
        return f"{key}: the model has none of that name"
    if not _could_be(value, own[key]):
        return f"{key}: of type {value.dtype}, and the model's is of {own[key].dtype}"
    return f"{key}: {shape}, and the model's is {'x'.join(map(str, own[key].shape)) or 'one value'}"


def _size(state: Mapping[str, Tensor]) -> int:
    return sum(value.numel() for value in state.values())


def _freeze(config: Config, source: sources.Origin, own: Mapping[str, Tensor]) -> tuple[int, list[int]]:
    """What freezes the base's backbone in ``config``: a number of layers, or a list of their indices.

    New layers with parameters are left out, because they are not trained yet.
    """
    moved = source.index_map
    backbone = [new for new in moved.moved if config.layers[new].section == "backbone"]
    trainable = {layer_of(key) for key in own}
    last = _last_of_backbone(config, moved)
    if any(index in trainable for index in {*moved.injected, *source.replaced} if index <= last):
        return len(backbone), [index for index in backbone if index not in source.replaced]
    return len(backbone), [last + 1]


def _last_of_backbone(config: Config, moved: IndexMap) -> int:
    """The index in ``config`` of the last layer of the base's backbone."""
    return [new for new in moved.moved if config.layers[new].section == "backbone"][-1]
