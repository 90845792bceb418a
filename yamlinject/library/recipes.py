"""Module recipes: what the row of an attention module looks like (``templates/modules/*.yaml``)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

import yaml

from yamlinject.core import lookalikes, spelling
from yamlinject.core.modules import TABLE, Role
from yamlinject.core.request import is_module_name
from yamlinject.core.source import Source
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import RefusalError, SourceError, YamlInjectError, named
from yamlinject.files import read_bytes
from yamlinject.library.data import stems, template
from yamlinject.library.module_files import ModuleClass

#: The word of a recipe's args, or of ``--args``, that stands for the target's nominal channels.
CHANNELS = "channels"

#: The word that stands for the number of layers that the row reads.
INPUTS = "inputs"

#: What modules of a role other than attention take the place of.
_REPLACED = {"fusion": "Concat", "upsample": "nn.Upsample"}

#: Kernel sizes of attention, which nothing else in a row is likely to be.
_KERNELS = (3, 5, 7, 9, 11)


class Recipe(NamedTuple):
    """How a module's row is written.

    ``args`` may hold the words ``channels`` and ``inputs``. ``role``: attention keeps the shape of its
    input, and nothing else can be inserted without changing the layers that follow.
    ``operations``: element-wise operations per element of the input, which profilers do not see.
    ``second``: what the class takes the second of its args for, if other classes of that name take it for
    something else.
    """

    module: str
    args: list[Any]
    role: Role = "attention"
    operations: int = 0
    second: str = ""

    @property
    def replaced(self) -> str | None:
        """The module whose place it takes, if it is not inserted."""
        return _REPLACED.get(self.role)

    @property
    def why_not_inserted(self) -> str | None:
        """Why no layer of the module can be put between others, or None."""
        if self.role == "attention":
            return None
        return (
            f"{self.module} is no attention: it takes the place of another {self.role}"
            f"{f' such as {self.replaced}' if self.replaced else ''}: use yamlinject replace"
        )

    def filled(self, channels: int | None, inputs: int = 1) -> list[Any]:
        """The args with the counts in place of the words."""
        args: list[Any] = _filled(_filled(self.args, INPUTS, inputs), CHANNELS, channels)
        return args

    def args_for(self, channels: int | None, inputs: int = 1) -> list[Any]:
        """The args of a row that reads ``inputs`` layers of that many nominal channels.

        Raises :class:`RefusalError` when the recipe needs a count that the base does not tell.
        """
        args = self.filled(channels, inputs)
        if channels is None and args != self.filled(0, inputs):
            raise RefusalError(
                f"its channel count is not written in the rows: give the `args` of {self.module}, such as "
                "'[256]'"
            )
        return args


class About(NamedTuple):
    """What users want to know of a module before they insert it.

    ``parameters``: how many, on 512 channels; ``parameters_at``: by the channels. ``options``: what its
    args may hold after those of the recipe, with the defaults. ``paper``: authors, conference, address.
    ``costly``: what costs time or memory.
    """

    module: str
    role: Role
    does: str
    parameters: int
    args: list[Any]
    options: dict[str, Any]
    paper: str
    parameters_at: dict[int, int]
    costly: str


@cache
def names() -> tuple[str, ...]:
    """The modules that have a recipe."""
    return tuple(stems("modules"))


def canonical(module: str, others: Iterable[str] = ()) -> str:
    """``module`` as one of ``others`` or else its recipe spells it, if there is one: ``simam`` is SimAM."""
    known = (*others, *names())
    alike = (name for name in known if name.lower() == module.lower())
    return module if module in known else next(alike, module)


@cache
def _data(module: str) -> dict[str, Any]:
    data = load_values(template("modules", f"{module}.yaml").read_text(encoding="utf-8"))
    assert isinstance(data, dict)
    return data


def about(module: str) -> About:
    """What the recipe of ``module``, which has to have one, says about it."""
    data = _data(module)
    data = {**data, "parameters": data["parameters_at"][512]}
    return About(*(data[field] for field in About._fields))


def _own(module: str) -> Recipe:
    data = _data(module)
    return Recipe(module, data["args"], data["role"], data["operations"], data.get("second", ""))


def role(module: str) -> Role:
    """The role of a module that has a recipe; attention where there is none."""
    return _own(module).role if module in names() else "attention"


def doubt(module: str, args: Sequence[Any]) -> str | None:
    """Why the args of a row would give another module than meant, if the class is that of the recipe.

    Rows of other people's classes have the channels twice, or a kernel size behind them.
    """
    second = _own(module).second if module in names() and len(args) > 1 else ""
    if not second or not isinstance(args[1], int):
        return None
    if args[1] == args[0]:
        return f"the second value is its {second}, not the channels again"
    if args[1] in _KERNELS:
        return f"the second value is its {second}, and {args[1]} looks like a kernel size"
    return None


def derived(found: ModuleClass) -> Recipe:
    """The recipe of a user's class: that of the file ``NAME.yaml`` beside it, else what it tells itself.

    Raises :class:`YamlInjectError` where its constructor needs a value that nothing tells.
    """
    beside = _beside(found)
    if beside.is_file():
        with named(str(beside)):
            data = load_values(Source.from_bytes(read_bytes(beside)).text)
            if not isinstance(data, dict) or not isinstance(data.get("args"), list):
                raise SourceError(f"a recipe has args, such as args: [{CHANNELS}]")
            role = data.get("role", "attention")
            if role not in get_args(Role):
                raise SourceError(f"role has to be one of {', '.join(get_args(Role))}, not {role!r}")
        return Recipe(found.name, data["args"], role)
    if found.untold:
        raise YamlInjectError(
            f"the constructor of {found.name} has no value for {', '.join(found.untold)}: give the `args` "
            f"of its row, such as '[{', '.join([CHANNELS] * bool(found.channels) + ['...'])}]'",
            found.place,
            file=str(found.file),
        )
    return Recipe(found.name, [CHANNELS] * bool(found.channels))


def keeps_args(found: ModuleClass) -> bool:
    """Whether a row that a user's class replaces keeps its args: nothing else tells more than channels."""
    return found.takes_more and not found.untold and not _beside(found).is_file()


