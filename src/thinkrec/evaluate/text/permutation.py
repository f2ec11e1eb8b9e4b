"""What chance gives: texts of other rows, as systems of their own."""

from __future__ import annotations

from collections.abc import Mapping

from thinkrec.evaluate.metrics import checks
from thinkrec.evaluate.metrics.permutation import draw_permutation_baseline
from thinkrec.evaluate.text.align import References

ANOTHER_ROW = "of another row"


def build_permutation_baseline(
    first: str, texts: Mapping[str, tuple[str, ...]], references: References, seed: int
) -> dict[str, tuple[str, ...]]:
    """What chance gives: a reference of another row, and the first system's reason of another row."""
    _, code = checks.encode_users(references.user, len(references.order))
    places = draw_permutation_baseline(code, seed)
    return {
        f"reference {ANOTHER_ROW}": tuple(references.text[place] for place in places),
        f"{first}, reason {ANOTHER_ROW}": tuple(texts[first][place] for place in places),
    }
