"""The service in the process: what the page and the HTTP endpoints ask.

Methods are plain calls that may come from many threads at the same time. Scores of all of them go through one queue
(`scoring_queue`), so that they share batches.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from thinkrec.errors import DataError
from thinkrec.run.options import RunOptions
from thinkrec.score.histories import History
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.ranker import compute_like_probability
from thinkrec.serve.admission import Admission
from thinkrec.serve.catalogue_search import order_by_like_rate
from thinkrec.serve.explanations import build_explanation
from thinkrec.serve.histories import Past, build_past, change_past, find_changes, find_items, list_entries
from thinkrec.serve.interaction_store import InteractionStore
from thinkrec.serve.loaded_model import LoadedModel, QueuedScorer, ServiceLimits, close_later
from thinkrec.serve.model import ServedModel, open_model
from thinkrec.serve.open_store import open_store
from thinkrec.serve.profiles import describe_mixture
from thinkrec.serve.reasons import ReasonDesk
from thinkrec.serve.values import (
    Appended,
    Change,
    HistoryEntry,
    ItemCard,
    MapPoint,
    ModelInfo,
    Moved,
    RankedItem,
    Ranking,
    Reason,
    ServedExplanation,
    UserCard,
    UserProfile,
    WhatIf,
)

ReasonChoice = Literal["none", "rules", "model", "auto"]
"""Who writes reasons: nobody, the rules, the model, or the model where its text stands up to a check."""


class RecommenderService:
    """Ranks, explains and remembers, for a page or for HTTP."""

    def __init__(
        self,
        folder: Path,
        store: InteractionStore,
        *,
        options: RunOptions | None = None,
        limits: ServiceLimits | None = None,
    ) -> None:
        """Open a run. Raises CheckpointError naming the file that is damaged, RecipeError for a run without reasons."""
        self.limits, self.options, self.store = limits or ServiceLimits(), options or RunOptions(), store
        self.desk = ReasonDesk(self.limits.reasons_waiting)
        self.admission = Admission(self.limits.most_requests)
        self._loaded = self.load_run(folder)
        self._swap = threading.Lock()

    # -- what answers ------------------------------------------------------------------------------------------------

    @property
    def loaded(self) -> LoadedModel:
        """The model that answers requests that come now."""
        return self._loaded

    def describe(self) -> ModelInfo:
        """The run that answers."""
        return self._loaded.model.info

    def swap_run(self, folder: Path) -> ModelInfo:
        """Answer by another run from now on; what is under way is finished by the old one.

        Raises as the constructor; the old run then goes on answering.
        """
        with self._swap:
            return self.replace_model(self.load_run(folder))

    def replace_model(self, loaded: LoadedModel) -> ModelInfo:
        """Answer by a model that `load_run` opened; what is under way is finished by the old one."""
        old, self._loaded = self._loaded, loaded
        # Requests hold the old one while they use it; its thread ends once nothing of it waits.
        threading.Thread(target=close_later, args=(old,), name="thinkrec-swap", daemon=True).start()
        return self.describe()

    def close(self, timeout: float | None = 30.0) -> bool:
        """Finish what was accepted and close the log; returns whether all was done within `timeout` seconds."""
        done = self._loaded.queue.close(timeout)
        self.desk.close()
        self.store.close()
        return done

    def load_run(self, folder: Path) -> LoadedModel:
        """Open a run, ready to answer; it does not answer yet. Raises as the constructor."""
        loaded = LoadedModel(open_model(folder, self.options), self.limits)
        loaded.prepare()
        return loaded

    # -- looking up --------------------------------------------------------------------------------------------------

    def search_items(self, text: str = "", most: int = 20) -> tuple[ItemCard, ...]:
        """Items by words of title, keywords or id; without text the most rated."""
        return self._loaded.index.search(text[:200], most)

    def search_users(self, text: str = "", most: int = 20) -> tuple[UserCard, ...]:
        """Users whose id begins with a text, those of the tables first."""
        return self._loaded.users.search(text[:200], most, self.store)

    def get_history(self, user: Any, most: int | None = None) -> tuple[HistoryEntry, ...]:
        """What is known of a user, oldest first; `most`: the last so many. Raises UnknownIdError."""
        loaded = self._loaded
        return list_entries(loaded.model, self._build_past(loaded, user))[-most if most else None :]

    def describe_user(self, user: Any = None, *, history: History | None = None, most_similar: int = 5) -> UserProfile:
        """Mixture of adapters, group, similar users, place on the map."""
        loaded = self._loaded
        return loaded.space.describe_user(self._build_past(loaded, user, history), most_similar)

    def map_users(self) -> tuple[MapPoint, ...]:
        """All users of the training on the map; nobody where the model has no user vectors."""
        space = self._loaded.space
        return space.list_points() if len(space.users) else ()

    # -- asking ------------------------------------------------------------------------------------------------------

    def score_pairs(self, users: Sequence[Any], items: Sequence[Any], deadline: float | None = None) -> np.ndarray:
        """float64 (n,): the score of each (user, item). Raises DataError for unequal lengths."""
        if len(users) != len(items):
            raise DataError(f"{len(users)} users and {len(items)} items were given; give one item per user")
        loaded = self._loaded
        codes = find_items(loaded.model, items)
        queries = [replace(self._build_past(loaded, user).query, candidates=codes[[n]]) for n, user in enumerate(users)]
        values = QueuedScorer(loaded, self._end(deadline)).score_queries(queries)
        return np.array([value[0] for value in values])

    def rank(
        self,
        user: Any = None,
        *,
        history: History | None = None,
        threshold: float | None = None,
        candidates: Sequence[Any] | None = None,
        top: int = 10,
        reasons: ReasonChoice = "none",
        deadline: float | None = None,
    ) -> Ranking:
        """Candidates, by default what the user has not met, from best to worst; `deadline`: seconds from now."""
        loaded, end = self._loaded, self._end(deadline)
        past = self._build_past(loaded, user, history, threshold)
        codes, words, dropped = self._choose_candidates(loaded.model, past, candidates)
        query = replace(past.query, candidates=codes)
        scores = QueuedScorer(loaded, end).score_queries([query])[0]
        best = np.argsort(-scores, kind="stable")[:top]
        why: Sequence[Reason | None] = [None] * len(best)
        if reasons != "none" and len(best):
            asked = [replace(query, candidates=codes[[i]]) for i in best]
            why = self.desk.write(loaded.model, asked, scores[best], reasons, end)
        items, chance = loaded.model.ds.items, compute_like_probability(scores)
        shown = tuple(
            RankedItem(n, items.ids[codes[i]], items.titles[codes[i]], float(scores[i]), float(chance[i]), reason)
            for n, (i, reason) in enumerate(zip(best, why, strict=True), start=1)
        )
        return Ranking(past.user, shown, len(codes), words, dropped, loaded.model.info)

    def explain(
        self,
        user: Any = None,
        item: Any = None,
        *,
        history: History | None = None,
        threshold: float | None = None,
        reason: ReasonChoice = "auto",
        effects: bool = True,
        deadline: float | None = None,
    ) -> ServedExplanation:
        """Whether a user would like an item, why, and what each history line does to the score."""
        loaded, end = self._loaded, self._end(deadline)
        past = self._build_past(loaded, user, history, threshold)
        return self._explain_pasts(loaded, [past], item, reason, effects, end)[0]

    def compare_what_if(
        self,
        user: Any = None,
        *,
        history: History | None = None,
        changed: History | None = None,
        changes: Sequence[Change] = (),
        candidates: Sequence[Any] | None = None,
        item: Any = None,
        top: int = 20,
        reason: ReasonChoice = "rules",
        effects: bool = True,
        deadline: float | None = None,
    ) -> WhatIf:
        """The ranking, and the answer about `item`, before and after a change of the history.

        Args:
            user: whose known history it is, where `history` gives no other.
            history: the history before.
            changed: the whole history after; or
            changes: single changes of the one before.
            candidates: what is ranked; by default what is in neither history.
            item: also explained before and after, where given.
            top: how many of the ranking after are shown.
            reason: who writes the reasons about `item`.
            effects: whether the effects of the lines are measured.
            deadline: seconds from now.

        Raises:
            DataError: where both or none of `changed` and `changes` are given.
        """
        if (changed is None) == (not changes):
            raise DataError("give either the changed history or single changes of it")
        loaded, end = self._loaded, self._end(deadline)
        model = loaded.model
        before = self._build_past(loaded, user, history)
        edits = tuple(changes) if changed is None else find_changes(model, before, changed, None)
        after = change_past(model, before, edits)
        met = replace(before, query=replace(before.query, items=np.union1d(before.query.items, after.query.items)))
        codes, _, _ = self._choose_candidates(model, met, candidates)
        pair = [replace(past.query, candidates=codes) for past in (before, after)]
        old, new = QueuedScorer(loaded, end).score_queries(pair)
        answers: Sequence[ServedExplanation | None] = [None, None]
        if item is not None:
            # Both sides together: their scores share batches, and the model writes both reasons at the same time.
            answers = self._explain_pasts(loaded, [before, after], item, reason, effects, end)
        return WhatIf(
            changes=edits,
            history=list_entries(model, after),
            ranking=_compare_rankings(model, codes, old, new, top),
            mixture_before=describe_mixture(model, before)[0],
            mixture_after=describe_mixture(model, after)[0],
            before=answers[0],
            after=answers[1],
            model=model.info,
        )

    def append_interaction(
        self, user: Any, item: Any, liked: bool, *, timestamp: int | None = None, key: str | None = None
    ) -> Appended:
        """Remember an opinion; it counts from the next request on and survives a restart.

        `key`: of the request; a second one with the same key writes nothing. Raises UnknownIdError for an unknown item.
        """
        model = self._loaded.model
        (code,) = find_items(model, [item])
        return self.store.append(str(user), str(model.ds.items.ids[code]), liked, timestamp, key)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _end(self, seconds: float | None) -> float:
        return time.monotonic() + (self.limits.deadline if seconds is None else seconds)

    def _build_past(
        self, loaded: LoadedModel, user: Any, history: History | None = None, threshold: float | None = None
    ) -> Past:
        added = self.store.list_opinions(str(user)) if history is None else ()
        return build_past(loaded.model, user, added, history, threshold)

    def _choose_candidates(
        self, model: ServedModel, past: Past, candidates: Sequence[Any] | None
    ) -> tuple[np.ndarray, str, int]:
        """Item codes, what they are in words, and how many were named more than once."""
        most = self.limits.most_candidates
        if candidates is not None:
            if len(candidates) > most:
                raise DataError(f"{len(candidates):,} candidates were given and one request may have {most:,}")
            codes = find_items(model, candidates)
            once = np.array(list(dict.fromkeys(codes.tolist())), dtype=np.int64)
            return once, f"the {len(once)} given", len(codes) - len(once)
        unmet = np.setdiff1d(np.arange(len(model.ds.items)), past.query.items)
        words = f"all {len(unmet):,} {model.ds.domain.items} that are not in the history"
        if len(unmet) > most:
            words = (
                f"{most:,} of {len(unmet):,} {model.ds.domain.items} that are not in the history, by their like rate"
            )
            unmet = order_by_like_rate(model, unmet)[:most]
        return unmet, words, 0

    def _explain_pasts(
        self,
        loaded: LoadedModel,
        pasts: Sequence[Past],
        item: Any,
        choice: ReasonChoice,
        effects: bool,
        end: float,
    ) -> list[ServedExplanation]:
        """The answer about an item from each of some pasts."""
        model, scorer = loaded.model, QueuedScorer(loaded, end)
        codes = find_items(model, [item])
        queries = [replace(past.query, candidates=codes) for past in pasts]
        moved: list[list[float] | None] = [None] * len(pasts)
        if effects:
            measured = compute_line_effects(scorer, queries, flip=False)
            scores = np.array([one.score for one in measured])
            moved = [one.erase.tolist() for one in measured]
        else:
            scores = np.array([values[0] for values in scorer.score_queries(queries)])
        reasons: Sequence[Reason | None] = [None] * len(pasts)
        if choice != "none":
            reasons = self.desk.write(model, queries, scores, choice, end)
        return [
            build_explanation(model, past, query, float(score), lines, reason)
            for past, query, score, lines, reason in zip(pasts, queries, scores, moved, reasons, strict=True)
        ]


def open_service(
    folder: Path,
    interactions: str | Path,
    *,
    options: RunOptions | None = None,
    limits: ServiceLimits | None = None,
) -> RecommenderService:
    """The service of a run with its log of interactions, as `open_store` takes it."""
    return RecommenderService(folder, open_store(interactions), options=options, limits=limits)


def _compare_rankings(
    model: ServedModel, codes: np.ndarray, old: np.ndarray, new: np.ndarray, top: int
) -> tuple[Moved, ...]:
    ranks = [np.argsort(np.argsort(-scores, kind="stable"), kind="stable") for scores in (old, new)]
    before, after = compute_like_probability(old), compute_like_probability(new)
    items, moved = model.ds.items, []
    for i in np.argsort(ranks[1])[:top]:
        numbers = int(ranks[0][i]) + 1, int(ranks[1][i]) + 1, float(old[i]), float(new[i])
        moved.append(Moved(items.ids[codes[i]], items.titles[codes[i]], *numbers, float(before[i]), float(after[i])))
    return tuple(moved)
