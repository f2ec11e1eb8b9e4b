"""Rows that cannot be used are left out, with counts and the first of them, in place of an error about the first."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import polars as pl

from thinkrec.data.messages import report_dropped
from thinkrec.data.row_problems import collect_problems
from thinkrec.data.row_trace import keep_rows
from thinkrec.errors import DataError, DataWarning


def drop_bad_rows(df: pl.DataFrame, source: str, parse: Callable[[], object]) -> pl.DataFrame:
    """The rows in which `parse` finds nothing wrong.

    `parse` reads every column of `df` and is called once, its warnings unheard: what it parses is not used. Raises
    DataError where no row is left.
    """
    with warnings.catch_warnings(), collect_problems() as problem_list:
        warnings.simplefilter("ignore", DataWarning)
        parse()
    bad = problem_list.mask_rows(df.height)
    for problem in problem_list.problems:
        report_dropped(problem)
    if not bad.any():
        return df
    if bad.all():
        raise DataError(
            f"{source}: no row is left: on_error is drop, and every row has a value that cannot be used "
            f"({problem_list.problems[0].what})."
        )
    keep_rows(source, ~bad)
    return df.filter(~bad)
