"""The permutation baseline: every row gets the reason of another row, which shows what chance gives."""

from __future__ import annotations

import numpy as np

from thinkrec.errors import DataError


def draw_permutation_baseline(code: np.ndarray, seed: int) -> np.ndarray:
    """A permutation of the rows, int64 (n,): for every row another one, of another user wherever there is one.

    `code`, int64 (n,), is each row's user, as `metrics.checks.encode_users` numbers them. Rows are put in a random
    order with those of a user together; each takes the row that is as far on as the largest user has rows, so it lands
    outside its own user if no user has more than half of the rows. Raises DataError for less than two rows.
    """
    n = len(code)
    if n < 2:
        raise DataError(
            f"the reason of another row needs at least two rows, here are {n}; give more, or drop --baseline if you "
            "gave it"
        )
    rng = np.random.default_rng(seed)
    rank = rng.permutation(code.max() + 1)
    order = np.lexsort((rng.permutation(n), rank[code]))
    step = int(np.bincount(code).max()) % n or 1
    partner = np.empty(n, dtype=np.int64)
    partner[order] = np.roll(order, -step)
    return partner
