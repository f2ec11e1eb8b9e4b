"""How far the policy `deciding` may narrow what a reason cites: SHARES of `score/deciding_lines.py`, and AHEAD of
`decoding/citations.py`.

    python bench/deciding.py RUN REASONS [--split valid] [--rows 60] [--choice SHARE:AHEAD ...]

REASONS is a table (order, reason, perhaps split) of rows of the run: the reasons are references, so that it shows what
each choice costs in likeness to them (METEOR without synonyms; needs the extra `text`). Give validation rows.
`all` is the policy `polarity`, which may cite every line of the visible history.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import polars as pl

from thinkrec.claims.cases import build_case
from thinkrec.claims.citations import Catalogue
from thinkrec.data.query import Query
from thinkrec.data.tables import read_table
from thinkrec.decoding import citations
from thinkrec.evaluate.faithfulness.cited_lines import CitedLines, read_cited_lines
from thinkrec.evaluate.faithfulness.row_sums import build_row_sums
from thinkrec.evaluate.text.meteor import compute_meteor
from thinkrec.reasons.named_rows import read_named_rows
from thinkrec.run import saved_model
from thinkrec.run.folders import find_run_folder
from thinkrec.run.recipe import Recipe
from thinkrec.run.variants import find_variant
from thinkrec.score.deciding_lines import map_deciding_lines
from thinkrec.score.explainer import write_reasons
from thinkrec.score.line_effects import LineEffects, compute_line_effects
from thinkrec.score.predictor import Predictor

CHOICES = ("0.1:1", "0:1", "0:99", "-0.1:1", "-0.25:1", "-0.5:1", "-1:1", "-0.25:2", "-0.25:99")
"""SHARE, and how many of the strongest titles are open at a time (99: all)."""
HEADER = f"{'choice':>9} {'allowed':>8} {'none':>5} {'cited':>6} {'win':>6} {'of':>5} {'side':>6}"
"""And the two correlations, METEOR and the seconds."""


def main() -> None:
    """Print one line per choice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("reasons", type=Path)
    parser.add_argument("--split", help="only rows of the table with this split")
    parser.add_argument("--rows", type=int, default=60, help="at most so many, drawn by seed 0")
    parser.add_argument("--choice", action="append", help="SHARE:AHEAD, may be given again; by default CHOICES")
    options = parser.parse_args()
    choices = [parse_choice(text) for text in options.choice or CHOICES]
    run = saved_model.open_run(find_run_folder(options.run))
    rows, references = read_references(run.ds, options.reasons, options.split, options.rows)
    predictor = run.load_predictor(find_variant(run.recipe, None))
    started = time.perf_counter()
    effects = compute_line_effects(predictor, [Query.from_row(run.ds, int(row)) for row in rows], flip=False)
    print(f"{len(rows)} rows; effects measured in {time.perf_counter() - started:.0f} s")
    print(f"{HEADER} {'CCT':>6} {'size':>6} {'METEOR':>7} {'s':>5}")
    everything = [dict.fromkeys(row.places.tolist(), 0.0) for row in effects]
    print_choice(predictor, run.recipe, rows, effects, everything, references, "all")
    for share, ahead in choices:
        citations.AHEAD = ahead
        lines = [map_deciding_lines(row, share) for row in effects]
        print_choice(predictor, run.recipe, rows, effects, lines, references, f"{share:g}:{ahead}")


def parse_choice(text: str) -> tuple[float, int]:
    """SHARE:AHEAD as numbers; ends the script where that is not what it is."""
    share, _, ahead = text.partition(":")
    try:
        return float(share), int(ahead)
    except ValueError:
        raise SystemExit(f"--choice {text!r} is not SHARE:AHEAD, such as 0.1:1") from None


def read_references(ds, path: Path, split: str | None, most: int) -> tuple[np.ndarray, list[str]]:
    """Row numbers and the reasons written about them."""
    table = read_table(path)
    if split is not None:
        table = table.filter(pl.col("split").cast(pl.String) == split)
    rows, texts = read_named_rows(path, split, ds), table["reason"].to_list()
    chosen = np.sort(np.random.default_rng(0).permutation(len(rows))[:most])
    return rows[chosen], [texts[place] for place in chosen]


def print_choice(
    predictor: Predictor,
    recipe: Recipe,
    rows: np.ndarray,
    effects: list[LineEffects],
    lines: list[dict[int, float]],
    references: list[str],
    choice: str,
) -> None:
    """Have the model write with these lines (place in the past -> strength) citable, and judge it."""
    started = time.perf_counter()
    queries = [Query.from_row(predictor.ds, int(row)) for row in rows]
    titles = [
        predictor.find_allowed_titles(query, int(query.candidates[0]), recipe.reason_tokens, allowed)
        for query, allowed in zip(queries, lines, strict=True)
    ]
    cite = "polarity_and_keywords" if recipe.citation_policy == "polarity_and_keywords" else "polarity"
    texts = write_reasons(
        predictor.recommender,
        predictor.render_prompts(rows, recipe.reason_tokens),
        np.array([row.score > 0 for row in effects]),
        tokens=recipe.reason_tokens,
        citable=titles,
        cite=cite,
        mentions=recipe.max_citations,
    )
    seconds = time.perf_counter() - started
    cited = read_cited_texts(predictor, queries, effects, texts)
    nothing = np.zeros(len(rows))
    shown = [place for place, row in enumerate(effects) if len(row.erase)]
    sums = build_row_sums(effects, nothing, cited, nothing, None, shown)
    total = {name: column.sum() for name, column in sums.items()}

    def correlate(prefix: str) -> float:
        return total[f"{prefix}_product"] / np.sqrt(total[f"{prefix}_first"] * total[f"{prefix}_second"])

    print(
        f"{choice:>9} {np.mean([len(row) for row in lines]):8.2f} {sum(not row for row in lines):5}"
        f" {total['cited'] / len(shown):6.2f} {total['erase_wins'] / total['erase_pairs']:6.3f}"
        f" {total['erase_pairs']:5.0f} {total['right'] / total['stated']:6.3f} {correlate('signed'):6.3f}"
        f" {correlate('size'):6.3f} {compute_meteor(texts, references).mean():7.3f} {seconds:5.0f}",
        flush=True,
    )


def read_cited_texts(
    predictor: Predictor, queries: list[Query], effects: list[LineEffects], texts: list[str]
) -> list[CitedLines]:
    """What the texts cite."""
    items = predictor.ds.items
    catalogue = Catalogue(items.titles)
    cases = [
        build_case(items, query.items[row.places], row.labels, int(query.candidates[0]), row.score > 0)
        for query, row in zip(queries, effects, strict=True)
    ]
    return [read_cited_lines(text, case, catalogue) for text, case in zip(texts, cases, strict=True)]


if __name__ == "__main__":
    main()
