"""Grids of writer settings: read, crossed, refused; and how far a setting is from its aims."""

from __future__ import annotations

from pathlib import Path

import pytest

from thinkrec.errors import RecipeError
from thinkrec.run.decoding_grid import WriterSettings, read_settings_grid
from thinkrec.run.decoding_trial import AIMS_FREE, AIMS_RULED, compute_shortfall
from thinkrec.run.recipe import Recipe
from thinkrec.run.recipe_files import load_recipe

RECIPE = Recipe.model_validate(
    {
        "name": "x",
        "data": {"kind": "simulator"},
        "model": {"kind": "thinkrec"},
        "reason_tokens": 60,
        "max_citations": 1,
        "decoding": {"no_repeat_ngram": 5},
    }
)


def read(tmp_path: Path, text: str) -> list[WriterSettings]:
    path = tmp_path / "grid.yaml"
    path.write_text(text, encoding="utf-8")
    return read_settings_grid(path, RECIPE)


def test_lists_are_crossed_and_what_is_not_named_stays_as_in_the_recipe(tmp_path: Path) -> None:
    text = """
- {}
- {citation_policy: any, no_repeat_ngram: [3, 4], temperature: [0, 0.7]}
- {citation_policy: [polarity, any], reason_tokens: 80}
- {citation_policy: polarity}
"""
    settings = read(tmp_path, text)
    usual = WriterSettings.from_recipe(RECIPE)
    assert [one.format_name(usual) for one in settings] == [
        "polarity, no_repeat_ngram=5",
        "any, no_repeat_ngram=3",
        "any, no_repeat_ngram=3, temperature=0.7",
        "any, no_repeat_ngram=4",
        "any, no_repeat_ngram=4, temperature=0.7",
        "polarity, reason_tokens=80, no_repeat_ngram=5",
        "any, reason_tokens=80, no_repeat_ngram=5",
    ], "the last section is the first again"
    assert {one.max_citations for one in settings} == {1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{temperature: 1}", "must be a list of sections"),
        ("[]", "must be a list of sections"),
        ("- 3", "must be a list of sections"),
        ("- {a: [", "cannot be read as YAML"),
        ("- {}\n- {temprature: 1}", r"section 2:\n  temprature: unknown key"),
        ("- {top_p: [0.5, 0.9]}", "section 1.*\n.*top_p without effect"),
        ("- {citation_policy: nice}", "section 1:\n.*citation_policy"),
        ("- {temperature: []}", "temperature has an empty list"),
        ("- {max_citations: 0}", "max_citations"),
        ("- {decoding: {temperature: 1}}", "decoding"),
    ],
)
def test_what_is_no_grid_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read(tmp_path, text)


def test_a_grid_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        read_settings_grid(tmp_path / "no.yaml", RECIPE)


def test_the_shortfall_is_relative_and_nothing_is_gained_beyond_an_aim() -> None:
    reached = dict.fromkeys(AIMS_RULED, 1.0)
    assert compute_shortfall(reached, AIMS_FREE) == compute_shortfall(reached, AIMS_RULED) == 0
    assert compute_shortfall({**reached, "stated_side_right": 0.4}, AIMS_FREE) == pytest.approx(0.5)
    assert compute_shortfall({**reached, "said_keywords_true": 0.45}, AIMS_FREE) == 0
    assert compute_shortfall({**reached, "said_keywords_true": 0.45}, AIMS_RULED) == pytest.approx(0.5)
    assert compute_shortfall({**reached, "not_repeated": float("nan")}, AIMS_FREE) == 1


def test_the_committed_grid_is_one_for_every_recipe_that_writes() -> None:
    root = Path(__file__).resolve().parents[2]
    settings = read_settings_grid(root / "bench" / "decoding-grid.yaml", load_recipe("ml1m/thinkrec-smollm2-keywords"))
    assert len(settings) == 8 and settings[0].citation_policy == "any"
    assert all(one.max_citations == 1 and one.reason_tokens == 180 for one in settings)
