"""How well items that came after the training are ranked: some are held out, and the recipe is trained without them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from thinkrec.collab import Scorer, ScorerConfig, build_scorer
from thinkrec.collab.encoder import Encoder
from thinkrec.collab.item_priors import RandomConfig, RandomScorer
from thinkrec.data.dataset import Dataset
from thinkrec.data.interactions import TEST, VALID
from thinkrec.data.new_items import HeldOutItems, separate_items
from thinkrec.errors import DataError
from thinkrec.evaluate.metrics.bootstrap import bootstrap_metrics, compute_interval
from thinkrec.io.files import to_json_value
from thinkrec.retrieve.keyword_vectors import NewItemEncoder
from thinkrec.run.layout import NON_PERSONALISED, lock_run_folder
from thinkrec.run.pipeline import Run
from thinkrec.run.preflight import check_data
from thinkrec.run.recipe import InMemoryData, Recipe
from thinkrec.run.variants import find_variant
from thinkrec.score.predictor import Predictor
from thinkrec.train.model_config import ThinkRecConfig

Vectors = Literal["mean", "keywords"]
"""What stands for the vector of a new item: the mean of the trained ones, or a regression on its keywords."""
POLICY = (
    "Items are drawn by the seed among those with rows; the model never sees them: no row, no text. Then they are "
    "in the catalogue by title and keywords, and their rows after the training are scored. AUC over rows and UAUC over "
    "users, with 95 % intervals from a bootstrap over users, on the rows of held-out (new) and of all other (warm) "
    "items. A constant for all items has AUC .5 by definition."
)


@dataclass(frozen=True)
class NewItemRow:
    """One model's ranking of one kind of rows."""

    model: str
    vectors: Vectors | None
    """None for a model without vectors."""
    split: str
    items: Literal["new", "warm"]
    rows: int
    likes: int
    users: int
    auc: float
    low: float
    high: float
    uauc: float
    uauc_low: float
    uauc_high: float


def evaluate_new_items(
    recipe: Recipe, ds: Dataset, folder: Path, *, share: float, seed: int, progress: bool = False
) -> dict[str, Any]:
    """Train the recipe's model and baselines without a share of the items, and score the rows of these and the others.

    Returns the policy, the counts, and rows (`NewItemRow`) on validation and test rows; of models with vectors once per
    kind of `Vectors`. The language model's stages lie in `folder`. Raises DataError as `separate_items`, and where no
    test row is of a held-out item.
    """
    held = separate_items(ds, share=share, seed=seed)
    rows = _NewItemRows(held, recipe)
    configs: dict[str, ScorerConfig] = {**NON_PERSONALISED, **recipe.baselines}
    is_language_model = isinstance(recipe.model, ThinkRecConfig)
    if not is_language_model:
        configs[recipe.label or recipe.name.rpartition("/")[2]] = cast(ScorerConfig, recipe.model)
    rows.add_scorer("random", _fit_random(held, recipe.seed))
    for name, config in configs.items():
        scorer = build_scorer(config)
        scorer.fit(held.trained, seed=recipe.seed, progress=progress)
        rows.add_scorer(name, scorer)
    if is_language_model:
        _add_language_model(rows, recipe, folder, progress)
    return {
        "policy": POLICY,
        "recipe": recipe.name,
        "share": share,
        "seed": seed,
        "held_out_items": len(held.held_out),
        "trained_items": len(held.trained.items),
        "rows": [to_json_value(asdict(row)) for row in rows.results],
    }


