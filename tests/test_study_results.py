"""``study table`` and ``study report``: what the results of a study say, in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.conftest import REPOSITORY
from tests.study import BASE, MODULE, PLACEBO, PLAN, VERSIONS, fill, finish, make_study
from tests.support import PREFIX, Cli
from yamlinject.study.folder import Study
from yamlinject.study.reservations import reservations
from yamlinject.study.results import Results
from yamlinject.study.statistics import smallest_p

VALUES = [0.301, 0.312, 0.298, 0.305, 0.308, 0.311]
#: The base, the same to the last digit, and hundredths more: 0.02 in the mean, with a deviation of 0.001.
ADDED = [0.019, 0.021, 0.019, 0.021, 0.019, 0.021]


def plus(values: list[float], added: list[float]) -> list[float | None]:
    return [round(value + more, 6) for value, more in zip(values, added, strict=False)]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    made = make_study(tmp_path / "ablation")
    fill(made, {BASE: VALUES, PLACEBO: VALUES, MODULE: plus(VALUES, ADDED)})
    return made


def table(cli: Cli, *more: str) -> str:
    result = cli("study", "table", "ablation", *more)
    assert result.code == 0, result.err
    return result.out


def test_the_table(study: Study, cli: Cli) -> None:
    """By hand: t of 5 degrees is 2.571, so the interval is 0.02 +- 2.571 * 0.001095 / sqrt 6; p is 2/64."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in table(cli).splitlines() if line[:1] != "-"]
    same = ["0.5000 ± 0.0000", "0.2500 ± 0.0000", "0.7500 ± 0.0000"]
    heads = ["pairs", "difference [95 %]", "p (Holm)", "verdict"]
    better = ["6", "+0.0200 [+0.0189, +0.0211]", "0.031", "better"]
    assert lines == [
        ["variant", "seeds", "parameters", "GFLOPs", "precision", "recall", "mAP50", "mAP50-95"],
        [BASE, "6", "1,765,000", "4.2", *same, "0.3058 ± 0.0056"],
        [PLACEBO, "6", "1,765,000", "4.2", *same, "0.3058 ± 0.0056"],
        [MODULE, "6", "1,765,000", "4.2", *same, "0.3258 ± 0.0064"],
        [""],
        ["mAP50-95 against the base"],
        ["variant", *heads],
        [PLACEBO, "6", "+0.0000 [+0.0000, +0.0000]", "1.00", "the same in every seed"],
        [MODULE, *better],
        [""],
        ["mAP50-95 against the placebo"],
        ["variant", *heads],
        [MODULE, *better],
        [""],
        [
            "note",
            "mean ± standard deviation over seeds; differences are of runs with the same seed; "
            "p by sign flips, corrected by Holm for the number of variants; GFLOPs by yolov5 7.0.14",
        ],
    ]


def test_columns_are_aligned(study: Study, cli: Cli) -> None:
    """Text to the left and numbers to the right."""
    head, rule, *rows = table(cli).split("\n\n")[0].splitlines()
    assert {len(line) for line in (head, rule, *rows)} == {len(rule)}
    assert head.startswith("variant  ")
    assert all(line[head.index("GFLOPs") + 3 :].startswith("4.2  ") for line in rows)


def verdicts(text: str) -> list[str]:
    """The last column of the table against the base."""
    (part,) = re.findall(r"against the base\n.*\n-+\n((?:.+\n)+)", text)
    return [line.split("  ")[-1] for line in part.splitlines()]


def test_delta_and_the_other_metrics(study: Study, cli: Cli) -> None:
    assert verdicts(table(cli, "--delta", "0.5")) == ["the same in every seed", "better, by less than 0.5"]
    assert verdicts(table(cli, "--metric", "recall")) == ["cannot tell"] * 2
    # the placebo of the base's values, one more or less by a thousandth
    fill(study, {PLACEBO: plus(VALUES, [0.001, -0.001] * 3)})
    assert verdicts(table(cli, "--delta", "0.002"))[0] == "no difference beyond 0.002"
    assert verdicts(table(cli, "--delta", "0.001"))[0] == "cannot tell: it takes about 15 seeds"
    assert verdicts(table(cli))[0] == "cannot tell"


