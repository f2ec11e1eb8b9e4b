"""The items that a reason is about: what it may cite, and what the texts of its target say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue, Citation, TitleResolver, find_citations
from thinkrec.claims.grounding import GroundingCase
from thinkrec.data.columns import parse_order, reject_rows
from thinkrec.data.dataset import Dataset, Items
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.support import collect_content_stems
from thinkrec.evaluate.text.words import split_words
from thinkrec.reasons.matching import IDS, match_rows

NOUNS = ("film", "films", "movie", "movies", "item", "items", "user", "users", "viewer", "viewers")
"""Words for items and users that a reason may use whatever the data set calls them."""


@dataclass(frozen=True, eq=False)
class RowItems:
    """Rows of a data set with their items, in the order of the references."""

    cases: tuple[GroundingCase, ...]
    """History and target of each row."""
    target: np.ndarray
    """int64 (n,): item code of each row's target."""
    items: Items
    nouns: tuple[str, ...] = NOUNS
    """Words for items and users: to use them says nothing of an item."""

    @cached_property
    def has_texts(self) -> bool:
        """Whether the items have anything but their titles."""
        return bool(self.items.texts.width) or any(self.items.keywords)

    @cached_property
    def catalogue(self) -> Catalogue:
        """The titles of all items."""
        return Catalogue(self.items.titles)

    def find_row_citations(self, texts: Sequence[str]) -> list[list[Citation]]:
        """The citations of each row's text, as `evaluate grounding` finds them."""
        return [
            find_citations(text, TitleResolver(self.catalogue, case.history, case.target))
            for text, case in zip(texts, self.cases, strict=True)
        ]

    def collect_target_stems(self) -> list[frozenset[str]]:
        """Content stems of each row's target: of its title, keywords and texts."""
        codes = self.target.tolist()
        stems = {code: collect_content_stems("\n".join(self.list_item_texts(code))) for code in set(codes)}
        return [stems[code] for code in codes]

    def list_item_texts(self, code: int) -> list[str]:
        """Everything that the tables tell of an item: title, keywords, and further text columns."""
        texts = self.items.texts.row(code) if self.items.texts.width else ()
        return [self.items.titles[code], *self.items.keywords[code], *(text for text in texts if text)]

    def select_rows(self, keep: np.ndarray) -> RowItems:
        """The rows where `keep`, bool (n,), is true."""
        cases = tuple(case for case, is_kept in zip(self.cases, keep, strict=True) if is_kept)
        return RowItems(cases, self.target[keep], self.items, self.nouns)


def find_row_items(ds: Dataset, table: pl.DataFrame, references: References, length: int, block: int = 1) -> RowItems:
    """The items of every row that the references are about.

    Args:
        ds: the data set that the reasons are about.
        table: the table of the references; where it has user_id and item_id, rows are found by these too.
        references: rows of that table.
        length: history items that a prompt shows.
        block: by how many rows the history moves on; see `Interactions.get_history`.

    Raises:
        DataError: for a reference about a row that the data set does not have.
    """
    named = set(IDS) <= set(table.columns)
    order = parse_order(table["order"], references.source)
    table = table.filter(order.is_in(references.order.tolist()))
    rows = (
        match_rows(ds, table, references.source).rows
        if named
        else ds.interactions.find_rows(np.asarray(table["order"]))
    )
    remedy = "Give the run that they are from."
    reject_rows(table["order"], pl.Series(rows < 0), references.source, "names rows that the run does not have", remedy)
    row_of = dict(zip(parse_order(table["order"], references.source).to_list(), rows.tolist(), strict=True))
    sorted_rows = np.array([row_of[order] for order in references.order.tolist()], dtype=np.int64)
    own_nouns = [word for noun in (ds.domain.item, ds.domain.items, ds.domain.user) for word in split_words(noun)]
    return RowItems(
        tuple(build_cases(ds, sorted_rows, length, block)),
        ds.interactions.item[sorted_rows],
        ds.items,
        tuple(dict.fromkeys((*NOUNS, *own_nouns))),
    )
