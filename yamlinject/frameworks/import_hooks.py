"""Acting on a module as soon as anything imports it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

Action = Callable[[ModuleType], None]


def after_import(name: str, action: Action) -> None:
    """Call ``action`` with the module ``name``: now if it is already imported, else when it is.

    A framework takes seconds to import and may not be needed at all, so this never imports it.
    """
    module = sys.modules.get(name)
    if module is not None and not (name in _FINDER.actions and _is_being_imported(module)):
        action(module)
        return
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    actions = _FINDER.actions.setdefault(name, [])
    if action not in actions:
        actions.append(action)


def _is_being_imported(module: ModuleType) -> bool:
    """Whether an import of ``module`` is not over, so that it may lack what its actions need."""
    return bool(getattr(module.__spec__, "_initializing", False))


class _Finder(MetaPathFinder):
    """Finds the awaited modules as the other finders do, and makes their loaders act afterwards."""

    def __init__(self) -> None:
        self.actions: dict[str, list[Action]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        actions = self.actions.get(name)
        if actions is None:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, (finder.find_spec(name, path, target) for finder in others)), None)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def execute_and_act(module: ModuleType) -> None:
            execute(module)
            for action in actions:
                action(module)

        spec.loader.exec_module = execute_and_act  # type: ignore[method-assign]  # of this one loader
        return spec


_FINDER = _Finder()
