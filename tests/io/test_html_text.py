"""Texts inside HTML."""

from __future__ import annotations

import html

import pytest

from thinkrec.io.html_text import escape_html


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", '" onload="x', "a & b", "&lt;b&gt;", "' x"])
def test_a_text_comes_back_as_it_was_and_holds_no_markup(text: str) -> None:
    escaped = escape_html(text)
    assert not set(escaped) & set("<>\"'")
    assert html.unescape(escaped) == text


def test_control_characters_are_dropped_and_line_ends_are_not() -> None:
    assert escape_html("a\x00b\x1bc\x7f\n\td") == "abc\n\td"
