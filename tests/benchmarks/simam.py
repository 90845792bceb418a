"""How long SimAM takes, next to the official form and to copying the same bytes. Run it by hand::

    python tests/benchmarks/simam.py [--quick]

One layer alone, forward and forward + backward, in float32 and bfloat16 (on a GPU also under AMP), eager
and compiled; then yolov5s at 640 pixels without SimAM, with the official form and with ours. Runs
alternate, so that a machine whose speed drifts slows all; ratios are medians of paired runs, the spread is
that of the middle half. Threads wait for each other after every operation: on a machine that is busy
otherwise, look at ``--threads 1``.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from statistics import median, quantiles

import torch
import yaml
from torch import Tensor, nn

import yamlinject
from yamlinject.nn import SimAM

SHAPES = [(1024, 20), (512, 40), (256, 80), (128, 160)]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Form = Callable[[Tensor], Tensor]
Job = Callable[[], object]


class Official(nn.Module):
    """The formula as its authors write it."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        _, _, h, w = x.shape
        n = max(w * h - 1, 1)  # theirs is NaN for one value, which YOLOv5 runs while it builds a model
        d = (x - x.mean(dim=[2, 3], keepdim=True)).pow(2)
        y = d / (4 * (d.sum(dim=[2, 3], keepdim=True) / n + 1e-4)) + 0.5
        return x * torch.sigmoid(y)


def alternating(jobs: list[Job], runs: int) -> list[list[float]]:
    """Milliseconds of each job in each of ``runs`` rounds, after two rounds that are not counted."""
    took: list[list[float]] = [[] for _ in jobs]
    for run in range(runs + 2):
        for job, kept in zip(jobs, took, strict=True):
            start = time.perf_counter()
            job()
            if DEVICE == "cuda":
                torch.cuda.synchronize()
            if run > 1:
                kept.append((time.perf_counter() - start) * 1e3)
    return took


def ratio(slow: list[float], fast: list[float]) -> float:
    return median(a / b for a, b in zip(slow, fast, strict=True))


def cell(milliseconds: list[float]) -> str:
    low, _, high = quantiles(milliseconds, n=4)
    return f"{median(milliseconds):.2f} ({low:.2f}-{high:.2f})"


def row(*cells: object) -> None:
    print("|", " | ".join(f"{c:.2f}" if isinstance(c, float) else str(c) for c in cells), "|", flush=True)


def head(title: str, *names: str) -> None:
    print(f"\n{title}\n")
    row(*names)
    row(*("---" for _ in names))


def saved(form: Form, x: Tensor) -> float:
    """Bytes that are kept for the backward pass, in units of the input's."""
    kept: dict[int, int] = {}

    def keep(t: Tensor) -> Tensor:
        kept[t.data_ptr()] = t.nbytes
        return t

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        form(x)
    return sum(kept.values()) / x.nbytes


def inputs(batches: tuple[int, ...], dtype: torch.dtype, train: bool) -> Iterator[tuple[str, Tensor]]:
    for channels, size in SHAPES:
        for batch in batches:
            x = torch.randn(batch, channels, size, size, device=DEVICE).to(dtype)
            yield f"{batch} x {channels} @ {size}²", x.requires_grad_(train)


def job(form: Form, x: Tensor, amp: bool = False) -> Job:
    """One pass, or both where ``x`` wants a gradient."""
    context = torch.autocast(DEVICE, torch.float16) if amp else nullcontext()
    with context:
        grad = torch.ones_like(form(x))  # under AMP the official form answers in float32

    def run() -> None:
        with context:
            y = form(x)
        if x.requires_grad:
            torch.autograd.grad(y, x, grad)

    return run


