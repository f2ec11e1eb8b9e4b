"""Measured effects of history lines kept in tables, so that several tables of reasons are judged by the same ones."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from thinkrec.data.columns import DataWarning
from thinkrec.data.dataset import Dataset
from thinkrec.data.output_tables import write_table
from thinkrec.data.query import Query
from thinkrec.io.hashing import hash_json
from thinkrec.io.progress import Progress
from thinkrec.prompts.config import PromptConfig
from thinkrec.run.pipeline import Run
from thinkrec.run.stage import read_stage_result
from thinkrec.run.table_rows import ScorerRow, choose_table_row, load_row_scorer
from thinkrec.score.line_effects import LineEffects, QueryScorer, compute_line_effects, score_kept_lines
from thinkrec.score.scorer_queries import ScorerQueries

EFFECTS, KEPT = "line-effects.parquet", "kept-lines.parquet"
"""(key, order, line, place, item_id, label, score, erase, flip); (key, order, lines, score) with these lines alone."""
CHUNK = 128
"""Rows between two writes to disk."""
NO_LINE = -1
"""`line` of the one entry of a row that shows no history."""


@dataclass(frozen=True, eq=False)
class EffectCache:
    """Effects of rows of a data set by one scorer; what is in the tables is not measured again."""

    scorer: QueryScorer
    ds: Dataset
    key: str
    """Stands for the trained weights: what other ones measured does not count."""
    folder: Path | None = None
    """Where the tables are; None keeps nothing."""
    progress: bool = False
    flip: bool = True
    """Whether labels are turned too, which takes twice as many questions; effects that have it serve either wish."""

    def measure_effects(self, rows: np.ndarray) -> list[LineEffects]:
        """The effects of every line of rows (row numbers)."""
        orders = [int(order) for order in self.ds.interactions.order[rows]]
        lines = self._read_table(EFFECTS)
        known = (
            {} if lines is None else {int(part["order"][0]): _parse_effects(part) for part in _split_by_order(lines)}
        )
        if self.flip:
            known = {order: effects for order, effects in known.items() if np.isfinite(effects.flip).all()}
        missing = [(row, order) for row, order in zip(rows, orders, strict=True) if order not in known]
        parts = [] if lines is None else [lines.filter(pl.col("order").is_in(list(known)))]
        with Progress("measuring history lines", len(missing), shown=self.progress) as bar:
            for first in range(0, len(missing), CHUNK):
                chunk = missing[first : first + CHUNK]
                queries = [Query.from_row(self.ds, int(row)) for row, _ in chunk]
                fresh = compute_line_effects(self.scorer, queries, flip=self.flip)
                for (_, order), query, effects in zip(chunk, queries, fresh, strict=True):
                    known[order] = effects
                    parts.append(self._build_effect_table(order, query, effects))
                self._write_table(EFFECTS, parts)
                bar.advance(len(chunk))
        return [known[order] for order in orders]

    def score_kept(self, rows: np.ndarray, masks: Sequence[np.ndarray], title: str) -> np.ndarray:
        """float64 (n,): the score of each row with the lines of its mask alone, bool (h,) each; `title`: of the bar."""
        wanted = [
            (int(order), "".join("x" if line else "." for line in keep))
            for order, keep in zip(self.ds.interactions.order[rows], masks, strict=True)
        ]
        table = self._read_table(KEPT)
        known = (
            {} if table is None else {(o, lines): s for o, lines, s in table.select("order", "lines", "score").rows()}
        )
        missing = [place for place, asked in enumerate(wanted) if asked not in known]
        with Progress(title, len(missing), shown=self.progress and bool(missing)) as bar:
            for first in range(0, len(missing), CHUNK):
                chunk = missing[first : first + CHUNK]
                queries = [Query.from_row(self.ds, int(rows[place])) for place in chunk]
                scores = score_kept_lines(self.scorer, queries, [masks[place] for place in chunk])
                known |= {wanted[place]: float(score) for place, score in zip(chunk, scores, strict=True)}
                self._write_table(KEPT, [self._build_kept_table(known)])
                bar.advance(len(chunk))
        return np.array([known[asked] for asked in wanted], dtype=np.float64)

    def _build_effect_table(self, order: int, query: Query, effects: LineEffects) -> pl.DataFrame:
        n = len(effects.erase)
        ids: list[Any] = [self.ds.items.ids[item] for item in query.items[effects.places]]
        columns: dict[str, Any] = {
            "line": pl.Series(np.arange(n) if n else [NO_LINE], dtype=pl.Int64),
            "place": pl.Series(effects.places if n else [NO_LINE], dtype=pl.Int64),
            "item_id": pl.Series(ids if n else [None], dtype=pl.Series(self.ds.items.ids[:1]).dtype),
            "label": pl.Series(effects.labels if n else [None], dtype=pl.Int8),
            "score": pl.Series([effects.score] * max(n, 1), dtype=pl.Float64),
            "erase": pl.Series(effects.erase if n else [None], dtype=pl.Float64),
            "flip": pl.Series(effects.flip if n else [None], dtype=pl.Float64),
        }
        return pl.DataFrame(columns).select(
            pl.lit(self.key).alias("key"), pl.lit(order, pl.Int64).alias("order"), pl.all()
        )

    def _build_kept_table(self, known: dict[tuple[int, str], float]) -> pl.DataFrame:
        orders, lines = zip(*known, strict=True)
        columns = {"order": orders, "lines": lines, "score": list(known.values())}
        schema = {"order": pl.Int64, "lines": pl.String, "score": pl.Float64}
        return pl.DataFrame(columns, schema=schema).select(pl.lit(self.key).alias("key"), pl.all())

    def _read_table(self, name: str) -> pl.DataFrame | None:
        path = None if self.folder is None else self.folder / name
        if path is None or not path.is_file():
            return None
        table = pl.read_parquet(path)
        if table.is_empty() or set(table["key"]) != {self.key}:
            text = f"{path} was measured with other weights or by another row of the run; it is measured anew."
            warnings.warn(text, DataWarning, stacklevel=3)
            return None
        return table

    def _write_table(self, name: str, parts: list[pl.DataFrame]) -> None:
        if self.folder is not None and parts:
            write_table(pl.concat(parts), self.folder / name)


def open_effect_cache(
    run: Run, model: str | None, folder: Path | None, *, flip: bool = True, progress: bool = False
) -> EffectCache:
    """The scorer of a row of the run's table (`choose_table_row`), with what was measured of it before in `folder`.

    Raises DataError for a row that the run does not have, CheckpointError where it is not trained.
    """
    row = choose_table_row(run.recipe, run.folder, model)
    if isinstance(row, ScorerRow):
        prompt = run.recipe.model.prompt if run.recipe.model.kind == "thinkrec" else PromptConfig()
        scorer = ScorerQueries(load_row_scorer(row, run.folder), run.ds, prompt.history, prompt.history_step)
        stage, name = row.stage, row.name
    else:
        scorer, stage, name = run.load_predictor(row.variant), row.variant.stage, row.variant.label
    key = hash_json([name, read_stage_result(run.folder / stage)["key"]])[:16]
    return EffectCache(scorer, run.ds, key, folder, progress, flip)


def _split_by_order(table: pl.DataFrame) -> list[pl.DataFrame]:
    return table.partition_by("order", maintain_order=True)


def _parse_effects(part: pl.DataFrame) -> LineEffects:
    lines = part.filter(pl.col("line") != NO_LINE)
    return LineEffects(
        score=float(part["score"][0]),
        places=lines["place"].to_numpy().astype(np.int64),
        labels=lines["label"].to_numpy().astype(np.int8),
        erase=lines["erase"].to_numpy().astype(np.float64),
        flip=lines["flip"].to_numpy().astype(np.float64),
    )
