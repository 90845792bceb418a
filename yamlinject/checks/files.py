"""``check`` on files: reading them, fixing them, and doing so in several processes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from yamlinject import files
from yamlinject.checks.context import Subject
from yamlinject.checks.discovery import MOST_BYTES, File, holds_layers
from yamlinject.checks.findings import Checked, Finding
from yamlinject.checks.rewiring import BYPASSED, WRONG, Rewired, rewired
from yamlinject.checks.rules import RULES
from yamlinject.checks.runner import check
from yamlinject.config import Config
from yamlinject.core import edits, lookalikes
from yamlinject.core.edits import Edit
from yamlinject.core.proof import prove
from yamlinject.core.yaml_nodes import load_values
from yamlinject.errors import SourceError, TooLargeError, YamlInjectError, named
from yamlinject.library import bases
from yamlinject.library.module_files import ModuleClass
from yamlinject.lineage.resolve import Search

#: Fewer files than this are checked before a second process has started.
_FEW = 100

#: The most findings of one rule in one file that are listed one by one.
_MOST_OF_A_RULE = 1000

_LONGEST_MESSAGE = 500

#: The rules whose fixes change what nothing reads.
_OF_COMMENTS = {"YI501"}


#: The errors about references and sizes: what is right is known where a base is.
_TOLD_BETTER_WITH_A_BASE = ("YI1", "YI2", "YI302")


#: A config of fewer is a fragment or an example, of which nobody expects that its base is known.
_FEWEST_ROWS = 12


class Options(NamedTuple):
    """How files are checked.

    ``base``: what all of them are compared with; ``known_bases``: whether to look for a base without one.
    ``codes``: the rules that count. ``fix``: whether to fix what has only one fix, with ``wiring`` also
    wrong references, with ``bypassed`` those that go past an attention too. ``dry``: only show what would
    be fixed. ``modules``: the user's own.
    """

    base: Config | None = None
    known_bases: bool = True
    codes: frozenset[str] = frozenset(RULES)
    fix: bool = False
    modules: Mapping[str, ModuleClass] | None = None
    wiring: bool = False
    bypassed: bool = False
    dry: bool = False


def codes(select: Sequence[str], ignore: Sequence[str]) -> frozenset[str]:
    """The rules whose codes begin with one of ``select`` (all, if it is empty) and none of ``ignore``.

    Each may hold several, separated by commas. Raises :class:`YamlInjectError` where no rule fits.
    """
    selected = _matching(select) if select else frozenset(RULES)
    return selected - _matching(ignore)


def _matching(prefixes: Sequence[str]) -> frozenset[str]:
    found: set[str] = set()
    for prefix in (part.strip().upper() for text in prefixes for part in text.split(",")):
        fitting = {code for code in RULES if prefix and code.startswith(prefix)}
        if not fitting:
            raise YamlInjectError(f"no rule's code begins with {prefix!r}: see yamlinject rule")
        found |= fitting
    return frozenset(found)


def check_files(found: Sequence[File], options: Options, jobs: int) -> Iterator[Checked]:
    """Check all files in order, in ``jobs`` processes; 0 means one per core if there are many files."""
    if any(file.name == bases.STDIN for file in found):
        jobs = 1  # another process has another standard input
    jobs = jobs or (os.cpu_count() or 1 if len(found) >= _FEW else 1)
    one = partial(check_file, options=options)
    if min(jobs, len(found)) < 2:
        return map(one, found)
    from yamlinject.checks import workers  # with few files, importing it would cost too much

    return workers.map_in_order(one, found, jobs, _lost)


def _lost(file: File, how: str) -> Checked:
    label = _label(file)
    return Checked(label, error=f"{label}: the process that checked it {how}, twice")


def check_file(file: File, options: Options) -> Checked:
    """Check one file. Whatever is wrong with it is in the result; nothing is raised."""
    label = _label(file)
    try:
        return _checked(file, label, options)
    except MemoryError:
        return Checked(label, error=f"{label}: there is not enough memory to check it")
    except Exception as error:  # no file may keep the others from being checked
        what = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_MESSAGE]
        problem = f"a bug in yamlinject, the other files were checked: {what}"
        return Checked(label, error=f"{label}: {problem}")


def _label(file: File) -> str:
    return "<stdin>" if file.name == bases.STDIN else file.name


def _checked(file: File, label: str, options: Options) -> Checked:
    if file.problem:
        return Checked(label, error=f"{label}: {file.problem}")
    path = None
    if file.name != bases.STDIN:
        path = bases.file_of_all_scales(file.name) or Path(file.name)
    try:
        data = files.read_bytes(path, MOST_BYTES) if path else files.read_stdin()
    except TooLargeError:  # for a config; other YAML files may be larger
        return Checked(label, skipped=True)
    except SourceError as error:
        return Checked(label, error=str(error))
    try:
        config = Config(file.name, data, path=path)
    except YamlInjectError as error:  # not text
        return Checked(label, error=str(error) if file.named else None, skipped=not file.named)
    if not holds_layers(config.text):
        return Checked(label, skipped=True)
    try:
        if not (options.fix and path):
            found = _counted(config, options)
            return Checked(label, tuple(_first(found)), baseless=_is_baseless(config, options, found))
        now, fixed, characters = _fixed(config, options)
        mended, left_alone = _rewired(now, options) if options.wiring else (None, "")
        if mended:
            now, more, _ = _fixed(mended.config, options)
            fixed += more + mended.changed
        if options.dry:
            diff = tuple(edits.unified_diff(config.text, now.text, label, label))
            return Checked(label, tuple(_first(_counted(config, options))), diff=diff, left=left_alone)
        if now != config:
            _write(config, path, now)
        found = _counted(now, options)
        done = Checked(label, tuple(_first(found)), fixed=fixed, characters=characters, left=left_alone)
        if mended:
            return done._replace(rewired=mended.changed, changes=mended.changes)
        return done._replace(baseless=not left_alone and _is_baseless(now, options, found))
    except (OSError, YamlInjectError) as error:  # a base that cannot be read, a file that cannot be written
        return Checked(label, error=str(error))


def _counted(config: Config, options: Options) -> list[Finding]:
    """What is found of the rules that count."""
    found = check(config, options.base, known_bases=options.known_bases, modules=options.modules)
    return [finding for finding in found if finding.rule.code in options.codes]


def _is_baseless(config: Config, options: Options, found: Sequence[Finding]) -> bool:
    """Whether a base could say more about what was found, and none was recognised."""
    helped = any(
        one.rule.severity == "error" and one.rule.code.startswith(_TOLD_BETTER_WITH_A_BASE) for one in found
    )
    if not helped or options.base or not options.known_bases or any(one.base for one in found):
        return False
    if config.parsed.provenance:  # which names the base
        return False
    subject = Subject(config, modules=options.modules)
    return len(subject.layers) >= _FEWEST_ROWS and subject.match is None


def _rewired(config: Config, options: Options) -> tuple[Rewired | None, str]:
    """The config with its references mended, if nothing is wrong with it afterwards; or why it is left.

    It is left, without a reason, where nothing is wrong, or where that is ignored.
    """
    everything = options._replace(codes=frozenset(RULES))
    found = {finding.rule.code for finding in _counted(config, everything)}
    bypassed = options.bypassed and options.codes >= BYPASSED
    reasons = found & (WRONG | BYPASSED if bypassed else WRONG)
    if not reasons or not reasons & WRONG <= options.codes:
        return None, ""
    search: Search = "upstream" if options.known_bases else "nowhere"
    try:
        mended = rewired(Subject(config, options.base, search, options.modules), bypassed=bypassed)
    except YamlInjectError as error:
        return None, error.message
    wrong = (
        (one for one in _counted(mended.config, everything) if one.rule.severity == "error")
        if mended
        else ()
    )
    for one in wrong:  # what is not understood is left alone
        return None, f"it would still be wrong: {one.message}"
    return mended, ""


def _first(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The first findings of each rule, and how many more of it there are."""
    times: Counter[str] = Counter()
    for finding in findings:
        times[finding.rule.code] += 1
        if times[finding.rule.code] <= _MOST_OF_A_RULE:
            yield finding
    for code, count in times.items():
        if count > _MOST_OF_A_RULE:
            more = f"there are {count - _MOST_OF_A_RULE} more like the {_MOST_OF_A_RULE} above"
            yield Finding(RULES[code], more, "")


