"""Where a quote stands wrongly is said by line and column."""

from __future__ import annotations

import pytest

from thinkrec.data.csv_quotes import (
    compute_text_shape,
    describe_quote_error,
    find_opening_quote,
    format_excerpt,
    is_possible_record,
)


@pytest.mark.parametrize(
    ("text", "shape"), [("b17", "a9"), ("c2", "a9"), ("12-03-1999", "9-9-9"), ('"Ab c"', "a a"), ("", ""), ("..", ".")]
)
def test_texts_of_one_shape_are_alike(text: str, shape: str) -> None:
    assert compute_text_shape(text) == shape


@pytest.mark.parametrize(
    ("line", "possible"),
    [
        ("17,Oak,3\n", True),
        ("x17,Oak,3\n", False),
        ("17,Oak\n", False),
        ('17,"Oak, old",3\n', True),
        ("and so on\n", False),
    ],
)
def test_a_line_is_a_record_if_it_has_the_fields_and_begins_like_one(line: str, possible: bool) -> None:
    assert is_possible_record(line, "3,Pine,2", ["id", "title", "rating"], ",") is possible


def test_a_quote_that_is_never_closed_is_named_with_its_place() -> None:
    text = describe_quote_error(['1,"Oak\n', 'tree","Pine,4\n', "3,Elm,5\n"], 2, ",")
    assert text.startswith("the quote in line 3, column 3 ('\"Pine,4') is never closed.")


def test_text_behind_a_closed_quote_is_named_with_both_quotes() -> None:
    text = describe_quote_error(['1,"Oak" tree,3\n'], 5, ",")
    assert text.startswith("line 5: a quote closes the field that the quote in line 5, column 2 opened")
    assert "then comes more ('\" tree,3')" in text
    # A doubled quote is text.
    assert "never closed" in describe_quote_error(['1,"say ""no"" to,3\n'], 5, ",")


def test_the_field_that_runs_over_a_line_end_is_found() -> None:
    assert find_opening_quote('1,"a b",2\n', ",") == (0, 1, '1,"a b",2\n')
    line, column, text = find_opening_quote('1,"a b","c\nd",2', ",")
    assert (line, column) == (0, 3)
    assert text == '"c\nd",2'


def test_excerpts_are_one_short_line() -> None:
    assert format_excerpt("one\ntwo") == "'one'"
    assert len(format_excerpt("x" * 200)) == 70 and format_excerpt("x" * 200).endswith("...")
