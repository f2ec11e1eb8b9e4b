"""Keywords of a catalogue: spellings joined by case, keywords of nearly all items or of one alone dropped."""

from __future__ import annotations

import warnings
from pathlib import Path

import polars as pl
import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.keyword_rules import KeywordRules, apply_keyword_rules, count_sharing_items
from thinkrec.data.split import ByFractions
from thinkrec.data.table_config import TableData, load_tables
from thinkrec.errors import DataWarning

WORDS = [["Drama", "sea"], ["drama", "Sea"], ["drama", "moss"], ["city"], ["City", "city"], [], ["sea"]]
WORDS += [["a"], ["b"], ["c"]]


def test_the_spelling_of_most_items_is_shown() -> None:
    words, report = apply_keyword_rules(WORDS, KeywordRules(max_share=1, min_items=1))
    assert words[:5] == [("drama", "sea"), ("drama", "sea"), ("drama", "moss"), ("city",), ("city",)]
    assert report.joined == (("drama", ("Drama",)), ("sea", ("Sea",)), ("city", ("City",)))
    assert (report.frequent, report.rare, report.emptied) == ((), (), 0)
    # By spelling, Drama and Sea stand alone; once they are joined, the first two items share them.
    assert report.sharing == (6, 6)
    assert report.distinct == (10, 7)


def test_joining_makes_items_share() -> None:
    assert apply_keyword_rules([["Sea"], ["sea"]], KeywordRules(max_share=1))[1].sharing == (0, 2)
    assert count_sharing_items([["Sea"], ["sea"]]) == 0


def test_frequent_and_single_keywords_are_dropped_and_counted() -> None:
    words, report = apply_keyword_rules(WORDS, KeywordRules(max_share=0.2))
    assert report.frequent == (("drama", 3), ("sea", 3))
    assert report.rare == (("a", 1), ("b", 1), ("c", 1), ("moss", 1))
    assert words == [(), (), (), ("city",), ("city",), (), (), (), (), ()]
    assert report.emptied == 7
    assert (report.n_items, report.with_keywords, report.sharing[1]) == (10, 9, 2)


def test_a_share_is_a_limit_that_may_be_reached() -> None:
    words = [["x"], ["x"], ["x"], *[["y"]] * 4, *[["z"]] * 3]
    assert apply_keyword_rules(words, KeywordRules())[1].frequent == (("y", 4),)


def test_nothing_is_joined_where_it_is_not_asked_for() -> None:
    rules = KeywordRules(join_case=False, max_share=1, min_items=1)
    words, report = apply_keyword_rules(WORDS, rules)
    assert words == [tuple(given) for given in WORDS]
    assert not report.changes_something


def write_shop(folder: Path) -> dict[str, Path]:
    rows = {"user_id": [u for u in range(6) for _ in range(5)], "item_id": [i % 10 for i in range(30)]}
    frame = pl.DataFrame(rows | {"rating": [1 + i % 5 for i in range(30)], "timestamp": list(range(30))})
    frame.write_parquet(folder / "rows.parquet")
    items = {"item_id": list(range(10)), "title": [f"Item {i}" for i in range(10)], "keywords": WORDS}
    pl.DataFrame(items, schema_overrides={"keywords": pl.List(pl.String)}).write_parquet(folder / "items.parquet")
    return {"interactions": folder / "rows.parquet", "items": folder / "items.parquet"}


def test_the_key_of_a_recipe_says_what_it_did(tmp_path: Path) -> None:
    values = {**write_shop(tmp_path), "threshold": 3, "split": {"by": "fractions", "valid": 0.2, "test": 0.2}}
    config = TableData.model_validate({**values, "keyword_rules": {"max_share": 0.25}})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DataWarning)
        ds = load_tables(config)
    assert ds.items.keywords[0] == ()
    assert ds.items.keywords[3] == ("city",)
    text = " ".join(str(entry.message) for entry in caught)
    for part in (
        "3 spellings joined by case ('drama' for 'Drama', 'sea' for 'Sea', 'city' for 'City')",
        "2 keywords on more than 25% of the 10 items dropped ('drama' 3, 'sea' 3)",
        "4 keywords on one item alone dropped ('a' 1, 'b' 1, 'c' 1, 'moss' 1)",
        "2 items share a keyword with another, before 6",
        "7 items have no keyword any more (keyword_rules)",
    ):
        assert part in text
    assert config.dump_given_keys()["keyword_rules"] == {"join_case": True, "max_share": 0.25, "min_items": 2}


def test_without_the_key_keywords_stay(tmp_path: Path) -> None:
    values = {**write_shop(tmp_path), "threshold": 3, "split": {"by": "fractions", "valid": 0.2, "test": 0.2}}
    plain = load_tables(TableData.model_validate(values))
    assert plain.items.keywords == [tuple(given) for given in WORDS]
    paths = write_shop(tmp_path)
    direct = Dataset.from_tables(*paths.values(), threshold=3, split=ByFractions(valid=0.2, test=0.2))
    assert direct.compute_fingerprint() == plain.compute_fingerprint()


def test_a_rule_that_cannot_be_is_refused() -> None:
    for values in ({"max_share": 0}, {"max_share": 1.5}, {"min_items": 0}, {"max_count": 3}):
        with pytest.raises(ValueError, match=r"max_|min_"):
            KeywordRules.model_validate(values)
