"""Several reasons for the same train rows: by the rules, from evidence drawn at random, and drawn from the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.dataset import Dataset
from thinkrec.data.output_tables import write_table
from thinkrec.decoding.config import DecodingConfig
from thinkrec.decoding.policy import Cite
from thinkrec.errors import DataError
from thinkrec.io.files import write_json
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.prompts.config import PromptConfig
from thinkrec.reasons.choose import choose_rows, hash_rows
from thinkrec.reasons.config import SynthesisConfig
from thinkrec.run import saved_model
from thinkrec.run.pipeline import Run
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import find_variant
from thinkrec.score.predictor import Predictor
from thinkrec.teacher.config import RulesTeacherConfig
from thinkrec.teacher.rule_reasons import argue_past, weigh_evidence

CHUNK = 64
"""Rows that the model writes for between two steps of the bar."""


MAX_TEMPERATURE = 5.0
"""As `DecodingConfig.temperature` allows."""
SAMPLES = "samples.json"
"""In the folder: table -> what it was made from, as a hash, its reasons, and the rows left out."""


@dataclass(frozen=True)
class SampleOptions:
    """Whose reasons are drawn, and for how many rows."""

    n_rows: int
    """Train rows with a past, the first so many of a random order by `seed` (`choose_rows`)."""
    n_rules: int
    """Reasons of the rules per row."""
    n_model: int
    """Reasons of the model per row."""
    temperature: float = 0.8
    """Of the model's draws."""
    stage: str | None = None
    """Row of the run's table that writes, or its short name; None: the last one."""
    tokens: int | None = None
    """Longest reason of the model; None: as the recipe says."""
    citation_policy: Cite | None = None
    """Which titles the model may quote; None: as the recipe says."""
    seed: int = 0
    """Of the rows and of all draws."""


@dataclass(frozen=True)
class DrawnReasons:
    """Reasons for some train rows, one each."""

    table: pl.DataFrame
    """order, user_id, item_id, label, reason."""
    without: int
    """Rows left out: on the label's side nothing that was drawn shares a keyword with the target."""


def sample_reasons(folder: Path, options: SampleOptions, out: Path, *, progress: bool = False) -> list[tuple[str, str]]:
    """Write one table per drawn reason into the folder `out`: rules-1.parquet and so on, model-1.parquet and so on.

    A table that an earlier call made from the same is kept. Returns what was made, as pairs to be shown.
    Raises DataError for a run without a language model where its reasons are asked for, a row of the table that it
    does not have, and a temperature that draws nothing.
    """
    run = saved_model.open_run(folder, progress=progress)
    if options.n_model and run.recipe.model.kind != "thinkrec":
        raise DataError(f"{folder} trains {run.recipe.model.kind}, which writes no reasons; give --model 0")
    if options.n_model:
        _check_temperature(options.temperature)
    prompt = run.recipe.model.prompt if run.recipe.model.kind == "thinkrec" else PromptConfig()
    teacher = RulesTeacherConfig(history_length=prompt.history)
    config = SynthesisConfig(teacher=teacher, n_rows=options.n_rows, split="train", seed=options.seed)
    rows = choose_rows(run.ds, config)
    orders = run.ds.interactions.order[rows].tolist()
    out.mkdir(parents=True, exist_ok=True)
    tables = _SampleFolder(out, hash_json([run.ds.compute_fingerprint(), orders]))
    for number in range(1, options.n_rules + 1):
        seed = options.seed + number
        tables.write_once(
            f"rules-{number}",
            [prompt.history, prompt.history_step, seed],
            lambda seed=seed: write_rule_candidates(run.ds, rows, prompt.history, prompt.history_step, seed),
        )
    if options.n_model:
        _write_model_tables(run, options, rows, tables, progress)
    return [("rows", f"{len(rows):,} train rows"), *tables.facts]


def _check_temperature(temperature: float) -> None:
    """Refuse now, and not after the rules' reasons, what nothing can be drawn at."""
    if not 0 < temperature <= MAX_TEMPERATURE:
        raise DataError(
            f"--temperature {temperature:g}: nothing can be drawn; give a number above 0, at most {MAX_TEMPERATURE:g}"
        )