def _edits(findings: Iterable[Finding]) -> Iterator[Edit]:
    return (edit for finding in findings for edit in finding.fix)


def _fixed(config: Config, options: Options) -> tuple[Config, int, int]:
    """The config after the edits of its findings, again and again as more of it can be read; and how many.

    They change comments, and characters that look like YAML's, of which the last number is.
    """
    count = characters = 0
    while findings := [finding for finding in _counted(config, options) if finding.fix]:
        text = edits.apply(config.text, _edits(findings))
        retyped = set(_edits(each for each in findings if each.rule.code not in _OF_COMMENTS))
        characters += sum(lookalikes.count(config.text[edit.start : edit.end]) for edit in retyped)
        meant = edits.apply(config.text, retyped)
        with named(config.label):
            prove(text, load_values(meant))
        data = config.source._replace(text=text).to_bytes()
        config, count = Config(config.name, data, path=config.path), count + len(findings)
    return config, count, characters


def _write(config: Config, path: Path, now: Config) -> None:
    """Replace the file that ``config`` was read from."""
    left = files.left_by_link(path)
    if left is not None:
        raise SourceError(
            f"is a link to a file outside of {left}: name that file itself", file=config.label
        )
    files.replace_all([files.Replacement(path, config.to_bytes(), now.to_bytes())])
