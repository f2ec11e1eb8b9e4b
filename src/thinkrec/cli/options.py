"""Options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Overrides = Annotated[
    list[str] | None, typer.Option("-o", "--set", metavar="KEY=VALUE", help="Change a key; may be repeated.")
]
Decoding = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="Change how words are chosen, as `decoding` in a recipe; may be repeated."),
]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run or a saved model, or a name under runs/.")]
User = Annotated[str, typer.Argument(metavar="USER", help="User id, as in your data.")]
History = Annotated[
    Path | None,
    typer.Option(
        "--history", help="CSV or Parquet with item_id and label (or rating), for a user unknown to training."
    ),
]
HistoryThreshold = Annotated[
    float | None, typer.Option("--threshold", help="With ratings in --history: liked means rating > threshold.")
]
Interactions = Annotated[
    Path | None,
    typer.Option("--interactions", help="Table with user_id and label or rating, maybe item_id, order and split."),
]
LabelRun = Annotated[str | None, typer.Option("--run", help="Take the labels from the data of this run.")]
LabelThreshold = Annotated[
    float | None,
    typer.Option("--threshold", help="With --interactions that have ratings: liked means rating > threshold."),
]
JudgedSplit = Annotated[
    str | None,
    typer.Option("--split", help="Which rows: test (the default where there are splits), valid, train or all."),
]
Partial = Annotated[bool, typer.Option("--partial", help="Judge the rows that are there, and say which are not.")]
Draws = Annotated[int | None, typer.Option("--draws", min=100, help="Bootstrap draws; 1000, or as the run says.")]
NewItems = Annotated[
    Path | None,
    typer.Option("--items", help="Table of items that came after the training: item_id, title, keywords, texts."),
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="Where language models compute: cpu, cuda, cuda:1, mps; by default an accelerator."),
]
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, help="Batches scored at the same time; by default one per core.")
]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Cores that PyTorch uses; by default all.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of training, in place of the recipe's.")]
