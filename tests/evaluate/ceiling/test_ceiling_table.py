"""The tables in the terminal hold what was measured."""

from __future__ import annotations

from rich.console import Console

from thinkrec.evaluate.ceiling.table import render_ceiling_tables


def test_every_figure_is_shown() -> None:
    result = {
        "n_rows": 1234,
        "order_leak": 0.987,
        "oracle": {"0.1": (0.611, 0.012)},
        "known_share": {"the aim": {"uauc": 0.72, "share": 0.25}},
        "explained": [{"term": "item", "deviance": 0.123, "auc": 0.731, "uauc": 0.715}],
        "row_counts": [{"low": 50, "high": None, "users": 35, "uauc": 0.697, "error": 0.017}],
        "curves": [{"scorer": "boosting", "by": "rows", "share": 0.5, "n_rows": 16886, "auc": 0.798, "uauc": 0.692}],
    }
    console = Console(width=200, record=True, quiet=False, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_ceiling_tables(result))
    text = console.export_text()
    for shown in ("1,234", ".987", "10%", ".611", "25%", "12.3%", ".731", "50 and more", "35", "50% of rows", "16,886"):
        assert shown in text, shown
