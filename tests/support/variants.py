"""Variants by their keys, which tests name."""

from __future__ import annotations

from thinkrec.run.variants import VARIANTS, Variant


def get_variant(key: str) -> Variant:
    """The variant of a key."""
    return next(variant for variant in VARIANTS if variant.key == key)