def test_placebos_are_no_part_of_the_family(tmp_path: Path) -> None:
    """Two modules: of six seeds, Holm doubles 2/64; for the placebo it stays."""
    made = make_study(tmp_path / "two", replace(PLAN, modules=("SimAM", "CBAM")))
    better = plus(VALUES, ADDED)
    fill(made, {BASE: VALUES, PLACEBO: better, MODULE: better, "yolov5n_CBAM_SPPF": better})
    rows = {row.variant.name: row for row in Results(made).rows}
    assert {name: row.base and row.base.corrected for name, row in rows.items()} == {
        BASE: None,
        PLACEBO: 1 / 32,
        MODULE: 1 / 16,
        "yolov5n_CBAM_SPPF": 1 / 16,
    }
    placebo = rows[MODULE].placebo
    assert placebo is not None
    assert (placebo.pairs, placebo.corrected, placebo.verdict) == (6, 1, "no difference")


def test_variants_that_are_not_run_count_in_the_family(tmp_path: Path) -> None:
    made = make_study(tmp_path / "two", replace(PLAN, modules=("SimAM", "CBAM")))
    fill(made, {BASE: VALUES, MODULE: plus(VALUES, ADDED)})
    judged = {row.variant.name: row.base for row in Results(made).rows}[MODULE]
    assert judged is not None
    assert (judged.p, judged.corrected, judged.verdict) == (1 / 32, 1 / 16, "cannot tell")


def test_each_scale_is_a_family(tmp_path: Path) -> None:
    made = make_study(tmp_path / "scales", replace(PLAN, scales=("n", "s")))
    fill(made, {one.name: plus(VALUES, ADDED) if one.base else VALUES for one in made.variants})
    judged = [row.base for row in Results(made).rows if row.variant.kind == "module"]
    assert [one and (one.corrected, one.verdict) for one in judged] == [(1 / 32, "better")] * 2


def test_a_replacement_has_no_placebo(tmp_path: Path) -> None:
    made = make_study(tmp_path / "replacing", replace(PLAN, replace=("CARAFE",), at=("head/nn.Upsample",)))
    fill(made, {one.name: VALUES for one in made.variants})
    against = {row.variant.module: row.placebo for row in Results(made).rows if row.base}
    assert against["CARAFE"] is None
    assert against["nn.Identity"] is None
    assert against["SimAM"] is not None


@pytest.mark.framework
def test_the_words_of_the_frameworks_for_a_validation_that_ran_out_of_time() -> None:
    for file in ("yolov5/utils/general.py", "ultralytics/utils/nms.py"):
        text = Path(sysconfig.get_path("purelib"), file).read_text(encoding="utf-8")
        assert "NMS time limit {time_limit:.3f}s exceeded" in text


def cut(study: Study) -> None:
    """Of the module, seed 0 was never run and seed 1 failed."""
    for seed in (0, 1):
        (study.job(MODULE, seed).folder / "done.json").unlink()
    (study.job(MODULE, 1).folder / "failed.json").write_text('{"exit": 1, "seconds": 2}')


def unpair(study: Study) -> None:
    (study.job(BASE, 3).folder / "done.json").unlink()


def edit(study: Study) -> None:
    study.job(MODULE, 2).variant.config.write_bytes(b"# edited\n" + study.variants[2].config.read_bytes())


def lose(study: Study) -> None:
    finish(study.job(MODULE, 2), float("nan"))
    finish(study.job(MODULE, 4), None)


def upgrade(study: Study) -> None:
    finish(study.job(MODULE, 5), 0.5, versions={**VERSIONS, "torch": "2.11.0"}, device="NVIDIA H100")


def start(study: Study) -> None:
    for seed in (0, 1, 2, 3, 4, 5):
        digest = "1" * 64 if seed else "2" * 64
        finish(study.job(MODULE, seed), 0.5 + seed / 100, weights=digest)


def hurry(study: Study) -> None:
    """What both frameworks print, in three of the logs."""
    log = "Class Images\nWARNING \u26a0\ufe0f NMS time limit 1.700s exceeded\n"
    for job in (study.job(MODULE, 3), study.job(BASE, 5), study.job(PLACEBO, 0)):
        (job.folder / "log.txt").write_text(log, encoding="utf-8")
    (study.job(PLACEBO, 1).folder / "log.txt").write_text("all is well\n")


