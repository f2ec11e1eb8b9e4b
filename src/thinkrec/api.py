"""`ThinkRec`: fit, score, rank, explain, save, load, in terms of your own user and item ids."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.decoding.policy import Writer
from thinkrec.errors import CheckpointError, DataError, RecipeError
from thinkrec.io.processes import is_main, run_on_main
from thinkrec.prompts.shared_prefix import SharedPrefix
from thinkrec.run import saved_model
from thinkrec.run.explained import build_reason_writer
from thinkrec.run.layout import lock_run_folder
from thinkrec.run.pipeline import Run
from thinkrec.run.preflight import check_data
from thinkrec.run.recipe import InMemoryData, Recipe, resolve_paths
from thinkrec.run.recipe_files import load_recipe
from thinkrec.run.variants import Variant, find_variant, get_final_variant
from thinkrec.score.answers import (
    Explanation,
    HistoryItem,
    Ranked,
    find_item_codes,
    make_unknown_user_error,
    map_ids_to_codes,
)
from thinkrec.score.explainer import write_reasons
from thinkrec.score.histories import History, parse_history
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import CHUNK, compute_like_probability, score_shared_prefixes
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason
from thinkrec.train.model_config import ThinkRecConfig

SLOW = 256
"""From so many questions on, a progress bar is worth its line."""


@dataclass(frozen=True, eq=False)
class _Query:
    """A user's past and the items asked about, all in codes."""

    user: int | None
    history_items: np.ndarray
    history_labels: np.ndarray
    candidate_items: np.ndarray


