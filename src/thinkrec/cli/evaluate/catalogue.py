"""`thinkrec evaluate catalogue`: how good lists out of the whole catalogue are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, Draws, RunName, Threads, Workers


def catalogue(
    run: RunName,
    model: Annotated[
        list[str] | None, typer.Option(help="Row of the run's table; may be repeated; by default its own model.")
    ] = None,
    k: Annotated[str, typer.Option(metavar="K,K,...", help="Lengths of the lists.")] = "10",
    negatives: Annotated[
        str, typer.Option(metavar="all|N", help="Rank the whole catalogue, or relevant items among N sampled others.")
    ] = "all",
    candidates: Annotated[
        str | None,
        typer.Option(
            metavar="all|N",
            help="Items that the run's generator proposes; by default all, to a language model 400 of more than 1,000.",
        ),
    ] = None,
    users: Annotated[int | None, typer.Option(min=2, help="At most so many users, drawn by seed.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of users, sampled items, ties and draws.")] = 0,
    draws: Draws = None,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """HR, Recall, MRR, NDCG, coverage, novelty and diversity of the lists that a run's models make for test users.

    - `thinkrec evaluate catalogue demo --k 10 --users 100`
    - `thinkrec evaluate catalogue ml1m/mf --k 5,10,20 --out catalogue.json`
    - `thinkrec evaluate catalogue demo --model MF --model boosting --negatives 100`

    Beside the models stand the most liked items, the same for everybody, and random order.
    """
    import json

    from thinkrec.cli import show
    from thinkrec.cli.evaluate.thinking import parse_numbers
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.catalogue import render_catalogue_results
    from thinkrec.io.files import write_json
    from thinkrec.run import saved_model
    from thinkrec.run.catalogue_metrics import measure_catalogue
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions

    check_json_name(out, "catalogue.json")
    cuts = sorted(set(parse_numbers(k, int, "--k", "whole numbers such as 5,10")))
    if cuts[0] < 1:
        raise typer.BadParameter("a list has at least one item", param_hint="--k")
    RunOptions.from_environment(device=device, workers=workers, threads=threads).apply()
    result = measure_catalogue(
        saved_model.open_run(find_run_folder(run), progress=True),
        models=model or [None],
        cuts=cuts,
        negatives=parse_count(negatives, "--negatives"),
        candidates=None if candidates is None else parse_count(candidates, "--candidates"),
        every=candidates == "all",
        most_users=users,
        seed=seed,
        draws=1000 if draws is None else draws,
    )
    # Names without folders: the file is meant to be kept and shown.
    result = {"run": Path(run).name, **result}
    if out is not None:
        write_json(out, result)
    if as_json:
        typer.echo(json.dumps(result, ensure_ascii=False))
        return
    console = show.make_console()
    console.print(render_catalogue_results(result))
    if out is not None:
        console.print(f"metrics: {out}", soft_wrap=True)


def parse_count(text: str, option: str) -> int | None:
    """None for "all", else a whole number from 1 on."""
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise typer.BadParameter(f"{text!r} is neither all nor a whole number from 1 on", param_hint=option)
    return int(text)
