"""The end of a run: metrics, explained recommendations, and the report."""

from __future__ import annotations

import json
import math
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.data.split import ByMonths
from thinkrec.decoding.policy import Writer
from thinkrec.errors import CheckpointError, DataError, DataWarning
from thinkrec.evaluate.metrics.bootstrap import BootstrapResult, bootstrap_metrics
from thinkrec.evaluate.metrics.calibration import compute_reliability_curve
from thinkrec.evaluate.report.data import CurvePanel, ExplainedRecommendation, LearningCurve, ReportData
from thinkrec.evaluate.report.data_facts import count_facts, describe_facts
from thinkrec.evaluate.report.page import write_report
from thinkrec.evaluate.report.user_map import UserMap, build_user_map
from thinkrec.evaluate.results import Kind, RankingResults, summarise_results, write_metrics
from thinkrec.io.files import write_json
from thinkrec.personal.gate import REGIONS, compute_gate
from thinkrec.run.inputs import REASON_CODE
from thinkrec.run.pipeline import Run, hash_report_inputs
from thinkrec.run.provenance import describe_environment, hash_code
from thinkrec.run.stage import DONE, read_stage_result
from thinkrec.run.variants import FULL, GLOBAL, NON_PERSONALISED, STAGE_OF_VARIANT, list_variants, map_rows_to_stages
from thinkrec.score.answers import HistoryItem
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import compute_like_probability
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason
from thinkrec.train.model_config import ThinkRecConfig
from thinkrec.train.stages import find_last_train_rows

CEILING = "Bayes-optimal"


@dataclass(frozen=True)
class RunResults:
    """What a finished run shows."""

    results: RankingResults
    explained_rows: tuple[ExplainedRecommendation, ...]
    metrics_path: Path
    report_path: Path


def find_prediction_folders(run: Run) -> dict[str, Path]:
    """Table row -> folder of its predictions, in the table's order.

    A baseline that failed, or whose stage is not finished, has no row; it is named in `run.failed`. Raises
    CheckpointError if a row of the model itself is not finished.
    """
    found = {}
    for name, stage in map_rows_to_stages(run.recipe).items():
        try:
            read_stage_result(run.folder / stage)
            found[name] = run.folder / stage
        except CheckpointError:
            if name not in run.recipe.baselines:
                raise
            run.failures[name] = "its stage is not finished"
    return found


def finish_run(run: Run, tables: Mapping[str, Path]) -> RunResults:
    """Evaluate the test predictions of every row of the table, explain a few, write metrics.json and report.html."""
    scores = {name: run.read_scores(folder) for name, folder in tables.items()}
    results = evaluate_scores(run, scores)
    write_metrics(run.folder / "metrics.json", results, build_provenance(run))
    main = list(tables)[-1]
    explained: tuple[ExplainedRecommendation, ...] = ()
    if run.recipe.model.kind == "thinkrec" and run.recipe.n_explained:
        explained = explain_test_rows(run, main, scores[main], hash_report_inputs(dict(tables)))
    report = run.folder / "report.html"
    write_report(report, build_report_data(run, results, scores, main, explained))
    return RunResults(results, explained, run.folder / "metrics.json", report)


def build_provenance(run: Run) -> dict[str, Any]:
    """What has to stand beside the numbers."""
    return {"recipe": run.recipe.name, "training_seed": run.recipe.seed, "environment": describe_environment(),
            "duration_s": round(run.stage_runner.sum_seconds(), 1), "data": run.ds.summarise() | count_facts(run.ds),
            "failed": run.failures}  # fmt: skip


def describe_data(run: Run) -> dict[str, str]:
    """What has to be known of the run's data, in words: rows, split, likes, cold rows, repeats."""
    found, data = run.ds.summarise(), run.recipe.data
    rows = found["rows"]
    counts = (
        f"{rows['train']:,} train, {rows['valid']:,} validation, {rows['test']:,} test rows; {found['users']:,} users, "
        f"{found['items']:,} items"
    )
    # Both MovieLens readers go by the paper's rules, which the slice holds as labels.
    paper = data.kind in ("ml1m", "movielens")
    rule = data.split if data.kind == "tables" else ByMonths() if paper else None
    return {"data": counts, **describe_facts(run.ds, split=rule, liked="rating > 3" if paper else "")}


