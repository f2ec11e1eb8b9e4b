"""What a study's figures say, in plain sentences: one for each row, and the notes under the tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from thinkrec.evaluate.metrics.seed_means import MeanDifference
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.io.counts import format_count
from thinkrec.study.results import PairTest, StudyResults, StudyRow


def build_row_sentences(results: StudyResults) -> dict[str, str]:
    """Row -> what is known of its differences to others, and how published figures lie beside it."""
    return {row.name: " ".join(_list_row_sentences(row, results)) for row in results.rows}


def build_pair_sentence(pair: PairTest, results: StudyResults) -> str:
    """Whether the difference of a pair is real, metric by metric, after the correction."""
    if pair.same_scores:
        return f"It gives the very same scores as {pair.against}."
    titles = format_metric_titles(results.k)
    better, worse, undecided, undefined = [], [], [], []
    for metric, difference in pair.differences.items():
        text = f"{titles[metric]} ({format_difference(difference)}, p {format_p_value(pair.adjusted[metric])})"
        if math.isnan(difference.p_value):
            undefined.append(titles[metric])
        elif not is_real(pair, metric, results):
            undecided.append(metric)
        else:
            (better if difference.difference > 0 else worse).append(text)
    known = [f"{word} in {join_words(texts)}" for word, texts in (("better", better), ("worse", worse)) if texts]
    clauses = [f"a real difference: {', '.join(known)}"] if known else []
    if undecided:
        least = min(pair.adjusted[metric] for metric in undecided)
        of = f"p {format_p_value(least)}" if len(undecided) == 1 else f"smallest p {format_p_value(least)}"
        clauses.append(f"no difference is shown in {join_words([titles[metric] for metric in undecided])} ({of})")
    clauses += [f"no test is defined for {join_words(undefined)}"] if undefined else []
    return f"Against {pair.against} {'; '.join(clauses)}."


def is_real(pair: PairTest, metric: str, results: StudyResults) -> bool:
    """Whether a difference is called real: its p-value, corrected over the family, is at most one less the level."""
    value = pair.adjusted[metric]
    return not math.isnan(value) and value <= 1 - results.level + 1e-12


def describe_published(row: StudyRow, results: StudyResults) -> str:
    """Where figures from elsewhere lie beside the interval measured here; empty without any."""
    titles, sentences = format_metric_titles(results.k), []
    for figures in row.published:
        places: dict[str, list[str]] = {"below": [], "within": [], "above": []}
        for metric, mean in row.means.items():
            value = getattr(figures, metric)
            if value is None or mean.low is None or mean.high is None or math.isnan(mean.low):
                continue
            place = "below" if value < mean.low else "above" if value > mean.high else "within"
            places[place].append(f"{titles[metric]} {format_number(value)}")
        clauses = [f"{join_words(texts)} {place}" for place, texts in places.items() if texts]
        if clauses:
            sentences.append(f"Published ({figures.source}): {', '.join(clauses)} the interval measured here.")
    return " ".join(sentences)


def list_notes(results: StudyResults) -> list[str]:
    """How everything was counted and tested; belongs below the tables."""
    titles = format_metric_titles(results.k)
    level = f"{results.level:.0%}"
    notes = [
        f"Each value is the mean over seeds. Brackets: {level} interval over {results.draws:,} draws of users with "
        f"replacement (seed {results.bootstrap_seed}, the same draws for every row), the seeds as they are. sd: "
        "standard deviation over seeds of one run.",
        *(f"{titles[metric]}: {policy}." for metric, policy in results.policies.items()),
    ]
    if results.pairs:
        notes += [
            f"Family: {results.family_size} tests ({len(results.pairs)} x {len(results.metrics)}: every pair of rows "
            f"in {join_words([titles[metric] for metric in results.metrics])}). p-values are corrected over all of "
            f"them (Holm); a difference is called real where its corrected p is at most "
            f"{format_p_value(1 - results.level)}. Intervals are those of each difference by itself, not corrected.",
            "Two sources of variance. Users: the variance over draws of users of the difference between both means. "
            "Seeds: the variance over seeds of each side, divided by their number. Their sum is the variance of the "
            "difference, its root the standard error; p is that of Student's t = difference / standard error, with the "
            "degrees of freedom of Welch and Satterthwaite, and the interval of a difference is by the same t. What a "
            "seed does to some users alone stands in both parts: the error is a little too large, not too small.",
        ]
        single = _list_single_seed_rows(results)
        if single:
            notes.append(
                f"One seed only: {join_words(single)}. What another seed would change is not known of these rows, and "
                "not in their tests."
            )
    averages = [row.name for row in results.rows if row.n_averaged]
    if averages:
        notes.append(
            f"Mean of so many: the score of {join_words(averages)} is the mean of the scores (logits) of so many runs. "
            "It is one figure: what other seeds would change is not known of it, and not in its tests."
        )
    same = [row.name for row in results.rows if row.same_scores]
    if same:
        notes.append(f"The very same scores with every seed: {join_words(same)}. No seed reaches what they compute.")
    return notes


def describe_seeds(row: StudyRow) -> str:
    """How many seeds a row has, or of how many runs its score is the mean."""
    if row.n_averaged:
        return f"mean of {row.n_averaged}"
    return str(len(row.seeds)) if row.kind == "model" else "-"


def describe_parts(results: StudyResults) -> list[str]:
    """Which rows were judged, one sentence a set of test rows."""
    return [
        f"{part.n_rows:,} test rows of {format_count(part.n_users, 'user')} ({part.n_users_uauc:,} in UAUC, "
        f"{part.n_users_ranked:,} in NDCG and MAP)."
        for part in results.parts
    ]


def describe_gaps(results: StudyResults) -> list[str]:
    """What the study wants and does not have; empty where it is complete."""
    lines = [
        f"{row.name}: seed {join_words([str(seed) for seed in row.missing])} not finished."
        for row in results.rows
        if row.missing
    ]
    lines += [f"{name}: no figures: {why}" for name, why in results.failures]
    return lines + [f"{row} against {other}: not tested, since {why}." for row, other, why in results.untested]


def format_difference(difference: MeanDifference) -> str:
    """A difference with its interval: +.012 [+.004, +.020]."""
    interval = format_interval(difference.low, difference.high, signed=True)
    return f"{format_number(difference.difference, signed=True)} {interval}".rstrip()


def format_p_value(value: float) -> str:
    """Three decimals; below .001 it says so; n/a for NaN."""
    return "<.001" if value < 0.0005 else format_number(value)


def join_words(words: Sequence[str]) -> str:
    """Words in a list: a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _list_row_sentences(row: StudyRow, results: StudyResults) -> list[str]:
    if not row.means:
        return ["No run of it is finished."]
    sentences = [build_pair_sentence(pair, results) for pair in results.pairs if pair.row == row.name]
    others = [pair.row for pair in results.pairs if pair.against == row.name]
    if not sentences:
        sentences.append(
            f"Others are compared with it: {join_words(others)}."
            if others
            else "Compared with no other row; no difference is claimed."
        )
    published = describe_published(row, results)
    return [*sentences, published] if published else sentences


def _list_single_seed_rows(results: StudyResults) -> list[str]:
    compared: Mapping[str, None] = dict.fromkeys(name for pair in results.pairs for name in (pair.row, pair.against))
    by_name = {row.name: row for row in results.rows}
    return [name for name in compared if by_name[name].kind == "model" and len(by_name[name].seeds) == 1]
