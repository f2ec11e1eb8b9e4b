"""Users by the beginning of their id: those of the run's tables, then those of whom the log of interactions knows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from thinkrec.serve.interaction_store import InteractionStore
from thinkrec.serve.model import ServedModel
from thinkrec.serve.values import UserCard


class UserIndex:
    """The ids of the tables in order, so that a search reads those that match alone."""

    def __init__(self, model: ServedModel) -> None:
        """Sort them once."""
        self.model = model
        self._names = sorted(model.user_codes)
        self._codes = np.array([model.user_codes[name] for name in self._names], dtype=np.int64)

    def search(self, text: str, most: int, store: InteractionStore) -> tuple[UserCard, ...]:
        """At most so many whose id begins with a text.

        One of the tables with that very id comes first, then the others of the tables in their order, then those of the
        log alone in the order of their ids.
        """
        # A lone surrogate, which no id has, cannot be sent to a database.
        text = text.encode("utf-8", "replace").decode()
        known = self._find_known(text, most)
        names = [str(self.model.ds.user_ids[code]) for code in known]
        added = store.count_users(names)
        cards = [self._build_card(code, *added.get(name, (0, 0))) for code, name in zip(known, names, strict=True)]
        if len(cards) == most:
            return tuple(cards)
        # Users of the tables may be in the log too. Fewer than `most` of them match, or the list were full.
        for name, rows, likes in store.find_users(text, most + len(known)):
            if name not in self.model.user_codes and len(cards) < most:
                cards.append(UserCard(name, rows, likes, False))
        return tuple(cards)

    def _find_known(self, text: str, most: int) -> list[int]:
        """Codes of the tables' users that match."""
        first = bisect_left(self._names, text)
        last = bisect_right(self._names, text, lo=first, key=lambda name: name[: len(text)])
        codes = self._codes[first:last]
        if len(codes) > most:
            codes = np.partition(codes, most - 1)[:most]
        ordered = np.sort(codes).tolist()
        exact = self.model.user_codes.get(text)
        return ordered if exact is None else [exact, *(code for code in ordered if code != exact)][:most]

    def _build_card(self, code: int, rows: int, likes: int) -> UserCard:
        table = self.model.ds.interactions
        own = slice(table.start[code], table.start[code + 1])
        more, liked = own.stop - own.start, table.label[own].sum()
        return UserCard(self.model.ds.user_ids[code], int(more) + rows, int(liked) + likes, True)
