"""`reasons choose`: of a row's candidates the one that cites what moves the score; usable to train on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.data.interactions import TRAIN
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.reasons.written import read_written_reasons
from thinkrec.run.data_sources import collect_reasons
from thinkrec.run.layout import get_scorer_stage
from thinkrec.run.pipeline import Run
from thinkrec.run.reason_choice import choose_reasons
from thinkrec.run.recipe import parse_recipe
from thinkrec.score.line_effects import LineEffects, compute_line_effects
from thinkrec.score.scorer_queries import ScorerQueries
from thinkrec.teacher.rule_reasons import argue_past, format_cited_title
from thinkrec.train.model_config import ReasonConfig, ThinkRecConfig

SIZES = {"users": 60, "items": 80, "interactions_per_user": [12, 20]}
RECIPE = {
    "name": "tiny",
    "data": {"kind": "simulator", "seed": 5, "simulator": SIZES},
    "model": {"kind": "boosting", "trees": 30, "n_seeds": 1},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("chosen") / "run"
    folder.mkdir()
    opened = Run(parse_recipe(RECIPE, "tiny"), folder)
    opened.prepare_folder()
    config = opened.recipe.model
    assert config.kind == "boosting"
    opened.fit_scorer(get_scorer_stage("model"), config)
    return opened


@pytest.fixture(scope="module")
def rows(run: Run) -> np.ndarray:
    """Thirty train rows with a past of at least six lines."""
    train = run.ds.interactions.get_split_rows(TRAIN)
    return train[run.ds.interactions.past.count_visible_rows(train) >= 6][:30]


@pytest.fixture(scope="module")
def effects(run: Run, rows: np.ndarray) -> list[LineEffects]:
    from thinkrec.run.effect_cache import open_effect_cache

    scorer = open_effect_cache(run, None, None).scorer
    return compute_line_effects(scorer, [Query.from_row(run.ds, int(row)) for row in rows], flip=False)


def write_citing(run: Run, rows: np.ndarray, effects: list[LineEffects], strongest: bool, path: Path) -> Path:
    """Reasons for the labels that cite each row's line that says most for its label, or least."""
    texts, it = [], run.ds.interactions
    for row, measured in zip(rows, effects, strict=True):
        strength = measured.erase * (2 * measured.labels.astype(int) - 1)
        line = int(strength.argmax() if strongest else strength.argmin())
        past, item, label = it.get_history_rows(int(row), 10), int(it.item[row]), bool(it.label[row])
        cited = format_cited_title(run.ds.items.titles[it.item[past[line]]])
        said = "liked" if measured.labels[line] else "disliked"
        texts.append(f"{'Yes' if label else 'No'}. This viewer {said} {cited}.")
        assert argue_past(run.ds, item, it.item[past], it.label[past], np.random.default_rng(0), verdict=label)
    ids = run.ds.to_frame(rows).select("order", "user_id", "item_id", pl.Series("reason", texts))
    ids.write_parquet(path)
    return path


@pytest.fixture
def tables(run: Run, rows: np.ndarray, effects: list[LineEffects], tmp_path: Path) -> dict[str, Path]:
    return {
        name: write_citing(run, rows, effects, name == "best", tmp_path / f"{name}.parquet")
        for name in ("worst", "best")
    }


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["reasons", "choose", *map(str, arguments)])


def test_what_cites_the_strongest_line_is_chosen(run: Run, rows: np.ndarray, tables: dict[str, Path]) -> None:
    table, summary = choose_reasons(tables, run.folder, progress=False)
    assert table.columns == [
        "order",
        "user_id",
        "item_id",
        "label",
        "reason",
        "candidate",
        "agreement",
        "n_candidates",
    ]
    by_order = dict(zip(table["order"], table["candidate"], strict=True))
    assert sorted(by_order) == sorted(run.ds.interactions.order[rows].tolist())
    judged = summary.rows - summary.unjudged - summary.ties - summary.single
    assert judged > 20 and summary.taken["best"] >= judged
    assert summary.chosen.agreement is not None and summary.tables["worst"].agreement is not None
    assert summary.chosen.agreement > 0.5 > 0 > summary.tables["worst"].agreement
    assert summary.chosen.erase_win is not None and summary.all.erase_win is not None
    assert summary.chosen.erase_win > 0.95 and summary.all.erase_win < 0.7
    assert summary.all.reasons == 2 * len(rows) and summary.all.cited == 1.0 and summary.rows_without == 0
    other, _ = choose_reasons(dict(reversed(tables.items())), run.folder, progress=False)
    kept = table.filter(pl.col("candidate") == "best").select("order", "reason")
    assert kept.join(other, on=["order", "reason"]).height == kept.height, "whatever the order of the tables"


def test_at_random_takes_any_and_tells_what_they_cite(run: Run, rows: np.ndarray, tables: dict[str, Path]) -> None:
    table, summary = choose_reasons(tables, run.folder, at_random=True, progress=False)
    assert 5 < summary.taken["worst"] < 25 and summary.at_random
    again, _ = choose_reasons(tables, run.folder, at_random=True, progress=False)
    assert again.equals(table)
    other, _ = choose_reasons(tables, run.folder, at_random=True, seed=1, progress=False)
    assert not other.equals(table) and other["order"].equals(table["order"])
    # The draw of a row does not go by which rows are beside it.
    few = {name: path.with_name(f"few-{path.name}") for name, path in tables.items()}
    for name, path in few.items():
        pl.read_parquet(tables[name])[5:20].write_parquet(path)
    part, _ = choose_reasons(few, run.folder, at_random=True, progress=False)
    assert part.join(table, on=["order", "reason"]).height == part.height == 15


