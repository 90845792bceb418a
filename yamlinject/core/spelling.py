"""Which name was meant by one that is nearly it."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: The shortest name of which another one may be a slip: of shorter ones each letter counts.
_SHORTEST = 5

#: A word of a name; what else is in it are acronyms and numbers, by which modules of forks differ.
_WORD = re.compile("[A-Z]?[a-z]{3,}")


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The one of ``known`` that is most like ``name``, in any case; None where none is like it."""
    from difflib import get_close_matches  # takes milliseconds, and only errors need it

    by_lower = {other.lower(): other for other in known}
    return next((by_lower[each] for each in get_close_matches(name.lower(), by_lower, 1, cutoff)), None)


def hint(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The end of a message about ``name``: the question whether :func:`nearest` was meant, if any."""
    meant = nearest(name, known, cutoff)
    return f" (did you mean {meant}?)" if meant else ""


def slip(name: str, known: Iterable[str], *, anywhere: bool = False) -> str | None:
    """The one of ``known`` of which ``name`` can only be a slip of the fingers.

    That is in another case, with two neighbours swapped, or with one letter of a word wrong, missing or
    doubled; ``anywhere``: of an acronym too. What has more before it, behind it or in it has its own name.
    """
    return next((other for other in known if _is_slip(name.lower(), other, anywhere)), None)


def _is_slip(written: str, other: str, anywhere: bool) -> bool:
    meant = other.lower()
    if len(meant) < _SHORTEST or abs(len(written) - len(meant)) > 1:
        return False
    pairs = enumerate(zip(written, meant, strict=False))
    at = next((at for at, (one, two) in pairs if one != two), min(len(written), len(meant)))
    here, rest = written[at : at + 1], meant[at + 1 :]
    if written == meant or written[at:] == rest[:1] + meant[at : at + 1] + rest[1:]:
        return True
    doubled = bool(at) and here == written[at - 1] and written[at + 1 :] == meant[at:]
    letter = at - doubled
    if not doubled and written[at:] != rest and not (here.isalpha() and written[at + 1 :] == rest):
        return False
    inside = any(word.start() < letter < word.end() for word in _WORD.finditer(other))
    return inside or (anywhere and meant[letter : letter + 1].isalpha())
