"""The Python API, as a script uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import yamlinject
from yamlinject import Config, ConfigError, RefusalError, SelectorError, SourceError, YamlInjectError
from yamlinject.core.layer import as_flow
from yamlinject.core.modules import Role
from yamlinject.core.request import Request
from yamlinject.library.recipes import Recipe
from yamlinject.lineage.recorded import before

BASE = b"""\
nc: 3
backbone:
  - [-1, 1, Conv, [16, 3, 2]] # 0
  - [-1, 1, C3, [32]] # 1
  - [-1, 1, SPPF, [64, 5]] # 4
head:
  - [[-1, 1], 1, Concat, [1]] # 3
  - [[2, 3], 1, Detect, [nc]] # 4
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_bytes(BASE)
    return path


def test_the_line_of_the_manual(tmp_path: Path) -> None:
    path = tmp_path / "yolov5s_SimAM.yaml"
    assert yamlinject.load("yolov5s").add("SimAM", after="SPPF").save(path)
    data = yaml.safe_load(path.read_bytes())
    assert data["backbone"][10] == [-1, 1, "SimAM", [1024]]
    assert data["head"][-1][0] == [18, 21, 24]


def test_load_without_a_name_is_yolov5s() -> None:
    assert yamlinject.load().text == yamlinject.load("yolov5s").text
    assert len(yamlinject.load().layers) == 25


def test_a_loaded_config(base: Path) -> None:
    config = yamlinject.load(base)
    assert (config.name, config.stem) == (str(base), "small")
    assert config.to_bytes() == BASE
    assert config.text.encode() == BASE
    assert [layer.module for layer in config.layers] == ["Conv", "C3", "SPPF", "Concat", "Detect"]
    assert config.path == base


def test_add_returns_a_new_config_that_says_what_was_done(base: Path) -> None:
    config = yamlinject.load(base)
    added = config.add("SimAM", after=["C3", "SPPF"])
    assert config.to_bytes() == BASE
    assert added.base is config
    assert added.name == "small_SimAM.yaml"
    assert added.injected == {2, 4}
    assert [pick.selector.text for pick in added.rewrite.picked] == ["C3", "SPPF"]
    assert [[layer.index for layer in pick.layers] for pick in added.rewrite.picked] == [[1], [2]]
    rewrite = added.rewrite
    assert [(layer.index, layer.args) for layer in rewrite.injected] == [(2, [32]), (4, [64])]
    assert [(str(layer), layer.from_, from_) for layer, from_ in rewrite.changes] == [
        ("layer 3 (Concat)", [-1, 1], [-1, 2]),
        ("layer 4 (Detect)", [2, 3], [4, 5]),
    ]
    assert rewrite.index_map.moved == (0, 1, 3, 5, 6)
    assert rewrite.stale == (2,)
    assert rewrite.provenance is not None
    assert rewrite.provenance.comments == {}


def test_chain(base: Path) -> None:
    config = yamlinject.load(base)
    both = config.add("SimAM", after="SPPF").add("Other", after="1", args="[channels, 4]")
    assert both.stem == "small_SimAM_Other"
    assert [layer.row for layer in both.layers[2:5]] == [
        [-1, 1, "Other", [32, 4]],
        [-1, 1, "SPPF", [64, 5]],
        [-1, 1, "SimAM", [64]],
    ]
    assert both.injected == {2, 4}
    undone = both.remove("Other").remove("SimAM")
    assert undone.to_bytes() == BASE
    assert undone.exact


def test_remove_says_what_was_done(base: Path) -> None:
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    removed = added.remove("SimAM")
    assert removed.stem == "small"
    assert removed.base is added
    assert removed.rewrite.index_map.moved == (0, 1, 2, -1, 3, 4)
    assert [(str(one.layer), one.from_) for one in removed.rewrite.changes] == [
        ("layer 5 (Detect)", [2, 3])
    ]


