"""Pasts as the service knows them: the run's tables, what was appended since, what a request gives or changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from thinkrec.data.interactions import TEST
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.score.answers import make_unknown_user_error, suggest_closest_items
from thinkrec.score.histories import History, parse_history
from thinkrec.serve.errors import UnknownIdError
from thinkrec.serve.interaction_store import StoredInteraction
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import Change, HistoryEntry, Source

MOST_COMPARED = 3000
"""Items of a catalogue whose titles an unknown id is compared with; with more, all others wait for that."""


@dataclass(frozen=True, eq=False)
class Past:
    """A query without candidates, and where each entry of its past comes from."""

    user: Any
    query: Query
    sources: tuple[Source, ...]


def find_items(model: ServedModel, items: Iterable[Any]) -> np.ndarray:
    """int64: codes of item ids. Raises UnknownIdError naming the closest known ones."""
    codes, ds = [], model.ds
    for item in items:
        code = model.item_codes.get(str(item))
        if code is None:
            shown = repr(item) if len(str(item)) <= 80 else f"{str(item)[:77]!r}..."
            hint = f"GET /v1/items finds {ds.domain.items} by words of their titles"
            if len(ds.items) <= MOST_COMPARED:
                hint = suggest_closest_items(str(item)[:80], ds)
            raise UnknownIdError(f"there is no {ds.domain.item} with the id {shown}; {hint}")
        codes.append(code)
    return np.array(codes, dtype=np.int64)


def build_past(
    model: ServedModel,
    user: Any,
    added: Sequence[StoredInteraction],
    history: History | None = None,
    threshold: float | None = None,
) -> Past:
    """The past of a user id, or a `history` given in its place.

    Appended interactions follow the tables' rows in the order of arrival; of several opinions on an item the last
    counts. Raises UnknownIdError for an unknown user without history, DataError for a history that says nothing.
    """
    ds, code = model.ds, model.user_codes.get(str(user))
    if history is not None:
        ids, labels = parse_history(history, threshold, ds.threshold)
        known = None if code is None else ds.user_ids[code]
        query = Query.from_ratings(ds, known, find_items(model, ids), labels)
        return Past(known, query, ("given",) * len(query.items))
    if threshold is not None:
        raise DataError("threshold is for ratings in history; give a history, or leave it out")
    if code is None and not added:
        raise UnknownIdError(str(make_unknown_user_error(ds, user)))
    if code is None:
        query = Query.from_ratings(ds, None, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int8))
    else:
        query = Query.from_dataset(ds, code)
    past = Past(user if code is None else ds.user_ids[code], query, ("data",) * len(query.items))
    # An item that a new run no longer has cannot stand in its prompts; the log keeps the row.
    known = [(model.item_codes[row.item], row.liked, row.timestamp) for row in added if row.item in model.item_codes]
    return _set_opinions(past, known, "added")


def change_past(model: ServedModel, past: Past, changes: Sequence[Change]) -> Past:
    """The past with opinions turned, items taken out and added at the end; no older entry moves into the prompt.

    Raises DataError where an item that is to be taken out is not there, UnknownIdError for an unknown one.
    """
    for change, code in zip(changes, find_items(model, [change.item for change in changes]), strict=True):
        places = np.flatnonzero(past.query.items == code)
        if change.liked is None:
            if not len(places):
                raise DataError(f"{change.item!r} is not in the history, so that it cannot be taken out of it")
            past = _drop_places(past, places)
        elif len(places):
            wrong = places[past.query.labels[places] != int(change.liked)]
            past = replace(past, query=past.query.flip_labels(wrong))
        else:
            past = _set_opinions(past, [(int(code), change.liked, None)], "given")
    return past


def find_changes(model: ServedModel, past: Past, history: History, threshold: float | None) -> tuple[Change, ...]:
    """What has to be changed in a past to make it a given history; the order of what both hold is not compared."""
    ids, labels = parse_history(history, threshold, model.ds.threshold)
    wanted = dict(zip(find_items(model, ids).tolist(), (bool(label) for label in labels), strict=True))
    held = {int(code): bool(label) for code, label in zip(past.query.items, past.query.labels, strict=True)}
    names = model.ds.items.ids
    gone = [Change(names[code], None) for code in held if code not in wanted]
    return (*gone, *(Change(names[code], liked) for code, liked in wanted.items() if held.get(code) is not liked))


def list_entries(model: ServedModel, past: Past) -> tuple[HistoryEntry, ...]:
    """The past as it is shown, oldest first."""
    items, query = model.ds.items, past.query
    return tuple(
        HistoryEntry(items.ids[i], items.titles[i], items.keywords[i], bool(y), int(t), source)
        for i, y, t, source in zip(query.items, query.labels, query.timestamps, past.sources, strict=True)
    )


def _set_opinions(past: Past, opinions: Sequence[tuple[int, bool, int | None]], source: Source) -> Past:
    """With opinions (item code, liked, time) at the end, in the place of earlier ones on their items; the last counts.

    One without a time was given when the past ended.
    """
    query, time = past.query, past.query.time
    last: dict[int, tuple[bool, int]] = {}
    for code, liked, timestamp in opinions:
        now = time if timestamp is None else timestamp
        time = max(time, now)
        last.pop(code, None)
        last[code] = liked, now
    if not last:
        return past
    keep = np.flatnonzero(~np.isin(query.items, list(last)))
    labels, times = zip(*last.values(), strict=True)
    query = replace(
        query,
        items=np.append(query.items[keep], np.array(list(last), dtype=np.int64)),
        labels=np.append(query.labels[keep], np.array(labels, dtype=np.int8)),
        timestamps=np.append(query.timestamps[keep], np.array(times, dtype=np.int64)),
        splits=np.append(query.splits[keep], np.full(len(last), TEST, dtype=np.int8)),
        time=time,
    )
    return replace(past, query=query, sources=(*(past.sources[place] for place in keep), *(source for _ in last)))


def _drop_places(past: Past, places: np.ndarray) -> Past:
    sources = [source for place, source in enumerate(past.sources) if place not in places.tolist()]
    return replace(past, query=past.query.erase_ratings(places), sources=tuple(sources))
