"""Comments that lie (YI5xx)."""

from __future__ import annotations

from collections.abc import Iterator

from yamlinject.checks.context import Subject
from yamlinject.checks.registry import Problem, rule
from yamlinject.core.edits import Edit
from yamlinject.core.index_comments import index_comments


@rule("YI501", "warning", "a comment gives a layer another index than its own")
def stale_index_comment(subject: Subject) -> Iterator[Problem]:
    """People who renumber by hand rely on these comments."""
    if subject.first_row_is_backbone:  # they count its feature maps too
        return
    generated = bool(subject.document.provenance)
    for row, comment in index_comments(subject.document):
        if comment.clear and comment.number != row.layer.index:
            fix = () if generated else (Edit(*comment.span, str(row.layer.index)),)
            how = "add --fix-comments" if generated else "check --fix does it"
            yield Problem(
                comment.span,
                f"{row.layer}: its comment says {comment.number}",
                f"write {row.layer.index} ({how})",
                fix=fix,
            )
