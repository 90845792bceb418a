"""Classes of the user's own put into checkouts with what they use, or refused in a line, and taken out."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import yamlinject
from tests.checkouts import checkout as head_like
from tests.checkouts import package
from tests.support import Cli
from tests.test_register import content
from yamlinject.checkout.parts import parts, uses
from yamlinject.library import user_modules

COMMON = """\
import math
import torch
import torch.nn as nn
from copy import copy

SIZE = 3


def autopad(k):
    return k // 2  # half


class Conv(nn.Module):
    pass


class Concat(nn.Module):
    pass


class Below(nn.Module):
    pass
"""
MODEL = """\
from models.common import *
from utils.general import check

def parse_model(d, ch):
    for i, (f, n, m, args) in enumerate(d):
        if m in {Conv, C3}:
            c1, c2 = ch[f], args[0] // 2
            args = [c1, c2, *args[1:]]
            if m in {C3}:
                args.insert(2, n)
                n = 1
        elif m is Concat:
            c2 = 1
        else:
            c2 = ch[f]
"""
GATE = """\
class MyGate(nn.Module):
    def __init__(self, channels):
        super().__init__()

    def forward(self, x):
        return x
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(user_modules.VARIABLE, "")
    folder = tmp_path / "yolo"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "common.py").write_text(COMMON)
    (folder / "models" / "yolo.py").write_text(MODEL)
    return folder


def blocks(text: str, name: str = "blocks.py") -> None:
    Path(name).write_text(text)


def body(root: Path, module: str = "MyGate") -> str:
    """What is between the comments of a module."""
    text = (root / "models/common.py").read_text()
    start = text.index(f"# {module} from yamlinject ")
    return text[text.index("\n", start) + 1 : text.index(f"# {module} from yamlinject ends here")]


def register(cli: Cli, *modules: str, options: tuple[str, ...] = ("--modules", "blocks.py")) -> str:
    """Register, in a way that is undone to the byte; return the messages."""
    before = content(Path("yolo"))
    words = [word for module in modules for word in ("--module", module)]
    checked = cli("register", *words, "yolo", *options, "--check")
    assert (checked.code, content(Path("yolo"))) == (1, before)
    done = cli("register", *words, "yolo", *options)
    assert (done.code, done.out) == (0, ""), done.err
    after = content(Path("yolo"))
    again = cli("register", *words, "yolo", *options, "--check")
    assert (again.code, content(Path("yolo"))) == (0, after), again.err
    assert cli("register", "yolo", "--undo").code == 0
    assert content(Path("yolo")) == before
    assert cli("register", *words, "yolo", *options).code == 0
    assert content(Path("yolo")) == after
    return done.err


def refused(cli: Cli, module: str = "MyGate", modules: str = "blocks.py") -> str:
    before = content(Path("yolo"))
    result = cli("register", module, "yolo", "--modules", modules)
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1), result.err
    assert content(Path("yolo")) == before
    return result.err.removeprefix("yamlinject: error: ").replace(f"{Path.cwd()}/", "").rstrip("\n")


def branch(module: str) -> str:
    return (
        f"        elif m is {module}:  # from yamlinject\n"
        "            c2 = ch[f]\n"
        "            args = [c2, *args[1:]]\n"
    )


ELSE = "        else:\n            c2 = ch[f]\n"

#: A constructor, and parse_model with its class.
CONSTRUCTORS = {
    "channels": ("self, channels, k=3", MODEL.replace(ELSE, branch("MyGate") + ELSE)),
    "none": ("self, e_lambda=1e-4", MODEL),
    "two": ("self, c1, c2", MODEL.replace("{Conv, C3}", "{Conv, C3, MyGate}")),
    "repeats": (
        "self, c1, c2, n=1",
        MODEL.replace("{Conv, C3}", "{Conv, C3, MyGate}").replace("{C3}", "{C3, MyGate}"),
    ),
    "two and more": ("self, c1, c2, n_heads=1", MODEL.replace("{Conv, C3}", "{Conv, C3, MyGate}")),
}


