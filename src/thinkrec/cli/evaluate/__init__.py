"""`thinkrec evaluate ranking | text | grounding | faithfulness`: how good predictions and reasons are."""

from __future__ import annotations

import typer

from thinkrec.cli.evaluate import faithfulness, grounding, ranking, text

group = typer.Typer(name="evaluate", no_args_is_help=True, rich_markup_mode="markdown")


@group.callback()
def about() -> None:
    """Count how good anybody's predictions or reasons are, with intervals.

    - `thinkrec evaluate ranking predictions.parquet --run demo`
    - `thinkrec evaluate text reasons.parquet --references written.parquet`
    - `thinkrec evaluate grounding reasons.parquet --run demo`
    - `thinkrec evaluate faithfulness reasons.parquet --run demo`
    """


for command in (ranking.ranking, text.text, grounding.grounding, faithfulness.faithfulness):
    group.command()(command)