class ThinkRec:
    """A recommender that ranks and says why.

        model = ThinkRec().fit(dataset)
        model.rank(user=42, top=5)
        model.explain(user=42, item=7)
        model.save("my-model"); model = ThinkRec.load("my-model")

    A user's past is everything the data set holds about the user, of all splits; `history` gives another one, or one
    for a user who is not in the data. A user without any past is fine: the model then goes by the item alone. Equal
    input gives equal answers. What was learned belongs to ids: users and items that came after the training
    have the vector of the unknown (the mean, where the encoder keeps one), their past and their texts.
    """

    def __init__(
        self,
        recipe: str | Path | Recipe | None = None,
        *,
        folder: str | Path | None = None,
        progress: bool = True,
        **overrides: Any,
    ) -> None:
        """Choose how to train.

        Args:
            recipe: a name (`thinkrec recipe --list`), a YAML file, or a Recipe; by default `demo`. Its data, baselines
                and evaluation are not used.
            folder: where `fit` keeps its stages, so that a stopped one goes on; by default a temporary folder that
                goes away with this object.
            progress: whether bars are drawn on standard error.
            overrides: recipe keys with __ for the dot: `seed=1`, `model__groups__n=2`.

        Raises:
            RecipeError: on an unknown recipe or key, or a recipe of another model.
        """
        if isinstance(recipe, Recipe):
            if overrides:
                raise RecipeError("overrides need a recipe given by name or file; change a Recipe before you pass it")
            self.recipe = recipe
        else:
            changes = [f"{key.replace('__', '.')}={json.dumps(value, default=str)}" for key, value in overrides.items()]
            self.recipe = load_recipe(recipe or "demo", changes)
        _get_thinkrec_config(self.recipe)
        self.folder = None if folder is None else Path(folder)
        self.progress = progress
        self._run: Run | None = None

    def __repr__(self) -> str:
        """Recipe, whether it is trained and on how much, and its folder."""
        trained = "not trained yet"
        if self._run is not None:
            ds = self._run.ds
            trained = f"trained on {len(ds.user_ids):,} users and {len(ds.items):,} items"
        return f"ThinkRec(recipe {self.recipe.name!r}, {trained}, folder {str(self.folder or 'a temporary one')!r})"

    # -- learning and keeping ----------------------------------------------------------------------------------------

    def fit(self, ds: Dataset) -> ThinkRec:
        """Train on the train rows of a data set, selecting on its validation rows; returns self.

        Raises DataError if a split cannot serve, RecipeError if the recipe's reasons belong to another data set.
        """
        reasons = _get_thinkrec_config(self.recipe).reasons
        if reasons.source == "written" and reasons.file is None:
            raise RecipeError(
                "model.reasons.source is written, which means the reasons beside MovieLens-1M; for your own data name "
                "a table in model.reasons.file, or choose rules or none"
            )
        folder = run_on_main(lambda: self.folder or self._temporary_folder)
        recipe = resolve_paths(self.recipe.model_copy(update={"data": InMemoryData()}))
        run = Run(recipe, folder, self.progress and is_main(), preloaded_dataset=ds)
        with lock_run_folder(folder):
            run_on_main(lambda: check_data(run.recipe, ds))
            run_on_main(run.prepare_folder)
            run.train_variants()
        self._run = run
        for known in ("_predictor", "_variant", "_writers", "_user_codes", "_item_codes"):
            self.__dict__.pop(known, None)
        return self

    def save(self, folder: str | Path) -> None:
        """Write all that answering needs into one folder: recipe, data, encoder, groups, trained weights.

        The backbone is named, not copied. An earlier save there is replaced in one go. Raises CheckpointError if
        nothing is trained yet or the folder holds something else.
        """
        run = self._fitted_run
        saved_model.save_recommender(run, Path(folder))

    @classmethod
    def load(cls, folder: str | Path, *, data: Dataset | None = None, progress: bool = False) -> ThinkRec:
        """Open what `save` wrote, or the folder of a finished run.

        Args:
            folder: the folder.
            data: whose users, items and pasts are asked about, for instance of tonight's tables. By default the tables
                that the run's recipe names as they are now, or the copy that the folder holds where there are none.
            progress: whether later calls show progress bars.

        Warns with a DataWarning, once and with counts, where the tables have changed since the training. Raises
        CheckpointError if something is missing, unfinished or does not belong together, RecipeError if the run trained
        another model.
        """
        folder = Path(folder)
        recipe = saved_model.read_recipe(folder)
        _get_thinkrec_config(recipe)
        saved_model.check_stages_finished(folder, recipe)
        found = cls(recipe, folder=folder, progress=progress)
        found._run = Run(
            recipe, folder, progress, preloaded_dataset=data or saved_model.read_current_data(recipe, folder)
        )
        return found

    # -- asking ------------------------------------------------------------------------------------------------------

    @property
    def ds(self) -> Dataset:
        """The data set that answers go by: of the training, or what `load` took."""
        return self._fitted_run.ds

    def score(self, users: Sequence[Any], items: Sequence[Any]) -> np.ndarray:
        """float64 (n,): logit(Yes) - logit(No) for n pairs of ids, from each user's whole past as known now.

        With `model.score: yes` in the recipe it is logit(Yes). Above 0 means Yes; 1 / (1 + exp(-score)) is the
        probability of a like. Raises DataError on unknown ids or unequal lengths.
        """
        users, items = list(users), list(items)
        if len(users) != len(items):
            raise DataError(f"{len(users)} users and {len(items)} items were given; give one item per user")
        places: dict[str, list[int]] = {}
        for place, user in enumerate(users):
            places.setdefault(str(user), []).append(place)
        asked = self._encode_items(items)
        questions = [self._build_query(users[at[0]], None, asked[at]) for at in places.values()]
        scores = np.zeros(len(users), dtype=np.float64)
        for at, found in zip(places.values(), self._score_queries(questions), strict=True):
            scores[at] = found
        return scores

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
    ) -> list[Ranked]:
        """Candidates from best to worst; equal scores keep the order given.

        Args:
            user: an id of the data; anything (None, for instance) if `history` is given.
            candidates: item ids; by default every item that is not in the user's past. Repeats count once.
            history: (item id, opinion) pairs, oldest first, in the place of what the data know of the user: True or
                False, 1 or 0, or ratings.
            threshold: of ratings in `history`, liked means rating > threshold; by default that of the data.
            top: how many to return; by default all.
            reasons: whether it also says why, of every item that is returned.
            writer: who writes the reasons (`score.cite.Writer`); by default as the recipe says.

        Raises:
            DataError: on an unknown user without history, an unknown item, or an entry of `history` that says nothing.
        """
        if top is not None and top < 1:
            raise DataError(f"top is {top}; ask for at least one item")
        past = self._build_query(user, history, np.zeros(0, dtype=np.int64), threshold)
        if candidates is None:
            codes = np.setdiff1d(np.arange(len(self.ds.items)), past.history_items)
        else:
            codes = np.array(list(dict.fromkeys(self._encode_items(candidates).tolist())), dtype=np.int64)
        scores = self._score_queries([replace(past, candidate_items=codes)])[0]
        best = np.argsort(-scores, kind="stable")[:top]
        items, chance = self.ds.items, compute_like_probability(scores)
        why: Sequence[WrittenReason | tuple[None, None]] = [(None, None)] * len(best)
        if reasons:
            system, (row,) = self._predictor.replace_histories([(past.user, past.history_items, past.history_labels)])
            why = self._write_reasons(system, int(row), codes[best], scores[best], writer)
        return [
            Ranked(items.ids[codes[i]], items.titles[codes[i]], float(scores[i]), float(chance[i]), *said)
            for i, said in zip(best, why, strict=True)
        ]

    def explain(
        self,
        user: Any,
        item: Any,
        *,
        history: History | None = None,
        threshold: float | None = None,
        writer: Writer | None = None,
    ) -> Explanation:
        """Whether the user would like the item, and why; arguments and errors as in `rank`."""
        code = int(self._encode_items([item])[0])
        past = self._build_query(user, history, np.array([code]), threshold)
        system, (row,) = self._predictor.replace_histories([(past.user, past.history_items, past.history_labels)])
        ((_, fork),) = system.render_candidates(int(row), past.candidate_items)
        scores = score_shared_prefixes(system.recommender, [(np.zeros(1, dtype=int), fork)], 1, option=system.option)
        scores = scores + system.compute_prior_offset(past.candidate_items)
        (written,) = self._write_reasons(system, int(row), past.candidate_items, scores, writer)
        items, weights = self.ds.items, system.compute_gates(np.array([row])).weights[0]
        shown = system.renderer.list_visible_history(int(row), code, slots=system.slot_encoder is not None)
        it = system.ds.interactions
        names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
        return Explanation(
            item=items.ids[code],
            title=items.titles[code],
            verdict="Yes" if scores[0] > 0 else "No",
            score=float(scores[0]),
            probability=float(compute_like_probability(scores)[0]),
            reason=written.text,
            history=tuple(
                HistoryItem(items.titles[i], bool(y)) for i, y in zip(it.item[shown], it.label[shown], strict=True)
            ),
            gate=tuple((name, float(w)) for name, w in zip(names, weights, strict=True)),
            writer=written.author,
        )

    def choose_stage(self, name: str) -> None:
        """Answer from now on by another trained variant than the last.

        `name`: of its row in the table of results, or its short name, such as global. Raises DataError for a name that
        no variant of the recipe has, CheckpointError if it is not trained.
        """
        variant = find_variant(self._fitted_run.recipe, name)
        self.__dict__["_predictor"] = self._fitted_run.load_predictor(variant)
        self.__dict__["_variant"] = variant
        self.__dict__.pop("_writers", None)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _write_reasons(
        self, system: Predictor, row: int, codes: np.ndarray, scores: np.ndarray, writer: Writer | None
    ) -> list[WrittenReason]:
        """A reason for each of these items, asked by an open row (see `Predictor.replace_histories`)."""

        def ask(places: np.ndarray) -> list[str]:
            # Common beginnings are read once.
            tokens = self.recipe.reason_tokens
            prompts = {
                int(place): prompt
                for found, fork in system.render_candidates(row, codes[places], tokens)
                for place, prompt in zip(found, fork.to_prompts(), strict=True)
            }
            return write_reasons(
                system.recommender,
                [prompts[n] for n in range(len(places))],
                scores[places] > 0,
                tokens=tokens,
                citable=[system.find_allowed_titles(row, int(code), tokens) for code in codes[places]],
                cite=self.recipe.citation_policy,
                mentions=self.recipe.max_citations,
                progress=self.progress and len(places) > 1,
            )

        if writer not in self._writers:
            self._writers[writer] = build_reason_writer(self._fitted_run, self._variant, self._predictor, writer)
        return self._writers[writer].write(system, np.full(len(codes), row), codes, scores, ask)

    @cached_property
    def _temporary_folder(self) -> Path:
        # The object itself keeps the folder alive: it is removed when this ThinkRec is.
        self._holder = tempfile.TemporaryDirectory(prefix="thinkrec-")
        return Path(self._holder.name)

    @property
    def _fitted_run(self) -> Run:
        if self._run is None:
            raise CheckpointError("this ThinkRec is not trained yet; call fit(dataset), or load a saved one")
        return self._run

    @cached_property
    def _variant(self) -> Variant:
        return get_final_variant(self._fitted_run.model)

    @cached_property
    def _writers(self) -> dict[Writer | None, ReasonWriter]:
        return {}

    @cached_property
    def _predictor(self) -> Predictor:
        return self._fitted_run.load_predictor(self._variant)

    @cached_property
    def _user_codes(self) -> dict[str, int]:
        return map_ids_to_codes(self.ds.user_ids)

    @cached_property
    def _item_codes(self) -> dict[str, int]:
        return map_ids_to_codes(self.ds.items.ids)

    def _encode_items(self, items: Iterable[Any]) -> np.ndarray:
        """int64: item codes. Raises DataError naming the closest known items."""
        return find_item_codes(self.ds, self._item_codes, items)

    def _build_query(
        self, user: Any, history: History | None, asked: np.ndarray, threshold: float | None = None
    ) -> _Query:
        code = self._user_codes.get(str(user))
        if history is not None:
            ids, labels = parse_history(history, threshold, self.ds.threshold)
            return _Query(code, self._encode_items(ids), labels, asked)
        if threshold is not None:
            raise DataError("threshold is for ratings in history; give a history, or leave it out")
        if code is None:
            raise make_unknown_user_error(self.ds, user)
        it = self.ds.interactions
        past = slice(int(it.start[code]), int(it.start[code + 1]))
        return _Query(code, it.item[past].astype(np.int64), it.label[past], asked)

    def _score_queries(self, questions: Sequence[_Query]) -> list[np.ndarray]:
        """Scores of every question's items; what a user's prompts share is computed once per CHUNK of them."""
        ends = np.cumsum([len(q.candidate_items) for q in questions])
        n = int(ends[-1]) if len(ends) else 0
        if not n:
            return [np.zeros(0) for _ in questions]
        system, rows = self._predictor.replace_histories(
            [(q.user, q.history_items, q.history_labels) for q in questions]
        )

        def asked() -> Iterator[tuple[np.ndarray, SharedPrefix]]:
            for question, row, end in zip(questions, rows, ends, strict=True):
                for first in range(0, len(question.candidate_items), CHUNK):
                    for places, fork in system.render_candidates(
                        int(row), question.candidate_items[first : first + CHUNK]
                    ):
                        yield end - len(question.candidate_items) + first + places, fork

        scores = score_shared_prefixes(
            system.recommender, asked(), n, option=system.option, progress=self.progress and n >= SLOW
        )
        return np.split(
            scores + system.compute_prior_offset(np.concatenate([q.candidate_items for q in questions])), ends[:-1]
        )


def load(folder: str | Path, *, data: Dataset | None = None, progress: bool = False) -> ThinkRec:
    """Open a saved recommender or a finished run; see `ThinkRec.load`."""
    return ThinkRec.load(folder, data=data, progress=progress)


def _get_thinkrec_config(recipe: Recipe) -> ThinkRecConfig:
    if recipe.model.kind != "thinkrec":
        raise RecipeError(
            f"recipe {recipe.name!r} trains {recipe.model.kind}, which only gives scores; ranking and explaining need "
            "a recipe whose model.kind is thinkrec"
        )
    return recipe.model
