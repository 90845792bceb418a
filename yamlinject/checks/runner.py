"""``check`` on one config: every rule that can be applied to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import Finder, Finding
from yamlinject.checks.registry import Needs
from yamlinject.checks.rules import RULES
from yamlinject.config import Config
from yamlinject.core.lines import Lines
from yamlinject.library.module_files import ModuleClass

#: References to the wrong layer, which cause further findings.
_WRONG_REFERENCE = {"YI301", "YI302"}


def check(
    config: Config,
    base: Config | None = None,
    *,
    known_bases: bool = True,
    modules: Mapping[str, ModuleClass] | None = None,
) -> list[Finding]:
    """Everything that is wrong with ``config``, from its first line to its last.

    It is compared with ``base``; without one, with the base that its provenance line names or, with
    ``known_bases``, with the one of the upstream models that explains its layers best. ``modules``: the
    user's own, as :func:`.library.user_modules.find` gives them, which say what their args are.
    """
    found = _findings(Subject(config, base, "upstream" if known_bases else "nowhere", modules))
    return sorted(found, key=lambda finding: (finding.start or (0, 0), finding.rule.code))


def _findings(subject: Subject) -> Iterator[Finding]:
    finder = Finder(subject.config.text, Lines(subject.config.text))

    def broken(needs: Needs, subject: Subject = subject) -> list[Finding]:
        """What the rules that need exactly this find."""
        return [
            finder.finding(rule, problem)
            for rule in RULES.values()
            if rule.needs == needs
            for problem in rule.problems(subject)
        ]

    yield from broken("text")
    if subject.unreadable:
        return
    found = broken("rows")
    followed = subject.followed
    if followed:
        found += broken("graph", followed)
        if not any(finding.rule.code in _WRONG_REFERENCE for finding in found):
            found += broken("wiring", followed)
    yield from found
