"""Where the tests find configs that are not theirs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

# the tests run in one process for each core, so that more threads would only get in each other's way
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).resolve().parent.parent
CORPUS = REPOSITORY.parent / "shared" / "corpus"


def shipped(framework: str, folder: str) -> list[Path]:
    """Every model YAML that an installed framework ships; the package is not imported."""
    spec = importlib.util.find_spec(framework)
    assert spec is not None, f"{framework} is not installed: pip install -e '.[test]'"
    assert spec.submodule_search_locations is not None
    (root,) = spec.submodule_search_locations
    return sorted(Path(root, folder).rglob("*.yaml"))
