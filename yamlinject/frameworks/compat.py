"""Bridges between frameworks that are no longer maintained and the libraries of today.

The ``yolov5`` extra pins what can be pinned without holding users back (setuptools, numpy, click). The
rest is bridged in the process in which a framework is launched; no installed file is touched.

==================================  ===============================================================
what broke                          the bridge
==================================  ===============================================================
``torch.load`` only reads tensors   only under ``yamlinject run``, PyTorch's own switch
since torch 2.6; YOLOv5 keeps       ``TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD``. Calls that pass
whole models in its checkpoints     ``weights_only`` themselves are not affected, nor are processes
                                    that do not import YOLOv5.
``FreeTypeFont.getsize`` is gone    defined again through ``getbbox``
since Pillow 10
``numpy.trapz`` is gone since       ``numpy.trapezoid`` under its old name
numpy 2.4
``Arial.ttf`` is downloaded         when that fails, matplotlib's DejaVu Sans replaces it
``pkg_resources`` is gone since     a stand-in with the three functions that YOLOv5 up to 7.0 calls,
setuptools 82                       through ``importlib.metadata`` and packaging
the yolov5 package asks the         it does not ask for a file that exists
Hugging Face hub for any weights
its ``export`` takes one format     text is a list of formats, and a number a size of the images
of ``--include`` for its letters
``torch.onnx.export`` goes by       the exporter that YOLOv5 was written for, unless a call names one
another exporter since torch 2.9
warnings on each start, and of a    not shown: of ``pkg_resources``, of ``torch.cuda.amp``, and of the
list that the package lacks         package's missing ``requirements.txt``
==================================  ===============================================================
"""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterable, Iterator
from functools import wraps
from importlib import metadata
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any

from yamlinject.frameworks.import_hooks import after_import


def install() -> None:
    """Bridge what is imported from now on, and what is already imported."""
    for package in ("", "yolov5."):
        after_import(f"{package}utils", _prepare)
        after_import(f"{package}utils.general", _give_font)
    after_import("yolov5.utils.general", _miss_no_requirements)
    after_import("yolov5.utils.downloads", _look_on_the_disk_first)
    after_import("yolov5.export", _read_formats)
    after_import("PIL.ImageFont", _give_getsize)
    after_import("numpy", _give_trapz)


def load_whole_models() -> None:
    """Let ``torch.load`` read whole models, which can run code, once a YOLOv5 is imported."""
    for package in ("", "yolov5."):
        after_import(f"{package}utils", _load_whole_models)


def _prepare(utils: ModuleType) -> None:
    """Provide what must be there before the rest of a YOLOv5 is imported."""
    if not _is_yolov5(utils):
        return
    if "pkg_resources" not in sys.modules and find_spec("pkg_resources") is None:
        sys.modules["pkg_resources"] = _pkg_resources()
    warnings.filterwarnings("ignore", "pkg_resources is deprecated as an API", UserWarning)
    warnings.filterwarnings("ignore", r"`torch\.cuda\.amp\.", FutureWarning)
    after_import("torch.onnx", _export_as_before)


def _load_whole_models(utils: ModuleType) -> None:
    switch = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    if not _is_yolov5(utils):
        return
    if "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ:  # both at once are an error
        os.environ.setdefault(switch, "1")
    warnings.filterwarnings("ignore", message=f".*{switch}")


def _is_yolov5(utils: ModuleType) -> bool:
    """Whether a package ``utils`` is that of a YOLOv5; others are left alone."""
    folders = (Path(folder).with_name("models") for folder in utils.__path__)
    return any((folder / "yolo.py").is_file() for folder in folders)


