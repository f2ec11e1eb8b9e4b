"""Blocks of users: each is written once, also after a stop, and nothing of another model is taken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from thinkrec.data.columns import DataWarning
from thinkrec.errors import DataError
from thinkrec.run.recommendation_parts import get_parts_folder, run_blocks_here, write_recommendations
from thinkrec.score.answers import Recommendation

USERS = list(range(10))


class Answers:
    """Remembers whom it was asked about; stops once at a user."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.asked: list[int] = []
        self.stop_at = stop_at

    def __call__(self, users: Sequence[Any]) -> list[list[Recommendation]]:
        if self.stop_at in users:
            raise KeyboardInterrupt
        self.asked += users
        return [[Recommendation(user * 10 + n, f"t{n}", 1.0 - n, 0.5, 7) for n in range(2)] for user in users]


def test_a_stopped_run_goes_on_and_each_block_comes_once(tmp_path: Path) -> None:
    out = tmp_path / "recs.parquet"
    with pytest.raises(KeyboardInterrupt):
        write_recommendations(run_blocks_here(Answers(stop_at=7)), USERS, out, made_from={"a": 1}, block=3)
    assert not out.exists()
    again = Answers()
    assert write_recommendations(run_blocks_here(again), USERS, out, made_from={"a": 1}, block=3) == 20
    assert again.asked == [6, 7, 8, 9]
    whole = write_recommendations(
        run_blocks_here(Answers()), USERS, tmp_path / "whole.parquet", made_from={"a": 1}, block=3
    )
    assert whole == 20
    assert pl.read_parquet(out).equals(pl.read_parquet(tmp_path / "whole.parquet"))
    assert pl.read_parquet(out)["user_id"].to_list() == [user for user in USERS for _ in range(2)]
    assert not get_parts_folder(out).exists()


def test_parts_of_another_model_are_thrown_away(tmp_path: Path) -> None:
    out = tmp_path / "recs.parquet"
    with pytest.raises(KeyboardInterrupt):
        write_recommendations(run_blocks_here(Answers(stop_at=7)), USERS, out, made_from={"a": 1}, block=3)
    again = Answers()
    with pytest.warns(DataWarning, match="another model"):
        write_recommendations(run_blocks_here(again), USERS, out, made_from={"a": 2}, block=3)
    assert again.asked == USERS


def test_a_user_named_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="twice"):
        write_recommendations(run_blocks_here(Answers()), [1, 1], tmp_path / "r.csv", made_from={})
