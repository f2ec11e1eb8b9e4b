"""A recipe that extends another: what is merged, what is refused, and that the shipped ones are short and resolve."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from thinkrec.cli.recipe import recipe as print_recipe
from thinkrec.errors import RecipeError
from thinkrec.prompts.templates import get_template
from thinkrec.run.recipe import dump_recipe, parse_recipe
from thinkrec.run.recipe_files import find_recipe, list_recipes, load_recipe
from thinkrec.run.variants import map_rows_to_variants

BASE = """
    name: base
    seed: 3
    data: {kind: simulator, seed: 9, simulator: {users: 40, items: 60, interactions_per_user: [5, 9]}}
    model:
      kind: thinkrec
      prompt: {history: 4, keywords: 3}
      encoder: {kind: sasrec, loss: gbce, max_length: 7}
      expert_stage: {train: [experts], lr: 0.01}
    baselines: {MF: {kind: mf, dim: 8}, SASRec: {kind: sasrec, max_length: 5}}
"""
ML1M = [name for name in list_recipes() if name.startswith("ml1m/")]


def write(folder: Path, **files: str) -> Path:
    """Files of recipes, with the base below; the last one is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"base": BASE, **files}.items():
        (folder / f"{name}.yaml").write_text(dedent(text), encoding="utf-8")
    return folder / f"{list(files)[-1]}.yaml"


def values(path: Path, overrides: tuple[str, ...] = ()) -> dict[str, Any]:
    return load_recipe(path, overrides).model_dump(mode="json")


def expected(change: str) -> dict[str, Any]:
    """What the base says with another text in one place, as a recipe that extends nothing."""
    old, new = change.split(" -> ")
    text = dedent(BASE)
    assert text.count(old) == 1
    return parse_recipe(yaml.safe_load(text.replace(old, new)), "expected").model_dump(mode="json")


# -- merging -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("added", "change"),
    [
        ("seed: 4", "seed: 3 -> seed: 4"),
        ("data: {simulator: {users: 50}}", "users: 40 -> users: 50"),
        ("data: {simulator: {interactions_per_user: [6, 7]}}", "[5, 9] -> [6, 7]"),
        ("model: {expert_stage: {train: [experts, global]}}", "[experts] -> [experts, global]"),
        ("model: {expert_stage: null}", "{train: [experts], lr: 0.01} -> null"),
        ("model: {encoder: {loss: bce}}", "gbce -> bce"),
        ("model: {encoder: {kind: sasrec, max_length: 8}}", "max_length: 7 -> max_length: 8"),
        ("model: {encoder: {kind: mf}}", "{kind: sasrec, loss: gbce, max_length: 7} -> {kind: mf}"),
        ("baselines: {MF: {dim: 9}}", "dim: 8 -> dim: 9"),
        ("baselines: {floor: {kind: random}}", "max_length: 5} -> max_length: 5}, floor: {kind: random}"),
        ("baselines: {SASRec: {kind: lightgcn}}", "{kind: sasrec, max_length: 5} -> {kind: lightgcn}"),
        ("n_explained: 3", "seed: 3 -> seed: 3\nn_explained: 3"),
    ],
)
def test_what_a_file_says_goes_above_its_base(added: str, change: str, tmp_path: Path) -> None:
    mine = write(tmp_path, mine=f"extends: base.yaml\n{added}\n")
    assert values(mine) == expected(change)


def test_a_kind_that_changes_takes_nothing_over(tmp_path: Path) -> None:
    mine = write(tmp_path, mine="extends: base.yaml\nname: mine\nmodel: {kind: boosting}\n")
    alone = {"name": "x", "data": {"kind": "simulator"}, "model": {"kind": "boosting"}}
    assert load_recipe(mine).model == parse_recipe(alone, "alone").model


def test_another_split_is_another_type_too(tmp_path: Path) -> None:
    tables = "{kind: tables, interactions: a.csv, items: b.csv, split: {by: fractions, valid: .2}}"
    months = "{by: months, start: 2001-06, train: 10, valid: 5, test: 5}"
    mine = write(
        tmp_path,
        mine=f"extends: base.yaml\ndata: {tables}\n",
        again=f"extends: mine.yaml\ndata: {{split: {months}}}\n",
    )
    split = values(mine)["data"]["split"]
    assert split["by"] == "months" and "fractions" not in str(split)


def test_bases_have_bases_and_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "shared", middle="extends: base.yaml\nseed: 5\nn_explained: 7\n")
    mine = write(tmp_path / "mine", top="extends: ../shared/middle.yaml\nseed: 6\n")
    monkeypatch.chdir(tmp_path)
    for path in (mine, mine.relative_to(tmp_path)):
        recipe = load_recipe(path)
        assert (recipe.name, recipe.seed, recipe.n_explained, recipe.data.seed) == ("base", 6, 7, 9)


