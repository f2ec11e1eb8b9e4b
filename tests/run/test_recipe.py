"""Recipes: errors name the key as it is written, and what is printed can be read again."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from thinkrec.errors import RecipeError
from thinkrec.run.recipe import dump_recipe, parse_recipe
from thinkrec.run.recipe_files import list_recipes, load_recipe

PLAIN = {"name": "x", "data": {"kind": "simulator"}, "model": {"kind": "mf"}}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"modle": 1}, "modle: unknown key"),
        ({"model": {"kind": "mf", "dimension": 3}}, "model.dimension: unknown key"),
        ({"data": {"kind": "simulator", "simulator": {"users": 0}}}, "data.simulator.users"),
        ({"baselines": {"MF": {"kind": "mf", "dimm": 3}}}, "baselines.MF.dimm: unknown key"),
        ({"model": {"kind": "thinkrec", "encoder": {"kind": "mf", "x": 1}}}, "model.encoder.x: unknown key"),
        ({"model": {"kind": "nothing"}}, "model: "),
        (
            {
                "model": {
                    "kind": "thinkrec",
                    "target_encoding": False,
                    "neighbourhood_residual": False,
                    "score_prior": {"weight": 0.5},
                }
            },
            "score_prior needs",
        ),
        ({"model": {"kind": "thinkrec", "target_encoding": False}}, "neighbourhood_residual needs"),
        ({"model": {"kind": "thinkrec", "vector_stage": None, "score_prior": {"weight": 0.5}}}, "score_prior needs"),
        ({"model": {"kind": "thinkrec", "score_prior": {"weight": -1}}}, "model.score_prior.weight"),
    ],
)
def test_a_wrong_key_is_named(change: dict, key: str) -> None:
    with pytest.raises(RecipeError, match=key):
        parse_recipe({**PLAIN, **change}, "here.yaml")


def test_every_recipe_survives_being_printed() -> None:
    for name in list_recipes():
        recipe = load_recipe(name)
        assert parse_recipe(yaml.safe_load(dump_recipe(recipe)), "again") == recipe


def test_overrides_reach_nested_keys() -> None:
    recipe = load_recipe("demo", ["seed=5", "data.simulator.users=50", "model.prompt.history=3"])
    assert (recipe.seed, recipe.data.simulator.users, recipe.model.prompt.history) == (5, 50, 3)


@pytest.mark.parametrize("override", ["seed", "name.x=1"])
def test_a_wrong_override_is_named(override: str) -> None:
    with pytest.raises(RecipeError, match="override"):
        load_recipe("demo", [override])


def test_a_file_that_is_no_recipe(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("- 1\n- 2")
    with pytest.raises(RecipeError, match="keys and values"):
        load_recipe(path)
    path.write_text("a: [1")
    with pytest.raises(RecipeError, match="not valid YAML"):
        load_recipe(path)
    with pytest.raises(RecipeError, match=r"one of: amazon-book/boosting, .*demo"):
        load_recipe("nowhere")


def test_one_key_of_a_section_that_the_file_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("name: short\ndata: {kind: simulator}\nmodel: {kind: thinkrec}\n")
    changed = load_recipe(path, ["model.encoder.dim=8", "model.expert_stage.lr=0.01", "model.vector_stage.epochs=2"])
    assert changed.model.encoder.kind == "mf" and changed.model.encoder.dim == 8
    assert changed.model.expert_stage.train == ("experts",) and changed.model.expert_stage.lr == 0.01
    assert changed.model.vector_stage.train == ("projector",) and changed.model.vector_stage.epochs == 2
