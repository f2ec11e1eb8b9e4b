"""What recommenders answer, and what they say to ids that the data do not have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from thinkrec.data.dataset import Dataset
from thinkrec.errors import DataError
from thinkrec.score.composition import ScoreParts
from thinkrec.score.displays import ExplanationDisplay


@dataclass(frozen=True)
class HistoryItem:
    """One entry of a shown history."""

    title: str
    liked: bool


@dataclass(frozen=True)
class Ranked:
    """One place of a ranking."""

    item: Any
    """Original item id."""
    title: str
    score: float
    """logit(Yes) - logit(No), or what the recipe's `model.score` says."""
    probability: float
    """Of a like, 0..1: the sigmoid of the score."""
    reason: str | None = None
    """Where `reasons` are asked for; opens with the verdict that the score implies."""
    writer: str | None = None
    """Who wrote it: model, rules, or plain (the rules, with nothing shared to argue from)."""
    parts: ScoreParts | None = None
    """The score as a sum, where the recipe composes it (`model.composition`)."""
    is_new: bool = False
    """Whether the item came after the training: nothing was learned of it but what its keywords say."""


@dataclass(frozen=True)
class Recommendation:
    """One place of a list that was chosen out of the whole catalogue: a generator proposed it, the model ranked it."""

    item: Any
    """Original item id."""
    title: str
    score: float
    """As in `Ranked`."""
    probability: float
    """Of a like, 0..1: the sigmoid of the score."""
    candidates: int
    """Among how many candidates the item was ranked."""
    reason: str | None = None
    """As in `Ranked`."""
    writer: str | None = None
    """As in `Ranked`."""
    is_new: bool = False
    """As in `Ranked`."""
    parts: ScoreParts | None = None
    """As in `Ranked`."""

    @classmethod
    def from_ranked(cls, ranked: Ranked, candidates: int) -> Recommendation:
        """A place of a ranking of so many candidates."""
        return cls(
            ranked.item,
            ranked.title,
            ranked.score,
            ranked.probability,
            candidates,
            ranked.reason,
            ranked.writer,
            ranked.is_new,
            ranked.parts,
        )


@dataclass(frozen=True)
class Explanation(ExplanationDisplay):
    """One answer with its reason."""

    item: Any
    """Original item id."""
    title: str
    verdict: str
    """Yes where the score is above 0, else No."""
    score: float
    """logit(Yes) - logit(No), or what the recipe's `model.score` says."""
    probability: float
    """Of a like, 0..1: the sigmoid of the score."""
    reason: str
    """Opens with the verdict."""
    history: tuple[HistoryItem, ...]
    """What the model saw of the past, oldest first."""
    gate: tuple[tuple[str, float], ...]
    """(adapter, weight): the global one first, then the experts; weights sum to 1."""
    writer: str = "model"
    """Who wrote the reason: model, rules, or plain (the rules, with nothing shared to argue from)."""
    effects: tuple[float, ...] | None = None
    """Per entry of `history`, the score less the score without it, where that was asked for: positive speaks for the
    item. See `score.line_effects`."""
    parts: ScoreParts | None = None
    """The score as a sum, where the recipe composes it (`model.composition`)."""
    is_new: bool = False
    """As in `Ranked`."""


def map_ids_to_codes(ids: Sequence[Any]) -> dict[str, int]:
    """The code of every id, by its text: what is typed is text, whatever the tables hold."""
    return {str(id_): code for code, id_ in enumerate(ids)}


def find_item_codes(ds: Dataset, codes: Mapping[str, int], items: Iterable[Any]) -> np.ndarray:
    """int64: codes of item ids; `codes`: `map_ids_to_codes` those of `ds`.

    Raises DataError naming the closest known ones.
    """
    items = list(items)
    for item in items:
        if str(item) not in codes:
            raise DataError(
                f"there is no {ds.domain.item} with the id {item!r}; {suggest_closest_items(str(item), ds)}"
            )
    return np.array([codes[str(item)] for item in items], dtype=np.int64)


def make_unknown_user_error(ds: Dataset, user: Any) -> DataError:
    """What to raise where the data have no such user and no history was given."""
    return DataError(
        f"there is no {ds.domain.user} with the id {user!r} in the data ({len(ds.user_ids)} known, such as "
        f"{', '.join(map(repr, ds.user_ids[:3]))}); for somebody new, give a history of items, liked or not"
    )


def suggest_closest_items(text: str, ds: Dataset, most: int = 3) -> str:
    """A hint for a mistyped item: items whose title holds or resembles the text, or whose id does."""
    titles, ids = ds.items.titles, [str(id_) for id_ in ds.items.ids]
    low = text.lower()
    lowered = [title.lower() for title in titles]
    codes = [code for code, title in enumerate(lowered) if low and low in title][:most]
    codes += [lowered.index(title) for title in get_close_matches(low, lowered, most)]
    codes += [ids.index(id_) for id_ in get_close_matches(text, ids, most)]
    shown = [f"{ds.items.ids[code]!r} ({titles[code]})" for code in dict.fromkeys(codes)][:most]
    return f"closest: {', '.join(shown)}" if shown else f"ids look like {', '.join(map(repr, ds.items.ids[:most]))}"
