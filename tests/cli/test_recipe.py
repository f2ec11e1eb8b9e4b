"""`thinkrec recipe`: what is printed can be read again, and every key is explained."""

from __future__ import annotations

from pathlib import Path

import yaml
from support.command_line import call, refused

from thinkrec.run import recipe_sections
from thinkrec.run.recipe import Recipe
from thinkrec.run.recipe_files import list_recipes


def test_recipe_prints_what_it_reads(tmp_path: Path) -> None:
    assert call("recipe", "--list").stdout.split() == list_recipes()
    printed = call("recipe", "demo", "-o", "seed=5").stdout
    (tmp_path / "mine.yaml").write_text(printed)
    assert yaml.safe_load(printed)["seed"] == 5
    assert call("recipe", tmp_path / "mine.yaml").stdout == printed
    assert "name a recipe" in refused("recipe")


def test_every_key_is_explained() -> None:
    found = recipe_sections.list_recipe_sections()
    top = found[0]
    assert [key.name for key in top.keys] == list(Recipe.model_fields)
    places = {place for section in found for place in section.places}
    assert {"data", "data.simulator", "data.split", "model.encoder.training", "baselines.NAME", "evaluation"} <= places
    choices = ("kind", "by")
    mute = [(s.places[0], k.name) for s in found for k in s.keys if not k.text and k.name not in choices]
    assert not mute
    k = next(key for section in found if section.places == ("evaluation",) for key in section.keys)
    assert (k.name, k.type, k.default) == ("k", "int, >= 1", "5")
    printed = call("recipe", "--keys").stdout
    assert "Cut-off of NDCG and MAP." in printed