def _write_model_tables(
    run: Run, options: SampleOptions, rows: np.ndarray, folder: _SampleFolder, progress: bool
) -> None:
    recipe, variant = run.recipe, find_variant(run.recipe, options.stage)
    predictor = run.load_predictor(variant)
    settings = {
        "tokens": options.tokens or recipe.reason_tokens,
        "cite": options.citation_policy or recipe.citation_policy,
        "mentions": recipe.max_citations,
    }
    trained = read_stage_result(run.folder / variant.stage)["key"]
    for number in range(1, options.n_model + 1):
        title = f"drawing reasons ({number} of {options.n_model})"
        drawn = {"temperature": options.temperature, "seed": options.seed + number, "n_samples": 1}
        decoding = DecodingConfig(**{**recipe.decoding.model_dump(), **drawn})
        folder.write_once(
            f"model-{number}",
            [variant.label, trained, settings, decoding.dump_changes()],
            lambda decoding=decoding, title=title: write_model_candidates(
                predictor, rows, decoding, **settings, title=title, progress=progress
            ),
        )


@dataclass(eq=False)
class _SampleFolder:
    """The tables of a folder, each with what it was made from."""

    path: Path
    key: str
    """Stands for the data and the rows."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Table -> what is in it, as it is shown."""

    def write_once(self, name: str, inputs: list[Any], draw: Callable[[], DrawnReasons]) -> None:
        """Draw a table, unless it is there already, made from the same."""
        path, manifest = self.path / f"{name}.parquet", self.path / SAMPLES
        known = json.loads(manifest.read_text(encoding="utf-8")) if manifest.is_file() else {}
        key = hash_json([self.key, inputs])
        outcome = "kept"
        if not path.is_file() or known.get(name, {}).get("key") != key:
            drawn, outcome = draw(), "made"
            write_table(drawn.table, path)
            known[name] = {"key": key, "reasons": drawn.table.height, "without": drawn.without}
            write_json(manifest, known)
        entry = known[name]
        left = f"; {entry['without']:,} rows where nothing drawn can be argued from" if entry["without"] else ""
        self.facts.append((name, f"{entry['reasons']:,} reasons, {outcome}{left}"))


def write_rule_candidates(ds: Dataset, rows: np.ndarray, history: int, block: int, seed: int) -> DrawnReasons:
    """Reasons of the rules for the rows' labels, each from a random half of what shares a keyword with the target.

    Which half, and the words, go by `seed` and the row's user, item and time. Within that half the strongest evidence
    is cited, as the rules always do. `history`, `block`: how much of the past is shown (`PromptConfig`).
    """
    texts = []
    for row, drawn in zip(rows, hash_rows(ds, rows, seed), strict=True):
        past, rng = ds.interactions.get_history(int(row), history, block), np.random.default_rng(int(drawn))
        item, label = int(ds.interactions.item[row]), bool(ds.interactions.label[row])
        items, labels = ds.interactions.item[past], ds.interactions.label[past]
        evidence = [
            (place, abs(weight)) for weight, place, shared in weigh_evidence(ds.items, item, items, labels) if shared
        ]
        half = {place: weight for place, weight in evidence if rng.random() < 0.5}
        argument = argue_past(ds, item, items, labels, rng, verdict=label, strengths=half)
        texts.append(argument.text if argument.is_supported else None)
    return _build_table(ds, rows, texts)


def write_model_candidates(
    predictor: Predictor,
    rows: np.ndarray,
    decoding: DecodingConfig,
    *,
    tokens: int,
    cite: Cite,
    mentions: int,
    title: str = "drawing reasons",
    progress: bool = False,
) -> DrawnReasons:
    """Reasons of the model for the rows' labels, drawn as `decoding` says; the same for the same row and seed.

    `tokens`, `cite`, `mentions`: as of `Predictor.explain`.
    """
    ds, texts = predictor.ds, list[str | None]()
    with Progress(title, len(rows), shown=progress) as bar:
        for start in range(0, len(rows), CHUNK):
            part = rows[start : start + CHUNK]
            labels = np.where(ds.interactions.label[part] > 0, 1.0, -1.0)
            texts += predictor.explain(part, labels, tokens=tokens, cite=cite, mentions=mentions, decoding=decoding)
            bar.advance(len(part))
    return _build_table(ds, rows, texts)


def _build_table(ds: Dataset, rows: np.ndarray, texts: list[str | None]) -> DrawnReasons:
    table = ds.to_frame(rows).select("order", "user_id", "item_id", "label", pl.Series("reason", texts, pl.String))
    table = table.filter(pl.col("reason").is_not_null()).sort("order")
    return DrawnReasons(table, len(rows) - table.height)
