"""`evaluate faithfulness` on a run whose model is a scorer: effects, baselines, the planted cause, and what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.data.columns import DataWarning
from thinkrec.data.query import Query
from thinkrec.errors import DataError
from thinkrec.run.effect_cache import EFFECTS, KEPT, EffectCache
from thinkrec.run.layout import NON_PERSONALISED, get_scorer_stage
from thinkrec.run.pipeline import Run
from thinkrec.run.reason_faithfulness import (
    ORACLE,
    PLANTED,
    REASON,
    RECENT,
    SYSTEMS,
    measure_reason_faithfulness,
)
from thinkrec.run.recipe import parse_recipe
from thinkrec.score.line_effects import compute_line_effects
from thinkrec.score.scorer_queries import ScorerQueries
from thinkrec.teacher.rule_reasons import argue_row

SIZES = {"users": 60, "items": 80, "interactions_per_user": [12, 20]}
RECIPE = {
    "name": "tiny",
    "data": {"kind": "simulator", "seed": 5, "simulator": SIZES},
    "model": {"kind": "boosting", "trees": 30, "n_seeds": 1},
    "evaluation": {"bootstrap_draws": 100},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("faithful") / "run"
    folder.mkdir()
    opened = Run(parse_recipe(RECIPE, "tiny"), folder)
    opened.prepare_folder()
    opened.fit_scorer(get_scorer_stage("model"), opened.recipe.model)
    return opened


@pytest.fixture(scope="module")
def table(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty test rows with the rules' own reasons."""
    path, rows = tmp_path_factory.mktemp("table") / "reasons.parquet", run.test_rows[:40]
    texts = [argue_row(run.ds, int(row), 10, np.random.default_rng(int(row))).text for row in rows]
    pl.DataFrame({"order": run.ds.interactions.order[rows], "reason": texts}).write_parquet(path)
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", "faithfulness", *map(str, arguments)])


