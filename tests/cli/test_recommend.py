"""`thinkrec recommend`: a table for all users, exactly once also after a stop, and JSON for one."""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result
from support.tiny_run import train_tiny_run
from typer.testing import CliRunner

from thinkrec.api import ThinkRec
from thinkrec.cli import app
from thinkrec.cli.recommenders import RecommenderSource, open_recommender
from thinkrec.errors import CheckpointError
from thinkrec.retrieve.config import RetrieveConfig
from thinkrec.run.options import RunOptions
from thinkrec.run.pipeline import Run
from thinkrec.run.recommendation_parts import get_parts_folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train_tiny_run(tmp_path_factory.mktemp("recommend"))


def call(trained: Run, *more: object) -> Result:
    return CliRunner().invoke(app, ["recommend", str(trained.folder), *map(str, more)])


def test_all_users_come_exactly_once_also_after_a_stop(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "recs.parquet", tmp_path / "whole.parquet"
    fixed = ("--users", "all", "--top", 2, "--candidates", 8, "--block", 10, "--json")
    real, asked = ThinkRec.recommend_many, []

    def stop_late(model: ThinkRec, users: list, *args: object, **options: object) -> object:
        if len(asked) >= 20:
            raise KeyboardInterrupt
        asked.extend(users)
        return real(model, users, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ThinkRec, "recommend_many", stop_late)
    assert call(trained, *fixed, "--out", out).exit_code != 0
    assert not out.exists()
    assert len(list(get_parts_folder(out).glob("part-*.parquet"))) == 2

    later: list = []
    monkeypatch.setattr(
        ThinkRec, "recommend_many", lambda model, users, *a, **o: (later.extend(users), real(model, users, *a, **o))[1]
    )
    result = call(trained, *fixed, "--out", out)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["rows"] == 60
    assert asked + later == list(trained.ds.user_ids)
    assert call(trained, *fixed, "--out", whole).exit_code == 0
    table = pl.read_parquet(out)
    assert table.equals(pl.read_parquet(whole))
    assert table["user_id"].to_list() == [user for user in trained.ds.user_ids for _ in range(2)]
    assert table["rank"].to_list() == [1, 2] * 30
    assert (table["candidates"] == 8).all()
    assert not get_parts_folder(out).exists()


def test_one_user_as_json_is_what_the_model_says(trained: Run) -> None:
    user = trained.ds.user_ids[4]
    result = call(trained, "--users", user, "--top", 3, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout.splitlines()[-1])
    expected = ThinkRec.load(trained.folder).recommend(user, 3)
    assert content["user"] == user
    assert [entry["item"] for entry in content["recommendations"]] == [entry.item for entry in expected]
    assert [entry["score"] for entry in content["recommendations"]] == pytest.approx([e.score for e in expected])
    assert content["sources"] == ["taste", "prior", "vectors", "neighbours"] and content["recall"]["results"]


def test_several_users_need_a_table(trained: Run) -> None:
    result = call(trained, "--users", "all")
    assert result.exit_code != 0 and "--out" in str(result.exception or "") + result.output


@pytest.mark.parametrize(
    ("more", "match"),
    [
        (("--actors", 2, "--out", "recs"), "--address"),
        (("--address", "local"), "--out"),
        (("--writer", "rules"), "--reasons"),
    ],
)
def test_an_option_that_needs_another_one_says_so(
    trained: Run, more: tuple, match: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(trained, "--users", "all", *more)
    assert result.exit_code == 2 and match in result.output
    assert not list(tmp_path.iterdir())


def test_without_ray_the_command_says_what_to_install(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = call(trained, "--users", "all", "--out", tmp_path / "recs", "--address", "local")
    assert result.exit_code == 2 and "pip install 'thinkrec[ray]'" in result.output


def test_another_process_opens_the_same_model_or_none(trained: Run) -> None:
    options, config = RunOptions(), RetrieveConfig(candidates=8)
    here = open_recommender(trained.folder, None, options, config, top=2, items=None, for_others=True)
    source = RecommenderSource(trained.folder, None, options, config, 2, None, False, None, here.made_from)
    copied = pickle.loads(pickle.dumps(source))
    user = trained.ds.user_ids[0]
    assert copied()([user]) == here.recommend([user], False, None)
    assert here.n_new_items == 0
    with pytest.raises(CheckpointError, match="another model or other data"):
        replace(copied, made_from={**here.made_from, "key": "another"})()


def test_what_decides_the_answers_is_kept_with_the_parts(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thinkrec.run import recommendation_parts

    seen = []

    def remember(run_blocks: object, ids: list, out: Path, *, made_from: dict, **more: object) -> int:
        seen.append(made_from)
        return 2 * len(ids) - 1

    monkeypatch.setattr(recommendation_parts, "write_recommendations", remember)
    for more in ((), ("--reasons",), ("--reasons", "--writer", "rules"), ("--top", 3)):
        result = call(trained, "--users", "all", "--top", 2, "--out", tmp_path / "recs.parquet", *more)
        assert result.exit_code == 0, result.output
        assert "fewer than" in result.output
    assert len({json.dumps(entry, sort_keys=True) for entry in seen}) == 4


def test_nothing_left_is_said(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThinkRec, "recommend_many", lambda model, users, *a, **o: [[] for _ in users])
    user, n = trained.ds.user_ids[4], len(trained.ds.items)
    result = call(trained, "--users", user)
    assert result.exit_code == 0, result.output
    assert f"{user} has met every one of the {n} " in " ".join(result.stdout.split())
    assert "nothing is left to recommend" in " ".join(result.stdout.split())
    content = json.loads(call(trained, "--users", user, "--json").stdout.splitlines()[-1])
    assert content["recommendations"] == []
