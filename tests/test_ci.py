"""What other repositories run: the pre-commit hook, the GitHub action and the workflow to copy.

The hook is installed and run by pre-commit itself, without a network; of the action and the workflow the
shell steps are run as GitHub runs them.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.support import BAD, DOUBTFUL, GOOD

#: YAML that is no model config, some of it nothing that PyYAML's safe_load could read.
OTHERS = {
    "data.yaml": "train: images/train\nval: images/val\nnames: {0: cat, 1: dog}\n",
    "empty.yml": "",
    "list.yaml": "- backbone\n- head\n",
    "cassette.yaml": "- 1234567890\n" * 400_000,
    "manifests.yaml": "kind: Service\n---\nkind: Deployment\n",
    "stack.yaml": "Resources:\n  Bucket: !Ref Name\n",
    "resnet.yaml": "backbone: resnet50\nhead:\n  classes: 10\n",
    "chart/templates/pod.yaml": "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
}


class Done(NamedTuple):
    code: int
    out: str
    err: str


def call(command: Sequence[str | Path], cwd: Path, variables: Mapping[str, str]) -> Done:
    done = subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=120
    )
    return Done(done.returncode, done.stdout, done.stderr)


def must(command: Sequence[str | Path], cwd: Path, variables: Mapping[str, str]) -> str:
    done = call(command, cwd, variables)
    assert done.code == 0, done
    return done.out


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def program_path(*folders: Path) -> str:
    return os.pathsep.join([*map(str, folders), str(Path(sys.executable).parent), os.environ["PATH"]])


# the hook


class Hook(NamedTuple):
    """This checkout as a repository that pre-commit installs from, and the variables to do so offline."""

    repository: Path
    revision: str
    variables: Mapping[str, str]


@pytest.fixture(scope="module")
def hook(tmp_path_factory: pytest.TempPathFactory) -> Hook:
    root = tmp_path_factory.mktemp("hook")
    # what the build and the run import is what this environment has, but for yamlinject and pip: the hook's
    # environment brings its own
    packages = root / "packages"
    packages.mkdir()
    for folder in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(folder).iterdir():
            link = packages / path.name
            if "yamlinject" not in path.name and not path.name.startswith("pip") and not link.exists():
                link.symlink_to(path)
    home = root / "home"
    home.mkdir()
    variables = {
        "PATH": program_path(),
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PRE_COMMIT_HOME": str(home / "pre-commit"),
        "PRE_COMMIT_COLOR": "never",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads 0 as «no isolation» and 1 as «isolation»
        "VIRTUALENV_NO_PERIODIC_UPDATE": "1",
        "PYTHONPATH": str(packages),
    }
    names = {"user.name": "tests", "user.email": "tests@example.com", "init.defaultBranch": "main"}
    for name, value in names.items():
        must(["git", "config", "--global", name, value], root, variables)
    repository = root / "repository"
    listed = must(["git", "ls-files", "-coz", "--exclude-standard"], REPOSITORY, os.environ).split("\0")
    for name in listed:
        if not (REPOSITORY / name).is_file():  # deleted, and not yet committed so
            continue
        target = repository / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((REPOSITORY / name).read_bytes())
    must(["git", "init", "-q"], repository, variables)
    must(["git", "add", "."], repository, variables)
    must(["git", "commit", "-qm", "all"], repository, variables)
    revision = must(["git", "rev-parse", "HEAD"], repository, variables).strip()
    return Hook(repository, revision, variables)


class Project(NamedTuple):
    """A repository that uses the hook."""

    folder: Path
    variables: Mapping[str, str]

    def pre_commit(self, *arguments: str) -> Done:
        return call([sys.executable, "-m", "pre_commit", *arguments], self.folder, self.variables)

    def git(self, *arguments: str) -> Done:
        return call(["git", *arguments], self.folder, self.variables)

    def stage(self, files: Mapping[str, str]) -> None:
        write(self.folder, files)
        assert self.git("add", ".").code == 0


def project(hook: Hook, folder: Path, **options: object) -> Project:
    used = {
        "repo": str(hook.repository),
        "rev": hook.revision,
        "hooks": [{"id": "yamlinject-check"} | options],
    }
    write(folder, {".pre-commit-config.yaml": yaml.safe_dump({"repos": [used]})})
    made = Project(folder, hook.variables)
    assert made.git("init", "-q").code == 0
    return made


def test_the_hook_stops_a_commit_with_a_bad_config(hook: Hook, tmp_path: Path) -> None:
    made = project(hook, tmp_path)
    assert made.pre_commit("install").code == 0
    made.stage({"models/bad.yaml": BAD, "models/good.yaml": GOOD})
    stopped = made.git("commit", "-m", "a config")
    assert stopped.code == 1, stopped
    assert "yamlinject check" in stopped.err
    assert "YI102" in stopped.err
    assert "models/bad.yaml:10" in stopped.err
    assert "models/good.yaml" not in stopped.err
    assert made.git("rev-parse", "HEAD").code != 0

    made.stage({"models/bad.yaml": GOOD})
    assert made.git("commit", "-m", "a config").code == 0
    assert made.git("rev-parse", "HEAD").code == 0


def test_the_hook_looks_at_what_is_committed_now(hook: Hook, tmp_path: Path) -> None:
    made = project(hook, tmp_path)
    made.stage({"old.yaml": BAD})
    assert made.git("commit", "-m", "from before").code == 0
    made.stage({"new.yaml": GOOD})
    now = made.pre_commit("run")
    assert now.code == 0, now
    assert "Passed" in now.out
    everything = made.pre_commit("run", "--all-files")
    assert everything.code == 1, everything
    assert "old.yaml:10" in everything.out


def test_the_hook_skips_other_yaml(hook: Hook, tmp_path: Path) -> None:
    made = project(hook, tmp_path)
    made.stage(OTHERS)
    done = made.pre_commit("run")
    assert done.code == 0, done
    assert "Passed" in done.out


def test_the_hook_is_one_run_over_all_files(hook: Hook, tmp_path: Path) -> None:
    made = project(hook, tmp_path)
    made.stage({f"{number:02}.yaml": BAD for number in range(40)})
    done = made.pre_commit("run")
    assert done.code == 1, done
    reported = re.findall(r"^(\d\d)\.yaml:10:\d+: YI102 ", done.out, re.M)
    assert reported == [f"{number:02}" for number in range(40)]
    # the file that is skipped is pre-commit's own
    assert done.out.endswith("\nChecked 40 files, skipped 1: 40 errors in 40 files\n\n")


def test_the_options_of_the_hook(hook: Hook, tmp_path: Path) -> None:
    write(tmp_path, {"doubtful.yaml": DOUBTFUL, "left/bad.yaml": BAD})
    lenient = project(hook, tmp_path, exclude="^left/")
    lenient.stage({})
    done = lenient.pre_commit("run")
    assert done.code == 0, done
    strict = project(hook, tmp_path, exclude="^left/", args=["--strict", "--"])
    strict.stage({})
    done = strict.pre_commit("run")
    assert done.code == 1, done
    assert "YI402" in done.out
    assert "YI102" not in done.out


#: Each would be read as an option: one that there is, or one that stops the run.
LIKE_OPTIONS = ["--fix.yaml", "--base=good.yaml", "--fix", "-h.yaml", "--ignore=YI1.yaml", "-.yaml"]


@pytest.mark.parametrize("options", [{}, {"args": ["--strict", "--"]}], ids=["default", "as-in-its-page"])
def test_no_file_of_a_commit_is_an_option(hook: Hook, tmp_path: Path, options: dict[str, Any]) -> None:
    made = project(hook, tmp_path, **options)
    made.stage({"good.yaml": GOOD, **dict.fromkeys(LIKE_OPTIONS, BAD)})
    done = made.pre_commit("run")
    assert done.code == 1, done
    found = re.findall(r"^(\S+):10:\d+: YI102 ", done.out, re.M)
    assert sorted(found) == sorted(name for name in LIKE_OPTIONS if name.endswith(".yaml"))
    assert (tmp_path / "--fix.yaml").read_text() == BAD


def test_a_commit_of_one_file_like_an_option_is_checked(hook: Hook, tmp_path: Path) -> None:
    made = project(hook, tmp_path)
    assert made.git("add", ".pre-commit-config.yaml").code == 0
    assert made.git("commit", "-qm", "the hook").code == 0
    made.stage({"-h.yaml": BAD})
    done = made.pre_commit("run")
    assert done.code == 1, done
    assert "-h.yaml:10:" in done.out
    assert done.out.endswith("\nChecked 1 file: 1 error in 1 file\n\n")


def test_the_page_of_check_ends_the_options_of_the_hook() -> None:
    text = (REPOSITORY / "docs" / "check.md").read_text(encoding="utf-8")
    (example,) = (
        block for block in re.findall(r"```yaml\n(.*?)```", text, re.S) if "yamlinject-check" in block
    )
    with_options = yaml.safe_load(example.replace("# args", "args"))
    (used,) = with_options["repos"][0]["hooks"]
    assert used == {"id": "yamlinject-check", "args": ["--strict", "--"]}


# the action and the workflow


def read(name: str) -> Any:
    return yaml.safe_load((REPOSITORY / name).read_text(encoding="utf-8"))


ACTION = read("action.yml")
WORKFLOW = read("templates/ci/github.yml")
ACTION_STEPS = ACTION["runs"]["steps"]
WORKFLOW_STEPS = WORKFLOW["jobs"]["check"]["steps"]

#: How GitHub starts the script of a step.
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]
UNSPECIFIED = ["bash", "-e"]

#: Writes its arguments down, one on each line.
PIP = '#!/bin/sh\nprintf "%s\\n" "$@" >>"$PIP_ARGUMENTS"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty repository, with a ``pip`` next to it that installs nothing."""
    write(tmp_path, {"programs/pip": PIP})
    (tmp_path / "programs" / "pip").chmod(0o755)
    made = tmp_path / "repository"
    made.mkdir()
    return made


