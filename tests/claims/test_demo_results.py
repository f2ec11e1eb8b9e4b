"""The committed reasons of the demo, read by the independent checker: nothing in them is untrue."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from support.independent_checker import Row, check

from thinkrec.data.dataset import Dataset
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe_files import load_recipe

FOLDER = Path(__file__).resolve().parents[2] / "results" / "demo"


@pytest.fixture(scope="module")
def demo() -> Dataset:
    return load_data(load_recipe("demo").data)[0]


def row_of(ds: Dataset, row: int, length: int) -> Row:
    it, letters = ds.interactions, iter("abcdefghijklmnopqrstuvwxyz")
    past = it.get_history(row, length)
    codes = [*it.item[past].tolist(), int(it.item[row])]
    named = dict(zip(letters, codes, strict=False))
    titles = {letter: re.sub(r"\s*\(\d{4}\)$", "", ds.items.titles[code]) for letter, code in named.items()}
    *rated, target = named
    liked = dict(zip(rated, (bool(y) for y in it.label[past]), strict=True))
    return Row(titles, {letter: ds.items.keywords[code] for letter, code in named.items()}, liked, target)


@pytest.mark.parametrize(("name", "claims"), [("reasons", 1500), ("rules", 1500)])
def test_no_reason_says_something_untrue(demo: Dataset, name: str, claims: int) -> None:
    table = pl.read_parquet(FOLDER / f"{name}.parquet")
    rows = demo.interactions.find_rows(table["order"].to_numpy())
    assert len(rows) > 200 and (rows >= 0).all()
    found = [check(text, row_of(demo, int(row), 10)) for row, text in zip(rows, table["reason"], strict=True)]
    assert [one.untrue for one in found if one.untrue] == []
    assert sum(one.claims for one in found) > claims
    assert sum(bool(one.unknown) for one in found) <= 20, "it can judge nearly all"