def evaluate_scores(run: Run, scores: Mapping[str, np.ndarray]) -> RankingResults:
    """Metrics of all rows on the test split, with the ceiling where it is known, compared with the last row."""
    it, config, kinds = run.ds.interactions, run.recipe.evaluation, {}
    world = run.simulation
    every = dict(scores)
    if world is not None:
        every[CEILING] = world.like_probability[run.test_rows]
        kinds[CEILING] = "ceiling"
    samples: dict[str, BootstrapResult] = {}
    for name, values in every.items():
        samples[name] = bootstrap_metrics(
            it.user[run.test_rows],
            it.label[run.test_rows],
            values,
            k=config.k,
            denominator=config.map_denominator,
            draws=config.bootstrap_draws,
            seed=config.seed,
        )
        if name in NON_PERSONALISED:
            kinds[name] = "impersonal"
    typed: dict[str, Kind] = kinds
    return summarise_results(samples, kinds=typed, against=list(scores)[-1])


def explain_test_rows(run: Run, variant: str, scores: np.ndarray, above: str) -> tuple[ExplainedRecommendation, ...]:
    """Stage: reasons for test rows of different users, half of them scored Yes and half No where there are both."""

    def work(folder: Path) -> dict[str, Any]:
        chosen = select_explained_rows(run, scores)
        system = run.load_predictor(variant)
        rows = run.test_rows[chosen]
        texts = build_reason_writer(run, variant, system).explain(rows, scores[chosen])
        weights = system.compute_gates(rows)
        cases = [
            build_explained_row(
                run, system, int(row), float(scores[at]), written, weights.weights[i], REGIONS[weights.region[i]]
            )
            for i, (row, at, written) in enumerate(zip(rows, chosen, texts, strict=True))
        ]
        write_json(folder / "reasons.json", {"cases": [asdict(case) for case in cases]})
        return {"n": len(cases)}

    keys = {
        "n_explained": run.recipe.n_explained,
        "tokens": run.recipe.reason_tokens,
        "citation_policy": run.recipe.citation_policy,
        "max_citations": run.recipe.max_citations,
        "writer": run.recipe.writer,
    }
    run.stage_runner.run("explain", {**run.base_inputs, "scores": above, **keys}, work, REASON_CODE)
    cases = json.loads((run.folder / "explain" / "reasons.json").read_text(encoding="utf-8"))["cases"]
    return tuple(_parse_explained_row(case) for case in cases)


def build_reason_writer(run: Run, variant: str, system: Predictor, choice: Writer | None = None) -> ReasonWriter:
    """Who writes the reasons of a run's variant for somebody to read; by default as the recipe says."""
    recipe, stage = run.recipe, run.folder / STAGE_OF_VARIANT[variant] / DONE

    def taught() -> list[str]:
        try:
            return list(run.reasons.values()) if run.model.reasons.source == "written" else []
        except DataError as error:  # such as a table of reasons that is not where the folder was moved to
            text = f"{error} The words of the reasons trained on are not known, so that fewer texts pass as fluent."
            warnings.warn(text, DataWarning, stacklevel=2)
            return []

    return ReasonWriter(
        system,
        choice or recipe.writer,
        recipe.reason_tokens,
        recipe.citation_policy,
        recipe.max_citations,
        taught,
        run.folder,
        stage.read_text(encoding="utf-8") + hash_code(REASON_CODE),
        run.progress,
    )


def select_explained_rows(run: Run, scores: np.ndarray) -> np.ndarray:
    """Places in the test rows: `n_explained` of them, of different users with a full history, Yes and No in turn."""
    it, rng = run.ds.interactions, np.random.default_rng(run.recipe.seed)
    order = rng.permutation(len(run.test_rows))
    past = it.past.count_visible_rows(run.test_rows[order])
    order = order[np.argsort(-np.minimum(past, run.model.prompt.history), kind="stable")]
    found: list[int] = []
    seen: set[int] = set()
    sides = [[i for i in order if scores[i] > 0], [i for i in order if scores[i] <= 0]]
    while len(found) < run.recipe.n_explained and (sides[0] or sides[1]):
        for side in sides:
            while side:
                i = int(side.pop(0))
                user = int(it.user[run.test_rows[i]])
                if user not in seen:
                    seen.add(user)
                    found.append(i)
                    break
    return np.array(found[: run.recipe.n_explained], dtype=np.int64)


