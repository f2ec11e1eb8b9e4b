"""`thinkrec recommend`: lists out of the whole catalogue, for one user, some, or all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkrec.cli.options import Device, NewItems, RunName, Threads, Workers
from thinkrec.decoding.policy import Writer

if TYPE_CHECKING:
    from thinkrec.cli.recommenders import RecommenderSource
    from thinkrec.data.dataset import Dataset
    from thinkrec.run.recommendation_parts import RunBlocks


def recommend(
    run: RunName,
    users: Annotated[str, typer.Option(help="all, a table with user_id, or one id.")],
    top: Annotated[int, typer.Option(min=1, help="Items per user.")] = 10,
    out: Annotated[
        Path | None, typer.Option(help="Table to write: .parquet, .csv, .jsonl, or a folder of .parquet parts.")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, help="Items per user that are ranked.")] = 400,
    items: NewItems = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Also write the reason for each item.")] = False,
    model: Annotated[str | None, typer.Option(help="Row of the run's table that ranks, such as boosting.")] = None,
    writer: Annotated[Writer | None, typer.Option(help="Who writes reasons; by default as the recipe says.")] = None,
    block: Annotated[int, typer.Option(min=1, help="Users per part file, which a stopped run keeps.")] = 64,
    address: Annotated[
        str | None, typer.Option(help="Share the blocks by Ray: local, auto, HOST:PORT or ray://HOST:PORT.")
    ] = None,
    actors: Annotated[
        int | None,
        typer.Option(min=1, help="With --address: processes that hold the model; by default one per GPU or core."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Recommend items out of the whole catalogue: a generator proposes candidates, the model ranks them.

    - `thinkrec recommend demo --users 17 --top 5 --reasons`
    - `thinkrec recommend demo --users all --top 10 --out recs.parquet`
    - `thinkrec recommend demo --users some.csv --out recs.csv --model boosting`
    - `thinkrec recommend demo --users 17 --items new.csv`: with items that came after the training
    - `thinkrec recommend demo --users all --out recs --address local`: by several processes, here or on a cluster

    Items in a user's past are left out. With --out, blocks of users are kept in OUT.parts until all are done: stopped
    or killed, the same command goes on, and each block is written once.
    """
    import json
    from dataclasses import asdict

    from thinkrec.cli import show
    from thinkrec.cli.recommenders import RecommenderSource, open_recommender
    from thinkrec.errors import DataError
    from thinkrec.evaluate.results import read_verdict
    from thinkrec.io.counts import format_count
    from thinkrec.io.files import to_json_value
    from thinkrec.retrieve.config import RetrieveConfig
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recommendation_parts import check_output, run_blocks_here, write_recommendations

    if out is not None:
        check_output(out)
    check_together(out, address, actors, reasons, writer)
    folder = find_run_folder(run)
    options = RunOptions.from_environment(device=device, workers=workers, threads=threads)
    config = RetrieveConfig(candidates=candidates)
    opened = open_recommender(folder, model, options, config, top=top, items=items, for_others=address is not None)
    ids = choose_users(users, opened.ds)
    if out is None and len(ids) > 1:
        raise DataError(f"{len(ids)} users are named; say with --out where their table goes, such as recs.parquet")
    if model is None and not as_json:
        show.print_verdict(read_verdict(folder))

    console = show.make_console()
    if out is not None:
        if address is None:
            run_blocks = run_blocks_here(lambda some: opened.recommend(some, reasons, writer))
        else:
            run_blocks = share_by_ray(
                RecommenderSource(
                    folder.absolute(),
                    model,
                    options,
                    config,
                    top,
                    items and items.absolute(),
                    reasons,
                    writer,
                    opened.made_from,
                ),
                address,
                actors,
            )
        rows = write_recommendations(
            run_blocks,
            ids,
            out,
            made_from={**opened.made_from, "reasons": reasons, "writer": writer},
            block=block,
            progress=True,
        )
        summary = {"out": str(out), "users": len(ids), "rows": rows, "candidates": candidates, **opened.describe()}
        if as_json:
            typer.echo(json.dumps(to_json_value(summary), ensure_ascii=False))
            return
        console.print(show.render_generator(summary))
        if rows < top * len(ids):
            few = "that a user has met is not recommended, and some have met nearly all"
            console.print(f"fewer than {top} for some users: an item {few}", style="yellow")
        return
    answers = opened.recommend(ids, reasons, writer)[0]
    if as_json:
        value = {"user": ids[0], "recommendations": [asdict(entry) for entry in answers], **opened.describe()}
        typer.echo(json.dumps(to_json_value(value), ensure_ascii=False))
        return
    domain = opened.ds.domain
    if not answers:
        n_items = format_count(len(opened.ds.items), domain.item, domain.items)
        console.print(f"{domain.user} {ids[0]} has met every one of the {n_items}: nothing is left to recommend")
        return
    console.print(show.render_ranking(answers, f"{domain.items.capitalize()} for {domain.user} {ids[0]}"))
    console.print(show.render_generator({"users": 1, "candidates": candidates, **opened.describe()}))


def check_together(
    out: Path | None, address: str | None, actors: int | None, reasons: bool, writer: Writer | None
) -> None:
    """Raise DataError for options that say nothing without another one, and for Ray where it is not installed."""
    from thinkrec.errors import DataError

    if writer is not None and not reasons:
        raise DataError("--writer says who writes the reasons, but none are asked for; add --reasons, or leave it out")
    if actors is not None and address is None:
        raise DataError("--actors counts processes of a Ray cluster, but none is named; add --address local")
    if address is not None:
        from thinkrec.scale.ray_blocks import import_ray

        if out is None:
            raise DataError("--address shares the writing of a table; say with --out where it goes, such as recs")
        import_ray()


def share_by_ray(source: RecommenderSource, address: str, actors: int | None) -> RunBlocks:
    """Blocks answered by processes of a Ray cluster, each of which opens `source`."""
    from dataclasses import replace

    from thinkrec.scale.ray_blocks import RayOptions, share_blocks

    options = source.options
    threads = options.threads or 1
    # One process per so many cores: batches side by side, the default of a process alone, would crowd them.
    own = replace(options, threads=threads, workers=options.workers or 0)
    wanted = RayOptions(address, actors, threads, uses_gpu=options.device is None or options.device.startswith("cuda"))
    return share_blocks(replace(source, options=own), wanted)


def choose_users(text: str, ds: Dataset) -> list[Any]:
    """Ids of the data: all of them, those of a table's column user_id, or one. Raises DataError for unknown ones."""
    from thinkrec.data.columns import require_columns
    from thinkrec.data.tables import read_table
    from thinkrec.errors import DataError
    from thinkrec.io.counts import choose_form, format_count
    from thinkrec.score.answers import make_unknown_user_error, map_ids_to_codes

    if text == "all":
        return list(ds.user_ids)
    known = map_ids_to_codes(ds.user_ids)
    if text not in known and Path(text).is_file():
        table = read_table(text)
        require_columns(table, ("user_id",), text)
        asked = list(dict.fromkeys(str(id_) for id_ in table["user_id"].to_list()))
        unknown = [id_ for id_ in asked if id_ not in known]
        if unknown:
            raise DataError(
                f"{text}: {len(unknown):,} of {format_count(len(asked), 'user')} "
                f"{choose_form(len(unknown), 'is', 'are')} not in the data (the first: {unknown[:5]!r}); leave them "
                "out, or ask `thinkrec rank` with --history for somebody new"
            )
        return [ds.user_ids[known[id_]] for id_ in asked]
    if text not in known:
        raise make_unknown_user_error(ds, text)
    return [ds.user_ids[known[text]]]
