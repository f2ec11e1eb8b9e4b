"""Settings of a writer compared: values with intervals, the choice, a table and a file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.grounding.results import POLICIES, compute_metric_difference
from thinkrec.evaluate.metrics.bootstrap import Estimate, PairedDifference
from thinkrec.evaluate.number_format import format_number
from thinkrec.evaluate.table import make_captioned_table
from thinkrec.evaluate.text.align import References
from thinkrec.evaluate.text.metric_types import MetricResources, TextMetricValues
from thinkrec.evaluate.text.row_items import RowItems
from thinkrec.evaluate.text.summary import REFERENCES, TextResults, summarise_texts
from thinkrec.io.counts import format_count
from thinkrec.io.files import to_json_value, write_json
from thinkrec.run.decoding_grid import WriterSettings
from thinkrec.run.decoding_trial import AIMS_FREE, AIMS_RULED, SettingResult, compute_shortfall

SCHEMA = "thinkrec-decoding/1"
TEXT_METRICS = ("meteor_no_synonyms", "repeated_4grams", "distinct_words_share", "support", "support_shown")
HEADINGS = {
    "meteor_no_synonyms": "METEOR no syn.",
    "repeated_4grams": "repeated",
    "distinct_words_share": "distinct",
    "support": "support",
    "support_shown": "shown",
    "target_named": "named",
    "citation_precision": "cited",
    "stated_side_right": "sides",
    "said_keywords_true": "keywords",
}
"""Metric -> its column, short so that a line has room for all; the file has the policies."""
GROUNDING_METRICS = ("target_named", "citation_precision", "stated_side_right", "said_keywords_true")
CHOICE = (
    "chosen, for `any` and for the other policies: the smallest sum of (aim - value) / aim over the aims missed; aims "
    "without a rule: {}; with one: {}"
)


@dataclass(frozen=True)
class DecodingResults:
    """Settings by name, what they came to, and which are chosen."""

    settings: dict[str, SettingResult]
    texts: TextResults
    shortfalls: dict[str, float]
    """Name -> how far it is from the aims of its kind; 0: all are reached."""
    chosen: tuple[str, ...]
    """The best without a rule and the best with one, where there are such."""

    def get_estimate(self, name: str, metric: str) -> Estimate | None:
        """A value with its interval; None where it is not defined."""
        if metric in TEXT_METRICS:
            return self.texts.estimates[name].get(metric)
        measure = self.settings[name].grounding.get(metric) if name in self.settings else None
        return None if measure is None else measure.value

    def compare_first(self, name: str) -> dict[str, PairedDifference]:
        """The first setting less another, metric by metric, on the same draws of users; empty for the first."""
        first, this = next(iter(self.settings)), self.settings[name].grounding
        if name == first:
            return {}
        own = self.settings[first].grounding
        texts = {m: d for m, d in self.texts.against.get(name, {}).items() if m in TEXT_METRICS}
        claims = {m: compute_metric_difference(own[m], this[m]) for m in GROUNDING_METRICS if m in own and m in this}
        return texts | claims


def summarise_settings(
    results: Sequence[SettingResult],
    usual: WriterSettings,
    references: References,
    references_alone: TextMetricValues,
    row_items: RowItems,
    *,
    draws: int,
    seed: int,
) -> DecodingResults:
    """Compare settings, the first with all others on the same draws of users, and choose."""
    named = {result.settings.format_name(usual): result for result in results}
    texts = summarise_texts(
        {name: result.values for name, result in named.items()},
        references,
        MetricResources(row_items=row_items),
        references_alone=references_alone,
        draws=draws,
        seed=seed,
    )
    whole = DecodingResults(named, texts, {}, ())
    shortfalls = {
        name: compute_shortfall(
            list_aimed_values(whole, name), AIMS_FREE if result.settings.citation_policy == "any" else AIMS_RULED
        )
        for name, result in named.items()
    }
    kinds = ([n for n, r in named.items() if (r.settings.citation_policy == "any") is free] for free in (True, False))
    chosen = tuple(min(names, key=shortfalls.__getitem__) for names in kinds if names)
    return dataclasses.replace(whole, shortfalls=shortfalls, chosen=chosen)


def list_aimed_values(results: DecodingResults, name: str) -> dict[str, float]:
    """The values of a setting that aims are set for, as shares of which more is better."""
    values = {}
    for metric in (*TEXT_METRICS, *GROUNDING_METRICS):
        estimate = results.get_estimate(name, metric)
        values[metric] = math.nan if estimate is None else estimate.value
    return {**values, "not_repeated": 1.0 - values["repeated_4grams"]}


def render_settings_table(results: DecodingResults, title: str) -> Table:
    """One line per setting, the chosen ones bold, and the references' own values."""
    texts = results.texts
    aims = (", ".join(f"{metric} {aim:g}" for metric, aim in part.items()) for part in (AIMS_FREE, AIMS_RULED))
    table = make_captioned_table(
        title,
        [
            f"{format_count(texts.n_rows, 'row')}, {format_count(texts.n_users, 'user')}. Intervals, differences to "
            "the first setting and what a column counts are in the file. distinct: share of the references' distinct "
            "words; shown: support by what the prompt shows.",
            f"{CHOICE.format(*aims)}. Settings were compared on these rows: their values are no estimate for others.",
            *texts.remarks,
            *texts.remarks_alone,
        ],
    )
    table.add_column("", overflow="fold", min_width=24)
    metrics = (*TEXT_METRICS, *GROUNDING_METRICS)
    for heading in (*(HEADINGS[metric] for metric in metrics), "short of aims", "CPU s"):
        table.add_column(heading, justify="right", overflow="fold")
    for name in (*results.settings, REFERENCES):
        cells = [name, *(_format_value(results.get_estimate(name, metric)) for metric in metrics)]
        if name in results.settings:
            cells += [f"{results.shortfalls[name]:.3f}", f"{results.settings[name].cpu_seconds:.0f}"]
        table.add_row(*(Text(cell, style="bold" if name in results.chosen else "") for cell in cells))
    return table


