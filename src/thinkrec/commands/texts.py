"""`evaluate --text`: how close written reasons are to references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
from rich.text import Text

from thinkrec.commands import show
from thinkrec.commands.grounding import ground_reason_table
from thinkrec.commands.truth import build_label_table, read_labels
from thinkrec.data.output_tables import write_table
from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.grounding.results import GroundingResults, to_dict
from thinkrec.evaluate.grounding.table import render_grounding_table as grounding_table
from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.evaluate.text import meteor, wordnet
from thinkrec.evaluate.text.align import References, align_reasons, keep_common_references, read_references
from thinkrec.evaluate.text.compare import MetricResources, TextMetricValues, compute_text_metrics
from thinkrec.evaluate.text.summary import (
    TextResults,
    build_row_table,
    render_text_results,
    summarise_texts,
    write_text_metrics,
)
from thinkrec.run import saved_model

ANOTHER_ROW = "of another row"
UNKNOWN = 0.2
"""Largest share of unknown tokens with which an encoder's similarity says anything: they are all alike to it."""


@dataclass(frozen=True)
class TextOptions:
    """The options of `thinkrec evaluate --text`."""

    references: Path | None
    split: str | None = None
    against: Sequence[Path] = ()
    baseline: bool = False
    bleurt: str | None = None
    encoder: Path | None = None
    wordnet: Path | None = None
    out: Path | None = None
    draws: int = 1000
    seed: int = 0
    partial: bool = False

    def has_text_options(self) -> bool:
        """Whether any option was given that only --text knows."""
        paths = (self.references, self.bleurt, self.encoder, self.wordnet)
        return bool(self.against) or self.baseline or any(value is not None for value in paths)


def run_text_evaluation(
    reasons: Path, options: TextOptions, interactions: Path | None, run: str | None, grounding: bool
) -> None:
    """`thinkrec evaluate --text`, and with `grounding` every table also as `--grounding` judges it."""
    if options.references is None:
        raise DataError("--text needs --references TABLE, the reasons that these are compared to")
    if interactions is not None and run is not None:
        raise DataError("say where the users are once: --interactions TABLE or --run RUN")
    if options.out is not None and options.out.suffix != ".json":
        raise DataError(f"{options.out}: --out writes JSON; give a name such as text-metrics.json")
    if grounding and run is None:
        raise DataError("--grounding needs --run RUN, whose data the reasons are about")
    references = read_references(
        read_table(options.references),
        str(options.references),
        split=options.split,
        users=_read_users(interactions, run),
    )
    paths = _name_tables([reasons, *options.against])
    tables, remark = {name: read_table(path) for name, path in paths.items()}, ""
    if options.partial:
        named, references, remark = keep_common_references(
            {str(paths[name]): t for name, t in tables.items()}, references
        )
        tables = {name: named[str(path)] for name, path in paths.items()}
    texts = {name: align_reasons(table, str(paths[name]), references) for name, table in tables.items()}
    baselines = ()
    if options.baseline:
        texts |= build_permutation_baseline(next(iter(texts)), texts, references, options.seed)
        baselines = tuple(name for name in texts if name.endswith(ANOTHER_ROW))
    tools = drop_unsuited_encoder(load_tools(options), references)
    systems = {
        name: compute_text_metrics(found, references.text, tools, progress=True) for name, found in texts.items()
    }
    results = summarise_texts(
        systems,
        references,
        tools,
        baselines=baselines,
        draws=options.draws,
        seed=options.seed,
        remarks=(remark,) if remark else (),
    )
    out = show.make_console()
    out.print(render_text_results(results, f"Reasons compared to {options.references}"))
    grounded: dict[str, GroundingResults] = {}
    if grounding and run is not None:
        grounded = {
            name: ground_reason_table(path, show.find_run_folder(run), options.draws) for name, path in paths.items()
        }
        for name, found in grounded.items():
            out.print(grounding_table(found, title=f"Grounding of {name}"))
    if options.out is not None:
        _write_results(options, reasons, results, systems, references, grounded)
        out.print(Text(f"metrics: {options.out}\nper row: {options.out.with_suffix('.parquet')}"), soft_wrap=True)


