"""`evaluate decoding` as one walk: rows, model, settings, texts, values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.output_tables import check_not_read
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.labels import build_label_table
from thinkrec.evaluate.text.align import References, read_references
from thinkrec.evaluate.text.alone import compute_metrics_alone
from thinkrec.evaluate.text.metric_types import MetricResources
from thinkrec.evaluate.text.row_items import find_row_items
from thinkrec.reasons.named_rows import read_named_rows
from thinkrec.run import saved_model
from thinkrec.run.decoding_grid import WriterSettings, read_settings_grid
from thinkrec.run.decoding_results import DecodingResults, summarise_settings
from thinkrec.run.decoding_trial import DecodingTrial, SettingResult, TextLog, measure_texts
from thinkrec.run.inputs import REASON_CODE
from thinkrec.run.provenance import describe_environment, hash_code
from thinkrec.run.stage import read_stage_result
from thinkrec.run.variants import find_variant


def compare_settings(
    folder: Path,
    table_path: Path,
    grid: Path,
    log_path: Path,
    *,
    split: str,
    n_rows: int | None,
    seed: int,
    stage: str | None,
    draws: int,
) -> Iterator[tuple[DecodingResults, dict[str, Any]]]:
    """Yield the results after every setting of a grid, with what they were made from.

    Args:
        folder: of the run.
        table_path: written reasons; the settings are measured beside them.
        grid: see `read_settings_grid`.
        log_path: where the texts are kept.
        split: which rows of the table.
        n_rows: at most so many of them, drawn by `seed`; None for all.
        seed: also of the draws of users and of the other rows.
        stage: of the run; by default the last one.
        draws: of users.

    Raises:
        DataError: rows that the run does not have, fewer than two rows, or a damaged log.
        RecipeError: settings that are none, or a run that writes no reasons.
    """
    recipe = saved_model.read_recipe(folder)
    if recipe.model.kind != "thinkrec":
        raise DataError(f"{folder} trains {recipe.model.kind}, which writes no reasons; give a run of kind thinkrec")
    settings, usual = read_settings_grid(grid, recipe), WriterSettings.from_recipe(recipe)
    check_not_read(log_path, [table_path, grid])
    log = TextLog(log_path)
    run = saved_model.open_run(folder, progress=True)
    table = read_table(table_path)
    users = None if "user_id" in table.columns else build_label_table(run.ds).select("order", user="user_id")
    references = read_references(table, str(table_path), split=split, users=users)
    references = draw_references(references, n_rows, seed)
    prompt = recipe.model.prompt
    row_items = find_row_items(run.ds, table, references, prompt.history, prompt.history_step, prompt)
    alone = compute_metrics_alone(references.text, MetricResources(row_items=row_items), seed=seed)
    # In the order of the references, whose orders may be places in another table than the run's.
    named = read_named_rows(table_path, split, run.ds)
    wanted = table.filter(pl.col("split").cast(pl.String) == split)["order"].to_list()
    row_of = dict(zip(wanted, named.tolist(), strict=True))
    variant = find_variant(recipe, stage)
    trained = read_stage_result(folder / variant.stage)["key"]
    provenance = {
        "run": folder.name,
        "stage": variant.label,
        "trained": trained,
        "references": table_path.name,
        "split": split,
        "rows": n_rows,
        "seed": seed,
        "draws": draws,
        "environment": describe_environment(),
    }
    rows = np.array([row_of[order] for order in references.order.tolist()], dtype=np.int64)
    results: list[SettingResult] = []
    with log:
        trial = DecodingTrial(run.load_predictor(variant), rows, log, f"{trained} {hash_code(REASON_CODE)}")
        for number, one in enumerate(settings, start=1):
            title = f"{number} of {len(settings)}: {one.format_name(usual)}"
            texts, seconds, cpu_seconds = trial.write_texts(one, title)
            values, grounding = measure_texts(texts, trial, references, row_items, draws=draws, seed=seed)
            results.append(SettingResult(one, values, grounding, seconds, cpu_seconds))
            yield (
                summarise_settings(results, usual, references, alone, row_items, draws=draws, seed=seed),
                provenance,
            )


def draw_references(references: References, n_rows: int | None, seed: int) -> References:
    """At most so many of the references, drawn by seed, in their order. Raises DataError for fewer than two."""
    n = len(references.order)
    if n < 2:
        raise DataError(f"{references.source}: {n} row to compare settings on; at least two are needed")
    if n_rows is None or n_rows >= n:
        return references
    chosen = np.sort(np.random.default_rng(seed).permutation(n)[:n_rows])
    texts = tuple(references.text[place] for place in chosen.tolist())
    return References(references.order[chosen], references.user[chosen], texts, references.source)
