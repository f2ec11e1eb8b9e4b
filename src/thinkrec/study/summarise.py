"""From the metrics of every row and seed to means, tests and the family that they are corrected over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from thinkrec.evaluate.metrics.bootstrap import METRICS, BootstrapResult
from thinkrec.evaluate.metrics.multiple_tests import compute_adjusted_p_values
from thinkrec.evaluate.metrics.ranking import describe_policies
from thinkrec.evaluate.metrics.seed_means import compare_seed_means, compute_seed_mean
from thinkrec.study.collect import Collection, RowSamples, get_evaluation_config
from thinkrec.study.results import JudgedRows, PairTest, StudyResults, StudyRow
from thinkrec.study.study_files import Study


def summarise_study(study: Study, collection: Collection, failures: Mapping[str, str]) -> StudyResults:
    """Everything that the tables and the report say.

    `failures`: name of a run that failed -> why; what `collection` could not read comes on top.
    """
    config = get_evaluation_config(study.entries)
    parts = list(dict.fromkeys(row.part for row in collection.rows))
    by_name = {row.name: row for row in collection.rows}
    level = study.config.level
    pairs, untested = _compare_pairs(study, by_name, level)
    return StudyResults(
        title=study.title,
        rows=tuple(_build_rows(study, by_name, parts, level)),
        pairs=tuple(_attach_adjusted_values(pairs)),
        untested=tuple(untested),
        family_size=sum(not math.isnan(d.p_value) for pair in pairs for d in pair.differences.values()),
        metrics=study.config.metrics,
        parts=tuple(_describe_rows(next(iter(_find_part(collection.rows, part).samples.values()))) for part in parts),
        level=level,
        k=config.k,
        draws=config.bootstrap_draws,
        bootstrap_seed=config.seed,
        policies=describe_policies(config.k, config.map_denominator),
        other_published=study.other_published,
        figures=study.config.figures,
        failures=tuple({**failures, **collection.failures}.items()),
        remarks=tuple(collection.remarks),
    )


def _build_rows(study: Study, by_name: Mapping[str, RowSamples], parts: Sequence[str], level: float) -> list[StudyRow]:
    """The study's own rows in their order, then those of one number per item."""
    rows = []
    wanted: dict[str, tuple[int, ...]] = {row: entry.seeds for entry in study.entries for row in entry.rows}
    wanted |= dict.fromkeys(study.config.averages, ())
    for name in [*wanted, *(name for name in by_name if name not in wanted)]:
        row = by_name.get(name)
        published = study.published.get(name, ())
        if row is None:
            rows.append(StudyRow(name, "model", -1, (), wanted[name], {}, published))
            continue
        samples = list(row.samples.values())
        seeds = tuple(seed for seed in wanted.get(name, ()) if seed in row.samples)
        rows.append(
            StudyRow(
                name=name,
                kind="model" if row.is_personal else "impersonal",
                part=parts.index(row.part),
                seeds=seeds,
                missing=tuple(seed for seed in wanted.get(name, ()) if seed not in row.samples),
                means={metric: compute_seed_mean(samples, metric, level=level) for metric in METRICS},
                published=published,
                same_scores=len(samples) > 1 and len(set(row.digests.values())) == 1,
                n_averaged=row.n_averaged,
            )
        )
    return rows


def _compare_pairs(
    study: Study, by_name: Mapping[str, RowSamples], level: float
) -> tuple[list[PairTest], list[tuple[str, str, str]]]:
    """Every pair of the study that both sides have figures for, and those that could not be tested, with why."""
    pairs, untested = [], []
    for name, other in study.list_pairs():
        missing = [row for row in (name, other) if row not in by_name]
        if missing:
            untested.append((name, other, f"no run of {' and '.join(missing)} is finished"))
            continue
        a, b = by_name[name], by_name[other]
        if a.part != b.part:
            untested.append((name, other, "they were judged on different test rows"))
            continue
        ours, theirs = list(a.samples.values()), list(b.samples.values())
        differences = {m: compare_seed_means(ours, theirs, m, level=level) for m in study.config.metrics}
        same = len({*a.digests.values(), *b.digests.values()}) == 1
        pairs.append(PairTest(name, other, differences, {}, same))
    return pairs, untested


def _attach_adjusted_values(pairs: Sequence[PairTest]) -> list[PairTest]:
    """The pairs with p-values that hold for all of them together."""
    places = [(number, metric) for number, pair in enumerate(pairs) for metric in pair.differences]
    values = compute_adjusted_p_values([pairs[number].differences[metric].p_value for number, metric in places])
    adjusted: list[dict[str, float]] = [{} for _ in pairs]
    for (number, metric), value in zip(places, values, strict=True):
        adjusted[number][metric] = value
    return [
        PairTest(pair.row, pair.against, pair.differences, values_of_pair, pair.same_scores)
        for pair, values_of_pair in zip(pairs, adjusted, strict=True)
    ]


def _find_part(rows: Sequence[RowSamples], part: str) -> RowSamples:
    return next(row for row in rows if row.part == part)


def _describe_rows(sample: BootstrapResult) -> JudgedRows:
    per_user = sample.per_user
    both = (per_user.positives > 0) & (per_user.positives < per_user.rows)
    return JudgedRows(sample.n_rows, len(per_user.user), int(both.sum()), int((per_user.rows > 1).sum()))