class _NewItemRows:
    """Scores on the asked rows, counted as they come."""

    def __init__(self, held: HeldOutItems, recipe: Recipe) -> None:
        self.held, self.config = held, recipe.evaluation
        data = held.asked.interactions
        is_new = np.isin(data.item, held.held_out)
        self.parts = {
            (split, kind): np.flatnonzero((data.split == code) & mask)
            for split, code in (("valid", VALID), ("test", TEST))
            for kind, mask in (("new", is_new), ("warm", ~is_new))
        }
        for kind in ("new", "warm"):
            if len(np.unique(data.label[self.parts["test", kind]])) < 2:
                raise DataError(f"the test rows of {kind} items are not of both classes; hold out another share")
        self.results: list[NewItemRow] = []

    def add_scorer(self, name: str, scorer: Scorer) -> None:
        """The scores of a fitted scorer; of an encoder also with predicted vectors."""
        has_vectors = isinstance(scorer, Encoder)
        self.add(name, "mean" if has_vectors else None, self._score(scorer))
        if has_vectors:
            predicted = NewItemEncoder.from_training(cast(Encoder, scorer), self.held.trained)
            self.add(name, "keywords", self._score(predicted))

    def add(self, name: str, vectors: Vectors | None, scores: Mapping[tuple[str, str], np.ndarray]) -> None:
        """Metrics of scores per (split, kind of items)."""
        data = self.held.asked.interactions
        for (split, kind), rows in self.parts.items():
            label, user = data.label[rows], data.user[rows]
            if len(np.unique(label)) < 2:
                continue
            sample = bootstrap_metrics(
                user, label, scores[split, kind], draws=self.config.bootstrap_draws, seed=self.config.seed
            )
            auc, uauc = compute_interval(sample, "auc"), compute_interval(sample, "uauc")
            figures = (auc.value, auc.low or 0.0, auc.high or 0.0, uauc.value, uauc.low or 0.0, uauc.high or 0.0)
            counts = (len(rows), int(label.sum()), len(np.unique(user)))
            self.results.append(NewItemRow(name, vectors, split, "new" if kind == "new" else "warm", *counts, *figures))

    def _score(self, scorer: Any) -> dict[tuple[str, str], np.ndarray]:
        return {key: scorer.score(self.held.asked, rows) for key, rows in self.parts.items()}


def _fit_random(held: HeldOutItems, seed: int) -> RandomScorer:
    scorer = RandomScorer(RandomConfig())
    scorer.fit(held.trained, seed=seed)
    return scorer


def _add_language_model(rows: _NewItemRows, recipe: Recipe, folder: Path, progress: bool) -> None:
    """Train the language model on what is left, and score by the last variant that the recipe trains."""
    own = recipe.model_copy(update={"data": InMemoryData()})
    run = Run(own, folder, progress, preloaded_dataset=rows.held.trained)
    with lock_run_folder(folder):
        check_data(run.recipe, run.ds)
        run.prepare_folder()
        run.train_variants()
    variant = find_variant(recipe)
    asking = Run(own, folder, progress, preloaded_dataset=rows.held.asked)
    predictor = asking.load_predictor(variant)
    order = list(rows.parts)
    lengths = np.cumsum([len(rows.parts[key]) for key in order])[:-1]
    every = np.concatenate([rows.parts[key] for key in order])
    has_vectors = predictor.slot_encoder is not None and predictor.slot_encoder.encoder is not None

    def score(of: Any) -> dict[tuple[str, str], np.ndarray]:
        return dict(zip(order, np.split(of.score(every, progress=progress), lengths), strict=True))

    rows.add("ThinkRec", "mean" if has_vectors else None, score(predictor))
    if has_vectors:
        rows.add("ThinkRec", "keywords", score(predict_new_vectors(predictor, rows.held.trained)))


def predict_new_vectors(predictor: Predictor, trained: Dataset) -> Predictor:
    """The predictor with vectors of new items predicted from their keywords; the same where it has no vectors.

    On validation rows of held-out items this ranks better than the mean vector (docs/how-to/recommend.md).
    """
    slots = predictor.slot_encoder
    if slots is None or slots.encoder is None:
        return predictor
    encoder = NewItemEncoder.from_training(slots.encoder, trained)
    return replace(predictor, slot_encoder=replace(slots, encoder=encoder))
