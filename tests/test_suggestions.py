"""What add and remove understand, propose and refuse, as a newcomer types it."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from tests.support import BASE, Cli
from yamlinject import Config, RefusalError, SelectorError, load
from yamlinject.frameworks import launch
from yamlinject.library import bases, recipes
from yamlinject.library.data import template
from yamlinject.output import next_steps
from yamlinject.output.next_steps import is_installed  # before tests are told that all are


def last(text: str, label: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith(label)]
    return lines[-1].removeprefix(label).strip() if lines else ""


# --- names of modules and bases


@pytest.mark.parametrize("name", ["simam", "SIMAM", "SimAM", "simAM"])
def test_a_module_in_any_case(cli: Cli, tmp_path: Path, name: str) -> None:
    assert cli("add", name, "--after", "SPPF").code == 0
    text = (tmp_path / "yolov5s_SimAM.yaml").read_text()
    assert "[-1, 1, SimAM, [1024]]" in text
    assert "add SimAM yolov5s" in text.split("\n")[0]
    assert cli("remove", name, "yolov5s_SimAM.yaml").code == 0
    assert (tmp_path / "yolov5s.yaml").read_bytes() == load("yolov5s").to_bytes()


def test_a_module_that_the_config_has_in_another_case_is_that_one() -> None:
    config = load("yolov5s").add("simAM_", after="SPPF", args="[]", provenance=False)
    assert config.layers[10].module == "simAM_"
    assert len(config.remove("simAM_").layers) == 25


def test_a_base_with_an_ending(cli: Cli, tmp_path: Path) -> None:
    assert cli("add", "SimAM", "yolov5n.yaml", "--after", "SPPF").code == 0
    assert "add SimAM yolov5n --after" in (tmp_path / "yolov5n_SimAM.yaml").read_text()
    (tmp_path / "yolov5m.yaml").write_text(BASE)  # a file comes first
    assert cli("add", "SimAM", "yolov5m.yaml", "--after", "SPPF").code == 0
    assert "[-1, 1, SimAM, [16]]" in (tmp_path / "yolov5m_SimAM.yaml").read_text()
    missing = cli("add", "SimAM", "folder/yolov5n.yaml", "--after", "SPPF")
    assert missing.err == (
        "yamlinject: error: folder/yolov5n.yaml: cannot read it: no such file or directory\n"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("yolov8n", "those of ultralytics come with: pip install 'yamlinject[ultralytics]'"),
        ("yolo11n", "those of ultralytics come with: pip install 'yamlinject[ultralytics]'"),
        ("yolov5q", "did you mean yolov5"),
        ("resnet", "; more with: pip install 'yamlinject[ultralytics]'"),
    ],
)
def test_a_base_of_a_framework_that_is_missing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    shipped = {"yolov5": {"hub": template("bases", "yolov5s.yaml")}, "ultralytics": {}}
    monkeypatch.setattr(bases, "_shipped", shipped.__getitem__)
    result = cli("add", "SimAM", name, "--after", "SPPF")
    assert result.code == 2
    assert message in result.err


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("yolov8n", "ultralytics"),
        ("yolo11n", "ultralytics"),
        ("yolo26x-seg", "ultralytics"),
        ("yolov10b", "ultralytics"),
        ("rtdetr-l", "ultralytics"),
        ("yolov5s6", "yolov5"),
        ("yolov5s-seg", "yolov5"),
        ("yolov3-spp", "yolov5"),
    ],
)
def test_a_light_install_names_the_one_extra(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    """Both frameworks together are more than the config needs, and each holds the other back."""
    monkeypatch.setattr(bases, "_shipped", lambda framework: {})
    for command in (("add", "SimAM", name, "--after", "SPPF"), ("show", name)):
        assert cli(*command).err == (
            f"yamlinject: error: no base config is called {name!r} here; those of {extra} come with: "
            f"pip install 'yamlinject[{extra}]'\n"
        )


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("DySampel", "DySample"),  # two letters swapped
        ("DySampl", "DySample"),  # one missing
        ("DySanple", "DySample"),  # one wrong
        ("DySampple", "DySample"),  # one doubled
        ("nn.upsample", "nn.Upsample"),  # another case
        ("CARAFF", "CARAFE"),  # a recipe's, whose acronyms count too
    ],
)
def test_a_slip_of_a_known_name_is_not_put_in(cli: Cli, tmp_path: Path, written: str, meant: str) -> None:
    command = ("replace", written, "yolov5s", "--at", "head/nn.Upsample")
    assert cli(*command) == (
        2,
        "",
        f"yamlinject: error: {written} is not known (did you mean {meant}?): if it is meant, give the "
        "--args of its row\n",
    )
    assert list(tmp_path.iterdir()) == []
    meant_so = ("replace", written, "yolov5s", "--at", "head/nn.Upsample@0", "--args", "[2]")
    assert cli(*meant_so).code == 0
    file = f"yolov5s_{written}.yaml"  # which has it, so that it is known there
    assert cli("replace", written, file, "--at", "head/nn.Upsample", "-o", "both.yaml").code == 0
    assert cli("check", "both.yaml").code == 0


@pytest.mark.parametrize("written", ["C3Ghots", "C3Gost", "c3ghost"])
def test_a_slip_of_a_framework_s_module_is_not_put_in(written: str) -> None:
    with pytest.raises(RefusalError, match=rf"^{written} is not known \(did you mean C3Ghost\?\)"):
        load("yolov5s").replace(written, at="C3")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "C2f",
            "C3f",
            "C3k",
            "C3k2",
            "C3x",
            "C3TR",
            "C3STR",
            "C2fPSA",
            "C2PSA",
            "C2PSB",
            "ResCSPB",
            "ResCSPC",
        ),
        *("C2f_DCN", "C3_Faster", "C3Ghost2", "MyC3Ghost", "BottleneckCSP2", "BottleneckCSPD"),
        *("SPPCSP", "SPPFCSPC", "ResNCSPELAN4", "RepNCSPELAN", "RepC4"),
    ],
)
def test_a_name_of_a_fork_is_no_slip(name: str) -> None:
    config = load("yolov5s").replace(name, at="C3@0")
    assert config.layers[2].module == name


@pytest.mark.parametrize("name", ["DWConv", "DPConv", "DSConv", "PConv", "AKConv", "ResConv", "RepConvs"])
def test_a_convolution_of_a_fork_is_no_slip(name: str) -> None:
    assert load("yolov5s").replace(name, at="Conv@1").layers[1].module == name


@pytest.mark.parametrize("name", ["BiFPN_Concat2", "BiFPN_Concat3", "MyConcat", "Concat_BiFPN"])
def test_a_fusion_of_a_fork_is_no_slip(name: str) -> None:
    assert load("yolov5s").replace(name, at="head/Concat@0").layers[12].module == name


def test_a_module_of_ones_own_is_known_and_has_slips(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "blocks.py").write_text(
        "from torch import nn\n\nclass DySampel(nn.Module):\n"
        "    def __init__(self, channels, scale=2): ...\n    def forward(self, x): ...\n"
    )
    command = ("--at", "head/nn.Upsample", "--modules", "blocks.py")
    assert cli("replace", "DySampel", "yolov5s", *command).code == 0
    assert (
        "DySaMpl is not known (did you mean DySampel?)"
        in cli("replace", "DySaMpl", "yolov5s", *command).err
    )


def test_remove_says_what_there_is(cli: Cli, tmp_path: Path) -> None:
    cli("add", "SimAM", "--after", "SPPF", "-o", "one.yaml")
    cli("add", "CBAM", "one.yaml", "--after", "C3@-1", "-o", "two.yaml")

    def error(module: str, file: str) -> str:
        return cli("remove", module, file).err.removeprefix(f"yamlinject: error: {file}: ").strip()

    assert error("SimAN", "one.yaml") == (
        "it has no SimAN layer to remove: its lines '# yamlinject' say that SimAM was added"
    )
    assert error("SE", "two.yaml").endswith("say that CBAM, SimAM was added")
    (tmp_path / "bare.yaml").write_text(load("yolov5s").add("SimAM", "SPPF", provenance=False).text)
    assert error("SimAN", "bare.yaml") == "it has no SimAN layer to remove (did you mean SimAM?)"
    assert error("Mystery", "bare.yaml") == "it has no Mystery layer to remove"


@pytest.mark.parametrize("command", ["check", "draw", "verify", "show", "explain", "undo"])
def test_a_file_of_nearly_that_name(cli: Cli, tmp_path: Path, command: str) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("yolov5s_SimAM.yaml", "sub/mine_CBAM.yml", "yolov5s_SimMA.txt"):
        (tmp_path / name).write_text(BASE)
    missing = "cannot read it: no such file or directory"
    for file, hint in (
        ("yolov5s_SimMA.yaml", " (did you mean yolov5s_SimAM.yaml?)"),
        ("sub/mine_CBMA.yaml", f" (did you mean {Path('sub', 'mine_CBAM.yml')}?)"),
        ("other.yaml", ""),
        ("gone/yolov5s_SimAM.yaml", ""),
    ):
        result = cli(command, file)
        assert result.code == 2
        assert result.err.splitlines()[0] == f"yamlinject: error: {Path(file)}: {missing}{hint}"


def test_a_link_to_nothing_is_not_its_own_hint(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "model_a.yaml").symlink_to("gone")
    assert cli("show", "model_a.yaml").err.endswith("no such file or directory\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "yolov55", "train"), "nor an installed command (did you mean yolov5?): give a path"),
        (("run", "tran.py"), "nor an installed command (did you mean train.py?): give a path"),
        (("register", "SimAM", "yolov55"), "yolov55: there is no such folder"),
        (
            ("verify", "yolov5s", "--framework", "gone"),
            "gone: neither yolov5 nor ultralytics, and no folder there",
        ),
        (("run", "yolo", "train"), "yolo is not installed: pip install 'yamlinject[ultralytics]'"),
        (("add", "yolov5s", "SimAM", "--after", "SPPF"), "SimAM is a module, which stands before the base"),
        (("add", "SimAM,CBAM", "--after", "SPPF"), "add one, and the next to the file that comes of it"),
        (("add", "SimAM", "--after", "haed/C3"), "selector 'haed/C3' (did you mean head?) is not one of"),
        (("module", "CBAN"), "no recipe for a module 'CBAN' (did you mean CBAM?); known: "),
        (
            ("undo", "yolov5s"),
            "has no line '# yamlinject', so there is nothing to undo: name the file that",
        ),
        (("add", "SimAM", "--after"), "requires an argument (see yamlinject add --help)"),
        (("study", "new", "x", "--base"), "requires an argument (see yamlinject study new --help)"),
        (("--version=3",), "does not take a value (see yamlinject --help)"),
        (
            ("weights", "yolov5s.pt", "yolov5s"),
            "; download it from the releases of github.com/ultralytics/yolov5 or assets, or train",
        ),
        (
            ("weights", "yolo11n-seg.pt", "yolov5s"),
            "; download it from the releases of github.com/ultralytics/yolov5 or assets, or train",
        ),
        (("weights", "mine.pt", "yolov5s"), "mine.pt: cannot read it: no such file or directory\n"),
        (("weights", "runs/yolov5s_SimAM.pt", "yolov5s"), "cannot read it: no such file or directory\n"),
    ],
)
def test_what_is_not_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
) -> None:
    program = EntryPoint("yolov5", "yolov5.cli:main", "console_scripts")
    monkeypatch.setattr(launch, "entry_points", lambda **_: EntryPoints([program]))
    (tmp_path / "train.py").write_text("")
    result = cli(*arguments)
    assert result.code == 2
    assert message in result.err


# --- selectors that lead on


@pytest.mark.parametrize(
    ("after", "message"),
    [
        (
            "Detect",
            "nothing may be inserted after layer 24 (Detect), the detection head: detect-inputs picks",
        ),
        (
            "backbone",
            "backbone is a scope: write a module with it, such as backbone/SPPF, or --scope backbone",
        ),
        ("head", "head is a scope: write a module with it, such as head/C3, or --scope head"),
        ("all", "all is a scope: write a module with it, such as all/C3, or --scope all"),
        ("neck", "the neck is the first part of the head: write a module with it, such as head/C3"),
        ("Neck", "the neck is the first part of the head: write a module with it, such as head/C3"),
        ("Concat", "there is no Concat in the backbone, but 4 in the head: write head/Concat"),
    ],
)
def test_selectors(after: str, message: str) -> None:
    with pytest.raises(SelectorError) as refused:
        load("yolov5s").add("SimAM", after=after)
    assert message in str(refused.value)


@pytest.mark.parametrize("after", ["head/Detect", "24", "all/Detect", "Detect"])
def test_the_detection_head_leads_to_what_it_reads(after: str) -> None:
    with pytest.raises((SelectorError, RefusalError)) as refused:
        load("yolov5s").add("SimAM", after=after)
    assert "nothing may be inserted after layer 24 (Detect)" in str(refused.value)
    assert str(refused.value).endswith("detect-inputs picks the layers that it reads")


# --- rows that break the model


@pytest.mark.parametrize(
    ("module", "args", "message"),
    [
        (
            "Conv",
            "[512, 3, 2]",
            "[-1, 1, Conv, [512, 3, 2]] has stride 2: the layers that read it would not fit",
        ),
        ("nn.MaxPool2d", "[2, 2]", "has stride 2"),
        ("nn.Upsample", "[None, 2, nearest]", "has stride 0.5"),
        ("ADown", "[channels]", "has stride 2"),
        ("SPDConv", "[channels, 3, 2]", "has stride 2"),  # told by its name, which says Conv
    ],
)
def test_a_stride_is_refused(module: str, args: str, message: str) -> None:
    with pytest.raises(RefusalError) as refused:
        load("yolov5s").add(module, after="SPPF", args=args)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("Conv", "[1024, 3, 1]"),
        ("nn.MaxPool2d", "[3, 1, 1]"),
        ("Mystery", "[channels, 3, 2]"),
        ("C3", "[1024]"),
    ],
)
def test_what_keeps_the_size_or_is_not_known(module: str, args: str) -> None:
    assert len(load("yolov5s").add(module, after="SPPF", args=args).layers) == 26


JOINS = BASE.replace("[[-1, 1], 1, Concat, [1]]", "[[-1, 1], 1, Add, []]")


@pytest.mark.parametrize(
    ("module", "args", "message"),
    [
        ("Conv", "[32, 1, 1]", "layer 3 (Add) would read 32 and 16 channels"),
        ("C3", "[32]", "layer 3 (Add) would read 32 and 16 channels"),
        ("Detect", "[80]", "Detect gives detections, not one feature map"),
        ("CBLinear", "[[16, 32]]", "CBLinear gives a list of feature maps, not one feature map"),
        ("Classify", "[80]", "Classify gives class scores, not one feature map"),
        ("Concat", "[1]", "Concat joins several layers, and a new row reads one"),
        ("Add", "[]", "Add joins several layers, and a new row reads one"),
        ("Index", "[16, 0]", "Index picks from a list, and a new row reads one feature map"),
    ],
)
def test_what_its_readers_cannot_read_is_refused(module: str, args: str, message: str) -> None:
    config = Config.from_text(JOINS)
    with pytest.raises(RefusalError) as refused:
        config.add(module, after="SPPF", args=args)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("Conv", "[16, 3, 1]"),  # keeps them
        ("Mystery", "[32]"),  # may mean anything
        ("MyAdd", "[]"),
        ("Concat_x", "[1]"),
    ],
)
def test_what_keeps_the_channels_or_is_not_known(module: str, args: str) -> None:
    assert len(Config.from_text(JOINS).add(module, after="SPPF", args=args).layers) == 7


def test_a_concat_reads_any_channels() -> None:
    assert len(Config.from_text(BASE).add("Conv", after="SPPF", args="[32, 1, 1]").layers) == 7


def test_remove_says_that_its_result_is_wired_wrongly(cli: Cli, tmp_path: Path) -> None:
    text = load("yolov5s").add("SimAM", after="SPPF").text
    (tmp_path / "wrong.yaml").write_text(text.replace("[-1, 15]", "[-1, 14]"))
    result = cli("remove", "SimAM", "wrong.yaml", "-o", "one.yaml")
    assert (
        "note      the result has 1 error, such as: layer 19 (Concat) reads layer 13 (C3), expected layer "
        "14 (Conv) (yamlinject check one.yaml)\n" in result.err
    )
    both = text.replace("[-1, 15]", "[-1, 14]").replace("[-1, 11]", "[-1, 10]")
    (tmp_path / "wrong.yaml").write_text(both)
    result = cli("remove", "SimAM", "wrong.yaml", "-o", "back.yaml")
    assert result.code == 0
    assert (
        "note      something was wrong before, and stays: layer 20 (Concat) reads layer 14 (C3), expected "
        "layer 15 (Conv)\n" in result.err
    )
    (tmp_path / "wrong.yaml").write_text(text.replace("[[-1, 11], 1, Concat", "[[-1, 4], 1, Concat"))
    result = cli("remove", "SimAM", "wrong.yaml", "-o", "back.yaml", "--force")
    assert "note      the result has 1 error, such as: layer 22 (Concat)" in result.err
    (tmp_path / "right.yaml").write_text(text)
    assert "the result has" not in cli("remove", "SimAM", "right.yaml", "-o", "right_back.yaml").err


# --- names of files


def test_a_second_command_for_one_base_gets_a_name_of_its_own(cli: Cli, tmp_path: Path) -> None:
    first, second = ("add", "SimAM", "--after", "SPPF"), ("add", "SimAM", "--after", "C3")
    for command, name in [(first, "yolov5s_SimAM.yaml"), (second, "yolov5s_SimAM_C3.yaml")] * 2:
        result = cli(*command)
        assert result.code == 0
        assert last(result.err, "wrote") + last(result.err, "unchanged") == name
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "yolov5s_SimAM.yaml",
        "yolov5s_SimAM_C3.yaml",
    ]
    assert cli(*first, "--check").code == cli(*second, "--check").code == 0
    other = cli("add", "SimAM", "--after", "C3", "--number", "2")
    assert other.err.startswith("yamlinject: error: yolov5s_SimAM_C3.yaml: another command made it")


@pytest.mark.parametrize(
    ("after", "name"),
    [
        (["C3@-1"], "yolov5s_SimAM_C3@-1.yaml"),
        (["head/C3", "2"], "yolov5s_SimAM_head-C3_2.yaml"),
        (["C3@1:3,SPPF"], "yolov5s_SimAM_C3@1-3-SPPF.yaml"),
    ],
)
def test_the_name_is_made_of_the_selectors(cli: Cli, tmp_path: Path, after: list[str], name: str) -> None:
    cli("add", "SimAM", "--after", "SPPF")
    assert cli("add", "SimAM", *(word for text in after for word in ("--after", text))).code == 0
    assert (tmp_path / name).is_file()
    assert cli("remove", "SimAM", name).code == 0
    assert (tmp_path / "yolov5s.yaml").read_bytes() == load("yolov5s").to_bytes()


def test_a_file_that_no_command_made_is_in_the_way(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "yolov5s_SimAM.yaml").write_text("mine\n")
    result = cli("add", "SimAM", "--after", "SPPF")
    assert (result.code, (tmp_path / "yolov5s_SimAM.yaml").read_text()) == (2, "mine\n")
    assert "yolov5s_SimAM.yaml: is there already and is different: name another file" in result.err


SCALED = BASE.replace("nc: 2\n", "nc: 2\nscales:\n  n: [0.3, 0.25, 1024]\n  s: [0.3, 0.5, 1024]\n")


@pytest.mark.parametrize(
    ("base", "output", "name"),
    [
        ("yolo11s.yaml", "my.yaml", "yolo11s_my.yaml"),
        ("yolo11s.yaml", "yolo11_new.yaml", "yolo11s_new.yaml"),
        ("yolo11s.yaml", "yolo11n_new.yaml", "yolo11s_new.yaml"),
        ("yolo11s.yaml", "yolo11s_new.yaml", None),
        ("yolo11s.yaml", "yolov8s_new.yaml", None),
        ("yolo11n.yaml", "my.yaml", None),  # n is what is built without a scale
        ("yolo11s.yaml", "runs/my.yaml", "runs/yolo11s_my.yaml"),
    ],
)
def test_a_scale_that_the_name_would_lose(
    cli: Cli, tmp_path: Path, base: str, output: str, name: str | None
) -> None:
    (tmp_path / base).write_text(SCALED)
    (tmp_path / "runs").mkdir()
    result = cli("add", "SimAM", base, "--after", "SPPF", "-o", output)
    assert result.code == 0
    note = last(result.err, "note      by this name")
    assert note == (f"Ultralytics builds scale n, not s: call it {name}" if name else "")


@pytest.mark.parametrize(
    ("base", "output", "scaled"),
    [
        ("yolo11.yaml", "yolo11_SimAM.yaml", "yolo11s_SimAM.yaml"),
        ("yolo11.yaml", "my.yaml", "yolo11s_my.yaml"),
        ("mine.yaml", "mine_SimAM.yaml", "yolov8s_mine_SimAM.yaml"),
        ("yolo11.yaml", "yolo11m_SimAM.yaml", None),
        ("yolo11n.yaml", "yolo11n_SimAM.yaml", None),
    ],
)
def test_a_name_that_selects_no_scale(
    cli: Cli, tmp_path: Path, base: str, output: str, scaled: str | None
) -> None:
    (tmp_path / base).write_text(SCALED)
    result = cli("add", "SimAM", base, "--after", "SPPF", "-o", output)
    note = last(result.err, "note      by this name")
    assert note == (f"Ultralytics builds scale n; {scaled} selects s" if scaled else "")


# --- what comes next


@pytest.mark.parametrize(
    ("head", "command"),
    [
        ("Detect, [nc, anchors]", "run yolov5 train --weights '' --cfg base_SimAM.yaml --data data.yaml"),
        (
            "Segment, [nc, anchors, 32, 256]",
            "run yolov5 segment train --weights '' --cfg base_SimAM.yaml --data data.yaml",
        ),
        ("Detect, [nc]", "run yolo detect train model=base_SimAM.yaml data=data.yaml"),
        ("Segment, [nc, 32, 256]", "run yolo segment train model=base_SimAM.yaml data=data.yaml"),
        ("Pose26, [nc, 17]", "run yolo pose train model=base_SimAM.yaml data=data.yaml"),
        ("OBB, [nc, 1]", "run yolo obb train model=base_SimAM.yaml data=data.yaml"),
    ],
)
def test_how_to_train_it(head: str, command: str) -> None:
    anchors = "anchors: 3\n" if "anchors" in head else ""
    config = Config.from_text(anchors + BASE.replace("Detect, [nc]", head))
    assert next_steps.train(config, "base_SimAM.yaml").text == f"yamlinject {command}"


def test_next_is_to_verify_it_with_its_modules(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "blocks.py").write_text(
        "from torch import nn\n\nclass MyGate(nn.Module):\n"
        "    def __init__(self, channels): ...\n    def forward(self, x): ...\n"
    )
    added = cli("add", "MyGate", "yolov5s", "--after", "SPPF", "--modules", "blocks.py")
    assert last(added.err, "next") == "yamlinject verify --modules blocks.py yolov5s_MyGate.yaml"
    replaced = cli("replace", "C3Ghost", "yolov5s", "--at", "C3")
    assert last(replaced.err, "next") == "yamlinject verify yolov5s_C3Ghost.yaml"


@pytest.mark.parametrize(
    ("anchors", "framework"), [("anchors: 3\n", "yolov5"), ("", "ultralytics")], ids=["anchors", "none"]
)
def test_next_is_to_install_the_framework_that_is_missing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anchors: str, framework: str
) -> None:
    (tmp_path / "base.yaml").write_text(anchors + BASE)
    monkeypatch.setattr(next_steps, "is_installed", lambda package: package != framework)
    result = cli("add", "SimAM", "base.yaml", "--after", "SPPF")
    assert last(result.err, "next") == f"pip install 'yamlinject[{framework}]'"


def test_what_counts_as_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_package").mkdir()
    (tmp_path / "a_package" / "__init__.py").write_text("raise AssertionError('it was imported')\n")
    (tmp_path / "a_folder").mkdir()  # such as a checkout of YOLOv5 where Python was started
    monkeypatch.syspath_prepend(tmp_path)
    found = [is_installed(name) for name in ("a_package", "a_folder", "not_there")]
    assert found == [True, False, False]
    assert "a_package" not in sys.modules


@pytest.mark.parametrize(
    ("head", "given", "command"),
    [
        (
            "Detect, [nc, anchors]",
            {"framework": "yolov5", "checkout": Path("y5"), "modules": ["a.py", "b"]},
            "run --modules a.py --modules b y5/train.py --weights start.pt --cfg m.yaml --data data.yaml",
        ),
        (
            "Segment, [nc, anchors, 32, 256]",
            {"framework": "yolov5", "checkout": Path("y5")},
            "run y5/segment/train.py --weights start.pt --cfg m.yaml --data data.yaml",
        ),
        (
            "Segment, [nc, anchors, 32, 256]",
            {"framework": "yolov5", "modules": ["a.py"]},
            "run --modules a.py yolov5 segment train --weights start.pt --cfg m.yaml --data data.yaml",
        ),
        (
            "Segment, [nc, 32, 256]",
            {"framework": "ultralytics", "checkout": Path("ul"), "modules": ["a.py"]},
            "run --modules a.py yolo segment train model=m.yaml pretrained=start.pt data=data.yaml",
        ),
        (  # YOLOv5's, built by Ultralytics
            "Detect, [nc, anchors]",
            {"framework": "ultralytics"},
            "run yolo detect train model=m.yaml pretrained=start.pt data=data.yaml",
        ),
    ],
)
def test_next_with_what_is_known_after_weights(head: str, given: dict[str, Any], command: str) -> None:
    anchors = "anchors: 3\n" if "anchors" in head else ""
    config = Config.from_text(anchors + BASE.replace("Detect, [nc]", head))
    line = next_steps.train(config, "m.yaml", checkpoint="start.pt", **given)
    assert (line.label, line.text, line.whole) == ("next", f"yamlinject {command}", True)


# --- channels that are a guess


GUESSED = """\
nc: 2
backbone:
  - [-1, 1, Conv, [16, 3, 2]]
  - [-1, 1, MyBlock, [64, 3]]
  - [-1, 1, nn.Upsample, [None, 2, nearest]]
  - [-1, 1, SE, [64]]
  - [[-1, 2], 1, Concat, [1]]
  - [-1, 1, C3, [32]]
