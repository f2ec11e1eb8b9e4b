"""`rank --model`: any row of a run's table answers; a scorer needs no language model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.api import ThinkRec
from thinkrec.collab import KINDS, ScorerConfig
from thinkrec.collab.encoder import Scorer
from thinkrec.data.dataset import Dataset
from thinkrec.errors import CheckpointError, DataError
from thinkrec.run import saved_model
from thinkrec.run.layout import NON_PERSONALISED, map_rows_to_stages
from thinkrec.run.recipe import Recipe
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import list_variant_names, map_rows_to_variants
from thinkrec.score.answers import Ranked, find_item_codes, make_unknown_user_error, map_ids_to_codes
from thinkrec.score.candidates import UserHistory, score_candidates
from thinkrec.score.histories import History, parse_history
from thinkrec.score.ranker import compute_like_probability
from thinkrec.train.model_config import ThinkRecConfig


@dataclass(frozen=True, eq=False)
class ScorerRanker:
    """A fitted scorer of a run and the data that it answers by."""

    scorer: Scorer
    ds: Dataset
    progress: bool = True

    def rank(
        self,
        user: Any,
        candidates: Sequence[Any] | None = None,
        *,
        history: History | None = None,
        top: int | None = None,
    ) -> list[Ranked]:
        """Candidates from best to worst; arguments and errors as in `ThinkRec.rank`."""
        codes, known = map_ids_to_codes(self.ds.items.ids), map_ids_to_codes(self.ds.user_ids).get(str(user))
        if history is not None:
            ids, label = parse_history(history, None, self.ds.threshold)
            own = None if known is None else self.ds.user_ids[known]
            present = UserHistory.from_ratings(self.ds, own, find_item_codes(self.ds, codes, ids), label)
        elif known is None:
            raise make_unknown_user_error(self.ds, user)
        else:
            present = UserHistory.from_dataset(self.ds, known)
        if candidates is None:
            asked = np.setdiff1d(np.arange(len(self.ds.items)), present.item)
        else:
            asked = find_item_codes(self.ds, codes, dict.fromkeys(candidates))
        scores = score_candidates(self.scorer, self.ds, present, asked, progress=self.progress)
        items, chance = self.ds.items, compute_like_probability(scores)
        return [
            Ranked(items.ids[asked[i]], items.titles[asked[i]], float(scores[i]), float(chance[i]))
            for i in np.argsort(-scores, kind="stable")[:top]
        ]


def load_ranker(folder: Path, name: str | None) -> ThinkRec | ScorerRanker:
    """What ranks: the row `name` of the run's table; by default the model that its recipe trains.

    `name`: of a scorer as the table has it, or of a variant of the language model (its row in the table, or global).
    Raises DataError for a name that the run does not have, CheckpointError for a row that is not trained.
    """
    recipe = saved_model.read_recipe(folder)
    if name is None and isinstance(recipe.model, ThinkRecConfig):
        return ThinkRec.load(folder, progress=True)
    scorers = find_scorers(recipe)
    chosen = list(scorers)[-1] if name is None else name
    if chosen in scorers:
        place, config = scorers[chosen]
        if not (folder / place).is_dir():
            raise CheckpointError(
                f"{folder} does not hold the scorer {chosen!r}; ask the run's folder, since a saved recommender keeps "
                "its own model alone"
            )
        read_stage_result(folder / place)
        return ScorerRanker(KINDS[config.kind].load(folder / place), saved_model.read_current_data(recipe, folder))
    if chosen in list_variant_names(recipe):
        model = ThinkRec.load(folder, progress=True)
        model.choose_stage(chosen)
        return model
    known = ", ".join([*scorers, *map_rows_to_variants(recipe)])
    raise DataError(f"{folder} has no row {chosen!r} that could rank; it has: {known}")


def find_scorers(recipe: Recipe) -> dict[str, tuple[str, ScorerConfig]]:
    """Table row -> the folder inside the run and the config of its scorer."""
    places = map_rows_to_stages(recipe)
    found = {name: (places[name], config) for name, config in {**NON_PERSONALISED, **recipe.baselines}.items()}
    if not isinstance(recipe.model, ThinkRecConfig):
        name, place = list(places.items())[-1]
        found[name] = (place, recipe.model)
    return found
