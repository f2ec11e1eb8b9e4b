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
from thinkrec.run.recipe import Recipe
from thinkrec.run.stage import read_done
from thinkrec.run.variants import IMPERSONAL, rows_of_table, variants
from thinkrec.score.answers import Ranked, codes_of, item_codes, unknown_user
from thinkrec.score.candidates import Present, score_candidates
from thinkrec.score.histories import History, parse_history
from thinkrec.score.ranker import probability
from thinkrec.train.model_config import ThinkRecModel


@dataclass(frozen=True, eq=False)
class ScorerRanking:
    """A fitted scorer of a run and the data that it answers by."""

    scorer: Scorer
    ds: Dataset
    progress: bool = True

    def rank(self, user: Any, candidates: Sequence[Any] | None = None, *,
             history: History | None = None, top: int | None = None) -> list[Ranked]:  # fmt: skip
        """Candidates from best to worst; arguments and errors as in `ThinkRec.rank`."""
        codes, known = codes_of(self.ds.items.ids), codes_of(self.ds.user_ids).get(str(user))
        if history is not None:
            ids, label = parse_history(history, None, self.ds.threshold)
            own = None if known is None else self.ds.user_ids[known]
            present = Present.given(self.ds, own, item_codes(self.ds, codes, ids), label)
        elif known is None:
            raise unknown_user(self.ds, user)
        else:
            present = Present.of(self.ds, known)
        if candidates is None:
            asked = np.setdiff1d(np.arange(len(self.ds.items)), present.item)
        else:
            asked = item_codes(self.ds, codes, dict.fromkeys(candidates))
        scores = score_candidates(self.scorer, self.ds, present, asked, progress=self.progress)
        items, chance = self.ds.items, probability(scores)
        return [
            Ranked(items.ids[asked[i]], items.titles[asked[i]], float(scores[i]), float(chance[i]))
            for i in np.argsort(-scores, kind="stable")[:top]
        ]


def open_ranking(folder: Path, name: str | None) -> ThinkRec | ScorerRanking:
    """What ranks: the row `name` of the run's table; by default the model that its recipe trains.

    `name`: of a scorer as the table has it, or of a stage of the language model ("ThinkRec global", or global). Raises
    DataError for a name that the run does not have, CheckpointError for a row that is not trained.
    """
    recipe = saved_model.read_recipe(folder)
    if name is None and isinstance(recipe.model, ThinkRecModel):
        return ThinkRec.load(folder, progress=True)
    scorers, stages = scorers_of(recipe), stages_of(recipe)
    chosen = list(scorers)[-1] if name is None else name
    if chosen in scorers:
        place, config = scorers[chosen]
        if not (folder / place).is_dir():
            raise CheckpointError(
                f"{folder} does not hold the scorer {chosen!r}; ask the run's folder, since a saved recommender keeps "
                "its own model alone"
            )
        read_done(folder / place)
        return ScorerRanking(KINDS[config.kind].load(folder / place), saved_model.current_data(recipe, folder))
    if chosen in stages:
        model = ThinkRec.load(folder, progress=True)
        model.choose_stage(stages[chosen])
        return model
    known = ", ".join(dict.fromkeys([*scorers, *stages.values()]))
    raise DataError(f"{folder} has no row {chosen!r} that could rank; it has: {known}")


def scorers_of(recipe: Recipe) -> dict[str, tuple[str, ScorerConfig]]:
    """Table row -> the folder inside the run and the config of its scorer."""
    places = rows_of_table(recipe)
    found = {name: (places[name], config) for name, config in {**IMPERSONAL, **recipe.baselines}.items()}
    if not isinstance(recipe.model, ThinkRecModel):
        name, place = list(places.items())[-1]
        found[name] = (place, recipe.model)
    return found


def stages_of(recipe: Recipe) -> dict[str, str]:
    """Name of a stage of the language model, long or short -> its table row."""
    rows = variants(recipe.model) if isinstance(recipe.model, ThinkRecModel) else ()
    return {**{row: row for row in rows}, **{row.split()[-1]: row for row in rows}}
