"""From a recipe to its cost."""

from __future__ import annotations

from typing import Any

import pytest

from thinkrec.errors import RecipeError
from thinkrec.run.recipe import parse_recipe
from thinkrec.scale.cost_model import DEVICES, Workload
from thinkrec.scale.estimate import CostEstimate, estimate_recipe_cost

DATA = {"kind": "simulator", "simulator": {"users": 12, "items": 30, "interactions_per_user": [6, 12]}}


def estimate(model: dict[str, Any] | None = None, **changes: Any) -> CostEstimate:
    recipe = parse_recipe({"name": "small", "data": DATA, "model": model or {"kind": "thinkrec"}}, "small")
    given: dict[str, Any] = {
        "shape_name": None,
        "device": DEVICES["h200"],
        "utilisation": 0.3,
        "tokens_per_second": None,
        "host_memory": 1e12,
        "n_items": None,
        "sample": 5,
    }
    return estimate_recipe_cost(recipe, Workload(users=1000, candidates=20), **{**given, **changes})


def test_the_recipes_own_backbone_and_a_known_shape() -> None:
    own, large = estimate(), estimate(shape_name="Llama-3-8B")
    assert own.shape.name == "nano" and large.shape.name == "Llama-3-8B"
    assert own.lengths == large.lengths and large.cost.operations > 1000 * own.cost.operations
    assert "assumed" in own.rate_source
    without = estimate({"kind": "thinkrec", "expert_stage": None})
    assert without.shape.adapters < own.shape.adapters


def test_a_measured_rate_is_of_tokens() -> None:
    given = estimate(tokens_per_second=1000.0)
    assert given.cost.device_seconds == pytest.approx(1000 * given.cost.tokens / 1000.0)
    assert "as given" in given.rate_source


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"no known shape 'GPT-9'; there are nano, SmolLM2"):
        estimate(shape_name="GPT-9")
    with pytest.raises(RecipeError, match=r"has no language model \(model.kind: mf\)"):
        estimate({"kind": "mf"})
