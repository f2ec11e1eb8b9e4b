"""Figures of a data set that are counted by hand here, and what is said where one is out of the ordinary."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.inspect.facts import DataFacts, compute_facts, has_words
from thinkrec.data.inspect.findings import list_fact_notes, make_problem
from thinkrec.data.row_problems import Problem

ROWS = {
    "user_id": [1, 1, 1, 2, 2, 3, 3, 1, 4, 4],
    "item_id": ["a", "b", "a", "a", "b", "a", "b", "a", "b", "c"],
    "label": [1, 0, 1, 0, 1, 1, 0, 1, 0, 1],
    "timestamp": [*range(10)],
    "split": ["train"] * 5 + ["valid"] * 2 + ["test"] * 3,
}
ITEMS = {
    "item_id": ["a", "b", "c", "d"],
    "title": ["Oak", "Elm", "Oak", "Yew"],
    "keywords": ["x|y", "X", "", ""],
    "plot": ["a tale of oaks", "the elm and I", None, "one two three"],
    "link": ["http://a b c"] * 4,
}


@pytest.fixture
def facts() -> DataFacts:
    return compute_facts(Dataset.from_tables(ROWS, ITEMS))


def test_figures_are_as_counted_by_hand(facts: DataFacts) -> None:
    assert (facts.rows, facts.users, facts.items, facts.items_with_rows) == (10, 4, 4, 3)
    # Pairs: 1a 1b 2a 2b 3a 3b 4b 4c, of which 1a stands in three rows.
    assert facts.repeated_pairs == 2 and facts.density == 8 / 12
    assert facts.rows_per_user == (2, 2.0, 4) and facts.rows_per_item == (1, 4.0, 5)
    assert facts.split_rows == {"train": 5, "valid": 2, "test": 3} and facts.like_rates["train"] == 0.6
    # Test rows: user 1 and item a, known; user 4, unknown, with item b, known, and c, unknown.
    assert facts.cold_test == {"user": 2 / 3, "item": 1 / 3, "either": 2 / 3}
    # User 1 has one like there, user 4 a like and a dislike; one dislike is as one-sided.
    assert facts.one_sided_test_users == 0.5 and facts.train_users == 2
    disliked = ROWS | {"label": [*ROWS["label"][:7], 0, *ROWS["label"][8:]]}
    assert compute_facts(Dataset.from_tables(disliked, ITEMS)).one_sided_test_users == 0.5
    assert facts.with_keywords == 0.5 and facts.shared_keywords == 0.5 and facts.repeated_titles == 2
    assert facts.text_columns == ("plot",) and not has_words(pl.Series(["two words"] * 3))


QUIET: dict[str, Any] = {
    "cold_test": {"user": 0.1, "item": 0.1, "either": 0.2},
    "like_rates": {"train": 0.5, "valid": 0.52, "test": 0.45},
    "one_sided_test_users": 0.3,
    "rows_per_user": (2, 7.0, 9),
    "with_keywords": 0.9,
    "repeated_titles": 0,
}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        (
            "cold_test",
            {"user": 0.1, "item": 0.3, "either": 0.35},
            "35% of the test rows have a user or an item without",
        ),
        (
            "like_rates",
            {"train": 0.5, "valid": 0.4, "test": 0.66},
            "(train 50%, valid 40%, test 66%): scores will be off",
        ),
        ("one_sided_test_users", 0.6, "60% of the test's users have likes or dislikes alone there"),
        ("rows_per_user", (1, 4.0, 9), "half of the users have 4 rows or fewer"),
        ("with_keywords", 0.4, "40% of the items have keywords; reasons name no others."),
        ("with_keywords", 0.0, "can name none; `thinkrec keywords ITEMS --columns plot` finds some in texts."),
        ("repeated_titles", 3, "3 items have a title that another item has too"),
    ],
)
def test_each_figure_out_of_the_ordinary_is_one_note(key: str, value: Any, words: str, facts: DataFacts) -> None:
    quiet = replace(facts, **QUIET)
    assert list_fact_notes(quiet) == []
    (note,) = list_fact_notes(replace(quiet, **{key: value}))
    assert words in note.text and note.severity == "note"


def test_problems_name_what_settles_them() -> None:
    unknown = Problem("t", "item_id", 2, (3, 4), "column 'item_id' names items that i does not have (line 3)", "Add.")
    wrong = Problem("t", None, 1, (7,), "line 7 has 2 fields", "Correct it.", "line", "line")
    first, second = make_problem(unknown), make_problem(wrong)
    assert first.text == "t: 2 rows: column 'item_id' names items that i does not have (line 3). Add."
    assert (first.settled_by, second.settled_by) == ("unknown_items: drop", "on_error: drop")
    assert second.text == "t: 1 line: line 7 has 2 fields. Correct it." and second.numbered == "line"
    assert second.to_json()["rows"] == [7]
