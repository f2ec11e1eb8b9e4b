"""Blocks of users: each is written once, also after a stop, and nothing of another model is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from thinkrec.data.columns import DataWarning
from thinkrec.errors import DataError
from thinkrec.run.recommendation_parts import Block, get_parts_folder, run_blocks_here, write_recommendations
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


def test_a_folder_gets_the_parts_and_nothing_else(tmp_path: Path) -> None:
    out = tmp_path / "recs"
    with pytest.raises(KeyboardInterrupt):
        write_recommendations(run_blocks_here(Answers(stop_at=7)), USERS, out, made_from={"a": 1}, block=3)
    assert not out.exists()
    (get_parts_folder(out) / "part-000002.parquet.77.tmp").write_text("begun by a process that was killed")
    again = Answers()
    assert write_recommendations(run_blocks_here(again), USERS, out, made_from={"a": 1}, block=3) == 20
    assert again.asked == [6, 7, 8, 9]
    assert sorted(path.name for path in out.iterdir()) == [f"part-{number:06d}.parquet" for number in range(4)]
    assert pl.read_parquet(out / "part-000003.parquet")["user_id"].to_list() == [9, 9]
    assert not get_parts_folder(out).exists()
    assert write_recommendations(run_blocks_here(Answers()), USERS[:3], out, made_from={"a": 1}, block=3) == 6
    assert [path.name for path in out.iterdir()] == ["part-000000.parquet"]


@pytest.mark.parametrize(("name", "match"), [("recs.xlsx", "without an ending"), ("mine", "letter.txt")])
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path: Path, name: str, match: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    answers = Answers()
    with pytest.raises(DataError, match=match):
        write_recommendations(run_blocks_here(answers), USERS, tmp_path / name, made_from={})
    assert answers.asked == []


@pytest.mark.parametrize("name", ["recs", "recs.parquet"])
def test_a_part_that_is_said_to_be_done_has_to_be_there(tmp_path: Path, name: str) -> None:
    def forget_one(blocks: Sequence[Block]) -> Iterator[Block]:
        yield from run_blocks_here(Answers())(blocks)
        blocks[1].path.unlink()

    with pytest.raises(DataError, match=r"1 of 4 parts are not there, such as part-000001.parquet"):
        write_recommendations(forget_one, USERS, tmp_path / name, made_from={}, block=3)


def test_blocks_may_be_done_in_any_order(tmp_path: Path) -> None:
    def run_backwards(blocks: Sequence[Block]) -> Iterator[Block]:
        return iter(run_blocks_here(Answers())(blocks[::-1]))

    write_recommendations(run_backwards, USERS, tmp_path / "recs.csv", made_from={}, block=3)
    assert pl.read_csv(tmp_path / "recs.csv")["user_id"].to_list() == [user for user in USERS for _ in range(2)]


@pytest.mark.parametrize("name", ["recs", "recs.parquet"])
def test_a_block_without_answers_has_the_types_of_the_others(tmp_path: Path, name: str) -> None:
    def answer(users: Sequence[Any]) -> list[list[Recommendation]]:
        return [[] if user == "a" else [Recommendation(f"i{user}", "t", 1.0, 0.5, 7)] for user in users]

    write_recommendations(run_blocks_here(answer), ["a", "b"], tmp_path / name, made_from={}, block=1)
    table = pl.read_parquet(tmp_path / name)
    assert table.rows(named=True)[0]["item_id"] == "ib" and table.height == 1
