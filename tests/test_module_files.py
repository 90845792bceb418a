"""Classes of a user's own Python file: which there are, and what their constructors tell of a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from yamlinject.errors import SourceError
from yamlinject.library.module_files import read

HEAD = "import torch\nfrom torch import nn\n\n\n"


def written(tmp_path: Path, text: str, name: str = "blocks.py") -> Path:
    file = tmp_path / name
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("signature", "channels", "untold"),
    [
        ("self", 0, ()),
        ("self, e_lambda=1e-4", 0, ()),  # SimAM of many tutorials
        ("self, e_lambda: float = 1e-4, *args", 0, ()),
        ("self, c1", 1, ()),
        ("self, c1, c2", 2, ()),
        ("self, c1, c2, reduction=16", 2, ()),
        ("self, c1, c2=None, ratio=16, kernel_size=7", 2, ()),
        ("self, channel, reduction=16", 1, ()),
        ("self, channels, factor=8", 1, ()),
        ("self, gate_channels, reduction_ratio=16, pool_types=['avg', 'max']", 1, ()),
        ("self, inp, oup, reduction=32", 2, ()),
        ("self, in_channels, out_channels, rate=4", 2, ()),
        ("self, dim=512, num_heads=8", 1, ()),  # a default that would be wrong in most places
        ("self, k_size, gamma=2", 1, ()),  # the first, whatever it is called
        ("self, /, c1, *, groups=8", 1, ()),
        ("self, c1, *, groups", 1, ("groups",)),
        ("self, c1, heads", 1, ("heads",)),
        ("self, c1, c2, size, heads", 2, ("size", "heads")),
        ("self, k=3, c2=None", 0, ()),
        ("self, *args", 0, ("*args",)),
        ("self, *args, **kwargs", 0, ("*args",)),
        ("self, *sizes, groups", 0, ("*sizes", "groups")),
        ("self, c1, *args", 1, ()),
        ("self, **kwargs", 0, ()),
    ],
)
def test_constructors(tmp_path: Path, signature: str, channels: int, untold: tuple[str, ...]) -> None:
    text = f"{HEAD}class MyGate(nn.Module):\n    def __init__({signature}):\n        pass\n"
    found = read(written(tmp_path, text))["MyGate"]
    assert (found.channels, found.untold) == (channels, untold)
    assert found.place == (5, 1)


def test_what_is_told(tmp_path: Path) -> None:
    text = HEAD + "class A(nn.Module):\n    def __init__(self, c1, c2, ratio=16, act=nn.SiLU()): ...\n"
    assert read(written(tmp_path, text))["A"].told == (
        "c1: the channels, by its name",
        "c2: the same channels, by its name",
        "ratio: 16, its default",
        "act: nn.SiLU(), its default",
    )
    text = HEAD + "class A(nn.Module):\n    def __init__(self, width, ratio=16): ...\n"
    assert read(written(tmp_path, text))["A"].told[0] == "width: the channels, as the first"


def test_constructors_of_ancestors(tmp_path: Path) -> None:
    text = (
        HEAD
        + "class Base(nn.Module):\n    def __init__(self, c1, c2): ...\n"
        + "class Child(Base):\n    def forward(self, x): ...\n"
        + "class Grandchild(Child): ...\n"
        + "class Foreign(C3):\n    def forward(self, x): ...\n"
        + "class Own(C3):\n    def __init__(self, c1, c2, n=1): ...\n    def forward(self, x): ...\n"
        + "class Bare(nn.Module):\n    def forward(self, x): ...\n"
        + "class Circle(Circle):\n    def forward(self, x): ...\n"
    )
    found = read(written(tmp_path, text))
    assert {name: (one.channels, one.untold) for name, one in found.items()} == {
        "Base": (2, ()),
        "Child": (2, ()),
        "Grandchild": (2, ()),
        "Foreign": (0, ("those of C3",)),
        "Own": (2, ()),
        "Bare": (0, ()),
        "Circle": (0, ()),
    }


def test_which_classes_are_layers(tmp_path: Path) -> None:
    text = (
        "import torch.nn as nn\nfrom torch.nn import Module\nimport torch\n"
        "from dataclasses import dataclass\n"
        "class A(nn.Module): ...\nclass B(Module): ...\nclass C(torch.nn.Module): ...\nclass D(A): ...\n"
        "class E:\n    def forward(self, x): ...\n"
        "class F: ...\n@dataclass\nclass G:\n    n: int\nclass H(dict): ...\ndef i(): ...\n"
        "def j():\n    class K(nn.Module): ...\n"
    )
    assert list(read(written(tmp_path, text))) == list("ABCDE")


def test_nothing_of_the_file_is_run(tmp_path: Path) -> None:
    text = f"open({str(tmp_path / 'ran')!r}, 'w')\n{HEAD}class A(nn.Module): ...\n"
    read(written(tmp_path, text))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("blocks.py", "class A(:\n", "blocks.py:1:9: not a Python file: invalid syntax"),
        ("blocks.py", "x = '\0'\n", "blocks.py: not a Python file: source code"),
        ("blocks.py", "# nothing\n", "blocks.py: it has no class of layers"),
        ("blocks.py", "class Config:\n    n = 1\n", "blocks.py: it has no class of layers"),
        ("blocks.txt", "", "blocks.txt: a module file is imported by its name: give one such as blocks.py"),
        ("my-blocks.py", "", "my-blocks.py: a module file is imported by its name"),
    ],
)
def test_mistakes(tmp_path: Path, name: str, text: str, message: str) -> None:
    file = written(tmp_path, text, name)
    with pytest.raises(SourceError) as refused:
        read(file)
    assert message in str(refused.value).replace(f"{tmp_path}/", "")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"blocks\.py"):
        read(tmp_path / "blocks.py")
