"""``study run``: every job once, whatever is killed, interrupted, full or said meanwhile."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import EXHAUSTIVE
from tests.fake_training import (
    VARIANTS,
    all_expected,
    expected,
    make_study,
    none_left,
    processes_of,
    results,
    start,
    told,
)
from tests.support import Cli
from yamlinject.study import unit
from yamlinject.study.engine import Here
from yamlinject.study.folder import Study
from yamlinject.study.running import run

SECONDS = 60
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of the study to be; all processes that are started in this test can be told by it."""
    monkeypatch.setenv("STUDY", str(tmp_path / "study"))
    return tmp_path / "study"


@pytest.fixture(autouse=True)
def _no_orphans(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    yield
    assert none_left(folder)


def test_every_job_is_done_once(folder: Path) -> None:
    make_study(folder, "--helper")
    first = start(folder, "run", str(folder))
    out, err = first.communicate(timeout=SECONDS)
    assert (first.returncode, out) == (0, b"")
    assert results(folder) == all_expected()
    *lines, last = err.decode().splitlines()
    assert last == "6 of 6 jobs done"
    shape = r"\[(\d)/6\] (\w+) seed (\d) done: mAP50-95 (0\.\d{4}), \d+ s(; about \d+ s left)?"
    found = [re.fullmatch(shape, line) for line in lines]
    assert [one and one[1] for one in found] == list("123456")
    # seed by seed, so that what is done first can be compared in pairs
    assert [(variant, seed) for variant, seed, *_ in told(folder, "begun")] == [
        (variant, seed) for seed in (0, 1) for variant in VARIANTS
    ]
    again = start(folder, "run", str(folder))
    assert again.communicate(timeout=SECONDS)[1] == b"6 of 6 jobs done\n"
    assert again.returncode == 0
    assert len(told(folder, "begun")) == 6


def test_what_is_known_of_a_job(folder: Path) -> None:
    make_study(folder, "--epochs", "5", seeds=[7], variants=["base"])
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    commit = ["git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "x", "--allow-empty"]
    subprocess.run(commit, cwd=folder, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
    )
    job = start(folder, "job", ".", "base", "7")
    out, err = job.communicate(timeout=SECONDS)
    value = expected("base", 7, epochs=5)
    assert (job.returncode, out, err.decode()) == (0, b"", f"base seed 7: mAP50-95 {value:.4f}\n")
    done = json.loads((folder / "jobs/base/seed-7/done.json").read_text())
    metrics = dict.fromkeys(["precision", "recall", "mAP50", "mAP50-95"], value)
    assert (done["metrics"], done["last"], done["epochs"]) == (metrics, metrics, 5)
    assert (done["variant"], done["seed"], done["commit"]) == ("base", 7, head.stdout.strip())
    assert done["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    assert 0 < done["seconds"] < SECONDS
    log = (folder / "jobs/base/seed-7/log.txt").read_text()
    assert log.startswith("$ yamlinject run ")
    assert log.endswith("epoch 4\n")


def test_a_job_is_done_again_if_its_config_changes(folder: Path) -> None:
    make_study(folder, seeds=[0], variants=["base"])
    for change, times in [("", 1), ("", 1), ("# changed\n", 2)]:
        with (folder / "configs/base.yaml").open("a") as config:
            config.write(change)
        job = start(folder, "job", str(folder), "base", "0")
        job.communicate(timeout=SECONDS)
        assert (job.returncode, len(told(folder, "begun"))) == (0, times)


def test_a_failed_job_does_not_stop_the_others_and_is_tried_again(folder: Path) -> None:
    make_study(folder, "--fail-at", "0", variants=["base"])
    failing = start(folder, "run", str(folder))
    _, err = failing.communicate(timeout=SECONDS)
    assert failing.returncode == 1
    assert err.decode().splitlines()[-1] == "1 of 2 jobs done, 1 failed"
    assert "[1/2] base seed 0 failed: exit code 1: out of memory" in err.decode().splitlines()
    assert results(folder) == {("base", 1): expected("base", 1)}
    job = folder / "jobs/base/seed-0"
    failed = json.loads((job / "failed.json").read_text())
    assert (failed["code"], failed["message"]) == (1, "out of memory")
    assert (job / "log.txt").read_text().endswith("out of memory\n")
    train = folder.parent / "study-checkout/train.py"
    train.write_text(train.read_text().replace("options.fail_at == seed", "False"))
    mended = start(folder, "run", str(folder))
    assert mended.communicate(timeout=SECONDS)[1].endswith(b"2 of 2 jobs done\n")
    assert mended.returncode == 0
    assert not (job / "failed.json").exists()
    assert results(folder) == all_expected(variants=["base"])


@pytest.mark.parametrize("missing", ["metrics/mAP_0.5:0.95", "metrics/recall"])
def test_a_metric_that_is_not_there(folder: Path, missing: str) -> None:
    make_study(folder, "--without", missing, seeds=[0], variants=["base"])
    job = start(folder, "job", str(folder), "base", "0")
    _, err = job.communicate(timeout=SECONDS)
    assert job.returncode == 1
    assert err.count(b"\n") == 1
    name = {"metrics/recall": "recall"}.get(missing, "mAP50-95")
    assert f"results.csv:1:1: it has no {name}: there is epoch, metrics/precision" in err.decode()
    assert not (folder / "jobs/base/seed-0/done.json").exists()


def test_a_job_that_prints_a_lot(folder: Path) -> None:
    """Fifty megabytes: the beginning and the end are kept, and how much is not."""
    make_study(folder, "--megabytes", "50", seeds=[0], variants=["base"])
    job = start(folder, "job", str(folder), "base", "0")
    job.communicate(timeout=SECONDS)
    assert job.returncode == 0
    file = folder / "jobs/base/seed-0/log.txt"
    log = file.read_bytes()
    assert len(log) < 4 * 2**20
    head, left_out, tail = re.split(rb"\n\n\.\.\. ([\d,]+) bytes left out \.\.\.\n\n", log)
    assert head.splitlines()[1] == b"0000000"
    assert tail.endswith(b"0000049\nepoch 0\nepoch 1\nepoch 2\n")
    said = len(b"0000000\n") * 50 * 2**17
    rest = len(log.splitlines()[0]) + 1 + len(b"epoch 0\n") * 3
    assert len(head) + int(left_out.replace(b",", b"")) + len(tail) == said + rest


def test_a_disk_that_is_full(folder: Path) -> None:
    """No file may get larger than a few KB here: one line, and the job is not done."""
    make_study(folder, "--megabytes", "1", seeds=[0], variants=["base"])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**14, 2**14))

    job = start(folder, "job", str(folder), "base", "0", preexec_fn=limit)
    _, err = job.communicate(timeout=SECONDS)
    assert job.returncode == 2
    assert err.decode() == (
        f"yamlinject: error: {folder / 'jobs/base/seed-0'}: cannot write it: file too large\n"
    )
    assert not results(folder)
    again = start(folder, "run", str(folder))
    again.communicate(timeout=SECONDS)
    assert results(folder) == {("base", 0): expected("base", 0)}


def test_the_live_view(folder: Path) -> None:
    """In a terminal: the jobs that are running, with their epochs and what they have reached."""
    seen = folder.parent / "seen"
    make_study(folder, "--epochs", "3", "--until-there", str(seen), seeds=[4], variants=["base"])
    ours, its = os.openpty()
    os.set_blocking(ours, False)
    one = start(
        folder, "run", str(folder), stderr=its, env={**os.environ, "TERM": "xterm", "COLUMNS": "90"}
    )
    os.close(its)
    text, deadline = "", time.monotonic() + SECONDS
    while one.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)  # the terminal is read all the time, or it would fill up
        text += in_plain(ours)
        if "about" in text and " 2/3 " in text:  # or else it would end before it is looked at
            seen.touch()
    seen.touch()  # it ends also where the text that is asserted below never came
    one.communicate(timeout=SECONDS)
    text += in_plain(ours)
    os.close(ours)
    assert re.search(r"0 of 1 done, 0 failed; about \d s left", text)
    reached = expected("base", 4, epochs=2)
    assert re.search(rf"^base +4 +2/3 +{reached:.4f} +\d s", text, re.M)
    assert text.rstrip().endswith("1 of 1 jobs done")


