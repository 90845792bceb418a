"""A checkpoint and a config that are handed to a training together, though their numbers differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from yamlinject.config import load
from yamlinject.core.request import command_line
from yamlinject.errors import YamlInjectError

#: How YOLOv5 and Ultralytics are told the checkpoint and the config.
_CHECKPOINT = re.compile(r"(?:--weights[= ]|pretrained=)(\S+\.pt)")
_CONFIG = re.compile(r"(?:--cfg[= ]|model=)(\S+\.ya?ml)")


def warning(arguments: Sequence[str]) -> str | None:
    """What to say before a training with ``arguments``: its checkpoint has to be converted first.

    None where that is not sure, and where the files cannot be read: the training has its own words.
    """
    words = " ".join(arguments)
    checkpoint, config = _CHECKPOINT.search(words), _CONFIG.search(words)
    if not checkpoint or not config or not all(Path(found[1]).is_file() for found in (checkpoint, config)):
        return None
    from yamlinject.weights import checkpoint as checkpoints
    from yamlinject.weights import sources

    try:
        loaded = load(config[1])
        origin = sources.origin(loaded, checkpoints.read(Path(checkpoint[1])), None)
    except YamlInjectError:  # converted, of another model, or unreadable
        return None
    if not origin.index_map.injected:
        return None
    convert = command_line("weights", checkpoint[1], config[1], "-o", "start.pt")
    return (
        f"{checkpoint[1]} is not converted for {config[1]}, so most of it will be lost: {convert}, and "
        "train with start.pt"
    )
