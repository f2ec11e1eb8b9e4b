"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None, typer.Option("-o", "--set", metavar="KEY=VALUE", help="Change a key; may be repeated.")
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run or a saved model, or a name under runs/.")]
User = Annotated[str, typer.Argument(metavar="USER", help="User id, as in your data.")]
History = Annotated[
    Path | None,
    typer.Option(
        "--history", help="CSV or Parquet with item_id and label (or rating), for a user unknown to training."
    ),
]
Threshold = Annotated[float | None, typer.Option(help="With ratings in --history: liked means rating > threshold.")]
