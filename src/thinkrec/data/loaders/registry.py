"""The published data sets by name: addresses, terms, readers, and the protocol that is usual for each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from thinkrec.data.dataset import Domain
from thinkrec.data.loaders.amazon import read_amazon_2018, read_amazon_2023, read_fashion_slice
from thinkrec.data.loaders.book_crossing import read_book_crossing
from thinkrec.data.loaders.goodreads import read_goodreads
from thinkrec.data.loaders.lastfm import read_lastfm
from thinkrec.data.loaders.movielens import FILM_WORDS
from thinkrec.data.loaders.movielens_files import read_movielens_1m, read_movielens_100k, read_movielens_csv
from thinkrec.data.loaders.source import NOT_KNOWN, Reader, Source, SourceFile
from thinkrec.data.loaders.steam import read_steam
from thinkrec.data.loaders.yelp import read_yelp
from thinkrec.data.split import ByDates, ByFractions, ByLast, ByMonths, ByRandom, Split
from thinkrec.errors import DataError

_LENS = "https://files.grouplens.org/datasets/movielens"
_LENS_TERMS = "research use, not to be redistributed without permission; see the README inside"
_AMAZON_2018 = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_v2"
_AMAZON_2023 = "https://mcauleylab.ucsd.edu/public_datasets/data/amazon_2023/raw"
_GOODREADS = "https://mcauleylab.ucsd.edu/public_datasets/gdrive/goodreads"
_NO_TERMS = "no licence is named on the page; the authors ask to be cited"
_PRODUCT_WORDS = Domain(item="product", items="products", user="customer")
_BOOK_WORDS = Domain(item="book", items="books", user="reader")


def _build_date(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


def _build_movielens(
    name: str,
    title: str,
    archive: str,
    read: Reader,
    *,
    size: int | None = None,
    remark: str = "",
    checksum: str = NOT_KNOWN,
    rows: int | None = None,
    split: Split | None = None,
    expected_rows: Mapping[str, int] | None = None,
) -> Source:
    """What the MovieLens sets have in common: page, terms, words, threshold."""
    address = f"{_LENS}/{archive}.zip"
    return Source(
        name=name,
        title=title,
        page="https://grouplens.org/datasets/movielens/",
        licence=_LENS_TERMS,
        read=read,
        files=(SourceFile(address, size, checksum, f"{address}.md5"),),
        threshold=3.0,
        split=split or ByFractions(),
        domain=FILM_WORDS,
        remark=remark,
        full_rows=rows,
        expected_rows=expected_rows,
    )


_SOURCES = (
    _build_movielens(
        "movielens-100k",
        "MovieLens 100K",
        "ml-100k",
        read_movielens_100k,
        size=4_924_029,
        checksum="md5:0e33842e24a9c977be4e0107933c0723",
        rows=100_000,
    ),
    _build_movielens(
        "movielens-latest-small",
        "MovieLens latest-small",
        "ml-latest-small",
        read_movielens_csv,
        remark="GroupLens replaces it from time to time: size and rows are not fixed",
    ),
    _build_movielens(
        "movielens-1m",
        "MovieLens 1M",
        "ml-1m",
        read_movielens_1m,
        size=5_917_549,
        checksum="md5:c4d9eecfca2ab87c1945afe126590906",
        rows=1_000_209,
        split=ByMonths(),
        expected_rows={"train": 33_891, "valid": 10_401, "test": 7_331},
    ),
    _build_movielens(
        "movielens-20m",
        "MovieLens 20M",
        "ml-20m",
        read_movielens_csv,
        size=198_702_078,
        checksum="md5:cd245b17a1ae2cc31bb14903e1204af3",
        rows=20_000_263,
    ),
    _build_movielens(
        "movielens-32m",
        "MovieLens 32M",
        "ml-32m",
        read_movielens_csv,
        size=238_950_008,
        checksum="md5:d472be332d4daa821edc399621853b57",
        rows=32_000_204,
    ),
    Source(
        name="amazon-book",
        title="Amazon Reviews 2018, Books, as the ThinkRec paper cuts it",
        page="https://nijianmo.github.io/amazon/",
        licence=_NO_TERMS,
        read=read_amazon_2018,
        files=(
            SourceFile(f"{_AMAZON_2018}/categoryFilesSmall/Books.csv"),
            SourceFile(f"{_AMAZON_2018}/metaFiles2/meta_Books.json.gz"),
        ),
        threshold=4.0,
        split=ByDates(
            start=_build_date(2017, 1), valid_from=_build_date(2017, 11), test_from=None, end=_build_date(2018, 1)
        ),
        activity=20,
        domain=_BOOK_WORDS,
        full_rows=51_311_621,
        expected_rows={"train": 650_865, "valid": 56_262, "test": 56_262},
    ),
    Source(
        name="amazon-2018",
        title="Amazon Reviews 2018, any category",
        page="https://nijianmo.github.io/amazon/",
        licence=_NO_TERMS,
        read=read_amazon_2018,
        files=(
            SourceFile(f"{_AMAZON_2018}/categoryFilesSmall/All_Beauty_5.json.gz"),
            SourceFile(f"{_AMAZON_2018}/metaFiles2/meta_All_Beauty.json.gz"),
        ),
        threshold=4.0,
        domain=_PRODUCT_WORDS,
    ),
    Source(
        name="amazon-2023",
        title="Amazon Reviews 2023, any category",
        page="https://amazon-reviews-2023.github.io/",
        licence=_NO_TERMS,
        read=read_amazon_2023,
        files=(
            SourceFile(f"{_AMAZON_2023}/review_categories/All_Beauty.jsonl.gz"),
            SourceFile(f"{_AMAZON_2023}/meta_categories/meta_All_Beauty.jsonl.gz"),
        ),
        threshold=4.0,
        domain=_PRODUCT_WORDS,
    ),
    Source(
        name="amazon-fashion",
        title="Amazon Fashion 2018, a prepared slice (interactions.parquet, items.parquet)",
        page="https://nijianmo.github.io/amazon/",
        licence="research use, not to be redistributed",
        read=read_fashion_slice,
        threshold=4.0,
        domain=_PRODUCT_WORDS,
        folder="fashion",
        full_rows=11_136,
    ),
    Source(
        name="yelp",
        title="Yelp Open Dataset, as the ThinkRec paper cuts it",
        page="https://business.yelp.com/data/resources/open-dataset/",
        licence="Yelp's dataset terms: academic use after agreeing on the page, no redistribution",
        read=read_yelp,
        threshold=3.0,
        split=ByDates(
            start=_build_date(2010, 1), valid_from=_build_date(2019, 12), test_from=None, end=_build_date(2023, 1)
        ),
        activity=20,
        domain=Domain(item="business", items="businesses", user="customer"),
        full_rows=6_990_280,
        expected_rows={"train": 1_637_168, "valid": 144_929, "test": 144_929},
    ),
    Source(
        name="book-crossing",
        title="Book-Crossing",
        page="http://www2.informatik.uni-freiburg.de/~cziegler/BX/",
        licence="free for research with acknowledgement",
        read=read_book_crossing,
        files=(SourceFile("http://www2.informatik.uni-freiburg.de/~cziegler/BX/BX-CSV-Dump.zip"),),
        remark="the publisher's site is said to be gone; a copy that you have is read",
        threshold=7.0,
        split=ByRandom(),
        domain=_BOOK_WORDS,
        has_times=False,
    ),
    Source(
        name="goodreads",
        title="Goodreads (UCSD Book Graph); the poetry genre is downloaded",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets/goodreads.html",
        licence="academic use, no redistribution, no commercial use",
        read=read_goodreads,
        files=(
            SourceFile(f"{_GOODREADS}/byGenre/goodreads_interactions_poetry.json.gz"),
            SourceFile(f"{_GOODREADS}/byGenre/goodreads_books_poetry.json.gz"),
            SourceFile(f"{_GOODREADS}/goodreads_book_genres_initial.json.gz"),
        ),
        threshold=3.0,
        domain=_BOOK_WORDS,
    ),
    Source(
        name="lastfm",
        title="Last.fm, HetRec 2011",
        page="https://grouplens.org/datasets/hetrec-2011/",
        licence="non-commercial use",
        read=read_lastfm,
        files=(SourceFile("https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"),),
        split=ByRandom(per_user=True),
        domain=Domain(item="artist", items="artists", user="listener"),
        has_times=False,
        is_implicit=True,
        full_rows=92_834,
    ),
    Source(
        name="steam",
        title="Steam, reviews of Australian users (UCSD)",
        page="https://cseweb.ucsd.edu/~jmcauley/datasets.html#steam_data",
        licence=_NO_TERMS,
        read=read_steam,
        files=(
            SourceFile("https://mcauleylab.ucsd.edu/public_datasets/data/steam/australian_user_reviews.json.gz"),
            SourceFile("https://cseweb.ucsd.edu/~wckang/steam_games.json.gz"),
        ),
        split=ByLast(),
        domain=Domain(item="game", items="games", user="player"),
    ),
)
SOURCES = {source.name: source for source in _SOURCES}
"""Name -> source."""


def find_source(name: str) -> Source:
    """The source of a name. Raises DataError with all names where there is none."""
    if name not in SOURCES:
        raise DataError(f"there is no data source {name!r}. Known are: {', '.join(SOURCES)}.")
    return SOURCES[name]