@pytest.mark.parametrize(("given", "model"), CONSTRUCTORS.values(), ids=CONSTRUCTORS)
def test_what_its_constructor_gets(cli: Cli, root: Path, given: str, model: str) -> None:
    blocks("from torch import nn\n\n\n" + GATE.replace("self, channels", given))
    register(cli, "MyGate")
    assert (root / "models/yolo.py").read_text() == model
    assert body(root) == GATE.replace("self, channels", given) + "\n\n"


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
@pytest.mark.parametrize("of_file", ["\n", "\r\n"])
def test_line_ends_are_those_of_the_checkout(cli: Cli, root: Path, newline: str, of_file: str) -> None:
    for file in (root / "models").iterdir():
        file.write_bytes(file.read_text().replace("\n", newline).encode())
    text = f"from torch import nn\n\n\n# 🚀\n{GATE}".replace("\n", of_file)
    Path("blocks.py").write_bytes(b"\xef\xbb\xbf" + text.encode())
    register(cli, "MyGate")
    expected = MODEL.replace(ELSE, branch("MyGate") + ELSE).replace("\n", newline)
    assert (root / "models/yolo.py").read_bytes().decode() == expected
    assert f"# 🚀\n{GATE}".replace("\n", newline).encode() in (root / "models/common.py").read_bytes()


def test_the_channels_are_those_of_the_checkouts_own_rule(cli: Cli, root: Path) -> None:
    """YOLOv5 up to 4.0 kept the input's channels in the list; and a fork's last branch may be one line."""
    rule = "ch[f if f < 0 else f + 1]"
    last = f"        # elif m is Other:\n        else: c2 = {rule}\n"
    (root / "models/yolo.py").write_text(MODEL.replace(ELSE, last))
    blocks(IMPORT + GATE)
    register(cli, "MyGate")
    above = last.replace("        else:", branch("MyGate").replace("ch[f]", rule) + "        else:")
    assert (root / "models/yolo.py").read_text() == MODEL.replace(ELSE, above)


def test_several_constructors_and_ours_in_any_order(cli: Cli, root: Path) -> None:
    classes = {"A": "channels", "B": "c1, c2, n", "C": "dim", "D": "e=1"}
    blocks(
        "from torch import nn\n\n\n"
        + "\n\n".join(
            GATE.replace("MyGate", name).replace("self, channels", f"self, {given}")
            for name, given in classes.items()
        )
    )
    before = content(root)
    register(cli, "A", "SimAM", "B", "C", "D")
    all_at_once = content(root)
    assert (branch("A") + branch("C") + ELSE).encode() in all_at_once["yolo.py"]
    for module in ("C", "SimAM", "A", "D", "B"):
        assert cli("register", module.lower(), "yolo", "--undo").code == 0
    assert content(root) == before
    for module in ("C", "D", "A", "B", "SimAM"):
        assert cli("register", module, "yolo", "--modules", "blocks.py").code == 0
        if module == "A":
            assert cli("register", "yolo", "--check", "--module", "SimAM").code == 1
    assert content(root)["yolo.py"].count(b"from yamlinject") == 2
    assert content(root)["common.py"] == all_at_once["common.py"]


def test_another_constructor_moves_it(cli: Cli, root: Path) -> None:
    for given, model in CONSTRUCTORS.values():
        blocks("from torch import nn\n\n\n" + GATE.replace("self, channels", given))
        assert cli("register", "MyGate", "yolo", "--modules", "blocks.py").code == 0
        assert (root / "models/yolo.py").read_text() == model
    before = content(root)
    assert cli("register", "yolo", "--undo").code == 0
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()} != before


