"""What the shell completes: modules, base configs and selectors.

A shell shows what it is offered and inserts it unquoted into the command line, so only plain words are
offered.
"""

import os
import re
import shlex
from pathlib import Path

import typer

from yamlinject.config import load
from yamlinject.core import selectors
from yamlinject.errors import YamlInjectError
from yamlinject.library import bases, recipes

#: What every shell takes for a word, and nothing else.
_PLAIN = re.compile(r"[\w.,:@%+=/-]*")


def module(context: typer.Context, incomplete: str) -> list[str]:
    """Names of modules that have a recipe; behind ``add`` those that it inserts."""
    names = [name for name in recipes.names() if name.startswith(incomplete)]
    inserts = context.info_name == "add"
    return [name for name in names if recipes.role(name) == "attention"] if inserts else names


def base(incomplete: str) -> list[str]:
    """Names of base configs, and folders and YAML files."""
    return [
        *(name for name in bases.names() if name.startswith(incomplete)),
        *_entries(incomplete, (".yaml", ".yml")),
    ]


def module_or_folder(context: typer.Context, incomplete: str) -> list[str]:
    """Names of modules that have a recipe, and folders."""
    return [*module(context, incomplete), *_entries(incomplete, ())]


def _entries(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    """The folders, and the files with one of these endings, whose paths start so."""
    folder, slash, _ = incomplete.rpartition("/")
    try:
        entries = sorted(Path(folder + slash or ".").iterdir())
    except OSError:
        return []
    found = []
    for entry in entries:
        name = folder + slash + entry.name
        if _offers(name, incomplete) and (entry.is_dir() or entry.suffix in endings):
            found.append(name + "/" * entry.is_dir())
    return found


def selector(context: typer.Context, incomplete: str) -> list[str]:
    """The modules of the base on the command line, also after a comma or a scope."""
    try:
        layers = load(_base_before(context)).layers
    except (YamlInjectError, ValueError):
        return []
    done, comma, started = incomplete.rpartition(",")
    scope, slash, _ = started.rpartition("/")
    words = dict.fromkeys(layer.module for layer in layers if not slash or scope in (layer.section, "all"))
    candidates = [scope + slash + word for word in (*words, *([] if slash else [selectors.DETECT_INPUTS]))]
    return [done + comma + word for word in candidates if _offers(word, started)]


def _offers(word: str, started: str) -> bool:
    """Whether ``word`` completes what was ``started``."""
    return word.startswith(started) and _PLAIN.fullmatch(word[len(started) :]) is not None


def _base_before(context: typer.Context) -> str:
    """The base on the command line that is being completed: parsing it stops at the open option."""
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS", "")
    words = re.split(r" (?:add|replace) ", re.sub(r"--(?:after|at|readers)(?:[=\s]+\S*)?", "", line))
    parsed = context.command.make_context("add", shlex.split(words[-1]), resilient_parsing=True)
    return str(parsed.params.get("base") or bases.DEFAULT)
