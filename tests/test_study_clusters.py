"""The same jobs by Ray and by submitit: real ones, though there is no cluster here."""

from __future__ import annotations

import itertools
import os
import pickle
import re
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_training import VARIANTS, all_expected, make_study, none_left, results, start, told
from tests.support import Cli
from tests.test_study_run import SECONDS, check_gpus, wait_for
from yamlinject.study import unit
from yamlinject.study.folder import Study
from yamlinject.study.on_slurm import OnSlurm

pytestmark = pytest.mark.framework  # they need the extra `test`

RAY = Path(sys.executable).with_name("ray")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Of the study to be, whose processes are told by it."""
    monkeypatch.setenv("STUDY", str(tmp_path / "study"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("RAY_AUTH_MODE", "token")  # whatever this user's Ray does by default
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    with tempfile.TemporaryDirectory(prefix="ray") as short:  # for the names of its sockets
        monkeypatch.setenv("RAY_TMPDIR", short)
        yield tmp_path / "study"
        assert none_left(tmp_path / "study")


@pytest.fixture
def cluster(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A cluster of Ray with two GPUs, as it says, and six cores."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("ray") / "log"
    command = [str(RAY), "start", "--head", "--block", "--num-gpus=2", "--num-cpus=6", f"--port={port}"]
    with log.open("wb") as out:
        head = subprocess.Popen([*command, "--include-dashboard=false"], stdout=out, stderr=out)
    wait_for(lambda: b"Ray runtime started" in log.read_bytes())
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    yield
    head.terminate()
    head.wait(SECONDS)


def test_ray(folder: Path, cluster: None) -> None:
    """With a GPU each, with half of one each, and with one that no machine has."""
    make_study(folder, "--pause", "0.2", gpu=True)
    one = start(folder, "run", ".", "--on", "ray")
    _, err = one.communicate(timeout=SECONDS)
    assert (one.returncode, err.decode().splitlines()[-1]) == (0, "6 of 6 jobs done"), err
    assert results(folder) == all_expected()
    check_gpus(folder, {"0", "1"})
    halves = make_study(folder.parent / "halves", "--pause", "1", seeds=[0], gpu=True)
    one = start(halves, "run", ".", "--on", "ray", "--gpus-per-job", "0.5")
    one.communicate(timeout=SECONDS)
    assert results(halves) == all_expected([0])
    assert max(most_at_once(halves, gpu) for gpu in "01") == 2
    one = start(halves, "run", ".", "--on", "ray", "--gpus-per-job", "3")
    _, err = one.communicate(timeout=SECONDS)
    assert one.returncode == 2
    assert err == b"yamlinject: error: --gpus-per-job 3: no machine of Ray's has more than 2\n"


def most_at_once(folder: Path, gpu: str) -> int:
    """How many trainings used a GPU at the same time, at most."""
    changes = [(at, 1) for *_, its, at in told(folder, "begun") if its == gpu]
    changes += [(at, -1) for *_, its, at in told(folder, "ended") if its == gpu]
    return max(itertools.accumulate(change for _, change in sorted(changes)))


def test_ray_on_this_machine_when_it_is_killed(folder: Path) -> None:
    """It starts Ray, whose processes all end with it; another engine goes on."""
    make_study(folder, "--helper", "--pause", "0.1")
    one = start(folder, "run", ".", "--on", "ray")
    wait_for(lambda: bool(told(folder, "ended")))
    one.kill()
    one.communicate(timeout=SECONDS)
    assert none_left(folder, 120)  # Ray's own agents look for their parent now and then
    other = start(folder, "run", ".")
    _, err = other.communicate(timeout=SECONDS)
    assert (other.returncode, err.decode().splitlines()[-1]) == (0, "6 of 6 jobs done")
    assert results(folder) == all_expected()
    assert told(folder, "twice") == []


#: What ``study run --on slurm`` does, with another executor of submitit's.
BY_SUBMITIT = """
import sys
from pathlib import Path
from yamlinject.study import unit
from yamlinject.study.folder import Study
from yamlinject.study.on_slurm import OnSlurm
from yamlinject.study.running import run

study = Study.open(sys.argv[1])
where = study.folder / "slurm"
engine = OnSlurm(lambda job: unit.command(study, job), where, {}, executor=sys.argv[2])
*_, last = run(study, engine)
print(last.done, last.failed)
"""


@pytest.mark.parametrize("executor", ["LocalExecutor", "DebugExecutor"])
def test_submitit(folder: Path, executor: str) -> None:
    """All jobs at once by processes of its own, and one after another; whatever happens, it says so."""
    make_study(folder, "--fail-at", "1", variants=VARIANTS[:2])
    command = [sys.executable, "-c", BY_SUBMITIT, str(folder), executor]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    assert done.stdout == "2 2\n"
    assert results(folder) == {
        key: value for key, value in all_expected([0]).items() if key[0] in VARIANTS[:2]
    }


#: In the place of SLURM's own program: keeps what it is given, and says what that says.
SBATCH = """\
#!/bin/sh
cp "$1" "$(dirname "$0")/given"
echo Submitted batch job 4711
"""


def test_what_slurm_is_given(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array with a task for each job, each with a GPU."""
    programs = folder.parent / "bin"
    programs.mkdir()
    for name in ("sbatch", "srun"):
        (programs / name).write_text(SBATCH)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    study = Study.open(make_study(folder, gpu=True))
    options = {"partition": "long", "time": "8:00:00"}
    engine = OnSlurm(lambda job: unit.command(study, job), folder / "slurm", options)
    engine.begin(study.jobs)
    lines = (programs / "given").read_text().splitlines()
    given = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", "\n".join(lines), re.M))
    assert given["array"] == "0-5%6"
    assert (given["gpus-per-node"], given["partition"], given["time"]) == ("1", "long", "8:00:00")
    (command,) = (line for line in lines if line.startswith("srun "))
    assert f"{sys.executable} -u -m submitit.core._submit" in command
    sent = [pickle.loads(file.read_bytes()) for file in sorted((folder / "slurm").glob("4711_*.pkl"))]
    assert [one.args[0][3:-1] for one in sent] == [
        ["study", "job", str(folder), variant, str(seed)] for seed in (0, 1) for variant in VARIANTS
    ]


def test_slurm_is_not_there(folder: Path, cli: Cli) -> None:
    make_study(folder)
    result = cli("study", "run", str(folder), "--on", "slurm")
    assert result.code == 2
    assert result.err == (
        'yamlinject: error: Could not detect "srun", are you indeed on a slurm cluster?: --on slurm needs '
        "sbatch and srun\n"
    )
