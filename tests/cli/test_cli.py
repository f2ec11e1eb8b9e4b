"""The commands, on a tiny world with a tiny random language model."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from sklearn.metrics import roc_auc_score
from support.command_line import call, refused
from support.tiny_folder import write_backbone
from support.untrained_model import SHORT
from typer.testing import Result

from thinkrec import ThinkRec
from thinkrec.cli.demo import select_examples
from thinkrec.collab import ItemBaseline
from thinkrec.data.interactions import TEST, Interactions
from thinkrec.evaluate.report.data import ExplainedRecommendation
from thinkrec.evaluate.results import read_metrics
from thinkrec.run import results as outcome
from thinkrec.run.layout import NON_PERSONALISED
from thinkrec.run.options import RunOptions
from thinkrec.run.recipe import parse_recipe
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import VARIANTS
from thinkrec.simulate.simulator import SimulatorConfig, simulate_catalogue

WORLD = {"users": 30, "items": 60, "interactions_per_user": [6, 12]}


@pytest.fixture(scope="module")
def overrides(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that make the demo tiny."""
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 7).dataset
    backbone = write_backbone(tmp_path_factory.mktemp("backbone"), ds)
    values = {
        "data.simulator": WORLD,
        "model.backbone.source": str(backbone),
        "model.encoder": {"kind": "mf", "dim": 8, "training": {"epochs": 2}},
        "model.groups.n_groups": 2,
        "baselines": {"boosting": {"kind": "random"}},
        "evaluation.bootstrap_draws": 100,
        "n_explained": 6,
        "reason_tokens": 12,
        "model.global_stage": {"train": ["global"], **SHORT},
        "model.expert_stage": {"train": ["experts"], **SHORT},
        "model.vector_stage": {"train": ["projector"], **SHORT},
    }
    return [part for key, value in values.items() for part in ("-o", f"{key}={json.dumps(value)}")]


