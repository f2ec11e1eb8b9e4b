"""Grounding of reasons: citations, claims, attributes and verdict of a reason against the row it is about."""
