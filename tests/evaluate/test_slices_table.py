"""The table of parts: each part is named once, and what is not defined is a dash."""

from __future__ import annotations

from rich.console import Console

from thinkrec.evaluate.slices_table import render_slices_table

NONE = {"value": None, "low": None, "high": None}


def make_entry(model: str, **changes: object) -> dict[str, object]:
    figures = {"value": 0.75, "low": 0.7, "high": 0.8}
    entry = {"group": "user", "slice": "no train row", "model": model, "rows": 1200, "users": 30, "users_in_uauc": 20}
    return {**entry, "like_rate": 0.5, "ece": 0.02, "auc": figures, "uauc": figures, "ndcg": figures, **changes}


def test_a_part_is_named_once_and_gaps_are_dashes() -> None:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_slices_table([make_entry("one"), make_entry("two", uauc=NONE)], "t", 5))
    text = console.export_text()
    assert text.count("user: no train row") == 1 and "1,200" in text and "30 (20)" in text
    line = next(line for line in text.splitlines() if "two" in line)
    assert ".750 [.700, .800]" in line and " - " in line and "NDCG@5" in text
