"""`thinkrec evaluate --grounding`, on a run of a tiny world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from typer.testing import CliRunner, Result

from thinkrec.cli import app
from thinkrec.commands.grounding import ground_reason_table
from thinkrec.errors import DataError
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue
from thinkrec.teacher.rule_reasons import argue_row

SIZES = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}
DS = simulate_catalogue(SimulatorConfig.model_validate(SIZES), 5).dataset
ROWS = DS.interactions.get_split_rows(2)
TEXTS = [argue_row(DS, int(row), 4, np.random.default_rng(int(row))).text for row in ROWS]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder with a recipe and the scores of its test rows: all Yes."""
    folder = tmp_path_factory.mktemp("run")
    model = {"kind": "thinkrec", "prompt": {"history": 4}}
    content = {"name": "tiny", "data": {"kind": "simulator", "seed": 5, "simulator": SIZES}, "model": model}
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**content, "evaluation": {"bootstrap_draws": 100}}))
    (folder / "scores" / "full").mkdir(parents=True)
    scores = pl.DataFrame({"order": DS.interactions.order[ROWS], "score": np.ones(len(ROWS))})
    scores.write_parquet(folder / "scores" / "full" / "predictions.parquet")
    return folder


def table(path: Path, **changes: object) -> Path:
    pl.DataFrame({"order": DS.interactions.order[ROWS], "reason": TEXTS, **changes}).write_parquet(path)
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_it_prints_a_table(run: Path, tmp_path: Path) -> None:
    result = call("evaluate", table(tmp_path / "reasons.parquet"), "--grounding", "--run", run)
    assert result.exit_code == 0, result.output
    for word in ("citation precision", "cause recall", "verdict agrees with score", f"{len(ROWS)} reasons"):
        assert word in result.stdout


def test_history_scores_and_causes_come_from_the_run(run: Path, tmp_path: Path) -> None:
    found = ground_reason_table(table(tmp_path / "reasons.parquet"), run).measures
    assert found["citation_precision"].value.value == 1
    yes = np.mean([text.startswith("Yes") for text in TEXTS])
    assert found["verdict_agreement"].value.value == pytest.approx(yes), "every score of the run says Yes"
    assert found["cause_recall"].count <= len(ROWS)
    own = ground_reason_table(table(tmp_path / "own.parquet", score=-np.ones(len(ROWS))), run).measures
    assert own["verdict_agreement"].value.value == pytest.approx(1 - yes), "the table's own scores come first"
    shorter = tmp_path / "shorter"
    shorter.mkdir()
    (shorter / "recipe.yaml").write_text((run / "recipe.yaml").read_text().replace("history: 4", "history: 1"))
    less = ground_reason_table(tmp_path / "reasons.parquet", shorter).measures
    assert less["citation_precision"].value.value < 0.9, "only one row is visible"
    assert "verdict_agreement" not in less, "this run has no scores"


def test_bad_tables_are_refused(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "reasons.parquet"
    result = call("evaluate", table(path), "--grounding")
    assert result.exit_code == 2
    assert "name it with --run" in result.stderr
    with pytest.raises(DataError, match="names rows that"):
        ground_reason_table(table(path, order=np.arange(len(ROWS)) + 10_000_000), run)
    with pytest.raises(DataError, match="without a reason"):
        ground_reason_table(table(path, reason=[None, *TEXTS[1:]]), run)
    with pytest.raises(DataError, match="not finite"):
        ground_reason_table(table(path, score=np.full(len(ROWS), np.nan)), run)
    with pytest.raises(DataError, match="column 'reason' is missing"):
        pl.DataFrame({"order": [1]}).write_parquet(path)
        ground_reason_table(path, run)