def build_explained_row(run: Run, system: Predictor, row: int, score: float, written: WrittenReason, weights: np.ndarray,
                  region: str) -> ExplainedRecommendation:  # fmt: skip
    """One row as the report and the terminal show it, with the past that the prompt had room for."""
    it, items = run.ds.interactions, run.ds.items
    past = system.renderer.list_visible_history(row, int(it.item[row]), slots=system.slot_encoder is not None)
    names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
    return ExplainedRecommendation(
        user=f"{run.ds.domain.user} {run.ds.user_ids[it.user[row]]}",
        history=tuple(HistoryItem(items.titles[it.item[j]], bool(it.label[j])) for j in past),
        target=items.titles[it.item[row]],
        probability=float(compute_like_probability(np.array([score]))[0]),
        gate=tuple((name, float(w)) for name, w in zip(names, weights, strict=True)),
        reason=written.text,
        writer=written.author,
        liked=bool(it.label[row]),
        region=region,
    )


def _parse_explained_row(case: dict[str, Any]) -> ExplainedRecommendation:
    history = tuple(HistoryItem(**past) for past in case["history"])
    return ExplainedRecommendation(**{**case, "history": history, "gate": tuple((n, w) for n, w in case["gate"])})


def build_report_data(run: Run, results: RankingResults, scores: Mapping[str, np.ndarray], main: str,
         explained: tuple[ExplainedRecommendation, ...]) -> ReportData:  # fmt: skip
    """Everything the report shows."""
    label = run.ds.interactions.label[run.test_rows]
    thinking = run.recipe.model.kind == "thinkrec"
    shown = [name for name in (GLOBAL, FULL, main) if name in scores] if thinking else []
    facts = {
        "recipe": run.recipe.name,
        "seed": str(run.recipe.seed),
        "hardware": describe_environment()["device"],
        "duration": f"{run.stage_runner.sum_seconds():.0f} s",
        **describe_data(run),
        "written": time.strftime("%Y-%m-%d %H:%M"),
        **{f"no row for {name}": why for name, why in run.failures.items()},
    }
    return ReportData(
        title=f"ThinkRec: {run.recipe.name}",
        summary=describe_method(run),
        facts=facts,
        results=results,
        calibration={
            name: compute_reliability_curve(label, compute_like_probability(scores[name]))
            for name in dict.fromkeys(shown)
        },
        curve_panels=tuple(read_learning_curves(run)) if thinking else (),
        user_map=map_train_users(run) if thinking and run.model.expert_stage is not None else None,
        recommendations=explained,
    )


def describe_method(run: Run) -> str:
    """What this run did, and nothing that it did not: which settings it had, and what was chosen among how many."""
    said = ["Every row of the table is scored on the same test rows, with the settings of this recipe."]
    if isinstance(run.recipe.model, ThinkRecConfig):
        logs = {
            variant: read_stage_result(run.folder / STAGE_OF_VARIANT[variant])["log"]
            for variant in list_variants(run.model)
        }
        states = ", ".join(f"{STAGE_OF_VARIANT[variant]} {len(log)}" for variant, log in logs.items())
        said.append(
            "Within a language-model stage the state that is best on validation rows is kept, the one before training "
            f"only where it is clearly better (states looked at: {states})."
        )
    said.append(
        "Where a scorer stops early or weighs its parts, validation rows decide. This run compared no settings with "
        "one another, and cannot tell whether anybody did before."
    )
    return " ".join(said)


def read_learning_curves(run: Run) -> list[CurvePanel]:
    """Loss and validation metrics of every language-model stage that was run."""
    panels = []
    for name in (STAGE_OF_VARIANT[variant] for variant in list_variants(run.model)):
        done = read_stage_result(run.folder / name)
        loss, *metrics = (_build_curve(done["log"], key) for key in ("loss", "auc", "uauc"))
        panels.append(CurvePanel(name, "training loss", (loss,), selected_x=done["best_step"]))
        panels.append(CurvePanel(name, "validation AUC and UAUC", tuple(metrics), selected_x=done["best_step"]))
    return panels


def _build_curve(log: list[dict[str, Any]], key: str) -> LearningCurve:
    """One value of every check; a gap where it is not defined."""
    values = [math.nan if entry[key] is None else entry[key] for entry in log]
    return LearningCurve(key if key == "loss" else key.upper(), [entry["step"] for entry in log], values)


def map_train_users(run: Run) -> UserMap:
    """Train users on two axes, with their groups and the gate's regions."""
    _, rows = find_last_train_rows(run.ds)
    groups, config = run.adapter_router.groups, run.adapter_router.config
    vectors = run.encoder.encode_users(run.ds, rows)
    return build_user_map(vectors, groups.labels, lambda points: compute_gate(points, groups.centres, config).weights)
