"""Several processes: all train the same weights, one writes, and every stage is written once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.io.processes import is_main, run_on_main

SCRIPT = """
import hashlib, os, sys
from pathlib import Path
from thinkrec.cli.run import execute_recipe
from thinkrec.run import pipeline
from thinkrec.run.options import RunOptions
from thinkrec.train import stages
from thinkrec.io.processes import is_main

plain = stages.fit_stage

def fit_stage(recommender, *args, title, accelerator, **options):
    log = plain(recommender, *args, title=title, accelerator=accelerator, **options)
    made = hashlib.sha256()
    for tensor in [*recommender.adapters.state_dict().values(),
                   *(recommender.projector.state_dict().values() if recommender.projector else [])]:
        made.update(tensor.numpy().tobytes())
    folder = Path(sys.argv[3])
    (folder / f"{title}-{accelerator.process_index}-of-{accelerator.num_processes}").write_text(made.hexdigest())
    return log

stages.fit_stage = fit_stage
plain_shares = pipeline.compute_shares

def compute_shares(rows, compute):
    def count(part):
        with (folder / f"scored-{os.environ.get('RANK', 0)}").open("a") as file:
            file.write(f"{len(part)}\\n")
        return compute(part)
    folder = Path(sys.argv[3])
    return plain_shares(rows, count)

pipeline.compute_shares = compute_shares
done = execute_recipe(sys.argv[1], Path(sys.argv[2]), [], options=RunOptions())
assert done.results.rows
"""
TRAINED = ("global adapter", "experts", "projector")


def launch(tmp_path: Path, *command: str, run: str = "run") -> subprocess.CompletedProcess[str]:
    script, recipe, marks = tmp_path / "script.py", tmp_path / "tiny.yaml", tmp_path / f"marks-{run}"
    script.write_text(SCRIPT)
    marks.mkdir(exist_ok=True)
    values = tiny_recipe(tiny_backbone(tmp_path / "lm"), n_explained=2)
    values["model"]["adapters"]["dropout"] = 0.0  # what is dropped is drawn by each process for its own rows
    recipe.write_text(yaml.safe_dump(values))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *command, str(script), str(recipe), str(tmp_path / run), str(marks)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )


def check_same_as_alone(tmp_path: Path) -> None:
    """The run of two processes in `run` beside one of a process alone: losses, weights' effects and metrics."""
    done = launch(tmp_path, run="one")
    assert done.returncode == 0, done.stderr[-3000:]
    one, both = tmp_path / "one", tmp_path / "run"
    for stage in ("global", "experts", "vectors"):
        logs = [json.loads((run / stage / "done.json").read_text())["log"] for run in (one, both)]
        assert len(logs[0]) == len(logs[1]) > 1
        for mine, theirs in zip(*logs, strict=True):
            assert mine.keys() == theirs.keys() and mine["step"] == theirs["step"]
            for key in mine:
                assert mine[key] == pytest.approx(theirs[key], abs=1e-5), (stage, key)
    tables = [pl.read_parquet(run / "scores" / "full" / "predictions.parquet") for run in (one, both)]
    assert tables[0]["order"].equals(tables[1]["order"])
    np.testing.assert_allclose(tables[0]["score"].to_numpy(), tables[1]["score"].to_numpy(), atol=1e-4)
    metrics = [json.loads((run / "metrics.json").read_text())["rows"] for run in (one, both)]
    for mine, theirs in zip(*metrics, strict=True):
        assert mine["name"] == theirs["name"] and mine["estimates"] == theirs["estimates"]
    # Both scored, and no row twice.
    shares = [list(map(int, (tmp_path / "marks-run" / f"scored-{rank}").read_text().split())) for rank in (0, 1)]
    assert all(shares) and sum(shares[0]) + sum(shares[1]) == len(shares[0]) * len(tables[0])


def test_two_processes_train_one_model_and_write_every_stage_once(tmp_path: Path) -> None:
    two = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone")
    done = launch(tmp_path, *two)
    assert done.returncode == 0, done.stderr[-3000:]
    run = tmp_path / "run"
    written = [json.loads(line)["stage"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert len(written) == len(set(written)) and {"global", "experts", "vectors", "explain"} <= set(written)
    for title in TRAINED:
        made = [(tmp_path / "marks-run" / f"{title}-{rank}-of-2").read_text() for rank in (0, 1)]
        assert made[0] == made[1], title
    assert done.stdout.count("ThinkRec full") >= 1
    assert done.stdout.count("report:") <= 1
    check_same_as_alone(tmp_path)
    # A second launch finds everything done; a single process goes on with what two have written.
    before = {path: path.stat().st_mtime_ns for path in run.rglob("done.json")}
    assert launch(tmp_path, *two).returncode == 0
    assert launch(tmp_path).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in run.rglob("done.json")} == before
    logs = [json.loads((run / name / "done.json").read_text()) for name in ("global", "experts", "vectors")]
    assert all(log["log"][0]["step"] == 0 and log["log"][-1]["valid_loss"] < 5 for log in logs)


def test_a_process_alone_is_the_main_one_and_errors_pass() -> None:
    assert is_main() and run_on_main(lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        run_on_main(lambda: 1 // 0)
