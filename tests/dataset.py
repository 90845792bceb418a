"""A tiny synthetic data set for detection, and an environment in which nothing can be downloaded."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

#: An address where nothing listens: any use of the network fails at once.
CLOSED = "http://127.0.0.1:9"

COLOURS = {"red": (220, 40, 40), "blue": (40, 60, 220)}


def make_dataset(folder: Path, images: int = 8, size: int = 64) -> Path:
    """Write ``images`` PNGs of coloured rectangles with their labels, twice; return the ``data.yaml``."""
    import numpy
    from PIL import Image

    random = numpy.random.default_rng(0)
    for part in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for number in range(images):
            pixels = random.integers(90, 130, (size, size, 3), dtype=numpy.uint8)
            labels = []
            for name, colour in enumerate(COLOURS.values()):
                width, height = (int(side) for side in random.integers(size // 4, size // 2, 2))
                # one rectangle in the left half and one in the right, so that both can be seen
                left = name * size // 2 + int(random.integers(0, size // 2 - width + 1))
                top = int(random.integers(0, size - height + 1))
                pixels[top : top + height, left : left + width] = colour
                box = (left + width / 2, top + height / 2, width, height)
                labels.append(" ".join([str(name), *(f"{value / size:.6f}" for value in box)]))
            Image.fromarray(pixels).save(folder / "images" / part / f"{number}.png")
            (folder / "labels" / part / f"{number}.txt").write_text("\n".join(labels) + "\n")
    data = folder / "data.yaml"
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(COLOURS))
    data.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    return data


def arial() -> Path:
    """A font that can replace Arial, which every framework downloads."""
    spec = importlib.util.find_spec("matplotlib")  # not imported: that takes a second
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def offline(folder: Path, *, font: bool = True) -> dict[str, str]:
    """Environment variables of a process that keeps its settings in ``folder`` and reaches no network.

    Unless ``font`` is there already, a framework tries to download one.
    """
    settings = folder / "settings"
    for where in (settings, settings / "Ultralytics"):
        where.mkdir(parents=True, exist_ok=True)
        if font:
            shutil.copyfile(arial(), where / "Arial.ttf")
    proxies = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    return {
        # Ultralytics writes into its own package where it sees pytest
        **{k: v for k, v in os.environ.items() if k.lower() != "no_proxy" and not k.startswith("PYTEST_")},
        **dict.fromkeys(proxies, CLOSED),
        "PIP_NO_INDEX": "1",
        "YOLOV5_CONFIG_DIR": str(settings),
        "YOLOv5_AUTOINSTALL": "false",
        "YOLO_CONFIG_DIR": str(settings),
        "YOLO_AUTOINSTALL": "false",
        "YOLO_OFFLINE": "true",
        "MPLCONFIGDIR": str(settings),
        "WANDB_MODE": "disabled",
        "COMET_MODE": "disabled",
        "CLEARML_OFFLINE_MODE": "1",
        "OMP_NUM_THREADS": "1",  # the tests run in as many processes as there are cores
    }
