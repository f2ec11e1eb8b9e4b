"""`thinkrec evaluate text`: how close written reasons are to references, and what they are by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from thinkrec.cli.options import Partial
from thinkrec.model.backbone_config import BackboneDtype

if TYPE_CHECKING:
    import polars as pl

    from thinkrec.evaluate.grounding.results import GroundingResults
    from thinkrec.evaluate.text.align import References
    from thinkrec.evaluate.text.reason_tables import TextComparison
    from thinkrec.evaluate.text.row_items import RowItems
    from thinkrec.run.pipeline import Run


def text(
    reasons: Annotated[Path, typer.Argument(metavar="TABLE", help="order and reason.")],
    references: Annotated[Path, typer.Option(help="What they are compared to: order, reason, user_id, maybe split.")],
    against: Annotated[list[Path] | None, typer.Option(help="Reasons of another system; may be repeated.")] = None,
    split: Annotated[str | None, typer.Option(help="Only references of this split, which their table names.")] = None,
    partial: Partial = False,
    interactions: Annotated[
        Path | None, typer.Option(help="Table with user_id, for references that do not name their users.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(help="The run whose data the reasons are about: names the users, and what is known of the items."),
    ] = None,
    baseline: Annotated[bool, typer.Option("--baseline", help="Also compare reasons of another row.")] = False,
    grounding: Annotated[
        bool, typer.Option("--grounding", help="Also judge every table as `evaluate grounding` does.")
    ] = False,
    bleurt: Annotated[str | None, typer.Option(help="Folder or hub name of BLEURT-20.")] = None,
    encoder: Annotated[Path | None, typer.Option(help="Folder of a model for similarity.")] = None,
    wordnet: Annotated[
        Path | None, typer.Option(help="Folder of WordNet 3.0; by default where Debian's wordnet-base has it.")
    ] = None,
    reference_model: Annotated[
        str | None,
        typer.Option(help="Language model for the likelihood of texts: nano, smollm2, a folder, a hub name."),
    ] = None,
    reference_dtype: Annotated[
        BackboneDtype, typer.Option(help="Format that it is held in; auto: the one this machine is fastest in.")
    ] = "auto",
    draws: Annotated[int, typer.Option(min=100, help="Bootstrap draws.")] = 1000,
    out: Annotated[Path | None, typer.Option(help="Write JSON here, and a table with every row beside it.")] = None,
) -> None:
    """Compare reasons with references, and judge what they are by themselves, with intervals.

    - `thinkrec evaluate text reasons.parquet --references written.parquet --split test --baseline`
    - `thinkrec evaluate text reasons.parquet --references written.parquet --against other.parquet
      --bleurt BLEURT-20 --out text-metrics.json`
    - `thinkrec evaluate text reasons.parquet --references written.parquet --grounding --run demo
      --reference-model smollm2`

    Beside the references: METEOR, ROUGE-L, BLEU, BLEURT, similarity. By themselves, beside the same of the references:
    repeated word sequences, distinct words, likelihood; with --run also unknown words, whether the target is named, and
    whether its texts support what is said of it.

    Rows are matched by `order`. All references are judged: one without a reason is an error, unless --partial is
    given, which says what was left out.
    """
    from rich.text import Text

    from thinkrec.cli import show
    from thinkrec.cli.json_files import check_json_name
    from thinkrec.data.output_tables import check_not_read
    from thinkrec.data.tables import read_table
    from thinkrec.errors import DataError
    from thinkrec.evaluate.text.align import read_references
    from thinkrec.evaluate.text.reason_tables import compare_reason_tables, name_tables
    from thinkrec.evaluate.text.render import render_text_results
    from thinkrec.evaluate.text.resources import load_metric_resources

    if interactions is not None and run is not None:
        raise DataError("say where the users are once: --interactions TABLE or --run RUN")
    check_json_name(out, "text-metrics.json")
    if out is not None:
        rows = out.with_suffix(".parquet")
        check_not_read(rows, [reasons, references, *(against or ()), interactions], f"--out {out} (its table per row)")
    if grounding and run is None:
        raise DataError("--grounding needs --run RUN, whose data the reasons are about")
    opened = _open_run(run)
    table = read_table(references)
    targets = read_references(table, str(references), split=split, users=_read_users(interactions, opened))
    paths = name_tables([reasons, *(against or ())])
    resources = load_metric_resources(
        bleurt=bleurt,
        encoder=encoder,
        wordnet=wordnet,
        reference_model=reference_model,
        reference_dtype=reference_dtype,
        row_items=_find_items(opened, table, targets),
    )
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
            "run": None if run is None else Path(run).name,
            "bleurt": None if bleurt is None else Path(bleurt).name,
            "encoder": None if encoder is None else encoder.name,
            "reference_model": None if resources.likelihood is None else resources.likelihood.name,
        }
        _write_results(out, comparison, sources, grounded)
        console.print(Text(f"metrics: {out}\nper row: {out.with_suffix('.parquet')}"), soft_wrap=True)


def _open_run(run: str | None) -> Run | None:
    from thinkrec.run import saved_model
    from thinkrec.run.folders import find_run_folder

    return None if run is None else saved_model.open_run(find_run_folder(run))


def _read_users(interactions: Path | None, opened: Run | None) -> pl.DataFrame | None:
    """(order, user) of the rows that references may be about; None where the references' own users count."""
    from thinkrec.evaluate.labels import build_label_table, read_labels

    if opened is not None:
        rows = build_label_table(opened.ds)
    elif interactions is not None:
        rows = read_labels(interactions, labels=False)
    else:
        return None
    return rows.select("order", user="user_id")


def _find_items(opened: Run | None, table: pl.DataFrame, references: References) -> RowItems | None:
    """The items of the references' rows, with histories as long as the run's prompts show them; None without a run."""
    from thinkrec.evaluate.text.row_items import find_row_items
    from thinkrec.prompts.config import PromptConfig

    if opened is None:
        return None
    model = opened.recipe.model
    shown = model.prompt if model.kind == "thinkrec" else None
    prompt = shown or PromptConfig()
    return find_row_items(opened.ds, table, references, prompt.history, prompt.history_step, shown)


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
    from importlib.metadata import PackageNotFoundError, version

    from thinkrec.data.output_tables import write_table
    from thinkrec.evaluate.grounding.results import to_dict
    from thinkrec.evaluate.text.summary import build_row_table, write_text_metrics

    packages: dict[str, str | None] = {name: version(name) for name in ("nltk", "rouge-score", "sacrebleu")}
    try:
        packages["pyspellchecker"] = version("pyspellchecker")
    except PackageNotFoundError:  # its metric is not available then, which the file says
        packages["pyspellchecker"] = None
    measures = {name: to_dict(result) for name, result in grounded.items()}
    write_text_metrics(out, comparison.results, {**sources, "packages": packages}, measures)
    write_table(build_row_table(comparison.systems, comparison.references), out.with_suffix(".parquet"))
