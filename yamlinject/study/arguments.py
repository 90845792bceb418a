"""Which arguments of a training are the study's to give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yamlinject.library.upstream import Framework

_CONFIG = "the study has a config for each variant"
_START = "each variant has its own start weights: give --weights to the study, before the --"
_SEED = "each variant is trained with every seed: give --seeds to the study, before the --"
_PLACE = "each training writes into its own folder"
_GPU = "each training gets a GPU of its own; only cpu or mps may be said"
_AGAIN = "a training that was stopped begins anew"
_WORK = "a study trains, for the task of its config"

#: What the study says itself, and why it cannot be said for all trainings at once.
_OWN: dict[Framework, dict[str, str]] = {
    "yolov5": {
        "cfg": _CONFIG,
        "weights": _START,
        "seed": _SEED,
        "project": _PLACE,
        "name": _PLACE,
        "exist_ok": _PLACE,
        "device": _GPU,
        "resume": _AGAIN,
        "evolve": "it trains many times with other settings each",
    },
    "ultralytics": {
        "model": _CONFIG,
        "pretrained": _START,
        "seed": _SEED,
        "project": _PLACE,
        "name": _PLACE,
        "exist_ok": _PLACE,
        "save_dir": _PLACE,
        "device": _GPU,
        "resume": _AGAIN,
        "mode": _WORK,
        "task": _WORK,
    },
}

#: How each framework is told the data set.
DATA: dict[Framework, str] = {"yolov5": "--data data.yaml", "ultralytics": "data=data.yaml"}

#: Devices that any number of trainings may have at the same time.
_SHARED = ("cpu", "mps")


def problem(framework: Framework, args: Sequence[str]) -> str | None:
    """Why the training cannot have ``args`` in a study, or None."""
    own = _OWN[framework]
    for word, name, value in _options(framework, args):
        found = next((one for one in own if _means(framework, name, one)), None)
        if found and not (found == "device" and value in _SHARED):
            return f"leave {word} out: {own[found]}"
    if args and not any(_options(framework, args[:2])):
        return f"{args[0]}: {framework} is told its arguments like {DATA[framework]}"
    return None


def data(framework: Framework, args: Sequence[str]) -> str | None:
    """The data set that ``args`` name, None where the framework decides."""
    found = [value for _, name, value in _options(framework, args) if _means(framework, name, "data")]
    return found[-1] if found else None


def without_gpu(framework: Framework, args: Sequence[str]) -> bool:
    """Whether ``args`` say that no GPU of CUDA is to be used."""
    return any(
        _means(framework, name, "device") and value in _SHARED
        for _, name, value in _options(framework, args)
    )


def epochs(framework: Framework, args: Sequence[str]) -> int | None:
    """How many epochs ``args`` ask for; None where the framework decides."""
    asked = [value for _, name, value in _options(framework, args) if name == "epochs"]
    return int(asked[-1]) if asked and asked[-1].isdecimal() else None


def _options(framework: Framework, args: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Each word that is an option, the option's name, and its value."""
    for index, word in enumerate(args):
        name, equals, value = word.partition("=")
        following = args[index + 1] if index + 1 < len(args) else ""
        if framework == "yolov5":
            if name.startswith("-") and name.strip("-"):
                yield name, name.lstrip("-").replace("-", "_"), value if equals else following
        elif equals or following.startswith("="):  # it joins `key = value`
            yield name, name.lstrip("-").strip(), value.strip() or following.lstrip("=")
        elif word in _WORDS:
            yield word, _WORDS[word], ""


#: What Ultralytics takes for a mode or a task wherever it stands.
_WORDS = {
    **dict.fromkeys("train val predict export track benchmark".split(), "mode"),
    **dict.fromkeys("detect segment classify pose obb".split(), "task"),
}


def _means(framework: Framework, name: str, own: str) -> bool:
    """Whether an option called ``name`` is ``own``: YOLOv5's may be shortened."""
    if framework == "yolov5":
        return own.startswith(name)
    return name == own
