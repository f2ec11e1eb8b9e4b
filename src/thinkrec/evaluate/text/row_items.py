"""The items that a reason is about: what it may cite, and what the texts of its target say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from thinkrec.prompts.config import PromptConfig
from thinkrec.prompts.items import read_text_column, truncate_keywords
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
    shown: PromptConfig | None = None
    """What the prompt of a reason shows of an item; None where no prompt was written for."""

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

    def collect_target_stems(self, *, only_shown: bool = False) -> list[frozenset[str]]:
        """Content stems of each row's target: of its title, keywords and texts, or of what the prompt shows of them."""
        codes, list_texts = self.target.tolist(), self.list_shown_texts if only_shown else self.list_item_texts
        stems = {code: collect_content_stems("\n".join(list_texts(code))) for code in set(codes)}
        return [stems[code] for code in codes]

    def list_item_texts(self, code: int) -> list[str]:
        """Everything that the tables tell of an item: title, keywords, and further text columns."""
        texts = self.items.texts.row(code) if self.items.texts.width else ()
        return [self.items.titles[code], *self.items.keywords[code], *(text for text in texts if text)]

    def list_shown_texts(self, code: int) -> list[str]:
        """What the prompt of a reason shows of a target: title, its columns, so many keywords, and its own text.

        The text is taken whole where the prompt cuts it to `reason_text_tokens`. Raises DataError for a column that the
        items do not have.
        """
        assert self.shown is not None
        columns = [column[code] for column in self._shown_columns]
        return [
            self.items.titles[code],
            *truncate_keywords(self.items.keywords[code], self.shown.keywords),
            *(text for text in columns if text),
        ]

    @cached_property
    def _shown_columns(self) -> list[list[str]]:
        assert self.shown is not None
        return [read_text_column(self.items, name, "prompt") for name in list_shown_columns(self.shown)]

    def describe_shown(self) -> str:
        """What the prompt of a reason shows of a target, in words."""
        assert self.shown is not None
        return ", ".join(["title", *list_shown_columns(self.shown), f"at most {self.shown.keywords} keywords"])

    def select_rows(self, keep: np.ndarray) -> RowItems:
        """The rows where `keep`, bool (n,), is true."""
        cases = tuple(case for case, is_kept in zip(self.cases, keep, strict=True) if is_kept)
        return replace(self, cases=cases, target=self.target[keep])


def list_shown_columns(prompt: PromptConfig) -> list[str]:
    """The text columns of a target that stand in the prompt of a reason.

    >>> list_shown_columns(PromptConfig(item_columns=("genres",), reason_text="plot"))
    ['genres', 'plot']
    """
    return [*prompt.item_columns, *([prompt.reason_text] if prompt.reason_text else [])]


def find_row_items(
    ds: Dataset,
    table: pl.DataFrame,
    references: References,
    length: int,
    block: int = 1,
    shown: PromptConfig | None = None,
) -> RowItems:
    """The items of every row that the references are about.

    Args:
        ds: the data set that the reasons are about.
        table: the table of the references; where it has user_id and item_id, rows are found by these too.
        references: rows of that table.
        length: history items that a prompt shows.
        block: by how many rows the history moves on; see `Interactions.get_history`.
        shown: what the prompt of a reason shows of an item, where there is such a prompt.

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
        shown,
    )
