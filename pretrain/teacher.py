"""What an exact reader would believe: the best linear inference from earlier labels, given a world's hyper-
parameters.

It sees what a prompt shows (keywords and labels of the lines before) plus the scales of the world, and knows which
keyword is the genre, the theme and the tone. A label in {-1, +1} is taken as a squashed Gaussian taste plus noise;
the covariance of two tastes is the sum of the squared scales of the attributes that two items share. One Cholesky
factor of the labels' covariance holds all one-step-ahead predictions.
"""

from __future__ import annotations

import numpy as np

from thinkrec.simulate.simulator import SimulatorConfig
from thinkrec.simulate.vocabulary import RECEPTIONS

_RECEIVED = {word: mean for five, mean in zip(RECEPTIONS, (-1.5, -0.7, 0.0, 0.7, 1.5), strict=True) for word in five}


def beliefs(keywords: list[tuple[str, ...]], labels: np.ndarray, config: SimulatorConfig) -> np.ndarray:
    """float32 (n,): probability of a like at every place, from the `labels` (0 or 1) before it; oldest first."""
    genre, theme, tone = (equal(np.array([words[k] for words in keywords])) for k in range(3))
    standing = np.array([_RECEIVED.get(words[-1], 0.0) for words in keywords])
    taste = (
        config.user_bias_std**2
        + config.main_effect_weight**2 * (genre + theme) / 2
        + config.tone_weight**2 * tone
        + (config.interaction_weight * (1 - config.drift_rate / 2)) ** 2 * genre * theme
        + config.quality_weight**2 * 0.3 * np.eye(len(keywords))
    )
    return infer(taste, config.quality_weight * standing, labels)


def infer(taste: np.ndarray, offset: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """float32 (n,): one-step-ahead probabilities of a like.

    `taste` (n, n): covariance of the logits of a like. `offset` (n,): their known part.
    """
    slope = 0.5 / np.sqrt(1 + np.pi * float(np.diag(taste).mean()) / 8)
    mean = np.clip(slope * offset, -0.9, 0.9)
    covariance = slope**2 * taste
    np.fill_diagonal(covariance, 1.0)
    lower = np.linalg.cholesky(covariance)
    seen = 2.0 * labels - 1.0
    surprise = np.linalg.solve(lower, seen - mean)
    expected = seen - np.diag(lower) * surprise
    return np.clip((1 + expected) / 2, 0.02, 0.98).astype(np.float32)


def equal(values: np.ndarray) -> np.ndarray:
    """float64 (n, n): 1 where two of `values` (n,) are the same."""
    return (values[:, None] == values[None, :]).astype(float)
