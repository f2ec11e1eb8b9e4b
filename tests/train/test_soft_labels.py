"""Soft labels: their loss, the rows they are found by, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TRAIN, VALID
from thinkrec.engine.batch import collate_prompts
from thinkrec.errors import DataError
from thinkrec.model.backbone import load_backbone
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.render import PromptRenderer
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.train.loss import compute_losses
from thinkrec.train.soft_labels import SoftLabels
from thinkrec.train.stages import list_answered_rows

DS = simulate_catalogue(SimulatorConfig(users=8, items=40, interactions_per_user=(14, 20)), 21).dataset
TABLE = DS.interactions
ROWS = np.flatnonzero(TABLE.split == TRAIN)
GATE = np.array([1.0], dtype=np.float32)


@pytest.fixture(scope="module")
def renderer() -> PromptRenderer:
    text: Any = SimpleNamespace(tokenizer=load_backbone("nano").tokenizer)
    return PromptRenderer(DS, text, PromptConfig(history=4))


def write_scores(path: Path, rows: np.ndarray = ROWS, **columns) -> Path:
    scores = np.linspace(-3, 3, len(rows))
    table = DS.to_frame(rows).select("order", "user_id", "item_id").with_columns(pl.Series("score", scores))
    table.with_columns(**columns).sample(fraction=1.0, shuffle=True, seed=3).write_parquet(path)
    return path


def compute_loss(prompt, logit: float) -> tuple[float, float]:
    """L_rec and L_think of a prompt whose scores, and whose logits of Yes less No as tokens, are all `logit`."""
    batch = collate_prompts([prompt], 0)
    labels = np.array([int(token) for token in prompt.token_target])
    logits = torch.zeros(len(labels), 6144)
    logits[:, YES] = logit
    others = [i for i in range(6144) if i not in (YES, NO)]
    logits[:, others] = -1e9
    losses = compute_losses(torch.full((len(prompt.answer_at),), logit), logits, batch)
    return float(losses.rec), float(losses.think)


NO, YES = (load_backbone("nano").tokenizer.encode(word, add_special_tokens=False)[0] for word in (" No", " Yes"))


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_the_loss_is_the_cross_entropy_with_the_soft_target(renderer, tmp_path: Path, weight: float) -> None:
    soft = SoftLabels.read(DS, write_scores(tmp_path / "s.parquet"), weight)
    row = int(ROWS[9])
    hard = renderer.render_row(row, gate=GATE, with_answer=True, history_loss=0.5)
    rows = np.append(TABLE.get_history_rows(row, 4), row)
    prompt = soft.soften_prompt(hard, rows, renderer.labels)
    scores = np.linspace(-3, 3, len(ROWS))[np.searchsorted(ROWS, rows)]
    target = weight / (1 + np.exp(-scores)) + (1 - weight) * TABLE.label[rows]
    for logit in (-1.5, 0.3, 2.0):
        log_yes, log_no = -np.log1p(np.exp(-logit)), -np.log1p(np.exp(logit))
        losses = -(target * log_yes + (1 - target) * log_no)
        rec, think = compute_loss(prompt, logit)
        assert rec == pytest.approx(float(losses @ hard.answer_weight), rel=1e-5)
        assert think == pytest.approx(float(losses[-1] * hard.token_weight[0]), rel=1e-5)
    assert prompt.answer_weight.sum() == pytest.approx(hard.answer_weight.sum())
    assert prompt.answer_at[-1] == hard.answer_at[-1] and (np.diff(prompt.answer_at) >= 0).all()


def test_rows_without_a_soft_label_keep_theirs(renderer, tmp_path: Path) -> None:
    few = np.delete(ROWS, 9)
    with pytest.warns(DataWarning, match="1 train row has no soft label"):
        soft = SoftLabels.read(DS, write_scores(tmp_path / "s.parquet", few))
    hard = renderer.render_row(int(ROWS[9]), gate=GATE, with_answer=True)
    assert soft.soften_prompt(hard, ROWS[5:10], renderer.labels).token_target.tolist() == hard.token_target.tolist()
    nothing = SoftLabels({})
    assert nothing.soften_prompt(hard, ROWS[5:10], renderer.labels) is hard


def test_rows_are_found_by_user_item_and_order_never_by_position(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "s.parquet")
    soft = SoftLabels.read(DS, path)
    expected = 1 / (1 + np.exp(-np.linspace(-3, 3, len(ROWS))))
    np.testing.assert_allclose([soft.probabilities[int(row)] for row in ROWS], expected, rtol=1e-6)
    moved = pl.read_parquet(path).with_columns(order=(pl.col("order") + 1) % len(TABLE))
    moved.write_parquet(path)
    again = SoftLabels.read(DS, path)
    assert again.probabilities == soft.probabilities, "the ids say which rows are meant"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"item_id": pl.lit(-1)}, r"\d+ of \d+ soft labels are about no row of the data \(the first: order \d+, user"),
        ({"score": pl.lit(float("nan"))}, "has no finite score"),
        ({"score": pl.lit(None, pl.Float64)}, "has no finite score"),
        ({"score": pl.lit("much")}, "has no finite score"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, change: dict, message: str) -> None:
    table = pl.read_parquet(write_scores(tmp_path / "s.parquet"))
    bad = pl.concat([table.head(3), table.tail(-3).with_columns(**change)], how="vertical_relaxed")
    bad.write_parquet(tmp_path / "bad.parquet")
    with pytest.raises(DataError, match=message):
        SoftLabels.read(DS, tmp_path / "bad.parquet")


def test_labels_of_rows_that_are_not_trained_on_are_refused(tmp_path: Path) -> None:
    rows = np.append(ROWS, np.flatnonzero(TABLE.split == VALID)[:2])
    with pytest.raises(DataError, match=r"soft labels of 2 rows that are not trained on \(the first: .* valid\)"):
        SoftLabels.read(DS, write_scores(tmp_path / "s.parquet", rows))


@pytest.mark.parametrize("column", ["order", "user_id", "item_id", "score"])
def test_a_table_without_a_column_is_refused(tmp_path: Path, column: str) -> None:
    pl.read_parquet(write_scores(tmp_path / "s.parquet")).drop(column).write_parquet(tmp_path / "s.parquet")
    with pytest.raises(DataError, match=column):
        SoftLabels.read(DS, tmp_path / "s.parquet")


def test_a_table_about_other_data_is_refused(tmp_path: Path) -> None:
    other: Dataset = simulate_catalogue(SimulatorConfig(users=8, items=40, interactions_per_user=(14, 20)), 22).dataset
    rows = np.flatnonzero(other.interactions.split == TRAIN)
    table = other.to_frame(rows).select("order", "user_id", "item_id").with_columns(score=pl.lit(0.5))
    table.write_parquet(tmp_path / "s.parquet")
    with pytest.raises(DataError, match=r"soft labels are about no row|is no row of the data"):
        SoftLabels.read(DS, tmp_path / "s.parquet")


def test_the_answers_of_a_prompt_are_those_of_its_lines_and_of_its_row(renderer) -> None:
    system = SimpleNamespace(ds=DS, renderer=renderer, slot_encoder=None)
    for row in ROWS[[0, 2, 9, 30]]:
        prompt = renderer.render_row(int(row), gate=GATE, with_answer=True, history_loss=0.5)
        rows = list_answered_rows(system, prompt, int(row))  # pyright: ignore[reportArgumentType]
        assert rows[-1] == row and len(rows) == len(prompt.answer_at)
        np.testing.assert_array_equal(TABLE.label[rows], prompt.answer_label)
        np.testing.assert_array_equal(rows[:-1], TABLE.get_history_rows(int(row), 4))
