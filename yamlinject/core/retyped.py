"""A config with the characters of an input method replaced by those of YAML."""

from __future__ import annotations

from collections.abc import Sequence

from yamlinject.core import edits, lookalikes
from yamlinject.core.document import Document
from yamlinject.core.edits import Edit
from yamlinject.errors import ConfigError


def retyped(text: str) -> list[Edit]:
    """The edits that leave no lookalike in rows, keys and numbers; none where that makes no config.

    Comments, quoted texts, and the texts of other keys keep theirs.
    """
    document = _parsed(text)
    if document:
        return _if_right(text, [found for _, found in document.lookalikes])
    words = list(lookalikes.find(text))
    everywhere = _if_right(text, words)
    made = _parsed(edits.apply(text, everywhere)) if everywhere else None
    if made is None:
        return []
    places = zip(words, _places(everywhere), strict=True)
    return _if_right(text, [word for word, place in places if not made.is_prose(place)]) or everywhere


def _if_right(text: str, words: Sequence[lookalikes.Lookalike]) -> list[Edit]:
    """The edits for ``words`` if they make a config without lookalikes."""
    changed = [lookalikes.replacement(text, word) for word in words]
    document = _parsed(edits.apply(text, changed)) if changed else None
    return changed if document and not document.lookalikes else []


def _places(changed: Sequence[Edit]) -> list[int]:
    """Where edits in order begin in the text that they make."""
    places, shift = [], 0
    for start, end, text in changed:
        places.append(start + shift)
        shift += len(text) - (end - start)
    return places


def _parsed(text: str) -> Document | None:
    try:
        return Document.parse(text)
    except ConfigError:
        return None
