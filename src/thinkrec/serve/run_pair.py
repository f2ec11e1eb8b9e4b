"""Two finished runs on the same tables behind one service: each answers for itself, and they are compared."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from thinkrec.errors import DataError
from thinkrec.score.histories import History
from thinkrec.serve.comparison import ComparedModel, Comparison, compute_rank_correlation, join_rankings
from thinkrec.serve.same_tables import check_same_tables
from thinkrec.serve.service import ReasonChoice, RecommenderService
from thinkrec.serve.values import Change, Moved, RankedItem, ServedExplanation


class RunPair:
    """The service of a run, and a second one beside it that reads the same log of interactions.

    All that is asked of one run alone goes to `first`, as without a second run.
    """

    def __init__(self, first: RecommenderService, first_folder: Path, second_folder: Path) -> None:
        """Open the second run with the first one's limits and options.

        Raises:
            DataError: where both are the same folder, or were trained on different tables.
            CheckpointError, RecipeError: as `open_model`.
        """
        if first_folder.resolve() == second_folder.resolve():
            raise DataError(f"--beside names {second_folder}, which is served already; name another run")
        self.first, self.folders = first, (first_folder, second_folder)
        self.names = shorten_names(first_folder, second_folder)
        self.second = RecommenderService(second_folder, first.store, options=first.options, limits=first.limits)
        self._swap = threading.Lock()
        try:
            self.notes = check_same_tables(first.loaded.model.ds, self.second.loaded.model.ds)
        except DataError:
            self._close_second(0)
            raise

    @property
    def services(self) -> tuple[RecommenderService, RecommenderService]:
        """Both, the first one first."""
        return self.first, self.second

    def compare(
        self,
        user: Any = None,
        *,
        history: History | None = None,
        changes: Sequence[Change] = (),
        candidates: Sequence[Any] | None = None,
        item: Any = None,
        top: int = 10,
        reason: ReasonChoice = "rules",
        effects: bool = False,
        deadline: float | None = None,
    ) -> Comparison:
        """What both answer.

        Args:
            user: whose known history it is, where `history` gives no other.
            history: the history that is asked about.
            changes: of that history, for both.
            candidates: what is ranked; by default what is not in the history.
            item: also explained by both, where given.
            top: how many of the best of each are shown.
            reason: who writes the reasons about `item`.
            effects: whether the effects of the history's lines are measured.
            deadline: seconds from now for all of it.
        """
        end = time.monotonic() + (self.first.limits.deadline if deadline is None else deadline)
        asker: dict[str, Any] = {"user": user, "history": history}
        change = tuple(changes)
        rankings = [
            _rank_items(service, asker, change, candidates, lambda: end - time.monotonic()) for service in self.services
        ]
        answers: list[ServedExplanation | None] = [None, None]
        if item is not None:
            about = {"item": item, "reason": reason, "effects": effects}
            answers = [
                _explain_item(service, asker, change, about, end - time.monotonic()) for service in self.services
            ]
        every = join_rankings(*rankings, top=max(map(len, rankings)))
        first, second = (
            ComparedModel(name, info.row, info.version, info.warning, answer)
            for name, info, answer in zip(
                self.names, (service.describe() for service in self.services), answers, strict=True
            )
        )
        known = self.first.loaded.model.user_codes.get(str(user))
        return Comparison(
            user=user if known is None else self.first.loaded.model.ds.user_ids[known],
            items=tuple(one for one in every if min(one.first.rank, one.second.rank) <= top),
            shared=sum(max(one.first.rank, one.second.rank) <= top for one in every),
            rank_correlation=compute_rank_correlation(every),
            scored=len(every),
            first=first,
            second=second,
        )

    def swap_runs(self) -> str:
        """Answer by what stands in both folders now; returns the versions.

        Raises as the constructor; both old models then go on answering.
        """
        with self._swap:
            loaded = [service.load_run(folder) for service, folder in zip(self.services, self.folders, strict=True)]
            try:
                self.notes = check_same_tables(loaded[0].model.ds, loaded[1].model.ds)
            except DataError:
                for one in loaded:
                    one.queue.close(0)
                raise
            infos = [service.replace_model(one) for service, one in zip(self.services, loaded, strict=True)]
        return " and ".join(info.version for info in infos)

    def close(self, timeout: float | None = 30.0) -> bool:
        """Finish what both accepted and close the log; returns whether all was done within `timeout` seconds each."""
        done = self._close_second(timeout)
        return self.first.close(timeout) and done

    def _close_second(self, timeout: float | None) -> bool:
        """All of the second but the log, which is the first one's."""
        self.second.desk.close()
        return self.second.loaded.queue.close(timeout)


def shorten_names(first: Path, second: Path) -> tuple[str, str]:
    """As many of the last parts of two paths as tell them apart: the runs of a study are all called seed-0."""
    one, other = first.resolve().parts, second.resolve().parts
    n = next((n for n in range(1, min(len(one), len(other))) if one[-n:] != other[-n:]), 1)
    return "/".join(one[-n:]), "/".join(other[-n:])


def _rank_items(
    service: RecommenderService,
    asker: dict[str, Any],
    changes: tuple[Change, ...],
    candidates: Sequence[Any] | None,
    count_seconds: Callable[[], float],
) -> tuple[RankedItem, ...] | tuple[Moved, ...]:
    options = {"candidates": candidates, "top": service.limits.most_candidates, "deadline": count_seconds()}
    if not changes:
        return service.rank(**asker, **options).items
    return service.compare_what_if(**asker, changes=changes, reason="none", effects=False, **options).ranking


def _explain_item(
    service: RecommenderService,
    asker: dict[str, Any],
    changes: tuple[Change, ...],
    about: dict[str, Any],
    seconds: float,
) -> ServedExplanation | None:
    if not changes:
        return service.explain(**asker, **about, deadline=seconds)
    options = {"changes": changes, "candidates": [about["item"]], "deadline": seconds}
    return service.compare_what_if(**asker, **about, **options).after
