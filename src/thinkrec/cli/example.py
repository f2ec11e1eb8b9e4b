"""`thinkrec example`: tables to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def example(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the tables go; made if need be.")],
) -> None:
    """Write a small ratings.csv, an items.csv and a recipe for them, to try things on.

    - `thinkrec example shop && cd shop`
    - `thinkrec run mine.yaml`
    - `thinkrec rank mine 42 --top 3 --why`
    """
    from thinkrec.simulate.example_tables import write_example_tables

    for path in write_example_tables(folder):
        typer.echo(path)
