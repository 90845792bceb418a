"""Insert attention layers into YOLO model configs, and renumber everything that depends on them.

:func:`load` reads a model config, and a :class:`Config` can be added to, compared and saved::

    yamlinject.load("yolov5s").add("SimAM", after="SPPF").save("yolov5s_SimAM.yaml")

Names are imported on first use, so that the program can set itself up before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from yamlinject._version import __version__

if TYPE_CHECKING:
    from yamlinject.checks.findings import Finding
    from yamlinject.checks.runner import check
    from yamlinject.config import Config, Rewritten, load
    from yamlinject.core.index_map import IndexMap
    from yamlinject.core.layer import Layer
    from yamlinject.core.references import Change
    from yamlinject.core.rewrite import Rewrite
    from yamlinject.errors import (
        ConfigError,
        RefusalError,
        SelectorError,
        SourceError,
        YamlInjectError,
    )
    from yamlinject.verification.comparison import verify
    from yamlinject.verification.result import Verification
    from yamlinject.weights.state_dict import transfer_state_dict
    from yamlinject.weights.transfer import Transfer, transfer

_HOMES = {
    "checks.findings": ("Finding",),
    "checks.runner": ("check",),
    "config": ("Config", "Rewritten", "load"),
    "errors": ("ConfigError", "RefusalError", "SelectorError", "SourceError", "YamlInjectError"),
    "core.index_map": ("IndexMap",),
    "core.layer": ("Layer",),
    "core.references": ("Change",),
    "core.rewrite": ("Rewrite",),
    "verification.comparison": ("verify",),
    "verification.result": ("Verification",),
    "weights.state_dict": ("transfer_state_dict",),
    "weights.transfer": ("Transfer", "transfer"),
}

__all__ = [
    "Change",
    "Config",
    "ConfigError",
    "Finding",
    "IndexMap",
    "Layer",
    "RefusalError",
    "Rewrite",
    "Rewritten",
    "SelectorError",
    "SourceError",
    "Transfer",
    "Verification",
    "YamlInjectError",
    "__version__",
    "check",
    "load",
    "transfer",
    "transfer_state_dict",
    "verify",
]


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"yamlinject.{module}"), name)
    raise AttributeError(f"module 'yamlinject' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
