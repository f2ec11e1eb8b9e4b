"""`thinkrec cost`: what ranking many users takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from thinkrec.cli.options import Overrides

if TYPE_CHECKING:
    from rich.table import Table


def cost(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="Name (thinkrec recipe --list) or YAML file.")],
    users: Annotated[int, typer.Option(min=1, help="Users ranked for.")] = 1_000_000,
    candidates: Annotated[int, typer.Option(min=1, help="Candidates ranked per user.")] = 500,
    hours: Annotated[float, typer.Option(min=0.001, help="In so many hours.")] = 24.0,
    reasons: Annotated[float, typer.Option(min=0, help="Reasons written per user.")] = 0.0,
    history: Annotated[int, typer.Option(min=0, help="Ratings kept per user.")] = 50,
    items: Annotated[int | None, typer.Option(min=1, help="Items of the catalogue; by default the recipe's.")] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Shape to count on: nano, SmolLM2-135M, Qwen3-0.6B or Llama-3-8B; by default the recipe's own."
        ),
    ] = None,
    device: Annotated[
        Literal["l4", "a100", "h100", "h200"], typer.Option(help="Whose data sheet gives operations and memory.")
    ] = "h200",
    utilisation: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Share of the data sheet's operations that is assumed to be done.")
    ] = 0.3,
    tokens_per_second: Annotated[
        float | None,
        typer.Option(min=0.001, help="A measured rate of one device (`thinkrec doctor --speed`) in place of both."),
    ] = None,
    host_memory: Annotated[float, typer.Option(min=0.1, help="GB of memory of a machine.")] = 512.0,
    sample: Annotated[int, typer.Option(min=1, help="Users whose prompts are measured.")] = 200,
    overrides: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Count what ranking takes: tokens, operations, memory, devices, and what breaks first.

    Prompts are measured on users of the recipe's data, weights are counted, and the rest is arithmetic
    (`thinkrec.scale.cost_model`). Nothing is run on a device: its speed is the data sheet's times an assumed
    utilisation, or a measured rate.

    - `thinkrec cost demo --users 1000000 --candidates 500`
    - `thinkrec cost ml1m/thinkrec-nano --backbone Llama-3-8B --device h100 --utilisation 0.4`
    - `thinkrec cost demo --tokens-per-second 20000 --users 10000 --json`
    """
    import json
    from dataclasses import asdict

    from thinkrec.cli import show
    from thinkrec.run.recipe_files import load_recipe
    from thinkrec.scale.cost_model import DEVICES, Workload
    from thinkrec.scale.estimate import estimate_recipe_cost

    workload = Workload(users, candidates, seconds=hours * 3600, reasons=reasons, history=history)
    estimate = estimate_recipe_cost(
        load_recipe(recipe, overrides or []),
        workload,
        shape_name=backbone,
        device=DEVICES[device],
        utilisation=utilisation,
        tokens_per_second=tokens_per_second,
        host_memory=host_memory * 1e9,
        n_items=items,
        sample=sample,
    )
    if as_json:
        print(json.dumps(asdict(estimate), indent=2))
    else:
        show.make_console().print(_build_table(asdict(estimate)))


def _build_table(estimate: dict[str, Any]) -> Table:
    from rich.table import Table

    cost, workload = estimate["cost"], estimate["workload"]
    table = Table(show_header=False, title=estimate["title"], title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "prompts": f"{estimate['lengths']['prefix']:,.0f} tokens that a user's candidates share, "
        f"{estimate['lengths']['suffix']:,.1f} per candidate ({estimate['sampled']} users measured)",
        "tokens per user": f"{cost['tokens']:,.0f}; {cost['tokens_apart']:,.0f} if every candidate were a prompt",
        "operations per user": f"{cost['operations']:,.3g}",
        "device": estimate["rate_source"],
        "seconds per 1,000 users": f"{cost['device_seconds']:,.2f} of one device",
        "devices": f"{cost['devices']:,} for {workload['users']:,} users in {workload['seconds'] / 3600:g} hours",
        "weights": ", ".join(f"{name} {size / 1e9:,.2f} GB" for name, size in cost["weights"].items()),
        "keys and values of a prefix": f"{cost['prefix_bytes'] / 1e6:,.2f} MB per user",
        "ratings in memory": f"{cost['ratings_bytes'] / 1e9:,.2f} GB",
        "vectors of users and items": f"{cost['vectors_bytes'] / 1e9:,.2f} GB",
        "choosing candidates": f"{cost['retrieval_operations']:,.3g} operations per user without an index",
        "what breaks first": "; ".join(estimate["limits"]) or "nothing that is counted here",
    }
    for name, text in rows.items():
        table.add_row(name, text)
    return table
