"""Metrics and intervals as text, as the field prints them: three decimals without a leading zero."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal


def format_metric_titles(k: int) -> dict[str, str]:
    """Metric -> column title."""
    return {"auc": "AUC", "uauc": "UAUC", "ndcg": f"NDCG@{k}", "map": f"MAP@{k}"}


def format_number(value: float, *, signed: bool = False) -> str:
    """Three decimals without a leading zero, as the field prints them: .709, +.012, 1.000; n/a for NaN."""
    if math.isnan(value):
        return "n/a"
    # Half up on the written digits, so that a published .6775 is printed as .678 whatever its binary form.
    text = str(Decimal(repr(abs(float(value)))).quantize(Decimal("0.001"), ROUND_HALF_UP))
    small = text == "0.000"
    text = text.removeprefix("0")
    if signed:
        return text if small else ("+" if value > 0 else "-") + text
    return "-" + text if value < 0 and not small else text


def format_interval(low: float | None, high: float | None, *, signed: bool = False) -> str:
    """An interval in brackets; empty where it is not known."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"[{format_number(low, signed=signed)}, {format_number(high, signed=signed)}]"
