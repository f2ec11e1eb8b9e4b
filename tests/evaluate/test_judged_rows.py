"""A table of another kind is told from one with another column's name."""

from __future__ import annotations

import polars as pl
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.judged_rows import require_table_columns


def make_table(*columns: str) -> pl.DataFrame:
    return pl.DataFrame({column: [1, 2] for column in columns})


def test_a_table_with_all_columns_and_rows_is_fine() -> None:
    require_table_columns(make_table("order", "score", "more"), ("order", "score"), "p.csv")
    with pytest.raises(DataError, match=r"p\.csv: the table has no rows"):
        require_table_columns(make_table("order", "score").head(0), ("order", "score"), "p.csv")


@pytest.mark.parametrize(
    ("columns", "wanted", "words"),
    [
        (("order", "reason"), ("order", "score"), "'score' is missing .* a table of reasons"),
        (("order", "score"), ("order", "reason"), "'reason' is missing .* a table of predictions"),
        (("user_id", "item_id", "rating"), ("order", "score"), "'order' is missing .* a table of interactions"),
        (("order", "score"), ("order", "label"), "'label' is missing .* predictions: give it first"),
        (("order", "Pred"), ("order", "score"), "'score' is missing .* Did you mean 'Pred'. Rename it to 'score'"),
        (("order", "scoer"), ("order", "score"), "Did you mean 'scoer'"),
        (("score", "else"), ("order", "score"), "nothing says which row a line is about"),
    ],
)
def test_what_was_probably_meant_is_said(columns: tuple[str, ...], wanted: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError, match=rf"t\.csv: column {words}" if words.startswith("'") else words):
        require_table_columns(make_table(*columns), wanted, "t.csv")
