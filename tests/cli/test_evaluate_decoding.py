"""`evaluate decoding`: settings compared on written reasons, nothing lost at a stop, nothing written twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.tiny_run import train_tiny_run
from typer.testing import CliRunner

from thinkrec.cli import app
from thinkrec.run import decoding_trial
from thinkrec.run.pipeline import Run
from thinkrec.score.predictor import Predictor
from thinkrec.teacher.rule_reasons import argue_row

GRID = "- {citation_policy: any, temperature: [0, 1.5]}\n- {citation_policy: polarity}\n"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("decoding")
    return train_tiny_run(folder)


@pytest.fixture
def table(trained: Run, tmp_path: Path) -> Path:
    """Eleven validation rows with reasons of the rules, in an order of their own, and a train row."""
    it = trained.ds.interactions
    rows = np.append(it.get_split_rows(1)[:11][::-1], it.get_split_rows(0)[0])
    texts = [argue_row(trained.ds, int(row), 4, np.random.default_rng(0)).text for row in rows]
    path = tmp_path / "rows.parquet"
    splits = ["valid"] * 11 + ["train"]
    pl.DataFrame({"order": it.order[rows], "reason": texts, "split": splits}).write_parquet(path)
    return path


def call(trained: Run, table: Path, tmp_path: Path, *more: object, grid: str = GRID):
    (tmp_path / "grid.yaml").write_text(grid, encoding="utf-8")
    fixed = (trained.folder, table, "--grid", tmp_path / "grid.yaml", "--out", tmp_path / "out.json", "--draws", 100)
    return CliRunner().invoke(app, ["evaluate", "decoding", *map(str, (*fixed, *more))])


def test_settings_are_measured_and_chosen(trained: Run, table: Path, tmp_path: Path) -> None:
    result = call(trained, table, tmp_path)
    assert result.exit_code == 0, result.output
    assert "11 rows" in result.stdout and "temperature=1.5" in result.stdout.replace("\n", "")
    content = json.loads((tmp_path / "out.json").read_text())
    assert list(content["settings"]) == ["any", "any, temperature=1.5", "polarity"]
    assert len(content["chosen"]) == 2 and content["chosen"][1] == "polarity"
    free = {name: content["settings"][name]["short_of_aims"] for name in ("any", "any, temperature=1.5")}
    assert content["chosen"][0] == min(free, key=free.__getitem__)
    first = content["settings"]["any"]
    assert first["settings"]["reason_tokens"] == trained.recipe.reason_tokens
    assert {"meteor_no_synonyms", "repeated_4grams", "distinct_words_share"} <= set(first["estimates"])
    assert first["first_minus_this"] == {} != content["settings"]["polarity"]["first_minus_this"]
    assert first["cpu_seconds"] > 0 and first["counts"]["target_named"] == 11
    # The texts are those of the writer, in the order of the rows.
    texts = [json.loads(line) for line in (tmp_path / "out.texts.jsonl").read_text().splitlines()]
    greedy = [entry for entry in texts if entry["key"] == texts[11]["key"]]
    assert len(texts) == 4 * 11, "scores once, and each setting"
    rows = trained.ds.interactions.find_rows(np.array([entry["order"] for entry in greedy]))
    scores = np.array([entry["score"] for entry in greedy])
    predictor = trained.load_predictor(pipeline_variant(trained))
    np.testing.assert_allclose(predictor.score(rows), scores, atol=1e-5)
    assert predictor.explain(rows, scores, tokens=trained.recipe.reason_tokens) == [e["text"] for e in greedy]


def pipeline_variant(run: Run):
    from thinkrec.run.variants import find_variant

    return find_variant(run.recipe, None)


def test_a_stop_loses_nothing_and_a_longer_grid_writes_only_what_is_new(
    trained: Run, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding_trial, "CHUNK", 4)
    written: list[int] = []
    explain = Predictor.explain

    def stop_at_the_fifth(self, rows, *rest, **options):
        if len(written) == 4:
            raise KeyboardInterrupt
        written.append(len(rows))
        return explain(self, rows, *rest, **options)

    monkeypatch.setattr(Predictor, "explain", stop_at_the_fifth)
    assert call(trained, table, tmp_path).exit_code != 0
    log = tmp_path / "out.texts.jsonl"
    assert len(log.read_text().splitlines()) == 11 + 11 + 4
    assert list(json.loads((tmp_path / "out.json").read_text())["settings"]) == ["any"], "what is done is in the file"
    log.write_bytes(log.read_bytes() + b'{"key": "to')

    def count(self, rows, *rest, **options):
        written.append(len(rows))
        return explain(self, rows, *rest, **options)

    monkeypatch.setattr(Predictor, "explain", count)
    del written[:]
    longer = call(trained, table, tmp_path, grid=GRID + "- {citation_policy: history}\n")
    assert longer.exit_code == 0, longer.output
    assert written == [4, 3, 4, 4, 3, 4, 4, 3], "seven of the second setting, and the two behind it"
    del written[:]
    before = (tmp_path / "out.json").read_bytes()
    assert call(trained, table, tmp_path, grid=GRID + "- {citation_policy: history}\n").exit_code == 0
    assert written == [] and (tmp_path / "out.json").read_bytes() == before


def test_fewer_rows_are_drawn_by_seed(trained: Run, table: Path, tmp_path: Path) -> None:
    grid = "- {citation_policy: any}"
    assert call(trained, table, tmp_path, "--rows", 5, grid=grid).exit_code == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["n_rows"] == 5 and content["provenance"]["rows"] == 5
    assert call(trained, table, tmp_path, "--rows", 5, "--seed", 3, grid=grid).exit_code == 0
    orders = {json.loads(line)["order"] for line in (tmp_path / "out.texts.jsonl").read_text().splitlines()}
    assert len(orders) > 5


def test_wrong_calls_are_refused(trained: Run, table: Path, tmp_path: Path) -> None:
    def refused(*more: object, grid: str = GRID) -> str:
        result = call(trained, table, tmp_path, *more, grid=grid)
        assert result.exit_code == 2, result.output
        return " ".join(result.stderr.split())

    assert "temprature: unknown key" in refused(grid="- {temprature: 1}")
    assert "no row has the split 'nowhere'" in refused("--split", "nowhere")
    assert "at least two are needed" in refused("--split", "train")
    assert "--out writes JSON" in refused("--out", tmp_path / "x.txt")
    with decoding_trial.TextLog(tmp_path / "out.texts.jsonl"):
        assert "another process has it open; let that comparison end" in refused()
    (tmp_path / "out.texts.jsonl").write_text('{"key": 1}\n{}\n')
    assert "line 1 is no entry" in refused()
