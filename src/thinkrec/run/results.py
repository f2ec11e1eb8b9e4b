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
from thinkrec.evaluate.metrics.bootstrap import Sample, bootstrap
from thinkrec.evaluate.metrics.calibration import reliability
from thinkrec.evaluate.report.data import Curve, Explained, Panel, ReportData
from thinkrec.evaluate.report.data_facts import count_facts, describe_facts
from thinkrec.evaluate.report.page import write_report
from thinkrec.evaluate.report.user_map import UserMap, user_map
from thinkrec.evaluate.results import Kind, Results, summarise, write_metrics
from thinkrec.io.files import write_json
from thinkrec.personal.gate import REGIONS, gate
from thinkrec.run.inputs import REASON_CODE
from thinkrec.run.pipeline import Run, inputs_of
from thinkrec.run.provenance import code_digest, environment
from thinkrec.run.stage import DONE, read_done
from thinkrec.run.variants import FULL, GLOBAL, IMPERSONAL, STAGE_OF, rows_of_table, variants
from thinkrec.score.answers import Past
from thinkrec.score.predictor import System
from thinkrec.score.ranker import probability
from thinkrec.score.reason_writer import ReasonWriter, Written
from thinkrec.train.model_config import ThinkRecModel
from thinkrec.train.stages import last_train_rows

CEILING = "Bayes-optimal"


@dataclass(frozen=True)
class Outcome:
    """What a finished run shows."""

    results: Results
    explained: tuple[Explained, ...]
    metrics: Path
    report: Path


def finished(run: Run) -> dict[str, Path]:
    """Table row -> folder of its predictions, in the table's order.

    A baseline that failed, or whose stage is not finished, has no row; it is named in `run.failed`. Raises
    CheckpointError if a row of the model itself is not finished.
    """
    found = {}
    for name, stage in rows_of_table(run.recipe).items():
        try:
            read_done(run.folder / stage)
            found[name] = run.folder / stage
        except CheckpointError:
            if name not in run.recipe.baselines:
                raise
            run.failed[name] = "its stage is not finished"
    return found


def finish(run: Run, tables: Mapping[str, Path]) -> Outcome:
    """Evaluate the test predictions of every row of the table, explain a few, write metrics.json and report.html."""
    scores = {name: run.read_scores(folder) for name, folder in tables.items()}
    results = evaluate(run, scores)
    write_metrics(run.folder / "metrics.json", results, provenance(run))
    main = list(tables)[-1]
    explained: tuple[Explained, ...] = ()
    if run.recipe.model.kind == "thinkrec" and run.recipe.explain:
        explained = explanations(run, main, scores[main], inputs_of(dict(tables)))
    report = run.folder / "report.html"
    write_report(report, page(run, results, scores, main, explained))
    return Outcome(results, explained, run.folder / "metrics.json", report)


def provenance(run: Run) -> dict[str, Any]:
    """What has to stand beside the numbers."""
    return {"recipe": run.recipe.name, "training_seed": run.recipe.seed, "environment": environment(),
            "duration_s": round(run.stages.seconds(), 1), "data": run.ds.summary() | count_facts(run.ds),
            "failed": run.failed}  # fmt: skip


def data_facts(run: Run) -> dict[str, str]:
    """What has to be known of the run's data, in words: rows, split, likes, cold rows, repeats."""
    found, data = run.ds.summary(), run.recipe.data
    rows = found["rows"]
    counts = (
        f"{rows['train']:,} train, {rows['valid']:,} validation, {rows['test']:,} test rows; {found['users']:,} users, "
        f"{found['items']:,} items"
    )
    # Both MovieLens readers go by the paper's rules, which the slice holds as labels.
    paper = data.kind in ("ml1m", "movielens")
    rule = data.split if data.kind == "tables" else ByMonths() if paper else None
    return {"data": counts, **describe_facts(run.ds, split=rule, liked="rating > 3" if paper else "")}


