"""`thinkrec rank`: items for a user, from best to worst."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.cli.options import Device, History, HistoryThreshold, NewItems, RunName, Threads, User, Workers
from thinkrec.decoding.policy import Writer

if TYPE_CHECKING:
    from thinkrec.api import ThinkRec
    from thinkrec.run.options import RunOptions
    from thinkrec.score.scorer_ranker import ScorerRanker


def rank(
    run: RunName,
    user: User,
    candidates: Annotated[
        str | None,
        typer.Option(help="Item ids with commas, one that holds a comma in double quotes; by default all not met yet."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many to show.")] = 10,
    why: Annotated[bool, typer.Option("--why", help="Also write the reason for each item shown.")] = False,
    history: History = None,
    threshold: HistoryThreshold = None,
    model: Annotated[str | None, typer.Option(help="Row of the run's table that ranks, such as boosting.")] = None,
    writer: Annotated[Writer | None, typer.Option(help="Who writes reasons; by default as the recipe says.")] = None,
    items: NewItems = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Rank items for a user.

    - `thinkrec rank demo 17`
    - `thinkrec rank demo 17 --top 3 --why`
    - `thinkrec rank demo 17 --candidates 3,14,15 --top 2`
    - `thinkrec rank demo somebody-new --history liked.csv`
    - `thinkrec rank demo 17 --items new.csv`: also items that came after the training, marked as new
    - `thinkrec rank demo 17 --model "item mean"`: any row of the run's table may answer; a scorer needs no language
      model. Where the run's own model ranks worse than another row, this is said first.
    """
    from thinkrec.cli import show
    from thinkrec.cli.history import read_optional_history
    from thinkrec.errors import DataError
    from thinkrec.evaluate.results import read_verdict
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions
    from thinkrec.score.scorer_ranker import ScorerRanker

    folder = find_run_folder(run)
    options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    ranker = load_ranker(folder, model, options, items=items)
    if why and isinstance(ranker, ScorerRanker):
        raise DataError("--why asks the language model for reasons, and this row is a scorer; leave --why out")
    if writer is not None and not why:
        raise DataError("--writer says who writes the reasons, but none are asked for; add --why, or leave it out")
    if model is None:
        show.print_verdict(read_verdict(folder))
    asked = None if candidates is None else parse_candidates(candidates)
    past = read_optional_history(history, threshold, ranker.ds.threshold)
    if isinstance(ranker, ScorerRanker):
        ranking = ranker.rank(user, asked, history=past, top=top)
    else:
        ranking = ranker.rank(user, asked, history=past, top=top, reasons=why, writer=writer)
    domain = ranker.ds.domain
    show.make_console().print(show.render_ranking(ranking, f"{domain.items.capitalize()} for {domain.user} {user}"))


def load_ranker(
    folder: Path, name: str | None, options: RunOptions, *, items: Path | None = None, progress: bool = True
) -> ThinkRec | ScorerRanker:
    """What ranks: the row `name` of the run's table; by default the model that its recipe trains.

    `items`: a table of items that came after the training, to be ranked too.

    Raises:
        DataError: for a name that the run does not have.
        CheckpointError: for a row that is not trained.
    """
    from thinkrec.api import ThinkRec
    from thinkrec.data.new_items import append_items, find_new_items
    from thinkrec.run import saved_model
    from thinkrec.run.table_rows import ScorerRow, choose_table_row, load_row_scorer
    from thinkrec.score.scorer_ranker import ScorerRanker

    recipe = saved_model.read_recipe(folder)
    row = choose_table_row(recipe, folder, name)
    if isinstance(row, ScorerRow):
        options.apply()
        ds, trained = saved_model.read_current_data(recipe, folder), saved_model.read_training_data(folder)
        ds = ds if items is None else append_items(ds, items)
        return ScorerRanker(load_row_scorer(row, folder), ds, progress, find_new_items(trained, ds))
    model = ThinkRec.load(folder, progress=progress, options=options, items=items)
    if name is not None:
        model.choose_stage(name)
    return model


def parse_candidates(text: str) -> list[str]:
    """Item ids with commas between them; one that holds a comma stands in double quotes. Raises DataError."""
    import csv

    from thinkrec.errors import DataError

    names = next(csv.reader([text], skipinitialspace=True), [])
    ids = [name.strip() for name in names if name.strip()]
    if not ids:
        raise DataError("--candidates names no item; give ids with commas between them, such as 12,7,30")
    return ids