def freeze(study: Study) -> None:
    fill(study, dict.fromkeys((BASE, PLACEBO, MODULE), [0.0] * 6))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            cut,
            [
                f"2 of 18 runs are not done ({MODULE} seed 0, {MODULE} seed 1): yamlinject study run {{}}",
                f"1 of them failed, and their log.txt says why ({{}}/jobs/{MODULE}/seed-1)",
            ],
            id="missing and failed",
        ),
        pytest.param(
            unpair,
            [
                f"1 of 18 runs are not done ({BASE} seed 3): yamlinject study run {{}}",
                f"{PLACEBO}: seed 3 without a run of {BASE}, and so in no difference from it",
                f"{MODULE}: seed 3 without a run of {BASE}, and so in no difference from it",
            ],
            id="unpaired",
        ),
        pytest.param(
            edit,
            [
                f"6 of 18 runs are not done ({MODULE} seed 0, {MODULE} seed 1, {MODULE} seed 2, 3 more): "
                "yamlinject study run {}",
                "6 of them were done of another plan, config or weights, and do not count "
                f"({', '.join(f'{{}}/jobs/{MODULE}/seed-{seed}' for seed in range(3))}, 3 more)",
            ],
            id="done before an edit",
        ),
        pytest.param(
            lose, [f"{MODULE}: mAP50-95 of seed 2, 4 is no number, and is left out"], id="not a number"
        ),
        pytest.param(
            upgrade,
            [
                "not all runs have the same torch, which may make a difference too: "
                "2.10.0 in 17, 2.11.0 in 1",
                "not all runs have the same device, which may make a difference too: "
                "cpu in 17, NVIDIA H100 in 1",
            ],
            id="versions",
        ),
        pytest.param(
            start,
            [
                f"{MODULE}: its runs began from 2 different weights",
                f"unequal start: {BASE}, {PLACEBO} from scratch, and the others from weights",
            ],
            id="start weights",
        ),
        pytest.param(
            hurry,
            [
                "the metrics of 3 runs are of some of the images only, as the machine was too busy "
                f"(NMS time limit exceeded: {PLACEBO} seed 0, {MODULE} seed 3, {BASE} seed 5): "
                "delete their done.json, and run them with less beside them",
            ],
            id="out of time",
        ),
        pytest.param(
            freeze, ["mAP50-95 is 0 in all runs, so that it measures nothing: train longer"], id="constant"
        ),
    ],
)
def test_what_is_said_beside_the_table(
    study: Study, cli: Cli, change: Callable[[Study], None], said: list[str]
) -> None:
    """In text, Markdown, LaTeX, JSON and, on standard error, with CSV."""
    change(study)
    found = reservations(Results(Study.open(study.folder)))
    folder = str(study.folder)
    plain = [line.replace("\\", "/").replace("'", "") for line in found]  # as paths are elsewhere
    assert plain == [line.replace("{}", study.folder.as_posix()) for line in said]
    for form in ("text", "md", "latex", "csv", "json"):
        result = cli("study", "table", folder, "--format", form)
        assert result.code == 0
        printed = (result.out + result.err).replace("\\", "")
        for line in found:
            assert line.replace("\\", "") in printed, form


@pytest.mark.parametrize(
    ("modules", "seeds", "said"),
    [
        (1, 1, "1 seed cannot show that a variant of yolov5n is better or worse, as no p can be below 1: "),
        (
            1,
            3,
            "3 seeds cannot show that a variant of yolov5n is better or worse, as no p can be below 0.25",
        ),
        (2, 6, "6 seeds cannot show that any of 2 variants of yolov5n is better"),
        (1, 6, None),
        (2, 7, None),
    ],
)
def test_too_few_seeds(tmp_path: Path, modules: int, seeds: int, said: str | None) -> None:
    plan = replace(PLAN, modules=("SimAM", "CBAM")[:modules], seeds=tuple(range(seeds)))
    made = make_study(tmp_path / "few", plan)
    fill(made, {one.name: VALUES + VALUES for one in made.variants})
    assert [line[: len(said or "")] for line in reservations(Results(made))] == ([said] if said else [])


