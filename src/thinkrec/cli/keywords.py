"""`thinkrec keywords`: a column of keywords for a table of items."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.io.counts import format_count

if TYPE_CHECKING:
    import polars as pl

SHOWN = 5
"""Rows that the command prints."""


class ExtractorName(StrEnum):
    """Who finds keywords."""

    yake = "yake"
    teacher = "teacher"


def keywords(
    items: Annotated[Path, typer.Argument(metavar="ITEMS", help="Table with item_id, title and text columns.")],
    columns: Annotated[str, typer.Option(help="Text columns to read, with commas.")],
    out: Annotated[Path, typer.Option(help="The table to write: .parquet, .csv or .jsonl.")],
    most: Annotated[int, typer.Option(min=1, help="Largest number of keywords of an item.")] = 10,
    keep: Annotated[str | None, typer.Option(help="Columns whose keywords stand in front, such as genres.")] = None,
    extractor: Annotated[ExtractorName, typer.Option(help="Offline, or a language model.")] = ExtractorName.yake,
    teacher: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="The language model; may be repeated.")
    ] = None,
    language: Annotated[str, typer.Option(help="Two letters; the language of the texts.")] = "en",
    item: Annotated[str, typer.Option(help="What one item is called when a language model is asked.")] = "item",
    cache: Annotated[Path | None, typer.Option(help="What was found so far; by default beside --out.")] = None,
) -> None:
    """Find keywords in the texts of items; writes the table with a column `keywords`.

    - `thinkrec keywords items.csv --columns description --out items-with-keywords.parquet`
    - `thinkrec keywords films.parquet --columns plot,summary --keep genres --most 8 --out films-with-keywords.parquet`
    - `thinkrec keywords items.csv --columns title,description --extractor teacher --teacher model=llama3.1
      --teacher base_url=http://localhost:11434/v1 --out items-with-keywords.parquet`

    A stopped command goes on where it was: what was found stays in the cache.
    """
    import re

    from thinkrec.data.output_tables import check_columns, check_not_read, check_writable, write_table
    from thinkrec.data.tables import check_items, read_table
    from thinkrec.errors import DataError
    from thinkrec.keywords.tables import (
        add_keywords,
        build_offline_extractor,
        build_teacher_extractor,
        get_default_cache,
    )

    if not re.fullmatch("[a-z]{2}", language):
        raise DataError(f"--language {language!r} is no language; give two small letters, such as en")
    if teacher and extractor != "teacher":
        raise DataError("--teacher says whom to ask, but --extractor is not teacher; add it, or drop --teacher")
    if extractor == "teacher":
        chosen = build_teacher_extractor(teacher or [], language, item, most)
    else:
        chosen = build_offline_extractor(language)
    check_writable(out)
    check_not_read(out, [items])
    table = read_table(items)
    check_columns(table, out)
    check_items(table, source=str(items))  # refuse a table before anything is asked
    table = add_keywords(
        table,
        _split_names(columns),
        chosen,
        most=most,
        keep=_split_names(keep or ""),
        source=str(items),
        cache=cache or get_default_cache(out),
        progress=True,
    )
    write_table(table, out)
    _print_first_rows(table, out)


def _print_first_rows(table: pl.DataFrame, out: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    counts = table["keywords"].list.len()
    console = Console(highlight=False)
    for row in table.head(SHOWN).iter_rows(named=True):
        console.print(Text(f"  {row['title']}: {' | '.join(row['keywords'])}"), soft_wrap=True)
    console.print(
        Text(
            f"{format_count(table.height, 'item')}, {counts.mean():.1f} keywords each, {int((counts == 0).sum())} "
            f"without; {out}"
        )
    )


def _split_names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