def in_plain(terminal: int) -> str:
    """What there is to be read of a terminal, without colours and movements."""
    with suppress(OSError):
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", os.read(terminal, 2**16).decode())
    return ""


def test_two_runs_at_once(folder: Path) -> None:
    """Each job is begun once, and both runs last until all are done."""
    make_study(folder, "--pause", "0.05", variants=VARIANTS[:2])
    runs = [start(folder, "run", str(folder)) for _ in range(2)]
    for one in runs:
        _, err = one.communicate(timeout=SECONDS)
        assert (one.returncode, err.decode().splitlines()[-1]) == (0, "4 of 4 jobs done")
    assert sorted((variant, seed) for variant, seed, *_ in told(folder, "begun")) == sorted(
        all_expected(variants=VARIANTS[:2])
    )
    assert results(folder) == all_expected(variants=VARIANTS[:2])


def test_a_job_that_is_being_done(folder: Path) -> None:
    answered = folder.parent / "answered"
    make_study(folder, "--until-there", str(answered), seeds=[0], variants=["base"])
    first = start(folder, "job", str(folder), "base", "0")
    wait_for(lambda: bool(told(folder, "begun")))
    second = start(folder, "job", str(folder), "base", "0")
    _, err = second.communicate(timeout=SECONDS)
    assert second.returncode == 3
    assert err.decode().endswith("jobs/base/seed-0: another process is doing it\n")
    answered.touch()
    first.communicate(timeout=SECONDS)
    assert first.returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM] if EXHAUSTIVE else [signal.SIGINT])
