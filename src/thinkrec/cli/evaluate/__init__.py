"""`thinkrec evaluate JOB`: how good predictions and reasons are, and what settings and thinking do to them."""

from __future__ import annotations

import typer

from thinkrec.cli.evaluate import (
    calibration,
    catalogue,
    ceiling,
    decoding,
    faithfulness,
    grounding,
    groups,
    new_items,
    new_users,
    personality,
    ranking,
    slices,
    text,
    thinking,
    transfer,
)

group = typer.Typer(name="evaluate", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Count how good anybody's predictions or reasons are, with intervals.

    - `thinkrec evaluate ranking predictions.parquet --run demo`
    - `thinkrec evaluate text reasons.parquet --references written.parquet`
    - `thinkrec evaluate grounding reasons.parquet --run demo`
    - `thinkrec evaluate faithfulness reasons.parquet --run demo`
    - `thinkrec evaluate decoding demo reasons.parquet --grid grid.yaml --out decoding.json`
    - `thinkrec evaluate thinking plans --rows 400`
    - `thinkrec evaluate ceiling ml1m/boosting-keywords`
    - `thinkrec evaluate personality ml1m/thinkrec-nano-keywords`
    - `thinkrec evaluate new-items demo --share .1`
    - `thinkrec evaluate new-users demo --groups 3 -o 'model.encoder={kind: sasrec}'`
    - `thinkrec evaluate transfer ml1m/thinkrec-nano-complete --data demo`
    - `thinkrec evaluate slices predictions.parquet --run demo`
    - `thinkrec evaluate calibration predictions.parquet --run demo`
    - `thinkrec evaluate groups demo --groups 2`
    - `thinkrec evaluate catalogue demo --k 10 --users 100`
    """


COMMANDS = (
    ranking.ranking,
    text.text,
    grounding.grounding,
    faithfulness.faithfulness,
    decoding.decoding,
    thinking.thinking,
    ceiling.ceiling,
    personality.personality,
    new_items.new_items,
    new_users.new_users,
    transfer.transfer,
    slices.slices,
    calibration.calibration,
    groups.groups,
    catalogue.catalogue,
)
for command in COMMANDS:
    group.command()(command)