def test_diff_speaks_of_both_names(base: Path) -> None:
    added = yamlinject.load(base).add("SimAM", after="1", provenance=False)
    lines = list(added.diff("new.yaml"))
    assert lines[:2] == [f"--- {base}", "+++ new.yaml"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        "+  - [-1, 1, SimAM, [32]] # 2",
        "-  - [[-1, 1], 1, Concat, [1]] # 3",
        "-  - [[2, 3], 1, Detect, [nc]] # 4",
        "+  - [[-1, 2], 1, Concat, [1]] # 4",
        "+  - [[3, 4], 1, Detect, [nc]] # 5",
    ]


def test_save_writes_once(base: Path, tmp_path: Path) -> None:
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    path = tmp_path / "new.yaml"
    assert added.differs(path)
    assert added.save(path)
    assert path.read_bytes() == added.to_bytes()
    assert not added.differs(path)
    written = path.stat()
    assert not added.save(path)
    assert not added.save(str(path), force=True)
    assert path.stat().st_ino == written.st_ino
    assert sorted(file.name for file in tmp_path.iterdir()) == ["new.yaml", "small.yaml"]


def test_save_needs_force_for_another_file(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    path.write_bytes(b"mine")
    path.chmod(0o640)
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    with pytest.raises(SourceError, match="`force`") as caught:
        added.save(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert path.read_bytes() == b"mine"
    assert added.save(path, force=True)
    assert path.read_bytes() == added.to_bytes()
    assert path.stat().st_mode & 0o777 == 0o640


def test_save_follows_a_symbolic_link(base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    link = tmp_path / "link.yaml"
    link.symlink_to(folder / "file.yaml")
    (folder / "file.yaml").write_bytes(b"old")
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    assert added.save(link, force=True)
    assert link.is_symlink()
    assert (folder / "file.yaml").read_bytes() == added.to_bytes()


def test_save_where_it_cannot(base: Path, tmp_path: Path) -> None:
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    with pytest.raises(SourceError, match="is a directory"):
        added.save(tmp_path)
    with pytest.raises(SourceError, match="cannot write it: no such file or directory"):
        added.save(tmp_path / "none" / "new.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(SourceError, match="not a regular file"):
        added.save(tmp_path / "pipe.yaml")
    with pytest.raises(SourceError, match="not a regular file"):
        added.save(tmp_path / "pipe.yaml", force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe.yaml", "small.yaml"]


def test_a_failed_write_leaves_the_old_file(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = yamlinject.load(base).add("SimAM", after="SPPF")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SourceError, match="no space left"):
        added.save(base, force=True)
    assert base.read_bytes() == BASE
    assert [path.name for path in tmp_path.iterdir()] == ["small.yaml"]


def test_what_the_same_command_made_is_known(base: Path) -> None:
    config = yamlinject.load(base)
    request = Request("SimAM", str(base), ("SPPF",))
    assert before(config, request) is None
    base.write_bytes(config.apply(request).to_bytes())
    again = yamlinject.load(base)
    assert before(again, request) == config
    assert before(again, request._replace(after=("C3",))) is None
    assert before(again, request._replace(number=2)) is None


def test_what_the_same_command_made_was_edited(base: Path) -> None:
    added = yamlinject.load(base).add("SimAM", after="SPPF")
    base.write_bytes(added.to_bytes().replace(b"Conv, [16", b"Conv, [24"))
    with pytest.raises(RefusalError, match="edited since") as caught:
        before(yamlinject.load(base), Request("SimAM", str(base), ("SPPF",)))
    assert str(caught.value).startswith(f"{base}:1:1: ")


@pytest.mark.parametrize(
    ("after", "kind", "message"),
    [
        ("Nope", SelectorError, "no module Nope"),
        ("99", SelectorError, "no layer 99"),
        ("4", RefusalError, r"nothing may be inserted after layer 4 \(Detect\)"),
        ("head/Detect", RefusalError, "last layer"),
    ],
)
def test_what_cannot_be_added(base: Path, after: str, kind: type[YamlInjectError], message: str) -> None:
    with pytest.raises(kind, match=message) as caught:
        yamlinject.load(base).add("SimAM", after=after)
    assert str(caught.value).startswith(f"{base}:")


@pytest.mark.parametrize("after", ["C3@", "", "C3,", "-1"])
def test_invalid_selectors(base: Path, after: str) -> None:
    with pytest.raises(SelectorError, match=r"^selector '.*' is not one of MODULE"):
        yamlinject.load(base).add("SimAM", after=after)


def test_nothing_asked_for_is_an_error(base: Path) -> None:
    with pytest.raises(YamlInjectError):
        yamlinject.load(base).add("SimAM", after=[])


@pytest.mark.parametrize("number", [0, -1])
def test_number_below_1(base: Path, number: int) -> None:
    with pytest.raises(YamlInjectError, match=f"`number` {number}"):
        yamlinject.load(base).add("SimAM", after="SPPF", number=number)


@pytest.mark.parametrize(
    ("module", "args", "message"),
    [
        ("SimAMM", None, r"^SimAMM has no recipe \(did you mean SimAM\?\): give the `args` of its row"),
        ("EMO", None, r"^EMO has no recipe: give the `args` of its row, such as '\[channels\]'; recipes: "),
        ("No pe", "[1]", "cannot be the name of a module"),
        ("null", "[1]", "cannot be the name of a module"),
        ("yes", "[1]", "cannot be the name of a module"),
        ("A]", "[1]", "cannot be the name of a module"),
        ("", "[1]", "cannot be the name of a module"),
        ("SE", "16", "has to be a YAML list"),
        ("SE", "", "has to be a YAML list"),
        ("SE", "[1", "`args`: not valid YAML"),
        ("SE", "[1e-4]", "reads 1e-4 as a string: write 0.0001$"),
        ("SimAM", "[1E-4]", "write 0.0001$"),
    ],
)
def test_modules_and_args_that_are_refused(base: Path, module: str, args: str | None, message: str) -> None:
    with pytest.raises(YamlInjectError, match=message):
        yamlinject.load(base).add(module, after="SPPF", args=args)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ("[]", []),
        ("[channels]", [64]),
        ("[channels, 16, channels]", [64, 16, 64]),
        ("[1.0e-4]", [0.0001]),
        ("[a b, 'c: d', null, true, [1, {x: 2}]]", ["a b", "c: d", None, True, [1, {"x": 2}]]),
        ("['#x', \"it's\", '1', '']", ["#x", "it's", "1", ""]),
        ("[模块]", ["模块"]),
        ("['" + "long words " * 20 + "']", ["long words " * 20]),
        ('["two\\nlines"]', ["two\nlines"]),
    ],
)
def test_args(base: Path, args: str, expected: list[object]) -> None:
    added = yamlinject.load(base).add("SE", after="SPPF", args=args)
    assert yaml.safe_load(added.text)["backbone"][3] == [-1, 1, "SE", expected]
    assert added.remove("SE").to_bytes() == BASE


def test_channels_that_the_rows_do_not_tell_have_to_be_given(base: Path) -> None:
    base.write_bytes(BASE.replace(b"SPPF, [64, 5]", b"nn.Conv2d, [c, 5]"))
    with pytest.raises(
        RefusalError, match=r"small\.yaml:5:5: layer 2 \(nn\.Conv2d\): its channel count.*`args`"
    ):
        yamlinject.load(base).add("SimAM", after="2")
    added = yamlinject.load(base).add("SimAM", after="2", args="[48]")
    assert added.layers[3].row == [-1, 1, "SimAM", [48]]


@pytest.mark.parametrize(
    ("old", "new", "kind", "where"),
    [
        (b"[[-1, 1], 1, Concat", b"[[-1, 3], 1, Concat", ConfigError, ":7:11: "),
        (b"nc: 3", b"nc: [", ConfigError, ":"),
        (b"backbone:", b"body:", ConfigError, ": "),
        (b"nc: 3", b"n\0c: 3", SourceError, ": "),
    ],
)
def test_load_refuses_what_is_not_a_config(
    base: Path, old: bytes, new: bytes, kind: type[YamlInjectError], where: str
) -> None:
    base.write_bytes(BASE.replace(old, new))
    with pytest.raises(kind) as caught:
        yamlinject.load(base)
    assert str(caught.value).startswith(f"{base}{where}")


@pytest.mark.parametrize("reference", ["+1", "0x1", "01", "0b1", "1_0"])
def test_references_in_other_spellings_are_read_but_not_rewritten(reference: str) -> None:
    layer = 10 if reference == "1_0" else 1
    rows = "".join("  - [-1, 1, Conv, [16]]\n" for _ in range(11))
    text = f"backbone:\n{rows}head:\n  - [[-1, {reference}], 1, Concat, [1]]\n  - [[11], 1, Detect, []]\n"
    config = Config("odd.yaml", text.encode())
    with pytest.raises(RefusalError, match=rf"odd\.yaml:14:11: .*write the layer number '.*' as {layer}"):
        config.add("SimAM", after="0")
    for target in range(layer + 1, 11):
        added = config.add("SimAM", after=str(target), provenance=False)
        assert f"[-1, {reference}]" in added.text


def test_rows_that_share_their_text_are_refused() -> None:
    text = "backbone:\n  - &row [-1, 1, Conv, [16]]\n  - *row\nhead:\n  - [[0, 1], 1, Detect, []]\n"
    with pytest.raises(RefusalError, match=r"a\.yaml:2:5: layer 0 \(Conv\) shares its text"):
        Config("a.yaml", text.encode()).add("SimAM", after="0")


@pytest.mark.parametrize("anchor", ["&rows [[-1, 1, Conv, [16]]]", "&rows\n  - [-1, 1, Conv, [16]]"])
def test_sections_that_share_their_text_are_refused(anchor: str) -> None:
    text = f"backbone: {anchor}\nhead: *rows\n"
    with pytest.raises(YamlInjectError):
        Config("a.yaml", text.encode()).add("SimAM", after="0")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("  - [-1, 1, Conv, [16]]\n", "no SimAM layer to remove"),
        ("  - [-1, 1, SimAM, [16]]\n", "reads the image"),
        ("  - [-1, 1, Conv, [16]]\n  - [[-1, 0], 1, SimAM, [16]]\n", "reads 2 layers"),
    ],
)
def test_layers_that_cannot_be_removed(rows: str, message: str) -> None:
    text = f"backbone:\n{rows}head:\n  - [[0], 1, Detect, []]\n"
    with pytest.raises(RefusalError, match=message):
        Config("a.yaml", text.encode()).remove("SimAM")
    last = "backbone:\n  - [-1, 1, Conv, [16]]\nhead:\n  - [-1, 1, SimAM, [16]]\n"
    with pytest.raises(
        RefusalError, match=r"a\.yaml:4:5: layer 1 \(SimAM\) cannot be removed: it is the last layer"
    ):
        Config("a.yaml", last.encode()).remove("SimAM")


@pytest.mark.parametrize("space", ["", " "])
def test_remove_the_first_of_several_rows_on_a_line(space: str) -> None:
    text = (
        f"backbone: [[-1, 1, Conv, [16]]]\nhead: [[-1, 1, SimAM, []],{space}[[1, 0], 1, Detect, []]]  # 1\n"
    )
    removed = Config("a.yaml", text.encode()).remove("SimAM")
    assert removed.text == "backbone: [[-1, 1, Conv, [16]]]\nhead: [[[0, 0], 1, Detect, []]]  # 1\n"


@pytest.mark.parametrize("row", ["- |\n        text\n", "- k: v # 0\n        # c\n"])
def test_rows_with_an_unclear_end_are_rewritten_correctly_or_refused(row: str) -> None:
    text = (
        f"backbone:\n  - - -1\n    - 1\n    - Conv\n    - - 16\n      {row}"
        "  - [-1, 1, C3, [32]]\nhead:\n  - [[0, 1], 1, Detect, []]\n"
    )
    config = Config("a.yaml", text.encode())
    try:
        added = config.add("SimAM", after="0")
    except RefusalError as error:
        assert "cannot be rewritten safely" in str(error)  # noqa: PT017  # either outcome is right
    else:
        assert [layer.module for layer in added.layers] == ["Conv", "SimAM", "C3", "Detect"]
        assert added.layers[0].args == config.layers[0].args
        assert added.remove("SimAM").text == text
    # below other rows such a row is no obstacle
    assert config.add("SimAM", after="1").remove("SimAM").text == text


@pytest.mark.parametrize("after", ["0", "detect-inputs", "SPPF"])
def test_no_layers_at_all(after: str) -> None:
    with pytest.raises(YamlInjectError):
        Config("a.yaml", b"backbone: []\nhead: []\n").add("SimAM", after=after)


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("fusion", "another fusion such as Concat"),
        ("upsample", "another upsample such as nn.Upsample"),
        ("block", "another block"),
    ],
)
def test_only_attention_is_inserted(
    base: Path, monkeypatch: pytest.MonkeyPatch, role: Role, message: str
) -> None:
    monkeypatch.setattr("yamlinject.library.requests.recipe", lambda module, args: Recipe(module, [], role))
    with pytest.raises(RefusalError) as refused:
        yamlinject.load(base).add("My", after="SPPF")
    assert refused.value.message == (
        f"My is no attention: it takes the place of {message}: use yamlinject replace"
    )