def test_an_interrupted_run_goes_on(folder: Path, sent: signal.Signals) -> None:
    make_study(folder, "--helper", "--pause", "0.1", variants=["base"])
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code += "import runpy; runpy.run_module('yamlinject', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", code, "study", "run", str(folder)]
    first = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    wait_for(lambda: len(told(folder, "begun")) == 2)
    os.killpg(first.pid, sent)
    _, err = first.communicate(timeout=SECONDS)
    assert first.returncode == 2
    assert err.decode().splitlines()[-1] == "yamlinject: error: interrupted"
    assert none_left(folder, seconds=0.5)
    assert len(results(folder)) == 1
    second = start(folder, "run", str(folder))
    second.communicate(timeout=SECONDS)
    assert second.returncode == 0
    assert results(folder) == all_expected(variants=["base"])
    assert len(told(folder, "ended")) == 2


def test_killed_at_random_points(folder: Path) -> None:
    """Again and again, whatever it hits: the run itself, a job, its training, what that has started."""
    variants = VARIANTS if EXHAUSTIVE else VARIANTS[:2]
    make_study(folder, "--helper", "--pause", "0.05", variants=variants)
    chance = random.Random(0)
    one = start(folder, "run", str(folder), **QUIET)
    for _ in range(40 if EXHAUSTIVE else 8):
        time.sleep(chance.uniform(0, 0.5))
        pids = processes_of(folder)
        if one.poll() is not None or not pids:
            one = start(folder, "run", str(folder), **QUIET)
            continue
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
    one.kill()
    one.communicate()
    assert none_left(folder)
    last = start(folder, "run", str(folder))
    _, err = last.communicate(timeout=SECONDS)
    assert (last.returncode, results(folder)) == (0, all_expected(variants=variants))
    assert err.decode().splitlines()[-1] == f"{len(results(folder))} of {len(results(folder))} jobs done"
    assert told(folder, "twice") == []


def test_no_two_jobs_have_a_gpu_at_once(folder: Path) -> None:
    study = Study.open(make_study(folder, "--pause", "0.1", variants=VARIANTS[:2]))
    states = [*run(study, Here(lambda job: unit.command(study, job), ["3", "GPU-5"]))]
    assert (states[-1].done, states[-1].failed) == (4, 0)
    assert results(folder) == all_expected(variants=VARIANTS[:2])
    check_gpus(folder, {"3", "GPU-5"})


def check_gpus(folder: Path, gpus: set[str]) -> None:
    """Each of them was used, and never by two trainings at the same time."""
    begun = {(variant, seed): (gpu, at) for variant, seed, gpu, at in told(folder, "begun")}
    ended = {(variant, seed): at for variant, seed, _, at in told(folder, "ended")}
    assert {gpu for gpu, _ in begun.values()} == gpus
    for gpu in gpus:
        turns = sorted((at, ended[job]) for job, (its, at) in begun.items() if its == gpu)
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(turns))


def test_what_a_run_costs(folder: Path) -> None:
    """The coordinator: below 100 MB and 1 % of a core, with 1,000 jobs to go."""
    make_study(folder, "--pause", "2", seeds=range(334))
    one = start(folder, "run", str(folder), **QUIET)
    wait_for(lambda: bool(told(folder, "begun")))
    time.sleep(0.5)
    before = processor_time(one.pid)
    time.sleep(1)
    used = processor_time(one.pid) - before
    status = Path(f"/proc/{one.pid}/status").read_text()
    one.terminate()
    one.wait(SECONDS)
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(peak) < 100_000
    assert used < 0.01


def processor_time(pid: int) -> float:
    return (
        sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat"))
        / 1e9
    )


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        (["run", "nothing"], "nothing: no study is there"),
        (["job", "study", "other", "0"], "it has no variant other: it has base"),
        (["job", "study", "base", "9"], "it has no seed 9: it has 0"),
        (["run", "study", "--gpus-per-job", "1"], "--gpus-per-job is for --on ray"),
        (["run", "study", "--slurm", "time=1"], "--slurm is for --on slurm"),
        (["run", "study", "--on", "slurm", "--slurm", "time"], "--slurm time: has to be NAME=VALUE"),
    ],
)
def test_bad_input(folder: Path, cli: Cli, words: list[str], fragment: str) -> None:
    make_study(folder, seeds=[0], variants=["base"])
    result = cli("study", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("yamlinject: error: ")
    assert result.err.count("\n") == 1
    assert fragment in result.err
