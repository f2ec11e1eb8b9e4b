"""The example's tables are read without a remark, and its recipe is about them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.keyword_rules import KeywordRules
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError, DataWarning
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe_files import load_recipe
from thinkrec.simulate.example_tables import CONFIG, SEED, write_example_tables
from thinkrec.simulate.simulator import simulate_catalogue


def test_the_tables_are_those_of_the_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, items, recipe = write_example_tables(tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    with warnings.catch_warnings(record=True) as remarks:
        warnings.simplefilter("always")
        ds, _ = load_data(load_recipe(recipe).data)
    # One keyword stands on one film alone, which the recipe's `keyword_rules` drop.
    assert [str(remark.message) for remark in remarks] == [
        "items.csv: column 'keywords': 1 keyword on one item alone dropped ('poorly received' 1); 200 items share "
        "a keyword with another, before 200 (keyword_rules)."
    ]
    world = simulate_catalogue(CONFIG, SEED).dataset
    words = [tuple(word for word in entry if word != "poorly received") for entry in world.items.keywords]
    assert ds.to_frame().drop("split", "order").equals(world.to_frame().drop("split", "order"))
    assert ds.items.titles == world.items.titles and ds.items.keywords == words
    assert (42 in ds.user_ids, 7 in ds.items.ids) == (True, True)  # those that README.md asks about
    rules = KeywordRules(max_share=1)
    with pytest.warns(DataWarning, match="poorly received"):
        again = Dataset.from_tables(ratings, items, threshold=3, split=ByFractions(), keyword_rules=rules)
    assert again.compute_fingerprint() == ds.compute_fingerprint()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("mine")
    with pytest.raises(DataError, match=r"already has items.csv; name another folder"):
        write_example_tables(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["items.csv"]
