"""A study's folder: what it names, in which order, and what is refused before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.tiny_study import MF, write_recipe, write_study

from thinkrec.errors import RecipeError
from thinkrec.run.recipe_files import is_recipe_file, list_recipe_folders, list_recipes
from thinkrec.study.config import StudyConfig, StudyRecipe
from thinkrec.study.study_files import Study, find_study_folder, make_slug, read_study


def test_a_folder_of_recipes_alone_is_a_study(tmp_path: Path) -> None:
    for name, seed in (("b", 0), ("a", 7)):
        write_recipe(tmp_path / "mine", name, seed=seed)
    (tmp_path / "mine" / "a.space.yaml").write_text("not: a recipe\n")
    study = read_study(tmp_path / "mine")
    assert (study.title, study.list_rows(), study.list_pairs()) == ("mine", ["a", "b"], [("b", "a")])
    assert [entry.seeds for entry in study.entries] == [(7,), (0,)], "each recipe's own"


def test_names_patterns_seeds_and_overrides(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_recipe(folder, "x1", label="X one")
    write_recipe(folder, "x2")
    write_study(
        folder,
        seeds=[3, 4],
        overrides=["model.dim=6"],
        recipes=["x*", {"recipe": "ml1m/mf", "name": "MF", "seeds": [0], "overrides": ["model.dim=7"]}],
        against=["MF", "x2"],
        pairs=[["X one", "item mean"]],
    )
    study = read_study(folder)
    assert study.list_rows() == ["X one", "x2", "MF"]
    assert [entry.recipe.model.dim for entry in study.entries] == [6, 6, 7]
    assert [entry.seeds for entry in study.entries] == [(3, 4), (3, 4), (0,)]
    assert study.list_pairs() == [("X one", "MF"), ("X one", "x2"), ("x2", "MF"), ("X one", "item mean")]


def test_patterns_reach_the_shipped_recipes(tmp_path: Path) -> None:
    write_study(tmp_path / "mine", recipes=["ml1m/*sasrec"])
    assert read_study(tmp_path / "mine").list_rows() == ["ml1m/gsasrec", "ml1m/sasrec"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"recipes": ["nothing"]}, "there is no recipe 'nothing'"),
        ({"recipes": ["no*"]}, "no recipe is called like 'no*'"),
        ({"recipes": ["a", "a"]}, "two rows of the study would be called 'a'"),
        ({"recipes": ["a", {"recipe": "b", "name": "a"}]}, "two rows of the study would be called 'a'"),
        ({"recipes": ["a", {"recipe": "b", "name": "A"}]}, "would share the folder a"),
        ({"recipes": [{"recipe": "a", "name": "item mean"}]}, "a row that every table has"),
        ({"recipes": [{"recipe": "*", "name": "all"}]}, "names 2 recipes"),
        ({"recipes": [{"recipe": "a", "row": "trees"}]}, "has no row 'trees'; it has: item mean"),
        ({"averages": {"a": ["a"]}}, "'a' is the name of another row"),
        ({"averages": {"mean": ["item mean"]}}, "averages: there is no row 'item mean'; the rows are: a"),
        ({"recipes": [{"recipe": "a", "further_rows": {"item mean": "a"}}]}, "two rows of the recipe 'a'"),
        ({"recepies": ["a"]}, "recepies: unknown key"),
        ({"seeds": []}, "seeds"),
        ({"seeds": [-1]}, "seeds"),
        ({"overrides": ["model.dimm=3"]}, "model.dimm: unknown key"),
        ({"published": {"c": ["thinkrec-table-2/ml1m/MF"]}}, "published: there is no row 'c'"),
        ({"published": {"a": ["thinkrec-table-2/ml1m/FM"]}}, "such as: thinkrec-table-2/ml1m/MF"),
        ({"published": {"a": ["thinkrec-table-3/ml1m/CoLLM"]}}, "texts alone"),
        ({"against": ["c"]}, "against: there is no row 'c'"),
        ({"pairs": [["a", "a"]]}, "compared with itself"),
        ({"pairs": [["a", "item mean"]], "non_personalised": False}, "pairs: there is no row 'item mean'"),
        ({"figures": [{"title": "f", "x": "x", "points": {1: "c"}}]}, "figures: there is no row 'c'"),
        ({"metrics": ["auk"]}, "no metric 'auk'"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(tmp_path: Path, content: dict, message: str) -> None:
    for name in ("a", "b"):
        write_recipe(tmp_path / "mine", name)
    write_study(tmp_path / "mine", **content)
    with pytest.raises(RecipeError) as error:
        read_study(tmp_path / "mine")
    assert message in str(error.value)


def test_two_recipes_with_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    first = write_recipe(tmp_path / "mine", "a")
    second = first.with_name("z.yaml")
    second.write_text(first.read_text())
    with pytest.raises(RecipeError, match="'a'") as error:
        read_study(tmp_path / "mine")
    assert str(first) in str(error.value) and str(second) in str(error.value)


def test_an_empty_folder_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RecipeError, match="holds no recipe"):
        read_study(tmp_path / "empty")
    with pytest.raises(RecipeError, match="there is no study 'nowhere'"):
        find_study_folder("nowhere")
    (tmp_path / "empty" / "study.yaml").write_text("- a\n")
    with pytest.raises(RecipeError, match="must hold keys and values"):
        read_study(tmp_path / "empty")


def test_shipped_studies_can_be_read_and_are_no_recipes() -> None:
    studies = [path for folder in list_recipe_folders() for path in folder.glob("studies/*/study.yaml")]
    assert studies and not any(is_recipe_file(path) for path in studies)
    assert not any(name.endswith(("study", ".space")) for name in list_recipes())
    for path in studies:
        study = read_study(find_study_folder(path.parent.name))
        assert len(study.list_rows()) > 1 and study.list_pairs()
        launch = f"thinkrec study {path.parent.name}"
        assert launch in path.read_text(encoding="utf-8").splitlines()[1], f"line 2 of {path} should say `{launch}`"


def test_a_recipe_may_be_given_by_its_name_alone() -> None:
    config = StudyConfig.model_validate({"recipes": ["demo", {"recipe": "demo", "name": "two"}]})
    assert config.recipes == (StudyRecipe(recipe="demo"), StudyRecipe(recipe="demo", name="two"))
    assert MF["kind"] == "mf" and make_slug("(*)") == "row"


def test_shipped_studies_of_one_setting_change_that_setting() -> None:
    def read(name: str) -> Study:
        return read_study(find_study_folder(name))

    experts = [entry.recipe.model for entry in read("ml1m-experts").entries]
    assert [model.groups.n_groups if model.expert_stage else 0 for model in experts] == [0, 1, 2, 3, 4, 5, 6]
    assert [entry.recipe.model.encoder.kind for entry in read("ml1m-groupings").entries] == ["mf", "lightgcn", "sasrec"]
    strides = [entry.recipe.model.global_stage.subsample_stride for entry in read("ml1m-train-rows").entries]
    assert strides == [80, 40, 20, 10]
    for name in ("ml1m-experts", "ml1m-train-rows"):
        study = read(name)
        assert {row for figure in study.config.figures for row in figure.points.values()} == set(study.list_rows())
