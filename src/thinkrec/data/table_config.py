"""`TableData`: the keys of a recipe about two tables of one's own, and the data set that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from thinkrec.data.core_filter import UnknownItems
from thinkrec.data.dataset import Dataset, Domain
from thinkrec.data.duplicates import Duplicates
from thinkrec.data.feedback_columns import FeedbackColumns
from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.keyword_rules import KeywordRules
from thinkrec.data.split import Split
from thinkrec.data.table_format import OnError, TableFormat
from thinkrec.io.config import Config


class TableData(Config):
    """Two tables; see docs/own-data.md."""

    kind: Literal["tables"] = "tables"
    interactions: Path
    """Rows with user_id, item_id, timestamp, and label or rating: a file, a folder of files, or a pattern with *."""
    items: Path
    """Rows with item_id and title, maybe keywords and further text; likewise."""
    interactions_format: TableFormat = TableFormat()
    """How the interactions are written, and what they call their columns."""
    items_format: TableFormat = TableFormat()
    """How the items are written, and what they call their columns."""
    threshold: float | None = None
    """With ratings: liked means rating > threshold."""
    feedback: FeedbackColumns | None = None
    """In place of ratings and labels: columns of counts from which Yes and No are read, such as plays and skips."""
    split: Split | None = None
    """The rule that makes train, valid and test; by default the table's own column."""
    missing: tuple[float | str | None, ...] | None = None
    """Ratings that mean "not rated", such as [0] or ["NA"]; null for empty ones. Their rows are dropped and counted. By
    default none is, and values that look like such marks are warned of; [] says that there are none."""
    duplicates: Duplicates | None = None
    """Several rows of one user and item: keep all, the first or the last in time, or refuse. By default they are kept,
    with a warning."""
    on_error: OnError = "raise"
    """A line that is no row, or a value that cannot be used: raise ends with an error that names it, drop leaves such
    rows of both tables out and says how many and which."""
    unknown_items: UnknownItems = "raise"
    """A row about an item that the items table does not have: raise ends with an error, drop leaves such rows out."""
    min_user_rows: int = Field(default=1, ge=1)
    """Users with fewer rows are left out, in turn with items, until all that stay have enough. All rows count, those
    of the test among them."""
    min_item_rows: int = Field(default=1, ge=1)
    """Items with fewer rows likewise; they stay in the catalogue, without rows."""
    separators: dict[Literal["keywords"], str] | None = None
    """What separates the keywords of one text, such as {keywords: ";"}; by default | if any row has one, else the
    comma, for the whole column."""
    keyword_rules: KeywordRules | None = None
    """Join keywords by case, and drop those that too many items or one item alone have; null leaves them alone."""
    negatives: SampledNegatives | None = None
    """Every row is a Yes, such as a play or a purchase: how the No is drawn, among items that a user never met. Without
    it ratings or labels say what was liked."""
    item: str = "item"
    """One item in the words of the domain: film, book, product."""
    items_word: str = "items"
    """Its plural."""
    user: str = "user"
    """Who rates: viewer, reader, customer."""

    def dump_given_keys(self) -> dict[str, Any]:
        """The keys of a recipe that have no default, as plain values; what chooses a type is always among them."""
        values = self.model_dump(mode="json", exclude_defaults=True)
        if self.split is not None:
            values["split"] = {"by": self.split.by} | self.split.model_dump(mode="json", exclude_none=True)
        if self.keyword_rules is not None:
            values["keyword_rules"] = self.keyword_rules.model_dump(mode="json")
        if self.negatives is not None:
            values["negatives"] = {"per_positive": self.negatives.per_positive, **values["negatives"]}
        return {"kind": self.kind} | values

    def build_domain(self) -> Domain:
        """The words for prompts."""
        return Domain(item=self.item, items=self.items_word, user=self.user)


def load_tables(config: TableData) -> Dataset:
    """The data set of two tables. Raises as `Dataset.from_tables` does."""
    keys = config.model_dump(exclude={"kind", "interactions", "items", "item", "items_word", "user"}, mode="python")
    formats = {"interactions_format": config.interactions_format, "items_format": config.items_format}
    typed: dict[str, Any] = {
        **formats,
        "split": config.split,
        "keyword_rules": config.keyword_rules,
        "feedback": config.feedback,
        "negatives": config.negatives,
    }
    return Dataset.from_tables(
        config.interactions,
        config.items,
        **{**keys, **formats, **typed},
        domain=config.build_domain(),
    )
