"""Which scale a file's name asks for, and which file is opened for it: Ultralytics' own rules."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from yamlinject import SourceError, load
from yamlinject.cli.app import run
from yamlinject.core import scales

ASKED = {
    "yolov8s_SimAM": "s",
    "yolo11n-seg": "n",
    "yoloe-11l-seg": "l",
    "yoloe-v8m": "m",
    "mine-yolov8x": "x",
    "yolov8simam": "s",
    "yolov8_SimAM": "",
    "yolo11-obb_SimAM": "",
    "my_s": "",
    "s": "",
    "yolov9c": "",
    "yolo-world8s": "",
}


@pytest.mark.parametrize("stem", ASKED)
def test_the_scale_that_a_name_asks_for(stem: str) -> None:
    assert scales.asked(stem) == ASKED[stem]


@pytest.mark.framework
@pytest.mark.parametrize("stem", ASKED)
def test_ultralytics_guesses_the_same(stem: str) -> None:
    tasks: Any = import_module("ultralytics.nn.tasks")
    assert tasks.guess_model_scale(f"{stem}.yaml") == ASKED[stem]


@pytest.mark.parametrize(
    ("stem", "named"),
    [
        ("yolov8n_SimAM", "yolov8l_SimAM"),
        ("yoloe-11s-seg", "yoloe-11l-seg"),
        ("yolov8_SimAM", "yolov8l_SimAM"),
        ("yolo11-obb_SimAM", "yolo11l-obb_SimAM"),
        ("yoloe-v8-seg", "yoloe-v8l-seg"),
        ("mine", "yolov8l_mine"),
        ("my_yolo", "yolov8l_my_yolo"),
    ],
)
def test_a_name_that_asks_for_a_scale(stem: str, named: str) -> None:
    assert scales.asking(stem, "l") == named
    assert scales.asked(named) == "l"


def test_a_name_begins_with_that_of_its_base_where_it_has_no_family() -> None:
    assert scales.asking("mine", "s", "yolo11s-seg") == "yolo11s-seg_mine"
    assert scales.asking("yolov8_mine", "s", "yolo11s-seg") == "yolov8s_mine"
    assert scales.asking("mine", "s", "theirs") == "yolov8s_mine"  # no name with theirs would ask for one


#: Written by hand; the folder is the quirk that its pattern has: it takes the first digits with a letter.
UNSCALED = {
    "yolov8s_SimAM.yaml": "yolov8_SimAM.yaml",
    "yolo11n.yaml": "yolo11.yaml",
    "configs/yolo11x-seg_SimAM.yaml": "configs/yolo11-seg_SimAM.yaml",
    "./yolov8m.yml": "./yolov8.yml",
    "run2s/yolov8s.yaml": "run2/yolov8s.yaml",
    "yolov8_SimAM.yaml": "yolov8_SimAM.yaml",
    "mine.yaml": "mine.yaml",
}


@pytest.mark.parametrize("path", UNSCALED)
def test_the_file_that_is_opened_instead(path: str) -> None:
    assert scales.unscaled(path) == UNSCALED[path]


@pytest.mark.framework
@pytest.mark.parametrize("path", UNSCALED)
def test_ultralytics_opens_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    tasks: Any = import_module("ultralytics.nn.tasks")
    monkeypatch.chdir(tmp_path)
    opened = []

    def check_yaml(file: object, hard: bool = True) -> str:
        opened.append(str(file))
        return "there.yaml" if hard else ""

    Path("there.yaml").write_text("nc: 1\n")
    monkeypatch.setattr(tasks, "check_yaml", check_yaml)
    tasks.yaml_model_load(path)
    assert opened[1] == str(Path(UNSCALED[path]))


@pytest.mark.parametrize(
    ("data", "stem", "scale"),
    [
        ({"scales": {"n": [], "s": []}}, "yolov8s_x", "s"),
        ({"scales": {"n": [], "s": []}}, "mine", "n"),
        ({"scales": {"m": [], "s": []}}, "mine", "m"),
        ({"scales": {"m": []}}, "yolov8s", "s"),
        ({"scales": {}}, "yolov8s", None),
        ({"scales": "n"}, "yolov8s", None),
        ({}, "yolov8s", None),
    ],
)
def test_the_scale_that_is_built(data: dict[str, object], stem: str, scale: str | None) -> None:
    assert scales.built(data, stem) == scale


def write(folder: Path, name: str, first: str = "n") -> Path:
    """A config of the scales ``first`` and s."""
    text = (
        "nc: 2\n"
        f"scales: {{{first}: [0.33, 0.25, 1024], s: [0.33, 0.5, 1024]}}\n"
        "backbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 3, C2f, [64, True]]\n"
        "head:\n  - [[1], 1, Detect, [nc]]\n"
    )
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ("yolov8_SimAM.yaml", "yolov8s_SimAM.yaml"),
        ("yolo11-seg_SimAM.yml", "yolo11x-seg_SimAM.yml"),
        ("configs/yolo11.yaml", "configs/yolo11m.yaml"),
    ],
)
def test_one_file_for_all_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: str, wanted: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, there)
    config = load(wanted)
    assert (config.name, config.stem, config.path) == (wanted, Path(wanted).stem, Path(there))
    assert config.to_bytes() == Path(there).read_bytes()


def test_a_file_of_that_very_name_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "yolov8.yaml")
    own = write(tmp_path, "yolov8s.yaml", "x")
    assert load(own).to_bytes() == own.read_bytes()


@pytest.mark.parametrize(
    ("there", "wanted", "old", "new"),
    [
        pytest.param("yolov5_SimAM.yaml", "yolov5s_SimAM.yaml", "scales", "sizes", id="no-scales"),
        pytest.param("yolov8_SimAM.yaml", "yolov8t_SimAM.yaml", "", "", id="no-letter-of-a-scale"),
        pytest.param("yolov8_SimAM.yaml", "yolov8s_CBAM.yaml", "", "", id="another-name"),
        pytest.param("yolov8_SimAM.yaml", "yolov8s_SimAM.yml", "", "", id="another-ending"),
        pytest.param("yolov8.yaml", "yolov8s.yaml", "nc: 2", "nc: [", id="no-yaml"),
    ],
)
def test_no_such_file(tmp_path: Path, there: str, wanted: str, old: str, new: str) -> None:
    file = write(tmp_path, there)
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(SourceError, match="no such file"):
        load(tmp_path / wanted)


def test_what_is_made_of_it_is_known_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its name keeps the scale, and the base that it records is found by the same rule."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "yolov8_mine.yaml")
    assert run(["add", "SimAM", "yolov8s_mine.yaml", "--after", "C2f"]) == 0
    assert run(["check", "yolov8s_mine_SimAM.yaml"]) == 0
    assert run(["remove", "SimAM", "yolov8s_mine_SimAM.yaml", "-o", "-"]) == 0
    assert Path("yolov8_mine.yaml").read_text() in capsys.readouterr().out
    Path("yolov8_mine.yaml").write_text(Path("yolov8_mine.yaml").read_text().replace("nc: 2", "nc: 3"))
    assert run(["check", "yolov8s_mine_SimAM.yaml"]) == 1
    assert "YI602" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wanted", "code", "said"),
    [
        ("yolov8s_SimAM.yaml", 0, "Checked 1 file: nothing found"),
        ("./yolov8s_SimAM.yaml", 0, "Checked 1 file: nothing found"),
        ("yolov8_SimAM.yaml", 0, "yolov8_SimAM.yaml: YI703 warning: its name selects no scale"),
        ("yolov8n_SimAM.yaml", 0, "yolov8n_SimAM.yaml: YI703 warning: its name selects scale n"),
        ("yolov8x_SimAM.yaml", 1, "yolov8x_SimAM.yaml:3:9: YI702 error: its name selects scale x"),
        ("yolov8t_SimAM.yaml", 2, "yolov8t_SimAM.yaml: cannot read it: no such file"),
        (f"yolov8s_{'a' * 300}.yaml", 2, "cannot read it: file name too long"),
    ],
)
def test_check_knows_it_by_the_name_that_was_given(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    wanted: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "yolov8s_mine.yaml")
    assert run(["add", "SimAM", "yolov8s_mine.yaml", "--after", "C2f", "-o", "yolov8_SimAM.yaml"]) == 0
    capsys.readouterr()
    assert run(["check", wanted]) == code
    captured = capsys.readouterr()
    assert said in captured.out + captured.err
    assert captured.out.count(": YI7") == said.count(": YI7")


def test_check_fixes_the_file_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = write(tmp_path, "yolov8.yaml")
    text = file.read_text()
    file.write_text(text.replace("[64, True]]\n", "[64, True]]  # 7\n"))
    assert run(["check", "--fix", "yolov8s.yaml"]) == 0
    assert file.read_text() == text.replace("[64, True]]\n", "[64, True]]  # 1\n")
    assert not Path("yolov8s.yaml").exists()


def test_in_place_goes_to_the_file_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "yolov8.yaml")
    assert run(["add", "SimAM", "yolov8s.yaml", "--after", "C2f", "--in-place"]) == 0
    assert [file.name for file in tmp_path.iterdir()] == ["yolov8.yaml"]
    assert "wrote     yolov8.yaml" in capsys.readouterr().err
    assert run(["check", "yolov8.yaml"]) == 0
