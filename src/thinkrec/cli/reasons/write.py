"""`thinkrec reasons write`: reasons of a trained run for many rows, as a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Decoding, RunName
from thinkrec.decoding.policy import Cite, Writer
from thinkrec.io.counts import format_count


def write(
    run: RunName,
    rows: Annotated[Path, typer.Argument(metavar="TABLE", help="Table with the column order, maybe split.")],
    out: Annotated[Path, typer.Option(help="Where order, ids, score, reason go: .parquet, .csv or .jsonl.")],
    split: Annotated[str | None, typer.Option(help="Only rows of TABLE with this split.")] = None,
    stage: Annotated[
        str | None, typer.Option(help="Row of the table, or its short name; by default the last one.")
    ] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Longest reason; by default as the recipe says.")] = None,
    citation_policy: Annotated[
        Cite | None, typer.Option(help="Which titles a reason may quote; by default as the recipe says.")
    ] = None,
    decoding: Decoding = None,
    own_verdict: Annotated[bool, typer.Option("--own-verdict", help="Do not force the score's verdict.")] = False,
    writer: Annotated[Writer, typer.Option(help="Who writes; model shows what the model does.")] = "model",
    n_rows: Annotated[
        int | None, typer.Option("--rows", min=1, help="So many of the rows, drawn by seed; by default all.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of that choice.")] = 0,
    print_rows: Annotated[
        bool, typer.Option("--show", help="Also print every row: history, target, score, and the reason.")
    ] = False,
) -> None:
    """Write reasons for many rows of a run's data, for `evaluate text` and `evaluate grounding`.

    - `thinkrec reasons write ml1m/thinkrec-nano reasons.parquet --split test --out mine.parquet`
    - `thinkrec reasons write demo predictions.parquet --citation-policy any --own-verdict --out free.parquet`
    - `thinkrec reasons write demo rows.parquet --rows 5 --show --out five.parquet`
    - `thinkrec reasons write demo predictions.parquet --decoding temperature=0.7 --out drawn.parquet`

    A stopped command goes on where it was.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.decoding_options import change_decoding
    from thinkrec.data.output_tables import check_not_read, check_writable, write_table
    from thinkrec.errors import DataError
    from thinkrec.reasons.named_rows import draw_rows, read_named_rows
    from thinkrec.run import saved_model
    from thinkrec.run.explained import build_explained_rows, build_reason_writer, name_changed_decoding
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.stage import read_stage_result
    from thinkrec.run.variants import find_variant
    from thinkrec.score.explained_rows import explain_rows_in_chunks
    from thinkrec.score.reason_writer import WrittenReason

    folder = find_run_folder(run)
    recipe = saved_model.read_recipe(folder)
    if recipe.model.kind != "thinkrec":
        raise DataError(f"{folder} trains {recipe.model.kind}, which writes no reasons; give a run of kind thinkrec")
    if own_verdict and writer != "model":
        raise DataError(f"--own-verdict lets the model decide, and --writer {writer} does not; give one of them")
    chosen = change_decoding(recipe.decoding, decoding or ())
    check_writable(out)
    check_not_read(out, [rows])
    opened = saved_model.open_run(folder, progress=True)
    wanted = draw_rows(read_named_rows(rows, split, opened.ds), n_rows, seed)
    variant = find_variant(recipe, stage)
    options = {
        "stage": variant.label,
        "trained": read_stage_result(folder / variant.stage)["key"],
        "tokens": tokens or recipe.reason_tokens,
        "cite": citation_policy or recipe.citation_policy,
        "mentions": recipe.max_citations,
        "own_verdict": own_verdict,
        "writer": writer,
        **name_changed_decoding(chosen),
    }
    predictor = opened.load_predictor(variant)
    author = None
    if writer != "model":
        author = build_reason_writer(opened, variant, predictor, writer)
        author = replace(author, tokens=options["tokens"], citation_policy=options["cite"], decoding=chosen)
    part = out.with_name(out.name + ".part")
    table = explain_rows_in_chunks(predictor, wanted, part, options, author)
    write_table(table, out)
    part.unlink()
    if print_rows:
        by = table["writer"] if writer != "model" else [writer] * table.height
        reasons = [WrittenReason(text, author) for text, author in zip(table["reason"], by, strict=True)]
        for case in build_explained_rows(opened, predictor, wanted, table["score"].to_list(), reasons):
            show.make_console().print(show.render_explained_row(case))
    show.make_console().print(Text(f"reasons of {format_count(table.height, 'row')}: {out}"), soft_wrap=True)
