"""The tables of `thinkrec evaluate ceiling`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from thinkrec.evaluate.number_format import format_number
from thinkrec.evaluate.table import make_captioned_table


def render_ceiling_tables(result: Mapping[str, Any]) -> Group:
    """All of what `run.ceiling.measure_ceiling` gives, for the terminal."""
    leak = (
        f"Scores that know nothing but the earlier labels of the same {result['n_rows']:,} rows reach UAUC "
        f"{format_number(result['order_leak'])}: a ceiling below 1 is one for scores that do not bend away from what "
        "was just seen."
    )
    return Group(
        _make_table(
            "A user's opinions, known by a share of what decides",
            ["share known", "UAUC"],
            [[f"{float(s):.0%}", f"{format_number(m)} +- {format_number(e)}"] for s, (m, e) in result["oracle"].items()]
            + [
                [f"{row['share']:.0%}", f"{format_number(row['uauc'])} ({name})"]
                for name, row in result["known_share"].items()
            ],
            [leak],
        ),
        _make_table(
            "Deviance explained, term by term",
            ["with", "deviance", "AUC", "UAUC"],
            [
                [row["term"], f"{row['deviance']:.1%}", format_number(row["auc"]), format_number(row["uauc"])]
                for row in result["explained"]
            ],
            ["Logistic regressions on validation rows, judged on test rows; every term beside those above it."],
        ),
        _make_table(
            "More training data",
            ["scorer", "part", "train rows", "AUC", "UAUC"],
            [
                [p["scorer"], f"{p['share']:.0%} of {p['by']}", f"{p['n_rows']:,}", *map(format_number, _get_pair(p))]
                for p in result["curves"]
            ],
            ["Fitted on a part of the train rows; the pasts of the test rows stay whole."],
        ),
        _make_table(
            "Users by number of rows (item mean + keywords)",
            ["rows", "users", "UAUC"],
            [
                [
                    f"{g['low']} and more" if g["high"] is None else f"{g['low']} to {g['high']}",
                    str(g["users"]),
                    f"{format_number(g['uauc'])} +- {format_number(g['error'])}",
                ]
                for g in result["row_counts"]
            ],
            ["+-: standard error over users."],
        ),
    )


def _get_pair(point: Mapping[str, Any]) -> tuple[float, float]:
    return point["auc"], point["uauc"]


def _make_table(title: str, headings: list[str], rows: list[list[str]], notes: list[str]) -> Table:
    table = make_captioned_table(title, notes)
    for heading in headings:
        table.add_column(heading)
    for row in rows:
        table.add_row(*row)
    return table
