"""`evaluate`: metrics of any predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from thinkrec.commands import show
from thinkrec.commands.truth import truth_of
from thinkrec.evaluate.metrics.bootstrap import Sample, bootstrap
from thinkrec.evaluate.predictions import Truth, match, read_predictions
from thinkrec.evaluate.results import Results, summarise
from thinkrec.evaluate.table import terminal
from thinkrec.run.recipe import Evaluation


def evaluate(
    predictions: Path, interactions: Path | None, run: str | None, *, k: int | None = None, draws: int | None = None,
    split: str | None = None, threshold: float | None = None, partial: bool = False,
) -> None:  # fmt: skip
    """`thinkrec evaluate`."""
    truth, config = truth_of(interactions, run, split=split, threshold=threshold)
    changes = {key: value for key, value in (("k", k), ("draws", draws)) if value is not None}
    results = judge(predictions, truth, config.model_copy(update=changes), partial=partial)
    show.console().print(terminal(results, title=str(predictions)))


def judge(predictions: Path, truth: Truth, config: Evaluation, *, partial: bool = False) -> Results:
    """Metrics with intervals of a table of predictions; see `samples_of`."""
    (sample,), remark = samples_of([predictions], truth, config, partial=partial)
    results = summarise({predictions.stem: sample})
    return dataclasses.replace(results, remarks=((remark,) if remark else ()) + results.remarks)


def samples_of(
    paths: Sequence[Path], truth: Truth, config: Evaluation, *, partial: bool = False
) -> tuple[list[Sample], str]:
    """The metrics of tables (order, score, perhaps user_id and item_id), all on the same rows of `truth`, drawn.

    The second value says which rows were left out; see `match`, also for errors.
    """
    matched, remark = match({str(path): read_predictions(path) for path in paths}, truth, partial=partial)
    samples = [
        bootstrap(frame["user"].to_numpy(), frame["label"].to_numpy(), frame["score"].to_numpy(), k=config.k,
                  denominator=config.map_denominator, draws=config.draws, seed=config.seed)
        for frame in matched
    ]  # fmt: skip
    return samples, remark
