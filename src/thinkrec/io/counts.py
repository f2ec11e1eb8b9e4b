"""Counts in sentences, in the singular and the plural."""

from __future__ import annotations


def format_count(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun, or with a noun and its verb; `many`: for other counts than 1, by default `one` and an s.

    >>> format_count(1, "row"), format_count(2000, "row"), format_count(0, "entry", "entries")
    ('1 row', '2,000 rows', '0 entries')
    >>> format_count(1, "row is", "rows are")
    '1 row is'
    """
    return f"{count:,} {choose_form(count, one, f'{one}s' if many is None else many)}"


def choose_form(count: int, one: str, many: str) -> str:
    """`one` for 1, else `many`: the verb that stands behind "3 of 7 rows".

    >>> choose_form(1, "is", "are"), choose_form(0, "is", "are")
    ('is', 'are')
    """
    return one if count == 1 else many