def test_a_run_that_was_cut_short_is_finished_or_undone_without_the_file(cli: Cli, root: Path) -> None:
    blocks("from torch import nn\n\n\n" + GATE)
    register(cli, "MyGate")
    whole = content(root)
    Path("blocks.py").unlink()
    (root / "models/yolo.py").write_text(MODEL)
    done = cli("register", "yolo")
    assert "MyGate is half registered, as if a run was cut short: this finishes it" in done.err
    assert branch("MyGate") in (root / "models/yolo.py").read_text()
    assert cli("register", "SimAM", "yolo", "--undo").code == 0
    assert content(root) == whole
    (root / "models/common.py").write_text(COMMON)  # as after git checkout
    assert cli("register", "yolo", "--undo").code == 0
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()}


def test_which_class_counts(cli: Cli, root: Path) -> None:
    """The command line before the project, the project before ours; and ours in its place after that."""
    mine = GATE.replace("MyGate", "SimAM")
    blocks("from torch import nn\n\n\n" + mine)
    blocks("from torch import nn\n\n\n" + mine.replace("return x", "return x + 0"), "other.py")
    Path("pyproject.toml").write_text("[tool.yamlinject]\nmodules = ['blocks.py']\n")
    register(cli, "simam", options=())
    assert body(root, "SimAM") == mine + "\n\n"
    register_again = cli("register", "yolo", "--modules", "other.py")
    assert register_again.code == 0
    assert "return x + 0" in body(root, "SimAM")
    Path("pyproject.toml").unlink()
    assert cli("register", "yolo", "--plain").code == 0
    assert "e_lambda" in body(root, "SimAM")
    assert "elif m is SimAM" not in (root / "models/yolo.py").read_text()
    assert "{Conv, C3, SimAM}" in (root / "models/yolo.py").read_text()
    assert cli("register", "yolo", "--undo").code == 0
    assert content(root) == {"common.py": COMMON.encode(), "yolo.py": MODEL.encode()}


#: A module file, and what of it goes into the checkout.
TAKEN = {
    "constants, functions and classes that it uses, with their comments": (
        '''\
        """About the file."""
        import math, os
        from collections import OrderedDict, defaultdict

        import torch
        from torch import Tensor, nn
        from torch.nn import functional as F

        # How strong it is.
        # By trial.
        STRENGTH = 2  # and no more
        UNUSED = 3


        def unused():
            return UNUSED


        @torch.no_grad()  # of a decorator
        def scaled(x: Tensor) -> Tensor:
            """Scaled."""
            # inside
            return F.relu(x) * STRENGTH


        # the base
        class Base(nn.Module):
            kinds = OrderedDict()


        class MyGate(Base):
            def __init__(self, channels, size=math.pi):
                super().__init__()

            def forward(self, x):
                unused = [scaled(one) for one in x]
                return unused  # a local name


        class Other(Base):
            pass
        ''',
        '''\
        from collections import OrderedDict
        from torch import Tensor
        from torch.nn import functional as F

        # How strong it is.
        # By trial.
        STRENGTH = 2  # and no more


        @torch.no_grad()  # of a decorator
        def scaled(x: Tensor) -> Tensor:
            """Scaled."""
            # inside
            return F.relu(x) * STRENGTH


        # the base
        class Base(nn.Module):
            kinds = OrderedDict()


        class MyGate(Base):
            def __init__(self, channels, size=math.pi):
                super().__init__()

            def forward(self, x):
                unused = [scaled(one) for one in x]
                return unused  # a local name
        ''',
    ),
    "what the checkout has": (
        """\
        import torch
        from torch import nn
        from models.common import Conv

        SIZE = 3

        def autopad(k):

            return k // 2


        class MyGate(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv = Conv()
                self.below = Below(), autopad(SIZE)

        class Below(nn.Module):
            pass
        """,
        """\
        class MyGate(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv = Conv()
                self.below = Below(), autopad(SIZE)
        """,
    ),
    "imports that are tried, and conditions": (
        """\
        import sys
        from typing import TYPE_CHECKING
        from torch import nn
        try:
            import einops
        except ImportError:
            einops = None
        if TYPE_CHECKING:
            from torch import Tensor
        if sys.version_info > (3,):
            TEXT = str
        else:
            TEXT = bytes
        __all__ = ["MyGate"]
        print("hello")

        class MyGate(nn.Module):
            def forward(self, x: "Tensor"):
                return einops, TEXT, __name__

        model = MyGate()

        if __name__ == "__main__":
            model = MyGate()
            print(model(1))
        """,
        """\
        import sys

        try:
            import einops
        except ImportError:
            einops = None
        if sys.version_info > (3,):
            TEXT = str
        else:
            TEXT = bytes


        class MyGate(nn.Module):
            def forward(self, x: "Tensor"):
                return einops, TEXT, __name__
        """,
    ),
    "names in annotations, defaults and nested functions": (
        """\
        from __future__ import annotations
        from torch import nn
        from typing import List, Optional, Tuple
        import torch.nn.functional
        A, B = 1, 2; C = 3
        COUNT = 0
        COUNT += 1

        def outer():
            def inner():
                return lambda: (C, COUNT)
            return inner

        class MyGate(nn.Module):
            kind: List

            def __init__(self, channels: Optional[int], k=A):
                B = 5
                def help(outer):
                    return B, outer
                self.x = [torch.nn.functional.relu, outer]

            class Inner:
                size = SIZES

        SIZES = 4
        """,
        """\
        from typing import List, Optional
        import torch.nn.functional

        A, B = 1, 2
        C = 3
        COUNT = 0
        COUNT += 1


        def outer():
            def inner():
                return lambda: (C, COUNT)
            return inner


        class MyGate(nn.Module):
            kind: List

            def __init__(self, channels: Optional[int], k=A):
                B = 5
                def help(outer):
                    return B, outer
                self.x = [torch.nn.functional.relu, outer]

            class Inner:
                size = SIZES


        SIZES = 4
        """,
    ),
}