def test_a_study_in_which_nothing_is_done(tmp_path: Path, cli: Cli) -> None:
    make_study(tmp_path / "new")
    for form in ("text", "md", "csv", "latex", "json"):
        result = cli("study", "table", "new", "--format", form, "--plot", f"{form}.svg")
        assert result.code == 0
        assert "18 of 18 runs are not done" in result.out + result.err
        assert "no differences yet" in Path(f"{form}.svg").read_text()
    assert cli("study", "report", "new").code == 0


def test_one_seed(tmp_path: Path, cli: Cli) -> None:
    made = make_study(tmp_path / "ablation", replace(PLAN, seeds=(7,)))
    fill(made, {BASE: [0.3], PLACEBO: [0.31], MODULE: [0.32]})
    text = table(cli, "--delta", "0.1")
    assert re.search(r"SimAM_SPPF +1 .* 0\.3200\n", text)  # no deviation
    assert re.search(r"SimAM_SPPF +1 +\+0\.0200 +1\.00  cannot tell\n", text)


def test_markdown(study: Study, cli: Cli) -> None:
    cut(study)
    lines = table(cli, "--format", "md").splitlines()
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in lines if line.startswith("|")}
    assert widths == {17}
    assert lines[4].startswith(r"| yolov5n\_SimAM\_SPPF | 4 | 1,765,000 | 4.2 | 0.5000 ± 0.0000 |")
    assert r"| +0.0200 \[+0.0182, +0.0218\] | 0.12 | cannot tell: it takes about 6 seeds |" in lines[4]
    assert "**" not in "".join(lines)  # no best is bold


def test_latex(study: Study, cli: Cli) -> None:
    lines = table(cli, "--format", "latex").splitlines()
    (first,) = (line for line in lines if line.startswith(r"yolov5n\_SimAM\_SPPF & "))
    assert first.startswith(
        r"yolov5n\_SimAM\_SPPF & 6 & 1,765,000 & 4.2 & 0.5000 $\pm$ 0.0000 & 0.2500 $\pm$ 0.0000 & "
        r"0.7500 $\pm$ 0.0000 & 0.3258 $\pm$ 0.0064 & "
        r"6 & $+$0.0200 [$+$0.0189, $+$0.0211] & 0.031 & better & "
    )
    body = [line for line in lines if not line.startswith("%")]
    assert body[:2] == [r"\begin{tabular}{lrrrrrrrrrrlrrrl}", r"\toprule"]
    assert body[-2:] == [r"\bottomrule", r"\end{tabular}"]
    assert r"\cmidrule(lr){9-12}\cmidrule(lr){13-16}" in body
    assert all(
        re.sub(r"\\multicolumn\{\d+\}", "", line).count("&") in (2, 15) for line in body if "&" in line
    )
    assert r"difference [95 \%]" in "".join(body)
    assert "textbf" not in "".join(lines)


