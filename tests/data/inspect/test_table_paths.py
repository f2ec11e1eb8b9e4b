"""Folders with several tables and archives stand for the tables in them; parts of one table stay one."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.newcomer_files import write_amazon_2023, write_movielens_latest_small

from thinkrec.data.inspect import table_paths
from thinkrec.data.inspect.inspection import inspect_files
from thinkrec.data.inspect.table_paths import expand_paths


def test_a_folder_of_different_tables(tmp_path: Path) -> None:
    write_movielens_latest_small(tmp_path)
    folder = tmp_path / "ml-latest-small"
    named = expand_paths([folder])
    assert [path.name for path in named.paths] == ["links.csv", "movies.csv", "ratings.csv", "tags.csv"]
    assert named.notes == (
        f"{folder}: tables in it: links.csv, movies.csv, ratings.csv, tags.csv; left alone: README.txt.",
    )
    assert named.hinted == set(named.paths)
    write_amazon_2023(tmp_path / "amazon")
    assert len(expand_paths([tmp_path / "amazon"]).paths) == 2
    archive = write_movielens_latest_small(tmp_path, zipped=True)[0]
    assert archive / "ml-latest-small" / "tags.csv" in expand_paths([archive]).paths


def test_parts_of_one_table_stay_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        (tmp_path / f"part-{n}.csv").write_text(f"a,b\n{n},{n}\n")
    (tmp_path / "_SUCCESS").write_text("")
    (tmp_path / "README").write_text("x")
    named = expand_paths([tmp_path, tmp_path / "part-0.csv"])
    assert named.paths == (tmp_path, tmp_path / "part-0.csv") and not named.notes and not named.hinted
    (tmp_path / "part-2.csv").write_text("a,c\n1,2\n")
    assert len(expand_paths([tmp_path]).paths) == 3
    monkeypatch.setattr(table_paths, "MOST_FILES", 2)
    assert expand_paths([tmp_path]).paths == (tmp_path,)


def test_what_nobody_named_and_is_no_table_is_no_problem(tmp_path: Path) -> None:
    write_movielens_latest_small(tmp_path)
    folder = tmp_path / "ml-latest-small"
    (folder / "notes.xyz").write_text("nothing\nof\nuse")
    assert not inspect_files([folder]).problems
    named = inspect_files([folder / "ratings.csv", folder / "movies.csv", folder / "notes.xyz"])
    assert [str(folder / "notes.xyz") in problem.text for problem in named.problems] == [True]
