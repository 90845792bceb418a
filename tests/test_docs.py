"""The examples in the documentation give what they show."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

MANUAL = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
WITHOUT_FRAMEWORK = "## Models"


def failures(text: str) -> int:
    test = doctest.DocTestParser().get_doctest(text, {}, "api.md", "docs/api.md", 0)
    assert len(test.examples) > 10
    return doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL).run(test)[
        0
    ]


def test_examples_that_need_no_framework(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(MANUAL[: MANUAL.index(WITHOUT_FRAMEWORK)]) == 0


@pytest.mark.framework
def test_all_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert failures(MANUAL) == 0
