"""The command that shows that a restructuring changed no number."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from support import compare_runs


def write_run(folder: Path, scores: list[float], reason: str, orders: list[int] | None = None) -> Path:
    (folder / "scorers" / "MF").mkdir(parents=True)
    (folder / "explain").mkdir()
    table = pl.DataFrame({"order": orders or list(range(len(scores))), "score": scores})
    table.write_parquet(folder / "scorers" / "MF" / "predictions.parquet")
    (folder / "explain" / "reasons.json").write_text(json.dumps({"cases": [{"reason": "Yes."}, {"reason": reason}]}))
    return folder


def test_differences_are_counted_by_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write_run(tmp_path / "old", [0.0, 1.0, 2.0], "No.")
    new = write_run(tmp_path / "new", [2.0, 1.25, 0.0], "No, never.", orders=[2, 1, 0])
    assert compare_runs.main(old, new) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == ["MF: 3 rows, largest difference of a score 0.25", "explain: 1 of 2 reasons equal"]


def test_what_is_missing_or_about_other_rows_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = write_run(tmp_path / "old", [0.0, 1.0], "No.")
    assert compare_runs.main(old, tmp_path / "nothing") == 1
    assert compare_runs.main(tmp_path / "nothing", old) == 1, "two empty folders are no evidence"
    assert compare_runs.main(old, write_run(tmp_path / "other", [0.0, 1.0], "No.", orders=[0, 7])) == 1
    assert "other ones" in capsys.readouterr().out
