"""MovieLens-1M: the original folder of `.dat` files, and the slice of it that comes with texts as Parquet files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from thinkrec.data.dataset import Dataset, Domain
from thinkrec.data.split import ByColumn, ByMonths, Split
from thinkrec.data.tables import check_interactions, check_items, read_table
from thinkrec.errors import DataError
from thinkrec.io.counts import format_count

FILM_WORDS = Domain(item="film", items="films", user="viewer")
"""How prompts speak about MovieLens."""

Keywords = Literal["genres", "written", "both", "none"]

# The articles that MovieLens-1M moves behind a comma. Not any word will do: "Paris, Texas", "Girl, Interrupted".
_ARTICLES = r"The|An|A|La|Les|Le|L'|El|Il|I|Der|Die|Das|Det|O"
_MOVED = re.compile(rf"(^|\()([^()]+), ({_ARTICLES})(?=\s*(?:\(|\)|$))")


def load_movielens_tables(folder: str | Path, *, threshold: float = 3.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Canonical (interactions, items) of an original MovieLens-1M folder: all rows, no split yet.

    `ratings.dat` and `movies.dat` are Latin-1 (or UTF-8) with "::" between the fields. Titles stay as written there
    ("Matrix, The (1999)") but for HTML; keywords are the genres; `order` is the line in
    `ratings.dat` (from 0), so ties in time keep file order.

    Args:
        folder: holds `ratings.dat` (user::item::rating::timestamp) and `movies.dat` (item::title::genres).
        threshold: liked means rating > threshold; the ThinkRec paper has 3.

    Raises:
        DataError: if a file is missing or a line does not have its fields; the message names the line.
    """
    folder = Path(folder)
    ratings = _read_dat(folder / "ratings.dat", ["user_id", "item_id", "rating", "timestamp"])
    movies = _read_dat(folder / "movies.dat", ["item_id", "title", "keywords"])
    interactions = check_interactions(ratings, source=str(folder / "ratings.dat"), threshold=threshold)
    return interactions, check_items(movies, source=str(folder / "movies.dat"), noun=FILM_WORDS.item)


def load_movielens_dataset(folder: str | Path, *, threshold: float = 3.0, split: Split | None = None) -> Dataset:
    """An original MovieLens-1M folder as a data set, titles via `format_display_title`.

    Args:
        folder: see `load_movielens_tables`.
        threshold: see `load_movielens_tables`.
        split: by default the split of the ThinkRec paper, `ByMonths()`: 2001-06 to 2003-01, 10 + 5 + 5 months.

    Raises:
        DataError: as `load_movielens_tables`, or if the split leaves a part empty.
    """
    interactions, items = load_movielens_tables(folder, threshold=threshold)
    return Dataset.from_tables(
        interactions,
        _format_display_titles(items),
        split=split or ByMonths(),
        domain=FILM_WORDS,
        item_source=str(Path(folder) / "movies.dat"),
        interactions_source=str(Path(folder) / "ratings.dat"),
    )


def load_ml1m_slice(folder: str | Path, keywords: Keywords = "genres") -> Dataset:
    """The prepared slice of MovieLens-1M as a data set.

    Its files are `interactions.parquet`, `items.parquet` and, unless `keywords` is "genres", `keywords.parquet`. The
    slice's own `order` and split stay; titles via `format_display_title`; further columns in `texts`.

    Args:
        folder: holds the Parquet files.
        keywords: "genres"; "written", the written phrases in their order; "both", the written ones, then the genres; or
            "none".

    Raises:
        DataError: if a file is missing, not a table, or lacks a column.
    """
    folder = Path(folder)
    if keywords not in get_args(Keywords):
        raise DataError(f"keywords={keywords!r} is not known. Use 'genres', 'written', 'both' or 'none'.")
    rows_file, items_file, words_file = (folder / f"{name}.parquet" for name in ("interactions", "items", "keywords"))
    items = read_table(items_file)
    if missing := {"title", "genres"} - set(items.columns):
        raise DataError(f"{items_file}: columns {sorted(missing)} are missing. Take the file of the prepared slice.")
    dataset = Dataset.from_tables(
        read_table(rows_file),
        _format_display_titles(items).with_columns(pl.col("genres").alias("keywords")),
        split=ByColumn(),
        domain=FILM_WORDS,
        item_source=str(items_file),
        interactions_source=str(rows_file),
    )
    if keywords == "genres":
        return dataset
    if keywords == "none":
        return dataset.with_keywords(dict.fromkeys(dataset.items.ids, ()))
    written = dataset.with_keywords(read_table(words_file), source=str(words_file))
    if keywords == "written":
        return written
    pairs = zip(written.items.keywords, dataset.items.keywords, strict=True)
    both = {id_: (*phrases, *genres) for id_, (phrases, genres) in zip(dataset.items.ids, pairs, strict=True)}
    return dataset.with_keywords(both, source=str(words_file))


def format_display_title(title: str) -> str:
    """The title as one says it, with articles in front, also inside brackets.

    >>> format_display_title("Matrix, The (1999)")
    'The Matrix (1999)'
    >>> format_display_title("Hate (Haine, La) (1995)")
    'Hate (La Haine) (1995)'
    """

    def forward(match: re.Match[str]) -> str:
        opening, name, article = match.groups()
        return f"{opening}{article}{'' if article.endswith(chr(39)) else ' '}{name}"

    return _MOVED.sub(forward, title.strip())


def _format_display_titles(items: pl.DataFrame) -> pl.DataFrame:
    titles = [title and format_display_title(title) for title in items["title"].to_list()]
    return items.with_columns(pl.Series("title", titles, dtype=pl.String))


def _read_dat(path: Path, names: list[str]) -> pl.DataFrame:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). "
            "Give the unpacked folder of MovieLens-1M (ml-1m.zip from grouplens.org)."
        ) from error
    try:
        # Copies that were saved again are UTF-8; Latin-1 with any letter beyond ASCII is hardly ever valid UTF-8.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    # Not str.splitlines: in Latin-1 it would also break lines at the characters 0x1c to 0x1e and 0x85.
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    fields = pl.Series(lines, dtype=pl.String).str.strip_chars_end("\r").str.split("::")
    wrong = (fields.list.len() != len(names)).arg_true()
    if len(wrong):
        raise DataError(
            f"{path}: line {wrong[0] + 1} does not have the fields {'::'.join(names)} ({lines[wrong[0]][:60]!r}; "
            f"{format_count(len(wrong), 'such line')}). Take the files of MovieLens-1M unchanged."
        )
    df = pl.DataFrame({name: fields.list.get(index) for index, name in enumerate(names)})
    return df.with_columns(_parse_whole_ids(df[name], path) for name in names if name.endswith("_id"))


def _parse_whole_ids(column: pl.Series, path: Path) -> pl.Series:
    ids = column.cast(pl.Int64, strict=False)
    wrong = ids.is_null().arg_true()
    if len(wrong):
        raise DataError(
            f"{path}: line {wrong[0] + 1}: {column.name} {column[wrong[0]]!r} is not a whole number. Correct the line."
        )
    return ids
