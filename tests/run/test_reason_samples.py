"""`reasons sample`: several reasons for the same train rows, by the rules and by the model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import train_tiny_run
from support.variants import get_variant
from typer.testing import CliRunner, Result

from thinkrec.claims.cases import build_cases
from thinkrec.claims.citations import Catalogue
from thinkrec.claims.grounding import ground_reason
from thinkrec.cli import app
from thinkrec.data.interactions import TRAIN
from thinkrec.decoding.config import DecodingConfig
from thinkrec.evaluate.faithfulness.cited_lines import read_cited_lines
from thinkrec.run.pipeline import Run
from thinkrec.run.reason_samples import (
    SampleOptions,
    sample_reasons,
    write_model_candidates,
    write_rule_candidates,
)
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

DS = simulate_catalogue(SimulatorConfig(users=60, items=120, interactions_per_user=(12, 20)), 11).dataset
ROWS = DS.interactions.get_split_rows(TRAIN)[40:140]


def test_rules_argue_for_the_label_from_evidence_that_differs_by_seed() -> None:
    first, second = (write_rule_candidates(DS, ROWS, 10, 1, seed) for seed in (1, 2))
    assert first.table.equals(write_rule_candidates(DS, ROWS[::-1], 10, 1, 1).table), "by row, not by place"
    assert first.table.height + first.without == len(ROWS) and 0 < first.without < 60
    assert [text.startswith("Yes.") for text in first.table["reason"]] == (first.table["label"] == 1).to_list()
    catalogue, cited = Catalogue(DS.items.titles), {}
    for number, drawn in enumerate((first, second)):
        rows = DS.interactions.find_rows(drawn.table["order"].to_numpy())
        cases = build_cases(DS, rows, 10, verdicts=[bool(y) for y in drawn.table["label"]])
        for row, text, case in zip(rows, drawn.table["reason"], cases, strict=True):
            grounding = ground_reason(text, case, catalogue)
            assert not grounding.untrue and grounding.finished, text
            lines = read_cited_lines(text, case, catalogue)
            assert lines.is_cited.any() and lines.right == lines.stated, text
            cited.setdefault(int(row), {})[number] = lines.is_cited.tolist()
    both = [one for one in cited.values() if len(one) == 2]
    assert len(both) > 30 and sum(one[0] != one[1] for one in both) > len(both) / 3


def test_the_past_is_what_the_prompt_shows() -> None:
    texts = write_rule_candidates(DS, ROWS, 2, 1, 1).table
    for order, text in zip(texts["order"], texts["reason"], strict=True):
        row = int(DS.interactions.find_rows(np.array([order]))[0])
        shown = {DS.items.titles[i] for i in DS.interactions.item[DS.interactions.get_history_rows(row, 2)]}
        shown.add(DS.items.titles[DS.interactions.item[row]])
        assert all(f"'{title}'" not in text or title in shown for title in DS.items.titles)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("samples")
    return train_tiny_run(folder)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["reasons", "sample", *map(str, arguments)])


def test_the_model_draws_for_the_label(trained: Run) -> None:
    predictor = trained.load_predictor(get_variant("global"))
    rows = trained.ds.interactions.get_split_rows(TRAIN)[:8]
    options = {"tokens": 8, "cite": "any", "mentions": 2}

    def draw(temperature: float, seed: int, some: np.ndarray = rows) -> pl.DataFrame:
        decoding = DecodingConfig(temperature=temperature, seed=seed)
        return write_model_candidates(predictor, some, decoding, **options).table

    one, two = draw(1.5, 1), draw(1.5, 2)
    assert one.equals(draw(1.5, 1)) and not one.equals(two) and one["order"].equals(two["order"])
    assert one["label"].n_unique() == 2, "rows of both labels"
    for drawn in (one, two):
        opened = [text.lstrip().startswith("Yes") for text in drawn["reason"]]
        assert opened == (drawn["label"] == 1).to_list()
    some = trained.ds.interactions.find_rows(one["order"].to_numpy())
    greedy = predictor.explain(some, np.where(one["label"].to_numpy() > 0, 1.0, -1.0), **options)
    assert draw(1e-4, 1, some)["reason"].to_list() == greedy != one["reason"].to_list()


def test_tables_are_made_once(trained: Run, tmp_path: Path) -> None:
    out = tmp_path / "candidates"
    arguments = (trained.folder, "--rows", 12, "--rules", 2, "--model", 2, "--tokens", 4, "--out", out)
    first = call(*arguments)
    assert first.exit_code == 0, first.output
    assert sorted(path.name for path in out.iterdir()) == [
        "model-1.parquet",
        "model-2.parquet",
        "rules-1.parquet",
        "rules-2.parquet",
        "samples.json",
    ]
    table = pl.read_parquet(out / "model-1.parquet")
    assert table.columns == ["order", "user_id", "item_id", "label", "reason"] and table.height == 12
    assert not table["reason"].equals(pl.read_parquet(out / "model-2.parquet")["reason"]), "another draw"
    split = trained.ds.interactions.split[trained.ds.interactions.find_rows(table["order"].to_numpy())]
    assert (split == TRAIN).all()
    known = json.loads((out / "samples.json").read_text())
    assert known["rules-1"]["reasons"] + known["rules-1"]["without"] == 12
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert "reasons, made" not in call(*arguments).stdout
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")} == before
    hot = sample_reasons(trained.folder, SampleOptions(12, 2, 1, temperature=4.0, tokens=4), out)
    assert [what.split(", ")[1].split(";")[0] for _, what in hot[1:]] == ["kept", "kept", "made"]
    other = sample_reasons(trained.folder, SampleOptions(11, 1, 0), out)
    assert "made" in other[1][1], "other rows are other reasons"


def test_wrong_calls_are_refused(trained: Run, tmp_path: Path) -> None:
    def refuse(*arguments: object) -> str:
        result = call(*arguments)
        assert result.exit_code == 2, result.output
        return result.stderr

    out = tmp_path / "c"
    assert "ask for no reason" in refuse(trained.folder, "--rules", 0, "--out", out)
    assert "nothing can be drawn" in refuse(trained.folder, "--model", 1, "--temperature", 0, "--out", out)
    assert "there is no run" in refuse("nothing", "--out", out)
    assert not out.exists()
