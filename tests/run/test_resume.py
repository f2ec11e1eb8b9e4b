"""Kill -9 in every stage, run again: the metrics are those of an unbroken run. And two runs with one seed agree."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml
from support.tiny_run import tiny_backbone, tiny_recipe

SCRIPT = """
import sys
from pathlib import Path
from thinkrec.run import results as outcome
from thinkrec.run.pipeline import Run
from thinkrec.run.recipe_files import load_recipe
Run(load_recipe(sys.argv[1]), Path(sys.argv[2])).run_all_stages(outcome.finish_run)
"""
TRAINED = ("global", "experts", "vectors")
# The encoder has the settings of the baseline, so that one stage serves both.
OTHERS = ("scorers/MF", "groups", "scores/full", "explain")


def start(recipe: Path, folder: Path) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", SCRIPT, str(recipe), str(folder)], stderr=subprocess.DEVNULL)


def metrics(folder: Path) -> dict:
    found = json.loads((folder / "metrics.json").read_text())
    return {"rows": found["rows"], "comparisons": found["comparisons"], "data": found["provenance"]["data"]}


def kill_in(recipe: Path, folder: Path, stage: str) -> bool:
    """Run until `stage` has begun (a trained one: has saved its state) and kill; False if it finished first."""
    mark = folder / stage / ("state.safetensors" if stage in TRAINED else "begun.json")
    run = start(recipe, folder)
    while run.poll() is None and not mark.is_file():
        time.sleep(0.001)
    finished = (folder / stage / "done.json").is_file()
    run.send_signal(signal.SIGKILL)
    run.wait()
    return not finished


def test_killed_in_every_stage_the_run_goes_on_to_the_same_metrics(tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(yaml.safe_dump(tiny_recipe(tiny_backbone(tmp_path / "lm"))))
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    assert start(recipe, unbroken).wait() == 0
    order = (*OTHERS[:1], *TRAINED[:1], *OTHERS[1:2], *TRAINED[1:], *OTHERS[2:])
    hit = {stage: kill_in(recipe, broken, stage) for stage in order}
    assert all(hit[stage] for stage in TRAINED), hit
    assert start(recipe, broken).wait() == 0
    assert metrics(broken) == metrics(unbroken)
    assert not (unbroken / "scorers" / "encoder").exists()
    for name in TRAINED:
        logs = [json.loads((f / name / "done.json").read_text())["log"] for f in (broken, unbroken)]
        assert logs[0] == logs[1], name
