"""How often ``study table`` is wrong: of trainings, and of numbers. Run it by hand::

    python -m tests.benchmarks.study_calibration FOLDER [--seeds 20] [--epochs 3] [--images 96]

yolov5n is trained on drawn shapes once, and then further on other ones, in 2 x ``--seeds`` runs that differ
by nothing but their seed. Half of these against the other half, in pairs drawn 1,000 times, is a comparison
of A with A: "better" and "worse" have to stay within 5 % of them. The first half is also run for twice the
epochs: of studies with as many seeds as ``seeds_needed`` asks for, 80 % have to find that. The same of
drawn numbers follows, where the number of studies is not limited.

What is done in FOLDER is not done again, so that it can be interrupted. All on the CPU, without a network.
"""

from __future__ import annotations

import argparse
import csv
import math
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev

from tests.benchmarks.pretrained import YAMLINJECT, call, draw
from yamlinject.study.statistics import Verdict, compare, fewest_seeds, seeds_needed

SIZE = 64
DRAWN = 1000


def train(folder: Path, name: str, epochs: int, seed: int, data: Path, *more: str) -> float:
    """The best mAP50-95 of a training with YOLOv5's own program, which is not done twice."""
    results = folder / "runs" / name / "results.csv"
    if not results.exists() or len(rows(results)) < epochs:
        shutil.rmtree(results.parent, ignore_errors=True)  # YOLOv5 would go on with its results.csv
        options = ["--cfg", "yolov5n.yaml", "--data", str(data), "--project", "runs", "--name", name]
        options += ["--epochs", str(epochs), "--seed", str(seed), "--imgsz", str(SIZE), "--exist-ok"]
        options += ["--batch-size", "16", "--device", "cpu", "--workers", "0", "--noplots", *more]
        call([*YAMLINJECT, "run", "yolov5", "train", *options], folder, threads=1)
    return max(rows(results))


def rows(results: Path) -> list[float]:
    """The mAP50-95 of each epoch."""
    with results.open(newline="") as file:
        return [
            float(value)
            for row in csv.DictReader(file)
            for key, value in row.items()
            if key.strip() == "metrics/mAP_0.5:0.95"
        ]


def share(studies: int, verdicts: Counter[Verdict], *wanted: Verdict) -> str:
    """How many verdicts are of those that are wanted, with the error of that number."""
    found = sum(verdicts[name] for name in wanted) / studies
    return f"{found:.1%} +- {1.96 * math.sqrt(found * (1 - found) / studies):.1%}"


def trained(folder: Path, seeds: int, epochs: int, images: int) -> None:
    """The studies of trainings."""
    folder.mkdir(parents=True, exist_ok=True)
    first, second = (folder / f"data{number}" / "data.yaml" for number in (0, 1))
    for number, data in enumerate((first, second)):
        if not data.exists():
            draw(data.parent, images * (4 if number == 0 else 1), number, SIZE)
    if not (folder / "yolov5n.yaml").exists():
        add = ["add", "SimAM", "yolov5n", "--after", "SPPF", "-o", "inserted.yaml"]
        call([*YAMLINJECT, *add], folder)
        call([*YAMLINJECT, "remove", "SimAM", "inserted.yaml", "-o", "yolov5n.yaml"], folder)
    train(folder, "start", 100, 0, first, "--weights", "")
    start = ("--weights", "runs/start/weights/last.pt")
    runs: dict[int, float] = {}
    longer: dict[int, float] = {}
    for seed in range(2 * seeds):
        runs[seed] = train(folder, f"seed{seed}", epochs, seed, second, *start)
        print(f"seed {seed}: {runs[seed]:.4f}", flush=True)
    for seed in range(seeds):
        longer[seed] = train(folder, f"longer{seed}", 2 * epochs, seed, second, *start)
        print(f"seed {seed}, twice the epochs: {longer[seed]:.4f}", flush=True)
    source = random.Random(0)
    print(f"yolov5n, {epochs} epochs: {mean(runs.values()):.4f} +- {stdev(runs.values()):.4f}")
    for count in (6, 10, seeds):
        verdicts: Counter[Verdict] = Counter()
        for _ in range(DRAWN):
            drawn = source.sample(sorted(runs), 2 * count)
            pairs = [(runs[one], runs[other]) for one, other in zip(drawn[::2], drawn[1::2], strict=True)]
            verdicts[compare([pairs])[0].verdict] += 1
        print(f"A against A, {count} pairs: better or worse in {share(DRAWN, verdicts, 'better', 'worse')}")
    differences = [longer[seed] - runs[seed] for seed in range(seeds)]
    effect, spread = mean(differences), stdev(differences)
    print(f"twice the epochs: {effect:+.4f}, deviation of the differences {spread:.4f}")
    needed = seeds_needed(spread, abs(effect))
    if needed is None or needed > seeds:
        print(f"needs {needed} seeds, more than there are")
        return
    for count in sorted({needed, fewest_seeds()}):
        verdicts = Counter()
        for _ in range(DRAWN):
            drawn = [source.randrange(seeds) for _ in range(count)]
            pairs = [(runs[seed], longer[seed]) for seed in drawn]
            verdicts[compare([pairs])[0].verdict] += 1
        promised = " (80 % promised)" if count == needed else ""
        print(f"found with {count} seeds{promised}: {share(DRAWN, verdicts, 'better')}")