def dedented(text: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in text.split("\n"))


@pytest.mark.parametrize(("file", "expected"), TAKEN.values(), ids=TAKEN)
def test_what_comes_with_it(cli: Cli, root: Path, file: str, expected: str) -> None:
    blocks(dedented(file))
    register(cli, "MyGate")
    assert body(root) == dedented(expected) + "\n\n"
    compile((root / "models/common.py").read_text(), "common.py", "exec")


def test_two_classes_share_what_they_use(cli: Cli, root: Path) -> None:
    """Each has it, so that either can be taken out."""
    shared = "import einops\n\n\nclass Base(nn.Module):\n    pass\n\n\n"
    one, two = (GATE.replace("MyGate(nn.Module)", f"{name}(Base)") for name in ("One", "Two"))
    blocks(f"from torch import nn\n{shared}{one}\n\n{two.replace('return x', 'return einops, One')}")
    register(cli, "One", "Two")
    assert body(root, "One") == shared.removeprefix("import einops\n\n\n") + one + "\n\n"
    assert (
        body(root, "Two") == shared + one + "\n\n" + two.replace("return x", "return einops, One") + "\n\n"
    )
    assert cli("register", "One", "yolo", "--undo").code == 0
    register_again = cli("register", "Two", "yolo", "--modules", "blocks.py", "--check")
    assert register_again.code == 0


IMPORT = "from torch import nn\n"

