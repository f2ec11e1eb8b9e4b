"""A column of keywords for a table of items, and who extracts them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from thinkrec.data.columns import parse_keywords, require_columns
from thinkrec.data.frames import as_frame
from thinkrec.errors import DataError, RecipeError
from thinkrec.io.settings import explain_validation_error, parse_settings
from thinkrec.keywords.cache import KeywordCache
from thinkrec.keywords.config import TeacherExtractorConfig, YakeExtractorConfig
from thinkrec.keywords.extractor import KeywordExtractor, extract_keywords


def add_keywords(
    table: Any,
    columns: Sequence[str],
    extractor: KeywordExtractor,
    *,
    most: int = 10,
    keep: Sequence[str] = (),
    source: str = "items",
    cache: Path | None = None,
    progress: bool = False,
) -> pl.DataFrame:
    """The table with a column `keywords`, List(String), that `Dataset.from_tables` takes as it is.

    Args:
        table: anything `as_frame` takes.
        extractor: who finds the keywords of a text.
        columns: text columns, in the order in which they are read; the texts of a row are joined by line ends.
        extractor: gives the keywords of a text.
        most: keywords of an item, at most.
        keep: columns with keywords, such as genres, whose entries stand in front.
        most: the largest number of keywords of an item.
        source: what the table is called in messages.
        cache: file of the cache; see `KeywordCache`.
        progress: whether a bar is drawn.

    Raises:
        DataError: if a column is missing, or is given nowhere.
    """
    if not columns:
        raise DataError("--columns names no column; give the text columns, such as --columns plot,summary")
    table = as_frame(table, source)
    require_columns(table, (*columns, *keep), source)
    texts = [
        "\n".join(filter(None, row))
        for row in zip(*(_read_texts(table[name], source) for name in columns), strict=True)
    ]
    leading = [parse_keywords(table[name], source) for name in keep]
    own = [tuple(dict.fromkeys(sum(row, ()))) for row in zip(*leading, strict=True)] if leading else None
    titles = [title or "" for title in table["title"].cast(pl.String)] if "title" in table.columns else None
    keywords = extract_keywords(
        texts, extractor, most=most, keep=own, titles=titles, cache=KeywordCache(cache), progress=progress
    )
    column = pl.Series("keywords", [list(words) for words in keywords], dtype=pl.List(pl.String))
    return table.with_columns(column)


def build_offline_extractor(language: str) -> KeywordExtractor:
    """The offline extractor."""
    from thinkrec.keywords.offline import YakeExtractor

    return YakeExtractor(YakeExtractorConfig(language=language))


def build_teacher_extractor(settings: Sequence[str], language: str, item: str, most: int) -> KeywordExtractor:
    """The extractor that asks the teacher of `settings`, each KEY=VALUE as in a recipe. Raises RecipeError."""
    from pydantic import TypeAdapter, ValidationError

    from thinkrec.keywords.asked import TeacherExtractor
    from thinkrec.teacher.build import build_teacher
    from thinkrec.teacher.config import TeacherConfig

    values: dict[str, Any] = {"kind": "api"}
    parse_settings(values, settings, "--teacher", "KEY=VALUE, for instance model=NAME")
    try:
        config = TypeAdapter(TeacherConfig).validate_python(values)
    except ValidationError as error:
        raise explain_validation_error(error, "--teacher", tagged=True) from error
    if config.kind == "rules":
        raise RecipeError("the rule-based teacher reads ratings, not texts; choose kind=api or kind=local, or YAKE")
    return TeacherExtractor(
        build_teacher(config), TeacherExtractorConfig(language=language, item_noun=item, max_keywords=most)
    )


def get_default_cache(out: Path) -> Path:
    """Where the phrases found so far are kept unless said otherwise: beside the result."""
    return out.with_name(f"{out.name}.cache.jsonl")


def _read_texts(column: pl.Series, source: str) -> list[str | None]:
    if isinstance(column.dtype, pl.List) and column.dtype.inner == pl.String:
        return column.list.join(", ").to_list()
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise DataError(f"{source}: column '{column.name}' has type {column.dtype}; give a column of text")
    return column.cast(pl.String).to_list()
