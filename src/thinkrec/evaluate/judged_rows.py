"""Checks of tables that are to be judged: another kind of table or another column name is refused with a remedy."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import polars as pl

from thinkrec.data.columns import require_columns
from thinkrec.errors import DataError

OTHER_NAMES = {
    "score": (
        "prediction",
        "predictions",
        "pred",
        "preds",
        "y_pred",
        "y_score",
        "yhat",
        "y_hat",
        "probability",
        "proba",
        "prob",
        "logit",
        "logits",
        "value",
        "output",
    ),
    "order": ("row", "rows", "row_id", "index", "idx", "id", "position", "place"),
    "reason": ("text", "explanation", "answer", "response", "output", "generated", "hypothesis", "reference", "review"),
    "label": ("y", "y_true", "target", "liked", "like", "click", "clicked", "is_like"),
    "user_id": ("user", "userid", "uid", "user_index", "reviewerid", "customer_id", "u"),
    "item_id": ("item", "itemid", "iid", "movie_id", "movieid", "product_id", "asin", "book_id", "business_id", "i"),
}
"""Column -> names that others use for the same thing, in lower case."""


def require_table_columns(table: pl.DataFrame, names: Sequence[str], source: str) -> None:
    """Raise DataError unless all columns are there and the table has rows.

    Says what kind of table this seems to be, or which column was probably meant.
    """
    missing = [name for name in names if name not in table.columns]
    for remedy in (
        _describe_other_kind(set(table.columns), names),
        *(_suggest_column(table, name) for name in missing),
    ):
        if missing and remedy:
            present = ", ".join(table.columns)
            raise DataError(f"{source}: column '{missing[0]}' is missing (columns found: {present}). {remedy}")
    if missing == ["order"]:
        raise DataError(
            f"{source}: column 'order' is missing (columns found: {', '.join(table.columns)}), so nothing says which "
            "row a line is about. Add it: the `order` of the row it was made for or, where that table has no such "
            "column, the row's place in it, from 0."
        )
    require_columns(table, names, source)


def _describe_other_kind(columns: set[str], names: Sequence[str]) -> str:
    """A sentence on the kind of table that was given instead of the one asked for; empty where it is not recognised."""
    wanted = set(names) & {"score", "reason", "label"}
    if "score" in wanted and "reason" in columns:
        return (
            "This is a table of reasons: judge it with evaluate text --references TABLE, "
            "or evaluate grounding --run RUN."
        )
    if "reason" in wanted and {"order", "score"} <= columns:
        return "This is a table of predictions: judge it with evaluate ranking."
    if wanted and "label" not in wanted and {"user_id", "item_id"} <= columns and columns & {"rating", "label"}:
        return (
            "This is a table of interactions. What is judged here is what a model said of such rows: a table with "
            f"{' and '.join(names)}; the interactions themselves go to --interactions."
        )
    if "label" in wanted and {"order", "score"} <= columns:
        return "This is a table of predictions: give it first, and the labels with --interactions TABLE or --run RUN."
    return ""


def _suggest_column(table: pl.DataFrame, name: str) -> str:
    """A column that was probably meant by `name`, as a sentence; empty where none suggests itself."""
    lower = {column.lower().strip().replace(" ", "_").replace("-", "_"): column for column in table.columns}
    known = [lower[other] for other in (name, *OTHER_NAMES.get(name, ())) if other in lower]
    similar = get_close_matches(name, list(lower), n=1, cutoff=0.75)
    candidates = known[:1] or [lower[other] for other in similar]
    return f"Did you mean {candidates[0]!r}? Rename it to '{name}'." if candidates else ""
