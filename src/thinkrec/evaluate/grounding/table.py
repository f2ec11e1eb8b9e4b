"""Grounding as a table in the terminal."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from thinkrec.evaluate.grounding.results import POLICIES, GroundingResults
from thinkrec.evaluate.metrics.bootstrap import Estimate
from thinkrec.evaluate.table import format_interval, format_number, make_captioned_table

TITLES = {
    "citing": "cites its history",
    "citation_precision": "citation precision",
    "citation_existence": "citations that exist",
    "polarity_coverage": "polarity read",
    "polarity_accuracy": "polarity accuracy",
    "stated_side_coverage": "stated side read",
    "stated_side_right": "stated side right",
    "likes_called_disliked": "likes called disliked",
    "dislikes_called_liked": "dislikes called liked",
    "target_named": "target named",
    "verdict_given": "verdict given",
    "verdict_agreement": "verdict agrees with score",
    "cause_recall": "cause recall",
    "cause_precision": "cause precision",
    "attribute_accuracy": "attribute accuracy",
    "attribute_coverage": "attributes read",
    "said_keywords_true": "keywords said of a film true",
    "said_keywords_coverage": "keywords said of a film read",
    "prediction_agreement": "ends as it opens",
    "finished": "finished",
    "nothing_untrue": "nothing untrue",
}
"""Metric -> its name in a table."""


def render_grounding_table(results: GroundingResults, *, title: str = "Grounding") -> Table:
    """One line per metric: value, the same with reasons of other rows, difference; policies below."""
    notes = [
        f"{len(results.rows):,} reasons, {results.n_users:,} users. Brackets: {results.level:.0%} interval over "
        f"{results.draws:,} draws of users with replacement, seed {results.seed}. Other row: the reason of another "
        "row, what chance gives.",
        *_describe_unread_claims(results),
        *(f"{TITLES[name]}: {POLICIES[name]}." for name in results.measures),
    ]
    table = make_captioned_table(title, notes)
    table.add_column("", overflow="fold")
    for heading in ("value", "other row", "difference", "of"):
        table.add_column(heading, justify="right")
    for name, measure in results.measures.items():
        pair = measure.difference
        change = (
            f"{format_number(pair.difference, signed=True)} {format_interval(pair.low, pair.high, signed=True)}".strip()
        )
        cells = (
            TITLES[name],
            _format_estimate(measure.value),
            _format_estimate(measure.baseline),
            change,
            f"{measure.count:,}",
        )
        table.add_row(*map(Text, cells))
    return table


def _describe_unread_claims(results: GroundingResults) -> list[str]:
    """Sentences on the mentions and citations of which no claim could be read, with counts."""
    mentions, read = sum(row.mentions for row in results.rows), sum(row.mentions_read for row in results.rows)
    sentences = []
    if not mentions:
        sentences.append("No keyword of the items shown stands in the texts: nothing said of attributes was judged.")
    elif read < mentions:
        sentences.append(
            f"{mentions - read:,} of {mentions:,} keywords in the texts stand in sentences of other forms and were not "
            "judged."
        )
    readable, claims = sum(row.readable for row in results.rows), sum(row.claims for row in results.rows)
    if claims < readable:
        sentences.append(f"Of {readable - claims:,} of {readable:,} titles cited no like or dislike could be read.")
    stated = sum(row.stated_likes + row.stated_dislikes for row in results.rows)
    if readable:
        wrong_likes = sum(row.likes_called_disliked for row in results.rows)
        wrong_dislikes = sum(row.dislikes_called_liked for row in results.rows)
        sentences.append(
            f"The reader of free prose reads a side of {stated:,} of them: {wrong_likes:,} likes are called disliked, "
            f"{wrong_dislikes:,} dislikes liked."
        )
    return sentences


def _format_estimate(estimate: Estimate) -> str:
    return f"{format_number(estimate.value)} {format_interval(estimate.low, estimate.high)}".strip()