@pytest.mark.parametrize(
    ("args", "channels", "inputs", "text"),
    [
        (["inputs"], 512, 3, "[3]"),
        (["inputs", "channels"], 512, 1, "[1, 512]"),
        ([["inputs"], {"a": "inputs", "b": "channels"}], 64, 2, "[[2], {a: 2, b: 64}]"),
        (["inputs"], None, 2, "[2]"),
        (["input", "Inputs", 2.5], None, 2, "[input, Inputs, 2.5]"),
    ],
)
def test_words_of_args(args: list[Any], channels: int | None, inputs: int, text: str) -> None:
    assert as_flow(Recipe("My", args).args_for(channels, inputs)) == text


@pytest.mark.parametrize(
    ("args", "row"),
    [
        ("[{b: 1, a: 2}]", "[{a: 2, b: 1}]"),
        ("[channels, {kernel: 7, gamma: [{z: 1, y: 2}]}]", "[1024, {gamma: [{y: 2, z: 1}], kernel: 7}]"),
        ("[!!pairs [a: 1]]", "[[[a, 1]]]"),
        ("[!!set {e, d, c}]", "[!!set {c: null, d: null, e: null}]"),
        ("[0.5, 1.0e-4, 'no', null]", "[0.5, 0.0001, 'no', null]"),
    ],
)
def test_args_that_yaml_writes_otherwise(args: str, row: str) -> None:
    """PyYAML's dump sorts mappings and writes pairs as lists; the command gives that again."""
    made = yamlinject.load("yolov5s").add("Mystery", after="SPPF", args=args)
    assert f"   [-1, 1, Mystery, {row}],  # 10\n" in made.text
    assert made.layers[10].args == yaml.safe_load(row)
    assert yamlinject.check(made) == []
    assert made.undo() == yamlinject.load("yolov5s")