def run_steps(
    steps: Sequence[Mapping[str, Any]], shell: Sequence[str], folder: Path, **variables: str
) -> tuple[Done, list[str]]:
    """What came of the steps that are scripts (the last one's output), and what pip was asked for."""
    around = folder.parent
    environment = {
        "PATH": program_path(around / "programs"),
        "PIP_ARGUMENTS": str(around / "pip-arguments"),
        "GITHUB_ACTION_PATH": str(around / "the action"),
    }
    done = Done(0, "", "")
    for step in steps:
        if "run" in step:
            script = around / "step.sh"
            script.write_text(step["run"])
            done = call([*shell, script], folder, environment | variables)
            if done.code:
                break
    return done, (around / "pip-arguments").read_text().splitlines()


def run_action(folder: Path, paths: str = ACTION["inputs"]["paths"]["default"], args: str = "") -> Done:
    done, installed = run_steps(ACTION_STEPS, BASH, folder, CHECK_PATHS=paths, CHECK_ARGS=args)
    assert installed == ["install", str(folder.parent / "the action")]
    return done


def annotated(output: str) -> list[str]:
    """The level, the file and the line of each annotation."""
    found = (re.match(r"::\w+ file=[^,:]+(,line=\d+)?", line) for line in output.splitlines())
    return [match[0] for match in found if match]


