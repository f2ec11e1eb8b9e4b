"""Every kind that a written recipe may train is one that a recipe may name."""

from __future__ import annotations

from typing import get_args

from thinkrec.data.inspect.model_kind import ModelKind
from thinkrec.run.recipe import parse_recipe


def test_every_kind_is_a_models() -> None:
    for kind in get_args(ModelKind):
        recipe = parse_recipe({"name": "mine", "data": {"kind": "simulator"}, "model": {"kind": kind}}, "mine")
        assert recipe.model.kind == kind
