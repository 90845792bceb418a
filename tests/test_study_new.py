"""``study new`` without a framework: the plan, the folder, and what is refused."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import TWO_INPUTS, Cli
from yamlinject import load
from yamlinject.cli.app import run
from yamlinject.errors import YamlInjectError
from yamlinject.library import user_modules
from yamlinject.study import preparation, sense, study_file
from yamlinject.study.folder import Study
from yamlinject.study.plan import Plan, variants

BASE = "depth_multiple: 0.33\nwidth_multiple: 0.5\n" + TWO_INPUTS
FILE = str(Path("ab/study.yaml"))
SIMAM = ("study", "new", "ab", "--base", "base.yaml", "--modules", "SimAM", "--after", "SPPF")


@pytest.fixture(autouse=True)
def _no_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is imported, whether or not one is installed; and a base."""

    def find(which: str, _: object) -> None:
        raise YamlInjectError(f"{which} is not installed")

    monkeypatch.setattr("yamlinject.frameworks.find", find)
    monkeypatch.setenv(user_modules.VARIABLE, "")  # to be as it was afterwards
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)


def entries(folder: str | Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in Path(folder).rglob("*.*")}


def names(plan: Plan) -> list[str]:
    return [variant.name for variant in variants(plan, Path("/study"))]


# --- what is printed


def test_the_table_comes_first_where_both_streams_are_one_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BytesIO()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(pipe, "utf-8", line_buffering=name == "stderr"))
    assert run(SIMAM) == 0
    lines = pipe.getvalue().decode().splitlines()
    last_row = max(number for number, line in enumerate(lines) if line.startswith("base_SimAM_SPPF"))
    assert next(number for number, line in enumerate(lines) if line.startswith("next ")) > last_row


# --- the plan


def test_every_module_at_every_position_with_the_base_and_placebos(cli: Cli) -> None:
    done = cli(
        *("study", "new", "ab", "--base", "yolov5n", "--modules", "simam,CBAM,none", "--after", "SPPF"),
        *("--after", "C3@-1,SPPF", "--seeds", "2", "--", "--data", "d.yaml"),
    )
    assert done.code == 0, done.err
    rows = [line.split()[0] for line in done.out.splitlines()[2:]]
    assert rows == [
        "yolov5n",
        "yolov5n_placebo_SPPF",
        "yolov5n_SimAM_SPPF",
        "yolov5n_CBAM_SPPF",
        "yolov5n_placebo_C3@-1-SPPF",
        "yolov5n_SimAM_C3@-1-SPPF",
        "yolov5n_CBAM_C3@-1-SPPF",
    ]
    assert sorted(path.name for path in Path("ab/configs").iterdir()) == sorted(
        f"{name}.yaml" for name in rows
    )
    assert sorted(path.relative_to("ab/jobs").as_posix() for path in Path("ab/jobs").glob("*/*")) == sorted(
        f"{name}/seed-{seed}" for name in rows for seed in (0, 1)
    )
    said = {line.split()[0]: line for line in done.err.splitlines()}
    assert "14 = 7 configs x 2 seeds" in said["trainings"]
    # four variants: the least p of two pairs is 2 / 2^2, times 4; and 2 * 4 / 2^n <= 0.05 from n = 8
    assert "a p of 1 at best for 4 variants" in said["can"]
    assert "it takes 8 seeds" in said["can"]
    assert "not counted: yolov5 is not installed" in done.err
    assert said["next"].split(maxsplit=1)[1] == "yamlinject study run ab"


def test_configs_are_those_of_add_and_replace(cli: Cli) -> None:
    done = cli(*SIMAM, "--replace", "C2f", "--at", "C3", "--seeds", "1")
    assert done.code == 0, done.err
    some = ", ".join(f"configs/base{name}.yaml" for name in ("", "_placebo_SPPF", "_SimAM_SPPF"))
    assert f"wrote     ab: study.yaml, {some} …\n" in done.err
    assert Path("ab/configs/base.yaml").read_text() == BASE
    for command, name in (
        ("add SimAM base.yaml --after SPPF", "base_SimAM_SPPF"),
        ("add nn.Identity base.yaml --after SPPF --args []", "base_placebo_SPPF"),
        ("replace C2f base.yaml --at C3", "base_C2f_C3"),
    ):
        assert cli(*shlex.split(command), "-o", f"{name}.yaml").code == 0
        assert Path(f"{name}.yaml").read_bytes() == Path(f"ab/configs/{name}.yaml").read_bytes()
    assert "has no placebo" in done.err
    for name in ("base_SimAM_SPPF", "base_C2f_C3"):  # whose base is found beside them
        Path("base.yaml").unlink(missing_ok=True)
        checked = cli("undo", f"ab/configs/{name}.yaml", "-o", "-")
        assert checked.out == BASE