def is_told(found: ModuleClass) -> bool:
    """Whether something tells all args of a user's class."""
    return not found.untold or _beside(found).is_file()


def told(found: ModuleClass) -> str:
    """What tells the args of a user's class, in words."""
    beside = _beside(found)
    if beside.is_file():
        return f"{beside.name} beside it"
    untold = [f"{name} (no value)" for name in found.untold]
    return "; ".join([*found.told, *untold]) or "its constructor takes none"


def _beside(found: ModuleClass) -> Path:
    return found.file.with_name(f"{found.name}.yaml")


def recipe(module: str, args: str | None = None, others: Collection[str] = ()) -> Recipe:
    """The recipe of ``module``, with the YAML list ``args`` in place of its own when that is given.

    ``others``: names of the user's own modules, one of which may have been meant.
    Raises :class:`YamlInjectError` for a name that cannot be a module's, for args that are not a list,
    and for a module without a recipe when no args are given.
    """
    given = None if args is None else _given_args(args)
    if module in names():
        own = _own(module)
        return own if given is None else own._replace(args=given)
    if not is_module_name(module):
        one = ": add one, and the next to the file that comes of it" if "," in module else ""
        raise YamlInjectError(f"{module!r} cannot be the name of a module{one}")
    if given is None:
        meant = spelling.hint(module, (*others, *names()), cutoff=0.75)
        raise YamlInjectError(
            f"{module} has no recipe{meant}: give the `args` of its row, such as '[{CHANNELS}]'; recipes: "
            f"{', '.join((*others, *names()))}"
        )
    return Recipe(module, given)


@lru_cache(maxsize=4096)  # of files that are checked together, many have the same modules
def slip(module: str, others: tuple[str, ...] = ()) -> str | None:
    """The module of ours, of ``others`` or of a framework of whose name ``module`` can only be a slip."""
    if module in names() or module in TABLE:
        return None
    return spelling.slip(module, (*others, *names()), anywhere=True) or spelling.slip(module, TABLE)


def _filled(value: Any, word: str, count: int | None) -> Any:
    """``value`` with the count in place of the word, at any depth."""
    if isinstance(value, list):
        return [_filled(item, word, count) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, word, count) for key, item in value.items()}
    return count if value == word else value


def _given_args(text: str) -> list[Any]:
    for found in lookalikes.find(text):
        raise YamlInjectError(f"`args`: {found}")
    if "&" in text:
        raise YamlInjectError("`args`: write it without YAML anchors")
    try:
        args = load_values(text)
    except YamlInjectError as error:
        raise YamlInjectError(f"`args`: {error.message}") from None
    if not isinstance(args, list):
        raise YamlInjectError(f"`args` has to be a YAML list such as '[{CHANNELS}, 16]', not {text!r}")
    for arg in args:
        if isinstance(arg, str) and _reads_as_number(arg):
            raise YamlInjectError(f"`args`: PyYAML reads {arg} as a string: write {as_number(arg)}")
    return args


def as_number(text: str) -> str:
    """A number such as ``1e-4`` as PyYAML reads it as one: ``0.0001``."""
    return str(yaml.safe_dump(float(text))).split()[0]


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "e" in text.lower() and text.lower() not in ("inf", "nan")
