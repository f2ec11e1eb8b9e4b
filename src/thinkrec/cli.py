"""The command `thinkrec`. Every command is one call; what it does is in `thinkrec.commands`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from thinkrec.errors import DataError, ThinkRecError

# Commands import what they need when they are called: PyTorch takes seconds, and --help should not.


class Group(TyperGroup):
    """Turns errors a user can cause, and Ctrl-C, into one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ThinkRecError as error:
            Console(stderr=True, highlight=False).print(Text(f"error: {error}", style="red"), soft_wrap=True)
            raise typer.Exit(2) from error
        except KeyboardInterrupt as stop:
            text = "stopped; the same command goes on from the last saved step"
            Console(stderr=True, highlight=False).print(Text(text, style="yellow"), soft_wrap=True)
            raise typer.Exit(130) from stop


app = typer.Typer(cls=Group, no_args_is_help=True, rich_markup_mode="markdown", pretty_exceptions_show_locals=False,
                  add_completion=False)  # fmt: skip


class Extractors(StrEnum):
    """Who finds keywords."""

    yake = "yake"
    teacher = "teacher"


Overrides = Annotated[
    list[str] | None, typer.Option("-o", "--set", metavar="KEY=VALUE", help="Change a key; may be repeated.")
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run or a saved model, or a name under runs/.")]
User = Annotated[str, typer.Argument(metavar="USER", help="User id, as in your data.")]
History = Annotated[
    Path | None,
    typer.Option(
        "--history", help="CSV or Parquet with item_id and label (or rating), for a user unknown to training."
    ),
]
Threshold = Annotated[float | None, typer.Option(help="With ratings in --history: liked means rating > threshold.")]


@app.callback()
def about() -> None:
    """Recommendations by reasoning, with the reason.

    - `thinkrec demo` trains on a simulated catalogue, in a few minutes
    - `thinkrec rank demo 17` ranks what user 17 has not met
    - `thinkrec explain demo 17 42` says why, or why not
    """


@app.command()
def demo(folder: Annotated[Path, typer.Option(help="Where the run is kept.")] = Path("runs/demo"),
         overrides: Overrides = None) -> None:  # fmt: skip
    """Train on a simulated catalogue; show the table, three explained recommendations and a report.

    - `thinkrec demo`
    - `thinkrec demo -o seed=1 --folder runs/demo-1`
    """
    from thinkrec.commands import running

    running.demo(folder, overrides or [])


@app.command()
def run(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name (`thinkrec recipe --list`) or YAML file.")],
    folder: Annotated[Path | None, typer.Option(help="Where the run is kept; by default runs/NAME.")] = None,
    overrides: Overrides = None,
    results: Annotated[Path | None, typer.Option(help="Also export predictions and metrics to this/NAME.")] = None,
) -> None:
    """Run a recipe from data to report. A stopped run goes on where it was; finished stages are kept.

    - `thinkrec run ml1m/mf`
    - `thinkrec run my.yaml -o seed=1 -o model.prompt.history=20 --folder runs/longer`
    - `thinkrec run ml1m/mf --results results`
    """
    from thinkrec.commands import running

    running.run(recipe, folder, overrides or [], results)


@app.command()
def rank(
    run: RunName,
    user: User,
    candidates: Annotated[str | None, typer.Option(help="Item ids with commas; by default all not met yet.")] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    history: History = None,
    threshold: Threshold = None,
) -> None:
    """Rank items for a user.

    - `thinkrec rank demo 17`
    - `thinkrec rank demo 17 --candidates 3,14,15 --top 2`
    - `thinkrec rank demo somebody-new --history liked.csv`
    """
    from thinkrec.commands import asking

    asking.rank(run, user, candidates, top, history, threshold)


@app.command()
def explain(
    run: RunName,
    user: User,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id, as in your data.")],
    history: History = None,
    threshold: Threshold = None,
) -> None:
    """Say whether a user would like an item, and why.

    - `thinkrec explain demo 17 42`
    - `thinkrec explain demo somebody-new 42 --history liked.csv`
    """
    from thinkrec.commands import asking

    asking.explain(run, user, item, history, threshold)


class Stages(StrEnum):
    """Trained stages that can write reasons."""

    text = "global"
    experts = "experts"
    full = "full"


class Cited(StrEnum):
    """Titles a reason may put in quotes."""

    any = "any"
    history = "history"
    agreeing = "agreeing"


@app.command()
def explain_rows(
    run: RunName,
    rows: Annotated[Path, typer.Argument(metavar="TABLE", help="Table with the column order, maybe split.")],
    out: Annotated[Path, typer.Option(help="Where order, score, reason go: .parquet, .csv or .jsonl.")],
    split: Annotated[str | None, typer.Option(help="Only rows of TABLE with this split.")] = None,
    stage: Annotated[Stages | None, typer.Option(help="By default the last one trained.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Longest reason; by default as the recipe says.")] = None,
    cite: Annotated[Cited | None, typer.Option(help="By default as the recipe says.")] = None,
    own_verdict: Annotated[bool, typer.Option("--own-verdict", help="Do not force the score's verdict.")] = False,
) -> None:
    """Write reasons for many rows of a run's data, for `evaluate --text` and `evaluate --grounding`.

    - `thinkrec explain-rows ml1m/thinkrec-nano reasons.parquet --split test --out mine.parquet`
    - `thinkrec explain-rows demo predictions.parquet --cite any --own-verdict --out free.parquet`

    A stopped command goes on where it was.
    """
    from thinkrec.commands import writing

    writing.explain_rows(run, rows, split, out, stage and stage.value, tokens, cite and cite.value, own_verdict)


@app.command()
def evaluate(
    predictions: Annotated[
        Path, typer.Argument(metavar="TABLE", help="order and score; with --text order and reason.")
    ],
    interactions: Annotated[Path | None, typer.Option(help="Table with user_id, label and maybe order.")] = None,
    run: Annotated[str | None, typer.Option(help="Take the labels from the data of this run.")] = None,
    k: Annotated[int | None, typer.Option(min=1, help="Cut-off of NDCG and MAP; 5, or as the run says.")] = None,
    draws: Annotated[int | None, typer.Option(min=100, help="Bootstrap draws; 1000, or as the run says.")] = None,
    grounding: Annotated[bool, typer.Option("--grounding", help="Judge what reasons cite and claim.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Compare reasons with references.")] = False,
    references: Annotated[Path | None, typer.Option(help="With --text: order, reason, user_id, maybe split.")] = None,
    split: Annotated[str | None, typer.Option(help="With --text: only references of this split.")] = None,
    against: Annotated[list[Path] | None, typer.Option(help="With --text: reasons of another system.")] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="With --text: also reasons of another row.")] = False,
    bleurt: Annotated[str | None, typer.Option(help="With --text: folder or hub name of BLEURT-20.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="With --text: folder of a model for similarity.")] = None,
    wordnet: Annotated[Path | None, typer.Option(help="With --text: folder of WordNet 3.0.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --text or --grounding: write JSON here.")] = None,
) -> None:
    """Metrics, with intervals, of anybody's predictions or reasons.

    - `thinkrec evaluate results/demo/predictions.parquet --run demo`
    - `thinkrec evaluate mine.csv --interactions test.parquet`
    - `thinkrec evaluate reasons.parquet --grounding --run demo`: what reasons cite, claim and decide (both at once
      with --text)
    - `thinkrec evaluate reasons.parquet --text --references written.parquet --split test --baseline`
    - `thinkrec evaluate reasons.parquet --text --references written.parquet --against other.parquet
      --bleurt BLEURT-20 --out text-metrics.json`

    Rows are matched by `order`; a table of predictions without that column is numbered from 0.
    """
    from thinkrec.commands import grounding as reasons
    from thinkrec.commands import judging, texts

    options = texts.TextOptions(references, split, against or (), baseline, bleurt, encoder, wordnet, out,
                                draws=1000 if draws is None else draws)  # fmt: skip
    if text and k is not None:
        raise DataError("--k is for rankings; drop it, or drop --text")
    if text:
        texts.evaluate_texts(predictions, options, interactions, run, grounding)
    elif options.asked():
        raise DataError("options for reasons were given; add --text, or drop them")
    elif grounding:
        reasons.evaluate(predictions, run, draws, out)
    elif out is not None:
        raise DataError("--out is for reasons; add --text or --grounding")
    else:
        judging.evaluate(predictions, interactions, run, k, draws)


@app.command()
def keywords(
    items: Annotated[Path, typer.Argument(metavar="ITEMS", help="Table with item_id, title and text columns.")],
    columns: Annotated[str, typer.Option(help="Text columns to read, with commas.")],
    out: Annotated[Path, typer.Option(help="The table to write: .parquet, .csv or .jsonl.")],
    most: Annotated[int, typer.Option(min=1, help="Largest number of keywords of an item.")] = 10,
    keep: Annotated[str | None, typer.Option(help="Columns whose keywords stand in front, such as genres.")] = None,
    extractor: Annotated[Extractors, typer.Option(help="Offline, or a language model.")] = Extractors.yake,
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

    finding.command(items, columns, most, keep, extractor.value, teacher or [], language, item, out, cache)


@app.command()
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
    policy: Annotated[str | None, typer.Option(help="On a wrong verdict: again, hint or drop; again.")] = None,
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
    - `thinkrec reason my.yaml --teacher local --model ./Qwen3-4B --rows 500 --policy again`
    - `thinkrec reason my.yaml --teacher api --model qwen3 --base-url http://localhost:8000/v1`
    - `thinkrec reason my.yaml --config teach.yaml --price-in 0.5 --price-out 2 --budget-money 10 --dry-run`

    Every answer is stored at once; after Ctrl-C or a crash the same command goes on and asks nothing twice.
    """
    from thinkrec.commands import teaching

    given = {"teacher.kind": teacher, "teacher.model": model, "teacher.base_url": base_url, "teacher.key_env": key_env,
             "teacher.max_tokens": max_tokens, "teacher.budget.requests": budget_requests,
             "teacher.budget.tokens": budget_tokens, "teacher.budget.money": budget_money,
             "teacher.prices.input": price_in, "teacher.prices.output": price_out, "rows": rows, "split": split,
             "choose": choose, "predictions": predictions, "policy": policy, "attempts": attempts,
             "seed": seed}  # fmt: skip
    teaching.reason(recipe, config, given, out, store, dry_run)


@app.command()
def report(run: RunName) -> None:
    """Write the metrics and the report of a finished run again; prints where the report is.

    - `thinkrec report demo`
    """
    from thinkrec.commands import running

    running.report(run)


@app.command()
def table(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Finished runs on the same rows.")],
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
) -> None:
    """One table of several runs.

    - `thinkrec table ml1m/mf ml1m/boosting`
    - `thinkrec table ml1m/mf ml1m/boosting --markdown > table.md`
    """
    from thinkrec.commands import running

    running.table(runs, markdown)


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False) -> None:
    """Check this machine: versions, devices, memory, language models, data; every problem with its remedy.

    - `thinkrec doctor`
    - `thinkrec doctor --json > machine.json`
    """
    from thinkrec.commands import machine

    raise typer.Exit(0 if machine.examine(as_json) else 1)


@app.command()
def recipe(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Name or YAML file.")] = None,
    overrides: Overrides = None,
    names: Annotated[bool, typer.Option("--list", help="List the recipes that come along.")] = False,
    keys: Annotated[bool, typer.Option("--keys", help="Explain every key.")] = False,
) -> None:
    """Print a recipe with every key filled in.

    - `thinkrec recipe demo > my.yaml`
    - `thinkrec recipe demo -o model.encoder.kind=sasrec`
    - `thinkrec recipe --list`
    - `thinkrec recipe --keys`
    """
    from thinkrec.commands import keys as recipes

    recipes.recipe(name, overrides or [], names, keys)


def main() -> None:
    """Entry point of `thinkrec`."""
    app()


if __name__ == "__main__":
    main()
