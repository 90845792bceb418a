"""What a study needs before a training can run: its configs, and the start weights of each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from yamlinject import files
from yamlinject.config import Config
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.library import user_modules
from yamlinject.study import configs, study_file
from yamlinject.study.folder import PLAN_FILE, RECORD, Study
from yamlinject.study.plan import Plan, Variant

_SUFFIX = ".pt"

Say = Callable[[str], None]


def create(folder: str | Path, plan: Plan, say: Say = lambda _: None) -> tuple[Study, list[str]]:
    """Make the study of ``plan`` in ``folder``, at once or not at all; and which files were written.

    A folder that holds this study already is brought up to date. Raises :class:`YamlInjectError` for one
    with anything else in it, and where the plan cannot be carried out.
    """
    folder = Path(folder)
    if (folder / PLAN_FILE).exists():
        study = Study.open(folder)
        if study.plan != plan:
            raise SourceError(
                f"a study of something else is there: edit its {PLAN_FILE}, and give the folder alone; or "
                "name another folder",
                file=str(folder),
            )
        return study, prepare(study, say)
    target = files.resolved(folder)
    temporary = target.with_name(f".{target.name[:100]}.{os.urandom(4).hex()}.tmp")
    try:
        if target.is_file() or (target.is_dir() and any(target.iterdir())):
            raise SourceError("is there already, and is no study: name another folder", file=str(folder))
        draft = Study(temporary, plan)
        drafted = _configs(draft, {})
        temporary.mkdir(parents=True)
        files.write_atomic(temporary / PLAN_FILE, study_file.text(plan).encode())
        written = _write(draft, drafted, {}, say)
        if target.is_dir():
            target.rmdir()
        temporary.rename(target)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"cannot make it: {reason}", file=str(folder)) from None
    except YamlInjectError as error:
        if error.file:  # what was half made is gone
            error.file = error.file.replace(str(temporary), str(folder))
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Study(folder, plan), [PLAN_FILE, *written]


def prepare(study: Study, say: Say = lambda _: None) -> list[str]:
    """Bring the configs and the weights up to date with ``study.yaml``; returns which were written.

    The copies that the study has of the base and of its checkpoint are not read again from elsewhere, so
    that it can be moved, and an update of a framework changes nothing.
    Raises :class:`YamlInjectError`; a config or weights that somebody edited are not replaced.
    """
    with files.locked(study.folder / PLAN_FILE):
        record = study.record
        return _write(study, _configs(study, record), record, say)


def prepare_apart(study: Study) -> None:
    """:func:`prepare` in a process of its own, whose memory is free again then: weights may need torch."""
    command = [sys.executable, "-m", __spec__.name, str(study.folder)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise YamlInjectError(said[-1])


def _configs(study: Study, record: dict[str, Any]) -> dict[str, Config]:
    """The configs that the plan asks for."""

    def kept(variant: Variant, base: Config | None) -> Config | None:
        key = f"configs/{variant.config.name}"
        entry = record.get(key, {})
        if entry.get("of") != _origin(study.plan, variant, base) or not variant.config.exists():
            return None
        _check_unedited(study, key, variant.config, entry)
        return configs.read(variant.config, str(entry.get("called")))

    return configs.made(study.plan, study.variants, study.working_folder, kept)


def _origin(plan: Plan, variant: Variant, base: Config | None) -> list[Any]:
    """What a config is made of. The version of yamlinject, which a line in it names, does not count."""
    if base is None:
        return [plan.base, variant.scale]
    return [_digest(base.to_bytes()), variant.module, variant.position, variant.replaces]


def _write(study: Study, made: dict[str, Config], record: dict[str, Any], say: Say) -> list[str]:
    """Write what is not there as it should be, and say what; ``record`` is brought up to date."""
    written = []
    for folder in ("configs", "weights") if study.plan.weights else ("configs",):
        (study.folder / folder).mkdir(exist_ok=True)
    before = json.dumps(record)
    try:
        for variant in study.variants:
            key, data = f"configs/{variant.config.name}", made[variant.name].to_bytes()
            if not files.holds(variant.config, data):
                if variant.config.exists():
                    _check_unedited(study, key, variant.config, record.get(key, {}))
                files.write_atomic(variant.config, data)
                written.append(key)
            of = _origin(study.plan, variant, made[variant.base] if variant.base else None)
            record[key] = {"sha256": _digest(data), "of": of, "called": made[variant.name].name}
        for file, digest in zip(study.plan.module_files, study.own_modules, strict=True):
            record[f"modules/{file}"] = {"sha256": digest}
        for variant in study.variants:
            if variant.weights is not None and _start(study, variant, made, record, say):
                written.append(f"weights/{variant.weights.name}")
    finally:
        if json.dumps(record) != before:
            text = json.dumps(record, indent=1) + "\n"
            files.write_atomic(study.folder / RECORD, text.encode("ascii"))
    for job in study.jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
    return written


def _check_unedited(study: Study, key: str, file: Path, entry: dict[str, Any]) -> None:
    """Refuse a file that is not as it was made."""
    if entry.get("sha256") != _digest(files.read_bytes(file, _MOST_BYTES)):
        raise SourceError(
            f"was edited, so it is not what {PLAN_FILE} asks for: delete it to have it made anew",
            file=str(study.folder / key),
        )


#: More bytes than the weights of any model have.
_MOST_BYTES = 8 * 2**30


def _start(
    study: Study, variant: Variant, made: dict[str, Config], record: dict[str, Any], say: Say
) -> bool:
    """Make the start weights of ``variant``, unless they are there.

    For a base they are the checkpoint itself, else what it gives.
    """
    assert variant.weights
    key = f"weights/{variant.weights.name}"
    entry, there = record.get(key, {}), variant.weights.exists()
    if variant.base is None:
        index = study.plan.scales.index(variant.scale) if variant.scale else 0
        source = study.plan.weights[index]
        if there and entry.get("of") == source:
            _check_unedited(study, key, variant.weights, entry)
            return False
        data, of = files.read_bytes(study.working_folder / source, _MOST_BYTES), source
    else:
        origin = record[f"weights/{variant.base}{_SUFFIX}"]["sha256"]
        of = f"{origin} {record[f'configs/{variant.config.name}']['sha256']}"
        if there and entry.get("of") == of:
            _check_unedited(study, key, variant.weights, entry)
            return False
        say(f"weights of {variant.name}")
        data = _transferred(study, variant, made)
    if there and not files.holds(variant.weights, data):
        _check_unedited(study, key, variant.weights, entry)
    files.write_atomic(variant.weights, data)
    record[key] = {"sha256": _digest(data), "of": of}
    return True


def _transferred(study: Study, variant: Variant, made: dict[str, Config]) -> bytes:
    """The checkpoint of the base of ``variant`` for its config."""
    from yamlinject.weights import sources
    from yamlinject.weights.transfer import transfer

    assert variant.base
    checkpoint = study.folder / "weights" / f"{variant.base}{_SUFFIX}"
    config = Config(variant.config.name, made[variant.name].to_bytes(), path=variant.config)
    base = made[variant.base]
    base = Config(f"{variant.base}.yaml", base.to_bytes())
    framework: str = study.plan.framework
    if study.plan.module_files:
        user_modules.use(study.working_folder / file for file in study.plan.module_files)
    if study.plan.checkout:
        framework = str(study.working_folder / study.plan.checkout)
    try:
        return transfer(checkpoint, config, base, framework=framework).to_bytes()
    except sources.NothingToConvertError:  # a replacement without tensors of its own
        return files.read_bytes(checkpoint, _MOST_BYTES)


def _digest(data: bytes) -> str:
    return sha256(data).hexdigest()


if __name__ == "__main__":
    try:
        prepare(Study.open(sys.argv[1]))
    except YamlInjectError as error:
        sys.exit(str(error))
