"""Split rules on the edges of their windows."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from pydantic import TypeAdapter, ValidationError

from thinkrec.data.split import ByColumn, ByDates, ByFractions, ByMonths, Split, assign_split
from thinkrec.errors import DataError


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def frame(times: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {"timestamp": times, "place": range(len(times))}, schema={"timestamp": pl.Int64, "place": pl.Int64}
    )


def dates(**changes: object) -> ByDates:
    values = {"valid_from": "2001-02-01", "test_from": "2001-03-01"} | changes
    return TypeAdapter(ByDates).validate_python(values)


def test_months_have_closed_starts_and_open_ends() -> None:
    rule = ByMonths(start="2001-11", train=2, valid=1, test=2)
    moments = [
        "2001-10-31T23:59:59",
        "2001-11-01",
        "2001-12-31T23:59:59",
        "2002-01-01",
        "2002-02-01",
        "2002-03-31T23:59:59",
    ]
    out = assign_split(frame([at(text) for text in [*moments, "2002-04-01"]]), rule)
    assert out["place"].to_list() == [1, 2, 3, 4, 5]
    assert out["split"].to_list() == ["train", "train", "valid", "test", "test"]


def test_months_default_to_the_papers_window() -> None:
    assert [edge.strftime("%Y-%m-%d") for edge in ByMonths().compute_edges()] == [
        "2001-06-01",
        "2002-04-01",
        "2002-09-01",
        "2003-02-01",
    ]


def test_dates_cut_in_utc_with_an_optional_window() -> None:
    moments = [at("2000-12-31"), at("2001-01-31T23:59:59"), at("2001-02-01"), at("2001-03-01"), at("2001-04-01")]
    out = assign_split(frame(moments), dates())
    assert out["split"].to_list() == ["train", "train", "valid", "test", "test"]
    inside = assign_split(frame(moments), dates(start="2001-01-01", end="2001-04-01"))
    assert inside["place"].to_list() == [1, 2, 3]
    shifted = assign_split(frame([*moments, at("2001-01-31T23:00:00")]), dates(valid_from="2001-02-01T00:00:00+01:00"))
    assert shifted["split"].to_list() == ["train", "valid", "valid", "test", "test", "valid"]


def test_fractions_cut_by_time_whatever_the_order() -> None:
    times = list(range(100, 120))
    out = assign_split(frame(times[::-1]), ByFractions(valid=0.2, test=0.1))
    assert out["split"].to_list() == ["test"] * 2 + ["valid"] * 4 + ["train"] * 14
    # A moment never parts: the tie at the cut goes to the later side as a whole.
    tied = assign_split(frame([1, 2, 3, 4, 5, 6, 7, 7, 7, 9]), ByFractions(valid=0.2, test=0.1))
    assert tied["split"].to_list() == ["train"] * 6 + ["valid"] * 3 + ["test"]


def test_the_column_counts_for_by_column_alone() -> None:
    table = frame(list(range(10))).with_columns(split=pl.Series(["test"] * 4 + ["valid"] * 3 + ["train"] * 3))
    assert assign_split(table, ByColumn()).equals(table)
    assert assign_split(table, ByFractions())["split"].to_list() == ["train"] * 8 + ["valid", "test"]
    with pytest.raises(DataError, match="x: column 'split' is missing"):
        assign_split(frame([1, 2, 3]), ByColumn(), source="x")


@pytest.mark.parametrize(
    "rule", [ByMonths(), dates(), dates(start="2030-01-01", valid_from="2031-01-01", test_from="2032-01-01")]
)
def test_an_empty_split_tells_the_time_range(rule: Split) -> None:
    with pytest.raises(DataError) as caught:
        assign_split(frame([at("1999-01-02"), at("2000-05-06T07:08:09")]), rule, source="shop.csv")
    message = str(caught.value)
    assert message.startswith(f"shop.csv: the split by {rule.by} leaves no rows for ")
    assert "test" in message
    assert "1999-01-02 00:00:00 UTC to 2000-05-06 07:08:09 UTC" in message


def test_empty_splits_in_every_rule() -> None:
    with pytest.raises(DataError, match="no rows for valid, test"):
        assign_split(frame([5, 5, 5]).with_columns(split=pl.lit("train")), ByColumn())
    with pytest.raises(DataError, match="no rows for train"):
        assign_split(frame([5] * 50), ByFractions())
    with pytest.raises(DataError, match="no rows for valid, test"):
        assign_split(frame([1, 2, 3]), ByFractions(valid=0.01, test=0.01))
    with pytest.raises(DataError, match="no rows"):
        assign_split(frame([]), ByFractions())


def test_milliseconds_are_recognised() -> None:
    with pytest.raises(DataError, match="milliseconds: divide them by 1000"):
        assign_split(frame([at("2001-07-01") * 1000, at("2002-10-01") * 1000]), ByMonths())
    with pytest.raises(DataError, match="beyond the calendar"):
        assign_split(frame([2**61]), ByMonths())


@pytest.mark.parametrize(
    "values",
    [
        {"by": "weeks"},
        {"valid": 0.1},
        {"by": "fractions", "valid": 0.5, "test": 0.5},
        {"by": "fractions", "valid": 0.0},
        {"by": "months", "start": "2001-13"},
        {"by": "months", "start": "June"},
        {"by": "months", "train": 0},
        {"by": "months", "start": "9990-01", "train": 1000},
        {"by": "dates", "valid_from": "2001-03-01", "test_from": "2001-02-01"},
        {"by": "dates", "valid_from": "2001-03-01", "test_from": "2001-04-01", "end": "2001-04-01"},
        {"by": "column", "name": "fold"},
    ],
)
def test_wrong_rules_are_refused(values: dict) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Split).validate_python(values)


@pytest.mark.parametrize(
    "rule", [ByColumn(), ByFractions(), ByMonths(train=3), dates(start="2000-01-01T12:00:00+02:00")]
)
def test_rules_survive_json(rule: Split) -> None:
    adapter = TypeAdapter(Split)
    assert adapter.validate_python(adapter.dump_python(rule, mode="json")) == rule