#: A module file, and why it is not taken: the place is that of the checkout or of the file.
REFUSED = {
    "another function": (
        f"{IMPORT}def autopad(k):\n    return k\n{GATE}        autopad(1)\n",
        "yolo/models/common.py:9:1: autopad is something else here than in blocks.py: rename it there",
    ),
    "another class": (
        f"{IMPORT}class Conv(nn.Module):\n    x = 1\n{GATE.replace('nn.Module', 'Conv')}",
        "yolo/models/common.py:13:1: Conv is something else here than in blocks.py: rename it there",
    ),
    "another constant": (
        f"{IMPORT}SIZE = 4\n{GATE}        SIZE\n",
        "yolo/models/common.py:6:1: SIZE is something else here than in blocks.py: rename it there",
    ),
    "another import": (
        f"{IMPORT}from copy import deepcopy as copy\n{GATE}        copy\n",
        "yolo/models/common.py:4:18: copy is something else here than in blocks.py: rename it there",
    ),
    "an import where the checkout has a function": (
        f"{IMPORT}from a import autopad\n{GATE}        autopad\n",
        "yolo/models/common.py:9:1: autopad is something else here than in blocks.py: rename it there",
    ),
    "the class itself": (
        IMPORT + GATE.replace("MyGate", "Concat"),
        "yolo/models/common.py:17:1: there is a Concat that is not yamlinject's: rename it or remove it",
    ),
    "a name of yolo.py": (
        f"{IMPORT}def check():\n    pass\n{GATE}        check\n",
        "yolo/models/yolo.py:2:27: check is something else here than in blocks.py: rename it there",
    ),
    "a name of Python": (
        f"{IMPORT}from torch import abs\n{GATE}        abs\n",
        "blocks.py:2:19: abs is Python's own, and would change for the whole checkout: rename it",
    ),
    "a class below, needed above": (
        f"{IMPORT}class Below(nn.Module):\n    pass\n{GATE.replace('nn.Module', 'Below')}",
        "yolo/models/common.py:21:1: MyGate needs Below above class Concat",
    ),
    "a name that the checkout lacks": (
        f"{IMPORT}from models.common import C9\n{GATE}        C9\n",
        "blocks.py: the checkout has no C9 of its own to use as C9",
    ),
    "a relative import": (
        f"{IMPORT}from .utils import helper\n{GATE}        helper\n",
        "blocks.py:2:1: helper comes from another file of yours, which a checkout does not have: move what "
        "MyGate uses of it into blocks.py",
    ),
    "a relative import of a module": (
        f"{IMPORT}from . import utils\n{GATE}        utils\n",
        "blocks.py:2:1: utils comes from another file of yours",
    ),
    "a neighbour": (
        f"{IMPORT}import neighbour as n\n{GATE}        n\n",
        "blocks.py:2:1: n comes from another file of yours",
    ),
    "a part of a neighbour": (
        f"{IMPORT}from folder.inner import a, b\n{GATE}        b\n",
        "blocks.py:2:1: b comes from another file of yours",
    ),
    "a star": (
        f"{IMPORT}from math import *\n{GATE}",
        "blocks.py:2:1: import * hides which names come from there: name those that are used",
    ),
    "a name from nowhere": (
        f"{IMPORT}{GATE}        nothing\n",
        "blocks.py:2:1: nothing, which MyGate uses, is not defined in this file",
    ),
    "for type checkers only": (
        f"from __future__ import annotations\n{IMPORT}from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
        f"    from torch import Tensor\n{GATE.replace('x):', 'x: Tensor):')}",
        "blocks.py:6:1: Tensor is there for type checkers only, and a checkout would look it up: write "
        "annotations with it in quotes",
    ),
    "an annotation that comes too early": (
        f"from __future__ import annotations\n{IMPORT}{GATE.replace('x):', 'x) -> MyGate:')}",
        "blocks.py:7:29: this annotation names what is not yet defined there, and from __future__ import "
        "annotations holds in its own file only: write it in quotes",
    ),
    "a statement about it": (
        f"{IMPORT}{GATE}MyGate.size = 3\n",
        "blocks.py:8:1: this works on MyGate when the file is imported, and would not be copied: move it "
        "into the class, or below if __name__ == '__main__'",
    ),
    "a call with it": (f"{IMPORT}{GATE}print(MyGate(3))\n", "blocks.py:8:1: this works on MyGate when"),
    "a table that is filled": (
        f"{IMPORT}TABLE = dict()\nTABLE['a'] = 1\n{GATE}        TABLE\n",
        "blocks.py:3:1: this works on TABLE when the file is imported",
    ),
    "another encoding": (
        "# -*- coding: latin-1 -*-\n" + IMPORT + GATE.replace("return x", "return x  # \udce9"),
        "blocks.py: not in UTF-8: save it as UTF-8",
    ),
}


