"""A run opened for `thinkrec recommend`: whatever row of its table ranks, behind the run's candidate generator.

In this process, or once more in each of several.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from thinkrec.data.dataset import Dataset
    from thinkrec.decoding.policy import Writer
    from thinkrec.retrieve.config import RetrieveConfig
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recommendation_parts import Recommend as RecommendPlainly
    from thinkrec.score.answers import Recommendation

Recommend = Callable[[Sequence[Any], bool, "Writer | None"], "Sequence[Sequence[Recommendation]]"]
"""The lists of some users, with or without reasons, by a writer."""


@dataclass(frozen=True)
class OpenedRecommender:
    """What answers, and what its answers are made from."""

    ds: Dataset
    recommend: Recommend
    made_from: dict[str, Any]
    folder: Path
    n_new_items: int

    def describe(self) -> dict[str, Any]:
        """The generator's sources and its recall beside the policy, and how many items are new."""
        from thinkrec.run.retrieval import RECALL, STAGE
        from thinkrec.run.stage import read_stage_result

        stage = self.folder / STAGE
        recall = json.loads((stage / RECALL).read_text(encoding="utf-8")) if (stage / RECALL).is_file() else {}
        sources = read_stage_result(stage)["sources"] if recall else []
        return {"sources": sources, "recall": recall, "new_items": self.n_new_items}


@dataclass(frozen=True)
class RecommenderSource:
    """All that it takes to open the recommender in another process: plain values, which can be pickled."""

    folder: Path
    name: str | None
    options: RunOptions
    config: RetrieveConfig
    top: int
    items: Path | None
    reasons: bool
    writer: Writer | None
    made_from: dict[str, Any]
    """Of the process that asks: here the same has to be read."""

    def __call__(self) -> RecommendPlainly:
        """Open it here. Raises CheckpointError where another model or other data lie under the folder's name."""
        from thinkrec.errors import CheckpointError

        opened = open_recommender(self.folder, self.name, self.options, self.config, top=self.top, items=self.items)
        if opened.made_from != self.made_from:
            raise CheckpointError(
                f"{self.folder} holds another model or other data on this machine than where the command was given; "
                "let all machines read the same folder"
            )
        return lambda users: opened.recommend(users, self.reasons, self.writer)


def open_recommender(
    folder: Path,
    name: str | None,
    options: RunOptions,
    config: RetrieveConfig,
    *,
    top: int,
    items: Path | None,
    for_others: bool = False,
) -> OpenedRecommender:
    """The row `name` of the run's table, by default the model that its recipe trains, behind the run's generator.

    `for_others`: other processes will answer (`RecommenderSource`): the model is not opened here, and the generator is
    fitted now, so that they find it. Raises DataError for fewer candidates than `top`, and as `load_ranker` does.
    """
    from thinkrec.api import ThinkRec
    from thinkrec.cli.rank import load_ranker
    from thinkrec.data.new_items import find_new_items
    from thinkrec.run import saved_model
    from thinkrec.run.retrieval import open_generator
    from thinkrec.run.stage import read_stage_result
    from thinkrec.run.table_rows import ScorerRow, choose_table_row
    from thinkrec.score.recommendations import CatalogueSearch, check_counts

    check_counts(top, config.candidates)
    recipe = saved_model.read_recipe(folder)
    row = choose_table_row(recipe, folder, name)
    ranker = load_ranker(folder, name, options, items=items, progress=False)
    if isinstance(ranker, ThinkRec):
        ranker.configure_retrieval(config)

        def recommend(users: Sequence[Any], reasons: bool, writer: Writer | None) -> Sequence[Sequence[Recommendation]]:
            return ranker.recommend_many(users, top, reasons=reasons, writer=writer)

        if for_others:
            trained = saved_model.read_training_data(folder)
            open_generator(recipe, folder, trained, config, progress=True)
            n_new = len(find_new_items(trained, ranker.ds))
        else:
            n_new = ranker.count_new_items()
    else:
        trained = saved_model.read_training_data(folder)
        search = CatalogueSearch(ranker, open_generator(recipe, folder, trained, config, progress=True))

        def recommend(users: Sequence[Any], reasons: bool, writer: Writer | None) -> Sequence[Sequence[Recommendation]]:
            queries = [ranker.build_query(user, None, None) for user in users]
            return search.recommend_items(queries, top, reasons=reasons, writer=writer)

        n_new = len(ranker.new_items)
    stage = row.stage if isinstance(row, ScorerRow) else row.variant.stage
    made_from = {
        "data": ranker.ds.compute_fingerprint(),
        "stage": stage,
        "key": read_stage_result(folder / stage)["key"],
        "top": top,
        "generator": config.model_dump(mode="json"),
    }
    return OpenedRecommender(ranker.ds, recommend, made_from, folder, n_new)