def test_a_word_for_untold_channels_is_refused_beside_inputs() -> None:
    with pytest.raises(RefusalError, match="its channel count is not written in the rows"):
        Recipe("My", ["inputs", "channels"]).args_for(None, 2)


def test_add_without_provenance_on_a_generated_file_keeps_its_line_true(base: Path) -> None:
    """A second layer that no line tells of would shift those that the first line names."""
    once = yamlinject.load(base).add("SimAM", after="SPPF")
    with pytest.raises(RefusalError, match="would become wrong"):
        Config("two.yaml", once.to_bytes()).add("Other", after="0", args="[]", provenance=False)


def test_the_first_layer_of_the_head_can_be_removed() -> None:
    text = "backbone:\n  - [-1, 1, Conv, [16]]\nhead:\n  - [-1, 1, SimAM, [16]]\n  - [[1], 1, Detect, []]\n"
    assert Config("a.yaml", text.encode()).remove("SimAM").layers[1].from_ == [0]
    other = (
        "head:\n  - [[0, 1], 1, Detect, []]\nbackbone:\n  - [-1, 1, Conv, [16]]\n  - [0, 1, SimAM, [16]]\n"
    )
    removed = Config("a.yaml", other.encode()).remove("SimAM")
    assert removed.text == "head:\n  - [[0, 0], 1, Detect, []]\nbackbone:\n  - [-1, 1, Conv, [16]]\n"


