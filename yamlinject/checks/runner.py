"""The rules of ``check``: what is wrong with a config, found without a framework.

:func:`check` goes through all of them; what they are is said in :mod:`yamlinject.checks.findings`.
"""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.checks.context import Subject
from yamlinject.checks.findings import RULES, Finding
from yamlinject.checks.rules import attention, generated, references, shapes, values
from yamlinject.config import Config
from yamlinject.core.lines import Lines
from yamlinject.errors import (
    ConfigError,
    DuplicateKeyError,
    InvalidYamlError,
    MalformedRowError,
    YamlInjectError,
)
from yamlinject.library import architectures

#: What is wrong with a text whose layers cannot be told.
_STRUCTURE: tuple[tuple[type[ConfigError], str, str], ...] = (
    (InvalidYamlError, "YI001", "mend the YAML: PyYAML cannot read the file"),
    (DuplicateKeyError, "YI002", "keep the one that is meant"),
    (MalformedRowError, "YI004", "write it as [from, number, module, args]"),
    (ConfigError, "YI003", "a model config has the lists backbone and head, which hold all of its layers"),
)


#: Of what PyYAML says, what it most likely comes from.
_HINTS = {
    "expected ',' or ']'": "close the bracket of this row or of the one above, or put a comma between them",
    "'\\t'": "indent with spaces: YAML takes no tabs there",
    "could not find expected ':'": "look a few lines up too: a dash needs a space behind it",
}


def check(config: Config, base: Config | None = None, *, known_bases: bool = True) -> list[Finding]:
    """Everything that is wrong with ``config``, from its first line to its last.

    It is compared with ``base``; without one, with the base that its provenance line names or, with
    ``known_bases``, with the one of the upstream models that explains its layers best.
    """
    try:
        document = config.parsed
    except ConfigError as error:
        return [_unreadable(config.text, error)]
    made = generated.read(config, base)
    wirings = architectures.wirings() if known_bases and base is None else ()
    places = made.places if made and made.intact and base is None else None
    subject = Subject(config, document, base or _recorded(made), wirings, places)
    found = [*_shared_rows(subject), *references.check(subject), *values.check(subject)]
    found += [*follow(subject), *generated.check(subject, made)]
    if base and not subject.match:
        hint = "give the base that it was made from, or none"
        found.append(subject.finding("YI307", None, f"it is not {base.label} with layers put in", hint))
    return sorted(found, key=lambda finding: (finding.start or (0, 0), finding.rule.code))


def _recorded(made: generated.Generated | None) -> Config | None:
    """The base that the provenance line names, if it still is a config."""
    try:
        return made.recorded if made and made.recorded and made.recorded.layers else None
    except YamlInjectError:
        return None


def follow(subject: Subject) -> Iterator[Finding]:
    """What following the references shows; wrong references first, for they make the rest wrong."""
    wrong = list(attention.against_base(subject))
    if not subject.is_graph:
        yield from wrong
        return
    wrong += attention.without_base(subject)
    yield from wrong
    if not any(finding.rule.severity == "error" for finding in wrong):
        yield from shapes.check(subject)
        yield from attention.without_effect(subject)
    yield from attention.bypassed(subject)


def _shared_rows(subject: Subject) -> Iterator[Finding]:
    for row in subject.rows:
        if row.shared:
            yield subject.finding(
                "YI005",
                row.span,
                f"{row.layer} shares its text with another place through a YAML alias",
                "write both out: yamlinject add cannot renumber one of them alone",
            )


def _unreadable(text: str, error: ConfigError) -> Finding:
    """The finding for a text whose layers cannot be told."""
    code, hint = next((code, hint) for kind, code, hint in _STRUCTURE if isinstance(error, kind))
    hint = next((better for part, better in _HINTS.items() if part in error.message), hint)
    found = Finding(RULES[code], error.message, hint, error.place)
    if error.place is None:
        return found
    line = Lines(text).numbered(error.place.line)
    return found._replace(line=text[line.start : line.end])
