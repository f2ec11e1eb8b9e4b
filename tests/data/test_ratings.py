"""From ratings to labels: liked means above the threshold, and marks for "not rated" are no ratings."""

from __future__ import annotations

import polars as pl
import pytest

from thinkrec.data.ratings import derive_labels, find_unrated_rows
from thinkrec.errors import DataError

NONE = pl.Series([False] * 4)


def test_liked_is_above_the_threshold() -> None:
    table = pl.DataFrame({"rating": [5.0, 3.0, 3.5, 1.0]})
    labels = derive_labels(table, "t", 3, NONE, False)
    assert labels.to_list() == [1, 0, 1, 0]
    assert labels.dtype == pl.Int8


def test_labels_are_taken_as_they_are_and_need_no_threshold() -> None:
    table = pl.DataFrame({"label": [1, 0, 0, 1]})
    assert derive_labels(table, "t", None, NONE, False).to_list() == [1, 0, 0, 1]
    with pytest.raises(DataError, match="t: column 'label' needs no threshold, but threshold=3 was given"):
        derive_labels(table, "t", 3, NONE, False)


def test_unrated_rows_do_not_have_to_be_numbers() -> None:
    table = pl.DataFrame({"rating": ["5", "none", None, "2"]})
    absent = find_unrated_rows(table, ["None", None], "t")
    assert absent.to_list() == [False, True, True, False]
    labels = derive_labels(table, "t", 3, absent, False)
    assert labels.filter(~absent).to_list() == [1, 0]


@pytest.mark.parametrize(
    ("values", "marks", "expected"),
    [
        ([0, 5, 0, 1], [0], [True, False, True, False]),
        ([0.0, 5.0, 99.0, 1.0], [0, "99"], [True, False, True, False]),
        (["", " nan", "3", None], [None], [True, True, False, True]),
        (["N/A", "3", "n/a ", "4"], ["n/a"], [True, False, True, False]),
        ([1, 2, 3, 4], [], [False] * 4),
        ([1, 2, 3, 4], None, [False] * 4),
    ],
)
def test_marks_are_compared_as_numbers_or_words(values: list, marks: list | None, expected: list[bool]) -> None:
    assert find_unrated_rows(pl.DataFrame({"rating": values}), marks, "t").to_list() == expected


def test_wrong_tables_are_refused_with_what_to_do() -> None:
    with pytest.raises(DataError, match="both columns 'rating' and 'label'"):
        derive_labels(pl.DataFrame({"rating": [1], "label": [1]}), "t", 3, NONE[:1], False)
    with pytest.raises(DataError, match=r"neither a column 'rating' nor 'label'.* Did you mean 'stars'"):
        derive_labels(pl.DataFrame({"stars": [1]}), "t", 3, NONE[:1], False)
    with pytest.raises(DataError, match="missing=0; give a list"):
        find_unrated_rows(pl.DataFrame({"rating": [1]}), 0, "t")  # pyright: ignore
    with pytest.raises(DataError, match="`missing` names ratings, but the table has no column 'rating'"):
        find_unrated_rows(pl.DataFrame({"label": [1]}), [0], "t")
