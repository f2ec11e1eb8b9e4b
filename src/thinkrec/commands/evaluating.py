"""`run_evaluate_command`: which of its three ways was asked for, and whether the options belong to it."""

from __future__ import annotations

from pathlib import Path

from thinkrec.commands import grounding, judging, texts
from thinkrec.errors import DataError


def run_evaluate_command(
    table: Path,
    options: texts.TextOptions,
    interactions: Path | None,
    run: str | None,
    *,
    k: int | None,
    draws: int | None,
    ground: bool,
    compare: bool,
    threshold: float | None = None,
) -> None:
    """`thinkrec evaluate`. `ground` and `compare` are --grounding and --text; without either, `table` is a ranking.

    Raises DataError for an option of another way.
    """
    if (ground or compare) and threshold is not None:
        raise DataError("--threshold is for rankings; drop it, or drop --text and --grounding")
    if compare:
        if k is not None:
            raise DataError("--k is for rankings; drop it, or drop --text")
        texts.run_text_evaluation(table, options, interactions, run, ground)
    elif options.has_text_options():
        raise DataError("options for reasons were given; add --text, or drop them")
    elif ground:
        if options.split is not None or options.partial:
            raise DataError("--grounding judges the reasons that are in the table; drop --split and --partial")
        grounding.run_grounding_evaluation(table, run, draws, options.out)
    elif options.out is not None:
        raise DataError("--out is for reasons; add --text or --grounding")
    else:
        judging.run_ranking_evaluation(
            table,
            interactions,
            run,
            k=k,
            draws=draws,
            split=options.split,
            threshold=threshold,
            partial=options.partial,
        )