@pytest.fixture(scope="module")
def demo(overrides: list[str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    """(run folder, what `thinkrec demo` printed)."""
    folder = tmp_path_factory.mktemp("runs") / "demo"
    result = call("demo", "--folder", folder, *overrides)
    assert result.exit_code == 0, result.output
    return folder, result


@pytest.fixture(scope="module")
def mf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a recipe that trains matrix factorisation."""
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    model = {"kind": "mf", "dim": 4, "training": {"epochs": 2}}
    content = {"name": "sets/small", "data": {"kind": "simulator", "simulator": WORLD}, "model": model}
    path.write_text(yaml.safe_dump({**content, "evaluation": {"bootstrap_draws": 100}}))
    return path


def test_demo_shows_table_reasons_and_report(demo: tuple[Path, Result]) -> None:
    folder, result = demo
    for name in (*NON_PERSONALISED, *(variant.label for variant in VARIANTS), outcome.CEILING):
        assert name in result.stdout
    assert result.stdout.count("probability of a like") == 3
    assert re.findall(r"^  (Yes|No)", result.stdout, flags=re.MULTILINE)
    assert str(folder / "report.html") in result.stdout.replace("\n", "")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<!DOCTYPE html>" in page
    states = ", ".join(
        f"{name} {len(read_stage_result(folder / name)['log'])}" for name in ("global", "experts", "vectors")
    )
    assert f"states looked at: {states}" in page and "compared no settings with one another" in page
    # What has to be known of the data stands in both.
    for words in ("label 1; like rate train .", "have a user or an item without a train row", "repeated pairs"):
        assert words in " ".join(result.stdout.split())
        assert words in page
    kept = json.loads((folder / "metrics.json").read_text())
    assert set(kept["provenance"]["data"]["cold_test"]) == {"user", "item", "either"}
    assert kept["verdict"]["sentence"] in " ".join(result.stdout.split())


def test_a_finished_run_is_not_run_again(demo: tuple[Path, Result], overrides: list[str]) -> None:
    folder, first = demo
    when = (folder / "global" / "done.json").stat().st_mtime_ns
    again = call("demo", "--folder", folder, *overrides)
    assert again.exit_code == 0
    assert (folder / "global" / "done.json").stat().st_mtime_ns == when
    assert first.stdout.endswith(again.stdout), "table, reasons and report are the same"


def test_three_cases_have_a_no_where_there_is_one() -> None:
    cases = [ExplainedRecommendation("u", (), str(p), p, (), "") for p in (0.9, 0.8, 0.7, 0.6, 0.2)]
    assert [c.probability for c in select_examples(cases)] == [0.9, 0.2, 0.8]
    assert [c.probability for c in select_examples(cases[:4])] == [0.9, 0.8, 0.7]
    assert select_examples([]) == []


def test_rank_prints_the_ranking_of_the_api(demo: tuple[Path, Result]) -> None:
    folder, _ = demo
    result = call("rank", folder, "3", "--top", 4)
    assert result.exit_code == 0, result.output
    ranked = ThinkRec.load(folder).rank(3, top=4)
    printed = [re.split(r"\s*[│|]\s*", line.strip(" │|")) for line in result.stdout.splitlines() if "%" in line]
    assert [(int(cells[1]), cells[2]) for cells in printed] == [(r.item, r.title) for r in ranked]
    assert [cells[3] for cells in printed] == [f"{r.probability:.1%}" for r in ranked]
    said = call("rank", folder, "3", "--top", 2, "--why").stdout
    reasons = [r.reason for r in ThinkRec.load(folder).rank(3, top=2, reasons=True)]
    flat = " ".join(said.replace("│", " ").split())
    assert all(reason and reason.split()[0] in flat for reason in reasons)
    assert len(said) > len(result.stdout)
    some = call("rank", folder, "3", "--candidates", "5, 6,7")
    assert some.stdout.count("%") == 3


def test_explain_shows_past_score_gate_and_reason(demo: tuple[Path, Result]) -> None:
    folder, _ = demo
    result = call("explain", folder, "3", "9")
    assert result.exit_code == 0, result.output
    found = ThinkRec.load(folder).explain(3, 9)
    assert f"{found.title} for viewer 3: probability of a like {found.probability:.0%}" in result.stdout
    assert f"score {found.score:+.2f}" in result.stdout
    for past in found.history:
        assert f"  {'+' if past.liked else '-'} {past.title}\n" in result.stdout
    assert "adapters: " in result.stdout
    said = " (reason by rules)" if found.writer != "model" else ""
    assert f" {found.reason}{said} " in f"{' '.join(result.stdout.split())} "
    assert call("explain", folder, "3", "9", "--writer", "rules").stdout.rstrip().endswith("(reason by rules)")
    assert "(reason by rules)" not in call("explain", folder, "3", "9", "--writer", "model").stdout
    for more, words in ((["--writer", "rules"], "add --why"), (["--threshold", "3"], "give a history")):
        refused = call("rank", folder, "3", *more)
        assert refused.exit_code == 2 and words in refused.stderr
    assert found.reason.startswith(found.verdict)


@pytest.mark.parametrize(
    ("content", "more"),
    [
        ("item_id,label\n4,1\n8,0\n", []),
        ("item_id,rating,timestamp\n8,2,2024-05-02\n4,5,2024-05-01\n", ["--threshold", "3"]),
    ],
)
def test_history_from_a_file(demo: tuple[Path, Result], tmp_path: Path, content: str, more: list[str]) -> None:
    (tmp_path / "liked.csv").write_text(content)
    folder, _ = demo
    result = call("explain", folder, "newcomer", "9", "--history", tmp_path / "liked.csv", *more)
    assert result.exit_code == 0, result.output
    titles = ThinkRec.load(folder).ds.items.titles
    assert f"  + {titles[3]}\n  - {titles[7]}\n" in result.stdout
    ranked = call("rank", folder, "newcomer", "--history", tmp_path / "liked.csv", *more, "--top", "100")
    assert ranked.stdout.count("%") == len(titles) - 2


def test_any_row_of_the_table_ranks(demo: tuple[Path, Result], tmp_path: Path) -> None:
    folder, _ = demo
    ds = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 7).dataset
    it, every = ds.interactions, np.arange(len(ds.items))
    table = Interactions.build(0 * every, every, 0 * every, every, 0 * every + TEST, every, n_users=1)
    values = ItemBaseline.load(folder / "scorers" / "item mean").score(replace(ds, interactions=table), every)
    seen = it.item[it.start[2] : it.start[3]]
    best = [int(i) for i in np.argsort(-values, kind="stable") if i not in seen]
    found = call("rank", folder, ds.user_ids[2], "--model", "item mean", "--top", "5")
    assert found.exit_code == 0, found.output
    shown = re.findall(r"[│|] +\d+ +[│|] +(\d+)", found.stdout)
    assert shown == [str(ds.items.ids[i]) for i in best[:5]]
    own = [call("rank", folder, "3", "--top", "3", *more).stdout for more in ((), ("--model", "ThinkRec full"))]
    assert own[0].endswith(own[1])
    text = call("rank", folder, "3", "--top", "3", "--model", "global").stdout
    assert text.count("%") == 3 and text not in own[0]
    (tmp_path / "liked.csv").write_text("item_id,label\n4,1\n9,0\n")
    new = call("rank", folder, "newcomer", "--model", "boosting", "--history", tmp_path / "liked.csv", "--top", "100")
    assert new.stdout.count("%") == len(ds.items) - 2
    told = refused("rank", folder, "3", "--model", "boost")
    assert "no row 'boost' that could rank; it has: item mean, keyword prior" in " ".join(told.split())
    assert "no viewer with the id '999'" in refused("rank", folder, "999", "--model", "item mean")
    assert "no film with the id '600'" in refused("rank", folder, "3", "--model", "item mean", "--candidates", "600")
    saved = tmp_path / "saved"
    ThinkRec.load(folder).save(saved)
    # What they say against the model goes with it.
    assert (saved / "metrics.json").read_bytes() == (folder / "metrics.json").read_bytes()
    assert "does not hold the scorer" in " ".join(refused("rank", saved, "3", "--model", "item mean").split())


def test_a_model_that_lost_says_so_before_it_answers(
    demo: tuple[Path, Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = demo
    said = "For one user ThinkRec full ranks worse than the item mean (UAUC -.282 [-.390, -.167])"
    asked: list[Path] = []
    monkeypatch.setattr("thinkrec.evaluate.results.read_verdict", lambda run: asked.append(run) or said)
    for command in (("rank", folder, "3", "--top", "2"), ("explain", folder, "3", "9")):
        assert " ".join(call(*command).stdout.split()).startswith(said)
    assert asked == [folder, folder]
    assert said not in " ".join(call("rank", folder, "3", "--top", "2", "--model", "item mean").stdout.split())


def test_wrong_questions_are_answered(demo: tuple[Path, Result], tmp_path: Path) -> None:
    folder, _ = demo
    assert "no viewer with the id '999'" in refused("rank", folder, "999")
    assert "no film with the id '600'; closest: 60 (" in refused("explain", folder, "3", "600")
    assert "there is no run 'nothing'" in refused("rank", "nothing", "3")
    assert "no recipe.yaml" in refused("rank", tmp_path, "3")
    assert "no such file" in refused("rank", folder, "3", "--history", tmp_path / "gone.csv")
    assert "--candidates names no item" in refused("rank", folder, "3", "--candidates", " , ")
    (tmp_path / "stars.csv").write_text("item_id,rating\n4,5\n")
    assert "needs --threshold" in refused("rank", folder, "3", "--history", tmp_path / "stars.csv")
    assert call("rank", folder, "3", "--top", "0").exit_code == 2


def test_run_exports_what_a_table_rests_on(mf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = call("run", mf, "--results", "results", "-o", "seed=3")
    assert result.exit_code == 0, result.output
    run, kept = tmp_path / "runs/sets/small", tmp_path / "results/sets/small"
    assert sorted(p.name for p in kept.iterdir()) == [
        "environment.json",
        "metrics.json",
        "predictions.parquet",
        "recipe.yaml",
    ]
    world = simulate_catalogue(SimulatorConfig.model_validate(WORLD), 7).dataset.interactions
    predictions = pl.read_parquet(kept / "predictions.parquet")
    assert predictions.columns == ["order", "user_id", "item_id", "score"]
    assert predictions["order"].to_list() == world.order[world.get_split_rows(TEST)].tolist()
    recipe = parse_recipe(yaml.safe_load((kept / "recipe.yaml").read_text()), "exported")
    assert recipe.seed == 3
    environment = json.loads((kept / "environment.json").read_text())
    assert environment["duration_s"] >= 0
    assert environment["device"]
    assert (run / "report.html").is_file()
    # The same run by its name under runs/: evaluated, reported and tabulated again.
    auc = roc_auc_score(world.label[world.get_split_rows(TEST)], predictions["score"])
    assert f"{auc:.3f}"[1:] in call("evaluate", "ranking", kept / "predictions.parquet", "--run", "sets/small").stdout
    # All test rows of the run are judged, and each by its own user and item.
    predictions[:8].write_parquet(tmp_path / "some.parquet")
    told = " ".join(refused("evaluate", "ranking", tmp_path / "some.parquet", "--run", "sets/small").split())
    n = predictions.height
    assert f"no prediction for {n - 8} of {n} test rows, among them all those of" in told and "runs/sets/small" in told
    partial = " ".join(
        call("evaluate", "ranking", tmp_path / "some.parquet", "--run", "sets/small", "--partial").stdout.split()
    )
    assert f"Partial: 8 of {n} test rows are judged" in partial
    predictions.with_columns(item_id=predictions["item_id"].reverse()).write_parquet(tmp_path / "other.parquet")
    assert "of another user or item" in " ".join(
        refused("evaluate", "ranking", tmp_path / "other.parquet", "--run", run).split()
    )
    (run / "report.html").unlink()
    assert call("report", "sets/small").stdout.strip() == "runs/sets/small/report.html"
    assert (run / "report.html").is_file()
    table = call("table", "sets/small", "--markdown").stdout
    assert "| small |" in table
    assert f"{auc:.3f}"[1:] in table
    # A scorer ranks without a language model, as the run's own model; only reasons need one.
    ranked = call("rank", "sets/small", "3", "--top", "4")
    assert ranked.exit_code == 0, ranked.output
    assert ranked.stdout.count("%") == 4
    assert call("rank", "sets/small", "3", "--top", "4", "--model", "small").stdout.endswith(ranked.stdout[-300:])
    assert "--why asks the language model" in refused("rank", "sets/small", "3", "--why")
    assert "trains mf" in refused("explain", "sets/small", "3", "4")


def test_tables_of_several_runs(demo: tuple[Path, Result], mf: Path, tmp_path: Path) -> None:
    folder, _ = demo
    other = tmp_path / "other"
    assert call("run", mf, "--folder", other).exit_code == 0
    lines = call("table", folder, other, "--markdown").stdout.splitlines()
    names = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert len(names) == len(set(names))
    assert {"small", "ThinkRec full", "Bayes-optimal ‡", "item mean †"} <= set(names)
    assert call("run", mf, "--folder", tmp_path / "fewer", "-o", "data.simulator.users=20").exit_code == 0
    assert "differ in n_rows" in refused("table", folder, tmp_path / "fewer")
    assert "the run is not finished" in refused("table", tmp_path)


def test_report_refuses_a_half_finished_run(mf: Path, tmp_path: Path) -> None:
    folder = tmp_path / "half"
    assert call("run", mf, "--folder", folder).exit_code == 0
    (folder / "scorers" / "model" / "done.json").unlink()
    assert "stage model" in refused("report", folder)
    assert not (folder / "scorers" / "model" / "done.json").exists()


def test_run_refuses_what_it_does_not_know(mf: Path, tmp_path: Path) -> None:
    assert "one of: amazon-book/boosting, " in refused("run", "nonsense")
    assert "dimension: unknown key" in refused("run", mf, "--folder", tmp_path / "a", "-o", "model.dimension=3")
    assert "key=value" in refused("run", mf, "--folder", tmp_path / "a", "-o", "seed")
    assert not (tmp_path / "a").exists()


def test_run_options_are_applied_and_only_the_seed_is_part_of_the_recipe(
    mf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied: list[RunOptions] = []
    monkeypatch.setattr(RunOptions, "apply", lambda self: applied.append(self))
    folder = tmp_path / "run"
    for more in ((), ("--threads", 1, "--workers", 0, "--device", "cpu")):
        assert call("run", mf, "--folder", folder, "--seed", 4, *more).exit_code == 0
    assert applied == [RunOptions(seed=4), RunOptions("cpu", 0, 1, 4)]
    assert yaml.safe_load((folder / "recipe.yaml").read_text())["seed"] == 4
    done = folder / "scorers" / "model" / "done.json"
    when = done.stat().st_mtime_ns
    assert call("run", mf, "--folder", folder, "--seed", 4, "--threads", 2).exit_code == 0
    assert done.stat().st_mtime_ns == when, "threads are no part of a stage's key"
    assert call("rank", folder, "3", "--top", 2, "--threads", 1).exit_code == 0
    assert applied[-1] == RunOptions(threads=1)
    assert "device is 'toaster'" in refused("run", mf, "--device", "toaster", "--folder", tmp_path / "x")


def test_stopping_says_how_to_go_on(mf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thinkrec.run.pipeline.Run.fit_scorer", stop)
    result = call("run", mf, "--folder", tmp_path / "run")
    assert result.exit_code == 130
    assert "the same command goes on" in result.stderr


def test_metrics_of_a_run_are_read(demo: tuple[Path, Result]) -> None:
    results = read_metrics(demo[0] / "metrics.json")
    assert results.rows[-1].name == outcome.CEILING
    assert time.strftime("%Y") in (demo[0] / "environment.json").read_text()
