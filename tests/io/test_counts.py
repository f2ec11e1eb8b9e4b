"""Counts in sentences."""

from __future__ import annotations

from thinkrec.io.counts import choose_form, format_count


def test_one_is_singular_and_all_else_plural() -> None:
    assert [format_count(n, "row") for n in (0, 1, 2, 12_345)] == ["0 rows", "1 row", "2 rows", "12,345 rows"]
    assert [format_count(n, "entry is", "entries are") for n in (1, 2)] == ["1 entry is", "2 entries are"]
    assert [choose_form(n, "its", "their") for n in (0, 1, 2)] == ["their", "its", "their"]
