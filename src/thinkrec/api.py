"""`ThinkRec`: fit, score, rank, explain, save, load, in terms of your own user and item ids."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset, Table
from thinkrec.data.new_items import append_items
from thinkrec.decoding.policy import Writer
from thinkrec.errors import CheckpointError, RecipeError
from thinkrec.evaluate.report.drawing import Drawing
from thinkrec.export.hub import find_saved_folder, write_to_hub
from thinkrec.export.saved_pairs import check_saved_pairs, write_description
from thinkrec.io.processes import is_main, run_on_main
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run import saved_model
from thinkrec.run.layout import lock_run_folder
from thinkrec.run.opened_run import OpenedRun
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.preflight import check_data
from thinkrec.run.recipe import InMemoryData, Recipe, resolve_paths
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.user_displays import draw_run_users
from thinkrec.score.answers import Explanation, Ranked, Recommendation
from thinkrec.score.displays import Ranking
from thinkrec.score.histories import History
from thinkrec.score.predictor import Predictor


class ThinkRec:
    """A recommender that ranks and says why.

        model = ThinkRec().fit(dataset)
        model.rank(user=42, top=5)
        model.explain(user=42, item=7)
        model.save("my-model"); model = ThinkRec.load("my-model")

    A user's past is everything the data set holds about the user, of all splits; `history` gives another one, or one
    for a user who is not in the data. A user without any past is fine: the model then goes by the item alone. Equal
    input gives equal answers. What was learned belongs to ids: users and items that came after the training have the
    vector of the unknown (the mean, where the encoder keeps one), their past and their texts.

    Once it is trained or loaded, several threads may ask it at the same time (`score`, `rank`, `rank_many`, `explain`).
    Stages and scoring tell how far they are in the logger "thinkrec", at INFO.
    """

    def __init__(
        self,
        recipe: str | Path | Recipe | None = None,
        *,
        folder: str | Path | None = None,
        progress: bool = True,
        options: RunOptions | None = None,
        **overrides: Any,
    ) -> None:
        """Choose how to train.

        Args:
            recipe: a name (`thinkrec recipe --list`), a YAML file, or a Recipe; by default `demo`. Its data, baselines
                and evaluation are not used.
            folder: where `fit` keeps its stages, so that a stopped one goes on; by default a temporary folder that
                goes away with this object.
            progress: whether bars are drawn on standard error.
            options: where and with how much of the machine; its `seed` takes the place of the recipe's.
            overrides: recipe keys with __ for the dot: `seed=1`, `model__groups__n_groups=2`.

        Raises:
            RecipeError: on an unknown recipe or key, or a recipe of another model.
        """
        self._params = {"recipe": recipe, "folder": folder, "progress": progress, "options": options, **overrides}
        if isinstance(recipe, Recipe):
            if overrides:
                raise RecipeError("overrides need a recipe given by name or file; change a Recipe before you pass it")
            self.recipe = recipe
        else:
            changes = [f"{key.replace('__', '.')}={json.dumps(value, default=str)}" for key, value in overrides.items()]
            self.recipe = load_recipe(recipe or "demo", changes)
        saved_model.get_thinkrec_config(self.recipe)
        self.options = (options or RunOptions()).fill_from_environment()
        self.recipe = self.options.apply_seed(self.recipe)
        self.folder = None if folder is None else Path(folder)
        self.progress = progress
        self._opened: OpenedRun | None = None

    def __repr__(self) -> str:
        """Recipe, whether it is trained and on how much, and its folder."""
        trained = "not trained yet"
        if self._opened is not None:
            ds = self._opened.run.ds
            trained = f"trained on {len(ds.user_ids):,} users and {len(ds.items):,} items"
        return f"ThinkRec(recipe {self.recipe.name!r}, {trained}, folder {str(self.folder or 'a temporary one')!r})"

    # -- learning and keeping ----------------------------------------------------------------------------------------

    def fit(self, ds: Dataset) -> ThinkRec:
        """Train on the train rows of a data set, selecting on its validation rows; returns self.

        Raises DataError if a split cannot serve, RecipeError if the recipe's reasons belong to another data set.
        """
        config = saved_model.get_thinkrec_config(self.recipe)
        if config.has_reason_table and config.reasons.file is None:
            raise RecipeError(
                f"model.reasons.source is {config.reasons.source}, which means the reasons beside MovieLens-1M; for"
                " your own data name a table in model.reasons.file, or choose rules or none"
            )
        self.options.apply()
        folder = run_on_main(lambda: self.folder or self._temporary_folder)
        recipe = resolve_paths(self.recipe.model_copy(update={"data": InMemoryData()}))
        run = Run(recipe, folder, self.progress and is_main(), preloaded_dataset=ds, options=self.options)
        with lock_run_folder(folder):
            run_on_main(lambda: check_data(run.recipe, ds))
            run_on_main(run.prepare_folder)
            run.train_variants()
        self._opened = OpenedRun(run, self.progress)
        return self

    def save(self, folder: str | Path, *, licence: str = "unknown") -> None:
        """Write all that answering needs into one folder: recipe, data, encoder, groups, trained weights.

        With it go README.md, a model card made of what the run knows, and scored-pairs.json, 20 pairs with their scores
        that `from_pretrained` compares. The backbone is named, not copied. An earlier save there is replaced in one go.

        `folder`: new, empty, or an earlier save. `licence`: of what is passed on, as the Hugging Face hub abbreviates
        it; for the card. Raises CheckpointError if nothing is trained yet or the folder holds something else.
        """
        opened = self._get_opened()
        run, predictor = opened.run, opened.load_final_predictor()
        saved_model.save_recommender(run, Path(folder), lambda at: write_description(run, predictor, at, licence))

    save_pretrained = save
    """`save`, by the name that it has in Transformers."""

    def push_to_hub(
        self,
        repo_id: str,
        *,
        include_data: bool,
        licence: str = "unknown",
        token: str | None = None,
    ) -> str:
        """Save into a private repository of the Hugging Face hub, made if needed; returns the commit's address.

        `include_data`: whether the tables of ratings, items and users go along; without them whoever opens it gives
        `data`. User and item ids, and what was learned of them, go along in any case. `licence`: as in `save`. `token`:
        by default that of `hf auth login`. Raises CheckpointError if nothing is trained yet or the hub refuses.
        """
        with tempfile.TemporaryDirectory(prefix="thinkrec-") as holder:
            folder = Path(holder) / "model"
            self.save(folder, licence=licence)
            return write_to_hub(folder, repo_id, include_data=include_data, token=token)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        revision: str | None = None,
        token: str | None = None,
        data: Dataset | None = None,
        progress: bool = False,
        options: RunOptions | None = None,
    ) -> ThinkRec:
        """Open what `save` or `push_to_hub` wrote, and see that it gives the scores that were saved with it.

        `source`: a folder, or "owner/name" on the hub, there of this `revision`. `data`, `progress`, `options`: as in
        `load`; a folder without its data needs `data`. Scores are compared only on the data of the training, and a
        DataWarning says where those are others. Raises CheckpointError as `load`, and naming the worst pair where
        scores differ by more than 1e-4.
        """
        folder = find_saved_folder(source, revision, token, needs_data=data is None)
        model = cls.load(folder, data=data, progress=progress, options=options)
        check_saved_pairs(model.predictor, folder)
        return model

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What it was made with, overrides included, as in scikit-learn; `deep` changes nothing."""
        return dict(self._params)

    def set_params(self, **params: Any) -> ThinkRec:
        """Change what it was made with (`model__groups__n_groups=2`); what was trained is let go. Returns self.

        Raises RecipeError as the constructor does; nothing is changed then.
        """
        fresh = type(self)(**{**self._params, **params})
        self.__dict__ = fresh.__dict__
        return self

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        data: Dataset | None = None,
        items: Table | None = None,
        progress: bool = False,
        options: RunOptions | None = None,
    ) -> ThinkRec:
        """Open what `save` wrote, or the folder of a finished run.

        Args:
            folder: the folder.
            data: whose users, items and pasts are asked about, for instance of tonight's tables. By default the tables
                that the run's recipe names as they are now, or the copy that the folder holds where there are none.
            items: a table of items that came after the training and stand in no other table (item_id, title, keywords,
                further text); they are ranked and explained by title and keywords (`Ranked.is_new`).
            progress: whether later calls show progress bars.
            options: where and with how much of the machine it answers; `seed` is for training and changes nothing.

        Warns with a DataWarning, once and with counts, where the tables have changed since the training. Raises
        CheckpointError if something is missing, unfinished or does not belong together, RecipeError if the run trained
        another model.
        """
        folder = Path(folder)
        recipe = saved_model.read_recipe(folder)
        saved_model.get_thinkrec_config(recipe)
        saved_model.check_stages_finished(folder, recipe)
        model = cls(recipe, folder=folder, progress=progress, options=replace(options or RunOptions(), seed=None))
        model.options.apply()
        current = data or saved_model.read_current_data(recipe, folder)
        current = current if items is None else append_items(current, items)
        run = Run(recipe, folder, progress, preloaded_dataset=current, options=model.options)
        model._opened = OpenedRun(run, progress)
        return model

    # -- asking ------------------------------------------------------------------------------------------------------

    @property
    def ds(self) -> Dataset:
        """The data set that answers go by: of the training, or what `load` took."""
        return self._get_opened().run.ds

    def score(self, users: Sequence[Any], items: Sequence[Any]) -> np.ndarray:
        """float64 (n,): logit(Yes) - logit(No) for n pairs of ids, from each user's whole past as known now.

        With `model.score: yes` in the recipe it is logit(Yes). Above 0 means Yes; 1 / (1 + exp(-score)) is the
        probability of a like. Raises DataError on unknown ids or unequal lengths.
        """
        return self._get_opened().get_service().score_pairs(list(users), list(items))

    def rank(
        self,
        user: Any,
        candidates: Sequence[Any] | None = None,
        *,
        history: History | None = None,
        threshold: float | None = None,
        top: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> Ranking[Ranked]:
        """Candidates from best to worst; equal scores keep the order given.

        Args:
            user: an id of the data; anything (None, for instance) if `history` is given.
            candidates: item ids; by default every item that is not in the user's past. Repeats count once.
            history: (item id, opinion) pairs, oldest first, in the place of what the data know of the user: True or
                False, 1 or 0, or ratings.
            threshold: of ratings in `history`, liked means rating > threshold; by default that of the data.
            top: how many to return; by default all.
            reasons: whether it also says why, of every item that is returned.
            writer: who writes the reasons (`decoding.policy.Writer`); by default as the recipe says.

        Raises:
            DataError: on an unknown user without history, an unknown item, or an entry of `history` that says nothing.
        """
        service = self._get_opened().get_service()
        query = service.build_query(user, history, threshold)
        return service.rank_queries([query], candidates, top=top, reasons=reasons, writer=writer)[0]

    def rank_many(
        self,
        users: Sequence[Any],
        candidates: Sequence[Any] | None = None,
        *,
        histories: Sequence[History | None] | None = None,
        threshold: float | None = None,
        top: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> list[Ranking[Ranked]]:
        """What `rank` gives for each of many users, in their order; they share batches, and so take less time.

        Memory holds the answers and the scores of one group of users at a time, so with many items ask for a `top`.

        `histories`: one per user, or None for what the data know of them; `threshold`: of ratings in those given. All
        else as in `rank`; a user may come several times. Raises DataError before anything is scored, as `rank`, and
        where `histories` has another length than `users`.
        """
        service = self._get_opened().get_service()
        queries = service.build_queries(users, histories, threshold)
        return service.rank_queries(queries, candidates, top=top, reasons=reasons, writer=writer)

    def recommend(
        self,
        user: Any,
        k: int = 10,
        *,
        history: History | None = None,
        threshold: float | None = None,
        candidates: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> Ranking[Recommendation]:
        """At most k items out of the whole catalogue, best first, none of them in the user's past.

        A candidate generator proposes items (`thinkrec.retrieve`), and the model ranks these alone: with as many
        candidates as the catalogue has items this is `rank` with `top=k`. The generator is fitted on the training rows
        at the first call and kept in the folder of the run, with its recall (`retrieve/recall.json`).

        `k`: places of the list. `candidates`: items that are ranked; by default 400, or as `configure_retrieval` says.
        All else as in `rank`. Raises DataError as `rank`, and for fewer candidates than k.
        """
        opened = self._get_opened()
        query = opened.get_service().build_query(user, history, threshold)
        return opened.recommend_queries([query], k, candidates, reasons, writer)[0]

    def recommend_many(
        self,
        users: Sequence[Any],
        k: int = 10,
        *,
        candidates: int | None = None,
        reasons: bool = False,
        writer: Writer | None = None,
    ) -> list[Ranking[Recommendation]]:
        """What `recommend` gives for each of many users, in their order; they share batches, and so take less time."""
        opened = self._get_opened()
        queries = opened.get_service().build_queries(users)
        return opened.recommend_queries(queries, k, candidates, reasons, writer)

    def configure_retrieval(self, config: RetrieveConfig) -> None:
        """Choose what proposes candidates from now on; raises CheckpointError if nothing is trained yet."""
        self._get_opened().configure_retrieval(config)

    def count_new_items(self) -> int:
        """Items of the catalogue that came after the training."""
        return len(self._get_opened().get_service().new_items)

    def explain(
        self,
        user: Any,
        item: Any,
        *,
        history: History | None = None,
        threshold: float | None = None,
        writer: Writer | None = None,
        effects: bool = False,
    ) -> Explanation:
        """Whether the user would like the item, and why; arguments and errors as in `rank`.

        `effects`: also measure what each history line does to the score (`Explanation.effects`), which asks the model
        once more per line.
        """
        service = self._get_opened().get_service()
        return service.explain_item(service.build_query(user, history, threshold), item, writer, effects)

    def plot_users(self) -> Drawing:
        """The train users and their groups on a plane (`run.user_displays.draw_run_users`); a notebook shows it."""
        return draw_run_users(self._get_opened().run)

    def choose_stage(self, name: str) -> None:
        """Answer from now on by another trained variant than the last.

        `name`: of its row in the table of results, or its short name, such as global. Raises DataError for a name that
        no variant of the recipe has, CheckpointError if it is not trained.
        """
        self._get_opened().choose_stage(name)

    @property
    def predictor(self) -> Predictor:
        """The trained recommender behind the answers; what exports are made of."""
        return self._get_opened().get_service().predictor

    # -- inside ------------------------------------------------------------------------------------------------------

    @cached_property
    def _temporary_folder(self) -> Path:
        # The object itself keeps the folder alive: it is removed when this ThinkRec is.
        self._holder = tempfile.TemporaryDirectory(prefix="thinkrec-")
        return Path(self._holder.name)

    def _get_opened(self) -> OpenedRun:
        if self._opened is None:
            raise CheckpointError("this ThinkRec is not trained yet; call fit(dataset), or load a saved one")
        return self._opened


load = ThinkRec.load
"""Open a saved recommender or a finished run; see `ThinkRec.load`."""
