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
from thinkrec.run.recipe import dump_recipe, parse_recipe
from thinkrec.run.recipe_files import find_recipe, list_recipes, load_recipe

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


@pytest.mark.parametrize("name", list_recipes())
def test_a_shipped_recipe_is_in_block_style_and_begins_with_its_launch(name: str) -> None:
    text = find_recipe(name).read_text(encoding="utf-8")
    tokens = {type(token) for token in yaml.scan(text)}
    assert not tokens & {yaml.FlowMappingStartToken, yaml.FlowSequenceStartToken}
    launch = "thinkrec demo" if name == "demo" else f"thinkrec run {name} "
    assert launch in text.splitlines()[1]


@pytest.mark.parametrize("name", [name for name in ML1M if name not in ("ml1m/thinkrec-nano", "ml1m/thinkrec-smollm2")])
def test_an_ml1m_recipe_adds_at_most_20_lines(name: str) -> None:
    assert len(find_recipe(name).read_text(encoding="utf-8").splitlines()) <= 20
