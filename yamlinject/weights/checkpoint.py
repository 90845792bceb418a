"""Reading checkpoints without running anything in them.

A ``.pt`` file is a pickle, which names classes and functions that unpickling calls. Here
:mod:`.torch_file` reads it: every object is just its attributes, nothing of a framework is imported or
called, and names that no framework's checkpoint needs are refused. The result is data of any kind.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from yamlinject.errors import SourceError, importing, named
from yamlinject.frameworks.installation import install
from yamlinject.frameworks.user_classes import full_names

if TYPE_CHECKING:
    from torch import Tensor

#: The names of the classes in the frameworks' checkpoints: of models, losses and settings.
_ALLOWED = re.compile(
    r"""
    torch\.nn\.modules\.\w+\.\w+
    | torch\.nn\.utils\.\w+\.\w+
    | (?:yolov5\.)?models\.(?:common|experimental|yolo|tf)\.\w+
    | ultralytics\.nn\.(?:tasks|autobackend|distill_model|modules(?:\.\w+)?)\.\w+
    | ultralytics\.yolo\.utils\.IterableSimpleNamespace
    | torchvision\.transforms\.(?:\w+\.)?\w+
    | builtins\.getattr  # a method that a head keeps; nothing is looked up
    | ultralytics\.utils\.(?:IterableSimpleNamespace|loss\.\w+|tal\.\w+|ops\.\w+)
    | yamlinject\.nn\.\w+\.\w+
    | numpy\.(?:_core|core)\.multiarray\.(?:scalar|_reconstruct) | numpy\.(?:dtype|ndarray)
    | numpy\.dtypes\.\w+
    | pathlib\.(?:_local\.)?(?:Posix|Windows)?Path
    | datetime\.\w+
    """,
    re.VERBOSE,
)

#: Where a checkpoint keeps its model, in the frameworks' own order of preference.
_MODELS = ("ema", "model", "state_dict")

#: The attributes that training leaves in a model besides its tensors.
_KEPT = ("names", "args", "task")

#: Plain values nested deeper than this are not settings, and torch could not write them again.
_DEEPEST = 50

#: The most characters in all names of a model. Modules that hold another twice, and so on, exceed it.
_ROOM = 2**24

#: Up to 2.9 a checkpoint can make torch write beyond its memory (CVE-2026-24747). Torch does not read it
#: here, but it does wherever the result is trained.
_LEAST_TORCH = (2, 10)

#: The checkpoints that the frameworks release are called as their models are.
_RELEASED = re.compile(r"(?:yolo|rtdetr)[a-z0-9-]*\.pt")

_HOW_TO_GET_IT = (
    "; download it from the releases of github.com/ultralytics/yolov5 or assets, or train without it (of "
    "YOLOv5: with --weights '')"
)

SAFETENSORS = ".safetensors"


class Checkpoint(NamedTuple):
    """The tensors of a checkpoint by name, and what else it holds.

    ``architecture``: the config that the model was built from, as data. ``entries``: plain values besides
    the model (numbers, texts, lists of them), such as the settings of the training. ``attributes``: those
    of the model itself. ``dropped``: everything else, which is left out, such as the optimizer's state.
    """

    state: dict[str, Tensor]
    architecture: dict[str, Any] | None
    entries: dict[str, Any]
    attributes: dict[str, Any]
    dropped: list[str]

    def for_another_task(self) -> Checkpoint:
        """Without the settings of its training, by which Ultralytics would know the task."""
        entries = {name: value for name, value in self.entries.items() if name != "train_args"}
        names = {name: value for name, value in self.attributes.items() if name == "names"}
        return self._replace(entries=entries, attributes=names)


def read(file: Path, *, trust: bool = False) -> Checkpoint:
    """Read a ``.pt`` file of a framework, a plain state dict, or a ``.safetensors`` file.

    With ``trust`` anything that it names is imported and called.
    Raises :class:`SourceError` if it is not a checkpoint, or if it names anything unknown, and
    :class:`YamlInjectError` without torch.
    """
    with named(str(file)):
        if not file.exists():  # said before torch is imported, which takes seconds
            how = _HOW_TO_GET_IT if _RELEASED.fullmatch(file.name) else ""
            raise SourceError(f"cannot read it: no such file or directory{how}")
        if not file.is_file():
            raise SourceError("not a regular file")
        with importing("torch", "'yamlinject[torch]'"):
            import torch  # noqa: F401
        if file.suffix == SAFETENSORS:
            return Checkpoint(_read_safetensors(file), None, {}, {}, [])
        try:
            content = _load_trusted(file) if trust else _load(file)
            found = _taken_apart(content if isinstance(content, dict) else {"model": content})
        except OSError as error:
            raise SourceError(f"cannot read it: {error.strerror or error}") from None
        except SourceError:
            raise
        except Exception as error:  # whatever a damaged pickle causes
            problem = f"{type(error).__name__}: {error}".splitlines()[0]
            raise SourceError(f"not a checkpoint: {problem}") from None
        if not found.state:
            raise SourceError("not a checkpoint of a YOLO model: there are no tensors in it")
    return found


def _load(file: Path) -> object:
    import torch

    from yamlinject.weights import torch_file

    version = re.match(r"(\d+)\.(\d+)", torch.__version__)
    if version is None or tuple(map(int, version.groups())) < _LEAST_TORCH:
        raise SourceError(
            f"torch {torch.__version__} is not safe with checkpoints (CVE-2026-24747), and training reads "
            "them with it: pip install 'torch>=2.10'"
        )
    own = "".join(f"|{re.escape(name)}" for name in full_names())
    return torch_file.read(file, re.compile(_ALLOWED.pattern + own, re.VERBOSE))


def _load_trusted(file: Path) -> object:
    import torch

    install()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from the frameworks that it imports
        return torch.load(file, map_location="cpu", weights_only=False)


def _taken_apart(content: dict[Any, Any]) -> Checkpoint:
    model, tensors = content, _own_tensors(content)
    for name in _MODELS:
        found = _own_tensors(content.get(name))
        if found:
            model, tensors = content[name], found
            break
    if model is content:
        return Checkpoint(tensors, None, {}, {}, [])
    known: dict[int, float] = {}
    others = {name: value for name, value in content.items() if name not in _MODELS}
    entries = {name: value for name, value in others.items() if _depth(value, known) <= _DEEPEST}
    attributes: dict[str, Any] = {} if isinstance(model, dict) else vars(model)
    kept = {name: attributes[name] for name in _KEPT if name in attributes}
    return Checkpoint(
        tensors,
        _mapping(model, "yaml"),
        entries,
        {name: value for name, value in kept.items() if _depth(value, known) <= _DEEPEST},
        [name for name, value in others.items() if name not in entries and value is not None],
    )


def _own_tensors(model: object) -> dict[str, Tensor]:
    """The tensors of a model, or of a state dict."""
    import torch

    items = model.items() if isinstance(model, dict) else _state(model)
    return {
        key: value
        for key, value in items
        if isinstance(value, torch.Tensor) and isinstance(key, str) and key.isprintable()
    }


def _state(model: object) -> Iterator[tuple[str, object]]:
    """What ``model.state_dict()`` gives for a module, inert or not: parameters and persistent buffers."""
    rest, room = [("", model)], _ROOM
    while rest:
        prefix, module = rest.pop()
        own = _mapping(module, "_parameters") | _mapping(module, "_buffers")
        children = _mapping(module, "_modules")
        room -= _size(module) + sum(len(prefix) + len(name) + 1 for name in (*own, *children))
        if room < 0:
            raise SourceError("not a checkpoint of a YOLO model: it has more modules than any model")
        passing = _attribute(module, "_non_persistent_buffers_set")
        for name, value in own.items():
            if not (isinstance(passing, set) and name in passing):
                yield prefix + name, value
        rest += [(f"{prefix}{name}.", child) for name, child in reversed(children.items())]


def _size(module: object) -> int:
    """How many entries of a module are looked at, whatever it holds."""
    parts = (_attribute(module, name) for name in ("_parameters", "_buffers", "_modules"))
    return 1 + sum(len(part) for part in parts if isinstance(part, dict))


def _attribute(thing: object, name: str) -> object:
    return getattr(thing, "__dict__", {}).get(name)


def _mapping(thing: object, name: str) -> dict[str, Any]:
    """What an attribute maps names to; nothing if it is not a mapping."""
    found = _attribute(thing, name)
    items = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in items if isinstance(name, str)}


def _depth(value: object, known: dict[int, float]) -> float:
    """How deep lists and dicts are nested in ``value``; infinite if it holds anything but plain values.

    ``known``: the depths of objects seen before, by their ids.
    """
    if value is None or type(value) in (str, int, float, bool):
        return 0
    if not isinstance(value, (list, tuple)) and type(value) is not dict:
        return math.inf
    if id(value) not in known:
        known[id(value)] = math.inf  # if it contains itself
        parts = (*value, *value.values()) if isinstance(value, dict) else value
        known[id(value)] = 1 + max((_depth(part, known) for part in parts), default=0)
    return known[id(value)]


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    with importing("safetensors", "safetensors"):
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    try:
        return dict(load_file(file))
    except OSError as error:
        raise SourceError(f"cannot read it: {error.strerror or error}") from None
    except SafetensorError as error:
        raise SourceError(f"not a safetensors file: {error}") from None


def as_safetensors(state: Mapping[str, Tensor]) -> bytes:
    """The content of a ``.safetensors`` file; raises :class:`YamlInjectError` if the package is missing."""
    with importing("safetensors", "safetensors"):
        from safetensors.torch import save
    return bytes(save({key: value.contiguous() for key, value in state.items()}))