def test_the_plan_can_be_left_without_placebos() -> None:
    plan = Plan("yolov5n", "yolov5", ("SimAM",), ("SPPF",), placebo=False)
    assert names(plan) == ["yolov5n", "yolov5n_SimAM_SPPF"]


@pytest.mark.parametrize(
    ("base", "framework", "found"),
    [
        ("yolov5s", "yolov5", ["yolov5n", "yolov5s"]),
        ("yolov5s6", "yolov5", ["yolov5n6", "yolov5s6"]),
        ("yolov8n", "ultralytics", ["yolov8n", "yolov8s"]),
        ("yolo11-seg", "ultralytics", ["yolo11n-seg", "yolo11s-seg"]),
        ("cfg/mine.yaml", "yolov5", ["mine_n", "mine_s"]),
        ("cfg/yolo11.yaml", "ultralytics", ["yolo11n", "yolo11s"]),
        ("cfg/mine.yaml", "ultralytics", ["yolov8n_mine", "yolov8s_mine"]),
    ],
)
def test_the_name_of_a_base_selects_its_scale(base: str, framework: Any, found: list[str]) -> None:
    plan = Plan(base, framework, scales=("n", "s"))
    assert names(plan) == found


def test_names_are_unique_and_fit_into_a_file_system() -> None:
    positions = ("4,6", "4:6", "C3", "c3", ",".join(map(str, range(200))), ",".join(map(str, range(201))))
    plan = Plan("base", "yolov5", ("SimAM", "simAM"), positions)
    found = names(plan)
    assert len({name.casefold() for name in found}) == len(found) == 19
    assert all(re.fullmatch(r"[\w.@-]{1,128}", name) for name in found)
    assert "base_SimAM_4-6" in found
    assert {"base_simAM_4-6-2", "base_SimAM_4-6-3"} <= set(found)


def test_jobs_go_seed_by_seed(cli: Cli) -> None:
    assert cli(*SIMAM, "--no-placebo", "--seeds", "2").code == 0
    assert cli("study", "jobs", "ab").out.splitlines() == [
        f"yamlinject study job ab {name} {seed}" for seed in (0, 1) for name in ("base", "base_SimAM_SPPF")
    ]


def test_what_is_done_is_no_job(cli: Cli) -> None:
    assert cli(*SIMAM, "--no-placebo", "--seeds", "1", "--", "--epochs", "1").code == 0
    job = Study.open("ab").jobs[1]
    (job.folder / "done.json").write_text(json.dumps({"job": job.digest}))
    assert cli("study", "jobs", "ab").out == "yamlinject study job ab base 0\n"
    assert "of which 1 is done" in cli("study", "new", "ab").err
    text = Path("ab/study.yaml").read_text()
    other = text.replace("framework: yolov5", "framework: ultralytics").replace("--epochs 1", "epochs=1")
    for changed in (text.replace("--epochs 1", "--epochs 2"), other):
        Path("ab/study.yaml").write_text(changed)
        assert len(cli("study", "jobs", "ab").out.splitlines()) == 2, changed
    Path("ab/study.yaml").write_text(text)
    job.variant.config.write_bytes(job.variant.config.read_bytes() + b"# other\n")
    assert len(cli("study", "jobs", "ab").out.splitlines()) == 2
    for broken in ("", "{", "[]", '{"job": 1}', "[" * 100_000):
        (job.folder / "done.json").write_text(broken)
        assert len(cli("study", "jobs", "ab").out.splitlines()) == 2


