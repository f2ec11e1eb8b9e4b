"""What goes along with a saved recommender: its card, and scored pairs that are compared when it is opened."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np

from thinkrec.data.columns import DataWarning
from thinkrec.data.snapshot import read_manifest, read_snapshot
from thinkrec.export.check import read_pairs
from thinkrec.export.model_card import CARD, build_model_card
from thinkrec.export.scored_pairs import TOLERANCE, ScoredPair, choose_pairs, compare_scores, write_pairs
from thinkrec.io.files import write_text
from thinkrec.run.layout import DATA
from thinkrec.run.pipeline import Run
from thinkrec.score.predictor import Predictor


def write_description(run: Run, predictor: Predictor, folder: Path, licence: str) -> None:
    """Write the card and the scored pairs of the model that answers for a run, by the data that the folder keeps."""
    trained = read_snapshot(folder / DATA)
    write_text(folder / CARD, build_model_card(run.recipe, trained, run.folder, licence))
    queries = choose_pairs(predictor := replace(predictor, ds=trained))
    scores = np.concatenate(predictor.score_queries(queries))
    pairs = [
        ScoredPair(str(query.user), str(trained.items.ids[int(query.candidates[0])]), "", "", "", (), float(score))
        for query, score in zip(queries, scores, strict=True)
    ]
    write_pairs(folder, pairs, {"target": "thinkrec"})


def check_saved_pairs(predictor: Predictor, folder: Path, tolerance: float = TOLERANCE) -> float | None:
    """The largest difference between what a predictor says and what was saved.

    None, with a DataWarning, where it goes by other data than those of the training. Raises CheckpointError naming the
    worst pair where the difference is above `tolerance`.
    """
    if predictor.ds.compute_fingerprint() != read_manifest(folder / DATA)["fingerprint"]:
        text = f"{folder} is asked about other data than it was trained on, so its saved scores were not compared"
        warnings.warn(text, DataWarning, stacklevel=3)
        return None
    _, pairs = read_pairs(folder)
    scores = np.concatenate(predictor.score_queries(choose_pairs(predictor)))
    return compare_scores(pairs, scores, tolerance, str(folder))