head:
  - [-1, 1, Detect, [nc]]
"""


@pytest.mark.parametrize(
    ("target", "count"),
    [("0", None), ("1", 64), ("2", 64), ("3", 64), ("4", 128), ("5", None)],
)
def test_channels_that_rest_on_a_module_known_by_its_name_are_called_a_guess(
    cli: Cli, tmp_path: Path, target: str, count: int | None
) -> None:
    (tmp_path / "a.yaml").write_text(GUESSED)
    result = cli("add", "SimAM", "a.yaml", "--after", target)
    assert result.code == 0
    said = f"{count} channels are a guess: what layer 1 (MyBlock) gives is not known, verify builds it"
    assert last(result.err, "note") == (said if count else "")


def test_args_without_channels_are_no_guess(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GUESSED)
    for args, is_guess in (("[]", False), ("[7]", False), ("[channels, 8]", True), ("[[channels]]", True)):
        result = cli("add", "Odd", "a.yaml", "--after", "1", "--args", args, "--diff")
        assert ("are a guess" in result.err) == is_guess


def test_a_guess_is_told_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(GUESSED)
    result = cli("add", "SimAM", "a.yaml", "--after", "1,2", "--after", "2")
    assert result.err.count("are a guess") == 1
    for base in ("yolov5s", "yolov5x"):
        assert "guess" not in cli("add", "SimAM", base, "--after", "all/C3,all/Concat,all/nn.Upsample").err


@pytest.mark.parametrize("module", ["SimAM", "C2fCIB", "nn.Upsample", "SPPELAN", "SimAMv2", "C3"])
def test_a_known_name_and_one_of_its_own_are_no_slips(module: str) -> None:
    """What one framework lacks may be what another one has."""
    assert recipes.slip(module) is None
    assert recipes.slip("SimAN") == "SimAM"
