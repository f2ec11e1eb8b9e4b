"""`thinkrec evaluate decoding`: settings of the writer of reasons, compared on validation rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Draws, RunName


def decoding(
    run: RunName,
    references: Annotated[
        Path, typer.Argument(metavar="TABLE", help="Written reasons: order, user_id, reason, split.")
    ],
    grid: Annotated[Path, typer.Option(help="YAML list of settings; a list of values stands for one setting each.")],
    out: Annotated[Path, typer.Option(help="Write JSON here; the texts go beside it, into .texts.jsonl.")],
    split: Annotated[str, typer.Option(help="Which rows of TABLE.")] = "valid",
    rows: Annotated[int | None, typer.Option(min=2, help="At most so many rows, drawn by seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows drawn, the other rows and the draws of users.")] = 0,
    stage: Annotated[
        str | None, typer.Option(help="Row of the table, or its short name; by default the last one.")
    ] = None,
    draws: Draws = None,
) -> None:
    """Have a run write reasons under several settings, compare them with written ones, and say which serve best.

    - `thinkrec evaluate decoding ml1m/thinkrec-smollm2-keywords reasons.parquet --grid grid.yaml --out decoding.json`
    - `thinkrec evaluate decoding demo reasons.parquet --grid grid.yaml --rows 24 --out decoding.json`

    A section of the grid has the keys citation_policy, max_citations, reason_tokens and those of a recipe's `decoding`:
    `- {citation_policy: any, no_repeat_ngram: [3, 4], temperature: [0, 0.7]}`. Every text is kept as soon as it is
    written: a stopped command goes on, and a longer grid writes only what is new.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.run.decoding_comparison import compare_settings
    from thinkrec.run.decoding_results import render_settings_table, write_settings_results
    from thinkrec.run.folders import find_run_folder

    check_json_name(out, "decoding.json")
    console = show.make_console()
    if split == "test":
        console.print(Text("Settings chosen on test rows cannot be measured on them any more; give validation rows."))
    for results, provenance in compare_settings(
        find_run_folder(run),
        references,
        grid,
        out.with_suffix(".texts.jsonl"),
        split=split,
        n_rows=rows,
        seed=seed,
        stage=stage,
        draws=1000 if draws is None else draws,
    ):
        # After every setting, so that a stopped command leaves a file of those that are done.
        write_settings_results(out, results, provenance)
    console.print(render_settings_table(results, f"Settings of {Path(run).name} on {references.name}, {split}"))
    console.print(Text(f"values: {out}\ntexts: {out.with_suffix('.texts.jsonl')}"), soft_wrap=True)
