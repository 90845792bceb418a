"""Whether a generated config is still what its newest provenance line says."""

from __future__ import annotations

from typing import NamedTuple

from yamlinject.config import Config
from yamlinject.core import provenance
from yamlinject.core.provenance import Found, Provenance
from yamlinject.errors import YamlInjectError
from yamlinject.lineage.recorded import Absence, recorded_base, undone


class Generated(NamedTuple):
    """What the newest provenance line of a config leads to.

    ``problem``: why the line does not fit, or empty.
    ``base``: the file that the line names; None if that is not a separate file (standard input, or the
    config itself, ``--in-place``), or if it is missing or outside the repository (``absence``).
    ``intact``: undoing the command and running it again gives the config, byte for byte.
    """

    line: Found
    problem: str
    base: Config | None
    absence: Absence | None
    intact: bool

    @property
    def base_changed(self) -> bool:
        """Whether the file that the line names has changed since the config was made from it."""
        recorded = self.line.provenance.digest
        return self.base is not None and provenance.digest(self.base.to_bytes()) != recorded


def read(config: Config, given: Config | None = None) -> Generated | None:
    """What the newest provenance line says, None where there is none.

    ``given``: a base that the user names, which may be read wherever it is.
    """
    lines = config.parsed.provenance
    if not lines:
        return None
    base, absence = recorded_base(lines[0].provenance, config.path, given)
    problem, intact = _again(config, lines[0].provenance)
    return Generated(lines[0], problem, base, absence, intact)


def all_intact(config: Config) -> tuple[bool, str]:
    """Whether undoing each of its commands and running it again gives the config, and why not."""
    for restored in [config, *undone(config)]:
        lines = restored.parsed.provenance
        problem, intact = _again(restored, lines[0].provenance) if lines else ("", True)
        if not intact:
            return False, problem
    return True, ""


def _again(config: Config, line: Provenance) -> tuple[str, bool]:
    """Why the newest command cannot be undone and run again, and whether that gives the config."""
    try:
        restored = config.undone
        return "", restored.exact and regenerated(restored, line) == config.to_bytes()
    except YamlInjectError as error:
        return error.message, False


def regenerated(base: Config, line: Provenance) -> bytes:
    """What the command of a provenance line makes of ``base``, as the version of that line writes it."""
    result = base.apply(line.request, proven=False)
    written = result.rewrite.provenance
    same_version = str(written and written._replace(version=line.version))
    return result.to_bytes().replace(str(written).encode(), same_version.encode(), 1)
