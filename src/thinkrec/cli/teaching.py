"""Commands that make keywords and reasons to learn from."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ExtractorName(StrEnum):
    """Who finds keywords."""

    yake = "yake"
    teacher = "teacher"


def keywords(
    items: Annotated[Path, typer.Argument(metavar="ITEMS", help="Table with item_id, title and text columns.")],
    columns: Annotated[str, typer.Option(help="Text columns to read, with commas.")],
    out: Annotated[Path, typer.Option(help="The table to write: .parquet, .csv or .jsonl.")],
    most: Annotated[int, typer.Option(min=1, help="Largest number of keywords of an item.")] = 10,
    keep: Annotated[str | None, typer.Option(help="Columns whose keywords stand in front, such as genres.")] = None,
    extractor: Annotated[ExtractorName, typer.Option(help="Offline, or a language model.")] = ExtractorName.yake,
    teacher: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="The language model; may be repeated.")
    ] = None,
    language: Annotated[str, typer.Option(help="Two letters; the language of the texts.")] = "en",
    item: Annotated[str, typer.Option(help="What one item is called when a language model is asked.")] = "item",
    cache: Annotated[Path | None, typer.Option(help="What was found so far; by default beside --out.")] = None,
) -> None:
    """Find keywords in the texts of items; writes the table with a column `keywords`.

    - `thinkrec keywords items.csv --columns description --out items-with-keywords.parquet`
    - `thinkrec keywords films.parquet --columns plot,summary --keep genres --most 8 --out films-with-keywords.parquet`
    - `thinkrec keywords items.csv --columns title,description --extractor teacher --teacher model=llama3.1
      --teacher base_url=http://localhost:11434/v1 --out items-with-keywords.parquet`

    A stopped command goes on where it was: what was found stays in the cache.
    """
    from thinkrec.commands import keywords as finding

    finding.run_keywords_command(items, columns, most, keep, extractor.value, teacher or [], language, item, out, cache)


def reason(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Recipe whose data is asked about; name or file.")],
    config: Annotated[Path | None, typer.Option(help="YAML with any of these settings; options go before it.")] = None,
    teacher: Annotated[str | None, typer.Option(help="api, local or rules.")] = None,
    model: Annotated[str | None, typer.Option(help="Its model; for local a folder, .gguf file or hub name.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the endpoint, with /v1.")] = None,
    key_env: Annotated[str | None, typer.Option(help="Environment variable with the key.")] = None,
    rows: Annotated[int | None, typer.Option(help="How many rows; 1000.")] = None,
    split: Annotated[str | None, typer.Option(help="train, valid or test; train.")] = None,
    choose: Annotated[str | None, typer.Option(help="random, wrong or mixed; random.")] = None,
    predictions: Annotated[Path | None, typer.Option(help="For wrong: a table with order and score.")] = None,
    policy: Annotated[
        str | None, typer.Option(help="On a wrong verdict: retry, retry_with_label or discard; retry.")
    ] = None,
    attempts: Annotated[int | None, typer.Option(help="Most answers per row; 3.")] = None,
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

    - `thinkrec reason demo --teacher rules --rows 200`
    - `thinkrec reason my.yaml --teacher local --model ./Qwen3-4B --rows 500 --policy retry`
    - `thinkrec reason my.yaml --teacher api --model qwen3 --base-url http://localhost:8000/v1`
    - `thinkrec reason my.yaml --config teach.yaml --price-in 0.5 --price-out 2 --budget-money 10 --dry-run`

    Every answer is stored at once; after Ctrl-C or a crash the same command goes on and asks nothing twice.
    """
    from thinkrec.commands import teaching

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
        "selection": choose,
        "predictions": predictions,
        "policy": policy,
        "max_attempts": attempts,
        "seed": seed,
    }
    teaching.run_reason_command(recipe, config, given, out, store, dry_run)
