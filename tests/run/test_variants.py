"""The table of variants is the only place that knows them: what each is called, starts from and needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.tiny_run import tiny_backbone, tiny_recipe
from support.variants import get_variant
from typer.testing import CliRunner

import thinkrec
from thinkrec.cli import app
from thinkrec.errors import DataError, RecipeError
from thinkrec.evaluate.results import read_metrics
from thinkrec.run import results
from thinkrec.run.layout import find_stale_stages, list_required_stages, map_rows_to_stages
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe import Recipe, parse_recipe
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.stage import StageRunner
from thinkrec.run.variants import (
    VARIANTS,
    collect_needs,
    collect_recipe_needs,
    find_parent,
    find_variant,
    list_variants,
    map_rows_to_variants,
)

SOURCES = Path(__file__).resolve().parents[2] / "src" / "thinkrec"
TEXT_ALONE = {"expert_stage": None, "vector_stage": None}


def make_recipe(backbone: Path = Path("lm"), label: str | None = None, **model: Any) -> Recipe:
    content = tiny_recipe(backbone, baselines={})
    content["model"] |= model
    return parse_recipe({**content, "label": label}, "tiny")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_backbone(tmp_path_factory.mktemp("lm"))


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapping[str, Any]]:
    """Stage -> its inputs, in the order of their work, which is not done."""
    inputs: dict[str, Mapping[str, Any]] = {}
    run = StageRunner.run

    def record(self: StageRunner, name: str, made_from: Any, work: Callable, *more: Any, **options: Any) -> str:
        inputs[name] = made_from
        return run(self, name, made_from, lambda folder: {}, *more, **options)

    monkeypatch.setattr(StageRunner, "run", record)
    return inputs


def test_the_table_is_in_order() -> None:
    for field in ("key", "label", "stage", "scores", "config"):
        assert len({getattr(variant, field) for variant in VARIANTS}) == len(VARIANTS), field
    keys = [variant.key for variant in VARIANTS]
    for position, variant in enumerate(VARIANTS):
        assert set(variant.parents) <= set(keys[:position]), "a parent is trained before its child"
        assert get_variant(variant.key) is variant


def test_no_other_module_lists_variants() -> None:
    """Neither their labels, nor which stage is whose, nor a list of their keys."""
    listing = re.compile(
        r'"ThinkRec (global|experts|full)"|"(global|experts|full)": ?["{A-Z]|"scores/(global|experts|full)"'
    )
    # Parts that train, in the engine, bear the names of adapters.
    paths = [path for path in SOURCES.rglob("*.py") if path.parent.name != "engine"]
    assert [path.name for path in paths if listing.search(path.read_text(encoding="utf-8"))] == ["variants.py"]


@pytest.mark.parametrize(
    ("left_out", "variants", "parents", "needs"),
    [
        ({}, ["global", "experts", "full"], [None, "global", "experts"], {"encoder", "groups", "slots"}),
        ({"expert_stage": None}, ["global", "full"], [None, "global"], {"encoder", "slots"}),
        ({"vector_stage": None}, ["global", "experts"], [None, "global"], {"encoder", "groups"}),
        ({"expert_stage": None, "embeddings": False}, ["global", "full"], [None, "global"], {"slots"}),
        (
            {"embeddings": False},
            ["global", "experts", "full"],
            [None, "global", "experts"],
            {"encoder", "groups", "slots"},
        ),
        (TEXT_ALONE, ["global"], [None], set()),
    ],
)
def test_each_recipe_has_its_variants_parents_and_needs(
    left_out: dict[str, Any], variants: list[str], parents: list[str | None], needs: set[str]
) -> None:
    recipe = make_recipe(**left_out)
    assert recipe.model.kind == "thinkrec"
    trained = list_variants(recipe.model)
    assert [variant.key for variant in trained] == variants
    origins = [find_parent(variant, recipe.model) for variant in trained]
    assert [origin and origin.key for origin in origins] == parents
    assert collect_needs(trained[0], recipe.model) == set()
    assert collect_recipe_needs(recipe) == needs == collect_needs(find_variant(recipe), recipe.model)


def test_a_scorer_has_no_variants() -> None:
    recipe = load_recipe("ml1m/mf")
    assert map_rows_to_variants(recipe) == {} and collect_recipe_needs(recipe) == set()
    with pytest.raises(DataError, match="no language model"):
        find_variant(recipe)


def test_the_walk_fits_what_is_needed_just_before_it_is(
    backbone: Path, tmp_path: Path, stages: dict[str, Mapping[str, Any]]
) -> None:
    keys = Run(make_recipe(backbone), tmp_path / "run").train_variants()
    assert list(stages) == ["global", "scorers/encoder", "groups", "experts", "vectors"]
    text = {"data", "seed", "backbone", "prompt", "adapters", "score", "reasons", "sample", "config"}
    assert set(stages["global"]) == text
    assert set(stages["experts"]) == text | {"groups", "gate", "global"}
    assert set(stages["vectors"]) == text | {"groups", "gate", "experts"}
    assert set(stages["groups"]) == {
        "data",
        "seed",
        "encoder",
        "groups",
        "target_encoding",
        "neighbourhood_residual",
        "embeddings",
    }
    assert [variant.stage for variant in keys] == ["global", "experts", "vectors"]
    assert stages["vectors"]["experts"] == keys[get_variant("experts")]


def test_text_alone_fits_no_encoder_and_no_groups(
    backbone: Path, tmp_path: Path, stages: dict[str, Mapping[str, Any]]
) -> None:
    recipe = make_recipe(backbone, **TEXT_ALONE)
    run = Run(recipe, tmp_path / "run")
    run.train_variants()
    assert list(stages) == ["global"]
    assert list_required_stages(recipe) == ("global",)
    # An older version fitted both: they go at the next start.
    for stage in ("groups", "scorers/encoder", "vectors"):
        (run.folder / stage).mkdir(parents=True)
    stale = {path.relative_to(run.folder).as_posix() for path in find_stale_stages(recipe, run.folder)}
    assert stale == {"groups", "scorers/encoder", "vectors"}
    assert find_stale_stages(make_recipe(backbone), run.folder) == []


NUMBERS_ALONE = {"expert_stage": None, "embeddings": False}
"""Slot vectors of target encodings alone, as in ml1m/thinkrec-nano."""


def test_vectors_of_statistics_alone_fit_neither_encoder_nor_groups(
    backbone: Path, tmp_path: Path, stages: dict[str, Mapping[str, Any]]
) -> None:
    recipe = make_recipe(backbone, **NUMBERS_ALONE)
    Run(recipe, tmp_path / "run").train_variants()
    assert list(stages) == ["global", "groups", "vectors"]
    statistics = {"target_encoding", "neighbourhood_residual", "embeddings"}
    assert set(stages["groups"]) == {"data", "seed"} | statistics
    assert stages["vectors"].keys() - stages["global"].keys() == {"groups", "global"}, "no gate: nothing is mixed"
    assert list_required_stages(recipe) == ("groups", "vectors")
    with_vectors = make_recipe(backbone, expert_stage=None)
    Run(with_vectors, tmp_path / "other").train_variants()
    assert set(stages["groups"]) == {"data", "seed", "encoder"} | statistics, "vectors without groups"


def test_experts_without_vectors_fit_no_statistics(
    backbone: Path, tmp_path: Path, stages: dict[str, Mapping[str, Any]]
) -> None:
    Run(make_recipe(backbone, vector_stage=None), tmp_path / "run").train_variants()
    assert set(stages["groups"]) == {"data", "seed", "encoder", "groups"}


def test_a_run_of_statistics_alone_holds_nothing_else_and_answers(backbone: Path, tmp_path: Path) -> None:
    recipe, folder = make_recipe(backbone, label="Mine", **NUMBERS_ALONE), tmp_path / "run"
    Run(recipe, folder).run_all_stages(results.finish_run)
    assert (folder / "groups" / "slots.safetensors").is_file()
    assert not (folder / "groups" / "groups.safetensors").exists() and not (folder / "scorers" / "encoder").exists()
    model = thinkrec.load(folder)
    before = model.rank(3, top=3)
    model.save(tmp_path / "saved")
    assert thinkrec.load(tmp_path / "saved").rank(3, top=3) == before


def test_stages_of_an_older_version_that_fitted_more_still_count(
    backbone: Path, tmp_path: Path, stages: dict[str, Mapping[str, Any]]
) -> None:
    """Until then the encoder and groups were fitted for every recipe with vectors, and stood in the inputs."""
    recipe, folder = make_recipe(backbone, **NUMBERS_ALONE), tmp_path / "run"
    Run(recipe, folder).train_variants()
    keys = {}
    for stage, more in (
        ("groups", {"encoder": "0" * 16, "groups": {"n_groups": 2}}),
        ("vectors", {"gate": {"tau": 1}}),
    ):
        path = folder / stage / "done.json"
        done = json.loads(path.read_text(encoding="utf-8"))
        done["inputs"] |= more
        path.write_text(json.dumps(done), encoding="utf-8")
        keys[stage] = done["key"]
    again = Run(recipe, folder).train_variants()
    assert again[get_variant("full")] == keys["vectors"]
    assert "tau" in (folder / "vectors" / "done.json").read_text(encoding="utf-8"), "it was not made again"
    # With experts all of it counts.
    Run(make_recipe(backbone, embeddings=False), folder).train_variants()
    assert "tau" not in (folder / "vectors" / "done.json").read_text(encoding="utf-8").replace('"tau": 0.1', "")


def test_more_groups_than_users_matter_only_where_groups_are_made(backbone: Path, tmp_path: Path) -> None:
    from thinkrec.run.preflight import check_data

    many = {"groups": {"n_groups": 31}}
    with pytest.raises(DataError, match="cannot make 31 groups"):
        run = Run(make_recipe(backbone, **many), tmp_path)
        check_data(run.recipe, run.ds)
    check_data(make_recipe(backbone, **many, **TEXT_ALONE), run.ds)
    check_data(make_recipe(backbone, **many, expert_stage=None), run.ds)


def test_the_last_row_bears_the_recipes_label() -> None:
    rows = ["ThinkRec global", "ThinkRec experts", "ThinkRec full"]
    assert list(map_rows_to_variants(make_recipe())) == rows
    assert list(map_rows_to_variants(make_recipe(label="Mine"))) == ["Mine global", "Mine experts", "Mine"]
    assert list(map_rows_to_stages(load_recipe("ml1m/tallrec-nano")).items())[-1] == (
        "TALLRec on labelled text",
        "scores/global",
    )
    assert list(map_rows_to_stages(load_recipe("ml1m/collm-as-published")).items())[-2:] == [
        ("CoLLM as published global", "scores/global"),
        ("CoLLM as published", "scores/full"),
    ]
    assert list(map_rows_to_stages(load_recipe("ml1m/mf")))[-1] == "mf"
    assert list(map_rows_to_stages(load_recipe("ml1m/mf", ["label=MF, again"])))[-1] == "MF, again"


def test_a_label_of_another_row_is_refused() -> None:
    for recipe in (make_recipe(label="item mean"), load_recipe("ml1m/mf", ["label=item mean"])):
        with pytest.raises(RecipeError, match="label: 'item mean' is the name of another row"):
            map_rows_to_stages(recipe)
    with pytest.raises(RecipeError, match="label"):
        make_recipe(label="")


def test_a_variant_answers_to_its_row_its_key_and_its_usual_name() -> None:
    recipe = make_recipe(label="Mine")
    for name in ("Mine global", "global", "ThinkRec global"):
        assert find_variant(recipe, name).key == "global"
    assert find_variant(recipe) == find_variant(recipe, "Mine") == find_variant(recipe, "full") == VARIANTS[-1]
    with pytest.raises(DataError, match=r"no variant 'mine'; it has: global \(Mine global\), experts .*full \(Mine\)"):
        find_variant(recipe, "mine")


def test_a_run_of_text_alone_is_called_by_its_label_everywhere(backbone: Path, tmp_path: Path) -> None:
    recipe, folder = make_recipe(backbone, label="TALLRec", **TEXT_ALONE), tmp_path / "run"
    Run(recipe, folder).run_all_stages(results.finish_run)
    assert not (folder / "groups").exists() and not (folder / "scorers" / "encoder").exists()
    metrics = read_metrics(folder / "metrics.json")
    assert [row.name for row in metrics.rows if row.kind == "model"] == ["TALLRec"]
    assert {comparison.against for comparison in metrics.comparisons} == {"TALLRec"}
    assert "TALLRec" in (folder / "report.html").read_text(encoding="utf-8")

    def rank_items(place: Path, *more: str) -> str:
        result = CliRunner().invoke(app, ["rank", str(place), "3", "--top", "3", *more])
        assert result.exit_code == 0, result.output
        return result.output[result.output.index("1") :]

    answers = {rank_items(folder, *more) for more in ((), *(("--model", name) for name in ("TALLRec", "global")))}
    assert len(answers) == 1
    model = thinkrec.load(folder)
    model.save(tmp_path / "saved")
    assert sorted(path.name for path in (tmp_path / "saved").iterdir() if path.is_dir()) == ["data", "global"]
    before = model.rank(3, top=3)
    assert thinkrec.load(tmp_path / "saved").rank(3, top=3) == before

    # As an older version left it: no label, and the encoder and the groups that nothing asked for.
    text = (folder / "recipe.yaml").read_text(encoding="utf-8")
    (folder / "recipe.yaml").write_text(re.sub(r"^label: .*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    for stage in ("groups", "scorers/encoder"):
        (folder / stage).mkdir(parents=True)
        (folder / stage / "done.json").write_text(json.dumps({"key": "0" * 16, "inputs": {}, "seconds": 1.0}))
    assert thinkrec.load(folder).rank(3, top=3) == before
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    assert read_metrics(folder / "metrics.json").rows[3].name == "ThinkRec global"
    assert (folder / "groups").is_dir(), "opening and reporting remove nothing"
