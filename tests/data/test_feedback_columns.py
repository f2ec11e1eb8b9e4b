"""Yes and No from columns of counts."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from support.command_line import call, plain

from thinkrec.data.feedback_columns import FeedbackColumns, derive_feedback_labels
from thinkrec.data.table_config import TableData
from thinkrec.errors import DataError, DataWarning
from thinkrec.run.data_sources import describe_negatives, load_data

PLAYS = FeedbackColumns(positive="plays", negative="skips")


def frame(plays: list, skips: list) -> pl.DataFrame:
    return pl.DataFrame({"user_id": range(len(plays)), "item_id": range(len(plays)), "plays": plays, "skips": skips})


def test_what_was_taken_is_yes_and_what_was_not_is_no() -> None:
    with pytest.warns(DataWarning, match=r"2 of 5 rows left out, with neither 'plays' nor 'skips' above 0"):
        rows = derive_feedback_labels(frame([3, 0, 1, 0, None], [0, 2, 5, 0, None]), PLAYS, "plays.csv")
    assert rows["user_id"].to_list() == [0, 1, 2]
    assert rows["label"].to_list() == [1, 0, 1]
    texts = derive_feedback_labels(frame([" 3", "0"], ["", "1.0"]), PLAYS, "plays.csv")
    assert texts["label"].to_list() == [1, 0]
    truths = derive_feedback_labels(frame([True, False], [False, True]), PLAYS, "plays.csv")
    assert truths["label"].to_list() == [1, 0]


@pytest.mark.parametrize(
    ("plays", "skips", "message"),
    [
        ([1, -1], [0, 1], r"column 'plays' must hold counts, numbers from 0 on \(row 2: -1"),
        (["many", "0"], ["1", "1"], r"column 'plays' must hold counts.*'many'"),
        ([1, 2], [0, 5], "no row is left that says anything else than Yes"),
        ([0, 0], [1, 0], "no row is left that says anything else than No"),
        ([[1], [0]], [1, 1], "column 'plays' has type"),
    ],
)
@pytest.mark.filterwarnings("ignore::thinkrec.errors.DataWarning")
def test_what_is_no_count_is_named(plays: list, skips: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        derive_feedback_labels(frame(plays, skips), PLAYS, "plays.csv")


def test_two_sources_of_yes_are_refused() -> None:
    with pytest.raises(DataError, match="has a column 'rating' too"):
        derive_feedback_labels(frame([1], [1]).with_columns(rating=1), PLAYS, "plays.csv")
    with pytest.raises(DataError, match="'skips' is missing"):
        derive_feedback_labels(frame([1], [1]).drop("skips"), PLAYS, "plays.csv")


def write_shop(folder: Path) -> tuple[Path, Path]:
    lines = [f"{u},{i},{1_500_000_000 + 60 * (10 * u + i)},{(u + i) % 3},{i % 2}" for u in range(8) for i in range(10)]
    (folder / "plays.csv").write_text("\n".join(["user_id,item_id,timestamp,plays,skips", *lines]) + "\n")
    items = [f"{i},Song {i}" for i in range(10)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *items]) + "\n")
    return folder / "plays.csv", folder / "items.csv"


def test_a_recipe_says_where_its_no_comes_from(tmp_path: Path) -> None:
    rows, items = write_shop(tmp_path)
    feedback = {"positive": "plays", "negative": "skips"}
    values = {"kind": "tables", "interactions": rows, "items": items, "feedback": feedback}
    config = TableData.model_validate({**values, "split": {"by": "fractions"}})
    with pytest.warns(DataWarning, match="neither 'plays' nor 'skips'"):
        ds = load_data(config)[0]
    expected = {(u, i): int((u + i) % 3 > 0) for u in range(8) for i in range(10) if (u + i) % 3 or i % 2}
    table = ds.to_frame()
    assert dict(zip(table.select("user_id", "item_id").rows(), table["label"], strict=True)) == expected
    assert "No is skips above 0 without plays" in (describe_negatives(config) or "")


def test_check_asks_for_the_columns_and_takes_them(tmp_path: Path) -> None:
    tables = write_shop(tmp_path)
    named = ("-o", "feedback.positive=plays", "-o", "feedback.negative=skips")
    result = call("check", *tables, *named, "--write", tmp_path / "mine.yaml")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "mine.yaml").read_text()
    assert "feedback: {positive: plays, negative: skips}" in text
    assert "threshold" not in text
    bare = tmp_path / "met.csv"
    bare.write_text("user_id,item_id,timestamp\n1,1,1500000000\n2,2,1500000001\n")
    asked = " ".join(plain(call("check", bare, tables[1]).stdout).split())
    assert "-o feedback.positive=PLAYS" in asked and "feedback.negative=SKIPS" in asked
