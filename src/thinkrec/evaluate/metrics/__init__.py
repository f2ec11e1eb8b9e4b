"""Metrics of rankings, their intervals and comparisons."""
