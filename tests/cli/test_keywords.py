"""`thinkrec keywords`, and MovieLens with keywords from plots."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.data.dataset import Dataset
from thinkrec.errors import RecipeError
from thinkrec.keywords.config import YakeExtractorConfig
from thinkrec.run.data_sources import load_data
from thinkrec.run.recipe import MovieLensSlice

ITEMS = pl.DataFrame(
    {
        "item_id": [1, 2, 3],
        "title": ["Oak Tales", "The Long Tide", "Moss"],
        "genres": [["Drama"], ["Drama", "War"], []],
        "plot": ["A greedy landowner fights a gypsy dancer.", None, "<p>Two gold diggers &amp; a gypsy dancer</p>"],
        "note": ["a true story", "three sisters and a lighthouse keeper", ""],
    }
)
ROWS = pl.DataFrame(
    {
        "user_id": [1, 1, 2, 2, 3, 3],
        "item_id": [1, 2, 3, 1, 2, 3],
        "label": [1, 0, 1, 1, 0, 1],
        "timestamp": [1, 2, 3, 4, 5, 6],
        "split": ["train", "train", "valid", "valid", "test", "test"],
    }
)


@pytest.fixture
def items(tmp_path: Path) -> Path:
    path = tmp_path / "items.parquet"
    ITEMS.write_parquet(path)
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["keywords", *map(str, arguments)])


def refused(*arguments: object) -> str:
    result = call(*arguments)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.stderr


def test_the_table_comes_back_with_keywords_that_a_data_set_takes(items: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "items.parquet"
    result = call(items, "--columns", "plot,note", "--keep", "genres", "--out", out)
    assert result.exit_code == 0, result.output
    table = pl.read_parquet(out)
    assert table.drop("keywords").equals(ITEMS)
    data = Dataset.from_tables(ROWS, out)
    assert [list(words) for words in data.items.keywords] == table["keywords"].to_list()
    assert data.items.keywords[0][:1] == ("Drama",)
    assert {"greedy landowner", "gypsy dancer"} <= set(data.items.keywords[0])
    assert data.items.keywords[1][:2] == ("Drama", "War")
    assert "gold diggers" in data.items.keywords[2]
    assert "Oak Tales: Drama | " in result.stdout


def test_csv_in_and_out_gives_the_same_keywords(items: Path, tmp_path: Path) -> None:
    csv, parquet = tmp_path / "out.csv", tmp_path / "out.parquet"
    plain = tmp_path / "plain.csv"
    ITEMS.with_columns(pl.col("genres").list.join("|")).write_csv(plain)
    assert call(plain, "--columns", "plot", "--keep", "genres", "--out", csv).exit_code == 0
    assert call(items, "--columns", "plot", "--keep", "genres", "--out", parquet).exit_code == 0
    from_csv, from_parquet = (Dataset.from_tables(ROWS, path).items.keywords for path in (csv, parquet))
    assert from_csv == from_parquet


def test_the_same_command_again_reads_the_cache_and_gives_the_same_file(items: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert call(items, "--columns", "plot", "--out", out).exit_code == 0
    first, cache = out.read_bytes(), tmp_path / "out.parquet.cache.jsonl"
    kept = cache.read_bytes()
    assert kept.count(b"\n") == 2
    assert call(items, "--columns", "plot", "--out", out).exit_code == 0
    assert out.read_bytes() == first
    assert cache.read_bytes() == kept
    assert call(items, "--columns", "plot", "--most", 1, "--out", out).exit_code == 0
    assert pl.read_parquet(out)["keywords"].list.len().to_list() == [1, 0, 1]
    assert cache.read_bytes() == kept


def test_wrong_calls_say_what_to_do(items: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    assert "column 'story' is missing" in refused(items, "--columns", "story", "--out", out)
    assert "column 'kind' is missing" in refused(items, "--columns", "plot", "--keep", "kind", "--out", out)
    assert "names no column" in refused(items, "--columns", " , ", "--out", out)
    assert "give a column of text" in refused(bad_kind(tmp_path), "--columns", "plot", "--out", out)
    assert "end it with .parquet, .csv or .jsonl" in refused(items, "--columns", "plot", "--out", tmp_path / "out.xlsx")
    assert "which is read; give another name" in refused(items, "--columns", "plot", "--out", items)
    assert "no such file" in refused(tmp_path / "none.csv", "--columns", "plot", "--out", out)
    assert "two small letters" in refused(items, "--columns", "plot", "--language", "English", "--out", out)
    assert "--extractor is not teacher" in refused(items, "--columns", "plot", "--teacher", "model=x", "--out", out)
    assert not out.exists()


def bad_kind(folder: Path) -> Path:
    path = folder / "nested.parquet"
    ITEMS.with_columns(plot=pl.struct("item_id")).write_parquet(path)
    return path


def test_a_teacher_is_described_as_in_a_recipe(items: Path, tmp_path: Path) -> None:
    pytest.importorskip("thinkrec.teacher", reason="the teacher room is not there")
    common = (items, "--columns", "plot", "--extractor", "teacher", "--out", tmp_path / "out.parquet", "--teacher")
    assert "must read KEY=VALUE" in refused(*common, "model")
    assert "no_such_key" in refused(*common, "no_such_key=1")
    assert "reads ratings, not texts" in refused(*common, "kind=rules")


# -- MovieLens ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def slice_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "ml1m"
    folder.mkdir()
    ITEMS.with_columns(title=pl.Series(["Oak, The (1990)", "Tide (1991)", "Moss (1992)"])).write_parquet(
        folder / "items.parquet"
    )
    ROWS.with_row_index("order").write_parquet(folder / "interactions.parquet")
    return folder


def test_genres_and_plots(slice_folder: Path, tmp_path: Path) -> None:
    config = MovieLensSlice(folder=slice_folder, keywords="genres+plot")
    data, world = load_data(config, tmp_path / "run" / "keywords")
    assert world is None
    assert data.items.titles[0] == "The Oak (1990)"
    assert data.items.keywords[0][0] == "Drama"
    assert "gypsy dancer" in data.items.keywords[0]
    assert data.items.keywords[1] == ("Drama", "War")
    assert (tmp_path / "run" / "keywords" / "plots.jsonl").is_file()
    assert load_data(config)[0].items.keywords == data.items.keywords, "the cache changes nothing"


def test_the_recipe_decides_number_length_and_place(slice_folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    config = MovieLensSlice(
        folder=slice_folder,
        keywords="genres+plot",
        max_keywords=2,
        plot=YakeExtractorConfig(max_words=1),
        keyword_cache=own,
    )
    data, _ = load_data(config, tmp_path / "run")
    assert [len(words) for words in data.items.keywords] == [2, 2, 2]
    assert all(" " not in word for word in data.items.keywords[2])
    assert (own / "plots.jsonl").is_file()
    assert not (tmp_path / "run").exists()


def test_a_slice_without_plots_is_refused(slice_folder: Path) -> None:
    ITEMS.drop("plot").write_parquet(slice_folder / "items.parquet")
    with pytest.raises(ValueError, match="needs a column `plot`"):
        load_data(MovieLensSlice(folder=slice_folder, keywords="genres+plot"))


def test_unknown_keys_of_the_plot_section_are_refused() -> None:
    from thinkrec.run.recipe import parse_recipe

    data = {"kind": "ml1m", "keywords": "genres+plot", "plot": {"wrods": 2}}
    with pytest.raises(RecipeError, match=r"data\.plot\.wrods"):
        parse_recipe({"name": "x", "data": data, "model": {"kind": "mf"}}, "test")
