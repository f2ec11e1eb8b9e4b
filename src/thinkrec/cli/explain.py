"""`thinkrec explain`: whether a user would like an item, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from thinkrec.cli.options import Device, History, HistoryThreshold, NewItems, RunName, Threads, User, Workers
from thinkrec.decoding.policy import Writer


def explain(
    run: RunName,
    user: User,
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Item id, as in your data.")],
    history: History = None,
    threshold: HistoryThreshold = None,
    writer: Annotated[Writer | None, typer.Option(help="Who writes the reason; by default as the recipe says.")] = None,
    effects: Annotated[
        bool, typer.Option("--effects", help="Also measure what each history line does to the score.")
    ] = False,
    items: NewItems = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Say whether a user would like an item, and why.

    - `thinkrec explain demo 17 42`
    - `thinkrec explain demo somebody-new 42 --history liked.csv`
    - `thinkrec explain demo 17 42 --effects`
    """
    from thinkrec.api import ThinkRec
    from thinkrec.cli import show
    from thinkrec.cli.history import read_optional_history
    from thinkrec.evaluate.results import read_verdict
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions

    folder = find_run_folder(run)
    options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    model = ThinkRec.load(folder, progress=True, options=options, items=items)
    show.print_verdict(read_verdict(folder))
    past = read_optional_history(history, threshold, model.ds.threshold)
    answer = model.explain(user, item, history=past, writer=writer, effects=effects)
    show.make_console().print(show.render_explanation(answer, f"{model.ds.domain.user} {user}"))
    if answer.effects is not None:
        show.make_console().print(show.render_line_effects(answer))
