"""What ``check`` finds: the rules with their codes, and a finding of one of them at a place in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from yamlinject.core.edits import Edit
from yamlinject.errors import Place

Severity = Literal["error", "warning"]


class Rule(NamedTuple):
    """One kind of mistake. ``templates/rules/<code>.md`` is its documentation page."""

    code: str
    name: str
    severity: Severity
    summary: str


_TABLE: Sequence[tuple[str, str, Severity, str]] = (
    ("YI001", "invalid-yaml", "error", "PyYAML, which frameworks read configs with, cannot read the file"),
    ("YI002", "duplicate-key", "error", "a key stands twice, and PyYAML keeps the last one without a word"),
    ("YI003", "no-layer-lists", "error", "backbone and head are not two lists of rows"),
    ("YI004", "malformed-row", "error", "a row is not [from, number, module, args]"),
    ("YI005", "shared-row", "warning", "a row shares its text with another place through a YAML alias"),
    ("YI101", "reads-beyond-start", "error", "a reference reaches back beyond layer 0"),
    ("YI102", "reads-itself", "error", "a layer reads itself"),
    ("YI103", "reads-later-layer", "error", "a layer reads one that comes after it"),
    ("YI104", "first-layer", "error", "layer 0 reads something else than the image"),
    ("YI105", "list-of-one", "warning", "a module of one input gets a list"),
    ("YI106", "whole-backbone", "warning", "the first row is a whole backbone, of several feature maps"),
    ("YI201", "strides-differ", "error", "a joining module gets feature maps of different sizes"),
    ("YI202", "head-strides", "error", "the detection head's inputs are not one of each stride, in order"),
    ("YI203", "anchor-rows", "error", "the anchors have not one line for each input of the detection head"),
    ("YI204", "declared-channels", "warning", "attention declares other channels than reach it"),
    ("YI301", "wrong-reference", "error", "a layer does not read what it reads in the base"),
    ("YI302", "stale-reference", "error", "a reference looks like one that was not renumbered"),
    ("YI303", "dead-attention", "warning", "no path leads from an attention layer to the head"),
    ("YI304", "dead-layer", "warning", "no path leads from a layer to the head"),
    ("YI305", "bypassed-attention", "warning", "a layer reads past the attention, from the layer above it"),
    ("YI306", "swapped-inputs", "warning", "a layer reads its inputs in another order than in the base"),
    ("YI307", "not-the-base", "error", "the config is not the given base with attention put in"),
    ("YI401", "number-as-text", "warning", "PyYAML reads a number such as 1e-4 as text"),
    ("YI402", "stacked-attention", "warning", "attention whose number a framework multiplies by the depth"),
    ("YI403", "unfitting-args", "warning", "the args of an attention row are not those of its recipe"),
    ("YI404", "stale-freeze", "warning", "freeze names other layers than in the base"),
    ("YI501", "stale-index-comment", "warning", "a comment gives a layer another index than its own"),
    ("YI601", "base-missing", "error", "the base of a generated config is not there"),
    ("YI602", "base-changed", "error", "the base of a generated config was changed since"),
    ("YI603", "drifted", "error", "a generated config is not what its command gives"),
)

RULES: dict[str, Rule] = {row[0]: Rule(*row) for row in _TABLE}


class Finding(NamedTuple):
    """A rule that a file breaks, and where.

    ``hint`` says what to write instead. ``start`` and ``end`` bound the offending text, ``end`` behind its
    last character; without ``end`` it goes to the end of the line, and both are None when the whole file is
    meant. ``line`` is the text of ``start``'s line.
    ``base``: the base that the file was compared with, where that led to the finding.
    ``diff``: the lines of a unified diff that mends the file. ``fix``: the edits that ``--fix`` makes.
    """

    rule: Rule
    message: str
    hint: str
    start: Place | None = None
    end: Place | None = None
    line: str = ""
    base: str | None = None
    diff: tuple[str, ...] = ()
    fix: tuple[Edit, ...] = ()


class Checked(NamedTuple):
    """What came of one file: its findings, or why it could not be checked (``error``, one line).

    ``skipped``: it holds no model config. ``fixed``: how many findings were mended in it.
    """

    file: str
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    skipped: bool = False
    fixed: int = 0
