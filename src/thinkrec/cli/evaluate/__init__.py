"""`thinkrec evaluate ranking | text | grounding | faithfulness | decoding`: how good predictions and reasons are."""

from __future__ import annotations

import typer

from thinkrec.cli.evaluate import decoding, faithfulness, grounding, ranking, text

group = typer.Typer(name="evaluate", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Count how good anybody's predictions or reasons are, with intervals.

    - `thinkrec evaluate ranking predictions.parquet --run demo`
    - `thinkrec evaluate text reasons.parquet --references written.parquet`
    - `thinkrec evaluate grounding reasons.parquet --run demo`
    - `thinkrec evaluate faithfulness reasons.parquet --run demo`
    - `thinkrec evaluate decoding demo reasons.parquet --grid grid.yaml --out decoding.json`
    """


for command in (ranking.ranking, text.text, grounding.grounding, faithfulness.faithfulness, decoding.decoding):
    group.command()(command)
