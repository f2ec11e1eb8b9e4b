"""Rules that say which rows are for training, validation and test: by a column, by time, per user, or drawn."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
import polars as pl
from pydantic import AfterValidator, Field, model_validator

from thinkrec.data.interactions import SPLITS
from thinkrec.data.messages import emit_warning
from thinkrec.errors import DataError
from thinkrec.io.config import Config
from thinkrec.io.counts import format_count


def _to_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _check_month(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", text) or text.startswith("0000"):
        raise ValueError(f"'{text}' is not a month; write YYYY-MM")
    return text


Moment = Annotated[datetime, AfterValidator(_to_utc)]
"""A date or time; UTC unless it names a zone."""


class ByColumn(Config):
    """The table says it itself, in a column `split` with train, valid and test."""

    by: Literal["column"] = "column"
    """Which rule this is."""


class ByDates(Config):
    """Cut at two dates; timestamps are seconds since 1970, UTC."""

    by: Literal["dates"] = "dates"
    """Which rule this is."""
    valid_from: Moment
    """First moment of the validation rows."""
    test_from: Moment | None
    """First moment of the test rows. null: the rows from valid_from on are cut in half in the order of their time,
    those of one moment in the order of the table."""
    start: Moment | None = None
    """Rows before this moment are dropped; null keeps all."""
    end: Moment | None = None
    """Rows at or after this moment are dropped; null keeps all."""

    @model_validator(mode="after")
    def _check_order(self) -> ByDates:
        times = [time for time in (self.start, self.valid_from, self.test_from, self.end) if time is not None]
        if any(a >= b for a, b in pairwise(times)):
            raise ValueError("start, valid_from, test_from and end must follow each other in time")
        return self


class ByMonths(Config):
    """Whole calendar months in UTC; rows outside them are dropped. The defaults are the ThinkRec paper's for ML-1M."""

    by: Literal["months"] = "months"
    """Which rule this is."""
    start: Annotated[str, AfterValidator(_check_month)] = "2001-06"
    """First training month, YYYY-MM."""
    train: int = Field(default=10, ge=1)
    """Number of training months."""
    valid: int = Field(default=5, ge=1)
    """Number of validation months."""
    test: int = Field(default=5, ge=1)
    """Number of test months."""

    @model_validator(mode="after")
    def _check_edges(self) -> ByMonths:
        self.compute_edges()
        return self

    def compute_edges(self) -> tuple[datetime, datetime, datetime, datetime]:
        """Start of train, of valid, of test, and the end, in UTC."""
        year, month = (int(part) for part in self.start.split("-"))
        first = year * 12 + month - 1
        counts = (0, self.train, self.train + self.valid, self.train + self.valid + self.test)
        months = [divmod(first + count, 12) for count in counts]
        a, b, c, d = (datetime(year, month + 1, 1, tzinfo=UTC) for year, month in months)
        return a, b, c, d


class ByFractions(Config):
    """Cut at global time quantiles. Rows of one moment never part, so the shares are exact only up to ties."""

    by: Literal["fractions"] = "fractions"
    """Which rule this is."""
    valid: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows, just before the test rows, for validation."""
    test: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows, the last in time, for test."""

    @model_validator(mode="after")
    def _check_training_share(self) -> ByFractions:
        if self.valid + self.test >= 1:
            raise ValueError("valid + test must stay below 1, so that training rows remain")
        return self


class ByLast(Config):
    """Per user: the last rows in time are for test, those before for validation. With 1 and 1: leave-one-out."""

    by: Literal["last"] = "last"
    """Which rule this is."""
    valid: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = 1
    """Rows of each user before the test rows for validation: a number, or a share below 1."""
    test: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] = 1
    """Last rows of each user for test: a number, or a share below 1."""


