"""Tables of reasons, of one system each, compared with the same references."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from thinkrec.data.tables import read_table
from thinkrec.errors import DataError
from thinkrec.evaluate.text.align import References, align_reasons, keep_common_references
from thinkrec.evaluate.text.alone import compute_metrics_alone
from thinkrec.evaluate.text.compare import compute_text_metrics, merge_values
from thinkrec.evaluate.text.metric_types import MetricResources, TextMetricValues
from thinkrec.evaluate.text.permutation import build_permutation_baseline
from thinkrec.evaluate.text.resources import drop_unsuited_encoder
from thinkrec.evaluate.text.summary import REFERENCES, TextResults, summarise_texts


@dataclass(frozen=True, eq=False)
class TextComparison:
    """What several tables of reasons came to."""

    results: TextResults
    systems: Mapping[str, TextMetricValues]
    """Metrics of every row, by system, the references themselves among them."""
    references: References
    """Those that were judged."""


def compare_reason_tables(
    paths: Mapping[str, Path],
    references: References,
    resources: MetricResources,
    *,
    partial: bool = False,
    baseline: bool = False,
    draws: int = 1000,
    seed: int = 0,
    progress: bool = False,
) -> TextComparison:
    """Compare the reasons of every table (order, reason) with the references.

    Args:
        paths: name of a system -> its table; the first one is the one in question.
        references: what they are compared to.
        resources: dictionaries, models and the items of the references' rows, as far as they are there.
        partial: judge the references that all tables have a reason for, and say what was left out.
        baseline: also compare reasons of other rows, as what chance gives.
        draws: bootstrap draws over users.
        seed: of the draws and of the choice of other rows.
        progress: whether bars are drawn.

    Raises:
        DataError: for a reference without a reason, unless `partial`.
    """
    tables, remark = {name: read_table(path) for name, path in paths.items()}, ""
    if partial:
        by_path = {str(paths[name]): table for name, table in tables.items()}
        by_path, common, remark = keep_common_references(by_path, references)
        tables = {name: by_path[str(path)] for name, path in paths.items()}
        if resources.row_items is not None:
            is_common = np.isin(references.order, common.order)
            resources = replace(resources, row_items=resources.row_items.select_rows(is_common))
        references = common
    texts = {name: align_reasons(table, str(paths[name]), references) for name, table in tables.items()}
    chance = build_permutation_baseline(next(iter(texts)), texts, references, seed) if baseline else {}
    resources = drop_unsuited_encoder(resources, references)
    systems = {
        name: compute_text_metrics(system, references.text, resources, progress=progress)
        for name, system in {**texts, **chance}.items()
    }
    systems |= {
        name: merge_values(systems[name], compute_metrics_alone(system, resources, seed=seed, progress=progress))
        for name, system in texts.items()
    }
    alone = compute_metrics_alone(references.text, resources, seed=seed, progress=progress)
    results = summarise_texts(
        systems,
        references,
        resources,
        references_alone=alone,
        baselines=tuple(chance),
        draws=draws,
        seed=seed,
        remarks=(remark,) if remark else (),
    )
    return TextComparison(results, {**systems, REFERENCES: alone}, references)


def name_tables(paths: Sequence[Path]) -> dict[str, Path]:
    """A name per table: its stem; where those are not all different its folder's, then both."""
    if len({path.resolve() for path in paths}) < len(paths):
        raise DataError("one table was given twice; compare different ones")
    for choose_name in (
        lambda path: path.stem,
        lambda path: path.resolve().parent.name,
        lambda path: f"{path.resolve().parent.name}/{path.stem}",
    ):
        names = {choose_name(path): path for path in paths}
        if len(names) == len(paths):
            return names
    return {str(path): path for path in paths}
