"""`thinkrec reasons choose`: of several reasons for a train row the one that cites what moves the score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.cli.options import RunName

if TYPE_CHECKING:
    from thinkrec.run.reason_choice import ChoiceSummary, CitedShare


def choose(
    run: RunName,
    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE...", help="Candidates: order, reason, best user_id and item_id.")
    ],
    out: Annotated[Path, typer.Option(help="Reasons to train on: .parquet, .csv or .jsonl; a report beside it.")],
    model: Annotated[
        str | None, typer.Option(help="Row of the run's table that scores, such as boosting; by default the last one.")
    ] = None,
    at_random: Annotated[
        bool, typer.Option("--at-random", help="Draw one of a row's candidates instead, to compare with.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of these draws, and of those among ties.")] = 0,
) -> None:
    """Choose reasons to train on: for each train row the one that cites what moves the run's score of it.

    - `thinkrec reasons choose demo candidates/*.parquet --out chosen.parquet`
    - `thinkrec reasons choose demo candidates/*.parquet --out drawn.parquet --at-random`

    Every history line of a row is erased and the model asked again; effects are kept beside --out, where a stopped or
    further call finds them. Then train with `model.reasons: {source: written, file: chosen.parquet}`.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.data.output_tables import check_not_read, check_writable, write_table
    from thinkrec.evaluate.text.reason_tables import name_tables
    from thinkrec.io.files import write_json
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.reason_choice import choose_reasons

    check_writable(out)
    check_not_read(out, tables)
    table, summary = choose_reasons(
        name_tables(tables), find_run_folder(run), model=model, at_random=at_random, seed=seed, cache=out.parent
    )
    write_table(table, out)
    report = out.with_suffix(".report.json")
    write_json(report, {**summary.to_dict(), "run": Path(run).name, "model": model, "seed": seed})
    console = show.make_console()
    console.print(show.build_fact_table("Chosen reasons", list_choice_facts(summary)))
    console.print(Text(f"reasons: {out}\nreport:  {report}"), soft_wrap=True)


def list_choice_facts(summary: ChoiceSummary) -> list[tuple[str, str]]:
    """What the terminal says of a choice."""
    how = "one candidate drawn per row" if summary.at_random else "by what the cited lines do to the score"
    several = summary.rows - summary.single
    lines = [
        ("chosen", how),
        ("rows", f"{summary.rows:,}; {summary.single:,} of them have one candidate alone"),
        ("rows without a candidate", f"{summary.rows_without:,}"),
        ("best alike, one drawn", f"{summary.ties:,} of {several:,} rows with several candidates"),
        ("no candidate to be judged, one drawn", f"{summary.unjudged:,} of {several:,}"),
        ("the chosen", _format_cited(summary.chosen)),
        ("all candidates", _format_cited(summary.all)),
    ]
    for name, share in summary.tables.items():
        left = "; ".join(f"{count:,} left out: {cause}" for cause, count in summary.left_out[name].items())
        taken = f"{summary.taken[name]:,} of {share.reasons:,} chosen; {_format_cited(share)}"
        lines.append((name, f"{taken}. {left}" if left else taken))
    return lines


def _format_cited(share: CitedShare) -> str:
    agreement, win = ("n/a" if value is None else f"{value:.3f}" for value in (share.agreement, share.erase_win))
    return f"agreement {agreement}, erase win {win}, {share.cited:.1f} lines cited"
