"""The process of a training: what ``yamlinject run`` does, and then a word about what was trained.

``python -m yamlinject.study.trainer FACTS BEST CONFIG TARGET …`` writes what only its own process knows, if
the training succeeds, into the file FACTS as JSON; BEST is the checkpoint that it leaves.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from yamlinject.frameworks import launch


def main(facts: str, best: str, config: str, *words: str) -> NoReturn:
    """Run the training, and exit with its exit code."""
    is_module = words[0] == "-m"
    target, *arguments = words[is_module:]
    try:
        launch.run(target, arguments, module=is_module)
    except SystemExit as ended:
        if not ended.code:
            Path(facts).write_text(json.dumps(_facts(Path(best), Path(config))), encoding="utf-8")
        raise


def _facts(best: Path, config: Path) -> dict[str, Any]:
    found: dict[str, Any] = {"device": "cpu", "versions": {}}
    for name in ("torch", "yolov5", "ultralytics"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            found["versions"][name] = str(version)
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return found
    if torch.cuda.is_initialized():
        found["device"] = torch.cuda.get_device_name()
    found["fitness"] = _fitness()
    if best.is_file():
        found.update(_measured(torch, best, config))
    return found


def _fitness() -> list[float] | None:
    """How much precision, recall, mAP50 and mAP50-95 count for the best epoch; releases differ in it."""
    for name in ("utils.metrics", "yolov5.utils.metrics"):
        if name in sys.modules and hasattr(sys.modules[name], "fitness"):
            import numpy

            return [float(value) for value in sys.modules[name].fitness(numpy.eye(4))]
    metrics: Any = sys.modules.get("ultralytics.utils.metrics")
    return None if metrics is None else [_weight(metrics.Metric(), number) for number in range(4)]


def _weight(metric: Any, number: int) -> float:
    def means() -> list[float]:
        return [float(number == other) for other in range(4)]

    metric.mean_results = means
    return float(metric.fitness())


def _measured(torch: Any, best: Path, config: Path) -> dict[str, Any]:
    """The parameters and GFLOPs of the model in a checkpoint that this process has written."""
    from yamlinject.config import load
    from yamlinject.verification import cost

    model = torch.load(best, map_location="cpu", weights_only=False)["model"].float().eval()
    data = getattr(model, "yaml", {})
    channels = int(data.get("channels") or data.get("ch") or 3)
    try:
        found = cost.of_model(model, load(config), channels)
    except Exception:  # a framework's profiler, whose failure is no failure of the training
        return {}
    return {"parameters": found.parameters, "gflops": round(found.gflops, 4)}


if __name__ == "__main__":
    main(*sys.argv[1:])
