"""Reading checkpoints without running anything that they hold.

A ``.pt`` file is a pickle, which names classes and functions that reading it calls. Here
``torch.load(weights_only=True)`` reads it, and for every class that a framework's checkpoint may name
an inert one of ours stands in: nothing of a framework is imported or called. All else is refused.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from yamlinject import files, frameworks
from yamlinject.errors import SourceError

if TYPE_CHECKING:
    from torch import Tensor

#: Where the classes live that the checkpoints of the frameworks hold: of models, losses and settings.
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

#: Where a checkpoint keeps its model; what the frameworks' own loading prefers comes first.
_MODELS = ("ema", "model", "state_dict")

#: What a model keeps of its training besides its tensors.
_KEPT = ("names", "args", "task")

SAFETENSORS = ".safetensors"


class Inert:
    """Stands for an object of a class that was not imported; its attributes are in ``__dict__``."""

    def __new__(cls, *_arguments: object) -> Inert:
        """An empty object, whatever the class itself would make of the arguments."""
        return object.__new__(cls)

    def __init__(self, *_arguments: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        if isinstance(state, dict):
            self.__dict__.update(state)


class Checkpoint(NamedTuple):
    """The tensors of a checkpoint by their names, and what else it says.

    ``architecture``: the config that the model was built of, as data. ``entries``: plain values besides
    the model (numbers, texts, lists of them), such as the settings of the training. ``attributes``: those
    of the model itself. ``dropped``: what else there is and is left behind, such as the optimizer's state.
    """

    state: dict[str, Tensor]
    architecture: dict[str, Any] | None
    entries: dict[str, Any]
    attributes: dict[str, Any]
    dropped: list[str]


def read(file: Path, *, trust: bool = False) -> Checkpoint:
    """Read a ``.pt`` file of a framework, a plain state dict, or a ``.safetensors`` file.

    With ``trust`` what it names beyond the list is imported and called.
    Raises :class:`SourceError` for what is no checkpoint, and for one that wants anything else.
    """
    if file.exists() and not file.is_file():
        raise SourceError("not a regular file", file=str(file))
    try:
        import torch  # noqa: F401  # to say it in one line where it is missing
    except ImportError:
        raise SourceError(
            "torch is not installed: pip install 'yamlinject[torch]'", file=str(file)
        ) from None
    if file.suffix == SAFETENSORS:
        return Checkpoint(_read_safetensors(file), None, {}, {}, [])
    content = _load(file, trust)
    try:
        found = _taken_apart(content if isinstance(content, dict) else {"model": content})
    except (AttributeError, RecursionError, TypeError):  # a pickle can hold anything
        found = None
    if found is None or not found.state:
        raise SourceError("not a checkpoint of a YOLO model: there are no tensors in it", file=str(file))
    return found


def _taken_apart(content: dict[str, Any]) -> Checkpoint:
    model, tensors = content, _own_tensors(content)
    for name in _MODELS:
        found = _own_tensors(content.get(name))
        if found:
            model, tensors = content[name], found
            break
    if model is content:
        return Checkpoint(tensors, None, {}, {}, [])
    attributes: dict[str, Any] = {} if isinstance(model, dict) else vars(model)
    architecture = attributes.get("yaml")
    others = {name: value for name, value in content.items() if name not in _MODELS}
    entries = {name: value for name, value in others.items() if _is_plain(value)}
    return Checkpoint(
        tensors,
        architecture if isinstance(architecture, dict) else None,
        entries,
        {name: value for name, value in attributes.items() if name in _KEPT and _is_plain(value)},
        [name for name, value in others.items() if name not in entries and value is not None],
    )


def _own_tensors(model: Any) -> dict[str, Tensor]:
    """The tensors of a model, or of a state dict."""
    state = model if isinstance(model, dict) else dict(_tensors(model, ""))
    return {key: value for key, value in state.items() if isinstance(key, str) and _is_tensor(value)}


def _load(file: Path, trust: bool) -> Any:
    import torch

    try:
        if trust:
            frameworks.install()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the frameworks that are imported for it
                return torch.load(file, map_location="cpu", weights_only=False)
        if not zipfile.is_zipfile(file) and file.stat().st_size:
            raise SourceError(
                "not a checkpoint, or one from before torch 1.6: save it again with a newer torch",
                file=str(file),
            )
        from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

        with safe_globals([]):
            wanted = get_unsafe_globals_in_checkpoint(file)
        refused = sorted(name for name in wanted if not _ALLOWED.fullmatch(name))
        if refused:
            raise SourceError(
                f"wants {', '.join(refused)}, which no framework's checkpoint needs: reading it could "
                "run any code; use --trust if you know where it comes from",
                file=str(file),
            )
        inert: list[Any] = [(type(name.rpartition(".")[2], (Inert,), {}), name) for name in wanted]
        with safe_globals(inert):
            return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise SourceError(f"cannot read it: {error.strerror or error}", file=str(file)) from None
    except SourceError:
        raise
    except ImportError as error:
        raise SourceError(f"torch 2.6 is needed to read it safely: {error}", file=str(file)) from None
    except Exception as error:  # whatever a damaged pickle makes torch raise
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"not a checkpoint: {problem}", file=str(file)) from None


def _tensors(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """What ``module.state_dict()`` gives of a module, inert or not: parameters and lasting buffers."""
    attributes = vars(module) if hasattr(module, "__dict__") else {}
    passing = attributes.get("_non_persistent_buffers_set") or ()
    own = {**(attributes.get("_parameters") or {}), **(attributes.get("_buffers") or {})}
    for name, value in own.items():
        if value is not None and name not in passing:
            yield prefix + name, value
    for name, child in (attributes.get("_modules") or {}).items():
        if child is not None:
            yield from _tensors(child, f"{prefix}{name}.")


def _is_tensor(value: object) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return type(value) is dict and all(map(_is_plain, value)) and all(map(_is_plain, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or type(value) in (str, int, float, bool)


def _read_safetensors(file: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise SourceError("safetensors is not installed: pip install safetensors", file=str(file)) from None
    try:
        return dict(load_file(file))
    except OSError as error:
        raise SourceError(f"cannot read it: {error.strerror or error}", file=str(file)) from None
    except SafetensorError as error:
        raise SourceError(f"not a safetensors file: {error}", file=str(file)) from None


def write_safetensors(state: Mapping[str, Tensor], file: Path) -> None:
    """Write a plain state dict, atomically; raises :class:`SourceError`."""
    try:
        from safetensors.torch import save
    except ImportError:
        raise SourceError("safetensors is not installed: pip install safetensors", file=str(file)) from None
    files.write_atomic(file, save({key: value.contiguous() for key, value in state.items()}))
