"""The verdict of the paired differences in one sentence: whether a model ranks better than the simplest and best other.

The yardstick is UAUC, the order of items for one user. It is compared with the best row that holds one number per item,
the same for everybody, and with the best other model of the table. A difference counts where its interval leaves out
zero. With several other rows the best one is chosen on the same rows, so a small difference to it flatters that row.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass

from thinkrec.evaluate.metrics.bootstrap import PairedDifference
from thinkrec.evaluate.number_format import format_interval, format_metric_titles, format_number
from thinkrec.evaluate.result_types import RANKED, RankingResults, ResultRow


@dataclass(frozen=True)
class RankingVerdict:
    """What a table says about the model that its other rows are compared to."""

    sentence: str
    lost: bool
    """Whether a row that it is compared with ranks clearly better."""
    better: str | None = None
    """The name of that row, the best one if there are two."""


@dataclass(frozen=True)
class _RowDifference:
    """The model minus another row."""

    row: ResultRow
    pair: PairedDifference
    description: str
    """The other row and the difference with its interval."""


def build_verdict(results: RankingResults) -> RankingVerdict | None:
    """The verdict on the model that the others are compared to; None where nothing was compared.

    The sentence names metric, difference and interval. Without a user who has both classes UAUC is not defined: the
    sentence then goes by AUC over all rows, and says so.
    """
    if not results.comparisons:
        return None
    model = results.comparisons[0].against
    metric = "uauc" if results.n_users_uauc else "auc"
    gaps = [
        gap
        for kind in ("impersonal", "model")
        if (gap := _find_best_other_row(kind, results, model, metric)) is not None
    ]
    if not gaps:
        return RankingVerdict(
            f"Nothing can be said about how {model} ranks: no difference to another row is defined.", False
        )
    worse = [gap for gap in gaps if gap.pair.high < 0]
    better = [gap for gap in gaps if gap.pair.low > 0]
    undecided = [gap for gap in gaps if gap not in worse and gap not in better]
    clauses = [
        f"ranks {how} {_join_descriptions(rows, 'than')}"
        for how, rows in (("worse", worse), ("better", better))
        if rows
    ]
    clauses += [f"no difference {_join_descriptions(undecided, 'from')} is shown"] if undecided else []
    where = "For one user" if metric == "uauc" else "Over the rows of all users together"
    if worse or better:
        sentence = f"{where} {model} {', but '.join(clauses)}"
    else:
        sentence = f"{where} no difference is shown {_join_descriptions(undecided, f'between {model} and')}"
    if metric == "auc":
        sentence += "; no user has a liked and a not liked test row, so nothing is known about the order for one user"
    if not worse:
        return RankingVerdict(sentence + ".", False)
    best = max(worse, key=lambda gap: gap.row.estimates[metric].value).row.name
    warning = "; do not use it to rank" if any(gap.row.kind == "impersonal" for gap in worse) else ""
    return RankingVerdict(f"{sentence}{warning}; rank with --model {shlex.quote(best)}.", True, best)


def _find_best_other_row(kind: str, results: RankingResults, model: str, metric: str) -> _RowDifference | None:
    """The best row of a kind beside the model, with the difference to it; None where no difference is defined."""
    assert kind in RANKED
    pairs = {c.name: _reverse_difference(c.pairs[metric]) for c in results.comparisons if c.against == model}
    rows = [
        row
        for row in results.rows
        if row.kind == kind and row.name in pairs and not math.isnan(pairs[row.name].difference)
    ]
    if not rows:
        return None
    row = max(rows, key=lambda row: row.estimates[metric].value)
    pair = pairs[row.name]
    article = "the " if kind == "impersonal" else ""
    title, interval = format_metric_titles(results.k)[metric], format_interval(pair.low, pair.high, signed=True)
    difference = f"{title} {format_number(pair.difference, signed=True)} {interval}".rstrip()
    return _RowDifference(row, pair, f"{article}{row.name} ({difference})")


def _reverse_difference(pair: PairedDifference) -> PairedDifference:
    """The difference the other way round; the share above is not known, since draws that tie count for neither."""
    return PairedDifference(-pair.difference, -pair.high, -pair.low, math.nan)


def _join_descriptions(gaps: list[_RowDifference], word: str) -> str:
    return " and ".join(f"{word} {gap.description}" for gap in gaps)