def _pkg_resources() -> ModuleType:
    """A module with what YOLOv5 uses of ``pkg_resources``: versions, and whether a package is installed."""
    stand_in = ModuleType("pkg_resources", "Stand-in by yamlinject for what YOLOv5 needs.")

    class DistributionNotFound(Exception):
        """A package is not installed."""

    class VersionConflict(Exception):
        """A package is installed in a different version."""

    def parse_version(text: str) -> object:
        from packaging.version import parse

        return parse(text)

    def parse_requirements(lines: str | Iterable[str]) -> Iterator[object]:
        from packaging.requirements import Requirement

        for line in lines.splitlines() if isinstance(lines, str) else lines:
            text = line.partition("#")[0].strip()
            if text:
                yield Requirement(text)

    def require(requirement: object) -> None:
        from packaging.requirements import Requirement

        wanted = Requirement(str(requirement))
        try:
            version = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            raise DistributionNotFound(wanted.name) from None
        if not wanted.specifier.contains(version, prereleases=True):
            raise VersionConflict(f"{wanted.name} {version}")

    for value in (DistributionNotFound, VersionConflict, parse_version, parse_requirements, require):
        setattr(stand_in, value.__name__, value)
    return stand_in


def _give_getsize(image_font: ModuleType) -> None:
    font = image_font.FreeTypeFont

    def getsize(self: Any, text: str) -> tuple[int, int]:
        left, _, right, bottom = self.getbbox(text)
        return right - left, bottom  # the height counts from the top of the line, as before

    if not hasattr(font, "getsize"):
        font.getsize = getsize


def _give_trapz(numpy: ModuleType) -> None:
    if not hasattr(numpy, "trapz"):
        vars(numpy)["trapz"] = numpy.trapezoid


def _give_font(general: ModuleType) -> None:
    download = getattr(general, "check_font", None)
    folder = getattr(general, "CONFIG_DIR", None)
    if download is None or folder is None or download.__module__ == __name__:
        return

    def check_font(font: Any = "Arial.ttf", progress: bool = False) -> None:
        try:
            download(font, progress)
        except OSError as error:  # no network, or no longer there
            import matplotlib

            target = Path(folder, Path(font).name)
            print(f"yamlinject: {target.name}: {error}: using DejaVu Sans instead", file=sys.stderr)
            shutil.copyfile(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), target)

    vars(general)["check_font"] = check_font


def _export_as_before(onnx: ModuleType) -> None:
    export = onnx.export
    if export.__module__ == __name__ or "dynamo" not in signature(export).parameters:
        return

    def export_as_before(*args: Any, **kwargs: Any) -> Any:
        return export(*args, **{"dynamo": False, **kwargs})

    vars(onnx)["export"] = export_as_before


def _read_formats(module: ModuleType) -> None:
    run = module.run
    if run.__module__ == __name__:
        return

    @wraps(run)  # the command line reads the options off it
    def run_with_lists(*args: Any, **kwargs: Any) -> Any:
        bound = signature(run).bind(*args, **kwargs)
        given = bound.arguments
        if isinstance(given.get("include"), str):
            given["include"] = given["include"].split(",")
        for size in ("imgsz", "img"):
            if isinstance(given.get(size), int):
                given[size] = [given[size]]
        return run(*bound.args, **bound.kwargs)

    run_with_lists.__module__ = __name__
    vars(module)["run"] = run_with_lists


def _miss_no_requirements(general: ModuleType) -> None:
    check = getattr(general, "check_requirements", None)
    if check is None or check.__module__ == __name__:
        return

    def check_requirements(*args: Any, **kwargs: Any) -> Any:
        """The list that is checked without an argument is in checkouts, and not in the package."""
        return check(*args, **kwargs) if args or "requirements" in kwargs else True

    vars(general)["check_requirements"] = check_requirements


def _look_on_the_disk_first(downloads: ModuleType) -> None:
    ask = downloads.attempt_download_from_hub
    if ask.__module__ == __name__:
        return

    def attempt_download_from_hub(repo_id: Any, *args: Any, **kwargs: Any) -> Any:
        return None if Path(str(repo_id)).is_file() else ask(repo_id, *args, **kwargs)

    vars(downloads)["attempt_download_from_hub"] = attempt_download_from_hub
