"""A group of new users in a trained run: who they are, what is trained for them, and what stays as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.engine import checkpoint
from thinkrec.errors import DataError, RecipeError
from thinkrec.run.data_sources import load_data
from thinkrec.run.new_users import choose_new_users, evaluate_new_users, take_users
from thinkrec.run.recipe import Recipe, parse_recipe

SASREC = {"kind": "sasrec", "dim": 8, "training": {"epochs": 2}}
WORLD = {"kind": "simulator", "seed": 5, "simulator": {"users": 40, "items": 60, "interactions_per_user": [10, 16]}}


def make_recipe(backbone: Path, **changes: Any) -> Recipe:
    values = tiny_recipe(backbone, data=WORLD)
    values["model"] = {**values["model"], "encoder": SASREC, **changes}
    return parse_recipe(values, "tiny")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("new-users")
    recipe = make_recipe(tiny_backbone(place / "backbone"))
    ds = load_data(recipe.data)[0]
    users = choose_new_users(ds, recipe, share=0.4, seed=1)
    run = place / "run"
    return {**evaluate_new_users(recipe, ds, users, run), "ds": ds, "users": users, "run": run, "recipe": recipe}


def test_all_four_states_are_judged_on_the_new_users(measured: dict[str, Any]) -> None:
    assert [row["name"] for row in measured["new"]["rows"]] == ["global", "global updated", "2 experts", "3 experts"]
    assert [row["name"] for row in measured["old"]["rows"]] == ["2 experts", "3 experts"]
    data = measured["ds"].interactions
    test = data.get_split_rows(TEST)
    is_new = np.isin(data.user[test], measured["users"])
    assert (measured["new"]["n_rows"], measured["old"]["n_rows"]) == (is_new.sum(), (~is_new).sum())
    assert 0 < measured["new_users"] == len(measured["users"]) < measured["old_users"]


def test_nothing_of_before_is_changed(measured: dict[str, Any]) -> None:
    run = measured["run"]
    before, joined = (checkpoint.load_recommender(run / stage) for stage in ("experts", "added/joined"))
    single, first = (checkpoint.load_recommender(run / stage) for stage in ("added/expert", "global"))
    assert joined.adapters.config.n_experts == 3
    for k in range(3):
        mine, theirs = joined.adapters.get_peft_tensors(k), before.adapters.get_peft_tensors(k)
        assert all(np.array_equal(mine[name], theirs[name]) for name in theirs), k
    mine, theirs = joined.adapters.get_peft_tensors(3), single.adapters.get_peft_tensors(1)
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
    start, alone = first.adapters.get_peft_tensors(0), single.adapters.get_peft_tensors(0)
    assert all(np.array_equal(start[name], alone[name]) for name in start), "the global adapter is frozen"


def test_the_old_model_never_saw_the_new_users(measured: dict[str, Any]) -> None:
    ds, users = measured["ds"], measured["users"]
    old, new = take_users(ds, users, inside=False), take_users(ds, users, inside=True)
    assert len(old.interactions) + len(new.interactions) == len(ds.interactions)
    assert not np.isin(old.interactions.user, users).any() and np.isin(new.interactions.user, users).all()
    assert old.user_ids == new.user_ids == ds.user_ids
    assert measured["new_train_rows"] == (new.interactions.split == TRAIN).sum()


def test_a_group_of_users_is_the_smallest_of_so_many(measured: dict[str, Any]) -> None:
    ds, recipe = measured["ds"], measured["recipe"]
    users = choose_new_users(ds, recipe, groups=3)
    assert 0 < len(users) <= 40 // 3 and np.array_equal(users, np.unique(users))
    assert np.array_equal(users, choose_new_users(ds, recipe, groups=3))


def test_what_cannot_be_asked_is_refused(measured: dict[str, Any], tmp_path: Path) -> None:
    ds, recipe = measured["ds"], measured["recipe"]
    for wrong in ({}, {"groups": 2, "share": 0.1}):
        with pytest.raises(DataError, match="either --groups N"):
            choose_new_users(ds, recipe, **wrong)
    with pytest.raises(DataError, match="share is 1"):
        choose_new_users(ds, recipe, share=1.0)
    with pytest.raises(DataError, match="--groups is 1"):
        choose_new_users(ds, recipe, groups=1)
    plain = recipe.model_copy(update={"model": recipe.model.model_copy(update={"expert_stage": None})})
    with pytest.raises(RecipeError, match="trains no experts"):
        evaluate_new_users(plain, ds, measured["users"], tmp_path)