def test_csv_and_json_are_not_rounded(study: Study, cli: Cli) -> None:
    (row,) = (
        row for row in csv.DictReader(io.StringIO(table(cli, "--format", "csv"))) if row["kind"] == "module"
    )
    assert row["variant"] == MODULE
    assert float(row["metrics_mAP50-95_mean"]) == pytest.approx(0.3258333333, abs=1e-9)
    assert [row[f"against_base_{key}"] for key in ("pairs", "p", "p_holm", "verdict", "needed")] == [
        "6",
        "0.03125",
        "0.03125",
        "better",
        "",
    ]
    assert float(row["against_base_low"]) == pytest.approx(0.02 - 2.5706 * 0.0010954 / 6**0.5, abs=1e-6)
    data = json.loads(table(cli, "--format", "json", "--delta", "0.005"))
    assert (data["metric"], data["delta"], data["notes"]) == ("mAP50-95", 0.005, [])
    assert [one["variant"] for one in data["rows"]] == [BASE, PLACEBO, MODULE]
    assert data["rows"][2]["values"]["mAP50-95"] == {
        str(seed): value for seed, value in enumerate(plus(VALUES, ADDED))
    }
    assert data["rows"][2]["against_placebo"]["difference"] == 0.02
    manual = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"^\| `study table FOLDER --format json` \| (.*)", manual, re.M)
    parts = [data, data["rows"][0], data["rows"][0]["against_base"], data["rows"][0]["metrics"]["recall"]]
    assert set(re.findall(r"`(\w+)`", said)) == set().union(*parts)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["table", "."], ".: no study is there"),
        (
            ["table", "ablation", "--metric", "mAP"],
            "there is no metric mAP: there are precision, recall, mAP50",
        ),
        (["table", "ablation", "--delta", "-1"], "--delta -1: has to be a positive number"),
        (["table", "ablation", "--delta", "nan"], "--delta nan: has to be a positive number"),
        (["table", "ablation", "--delta", "0"], "--delta 0: has to be a positive number"),
        (["table", "ablation", "--plot", "plot.png"], "plot.png: the plot is an SVG file"),
        (["table", "ablation", "--plot", "no/plot.svg"], f"{Path('no', 'plot.svg')}: cannot write it"),
        (["report", "."], ".: no study is there"),
        (["report", "ablation", "--metric", "F1"], "there is no metric F1"),
        (["report", "ablation", "-o", "ablation"], "ablation: is a directory"),
    ],
)
def test_bad_input(study: Study, cli: Cli, arguments: list[str], said: str) -> None:
    result = cli("study", *arguments)
    assert result.code == 2
    assert result.err.splitlines()[-1].startswith(PREFIX + said)


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"job": 1}', "[" * 9999, '{"metrics": 5}'])
def test_a_done_json_that_is_none_is_a_run_that_is_not_done(study: Study, cli: Cli, text: str) -> None:
    (study.job(MODULE, 0).folder / "done.json").write_text(text)
    assert "1 of 18 runs are not done" in table(cli)


@pytest.mark.parametrize(
    "more", [{"metrics": None}, {"metrics": {"mAP50-95": "0.5"}}, {"metrics": {"mAP50-95": 1e999}}]
)
def test_odd_values_in_a_done_json(study: Study, cli: Cli, more: dict[str, Any]) -> None:
    odd = {"versions": "new", "parameters": "many", "gflops": None, "weights": 5}
    finish(study.job(MODULE, 0), 0.3, **odd, **more)
    text = table(cli)
    assert f"{MODULE}: mAP50-95 of seed 0 is no number" in text
    assert re.search(r"SimAM_SPPF +5 +\+0\.0202", text)


PAGE = (REPOSITORY / "docs" / "study.md").read_text(encoding="utf-8")


def test_what_the_manual_says_of_few_seeds() -> None:
    def row(name: str) -> list[str]:
        (found,) = re.findall(rf"^\| {name} \| ([\d.| ]+) \|$", PAGE, re.M)
        return [cell.strip() for cell in found.split("|")]

    seeds = [int(cell) for cell in row("seeds")]
    least = [float(cell) for cell in row("smallest p")]
    variants = [int(cell) for cell in row("variants, of which one can be better")]
    assert least == [pytest.approx(smallest_p(count), abs=6e-4) for count in seeds]
    for count, most in zip(seeds, variants, strict=True):
        assert smallest_p(count, most + 1) > 0.05
        assert most == 0 or smallest_p(count, most) <= 0.05


def test_neither_imports_a_framework(study: Study) -> None:
    for command in ("table", "report"):
        interpreter = [sys.executable, "-X", "importtime", "-m", "yamlinject", "study", command]
        done = subprocess.run(
            [*interpreter, "ablation"], cwd=study.folder.parent, capture_output=True, text=True, check=True
        )
        imported = set(re.findall(r"^import time: .*\| +([\w.]+)$", done.stderr, re.M))
        assert "yamlinject.study.statistics" in imported
        assert imported & {"torch", "numpy", "scipy", "yolov5", "ultralytics", "submitit", "ray"} == set()


def test_a_file_in_the_way_stays(study: Study, cli: Cli) -> None:
    for name, command in (
        ("plot.svg", ["table", "ablation", "--plot", "plot.svg"]),
        ("report.html", ["report", "ablation"]),
    ):
        Path(name).write_text("mine")
        refused = cli("study", *command)
        assert refused.code == 2
        assert "--force" in refused.err
        assert Path(name).read_text() == "mine"
        assert cli("study", *command, "--force").code == 0
        again = cli("study", *command)
        assert (again.code, again.err.split()) == (0, ["unchanged", name])


