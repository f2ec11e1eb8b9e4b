"""Several processes: all train the same weights, one writes, and every stage is written once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.tiny_run import tiny_backbone, tiny_recipe

from thinkrec.io.processes import is_main, run_on_main

SCRIPT = """
import hashlib, sys
from pathlib import Path
from thinkrec.cli.run import execute_recipe
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
done = execute_recipe(sys.argv[1], Path(sys.argv[2]), [], options=RunOptions())
assert done.results.rows
"""
TRAINED = ("global adapter", "experts", "projector")


def launch(tmp_path: Path, *command: str) -> subprocess.CompletedProcess[str]:
    script, recipe, marks = tmp_path / "script.py", tmp_path / "tiny.yaml", tmp_path / "marks"
    script.write_text(SCRIPT)
    marks.mkdir(exist_ok=True)
    recipe.write_text(yaml.safe_dump(tiny_recipe(tiny_backbone(tmp_path / "lm"), n_explained=2)))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(
        [sys.executable, *command, str(script), str(recipe), str(tmp_path / "run"), str(marks)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=240,
    )


def test_two_processes_train_one_model_and_write_every_stage_once(tmp_path: Path) -> None:
    two = ("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone")
    done = launch(tmp_path, *two)
    assert done.returncode == 0, done.stderr[-3000:]
    run = tmp_path / "run"
    written = [json.loads(line)["stage"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert len(written) == len(set(written)) and {"global", "experts", "vectors", "explain"} <= set(written)
    for title in TRAINED:
        made = [(tmp_path / "marks" / f"{title}-{rank}-of-2").read_text() for rank in (0, 1)]
        assert made[0] == made[1], title
    assert done.stdout.count("ThinkRec full") >= 1
    assert done.stdout.count("report:") <= 1
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
