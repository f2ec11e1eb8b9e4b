"""`thinkrec evaluate ranking`: metrics of anybody's predictions."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from support.command_line import call, refused


@pytest.mark.parametrize("numbered", [True, False])
def test_evaluate_counts_as_scikit_learn_does(tmp_path: Path, numbered: bool) -> None:
    truth = pl.DataFrame({"user_id": ["a", "a", "b", "b", "b", "c"], "label": [1, 0, 0, 1, 1, 0]})
    order = [50, 40, 30, 20, 10, 0] if numbered else list(range(6))
    scores = [0.3, 0.1, 0.8, 0.9, 0.2, 0.4]
    (truth.with_columns(order=pl.Series(order)) if numbered else truth).write_csv(tmp_path / "truth.csv")
    shuffled = pl.DataFrame({"order": order, "score": scores})[[3, 0, 5, 1, 4, 2]]
    shuffled.write_parquet(tmp_path / "mine.parquet")
    result = call(
        "evaluate", "ranking", tmp_path / "mine.parquet", "--interactions", tmp_path / "truth.csv", "--draws", "200"
    )
    assert result.exit_code == 0, result.output
    auc = roc_auc_score(truth["label"], scores)
    row = re.search(r"mine +[│|] +(\S+)", result.stdout)
    assert row
    assert row[1] == f"{auc:.3f}".removeprefix("0")
    assert "6 rows, 3 users" in result.stdout


def test_evaluate_names_what_is_wrong(tmp_path: Path) -> None:
    truth, mine = tmp_path / "truth.csv", tmp_path / "mine.csv"
    truth.write_text("user_id,label\na,1\na,0\n")
    mine.write_text("order,score\n0,0.5\n7,0.1\n")
    assert "names rows that" in refused("evaluate", "ranking", mine, "--interactions", truth)
    mine.write_text("order,score\n0,0.5\n1,nan\n")
    assert "line 3" in refused("evaluate", "ranking", mine, "--interactions", truth)
    assert "either --interactions TABLE or --run RUN" in refused("evaluate", "ranking", mine)
    assert "no such file" in refused("evaluate", "ranking", tmp_path / "gone.csv", "--interactions", truth)
