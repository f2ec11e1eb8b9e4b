"""`thinkrec reasons synthesize`: reasons to train on, from a teacher, for any recipe's data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from thinkrec.reasons.config import SynthesisConfig
    from thinkrec.reasons.estimate import CostEstimate


def synthesize(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe whose data is asked about; name or file.")],
    config: Annotated[Path | None, typer.Option(help="YAML with any of these settings; options go before it.")] = None,
    teacher: Annotated[str | None, typer.Option(help="api, local or rules.")] = None,
    model: Annotated[str | None, typer.Option(help="Its model; for local a folder, .gguf file or hub name.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the endpoint, with /v1.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the key.")] = None,
    rows: Annotated[int | None, typer.Option(help="How many rows; 1000.")] = None,
    split: Annotated[str | None, typer.Option(help="train, valid or test; train.")] = None,
    selection: Annotated[str | None, typer.Option(help="Which rows: random, wrong or mixed; random.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="For wrong: a table with order and score.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="On a wrong verdict: retry, retry_with_label or discard; retry.")
    ] = None,
    max_attempts: Annotated[int | None, typer.Option(help="Most answers per row; 3.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the choice of rows; 0.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Longest answer, reasoning included.")] = None,
    budget_requests: Annotated[int | None, typer.Option(help="Most requests, over all starts.")] = None,
    budget_tokens: Annotated[int | None, typer.Option(help="Most tokens, over all starts.")] = None,
    budget_money: Annotated[float | None, typer.Option(help="Most money, over all starts; needs prices.")] = None,
    price_in: Annotated[float | None, typer.Option(help="Price of a million prompt tokens.")] = None,
    price_out: Annotated[float | None, typer.Option(help="Price of a million answer tokens.")] = None,
    out: Annotated[Path | None, typer.Option(help="Table: .parquet, .csv or .jsonl; reasons/NAME/...")] = None,
    store: Annotated[Path | None, typer.Option(help="All attempts, as JSON lines; reasons/NAME/...")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print rows, tokens and money; ask nothing.")] = False,
) -> None:
    """Ask a teacher why users liked or disliked things; keep the reasons whose verdict is right, to train on.

    - `thinkrec reasons synthesize demo --teacher rules --rows 200`
    - `thinkrec reasons synthesize my.yaml --teacher local --model ./Qwen3-4B --rows 500 --policy retry`
    - `thinkrec reasons synthesize my.yaml --teacher api --model qwen3 --base-url http://localhost:8000/v1`
    - `thinkrec reasons synthesize my.yaml --config teach.yaml --price-in 0.5 --price-out 2 --budget-money 10 --dry-run`

    Every answer is stored at once; after Ctrl-C or a crash the same command goes on and asks nothing twice.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.data.output_tables import check_not_read, check_writable, write_table
    from thinkrec.io.files import write_json
    from thinkrec.reasons.choose import choose_rows
    from thinkrec.reasons.config_files import read_synthesis_config
    from thinkrec.reasons.estimate import estimate_cost
    from thinkrec.reasons.output import build_reason_table
    from thinkrec.reasons.questions import check_text_columns
    from thinkrec.reasons.summary import format_summary_lines
    from thinkrec.reasons.synthesize import read_row_states, synthesize_reasons
    from thinkrec.run.data_sources import load_data
    from thinkrec.run.recipe_files import load_recipe

    given = {
        "teacher.kind": teacher,
        "teacher.model": model,
        "teacher.base_url": base_url,
        "teacher.key_env": key_env,
        "teacher.max_tokens": max_tokens,
        "teacher.budget.max_requests": budget_requests,
        "teacher.budget.max_tokens": budget_tokens,
        "teacher.budget.max_cost": budget_money,
        "teacher.prices.input": price_in,
        "teacher.prices.output": price_out,
        "n_rows": rows,
        "split": split,
        "selection": selection,
        "predictions": predictions,
        "policy": policy,
        "max_attempts": max_attempts,
        "seed": seed,
    }
    opened = load_recipe(recipe)
    settings = read_synthesis_config(config, given)
    ds, _ = load_data(opened.data)
    check_text_columns(ds, settings.texts)
    folder = Path("reasons") / opened.name
    out, store = out or folder / "reasons.parquet", store or folder / "attempts.jsonl"
    check_writable(out)
    check_not_read(out, [predictions, config])
    chosen = choose_rows(ds, settings)
    console = show.make_console()
    if dry_run:
        states = read_row_states(ds, chosen, settings, store)
        console.print(build_estimate_table(estimate_cost(states, settings), settings))
        return
    states, outcome, stop = synthesize_reasons(ds, chosen, settings, store, progress=True)
    write_table(build_reason_table(ds, states, settings), out)
    report = out.with_suffix(".report.json")
    write_json(report, {**outcome.to_dict(), "config": settings.model_dump(mode="json"), "recipe": opened.name})
    console.print(show.build_fact_table("Reasons", format_summary_lines(outcome)))
    console.print(Text(f"reasons:  {out}\nreport:   {report}\nattempts: {store}"))
    # A spent budget is no error; where the teacher refuses, table and report are written first.
    if stop is not None and not stop.budget:
        raise stop


def build_estimate_table(estimate: CostEstimate, config: SynthesisConfig) -> Table:
    """What a dry run prints."""
    from thinkrec.cli import show
    from thinkrec.teacher.build import format_teacher_name
    from thinkrec.teacher.client import Usage

    def format_usage(usage: Usage) -> str:
        if config.teacher.kind != "api":
            money = ""
        elif estimate.has_prices:
            money = f", {usage.cost:,.2f} in money"
        else:
            money = ", money unknown (give --price-in and --price-out, per million tokens)"
        tokens = f"{usage.prompt_tokens:,} prompt + {usage.completion_tokens:,} answer tokens"
        return f"{usage.requests:,} requests, {tokens}{money}"

    how = f"measured on {estimate.n_measured:,} answers in the store" if estimate.n_measured else "assumed"
    lines = [
        ("teacher", format_teacher_name(config.teacher)),
        ("rows", f"{estimate.rows:,}, of which {estimate.n_finished:,} need no more asking"),
        ("tokens of an answer", f"{estimate.answer_tokens:,.0f} ({how})"),
        ("right verdicts", f"{estimate.accuracy:.0%} ({how})"),
        ("one answer each", format_usage(estimate.single_attempt)),
        ("expected", format_usage(estimate.expected)),
        ("at most", format_usage(estimate.maximum)),
    ]
    return show.build_fact_table("Before the start: nothing was asked", lines)
