"""Numbers as papers print them."""

from __future__ import annotations

import math

import pytest

from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [
        (0.7094, ".709", "+.709"),
        (0.6775, ".678", "+.678"),  # 0.67749999... as a float: half up goes by the written digits
        (0.9996, "1.000", "+1.000"),
        (1.0, "1.000", "+1.000"),
        (-0.012, "-.012", "-.012"),
        (0.0004, ".000", ".000"),
        (-0.0004, ".000", ".000"),
        (0.0, ".000", ".000"),
        (12.3456, "12.346", "+12.346"),
        (math.nan, "n/a", "n/a"),
    ],
)
def test_three_decimals_without_a_leading_zero(value: float, plain: str, signed: str) -> None:
    assert format_number(value) == plain
    assert format_number(value, signed=True) == signed


def test_intervals_stand_in_brackets_where_they_are_known() -> None:
    assert format_interval(0.1, 0.25) == "[.100, .250]"
    assert format_interval(-0.1, 0.25, signed=True) == "[-.100, +.250]"
    assert [format_interval(None, 0.1), format_interval(0.1, None), format_interval(math.nan, 0.1)] == ["", "", ""]


def test_titles_bear_their_k() -> None:
    assert format_metric_titles(5) == {"auc": "AUC", "uauc": "UAUC", "ndcg": "NDCG@5", "map": "MAP@5"}
