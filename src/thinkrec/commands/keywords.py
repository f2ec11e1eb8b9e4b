"""`write_keyword_table`: a column of keywords for a table of items."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.text import Text

from thinkrec.data.columns import parse_keywords, require_columns
from thinkrec.data.frames import as_frame
from thinkrec.data.output_tables import check_columns, check_writable, write_table
from thinkrec.data.tables import check_items, read_table
from thinkrec.errors import DataError, RecipeError
from thinkrec.io.settings import explain_validation_error, parse_settings
from thinkrec.keywords.cache import KeywordCache
from thinkrec.keywords.config import TeacherExtractorConfig, YakeExtractorConfig
from thinkrec.keywords.extractor import KeywordExtractor, extract_keywords

SHOWN = 5
"""Rows that the command prints."""


def run_keywords_command(
    items: Path,
    columns: str,
    most: int,
    keep: str | None,
    extractor: str,
    teacher: Sequence[str],
    language: str,
    item: str,
    out: Path,
    cache: Path | None,
) -> None:
    """`thinkrec keywords`, its options as they were typed."""
    if not re.fullmatch("[a-z]{2}", language):
        raise DataError(f"--language {language!r} is no language; give two small letters, such as en")
    if teacher and extractor != "teacher":
        raise DataError("--teacher says whom to ask, but --extractor is not teacher; add it, or drop --teacher")
    chosen = (
        build_teacher_extractor(teacher, language, item, most)
        if extractor == "teacher"
        else build_offline_extractor(language)
    )
    write_keyword_table(items, _split_names(columns), most, _split_names(keep or ""), chosen, out, cache)


def write_keyword_table(
    items: Path,
    columns: Sequence[str],
    most: int,
    keep: Sequence[str],
    extractor: KeywordExtractor,
    out: Path,
    cache: Path | None = None,
) -> None:
    """Read, find, write, and show the first rows."""
    source = str(items)
    if out.resolve() == items.resolve():
        raise DataError(f"{out}: this is the table itself; give another file for --out")
    check_writable(out)
    table = read_table(items)
    check_columns(table, out)
    check_items(table, source=source)  # refuse a table before anything is asked
    found = add_keywords(
        table,
        columns,
        extractor,
        most=most,
        keep=keep,
        source=source,
        cache=cache or get_default_cache(out),
        progress=True,
    )
    write_table(found, out)
    counts = found["keywords"].list.len()
    console = Console(highlight=False)
    for row in found.head(SHOWN).iter_rows(named=True):
        console.print(Text(f"  {row['title']}: {' | '.join(row['keywords'])}"), soft_wrap=True)
    console.print(
        Text(f"{found.height} items, {counts.mean():.1f} keywords each, {int((counts == 0).sum())} without; {out}")
    )


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
    """The table with a column `write_keyword_table`, List(String), that `Dataset.from_tables` takes as it is.

    Args:
        table: anything `as_frame` takes.
        columns: text columns, in the order in which they are read; the texts of a row are joined by line ends.
        extractor: gives the keywords of a text.
        most: keywords of an item, at most.
        keep: columns with keywords, such as genres, whose entries stand in front.
        source: what holds the table, in messages.
        cache: file of the cache; see `KeywordCache`.
        progress: whether to show a progress bar.

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
    kept = [parse_keywords(table[name], source) for name in keep]
    own = [tuple(dict.fromkeys(sum(row, ()))) for row in zip(*kept, strict=True)] if kept else None
    titles = [title or "" for title in table["title"].cast(pl.String)] if "title" in table.columns else None
    found = extract_keywords(
        texts, extractor, most=most, keep=own, titles=titles, cache=KeywordCache(cache), progress=progress
    )
    column = pl.Series("keywords", [list(words) for words in found], dtype=pl.List(pl.String))
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


def _split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _read_texts(column: pl.Series, source: str) -> list[str | None]:
    if isinstance(column.dtype, pl.List) and column.dtype.inner == pl.String:
        return column.list.join(", ").to_list()
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        raise DataError(f"{source}: column '{column.name}' has type {column.dtype}; give a column of text")
    return column.cast(pl.String).to_list()