def test_a_dash_on_a_line_of_its_own() -> None:
    """Rewritten or refused, but never wrongly."""
    text = "backbone:\n  -\n    [-1, 1, Conv, [16]]\n  - [-1, 1, C3, [32]]\nhead: [[[0, 1], 1, D, []]]\n"
    with pytest.raises(RefusalError, match=r"a\.yaml:3:5: .*line of its dash"):
        Config("a.yaml", text.encode()).add("SimAM", after="0")
    added = Config("a.yaml", text.encode()).add("SimAM", after="1")
    assert added.layers[-1].from_ == [0, 2]
    assert added.remove("SimAM").text == text


def test_public_names() -> None:
    assert set(dir(yamlinject)) >= {"load", "Config", "Layer", "IndexMap", "YamlInjectError", "__version__"}
    assert all(getattr(yamlinject, name) is not None for name in dir(yamlinject))
    assert all(
        issubclass(kind, YamlInjectError)
        for kind in (ConfigError, RefusalError, SelectorError, SourceError)
    )


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'yamlinject' has no attribute 'nope'"):
        _ = yamlinject.nope  # type: ignore[attr-defined, unused-ignore]  # which is the test


def test_the_core_imports_neither_frameworks_nor_the_command_line() -> None:
    code = (
        "import sys, yamlinject; yamlinject.load('yolov5s').add('SimAM', after='SPPF'); "
        "names = 'torch', 'numpy', 'yolov5', 'ultralytics', 'rich', 'typer'; "
        "print(*(name for name in names if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_args_as_a_list(base: Path) -> None:
    """The same rows, and the same line at the top, as with the YAML text."""
    config = yamlinject.load(base)
    added = config.add("SE", after="SPPF", args=["channels", 16])
    assert added.layers[3].args == [64, 16]
    assert added == config.add("SE", after="SPPF", args="[channels, 16]")
    with pytest.raises(YamlInjectError, match="`args`"):
        config.add("SE", after="SPPF", args=[object()])


def test_a_config_from_text() -> None:
    config = Config.from_text(BASE.decode(), "mine.yaml")
    assert config.add("SimAM", after="SPPF").name == "mine_SimAM.yaml"
    with pytest.raises(ConfigError, match=r"^model\.yaml: not a model config"):
        Config.from_text("nc: 3\n")


def test_configs_are_equal_when_their_bytes_are(base: Path) -> None:
    config = yamlinject.load(base)
    assert config == Config.from_text(BASE.decode())
    assert len({config, Config.from_text(BASE.decode())}) == 1
    assert config != Config.from_text(BASE.decode().replace("nc: 3", "nc: 4"))
    assert config != Config("bom.yaml", b"\xef\xbb\xbf" + BASE)
    assert config != BASE
    assert config.add("SimAM", after="SPPF").remove("SimAM") == config


def test_a_config_shows_what_it_is(base: Path) -> None:
    added = yamlinject.load("yolov5s").add("SimAM", after="SPPF")
    assert repr(yamlinject.load("yolov5s")) == "<Config yolov5s: 25 layers>"
    assert repr(added) == "<Rewritten yolov5s_SimAM.yaml: 26 layers>"
    assert repr(Config("x.yaml", b"nc: 3")) == "<Config x.yaml: no model config>"


def test_a_message_is_one_line_whatever_a_module_is_called() -> None:
    """Text in quotation marks may have line breaks in it."""
    text = yamlinject.load("yolov5s").text.replace("SPPF", r'"SP\nPF"').replace("  # 9", "  # 8")
    (found,) = yamlinject.check(Config("x.yaml", text.encode()))
    assert found.message == r"layer 9 ('SP\nPF'): its comment says 8"
