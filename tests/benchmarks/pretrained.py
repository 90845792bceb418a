"""What pretrained weights are worth with and without ``yamlinject weights``: a toy. Run it by hand::

    python -m tests.benchmarks.pretrained [--base 80] [--epochs 10] [--picture docs/pretrained.png]

A data set of coloured shapes is drawn, and yolov5n is trained on it. With SimAM behind every C3 it is then
trained on a second set that is drawn like the first: from nothing, with the checkpoint as it is, and with
the converted one. The mAP of each is drawn, epoch by epoch. All on the CPU, without a network.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy
import yaml
from PIL import Image, ImageDraw

from tests.dataset import offline

SIZE = 96
SHAPES = ("circle", "square", "triangle")
YAMLINJECT = [sys.executable, "-m", "yamlinject"]


def draw(folder: Path, images: int, seed: int, size: int = SIZE) -> Path:
    """A data set of up to four shapes an image on noise; returns its ``data.yaml``."""
    random = numpy.random.default_rng(seed)
    for part, count in (("train", images), ("val", images // 4)):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for number in range(count):
            image = Image.fromarray(random.integers(0, 120, (size, size, 3), dtype=numpy.uint8))
            pen, labels = ImageDraw.Draw(image), []
            for _ in range(int(random.integers(1, 5))):
                shape, side = (
                    int(random.integers(len(SHAPES))),
                    int(random.integers(size // 6, size * 5 // 12)),
                )
                left, top = (int(value) for value in random.integers(0, size - side, 2))
                colour = tuple(int(value) for value in random.integers(80, 256, 3))
                box = (left, top, left + side, top + side)
                if shape == 0:
                    pen.ellipse(box, fill=colour)
                elif shape == 1:
                    pen.rectangle(box, fill=colour)
                else:
                    pen.polygon([(left, box[3]), (left + side // 2, top), (box[2], box[3])], fill=colour)
                values = ((left + side / 2), (top + side / 2), side, side)
                labels.append(" ".join([str(shape), *(f"{value / size:.6f}" for value in values)]))
            image.save(folder / "images" / part / f"{number}.png")
            (folder / "labels" / part / f"{number}.txt").write_text("\n".join(labels) + "\n")
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(SHAPES))
    data = folder / "data.yaml"
    data.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return data


def call(command: list[str], folder: Path, threads: int = 2) -> str:
    """Run a command offline in ``folder``; returns what it says."""
    variables = {**offline(folder), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, errors="replace", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def settings_for_further_training(folder: Path) -> Path:
    """YOLOv5's settings for training from nothing, with a tenth of the learning rate and no warm-up."""
    spec = importlib.util.find_spec("yolov5")
    assert spec is not None
    assert spec.origin is not None
    text = (Path(spec.origin).parent / "data/hyps/hyp.scratch-low.yaml").read_text(encoding="utf-8")
    file = folder / "hyp.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(text), "lr0": 0.001, "warmup_epochs": 0.0}))
    return file


def train(
    folder: Path, name: str, epochs: int, data: Path, config: str, weights: str, hyp: Path | None = None
) -> list[float]:
    """Train with YOLOv5's own program; returns the mAP at IoU 0.5 after each epoch."""
    options = ["--cfg", config, "--weights", weights, "--data", str(data), "--project", "runs"]
    options += ["--epochs", str(epochs), "--imgsz", str(SIZE), "--batch-size", "16", "--device", "cpu"]
    options += ["--workers", "0", "--name", name, "--noplots", *(["--hyp", str(hyp)] if hyp else [])]
    said = call([*YAMLINJECT, "run", "yolov5", "train", *options], folder)
    for line in re.findall(r"Transferred .*", said):
        print(f"{name}: {line}")
    with (folder / "runs" / name / "results.csv").open(newline="") as file:
        rows = [{key.strip(): value for key, value in row.items()} for row in csv.DictReader(file)]
    return [float(row["metrics/mAP_0.5"]) for row in rows]


def main() -> None:
    """Train three times and draw the picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", type=int, default=80, help="epochs of the base")
    parser.add_argument("--epochs", type=int, default=10, help="epochs with SimAM")
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--picture", type=Path, default=Path("docs/pretrained.png"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = (draw(folder / f"data{seed}", options.images, seed) for seed in (0, 1))
        for command in (
            ["add", "SimAM", "yolov5n", "--after", "all/C3", "-o", "yolov5n_SimAM.yaml"],
            ["remove", "SimAM", "yolov5n_SimAM.yaml", "-o", "yolov5n.yaml"],
        ):
            call([*YAMLINJECT, *command], folder)
        base = train(folder, "base", options.base, first, "yolov5n.yaml", "")
        print("base:", " ".join(f"{value:.3f}" for value in base))
        best = "runs/base/weights/best.pt"
        converted = ["weights", best, "yolov5n_SimAM.yaml", "--base", "yolov5n.yaml", "-o", "converted.pt"]
        print(call([*YAMLINJECT, *converted], folder))
        hyp = settings_for_further_training(folder)
        curves = {
            label: train(folder, name, options.epochs, second, "yolov5n_SimAM.yaml", weights, hyp)
            for label, name, weights in (
                ("from nothing", "nothing", ""),
                ("--weights best.pt", "plain", best),
                ("--weights converted.pt", "converted", "converted.pt"),
            )
        }
    figure, axes = plt.subplots(figsize=(7, 4))
    for label, values in curves.items():
        print(f"{label}:", " ".join(f"{value:.3f}" for value in values))
        axes.plot(range(1, len(values) + 1), values, marker="o", label=label)
    axes.set(xlabel="epoch", ylabel="mAP at IoU 0.5", ylim=(0, 1))
    axes.set_title(f"A toy: yolov5n with SimAM behind every C3, {options.images} drawn images", fontsize=10)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(options.picture, dpi=110)


if __name__ == "__main__":
    main()