def test_ties_rows_without_and_rows_with_one_are_counted(
    run: Run, rows: np.ndarray, tables: dict[str, Path], tmp_path: Path
) -> None:
    best = pl.read_parquet(tables["best"])
    words = best.with_columns(pl.col("reason").str.replace("This viewer", "The viewer"))[:10]
    bare = best.with_columns(pl.col("reason").str.replace(r"^(\w+\.).*$", "$1 It fits."))[10:20]
    more = bare.with_columns(pl.col("reason").str.replace("fits", "suits"))
    verdict = best.with_columns(pl.lit("Perhaps.").alias("reason"))[25:]
    named = {"best": best[:10], "words": words, "bare": bare, "more": more, "alone": best[20:25], "none": verdict}
    paths = {name: tmp_path / f"{name}-t.parquet" for name in named}
    for name, table in named.items():
        table.write_parquet(paths[name])
    table, summary = choose_reasons(paths, run.folder, progress=False)
    assert (summary.rows, summary.rows_without, summary.single) == (25, 5, 5)
    # The same lines in other words; nothing cited at all.
    assert summary.ties + summary.unjudged == 20 and summary.unjudged >= 10
    assert summary.left_out["none"] == {"another verdict than the row's label": 5}
    assert table.filter(pl.col("candidate") == "bare")["agreement"].null_count() == summary.taken["bare"]
    assert 0 < summary.taken["words"] < 10, "ties are drawn, not settled by the order of the tables"


def test_the_chosen_table_is_what_a_recipe_trains_on(run: Run, tables: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "chosen.parquet"
    result = call(run.folder, *tables.values(), "--out", out)
    assert result.exit_code == 0, result.output
    for words in ("best alike, one drawn", "rows without a candidate", "30 of 30 chosen; agreement"):
        assert words in result.stdout, words
    report = json.loads((tmp_path / "chosen.report.json").read_text())
    assert report["rows"] == 30 and report["run"] == "run" and report["seed"] == 0
    chosen = pl.read_parquet(out)
    model = ThinkRecConfig(reasons=ReasonConfig(source="written", file=out))
    reasons = collect_reasons(run.ds, model, 0)
    order = run.ds.interactions.order
    assert {int(order[row]): text for row, text in reasons.items()} == dict(
        zip(chosen["order"], chosen["reason"], strict=True)
    )
    assert reasons == read_written_reasons(run.ds, out)


def test_effects_are_measured_once_and_without_turning_labels(
    run: Run, tables: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    plain = ScorerQueries.score_queries
    monkeypatch.setattr(ScorerQueries, "score_queries", lambda self, q: asked.append(len(q)) or plain(self, q))
    first, _ = choose_reasons(tables, run.folder, cache=tmp_path, progress=False)
    lines = pl.read_parquet(tmp_path / "line-effects.parquet")
    assert lines["flip"].is_nan().all() and sum(asked) == 30 + lines.height
    asked.clear()
    again, _ = choose_reasons(tables, run.folder, cache=tmp_path, progress=False)
    assert not asked and again.equals(first)


def test_effects_without_turned_labels_are_measured_anew_where_those_are_wanted(
    run: Run, rows: np.ndarray, tmp_path: Path
) -> None:
    from thinkrec.run.effect_cache import open_effect_cache

    erased = open_effect_cache(run, None, tmp_path, flip=False).measure_effects(rows[:3])
    both = open_effect_cache(run, None, tmp_path).measure_effects(rows[1:4])
    assert np.isnan(erased[1].flip).all() and all(np.isfinite(one.flip).all() for one in both)
    np.testing.assert_array_equal(both[0].erase, erased[1].erase)
    stored = pl.read_parquet(tmp_path / "line-effects.parquet")
    assert stored["order"].n_unique() == 3 and not stored["flip"].is_nan().any()
    assert stored.group_by("order", "line").len()["len"].max() == 1


def test_wrong_calls_are_refused(run: Run, tables: dict[str, Path], tmp_path: Path) -> None:
    def refuse(*arguments: object) -> str:
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        return result.stderr

    out = tmp_path / "x.parquet"
    assert "end it with .parquet" in refuse(run.folder, tables["best"], "--out", tmp_path / "x.txt")
    assert "would write over" in refuse(run.folder, tables["best"], "--out", tables["best"])
    assert "there is no run" in refuse("nothing", tables["best"], "--out", out)
    assert "has no row 'nobody'" in refuse(run.folder, tables["best"], "--model", "nobody", "--out", out)
    assert "given twice" in refuse(run.folder, tables["best"], tables["best"], "--out", out)
    assert not out.exists()
    with pytest.raises(DataError, match="column 'reason' is missing"):
        pl.DataFrame({"order": [1]}).write_parquet(tmp_path / "bare.parquet")
        choose_reasons({"a": tmp_path / "bare.parquet"}, run.folder, progress=False)