def _format_value(estimate: Estimate | None) -> str:
    return "-" if estimate is None else format_number(estimate.value)


def write_settings_results(path: Path, results: DecodingResults, provenance: Mapping[str, Any]) -> None:
    """Write a JSON file: values with intervals by setting, differences to the first, the choice, and where from."""
    texts = results.texts
    settings = {
        name: {
            "settings": result.settings.model_dump(mode="json"),
            "seconds": result.seconds,
            "cpu_seconds": result.cpu_seconds,
            "short_of_aims": results.shortfalls[name],
            "estimates": {
                metric: to_json_value(dataclasses.asdict(estimate))
                for metric in (*TEXT_METRICS, *GROUNDING_METRICS)
                if (estimate := results.get_estimate(name, metric)) is not None
            },
            "counts": {m: result.grounding[m].count for m in GROUNDING_METRICS if m in result.grounding},
            "first_minus_this": to_json_value(
                {m: dataclasses.asdict(d) for m, d in results.compare_first(name).items()}
            ),
        }
        for name, result in results.settings.items()
    }
    content = {
        "schema": SCHEMA,
        "chosen": list(results.chosen),
        "settings": settings,
        "references": to_json_value(
            {m: dataclasses.asdict(e) for m, e in texts.estimates[REFERENCES].items() if m in TEXT_METRICS}
        ),
        "n_rows": texts.n_rows,
        "n_users": texts.n_users,
        "aims": {"any": AIMS_FREE, "policies": AIMS_RULED},
        "policies": {
            **{m: text for m, text in texts.policies.items() if m in TEXT_METRICS},
            **{m: POLICIES[m] for m in GROUNDING_METRICS},
        },
        "provenance": dict(provenance),
    }
    write_json(path, content)
