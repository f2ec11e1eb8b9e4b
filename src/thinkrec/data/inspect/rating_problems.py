"""Why a column of ratings says nothing of likes, in a sentence with its remedy."""

from __future__ import annotations

import polars as pl

from thinkrec.data.inspect.proposals import list_numbers
from thinkrec.data.messages import format_value

_ALL_YES = "-o negatives.per_positive=1 takes every row as a Yes, and draws items that a user never met as the No."


def describe_unusable_ratings(column: pl.Series) -> str:
    """What keeps ratings from having a threshold: no value, no number, one value alone."""
    name, filled = column.name, column.drop_nulls()
    if not len(filled):
        return (
            f"column '{name}' is empty in every row. Name the column of ratings by -o "
            f"interactions_format.columns.rating=NAME. Where there is none, {_ALL_YES}"
        )
    numbers = list_numbers(column)
    if len(numbers):
        return f"every rating in column '{name}' is {numbers[0]:g}, so that nothing says No. {_ALL_YES}"
    words = filled.unique(maintain_order=True)
    if len(words) == 2:
        shown = " and ".join(format_value(word) for word in words)
        return (
            f"column '{name}' holds the words {shown}, and ratings are numbers. Write 1 for a Yes and 0 for a No, in a "
            "column 'label'."
        )
    return (
        f"no value of column '{name}' is a number (the first: {format_value(words[0])}). Write the number alone, such "
        "as 4."
    )
