"""`thinkrec evaluate new-users`: what one more expert does for users that came after the training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import Device, Overrides, Threads, Workers


def new_users(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name or YAML file, as for `thinkrec run`.")],
    groups: Annotated[
        int | None, typer.Option(min=2, help="Hold out the smallest of so many groups; the others are one fewer.")
    ] = None,
    share: Annotated[float | None, typer.Option(help="Hold out this share of the users, drawn, in its place.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw, or of the groups.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where the figures go as JSON.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the model is trained; by default runs/RECIPE-new-users-SEED.")
    ] = None,
    overrides: Overrides = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
) -> None:
    """Hold users out of the training, then add them as a new group with an expert of its own; the rest stays as it is.

    - `thinkrec evaluate new-users demo --groups 3 -o 'model.encoder={kind: sasrec}'`
    - `thinkrec evaluate new-users demo --share .2 -o 'model.encoder={kind: sasrec}' --out new-users.json`

    The encoder has to read a user's rows, as SASRec does: MF and LightGCN have a vector for those alone that they were
    trained on. A stopped call goes on where it was.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.evaluate.results import from_dict
    from thinkrec.evaluate.table import render_results
    from thinkrec.io.files import write_json
    from thinkrec.run.data_sources import load_data
    from thinkrec.run.new_users import choose_new_users, evaluate_new_users
    from thinkrec.run.options import RunOptions
    from thinkrec.run.recipe_files import load_recipe

    check_json_name(out, "new-users.json")
    RunOptions.from_environment(device=device, workers=workers, threads=threads).apply()
    chosen = load_recipe(recipe, overrides or [])
    target = folder or Path("runs") / f"{chosen.name}-new-users-{seed}"
    ds = load_data(chosen.data, target / "keywords")[0]
    users = choose_new_users(ds, chosen, groups=groups, share=share, seed=seed)
    n_groups = None if groups is None else groups - 1
    measured = evaluate_new_users(chosen, ds, users, target, n_groups=n_groups, progress=True)
    if out is not None:
        write_json(out, measured)
    console = show.make_console()
    console.print(Text(measured["policy"]), soft_wrap=True)
    for part, count in (("new", measured["new_users"]), ("old", measured["old_users"])):
        console.print(render_results(from_dict(measured[part]), title=f"Test rows of {count:,} {part} users"))
    if out is not None:
        console.print(Text(f"metrics: {out}"), soft_wrap=True)