def build_permutation_baseline(
    first: str, texts: dict[str, tuple[str, ...]], references: References, seed: int
) -> dict[str, tuple[str, ...]]:
    """What chance gives: a reference of another row, and the first system's reason of another row."""
    _, code = checks.encode_users(references.user, len(references.order))
    places = draw_permutation_baseline(code, seed)
    return {
        f"reference {ANOTHER_ROW}": tuple(references.text[place] for place in places),
        f"{first}, reason {ANOTHER_ROW}": tuple(texts[first][place] for place in places),
    }


def load_tools(options: TextOptions) -> MetricResources:
    """Load what is there; what was asked for and cannot be loaded is an error, what was not is "not available"."""
    why = {}
    folder = options.wordnet or wordnet.find_wordnet()
    dictionary = None if folder is None else wordnet.open_wordnet(folder)
    if dictionary is None:
        why[meteor.WITH_SYNONYMS] = f"there is no WordNet 3.0; run: {wordnet.INSTALL}, or give --wordnet FOLDER"
    bleurt = similarity = None
    if options.bleurt is None:
        why["bleurt"] = "no checkpoint was given; unpack BLEURT-20.zip and give --bleurt FOLDER"
    else:
        from thinkrec.evaluate.text.bleurt import load_bleurt

        bleurt = load_bleurt(options.bleurt)
    if options.encoder is not None:
        from thinkrec.evaluate.text.similarity import load_encoder

        similarity = load_encoder(options.encoder)
    return MetricResources(dictionary, bleurt, similarity, why)


def drop_unsuited_encoder(tools: MetricResources, references: References) -> MetricResources:
    """The tools without the similarity where its encoder does not know the script of the references."""
    if tools.similarity is None:
        return tools
    unknown = tools.similarity.compute_unknown_share(references.text)
    if unknown <= UNKNOWN:
        return tools
    why = f"the encoder does not know {unknown:.0%} of the references' tokens; give one for their language"
    return replace(tools, similarity=None, unavailable={**(tools.unavailable or {}), "similarity": why})


def _read_users(interactions: Path | None, run: str | None) -> pl.DataFrame | None:
    if run is not None:
        folder = show.find_run_folder(run)
        known = build_label_table(saved_model.read_training_data(folder))
    else:
        known = None if interactions is None else read_labels(interactions, labels=False)
    return None if known is None else known.select("order", user="user_id")


def _name_tables(paths: Sequence[Path]) -> dict[str, Path]:
    """A name per table: its stem; where those are not all different its folder's, then both."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise DataError("one table was given twice; compare different ones")
    for choice in (
        lambda p: p.stem,
        lambda p: p.resolve().parent.name,
        lambda p: f"{p.resolve().parent.name}/{p.stem}",
    ):
        names = {choice(path): path for path in paths}
        if len(names) == len(paths):
            return names
    return {str(path): path for path in paths}


def _write_results(
    options: TextOptions,
    reasons: Path,
    results: TextResults,
    systems: dict[str, TextMetricValues],
    references: References,
    grounded: dict[str, GroundingResults],
) -> None:
    from importlib.metadata import version

    assert options.out is not None
    assert options.references is not None
    # Names without the way to them: the file is meant to be kept and shown.
    sources = {
        "reasons": f"{reasons.resolve().parent.name}/{reasons.name}",
        "against": [f"{path.resolve().parent.name}/{path.name}" for path in options.against],
        "references": options.references.name,
        "split": options.split,
        "bleurt": None if options.bleurt is None else Path(options.bleurt).name,
        "encoder": None if options.encoder is None else options.encoder.name,
    }
    packages = {name: version(name) for name in ("nltk", "rouge-score", "sacrebleu")}
    write_text_metrics(
        options.out,
        results,
        {**sources, "packages": packages},
        {name: to_dict(found) for name, found in grounded.items()},
    )
    write_table(build_row_table(systems, references), options.out.with_suffix(".parquet"))
