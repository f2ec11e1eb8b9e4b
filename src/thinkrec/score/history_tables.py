"""A user's past from a table: items, and whether they were liked."""

from __future__ import annotations

from pathlib import Path

from thinkrec.data.columns import check_threshold, parse_labels, parse_ratings, parse_times, require_columns
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError


def read_history_table(
    path: Path, threshold: float | None = None, usual: float | None = None
) -> list[tuple[object, bool]]:
    """(item id, liked) pairs from a table with item_id and label, or rating and a threshold; oldest first.

    With a column `timestamp` the rows are put in its order, else they count as they stand. `usual`: the threshold of
    the run's own data, where none is given. Raises DataError, also for a threshold that labels do not need.
    """
    table, source = read_table(path), str(path)
    require_columns(table, ("item_id",), source)
    if threshold is not None:
        check_threshold(threshold, source)
    if "label" in table.columns:
        if "rating" in table.columns or threshold is not None:
            second = "a column 'rating' too" if "rating" in table.columns else "--threshold too"
            raise DataError(f"{source}: column 'label' says what was liked, and there is {second}. Give one of both.")
        liked = parse_labels(table["label"], source).to_list()
    else:
        require_columns(table, ("rating",), source)
        bar = usual if threshold is None else threshold
        if bar is None:
            raise DataError(
                f"{source}: column 'rating' needs --threshold, since the run's own data held labels; liked means "
                "rating > threshold"
            )
        liked = (parse_ratings(table["rating"], source) > bar).to_list()
    order = list(range(table.height))
    if "timestamp" in table.columns:
        whole, fraction = parse_times(table["timestamp"], source)
        order.sort(key=lambda row: (whole[row], fraction[row]))
    return [(table["item_id"][row], bool(liked[row])) for row in order]