def test_a_base_can_be_a_shipped_recipe_or_lack_what_the_file_says(tmp_path: Path) -> None:
    mine = write(tmp_path, mine="extends: ml1m/tallrec-nano\nname: mine\nseed: 5\n")
    before, after = load_recipe("ml1m/tallrec-nano"), load_recipe(mine)
    assert after == before.model_copy(update={"name": "mine", "seed": 5})
    whole = "extends: part.yaml\nname: whole\ndata: {kind: simulator}\nmodel: {kind: mf}\n"
    assert load_recipe(write(tmp_path, part="seed: 8\n", whole=whole)).seed == 8


def test_overrides_go_above_all_files(tmp_path: Path) -> None:
    mine = write(tmp_path, mine="extends: base.yaml\nseed: 4\n")
    changed = values(mine, ("seed=5", "model.prompt.keywords=2", "model.adapters.rank=3"))
    assert (changed["seed"], changed["model"]["prompt"]["history"], changed["model"]["prompt"]["keywords"]) == (5, 4, 2)
    assert changed["model"]["adapters"]["rank"] == 3


def test_what_is_printed_extends_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = write(tmp_path, mine="extends: base.yaml\nname: mine\n")
    recipe = load_recipe(mine)
    print_recipe(str(mine), names=False, keys=False)
    printed = capsys.readouterr().out
    assert printed == dump_recipe(recipe)
    content = yaml.safe_load(printed)
    assert "extends" not in content and parse_recipe(content, "printed") == recipe


# -- what is refused ---------------------------------------------------------------------------------------------------


