"""Where the time of the slowest requests went, beside that of the usual ones: by what each answer says of itself."""

from __future__ import annotations

from typing import Any

from serve_load import LoadResult

PARTS = {
    "wait": "for a free lane",
    "score": "scored, by a lane",
    "service": "in the service besides: parsing, the past, the answer, the turn of its threads",
    "outside": "before it was read and after it was sent: the generator, the socket, the event loop",
}
"""Milliseconds; they sum to what the client waited."""


def split_latencies(result: LoadResult) -> list[dict[str, float]]:
    """Per answered request its milliseconds as the client saw them (`all`), its PARTS, `batch` and `misses`."""
    rows = []
    for seconds, told in zip(result.latencies, result.parts, strict=True):
        total, wait, score = (told.get(name, 0.0) for name in ("total", "wait", "score"))
        rows.append(
            {
                "all": seconds * 1000,
                "wait": wait,
                "score": score,
                "service": total - wait - score,
                "outside": seconds * 1000 - total,
                "batch": told.get("batch", 0.0),
                "misses": told.get("misses", 0.0),
            }
        )
    return rows


def explain_slowest(result: LoadResult, share: float = 0.01) -> dict[str, dict[str, float]]:
    """Means of `split_latencies` over the slowest share of the requests (at least one), and over the middle tenth."""
    rows = sorted(split_latencies(result), key=lambda row: row["all"])
    if not rows:
        return {}
    slowest = rows[-max(1, round(share * len(rows))) :]
    middle = rows[int(0.45 * len(rows)) : max(int(0.55 * len(rows)), int(0.45 * len(rows)) + 1)]
    return {"slowest": _average_rows(slowest), "middle": _average_rows(middle)}


def _average_rows(rows: list[dict[str, float]]) -> dict[str, float]:
    means = {name: sum(row[name] for row in rows) / len(rows) for name in rows[0]}
    return means | {"requests": len(rows)}


def show_breakdown(name: str, means: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Print one line per group; returns what was given."""
    for group, row in means.items():
        parts = ", ".join(f"{part} {row[part]:.0f}" for part in PARTS)
        print(
            f"    {name}, {group} {row['requests']:.0f} requests: {row['all']:.0f} ms = {parts}; "
            f"{row['batch']:.1f} questions in the batch, {row['misses']:.1f} prefixes computed",
            flush=True,
        )
    return means