NOISES: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda source: source.gauss(0, 1),
    "Student's t, 2 degrees": lambda source: source.gauss(0, 1) / math.sqrt(source.expovariate(1)),
    "exponential": lambda source: source.expovariate(1),
    "rounded to ties": lambda source: round(source.gauss(0, 1)),
}


def simulated(studies: int) -> None:
    """The studies of numbers: without an effect, with one of a family, and with one within delta."""
    source = random.Random(1)
    for name, noise in NOISES.items():
        for count, variants in ((3, 1), (6, 1), (10, 1), (20, 1), (8, 4), (12, 10)):
            wrong = 0
            for _ in range(studies):
                base = [noise(source) for _ in range(count)]
                family = [[(value, noise(source)) for value in base] for _ in range(variants)]
                wrong += any(one.verdict in ("better", "worse") for one in compare(family))
            error = 1.96 * math.sqrt(0.05 * 0.95 / studies)
            flag = "" if wrong / studies <= 0.05 + error else "  TOO MANY"
            print(
                f"{name}, {count} seeds, {variants} variants: {wrong / studies:.1%} find one{flag}",
                flush=True,
            )
    for size in (1.8, 1.4, 1.0, 0.7):
        for variants in (1, 4):
            count = seeds_needed(1, size, variants) or 0
            verdicts = Counter(
                compare([effect(source, count, size), *[[]] * (variants - 1)])[0].verdict
                for _ in range(studies)
            )
            found = share(studies, verdicts, "better")
            print(f"effect of {size} deviations, {variants} variants, {count} seeds: {found}")
            count = seeds_needed(1, size, variants, rule_out=True) or 0
            none = Counter(compare([effect(source, count, 0)], size)[0].verdict for _ in range(studies))
            edge = Counter(compare([effect(source, count, size)], size)[0].verdict for _ in range(studies))
            print(
                f"no effect, within {size} deviations with {count} seeds: "
                f"{share(studies, none, 'no difference')}; an effect of that size is called none in "
                f"{share(studies, edge, 'no difference')}"
            )


def effect(source: random.Random, count: int, size: float) -> list[tuple[float, float]]:
    """Pairs whose differences are normal, of deviation 1."""
    return [(0.0, size + source.gauss(0, 1)) for _ in range(count)]


def main() -> None:
    """Both kinds of studies."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=20, help="a half of the runs of the same config")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--studies", type=int, default=1000, help="of numbers")
    options = parser.parse_args()
    trained(options.folder.resolve(), options.seeds, options.epochs, options.images)
    simulated(options.studies)


if __name__ == "__main__":
    main()