def refusal(path: Path, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return str(caught.value)


def test_a_circle_is_shown(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    write(tmp_path, a="extends: b.yaml", b="extends: link/c.yaml", c="extends: a.yaml")
    text = refusal(tmp_path / "a.yaml")
    link = tmp_path / "link"
    chain = [tmp_path / "a.yaml", tmp_path / "b.yaml", link / "c.yaml", link / "a.yaml"]
    assert text.startswith(f"{chain[0]}: extends: ") and " extends ".join(map(str, chain)) in text
    itself = write(tmp_path, d="extends: d.yaml")
    assert f"{itself} extends {itself}" in refusal(itself)


def test_a_base_that_is_not_there(tmp_path: Path) -> None:
    text = refusal(write(tmp_path, mine="extends: nowhere"))
    assert f"{tmp_path / 'mine.yaml'}: extends: there is no recipe 'nowhere'" in text
    assert all(name in text for name in list_recipes()) and str(tmp_path) in text


@pytest.mark.parametrize("value", ["[base.yaml]", "null", "3", "''", "{a: b}"])
def test_extends_is_one_text(value: str, tmp_path: Path) -> None:
    text = refusal(write(tmp_path, mine=f"extends: {value}\nname: mine"))
    assert f"{tmp_path / 'mine.yaml'}: extends: must be one name or path" in text


def test_a_base_that_is_no_recipe_is_named(tmp_path: Path) -> None:
    mine = write(tmp_path, bad="- 1", mine="extends: bad.yaml")
    assert f"{tmp_path / 'bad.yaml'} must hold keys and values" in refusal(mine)
    mine = write(tmp_path, bad="a: [1", mine="extends: bad.yaml")
    assert f"{tmp_path / 'bad.yaml'} is not valid YAML" in refusal(mine)


def test_extends_stands_at_the_top_of_a_file_alone(tmp_path: Path) -> None:
    mine = write(tmp_path, mine="extends: base.yaml\nmodel: {extends: base.yaml}")
    assert "model.extends: unknown key" in refusal(mine)
    assert "extends: unknown key" in refusal(mine, ("model={kind: mf}", "extends=demo"))
    with pytest.raises(RecipeError, match="extends: unknown key"):
        parse_recipe({"extends": "demo", "name": "x"}, "here")


@pytest.mark.parametrize(
    ("base", "mine", "line", "named"),
    [
        ("{prompt: {histroy: 3}}", "{}", "model.prompt.histroy: unknown key", "low"),
        ("{}", "{prompt: {histroy: 3}}", "model.prompt.histroy: unknown key", ""),
        ("{prompt: {history: x}}", "{prompt: {keywords: 2}}", "model.prompt.history:", "low"),
        ("{prompt: {history: x}}", "{prompt: {history: y}}", "(got 'y')", ""),
        ("{encoder: {kind: mf, dim: x}}", "{encoder: {kind: sasrec, dim: y}}", "(got 'y')", ""),
        ("{target_encoding: true}", "{target_encoding: false}", "neighbourhood_residual needs", "base, mine"),
    ],
)
def test_a_wrong_key_is_said_to_stand_in_its_file(base: str, mine: str, line: str, named: str, tmp_path: Path) -> None:
    path = write(tmp_path, low=f"extends: base.yaml\nmodel: {base}", mine=f"extends: low.yaml\nmodel: {mine}")
    head, *lines = refusal(path).splitlines()
    (found,) = [text for text in lines if line in text]
    assert head == f"{path}:"
    assert all(f"{tmp_path / name.strip()}.yaml" in found for name in named.split(",") if named)
    assert ("[in " in found) is bool(named)


def test_an_override_is_not_laid_to_a_base(tmp_path: Path) -> None:
    mine = write(tmp_path, mine="extends: base.yaml\nname: mine")
    assert "[in " not in refusal(mine, ("model.prompt.history=x",))


def test_the_example_in_the_quick_start_loads(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "quick-start.md").read_text(encoding="utf-8")
    (example,) = [text for text in re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL) if "extends:" in text]
    demo, mine = load_recipe("demo"), load_recipe(write(tmp_path, mine=example))
    assert (mine.name, mine.data.kind, mine.model.prompt.history) == ("mine", "tables", 20)
    assert mine.baselines == demo.baselines and mine.model.adapters == demo.model.adapters


# -- the shipped recipes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_resolves_under_its_own_name(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    assert parse_recipe(yaml.safe_load(dump_recipe(recipe)), "again") == recipe


# Those for somebody's own files are as short as what one would write; tests/cli/test_new_user_path.py runs them.
@pytest.mark.parametrize("name", [name for name in list_recipes() if not name.startswith("own-data/")])
def test_a_shipped_recipe_is_in_block_style_and_begins_with_its_launch(name: str) -> None:
    text = find_recipe(name).read_text(encoding="utf-8")
    tokens = {type(token) for token in yaml.scan(text)}
    assert not tokens & {yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken}
    launch = "thinkrec demo" if name == "demo" else f"thinkrec run {name} "
    assert launch in text.splitlines()[1]


@pytest.mark.parametrize("name", [name for name in ML1M if name not in ("ml1m/thinkrec-nano", "ml1m/thinkrec-smollm2")])
def test_an_ml1m_recipe_adds_at_most_20_lines(name: str) -> None:
    assert len(find_recipe(name).read_text(encoding="utf-8").splitlines()) <= 20


KINDS = ("as-published", "same-information")
BASELINES = [name for name in ML1M if name.endswith(KINDS)]


def test_every_baseline_comes_in_both_kinds() -> None:
    methods = {name.removesuffix(f"-{kind}") for kind in KINDS for name in BASELINES}
    methods = {name for name in methods if not name.endswith(KINDS)}
    assert sorted(f"{method}-{kind}" for method in methods for kind in KINDS) == BASELINES
    assert {"prompt4nr", "prompt4nr-soft", "tallrec", "collm", "collm-lightgcn", "collm-sasrec"} == {
        method.removeprefix("ml1m/") for method in methods
    }


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_adds_at_most_15_lines_to_its_base(name: str) -> None:
    lines = find_recipe(name).read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if not line.startswith("#")]) <= 15


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_is_told_what_its_kind_says(name: str) -> None:
    """As published no keywords, no labels beside TALLRec's, no numbers; else all that ThinkRec is given."""
    recipe, ours = load_recipe(name), load_recipe("ml1m/thinkrec-nano-short")
    model, template = recipe.model, get_template(recipe.model.prompt.template)
    assert model.reasons.source == "none" and model.expert_stage is None
    assert recipe.data == ours.data and model.adapters == ours.model.adapters
    parts = [template.history.with_keywords, template.target.with_keywords]
    if name.endswith("as-published"):
        assert parts == [False, False] and template.history.before_label is None
        assert template.history.liked_only is ("tallrec" not in name)
        assert model.vector_stage is None or not (model.target_encoding or model.neighbourhood_residual)
        assert (model.vector_stage is not None) is ("collm" in name)
    else:
        assert parts == [True, True] and not template.history.liked_only
        assert model.vector_stage is not None and model.target_encoding and model.neighbourhood_residual
        assert (model.prompt.keywords, model.prompt.history_keywords) == (6, 2)
    if "collm" in name:
        assert model.embeddings and model.vector_stage.train == ("projector",)
    assert ("soft_prompt" in model.global_stage.train) is ("soft" in name) is (template.n_soft_tokens > 0)


@pytest.mark.parametrize("name", [name for name in list_recipes() if name.startswith("ml1m/ablations/")])
def test_an_ablation_bears_its_own_name(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.label is not None and recipe.label != load_recipe("ml1m/thinkrec-nano-complete").label
    rows = list(map_rows_to_variants(recipe))
    assert rows[-1] == recipe.label and all(row.startswith(recipe.label) for row in rows)


def test_no_two_recipes_share_a_name_in_tables() -> None:
    labels = [load_recipe(name).label for name in ML1M]
    known = [label for label in labels if label is not None]
    assert len(set(known)) == len(known)


def test_the_makefile_lists_every_ml1m_recipe() -> None:
    lists = (Path(__file__).resolve().parents[2] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w/-]+", lists))
    assert [name for name in ML1M if name.removeprefix("ml1m/") not in named] == []
