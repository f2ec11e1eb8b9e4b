"""`thinkrec cost`: a table or JSON, and refusals with a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from support.command_line import call, plain, refused

SMALL = {
    "name": "small",
    "data": {"kind": "simulator", "simulator": {"users": 12, "items": 30, "interactions_per_user": [6, 12]}},
    "model": {"kind": "thinkrec"},
}


def test_cost_of_a_recipe(tmp_path: Path) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(yaml.safe_dump(SMALL))
    told = json.loads(call("cost", recipe, "--users", "1000", "--candidates", "20", "--sample", "5", "--json").stdout)
    assert told["workload"]["users"] == 1000 and told["sampled"] == 5
    apart = 20 * (told["lengths"]["prefix"] + told["lengths"]["suffix"])
    assert told["cost"]["tokens_apart"] == apart > told["cost"]["tokens"]
    text = plain(call("cost", recipe, "--users", "1000", "--device", "l4", "--sample", "5").stdout)
    assert "NVIDIA L4" in text and "assumed" in text and "1,000 users in 24 hours" in text
    assert "no known shape" in refused("cost", recipe, "--backbone", "none")
    assert "no language model" in refused("cost", "ml1m/mf")
