"""`evaluate` and `compare`: which rows are judged, what was not scored, and whose rows the scores are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.evaluate.metrics.ranking import compute_uauc
from thinkrec.evaluate.predictions import GroundTruth, match_predictions

N = 40
USERS = [f"u{row // 4}" for row in range(N)]
LABELS = [int(row % 4 in (0, 3)) for row in range(N)]
SCORES = [0.5 + 0.01 * ((7 * row) % N) for row in range(N)]
TRUTH = pl.DataFrame(
    {
        "order": range(100, 100 + N),
        "user_id": USERS,
        "item_id": [f"i{row}" for row in range(N)],
        "label": LABELS,
    }
)
MINE = pl.DataFrame({"order": range(100, 100 + N), "score": SCORES})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """truth.csv and mine.parquet over the same 40 rows of ten users."""
    TRUTH.write_csv(tmp_path / "truth.csv")
    MINE.write_parquet(tmp_path / "mine.parquet")
    return tmp_path


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    return " ".join(result.stdout.split())


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def judged(text: str) -> str:
    """From "40 rows, 10 users" on."""
    return re.search(r"\d+ rows, .*", text)[0]  # type: ignore[index]


# -- rows without a prediction -----------------------------------------------------------------------------------------


def test_predictions_for_some_of_the_rows_are_refused_with_counts(folder: Path) -> None:
    MINE[:8].write_parquet(folder / "some.parquet")
    told = refused("evaluate", "ranking", folder / "some.parquet", "--interactions", folder / "truth.csv")
    assert "32 of 40 rows" in told
    assert "all those of 8 of 10 users (u2, u3, u4, u5, u6 and 3 more)" in told
    assert "order 108, 109, 110, 111, 112 and 27 more" in told
    assert "--partial" in told


def test_partial_judges_what_is_there_and_says_what_is_not(folder: Path) -> None:
    MINE[:9].write_parquet(folder / "some.parquet")
    text = call("evaluate", "ranking", folder / "some.parquet", "--interactions", folder / "truth.csv", "--partial")
    assert "Partial: 9 of 40 rows are judged; 31 without a prediction are left out" in text
    assert "all rows of 7 of 10 users (u3, u4, u5, u6, u7 and 2 more)" in text
    assert judged(text).startswith("9 rows, 3 users")
    whole = call("evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "truth.csv", "--partial")
    assert "Partial" not in whole
    assert judged(whole).startswith("40 rows, 10 users")


def test_users_who_keep_a_row_are_not_counted_as_lost(folder: Path) -> None:
    MINE.filter(pl.col("order") % 4 != 0).write_parquet(folder / "some.parquet")
    told = refused("evaluate", "ranking", folder / "some.parquet", "--interactions", folder / "truth.csv")
    assert "10 of 40 rows" in told and "of 10 users" not in told
    text = call("evaluate", "ranking", folder / "some.parquet", "--interactions", folder / "truth.csv", "--partial")
    assert "10 without a prediction are left out; every user keeps some" in text


def test_the_test_rows_of_a_table_with_splits_are_judged(folder: Path) -> None:
    split = ["train"] * 20 + ["valid"] * 4 + ["test"] * 16
    TRUTH.with_columns(split=pl.Series(split)).write_csv(folder / "truth.csv")
    MINE[24:].write_csv(folder / "test.csv")
    truth = ("--interactions", folder / "truth.csv")
    assert judged(call("evaluate", "ranking", folder / "test.csv", *truth)).startswith("16 rows, 4 users")
    told = refused("evaluate", "ranking", folder / "mine.parquet", *truth)
    assert "not judged: 20 of split train and 4 of split valid" in told and "--split" in told
    assert judged(call("evaluate", "ranking", folder / "mine.parquet", *truth, "--split", "all")).startswith("40 rows")
    MINE[20:24].write_csv(folder / "valid.csv")
    assert judged(call("evaluate", "ranking", folder / "valid.csv", *truth, "--split", "valid")).startswith(
        "4 rows, 1 user"
    )
    assert "no such split" in refused("evaluate", "ranking", folder / "valid.csv", *truth, "--split", "dev")
    TRUTH.write_csv(folder / "truth.csv")
    assert "no column 'split'" in refused("evaluate", "ranking", folder / "valid.csv", *truth, "--split", "valid")


def test_compare_judges_rows_that_every_table_has(folder: Path) -> None:
    MINE[:12].write_parquet(folder / "a.parquet")
    MINE[4:16].write_parquet(folder / "b.parquet")
    arguments = (
        "compare",
        folder / "a.parquet",
        "--against",
        folder / "b.parquet",
        "--interactions",
        folder / "truth.csv",
    )
    assert "28 of 40 rows" in refused(*arguments)
    text = call(*arguments, "--partial", "--draws", 100, "--out", folder / "c.json")
    assert "Partial: 8 of 40 rows are judged" in text
    found = json.loads((folder / "c.json").read_text())
    assert found["n_rows"] == 8
    assert found["remarks"][0].startswith("Partial: 8 of 40")
    MINE[20:].write_parquet(folder / "b.parquet")
    assert "no row of" in refused(*arguments, "--partial")


def test_text_metrics_say_which_references_have_no_reason(folder: Path) -> None:
    words = "a slow film about the sea"
    TRUTH.select("order", "user_id", reason=pl.lit(words)).write_parquet(folder / "refs.parquet")
    MINE[:10].select("order", reason=pl.lit(words)).write_parquet(folder / "some.parquet")
    MINE[:6].select("order", reason=pl.lit(words)).write_parquet(folder / "fewer.parquet")
    arguments = ("evaluate", "text", folder / "some.parquet", "--references", folder / "refs.parquet")
    told = refused(*arguments)
    assert "30 of 40 references, among them all those of 7 of 10 users (u3, u4" in told and "--partial" in told
    out = folder / "text.json"
    text = call(*arguments, "--partial", "--draws", 100, "--against", folder / "fewer.parquet", "--out", out)
    assert "Partial: 6 of 40 references are judged; 34 without a reason are left out" in text
    assert json.loads(out.read_text())["n_rows"] == 6
    assert json.loads(out.read_text())["remarks"][0].startswith("Partial: 6 of 40")


# -- whose rows the scores are -----------------------------------------------------------------------------------------


def test_ids_beside_the_scores_are_compared_with_the_row(folder: Path) -> None:
    whole = MINE.join(TRUTH.select("order", "user_id", "item_id"), on="order")
    truth = ("--interactions", folder / "truth.csv")
    whole.write_parquet(folder / "ids.parquet")
    assert judged(call("evaluate", "ranking", folder / "ids.parquet", *truth)).startswith("40 rows, 10 users")
    # The table was reordered since: the same orders now belong to other rows.
    moved = TRUTH.with_columns(order=pl.col("order").reverse())
    moved.write_csv(folder / "truth.csv")
    told = refused("evaluate", "ranking", folder / "ids.parquet", *truth)
    assert "40 of 40 rows are of another user or item" in told
    assert "order 100 is user 'u0' item 'i0' here, user 'u9' item 'i39' there" in told
    assert "reordered" in told
    # One wrong item is enough, and a table without items is compared by user.
    TRUTH.write_csv(folder / "truth.csv")
    wrong = pl.when(pl.col("order") == 103).then(pl.lit("i9")).otherwise("item_id").alias("item_id")
    whole.with_columns(wrong).write_parquet(folder / "ids.parquet")
    assert "1 of 40 rows" in refused("evaluate", "ranking", folder / "ids.parquet", *truth)
    TRUTH.drop("item_id").write_csv(folder / "truth.csv")
    call("evaluate", "ranking", folder / "ids.parquet", *truth)


def test_ids_are_compared_as_text() -> None:
    truth = GroundTruth(pl.DataFrame({"order": [0, 1], "user": [7, 8], "user_id": [7, 8], "label": [0, 1]}), "there")
    table = pl.DataFrame({"order": [1, 0], "score": [0.2, 0.1], "user_id": ["8", "7"]})
    (found,), remark = match_predictions({"mine": table}, truth, partial=False)
    assert found["score"].to_list() == [0.1, 0.2] and remark == ""


# -- what was handed over ----------------------------------------------------------------------------------------------


def test_ratings_are_labels_by_a_threshold(folder: Path) -> None:
    stars = TRUTH.with_columns(rating=pl.col("label") * 3 + 2).drop("label")
    stars.write_csv(folder / "stars.csv")
    arguments = ("evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "stars.csv")
    assert "needs --threshold" in refused(*arguments)
    text = call(*arguments, "--threshold", 4)
    assert f"{compute_uauc(USERS, LABELS, SCORES):.3f}"[1:] in text
    told = refused(
        "evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "truth.csv", "--threshold", 4
    )
    assert "needs no --threshold" in told


@pytest.mark.parametrize(
    ("table", "more", "told"),
    [
        (TRUTH, (), "This is a table of interactions"),
        (TRUTH.drop("order").rename({"label": "rating"}), (), "go to --interactions"),
        (MINE.select("order", reason=pl.lit("Yes.")), (), "judge it with evaluate text --references"),
        (MINE, ("--references", "refs"), "This is a table of predictions: judge it with evaluate ranking"),
        (MINE.rename({"score": "prediction"}), (), "Did you mean 'prediction'? Rename it to 'score'"),
        (MINE.rename({"score": "Scores"}), (), "Did you mean 'Scores'"),
        (MINE.rename({"order": "Row ID"}), (), "Did you mean 'Row ID'? Rename it to 'order'"),
        (MINE.drop("order"), (), "nothing says which row a line is about"),
        (MINE.rename({"score": "x"}), (), "column 'score' is missing"),
        (MINE[:0], (), "no rows"),
    ],
)
def test_other_tables_are_named(folder: Path, table: pl.DataFrame, more: tuple[str, ...], told: str) -> None:
    table.write_parquet(folder / "given.parquet")
    TRUTH.select("order", "user_id", reason=pl.lit("Yes. Fine.")).write_parquet(folder / "refs.parquet")
    more = tuple(str(folder / "refs.parquet") if part == "refs" else part for part in more)
    source = () if more else ("--interactions", folder / "truth.csv")
    kind = "text" if more else "ranking"
    assert told in refused("evaluate", kind, folder / "given.parquet", *more, *source)


def test_predictions_in_the_place_of_labels_and_a_folder_in_the_place_of_a_table(folder: Path) -> None:
    told = refused("evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "mine.parquet")
    assert "user_id" in told
    MINE.with_columns(user_id=pl.lit("a")).write_parquet(folder / "both.parquet")
    told = refused("evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "both.parquet")
    assert "give it first, and the labels with --interactions TABLE" in told
    TRUTH.rename({"label": "liked"}).write_csv(folder / "other.csv")
    told = refused("evaluate", "ranking", folder / "mine.parquet", "--interactions", folder / "other.csv")
    assert "Did you mean 'liked'? Rename it to 'label'" in told
    (folder / "run" / "scores" / "full").mkdir(parents=True)
    MINE.write_parquet(folder / "run" / "scores" / "full" / "predictions.parquet")
    told = refused("evaluate", "ranking", folder / "run", "--interactions", folder / "truth.csv")
    assert "is a folder; give one of its tables: scores/full/predictions.parquet" in told


def test_a_run_knows_its_labels(folder: Path) -> None:
    mine = folder / "mine.parquet"
    told = refused("evaluate", "ranking", mine, "--run", folder, "--threshold", 3)
    assert "a run knows its labels" in told
