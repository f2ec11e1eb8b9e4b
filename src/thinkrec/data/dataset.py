"""`Dataset`: checked interactions and items, the value that every other folder receives."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.columns import parse_ids, parse_keywords, reject_rows, require_columns
from thinkrec.data.core_filter import UnknownItems, describe_near_ids, drop_unknown_items, keep_core_rows
from thinkrec.data.duplicates import Duplicates
from thinkrec.data.feedback_columns import FeedbackColumns, derive_feedback_labels
from thinkrec.data.frames import as_frame, make_series
from thinkrec.data.hidden_rows import warn_hidden_rows
from thinkrec.data.implicit import SampledNegatives, mark_rows_liked, sample_negatives
from thinkrec.data.interactions import SPLITS, TEST, TRAIN, Interactions
from thinkrec.data.keyword_rules import KeywordRules, clean_catalogue_keywords
from thinkrec.data.messages import emit_warning
from thinkrec.data.row_trace import note_rows
from thinkrec.data.split import SPLIT_TYPE, ByColumn, Split, assign_split
from thinkrec.data.table_columns import name_columns
from thinkrec.data.table_format import PLAIN_FORMAT, OnError, TableFormat, check_row_rules
from thinkrec.data.tables import check_interactions, check_items, read_table
from thinkrec.data.untimed_order import order_untimed_rows
from thinkrec.errors import DataError
from thinkrec.io.counts import choose_form, format_count
from thinkrec.io.hashing import hash_bytes

CUT_BY_TIME = ("dates", "months", "fractions", "last")
"""Rules of a split that need times; the default, a column `split`, needs them for histories unless it is named."""
Table = Any
"""A file that `read_table` knows, or anything that `as_frame` takes: a frame (Polars, pandas, Arrow), a mapping of
columns, or a list of mappings."""


@dataclass(frozen=True)
class Domain:
    """The words that prompts use for this data; never guessed from a path."""

    item: str = "item"
    items: str = "items"
    user: str = "user"


PLAIN_WORDS = Domain()
"""The default words: item, items, user."""


@dataclass(frozen=True)
class Items:
    """Items by dense code (position)."""

    ids: list
    """Original ids, integers or strings."""
    titles: list[str]
    """One clean line of text per item."""
    keywords: list[tuple[str, ...]]
    """Short phrases per item, most telling first; may be empty."""
    texts: pl.DataFrame
    """Any further text columns, one row per item in the same order."""

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Items:
        """Items of a canonical frame: item_id, title, keywords (List(String)), further text columns."""
        return cls(
            ids=frame["item_id"].to_list(),
            titles=frame["title"].to_list(),
            keywords=[tuple(words) for words in frame["keywords"].to_list()],
            texts=frame.drop("item_id", "title", "keywords"),
        )

    def __len__(self) -> int:
        """Number of items."""
        return len(self.ids)

    def __repr__(self) -> str:
        """Counts and the first title, not the tables."""
        first = f", the first {self.titles[0]!r}" if self.titles else ""
        texts = f"; texts: {', '.join(self.texts.columns)}" if self.texts.width else ""
        return f"Items({len(self):,}{first}; {sum(map(bool, self.keywords)):,} with keywords{texts})"


@dataclass(frozen=True)
class Dataset:
    """Interactions, items, and the words for them."""

    interactions: Interactions
    items: Items
    domain: Domain
    user_ids: list
    """Original user ids by dense code."""
    threshold: float | None = None
    """Where the data came as ratings: liked means rating > threshold."""

    @classmethod
    def from_tables(
        cls,
        interactions: Table,
        items: Table,
        *,
        threshold: float | None = None,
        feedback: FeedbackColumns | None = None,
        split: Split | None = None,
        missing: Collection[Any] | None = None,
        duplicates: Duplicates | None = None,
        on_error: OnError = "raise",
        unknown_items: UnknownItems = "raise",
        min_user_rows: int = 1,
        min_item_rows: int = 1,
        separators: Mapping[Any, str] | None = None,
        keyword_rules: KeywordRules | None = None,
        negatives: SampledNegatives | None = None,
        interactions_format: TableFormat = PLAIN_FORMAT,
        items_format: TableFormat = PLAIN_FORMAT,
        domain: Domain = PLAIN_WORDS,
        item_source: str | None = None,
        interactions_source: str | None = None,
    ) -> Dataset:
        """Check two tables and number their users (by sorted id) and items (in table order, also those nobody rated).

        Args:
            interactions: see `check_interactions`.
            items: see `check_items`.
            threshold: with a `rating` column, liked means rating > threshold.
            feedback: in place of `rating` and `label`, columns of counts from which Yes and No are read.
            split: the rule that makes train, valid and test; by default the table's own column `split`.
            missing: ratings that mean "not rated"; their rows are dropped. See `check_interactions`.
            duplicates: what becomes of several rows of one user and item: keep, first, last or refuse.
            on_error: drop leaves out lines that are no rows and rows with values that cannot be used, with counts.
            unknown_items: drop leaves out interactions with items that the items table does not have, with a count.
            min_user_rows: users with fewer interactions are left out, in turn with items; see `keep_core_rows`.
            min_item_rows: items with fewer lose theirs likewise, and stay in the catalogue.
            separators: what separates keywords in one text, such as {"keywords": ";"}. See `check_items`.
            keyword_rules: join keywords by case and drop those of too many or too few items; by default none is.
            negatives: every row is a Yes (plays, purchases), and items that a user never met are drawn as a No; see
                `implicit.sample_negatives`. A column of ratings or labels then counts for `missing` alone.
            interactions_format: how their file is written, and what they call their columns.
            items_format: likewise.
            domain: the words for prompts and for items without a title.
            item_source: the name of the items in messages; by default the path, else "items".
            interactions_source: the name of the interactions in messages; by default the path, else "interactions".

        Without times, a random split decides what came before (`untimed_order`). Where a split is not in the order of
        times that there are, a DataWarning counts the rows that come after one of a later split: their
        histories and statistics leave such rows out (`Interactions.past`).

        Raises:
            DataError: on anything wrong in a table, an unknown item, or an empty split.
        """
        check_row_rules(on_error, unknown_items)
        rows, source = _load_table(interactions, interactions_source, "interactions", interactions_format, on_error)
        catalogue, item_source = _load_table(items, item_source, "items", items_format, on_error)
        catalogue = check_items(
            catalogue, source=item_source, noun=domain.item, separators=separators, on_error=on_error
        )
        has_times, has_order = (name in rows.columns for name in ("timestamp", "order"))
        if feedback is not None:
            rows = derive_feedback_labels(rows, feedback, source)
        if negatives is not None and feedback is not None:
            raise DataError(
                f"{source}: `feedback` says which rows are a No, and `negatives` draws some. Drop one of them."
            )
        if negatives is not None:
            rows, missing = mark_rows_liked(rows, threshold, missing, source), None
        rows = check_interactions(
            rows,
            source=source,
            threshold=threshold,
            missing=missing,
            duplicates=duplicates,
            on_error=on_error,
            needs_times=getattr(split, "by", None) in (None, *CUT_BY_TIME),
            is_implicit=negatives is not None,
        )
        rows = _add_item_codes(rows, catalogue, source, item_source, unknown_items)
        rows = keep_core_rows(rows, min_user_rows, min_item_rows, source)
        rows = assign_split(rows, split or ByColumn(), source=source)
        if not has_times:
            rows = order_untimed_rows(rows, split, has_order=has_order, source=source)
        if keyword_rules is not None:
            words = clean_catalogue_keywords(catalogue["keywords"].to_list(), keyword_rules, item_source)
            catalogue = catalogue.with_columns(pl.Series("keywords", words, dtype=pl.List(pl.String)))
        if negatives is not None:
            rows = sample_negatives(rows, negatives, has_times=has_times, source=source)
            rows = _add_item_codes(rows, catalogue, source, item_source, "raise")
        users = rows["user_id"].unique().sort()
        columns = extract_columns(rows, users, rows["item"])
        # Tens of millions of rows are not held in two forms.
        del rows
        table = Interactions.build(**columns, n_users=len(users))
        del columns
        user_ids = users.to_list()
        warn_hidden_rows(table, user_ids, source)
        return cls(
            interactions=table,
            items=Items.from_frame(catalogue),
            domain=domain,
            user_ids=user_ids,
            threshold=threshold,
        )

    def with_keywords(
        self,
        keywords: Mapping[Any, str | Iterable[str]] | Table,
        *,
        separator: str | None = None,
        source: str = "keywords",
    ) -> Dataset:
        """This data set with other keywords, cleaned as in `check_items`; items that are not named have none then.

        Args:
            keywords: item id -> keywords, or a table with columns item_id and keywords: a frame, a mapping with these
                two columns, a list of mappings, or a file.
            separator: what separates keywords in one text; by default one for all, see `keywords.choose_separator`.
            source: the name of the keywords in messages.

        Raises:
            DataError: on an unknown or repeated item, a missing column or a wrong type.
        """
        code = {id_: position for position, id_ in enumerate(self.items.ids)}
        if isinstance(keywords, Mapping) and not {"item_id", "keywords"} <= set(keywords):
            keywords_of = _parse_item_keywords(keywords, separator, source)
        else:
            table, source = _load_table(keywords, None if source == "keywords" else source, "keywords")
            require_columns(table, ("item_id", "keywords"), source)
            ids = parse_ids(table["item_id"], source)
            reject_rows(table["item_id"], ids.is_duplicated(), source, "repeats items", "Keep one row per item.")
            keywords_of = dict(zip(ids.to_list(), parse_keywords(table["keywords"], source, separator), strict=True))
        unknown = [id_ for id_ in keywords_of if id_ not in code]
        if unknown:
            raise DataError(
                f"{source}: {format_count(len(unknown), 'item is', 'items are')} not in the data set (the first: "
                f"{unknown[:5]!r}). Give ids exactly as in the items table (text and numbers differ), or drop these "
                "rows."
            )
        lacking = len(code) - len(keywords_of)
        if lacking:
            verb = choose_form(lacking, "has", "have")
            emit_warning(f"{source}: {lacking:,} of {format_count(len(code), 'item')} {verb} no keywords now.")
        words = [keywords_of.get(id_, ()) for id_ in self.items.ids]
        return replace(self, items=replace(self.items, keywords=words))

    def summarise(self) -> dict[str, Any]:
        """Counts for a log or report, as plain numbers.

        Keys: rows and like_rate per split (and "all"), users, items, items_with_rows, and cold_test_share: the share of
        test rows whose user has no training row.
        """
        table = self.interactions
        masks = {"all": np.ones(len(table), dtype=bool)} | {
            name: table.split == code for code, name in enumerate(SPLITS)
        }
        trained = np.zeros(table.n_users, dtype=bool)
        trained[table.user[table.split == TRAIN]] = True
        test_users = table.user[table.split == TEST]
        return {
            "rows": {name: int(mask.sum()) for name, mask in masks.items()},
            "like_rate": {
                name: float(table.label[mask].mean()) if mask.any() else None for name, mask in masks.items()
            },
            "users": table.n_users,
            "items": len(self.items),
            "items_with_rows": len(np.unique(table.item)),
            "cold_test_share": float((~trained[test_users]).mean()) if len(test_users) else None,
        }

    def __repr__(self) -> str:
        """Counts, splits and words, not the tables: Dataset(90 rows of 7 users: 60 train, ...; 30 items; ...)."""
        rows, words = repr(self.interactions).removeprefix("Interactions(").removesuffix(")"), self.domain
        liked = f"{self.interactions.label.mean():.1%} liked; " if len(self.interactions) else ""
        return (
            f"Dataset({rows}; {format_count(len(self.items), 'item')}; {liked}domain: {words.item}, {words.items}, "
            f"{words.user})"
        )

    def to_frame(self, rows: np.ndarray | slice = slice(None)) -> pl.DataFrame:
        """Rows by original ids: order, user_id, item_id, label, timestamp, split, as `from_tables` takes them.

        `rows`: row numbers, by default all, in row order.
        """
        table = self.interactions
        return pl.DataFrame(
            {
                "order": table.order[rows],
                "user_id": pl.Series(self.user_ids).gather(table.user[rows]),
                "item_id": pl.Series(self.items.ids).gather(table.item[rows]),
                "label": table.label[rows],
                "timestamp": table.timestamp[rows],
                "split": pl.Series(SPLITS).gather(table.split[rows]),
            }
        )

    def compute_fingerprint(self) -> str:
        """SHA-256 (hex) of everything in the data set; equal contents give equal values on every machine."""
        return hash_bytes(
            chunk
            for name, payload in self._iterate_contents()
            for chunk in (f"{name}:{len(payload)}:".encode(), payload)
        )

    def _iterate_contents(self) -> Iterator[tuple[str, bytes]]:
        """Everything in the data set by name, as bytes that are equal on every machine."""
        for name in ("user", "item", "label", "timestamp", "split", "order", "start"):
            array = getattr(self.interactions, name)
            little_endian = array.astype(array.dtype.newbyteorder("<"))
            yield f"{name} {array.dtype.kind}{array.dtype.itemsize}", little_endian.tobytes()
        words = (self.domain.item, self.domain.items, self.domain.user)
        plain = {"domain": words, "users": self.user_ids, "ids": self.items.ids, "titles": self.items.titles}
        texts = {f"text {column.name}": column.to_list() for column in self.items.texts}
        for name, value in (plain | {"keywords": self.items.keywords} | texts).items():
            yield name, json.dumps(value).encode()


def _load_table(
    table: Table, name: str | None, what: str, form: TableFormat = PLAIN_FORMAT, on_error: OnError = "raise"
) -> tuple[pl.DataFrame, str]:
    """A table and its name in messages: `name`, else its path, else `what` it is."""
    if isinstance(table, str | Path):
        return read_table(table, form, on_error=on_error), name or str(table)
    frame = as_frame(table, name or what)
    note_rows(name or what, frame.height)
    return name_columns(frame, form.columns, name or what), name or what


def _parse_item_keywords(keywords: Mapping[Any, Any], separator: str | None, source: str) -> dict[Any, tuple[str, ...]]:
    """Keywords per id, cleaned as one column: texts and lists may stand side by side."""
    values = [words if isinstance(words, str) or words is None else list(words) for words in keywords.values()]
    parsed: dict[Any, tuple[str, ...]] = {}
    for kind in (str, list):
        of_kind = {id_: value for id_, value in zip(keywords, values, strict=True) if isinstance(value, kind)}
        if of_kind:
            column = make_series("keywords", list(of_kind.values()), source)
            parsed |= dict(zip(of_kind, parse_keywords(column, source, separator), strict=True))
    return {id_: parsed.get(id_, ()) for id_ in keywords}


def build_interactions(rows: pl.DataFrame, users: pl.Series, item: pl.Series) -> Interactions:
    """Interactions of a canonical frame (user_id, label, timestamp, split, order).

    `users`: distinct user ids, whose positions become the user codes; `item`: the item code of each row.
    """
    return Interactions.build(**extract_columns(rows, users, item), n_users=len(users))


def extract_columns(rows: pl.DataFrame, users: pl.Series, item: pl.Series) -> dict[str, np.ndarray]:
    """The columns of `Interactions` from a canonical frame, (n,) each in its order; see `build_interactions`."""
    return {
        "user": find_codes(rows["user_id"], users).to_numpy().astype(np.int32),
        "item": item.to_numpy().astype(np.int32),
        "label": rows["label"].to_numpy(),
        "timestamp": rows["timestamp"].to_numpy(),
        "split": rows["split"].cast(SPLIT_TYPE).to_physical().to_numpy().astype(np.int8),
        "order": rows["order"].to_numpy(),
    }


def find_codes(values: pl.Series, known: pl.Series) -> pl.Series:
    """Position of each value in `known` (distinct), Int64, null where it is not there."""
    if values.dtype == known.dtype == pl.Categorical:
        return _find_category_codes(values, known)
    codes = pl.DataFrame({"value": known, "code": pl.int_range(len(known), dtype=pl.Int64, eager=True)})
    return values.alias("value").to_frame().join(codes, on="value", how="left", maintain_order="left")["code"]


def _find_category_codes(values: pl.Series, known: pl.Series) -> pl.Series:
    """`find_codes` of categories, whose physical numbers are those of one table for all columns."""
    numbers, places = values.to_physical().to_numpy(), known.to_physical().to_numpy()
    lookup = np.full(max(int(numbers.max(initial=0)), int(places.max(initial=0))) + 1, -1, dtype=np.int32)
    lookup[places] = np.arange(len(known), dtype=np.int32)
    codes = pl.Series(lookup[numbers])
    return codes.set(codes < 0, None).cast(pl.Int64)


def _add_item_codes(
    rows: pl.DataFrame, items: pl.DataFrame, source: str, item_source: str, unknown_items: UnknownItems
) -> pl.DataFrame:
    named, known = rows["item_id"], items["item_id"]
    # One table may come from CSV, where whole numbers are read as such, and the other hold the same ids as text.
    if named.dtype == pl.Categorical and known.dtype == pl.String:
        known = known.cast(pl.Categorical)
    elif named.dtype != known.dtype:
        named, known = named.cast(pl.String), known.cast(pl.String)
    codes = find_codes(named, known)
    rows = rows.with_columns(codes.alias("item"))
    if unknown_items == "drop":
        return drop_unknown_items(rows, codes.is_null(), known, source, item_source)
    near = describe_near_ids(rows["item_id"].filter(codes.is_null()), known) if codes.null_count() else ""
    remedy = f"{near} Add the items there, or leave such rows out by `unknown_items: drop`.".strip()
    reject_rows(rows["item_id"], codes.is_null(), source, f"names items that {item_source} does not have", remedy)
    return rows
