"""Whether a generated config is still what its newest provenance line says."""

from __future__ import annotations

from typing import NamedTuple

from yamlinject.config import Config
from yamlinject.core.provenance import Found, Provenance
from yamlinject.errors import YamlInjectError
from yamlinject.lineage.recorded import Absence, recorded_base, undone


class Generated(NamedTuple):
    """What the newest provenance line of a config leads to.

    ``problem``: why the line does not fit, or empty.
    ``base``: the file that the line names; None if that is not a separate file (standard input, or the
    config itself, ``--in-place``), or if it is missing or outside the repository (``absence``).
    ``intact``: undoing the command and running it again gives the config, byte for byte, and the command
    was run on these rows. Values outside of them are the user's: everybody sets ``nc``.
    """

    line: Found
    problem: str
    base: Config | None
    absence: Absence | None
    intact: bool

    @property
    def base_changed(self) -> bool:
        """Whether the file that the line names has changed since the config was made from it."""
        return self.base is not None and not self.line.provenance.is_of(self.base.to_bytes())


def read(config: Config, given: Config | None = None) -> Generated | None:
    """What the newest provenance line says, None where there is none.

    ``given``: a base that the user names, which may be read wherever it is.
    """
    lines = config.parsed.provenance
    if not lines:
        return None
    base, absence = recorded_base(lines[0].provenance, config.path, given)
    problem, intact = _again(config)
    return Generated(lines[0], problem, base, absence, intact)


def all_intact(config: Config) -> tuple[bool, str]:
    """Whether undoing each of its commands and running it again gives the config, and why not."""
    for restored in [config, *undone(config)]:
        problem, intact = _again(restored) if restored.parsed.provenance else ("", True)
        if not intact:
            return False, problem
    return True, ""


def _again(config: Config) -> tuple[str, bool]:
    """Why the newest command cannot be undone and run again, and whether that gives the config."""
    line, start, end = config.parsed.provenance[0]
    try:
        restored = config.undone
        if line.adopted:
            rows = [layer.row for layer in restored.apply(line.request, proven=False).layers]
            return "", restored.same_rows and rows == [layer.row for layer in config.layers]
        again = regenerated(restored, line, config.text[start:end].rstrip("\r\n"))
        return "", restored.same_rows and again == config.to_bytes()
    except YamlInjectError as error:
        return error.message, False


def regenerated(base: Config, line: Provenance, as_written: str) -> bytes:
    """What the command of a provenance line makes of ``base``.

    The line is ``as_written`` if it still fits: other versions write it otherwise, and it keeps the digest
    of a base whose values were edited.
    """
    result = base.apply(line.request, proven=False)
    written = result.rewrite.provenance
    assert written
    now = written._replace(version=line.version)
    if line.is_of(base.to_bytes()) or line.has_rows(base.layers):
        now = now._replace(digest=line.digest)
    text = as_written if now == line else str(now)
    return result.to_bytes().replace(str(written).encode(), text.encode("utf-8", "surrogateescape"), 1)
