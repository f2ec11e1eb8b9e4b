"""Batches, attention over shared prefixes, the recommender and its generation.

Every fast path has a plain one that it equals, and tests that say so; see docs/performance.md.
"""
