"""Several tests at once: p-values that hold for all of them together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def compute_adjusted_p_values(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, each in its place, 0..1.

    With the m defined values in ascending order, adjusted p_(i) = max over j <= i of min(1, (m - j + 1) p_(j)). Calling
    a difference real where its adjusted value is at most alpha keeps the chance of one false call or more, in the whole
    family, at alpha, however the tests hang together (Holm, Scandinavian Journal of Statistics 1979). NaN stays NaN: a
    test that is not defined belongs to no family.

    >>> compute_adjusted_p_values([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values = np.array(p_values, dtype=np.float64)
    defined = np.flatnonzero(~np.isnan(values))
    order = defined[np.argsort(values[defined], kind="stable")]
    steps = np.minimum(1.0, values[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(values), math.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted.tolist()
