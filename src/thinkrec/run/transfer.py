"""A run's global adapter on another catalogue: `thinkrec evaluate transfer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.collab import build_scorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, TRAIN
from thinkrec.data.output_tables import write_table
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics
from thinkrec.evaluate.results import RankingResults, summarise_results
from thinkrec.evaluate.text.compare import bootstrap_text_metrics, compute_interval, compute_text_metrics
from thinkrec.evaluate.text.resources import load_metric_resources
from thinkrec.io.files import to_json_value
from thinkrec.reasons.written import read_written_reasons
from thinkrec.run import saved_model
from thinkrec.run.layout import NON_PERSONALISED
from thinkrec.run.pipeline import Run
from thinkrec.run.predictions import write_predictions
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import find_variant
from thinkrec.score.predictor import Predictor
from thinkrec.train.mixture import sample_validation_rows, write_rule_reasons
from thinkrec.train.model_config import ThinkRecConfig

GLOBAL = "global"
LIKE_RATE = "like rate of the last 10"
"""A row that knows nothing but the labels of the user's past, which every prompt shows."""
POLICY = (
    "The global adapter of the run, text only, as it is: nothing is trained or chosen on the other catalogue, whose "
    "histories, titles and keywords it reads. One number per item is learned from the catalogue's own train rows. "
    "Reasons are the model's own, greedy, behind the verdict of its score."
)


@dataclass(frozen=True)
class TextTransfer:
    """Closeness of the reasons that were written on the other catalogue to references."""

    references: str
    """Where the references are from."""
    rows: int
    users: int
    metrics: Mapping[str, Any]
    """Metric -> its estimate, as JSON values."""


def evaluate_transfer(
    folder: Path,
    recipe: Recipe,
    ds: Dataset,
    *,
    rows: int | None = None,
    text_rows: int = 0,
    references: Path | None = None,
    tables: Path | None = None,
    progress: bool = False,
) -> tuple[RankingResults, TextTransfer | None]:
    """Ranking, and closeness of reasons, of a run's global adapter on another data set.

    Args:
        folder: of the run.
        recipe: that of the other data; its way of counting is used.
        ds: the other data.
        rows: judge about so many test rows, of whole users drawn by the recipe's seed; by default all.
        text_rows: so many of these rows that have a reference are explained.
        references: a table of order and reason; by default the rules' reasons, for rows on which they agree with the
            label.
        tables: folder for predictions.parquet and reasons.parquet.
        progress: whether bars are shown.

    Raises DataError for a run without a language model, test rows of one class, or no row with a reference.
    """
    run = saved_model.open_run(folder, progress=progress)
    if not isinstance(run.recipe.model, ThinkRecConfig):
        raise DataError(f"{folder} trains {run.recipe.model.kind}, which reads no text; give a run of kind thinkrec")
    asked = Run(run.recipe, folder, progress, preloaded_dataset=ds)
    predictor = asked.load_predictor(find_variant(run.recipe, GLOBAL))
    judged = ds.interactions.get_split_rows(TEST)
    if rows is not None and rows < len(judged):
        judged = sample_validation_rows(ds, judged, rows, recipe.evaluation.seed)
    if len(np.unique(ds.interactions.label[judged])) < 2:
        raise DataError("the test rows to judge are not of both classes; judge more with --rows")
    scores = {f"{folder.name} global": predictor.score(judged, title="scoring", progress=progress)}
    for name, config in NON_PERSONALISED.items():
        scorer = build_scorer(config)
        scorer.fit(ds, seed=recipe.seed)
        scores[name] = scorer.score(ds, judged)
    scores[LIKE_RATE] = compute_recent_like_rate(ds, judged)
    results = _rank_rows(ds, recipe, judged, scores)
    if tables is not None:
        tables.mkdir(parents=True, exist_ok=True)
        write_predictions(tables, ds, judged, next(iter(scores.values())))
    text = None
    if text_rows:
        own = next(iter(scores.values()))
        text = _compare_texts(predictor, run.recipe, recipe, judged, own, text_rows, references, tables)
    return results, text


def compute_recent_like_rate(ds: Dataset, rows: np.ndarray, length: int = 10) -> np.ndarray:
    """float64 (len(rows),): share liked of the user's last `length` rows before each; that of train rows without any.

    What it reaches over all rows is what the labels of a past are worth without a word about items.
    """
    data = ds.interactions
    rate = float(data.label[data.split == TRAIN].mean())
    pasts = (data.label[data.get_history_rows(int(row), length)] for row in rows)
    return np.array([past.mean() if len(past) else rate for past in pasts], dtype=np.float64)


def _rank_rows(ds: Dataset, recipe: Recipe, rows: np.ndarray, scores: Mapping[str, np.ndarray]) -> RankingResults:
    data, config = ds.interactions, recipe.evaluation
    samples = {
        name: bootstrap_metrics(
            data.user[rows],
            data.label[rows],
            values,
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws,
            seed=config.seed,
        )
        for name, values in scores.items()
    }
    kinds: dict[str, Any] = dict.fromkeys(NON_PERSONALISED, "impersonal")
    return summarise_results(samples, kinds=kinds, against=next(iter(scores)))


def _compare_texts(
    predictor: Predictor,
    own: Recipe,
    recipe: Recipe,
    rows: np.ndarray,
    scores: np.ndarray,
    most: int,
    references: Path | None,
    tables: Path | None,
) -> TextTransfer:
    ds = predictor.ds
    if references is not None:
        known, source = read_written_reasons(ds, references), str(references)
    else:
        known, source = write_rule_reasons(ds, rows, predictor.prompt.history, recipe.seed), "the rules' reasons"
    places = np.array([place for place, row in enumerate(rows) if int(row) in known], dtype=np.int64)
    if not len(places):
        raise DataError(f"no row that is judged has a reference in {source}; judge more rows, or give other references")
    rng = np.random.default_rng(recipe.evaluation.seed)
    places = np.sort(rng.permutation(places)[:most])
    chosen, texts = rows[places], [known[int(row)] for row in rows[places]]
    written = predictor.explain(chosen, scores[places], tokens=own.reason_tokens)
    resources = load_metric_resources()
    user = ds.interactions.user[chosen]
    sample = bootstrap_text_metrics(
        compute_text_metrics(written, texts, resources),
        user,
        draws=recipe.evaluation.bootstrap_draws,
        seed=recipe.evaluation.seed,
    )
    if tables is not None:
        table = ds.to_frame(chosen).select("order", "user_id", "item_id", pl.Series("reason", written))
        write_table(table, tables / "reasons.parquet")
    metrics = {name: to_json_value(asdict(compute_interval(sample, name))) for name in sample.values}
    return TextTransfer(source, len(chosen), len(np.unique(user)), metrics)