def test_a_table_of_measures_with_baselines_and_the_planted_cause(run: Run, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "f.json"
    result = call(table, "--run", run.folder, "--draws", "100", "--out", out)
    assert result.exit_code == 0, result.output
    for word in ("erase win", "CCT", "rules: the reason of", "oracle", "left out of wins"):
        assert word in result.stdout, word
    stored = json.loads(out.read_text())
    systems = stored["tables"]["reasons"]["systems"]
    assert list(systems) == [*SYSTEMS]
    value = {name: {key: m["value"]["value"] for key, m in measures.items()} for name, measures in systems.items()}
    assert value[ORACLE]["erase_win"] > 0.9 and value[RECENT]["cited"] == 1.0
    assert value[PLANTED]["cause"] == 1.0 and value[REASON]["side_right"] == 1.0
    assert 0 < value[REASON]["cited"] < 4
    assert stored["provenance"] == {"run": "run", "model": None, "rows": None, "seed": 0}


def test_effects_are_kept_by_row_and_used_again(
    run: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure_reason_faithfulness({"a": table}, run.folder, n_rows=10, seed=3, cache=tmp_path, progress=False)[
        "a"
    ]
    kept = pl.read_parquet(tmp_path / EFFECTS)
    assert kept.columns == ["key", "order", "line", "place", "item_id", "label", "score", "erase", "flip"]
    assert kept["order"].n_unique() == first.rows == 10
    order = int(kept["order"][0])
    row = int(run.ds.interactions.find_rows(np.array([order]))[0])
    part, past = kept.filter(pl.col("order") == order), run.ds.interactions.get_history_rows(row, 10)
    assert part["item_id"].to_list() == [run.ds.items.ids[i] for i in run.ds.interactions.item[past]]
    assert part["label"].to_list() == run.ds.interactions.label[past].tolist()
    asked: list[int] = []
    plain = ScorerQueries.score_queries
    monkeypatch.setattr(ScorerQueries, "score_queries", lambda self, q: asked.append(len(q)) or plain(self, q))
    again = measure_reason_faithfulness({"a": table}, run.folder, n_rows=10, seed=3, cache=tmp_path, progress=False)[
        "a"
    ]
    assert not asked and again == first
    more = measure_reason_faithfulness({"a": table}, run.folder, n_rows=12, seed=3, cache=tmp_path, progress=False)["a"]
    assert asked and more.rows == 12
    assert pl.read_parquet(tmp_path / EFFECTS)["order"].n_unique() == 12


def test_what_other_weights_measured_does_not_count(run: Run, tmp_path: Path) -> None:
    rows = run.test_rows[:3]

    class Fixed:
        def __init__(self, value: float) -> None:
            self.value = value

        def score_queries(self, queries):
            return [np.array([self.value * query.labels.sum()]) for query in queries]

        def find_visible_past(self, query: Query, item: int) -> np.ndarray:
            return np.arange(max(0, len(query.items) - 4), len(query.items))

    one = EffectCache(Fixed(1.0), run.ds, "one", tmp_path)
    wanted = compute_line_effects(Fixed(1.0), [Query.from_row(run.ds, int(row)) for row in rows])
    for _ in range(2):
        for found, effects in zip(one.measure_effects(rows), wanted, strict=True):
            assert found.score == effects.score
            for name in ("places", "labels", "erase", "flip"):
                np.testing.assert_array_equal(getattr(found, name), getattr(effects, name))
    everything = [np.ones(len(effects.erase), dtype=bool) for effects in wanted]
    assert one.score_kept(rows, everything, "x").tolist() == [effects.score for effects in wanted]
    other = EffectCache(Fixed(2.0), run.ds, "two", tmp_path)
    with pytest.warns(DataWarning, match="measured with other weights"):
        assert other.measure_effects(rows)[0].score == 2 * wanted[0].score
    with pytest.warns(DataWarning, match="measured with other weights"):
        assert other.score_kept(rows[:1], everything[:1], "x")[0] == 2 * wanted[0].score
    assert pl.read_parquet(tmp_path / KEPT)["key"].to_list() == ["two"]


def test_rows_without_a_past_are_kept_and_left_out(run: Run, tmp_path: Path) -> None:
    table = run.ds.interactions
    first = int(table.start[3])
    path = tmp_path / "reasons.parquet"
    orders = [int(table.order[row]) for row in (first, first + 5, int(table.start[5]) + 6)]
    pl.DataFrame({"order": orders, "reason": ["Yes. It fits."] * 3}).write_parquet(path)
    for _ in range(2):
        found = measure_reason_faithfulness({"a": path}, run.folder, cache=tmp_path, draws=10, progress=False)["a"]
        assert (found.rows, found.rows_without_lines) == (2, 1)
    assert pl.read_parquet(tmp_path / EFFECTS).filter(pl.col("line") < 0)["order"].to_list() == orders[:1]


def test_another_row_of_the_table_may_be_asked(run: Run, table: Path) -> None:
    run.fit_scorer(get_scorer_stage("item mean"), NON_PERSONALISED["item mean"])
    found = measure_reason_faithfulness({"a": table}, run.folder, model="item mean", n_rows=5, draws=10, progress=False)
    own = found["a"].systems[REASON]
    assert own["erase_win"].value.value == 0.5, "no line moves the mean of an item: all pairs tie"
    assert "cct" not in own and "sufficiency" not in own
    with pytest.raises(DataError, match="has no row 'nobody'"):
        measure_reason_faithfulness({"a": table}, run.folder, model="nobody", progress=False)


def test_bad_tables_are_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "reasons.parquet"
    order = int(run.ds.interactions.order[run.test_rows[0]])
    pl.DataFrame({"order": [order], "reason": ["Yes. It fits."]}).write_parquet(path)
    with pytest.raises(DataError, match="1 reasons; at least two"):
        measure_reason_faithfulness({"a": path}, run.folder, progress=False)
    pl.DataFrame({"order": [order, 10**7], "reason": ["Yes."] * 2}).write_parquet(path)
    with pytest.raises(DataError, match="is no row of the data"):
        measure_reason_faithfulness({"a": path}, run.folder, progress=False)
    pl.DataFrame({"order": [order, order + 1], "reason": ["Yes.", None]}).write_parquet(path)
    with pytest.raises(DataError, match="without a reason"):
        measure_reason_faithfulness({"a": path}, run.folder, progress=False)
    result = call(path, "--run", run.folder, "--out", tmp_path / "x.txt")
    assert result.exit_code == 2 and "--out writes JSON" in result.stderr
