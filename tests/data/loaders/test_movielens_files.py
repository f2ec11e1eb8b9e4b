"""Small files in the format of movielens files, quirks included, through `load_source`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.published_files import PAIRS, compute_star, compute_time, load_with_warnings, write_lines

from thinkrec.data.loaders.movielens_files import read_movielens_csv
from thinkrec.errors import DataError


def test_movielens_100k(tmp_path: Path) -> None:
    write_lines(tmp_path / "u.data", [f"{u}\t{i}\t{compute_star(u, i)}\t{compute_time(u, i)}" for u, i in PAIRS])
    genres = ["unknown", *(f"G{number}" for number in range(18))]
    write_lines(tmp_path / "u.genre", [f"{name}|{number}" for number, name in enumerate(genres)] + [""])
    flags = "|".join(["0", "1", "1", *["0"] * 16])
    films = [f"{i}|Mis\u00e9rables, Les (199{i})|01-Jan-1995||http://x|{flags}" for i in range(1, 7)]
    write_lines(tmp_path / "u.item", films, "latin-1")
    ds, _ = load_with_warnings("movielens-100k", tmp_path)
    assert len(ds.interactions) == len(PAIRS)
    assert ds.items.titles[0] == "Les Mis\u00e9rables (1991)" and ds.items.keywords[0] == ("G0", "G1")
    assert ds.interactions.label.sum() == sum(compute_star(u, i) > 3 for u, i in PAIRS)
    write_lines(tmp_path / "u.data", ["1\t2\t3"])
    with pytest.raises(DataError, match="line 1 has 3 fields"):
        load_with_warnings("movielens-100k", tmp_path)


def test_movielens_latest_small(tmp_path: Path) -> None:
    rows = [f"{u},{i},{compute_star(u, i) - 0.5},{compute_time(u, i)}" for u, i in PAIRS]
    write_lines(tmp_path / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    films = [f'{i},"American President, The (199{i})",Comedy|Drama' for i in range(1, 6)]
    write_lines(tmp_path / "movies.csv", ["movieId,title,genres", *films, "6,Oak (1990),(no genres listed)"])
    ds, _ = load_with_warnings("movielens-latest-small", tmp_path)
    assert ds.items.titles[0] == "The American President (1991)"
    assert ds.items.keywords[0] == ("Comedy", "Drama") and ds.items.keywords[-1] == ()
    assert ds.interactions.label.sum() == sum(compute_star(u, i) - 0.5 > 3 for u, i in PAIRS)


def test_without_the_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        read_movielens_csv(tmp_path / "none")


def test_the_genre_that_is_none_and_lines_after_an_empty_one(tmp_path: Path) -> None:
    write_lines(tmp_path / "u.data", [f"{u}\t{i}\t{compute_star(u, i)}\t{compute_time(u, i)}" for u, i in PAIRS])
    write_lines(
        tmp_path / "u.genre", [f"{name}|{n}" for n, name in enumerate(["unknown", *(f"G{n}" for n in range(18))])]
    )
    flags = "|".join(["1", "1", *["0"] * 17])
    films = [f"{i}|Oak (1991)|01-Jan-1995||http://x|{flags}" for i in range(1, 7)]
    write_lines(tmp_path / "u.item", films)
    assert load_with_warnings("movielens-100k", tmp_path)[0].items.keywords[0] == ("G0",)
    write_lines(tmp_path / "u.item", [films[0], "", films[1].replace("2|", "x|", 1)])
    with pytest.raises(DataError, match="line 3: column_0 'x' is no number"):
        load_with_warnings("movielens-100k", tmp_path)
    write_lines(tmp_path / "u.item", ["", films[0], films[1] + "|1"])
    with pytest.raises(DataError, match="line 3 has 25 fields"):
        load_with_warnings("movielens-100k", tmp_path)


def test_no_genres_are_no_warning_and_a_wrong_id_is_named_by_its_line(tmp_path: Path) -> None:
    rows = [f"{u},{i},{compute_star(u, i)},{compute_time(u, i)}" for u, i in PAIRS]
    write_lines(tmp_path / "ratings.csv", ["userId,movieId,rating,timestamp", *rows])
    films = [f"{i},Oak (1990),(no genres listed)" for i in range(1, 7)]
    write_lines(tmp_path / "movies.csv", ["movieId,title,genres", *films])
    assert "no keyword" not in load_with_warnings("movielens-latest-small", tmp_path)[1]
    write_lines(tmp_path / "movies.csv", ["movieId,title,genres", films[0], "", '2,"Oak', '2",x', "y,Elm,x"])
    with pytest.raises(DataError, match="line 6: movieId 'y' is no number"):
        load_with_warnings("movielens-latest-small", tmp_path)