def evaluate(run: Run, scores: Mapping[str, np.ndarray]) -> Results:
    """Metrics of all rows on the test split, with the ceiling where it is known, compared with the last row."""
    it, config, kinds = run.ds.interactions, run.recipe.evaluation, {}
    world = run.simulated
    every = dict(scores)
    if world is not None:
        every[CEILING] = world.probability[run.test]
        kinds[CEILING] = "ceiling"
    samples: dict[str, Sample] = {}
    for name, values in every.items():
        samples[name] = bootstrap(it.user[run.test], it.label[run.test], values, k=config.k,
                                  denominator=config.map_denominator, draws=config.draws, seed=config.seed)  # fmt: skip
        if name in IMPERSONAL:
            kinds[name] = "impersonal"
    typed: dict[str, Kind] = kinds
    return summarise(samples, kinds=typed, against=list(scores)[-1])


def explanations(run: Run, variant: str, scores: np.ndarray, above: str) -> tuple[Explained, ...]:
    """Stage: reasons for test rows of different users, half of them scored Yes and half No where there are both."""

    def work(folder: Path) -> dict[str, Any]:
        chosen = pick(run, scores)
        system = run.system(variant)
        rows = run.test[chosen]
        texts = reason_writer(run, variant, system).explain(rows, scores[chosen])
        weights = system.gates(rows)
        cases = [
            explained_row(
                run, system, int(row), float(scores[at]), written, weights.weights[i], REGIONS[weights.region[i]]
            )
            for i, (row, at, written) in enumerate(zip(rows, chosen, texts, strict=True))
        ]
        write_json(folder / "reasons.json", {"cases": [asdict(case) for case in cases]})
        return {"n": len(cases)}

    keys = {"explain": run.recipe.explain, "tokens": run.recipe.reason_tokens, "cite": run.recipe.cite,
            "mentions": run.recipe.mentions, "writer": run.recipe.writer}  # fmt: skip
    run.stages.run("explain", {**run.base, "scores": above, **keys}, work, REASON_CODE)
    cases = json.loads((run.folder / "explain" / "reasons.json").read_text(encoding="utf-8"))["cases"]
    return tuple(_explained(case) for case in cases)


def reason_writer(run: Run, variant: str, system: System, choice: Writer | None = None) -> ReasonWriter:
    """Who writes the reasons of a run's variant for somebody to read; by default as the recipe says."""
    recipe, stage = run.recipe, run.folder / STAGE_OF[variant] / DONE

    def taught() -> list[str]:
        try:
            return list(run.reasons.values()) if run.model.reasons.source == "written" else []
        except DataError as error:  # such as a table of reasons that is not where the folder was moved to
            text = f"{error} The words of the reasons trained on are not known, so that fewer texts pass as fluent."
            warnings.warn(text, DataWarning, stacklevel=2)
            return []

    return ReasonWriter(
        system, choice or recipe.writer, recipe.reason_tokens, recipe.cite, recipe.mentions, taught, run.folder,
        stage.read_text(encoding="utf-8") + code_digest(REASON_CODE), run.progress,
    )  # fmt: skip


def pick(run: Run, scores: np.ndarray) -> np.ndarray:
    """Places in the test rows: `explain` of them, of different users with a full history, Yes and No in turn."""
    it, rng = run.ds.interactions, np.random.default_rng(run.recipe.seed)
    order = rng.permutation(len(run.test))
    past = it.past.length(run.test[order])
    order = order[np.argsort(-np.minimum(past, run.model.prompt.history), kind="stable")]
    found: list[int] = []
    seen: set[int] = set()
    sides = [[i for i in order if scores[i] > 0], [i for i in order if scores[i] <= 0]]
    while len(found) < run.recipe.explain and (sides[0] or sides[1]):
        for side in sides:
            while side:
                i = int(side.pop(0))
                user = int(it.user[run.test[i]])
                if user not in seen:
                    seen.add(user)
                    found.append(i)
                    break
    return np.array(found[: run.recipe.explain], dtype=np.int64)