def test_the_action_is_made_as_github_wants_it() -> None:
    assert set(ACTION) == {"name", "description", "inputs", "runs"}
    assert ACTION["runs"]["using"] == "composite"
    assert all(step["shell"] == "bash" for step in ACTION_STEPS if "run" in step)
    assert all(given["description"] for given in ACTION["inputs"].values())


def test_every_input_of_the_action_reaches_the_check_as_a_variable() -> None:
    assert {name: given["default"] for name, given in ACTION["inputs"].items()} == {
        "paths": ".",
        "args": "",
    }
    variables = ACTION_STEPS[-1]["env"]
    assert variables == {"CHECK_PATHS": "${{ inputs.paths }}", "CHECK_ARGS": "${{ inputs.args }}"}


@pytest.mark.parametrize("steps", [ACTION_STEPS, WORKFLOW_STEPS], ids=["action", "workflow"])
def test_no_script_is_put_together_from_what_others_write(steps: list[dict[str, Any]]) -> None:
    assert not [step["run"] for step in steps if "${{" in step.get("run", "")]


@pytest.mark.parametrize("steps", [ACTION_STEPS, WORKFLOW_STEPS], ids=["action", "workflow"])
def test_python_is_set_up_before_anything_runs(steps: list[dict[str, Any]]) -> None:
    order = [step["uses"].partition("@")[0] if "uses" in step else step["run"].split()[0] for step in steps]
    assert order.index("actions/setup-python") < order.index("pip")
    (python,) = (step for step in steps if step.get("uses", "").startswith("actions/setup-python@"))
    assert python["with"] == {"python-version": "3.x"}


