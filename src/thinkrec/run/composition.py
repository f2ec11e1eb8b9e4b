"""The stage that composes a run's score: parts of the validation rows, weights, calibration (`score.composition`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.collab import load_scorer
from thinkrec.collab.features.slot_encoder import SlotEncoder
from thinkrec.data.interactions import VALID
from thinkrec.data.output_tables import write_table
from thinkrec.data.query import Query
from thinkrec.io.processes import compute_shares, is_main, run_on_main
from thinkrec.run.predictions import ORDER
from thinkrec.score.composer import RESIDUALS, Composer, score_batch_state
from thinkrec.score.composition import CompositionConfig, ScoreComposition
from thinkrec.score.composition_fit import fit_composition
from thinkrec.score.predictor import Predictor

PARTS = "parts.parquet"
"""The parts of every validation row, from which the weights were chosen."""


def build_composition_inputs(config: CompositionConfig) -> dict[str, Any]:
    """What decides the weights besides data, model and the scorer, which is a stage of its own."""
    return {"config": config.model_dump(mode="json", exclude={"scorer"})}


def load_composer(
    config: CompositionConfig,
    slot_encoder: SlotEncoder,
    scorer_folder: Path | None,
    folder: Path | None,
    progress: bool = False,
) -> Composer:
    """What makes composed scores.

    Args:
        config: which parts there are.
        slot_encoder: knows items' logits and users' residuals.
        scorer_folder: where the composition's scorer is kept, if it has one.
        folder: of the fitted weights; None before there are any.
        progress: whether a bar is drawn over what takes long.

    Raises CheckpointError where a folder is not whole.
    """
    scorer = None
    if config.scorer is not None and scorer_folder is not None:
        scorer = load_scorer(config.scorer, scorer_folder)
    fitted = None if folder is None else ScoreComposition.load(folder)
    return Composer(config, slot_encoder, scorer, fitted, progress)


def fit_run_composition(
    predictor: Predictor, composer: Composer, folder: Path, seed: int, progress: bool
) -> dict[str, Any]:
    """Score the validation rows by every part and write the weights; returns what done.json says of the choice.

    The model's state was chosen by the same rows, so that its part looks a little better there than it is.
    """
    ds, config = predictor.ds, composer.config
    rows, shown = ds.interactions.get_split_rows(VALID), progress and is_main()

    def score_model(chosen: np.ndarray) -> np.ndarray:
        return predictor.score_by_model(chosen, title="scoring (validation)", progress=shown)

    def score_queries(queries: Sequence[Query]) -> list[np.ndarray]:
        return predictor.score_queries_by_model(queries, title="scoring (batch state)", progress=shown)

    parts = {"model": compute_shares(rows, score_model)}
    if config.batch_state:
        parts["batch"] = compute_shares(rows, lambda chosen: score_batch_state(ds, chosen, score_queries))

    def choose() -> dict[str, Any]:
        parts.update(composer.collect_other_parts(ds, rows))
        write_table(pl.DataFrame({ORDER: ds.interactions.order[rows], **parts}), folder / PARTS)
        data, slots = ds.interactions, composer.slot_encoder
        composition, log = fit_composition(
            parts,
            data.user[rows],
            data.label[rows],
            slots.compute_item_logit(ds, data.item[rows], "both", rows),
            slots.encode_rows(ds).user[rows][:, RESIDUALS],
            min_auc=config.min_auc,
            seed=seed,
        )
        composition.save(folder)
        return {"weights": composition.weights, **log}

    return run_on_main(choose)
