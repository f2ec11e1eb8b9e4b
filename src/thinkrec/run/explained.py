"""The test rows of a run that are explained in its report: which they are, who writes their reasons, what is shown."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import Writer
from thinkrec.errors import DataError, DataWarning
from thinkrec.evaluate.report.data import ExplainedRecommendation
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_file
from thinkrec.personal.gate import REGIONS
from thinkrec.run.inputs import REASON_CODE
from thinkrec.run.layout import COMPOSED
from thinkrec.run.pipeline import Run
from thinkrec.run.provenance import hash_code
from thinkrec.run.stage import DONE
from thinkrec.run.variants import Variant, get_final_variant
from thinkrec.score.answers import HistoryItem
from thinkrec.score.composition import COMPOSITION
from thinkrec.score.predictor import Predictor
from thinkrec.score.ranker import compute_like_probability
from thinkrec.score.reason_writer import ReasonWriter, WrittenReason

EXPLAIN, REASONS = "explain", "reasons.json"
"""The stage, and folder in a run, of the explained rows, and their file."""


def explain_test_rows(run: Run, scores: np.ndarray, tables_hash: str) -> tuple[ExplainedRecommendation, ...]:
    """Stage: reasons for test rows of different users, half of them scored Yes and half No where there are both.

    Args:
        run: a run whose last variant is trained.
        scores: (n_test,), those of the last variant.
        tables_hash: hash of the table of results that they stand beside.
    """
    recipe, variant = run.recipe, get_final_variant(run.model)

    def work(folder: Path) -> dict[str, Any]:
        chosen = select_explained_rows(run, scores)
        rows, predictor = run.test_rows[chosen], run.load_predictor(variant)
        reasons = build_reason_writer(run, variant, predictor).explain(rows, scores[chosen])
        cases = build_explained_rows(run, predictor, rows, scores[chosen].tolist(), reasons)
        write_json(folder / REASONS, {"cases": [asdict(case) for case in cases]})
        return {"n": len(cases)}

    inputs = {
        **run.base_inputs,
        "scores": tables_hash,
        "n_explained": recipe.n_explained,
        "tokens": recipe.reason_tokens,
        "citation_policy": recipe.citation_policy,
        "max_citations": recipe.max_citations,
        "writer": recipe.writer,
        **name_changed_decoding(recipe.decoding),
    }
    run.stage_runner.run(EXPLAIN, inputs, work, REASON_CODE)
    cases = json.loads((run.folder / EXPLAIN / REASONS).read_text(encoding="utf-8"))["cases"]
    return tuple(_parse_explained_row(case) for case in cases)


def build_reason_writer(run: Run, variant: Variant, predictor: Predictor, choice: Writer | None = None) -> ReasonWriter:
    """Who writes the reasons of a run's variant for somebody to read; by default as the recipe says."""
    recipe, stage_result = run.recipe, run.folder / variant.stage / DONE
    composed = hash_file(run.folder / COMPOSED / COMPOSITION) if predictor.composer is not None else ""

    def read_reasons() -> list[str]:
        try:
            return list(run.reasons.values()) if run.model.has_reason_table else []
        except DataError as error:  # such as a table of reasons that is not where the folder was moved to
            text = f"{error} The words of the reasons trained on are not known, so that fewer texts pass as fluent."
            warnings.warn(text, DataWarning, stacklevel=2)
            return []

    return ReasonWriter(
        predictor,
        choice or recipe.writer,
        recipe.reason_tokens,
        recipe.citation_policy,
        recipe.max_citations,
        read_reasons,
        run.folder,
        stage_result.read_text(encoding="utf-8") + composed + hash_code(REASON_CODE),
        run.progress,
        recipe.decoding,
    )


def name_changed_decoding(config: DecodingConfig) -> dict[str, Any]:
    """How words are chosen, as inputs of what is written; nothing at the defaults, so that what stands stays true."""
    changes = config.dump_changes()
    return {"decoding": changes} if changes else {}


def select_explained_rows(run: Run, scores: np.ndarray) -> np.ndarray:
    """int64 (at most `explain`,): positions in the test rows, of different users, scored Yes and No in turn.

    Users with a full history come first. `scores` (n_test,): above 0 means Yes.
    """
    interactions, rng = run.ds.interactions, np.random.default_rng(run.recipe.seed)
    order = rng.permutation(len(run.test_rows))
    past = interactions.past.count_visible_rows(run.test_rows[order])
    order = order[np.argsort(-np.minimum(past, run.model.prompt.history), kind="stable")]
    chosen: list[int] = []
    users: set[int] = set()
    sides = [[i for i in order if scores[i] > 0], [i for i in order if scores[i] <= 0]]
    while len(chosen) < run.recipe.n_explained and (sides[0] or sides[1]):
        for side in sides:
            while side:
                i = int(side.pop(0))
                user = int(interactions.user[run.test_rows[i]])
                if user not in users:
                    users.add(user)
                    chosen.append(i)
                    break
    return np.array(chosen[: run.recipe.n_explained], dtype=np.int64)


def build_explained_row(
    run: Run,
    predictor: Predictor,
    row: int,
    score: float,
    reason: WrittenReason,
    weights: np.ndarray,
    region: str,
) -> ExplainedRecommendation:
    """One row as the report and the terminal show it, with the past that the prompt had room for.

    `weights` (1 + n_experts,): of its adapters, the global one first; `region`: the rule of the gate that chose them.
    """
    interactions, items = run.ds.interactions, run.ds.items
    target = int(interactions.item[row])
    past = predictor.renderer.list_visible_history(row, target, slots=predictor.slot_encoder is not None)
    names = ["global", *(f"expert {k}" for k in range(1, len(weights)))]
    return ExplainedRecommendation(
        user=f"{run.ds.domain.user} {run.ds.user_ids[interactions.user[row]]}",
        history=tuple(HistoryItem(items.titles[interactions.item[j]], bool(interactions.label[j])) for j in past),
        target=items.titles[target],
        probability=float(compute_like_probability(np.array([score]))[0]),
        gate=tuple((name, float(weight)) for name, weight in zip(names, weights, strict=True)),
        reason=reason.text,
        writer=reason.author,
        liked=bool(interactions.label[row]),
        region=region,
    )


def build_explained_rows(
    run: Run, predictor: Predictor, rows: np.ndarray, scores: Sequence[float], reasons: Sequence[WrittenReason]
) -> list[ExplainedRecommendation]:
    """Rows with their scores and reasons as the terminal shows them."""
    gates = predictor.compute_gates(rows)
    return [
        build_explained_row(run, predictor, int(row), score, reason, weights, REGIONS[region])
        for row, score, reason, weights, region in zip(rows, scores, reasons, gates.weights, gates.region, strict=True)
    ]


def _parse_explained_row(case: dict[str, Any]) -> ExplainedRecommendation:
    history = tuple(HistoryItem(**past) for past in case["history"])
    gate = tuple((name, weight) for name, weight in case["gate"])
    return ExplainedRecommendation(**{**case, "history": history, "gate": gate})