def test_the_workflow_runs_when_a_config_changes_and_may_only_read() -> None:
    triggers = WORKFLOW[True]  # to PyYAML, `on` is a truth value
    assert triggers == {
        "push": {"branches": ["main", "master"], "paths": ["**.yaml", "**.yml"]},
        "pull_request": {"paths": ["**.yaml", "**.yml"]},
    }
    assert WORKFLOW["permissions"] == {"contents": "read"}
    (job,) = WORKFLOW["jobs"].values()
    assert "permissions" not in job
    assert job["steps"][0]["uses"].startswith("actions/checkout@")


CASES = [
    pytest.param({"models/good.yaml": GOOD}, 0, [], id="clean"),
    pytest.param({"doubtful.yaml": DOUBTFUL}, 0, ["::warning file=doubtful.yaml,line=6"], id="a-warning"),
    pytest.param(
        {"good.yaml": GOOD, "models/bad.yml": BAD},
        1,
        ["::error file=models/bad.yml,line=10"],
        id="an-error",
    ),
]


@pytest.mark.parametrize(("files", "code", "annotations"), CASES)
def test_the_action_checks_the_repository(
    folder: Path, files: dict[str, str], code: int, annotations: list[str]
) -> None:
    write(folder, files | OTHERS)
    done = run_action(folder)
    assert (done.code, annotated(done.out)) == (code, annotations), done


@pytest.mark.parametrize(("files", "code", "annotations"), CASES)
def test_the_workflow_checks_the_repository(
    folder: Path, files: dict[str, str], code: int, annotations: list[str]
) -> None:
    write(folder, files | OTHERS)
    done, installed = run_steps(WORKFLOW_STEPS, UNSPECIFIED, folder)
    assert (done.code, annotated(done.out)) == (code, annotations), done
    assert installed == ["install", "yamlinject"]


def test_several_paths_with_spaces(folder: Path) -> None:
    write(folder, {"my models/bad one.yaml": BAD, "more/bad.yaml": BAD, "left/bad.yaml": BAD})
    done = run_action(folder, paths="my models\n\n  more/bad.yaml\n")
    assert done.code == 1, done
    assert annotated(done.out) == [
        "::error file=my models/bad one.yaml,line=10",
        "::error file=more/bad.yaml,line=10",
    ]


def test_several_options(folder: Path) -> None:
    write(folder, {"bad.yaml": BAD, "doubtful.yaml": DOUBTFUL})
    done = run_action(folder, args="--ignore YI102\n  --strict\n")
    assert done.code == 1, done
    assert annotated(done.out) == ["::warning file=doubtful.yaml,line=6"]


def test_what_cannot_be_checked_fails_the_action(folder: Path) -> None:
    write(folder, {"bad.yaml": BAD})
    done = run_action(folder, paths="missing.yaml\nbad.yaml")
    assert done.code == 2, done
    assert annotated(done.out) == ["::error file=missing.yaml", "::error file=bad.yaml,line=10"]


def test_no_paths_are_an_error(folder: Path) -> None:
    write(folder, {"good.yaml": GOOD})
    assert run_action(folder, paths="").code == 2


#: Each would leave a file behind, or name one that is there, if the shell read it.
FOR_THE_SHELL = [
    "$(touch hit)",
    "`touch hit`",
    "; touch hit",
    "' ; touch hit '",
    '" ; touch hit "',
    "*.yaml",
]


@pytest.mark.parametrize(
    ("given", "names"), [("paths", FOR_THE_SHELL), ("args", " ".join(FOR_THE_SHELL).split())]
)
def test_user_input_is_data(folder: Path, given: str, names: list[str]) -> None:
    write(folder, {"good.yaml": GOOD})
    done = run_action(folder, **{given: "\n".join(FOR_THE_SHELL)})
    assert done.code == 2, done
    assert set(annotated(done.out)) == {f"::error file={name}" for name in names}, done
    assert [path.name for path in folder.iterdir()] == ["good.yaml"]


def test_a_path_is_never_an_option(folder: Path) -> None:
    write(folder, {"--fix": BAD, "-x/bad.yaml": BAD})
    done = run_action(folder, paths="-x")
    assert done.code == 1, done
    assert annotated(done.out) == ["::error file=-x/bad.yaml,line=10"]
