"""`thinkrec evaluate personality`: whether a ranking knows who it is for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from thinkrec.cli.options import RunName


def personality(
    run: RunName,
    model: Annotated[str | None, typer.Option(help="Row of the run's table that ranks, such as boosting.")] = None,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs of made-up users.")] = 8,
    rows: Annotated[int, typer.Option(min=1, help="Items that each of them likes, and as many disliked.")] = 5,
    top: Annotated[int, typer.Option(min=1, help="How many items of a ranking are compared.")] = 10,
    candidates: Annotated[int, typer.Option(min=2, help="Items that are ranked, drawn among the rated ones.")] = 300,
    seed: Annotated[int, typer.Option(min=0, help="Of the items drawn.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the results here as JSON.")] = None,
) -> None:
    """Compare the tops of made-up users with one past and opposite opinions of it, and of somebody without a past.

    - `thinkrec evaluate personality ml1m/thinkrec-nano-keywords --out personality.json`
    - `thinkrec evaluate personality ml1m/thinkrec-nano-keywords --model "item mean"`: one number per item shares all

    One user of a pair likes items with one keyword and dislikes those with another, the other thinks the opposite. The
    fewer items their tops share, the more the ranking is about the user.
    """
    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.io.files import write_json
    from thinkrec.run import saved_model
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.personality import measure_run_personality

    check_json_name(out, "personality.json")
    opened = saved_model.open_run(find_run_folder(run), progress=True)
    result = measure_run_personality(
        opened, model=model, n_pairs=pairs, n_items=rows, top=top, n_candidates=candidates, seed=seed
    )
    console = show.make_console()
    lines = [
        (name, f"{pair['opposite']} in common, {pair['nobody']:.1f} with somebody without a past")
        for name, pair in result["pairs"].items()
    ]
    mean = result["mean"]
    lines.append(("mean", f"{mean['opposite']:.1f} in common, {mean['nobody']:.1f} with somebody without a past"))
    console.print(show.build_fact_table(f"Top {result['top']} of opposite users", lines))
    if out is not None:
        write_json(out, {"run": Path(run).name, "model": model, "seed": seed, "candidates": candidates, **result})
        console.print(f"overlaps: {out}", soft_wrap=True)
