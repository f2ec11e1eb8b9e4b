"""The example's tables are read without a remark, and its recipe is about them."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from thinkrec.data.dataset import Dataset
from thinkrec.data.split import ByFractions
from thinkrec.errors import DataError
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe_files import load_recipe
from thinkrec.simulate.example_tables import CONFIG, SEED, write_example_tables
from thinkrec.simulate.simulator import simulate_catalogue


def test_the_tables_are_those_of_the_simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings, items, recipe = write_example_tables(tmp_path / "shop")
    monkeypatch.chdir(tmp_path / "shop")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds, _ = load_data(load_recipe(recipe).data)
    world = simulate_catalogue(CONFIG, SEED).dataset
    assert ds.to_frame().drop("split", "order").equals(world.to_frame().drop("split", "order"))
    assert ds.items.titles == world.items.titles and ds.items.keywords == world.items.keywords
    assert (42 in ds.user_ids, 7 in ds.items.ids) == (True, True)  # those that README.md asks about
    again = Dataset.from_tables(ratings, items, threshold=3, split=ByFractions())
    assert again.compute_fingerprint() == ds.compute_fingerprint()


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("mine")
    with pytest.raises(DataError, match=r"already has items.csv; name another folder"):
        write_example_tables(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["items.csv"]
