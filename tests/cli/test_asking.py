"""What is typed behind `rank` and `explain`: ids with commas, pasts in files, options that would say nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.commands import asking
from thinkrec.errors import DataError


@pytest.mark.parametrize(
    ("text", "ids"),
    [("12,7, 30", ["12", "7", "30"]), ('"a,b", c', ["a,b", "c"]), ('"say ""hi"""', ['say "hi"']), (" x ,", ["x"])],
)
def test_ids_with_commas_stand_in_quotes(text: str, ids: list[str]) -> None:
    assert asking.parse_candidates(text) == ids


def test_no_candidate_is_refused() -> None:
    with pytest.raises(DataError, match="names no item"):
        asking.parse_candidates(" , ")


def write(folder: Path, text: str) -> Path:
    path = folder / "past.csv"
    path.write_text(text)
    return path


def test_ratings_go_by_the_threshold_of_the_data_unless_another_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, "item_id,rating,timestamp\n8,2,5\n4,4,1\n")
    assert asking.read_history(path, None, 3) == [(4, True), (8, False)]
    assert asking.read_history(path, 1, 3) == [(4, True), (8, True)]
    with pytest.raises(DataError, match="needs --threshold, since the run's own data held labels"):
        asking.read_history(path)
    with pytest.raises(DataError, match="threshold"):
        asking.read_history(path, float("nan"), 3)


@pytest.mark.parametrize(
    ("text", "threshold", "words"),
    [
        ("item_id,label\n4,1\n", 3.0, "--threshold too"),
        ("item_id,label,rating\n4,1,2\n", None, "a column 'rating' too"),
    ],
)
def test_two_answers_to_one_question_are_refused(
    tmp_path: Path, text: str, threshold: float | None, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        asking.read_history(write(tmp_path, text), threshold, 3)
    assert asking.read_history(write(tmp_path, "item_id,label\n4,1\n"), None, 3) == [(4, True)]


def test_data_that_were_handed_over_cannot_be_loaded_by_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "given.yaml"
    path.write_text("name: given\ndata: {kind: in_memory}\nmodel: {kind: mf}\n")
    result = CliRunner().invoke(app, ["run", str(path), "--folder", str(tmp_path / "run")])
    assert result.exit_code == 2 and "handed over in Python" in result.stderr
