"""What the values print as: counts and names in one line, never their arrays."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec import Dataset, ThinkRec
from thinkrec.run.recipe import parse_recipe
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=20, items=60, interactions_per_user=(6, 12)), 5).dataset


def test_a_data_set_prints_counts() -> None:
    it, rows = DS.interactions, DS.summarise()["rows"]
    parts = f"{rows['train']} train, {rows['valid']} valid, {rows['test']} test"
    assert repr(it) == f"Interactions({rows['all']} rows of 20 users: {parts})"
    liked = f"{it.label.mean():.1%} liked"
    more = f"60 items; {liked}; domain: film, films, viewer"
    assert repr(DS) == f"Dataset({rows['all']} rows of 20 users: {parts}; {more})"
    assert repr(DS.items) == f"Items(60, the first {DS.items.titles[0]!r}; 60 with keywords; texts: description)"
    none = dataclasses.replace(DS.items, ids=[], titles=[], keywords=[], texts=DS.items.texts.select([]))
    assert repr(none) == "Items(0; 0 with keywords)"
    empty = dataclasses.replace(it, **{name: getattr(it, name)[:0] for name in ("user", "label", "split", "order")})
    assert isinstance(DS, Dataset) and "0 rows" in repr(dataclasses.replace(DS, interactions=empty))


def test_a_recommender_prints_its_state(tmp_path: Path) -> None:
    recipe = parse_recipe(tiny_recipe(tiny_backbone(tmp_path / "backbone")), "tiny")
    model = ThinkRec(recipe, progress=False)
    assert repr(model) == f"ThinkRec(recipe {recipe.name!r}, not trained yet, folder 'a temporary one')"
    model = ThinkRec(recipe, folder=tmp_path / "run", progress=False).fit(DS)
    trained = f"trained on 20 users and 60 items, folder {str(tmp_path / 'run')!r})"
    assert repr(model) == f"ThinkRec(recipe {recipe.name!r}, {trained}"