@pytest.mark.parametrize(("file", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(cli: Cli, file: str, message: str) -> None:
    Path("blocks.py").write_bytes(file.encode("utf-8", "surrogateescape"))
    Path("neighbour.py").touch()
    Path("folder").mkdir()
    found = refused(cli, "Concat" if "class Concat" in file else "MyGate")
    assert found == message if len(message) > 80 else found.startswith(message)


def test_two_that_disagree(cli: Cli) -> None:
    blocks(f"{IMPORT}class Base(nn.Module):\n    pass\n{GATE.replace('nn.Module', 'Base')}")
    blocks(
        f"{IMPORT}class Base(nn.Module):\n    x = 1\n{GATE.replace('MyGate(nn.Module', 'My(Base')}", "b.py"
    )
    register(cli, "MyGate")
    assert refused(cli, "My", "b.py").endswith(
        "a registered module has another Base: --undo that first, or rename one of them"
    )
    assert cli("register", "yolo", "--undo").code == 0
    same = f"{IMPORT}class Base(nn.Module):\n    def f(self):\n        super(Base, self).f()\n"
    blocks(same + GATE.replace("nn.Module", "Base") + GATE.replace("MyGate(nn.Module", "My(Base"))
    register(cli, "MyGate")
    assert refused(cli, "My") == (
        "blocks.py:2:1: a registered module has this class too: write super() instead of super(Base, …)"
    )
    held = "class {}(nn.Module):\n    def __init__(self, c1):\n        self.base = Base()\n"
    blocks(same + held.format("MyGate") + held.format("My"))
    assert cli("register", "yolo", "--undo").code == 0
    register(cli, "MyGate", "My")


def test_an_edited_file_is_followed_by_all_classes_of_it(cli: Cli, root: Path) -> None:
    shared = "def autopads(k):\n    return {}\n"
    uses = f"{GATE}        autopads\n"
    text = f"{IMPORT}{shared}{uses}{uses.replace('MyGate', 'My')}"
    blocks(text.format(1))
    register(cli, "MyGate", "My")
    blocks(text.format(2))
    assert "a registered module has another autopads" in refused(cli)
    both = cli("register", "My,MyGate", "yolo", "--modules", "blocks.py")
    assert both.code == 0
    assert all("return 2" in body(root, module) for module in ("My", "MyGate"))
    path = root / "models/common.py"
    path.write_text(path.read_text().replace("return 2", "return 3"))
    assert "this class My of yamlinject was edited" in refused(cli, "My")


@pytest.mark.parametrize(
    ("old", "new", "given", "message"),
    [
        ("        else:\n            c2 = ch[f]\n", "", "channels", "no last 'else: c2 = …' to put"),
        ("            c2 = ch[f]\n", "            pass\n", "channels", "no last 'else: c2 = …' to put"),
        ("args.insert(2, n)", "pass", "c1, c2, n", "no 'if m in [C3, …]' with args.insert(2, n)"),
        ("{Conv, C3}", "known", "c1, c2", "no 'if m in [Conv, …]' to put a module into"),
    ],
)
def test_a_parse_model_without_a_place(
    cli: Cli, root: Path, old: str, new: str, given: str, message: str
) -> None:
    assert MODEL.count(old) == 1
    (root / "models/yolo.py").write_text(MODEL.replace(old, new))
    blocks(IMPORT + GATE.replace("channels", given))
    found = refused(cli)
    assert found.startswith("yolo/models/yolo.py:4:1: parse_model has ")
    assert message in found


def test_what_was_edited_since_is_not_undone(cli: Cli, root: Path) -> None:
    blocks(IMPORT + GATE)
    register(cli, "MyGate")
    path = root / "models/yolo.py"
    path.write_text(path.read_text().replace("args = [c2, *args[1:]]", "args = [c2]"))
    result = cli("register", "yolo", "--undo")
    assert result.code == 2
    assert result.err.endswith(
        "the condition for MyGate is not as yamlinject writes it: remove it by hand\n"
    )


def test_without_its_file(cli: Cli) -> None:
    result = cli("register", "MyGate", "yolo")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "no class 'MyGate'" in result.err
    assert "named with --modules" in result.err
    blocks(IMPORT + GATE.replace("MyGate", "BiFPN_Concat"))
    assert "would take BiFPN_Concat for the join of yamlinject: rename it" in refused(cli, "BiFPN_Concat")


#: One class of each form, with what it uses.
FORMS = """
import torch.nn.functional as F
from torch import nn

WIDTH = 2


class Base(nn.Module):
    def forward(self, x):
        return F.relu(self.conv(x))


class Once(Base):
    def __init__(self, channels, k=1):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, k)


class Twice(Base):
    def __init__(self, c1, c2):
        super().__init__()
        self.conv = nn.Conv2d(c1, c2, 1, bias=False)


class Repeated(Base):
    def __init__(self, c1, c2, n=1):
        super().__init__()
        self.conv = nn.Sequential(*(nn.Conv2d(c1, c2, 1, bias=False) for _ in range(n * WIDTH)))


class Free(Base):
    def __init__(self, scale=0.5):
        super().__init__()
        self.conv = nn.Identity()
"""

BUILD = """
import json, sys
sys.modules["yamlinject"] = None
import torch
from {package}models import yolo
model = yolo.Model(sys.argv[1])
assert all(torch.isfinite(one).all() for one in model(torch.rand(1, 3, 64, 64)))
print(json.dumps([
    [type(m).__module__, type(m).__name__, sum(p.numel() for p in m.parameters())]
    for m in model.model if type(m).__name__ in ("Once", "Twice", "Repeated", "Free")
]))
"""


@pytest.mark.framework
@pytest.mark.parametrize("layout", ["package", "checkout"])
def test_the_patched_scripts_build_it_without_yamlinject(cli: Cli, tmp_path: Path, layout: str) -> None:
    if layout == "checkout":
        yolov5 = head_like(tmp_path / "yolov5")
        folder, prefix = yolov5, ""
    else:
        ignore = shutil.ignore_patterns("__pycache__")
        yolov5 = shutil.copytree(package(), tmp_path / "yolov5", ignore=ignore)
        folder, prefix = tmp_path, "yolov5."
    before = content(yolov5)
    blocks(FORMS)
    modules = ["--modules", "blocks.py"]
    assert cli("register", "Once,Twice,Repeated,Free", "yolov5", *modules).code == 0
    config = yamlinject.load("yolov5n")
    for module, after, number in (("Once", 9, 1), ("Twice", 6, 1), ("Repeated", 4, 6), ("Free", 2, 1)):
        config = config.add(module, after=str(after), number=number, modules=["blocks.py"])
    config.save("mine.yaml")
    Path("blocks.py").unlink()
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(package=prefix), "mine.yaml"],
        env=os.environ | {"PYTHONPATH": str(folder), "YOLOv5_VERBOSE": "false"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    home = f"{prefix}models.common"
    # the scaled channels: 32, 64, 128 and 256; 6 times a depth of 0.33 is 2, and that twice
    assert json.loads(done.stdout.splitlines()[-1]) == [
        [home, "Free", 0],
        [home, "Repeated", 4 * 64 * 64],
        [home, "Twice", 128 * 128],
        [home, "Once", 256 * 256 + 256],
    ]
    assert cli("register", "yolov5", "--undo").code == 0
    assert content(yolov5) == before


USING = """
@deco(A)
class M(B, metaclass=C):
    d: D = E
    f = [x for x in F if G]

    def m(self, a: H = I, *, b=J) -> K:
        def inner(y):
            return L(y), a

        z: N = 1
        q = lambda: O
        return [P for _ in Q], super().m(), self.__q

    def n(self):
        A, B = 1, 2
        __hidden = A
        return __hidden
"""


def test_the_names_that_a_class_uses() -> None:
    """Each capital letter is a name of the file."""
    (part,) = parts(ast.parse(USING))
    assert uses(part.node) == {*"ABCDEFGHIJKLNOPQ", "deco", "super"}
    assert uses(part.node, at_once=True) == {*"ABCDEFGHIJK", "deco"}