def fewer(runs: int, x: Tensor) -> int:
    """A large input takes longer and is measured better."""
    return runs if x.numel() < 10**7 else max(runs // 4, 3)


def copies(x: Tensor) -> Job:
    """As many copies of ``x`` as there are passes: no form can be faster than that."""
    source = x.detach()
    return lambda: [source.clone() for _ in range(1 + x.requires_grad)]


def layer(dtype: torch.dtype, train: bool, batches: tuple[int, ...], runs: int, amp: bool = False) -> None:
    names = ["input", "official, ms", "ours, ms", "copy, ms", "official / ours", "official / copy"]
    passes = "forward + backward" if train else "forward"
    head(
        f"{passes}, {str(dtype).removeprefix('torch.')}{', AMP' if amp else ''}",
        *names,
        *(["saved: official", "saved: ours"] if train else []),
    )
    ratios = []
    for name, x in inputs(batches, dtype, train):
        jobs = [job(Official(), x, amp), job(SimAM(), x, amp), copies(x)]
        official, ours, copy = alternating(jobs, fewer(runs, x))
        ratios.append(ratio(official, ours))
        more = [f"{saved(form, x):.1f} x" for form in (Official(), SimAM())] if train else []
        row(name, cell(official), cell(ours), cell(copy), ratios[-1], ratio(official, copy), *more)
    print(f"\nmedian of official / ours: {median(ratios):.2f}")


def compiled(train: bool, batches: tuple[int, ...], runs: int) -> None:
    head(
        f"torch.compile, {'forward + backward' if train else 'forward'}, float32",
        *("input", "official, ms", "ours, ms", "official / ours", "eager official / compiled ours"),
    )
    for name, x in inputs(batches, torch.float32, train):
        torch.compiler.reset()
        forms: list[Form] = [torch.compile(form, dynamic=False) for form in (Official(), SimAM())]
        forms.append(Official())
        official, ours, eager = alternating([job(form, x) for form in forms], fewer(runs, x))
        row(name, cell(official), cell(ours), ratio(official, ours), ratio(eager, ours))


def built(after: str | None, form: type[nn.Module]) -> nn.Module:
    """yolov5s with that form after those layers."""
    yolo = importlib.import_module("yolov5.models.yolo")
    logging.getLogger("yolov5").setLevel(logging.WARNING)  # or it prints each model's layers
    config = yamlinject.load("yolov5s")
    if after:
        config = config.add("SimAM", after=after)
    vars(yolo)["SimAM"] = form
    torch.manual_seed(0)
    model: nn.Module = yolo.Model(yaml.safe_load(config.to_bytes()))
    return model.to(DEVICE)


def models(train: bool, runs: int) -> None:
    batch = 2 if train else 1
    x = torch.rand(batch, 3, 640, 640, device=DEVICE)
    head(
        f"yolov5s at 640 px, batch {batch}, {'training step' if train else 'inference'}, float32",
        *("model", "ms", "more than without, %"),
    )
    kinds: list[tuple[str, str | None, type[nn.Module]]] = [("without SimAM", None, SimAM)]
    for after in ("SPPF", "C3"):
        kinds += (f"official, after {after}", after, Official), (f"ours, after {after}", after, SimAM)

    def step(model: nn.Module) -> Job:
        if not train:
            return lambda: model(x)
        optimizer = torch.optim.SGD(model.parameters(), 1e-6)

        def run() -> None:
            optimizer.zero_grad()
            outputs: list[Tensor] = model(x)
            loss = torch.stack([output.square().mean() for output in outputs]).sum()
            loss.backward()
            optimizer.step()

        return run

    jobs: list[Job] = [step(built(after, form).train(train)) for _, after, form in kinds]
    with torch.set_grad_enabled(train):
        took = alternating(jobs, runs)
    for (name, _, _), milliseconds in zip(kinds, took, strict=True):
        row(name, cell(milliseconds), (ratio(milliseconds, took[0]) - 1) * 100)


def main() -> None:
    """Measure everything and print Markdown."""
    parser = argparse.ArgumentParser(description="How long SimAM takes.")
    parser.add_argument("--quick", action="store_true", help="batch 1 only, and fewer runs")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch on the CPU")
    parser.add_argument("--only", choices=["layer", "compiled", "models"], help="one part of it")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    batches, runs = ((1,), 12) if options.quick else ((1, 16), 40)
    print(f"torch {torch.__version__}, {DEVICE}, threads: {options.threads}")
    if options.only in (None, "layer"):
        for train in (False, True):
            for dtype in (torch.float32, torch.bfloat16):
                layer(dtype, train, batches, runs)
            if DEVICE == "cuda":
                layer(torch.float16, train, batches, runs, amp=True)
    if options.only in (None, "compiled"):
        try:
            for train in (False, True):
                compiled(train, batches, runs)
        except RuntimeError as error:  # among others of a machine without a C++ compiler
            print(f"\ntorch.compile does not work here: {str(error).splitlines()[0]}")
    if options.only in (None, "models"):
        for train in (False, True):
            models(train, max(runs // 4, 5))


if __name__ == "__main__":
    main()