def test_own_configs_of_yolov5_get_the_multiples_of_a_scale(cli: Cli) -> None:
    """Those of yolov5m.yaml: 0.67 and 0.75."""
    assert cli(*SIMAM, "--scale", "m,n", "--seeds", "1").code == 0
    scaled = Path("ab/configs/base_m.yaml").read_text()
    assert scaled == BASE.replace("0.33", "0.67").replace("0.5", "0.75")
    assert load("ab/configs/base_n_SimAM_SPPF.yaml").document.data["width_multiple"] == 0.25
    assert Path("base.yaml").read_text() == BASE
    Path("base.yaml").unlink()
    assert cli("undo", "ab/configs/base_m_SimAM_SPPF.yaml", "-o", "-").out == scaled


def test_shipped_sizes_are_taken_as_they_are(cli: Cli) -> None:
    command = "study new ab --base yolov5s --scale n,m --modules SE --after SPPF --seeds 1"
    assert cli(*command.split()).code == 0
    for name in ("yolov5n", "yolov5m"):
        assert Path(f"ab/configs/{name}.yaml").read_bytes() == load(name).to_bytes()
        assert f"add SE {name} --after SPPF" in Path(f"ab/configs/{name}_SE_SPPF.yaml").read_text()


def test_one_file_of_all_scales_is_named_for_each(cli: Cli) -> None:
    text = "nc: 2\nscales:\n  n: [0.5, 0.25, 1024]\n  s: [0.5, 0.5, 1024]\n" + TWO_INPUTS.split("\n", 1)[1]
    Path("mine.yaml").write_text(text.replace("[nc, anchors]", "[nc]"))
    command = "study new ab --base mine.yaml --scale n,s --modules SE --after SPPF --seeds 1"
    assert cli(*command.split()).code == 0
    for name in ("yolov8n_mine", "yolov8s_mine"):
        assert Path(f"ab/configs/{name}.yaml").read_bytes() == Path("mine.yaml").read_bytes()
    refused = cli(*command.replace("ab", "other").replace("n,s", "n,x").split())
    assert (refused.code, Path("other").exists()) == (2, False)
    assert "there is no scale 'x'" in refused.err


def test_modules_of_the_users_own(cli: Cli) -> None:
    Path("blocks.py").write_text(
        "class Gate:\n    def __init__(self, c1, c2): ...\n    def forward(self, x): ...\n"
    )
    command = "study new ab --base base.yaml --modules blocks.py,Gate --after SPPF --seeds 1"
    assert cli(*command.split()).code == 0
    assert Study.open("ab").plan.module_files == ("blocks.py",)
    assert "1, Gate, [16]" in Path("ab/configs/base_Gate_SPPF.yaml").read_text()
    job = Study.open("ab").jobs[0]
    (job.folder / "done.json").write_text(json.dumps({"job": job.digest}))
    assert len(Study.open("ab").commands()) == 2
    Path("blocks.py").rename("away.py")  # on another machine, where the table is made
    assert len(Study.open("ab").commands()) == 2
    Path("blocks.py").write_text(Path("away.py").read_text() + "# another module, as far as we know\n")
    assert len(Study.open("ab").commands()) == 3


def test_the_examples_of_the_help(cli: Cli) -> None:
    for command in ("new", "jobs"):
        said = " ".join(cli("study", command, "--help").out.replace("│", " ").split())
        example = re.search(r"Example: yamlinject (.*)", said)
        assert example
        assert cli(*example[1].split()).code == 0, example[1]


def test_of_a_large_study_the_trainings_count_the_parameters(cli: Cli) -> None:
    """To build every model takes half a second each; this takes less in all."""
    positions = [word for index in range(10) for word in ("--after", str(index))]
    done = cli("study", "new", "ab", "--base", "yolov5n", "--modules", "SE,ECA", *positions)
    assert done.code == 0
    assert "not counted: of 31 variants the trainings count them" in done.err
    assert "trainings 186 = 31 configs x 6 seeds" in done.err


# --- study.yaml


