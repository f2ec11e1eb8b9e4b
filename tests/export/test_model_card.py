"""The card says what the run measured, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from thinkrec import Dataset, load_recipe
from thinkrec.export.model_card import build_model_card


def test_metrics_stand_with_their_intervals_and_the_verdict_among_the_limits(
    export_data: Dataset, tmp_path: Path
) -> None:
    row = {"name": "ThinkRec full", "estimates": {"auc": {"value": 0.7, "low": 0.6, "high": 0.8}, "uauc": None}}
    metrics = {"rows": [row], "k": 5, "n_rows": 90, "n_users": 12, "level": 0.95, "draws": 1000, "remarks": []}
    metrics["verdict"] = {"sentence": "Worse than boosting."}
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    card = build_model_card(load_recipe("demo"), export_data, tmp_path)
    assert "| **ThinkRec full** | 0.700 [0.600, 0.800] | undefined |" in card
    assert "- Worse than boosting." in card and "license: unknown" in card
    (tmp_path / "metrics.json").unlink()
    assert "None were measured" in build_model_card(load_recipe("demo"), export_data, tmp_path)
