"""`thinkrec evaluate text`: how close written reasons are to references."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkrec.cli.options import Partial

if TYPE_CHECKING:
    import polars as pl

    from thinkrec.evaluate.grounding.results import GroundingResults
    from thinkrec.evaluate.text.reason_tables import TextComparison


def text(
    reasons: Annotated[Path, typer.Argument(metavar="TABLE", help="order and reason.")],
    references: Annotated[Path, typer.Option(help="What they are compared to: order, reason, user_id, maybe split.")],
    against: Annotated[list[Path] | None, typer.Option(help="Reasons of another system; may be repeated.")] = None,
    split: Annotated[str | None, typer.Option(help="Only references of this split, which their table names.")] = None,
    partial: Partial = False,
    interactions: Annotated[
        Path | None, typer.Option(help="Table with user_id, for references that do not name their users.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="The run whose data names the users; needed for --grounding.")] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Also compare reasons of another row.")] = False,
    grounding: Annotated[
        bool, typer.Option("--grounding", help="Also judge every table as `evaluate grounding` does.")
    ] = False,
    bleurt: Annotated[str | None, typer.Option(help="Folder or hub name of BLEURT-20.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="Folder of a model for similarity.")] = None,
    wordnet: Annotated[Path | None, typer.Option(help="Folder of WordNet 3.0.")] = None,
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="Write JSON here, and a table with every row beside it.")] = None,
) -> None:
    """Compare reasons with references: METEOR, BLEURT, similarity and overlap, with intervals.

    - `thinkrec evaluate text reasons.parquet --references written.parquet --split test --baseline`
    - `thinkrec evaluate text reasons.parquet --references written.parquet --against other.parquet
      --bleurt BLEURT-20 --out text-metrics.json`
    - `thinkrec evaluate text reasons.parquet --references written.parquet --grounding --run demo`

    Rows are matched by `order`. All references are judged: one without a reason is an error, unless --partial is
    given, which says what was left out.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.data.tables import read_table
    from thinkrec.errors import DataError
    from thinkrec.evaluate.text.align import read_references
    from thinkrec.evaluate.text.reason_tables import compare_reason_tables, name_tables
    from thinkrec.evaluate.text.resources import load_metric_resources
    from thinkrec.evaluate.text.summary import render_text_results

    if interactions is not None and run is not None:
        raise DataError("say where the users are once: --interactions TABLE or --run RUN")
    check_json_name(out, "text-metrics.json")
    if grounding and run is None:
        raise DataError("--grounding needs --run RUN, whose data the reasons are about")
    users = _read_users(interactions, run)
    targets = read_references(read_table(references), str(references), split=split, users=users)
    paths = name_tables([reasons, *(against or ())])
    resources = load_metric_resources(bleurt=bleurt, encoder=encoder, wordnet=wordnet)
    comparison = compare_reason_tables(
        paths, targets, resources, partial=partial, baseline=baseline, draws=draws, progress=True
    )
    console = show.make_console()
    console.print(render_text_results(comparison.results, f"Reasons compared to {references}"))
    grounded = _ground_tables(paths, run, draws) if grounding and run is not None else {}
    if out is not None:
        # Names without the way to them: the file is meant to be kept and shown.
        sources = {
            "reasons": _shorten_path(reasons),
            "against": [_shorten_path(path) for path in against or ()],
            "references": references.name,
            "split": split,
            "bleurt": None if bleurt is None else Path(bleurt).name,
            "encoder": None if encoder is None else encoder.name,
        }
        _write_results(out, comparison, sources, grounded)
        console.print(Text(f"metrics: {out}\nper row: {out.with_suffix('.parquet')}"), soft_wrap=True)


def _read_users(interactions: Path | None, run: str | None) -> pl.DataFrame | None:
    """(order, user) of the rows that references may be about; None where the references' own users count."""
    from thinkrec.evaluate.labels import build_label_table, read_labels
    from thinkrec.run import saved_model
    from thinkrec.run.folders import find_run_folder

    if run is not None:
        rows = build_label_table(saved_model.read_training_data(find_run_folder(run)))
    elif interactions is not None:
        rows = read_labels(interactions, labels=False)
    else:
        return None
    return rows.select("order", user="user_id")


def _shorten_path(path: Path) -> str:
    return f"{path.resolve().parent.name}/{path.name}"


def _ground_tables(paths: Mapping[str, Path], run: str, draws: int) -> dict[str, GroundingResults]:
    """Judge and show every table as `evaluate grounding` does."""
    from thinkrec.cli import show
    from thinkrec.evaluate.grounding.table import render_grounding_table
    from thinkrec.run.folders import find_run_folder
    from thinkrec.run.reason_grounding import ground_reason_table

    folder = find_run_folder(run)
    results = {name: ground_reason_table(path, folder, draws) for name, path in paths.items()}
    for name, result in results.items():
        show.make_console().print(render_grounding_table(result, title=f"Grounding of {name}"))
    return results


def _write_results(
    out: Path, comparison: TextComparison, sources: Mapping[str, Any], grounded: Mapping[str, GroundingResults]
) -> None:
    from importlib.metadata import version

    from thinkrec.data.output_tables import write_table
    from thinkrec.evaluate.grounding.results import to_dict
    from thinkrec.evaluate.text.summary import build_row_table, write_text_metrics

    packages = {name: version(name) for name in ("nltk", "rouge-score", "sacrebleu")}
    measures = {name: to_dict(result) for name, result in grounded.items()}
    write_text_metrics(out, comparison.results, {**sources, "packages": packages}, measures)
    write_table(build_row_table(comparison.systems, comparison.references), out.with_suffix(".parquet"))
