"""A study from folder to tables: what it leaves, what it says, and that it goes on from what is there."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.metrics import roc_auc_score
from support.tiny_study import PRIOR, TinyStudy, write_recipe, write_study

from thinkrec.data.interactions import TEST
from thinkrec.errors import CheckpointError, DataError, RecipeError
from thinkrec.evaluate.metrics.bootstrap import METRICS
from thinkrec.evaluate.results import read_metrics
from thinkrec.run.saved_model import read_training_data
from thinkrec.study.claims import CLAIMS
from thinkrec.study.collect import collect_samples
from thinkrec.study.runs import RECORD, list_study_runs, read_record, read_state
from thinkrec.study.schedule import ScheduleOptions, estimate_seconds
from thinkrec.study.sentences import describe_gaps, describe_seeds
from thinkrec.study.study_files import Study, read_study
from thinkrec.study.walk import export_study, run_study
from thinkrec.study.worker import OUTPUT

QUIET = ScheduleOptions(progress=False)


@pytest.fixture
def copy(tiny_study: TinyStudy, tmp_path: Path) -> TinyStudy:
    """The finished study once more, to be changed; without the recipe that breaks."""
    folder, runs = tmp_path / "tiny", tmp_path / "runs"
    shutil.copytree(tiny_study.folder, folder)
    shutil.copytree(tiny_study.runs, runs)
    content = yaml.safe_load((folder / "study.yaml").read_text())
    content["recipes"] = content["recipes"][:2]
    write_study(folder, **content)
    return dataclasses.replace(tiny_study, folder=folder, runs=runs, study=read_study(folder))


def change(folder: Path, file: str, **values) -> None:
    content = yaml.safe_load((folder / file).read_text())
    (folder / file).write_text(yaml.safe_dump({**content, **values}))


def change_code(runs: Path) -> None:
    """As if the runs had been made by other code."""
    for path in runs.glob(f"*/*/{RECORD}"):
        record = json.loads(path.read_text())
        path.write_text(json.dumps({**record, "inputs": {**record["inputs"], "code": "older"}}))


def report(study: Study, runs: Path, lines: list[str]):
    return run_study(study, runs, QUIET, only_report=True, print_line=lines.append)


def test_the_figures_are_those_of_the_runs(tiny_study: TinyStudy) -> None:
    rows = {row.name: row for row in tiny_study.done.results.rows}
    assert list(rows) == [
        "MF",
        "trees",
        "smoothed mean",
        "broken",
        "item mean",
        "keyword prior",
        "item mean + keywords",
    ]
    per_seed = [read_metrics(tiny_study.runs / "mf" / f"seed-{seed}" / "metrics.json") for seed in (0, 1)]
    for name, own in (("MF", "mf"), ("trees", "Boosting")):
        for metric in METRICS:
            values = [next(r for r in run.rows if r.name == own).estimates[metric].value for run in per_seed]
            assert rows[name].means[metric].value == pytest.approx(sum(values) / 2), (name, metric)
    assert rows["MF"].seeds == (0, 1) and rows["smoothed mean"].seeds == (0,)
    floor = next(r for r in per_seed[0].rows if r.name == "item mean").estimates["auc"].value
    assert rows["item mean"].means["auc"].value == pytest.approx(floor)
    assert rows["item mean"].kind == "impersonal" and rows["item mean"].published == ()
    assert tiny_study.done.results.draws == 100


def test_a_run_that_fails_costs_its_own_figures_alone(tiny_study: TinyStudy) -> None:
    assert list(tiny_study.done.failures) == ["broken, seed 0"]
    assert "gone.csv" in tiny_study.done.failures["broken, seed 0"]
    assert any("broken, seed 0 failed" in line for line in tiny_study.lines)
    text = tiny_study.done.results_path.read_text()
    assert "| § TALLRec, ThinkRec (WWW 2026), Table 2 |  | .687 | .655 | .768 | .471 |" in text
    assert "TALLRec, ThinkRec (WWW 2026), Table 2" in tiny_study.done.page_path.read_text()
    assert "Not complete" in text and "gone.csv" in text
    assert "gone.csv" in (tiny_study.runs / "broken" / "seed-0" / OUTPUT).read_text(), "the whole error is kept"


def test_the_run_of_a_dead_machine_is_taken_over(tiny_study: TinyStudy) -> None:
    claims = sorted(path.name for path in (tiny_study.runs / "mf" / "seed-1" / CLAIMS).iterdir())
    assert claims == ["000005.json"], "the number after that of the dead machine"
    run = next(run for run in tiny_study.done.runs if run.name == "MF, seed 1")
    assert read_state(run).state == "finished"


def test_what_is_finished_is_not_run_again(copy: TinyStudy) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.runs.rglob(RECORD)}
    lines: list[str] = []
    done = run_study(copy.study, copy.runs, QUIET, print_line=lines.append)
    assert done.failures == {}
    assert {path: path.stat().st_mtime_ns for path in copy.runs.rglob(RECORD)} == before
    assert lines == [
        f"{copy.runs / 'broken' / 'seed-0'}: the study no longer has this run; it is kept, and in no table"
    ]
    assert done.results_path.read_text() == report(copy.study, copy.runs, []).results_path.read_text()


def test_a_changed_recipe_makes_its_rows_stale_and_says_which_and_why(copy: TinyStudy) -> None:
    write_recipe(copy.folder, "prior", model={**PRIOR, "prior_strength": 9.0})
    study = read_study(copy.folder)
    lines: list[str] = []
    results = report(study, copy.runs, lines).results
    gone = next(row for row in results.rows if row.name == "smoothed mean")
    assert gone.means == {} and gone.missing == (0,), "figures of the old recipe are in no table"
    why = "smoothed mean, seed 0: left out, since recipe.model.prior_strength changed after it was finished"
    assert [line for line in lines if "left out" in line] == [why]
    kept = next(row for row in results.rows if row.name == "MF")
    assert kept.seeds == (0, 1)
    lines.clear()
    done = run_study(study, copy.runs, QUIET, print_line=lines.append)
    assert "smoothed mean, seed 0: its figures are stale, since recipe.model.prior_strength changed; run again" in lines
    assert not any("MF" in line for line in lines)
    assert next(row for row in done.results.rows if row.name == "smoothed mean").seeds == (0,)


def test_a_key_that_came_later_makes_nothing_stale_at_its_default(copy: TinyStudy) -> None:
    run = next(run for run in list_study_runs(copy.study, copy.runs) if run.row == "MF")
    record = read_record(run)
    del record["inputs"]["recipe"]["decoding"]["label_contrast"]
    (run.folder / RECORD).write_text(json.dumps(record))
    assert read_state(run).state == "finished"
    record["inputs"]["recipe"]["decoding"]["label_contrast"] = 0.5
    (run.folder / RECORD).write_text(json.dumps(record))
    assert read_state(run).changed == ("recipe.decoding.label_contrast",)


def test_a_new_seed_is_run_and_other_code_makes_everything_stale(copy: TinyStudy) -> None:
    change(copy.folder, "study.yaml", seeds=[0, 1, 2])
    runs = list_study_runs(read_study(copy.folder), copy.runs)
    assert [(run.name, read_state(run).state) for run in runs] == [
        ("MF, seed 0", "finished"),
        ("smoothed mean, seed 0", "finished"),
        ("MF, seed 1", "finished"),
        ("MF, seed 2", "new"),
    ]
    other = [dataclasses.replace(run, inputs={**run.inputs, "code": "other"}) for run in runs]
    assert [read_state(run).state for run in other] == ["stale", "stale", "stale", "new"]
    assert [read_state(run, any_code=True).state for run in other] == ["finished", "finished", "finished", "new"]
    seconds = [read_record(run)["seconds"] for run in runs[:1] + runs[2:3]]
    assert estimate_seconds(runs) == pytest.approx(sum(seconds) / 2), "as long as the other seeds of its row"


def test_a_folder_of_something_else_is_refused(copy: TinyStudy, tmp_path: Path) -> None:
    other = write_recipe(tmp_path / "other", "mf").parent
    with pytest.raises(CheckpointError, match="runs of the study 'tiny', not of 'other'"):
        report(read_study(other), copy.runs, [])
    (copy.runs / "mf" / "seed-0" / RECORD).unlink()
    change(copy.folder, "mf.yaml", seed=1, name="another")
    with pytest.raises(CheckpointError, match="holds a run of the recipe 'mf' that this study did not make"):
        report(read_study(copy.folder), copy.runs, [])


def test_a_run_made_by_the_same_recipe_is_gone_on_with(copy: TinyStudy) -> None:
    folder = copy.runs / "smoothed-mean" / "seed-0"
    (folder / RECORD).unlink()
    trained = (folder / "scorers" / "model" / "done.json").stat().st_mtime_ns
    lines: list[str] = []
    done = run_study(copy.study, copy.runs, QUIET, print_line=lines.append)
    assert "smoothed mean, seed 0: begun before, gone on with" in lines
    assert (folder / "scorers" / "model" / "done.json").stat().st_mtime_ns == trained, "its stages are kept"
    assert not done.failures


def test_a_damaged_record_is_named(copy: TinyStudy) -> None:
    path = copy.runs / "mf" / "seed-0" / RECORD
    path.write_text("{")
    with pytest.raises(CheckpointError, match=r"seed-0/study-run\.json is damaged"):
        report(copy.study, copy.runs, [])


def test_recipes_that_count_in_different_ways_are_refused_before_anything_is_run(copy: TinyStudy) -> None:
    change(copy.folder, "prior.yaml", evaluation={"k": 3})
    with pytest.raises(RecipeError, match="MF and smoothed mean count their results in different ways"):
        report(read_study(copy.folder), copy.runs, [])


def test_what_is_exported_is_whole_and_can_be_compared(tiny_study: TinyStudy, copy: TinyStudy, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="broken, seed 0"):
        export_study(tiny_study.study, tiny_study.done, tmp_path / "out")
    change_code(copy.runs)
    with pytest.raises(DataError, match="MF, seed 0"):
        export_study(copy.study, report(copy.study, copy.runs, []), tmp_path / "out")
    export_study(copy.study, report(copy.study, copy.runs, []), tmp_path / "out", any_code=True)
    names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert names == [
        "predictions/mf/seed-0.parquet",
        "predictions/mf/seed-1.parquet",
        "predictions/smoothed-mean/seed-0.parquet",
        "predictions/trees/seed-0.parquet",
        "predictions/trees/seed-1.parquet",
        "report.html",
        "results.md",
    ]
    assert pl.read_parquet(tmp_path / "out" / "predictions" / "mf" / "seed-0.parquet").columns[0] == "order"


def test_an_average_has_the_mean_score_of_all_runs_and_lacks_where_one_does(copy: TinyStudy) -> None:
    change(copy.folder, "study.yaml", averages={"both": ["MF", "trees"], "trees averaged": ["trees"]})
    study = read_study(copy.folder)
    row = next(row for row in report(study, copy.runs, []).results.rows if row.name == "both")
    tables = [
        pl.read_parquet(copy.runs / "mf" / f"seed-{seed}" / "scorers" / name / "predictions.parquet").sort("order")
        for name in ("model", "Boosting")
        for seed in (0, 1)
    ]
    dataset = read_training_data(copy.runs / "mf" / "seed-0")
    rows = dataset.interactions.get_split_rows(TEST)
    mean = np.mean([table["score"].to_numpy() for table in tables], axis=0)
    assert row.means["auc"].value == pytest.approx(roc_auc_score(dataset.interactions.label[rows], mean))
    assert row.n_averaged == 4 and describe_seeds(row) == "mean of 4"
    shutil.rmtree(copy.runs / "mf" / "seed-1")
    results = report(study, copy.runs, []).results
    gap = "both: no figures: it is a mean over runs of which some are not finished: MF, seed 1"
    assert any(line.startswith(gap) for line in describe_gaps(results)), "two of four runs are no mean of four"
    assert not next(row for row in results.rows if row.name == "both").means


def test_rows_of_one_number_per_item_stand_twice_only_where_they_differ(copy: TinyStudy) -> None:
    runs = list_study_runs(copy.study, copy.runs)
    names = [row.name for row in collect_samples(copy.study, runs, any_code=False, progress=False).rows]
    assert names.count("item mean") == 1 and not any(name.startswith("item mean (") for name in names)
    table = copy.runs / "smoothed-mean" / "seed-0" / "scorers" / "item mean" / "predictions.parquet"
    pl.read_parquet(table).with_columns(pl.col("score") * 2).write_parquet(table)
    names = [row.name for row in collect_samples(copy.study, runs, any_code=False, progress=False).rows]
    assert "item mean (smoothed mean)" in names


def test_the_record_says_what_a_run_was_made_from(tiny_study: TinyStudy) -> None:
    record = json.loads((tiny_study.runs / "mf" / "seed-1" / RECORD).read_text())
    assert record["finished"] and record["inputs"]["recipe"]["seed"] == 1
    assert set(record["inputs"]) == {"recipe", "code", "files"}
