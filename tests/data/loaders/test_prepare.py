"""From a folder to a `Dataset`: what is cut, dropped and refused is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, compute_time, load_with_warnings, write_lines

from thinkrec.data.implicit import SampledNegatives
from thinkrec.data.loaders.prepare import load_source
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
    assert f"1 of {len(PAIRS) + 1} rows are left out" in said and ds.interactions.n_users == 8
    with pytest.raises(DataError, match="no row is left by `activity: 99`"):
        load_source("movielens-latest-small", films, activity=99)


def test_sampled_no_is_refused_where_the_data_say_no(films: Path) -> None:
    with pytest.raises(DataError, match="`negatives` does not apply"):
        load_source("movielens-latest-small", films, negatives=SampledNegatives())
