"""The data set of a study: whether its arguments name one, and whether that is there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from yamlinject.study import arguments
from yamlinject.study.folder import Study


def problem(study: Study) -> str | None:
    """Why the trainings would find no data set of the user's, or None. Frameworks bring some by name."""
    plan = study.plan
    asked = arguments.data(plan.framework, plan.args)
    if asked is None:
        return f"the training is given no data set: end with -- {arguments.DATA[plan.framework]}"
    if not asked.endswith((".yaml", ".yml")) or (study.working_folder / asked).exists():
        return None
    spec = find_spec(plan.framework)
    folders = (spec.submodule_search_locations if spec else None) or []
    if plan.checkout:
        folders = [str(study.working_folder / plan.checkout)]
    if any(next(Path(folder).rglob(Path(asked).name), None) for folder in folders):
        return None
    return f"there is no data set {asked} in {study.working_folder}"
