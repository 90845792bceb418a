"""The file that ``add`` writes: its name, and what is there already."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from yamlinject.config import Config, Rewritten, load
from yamlinject.core import scales
from yamlinject.core.provenance import Provenance
from yamlinject.errors import SourceError, YamlInjectError
from yamlinject.library import bases
from yamlinject.output import terminal
from yamlinject.output.terminal import Line


def default_name(result: Rewritten) -> str:
    """BASE_MODULE.yaml; with the selectors too where that is the file of another command for this base."""
    plain, line = f"{result.stem}.yaml", result.rewrite.provenance
    newest = line and _newest(plain)
    if line and newest and newest[1].request != line.request:
        return f"{result.base.stem}_{line.request.words_of_name}.yaml"
    return plain


def keeps_edits(result: Rewritten, target: str, *, refuse: bool) -> bool:
    """Whether ``target`` is ``result`` but for what users edit in it outside the rows, such as ``nc``.

    With ``refuse`` raises :class:`SourceError` for another generated config in its place.
    """
    line, newest = result.rewrite.provenance, _newest(target)
    if line is None or newest is None or not result.differs(target):
        return False
    config, made = newest
    same_rows = [layer.row for layer in config.layers] == [layer.row for layer in result.layers]
    if made.request == line.request and made.digest == line.digest and same_rows:
        return True
    if refuse and made.request != line.request:
        words = shlex.join(made.request.to_words())
        raise SourceError(
            f"another command made it, {words}: name another file with -o, or replace it with `force`",
            file=target,
        )
    if refuse and made.digest == line.digest:
        raise SourceError(
            "this command made it, and its rows were edited since: name another file with -o, or lose the "
            "edits with `force`",
            file=target,
        )
    return False  # or the base has changed since


def scale_note(base: Config, target: str) -> Iterator[Line]:
    """What Ultralytics builds by the file's name, where that is another scale than the base's or any."""
    data, stem = base.document.data, Path(target).stem
    built = scales.built(data, stem)
    if built is None or target == bases.STDIN:
        return
    wanted = scales.asked(base.stem) and scales.built(data, base.stem)
    if wanted and built != wanted:
        name = _selecting(target, wanted, base)
        yield terminal.note(f"by this name Ultralytics builds scale {built}, not {wanted}: call it {name}")
    other = next((scale for scale in data["scales"] if scale != built), None)
    if not wanted and not scales.asked(stem) and other:
        name = _selecting(target, other, base)
        yield terminal.note(f"by this name Ultralytics builds scale {built}; {name} selects {other}")


def _selecting(target: str, scale: str, base: Config) -> str:
    """``target`` with a name that selects ``scale``."""
    file = Path(target)
    return str(file.with_name(f"{scales.asking(file.stem, scale, base.stem)}.yaml"))


def _newest(file: str) -> tuple[Config, Provenance] | None:
    """A generated config and its newest line; None for any other file, or none."""
    if not Path(file).is_file():
        return None
    with suppress(YamlInjectError):
        config = load(file)
        lines = config.parsed.provenance
        return (config, lines[0].provenance) if lines else None
    return None
