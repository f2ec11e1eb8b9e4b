"""`thinkrec weights`: what a run learned, small enough to be passed on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from thinkrec.cli.options import RunName


def weights(
    run: RunName,
    out: Annotated[Path, typer.Option(help="Folder for the adapters in PEFT's format and the manifest.")],
    model: Annotated[
        str | None, typer.Option(help="Variant of the run, such as global; by default the one that answers.")
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16"], typer.Option(help="Number format of the files; bfloat16 halves them.")
    ] = "float32",
) -> None:
    """Write what a run learned (adapters, projector) without the backbone and without any data.

    - `thinkrec weights ml1m/thinkrec-smollm2-keywords --out weights --dtype bfloat16`
    - `thinkrec run ml1m/thinkrec-smollm2-keywords --train-only -o model.global_stage.weights=weights`
      then takes them in place of training

    Whoever has the same backbone and the same data can go on from there; the backbone is known by its contents.
    """
    import torch
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.run import saved_model
    from thinkrec.run.exports import export_weights
    from thinkrec.run.folders import find_run_folder

    opened = saved_model.open_run(find_run_folder(run))
    written = export_weights(opened, out, model, getattr(torch, dtype))
    size = sum(path.stat().st_size for path in written.rglob("*") if path.is_file())
    show.make_console().print(Text(f"weights: {written} ({size / 1e6:.1f} MB)"), soft_wrap=True)
