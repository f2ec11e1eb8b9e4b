"""From a folder to a `Dataset`: what is cut, dropped and refused is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, compute_time, load_with_warnings, write_lines

from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.interactions import SPLITS
from thinkrec.data.loaders import prepare
from thinkrec.data.loaders.prepare import load_source
from thinkrec.data.loaders.registry import find_source
from thinkrec.data.split import ByLast, ByRandom
from thinkrec.errors import DataError


@pytest.fixture
def films(tmp_path: Path) -> Path:
    rows = [f"{u},{i},{compute_star(u, i)},{compute_time(u, i)}" for u, i in PAIRS]
    write_lines(tmp_path / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    names = [f"{i},Film {i} (199{i}),Comedy" for i in range(1, 7)]
    write_lines(tmp_path / "movies.csv", ["movieId,title,genres", *names])
    return tmp_path


def load_films(folder: Path, **settings):
    return load_with_warnings("movielens-latest-small", folder, **settings)


def test_what_is_given_replaces_what_is_usual(films: Path) -> None:
    usual, _ = load_films(films)
    for settings in ({"threshold": 4.0}, {"split": ByLast()}, {"split": ByRandom(seed=2)}):
        other, _ = load_films(films, **settings)
        assert other.compute_fingerprint() != usual.compute_fingerprint()


def test_activity_leaves_out_and_counts(films: Path) -> None:
    with (films / "ratings.csv").open("a", encoding="utf-8") as file:
        file.write("9,1,5,1500000000\n")
    every, _ = load_films(films)
    ds, said = load_films(films, activity=1)
    assert (len(every.interactions), len(ds.interactions)) == (len(PAIRS) + 1, len(PAIRS))
    assert f"1 of {len(PAIRS) + 1} rows is left out" in said and ds.interactions.n_users == 8
    with pytest.raises(DataError, match="no row is left by `activity: 99`"):
        load_source("movielens-latest-small", films, activity=99)


def test_sampled_no_is_refused_where_the_data_say_no(films: Path) -> None:
    with pytest.raises(DataError, match="`negatives` does not apply"):
        load_source("movielens-latest-small", films, negatives=SampledNegatives())


def test_activity_counts_rows_of_items_too(films: Path) -> None:
    """More rows than the number, not as many; films that nobody is left with go from the catalogue."""
    pairs = [(u, i) for u in range(1, 7) for i in range(1, 5)] + [(1, 5), (2, 5)]
    rows = [f"{u},{i},{compute_star(u, i)},{compute_time(u, i)}" for u, i in pairs]
    write_lines(films / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    for activity, items in ((1, 5), (2, 4)):
        ds, _ = load_films(films, activity=activity)
        assert ds.items.ids == list(range(1, items + 1)) and len(ds.interactions) == (26 if items == 5 else 24)


def test_a_rating_of_zero_is_a_rating(films: Path) -> None:
    """The source says what is rated: its readers have left out what is not, so that nothing is suspected."""
    rows = [f"{u},{i},{0 if (u, i) == PAIRS[0] else compute_star(u, i)},{compute_time(u, i)}" for u, i in PAIRS]
    write_lines(films / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    assert "not rated" not in load_films(films)[1]


def test_the_papers_counts_are_compared_on_the_whole_file(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, _ = load_films(films)
    counts = {name: int((usual.interactions.split == code).sum()) for code, name in enumerate(SPLITS)}
    source = find_source("movielens-latest-small")

    def hear(full_rows: int, expected: dict[str, int]) -> str:
        changed = replace(source, full_rows=full_rows, expected_rows=expected)
        monkeypatch.setattr(prepare, "find_source", lambda _: changed)
        return load_films(films)[1]

    assert "paper" not in hear(len(PAIRS), counts)
    assert f"{len(PAIRS):,} rows, and the published file has 99; the paper's counts" in hear(99, counts)
    other = counts | {"test": counts["test"] + 1}
    assert f"where the ThinkRec paper counts train {counts['train']}" in hear(len(PAIRS), other)