class ByRandom(Config):
    """Rows are drawn by seed, whatever their time; the table needs no times."""

    by: Literal["random"] = "random"
    """Which rule this is."""
    valid: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows for validation."""
    test: float = Field(default=0.1, gt=0, lt=1)
    """Share of the rows for test."""
    seed: int = Field(default=0, ge=0)
    """Seed of the draw."""
    per_user: bool = False
    """Draw the shares among the rows of each user, not among all."""

    @model_validator(mode="after")
    def _check_training_share(self) -> ByRandom:
        if self.valid + self.test >= 1:
            raise ValueError("valid + test must stay below 1, so that training rows remain")
        return self


SPLIT_TYPE = pl.Enum(SPLITS)
"""A split takes one byte a row."""

Split = Annotated[ByColumn | ByDates | ByMonths | ByFractions | ByLast | ByRandom, Field(discriminator="by")]
"""Any of the rules; in a recipe `by` says which."""


def assign_split(frame: pl.DataFrame, split: Split, *, source: str = "interactions") -> pl.DataFrame:
    """Canonical interactions with a column `split` (Enum), in their order, without rows outside the rule's window.

    A column `split` that the frame already had counts for `ByColumn` alone; other rules replace it.

    Raises:
        DataError: if `ByColumn` finds no column, or if one of the three splits would have no rows.
    """
    match split:
        case ByColumn():
            if "split" not in frame.columns:
                raise DataError(
                    f"{source}: column 'split' is missing. Add it, or choose a split by dates, months or fractions."
                )
            out = frame.with_columns(pl.col("split").cast(SPLIT_TYPE))
        case ByDates():
            out = _split_by_dates(frame, split)
        case ByMonths():
            _, valid_from, test_from, _ = split.compute_edges()
            out = _label_splits(keep_window(frame, split), _to_seconds(valid_from), _to_seconds(test_from))
        case ByFractions():
            times, n = frame["timestamp"].sort(), frame.height
            last = round(n * split.test)
            before = round(n * (split.valid + split.test))
            # With so few rows that a share rounds to none, cutting after the last moment leaves that split empty.
            after = int(times[-1]) + 1 if n else 0
            out = _label_splits(
                frame, int(times[n - before]) if before else after, int(times[n - last]) if last else after
            )
        case ByLast():
            out = split_last_rows(frame, split, source)
        case ByRandom():
            out = split_at_random(frame, split, source)
        case _:
            raise DataError(
                f"{source}: split is {split!r}, no rule; give ByColumn(), ByDates(...), ByMonths(...), "
                "ByFractions(...), ByLast(...) or ByRandom(...)."
            )
    present = set(out["split"].unique().to_list())
    empty = [name for name in SPLITS if name not in present]
    if empty:
        raise DataError(
            f"{source}: the split by {split.by} leaves no rows for {', '.join(empty)}. {_describe_time_range(frame)} "
            "Choose a split that cuts inside this range."
        )
    return out


def keep_window(frame: pl.DataFrame, split: Split) -> pl.DataFrame:
    """The rows inside the rule's window; all of them for rules without one."""
    start: datetime | None = None
    end: datetime | None = None
    if isinstance(split, ByDates):
        start, end = split.start, split.end
    elif isinstance(split, ByMonths):
        start, _, _, end = split.compute_edges()
    time = pl.col("timestamp")
    if start is not None:
        frame = frame.filter(time >= _to_seconds(start))
    return frame if end is None else frame.filter(time < _to_seconds(end))


def _split_by_dates(frame: pl.DataFrame, split: ByDates) -> pl.DataFrame:
    if split.test_from is not None:
        return _label_splits(keep_window(frame, split), _to_seconds(split.valid_from), _to_seconds(split.test_from))
    inside = keep_window(frame, split).with_row_index("row").sort("timestamp", "order")
    n_train = int((inside["timestamp"] < _to_seconds(split.valid_from)).sum())
    n_valid = (len(inside) - n_train + 1) // 2
    names = ["train"] * n_train + ["valid"] * n_valid + ["test"] * (len(inside) - n_train - n_valid)
    return inside.with_columns(pl.Series("split", names, dtype=SPLIT_TYPE)).sort("row").drop("row")


def split_last_rows(frame: pl.DataFrame, split: ByLast, source: str) -> pl.DataFrame:
    """The last rows of each user in (time, order) for test, those before for validation.

    Users with too few rows to keep one for training have all of theirs there, and are counted.
    """
    ranked = frame.with_row_index("row").sort("user_id", "timestamp", "order")
    ranked = ranked.with_columns(
        pl.len().over("user_id").alias("n"), pl.int_range(pl.len()).reverse().over("user_id").alias("back")
    )
    test, valid = (_count_rows(size) for size in (split.test, split.valid))
    short = ranked.filter(test + valid >= pl.col("n"))["user_id"].n_unique()
    out = _label_from_end(ranked, test, valid)
    if short:
        emit_warning(
            f"{source}: {format_count(short, 'user has', 'users have')} too few rows for the split by last; all of "
            "these are for training."
        )
    _warn_later_training(out, split.by, source)
    return out


