"""Whose labels predictions are judged by, and that several tables are judged on the same rows."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from thinkrec.errors import DataError
from thinkrec.evaluate.labels import build_label_table, choose_split, read_labels
from thinkrec.evaluate.metrics.ranking import compute_uauc
from thinkrec.run.ground_truth import load_ground_truth
from thinkrec.run.prediction_metrics import bootstrap_predictions, evaluate_predictions
from thinkrec.testing import plant_dataset

ROWS = pl.DataFrame(
    {
        "user_id": ["a", "a", "b", "b", "b", "c"],
        "rating": [5, 1, 4, 2, 5, 3],
        "split": ["test", "test", "test", "test", "train", "valid"],
    }
)
SCORES = [0.1, 0.9, 0.8, 0.3]


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    ROWS.write_csv(tmp_path / "truth.csv")
    return tmp_path / "truth.csv"


def test_a_table_is_judged_on_its_test_rows_by_its_threshold(truth: Path, tmp_path: Path) -> None:
    ground, config = load_ground_truth(truth, None, threshold=3)
    assert ground.rows["order"].to_list() == [0, 1, 2, 3] and ground.rows["label"].to_list() == [1, 0, 1, 0]
    config = config.model_copy(update={"bootstrap_draws": 100})
    pl.DataFrame({"order": range(4), "score": SCORES}).write_csv(tmp_path / "mine.csv")
    results = evaluate_predictions(tmp_path / "mine.csv", ground, config)
    wanted = compute_uauc(["a", "a", "b", "b"], [1, 0, 1, 0], SCORES)
    assert results.rows[0].name == "mine" and results.rows[0].estimates["uauc"].value == wanted == 0.5
    assert load_ground_truth(truth, None, threshold=3, split="all")[0].rows.height == 6


def test_several_tables_share_their_rows(truth: Path, tmp_path: Path) -> None:
    ground, config = load_ground_truth(truth, None, threshold=3)
    config = config.model_copy(update={"bootstrap_draws": 100})
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, rows in zip(paths, ([0, 1, 2], [0, 1, 3]), strict=True):
        pl.DataFrame({"order": rows, "score": SCORES[:3]}).write_csv(path)
    samples, remark = bootstrap_predictions(paths, ground, config, partial=True)
    assert [sample.n_rows for sample in samples] == [2, 2] and remark.startswith("Partial: 2 of 4")
    with pytest.raises(DataError, match="no prediction"):
        bootstrap_predictions(paths, ground, config)


def test_labels_have_one_source(truth: Path) -> None:
    for source in ((None, None), (truth, "run")):
        with pytest.raises(DataError, match="either --interactions TABLE or --run RUN"):
            load_ground_truth(*source)
    with pytest.raises(DataError, match="a run knows its labels"):
        load_ground_truth(None, "run", threshold=3)
    with pytest.raises(DataError, match="needs --threshold"):
        read_labels(truth)
    assert read_labels(truth, labels=False).columns == ["order", "user", "user_id", "split"]
    rows = read_labels(truth, 3.0)
    with pytest.raises(DataError, match="no such split"):
        choose_split(rows, "t", "dev")
    with pytest.raises(DataError, match="has no column 'split'"):
        choose_split(rows.drop("split"), "t", "test")


def test_the_rows_of_a_data_set_have_codes_and_ids() -> None:
    ds = plant_dataset()
    rows = build_label_table(ds)
    assert rows["user"].to_list() == ds.interactions.user.tolist()
    assert rows["label"].to_list() == ds.interactions.label.tolist()
    assert {"order", "user_id", "item_id", "split"} <= set(rows.columns) and "timestamp" not in rows.columns