PLANS = [
    Plan("yolov5n", "yolov5"),
    Plan("null", "ultralytics", ("SimAM", "CBAM"), ("4", "C3@-1,head/C3", "1:3"), seeds=(3, 1)),
    Plan("my base: #1.yaml", "yolov5", replace=("C2f",), at=("C3",), scales=("n",), weights=("a b.pt",)),
    Plan("é.yaml", "yolov5", args=("--data", "it's a.yaml", "--x", "", "#", "a: b", "-1"), checkout="../y"),
    Plan("-", "yolov5", placebo=False, after=("SPPF",), module_files=("blocks.py",), paths_from="/a b"),
]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: str(plan.base))
def test_study_yaml_says_all_of_a_plan(plan: Plan) -> None:
    text = study_file.text(plan)
    assert study_file.parsed(text) == plan if sense.nonsense(plan) is None else plan.base == "-"


def test_study_yaml_may_leave_out_what_is_usual() -> None:
    assert study_file.parsed("base: yolov5n\nframework: yolov5\n") == Plan("yolov5n", "yolov5")


GOOD = study_file.text(Plan("yolov5n", "yolov5", ("SimAM",), ("SPPF",), seeds=(0, 1)))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("modules: [SimAM]", "module: [SimAM]", "{modules}:1: no key of a study: module"),
        ("modules: [SimAM]", "modules: SimAM", "{modules}:10: modules: has to be a list of texts"),
        ("modules: [SimAM]", "modules: [SimAM, []]", "{modules}:18: modules: has to be a list of texts"),
        ("modules: [SimAM]", "modules: [SimAM, SimAM]", "{modules}:10: modules: SimAM is there 2 times"),
        ("modules: [SimAM]", "modules: [none]", "{modules}:10: modules: none is the base"),
        ("modules: [SimAM]", "modules: [SimAM", "not valid YAML"),
        ("after: [SPPF]", "after: []", "{after}:8: after: say after which layers SimAM"),
        ("seeds: [0, 1]", "seeds: 6", "{seeds}:8: seeds: has to be a list of numbers"),
        ("seeds: [0, 1]", "seeds: [0, -1]", "{seeds}:12: seeds: -1: a seed is a number"),
        ("seeds: [0, 1]", "seeds: [0, 4294967296]", "{seeds}:12: seeds: 4294967296: a seed is"),
        ("seeds: [0, 1]", "seeds: [1, 1]", "{seeds}:8: seeds: 1 is there 2 times"),
        ("seeds: [0, 1]", "seeds: []", "{seeds}:8: seeds: at least one is needed"),
        ("seeds: [0, 1]", "seeds: [0, 1]\nseeds: [2]", "duplicate key 'seeds'"),
        ("placebo: true", "placebo: 1", "{placebo}:10: placebo: has to be true or false"),
        ("framework: yolov5", "framework: yolov7", "{framework}:12: framework: yolov7"),
        ("framework: yolov5", "", "1:1: framework is missing"),
        ("base: yolov5n", "base: [yolov5n]", "{base}:7: base: has to be a text"),
        ("base: yolov5n", "base:", "base: has to be a text"),
        ("scales: []", "scales: [q]", "{scales}:9: scales: q is none"),
        ("weights: []", "weights: [a.pt, b.pt]", "{weights}:10: weights: 2 for 1"),
        ("weights: []", "weights: [a.onnx]", "{weights}:10: weights: a.onnx: has to be a .pt"),
        ("args: ''", "args: --epochs 'x", "{args}:7: args: No closing quotation"),
        ("args: ''", "args: --epochs 3 --seed 4", "{args}:7: args: leave --seed out"),
    ],
)
def test_nonsense_in_study_yaml(cli: Cli, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    Path("ab").mkdir()
    Path("ab/study.yaml").write_text(GOOD.replace(old, new))
    line = 1 + GOOD[: GOOD.index(old)].count("\n")
    expected = re.sub(r"\{\w+\}", str(line), message)
    for command in (("study", "new", "ab"), ("study", "jobs", "ab")):
        refused = cli(*command)
        assert (refused.code, refused.out) == (2, "")
        assert re.match(rf"yamlinject: error: {re.escape(FILE)}:\d+:\d+: ", refused.err), refused.err
        assert refused.err.count("\n") == 1
        assert expected in refused.err
    assert entries("ab").keys() == {"study.yaml"}


@pytest.mark.parametrize("text", [b"", b"\0", b"[]", b"a", b"\xff\xfe", b"? [a]\n: b\n", b"&a [*a]"])
def test_another_file_of_that_name(cli: Cli, text: bytes) -> None:
    Path("ab").mkdir()
    Path("ab/study.yaml").write_bytes(text)
    refused = cli("study", "new", "ab")
    assert refused.code == 2
    assert refused.err.startswith(f"yamlinject: error: {FILE}:")
    assert refused.err.count("\n") == 1


def test_an_edited_study_is_brought_up_to_date(cli: Cli) -> None:
    assert cli(*SIMAM, "--seeds", "1").code == 0
    before = entries("ab")
    text = Path("ab/study.yaml").read_text()
    Path("ab/study.yaml").write_text(
        text.replace("[SimAM]", "[SimAM, SE]").replace("seeds: [0]", "seeds: [0, 7]")
    )
    done = cli("study", "new", "ab")
    assert done.code == 0, done.err
    assert "wrote     ab: configs/base_SE_SPPF.yaml\n" in done.err
    assert Path("ab/jobs/base_SE_SPPF/seed-7").is_dir()
    after = entries("ab")
    assert {name for name in after if name not in before} == {"configs/base_SE_SPPF.yaml"}
    assert {name for name in before if before[name] != after[name]} == {"study.yaml", "made.json"}


def test_the_same_twice_changes_nothing(cli: Cli) -> None:
    command = (*SIMAM, "--seeds", "2", "--scale", "n", "--", "--data", "d.yaml")
    assert cli(*command).code == 0
    before = entries("ab")
    times = {file: file.stat().st_mtime_ns for file in Path("ab").rglob("*")}
    for again in (command, ("study", "new", "ab")):
        done = cli(*again)
        assert done.code == 0
        assert "unchanged ab\n" in done.err
        assert entries("ab") == before
    assert {file: file.stat().st_mtime_ns for file in Path("ab").rglob("*")} == times


def test_a_study_goes_on_without_its_base_and_with_a_newer_yamlinject(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was moved, or an update has changed what it was made of: all that is done stays done."""
    assert cli(*SIMAM).code == 0
    before = entries("ab")
    Path("base.yaml").write_text("other\n")
    monkeypatch.setattr("yamlinject.core.provenance.__version__", "9.9")
    Path("ab").rename("moved")
    preparation.prepare(Study.open("moved"))
    assert entries("moved") == before


def test_what_was_deleted_is_made_anew(cli: Cli) -> None:
    assert cli(*SIMAM).code == 0
    Path("base.yaml").write_text(BASE.replace("nc: 2", "nc: 3"))
    Path("ab/configs/base.yaml").unlink()
    assert cli("study", "new", "ab").code == 0
    assert load("ab/configs/base_SimAM_SPPF.yaml").document.data["nc"] == 3


@pytest.mark.parametrize("name", ["base", "base_SimAM_SPPF"])
def test_an_edited_config_is_not_replaced(cli: Cli, name: str) -> None:
    assert cli(*SIMAM).code == 0
    file = Path(f"ab/configs/{name}.yaml")
    file.write_text(file.read_text().replace("nc: 2", "nc: 3"))
    before = entries("ab")
    refused = cli("study", "new", "ab")
    assert refused.code == 2
    assert refused.err.startswith(f"yamlinject: error: {file}: was edited")
    assert entries("ab") == before
    file.unlink()
    assert cli("study", "new", "ab").code == 0
    assert "nc: 2" in file.read_text()


# --- what is refused


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--modules SimAM --after C9", "a placebo after C9: there is no module C9"),
        ("--modules SimAM --after C9 --no-placebo", "SimAM after C9: there is no module C9"),
        ("--modules SimAM --after Detect --after SPPF", "after Detect: "),
        ("--modules Unknown --after SPPF", "Unknown after SPPF: "),
        ("--modules CARAFE --after SPPF", "CARAFE after SPPF: "),
        ("--replace CBAM --at C3", "CBAM at C3: "),
        ("--modules SimAM", "after: say after which layers SimAM"),
        ("--after SPPF --no-placebo", "modules: say what is to be inserted after SPPF"),
        ("--replace C2f", "at: say which layers C2f"),
        ("--at C3", "replace: say what is to replace C3"),
        ("--modules SimAM,simam --after SPPF", "modules: SimAM is there 2 times"),
        ("--modules SimAM --after SPPF --after SPPF", "after: SPPF is there 2 times"),
        ("--modules SimAM --after SPPF --seeds 0", "seeds: at least one"),
        ("--modules SimAM --after SPPF --seeds x", "x"),
        ("--modules SimAM --after SPPF --scale n,q", "scales: q is none: there are n, s, m, l, x"),
        ("--modules SimAM --after SPPF --scale n,s --weights a.pt", "weights: 1 for 2 scales"),
        ("--modules SimAM --after SPPF --weights a.pt", "a.pt: cannot read it: no such file"),
        ("--modules SimAM --after SPPF --framework nowhere", "nowhere: neither yolov5 nor ultralytics"),
        ("--modules missing.py,SimAM --after SPPF", "missing.py: cannot read it"),
        ("--modules SimAM --after SPPF --base missing.yaml", "missing.yaml: cannot read it"),
        ("--modules SimAM --after SPPF --base -", "base: a study needs a file or a name"),
        ("--modules SimAM --after SPPF -- --data a\x07", "characters that cannot be printed"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_writes_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(BASE.encode())))
    base = [] if "--base" in words else ["--base", "base.yaml"]
    before = entries(".")
    refused = cli("study", "new", "ab", *base, *words.split(" "))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("yamlinject: error: ")
    assert refused.err.count("\n") == 1
    assert message in refused.err
    assert ".tmp" not in refused.err
    assert entries(".") == before
    assert sorted(path.name for path in Path().iterdir()) == ["base.yaml"]


@pytest.mark.parametrize(
    ("framework", "refused"),
    [
        ("yolov5", "--cfg a --weights=a --weig a --seed 1 --project p --name n --exist-ok --exist_ok"),
        ("yolov5", "--device 0 --device=0,1 --resume --evolve -w"),
        ("ultralytics", "model=a pretrained=a seed=1 project=p name=n exist_ok=True device=0 --seed=1"),
        ("ultralytics", "resume=True val detect mode=val task=segment save_dir=x"),
    ],
)
def test_what_the_study_says_itself_is_no_argument(framework: Any, refused: str) -> None:
    words = refused.split()
    for index, word in enumerate(words):
        if word.startswith("-") or framework == "ultralytics":
            plan = Plan("a", framework, args=("--data", "x", word, *words[index + 1 : index + 2]))
            assert "leave" in str(sense.nonsense(plan)), word
    for args in (("seed", "=", "1"), ("seed=", "1"), ("seed", "=1")):
        assert sense.nonsense(Plan("a", "ultralytics", args=args)), args


@pytest.mark.parametrize(
    ("framework", "args", "like"),
    [
        ("yolov5", "data=a.yaml epochs=3", "--data data.yaml"),
        ("yolov5", "data a.yaml", "--data data.yaml"),
        ("ultralytics", "--data a.yaml", "data=data.yaml"),
        ("ultralytics", "data a.yaml", "data=data.yaml"),
    ],
)
def test_arguments_in_the_form_of_the_other_framework(framework: Any, args: str, like: str) -> None:
    words = tuple(args.split())
    expected = f"args: {words[0]}: {framework} is told its arguments like {like}"
    assert str(sense.nonsense(Plan("a", framework, args=words))) == expected


@pytest.mark.parametrize(
    ("args", "noted"),
    [
        ("", "note      the training is given no data set: end with -- --data data.yaml"),
        ("-- --epochs 1", "note      the training is given no data set: end with -- --data data.yaml"),
        ("-- --data gone.yaml", "note      there is no data set gone.yaml in "),
        ("-- --data base.yaml", None),
        ("-- --data=base.yaml", None),
        ("-- --data imagenet", None),
    ],
)
def test_a_data_set_that_is_not_there(cli: Cli, args: str, noted: str | None) -> None:
    result = cli(*SIMAM, "--seeds", "6", *args.split())
    assert result.code == 0
    assert [line.startswith(noted or "?") for line in result.err.splitlines()].count(True) == bool(noted)
    assert bool(noted) == ("data set" in result.err)


@pytest.mark.parametrize(
    ("framework", "args"),
    [
        ("yolov5", "--data a.yaml --epochs 3 --img 640 --batch-size -1 --hyp h.yaml --cache --device cpu"),
        ("yolov5", "--optimizer Adam --noval --nosave --workers 2 --patience 3 --freeze 10 --cos-lr"),
        (
            "ultralytics",
            "data=a.yaml epochs=3 imgsz=640 batch=-1 device=cpu device=mps workers=2 amp=False",
        ),
        ("ultralytics", "plots=False lr0=0.01 deterministic=True"),
    ],
)
def test_what_else_the_training_can_be_told(framework: Any, args: str) -> None:
    assert sense.nonsense(Plan("a", framework, args=tuple(args.split()))) is None


def test_a_folder_in_the_way(cli: Cli) -> None:
    Path("ab").mkdir()
    Path("ab/mine.txt").write_text("mine\n")
    Path("file").write_text("mine\n")
    before = entries(".")
    for folder in ("ab", "file", "base.yaml/ab"):
        refused = cli("study", "new", folder, *SIMAM[3:])
        assert refused.code == 2
        assert refused.err.startswith(f"yamlinject: error: {Path(folder)}: ")
        assert refused.err.count("\n") == 1
    assert entries(".") == before
    Path("ab/mine.txt").unlink()
    assert cli(*SIMAM).code == 0  # an empty one is none


def test_a_study_of_something_else_is_in_the_way(cli: Cli) -> None:
    assert cli(*SIMAM).code == 0
    before = entries("ab")
    for other in (("--seeds", "7"), ("--no-placebo",), ("--", "--epochs", "3")):
        refused = cli(*SIMAM, *other)
        assert refused.code == 2
        assert "a study of something else is there" in refused.err
    assert entries("ab") == before


def test_no_study(cli: Cli) -> None:
    Path("empty").mkdir()
    for folder in ("nowhere", "empty", "base.yaml"):
        for command in ("new", "jobs"):
            refused = cli("study", command, folder)
            assert refused.code == 2
            assert refused.err.startswith(f"yamlinject: error: {folder}: no study is there")


def test_a_full_disk_leaves_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno
    import os

    replace, left = os.replace, [3]

    def full(*paths: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(*paths)

    monkeypatch.setattr("os.replace", full)
    refused = cli(*SIMAM)
    assert refused.code == 2
    assert re.match(r"yamlinject: error: ab[\\/]\S+: cannot write it: no space left", refused.err)
    assert sorted(path.name for path in Path().iterdir()) == ["base.yaml"]
    left[0] = 1000
    assert cli(*SIMAM).code == 0
    Path("ab/study.yaml").write_text(
        Path("ab/study.yaml").read_text().replace("[SimAM]", "[SimAM, SE, ECA]")
    )
    left[0] = 1
    assert cli("study", "new", "ab").code == 2
    assert not [name for name in entries("ab") if name.endswith(".tmp")]
    left[0] = 1000
    assert cli("study", "new", "ab").code == 0  # and it goes on
    assert len(Study.open("ab").variants) == len([*Path("ab/configs").iterdir()]) == 5


def test_paths_are_seen_from_where_the_study_was_made(cli: Cli, tmp_path: Path) -> None:
    assert cli("study", "new", "deep/er/ab", *SIMAM[3:]).code == 0
    study = Study.open("deep/er/ab")
    assert study.plan.paths_from == "../../.."
    assert study.working_folder == tmp_path.resolve()
    (tmp_path / "away").mkdir()
    text = Path("deep/er/ab/study.yaml").read_text().replace("[SimAM]", "[SE]")
    Path("deep/er/ab/study.yaml").write_text(text)
    assert cli("study", "new", "../deep/er/ab", folder=tmp_path / "away").code == 0
    outside = cli(
        "study", "new", "../ab", *("--base", "../base.yaml", *SIMAM[5:]), folder=tmp_path / "away"
    )
    assert outside.code == 0
    assert Study.open("../ab").plan.paths_from == str((tmp_path / "away").resolve())