def split_at_random(frame: pl.DataFrame, split: ByRandom, source: str) -> pl.DataFrame:
    """Rows drawn by seed in their order in the table, over all users or per user; shares are rounded."""
    draw = np.random.default_rng(split.seed).permutation(frame.height)
    ranked = frame.with_row_index("row").with_columns(pl.Series("draw", draw))
    if split.per_user:
        ranked = ranked.sort("user_id", "draw").with_columns(
            pl.len().over("user_id").alias("n"), pl.int_range(pl.len()).reverse().over("user_id").alias("back")
        )
        test, valid = _count_rows(split.test), _count_rows(split.valid)
        short = ranked.filter(test + valid >= pl.col("n"))["user_id"].n_unique()
        if short:
            emit_warning(
                f"{source}: {format_count(short, 'user has', 'users have')} too few rows for the split by random; all "
                "of these are for training."
            )
    else:
        ranked = ranked.with_columns(pl.lit(frame.height).alias("n"), pl.col("draw").alias("back"))
        test, valid = (pl.lit(round(share * frame.height)) for share in (split.test, split.valid))
    out = _label_from_end(ranked, test, valid)
    _warn_later_training(out, split.by, source)
    return out


def _count_rows(size: float) -> pl.Expr:
    """Rows of each user: a number, or a share of `n`, at least one."""
    return pl.lit(size) if size >= 1 else (pl.col("n") * size).round().cast(pl.Int64).clip(lower_bound=1)


def _label_from_end(ranked: pl.DataFrame, test: pl.Expr, valid: pl.Expr) -> pl.DataFrame:
    is_short, back = test + valid >= pl.col("n"), pl.col("back")
    train, middle, last = (pl.lit(name, dtype=SPLIT_TYPE) for name in SPLITS)
    name = pl.when(is_short).then(train).when(back < test).then(last)
    name = name.when(back < test + valid).then(middle).otherwise(train)
    return ranked.with_columns(name.alias("split")).sort("row").drop("row", "n", "back", "draw", strict=False)


def _warn_later_training(out: pl.DataFrame, rule: str, source: str) -> None:
    """Say how much of the training comes after the first test row: what is learned from all users knows that time."""
    first = out.filter(pl.col("split") == "test")["timestamp"].min()
    train = out.filter(pl.col("split") == "train")["timestamp"]
    if first is None or out["timestamp"].n_unique() == 1:
        return
    later = int((train > first).sum())
    if later:
        emit_warning(
            f"{source}: the split by {rule} is no split in time: {later / len(train):.0%} of the train rows come "
            "after the first test row. No test label is used, but item means, vectors and everything else that is "
            "learned from all users know what came later, and results are higher than they would be in use. A split by "
            "dates, months or fractions has no such knowledge."
        )


def _label_splits(frame: pl.DataFrame, valid_from: float, test_from: float) -> pl.DataFrame:
    time = pl.col("timestamp")
    train, valid, test = (pl.lit(name, dtype=SPLIT_TYPE) for name in SPLITS)
    split = pl.when(time >= test_from).then(test).when(time >= valid_from).then(valid).otherwise(train)
    return frame.with_columns(split.alias("split"))


def _to_seconds(time: datetime) -> float:
    return time.timestamp()


def _describe_time_range(frame: pl.DataFrame) -> str:
    if not frame.height:
        return "The table has no rows."
    first, last = int(frame["timestamp"].min()), int(frame["timestamp"].max())  # pyright: ignore[reportArgumentType]
    text = (
        f"The data run from {_format_time(first)} to {_format_time(last)} (timestamps {first} to {last}, "
        f"{format_count(frame.height, 'row')})."
    )
    # Seconds reach this number in the year 5138, milliseconds reached it in 1973.
    return text + " These look like milliseconds: divide them by 1000." if last > 10**11 else text


def _format_time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return "beyond the calendar"