def explained_row(run: Run, system: System, row: int, score: float, written: Written, weights: np.ndarray,
                  region: str) -> Explained:  # fmt: skip
    """One row as the report and the terminal show it, with the past that the prompt had room for."""
    it, items = run.ds.interactions, run.ds.items
    past = system.renderer.visible(row, int(it.item[row]), slots=system.slots is not None)
    names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
    return Explained(
        user=f"{run.ds.domain.user} {run.ds.user_ids[it.user[row]]}",
        history=tuple(Past(items.titles[it.item[j]], bool(it.label[j])) for j in past),
        target=items.titles[it.item[row]],
        probability=float(probability(np.array([score]))[0]),
        gate=tuple((name, float(w)) for name, w in zip(names, weights, strict=True)),
        reason=written.text,
        writer=written.author,
        liked=bool(it.label[row]),
        region=region,
    )


def _explained(case: dict[str, Any]) -> Explained:
    history = tuple(Past(**past) for past in case["history"])
    return Explained(**{**case, "history": history, "gate": tuple((n, w) for n, w in case["gate"])})


def page(run: Run, results: Results, scores: Mapping[str, np.ndarray], main: str,
         explained: tuple[Explained, ...]) -> ReportData:  # fmt: skip
    """Everything the report shows."""
    label = run.ds.interactions.label[run.test]
    thinking = run.recipe.model.kind == "thinkrec"
    shown = [name for name in (GLOBAL, FULL, main) if name in scores] if thinking else []
    facts = {
        "recipe": run.recipe.name,
        "seed": str(run.recipe.seed),
        "hardware": environment()["device"],
        "duration": f"{run.stages.seconds():.0f} s",
        **data_facts(run),
        "written": time.strftime("%Y-%m-%d %H:%M"),
        **{f"no row for {name}": why for name, why in run.failed.items()},
    }
    return ReportData(
        title=f"ThinkRec: {run.recipe.name}",
        summary=how_it_was_done(run),
        facts=facts,
        results=results,
        calibration={name: reliability(label, probability(scores[name])) for name in dict.fromkeys(shown)},
        curves=tuple(learning_curves(run)) if thinking else (),
        users=users(run) if thinking and run.model.expert_stage is not None else None,
        recommendations=explained,
    )


def how_it_was_done(run: Run) -> str:
    """What this run did, and nothing that it did not: which settings it had, and what was chosen among how many."""
    said = ["Every row of the table is scored on the same test rows, with the settings of this recipe."]
    if isinstance(run.recipe.model, ThinkRecModel):
        logs = {variant: read_done(run.folder / STAGE_OF[variant])["log"] for variant in variants(run.model)}
        states = ", ".join(f"{STAGE_OF[variant]} {len(log)}" for variant, log in logs.items())
        said.append(
            "Within a language-model stage the state that is best on validation rows is kept, the one before training "
            f"only where it is clearly better (states looked at: {states})."
        )
    said.append(
        "Where a scorer stops early or weighs its parts, validation rows decide. This run compared no settings with "
        "one another, and cannot tell whether anybody did before."
    )
    return " ".join(said)


def learning_curves(run: Run) -> list[Panel]:
    """Loss and validation metrics of every language-model stage that was run."""
    panels = []
    for name in (STAGE_OF[variant] for variant in variants(run.model)):
        done = read_done(run.folder / name)
        loss, *metrics = (_curve(done["log"], key) for key in ("loss", "auc", "uauc"))
        panels.append(Panel(name, "training loss", (loss,), chosen=done["best_step"]))
        panels.append(Panel(name, "validation AUC and UAUC", tuple(metrics), chosen=done["best_step"]))
    return panels


def _curve(log: list[dict[str, Any]], key: str) -> Curve:
    """One value of every check; a gap where it is not defined."""
    values = [math.nan if entry[key] is None else entry[key] for entry in log]
    return Curve(key if key == "loss" else key.upper(), [entry["step"] for entry in log], values)


def users(run: Run) -> UserMap:
    """Train users on two axes, with their groups and the gate's regions."""
    _, rows = last_train_rows(run.ds)
    groups, config = run.personal.groups, run.personal.config
    vectors = run.encoder.user_vectors(run.ds, rows)
    return user_map(vectors, groups.labels, lambda points: gate(points, groups.centres, config).weights)