SVG = "{http://www.w3.org/2000/svg}"


def test_the_plot(study: Study, cli: Cli) -> None:
    """The dots are where the numbers are: 0 for the placebo, and both 0.02 at one place to its right."""
    table(cli, "--plot", "plot.svg", "--delta", "0.005")
    root = ElementTree.parse("plot.svg").getroot()
    dots = [(float(dot.attrib["cx"]), dot.attrib["class"]) for dot in root.iter(f"{SVG}circle")]
    assert [kind.split()[0] for _, kind in dots] == ["fill-no-difference", "fill-better", "fill-back"]
    texts = {str(one.text): float(one.attrib["x"]) for one in root.iter(f"{SVG}text")}
    assert dots[0][0] == texts["0"]
    assert texts["0"] < texts["+0.01"] < texts["+0.02"] == dots[1][0] == dots[2][0]
    (band,) = (one for one in root.iter(f"{SVG}rect") if "x" in one.attrib)
    ratio = float(band.attrib["width"]) / (texts["+0.02"] - texts["0"])
    assert ratio == pytest.approx(0.01 / 0.02, abs=0.01)
    assert f"{MODULE} - placebo" in texts
    assert "+0.0200 [+0.0189, +0.0211]  better" in texts


class Page(HTMLParser):
    """The tags of an HTML file that are not closed, its addresses, and its headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.headings: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "source"):
            self.open.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("h1", "h2", "summary"):
            self.headings.append(data)


def test_the_report(study: Study, cli: Cli) -> None:
    result = cli("study", "report", "ablation", "-o", "report.html", "--delta", "0.005")
    assert (result.code, result.err.split()) == (0, ["wrote", "report.html"])
    text = Path("report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert page.headings == [
        "Study of yolov5n",
        "mAP50-95 against the base",
        "mAP50-95 against the placebo",
        "Differences",
        "mAP50-95 by epoch",
        "Configs",
        BASE,
        PLACEBO,
        MODULE,
        "The same again",
    ]
    assert len(page.addresses) == 6  # each config, light and dark
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    assert set(re.findall(r"https?://[^\s\"]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in text
    assert "yamlinject study run ablation" in text
    assert "seeds: [0, 1, 2, 3, 4, 5]" in text
    assert "prefers-color-scheme: dark" in text


def test_the_curves_of_the_report(study: Study, cli: Cli) -> None:
    """A line for each seed, one for their mean and, but for the base, one for the base."""
    (study.job(MODULE, 0).folder / "run" / "results.csv").unlink()
    (study.job(MODULE, 1).folder / "run" / "results.csv").write_text("epoch\n")
    assert cli("study", "report", "ablation").code == 0
    text = Path("report.html").read_text(encoding="utf-8")
    found = [
        ElementTree.fromstring(svg) for svg in re.findall(r'<svg [^>]*class="curve".*?</svg>', text, re.S)
    ]
    lines = {}
    for picture in found:
        paths = [one.attrib for one in picture.iter(f"{SVG}path") if "stroke-width" in one.attrib]
        lines[str(picture[0].text)] = [path["stroke-width"] for path in paths]
    assert lines == {
        BASE: [*["0.5"] * 6, "2"],
        PLACEBO: [*["0.5"] * 6, "1.5", "2"],
        MODULE: [*["0.5"] * 4, "1.5", "2"],
    }


def test_nothing_in_a_report_is_read_as_html(study: Study, cli: Cli) -> None:
    versions = {**VERSIONS, "torch": "<script>alert(1)</script>"}
    finish(study.job(MODULE, 0), 0.3, versions=versions, device="<img src=http://example.org/x>")
    study.variants[1].config.write_text("<b>: [\n")
    plan = study.folder / "study.yaml"
    plan.write_text(plan.read_text() + "# </pre><script>\n")
    assert cli("study", "report", "ablation").code == 0
    text = Path("report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img src=http" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "&lt;/pre&gt;&lt;script&gt;" in text
    assert Page(text).open == []
