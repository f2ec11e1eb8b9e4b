"""Words that only begin like a verdict, with a mark that could end one."""

from __future__ import annotations

import pytest

from thinkrec.claims.verdict import parse_verdict


@pytest.mark.parametrize(
    "text", ["Yes'm, it fits.", "No\u2019er a better one.", "No\u2013one likes it.", "Yes\u2013men like it."]
)
def test_a_mark_within_a_word_ends_no_verdict(text: str) -> None:
    assert parse_verdict(text) is None
