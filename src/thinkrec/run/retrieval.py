"""The candidate generator of a run: fitted on its training rows, kept in its folder, found by contents."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from thinkrec.collab import load_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, VALID
from thinkrec.errors import CheckpointError
from thinkrec.io.files import write_json
from thinkrec.io.progress import LOGGER
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.retrieve.generator import CandidateGenerator
from thinkrec.retrieve.keyword_vectors import NewItemEncoder
from thinkrec.retrieve.recall import describe_recall, measure_recall
from thinkrec.run.layout import find_encoder_stage
from thinkrec.run.recipe import Recipe
from thinkrec.run.stage import StageRunner, read_stage_result
from thinkrec.run.table_rows import ScorerRow, list_scorer_rows
from thinkrec.train.model_config import ThinkRecConfig

ASKED_KEYS = ("candidates", "rounds", "first_share", "index", "index_depth")
STAGE, RECALL = "retrieve", "recall.json"
CODE = ("collab/features", "retrieve")
RECALL_SIZES = (10, 50, 100, 200, 400, 1000)
RECALL_USERS = 1000
"""Users, drawn by seed 0, on whom recall is measured where there are more."""


def open_generator(
    recipe: Recipe, folder: Path, trained: Dataset, config: RetrieveConfig, *, progress: bool = False
) -> CandidateGenerator:
    """The generator of a run, from its folder `retrieve` or fitted now and kept there.

    Recall on validation and test likes is measured where it is fitted, and lies beside it (`recall.json`). Where the
    folder cannot be written to, the generator is fitted each time and this is said. Raises CheckpointError where the
    run's encoder is damaged.
    """
    row = find_encoder_row(recipe, folder, trained) if "vectors" in config.sources else None
    encoder, key = (None, None) if row is None else row
    inputs: dict[str, Any] = {
        "data": trained.compute_fingerprint(),
        "encoder": key,
        # What is not learned may change from question to question.
        "config": config.model_dump(mode="json", exclude=set(ASKED_KEYS)),
    }

    def work(stage: Path) -> dict[str, Any]:
        generator = CandidateGenerator.train(trained, config, encoder)
        generator.save(stage, trained.items.ids)
        results = [
            result
            for split in (VALID, TEST)
            for result in measure_recall(
                generator, trained, split, RECALL_SIZES, most_users=RECALL_USERS, progress=progress
            )
        ]
        described = describe_recall(results)
        write_json(stage / RECALL, described)
        return {"sources": list(generator.sources), "recall": described["results"]}

    try:
        StageRunner(folder, progress).run(STAGE, inputs, work, CODE)
    except OSError as error:
        LOGGER.warning("%s cannot be written to (%s): the candidate generator is fitted anew each time", folder, error)
        return CandidateGenerator.train(trained, config, encoder)
    return CandidateGenerator.load(folder / STAGE, encoder, config)


def find_encoder_row(recipe: Recipe, folder: Path, trained: Dataset) -> tuple[Encoder, str] | None:
    """The run's encoder with the hash of its stage: that of the recipe's model, else the first finished row with one.

    Items that `trained` does not have get vectors by their keywords. None where the run has fitted none.
    """
    rows = list(list_scorer_rows(recipe).values())
    if isinstance(recipe.model, ThinkRecConfig):
        rows.insert(0, ScorerRow("encoder", find_encoder_stage(recipe), recipe.model.encoder))
    for row in rows:
        try:
            key = read_stage_result(folder / row.stage)["key"]
        except CheckpointError:
            continue  # a row that failed, or that a saved recommender does not keep
        scorer = load_scorer(row.config, folder / row.stage)
        if isinstance(scorer, Encoder):
            return NewItemEncoder.from_training(cast(Encoder, scorer), trained), key
    return None
